//! Which rows a WHERE lets through.

use super::query_fixture::{Fixture, id};

/// Lovelace, Byron, Babbage, O'Neil and von Ångström by their initials, in this order.
fn initials(names: &[String]) -> String {
    let letters = names.iter().map(|name| match name.as_str() {
        "Lovelace" => "L",
        "Byron" => "B",
        "Babbage" => "C",
        "O'Neil" => "O",
        "von Ångström" => "V",
        other => other,
    });
    letters.collect()
}

/// Condition, and whom it finds.
const CONDITIONS: &[(&str, &str)] = &[
    // text: without regard to case, null only where it is asked for
    ("LastName = 'LOVELACE'", "L"),
    ("LastName = 'lovelac'", ""),
    ("LastName != 'lovelace'", "BCOV"),
    ("Email != 'ada@X.io'", "BCOV"),
    ("Email = null", "BV"),
    ("Email != null", "LCO"),
    ("Email = ''", "BV"),
    ("LastName > 'c'", "LOV"),
    ("LastName <= 'BYRON'", "BC"),
    ("Email > ''", "LCO"),
    ("LastName = 'VON ÅNGSTRÖM'", "V"),
    // LIKE
    ("LastName LIKE 'b%'", "BC"),
    ("LastName LIKE '%E'", "LC"),
    ("LastName LIKE '_yron'", "B"),
    ("LastName LIKE 'von å%'", "V"),
    ("LastName LIKE 'O\\'%'", "O"),
    ("Email LIKE '100\\%\\_%'", "O"),
    ("Email LIKE '100\\_%'", ""),
    ("Email LIKE '%'", "LCO"),
    ("(NOT Email LIKE '%io')", "BV"),
    // lists
    ("LastName IN ('byron', 'BABBAGE', 'x')", "BC"),
    ("LastName NOT IN ('byron', 'BABBAGE')", "LOV"),
    ("Email IN ('ada@x.io', null)", "LBV"),
    ("Email NOT IN ('ada@x.io', null)", "CO"),
    ("Email NOT IN ('ada@x.io')", "BCOV"),
    // numbers
    ("Age__c = 40", "L"),
    ("Age__c > 38", "LC"),
    ("Age__c >= 38 AND Age__c < 54", "LB"),
    ("Age__c != 40", "BCOV"),
    ("Age__c = null", "OV"),
    ("Score__c = 9.50", "L"),
    ("Score__c > 9.25", "L"),
    ("Score__c >= 9.25", "LC"),
    ("Score__c < 0", "V"),
    ("Score__c IN (2, 9.25)", "BC"),
    ("Account.AnnualRevenue = USD1000.50", "LB"),
    // booleans are never null
    ("Opt_In__c = true", "LO"),
    ("Opt_In__c = false", "BCV"),
    ("Opt_In__c != true", "BCV"),
    ("Opt_In__c = null", "BCV"),
    ("Opt_In__c != null", "LO"),
    ("Account.Active__c = false", "COV"),
    ("Account.Active__c = true", "LB"),
    ("Opt_In__c IN (false)", "BCV"),
    ("Opt_In__c NOT IN (false)", "LO"),
    // dates, instants, times
    ("Birthdate = 1985-12-10", "L"),
    ("Birthdate > 1985-12-10", "B"),
    ("Birthdate = LAST_N_YEARS:50", "LB"),
    ("CreatedDate = TODAY", "C"),
    ("CreatedDate = YESTERDAY", "O"),
    ("CreatedDate = TOMORROW", "V"),
    ("CreatedDate > TODAY", "V"),
    ("CreatedDate >= TODAY", "CV"),
    ("CreatedDate < TODAY", "LBO"),
    ("CreatedDate <= TODAY", "LBCO"),
    ("CreatedDate != TODAY", "LBOV"),
    ("CreatedDate IN (TODAY, YESTERDAY)", "CO"),
    ("CreatedDate = LAST_N_DAYS:1", "CO"),
    ("CreatedDate = LAST_N_YEARS:100000", ""),
    ("CreatedDate = LAST_N_DAYS:100000", "LBCO"),
    ("CreatedDate > 2026-02-10T23:59:59Z", "CV"),
    ("CreatedDate >= 2026-02-11T01:59:59+02:00", "COV"),
    ("CreatedDate = 2026-02-10T23:59:59.000+0000", "O"),
    ("CreatedDate = 2026-02-10T23:59:59.500Z", ""),
    ("CreatedDate >= 2026-02-10T23:59:59.500Z", "CV"),
    ("CreatedDate < 2026-02-10T23:59:59.500Z", "LBO"),
    ("CreatedDate != 2026-02-10T23:59:59.500Z", "LBCOV"),
    ("CALENDAR_YEAR(Birthdate) = 1988", "B"),
    ("HOUR_IN_DAY(CreatedDate) >= 8", "CO"),
    ("HOUR_IN_DAY(convertTimezone(CreatedDate)) = 23", "O"),
    ("DAY_ONLY(CreatedDate) = 2026-02-11", "C"),
    ("Starts__c > 09:00:00Z", "B"),
    ("Starts__c = 22:30:00.500Z", "B"),
    // multi-picklists
    ("Topics__c INCLUDES ('math')", "LC"),
    ("Topics__c INCLUDES ('MATH;tea', 'poetry')", "BC"),
    ("Topics__c EXCLUDES ('math')", "BOV"),
    ("Topics__c = 'math;code'", "L"),
    // logic
    ("NOT (Age__c = 40 OR Age__c = 38)", "COV"),
    (
        "(Age__c = 40 AND Opt_In__c = true) OR LastName = 'byron'",
        "LB",
    ),
    // unique fields: case matters where the field says so
    ("Key__c = 'k-1'", "L"),
    ("Key__c IN ('K-2', 'k-1')", "LB"),
    ("Code__c = 'abc'", "L"),
    ("Code__c = 'ABC'", "B"),
    ("Code__c = 'Abc'", ""),
];

