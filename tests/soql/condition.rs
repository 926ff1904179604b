//! Bare conditions, as people write them behind `where:`.

use bridged::soql::ast::{Condition, Operator, Value};
use bridged::soql::error::SoqlErrorKind;
use bridged::soql::parse::{condition, query};

#[test]
fn fields_come_with_their_places() {
    let text = "IsConverted = false AND (Owner.Name LIKE 'A%' OR HOUR_IN_DAY(CreatedDate) > 8)";
    let parsed = condition(text).unwrap();
    let fields: Vec<(String, &str)> = parsed
        .fields()
        .into_iter()
        .map(|path| (path.dotted(), &text[path.span()]))
        .collect();
    assert_eq!(
        fields,
        [
            ("IsConverted".to_owned(), "IsConverted"),
            ("Owner.Name".to_owned(), "Owner.Name"),
            ("CreatedDate".to_owned(), "CreatedDate"),
        ]
    );
}

#[test]
fn spans_count_bytes_behind_characters_of_any_width() {
    let text = "Name = 'Zoë 🦊' AND Cty = 'x'";
    let parsed = condition(text).unwrap();
    assert_eq!(&text[parsed.fields()[1].span()], "Cty");
    let error = condition("Name = 'Zoë 🦊' AND = 3").unwrap_err();
    assert_eq!(error.span.start, "Name = 'Zoë 🦊' AND ".len());
}

#[test]
fn a_condition_can_be_wrapped_in_parentheses_and_joined() {
    for text in [
        "IsConverted = false",
        "A__c = 1 OR B__c = 2",
        "NOT A__c = 1",
        "(A__c = 1)",
        "Id IN (SELECT LeadId__c FROM Thing__c)",
    ] {
        assert!(condition(text).is_ok(), "{text}");
        let whole = format!("SELECT Id FROM Lead WHERE ({text}) AND Id > '00Q' ORDER BY Id");
        assert!(query(&whole).is_ok(), "{whole}");
    }
}

#[test]
fn no_condition_can_break_out_of_the_parentheses_around_it() {
    for (text, message) in [
        ("A__c = 1) OR (B__c = 2", "closes nothing"),
        ("A__c = 1 ORDER BY Id", "`ORDER BY` does not belong"),
        ("A__c = 1 LIMIT 5", "`LIMIT` does not belong"),
        ("A__c = 1 GROUP BY Id", "`GROUP BY` does not belong"),
        ("A__c = 1 WITH USER_MODE", "`WITH` does not belong"),
        ("A__c = 1 FOR UPDATE", "`FOR` does not belong"),
        ("WHERE A__c = 1", "not part of the condition"),
        ("SELECT Id FROM Lead", "not a whole query"),
        ("", "expected a field"),
        ("A__c = 1 B__c = 2", "expected `AND`, `OR`"),
        ("COUNT(Id) > 1", "behind `WHERE`"),
        ("A__c = 1 OR Id IN (SELECT X__c FROM Y__c)", "inside `OR`"),
        ("a.b.c.d.e.f.g = 1", "5 is the most"),
        ("A__c = 1 -- comment", "no meaning"),
        ("A__c = 'x' OR Name LIKE '%", "no closing quote"),
    ] {
        let error = condition(text).expect_err(text);
        assert!(error.message.contains(message), "{text}: {error}");
    }
}

#[test]
fn mixed_logic_is_a_kind_of_its_own() {
    let error = condition("A__c = 1 AND B__c = 2 OR C__c = 3").unwrap_err();
    assert_eq!(error.kind, SoqlErrorKind::MixedLogic);
    assert_eq!(error.span, 22..24);
}

#[test]
fn a_condition_knows_whether_days_change_its_rows() {
    for (text, depends) in [
        ("CreatedDate = LAST_N_DAYS:90", true),
        ("A__c = 1 AND (B__c = 2 OR CreatedDate < TODAY)", true),
        (
            "Id IN (SELECT WhoId FROM Task WHERE CreatedDate = TODAY)",
            true,
        ),
        ("CreatedDate > 2026-01-01T00:00:00Z", false),
        ("Name = 'TODAY'", false),
    ] {
        assert_eq!(
            condition(text).unwrap().depends_on_today(),
            depends,
            "{text}"
        );
    }
}

#[test]
fn the_tree_says_what_was_written() {
    let parsed = condition("Status NOT IN ('a', 'b') AND X__c <> 2").unwrap();
    let Condition::And(parts) = &parsed else {
        panic!("{parsed:?}")
    };
    assert_eq!(parts.len(), 2);
    let comparisons = parsed.comparisons();
    assert_eq!(comparisons[0].operator, Operator::NotIn);
    assert_eq!(comparisons[1].operator, Operator::NotEqual);
    let values: Vec<&Value> = parsed.literals().into_iter().map(|l| &l.value).collect();
    assert_eq!(
        values,
        [
            &Value::Text("a".to_owned()),
            &Value::Text("b".to_owned()),
            &Value::Integer(2)
        ]
    );
}
