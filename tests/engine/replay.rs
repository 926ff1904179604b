//! Replaying dead letters: records are read again as they are now, through the pipeline as it is today.

use bridged::foundation::code::Code;
use bridged::foundation::event::RunState;
use bridged::store::model::{Closed, LetterFilter};
use serde_json::{Value, json};

use super::sample::{NURTURE, PEOPLE, SCORES, keyed, leads, outcome, people};
use crate::support::org::Org;

/// Ten people of whom the first three have no company.
async fn with_letters() -> Org {
    let org = Org::with_leads(0).await;
    let mut all = people(10);
    for person in &mut all[..3] {
        person["company"] = Value::Null;
    }
    org.import_profiles(&all);
    let report = org.run(PEOPLE).await.unwrap();
    assert_eq!((report.ledger.delivered, report.ledger.rejected), (7, 3));
    org
}

#[tokio::test(flavor = "multi_thread")]
async fn s31_a_replay_of_what_is_still_wrong_keeps_the_letters() {
    let org = with_letters().await;
    let ids: Vec<i64> = org.letters().iter().map(|row| row.id).collect();
    for _ in 0..2 {
        let replayed = org.replay(PEOPLE).await.unwrap();
        assert_eq!(
            (replayed.report.state, replayed.report.ledger.rejected),
            (RunState::Partial, 3)
        );
        assert_eq!(replayed.gone, 0);
        let now: Vec<i64> = org.letters().iter().map(|row| row.id).collect();
        assert_eq!(now, ids, "the same letters, not further ones");
    }
    assert_eq!(keyed(&org, "Lead").await.len(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn s31_a_second_replay_changes_nothing() {
    let org = with_letters().await;
    let fixed = PEOPLE.replace(
        "{{ profile.company }}",
        "{{ profile.company or 'Unknown' }}",
    );
    let replayed = org.replay(&fixed).await.unwrap();
    assert_eq!(
        (replayed.report.state, replayed.report.ledger.delivered),
        (RunState::Done, 3)
    );
    assert_eq!(
        org.row("Lead", "Bridged_Id__c", "p1").await["Company"],
        "Unknown"
    );
    assert!(org.letters().is_empty());
    let before = org.writes().await.len();
    let again = org.replay(&fixed).await.unwrap();
    assert_eq!(
        (again.report.ledger.read, again.report.requests.write),
        (0, 0)
    );
    assert_eq!(org.writes().await.len(), before);
    assert_eq!(keyed(&org, "Lead").await.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn s31_replaying_letters_that_went_through_meanwhile_sends_nothing() {
    let org = with_letters().await;
    let letters = org.letters();
    org.import_profiles(&people(3));
    org.run(PEOPLE).await.unwrap();
    assert!(
        org.letters().is_empty(),
        "the run delivered them and closed their letters"
    );
    let closed = LetterFilter {
        closed: true,
        ..LetterFilter::default()
    };
    assert_eq!(
        org.store.dead_letters(&closed).unwrap().len(),
        letters.len(),
        "they are kept"
    );
    let replayed = org.replay(PEOPLE).await.unwrap();
    assert_eq!(replayed.report.requests.write, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_sends_what_the_record_is_now_and_not_what_the_letter_holds() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(2));
    org.faults(json!([{ "match": { "contains": "\"p1\"", "times": 1 }, "action": { "kind": "row", "code": "FIELD_INTEGRITY_EXCEPTION", "message": "no" } }])).await;
    org.run(PEOPLE).await.unwrap();
    assert_eq!(
        org.letters()[0].letter.payload["profile"]["company"],
        "Acme"
    );
    org.import_profiles(&[json!({ "key": "p1", "company": "Newer" })]);
    let replayed = org.replay(PEOPLE).await.unwrap();
    assert_eq!(replayed.report.ledger.delivered, 1);
    assert_eq!(
        org.row("Lead", "Bridged_Id__c", "p1").await["Company"],
        "Newer"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_reads_rows_of_salesforce_again() {
    let org = Org::with_leads(0).await;
    let ids = leads(&org, 60).await;
    let rule = json!({ "object": "Lead", "when": "Lead_Score__c = 20 AND Company = 'Acme'", "message": "no", "field": "Lead_Score__c" });
    org.control("rules", json!({ "validation": [rule] })).await;
    assert_eq!(org.run(SCORES).await.unwrap().ledger.rejected, 60);
    for id in &ids[..2] {
        org.change("Lead", id, "AnnualRevenue", &json!(500)).await;
    }
    org.change("Lead", &ids[2], "IsDeleted", &json!(true)).await;
    org.change("Lead", &ids[3], "LastName", &json!("Outside"))
        .await;
    let replayed = org.replay(SCORES).await.unwrap();
    let ledger = replayed.report.ledger;
    assert_eq!(
        (ledger.delivered, ledger.rejected, replayed.gone),
        (2, 56, 2),
        "{ledger:?}"
    );
    assert_eq!(org.letters().len(), 56);
    assert_eq!(org.row("Lead", "LastName", "Lead 0").await["Rating"], "Hot");
    let closed = LetterFilter {
        closed: true,
        limit: Some(1_000),
        ..LetterFilter::default()
    };
    let letters = org.store.dead_letters(&closed).unwrap();
    let gone = letters
        .iter()
        .filter(|row| matches!(row.closed, Some((Closed::Gone, _))));
    assert_eq!(gone.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_does_not_move_the_cursor() {
    let org = with_letters().await;
    let before = org
        .store
        .change_cursor(&bridged::foundation::id::PipelineName::parse("people").unwrap())
        .unwrap();
    org.import_profiles(&people(20));
    let replayed = org.replay(PEOPLE).await.unwrap();
    assert_eq!(replayed.report.ledger.read, 3);
    assert_eq!(replayed.report.change_cursor, before);
    assert_eq!(
        org.run(PEOPLE).await.unwrap().ledger.read,
        13,
        "the changed and the new, none left out"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_counts_all_its_tries_and_tells_the_last_reason() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(1));
    let fault = |code: &str| json!([{ "action": { "kind": "row", "code": code, "message": "no", "fields": ["Company"] } }]);
    org.faults(fault("FIELD_INTEGRITY_EXCEPTION")).await;
    org.run(PEOPLE).await.unwrap();
    org.faults(fault("FIELD_CUSTOM_VALIDATION_EXCEPTION")).await;
    let replayed = org.replay(PEOPLE).await.unwrap();
    let letters = org.letters();
    assert_eq!(letters.len(), 1);
    let letter = &letters[0].letter;
    assert_eq!(
        (letter.attempts, letter.run_id),
        (2, replayed.report.run_id)
    );
    assert_eq!(
        letter.reason.remote_code.as_deref(),
        Some("FIELD_CUSTOM_VALIDATION_EXCEPTION")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_the_pipeline_leaves_out_today_closes_its_letter() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(1));
    let mut bad = outcome(0, "p0");
    bad["kind"] = json!("bought");
    org.import_outcomes(&[bad]);
    assert_eq!(org.run(NURTURE).await.unwrap().ledger.rejected, 1);
    let yaml = NURTURE.replace(
        "records: outcomes",
        "records: outcomes, when: \"{{ outcome.kind != 'bought' }}\"",
    );
    let replayed = org.replay(&yaml).await.unwrap();
    assert_eq!(
        (replayed.report.state, replayed.report.ledger.filtered),
        (RunState::Done, 1)
    );
    assert!(org.letters().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_at_a_replay_writes_nothing() {
    let org = with_letters().await;
    let fixed = PEOPLE.replace(
        "{{ profile.company }}",
        "{{ profile.company or 'Unknown' }}",
    );
    let before = org.writes().await.len();
    let preview = org.foresee_replay(&fixed).await.unwrap();
    assert_eq!((preview.read, preview.rejected), (3, 0));
    assert_eq!(preview.targets[0].1.created, 3);
    let still = org.foresee_replay(PEOPLE).await.unwrap();
    assert_eq!((still.rejected, still.targets[0].1.blocked), (3, 3));
    assert_eq!(org.writes().await.len(), before);
    assert_eq!(org.letters().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn s31_a_replay_that_is_cut_off_is_finished_by_the_next() {
    let org = Org::with_leads(0).await;
    let mut all = people(120);
    for person in &mut all {
        person["company"] = Value::Null;
    }
    org.import_profiles(&all);
    org.run(PEOPLE).await.unwrap();
    org.import_profiles(&people(120));
    org.faults(json!([{ "match": { "method": "PATCH", "after": 1 }, "action": { "kind": "reset-after-commit" } }])).await;
    let report = org.replay(PEOPLE).await.unwrap().report;
    assert_eq!(
        (report.state, report.error.unwrap().0),
        (RunState::Failed, Code::SalesforceUnavailable)
    );
    assert_eq!(
        org.letters().len(),
        120,
        "what was not acknowledged keeps its letter"
    );
    org.faults(json!([])).await;
    assert_eq!(
        org.replay(PEOPLE).await.unwrap().report.state,
        RunState::Done
    );
    assert!(org.letters().is_empty());
    assert_eq!(keyed(&org, "Lead").await.len(), 120);
}

#[tokio::test(flavor = "multi_thread")]
async fn i15_replayed_outcomes_of_one_profile_keep_their_order() {
    let org = Org::with_leads(0).await;
    let mut person = people(1);
    person[0]["company"] = Value::Null;
    org.import_profiles(&person);
    let talks: Vec<Value> = (0..450).map(|n| outcome(n, "p0")).collect();
    org.import_outcomes(&talks);
    let yaml = NURTURE.replace(
        "Company: \"{{ profile.company }}\"",
        "Company: \"{{ profile.company }}\", Title: \"{{ outcome.summary }}\"",
    );
    assert_eq!(org.run(&yaml).await.unwrap().ledger.rejected, 450);
    org.import_profiles(&people(1));
    let replayed = org.replay(&yaml).await.unwrap().report;
    assert_eq!(
        (replayed.state, replayed.ledger.delivered),
        (RunState::Done, 450)
    );
    let row = org.row("Lead", "Bridged_Id__c", "p0").await;
    assert_eq!(row["Title"], "talk 449");
}
