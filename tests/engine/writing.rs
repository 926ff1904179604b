//! Writing by a key: what is there afterwards, whatever happened on the way.

use bridged::foundation::code::Code;
use bridged::foundation::event::{Ledger, RunState};
use serde_json::{Value, json};

use super::sample::{PEOPLE, keyed, people};
use crate::support::org::Org;

/// The requests that carry rows of `PEOPLE`.
const UPSERTS: &str = "*/composite/sobjects/Lead/Bridged_Id__c";

async fn with_people(count: usize) -> Org {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(count));
    org
}

fn delivered(count: u64) -> Ledger {
    Ledger {
        read: count,
        delivered: count,
        ..Ledger::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s01_an_upsert_creates_what_is_new_and_changes_what_is_there() {
    let org = with_people(2).await;
    org.put_leads(vec![
        json!({ "LastName": "Before", "Company": "Before", "City": "Oslo", "Bridged_Id__c": "p1" }),
    ])
    .await;
    let report = org.run(PEOPLE).await.unwrap();
    assert_eq!(
        (report.state, report.ledger),
        (RunState::Done, delivered(2))
    );
    let (made, changed) = (
        org.row("Lead", "Bridged_Id__c", "p0").await,
        org.row("Lead", "Bridged_Id__c", "p1").await,
    );
    assert_eq!(made["LastName"], "Person 0");
    assert_eq!(changed["LastName"], "Person 1");
    assert_eq!(changed["City"], "Oslo", "a field that is not mapped stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn s01_a_key_that_two_rows_have_rejects_the_record_and_changes_neither() {
    let org = with_people(3).await;
    let twin = json!({ "LastName": "Twin", "Company": "Twin", "Bridged_Id__c": "p1" });
    org.put_leads(vec![twin.clone(), twin]).await;
    let report = org.run(PEOPLE).await.unwrap();
    assert_eq!(report.state, RunState::Partial);
    assert_eq!((report.ledger.delivered, report.ledger.rejected), (2, 1));
    let letter = &org.letters()[0].letter;
    assert_eq!(
        (letter.key.as_str(), letter.step.as_str()),
        ("p1", "target:lead")
    );
    assert_eq!(letter.reason.code, Code::RecordRefused);
    assert_eq!(
        letter.reason.remote_code.as_deref(),
        Some("DUPLICATE_EXTERNAL_ID")
    );
    assert_eq!(letter.reason.field.as_deref(), Some("Bridged_Id__c"));
    let rows = org.live("Lead").await;
    let twins = rows.iter().filter(|row| row["LastName"] == "Twin");
    assert_eq!(twins.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn s02_a_key_that_is_not_unique_or_not_there_is_refused_before_anything_is_written() {
    let org = with_people(3).await;
    for (field, code, hint) in [
        ("Company", Code::KeyNotUnique, "External ID"),
        ("Email", Code::KeyNotUnique, "Do not allow duplicate values"),
        ("Bridged_Idx__c", Code::UnknownField, "Bridged_Id__c"),
    ] {
        let yaml = PEOPLE
            .replace("match: { Bridged_Id__c:", &format!("match: {{ {field}:"))
            .replace(", Company: \"{{ profile.company }}\"", "");
        let report = org.run(&yaml).await.unwrap();
        assert_eq!(report.state, RunState::Failed, "{field}");
        let (found, message) = report.error.unwrap();
        assert_eq!(found, code, "{message}");
        assert!(
            message.contains(field) && message.contains(hint),
            "{message}"
        );
        assert_eq!(report.ledger, Ledger::default());
    }
    assert!(org.writes().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_missing_is_named_before_anything_is_written() {
    let yaml = PEOPLE.replace("LastName:", "City: Oslo, LastName:");
    for (permissions, code, named) in [
        (
            json!({ "objects": { "Lead": { "create": false } } }),
            Code::ObjectNotWritable,
            "`Create`",
        ),
        (
            json!({ "objects": { "Lead": { "edit": false } } }),
            Code::ObjectNotWritable,
            "`Edit`",
        ),
        (
            json!({ "fields": { "Lead.City": { "edit": false } } }),
            Code::FieldNotWritable,
            "`City`",
        ),
        (
            json!({ "fields": { "Lead.City": { "read": false } } }),
            Code::FieldUnavailable,
            "`City`",
        ),
        (
            json!({ "objects": { "Lead": { "read": false } } }),
            Code::ObjectUnavailable,
            "Lead",
        ),
    ] {
        let org = with_people(3).await;
        org.control("permissions", permissions.clone()).await;
        let report = org.run(&yaml).await.unwrap();
        let (found, message) = report.error.unwrap();
        assert_eq!(found, code, "{permissions}: {message}");
        assert!(message.contains(named), "{message}");
        assert!(org.writes().await.is_empty());
        assert_eq!(report.change_cursor, None);
    }
}

/// Runs against a fault that strikes the second of three write requests, and expects one row a person all the same.
async fn survives(action: Value) {
    let org = with_people(150).await;
    let yaml = PEOPLE.to_owned() + "batch: { size: 50, concurrency: 1 }\n";
    org.faults(json!([{ "match": { "path": UPSERTS, "after": 1, "times": 1 }, "action": action }]))
        .await;
    let report = org.run(&yaml).await.unwrap();
    assert_eq!(
        (report.state, report.ledger),
        (RunState::Done, delivered(150)),
        "{action}"
    );
    assert_eq!(keyed(&org, "Lead").await.len(), 150, "{action}");
    assert_eq!(
        report.requests.write, 4,
        "{action}: three requests and one again"
    );
    let again = org.run(&yaml).await.unwrap();
    assert_eq!(again.requests.write, 0, "{action}");
}

#[tokio::test(flavor = "multi_thread")]
async fn s03_a_reset_after_the_commit_leaves_one_row_a_record() {
    survives(json!({ "kind": "reset-after-commit" })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s04_an_answer_that_is_lost_after_the_commit_leaves_one_row_a_record() {
    for action in [
        json!({ "kind": "status", "status": 503, "code": "SERVER_UNAVAILABLE", "message": "later", "after_commit": true }),
        json!({ "kind": "html", "status": 502, "after_commit": true }),
        json!({ "kind": "html", "status": 200, "after_commit": true }),
        json!({ "kind": "status", "status": 200, "body": { "what": "is this" }, "after_commit": true }),
        json!({ "kind": "empty", "status": 200, "after_commit": true }),
        json!({ "kind": "truncate", "bytes": 40 }),
    ] {
        survives(action).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_before_the_commit_is_waited_out() {
    for action in [
        json!({ "kind": "reset" }),
        json!({ "kind": "status", "status": 503, "code": "SERVER_UNAVAILABLE", "message": "later" }),
        json!({ "kind": "status", "status": 500, "code": "UNKNOWN_EXCEPTION", "message": "oops" }),
        json!({ "kind": "expire-token" }),
    ] {
        survives(action).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s04_an_org_that_stays_away_fails_the_run_and_the_next_one_delivers() {
    let org = with_people(60).await;
    org.faults(
        json!([{ "match": { "path": UPSERTS }, "action": { "kind": "reset-after-commit" } }]),
    )
    .await;
    let report = org.run(PEOPLE).await.unwrap();
    assert_eq!(report.state, RunState::Failed);
    assert_eq!(
        report.error.as_ref().unwrap().0,
        Code::SalesforceUnavailable,
        "{report:?}"
    );
    assert_eq!(
        report.ledger,
        Ledger::default(),
        "nothing unacknowledged is told as done"
    );
    org.faults(json!([])).await;
    let next = org.run(PEOPLE).await.unwrap();
    assert_eq!((next.state, next.ledger), (RunState::Done, delivered(60)));
    assert_eq!(keyed(&org, "Lead").await.len(), 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn s05_three_bad_records_of_a_batch_cost_three_dead_letters() {
    let org = Org::with_leads(0).await;
    let mut all = people(50);
    for bad in [3, 20, 49] {
        all[bad]["company"] = json!("Bad");
    }
    org.import_profiles(&all);
    let rule = json!({ "object": "Lead", "when": "Company = 'Bad'", "message": "no such company", "field": "Company" });
    org.control("rules", json!({ "validation": [rule] })).await;
    let report = org.run(PEOPLE).await.unwrap();
    assert_eq!(report.state, RunState::Partial);
    let expected = Ledger {
        read: 50,
        delivered: 47,
        rejected: 3,
        ..Ledger::default()
    };
    assert_eq!(report.ledger, expected);
    assert_eq!(report.requests.write, 1, "refused rows are not sent again");
    let letters = org.letters();
    let mut keys: Vec<&str> = letters.iter().map(|row| row.letter.key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["p20", "p3", "p49"]);
    for row in &letters {
        let reason = &row.letter.reason;
        assert_eq!(reason.code, Code::RecordRefused);
        assert_eq!(
            reason.remote_code.as_deref(),
            Some("FIELD_CUSTOM_VALIDATION_EXCEPTION")
        );
        assert_eq!(reason.field.as_deref(), Some("Company"));
        assert_eq!(row.letter.attempts, 1);
        assert_eq!(row.letter.payload["profile"]["company"], "Bad");
    }
    assert_eq!(keyed(&org, "Lead").await.len(), 47);
}

#[tokio::test(flavor = "multi_thread")]
async fn s06_rows_rolled_back_for_a_bad_one_are_sent_again_without_it() {
    let org = with_people(50).await;
    let rolled_back = json!({ "kind": "row", "code": "ALL_OR_NONE_OPERATION_ROLLED_BACK", "message": "Record rolled back" });
    let bad = json!({ "kind": "row", "code": "FIELD_INTEGRITY_EXCEPTION", "message": "no", "fields": ["Company"] });
    org.faults(json!([
        { "match": { "contains": "\"p7\"" }, "action": bad },
        { "match": { "times": 50 }, "action": rolled_back },
    ]))
    .await;
    let report = org.run(PEOPLE).await.unwrap();
    assert_eq!(
        (report.ledger.delivered, report.ledger.rejected),
        (49, 1),
        "{report:?}"
    );
    let letter = &org.letters()[0].letter;
    assert_eq!(letter.key, "p7");
    assert_eq!(
        letter.reason.remote_code.as_deref(),
        Some("FIELD_INTEGRITY_EXCEPTION")
    );
    assert_eq!(keyed(&org, "Lead").await.len(), 49);
    let sent: u64 = org
        .writes()
        .await
        .iter()
        .map(|entry| entry["records"].as_u64().unwrap())
        .sum();
    assert_eq!(sent, 50 + 49, "the bad one is sent once");
}

#[tokio::test(flavor = "multi_thread")]
async fn s07_rows_that_are_locked_are_sent_again_until_they_are_free() {
    let org = with_people(50).await;
    org.faults(json!([{
        "match": { "contains": "\"p7\"", "times": 3 },
        "action": { "kind": "row", "code": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access to this record" },
    }]))
    .await;
    let report = org.run(PEOPLE).await.unwrap();
    assert_eq!(
        (report.state, report.ledger),
        (RunState::Done, delivered(50))
    );
    let writes = org.writes().await;
    let sizes: Vec<&Value> = writes.iter().map(|entry| &entry["records"]).collect();
    assert_eq!(sizes, [50, 1, 1, 1], "only the locked row goes again");
}

#[tokio::test(flavor = "multi_thread")]
async fn s07_a_row_that_stays_locked_is_rejected_behind_max_attempts() {
    let org = with_people(3).await;
    org.faults(json!([{
        "match": { "contains": "\"p1\"" },
        "action": { "kind": "row", "code": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access to this record" },
    }]))
    .await;
    let yaml = PEOPLE.to_owned() + "on_error: { max_attempts: 4 }\n";
    let report = org.run(&yaml).await.unwrap();
    assert_eq!((report.ledger.delivered, report.ledger.rejected), (2, 1));
    let letter = &org.letters()[0].letter;
    assert_eq!(letter.reason.code, Code::RecordLocked);
    assert_eq!(letter.attempts, 4);
    assert_eq!(report.requests.write, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_the_author_s_choice_go_with_every_write() {
    let org = with_people(1).await;
    org.run(PEOPLE).await.unwrap();
    assert_eq!(org.writes().await[0]["auto_assign"], "FALSE");
    org.import_profiles(&[json!({ "key": "p0", "company": "Other" })]);
    let yaml = PEOPLE.replace(
        "    object: Lead\n",
        "    object: Lead\n    assignment_rule: true\n",
    );
    org.run(&yaml).await.unwrap();
    let writes = org.writes().await;
    assert_eq!(writes.len(), 2);
    assert_eq!(writes[1]["auto_assign"], "TRUE");
    assert!(
        writes.iter().all(|entry| entry["client"].is_string()),
        "{writes:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_rule_that_warns_is_obeyed_unless_the_author_insists() {
    let org = with_people(1).await;
    org.put_leads(vec![json!({ "LastName": "Person 0", "Company": "Acme" })])
        .await;
    let rule = json!({ "object": "Lead", "name": "Same_Name", "fields": ["LastName", "Company"], "mode": "alert" });
    org.control("rules", json!({ "duplicates": [rule] })).await;
    let report = org.run(PEOPLE).await.unwrap();
    assert_eq!(report.ledger.rejected, 1);
    let reason = org.letters()[0].letter.reason.clone();
    assert_eq!(reason.remote_code.as_deref(), Some("DUPLICATES_DETECTED"));
    let insists = PEOPLE.replace(
        "    object: Lead\n",
        "    object: Lead\n    duplicate_rule: { allow_save: true }\n",
    );
    let replayed = org.replay(&insists).await.unwrap();
    assert_eq!(replayed.report.ledger, delivered(1));
    assert!(org.letters().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_groups_behind_one_that_failed_are_not_settled() {
    let org = Org::with_leads(0).await;
    let mut all = people(800);
    all[0]["company"] = json!("Marked");
    org.import_profiles(&all);
    let marked = json!({ "match": { "contains": "\"Marked\"" }, "action": { "kind": "limit", "which": "daily" } });
    let slow = json!({ "match": { "contains": "\"Marked\"" }, "action": { "kind": "latency", "ms": 200 } });
    org.faults(json!([slow, marked])).await;
    let report = org.run(PEOPLE).await.unwrap();
    assert_eq!(report.error.as_ref().unwrap().0, Code::DailyLimitReached);
    assert_eq!(report.ledger, Ledger::default());
    assert_eq!(
        report.change_cursor, None,
        "the cursor does not pass a group that failed"
    );
    let early = keyed(&org, "Lead").await.len();
    assert!(
        early < 800,
        "{early}: nothing new begins behind the failure"
    );
    org.faults(json!([])).await;
    let next = org.run(PEOPLE).await.unwrap();
    let expected = Ledger {
        read: 800,
        delivered: 800 - early as u64,
        unchanged: early as u64,
        ..Ledger::default()
    };
    assert_eq!(
        (next.state, next.ledger),
        (RunState::Done, expected),
        "what was acknowledged is remembered, though its group was not settled"
    );
    assert_eq!(keyed(&org, "Lead").await.len(), 800);
}

#[tokio::test(flavor = "multi_thread")]
async fn s29_a_right_that_is_lost_after_the_describe_was_kept_costs_the_records_that_need_it() {
    let org = with_people(2).await;
    let yaml = PEOPLE.replace("Company:", "City: Oslo, Company:");
    org.run(&yaml).await.unwrap();
    org.control(
        "permissions",
        json!({ "fields": { "Lead.City": { "edit": false } } }),
    )
    .await;
    org.import_profiles(&[json!({ "key": "p1", "company": "Other" })]);
    let report = org.run(&yaml).await.unwrap();
    assert_eq!(
        (report.state, report.ledger.rejected),
        (RunState::Partial, 1),
        "{report:?}"
    );
    let reason = org.letters().remove(0).letter.reason;
    assert_eq!(reason.code, Code::FieldNotWritable);
    assert_eq!(reason.field.as_deref(), Some("City"));
    assert_eq!(
        reason.remote_code.as_deref(),
        Some("INVALID_FIELD_FOR_INSERT_UPDATE")
    );
}
