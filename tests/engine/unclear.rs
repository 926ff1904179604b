//! Creates that have no key: what nobody can tell is told as unknown, and never sent again by itself.

use bridged::engine::Options;
use bridged::foundation::code::Code;
use bridged::foundation::event::{Ledger, RunState};
use serde_json::{Value, json};

use super::sample::{outcome, people};
use crate::support::org::Org;

const CREATES: &str = "*/composite/sobjects";

const TASKS: &str = "version: 1
name: tasks
direction: write
source: { records: outcomes }
targets:
  task:
    object: Task
    operation: create
    duplicates: accept
    field_map: { Subject: \"{{ outcome.id }}\", Status: Completed, Priority: Normal }
batch: { size: 50, concurrency: 1 }
";

async fn with_talks(count: usize) -> Org {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(count));
    let talks: Vec<Value> = (0..count).map(|n| outcome(n, &format!("p{n}"))).collect();
    org.import_outcomes(&talks);
    org
}

async fn subjects(org: &Org) -> Vec<String> {
    let rows = org.live("Task").await;
    let subjects = rows.iter().filter_map(|row| row["Subject"].as_str());
    subjects
        .filter(|subject| subject.starts_with('o'))
        .map(str::to_owned)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn i14_a_blind_create_whose_answer_is_lost_is_unknown_and_not_sent_again() {
    for action in [
        json!({ "kind": "reset-after-commit" }),
        json!({ "kind": "status", "status": 503, "code": "SERVER_UNAVAILABLE", "message": "later", "after_commit": true }),
        json!({ "kind": "html", "status": 200, "after_commit": true }),
        json!({ "kind": "truncate", "bytes": 30 }),
    ] {
        let org = with_talks(150).await;
        org.faults(json!([{ "match": { "method": "POST", "path": CREATES, "after": 1, "times": 1 }, "action": action }])).await;
        let report = org.run(TASKS).await.unwrap();
        let expected = Ledger {
            read: 150,
            delivered: 100,
            unknown: 50,
            ..Ledger::default()
        };
        assert_eq!(report.ledger, expected, "{action}");
        assert_eq!(report.requests.write, 3, "{action}: nothing was sent twice");
        let mut made = subjects(&org).await;
        made.sort_unstable();
        made.dedup();
        assert_eq!(made.len(), 150, "{action}");
        let next = org.run(TASKS).await.unwrap();
        assert_eq!(
            (next.ledger, next.requests.write),
            (Ledger::default(), 0),
            "{action}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blind_create_that_never_arrived_is_sent_again() {
    for action in [
        json!({ "kind": "limit", "which": "concurrent" }),
        json!({ "kind": "expire-token" }),
    ] {
        let org = with_talks(60).await;
        org.faults(json!([{ "match": { "method": "POST", "path": CREATES, "times": 1 }, "action": action }])).await;
        let report = org.run(TASKS).await.unwrap();
        assert_eq!(
            (report.state, report.ledger.delivered),
            (RunState::Done, 60),
            "{action}: {report:?}"
        );
        assert_eq!(subjects(&org).await.len(), 60, "{action}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_with_unknown_records_does_not_count_them_as_done() {
    let org = with_talks(3).await;
    org.faults(json!([{ "match": { "method": "POST", "path": CREATES }, "action": { "kind": "reset-after-commit" } }])).await;
    let report = org.run(TASKS).await.unwrap();
    assert_eq!((report.ledger.unknown, report.ledger.delivered), (3, 0));
    assert_eq!(report.state, RunState::Partial);
    assert!(
        report
            .warnings
            .iter()
            .any(|warning| warning.contains("3 records are unknown")),
        "{report:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_of_an_unclear_parent_is_not_sent() {
    let org = with_talks(2).await;
    let yaml = TASKS.replace(
        "batch:",
        "  talk:
    object: Conversation__c
    operation: upsert
    match: { Bridged_Id__c: \"{{ outcome.id }}\" }
    field_map: { Summary__c: \"{{ targets.task.id }}\" }
batch:",
    );
    org.faults(json!([{ "match": { "method": "POST", "path": CREATES }, "action": { "kind": "reset-after-commit" } }])).await;
    let report = org.run(&yaml).await.unwrap();
    assert!(report.ledger.balances());
    assert_eq!(report.ledger.delivered, 0, "{report:?}");
    assert!(org.live("Conversation__c").await.iter().all(|row| {
        row["Summary__c"].is_null()
            || !row["Bridged_Id__c"]
                .as_str()
                .unwrap_or_default()
                .starts_with('o')
    }));
    for row in org.letters() {
        assert_eq!(row.letter.reason.code, Code::ParentRejected);
        assert!(row.letter.reason.message.contains("unclear"), "{row:?}");
    }
    assert_eq!(report.requests.write, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_gave_a_row_without_a_key_gives_no_second_one() {
    let org = with_talks(2).await;
    org.run(TASKS).await.unwrap();
    let full = Options {
        full: true,
        limit: None,
        ..Options::default()
    };
    let again = org.run_with(TASKS, full).await.unwrap();
    assert_eq!((again.ledger.unchanged, again.requests.write), (2, 0));
    assert_eq!(subjects(&org).await.len(), 2);

    // What changed is another row: nothing says which one it was.
    org.import_outcomes(&[json!({ "id": "o0", "profile": "p0", "kind": "converted", "occurred_at": "2027-02-01T08:00:00Z" })]);
    let yaml = TASKS.replace(
        "Priority: Normal",
        "Priority: Normal, Description: \"{{ outcome.kind }}\"",
    );
    org.run(&yaml).await.unwrap();
    assert_eq!(subjects(&org).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn i14_what_was_created_before_a_run_failed_is_not_created_again() {
    let org = with_talks(150).await;
    let yaml = TASKS.replace("concurrency: 1", "concurrency: 4");
    org.faults(json!([{ "match": { "method": "POST", "path": CREATES, "after": 2 }, "action": { "kind": "limit", "which": "daily" } }])).await;
    let failed = org.run(&yaml).await.unwrap();
    assert_eq!(failed.state, RunState::Failed);
    assert_eq!(failed.error.unwrap().0, Code::DailyLimitReached);
    assert_eq!(subjects(&org).await.len(), 100);

    org.faults(json!([])).await;
    let next = org.run(&yaml).await.unwrap();
    assert_eq!(
        (next.ledger.unchanged, next.ledger.delivered),
        (100, 50),
        "{next:?}"
    );
    let mut made = subjects(&org).await;
    made.sort_unstable();
    made.dedup();
    assert_eq!(made.len(), 150);
    assert_eq!(subjects(&org).await.len(), 150);
}

#[tokio::test(flavor = "multi_thread")]
async fn i14_an_unknown_record_that_is_read_again_stays_unknown_and_unsent() {
    let org = with_talks(3).await;
    org.faults(json!([{ "match": { "method": "POST", "path": CREATES, "times": 1 }, "action": { "kind": "reset-after-commit" } }])).await;
    org.run(TASKS).await.unwrap();
    let full = Options {
        full: true,
        limit: None,
        ..Options::default()
    };
    let again = org.run_with(TASKS, full).await.unwrap();
    assert_eq!(
        (again.ledger.unknown, again.requests.write),
        (3, 0),
        "{again:?}"
    );
    assert_eq!(subjects(&org).await.len(), 3);
}

/// A create with a key that no two rows may share is told apart by that key.
#[tokio::test(flavor = "multi_thread")]
async fn i14_s03_a_create_with_a_key_finds_what_it_made_before() {
    let org = with_talks(60).await;
    let yaml = "version: 1
name: talks
direction: write
source: { records: outcomes }
targets:
  talk:
    object: Conversation__c
    operation: create
    match: { Bridged_Id__c: \"{{ outcome.id }}\" }
    field_map: { Outcome__c: \"{{ outcome.kind }}\" }
batch: { size: 50, concurrency: 1 }
";
    org.faults(json!([{ "match": { "method": "POST", "path": CREATES, "times": 1 }, "action": { "kind": "reset-after-commit" } }])).await;
    let report = org.run(yaml).await.unwrap();
    assert_eq!(
        (report.state, report.ledger.delivered),
        (RunState::Done, 60),
        "{report:?}"
    );
    let rows = super::sample::keyed(&org, "Conversation__c").await;
    assert_eq!(rows.len(), 60);
    let full = Options {
        full: true,
        limit: None,
        ..Options::default()
    };
    assert_eq!(org.run_with(yaml, full).await.unwrap().ledger.unchanged, 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn s01_a_create_with_a_key_that_is_taken_is_rejected() {
    let org = with_talks(2).await;
    org.control(
        "records/Conversation__c",
        json!({ "Bridged_Id__c": "o1", "Summary__c": "mine" }),
    )
    .await;
    let yaml = TASKS
        .replace(
            "    object: Task\n",
            "    object: Conversation__c\n    match: { Bridged_Id__c: \"{{ outcome.id }}\" }\n",
        )
        .replace("    duplicates: accept\n", "")
        .replace(
            "Subject: \"{{ outcome.id }}\", Status: Completed, Priority: Normal",
            "Summary__c: ours",
        );
    let report = org.run(&yaml).await.unwrap();
    assert_eq!((report.ledger.delivered, report.ledger.rejected), (1, 1));
    assert_eq!(
        org.letters()[0].letter.reason.remote_code.as_deref(),
        Some("DUPLICATE_VALUE")
    );
    assert_eq!(
        org.row("Conversation__c", "Bridged_Id__c", "o1").await["Summary__c"],
        "mine"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn i14_a_blind_create_that_was_refused_is_sent_again_and_earlier_ones_are_still_known() {
    let org = with_talks(2).await;
    org.run(TASKS).await.unwrap();
    let other = TASKS.replace("Status: Completed", "Status: Open");
    org.faults(json!([{ "match": { "method": "POST", "path": CREATES }, "action": { "kind": "row", "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION" } }])).await;
    let full = Options {
        full: true,
        limit: None,
        ..Options::default()
    };
    let refused = org.run_with(&other, full).await.unwrap();
    assert_eq!(refused.ledger.rejected, 2, "{refused:?}");

    org.faults(json!([])).await;
    let first = org.run_with(TASKS, full).await.unwrap();
    assert_eq!((first.ledger.unchanged, first.requests.write), (2, 0));
    let again = org.run_with(&other, full).await.unwrap();
    assert_eq!(again.ledger.delivered, 2, "{again:?}");
    assert_eq!(subjects(&org).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn i14_nothing_leaves_that_could_not_be_written_down_first() {
    let org = with_talks(2).await;
    org.run(TASKS).await.unwrap();
    org.import_outcomes(&[outcome(7, "p0")]);
    let store = org.store_file();
    store
        .execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON acknowledgements
             BEGIN SELECT RAISE(ABORT, 'no room'); END",
        )
        .unwrap();
    let failed = org.run(TASKS).await.unwrap();
    assert_eq!((failed.state, failed.requests.write), (RunState::Failed, 0));
    store.execute_batch("DROP TRIGGER full").unwrap();
    let next = org.run(TASKS).await.unwrap();
    assert_eq!((next.ledger.delivered, next.requests.write), (1, 1));
    assert_eq!(subjects(&org).await.len(), 3);
}
