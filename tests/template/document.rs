//! `docs/templates.md`: every row of its tables runs, and its reference is the catalogue.

use std::fmt::Write as _;
use std::path::Path;

use bridged::template::catalogue::{Entry, EntryKind, catalogue};
use serde_json::Value;

use super::evaluate;

const MARK: &str = "<!-- reference";

fn read() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/templates.md");
    std::fs::read_to_string(path).expect("the document is there")
}

/// The cells of a row: texts between backticks, with `\|` for a bar.
fn cells(row: &str) -> Vec<String> {
    row.trim_matches('|')
        .replace("\\|", "\u{0}")
        .split('|')
        .map(|cell| cell.trim().trim_matches('`').replace('\u{0}', "|"))
        .collect()
}

#[test]
fn every_row_of_the_document_gives_what_it_says() {
    let document = read();
    let mut rows = 0;
    for row in document.lines().filter(|line| line.starts_with("| `")) {
        let [template, given, wanted] = cells(row).try_into().expect(row);
        let wanted: Value = serde_json::from_str(&wanted).expect(row);
        assert_eq!(evaluate(&template, &given), Ok(wanted), "{row}");
        rows += 1;
    }
    assert!(rows > 100, "{rows} rows");
}

fn section(document: &mut String, heading: &str, entries: &[&Entry]) {
    writeln!(document, "\n## {heading}").unwrap();
    for entry in entries {
        let bar = match entry.kind {
            EntryKind::Filter => "|",
            EntryKind::Test => "is",
        };
        writeln!(document, "\n### `{}`\n", entry.name).unwrap();
        write!(
            document,
            "`value {bar} {}` {}.",
            entry.signature(),
            entry.about
        )
        .unwrap();
        if !entry.aliases.is_empty() {
            let aliases: Vec<_> = entry
                .aliases
                .iter()
                .map(|alias| format!("`{alias}`"))
                .collect();
            write!(document, " Also {}.", aliases.join(", ")).unwrap();
        }
        writeln!(document, "\n\n| template | record | value |\n|---|---|---|").unwrap();
        for example in entry.examples {
            let cell = |text: &str| text.replace('|', "\\|");
            writeln!(
                document,
                "| `{}` | `{}` | `{}` |",
                cell(example.template),
                cell(example.given),
                cell(example.gives)
            )
            .unwrap();
        }
    }
}

#[test]
fn the_reference_lists_every_filter_and_test() {
    let document = read();
    let end = document.find(MARK).expect("the mark");
    let line = document[end..].find('\n').expect("a line") + end + 1;
    let mut wanted = document[..line].to_owned();
    for (heading, kind) in [("Filters", EntryKind::Filter), ("Tests", EntryKind::Test)] {
        let mut entries: Vec<&Entry> = catalogue().filter(|entry| entry.kind == kind).collect();
        entries.sort_by_key(|entry| entry.name);
        section(&mut wanted, heading, &entries);
    }
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/templates.md");
        std::fs::write(path, &wanted).expect("the document is written");
        return;
    }
    assert!(
        document == wanted,
        "docs/templates.md is not what the catalogue says; UPDATE_GOLDENS=1 rewrites its reference"
    );
}
