//! Queries the org refuses: the code, the words, and the place.

use bridged::sandbox::user::{FieldAccess, ObjectAccess};

use super::query_fixture::Fixture;

const COLUMN: &str = "No such column 'Nope' on entity 'Contact'. If you are attempting to use a custom field, be \
                      sure to append the '__c' after the custom field name. Please reference your WSDL or the \
                      describe call for the appropriate names.";

/// Query, code, column of the place (0 for a message without one), a part of the message.
const REFUSED: &[(&str, &str, usize, &str)] = &[
    (
        "SELECT Id FORM Contact",
        "MALFORMED_QUERY",
        11,
        "unexpected token: 'FORM'",
    ),
    (
        "SELECT Id FROM Contact WHERE",
        "MALFORMED_QUERY",
        29,
        "unexpected token: '<EOF>'",
    ),
    (
        "SELECT Id FROM Contact WHERE Age__c = 1 AND Age__c = 2 OR Age__c = 3",
        "MALFORMED_QUERY",
        56,
        "unexpected token: 'OR'",
    ),
    (
        "SELECT Id FROM Contact WHERE Age__c = 1 AND NOT Age__c = 2",
        "MALFORMED_QUERY",
        45,
        "unexpected token: 'NOT'",
    ),
    (
        "SELECT Id n FROM Contact",
        "MALFORMED_QUERY",
        11,
        "only aggregate expressions use field aliasing",
    ),
    (
        "SELECT Id, ID FROM Contact",
        "MALFORMED_QUERY",
        0,
        "duplicate field selected: ID",
    ),
    (
        "SELECT FIELDS(STANDARD), LastName FROM Contact",
        "MALFORMED_QUERY",
        0,
        "duplicate field selected: LastName",
    ),
    (
        "SELECT LastName, COUNT(Id) FROM Contact",
        "MALFORMED_QUERY",
        8,
        "Field must be grouped or aggregated: LastName",
    ),
    (
        "SELECT Id FROM Contact LIMIT 1 OFFSET 2001",
        "NUMBER_OUTSIDE_VALID_RANGE",
        0,
        "2000",
    ),
    (
        "SELECT Id FROM Nope",
        "INVALID_TYPE",
        16,
        "sObject type 'Nope' is not supported.",
    ),
    (
        "SELECT Id FROM Contact WHERE Id IN (SELECT WhoId FROM Nope)",
        "INVALID_TYPE",
        55,
        "sObject type 'Nope'",
    ),
    ("SELECT Nope FROM Contact", "INVALID_FIELD", 8, COLUMN),
    (
        "SELECT Id FROM Contact WHERE Nope = 1",
        "INVALID_FIELD",
        30,
        COLUMN,
    ),
    (
        "SELECT Id FROM Contact ORDER BY Nope",
        "INVALID_FIELD",
        33,
        COLUMN,
    ),
    (
        "SELECT COUNT(Nope) FROM Contact",
        "INVALID_FIELD",
        14,
        COLUMN,
    ),
    (
        "SELECT Nope, COUNT(Id) FROM Contact GROUP BY Nope",
        "INVALID_FIELD",
        46,
        COLUMN,
    ),
    (
        "SELECT Account.Nope FROM Contact",
        "INVALID_FIELD",
        16,
        "No such column 'Nope' on entity 'Account'",
    ),
    (
        "SELECT Owner.Nope FROM Contact",
        "INVALID_FIELD",
        14,
        "No such column 'Nope' on entity 'Name'",
    ),
    (
        "SELECT Nope.Name FROM Contact",
        "INVALID_FIELD",
        8,
        "Didn't understand relationship 'Nope' in field path.",
    ),
    (
        "SELECT Account.Nope.Name FROM Contact",
        "INVALID_FIELD",
        16,
        "Didn't understand relationship 'Nope' in field path.",
    ),
    (
        "SELECT Id, (SELECT Id FROM Nopes) FROM Contact",
        "INVALID_TYPE",
        28,
        "Didn't understand relationship 'Nopes' in FROM part of query call.",
    ),
    (
        "SELECT Id, (SELECT Nope FROM Tasks) FROM Contact",
        "INVALID_FIELD",
        20,
        "No such column 'Nope' on entity 'Task'",
    ),
    (
        "SELECT TYPEOF Account WHEN Account THEN Name END FROM Contact",
        "INVALID_FIELD",
        15,
        "not polymorphic",
    ),
    (
        "SELECT TYPEOF Owner WHEN Lead THEN Name END FROM Contact",
        "INVALID_TYPE",
        26,
        "'Lead'",
    ),
    (
        "SELECT TYPEOF Owner WHEN User THEN Nope END FROM Contact",
        "INVALID_FIELD",
        36,
        "on entity 'User'",
    ),
    (
        "SELECT AnnualRevenue, FORMAT(AnnualRevenue) FROM Account",
        "MALFORMED_QUERY",
        0,
        "duplicate field selected: AnnualRevenue",
    ),
    (
        "SELECT Account.Name, Owner.Name FROM Contact GROUP BY Account.Name, Owner.Name",
        "MALFORMED_QUERY",
        0,
        "duplicate alias: Name",
    ),
    // operators and types
    (
        "SELECT Id FROM Contact WHERE Id LIKE '003%'",
        "INVALID_QUERY_FILTER_OPERATOR",
        30,
        "invalid operator on id field",
    ),
    (
        "SELECT Id FROM Contact WHERE Age__c LIKE '4%'",
        "INVALID_QUERY_FILTER_OPERATOR",
        30,
        "invalid operator on int field",
    ),
    (
        "SELECT Id FROM Contact WHERE Opt_In__c > false",
        "INVALID_QUERY_FILTER_OPERATOR",
        30,
        "invalid operator on boolean field",
    ),
    (
        "SELECT Id FROM Account WHERE Industry > 'B'",
        "INVALID_QUERY_FILTER_OPERATOR",
        30,
        "invalid operator on picklist field",
    ),
    (
        "SELECT Id FROM Contact WHERE LastName INCLUDES ('a')",
        "INVALID_QUERY_FILTER_OPERATOR",
        30,
        "invalid operator on string field",
    ),
    (
        "SELECT Id FROM Contact WHERE Age__c > null",
        "INVALID_QUERY_FILTER_OPERATOR",
        39,
        "for null",
    ),
    (
        "SELECT Id FROM Contact WHERE Id = 'abc'",
        "INVALID_QUERY_FILTER_OPERATOR",
        35,
        "invalid ID field: abc",
    ),
    (
        "SELECT Id FROM Contact WHERE AccountId IN ('001000000000001AAB')",
        "INVALID_QUERY_FILTER_OPERATOR",
        44,
        "invalid ID field: 001000000000001AAB",
    ),
    (
        "SELECT Id FROM Contact WHERE CreatedDate > 2026-01-01",
        "INVALID_FIELD",
        44,
        "value of filter criterion for field 'CreatedDate' must be of type dateTime and should not be enclosed in quotes",
    ),
    (
        "SELECT Id FROM Contact WHERE CreatedDate > '2026-01-01T00:00:00Z'",
        "INVALID_FIELD",
        44,
        "must be of type dateTime and should not be enclosed in quotes",
    ),
    (
        "SELECT Id FROM Contact WHERE Birthdate = 2026-01-01T00:00:00Z",
        "INVALID_FIELD",
        42,
        "must be of type date and should not be enclosed in quotes",
    ),
    (
        "SELECT Id FROM Contact WHERE Age__c = '4'",
        "INVALID_FIELD",
        39,
        "must be of type int and should not be enclosed in quotes",
    ),
    (
        "SELECT Id FROM Contact WHERE Age__c = 4.5",
        "INVALID_FIELD",
        39,
        "must be of type int",
    ),
    (
        "SELECT Id FROM Contact WHERE Score__c = 'x'",
        "INVALID_FIELD",
        41,
        "must be of type double",
    ),
    (
        "SELECT Id FROM Contact WHERE Opt_In__c = 'true'",
        "INVALID_FIELD",
        42,
        "must be of type boolean",
    ),
    (
        "SELECT Id FROM Contact WHERE LastName = 5",
        "INVALID_FIELD",
        41,
        "must be of type string and should be enclosed in quotes",
    ),
    (
        "SELECT Id FROM Contact WHERE LastName = TODAY",
        "INVALID_FIELD",
        41,
        "must be of type string",
    ),
    (
        "SELECT Id FROM Contact WHERE Id = 5",
        "INVALID_FIELD",
        35,
        "must be of type id and should be enclosed in quotes",
    ),
    (
        "SELECT Id FROM Contact WHERE LastName IN ('a', 5)",
        "INVALID_FIELD",
        48,
        "must be of type string",
    ),
    (
        "SELECT Id FROM Contact WHERE Score__c = 1e300",
        "NUMBER_OUTSIDE_VALID_RANGE",
        41,
        "range",
    ),
    // what a field cannot do
    (
        "SELECT Id FROM Contact WHERE Notes__c = 'x'",
        "INVALID_FIELD",
        30,
        "field 'Notes__c' can not be filtered in a query call",
    ),
    (
        "SELECT Id FROM Contact ORDER BY Notes__c",
        "MALFORMED_QUERY",
        33,
        "field 'Notes__c' can not be sorted in a query call",
    ),
    (
        "SELECT Notes__c FROM Contact GROUP BY Notes__c",
        "MALFORMED_QUERY",
        39,
        "field 'Notes__c' can not be grouped in a query call",
    ),
    (
        "SELECT SUM(LastName) FROM Contact",
        "MALFORMED_QUERY",
        8,
        "field LastName does not support aggregate operator SUM",
    ),
    (
        "SELECT MAX(Opt_In__c) FROM Contact",
        "MALFORMED_QUERY",
        8,
        "does not support aggregate operator MAX",
    ),
    (
        "SELECT Id FROM Contact WHERE CALENDAR_YEAR(LastName) = 1",
        "MALFORMED_QUERY",
        30,
        "does not support date function CALENDAR_YEAR",
    ),
    (
        "SELECT Id FROM Contact WHERE HOUR_IN_DAY(Birthdate) = 1",
        "MALFORMED_QUERY",
        30,
        "does not support date function HOUR_IN_DAY",
    ),
    // joins, scopes, clauses
    (
        "SELECT Id FROM Contact WHERE LastName IN (SELECT Id FROM Task)",
        "MALFORMED_QUERY",
        30,
        "should be an id field",
    ),
    (
        "SELECT Id FROM Contact WHERE Id IN (SELECT Subject FROM Task)",
        "MALFORMED_QUERY",
        44,
        "The selected field 'Subject'",
    ),
    (
        "SELECT Id FROM Contact WHERE Id IN (SELECT Id FROM contact)",
        "MALFORMED_QUERY",
        52,
        "object of the outer query",
    ),
    (
        "SELECT Id FROM Contact USING SCOPE team",
        "MALFORMED_QUERY",
        36,
        "Scope 'team' is not supported",
    ),
    (
        "SELECT Id FROM Contact WITH DATA CATEGORY a AT b",
        "MALFORMED_QUERY",
        43,
        "not supported",
    ),
    (
        "SELECT Id FROM Contact UPDATE TRACKING",
        "MALFORMED_QUERY",
        24,
        "UPDATE is not supported",
    ),
    (
        "SELECT FIELDS(ALL) FROM Contact",
        "MALFORMED_QUERY",
        8,
        "LIMIT",
    ),
    (
        "SELECT COUNT(), Id FROM Contact",
        "MALFORMED_QUERY",
        8,
        "only thing",
    ),
];

