//! Queries that are not SOQL: the place that is underlined, the message, the help.

use bridged::soql::parse::query;

/// Query, the underlined part (empty at the end of the text), a part of the message, a part of the help.
const REJECTED: &[(&str, &str, &str, &str)] = &[
    // structure
    ("", "", "expected `SELECT`, found the end of the text", ""),
    (
        "SELCT Id FROM Lead",
        "SELCT",
        "expected `SELECT`",
        "did you mean `SELECT`?",
    ),
    ("UPDATE Lead SET x = 1", "UPDATE", "expected `SELECT`", ""),
    ("SELECT FROM Lead", "FROM", "expected a field", ""),
    (
        "SELECT Id",
        "",
        "expected `,` or `FROM`, found the end of the text",
        "",
    ),
    (
        "SELECT Id FORM Lead",
        "FORM",
        "no word of SOQL",
        "did you mean `FROM`?",
    ),
    ("SELECT Id, FROM Lead", "FROM", "expected a field", ""),
    (
        "SELECT Id Name Email FROM Lead",
        "Email",
        "expected `,` or `FROM`",
        "",
    ),
    (
        "SELECT Id Name FROM Lead",
        "Name",
        "alias only where rows are grouped",
        "commas",
    ),
    (
        "SELECT * FROM Lead",
        "*",
        "`*` does not select fields",
        "FIELDS(STANDARD)",
    ),
    ("SELECT Id FROM", "", "expected the name of an object", ""),
    (
        "SELECT Id FROM 'Lead'",
        "'Lead'",
        "expected the name of an object, found the string 'Lead'",
        "",
    ),
    (
        "SELECT Id FROM Lead WERE Name = 'x'",
        "WERE",
        "no word of SOQL",
        "did you mean `WHERE`?",
    ),
    ("SELECT Id FROM Lead WHERE", "", "expected a field", ""),
    (
        "SELECT Id FROM Lead;",
        ";",
        "does not end with `;`",
        "remove",
    ),
    (
        "SELECT Id FROM Lead GROUP LeadSource",
        "LeadSource",
        "expected `BY`",
        "",
    ),
    (
        "SELECT Id FROM Lead ORDER Name",
        "Name",
        "expected `BY`",
        "",
    ),
    (
        "SELECT Id FROM Lead ORDER BY",
        "",
        "expected a field to order by",
        "",
    ),
    (
        "SELECT Id FROM Lead ORDER BY Name UP",
        "UP",
        "expected the end of the query",
        "",
    ),
    (
        "SELECT Id FROM Lead ORDER BY Name NULLS",
        "",
        "expected `FIRST` or `LAST`",
        "",
    ),
    (
        "SELECT Id FROM Lead ORDER BY Name NULLS FRIST",
        "FRIST",
        "expected `FIRST` or `LAST`",
        "`FIRST`",
    ),
    (
        "SELECT Id FROM Lead LIMIT",
        "",
        "expected a whole number behind `LIMIT`",
        "",
    ),
    (
        "SELECT Id FROM Lead LIMIT ten",
        "ten",
        "expected a whole number",
        "",
    ),
    (
        "SELECT Id FROM Lead LIMIT -1",
        "-1",
        "expected a whole number",
        "",
    ),
    (
        "SELECT Id FROM Lead LIMIT 1.5",
        "1.5",
        "expected a whole number",
        "",
    ),
    (
        "SELECT Id FROM Lead LIMIT :n",
        ":",
        "bind variable",
        "value itself",
    ),
    (
        "SELECT Id FROM Lead LIMIT 99999999999999999999",
        "99999999999999999999",
        "more rows",
        "",
    ),
    (
        "SELECT Id FROM Lead LIMIT 1 WHERE Name = 'x'",
        "WHERE",
        "cannot stand here",
        "in this order",
    ),
    (
        "SELECT Id FROM Lead ORDER BY Id WHERE Name = 'x'",
        "WHERE",
        "cannot stand here",
        "in this order",
    ),
    (
        "SELECT Id FROM Lead WHERE A__c = 1 WHERE B__c = 2",
        "WHERE",
        "cannot stand here",
        "at most once",
    ),
    (
        "SELECT Id FROM Lead OFFSET 1 LIMIT 2",
        "LIMIT",
        "cannot stand here",
        "in this order",
    ),
    ("SELECT Id FROM Lead ALL ROWS", "ALL", "is Apex", "queryAll"),
    (
        "SELECT Id FROM Lead LIMIT 1 2",
        "2",
        "expected the end of the query",
        "",
    ),
    (
        "SELECT Id FROM Lead)",
        ")",
        "expected the end of the query",
        "",
    ),
    (
        "SELECT Id FROM Lead USING SCOPE nobody",
        "nobody",
        "expected a scope",
        "",
    ),
    (
        "SELECT Id FROM Lead USING SCOPE mien",
        "mien",
        "expected a scope",
        "did you mean `mine`?",
    ),
    (
        "SELECT Id FROM Lead FOR EVER",
        "EVER",
        "expected `VIEW`",
        "",
    ),
    (
        "SELECT Id FROM Lead UPDATE VIEWSTATS",
        "VIEWSTATS",
        "expected `TRACKING`",
        "VIEWSTAT",
    ),
    (
        "SELECT Id FROM Q WITH DATA CATEGORY a UNDER b",
        "UNDER",
        "expected `AT`",
        "",
    ),
    (
        "SELECT Id. FROM Lead",
        "FROM",
        "expected a name behind the dot",
        "",
    ),
    ("SELECT .Id FROM Lead", ".", "expected a field", ""),
    ("SELECT Id FROM Lead -- all of them", "-", "no meaning", ""),
    ("SELECT 1 FROM Lead", "1", "expected a field", ""),
    // operators and values
    (
        "SELECT Id FROM Lead WHERE Name",
        "",
        "expected an operator",
        "`Name = true`",
    ),
    (
        "SELECT Id FROM Lead WHERE Name =",
        "",
        "expected a value",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE Name == 'x'",
        "==",
        "no operator",
        "single `=`",
    ),
    (
        "SELECT Id FROM Lead WHERE Name ! 'x'",
        "!",
        "no operator",
        "!=",
    ),
    (
        "SELECT Id FROM Lead WHERE Name IS NULL",
        "IS",
        "expected an operator",
        "`Name = null`",
    ),
    (
        "SELECT Id FROM Lead WHERE Name IS NOT NULL",
        "IS",
        "expected an operator",
        "`Name != null`",
    ),
    (
        "SELECT Id FROM Lead WHERE X__c BETWEEN 1 AND 2",
        "BETWEEN",
        "expected an operator",
        "X__c >= ",
    ),
    (
        "SELECT Id FROM Lead WHERE Name NOT LIKE 'x'",
        "NOT",
        "expected an operator",
        "(NOT Name LIKE",
    ),
    (
        "SELECT Id FROM Lead WHERE Name LIK 'x'",
        "LIK",
        "expected an operator",
        "did you mean `LIKE`?",
    ),
    (
        "SELECT Id FROM Lead WHERE 'x' = Name",
        "'x'",
        "expected a field",
        "field first",
    ),
    (
        "SELECT Id FROM Lead WHERE Name = \"x\"",
        "\"",
        "does not quote",
        "single quotes",
    ),
    (
        "SELECT Id FROM Lead WHERE Name = \u{2018}x\u{2019}",
        "\u{2018}",
        "does not quote",
        "single quotes",
    ),
    (
        "SELECT Id FROM Lead WHERE Status = Open",
        "Open",
        "`Open` is not a value",
        "`'Open'`",
    ),
    (
        "SELECT Id FROM Lead WHERE Name = Owner.Name",
        "Owner",
        "`Owner` is not a value",
        "never with another field",
    ),
    (
        "SELECT Id FROM Lead WHERE A__c = treu",
        "treu",
        "not a value",
        "did you mean `true`?",
    ),
    (
        "SELECT Id FROM Lead WHERE CreatedDate = TODDAY",
        "TODDAY",
        "not a value",
        "did you mean `TODAY`?",
    ),
    (
        "SELECT Id FROM Lead WHERE Name = :name",
        ":",
        "bind variable",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE Id IN :ids",
        ":",
        "bind variable",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE Name = {{ x }}",
        "{",
        "no meaning",
        "templates",
    ),
    (
        "SELECT Id FROM Lead WHERE Name LIKE null",
        "null",
        "expected a string behind `LIKE`",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE Name LIKE 5",
        "5",
        "expected a string",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE Id IN '1'",
        "'1'",
        "expected `(`",
        "IN ('a', 'b')",
    ),
    (
        "SELECT Id FROM Lead WHERE Id IN ()",
        "()",
        "is empty",
        "at least one",
    ),
    (
        "SELECT Id FROM Lead WHERE Id IN ('1',)",
        ")",
        "expected a value",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE Id IN ('1' '2')",
        "'2'",
        "expected `,` or `)`",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE Id IN ('1'",
        "",
        "expected `,` or `)`",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE Id = ('1', '2')",
        "(",
        "expected a value",
        "`IN` takes a list",
    ),
    (
        "SELECT Id FROM Lead WHERE T__c INCLUDES (1)",
        "1",
        "expected a string in the list of `INCLUDES`",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE T__c INCLUDES (SELECT Id FROM X)",
        "SELECT",
        "expected a string",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE Name = 'x",
        "'x",
        "no closing quote",
        "\\'",
    ),
    (
        "SELECT Id FROM Lead WHERE Name = 'O'Neil'",
        "'",
        "no closing quote",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE Name = 'a\\xb'",
        "\\x",
        "`\\x` is no escape",
        "\\\\",
    ),
    (
        "SELECT Id FROM Lead WHERE Name = 'C:\\dir'",
        "\\d",
        "`\\d` is no escape",
        "\\\\",
    ),
    (
        "SELECT Id FROM Lead WHERE Name = 'a\\%'",
        "'a\\%'",
        "escape behind LIKE only",
        "write `%`",
    ),
    (
        "SELECT Id FROM Lead WHERE Name = '\\u12'",
        "\\u",
        "four hexadecimal digits",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE Name = '\\ud83e'",
        "\\u",
        "four hexadecimal digits",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE A__c = 5x",
        "5x",
        "neither a number nor a date",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE A__c = 1.2.3",
        "1.2.3",
        "neither a number nor a date",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE A__c = --1",
        "-",
        "no meaning",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE D__c = 2026-13-01",
        "2026-13-01",
        "is not a date",
        "YYYY-MM-DD",
    ),
    (
        "SELECT Id FROM Lead WHERE D__c = 2026-02-30",
        "2026-02-30",
        "is not a date",
        "calendar",
    ),
    (
        "SELECT Id FROM Lead WHERE D__c = 2026-1-1",
        "2026-1-1",
        "is not a date",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE D__c = 2026-01-01T10:00:00",
        "2026-01-01T10:00:00",
        "no offset",
        "%2B",
    ),
    (
        "SELECT Id FROM Lead WHERE D__c = 2026-01-01T10:00:00 00:00",
        "2026-01-01T10:00:00",
        "no offset",
        "%2B",
    ),
    (
        "SELECT Id FROM Lead WHERE D__c = 2026-01-01T25:00:00Z",
        "2026-01-01T25:00:00Z",
        "not an instant",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE D__c = 2026-01-01T10:00Z",
        "2026-01-01T10:00Z",
        "not an instant",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE D__c = 2026-01-01T10:00:00+2",
        "2026-01-01T10:00:00+2",
        "not an instant",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE D__c = LAST_N_DAYS",
        "",
        "expected `:` and a number",
        "LAST_N_DAYS:30",
    ),
    (
        "SELECT Id FROM Lead WHERE D__c = LAST_N_DAYS:0",
        "0",
        "whole number from 1",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE D__c = LAST_N_DAYS:x",
        "x",
        "whole number from 1",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE D__c = TODAY:3",
        ":",
        "takes no number",
        "",
    ),
    // logic
    (
        "SELECT Id FROM Lead WHERE A__c = 1 AND B__c = 2 OR C__c = 3",
        "OR",
        "mixed without parentheses",
        "(a AND b) OR c",
    ),
    (
        "SELECT Id FROM Lead WHERE A__c = 1 OR B__c = 2 AND C__c = 3",
        "AND",
        "mixed without parentheses",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE (A__c = 1 OR B__c = 2 AND C__c = 3)",
        "AND",
        "mixed without parentheses",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE A__c = 1 AND NOT B__c = 2",
        "NOT",
        "without parentheses",
        "(NOT …)",
    ),
    (
        "SELECT Id FROM Lead WHERE NOT A__c = 1 AND B__c = 2",
        "AND",
        "joined with another",
        "(NOT …)",
    ),
    (
        "SELECT Id FROM Lead WHERE NOT NOT A__c = 1",
        "NOT",
        "cannot follow",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE A__c = 1 AND",
        "",
        "expected a field",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE AND A__c = 1",
        "AND",
        "expected a field",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE A__c = 1 && B__c = 2",
        "&",
        "no meaning",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE (A__c = 1",
        "",
        "expected `AND`, `OR` or `)`",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE A__c = 1)",
        ")",
        "expected the end of the query",
        "",
    ),
    ("SELECT Id FROM Lead WHERE ()", ")", "expected a field", ""),
    // functions
    (
        "SELECT COUNTT(Id) FROM Lead",
        "COUNTT",
        "no function `COUNTT`",
        "did you mean `COUNT`?",
    ),
    (
        "SELECT UPPER(Name) FROM Lead",
        "UPPER",
        "no function `UPPER`",
        "",
    ),
    ("SELECT SUM() FROM Lead", ")", "expected a field", ""),
    ("SELECT MAX(Id FROM Lead", "FROM", "expected `)`", ""),
    (
        "SELECT Id FROM Lead WHERE DISTANCE(L__c, GEOLOCATION(1,2), 'mi') < 5",
        "DISTANCE",
        "not supported",
        "latitude",
    ),
    (
        "SELECT convertTimezone(CreatedDate) FROM Lead",
        "convertTimezone(CreatedDate)",
        "inside a date function only",
        "",
    ),
    (
        "SELECT MAX(CALENDAR_YEAR(CreatedDate)) FROM Lead",
        "CALENDAR_YEAR(CreatedDate)",
        "cannot stand inside `MAX`",
        "",
    ),
    (
        "SELECT FIELDS(SOME) FROM Lead",
        "SOME",
        "expected `ALL`",
        "",
    ),
    (
        "SELECT FIELDS(ALL) FROM Lead",
        "FIELDS(ALL)",
        "need a `LIMIT`",
        "LIMIT 200",
    ),
    (
        "SELECT FIELDS(CUSTOM) FROM Lead LIMIT 201",
        "FIELDS(CUSTOM)",
        "need a `LIMIT`",
        "",
    ),
    (
        "SELECT Id, (SELECT FIELDS(ALL) FROM Contacts) FROM Account LIMIT 1",
        "FIELDS(ALL)",
        "need a `LIMIT`",
        "",
    ),
    // aggregates
    (
        "SELECT COUNT(), Id FROM Lead",
        "COUNT()",
        "must be the only thing",
        "COUNT(Id)",
    ),
    (
        "SELECT COUNT() FROM Lead ORDER BY Id",
        "Id",
        "cannot be ordered",
        "",
    ),
    (
        "SELECT COUNT() FROM Lead GROUP BY LeadSource",
        "GROUP BY LeadSource",
        "cannot be grouped",
        "",
    ),
    (
        "SELECT LeadSource, COUNT(Id) FROM Lead",
        "LeadSource",
        "neither grouped nor aggregated",
        "GROUP BY",
    ),
    (
        "SELECT Name FROM Lead GROUP BY LeadSource",
        "Name",
        "neither grouped nor aggregated",
        "",
    ),
    (
        "SELECT MAX(CreatedDate) FROM Account LIMIT 1",
        "1",
        "`LIMIT` cannot bound",
        "remove",
    ),
    (
        "SELECT Id FROM Lead HAVING COUNT(Id) > 1",
        "COUNT(Id) > 1",
        "needs a `GROUP BY`",
        "",
    ),
    (
        "SELECT LeadSource FROM Lead GROUP BY LeadSource HAVING Name = 'x'",
        "Name",
        "neither grouped",
        "",
    ),
    (
        "SELECT LeadSource FROM Lead GROUP BY LeadSource ORDER BY Name",
        "Name",
        "neither grouped",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE COUNT(Id) > 1",
        "COUNT(Id)",
        "cannot stand behind `WHERE`",
        "HAVING",
    ),
    (
        "SELECT Id FROM Lead ORDER BY COUNT(Id)",
        "COUNT(Id)",
        "cannot be ordered by an aggregate",
        "",
    ),
    (
        "SELECT CALENDAR_YEAR(CreatedDate) FROM Lead",
        "CALENDAR_YEAR(CreatedDate)",
        "without `GROUP BY`",
        "",
    ),
    (
        "SELECT COUNT(Id) n, MAX(Name) N FROM Lead",
        "N",
        "alias `N` is used twice",
        "",
    ),
    (
        "SELECT GROUPING(Status), COUNT(Id) FROM Lead GROUP BY Status",
        "GROUPING(Status)",
        "`ROLLUP` or `CUBE`",
        "",
    ),
    (
        "SELECT COUNT(Id) FROM Lead GROUP BY CUBE(A__c, B__c, C__c, D__c)",
        "D__c",
        "at most 3",
        "",
    ),
    (
        "SELECT COUNT(Id) FROM Lead GROUP BY MAX(Name)",
        "MAX(Name)",
        "fields and date functions only",
        "",
    ),
    (
        "SELECT COUNT(Id), (SELECT Id FROM Contacts) FROM Account",
        "SELECT Id FROM Contacts",
        "no child subqueries",
        "",
    ),
    (
        "SELECT FIELDS(STANDARD), COUNT(Id) FROM Lead",
        "FIELDS(STANDARD)",
        "cannot be grouped",
        "",
    ),
    (
        "SELECT Id, (SELECT COUNT(Id) FROM Contacts) FROM Account",
        "SELECT COUNT(Id) FROM Contacts",
        "cannot group or aggregate",
        "",
    ),
    (
        "SELECT Id, (SELECT COUNT() FROM Contacts) FROM Account",
        "SELECT COUNT() FROM Contacts",
        "cannot group or aggregate",
        "",
    ),
    ("SELECT Id, id FROM Lead", "id", "selected twice", "remove"),
    (
        "SELECT Id, Owner.Name, owner.NAME FROM Lead",
        "owner.NAME",
        "selected twice",
        "",
    ),
    // semi-joins
    (
        "SELECT Id FROM A WHERE Id IN (SELECT X FROM B) AND Id IN (SELECT X FROM C) AND Id IN (SELECT X FROM D)",
        "SELECT X FROM D",
        "at most 2 semi-joins",
        "",
    ),
    (
        "SELECT Id FROM A WHERE Id IN (SELECT X FROM B) OR Name = 'x'",
        "SELECT X FROM B",
        "inside `OR`",
        "AND",
    ),
    (
        "SELECT Id FROM A WHERE NOT Id IN (SELECT X FROM B)",
        "SELECT X FROM B",
        "inside `NOT`",
        "",
    ),
    (
        "SELECT Id FROM A WHERE P.Id IN (SELECT X FROM B)",
        "P.Id",
        "of the object itself",
        "",
    ),
    (
        "SELECT Id FROM A WHERE Id IN (SELECT P.X FROM B)",
        "SELECT P.X FROM B",
        "exactly one",
        "",
    ),
    (
        "SELECT Id FROM A WHERE Id IN (SELECT X, Y FROM B)",
        "SELECT X, Y FROM B",
        "exactly one",
        "",
    ),
    (
        "SELECT Id FROM A WHERE Id IN (SELECT COUNT() FROM B)",
        "SELECT COUNT() FROM B",
        "exactly one",
        "",
    ),
    (
        "SELECT Id FROM A WHERE Id IN (SELECT ParentId FROM a)",
        "a",
        "object of the outer query",
        "relationship",
    ),
    (
        "SELECT Id FROM A WHERE Id IN (SELECT X FROM B LIMIT 1)",
        "1",
        "`LIMIT` cannot stand in a semi-join",
        "",
    ),
    (
        "SELECT Id FROM A WHERE Id IN (SELECT X FROM B ORDER BY Y)",
        "Y",
        "`ORDER BY` cannot stand",
        "",
    ),
    (
        "SELECT Id FROM A WHERE Id IN (SELECT X FROM B GROUP BY X)",
        "GROUP BY X",
        "`GROUP BY` cannot stand",
        "",
    ),
    (
        "SELECT Id FROM A WHERE Id IN (SELECT X FROM B WHERE Y IN (SELECT Z FROM C))",
        "SELECT Z FROM C",
        "cannot hold another",
        "",
    ),
    (
        "SELECT Id FROM A WHERE Id = (SELECT X FROM B)",
        "(",
        "expected a value",
        "IN",
    ),
    (
        "SELECT Id FROM A WHERE Id IN (SELECT X FROM B",
        "",
        "expected `)`",
        "",
    ),
    // subqueries
    (
        "SELECT Id, (SELECT Id FROM Contacts FROM Account",
        "FROM",
        "cannot stand here",
        "",
    ),
    ("SELECT Id, () FROM Account", ")", "expected `SELECT`", ""),
    (
        "SELECT Id, (SELECT Id FROM Contacts, Cases) FROM Account",
        "SELECT Id FROM Contacts, Cases",
        "one relationship",
        "",
    ),
    (
        "SELECT TYPEOF Owner ELSE Name END FROM Lead",
        "ELSE",
        "expected `WHEN`",
        "",
    ),
    (
        "SELECT TYPEOF Owner WHEN User Name END FROM Lead",
        "Name",
        "expected `THEN`",
        "",
    ),
    (
        "SELECT TYPEOF Owner WHEN User THEN Name FROM Lead",
        "FROM",
        "expected `END`",
        "",
    ),
    // reach
    (
        "SELECT A.B.C.D.E.F.Name FROM Contact",
        "A.B.C.D.E.F.Name",
        "over 6 relationships",
        "",
    ),
    (
        "SELECT Id FROM Lead WHERE a.b.c.d.e.f.g = 1",
        "a.b.c.d.e.f.g",
        "5 is the most",
        "",
    ),
    (
        "SELECT Id FROM Lead LIMIT 1 OFFSET 2001",
        "2001",
        "`OFFSET` is at most 2000",
        "Id >",
    ),
];

#[test]
fn every_refusal_underlines_the_offending_part_and_says_why() {
    let mut wrong = Vec::new();
    for (text, underlined, message, help) in REJECTED {
        match query(text) {
            Ok(_) => wrong.push(format!("accepted: {text}")),
            Err(error) => {
                let found = &text[error.span.clone()];
                let told = error.help.clone().unwrap_or_default();
                let right = found == *underlined
                    && error.message.contains(message)
                    && told.contains(help)
                    && (!underlined.is_empty() || error.span.start == text.len());
                if !right {
                    wrong.push(format!(
                        "{text}\n  at {found:?}: {} ({told})",
                        error.message
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn messages_are_fragments_and_help_is_an_instruction() {
    for (text, ..) in REJECTED {
        let error = query(text).expect_err(text);
        let first = error.message.chars().next().expect("a message");
        assert!(!first.is_uppercase(), "{}", error.message);
        assert!(!error.message.ends_with('.'), "{}", error.message);
        assert!(error.help.is_none_or(|help| !help.ends_with('.')), "{text}");
    }
}