#[test]
fn every_operator_and_type_finds_its_rows() {
    let org = Fixture::filled();
    for (condition, found) in CONDITIONS {
        assert_eq!(initials(&org.contacts(condition)), *found, "{condition}");
    }
}

#[test]
fn paths_reach_over_missing_parents() {
    let org = Fixture::filled();
    for (condition, found) in [
        ("Account.Name = 'acme'", "LB"),
        ("Account.Name != 'acme'", "COV"),
        ("Account.Name = null", "OV"),
        ("AccountId = null", "OV"),
        ("Account.Parent.Name = 'Acme'", "C"),
        ("Account.Parent.Name = null", "LBOV"),
        ("Owner.Name = 'Queue'", "B"),
        ("Owner.Type = 'User'", "LC"),
        ("Owner.Type IN ('Group')", "B"),
        ("Owner.Type = null", "OV"),
        ("Owner.Email = 'ada@x.io'", "LC"),
        ("Owner.Profile.Name = 'admin'", "LC"),
        ("Account.Name = 'acme' OR LastName = 'O\\'Neil'", "LBO"),
        ("Contact.Account.Name = 'beta'", "C"),
    ] {
        assert_eq!(initials(&org.contacts(condition)), found, "{condition}");
    }
}

#[test]
fn ids_are_equal_in_both_forms_and_ordered_by_byte() {
    let mut org = Fixture::filled();
    let long = id(*b"003", 2);
    let short = &long[..15];
    for form in [long.as_str(), short] {
        assert_eq!(initials(&org.contacts(&format!("Id = '{form}'"))), "B");
        assert_eq!(initials(&org.contacts(&format!("Id > '{form}'"))), "COV");
        assert_eq!(initials(&org.contacts(&format!("Id <= '{form}'"))), "LB");
        assert_eq!(
            initials(&org.contacts(&format!("Id IN ('{form}', '{form}')"))),
            "B"
        );
    }
    // Upper-case letters stand before lower-case ones: 36 is `a`, 10 is `A`.
    org.add("Lead", 36, "Name=lower");
    org.add("Lead", 10, "Name=upper");
    let ordered = org.column("Name", "SELECT Name FROM Lead ORDER BY Id");
    assert_eq!(ordered, ["Grace", "upper", "lower"]);
}

#[test]
fn deleted_rows_show_in_query_all_alone() {
    let mut org = Fixture::filled();
    assert_eq!(org.contacts("Age__c < 10"), [""; 0]);
    assert_eq!(
        org.ask("SELECT COUNT() FROM Contact").unwrap()["totalSize"],
        5
    );
    org.include_deleted = true;
    assert_eq!(org.contacts("Age__c < 10"), ["Gone"]);
    assert_eq!(org.contacts("IsDeleted = true"), ["Gone"]);
    assert_eq!(
        org.ask("SELECT COUNT() FROM Contact").unwrap()["totalSize"],
        6
    );
}

#[test]
fn semi_joins_and_anti_joins_compare_ids() {
    let org = Fixture::filled();
    for (condition, found) in [
        ("Id IN (SELECT WhoId FROM Task)", "L"),
        (
            "Id IN (SELECT WhoId FROM Task WHERE Subject = 'nothing')",
            "",
        ),
        (
            "Id NOT IN (SELECT WhoId FROM Task WHERE Subject = 'Call')",
            "BCOV",
        ),
        (
            "AccountId IN (SELECT Id FROM Account WHERE Industry = 'Banking')",
            "LB",
        ),
        (
            "AccountId IN (SELECT Id FROM Account) AND OwnerId IN (SELECT Id FROM Group)",
            "B",
        ),
    ] {
        assert_eq!(initials(&org.contacts(condition)), found, "{condition}");
    }
}

#[test]
fn a_scope_narrows_to_the_users_own_rows() {
    let org = Fixture::filled();
    let mine = "SELECT LastName FROM Contact USING SCOPE mine WHERE Age__c > 0 ORDER BY Id";
    assert_eq!(org.column("LastName", mine), ["Lovelace", "Babbage"]);
    let all = "SELECT LastName FROM Contact USING SCOPE everything ORDER BY Id";
    assert_eq!(org.column("LastName", all).len(), 5);
}

#[test]
fn x24_hostile_text_matches_itself_alone() {
    use bridged::soql::text::{quote_like, quote_string};
    let mut org = Fixture::empty();
    let names = [
        "' OR LastName LIKE '%",
        "\\'",
        "a\nb",
        "O\u{2019}Neil",
        "%_",
        "plain",
    ];
    for (at, name) in names.iter().enumerate() {
        // The fixture splits its parts at `|` and trims them; these names have neither.
        org.add("Contact", at as u64 + 1, &format!("LastName={name}"));
    }
    for name in names {
        assert_eq!(
            org.contacts(&format!("LastName = {}", quote_string(name))),
            [name]
        );
        assert_eq!(
            org.contacts(&format!("LastName LIKE {}", quote_like(name))),
            [name]
        );
    }
}