#[test]
fn refusals_have_salesforces_code_words_and_place() {
    let org = Fixture::filled();
    let mut wrong = Vec::new();
    for (soql, code, column, message) in REFUSED {
        match org.ask(soql) {
            Ok(_) => wrong.push(format!("answered: {soql}")),
            Err(error) => {
                let place = format!("ERROR at Row:1:Column:{column}\n");
                let placed = match column {
                    0 => !error.message.contains("ERROR at"),
                    _ => error.message.contains(&place),
                };
                if error.code != *code || !error.message.contains(message) || !placed {
                    wrong.push(format!("{soql}: {} {}", error.code, error.message));
                }
                assert_eq!(error.status, 400);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_caret_stands_under_the_offending_word() {
    let org = Fixture::filled();
    let soql = "SELECT Id, LastName, Email, AccountId, OwnerId, Birthdate, Nope FROM Contact\nWHERE Id != null";
    let message = org.ask(soql).unwrap_err().message;
    let lines: Vec<&str> = message.split('\n').collect();
    let caret = lines[2].find('^').unwrap();
    assert_eq!(&lines[1][caret..caret + 4], "Nope");
    assert!(lines[1].starts_with("Email, "), "{message}");
    assert_eq!(lines[3], "ERROR at Row:1:Column:60");

    let soql = "SELECT Id\nFROM Contact\nWHERE Nope = 1";
    let message = org.ask(soql).unwrap_err().message;
    assert!(
        message.starts_with("\nWHERE Nope = 1\n      ^\nERROR at Row:3:Column:7\n"),
        "{message}"
    );
}

#[test]
fn what_a_user_may_not_see_is_not_there() {
    let mut org = Fixture::filled();
    let hidden = FieldAccess {
        read: false,
        edit: false,
    };
    org.user.permissions.set_field("Contact", "Email", hidden);
    org.user
        .permissions
        .set_field("Contact", "AccountId", hidden);
    for soql in [
        "SELECT Email FROM Contact",
        "SELECT Id FROM Contact WHERE Email = 'x'",
        "SELECT Id FROM Contact ORDER BY Email",
        "SELECT COUNT(Email) FROM Contact",
    ] {
        let error = org.ask(soql).unwrap_err();
        assert_eq!(error.code, "INVALID_FIELD", "{soql}");
        assert!(
            error
                .message
                .contains("No such column 'Email' on entity 'Contact'"),
            "{soql}"
        );
    }
    let error = org.ask("SELECT Account.Name FROM Contact").unwrap_err();
    assert!(
        error
            .message
            .contains("Didn't understand relationship 'Account'"),
        "{}",
        error.message
    );
    let error = org
        .ask("SELECT Id, (SELECT Id FROM Contacts) FROM Account")
        .unwrap_err();
    assert!(
        error.message.contains("'Contacts' in FROM part"),
        "{}",
        error.message
    );
    let answer = org.ask("SELECT FIELDS(STANDARD) FROM Contact").unwrap();
    assert!(answer["records"][0].get("Email").is_none());

    let none = ObjectAccess {
        read: false,
        ..ObjectAccess::FULL
    };
    org.user.permissions.set_object("Task", none);
    let error = org.ask("SELECT Id FROM Task").unwrap_err();
    assert_eq!(error.code, "INVALID_TYPE");
    let error = org
        .ask("SELECT Id, (SELECT Id FROM Tasks) FROM Contact")
        .unwrap_err();
    assert_eq!(error.code, "INVALID_TYPE");
}

#[test]
fn a_field_hidden_on_one_object_of_a_polymorphic_reference_is_null_there() {
    let mut org = Fixture::filled();
    let hidden = FieldAccess {
        read: false,
        edit: false,
    };
    org.user.permissions.set_field("User", "Name", hidden);
    let soql = "SELECT Owner.Name FROM Contact WHERE OwnerId != null ORDER BY Id";
    let answer = org.ask(soql).unwrap();
    let name = |at: usize| answer["records"][at]["Owner"]["Name"].clone();
    assert_eq!(name(0), serde_json::Value::Null);
    assert_eq!(name(1), "Queue");
    let found = org.column("Id", "SELECT Id FROM Contact WHERE Owner.Name = 'Ada'");
    assert_eq!(found, [""; 0]);
}
