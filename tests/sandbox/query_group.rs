//! Aggregates, groups, HAVING and subtotals.

use serde_json::json;

use super::query_fixture::Fixture;

fn rows(org: &Fixture, soql: &str) -> String {
    let answer = org
        .ask(soql)
        .unwrap_or_else(|error| panic!("{soql}: {error:?}"));
    let records = answer["records"].as_array().unwrap();
    let row = |record: &serde_json::Value| {
        let values = record.as_object().unwrap().iter().skip(1);
        values
            .map(|(_, value)| value.to_string())
            .collect::<Vec<_>>()
            .join(" ")
    };
    records.iter().map(row).collect::<Vec<_>>().join("; ")
}

#[test]
fn aggregates_without_groups_make_one_row() {
    let org = Fixture::filled();
    let answer = org
        .ask("SELECT COUNT(Id) CNT, MAX(Age__c), AVG(Score__c) FROM Contact")
        .unwrap();
    assert_eq!(
        answer,
        json!({
            "totalSize": 1,
            "done": true,
            "records": [{
                "attributes": { "type": "AggregateResult" },
                "CNT": 5,
                "expr0": 54,
                "expr1": 4.9375,
            }],
        })
    );
    let nothing = "SELECT COUNT(Id), SUM(Age__c), MIN(LastName) FROM Contact WHERE Age__c > 1000";
    assert_eq!(rows(&org, nothing), "0 null null");
}

#[test]
fn aggregates_leave_nulls_out() {
    let org = Fixture::filled();
    for (select, row) in [
        ("COUNT(Age__c)", "3"),
        ("COUNT_DISTINCT(AccountId)", "2"),
        ("SUM(Age__c)", "132"),
        ("SUM(Score__c)", "19.75"),
        ("AVG(Age__c)", "44.0"),
        ("MIN(Score__c), MAX(Score__c)", "-1.0 9.5"),
        (
            "MIN(LastName), MAX(LastName)",
            "\"Babbage\" \"von Ångström\"",
        ),
        ("MAX(CreatedDate)", "\"2026-02-12T00:00:00.000+0000\""),
        ("MIN(Birthdate)", "\"1985-12-10\""),
    ] {
        assert_eq!(
            rows(&org, &format!("SELECT {select} FROM Contact")),
            row,
            "{select}"
        );
    }
}

#[test]
fn groups_have_keys_names_and_an_order() {
    let org = Fixture::filled();
    for (soql, found) in [
        (
            "SELECT Account.Name, COUNT(Id) FROM Contact GROUP BY Account.Name",
            "null 2; \"Acme\" 2; \"beta\" 1",
        ),
        (
            "SELECT Account.Name who, COUNT(Id) n FROM Contact GROUP BY Account.Name ORDER BY n DESC, Account.Name NULLS LAST",
            "\"Acme\" 2; null 2; \"beta\" 1",
        ),
        (
            "SELECT Opt_In__c, MAX(Score__c) FROM Contact GROUP BY Opt_In__c ORDER BY MAX(Score__c) LIMIT 1",
            "false 9.25",
        ),
        (
            "SELECT CALENDAR_YEAR(CreatedDate), CALENDAR_MONTH(CreatedDate) m, COUNT(Id) FROM Contact \
             GROUP BY CALENDAR_YEAR(CreatedDate), CALENDAR_MONTH(CreatedDate)",
            "2026 1 2; 2026 2 3",
        ),
        (
            "SELECT Owner.Type, COUNT(Id) FROM Contact WHERE OwnerId != null GROUP BY Owner.Type",
            "\"Group\" 1; \"User\" 2",
        ),
        (
            "SELECT COUNT(Id) FROM Contact WHERE Age__c > 1000 GROUP BY Account.Name",
            "",
        ),
    ] {
        assert_eq!(rows(&org, soql), found, "{soql}");
    }
    let answer = org
        .ask("SELECT Account.Name, COUNT(Id) FROM Contact GROUP BY Account.Name")
        .unwrap();
    let record = answer["records"][1].as_object().unwrap();
    assert_eq!(
        record.keys().collect::<Vec<_>>(),
        ["attributes", "Name", "expr0"]
    );
}

#[test]
fn having_filters_groups() {
    let org = Fixture::filled();
    for (having, found) in [
        ("COUNT(Id) > 1", "null; \"Acme\""),
        ("COUNT(Id) = 1 OR MAX(Age__c) = 40", "\"Acme\"; \"beta\""),
        ("Account.Name LIKE 'A%'", "\"Acme\""),
        (
            "(NOT Account.Name = null) AND SUM(Score__c) < 10",
            "\"beta\"",
        ),
        ("COUNT(Id) > 100", ""),
    ] {
        let soql =
            format!("SELECT Account.Name FROM Contact GROUP BY Account.Name HAVING {having}");
        assert_eq!(rows(&org, &soql), found, "{having}");
    }
}

#[test]
fn rollup_and_cube_add_subtotals() {
    let org = Fixture::filled();
    let soql = |group: &str| {
        format!(
            "SELECT Opt_In__c, Account.Name, GROUPING(Account.Name) g, COUNT(Id) n FROM Contact \
             WHERE AccountId != null GROUP BY {group}(Opt_In__c, Account.Name) ORDER BY COUNT(Id)"
        )
    };
    let rollup = rows(&org, &soql("ROLLUP"));
    assert_eq!(rollup.split("; ").count(), 6, "{rollup}");
    assert!(rollup.ends_with("null null 1 3"), "{rollup}");
    let cube = rows(&org, &soql("CUBE"));
    assert_eq!(cube.split("; ").count(), 8, "{cube}");
    assert!(cube.contains("null \"Acme\" 0 2"), "{cube}");
}

#[test]
fn too_many_groups_cannot_be_answered() {
    let mut org = Fixture::empty();
    for at in 0..2_001 {
        org.add("Lead", at + 1, &format!("Name=Lead {at}"));
    }
    let soql = "SELECT Name, COUNT(Id) FROM Lead GROUP BY Name";
    let error = org.ask(soql).unwrap_err();
    assert_eq!(error.code, "EXCEEDED_ID_LIMIT");
    let answer = org.ask(&format!("{soql} LIMIT 2000")).unwrap();
    assert_eq!(answer["totalSize"], 2_000);
}
