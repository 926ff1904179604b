//! Targets that wait for each other: waves, ids, and children of what was refused.

use bridged::foundation::code::Code;
use bridged::foundation::event::{Ledger, RunState};
use serde_json::{Value, json};

use super::sample::{NURTURE, keyed, outcome, people};
use crate::support::org::Org;

async fn with_talks(count: usize) -> Org {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(count));
    let talks: Vec<Value> = (0..count).map(|n| outcome(n, &format!("p{n}"))).collect();
    org.import_outcomes(&talks);
    org
}

/// No lead may be called so.
async fn forbid(org: &Org, last_name: &str) {
    let rule = json!({ "object": "Lead", "when": format!("LastName = '{last_name}'"), "message": "no", "field": "LastName" });
    org.control("rules", json!({ "validation": [rule] })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_gets_the_id_of_its_parent_and_follows_it() {
    let org = with_talks(60).await;
    let report = org.run(NURTURE).await.unwrap();
    assert_eq!(
        (report.state, report.ledger.delivered),
        (RunState::Done, 60)
    );
    for n in [0, 31, 59] {
        let lead = org.row("Lead", "Bridged_Id__c", &format!("p{n}")).await;
        let talk = org
            .row("Conversation__c", "Bridged_Id__c", &format!("o{n}"))
            .await;
        assert_eq!(talk["Lead__c"], lead["Id"]);
    }
    let writes = org.writes().await;
    let last_parent = writes
        .iter()
        .rposition(|entry| entry["path"].as_str().unwrap().contains("/Lead/"));
    let first_child = writes.iter().position(|entry| {
        entry["path"]
            .as_str()
            .unwrap()
            .contains("/Conversation__c/")
    });
    assert!(last_parent < first_child, "{writes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_of_a_rejected_parent_is_rejected_and_not_sent() {
    let org = with_talks(10).await;
    forbid(&org, "Person 4").await;
    let report = org.run(NURTURE).await.unwrap();
    let expected = Ledger {
        read: 10,
        delivered: 9,
        rejected: 1,
        ..Ledger::default()
    };
    assert_eq!((report.state, report.ledger), (RunState::Partial, expected));
    let letters = org.letters();
    assert_eq!(letters.len(), 1, "one record, one letter");
    let letter = &letters[0].letter;
    assert_eq!(
        (letter.key.as_str(), letter.step.as_str()),
        ("o4", "target:lead")
    );
    assert_eq!(letter.reason.code, Code::RecordRefused);
    assert_eq!(keyed(&org, "Conversation__c").await.len(), 9);
    let writes = org.writes().await;
    let sizes: Vec<&Value> = writes.iter().map(|entry| &entry["records"]).collect();
    assert_eq!(sizes, [10, 9], "the child was not sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_names_the_parent_as_the_reason() {
    let org = Org::with_leads(0).await;
    let mut all = people(2);
    all[1]["company"] = Value::Null;
    org.import_profiles(&all);
    org.import_outcomes(&[outcome(0, "p0"), outcome(1, "p1")]);
    let preview = org.preview(NURTURE).await.unwrap();
    assert_eq!(preview.rejected, 1);
    let blocked: Vec<(&str, Code)> = preview
        .changes
        .iter()
        .filter_map(|change| match change {
            bridged::engine::preview::Change::Row(row) => match &row.what {
                bridged::engine::foresee::What::Blocked(reason) => {
                    Some((row.target.as_str(), reason.code))
                }
                _ => None,
            },
            _ => None,
        })
        .collect();
    let expected = [
        ("lead", Code::RequiredFieldMissing),
        ("conversation", Code::ParentRejected),
    ];
    assert_eq!(blocked, expected);
    let report = org.run(NURTURE).await.unwrap();
    assert_eq!((report.ledger.delivered, report.ledger.rejected), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_is_unchanged_still_gives_its_id() {
    let org = with_talks(3).await;
    org.run(NURTURE).await.unwrap();
    org.import_outcomes(&[outcome(8, "p1")]);
    let before = org.writes().await.len();
    let report = org.run(NURTURE).await.unwrap();
    assert_eq!(
        (report.ledger.delivered, report.requests.write),
        (1, 1),
        "{report:?}"
    );
    let lead = org.row("Lead", "Bridged_Id__c", "p1").await;
    assert_eq!(
        org.row("Conversation__c", "Bridged_Id__c", "o8").await["Lead__c"],
        lead["Id"]
    );
    let path = org.writes().await[before]["path"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(path.contains("Conversation__c"), "{path}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_is_refused_does_not_undo_its_parent() {
    let org = with_talks(2).await;
    let mut bad = outcome(1, "p1");
    bad["kind"] = json!("no such kind");
    org.import_outcomes(&[bad]);
    let report = org.run(NURTURE).await.unwrap();
    assert_eq!((report.ledger.delivered, report.ledger.rejected), (1, 1));
    let letter = org.letters().remove(0).letter;
    assert_eq!(letter.step, "target:conversation");
    assert_eq!(letter.reason.code, Code::ValueNotListed);
    assert_eq!(letter.reason.field.as_deref(), Some("Outcome__c"));
    assert_eq!(keyed(&org, "Lead").await.len(), 2);
    assert_eq!(keyed(&org, "Conversation__c").await.len(), 1);
    // The fix delivers the child, and the parent is not sent again.
    org.import_outcomes(&[outcome(1, "p1")]);
    let replayed = org.replay(NURTURE).await.unwrap().report;
    assert_eq!((replayed.ledger.delivered, replayed.requests.write), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_whose_parent_was_left_out_by_its_condition_has_no_parent() {
    let org = with_talks(2).await;
    let yaml = NURTURE.replace(
        "    match: { Bridged_Id__c: \"{{ profile.key }}\" }",
        "    match: { Bridged_Id__c: \"{{ profile.key }}\" }\n    when: \"{{ profile.key != 'p1' }}\"",
    );
    let report = org.run(&yaml).await.unwrap();
    assert_eq!(report.ledger.delivered, 2);
    assert_eq!(
        org.row("Conversation__c", "Bridged_Id__c", "o1").await["Lead__c"],
        Value::Null
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn three_waves_hand_ids_on() {
    let org = with_talks(5).await;
    let yaml = NURTURE.to_owned()
        + "  task:
    object: Task
    operation: create
    duplicates: accept
    field_map: { Subject: Call, Status: Completed, Priority: Normal, WhoId: \"{{ targets.lead.id }}\", Description: \"{{ targets.conversation.id }}\" }
";
    let before = org.live("Task").await.len();
    let report = org.run(&yaml).await.unwrap();
    assert_eq!(
        (report.state, report.ledger.delivered),
        (RunState::Done, 5),
        "{report:?}"
    );
    let tasks = org.live("Task").await;
    assert_eq!(tasks.len(), before + 5);
    let spoken = org.row("Conversation__c", "Bridged_Id__c", "o3").await;
    let task = tasks
        .iter()
        .find(|task| task["Description"] == spoken["Id"])
        .unwrap();
    assert_eq!(task["WhoId"], spoken["Lead__c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_can_be_named_by_its_own_key_instead() {
    let org = with_talks(3).await;
    org.put_leads(vec![
        json!({ "LastName": "A", "Company": "A", "Bridged_Id__c": "p0" }),
        json!({ "LastName": "B", "Company": "B", "Bridged_Id__c": "p2" }),
    ])
    .await;
    let yaml = "version: 1
name: talks
direction: write
source: { records: outcomes }
targets:
  conversation:
    object: Conversation__c
    operation: upsert
    match: { Bridged_Id__c: \"{{ outcome.id }}\" }
    field_map: { Lead__r.Bridged_Id__c: \"{{ profile.key }}\", Outcome__c: \"{{ outcome.kind }}\" }
";
    let report = org.run(yaml).await.unwrap();
    assert_eq!((report.ledger.delivered, report.ledger.rejected), (2, 1));
    let lead = org.row("Lead", "Bridged_Id__c", "p2").await;
    assert_eq!(
        org.row("Conversation__c", "Bridged_Id__c", "o2").await["Lead__c"],
        lead["Id"]
    );
    let letter = org.letters().remove(0).letter;
    assert_eq!(
        (letter.key.as_str(), letter.reason.code),
        ("o1", Code::RecordRefused)
    );
    assert_eq!(
        letter.reason.remote_code.as_deref(),
        Some("INVALID_FIELD"),
        "{letter:?}"
    );
}
