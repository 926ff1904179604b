//! Whatever the bytes are: no panic, places that lie in the file, and JSON read as what it is.

use std::fs;
use std::sync::Arc;

use bridged::foundation::diagnostic::{Diagnostic, SourceFile};
use bridged::spec::{read, yaml};
use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use serde_json::{Map, Number, Value};

use crate::support::golden;

fn places_are_sound(findings: &[Diagnostic]) {
    for finding in findings {
        let related = finding.related.as_ref().map(|(place, _)| place);
        for place in finding.place.iter().chain(related) {
            assert!(
                place.file.text.get(place.span.clone()).is_some(),
                "{finding:?}"
            );
            assert!(place.start() <= place.end(), "{finding:?}");
        }
        let texts = [Some(&finding.message), finding.help.as_ref()];
        for text in texts.into_iter().flatten() {
            assert!(!text.chars().any(char::is_control), "{text:?}");
            assert!(!text.ends_with('.') && !text.is_empty(), "{text:?}");
        }
    }
}

fn fixtures() -> Vec<Vec<u8>> {
    let mut paths: Vec<_> = fs::read_dir(golden::folder().join("spec"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| fs::read(path).unwrap())
        .collect()
}

#[test]
fn every_prefix_of_a_pipeline_is_read_or_refused() {
    let path = golden::folder().join("spec/exhaustive-read-write.yaml");
    let whole = fs::read(path).unwrap();
    for end in (0..whole.len()).step_by(7) {
        places_are_sound(&read::pipeline("p.yaml", &whole[..end]).findings);
    }
}

fn json() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<i64>().prop_map(Number::from),
        (-1e15..1e15f64).prop_map(|float| Number::from_f64(float).unwrap()),
    ];
    let leaf = prop_oneof![
        proptest::strategy::Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number.prop_map(Value::Number),
        "[ -~äöü€😀]{0,12}".prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let map = prop::collection::btree_map("[ -~é]{0,8}", inner.clone(), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(Value::Array),
            map.prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Bytes that mean something to YAML.
const SPECIAL: &[u8] = b" \n\t:-{}[]\"'#&*!|>%@`\\";

proptest! {
    #[test]
    fn json_is_read_as_what_it_is(value in json(), pretty: bool) {
        let text = if pretty { format!("{value:#}") } else { value.to_string() };
        let file = Arc::new(SourceFile { path: "x".to_owned(), text, first_line: 1 });
        let (tree, findings) = yaml::parse(&file);
        prop_assert!(findings.is_empty(), "{:?}\n{}", findings, file.text);
        prop_assert_eq!(tree.map(|tree| tree.to_value()), Some(value));
    }

    #[test]
    fn damaged_files_are_refused_and_never_crash(
        fixture in 0..60usize,
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..6),
    ) {
        let fixtures = fixtures();
        let mut bytes = fixtures[fixture % fixtures.len()].clone();
        for (index, byte, how) in cuts {
            if bytes.is_empty() {
                break;
            }
            let at = index.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, SPECIAL[usize::from(byte) % SPECIAL.len()]),
                _ => { bytes.remove(at); }
            }
        }
        places_are_sound(&read::pipeline("p.yaml", &bytes).findings);
        places_are_sound(&read::project("p.yaml", &bytes).findings);
    }
}
