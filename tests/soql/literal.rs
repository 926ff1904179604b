//! What literals mean.

use bridged::soql::ast::{Pattern, PatternPart, Value};
use bridged::soql::date_literal::{DateLiteral, Unit};
use bridged::soql::parse::condition;

fn value(text: &str) -> Value {
    let parsed = condition(&format!("X__c = {text}")).unwrap();
    parsed.literals()[0].value.clone()
}

fn pattern(text: &str) -> Vec<PatternPart> {
    let parsed = condition(&format!("X__c LIKE {text}")).unwrap();
    match parsed.literals()[0].value.clone() {
        Value::Pattern(Pattern { parts }) => parts,
        other => panic!("{other:?}"),
    }
}

#[test]
fn escapes_are_resolved() {
    for (text, meant) in [
        (r"'it\'s'", "it's"),
        (r#"'\"quoted\" and "bare"'"#, "\"quoted\" and \"bare\""),
        (r"'a\\b\\'", r"a\b\"),
        (r"'\n\N\r\t\b\f'", "\n\n\r\t\u{8}\u{c}"),
        (r"'\u0041\u00e9\u00C9'", "AéÉ"),
        (r"'\ud83e\udd8a!'", "🦊!"),
        ("'two\nlines'", "two\nlines"),
        ("''", ""),
        ("'100% _sure_'", "100% _sure_"),
        ("'it’s'", "it’s"),
    ] {
        assert_eq!(value(text), Value::Text(meant.to_owned()), "{text}");
    }
}

#[test]
fn patterns_tell_wildcards_from_characters() {
    let text = |t: &str| PatternPart::Text(t.to_owned());
    assert_eq!(pattern("'A%'"), [text("A"), PatternPart::Any]);
    assert_eq!(
        pattern(r"'_\_\%%'"),
        [PatternPart::One, text("_%"), PatternPart::Any]
    );
    assert_eq!(pattern(r"'it\'s'"), [text("it's")]);
    assert_eq!(pattern("''"), []);
}

#[test]
fn numbers_keep_their_kind() {
    for (text, meant) in [
        ("5", Value::Integer(5)),
        ("-5", Value::Integer(-5)),
        ("+5", Value::Integer(5)),
        ("0", Value::Integer(0)),
        ("2.50", Value::Decimal(2.5)),
        ("-.5", Value::Decimal(-0.5)),
        ("5.", Value::Decimal(5.0)),
        ("1e3", Value::Decimal(1_000.0)),
        ("1.5E-2", Value::Decimal(0.015)),
        ("9223372036854775807", Value::Integer(i64::MAX)),
        (
            "9223372036854775808",
            Value::Decimal(9_223_372_036_854_775_808.0),
        ),
    ] {
        assert_eq!(value(text), meant, "{text}");
    }
    let money = Value::Currency {
        code: "USD".to_owned(),
        amount: 500.25,
    };
    assert_eq!(value("usd500.25"), money);
}

#[test]
fn instants_are_the_same_however_their_offset_is_written() {
    let noon: jiff::Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
    for text in [
        "2026-01-31T12:00:00Z",
        "2026-01-31t12:00:00z",
        "2026-01-31T12:00:00.000Z",
        "2026-01-31T12:00:00+00:00",
        "2026-01-31T12:00:00.000+0000",
        "2026-01-31T12:00:00-00",
        "2026-01-31T13:30:00+01:30",
        "2026-01-31T04:00:00-0800",
        "2026-02-01T00:00:00+12",
    ] {
        assert_eq!(value(text), Value::DateTime(noon), "{text}");
    }
    let fraction: jiff::Timestamp = "2026-01-31T12:00:00.123456789Z".parse().unwrap();
    assert_eq!(
        value("2026-01-31T12:00:00.1234567899Z"),
        Value::DateTime(fraction)
    );
}

#[test]
fn dates_and_times_have_values_of_their_own() {
    assert_eq!(
        value("2024-02-29"),
        Value::Date(jiff::civil::date(2024, 2, 29))
    );
    assert_eq!(
        value("09:30:00.250Z"),
        Value::Time(jiff::civil::time(9, 30, 0, 250_000_000))
    );
}

#[test]
fn date_literals_are_read_in_any_case_and_print_back() {
    for (text, meant) in [
        ("today", DateLiteral::Today),
        ("Last_90_Days", DateLiteral::Last90Days),
        ("LAST_WEEK", DateLiteral::Last(Unit::Week)),
        (
            "THIS_FISCAL_QUARTER",
            DateLiteral::This(Unit::FiscalQuarter),
        ),
        ("next_year", DateLiteral::Next(Unit::Year)),
        ("LAST_N_DAYS:90", DateLiteral::LastN(Unit::Day, 90)),
        (
            "NEXT_N_FISCAL_YEARS:3",
            DateLiteral::NextN(Unit::FiscalYear, 3),
        ),
        ("N_QUARTERS_AGO:2", DateLiteral::Ago(Unit::Quarter, 2)),
    ] {
        assert_eq!(value(text), Value::DateLiteral(meant), "{text}");
        assert_eq!(value(&meant.to_string()), Value::DateLiteral(meant));
    }
}
