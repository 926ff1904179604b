//! Texts that are too long or too deep: refused, never a stack overflow.

use bridged::soql::error::SoqlErrorKind;
use bridged::soql::literal::STRING_CHARACTERS_MAX;
use bridged::soql::parse::{DEPTH_MAX, QUERY_CHARACTERS_MAX, condition, query};

#[test]
fn a_query_of_the_longest_length_parses_and_one_more_character_does_not() {
    let start = "SELECT Id FROM Lead WHERE Id = ''";
    let fits = format!("{start}{}", " ".repeat(QUERY_CHARACTERS_MAX - start.len()));
    assert!(query(&fits).is_ok());
    let error = query(&format!("{fits} ")).unwrap_err();
    assert_eq!(error.kind, SoqlErrorKind::TooLarge);
    assert_eq!(error.span, QUERY_CHARACTERS_MAX..QUERY_CHARACTERS_MAX + 1);
}

#[test]
fn length_counts_characters_not_bytes() {
    let text = format!("Name = '{}'", "🦊".repeat(STRING_CHARACTERS_MAX));
    assert!(condition(&text).is_ok());
    let text = format!("Name = '{}'", "🦊".repeat(STRING_CHARACTERS_MAX + 1));
    let error = condition(&text).unwrap_err();
    assert_eq!(error.kind, SoqlErrorKind::TooLarge);
    assert_eq!(error.span, 7..text.len());
}

#[test]
fn parentheses_stand_so_deep_and_no_deeper() {
    let nested = |depth: usize| format!("{}A__c = 1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(condition(&nested(DEPTH_MAX)).is_ok());
    for depth in [DEPTH_MAX + 1, 10_000, 49_000] {
        let error = condition(&nested(depth)).unwrap_err();
        assert_eq!(error.kind, SoqlErrorKind::TooLarge, "{depth}");
    }
}

#[test]
fn every_way_to_nest_is_bounded() {
    let many = 5_000;
    for text in [
        format!("SELECT Id, {}", "(SELECT Id, ".repeat(many)),
        format!("SELECT {}", "MAX(".repeat(many)),
        format!("SELECT Id FROM A WHERE {}", "NOT (".repeat(many)),
        format!(
            "SELECT Id FROM A WHERE {}",
            "X IN (SELECT Id FROM A WHERE ".repeat(many / 2)
        ),
        format!("SELECT Id FROM A WITH {}", "(".repeat(many)),
    ] {
        let error = query(&text).unwrap_err();
        assert_eq!(error.kind, SoqlErrorKind::TooLarge, "{}", &text[..40]);
    }
}

#[test]
fn a_list_as_long_as_a_query_can_carry_parses() {
    let ids = vec!["'00Q000000000001'"; 5_500].join(",");
    let text = format!("SELECT Id FROM Lead WHERE Id IN ({ids})");
    assert!(text.len() < QUERY_CHARACTERS_MAX);
    assert_eq!(
        query(&text).unwrap().filter.unwrap().literals().len(),
        5_500
    );
}

#[test]
fn levels_of_children_and_numbers_of_relationships_are_bounded() {
    let level = |inner: &str| format!("SELECT Id, ({inner}) FROM Children");
    let mut text = "SELECT Id FROM Children".to_owned();
    for _ in 0..4 {
        text = level(&text);
    }
    assert!(query(&text).is_ok());
    let error = query(&level(&text)).unwrap_err();
    assert!(error.message.contains("5 levels"), "{error}");

    let children = |n: usize| {
        let one = |i| format!(", (SELECT Id FROM C{i}__r)");
        let children = (0..n).map(one).collect::<Vec<_>>().concat();
        format!("SELECT Id{children} FROM Account")
    };
    assert!(query(&children(20)).is_ok());
    let error = query(&children(21)).unwrap_err();
    assert!(error.message.contains("20 child subqueries"), "{error}");

    let parents = |n: usize| {
        let one = |i| format!(", P{i}__r.Name");
        let parents = (0..n).map(one).collect::<Vec<_>>().concat();
        format!("SELECT Id{parents} FROM Account")
    };
    assert!(query(&parents(55)).is_ok());
    let error = query(&parents(56)).unwrap_err();
    assert!(error.message.contains("55 parent"), "{error}");

    let order = |n: usize| {
        let keys: Vec<String> = (0..n).map(|i| format!("F{i}__c")).collect();
        format!("SELECT Id FROM Account ORDER BY {}", keys.join(", "))
    };
    assert!(query(&order(32)).is_ok());
    assert!(query(&order(33)).is_err());
}
