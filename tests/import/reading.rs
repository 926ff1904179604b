//! What is alike for every file: bytes, bounds, repeats, and what happens when something is wrong.

use bridged::foundation::code::Code;
use bridged::import::{Form, Input, Kind, MAX_SHOWN};
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};

use super::sample::{Scene, place, slip};

#[test]
fn marks_line_ends_and_empty_lines_say_nothing() {
    let rows = [r#"{"key":"a"}"#, "", "  ", r#"{"key":"b"}"#];
    for end in ["\n", "\r\n"] {
        for start in ["", "\u{feff}"] {
            for last in ["", end] {
                let text = format!("{start}{}{last}", rows.join(end));
                let report = Scene::new().import(Kind::Profiles, Form::Jsonl, &text);
                assert_eq!((report.records, report.added), (2, 2), "{text:?}");
                let text = format!("{start}key{end}a{end}{end}b{last}");
                let report = Scene::new().import(Kind::Profiles, Form::Csv, &text);
                assert_eq!((report.records, report.added), (2, 2), "{text:?}");
            }
        }
    }
    for (form, empty) in [
        (Form::Jsonl, ""),
        (Form::Jsonl, "\n\n"),
        (Form::Csv, "key\n"),
    ] {
        let report = Scene::new().import(Kind::Profiles, form, empty);
        assert_eq!((report.records, report.slips), (0, 0), "{empty:?}");
    }
}

#[test]
fn a_line_that_is_not_utf8_is_told_with_its_place() {
    let found = slip(
        Kind::Profiles,
        Form::Jsonl,
        b"{\"key\":\"a\"}\n{\"key\":\"b\xff\"}\n",
    );
    assert_eq!(found.code, Code::ImportLineUnreadable);
    assert!(found.message.contains("UTF-8"), "{}", found.message);
    assert_eq!(place(&found), (2, 10, "\u{fffd}"));
    let found = slip(Kind::Profiles, Form::Csv, b"key,x\na,1\nb,\xc3\x28\n");
    assert_eq!(place(&found), (3, 3, "\u{fffd}"));
    let utf16: Vec<u8> = "\u{feff}key\na\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let found = slip(Kind::Profiles, Form::Csv, utf16);
    assert_eq!(found.help.as_deref(), Some("save the file as UTF-8"));
}

#[test]
fn a_repeat_changes_nothing_and_a_difference_counts() {
    let scene = Scene::new();
    let outcome = |id: u32, kind: &str| {
        format!(
            r#"{{"id":"o{id}","profile":"p","kind":"{kind}","occurred_at":"2027-03-01T00:00:00Z"}}"#
        )
    };
    let counts = |lines: &[String]| {
        let report = scene.import(Kind::Outcomes, Form::Jsonl, lines.join("\n"));
        (report.added, report.changed, report.unchanged)
    };
    let first = [outcome(1, "a"), outcome(2, "a"), outcome(1, "a")];
    assert_eq!(counts(&first), (2, 0, 1));
    let change = scene.store.newest_change().expect("read");
    assert_eq!(counts(&first), (0, 0, 3));
    assert_eq!(scene.store.newest_change().expect("read"), change);
    assert_eq!(counts(&[outcome(1, "b"), outcome(3, "a")]), (1, 1, 0));
    let profiles = |text: &str| {
        let report = scene.import(Kind::Profiles, Form::Csv, text);
        (report.added, report.changed, report.unchanged)
    };
    assert_eq!(profiles("key,x\na,1\nb,1\n"), (2, 0, 0));
    assert_eq!(profiles("key,x\na,1\nb,2\nc,1\n"), (1, 1, 1));
    assert_eq!(
        profiles("key,y\na,\n"),
        (0, 0, 1),
        "absent leaves it as it was"
    );
}

#[test]
fn every_slip_is_told_in_one_pass_and_nothing_is_stored() {
    let text = r#"{"key":"a"}
{"key":7,"salesforce_id":"x","consent":1}
{"name":"c"}
not json
{"key":"e"}
"#;
    let scene = Scene::new();
    let report = scene.import(Kind::Profiles, Form::Jsonl, text);
    assert_eq!((report.records, report.invalid, report.slips), (5, 3, 5));
    let lines: Vec<_> = report.findings.iter().map(|found| place(found).0).collect();
    assert_eq!(lines, [2, 2, 2, 3, 4]);
    assert_eq!((report.added, report.unchanged), (0, 0));
    assert_eq!(scene.store.newest_change().expect("read"), 0);

    let report = scene.skip_invalid(Kind::Profiles, Form::Jsonl, text);
    assert_eq!((report.added, report.invalid, report.slips), (2, 3, 5));
    assert_eq!(scene.store.profile_count().expect("count"), 2);
}

#[test]
fn of_many_slips_the_first_are_shown_and_all_are_counted() {
    let text = "nothing\n".repeat(1_000);
    let report = Scene::new().import(Kind::Outcomes, Form::Jsonl, text);
    assert_eq!(
        (report.records, report.invalid, report.slips),
        (1_000, 1_000, 1_000)
    );
    assert_eq!(report.findings.len(), MAX_SHOWN);
    assert_eq!(place(&report.findings[MAX_SHOWN - 1]).0, MAX_SHOWN);
}

#[test]
fn more_records_than_a_group_holds_are_all_stored() {
    let scene = Scene::new();
    let rows: Vec<_> = (0..1_201)
        .map(|row| format!(r#"{{"key":"k{row}"}}"#))
        .collect();
    let report = scene.import(Kind::Profiles, Form::Jsonl, rows.join("\n"));
    assert_eq!((report.records, report.added), (1_201, 1_201));
    assert_eq!(scene.store.profile_count().expect("count"), 1_201);
}

#[test]
fn what_cannot_be_opened_is_an_error() {
    let dir = tempfile::tempdir().expect("folder");
    for path in [dir.path().join("none.csv"), dir.path().to_owned()] {
        let error = Input::open(&path, "x.csv").expect_err("no file");
        assert_eq!(error.code(), Code::FileUnreadable);
        assert!(error.message().contains("`x.csv`"), "{error}");
    }
}

#[test]
fn the_ending_says_how_a_file_is_written() {
    for (name, form) in [
        ("a.csv", Some(Form::Csv)),
        ("dir.csv/b.JSONL", Some(Form::Jsonl)),
        ("c.ndjson", Some(Form::Jsonl)),
        ("d.json", Some(Form::Jsonl)),
        ("-", None),
        ("e.xlsx", None),
        ("csv", None),
    ] {
        assert_eq!(Form::of_name(name), form, "{name}");
    }
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(&[
            "{\"key\":\"a\"}", "{\"key\":", "key,x", "a,b", "\"", ",", "\n", "\r\n", "\u{feff}", "[[", "é", "null", "\\u",
        ][..]).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
        1 => Just(vec![b'x'; 300]),
    ];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]

    #[test]
    fn x31_any_bytes_are_read_or_refused_with_places_inside_the_file(bytes in bytes(), csv in any::<bool>()) {
        let form = if csv { Form::Csv } else { Form::Jsonl };
        let lines = bytes.split(|byte| *byte == b'\n').count();
        let scene = Scene::new();
        for kind in [Kind::Profiles, Kind::Outcomes, Kind::Engagements] {
            let report = scene.skip_invalid(kind, form, &bytes);
            proptest::prop_assert_eq!(report.findings.len() as u64, report.slips);
            let stored = report.added + report.changed + report.unchanged;
            proptest::prop_assert_eq!(report.records, stored + report.invalid);
            for found in &report.findings {
                let (line, _, _) = place(found);
                proptest::prop_assert!((1..=lines).contains(&line), "line {} of {}", line, lines);
            }
        }
    }
}
