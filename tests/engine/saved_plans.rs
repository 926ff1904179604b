//! Saved plans: what was shown is what is written, or nothing is.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use bridged::foundation::code::Code;
use bridged::foundation::event::{Ledger, RunEvent, RunState};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::sample::{NURTURE, PEOPLE, SCORES, four_people, keyed, leads, outcome, people};
use crate::support::org::Org;

/// An org with people of whom some are leads already, and a place for a file.
struct Bench {
    org: Arc<Org>,
    _folder: TempDir,
    file: PathBuf,
}

async fn bench() -> Bench {
    of(four_people().await)
}

fn of(org: Org) -> Bench {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("plan.jsonl");
    Bench {
        org: Arc::new(org),
        _folder: folder,
        file,
    }
}

/// Nothing was written, and no code but the one expected was told.
async fn refused(bench: &Bench, yaml: &str, code: Code) {
    let before = bench.org.writes().await.len();
    let error = match bench.org.apply(yaml, &bench.file).await {
        Err(error) => (error.code(), error.to_string()),
        Ok(report) => {
            assert_eq!(
                (report.state, report.ledger),
                (RunState::Failed, Ledger::default())
            );
            report.error.expect("an error")
        }
    };
    assert_eq!(error.0, code, "{}", error.1);
    assert_eq!(bench.org.writes().await.len(), before, "nothing is written");
}

