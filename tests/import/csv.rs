//! CSV: a header, rows of as many cells, quotes only where RFC 4180 has them.

use std::fmt::Write as _;

use bridged::foundation::code::Code;
use bridged::import::{Form, Kind};
use proptest::prelude::{Strategy, prop};
use serde_json::{Value, json};

use super::sample::{Scene, place, slip};

#[test]
fn cells_are_texts_empty_ones_absent_and_consents_yes_or_no() {
    let scene = Scene::new();
    let text = "\
key,phone,zip,note,consent.whatsapp,consent.email,salesforce_id,consent.source
ada,+14155550100,01234,\"a \"\"quote\"\", a comma\nand a line\",yes,FALSE,,yes
bob,,7,,,1,00Q5e00000abcDE,
\"c\"\"\",\" x \",,\"\",,,,
";
    let report = scene.import(Kind::Profiles, Form::Csv, text);
    assert_eq!((report.records, report.added, report.slips), (3, 3, 0));
    let ada = scene.profile("ada");
    let expected = json!({
        "phone": "+14155550100", "zip": "01234", "note": "a \"quote\", a comma\nand a line",
    });
    assert_eq!(Value::Object(ada.attributes), expected);
    let consent = json!({ "whatsapp": true, "email": false, "source": "yes" });
    assert_eq!(Value::Object(ada.consent), consent);
    let bob = scene.profile("bob");
    assert_eq!(Value::Object(bob.attributes), json!({ "zip": "7" }));
    assert_eq!(Value::Object(bob.consent), json!({ "email": true }));
    assert_eq!(bob.salesforce_id.as_deref(), Some("00Q5e00000abcDEEAY"));
    let odd = scene.profile("c\"");
    assert_eq!(Value::Object(odd.attributes), json!({ "phone": " x " }));
}

#[test]
fn further_columns_of_outcomes_become_fields() {
    let scene = Scene::new();
    let text = "id,kind,profile,occurred_at,summary,minutes\r\n\
                o1,qualified,ada,2027-03-01T06:00:00Z,wants a demo,12\r\n";
    let report = scene.import(Kind::Outcomes, Form::Csv, text);
    assert_eq!((report.added, report.slips), (1, 0));
    let fields = Value::Object(scene.outcome("o1").fields);
    assert_eq!(
        fields,
        json!({ "summary": "wants a demo", "minutes": "12" })
    );
}

/// A header, and what is said of it: message, help, what is marked.
type Header = (Kind, &'static str, &'static str, &'static str, &'static str);

const WRONG_HEADERS: [Header; 7] = [
    (
        Kind::Profiles,
        "name,phone",
        "no column `key`",
        "names the columns: key",
        "name,phone",
    ),
    (
        Kind::Profiles,
        "kay,phone",
        "no column `key`",
        "rename `kay` to `key`",
        "kay,phone",
    ),
    (
        Kind::Profiles,
        "key;phone",
        "no column `key`",
        "with commas",
        "key;phone",
    ),
    (
        Kind::Profiles,
        "key,a,b, a",
        "`a` stands twice",
        "keep one",
        " a",
    ),
    (
        Kind::Profiles,
        "key,,a",
        "column 2 has no name",
        "name it",
        "",
    ),
    (Kind::Profiles, "key,\"a", "never closed", "twice", "\""),
    (
        Kind::Engagements,
        "id,profile,kind,at,campain",
        "no column `campain`",
        "`campaign`?",
        "campain",
    ),
];

#[test]
fn a_header_that_does_not_fit_ends_the_import() {
    for (kind, header, message, help, marked) in WRONG_HEADERS {
        let text = format!("{header}\n1,2,3,4,5\n");
        let scene = Scene::new();
        for report in [
            scene.import(kind, Form::Csv, &text),
            scene.skip_invalid(kind, Form::Csv, &text),
        ] {
            assert_eq!((report.records, report.slips), (0, 1), "{header}");
            let found = &report.findings[0];
            let is_broken = found.code == Code::ImportLineUnreadable;
            assert_eq!(is_broken, message == "never closed", "{header}");
            assert!(
                is_broken || found.code == Code::ImportHeaderInvalid,
                "{header}"
            );
            assert!(
                found.message.contains(message),
                "{header}: {}",
                found.message
            );
            let said = found.help.as_deref().unwrap_or_default();
            assert!(said.contains(help), "{header}: {said}");
            assert_eq!((place(found).0, place(found).2), (1, marked), "{header}");
        }
    }
}

