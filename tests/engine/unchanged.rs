//! What Salesforce has already is not sent again.

use bridged::engine::Options;
use bridged::foundation::event::{Ledger, RunState};
use serde_json::{Value, json};

use super::sample::{NURTURE, PEOPLE, SCORES, keyed, leads, outcome, people};
use crate::support::org::Org;

const FULL: Options = Options {
    full: true,
    limit: None,
    run_id: None,
};

#[tokio::test(flavor = "multi_thread")]
async fn s33_a_second_run_with_nothing_changed_sends_no_write() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(200));
    let talks: Vec<Value> = (0..200).map(|n| outcome(n, &format!("p{n}"))).collect();
    org.import_outcomes(&talks);
    for yaml in [PEOPLE, NURTURE] {
        assert_eq!(org.run(yaml).await.unwrap().ledger.delivered, 200);
        let before = org.writes().await.len();
        let again = org.run_with(yaml, FULL).await.unwrap();
        let all = Ledger {
            read: 200,
            unchanged: 200,
            ..Ledger::default()
        };
        assert_eq!((again.state, again.ledger), (RunState::Done, all));
        assert_eq!(
            (again.requests.write, org.writes().await.len()),
            (0, before)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s33_our_own_writes_do_not_come_back_as_changes() {
    let org = Org::with_leads(0).await;
    leads(&org, 120).await;
    let first = org.run(SCORES).await.unwrap();
    assert_eq!((first.state, first.ledger.delivered), (RunState::Done, 120));
    org.advance("1h").await;
    let second = org.run(SCORES).await.unwrap();
    let all = Ledger {
        read: 120,
        unchanged: 120,
        ..Ledger::default()
    };
    assert_eq!(
        second.ledger, all,
        "the rows were changed, by the run itself"
    );
    assert_eq!(second.requests.write, 0);
    org.advance("1h").await;
    let third = org.run(SCORES).await.unwrap();
    assert_eq!(third.ledger, Ledger::default(), "and that is the end of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_has_the_values_already_is_not_written() {
    let org = Org::with_leads(0).await;
    let ids = leads(&org, 3).await;
    for (field, value) in [("Lead_Score__c", json!(20)), ("Rating", json!("Warm"))] {
        org.change("Lead", &ids[1], field, &value).await;
    }
    org.advance("1m").await;
    let report = org.run(SCORES).await.unwrap();
    assert_eq!(
        (report.state, report.ledger.delivered),
        (RunState::Done, 3),
        "profiles are kept"
    );
    assert_eq!(org.writes().await[0]["records"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_fields_that_differ_are_sent() {
    let org = Org::with_leads(0).await;
    let ids = leads(&org, 1).await;
    org.change("Lead", &ids[0], "Rating", &json!("Warm")).await;
    org.advance("1m").await;
    // A row that carries the rating too would be struck.
    org.faults(json!([{ "match": { "contains": "Rating" }, "action": { "kind": "row", "code": "FIELD_INTEGRITY_EXCEPTION", "message": "no" } }]))
        .await;
    let report = org.run(SCORES).await.unwrap();
    assert_eq!(
        (report.ledger.delivered, report.ledger.rejected),
        (1, 0),
        "{report:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_payload_is_not_taken_for_an_acknowledged_one() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(2));
    org.faults(json!([{ "match": { "contains": "\"p1\"", "times": 1 }, "action": { "kind": "row", "code": "FIELD_INTEGRITY_EXCEPTION", "message": "no" } }]))
        .await;
    assert_eq!(org.run(PEOPLE).await.unwrap().ledger.rejected, 1);
    let full = org.run_with(PEOPLE, FULL).await.unwrap();
    assert_eq!((full.ledger.delivered, full.ledger.unchanged), (1, 1));
    assert!(
        org.letters().is_empty(),
        "what went through closes its letter"
    );
    assert_eq!(keyed(&org, "Lead").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_target_is_another_payload() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(4));
    org.run(PEOPLE).await.unwrap();
    let yaml = PEOPLE.replace("Company:", "City: Oslo, Company:");
    let report = org.run_with(&yaml, FULL).await.unwrap();
    assert_eq!((report.ledger.delivered, report.requests.write), (4, 1));
    // The same target under another name has acknowledged nothing.
    let renamed = yaml.replace("  lead:\n", "  person:\n");
    let report = org.run_with(&renamed, FULL).await.unwrap();
    assert_eq!((report.ledger.delivered, report.requests.write), (4, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn null_clears_a_field_and_an_absent_one_stays() {
    let org = Org::with_leads(0).await;
    let mut person = people(1).remove(0);
    person["city"] = json!("Oslo");
    person["title"] = json!("Queen");
    org.import_profiles(&[person]);
    let yaml = PEOPLE.replace(
        "Company:",
        "City: \"{{ profile.city }}\", Title: \"{{ profile.title }}\", Company:",
    );
    org.run(&yaml).await.unwrap();
    org.import_profiles(&[json!({ "key": "p0", "city": null })]);
    let report = org.run(&yaml).await.unwrap();
    assert_eq!(report.ledger.delivered, 1);
    let row = org.row("Lead", "Bridged_Id__c", "p0").await;
    assert_eq!(
        (&row["City"], &row["Title"]),
        (&Value::Null, &json!("Queen"))
    );
}

/// Each writes a field of its own to the same row, in turns; neither undoes the other.
#[tokio::test(flavor = "multi_thread")]
async fn s34_two_pipelines_that_write_one_row_lose_no_field() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(20));
    let cities = PEOPLE.replace("name: people", "name: cities").replace(
        "LastName: \"{{ profile.last_name }}\", Company: \"{{ profile.company }}\"",
        "City: \"{{ profile.city }}\"",
    );
    org.run(PEOPLE).await.unwrap();
    for round in ["Oslo", "Bergen"] {
        let places: Vec<Value> = (0..20)
            .map(|n| json!({ "key": format!("p{n}"), "city": round }))
            .collect();
        org.import_profiles(&places);
        let names: Vec<Value> = (0..20)
            .map(|n| json!({ "key": format!("p{n}"), "company": format!("{round} Inc") }))
            .collect();
        org.import_profiles(&names);
        let (one, other) = tokio::join!(org.run(PEOPLE), org.run(&cities));
        assert_eq!(
            (one.unwrap().state, other.unwrap().state),
            (RunState::Done, RunState::Done)
        );
        for row in keyed(&org, "Lead").await {
            assert_eq!(
                (&row["City"], &row["Company"]),
                (&json!(round), &json!(format!("{round} Inc")))
            );
        }
    }
    assert_eq!(keyed(&org, "Lead").await.len(), 20);
}

/// Of one field that two pipelines write, the one that wrote last stands, and the other does not write it back.
#[tokio::test(flavor = "multi_thread")]
async fn s34_of_one_field_the_last_writer_s_value_stands() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(1));
    let other = PEOPLE
        .replace("name: people", "name: other")
        .replace("{{ profile.company }}", "Other");
    org.run(PEOPLE).await.unwrap();
    org.run(&other).await.unwrap();
    assert_eq!(
        org.row("Lead", "Bridged_Id__c", "p0").await["Company"],
        "Other"
    );
    let again = org.run_with(PEOPLE, FULL).await.unwrap();
    assert_eq!((again.ledger.unchanged, again.requests.write), (1, 0));
    org.import_profiles(&[json!({ "key": "p0", "company": "Newer" })]);
    org.run(PEOPLE).await.unwrap();
    assert_eq!(
        org.row("Lead", "Bridged_Id__c", "p0").await["Company"],
        "Newer"
    );
}
