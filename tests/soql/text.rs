//! Values written as SOQL and read back: nothing a value holds becomes syntax.

use bridged::soql::ast::{Operand, Pattern, PatternPart, Value};
use bridged::soql::parse::condition;
use bridged::soql::text::{
    datetime, is_name, is_path, quote_like, quote_pattern, quote_string, string_list, value,
};
use proptest::prelude::*;

/// The one value of a condition that must be one comparison.
fn read_back(condition_text: &str) -> Value {
    let parsed = condition(condition_text).expect(condition_text);
    let comparisons = parsed.comparisons();
    assert_eq!(comparisons.len(), 1, "{condition_text}");
    match &comparisons[0].right {
        Operand::Value(literal) => literal.value.clone(),
        other => panic!("{other:?}"),
    }
}

const HOSTILE: &[&str] = &[
    "' OR Name LIKE '%",
    "\\'",
    "\\",
    "\\\\'",
    "'",
    "''",
    "line\nbreak\r\n",
    "O\u{2019}Neil",
    "100%_sure",
    "\\%",
    "\\u0027",
    "x') OR (Id != '",
    "\u{0}\u{1}\u{7f}\u{85}",
    "\u{2028}\u{202e}\u{feff}",
    "🦊 Zoë",
    "",
];

#[test]
fn x24_hostile_text_is_one_literal_that_means_itself() {
    for text in HOSTILE {
        let equal = read_back(&format!("Name = {}", quote_string(text)));
        assert_eq!(equal, Value::Text((*text).to_owned()));
        let like = read_back(&format!("Name LIKE {}", quote_like(text)));
        let parts: Vec<_> = Some(*text)
            .filter(|text| !text.is_empty())
            .map(|text| PatternPart::Text(text.to_owned()))
            .into_iter()
            .collect();
        assert_eq!(like, Value::Pattern(Pattern { parts }));
    }
}

#[test]
fn x24_a_list_of_hostile_text_is_a_list_of_so_many_values() {
    let list = string_list(HOSTILE.iter().copied()).unwrap();
    let parsed = condition(&format!("Name IN {list}")).unwrap();
    let values: Vec<_> = parsed.literals().iter().map(|l| l.value.clone()).collect();
    let meant: Vec<_> = HOSTILE
        .iter()
        .map(|t| Value::Text((*t).to_owned()))
        .collect();
    assert_eq!(values, meant);
    assert_eq!(string_list([]), None);
}

#[test]
fn instants_are_written_in_utc_to_the_millisecond() {
    for (instant, written) in [
        ("2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00Z"),
        ("2026-01-31T12:00:00.5Z", "2026-01-31T12:00:00.500Z"),
        ("2026-01-31T12:00:00.123999Z", "2026-01-31T12:00:00.123Z"),
        ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500Z"),
    ] {
        assert_eq!(datetime(instant.parse().unwrap()), written);
    }
}

#[test]
fn values_of_every_kind_read_back_as_themselves() {
    for text in [
        "null",
        "true",
        "false",
        "5",
        "-5",
        "2.5",
        "-0.001",
        "USD500.5",
        "EUR3.0",
        "'x'",
        "2026-01-31",
        "2026-01-31T10:00:00Z",
        "2026-01-31T10:00:00.250Z",
        "09:30:00.250Z",
        "LAST_N_DAYS:90",
        "THIS_FISCAL_YEAR",
    ] {
        let meant = read_back(&format!("X__c = {text}"));
        let written = value(&meant).unwrap();
        assert_eq!(read_back(&format!("X__c = {written}")), meant, "{text}");
    }
    assert_eq!(value(&Value::Decimal(f64::NAN)), None);
    assert_eq!(value(&Value::Decimal(f64::INFINITY)), None);
}

#[test]
fn names_and_paths_hold_no_syntax() {
    for name in ["Id", "Lead_Score__c", "ns__X__c", "Owner2"] {
        assert!(is_name(name), "{name}");
    }
    for name in ["", "2x", "_x", "x_", "a.b", "a b", "a,b", "a)", "é", "a'"] {
        assert!(!is_name(name), "{name}");
    }
    assert!(is_path("Owner.Profile.Name"));
    assert!(!is_path("Owner..Name") && !is_path(".Name") && !is_path("Name FROM Lead"));
}

proptest! {
    #[test]
    fn any_text_reads_back_as_itself(text in any::<String>()) {
        let equal = read_back(&format!("Name = {}", quote_string(&text)));
        prop_assert_eq!(equal, Value::Text(text));
    }

    #[test]
    fn any_pattern_reads_back_as_itself(parts in prop::collection::vec("[a-z%_'\\\\\n]{1,5}", 0..4)) {
        let mut pattern = Pattern::default();
        for (at, text) in parts.into_iter().enumerate() {
            pattern.parts.push(PatternPart::Text(text));
            pattern.parts.push(if at % 2 == 0 { PatternPart::Any } else { PatternPart::One });
        }
        let read = read_back(&format!("Name LIKE {}", quote_pattern(&pattern)));
        prop_assert_eq!(read, Value::Pattern(pattern));
    }

    #[test]
    fn any_decimal_reads_back_as_itself(number in any::<f64>().prop_filter("finite", |n| n.is_finite())) {
        let written = value(&Value::Decimal(number)).unwrap();
        prop_assert_eq!(read_back(&format!("X__c = {written}")), Value::Decimal(number));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[ -~\n'é🦊]{0,60}") {
        let _ = condition(&text);
    }
}