#[test]
fn a_file_without_a_header_or_with_several_slips_in_it_is_told_whole() {
    let found = slip(Kind::Profiles, Form::Csv, "");
    assert_eq!(found.code, Code::ImportHeaderInvalid);
    assert_eq!(place(&found), (1, 1, ""));
    let report = Scene::new().import(Kind::Outcomes, Form::Csv, "when,who\n");
    assert_eq!(report.slips, 4, "every missing column is told at once");
}

#[test]
fn a_broken_row_is_told_with_its_line_and_costs_no_other() {
    for (row, message, marked) in [
        ("b,1", "has 2 cells, and the header 3 columns", "b,1"),
        ("b,1,2,3", "has 4 cells", "b,1,2,3"),
        ("b,5\" pipe,x", "a quote stands where none may", "\""),
        ("b,\"x\" y,z", "a quote stands where none may", "\""),
        ("b,\"x,y", "never closed", "\""),
    ] {
        let text = format!("key,x,y\n\na,\"1\n1\",2\n{row}\nc,3,4\n");
        let scene = Scene::new();
        let report = scene.import(Kind::Profiles, Form::Csv, &text);
        assert_eq!((report.records, report.slips), (3, 1), "{row}");
        let found = &report.findings[0];
        assert_eq!(found.code, Code::ImportLineUnreadable, "{row}");
        assert!(found.message.contains(message), "{row}: {}", found.message);
        assert_eq!((place(found).0, place(found).2), (5, marked), "{row}");
        let report = scene.skip_invalid(Kind::Profiles, Form::Csv, &text);
        assert_eq!((report.added, report.invalid), (2, 1), "{row}");
        assert_eq!(scene.profile("c").attributes["x"], "3");
    }
}

#[test]
fn a_cell_that_may_not_be_what_it_is_is_marked() {
    for (kind, text, code, expected) in [
        (
            Kind::Profiles,
            "key,consent.whatsapp\na,maybe\n",
            Code::ImportFieldInvalid,
            (2, 3, "maybe"),
        ),
        (
            Kind::Profiles,
            "key,consent\na,yes\n",
            Code::ImportFieldInvalid,
            (2, 3, "yes"),
        ),
        (
            Kind::Profiles,
            "key,x\n,1\n",
            Code::ImportFieldMissing,
            (2, 1, ""),
        ),
        (
            Kind::Outcomes,
            "id,profile,kind,occurred_at\no,p,k,\"01/02/2027\"\n",
            Code::ImportFieldInvalid,
            (2, 7, "\"01/02/2027\""),
        ),
    ] {
        let found = slip(kind, Form::Csv, text);
        assert_eq!(found.code, code, "{text}");
        assert_eq!(place(&found), expected, "{text}");
    }
}

#[test]
fn a_quote_that_swallows_the_rest_is_told_where_it_opens() {
    let mut text = "key,x\na,1\nb,\"never closed\n".to_owned();
    for row in 0..2_000 {
        writeln!(text, "c{row},{}", "x".repeat(1_000)).expect("written");
    }
    let scene = Scene::new();
    let report = scene.skip_invalid(Kind::Profiles, Form::Csv, &text);
    assert_eq!((report.records, report.slips), (2_002, 1));
    assert_eq!(place(&report.findings[0]), (3, 3, "\""));
    assert_eq!(report.added, 2_001, "the rows behind it are read");
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) || cell.trim().is_empty() {
        return format!("\"{}\"", cell.replace('"', "\"\""));
    }
    cell.to_owned()
}

fn row() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[a-c,\"\n é]{0,6}", 3)
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_is_written_by_the_rules_reads_back(rows in prop::collection::vec(row(), 0..5)) {
        let mut text = "key,x,y,z\n".to_owned();
        for (number, row) in rows.iter().enumerate() {
            let cells: Vec<_> = row.iter().map(|cell| quoted(cell)).collect();
            writeln!(text, "k{number},{}", cells.join(",")).expect("written");
        }
        let scene = Scene::new();
        let report = scene.import(Kind::Profiles, Form::Csv, &text);
        proptest::prop_assert_eq!(report.slips, 0, "{:?}", report.findings);
        for (number, row) in rows.iter().enumerate() {
            let stored = scene.profile(&format!("k{number}"));
            for (name, cell) in ["x", "y", "z"].into_iter().zip(row) {
                let expected = (!cell.is_empty()).then(|| Value::from(cell.as_str()));
                proptest::prop_assert_eq!(stored.attributes.get(name), expected.as_ref());
            }
        }
    }
}
