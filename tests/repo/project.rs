//! The repository's own project: its pipelines, its schemas, its invariants, its goldens.

use std::collections::{BTreeMap, BTreeSet};

use bridged::foundation::code::Code;
use bridged::spec::schema;

use super::tree::{File, assert_none, files, root};
use crate::support::binary::bridged;

#[test]
fn every_pipeline_validates_plans_and_passes_its_own_tests() {
    let count = files("pipelines", ".yaml").len();
    let validated = bridged(root(), &["validate", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(
        validated["result"]["valid"].as_array().map(Vec::len),
        Some(count)
    );
    assert_eq!(validated["findings"], serde_json::json!([]));
    let planned = bridged(root(), &["plan", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(
        planned["result"]["plans"].as_array().map(Vec::len),
        Some(count)
    );
    let tested = bridged(root(), &["test", "--format", "json"])
        .expect(0)
        .json();
    for suite in tested["result"]["pipelines"].as_array().expect("a list") {
        assert_ne!(
            suite["tests"],
            serde_json::json!([]),
            "{} has no tests",
            suite["pipeline"]
        );
    }
}

/// `UPDATE_SCHEMAS=1` rewrites the committed schemas.
#[test]
fn the_committed_schemas_are_what_the_types_produce() {
    let made = [
        ("schemas/pipeline.schema.json", schema::generate_pipeline()),
        ("schemas/project.schema.json", schema::generate_project()),
    ];
    for (path, text) in made {
        let path = root().join(path);
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::write(&path, &text).expect("schema written");
        }
        let committed = std::fs::read_to_string(&path).expect("schema read");
        assert!(
            committed == text,
            "{} is not current; UPDATE_SCHEMAS=1 rewrites it",
            path.display()
        );
    }
}

/// The numbers of the invariants that the map lists.
fn invariants() -> Vec<u32> {
    let map = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the map");
    map.lines()
        .filter_map(|line| line.strip_prefix("- **I")?.split_once("**")?.0.parse().ok())
        .collect()
}

#[test]
fn every_invariant_is_cited_where_it_is_upheld_and_in_a_tests_name() {
    let numbers = invariants();
    let expected: Vec<u32> = (1..=numbers.len() as u32).collect();
    assert!(!numbers.is_empty() && numbers == expected, "{numbers:?}");
    let source: String = files("src", ".rs")
        .iter()
        .map(|file| file.without_tests().to_owned())
        .collect();
    let all: Vec<_> = files("src", ".rs")
        .into_iter()
        .chain(files("tests", ".rs"))
        .collect();
    let mut wrong = Vec::new();
    for number in numbers {
        let word = format!("I{number}");
        let is_cited = source.match_indices(&word).any(|(at, _)| {
            let before = source[..at].chars().next_back();
            let after = source[at + word.len()..].chars().next();
            let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            !is_part(before) && !is_part(after)
        });
        if !is_cited {
            wrong.push(format!("{word} is cited nowhere in src"));
        }
        let test = format!("fn i{number}_");
        if !all.iter().any(|file| file.text.contains(&test)) {
            wrong.push(format!("{word} is in no test's name"));
        }
    }
    assert_none("invariants of ARCHITECTURE.md", &wrong);
}

/// Areas whose goldens are kept data, which old and new versions must read, and no outcomes.
const KEPT_DATA: [&str; 1] = ["store"];

/// Whether a golden shows a failure; `None` for inputs that lie beside their goldens.
fn fails(file: &File) -> Option<bool> {
    if file.path.rsplit('.').next() == Some("yaml") {
        return None;
    }
    let first = file.text.lines().next().unwrap_or_default();
    if let Some(exit) = first.strip_prefix("exit: ") {
        return Some(exit != "0");
    }
    let names_code = |line: &str| {
        let line = line.trim_start_matches([' ', '^']);
        let word = line.split([' ', ':']).next().unwrap_or_default();
        word.parse::<Code>().is_ok()
    };
    let is_marked = |line: &str| line.trim_start().starts_with('^') && names_code(line);
    let starts_with_code = names_code(first) || file.text.lines().any(is_marked);
    let holds_error = [
        "error[",
        "\"severity\": \"error\"",
        "::error ",
        "\"level\": \"error\"",
    ];
    Some(starts_with_code || holds_error.iter().any(|mark| file.text.contains(mark)))
}

#[test]
fn goldens_of_failures_are_as_many_as_of_successes() {
    let mut areas: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for file in files("tests/golden", "") {
        let area = file.path.split('/').nth(2).unwrap_or_default().to_owned();
        if KEPT_DATA.contains(&area.as_str()) {
            continue;
        }
        let counts = areas.entry(area).or_default();
        match fails(&file) {
            Some(true) => counts.0 += 1,
            Some(false) => counts.1 += 1,
            None => {}
        }
    }
    let wrong: Vec<_> = areas
        .iter()
        .filter(|(_, (failures, successes))| failures < successes)
        .map(|(area, (failures, successes))| {
            format!("{area}: {failures} failures, {successes} successes")
        })
        .collect();
    assert_none("goldens of failures, by area", &wrong);
}

#[test]
fn every_golden_is_compared_by_a_test() {
    let tests: String = files("tests", ".rs")
        .iter()
        .map(|file| file.text.clone())
        .collect();
    let helpers: BTreeSet<&str> = tests
        .split('"')
        .filter(|text| text.contains('/') && text.contains('{'))
        .map(|text| text.split('{').next().unwrap_or_default())
        .filter(|prefix| !prefix.is_empty())
        .collect();
    let wrong: Vec<_> = files("tests/golden", "")
        .into_iter()
        .map(|file| file.path.trim_start_matches("tests/golden/").to_owned())
        .filter(|name| {
            let stem = name
                .rsplit_once('.')
                .map_or(name.as_str(), |(stem, _)| stem);
            let named = tests.contains(name.as_str()) || tests.contains(&format!("\"{stem}\""));
            !named && !helpers.iter().any(|prefix| name.starts_with(prefix))
        })
        .collect();
    assert_none("goldens that nothing compares", &wrong);
}
