//! Parents that somebody deleted in Salesforce since bridged wrote them.

use bridged::foundation::event::RunState;
use bridged::foundation::record::{Outcome, Profile};
use bridged::salesforce::write::Writer;
use serde_json::{Map, Value, json};

use crate::support::org::Org;

const NURTURE: &str = "version: 1
name: nurture
direction: write
source: { records: outcomes }
targets:
  lead:
    object: Lead
    operation: upsert
    match: { Bridged_Id__c: \"{{ profile.key }}\" }
    field_map: { LastName: \"{{ profile.last_name }}\", Company: Acme }
  conversation:
    object: Conversation__c
    operation: upsert
    match: { Bridged_Id__c: \"{{ outcome.id }}\" }
    field_map: { Lead__c: \"{{ targets.lead.id }}\", Outcome__c: \"{{ outcome.kind }}\" }
";

fn fields(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn outcome(id: &str, profile: &str) -> Outcome {
    Outcome {
        id: id.to_owned(),
        profile: profile.to_owned(),
        kind: "qualified".to_owned(),
        occurred_at: "2027-02-01T08:00:00Z".parse().unwrap(),
        fields: Map::new(),
    }
}

async fn with_two_people() -> Org {
    let org = Org::with_leads(0).await;
    let now = "2027-03-01T12:00:00Z".parse().unwrap();
    let people: Vec<Profile> = ["p-1", "p-2"]
        .map(|key| Profile {
            key: key.to_owned(),
            salesforce_id: None,
            object: None,
            attributes: fields(&json!({ "last_name": key })),
            consent: Map::new(),
            deleted: false,
        })
        .into();
    org.store.import_profiles(&people, now).unwrap();
    org.store
        .import_outcomes(&[outcome("o-1", "p-1"), outcome("o-2", "p-2")], now)
        .unwrap();
    org
}

async fn lead_of(org: &Org, key: &str) -> String {
    let rows = org.rows("Lead").await;
    let live = rows
        .iter()
        .find(|row| row["Bridged_Id__c"] == key && row["IsDeleted"] == false);
    live.unwrap_or_else(|| panic!("no lead of {key}"))["Id"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_was_deleted_is_written_again_with_its_child() {
    let org = with_two_people().await;
    assert_eq!(org.run(NURTURE).await.unwrap().state, RunState::Done);
    let lost = lead_of(&org, "p-1").await;
    let deleted = Writer::new(org.client()).delete(&[&lost]).await.unwrap();
    assert_eq!(deleted.len(), 1);

    let now = "2027-03-01T12:00:00Z".parse().unwrap();
    let more = [outcome("o-3", "p-1"), outcome("o-4", "p-2")];
    org.store.import_outcomes(&more, now).unwrap();
    let report = org.run(NURTURE).await.unwrap();

    assert_eq!(report.state, RunState::Done, "{report:?}");
    assert_eq!(report.ledger.delivered, 2);
    let again = lead_of(&org, "p-1").await;
    assert_ne!(again, lost);
    let conversations = org.rows("Conversation__c").await;
    let of = |id: &str| {
        let found = conversations.iter().find(|row| row["Bridged_Id__c"] == id);
        found.map(|row| row["Lead__c"].clone())
    };
    assert_eq!(of("o-3"), Some(json!(again)));
    assert_eq!(of("o-4"), Some(json!(lead_of(&org, "p-2").await)));
    let leads = org.rows("Lead").await;
    let live = leads
        .iter()
        .filter(|row| row["IsDeleted"] == false && !row["Bridged_Id__c"].is_null());
    assert_eq!(live.count(), 2, "nobody is there twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_never_led_anywhere_is_tried_once_and_rejected() {
    let org = with_two_people().await;
    let yaml = NURTURE.replace(
        "\"{{ targets.lead.id }}\"",
        "\"{{ '00Qbg00000ZZZZZ' if targets.lead.id else none }}\"",
    );
    let report = org.run(&yaml).await.unwrap();
    assert_eq!(report.ledger.rejected, 2, "{report:?}");
    let first = report.requests.write;
    let now = "2027-03-01T12:00:00Z".parse().unwrap();
    org.store
        .import_outcomes(&[outcome("o-5", "p-1")], now)
        .unwrap();
    let report = org.run(&yaml).await.unwrap();
    assert_eq!(report.ledger.rejected, 1, "{report:?}");
    assert!(
        report.requests.write <= first + 2,
        "one further try with the parent, and no more: {report:?}"
    );
}
