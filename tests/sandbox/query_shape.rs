//! What an answer looks like: envelopes, records, parents, children, order, pages.

use std::sync::Arc;

use bridged::sandbox::query::metadata;
use bridged::sandbox::query::output::{Page, write_answer, write_page};
use bridged::sandbox::query::run::{Answer, RowSet, execute};
use serde_json::{Value, json};

use super::query_fixture::{Fixture, id};

#[test]
fn records_carry_attributes_first_and_fields_in_select_order() {
    let org = Fixture::filled();
    let soql = "select lastname, id, age__C, Opt_In__c, Score__c, Birthdate, CreatedDate, Starts__c \
                from contact where lastname = 'Lovelace'";
    let answer = execute(&org.org, &org.user, soql, org.options()).unwrap();
    let mut out = Vec::new();
    let mut page = Page {
        org: &org.org,
        version: "60.0",
        batch: 2_000,
        keep: &mut |_| unreachable!("one page"),
    };
    write_answer(&mut out, &mut page, &answer);
    let contact = id(*b"003", 1);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        format!(
            "{{\"totalSize\":1,\"done\":true,\"records\":[{{\"attributes\":{{\"type\":\"Contact\",\"url\":\
             \"/services/data/v60.0/sobjects/Contact/{contact}\"}},\"LastName\":\"Lovelace\",\"Id\":\"{contact}\",\
             \"Age__c\":40,\"Opt_In__c\":true,\"Score__c\":9.5,\"Birthdate\":\"1985-12-10\",\
             \"CreatedDate\":\"2026-01-01T00:00:00.000+0000\",\"Starts__c\":\"09:00:00.000Z\"}}]}}"
        )
    );
}

