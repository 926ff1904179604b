//! JSON lines: one object a line, read strictly.

use bridged::foundation::code::Code;
use bridged::foundation::record::EngagementKind;
use bridged::import::{Form, Kind, MAX_LINE_BYTES};
use serde_json::{Value, json};

use super::sample::{Scene, place, slip};

#[test]
fn each_kind_is_read_whole() {
    let scene = Scene::new();
    let profiles = r#"{"key":"ada","full_name":"Ada","n":1.5,"big":9007199254740993,"tags":["a",null],"none":null,
"x":1}"#
        .replace('\n', "");
    let more = r#"{"key":"bob","salesforce_id":"00Q5e00000abcDE","consent":{"whatsapp":true,"email":null,"source":"trade fair"},"consent.sms":false,"consent.at":"2027-03-01"}"#;
    let report = scene.import(Kind::Profiles, Form::Jsonl, format!("{profiles}\n{more}\n"));
    assert_eq!((report.records, report.added, report.slips), (2, 2, 0));
    let expected = json!({
        "full_name": "Ada", "n": 1.5, "big": 9_007_199_254_740_993_i64, "tags": ["a", null],
        "none": null, "x": 1,
    });
    assert_eq!(Value::Object(scene.profile("ada").attributes), expected);
    let bob = scene.profile("bob");
    assert_eq!(bob.salesforce_id.as_deref(), Some("00Q5e00000abcDEEAY"));
    let consent = json!({ "whatsapp": true, "email": null, "sms": false, "source": "trade fair", "at": "2027-03-01" });
    assert_eq!(Value::Object(bob.consent), consent);
    assert!(bob.attributes.is_empty());

    let outcome = r#"{"kind":"converted","id":"o1","profile":"ada","occurred_at":"2027-02-28T23:00:00-05:00","summary":"é"}"#;
    scene.import(Kind::Outcomes, Form::Jsonl, outcome);
    let stored = scene.outcome("o1");
    assert_eq!(
        (stored.profile.as_str(), stored.kind.as_str()),
        ("ada", "converted")
    );
    assert_eq!(stored.occurred_at.to_string(), "2027-03-01T04:00:00Z");
    assert_eq!(Value::Object(stored.fields), json!({ "summary": "é" }));

    let events = r#"{"id":"e1","profile":"ada","kind":"opted_out","at":"2027-03-01T00:00:00Z","campaign":null}
{"id":"e2","profile":"ada","kind":"sent","at":"2027-03-02T00:00:00Z","campaign":"spring"}"#;
    scene.import(Kind::Engagements, Form::Jsonl, events);
    let stored = scene.store.engagements_of("ada", 9).expect("list");
    let kinds: Vec<_> = stored.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EngagementKind::Sent, EngagementKind::OptedOut]);
    assert_eq!(stored[0].campaign.as_deref(), Some("spring"));
    assert_eq!(stored[1].campaign, None);
}

