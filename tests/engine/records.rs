//! Bridged's own records as a source: cursor, condition, order, and what has no person.

use bridged::engine::Options;
use bridged::foundation::code::Code;
use bridged::foundation::event::{Ledger, RunState};
use serde_json::{Value, json};

use super::sample::{NURTURE, PEOPLE, keyed, outcome, people, person};
use crate::support::org::Org;

const FULL: Options = Options {
    full: true,
    limit: None,
    run_id: None,
};

async fn with_outcomes(count: usize) -> Org {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(count));
    let outcomes: Vec<Value> = (0..count).map(|n| outcome(n, &format!("p{n}"))).collect();
    org.import_outcomes(&outcomes);
    org
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_become_rows_once_and_the_cursor_stands_behind_them() {
    let org = with_outcomes(120).await;
    let report = org.run(NURTURE).await.unwrap();
    assert_eq!(report.state, RunState::Done);
    let all = Ledger {
        read: 120,
        delivered: 120,
        ..Ledger::default()
    };
    assert_eq!(report.ledger, all);
    assert_eq!(keyed(&org, "Conversation__c").await.len(), 120);
    let newest = org.store.newest_change().unwrap();
    assert_eq!(report.change_cursor.as_ref().unwrap().change, newest);
    let again = org.run(NURTURE).await.unwrap();
    assert_eq!(
        (again.state, again.ledger),
        (RunState::Done, Ledger::default())
    );
    assert_eq!((again.requests.write, again.api_calls), (0, 0), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_is_imported_again_as_it_was_is_no_change() {
    let org = with_outcomes(3).await;
    org.run(NURTURE).await.unwrap();
    org.import_outcomes(&[outcome(1, "p1")]);
    assert_eq!(org.run(NURTURE).await.unwrap().ledger.read, 0);
    let mut other = outcome(1, "p1");
    other["summary"] = json!("another word");
    org.import_outcomes(&[other]);
    let report = org.run(NURTURE).await.unwrap();
    assert_eq!((report.ledger.read, report.ledger.delivered), (1, 1));
    let row = org.row("Conversation__c", "Bridged_Id__c", "o1").await;
    assert_eq!(row["Summary__c"], "another word");
    assert_eq!(keyed(&org, "Conversation__c").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_run_reads_everything_again_and_writes_nothing() {
    let org = with_outcomes(30).await;
    org.run(NURTURE).await.unwrap();
    let report = org.run_with(NURTURE, FULL).await.unwrap();
    let all = Ledger {
        read: 30,
        unchanged: 30,
        ..Ledger::default()
    };
    assert_eq!(report.ledger, all);
    assert_eq!(report.requests.write, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_ends_early_and_the_next_run_goes_on_behind_it() {
    let org = with_outcomes(100).await;
    let limit = Options {
        full: false,
        limit: Some(30),
        ..Options::default()
    };
    let first = org.run_with(NURTURE, limit).await.unwrap();
    assert_eq!((first.state, first.ledger.read), (RunState::Partial, 30));
    assert_eq!(keyed(&org, "Conversation__c").await.len(), 30);
    let none = org
        .run_with(
            NURTURE,
            Options {
                full: false,
                limit: Some(0),
                ..Options::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(none.ledger, Ledger::default());
    let second = org.run(NURTURE).await.unwrap();
    assert_eq!((second.state, second.ledger.read), (RunState::Done, 70));
    assert_eq!(keyed(&org, "Conversation__c").await.len(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_leaves_records_out_and_counts_them_as_filtered() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(2));
    let mut dull = outcome(1, "p1");
    dull["kind"] = json!("no_reply");
    org.import_outcomes(&[outcome(0, "p0"), dull]);
    let yaml = NURTURE.replace(
        "records: outcomes",
        "records: outcomes, when: \"{{ outcome.kind == 'qualified' }}\"",
    );
    let report = org.run(&yaml).await.unwrap();
    let expected = Ledger {
        read: 2,
        delivered: 1,
        filtered: 1,
        ..Ledger::default()
    };
    assert_eq!((report.state, report.ledger), (RunState::Done, expected));
    assert_eq!(keyed(&org, "Conversation__c").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_that_is_no_condition_rejects_each_record() {
    let org = with_outcomes(2).await;
    let yaml = NURTURE.replace(
        "records: outcomes",
        "records: outcomes, when: \"{{ outcome.kind }}\"",
    );
    let report = org.run(&yaml).await.unwrap();
    assert_eq!(report.ledger.rejected, 2);
    for row in org.letters() {
        assert_eq!(row.letter.reason.code, Code::TemplateTypeMismatch);
        assert_eq!(row.letter.reason.field.as_deref(), Some("when"));
    }
    assert!(org.writes().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_condition_does_not_go_on_from_the_old_cursor() {
    let org = with_outcomes(5).await;
    org.run(NURTURE).await.unwrap();
    let changed = NURTURE.replace(
        "records: outcomes",
        "records: outcomes, when: \"{{ true }}\"",
    );
    let report = org.run(&changed).await.unwrap();
    assert_eq!(report.state, RunState::Failed);
    let (code, message) = report.error.unwrap();
    assert_eq!(code, Code::CursorQueryChanged);
    assert!(message.contains("--full"), "{message}");
    let full = org.run_with(&changed, FULL).await.unwrap();
    assert_eq!((full.state, full.ledger.unchanged), (RunState::Done, 5));
    assert_eq!(org.run(&changed).await.unwrap().ledger.read, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_of_nobody_is_rejected_and_goes_through_when_the_profile_came() {
    let org = with_outcomes(2).await;
    org.import_outcomes(&[outcome(7, "p7")]);
    let report = org.run(NURTURE).await.unwrap();
    let expected = Ledger {
        read: 3,
        delivered: 2,
        rejected: 1,
        ..Ledger::default()
    };
    assert_eq!((report.state, report.ledger), (RunState::Partial, expected));
    let letter = org.letters().remove(0).letter;
    assert_eq!(
        (letter.key.as_str(), letter.step.as_str()),
        ("o7", "records")
    );
    assert_eq!(letter.reason.code, Code::UnknownProfile);
    assert_eq!(letter.reason.field.as_deref(), Some("profile"));
    assert_eq!(letter.payload["outcome"]["summary"], "talk 7");

    let nobody = org.replay(NURTURE).await.unwrap();
    assert_eq!(nobody.report.ledger.rejected, 1, "still nobody");
    org.import_profiles(&[person(7)]);
    let replayed = org.replay(NURTURE).await.unwrap();
    assert_eq!(replayed.report.ledger.delivered, 1);
    assert!(org.letters().is_empty());
    let row = org.row("Conversation__c", "Bridged_Id__c", "o7").await;
    let lead = org.row("Lead", "Bridged_Id__c", "p7").await;
    assert_eq!(row["Lead__c"], lead["Id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_that_changed_are_written_again_and_no_others() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(250));
    let first = org.run(PEOPLE).await.unwrap();
    assert_eq!((first.ledger.delivered, first.requests.write), (250, 5));
    org.import_profiles(&[json!({ "key": "p9", "company": "Other" })]);
    let second = org.run(PEOPLE).await.unwrap();
    assert_eq!(
        (
            second.ledger.read,
            second.ledger.delivered,
            second.requests.write
        ),
        (1, 1, 1)
    );
    assert_eq!(
        org.row("Lead", "Bridged_Id__c", "p9").await["Company"],
        "Other"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_while_a_run_goes_on_is_the_next_run_s() {
    let org = std::sync::Arc::new(Org::with_leads(0).await);
    org.import_profiles(&people(60));
    let late = std::sync::Arc::clone(&org);
    let report = org
        .listen(PEOPLE, Options::default(), move |event, _| {
            if matches!(event, bridged::foundation::event::RunEvent::PageRead { .. }) {
                late.import_profiles(&[person(99)]);
            }
        })
        .await
        .unwrap();
    assert_eq!((report.state, report.ledger.read), (RunState::Done, 60));
    let next = org.run(PEOPLE).await.unwrap();
    assert_eq!((next.ledger.read, next.ledger.delivered), (1, 1));
}

/// One profile's stage, written by many outcomes: the last one stands, though the first of them is locked for a while.
#[tokio::test(flavor = "multi_thread")]
async fn s07_the_outcomes_of_one_profile_keep_their_order_over_all_groups() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(700));
    let mut outcomes: Vec<Value> = (0..700).map(|n| outcome(n, &format!("p{n}"))).collect();
    for at in [0, 210, 420, 699] {
        outcomes[at]["profile"] = json!("p5");
    }
    org.import_outcomes(&outcomes);
    let yaml = NURTURE.replace(
        "Company: \"{{ profile.company }}\"",
        "Company: \"{{ profile.company }}\", Title: \"{{ outcome.summary }}\"",
    );
    org.faults(json!([{
        "match": { "path": "*/Lead/Bridged_Id__c", "contains": "\"p5\"", "times": 3 },
        "action": { "kind": "row", "code": "UNABLE_TO_LOCK_ROW", "message": "locked" },
    }]))
    .await;
    let report = org.run(&yaml).await.unwrap();
    assert_eq!(
        (report.state, report.ledger.delivered),
        (RunState::Done, 700),
        "{report:?}"
    );
    assert_eq!(
        org.row("Lead", "Bridged_Id__c", "p5").await["Title"],
        "talk 699"
    );
    let lead = org.row("Lead", "Bridged_Id__c", "p5").await["Id"].clone();
    let conversations = keyed(&org, "Conversation__c").await;
    let own = conversations.iter().filter(|row| row["Lead__c"] == lead);
    assert_eq!(own.count(), 5, "its own and the four that were moved to it");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_one_key_in_one_group_are_merged_field_by_field() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(1));
    let mut outcomes: Vec<Value> = (0..3).map(|n| outcome(n, "p0")).collect();
    outcomes[0]["city"] = json!("Oslo");
    outcomes[1]["city"] = Value::Null;
    outcomes[2]["city"] = json!("Bergen");
    org.import_outcomes(&outcomes);
    let yaml = "version: 1
name: merged
direction: write
source: { records: outcomes }
targets:
  lead:
    object: Lead
    operation: upsert
    match: { Bridged_Id__c: \"{{ profile.key }}\" }
    field_map:
      LastName: \"{{ profile.last_name }}\"
      Company: Acme
      Title: \"{{ outcome.summary }}\"
      City: \"{{ outcome.city }}\"
";
    let report = org.run(yaml).await.unwrap();
    assert_eq!((report.ledger.read, report.ledger.delivered), (3, 3));
    let writes = org.writes().await;
    assert_eq!(
        (writes.len(), &writes[0]["records"]),
        (1, &json!(1)),
        "one row for three records"
    );
    let row = org.row("Lead", "Bridged_Id__c", "p0").await;
    assert_eq!(
        (&row["Title"], &row["City"]),
        (&json!("talk 2"), &json!("Bergen"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merged_row_that_is_refused_costs_every_record_it_stands_for() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(2));
    org.import_outcomes(&[outcome(0, "p0"), outcome(1, "p1"), outcome(2, "p0")]);
    let rule = json!({ "object": "Lead", "when": "LastName = 'Person 0'", "message": "no", "field": "LastName" });
    org.control("rules", json!({ "validation": [rule] })).await;
    let report = org.run(NURTURE).await.unwrap();
    assert_eq!((report.ledger.delivered, report.ledger.rejected), (1, 2));
    let letters = org.letters();
    let keys: Vec<&str> = letters.iter().map(|row| row.letter.key.as_str()).collect();
    assert_eq!(keys, ["o0", "o2"]);
}