#[test]
fn parents_are_objects_or_null() {
    let org = Fixture::filled();
    let soql = "SELECT LastName, Account.Name, Account.Parent.Name, Owner.Name, Owner.Type, Account.Id \
                FROM Contact WHERE LastName IN ('Babbage', 'O\\'Neil') ORDER BY Id";
    let answer = org.ask(soql).unwrap();
    let url = |object: &str, id: String| format!("/services/data/v67.0/sobjects/{object}/{id}");
    let (acme, beta) = (id(*b"001", 1), id(*b"001", 2));
    let babbage = &answer["records"][0];
    assert_eq!(
        babbage["Account"],
        json!({
            "attributes": { "type": "Account", "url": url("Account", beta.clone()) },
            "Name": "beta",
            "Parent": {
                "attributes": { "type": "Account", "url": url("Account", acme) },
                "Name": "Acme",
            },
            "Id": beta,
        })
    );
    assert_eq!(
        babbage["Owner"],
        json!({
            "attributes": { "type": "Name", "url": url("User", id(*b"005", 1)) },
            "Name": "Ada",
            "Type": "User",
        })
    );
    let neil = &answer["records"][1];
    assert_eq!(
        (&neil["Account"], &neil["Owner"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn a_polymorphic_field_that_the_object_does_not_have_is_null() {
    let org = Fixture::filled();
    let answer = org
        .ask("SELECT Owner.Email, Owner.Profile.Name FROM Contact WHERE LastName = 'Byron'")
        .unwrap();
    let owner = &answer["records"][0]["Owner"];
    assert_eq!(owner["Email"], Value::Null);
    assert_eq!(owner["Profile"], Value::Null);
}

#[test]
fn typeof_chooses_fields_by_object() {
    let org = Fixture::filled();
    let soql = "SELECT Subject, TYPEOF Who WHEN Contact THEN LastName, Account.Name ELSE Email END \
                FROM Task ORDER BY Id LIMIT 2";
    let answer = org.ask(soql).unwrap();
    let contact = &answer["records"][0]["Who"];
    assert_eq!(contact["attributes"]["type"], "Contact");
    assert_eq!(contact["LastName"], "Lovelace");
    assert_eq!(contact["Account"]["Name"], "Acme");
    assert!(contact.get("Email").is_none());
    let lead = &answer["records"][1]["Who"];
    assert_eq!(lead["attributes"]["type"], "Lead");
    assert_eq!(lead["Email"], "g@z.io");
}

#[test]
fn children_are_envelopes_or_null() {
    let org = Fixture::filled();
    let soql = "SELECT Name, (SELECT LastName FROM Contacts WHERE Age__c > 0 ORDER BY Age__c DESC), \
                (SELECT Name FROM ChildAccounts LIMIT 1) FROM Account ORDER BY Id";
    let answer = org.ask(soql).unwrap();
    let records = answer["records"].as_array().unwrap();
    let contacts = &records[0]["Contacts"];
    assert_eq!(contacts["totalSize"], 2);
    assert_eq!(contacts["done"], true);
    assert_eq!(contacts["records"][0]["LastName"], "Lovelace");
    assert_eq!(contacts["records"][1]["LastName"], "Byron");
    assert_eq!(records[0]["ChildAccounts"]["records"][0]["Name"], "beta");
    assert_eq!(records[2]["Contacts"], Value::Null);
    assert_eq!(records[2]["ChildAccounts"], Value::Null);
}

#[test]
fn children_may_have_conditions_of_every_kind_and_children_of_their_own() {
    let org = Fixture::filled();
    let soql = "SELECT Id, (SELECT LastName, (SELECT Subject FROM Tasks ORDER BY Subject DESC LIMIT 1 OFFSET 1) \
                FROM Account.Contacts WHERE Owner.Type = 'User' AND Id IN (SELECT WhoId FROM Task)) \
                FROM Account WHERE Name = 'Acme'";
    let answer = org.ask(soql).unwrap();
    let contacts = &answer["records"][0]["Contacts"];
    assert_eq!(contacts["totalSize"], 1);
    let tasks = &contacts["records"][0]["Tasks"];
    assert_eq!(tasks["records"][0]["Subject"], "Call");
}

#[test]
fn order_puts_nulls_where_it_is_told_and_first_only_when_ascending() {
    let org = Fixture::filled();
    let order = |by: &str| {
        let soql = format!("SELECT LastName FROM Contact ORDER BY {by}");
        let names = org.column("LastName", &soql);
        names.iter().map(|name| &name[..1]).collect::<String>()
    };
    // Ages: Lovelace 40, Byron 38, Babbage 54, the others none.
    assert_eq!(order("Age__c, Id"), "OvBLB");
    assert_eq!(order("Age__c DESC, Id"), "BLBOv");
    assert_eq!(order("Age__c ASC NULLS LAST, Id"), "BLBOv");
    assert_eq!(order("Age__c DESC NULLS FIRST, Id"), "OvBLB");
    assert_eq!(order("LastName"), "BBLOv");
    assert_eq!(order("Opt_In__c DESC NULLS LAST, LastName DESC"), "OLvBB");
    assert_eq!(order("Account.Name NULLS LAST, LastName"), "BLBOv");
}

#[test]
fn picklists_are_ordered_as_their_values_are_listed() {
    let org = Fixture::filled();
    let names = org.column("Name", "SELECT Name FROM Account ORDER BY Industry");
    assert_eq!(names, ["beta", "Çelik", "Acme"]);
}

#[test]
fn limit_and_offset_cut_the_ordered_rows() {
    let org = Fixture::filled();
    let cut = |rest: &str| {
        let soql = format!("SELECT Age__c FROM Contact WHERE Age__c > 0 ORDER BY Age__c {rest}");
        org.column("Age__c", &soql).join(",")
    };
    assert_eq!(cut(""), "38,40,54");
    assert_eq!(cut("LIMIT 2"), "38,40");
    assert_eq!(cut("LIMIT 2 OFFSET 1"), "40,54");
    assert_eq!(cut("DESC LIMIT 1"), "54");
    assert_eq!(cut("OFFSET 3"), "");
    assert_eq!(cut("LIMIT 0"), "");
}

#[test]
fn count_alone_has_no_records() {
    let org = Fixture::filled();
    let count = |rest: &str| {
        org.ask(&format!("SELECT COUNT() FROM Contact {rest}"))
            .unwrap()
    };
    assert_eq!(
        count(""),
        json!({ "totalSize": 5, "done": true, "records": [] })
    );
    assert_eq!(count("WHERE Age__c > 38")["totalSize"], 2);
    assert_eq!(
        count("WHERE SystemModstamp >= 2026-01-01T00:00:00Z")["totalSize"],
        5
    );
    assert_eq!(
        count("WHERE SystemModstamp > 2026-01-01T00:00:00Z")["totalSize"],
        0
    );
    assert_eq!(count("LIMIT 3")["totalSize"], 3);
}

#[test]
fn fields_stands_for_the_readable_fields_of_its_kind() {
    let org = Fixture::filled();
    let keys = |soql: &str| {
        let answer = org.ask(soql).unwrap();
        let record = answer["records"][0].as_object().unwrap().clone();
        record.keys().skip(1).cloned().collect::<Vec<_>>().join(",")
    };
    assert_eq!(
        keys("SELECT FIELDS(STANDARD) FROM Contact"),
        "Id,LastName,Email,AccountId,OwnerId,Birthdate,IsDeleted,CreatedDate,SystemModstamp"
    );
    assert_eq!(
        keys("SELECT FIELDS(CUSTOM) FROM Account LIMIT 1"),
        "Active__c"
    );
    assert!(keys("SELECT FIELDS(ALL) FROM Account LIMIT 200").starts_with("Id,Name,Industry"));
}

#[test]
fn functions_show_labels_and_forms() {
    let org = Fixture::filled();
    let soql = "SELECT toLabel(Industry), FORMAT(AnnualRevenue) money, FORMAT(CreatedDate) made, \
                convertCurrency(AnnualRevenue) FROM Account WHERE Name = 'Acme'";
    let record = &org.ask(soql).unwrap()["records"][0];
    assert_eq!(record["Industry"], "Banking");
    assert_eq!(record["money"], "1,000.5");
    assert_eq!(record["made"], "1/1/2026, 12:00 AM");
    assert_eq!(record["AnnualRevenue"], 1000.5);
}

#[test]
fn aliases_and_joined_aliases_stand_for_objects() {
    let org = Fixture::filled();
    let soql =
        "SELECT c.LastName, a.Name FROM Contact c, c.Account a WHERE a.Name = 'beta' ORDER BY c.Id";
    let answer = org.ask(soql).unwrap();
    assert_eq!(answer["records"][0]["LastName"], "Babbage");
    assert_eq!(answer["records"][0]["Account"]["Name"], "beta");
}

#[test]
fn pages_continue_behind_a_locator_until_they_are_done() {
    let org = Fixture::filled();
    let soql = "SELECT LastName FROM Contact ORDER BY Id";
    let answer = execute(&org.org, &org.user, soql, org.options()).unwrap();
    let Answer::Rows(rows) = &answer else {
        panic!("rows")
    };
    let mut kept: Vec<Arc<RowSet>> = Vec::new();
    let mut names = Vec::new();
    let mut from = 0;
    loop {
        let mut out = Vec::new();
        let mut page = Page {
            org: &org.org,
            version: "67.0",
            batch: 2,
            keep: &mut |rows| {
                kept.push(rows);
                "01gX".to_owned()
            },
        };
        if from == 0 {
            write_answer(&mut out, &mut page, &answer);
        } else {
            write_page(&mut out, &mut page, rows, from, "01gX");
        }
        let page: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(page["totalSize"], 5);
        let records = page["records"].as_array().unwrap();
        names.extend(records.iter().map(|record| record["LastName"].clone()));
        from += records.len();
        if page["done"] == true {
            assert!(page.get("nextRecordsUrl").is_none());
            break;
        }
        let next = format!("/services/data/v67.0/query/01gX-{from}");
        assert_eq!(page["nextRecordsUrl"], next);
    }
    assert_eq!(names.len(), 5);
    assert_eq!(kept.len(), 1, "the first page alone needs a new locator");
}

#[test]
fn many_children_continue_behind_a_locator_of_their_own() {
    let org = Fixture::filled();
    let soql = "SELECT Id, (SELECT LastName FROM Contacts) FROM Account WHERE Name = 'Acme'";
    let answer = execute(&org.org, &org.user, soql, org.options()).unwrap();
    let mut kept = Vec::new();
    let mut out = Vec::new();
    let mut page = Page {
        org: &org.org,
        version: "67.0",
        batch: 1,
        keep: &mut |rows: Arc<RowSet>| {
            kept.push(rows.rows.len());
            format!("01gC{}", kept.len())
        },
    };
    write_answer(&mut out, &mut page, &answer);
    let page: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(page["done"], true);
    let contacts = &page["records"][0]["Contacts"];
    assert_eq!(contacts["done"], false);
    assert_eq!(contacts["totalSize"], 2);
    assert_eq!(
        contacts["nextRecordsUrl"],
        "/services/data/v67.0/query/01gC1-1"
    );
    assert_eq!(kept, [2]);
}

#[test]
fn columns_are_told_for_clients_that_ask() {
    let org = Fixture::filled();
    let soql = "SELECT Id, Age__c, Account.Name, (SELECT Id FROM Tasks) FROM Contact";
    let answer = execute(&org.org, &org.user, soql, org.options()).unwrap();
    let told = metadata::of(&answer);
    assert_eq!(told["entityName"], "Contact");
    assert_eq!(
        (&told["idSelected"], &told["keyPrefix"]),
        (&json!(true), &json!("003"))
    );
    let columns = told["columnMetadata"].as_array().unwrap();
    assert_eq!(columns[0]["apexType"], "Id");
    assert_eq!(
        (&columns[1]["numberType"], &columns[1]["custom"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(columns[2]["joinColumns"][0]["columnName"], "Name");
    assert_eq!(columns[3]["aggregate"], true);
}
