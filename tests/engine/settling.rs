//! What becomes of each record: delivered, unchanged, filtered or rejected, and how a run ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bridged::engine::Options;
use bridged::engine::cancel::Canceller;
use bridged::foundation::code::Code;
use bridged::foundation::event::{Ledger, RunEvent, RunState};
use bridged::store::model::LetterFilter;
use serde_json::{Value, json};

use crate::support::org::Org;

const LEADS: &str = "version: 1
name: leads
direction: read
source: { object: Lead }
field_map: { name: \"{{ LastName }}\", revenue: \"{{ AnnualRevenue }}\" }
";

/// Leads of which each tenth has no revenue to divide by.
const DIVIDING: &str = "version: 1
name: leads
direction: read
source: { object: Lead }
field_map: { name: \"{{ LastName }}\", share: \"{{ 100 / AnnualRevenue }}\" }
";

fn lead(n: usize, revenue: &Value) -> Value {
    json!({ "LastName": format!("Lead {n}"), "Company": "Acme", "AnnualRevenue": revenue, "SystemModstamp": "2027-02-01T08:00:00Z" })
}

async fn poisoned(count: usize, every: usize) -> Org {
    let org = Org::with_leads(0).await;
    let revenue = |n: usize| {
        if n.is_multiple_of(every) {
            Value::Null
        } else {
            json!(4)
        }
    };
    let rows = (0..count).map(|n| lead(n, &revenue(n))).collect();
    org.put_leads(rows).await;
    org
}

/// How many rows a sandbox without generated leads seeds by itself.
async fn seeded(org: &Org) -> u64 {
    let rows = org.rows("Lead").await;
    let live = rows.iter().filter(|row| {
        row["IsDeleted"] == false
            && row["LastName"]
                .as_str()
                .is_some_and(|name| !name.starts_with("Lead "))
    });
    live.count() as u64
}

#[tokio::test(flavor = "multi_thread")]
async fn i5_one_bad_record_costs_that_record_alone() {
    let org = poisoned(200, 10).await;
    let yaml = DIVIDING.replace(
        "object: Lead",
        "object: Lead, where: \"LastName LIKE 'Lead %'\"",
    );
    let report = org.run(&yaml).await.unwrap();
    assert_eq!(report.state, RunState::Partial);
    assert_eq!(
        report.ledger,
        Ledger {
            read: 200,
            delivered: 180,
            rejected: 20,
            ..Ledger::default()
        }
    );
    let letters = org.store.dead_letters(&LetterFilter::default()).unwrap();
    assert_eq!(letters.len(), 20);
    for row in letters {
        assert_eq!(row.letter.reason.field.as_deref(), Some("share"), "{row:?}");
        assert!(
            row.letter.reason.code.as_str().starts_with("template-"),
            "{row:?}"
        );
        assert_eq!(row.letter.payload["AnnualRevenue"], Value::Null);
        assert_eq!(row.letter.run_id, report.run_id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s32_too_many_rejected_records_stop_the_run_and_are_all_kept() {
    let org = poisoned(1_000, 2).await;
    let yaml = DIVIDING.replace(
        "object: Lead",
        "object: Lead, where: \"LastName LIKE 'Lead %'\"",
    ) + "on_error: { max_rejected: 5% }\n";
    let report = org.run(&yaml).await.unwrap();
    assert_eq!(report.state, RunState::Failed);
    assert_eq!(report.error.as_ref().unwrap().0, Code::TooManyRejected);
    assert!(report.ledger.read < 1_000, "{report:?}");
    assert!(report.ledger.balances());
    let letters = org
        .store
        .dead_letters(&LetterFilter {
            limit: Some(1_000),
            ..LetterFilter::default()
        })
        .unwrap();
    assert_eq!(letters.len() as u64, report.ledger.rejected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_of_rejected_records_can_be_the_limit() {
    let yaml = DIVIDING.replace(
        "object: Lead",
        "object: Lead, where: \"LastName LIKE 'Lead %'\"",
    );
    for (most, state) in [(20, RunState::Partial), (19, RunState::Failed)] {
        let org = poisoned(200, 10).await;
        let report = org
            .run(&format!("{yaml}on_error: {{ max_rejected: {most} }}\n"))
            .await
            .unwrap();
        assert_eq!(report.state, state, "{most}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i4_filtered_delivered_and_rejected_records_add_up() {
    let org = poisoned(100, 10).await;
    let yaml = DIVIDING.to_owned() + "filter: \"{{ name != 'Lead 1' }}\"\n";
    let seeded = seeded(&org).await;
    let report = org.run(&yaml).await.unwrap();
    assert!(report.ledger.balances(), "{report:?}");
    assert_eq!(report.ledger.read, 100 + seeded);
    assert_eq!(report.ledger.filtered, 1);
    assert!(report.ledger.rejected >= 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_gives_no_boolean_rejects_the_record() {
    let org = Org::with_leads(5).await;
    let report = org
        .run(&(LEADS.to_owned() + "filter: \"{{ name }}\"\n"))
        .await
        .unwrap();
    assert_eq!(report.ledger.rejected, report.ledger.read);
    let letter = org
        .store
        .dead_letters(&LetterFilter::default())
        .unwrap()
        .remove(0)
        .letter;
    assert_eq!(letter.reason.field.as_deref(), Some("filter"));
    assert_eq!(letter.reason.code, Code::TemplateTypeMismatch);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_without_a_key_is_rejected_with_that_reason() {
    let org = Org::with_leads(0).await;
    org.put_leads(vec![lead(1, &json!(1))]).await;
    let yaml = LEADS.to_owned() + "profile_key: \"{{ Bridged_Id__c }}\"\n";
    let report = org.run(&yaml).await.unwrap();
    assert!(report.ledger.rejected > 0);
    let letter = org
        .store
        .dead_letters(&LetterFilter::default())
        .unwrap()
        .remove(0)
        .letter;
    assert_eq!(letter.reason.code, Code::KeyMissing);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_changed_is_written() {
    let org = Org::with_leads(60).await;
    let first = org.run(LEADS).await.unwrap();
    let full = Options {
        full: true,
        limit: None,
        ..Options::default()
    };
    let again = org.run_with(LEADS, full).await.unwrap();
    assert_eq!(again.ledger.unchanged, first.ledger.delivered, "{again:?}");
    let id = org.rows("Lead").await[0]["Id"].as_str().unwrap().to_owned();
    let row = json!([{ "Id": id, "LastName": "Renamed", "Company": "Acme", "SystemModstamp": "2027-03-01T12:00:10Z" }]);
    org.control("records/Lead", row).await;
    org.advance("1m").await;
    let third = org.run(LEADS).await.unwrap();
    assert_eq!(
        (third.ledger.delivered, third.ledger.unchanged),
        (1, 0),
        "{third:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn i10_an_interrupted_run_commits_what_it_read_and_the_next_goes_on() {
    let org = Org::with_leads(400).await;
    org.faults(
        json!([{ "match": { "path": "*/query" }, "action": { "kind": "latency", "ms": 10 } }]),
    )
    .await;
    let pages = AtomicU64::new(0);
    let report = org
        .listen(LEADS, Options::default(), move |event, canceller| {
            if matches!(event, RunEvent::PageRead { .. })
                && pages.fetch_add(1, Ordering::Relaxed) == 2
            {
                canceller.cancel();
            }
        })
        .await
        .unwrap();
    assert_eq!(report.state, RunState::Partial);
    assert_eq!(report.error.as_ref().unwrap().0, Code::Interrupted);
    assert_eq!(
        report.ledger.read, 150,
        "the pages that were read are settled"
    );
    assert!(report.ledger.balances());
    let all = org
        .rows("Lead")
        .await
        .iter()
        .filter(|row| row["IsDeleted"] == false)
        .count() as u64;
    let next = org.run(LEADS).await.unwrap();
    assert_eq!(next.ledger.read, all - 150);
    assert_eq!(org.store.profile_count().unwrap(), all);
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_second_run_of_one_pipeline_is_refused_while_the_first_goes_on() {
    let org = Arc::new(Org::with_leads(100).await);
    org.faults(
        json!([{ "match": { "path": "*/query" }, "action": { "kind": "latency", "ms": 100 } }]),
    )
    .await;
    let (started, begun) = tokio::sync::oneshot::channel();
    let started = std::sync::Mutex::new(Some(started));
    let first = tokio::spawn({
        let org = Arc::clone(&org);
        async move {
            let hear = move |_: &RunEvent, _: &Canceller| {
                let first = started.lock().unwrap().take();
                first.map_or(Ok(()), |first| first.send(())).unwrap();
            };
            org.listen(LEADS, Options::default(), hear).await
        }
    });
    begun.await.unwrap();
    let error = org.run(LEADS).await.unwrap_err();
    assert_eq!(error.code(), Code::PipelineLocked);
    assert_eq!(first.await.unwrap().unwrap().state, RunState::Done);
    assert_eq!(
        org.run(LEADS).await.unwrap().state,
        RunState::Done,
        "the lock is given back"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn s22_the_daily_limit_ends_the_run_and_keeps_what_was_committed() {
    let org = Org::with_leads(400).await;
    org.faults(json!([{ "match": { "path": "*/query", "after": 4 }, "action": { "kind": "limit", "which": "daily" } }])).await;
    let report = org.run(LEADS).await.unwrap();
    assert_eq!(report.state, RunState::Failed);
    assert_eq!(report.error.as_ref().unwrap().0, Code::DailyLimitReached);
    assert_eq!(report.ledger.delivered, 150);
    org.faults(json!([])).await;
    let next = org.run(LEADS).await.unwrap();
    assert_eq!(next.state, RunState::Done);
    let all = org
        .rows("Lead")
        .await
        .iter()
        .filter(|row| row["IsDeleted"] == false)
        .count() as u64;
    assert_eq!(org.store.profile_count().unwrap(), all);
}

#[tokio::test(flavor = "multi_thread")]
async fn s22_the_concurrency_limit_is_waited_out() {
    let org = Org::with_leads(100).await;
    org.faults(json!([{ "match": { "path": "*/query", "after": 1, "times": 2 }, "action": { "kind": "limit", "which": "concurrent" } }])).await;
    let report = org.run(LEADS).await.unwrap();
    assert_eq!(report.state, RunState::Done, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn passing_faults_of_every_kind_lose_nothing() {
    let org = Org::with_leads(300).await;
    let on = |action: Value| json!({ "match": { "path": "*/query", "after": 1, "times": 1 }, "action": action });
    for action in [
        json!({ "kind": "status", "status": 503, "code": "SERVER_UNAVAILABLE", "message": "try later" }),
        json!({ "kind": "status", "status": 500, "code": "UNKNOWN_EXCEPTION", "message": "oops" }),
        json!({ "kind": "html", "status": 420 }),
        json!({ "kind": "empty", "status": 406 }),
        json!({ "kind": "reset" }),
        json!({ "kind": "reset-after-commit" }),
        json!({ "kind": "truncate", "bytes": 700 }),
        json!({ "kind": "expire-token" }),
    ] {
        org.faults(json!([on(action.clone())])).await;
        let report = org
            .run_with(
                LEADS,
                Options {
                    full: true,
                    limit: None,
                    ..Options::default()
                },
            )
            .await
            .unwrap();
        assert_eq!(report.state, RunState::Done, "{action}: {report:?}");
        let all = org
            .rows("Lead")
            .await
            .iter()
            .filter(|row| row["IsDeleted"] == false)
            .count() as u64;
        assert_eq!(report.ledger.read, all, "{action}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s29_a_field_that_disappears_is_named_before_the_first_page() {
    let org = Org::with_leads(10).await;
    org.control(
        "permissions",
        json!({ "fields": { "Lead.AnnualRevenue": { "read": false } } }),
    )
    .await;
    let report = org.run(LEADS).await.unwrap();
    let (code, message) = report.error.unwrap();
    assert_eq!(code, Code::FieldUnavailable);
    assert!(
        message.contains("AnnualRevenue") && message.contains("field_map.revenue"),
        "{message}"
    );
    assert_eq!(report.requests.query, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn s29_a_field_that_disappears_after_the_describe_was_kept_is_named() {
    let org = Org::with_leads(10).await;
    org.run(LEADS).await.unwrap();
    org.control(
        "permissions",
        json!({ "fields": { "Lead.AnnualRevenue": { "read": false } } }),
    )
    .await;
    let report = org.run(LEADS).await.unwrap();
    let (code, message) = report.error.unwrap();
    assert_eq!(code, Code::FieldUnavailable, "{message}");
    assert!(message.contains("AnnualRevenue"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn s29_an_object_the_user_may_not_read_is_named() {
    let org = Org::with_leads(10).await;
    org.control(
        "permissions",
        json!({ "objects": { "Lead": { "read": false } } }),
    )
    .await;
    let report = org.run(LEADS).await.unwrap();
    let (code, message) = report.error.unwrap();
    assert_eq!(code, Code::ObjectUnavailable, "{message}");
    assert!(message.contains("Lead"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn s30_values_arrive_as_they_are_in_salesforce() {
    let org = Org::with_leads(0).await;
    let text = |letter: &str, count: usize| letter.repeat(count);
    let texts = [
        "🦀 emoji 👩‍👩‍👧".to_owned(),
        "שלום עולם".to_owned(),
        "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𠜎".to_owned(),
        "two\r\nlines".to_owned(),
        "\"quotes\" and 'quotes'".to_owned(),
        "{{ LastName }}".to_owned(),
        text("x", 32_000),
    ];
    let rows: Vec<Value> = texts
        .iter()
        .map(|text| json!({ "LastName": "Values", "Company": "Acme", "Description": text, "AnnualRevenue": 9_007_199_254_740_993_i64, "SystemModstamp": "2027-02-01T08:00:00Z" }))
        .collect();
    let ids = org.put_leads(rows).await;
    let yaml = "version: 1
name: leads
direction: read
source: { object: Lead, where: \"LastName = 'Values'\" }
field_map: { about: \"{{ Description }}\", revenue: \"{{ AnnualRevenue }}\" }
";
    let report = org.run(yaml).await.unwrap();
    assert_eq!(report.ledger.delivered, texts.len() as u64, "{report:?}");
    let rows = org.rows("Lead").await;
    for id in ids {
        let row = rows.iter().find(|row| row["Id"] == id.as_str()).unwrap();
        let stored = org.store.profile(&id).unwrap().unwrap().profile.attributes;
        assert_eq!(stored["about"], row["Description"]);
        assert_eq!(stored["revenue"], row["AnnualRevenue"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r14_a_panic_while_settling_fails_that_run_alone() {
    let org = Org::with_leads(100).await;
    let panics = |event: &RunEvent, _: &Canceller| {
        assert!(
            !matches!(event, RunEvent::Committed { .. }),
            "a panic in the settler"
        );
    };
    let report = org.listen(LEADS, Options::default(), panics).await.unwrap();
    assert_eq!(report.state, RunState::Failed);
    assert_eq!(report.error.as_ref().unwrap().0, Code::Bug);
    let next = org.run(LEADS).await.unwrap();
    assert_eq!(next.state, RunState::Done, "{next:?}");
    let all = org
        .rows("Lead")
        .await
        .iter()
        .filter(|row| row["IsDeleted"] == false)
        .count() as u64;
    assert_eq!(org.store.profile_count().unwrap(), all);
}
