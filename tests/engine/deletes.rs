//! Rows that were deleted in Salesforce: tombstones, reactions to them, and no write to what is in the recycle bin.

use bridged::foundation::code::Code;
use bridged::foundation::event::{Ledger, RunState};
use serde_json::{Value, json};

use super::sample::{SCORES, leads, people};
use crate::support::org::Org;

/// `SCORES`, with the deleted rows read too.
fn with_deleted() -> String {
    SCORES.replace(
        "source: { object: Lead,",
        "source: { object: Lead, include_deleted: true,",
    )
}

/// A conversation for every lead that was deleted.
const FAREWELL: &str = "version: 1
name: farewell
direction: read_write
source: { object: Lead, include_deleted: true, where: \"LastName LIKE 'Lead %'\" }
field_map: { name: \"{{ LastName }}\" }
targets:
  talk:
    object: Conversation__c
    operation: upsert
    match: { Bridged_Id__c: \"{{ salesforce_id }}\" }
    when: \"{{ deleted }}\"
    field_map: { Outcome__c: opted_out, Summary__c: \"{{ name }} is gone\" }
";

async fn delete(org: &Org, id: &str) {
    org.change("Lead", id, "IsDeleted", &json!(true)).await;
    org.advance("1m").await;
}

fn profile_is_deleted(org: &Org, id: &str) -> bool {
    org.store.profile(id).unwrap().unwrap().profile.deleted
}

#[tokio::test(flavor = "multi_thread")]
async fn s16_a_deleted_row_becomes_a_tombstone_and_is_not_written() {
    let org = Org::with_leads(0).await;
    let ids = leads(&org, 3).await;
    delete(&org, &ids[1]).await;
    let report = org.run(&with_deleted()).await.unwrap();
    let expected = Ledger {
        read: 3,
        delivered: 3,
        ..Ledger::default()
    };
    assert_eq!((report.state, report.ledger), (RunState::Done, expected));
    assert!(profile_is_deleted(&org, &ids[1]) && !profile_is_deleted(&org, &ids[0]));
    assert_eq!(
        org.writes().await[0]["records"],
        2,
        "the deleted row was not sent"
    );
    assert_eq!(org.store.profile_count().unwrap(), 2);
    assert!(org.letters().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn s16_a_row_that_is_deleted_between_runs_keeps_what_is_known_of_it() {
    let org = Org::with_leads(0).await;
    let ids = leads(&org, 3).await;
    let yaml = with_deleted();
    org.run(&yaml).await.unwrap();
    org.advance("1h").await;
    org.run(&yaml).await.unwrap();
    delete(&org, &ids[2]).await;
    let writes = org.writes().await.len();
    let report = org.run(&yaml).await.unwrap();
    assert_eq!(
        (report.state, report.ledger.read, report.ledger.delivered),
        (RunState::Done, 1, 1),
        "{report:?}"
    );
    let stored = org.store.profile(&ids[2]).unwrap().unwrap().profile;
    assert!(stored.deleted);
    assert_eq!(stored.attributes["name"], "Lead 2");
    assert_eq!(org.writes().await.len(), writes);
    // It comes back, and is written again where something of it changed.
    org.change("Lead", &ids[2], "IsDeleted", &json!(false))
        .await;
    org.change("Lead", &ids[2], "AnnualRevenue", &json!(500))
        .await;
    org.advance("1m").await;
    org.run(&yaml).await.unwrap();
    assert!(!profile_is_deleted(&org, &ids[2]));
    assert_eq!(org.row("Lead", "LastName", "Lead 2").await["Rating"], "Hot");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_include_deleted_a_deleted_row_is_not_seen() {
    let org = Org::with_leads(0).await;
    let ids = leads(&org, 3).await;
    delete(&org, &ids[1]).await;
    let report = org.run(SCORES).await.unwrap();
    assert_eq!(
        (report.ledger.read, org.store.profile(&ids[1]).unwrap()),
        (2, None)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_reacts_to_a_deletion() {
    let org = Org::with_leads(0).await;
    let ids = leads(&org, 3).await;
    assert_eq!(org.run(FAREWELL).await.unwrap().requests.write, 0);
    delete(&org, &ids[1]).await;
    let report = org.run(FAREWELL).await.unwrap();
    assert_eq!(
        (report.state, report.requests.write),
        (RunState::Done, 1),
        "{report:?}"
    );
    let row = org.row("Conversation__c", "Bridged_Id__c", &ids[1]).await;
    assert_eq!(row["Summary__c"], "Lead 1 is gone");
    let again = org.run(FAREWELL).await.unwrap();
    assert_eq!(again.requests.write, 0, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reaction_that_points_at_the_deleted_row_is_refused_by_itself() {
    let org = Org::with_leads(0).await;
    let ids = leads(&org, 2).await;
    delete(&org, &ids[0]).await;
    let yaml = FAREWELL
        .replace("    when: \"{{ deleted }}\"\n", "")
        .replace(
            "Outcome__c: opted_out",
            "Outcome__c: opted_out, Lead__c: \"{{ salesforce_id }}\"",
        );
    let report = org.run(&yaml).await.unwrap();
    assert_eq!(
        (
            report.state,
            report.ledger.delivered,
            report.ledger.rejected
        ),
        (RunState::Partial, 1, 1),
        "{report:?}"
    );
    let letter = org.letters().remove(0).letter;
    assert_eq!(
        (letter.key.as_str(), letter.reason.code),
        (ids[0].as_str(), Code::RecordRefused)
    );
    assert_eq!(letter.reason.field.as_deref(), Some("Lead__c"));
    assert!(
        profile_is_deleted(&org, &ids[0]),
        "the tombstone is kept though its reaction was refused"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upsert_to_a_deleted_row_s_key_makes_a_new_row() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(1));
    let made = org.put_leads(vec![json!({ "LastName": "Old", "Company": "Old", "Bridged_Id__c": "p0", "IsDeleted": true })]).await;
    let report = org.run(super::sample::PEOPLE).await.unwrap();
    assert_eq!(
        (report.state, report.ledger.delivered),
        (RunState::Done, 1),
        "{report:?}"
    );
    let row = org.row("Lead", "Bridged_Id__c", "p0").await;
    assert_ne!(row["Id"], Value::from(made[0].as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_is_a_tombstone_is_seen_as_deleted_by_later_pipelines() {
    let org = Org::with_leads(0).await;
    let ids = leads(&org, 2).await;
    delete(&org, &ids[0]).await;
    org.run(&with_deleted()).await.unwrap();
    let yaml = "version: 1
name: gone
direction: write
source: { records: profiles, when: \"{{ profile.deleted }}\" }
targets:
  talk:
    object: Conversation__c
    operation: upsert
    match: { Bridged_Id__c: \"{{ profile.key }}\" }
    field_map: { Summary__c: \"{{ profile.name }}\" }
";
    let report = org.run(yaml).await.unwrap();
    let expected = Ledger {
        read: 2,
        delivered: 1,
        filtered: 1,
        ..Ledger::default()
    };
    assert_eq!(report.ledger, expected);
    assert_eq!(
        org.row("Conversation__c", "Bridged_Id__c", &ids[0]).await["Summary__c"],
        "Lead 0"
    );
}