#[tokio::test(flavor = "multi_thread")]
async fn i16_a_saved_plan_writes_exactly_what_was_previewed() {
    let bench = bench().await;
    assert_eq!(bench.org.save(PEOPLE, &bench.file).await.unwrap(), 2);
    // What comes later is not in the plan.
    bench.org.import_profiles(&[
        json!({ "key": "p0", "company": "Later" }),
        json!({ "key": "p9", "last_name": "Later", "company": "Later" }),
    ]);
    let report = bench.org.apply(PEOPLE, &bench.file).await.unwrap();
    let expected = Ledger {
        read: 2,
        delivered: 2,
        ..Ledger::default()
    };
    assert_eq!((report.state, report.ledger), (RunState::Done, expected));
    assert_eq!(
        bench.org.row("Lead", "Bridged_Id__c", "p0").await["Company"],
        "Acme"
    );
    assert_eq!(
        bench.org.row("Lead", "Bridged_Id__c", "p2").await["Company"],
        "Acme"
    );
    assert_eq!(keyed(&bench.org, "Lead").await.len(), 3);
    let sent: Vec<Value> = bench
        .org
        .writes()
        .await
        .iter()
        .map(|entry| entry["records"].clone())
        .collect();
    assert_eq!(sent, [2]);
    // The next run writes the rest, and nothing of the plan again.
    let next = bench.org.run(PEOPLE).await.unwrap();
    assert_eq!(
        (next.ledger.delivered, next.ledger.rejected),
        (3, 1),
        "{next:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plan_wrote_is_not_written_again_by_a_run() {
    let bench = bench().await;
    bench.org.save(PEOPLE, &bench.file).await.unwrap();
    bench.org.apply(PEOPLE, &bench.file).await.unwrap();
    let next = bench.org.run(PEOPLE).await.unwrap();
    assert_eq!(next.ledger.rejected, 1);
    let sent = bench.org.writes().await.last().unwrap()["records"].clone();
    assert_eq!(
        sent, 1,
        "only the row that the preview found unchanged was never acknowledged"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_applied_once() {
    let bench = bench().await;
    bench.org.save(PEOPLE, &bench.file).await.unwrap();
    bench.org.apply(PEOPLE, &bench.file).await.unwrap();
    refused(&bench, PEOPLE, Code::SavedPlanApplied).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_another_pipeline_or_position_is_stale() {
    let bench = bench().await;
    bench.org.save(PEOPLE, &bench.file).await.unwrap();
    refused(
        &bench,
        &PEOPLE.replace("name: people", "name: others"),
        Code::SavedPlanStale,
    )
    .await;
    refused(
        &bench,
        &PEOPLE.replace("Company:", "City: Oslo, Company:"),
        Code::SavedPlanStale,
    )
    .await;
    bench.org.run(PEOPLE).await.unwrap();
    refused(&bench, PEOPLE, Code::SavedPlanStale).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_was_saved_against_another_org_is_stale() {
    // Sandboxes share the id of their org: who may not ask for it tells orgs apart by their addresses.
    let no_identity = json!([{ "match": { "path": "*/userinfo" }, "action": { "kind": "empty", "status": 403 } }]);
    let (one, other) = (bench().await, bench().await);
    for org in [&one.org, &other.org] {
        org.faults(no_identity.clone()).await;
    }
    one.org.save(PEOPLE, &one.file).await.unwrap();
    let error = other.org.apply(PEOPLE, &one.file).await.unwrap_err();
    assert_eq!(error.code(), Code::SavedPlanStale, "{error}");
    assert!(other.org.writes().await.is_empty());
    assert_eq!(
        one.org
            .apply(PEOPLE, &one.file)
            .await
            .unwrap()
            .ledger
            .delivered,
        2
    );
}

/// Puts these lines in place of the saved plan and expects it to be refused.
async fn tampered(bench: &Bench, lines: &[&str], how: &str) {
    fs::write(&bench.file, lines.join("\n") + "\n").unwrap();
    let refused = bench.org.apply(PEOPLE, &bench.file).await.unwrap_err();
    let code = refused.code();
    assert!(
        matches!(code, Code::SavedPlanEdited | Code::SavedPlanUnreadable),
        "{how}: {code}"
    );
}

/// The line with its middle character changed.
fn flipped(line: &str) -> String {
    let middle = line.len() / 2;
    let other = |c| if c == 'e' { 'a' } else { 'e' };
    line.char_indices()
        .map(|(place, c)| if place == middle { other(c) } else { c })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn i16_a_plan_of_which_any_line_was_touched_is_refused() {
    let bench = bench().await;
    bench.org.save(PEOPLE, &bench.file).await.unwrap();
    let whole = fs::read_to_string(&bench.file).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    assert_eq!(lines.len(), 4, "a header, two rows, an end");
    for (at, line) in lines.iter().enumerate() {
        for other in [flipped(line).as_str(), "", "{}"] {
            let mut edited = lines.clone();
            edited[at] = other;
            tampered(&bench, &edited, &format!("line {at} as {other:?}")).await;
        }
        let mut without = lines.clone();
        without.remove(at);
        tampered(&bench, &without, &format!("without line {at}")).await;
        let mut twice = lines.clone();
        twice.insert(at, line);
        tampered(&bench, &twice, &format!("line {at} twice")).await;
    }
    assert!(bench.org.writes().await.is_empty());
    fs::write(&bench.file, whole).unwrap();
    let report = bench.org.apply(PEOPLE, &bench.file).await.unwrap();
    assert_eq!(report.ledger.delivered, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_was_cut_off_anywhere_is_refused() {
    let bench = bench().await;
    bench.org.save(PEOPLE, &bench.file).await.unwrap();
    let whole = fs::read(&bench.file).unwrap();
    for length in (0..whole.len() - 1).step_by(7) {
        fs::write(&bench.file, &whole[..length]).unwrap();
        let code = bench
            .org
            .apply(PEOPLE, &bench.file)
            .await
            .unwrap_err()
            .code();
        assert!(
            matches!(code, Code::SavedPlanEdited | Code::SavedPlanUnreadable),
            "{length} bytes: {code}"
        );
    }
    fs::remove_file(&bench.file).unwrap();
    assert_eq!(
        bench
            .org
            .apply(PEOPLE, &bench.file)
            .await
            .unwrap_err()
            .code(),
        Code::FileUnreadable
    );
    assert!(bench.org.writes().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn i16_a_row_that_moved_since_the_preview_stops_the_whole_plan() {
    for drift in ["created", "changed", "gone"] {
        let bench = bench().await;
        bench.org.save(PEOPLE, &bench.file).await.unwrap();
        let id = bench.org.row("Lead", "Bridged_Id__c", "p2").await["Id"]
            .as_str()
            .unwrap()
            .to_owned();
        let org = &bench.org;
        let other = json!({ "LastName": "Other", "Company": "Other", "Bridged_Id__c": "p0" });
        match drift {
            "created" => drop(org.put_leads(vec![other]).await),
            "changed" => org.change("Lead", &id, "Company", &json!("Newer")).await,
            _ => org.change("Lead", &id, "IsDeleted", &json!(true)).await,
        }
        refused(&bench, PEOPLE, Code::SavedPlanDrifted).await;
        // A plan that was refused was not begun: it is refused for the same reason again.
        refused(&bench, PEOPLE, Code::SavedPlanDrifted).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_field_that_the_plan_does_not_write_is_no_drift() {
    let bench = bench().await;
    bench.org.save(PEOPLE, &bench.file).await.unwrap();
    let id = bench.org.row("Lead", "Bridged_Id__c", "p2").await["Id"]
        .as_str()
        .unwrap()
        .to_owned();
    bench.org.change("Lead", &id, "City", &json!("Oslo")).await;
    assert_eq!(
        bench
            .org
            .apply(PEOPLE, &bench.file)
            .await
            .unwrap()
            .ledger
            .delivered,
        2
    );
    assert_eq!(
        bench.org.row("Lead", "Bridged_Id__c", "p2").await["City"],
        "Oslo"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_whose_apply_was_interrupted_goes_on_where_it_stopped() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(450));
    let bench = of(org);
    assert_eq!(bench.org.save(PEOPLE, &bench.file).await.unwrap(), 450);
    let report = bench
        .org
        .apply_heard(PEOPLE, &bench.file, |event, canceller| {
            if matches!(event, RunEvent::Committed { .. }) {
                canceller.cancel();
            }
        })
        .await
        .unwrap();
    assert_eq!(
        report.error.as_ref().unwrap().0,
        Code::Interrupted,
        "{report:?}"
    );
    assert_eq!(
        (report.state, report.ledger.delivered),
        (RunState::Partial, 200)
    );
    assert_eq!(keyed(&bench.org, "Lead").await.len(), 200);
    let again = bench.org.apply(PEOPLE, &bench.file).await.unwrap();
    assert_eq!(again.state, RunState::Done, "{again:?}");
    assert_eq!(keyed(&bench.org, "Lead").await.len(), 450);
    assert_eq!(again.ledger.delivered + again.ledger.unchanged, 450);
    refused(&bench, PEOPLE, Code::SavedPlanApplied).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_that_failed_half_way_goes_on_too() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(300));
    let bench = of(org);
    bench.org.save(PEOPLE, &bench.file).await.unwrap();
    bench.org.faults(json!([{ "match": { "method": "PATCH", "after": 4 }, "action": { "kind": "limit", "which": "daily" } }])).await;
    let report = bench.org.apply(PEOPLE, &bench.file).await.unwrap();
    assert_eq!(
        (report.state, report.error.unwrap().0),
        (RunState::Failed, Code::DailyLimitReached)
    );
    bench.org.faults(json!([])).await;
    assert_eq!(
        bench.org.apply(PEOPLE, &bench.file).await.unwrap().state,
        RunState::Done
    );
    assert_eq!(keyed(&bench.org, "Lead").await.len(), 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_links_rows_that_it_creates_itself() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(3));
    org.import_outcomes(&[outcome(0, "p0"), outcome(1, "p1"), outcome(2, "p1")]);
    org.put_leads(vec![
        json!({ "LastName": "Person 0", "Company": "Acme", "Bridged_Id__c": "p0" }),
    ])
    .await;
    let bench = of(org);
    assert_eq!(
        bench.org.save(NURTURE, &bench.file).await.unwrap(),
        4,
        "one lead and three talks"
    );
    let report = bench.org.apply(NURTURE, &bench.file).await.unwrap();
    assert_eq!(
        (report.state, report.ledger.delivered),
        (RunState::Done, 3),
        "{report:?}"
    );
    for (talk, lead) in [("o0", "p0"), ("o1", "p1"), ("o2", "p1")] {
        let lead = bench.org.row("Lead", "Bridged_Id__c", lead).await;
        assert_eq!(
            bench
                .org
                .row("Conversation__c", "Bridged_Id__c", talk)
                .await["Lead__c"],
            lead["Id"],
            "{talk}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_in_a_plan_whose_parent_is_refused_is_not_sent() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(2));
    org.import_outcomes(&[outcome(0, "p0"), outcome(1, "p1")]);
    let bench = of(org);
    bench.org.save(NURTURE, &bench.file).await.unwrap();
    let rule = json!({ "object": "Lead", "when": "LastName = 'Person 1'", "message": "no", "field": "LastName" });
    bench
        .org
        .control("rules", json!({ "validation": [rule] }))
        .await;
    let report = bench.org.apply(NURTURE, &bench.file).await.unwrap();
    assert_eq!(
        (
            report.state,
            report.ledger.delivered,
            report.ledger.rejected
        ),
        (RunState::Partial, 1, 1)
    );
    assert_eq!(keyed(&bench.org, "Conversation__c").await.len(), 1);
    assert_eq!(bench.org.letters()[0].letter.key, "o1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_updates_goes_by_the_values_that_were_read() {
    let org = Org::with_leads(0).await;
    let ids = leads(&org, 3).await;
    let bench = of(org);
    assert_eq!(bench.org.save(SCORES, &bench.file).await.unwrap(), 3);
    bench
        .org
        .change("Lead", &ids[1], "Rating", &json!("Cold"))
        .await;
    refused(&bench, SCORES, Code::SavedPlanDrifted).await;
    bench
        .org
        .change("Lead", &ids[1], "Rating", &Value::Null)
        .await;
    let report = bench.org.apply(SCORES, &bench.file).await.unwrap();
    assert_eq!(
        (report.state, report.ledger.delivered),
        (RunState::Done, 3),
        "{report:?}"
    );
    assert_eq!(
        bench.org.row("Lead", "LastName", "Lead 1").await["Rating"],
        "Warm"
    );
    // What was applied is known to the next run as bridged's own.
    bench.org.advance("1m").await;
    assert_eq!(bench.org.run(SCORES).await.unwrap().requests.write, 0);
}

/// Each record is counted once, however many rows of the plan stand for it.
#[tokio::test(flavor = "multi_thread")]
async fn i4_a_plan_of_two_targets_counts_a_record_once() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(450));
    let yaml = PEOPLE.to_owned()
        + "  talk:
    object: Conversation__c
    operation: upsert
    match: { Bridged_Id__c: \"{{ profile.key }}\" }
    field_map: { Summary__c: \"{{ profile.last_name }}\" }
";
    let bench = of(org);
    assert_eq!(bench.org.save(&yaml, &bench.file).await.unwrap(), 900);
    let report = bench.org.apply(&yaml, &bench.file).await.unwrap();
    let expected = Ledger {
        read: 450,
        delivered: 450,
        ..Ledger::default()
    };
    assert_eq!((report.state, report.ledger), (RunState::Done, expected));
    assert_eq!(keyed(&bench.org, "Conversation__c").await.len(), 450);
}

/// A lead, and a task below it that nothing finds again.
const CALLS: &str = "version: 1
name: calls
direction: write
source: { records: outcomes }
targets:
  lead:
    object: Lead
    operation: upsert
    match: { Bridged_Id__c: \"{{ profile.key }}\" }
    field_map: { LastName: \"{{ profile.last_name }}\", Company: \"{{ profile.company }}\" }
  task:
    object: Task
    operation: create
    duplicates: accept
    field_map:
      WhoId: \"{{ targets.lead.id }}\"
      Subject: \"{{ outcome.id }}\"
      Status: Completed
      Priority: Normal
      Description: \"about {{ targets.lead.id }}, of {{ targets.lead.id }}\"
  talk:
    object: Conversation__c
    operation: upsert
    match: { Bridged_Id__c: \"talk with {{ targets.lead.id }}\" }
    field_map: { Outcome__c: \"{{ outcome.kind }}\" }
";

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_a_plan_could_not_know_stand_wherever_a_template_puts_them() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(2));
    org.import_outcomes(&[outcome(0, "p0"), outcome(1, "p1")]);
    let bench = of(org);
    assert_eq!(bench.org.save(CALLS, &bench.file).await.unwrap(), 6);
    let report = bench.org.apply(CALLS, &bench.file).await.unwrap();
    assert_eq!(report.ledger.delivered, 2, "{report:?}");
    for (task, lead) in [("o0", "p0"), ("o1", "p1")] {
        let lead = bench.org.row("Lead", "Bridged_Id__c", lead).await["Id"].clone();
        let id = lead.as_str().unwrap();
        let task = bench.org.row("Task", "Subject", task).await;
        assert_eq!(task["WhoId"], lead);
        assert_eq!(task["Description"], format!("about {id}, of {id}"));
        let key = format!("talk with {id}");
        bench
            .org
            .row("Conversation__c", "Bridged_Id__c", &key)
            .await;
    }

    // I14, I15: a run makes the same rows with the same Ids, so nothing is left to send.
    let next = bench.org.run(CALLS).await.unwrap();
    assert_eq!(
        (next.ledger.unchanged, next.requests.write),
        (2, 0),
        "{next:?}"
    );
}