#[test]
fn x31_what_is_no_strict_json_is_refused_at_its_place() {
    let deep = format!(
        r#"{{"key":"a","x":{}1{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let cases: [(&str, &str, usize); 15] = [
        ("[1]", "no JSON object", 1),
        ("  hello", "no JSON object", 3),
        (r#"{"key":"a""#, "no JSON: EOF", 10),
        (r#"{"key":"a"} {"key":"b"}"#, "trailing characters", 13),
        (r#"{"key":"a","x":NaN}"#, "no JSON", 16),
        (r#"{"key":"a","x":-Infinity}"#, "no JSON", 17),
        (r#"{"key":"a","x":1e999}"#, "number out of range", 20),
        (r#"{"key":"a","x":"\ud800"}"#, "hex escape", 23),
        (r#"{"key":"a","x":01}"#, "no JSON", 17),
        (r#"{"key":"a",}"#, "trailing comma", 12),
        (r#"{'key':"a"}"#, "key must be a string", 2),
        ("{\"key\":\"a\tb\"}", "control character", 9),
        (
            r#"{"key":"a","x":1,"x":2}"#,
            "the name `x` is given twice",
            20,
        ),
        (
            r#"{"key":"a","x":{"y":1,"y":2}}"#,
            "the name `y` is given twice",
            25,
        ),
        (&deep, "recursion limit", 143),
    ];
    for (text, message, column) in cases {
        let shown = &text[..text.len().min(60)];
        let found = slip(Kind::Profiles, Form::Jsonl, format!("\n{text}\n"));
        let (line, at, _) = place(&found);
        assert_eq!((line, at), (2, column), "{shown}: {}", found.message);
        assert!(
            found.message.contains(message),
            "{shown}: {}",
            found.message
        );
        let expected = [Code::ImportLineUnreadable, Code::ImportFieldInvalid];
        assert!(expected.contains(&found.code), "{shown}");
    }
}

#[test]
fn x31_a_number_that_json_does_not_have_is_named_as_one() {
    for number in ["NaN", "Infinity", "-Infinity", "[1,NaN]"] {
        let text = format!(r#"{{"key":"a","x":{number}}}"#);
        let found = slip(Kind::Profiles, Form::Jsonl, text);
        let help = found.help.as_deref().unwrap_or_default();
        assert!(help.contains("no such number"), "{number}: {help}");
    }
}

#[test]
fn s30_a_number_that_would_lose_digits_is_refused_and_no_other() {
    for number in ["18446744073709551616", "-9223372036854775809", "1e30"] {
        let text = format!(r#"{{"key":"a","x":[{number}]}}"#);
        let found = slip(Kind::Profiles, Form::Jsonl, text);
        assert_eq!(found.code, Code::ImportFieldInvalid, "{number}");
        assert!(found.message.contains("64 bits"), "{}", found.message);
    }
    let scene = Scene::new();
    let numbers = "[18446744073709551615,-9223372036854775808,0.1,-0.0,1e-7]";
    let text = format!(r#"{{"key":"a","x":{numbers}}}"#);
    assert_eq!(scene.import(Kind::Profiles, Form::Jsonl, text).slips, 0);
    assert_eq!(scene.profile("a").attributes["x"].to_string(), numbers);
}

/// A good record of the kind in which one field says something else.
fn with(kind: Kind, name: &str, value: &str) -> String {
    let mut fields = match kind {
        Kind::Profiles => vec![("key", r#""a""#)],
        _ => vec![
            ("id", r#""o""#),
            ("profile", r#""p""#),
            ("kind", r#""k""#),
            ("occurred_at", r#""2027-03-01T00:00:00Z""#),
        ],
    };
    fields.retain(|(other, _)| *other != name);
    fields.push((name, value));
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!(r#""{name}":{value}"#))
        .collect();
    format!("{{{}}}", fields.join(","))
}

#[test]
fn a_value_of_the_wrong_type_is_marked() {
    use Kind::{Outcomes, Profiles};

    for (kind, name, value) in [
        (Outcomes, "id", "17"),
        (Outcomes, "id", "[]"),
        (Outcomes, "occurred_at", r#""2027-03-01""#),
        (Outcomes, "occurred_at", r#""soon""#),
        (Outcomes, "occurred_at", "1772323200"),
        (Profiles, "salesforce_id", r#""00Q""#),
        (Profiles, "salesforce_id", r#""00Q5e00000abcDEAAA""#),
        (Profiles, "consent", r#""yes""#),
        (Profiles, "consent", r#"{"whatsapp":"true"}"#),
        (Profiles, "consent", r#"{"source":true}"#),
        (Profiles, "consent.whatsapp", "1"),
        (Profiles, "consent.source", "7"),
        (Profiles, "consent.at", "1772323200"),
    ] {
        let found = slip(kind, Form::Jsonl, with(kind, name, value));
        assert_eq!(found.code, Code::ImportFieldInvalid, "{name} {value}");
        assert!(found.message.contains(name), "{}", found.message);
        assert_eq!(place(&found).2, value, "{name}");
    }
    for (kind, name, value, code) in [
        (Outcomes, "id", r#""""#, Code::RecordUnstorable),
        (Outcomes, "kind", r#""a\u0007""#, Code::RecordUnstorable),
        (Profiles, "key", r#""""#, Code::ProfileUnstorable),
    ] {
        let found = slip(kind, Form::Jsonl, with(kind, name, value));
        assert_eq!(found.code, code, "{name} {value}");
        assert_eq!(place(&found).2, value, "{name}");
    }
}

#[test]
fn a_missing_field_names_the_nearest_that_is_there() {
    let text = r#"{"id":"o","profile":"p","kind":"k","occured_at":"2027-03-01T00:00:00Z"}"#;
    let found = slip(Kind::Outcomes, Form::Jsonl, text);
    assert_eq!(found.code, Code::ImportFieldMissing);
    assert_eq!(
        found.help.as_deref(),
        Some("rename `occured_at` to `occurred_at`")
    );
    let found = slip(Kind::Profiles, Form::Jsonl, r#"{"key":null,"x":1}"#);
    assert_eq!(found.code, Code::ImportFieldMissing);
    assert!(found.message.contains("`key`"), "{}", found.message);
}

#[test]
fn an_engagement_keeps_no_further_fields_and_says_so() {
    let event = |more: &str| {
        format!(r#"{{"id":"e","profile":"p","kind":"sent","at":"2027-03-01T00:00:00Z"{more}}}"#)
    };
    let found = slip(Kind::Engagements, Form::Jsonl, event(r#","campain":"x""#));
    assert_eq!(found.code, Code::ImportFieldInvalid);
    assert_eq!(found.help.as_deref(), Some("did you mean `campaign`?"));
    let found = slip(
        Kind::Engagements,
        Form::Jsonl,
        event("").replace("sent", "reply"),
    );
    assert_eq!(
        found.help.as_deref(),
        Some("write one of `sent`, `delivered`, `read`, `replied`, `opted_out`, `opted_in`")
    );
    let found = slip(
        Kind::Engagements,
        Form::Jsonl,
        event("").replace("sent", "repled"),
    );
    assert_eq!(found.help.as_deref(), Some("did you mean `replied`?"));
}

#[test]
fn x31_a_line_is_read_up_to_its_bound_and_not_behind_it() {
    let line = |length: usize| {
        let frame = r#"{"key":"a","x":""}"#.len();
        format!(r#"{{"key":"a","x":"{}"}}"#, "x".repeat(length - frame))
    };
    let scene = Scene::new();
    for end in ["", "\n", "\r\n"] {
        let report = scene.import(Kind::Profiles, Form::Jsonl, line(MAX_LINE_BYTES) + end);
        assert_eq!((report.records, report.slips), (1, 0), "{end:?}");
    }
    for length in [MAX_LINE_BYTES + 1, MAX_LINE_BYTES + 2, MAX_LINE_BYTES * 3] {
        let text = format!("{}\n{}", line(length), r#"{"key":"b"}"#);
        let report = scene.skip_invalid(Kind::Profiles, Form::Jsonl, text);
        assert_eq!((report.records, report.slips), (2, 1), "{length}");
        assert_eq!(report.findings[0].code, Code::ImportLineUnreadable);
        assert_eq!(place(&report.findings[0]).0, 1);
        scene.profile("b");
    }
}
