//! What a run costs, what it may cost, and that a slow destination holds the source back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bridged::engine::Options;
use bridged::foundation::code::Code;
use bridged::foundation::event::{Ledger, RunEvent, RunState};
use serde_json::{Value, json};

use super::sample::{NURTURE, PEOPLE, SCORES, keyed, leads, outcome, people};
use crate::support::org::Org;

/// Salesforce cannot count the rows in time, so nobody knows beforehand what the run will cost.
fn uncounted() -> Value {
    let refusal = json!({ "kind": "status", "status": 400, "code": "QUERY_TIMEOUT", "message": "Your query request was running for too long." });
    json!([{ "match": { "contains": "COUNT()" }, "action": refusal }])
}

/// How many leads have a score.
async fn scored(org: &Org) -> usize {
    let rows = org.live("Lead").await;
    let own = rows.iter().filter(|row| {
        row["LastName"]
            .as_str()
            .is_some_and(|name| name.starts_with("Lead "))
    });
    own.filter(|row| row["Lead_Score__c"].is_number()).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn s20_past_the_share_reads_stop_and_what_was_read_is_written() {
    let org = Org::with_leads(0).await;
    leads(&org, 1_000).await;
    org.faults(uncounted()).await;
    org.control("limits", json!({ "max": 1_000, "used": 790 }))
        .await;
    let report = org.run_within(SCORES, 0.8).await.unwrap();
    assert_eq!(report.state, RunState::Failed);
    let (code, message) = report.error.clone().unwrap();
    assert_eq!(code, Code::BudgetSpent);
    assert!(
        message.contains("800") && message.contains("daily_share"),
        "{message}"
    );
    assert!(
        report.ledger.read > 0 && report.ledger.read < 1_000,
        "{report:?}"
    );
    assert_eq!(
        report.ledger.delivered, report.ledger.read,
        "every record that was read is settled"
    );
    assert_eq!(scored(&org).await as u64, report.ledger.read, "and written");
    assert!(report.cursor.is_some(), "the next run goes on behind them");

    // Nothing is left until the window rolls over.
    let none = org.run_within(SCORES, 0.8).await.unwrap();
    assert_eq!(none.ledger, Ledger::default());
    assert_eq!(none.error.unwrap().0, Code::BudgetSpent);
    org.control("limits", json!({ "max": 1_000, "used": 0 }))
        .await;
    let rest = org.run_within(SCORES, 0.8).await.unwrap();
    assert_eq!(rest.state, RunState::Done, "{rest:?}");
    assert_eq!(scored(&org).await, 1_000);
    assert!(
        rest.ledger.read < 1_000,
        "what was settled is not read again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn s20_writes_stop_half_way_between_the_share_and_the_limit() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(300));
    org.control("limits", json!({ "max": 1_000, "used": 700 }))
        .await;
    let yaml = PEOPLE.to_owned() + "batch: { size: 50, concurrency: 1 }\n";
    // Another program of the org uses the calls up.
    let late = json!([{ "match": { "method": "PATCH", "after": 1 }, "action": { "kind": "headers", "set": { "Sforce-Limit-Info": "api-usage=900/1000" } } }]);
    org.faults(late).await;
    let report = org.run_within(&yaml, 0.8).await.unwrap();
    assert_eq!(report.state, RunState::Failed, "{report:?}");
    assert_eq!(report.error.unwrap().0, Code::BudgetSpent);
    assert_eq!(
        report.requests.write, 2,
        "the second answer told that writing is over"
    );
    assert!(report.ledger.balances());
    org.faults(json!([])).await;
    let rest = org.run_within(&yaml, 0.8).await.unwrap();
    assert_eq!(rest.state, RunState::Done, "{rest:?}");
    assert_eq!(keyed(&org, "Lead").await.len(), 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn s21_a_run_that_cannot_fit_is_refused_with_the_sum() {
    let org = Org::with_leads(0).await;
    leads(&org, 1_000).await;
    org.control("limits", json!({ "max": 1_000, "used": 780 }))
        .await;
    let report = org.run_within(SCORES, 0.8).await.unwrap();
    assert_eq!(
        (report.state, report.ledger),
        (RunState::Failed, Ledger::default())
    );
    let (code, message) = report.error.unwrap();
    assert_eq!(code, Code::ForecastTooLarge, "{message}");
    // 21 pages, a count, 5 looks before writing, 20 writes.
    for part in ["needs 47 API calls", "1000 records", "800", "--limit"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(org.writes().await.is_empty());
    assert_eq!(org.store.profile_count().unwrap(), 0);
    assert_eq!(report.cursor, None);
    // A part of it fits.
    let part = Options {
        full: false,
        limit: Some(100),
        ..Options::default()
    };
    assert_eq!(
        org.run_with(SCORES, part).await.unwrap().ledger.delivered,
        100
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn s21_bridged_s_own_records_are_held_against_the_budget_too() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(5_000));
    org.control("limits", json!({ "max": 100, "used": 50 }))
        .await;
    let report = org.run(PEOPLE).await.unwrap();
    assert_eq!(
        (report.state, report.ledger),
        (RunState::Failed, Ledger::default())
    );
    let (code, message) = report.error.unwrap();
    assert_eq!(code, Code::ForecastTooLarge, "{message}");
    assert!(message.contains("needs 100 API calls"), "{message}");
    assert!(org.writes().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn s22_the_daily_limit_of_a_write_ends_the_run_and_the_next_goes_on() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(400));
    let daily = json!([{ "match": { "method": "PATCH", "after": 4 }, "action": { "kind": "limit", "which": "daily" } }]);
    org.faults(daily).await;
    let report = org.run(PEOPLE).await.unwrap();
    assert_eq!(
        (report.state, report.error.as_ref().unwrap().0),
        (RunState::Failed, Code::DailyLimitReached)
    );
    assert!(
        report.ledger.balances() && report.ledger.delivered <= 200,
        "{report:?}"
    );
    assert!(report.requests.write <= 8, "it does not hammer: {report:?}");
    org.faults(json!([])).await;
    assert_eq!(org.run(PEOPLE).await.unwrap().state, RunState::Done);
    assert_eq!(keyed(&org, "Lead").await.len(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn s22_the_concurrent_limit_of_a_write_is_waited_out() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(100));
    let busy = json!([{ "match": { "method": "PATCH", "times": 3 }, "action": { "kind": "limit", "which": "concurrent" } }]);
    org.faults(busy).await;
    let report = org.run(PEOPLE).await.unwrap();
    assert_eq!(
        (report.state, report.ledger.delivered),
        (RunState::Done, 100)
    );
    assert_eq!(keyed(&org, "Lead").await.len(), 100);
}

/// Records that were read and are not settled yet, at the most, while a destination of this latency takes them.
async fn most_in_flight(count: usize, ms: u64) -> u64 {
    let org = Org::with_leads(0).await;
    leads(&org, count).await;
    org.faults(
        json!([{ "match": { "method": "PATCH" }, "action": { "kind": "latency", "ms": ms } }]),
    )
    .await;
    let (read, most) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let seen = Arc::clone(&most);
    let settled = AtomicU64::new(0);
    let yaml = SCORES.to_owned() + "batch: { size: 50, concurrency: 2 }\n";
    let report = org
        .listen(&yaml, Options::default(), move |event, _| {
            match event {
                RunEvent::PageRead { records } => drop(read.fetch_add(*records, Ordering::SeqCst)),
                RunEvent::Committed { ledger } => settled.store(ledger.read, Ordering::SeqCst),
                _ => {}
            }
            let under_way = read
                .load(Ordering::SeqCst)
                .saturating_sub(settled.load(Ordering::SeqCst));
            seen.fetch_max(under_way, Ordering::SeqCst);
        })
        .await
        .unwrap();
    assert_eq!(
        (report.state, report.ledger.delivered),
        (RunState::Done, count as u64)
    );
    most.load(Ordering::SeqCst)
}

#[tokio::test(flavor = "multi_thread")]
async fn s26_a_slow_destination_holds_the_source_back() {
    let (few, many) = tokio::join!(most_in_flight(1_500, 40), most_in_flight(3_000, 40));
    // Two groups of four batches and six batches under way, and a page here and there.
    for most in [few, many] {
        assert!(most <= 1_000, "{most} records were in memory");
    }
    assert!(
        many >= 300,
        "requests are under way while the source is read: {many}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn i7_no_request_carries_more_than_fifty_records_and_no_more_run_at_once_than_allowed() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(520));
    let report = org
        .run(&(PEOPLE.to_owned() + "batch: { size: 50, concurrency: 3 }\n"))
        .await
        .unwrap();
    assert_eq!(report.ledger.delivered, 520);
    let writes = org.writes().await;
    assert!(
        writes
            .iter()
            .all(|entry| entry["records"].as_u64().unwrap() <= 50),
        "{writes:?}"
    );
    let small = PEOPLE.replace("name: people", "name: small") + "batch: { size: 7 }\n";
    org.run(&small).await.unwrap();
    let writes = org.writes().await.split_off(writes.len());
    assert!(
        writes
            .iter()
            .all(|entry| entry["records"].as_u64().unwrap() <= 7),
        "{writes:?}"
    );
}

/// The calls that count against the org's limit, by what they were for, as the sandbox counted them.
async fn calls(org: &Org) -> (u64, u64, u64) {
    let ledger = org.ledger().await;
    let counted = |fits: fn(&str, &str) -> bool| -> u64 {
        let requests = ledger["requests"].as_array().unwrap().iter();
        requests
            .filter(|entry| {
                fits(
                    entry["method"].as_str().unwrap(),
                    entry["path"].as_str().unwrap(),
                )
            })
            .map(|entry| entry["api_calls"].as_u64().unwrap())
            .sum()
    };
    let writes = counted(|method, path| method != "GET" && path.contains("composite/sobjects"));
    let queries = counted(|_, path| path.contains("/query"));
    (
        queries,
        writes,
        ledger["totals"]["api_calls"].as_u64().unwrap(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_qualification_of_five_hundred_leads_costs_what_is_forecast_and_no_more() {
    let org = Org::with_leads(0).await;
    leads(&org, 500).await;
    let report = org.run(SCORES).await.unwrap();
    assert_eq!(
        (report.state, report.ledger.delivered),
        (RunState::Done, 500)
    );
    let (queries, writes, all) = calls(&org).await;
    // Ten full pages, an empty one, the count of the rows, and three looks before writing: 200, 200 and 100 rows.
    assert_eq!(queries, 10 + 1 + 1 + 3);
    assert_eq!(writes, 10);
    assert_eq!(
        (report.requests.query, report.requests.write),
        (queries, writes)
    );
    assert_eq!(report.api_calls, all, "the run counts as Salesforce does");
    assert!(all <= queries + writes + 1, "and one describe: {all}");
    org.advance("1h").await;
    let again = org.run(SCORES).await.unwrap();
    assert_eq!(
        (again.requests.write, again.requests.query),
        (0, 12),
        "its own writes are read once"
    );
    org.advance("1h").await;
    let quiet = org.run(SCORES).await.unwrap();
    assert_eq!((quiet.requests.write, quiet.requests.query), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_any_size_are_written_in_full_batches() {
    for page_size in [7, 30, 120, 199, 201, 2_000] {
        let org = Org::with_leads(0).await;
        leads(&org, 450).await;
        let yaml = SCORES.replace("source: {", &format!("source: {{ page_size: {page_size},"));
        let report = org.run(&yaml).await.unwrap();
        assert_eq!(
            (report.state, report.ledger.delivered),
            (RunState::Done, 450),
            "{page_size}"
        );
        assert_eq!(report.requests.write, 9, "{page_size}");
        assert_eq!(scored(&org).await, 450);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nurture_of_five_hundred_outcomes_costs_a_call_a_batch_and_target() {
    let org = Org::with_leads(0).await;
    org.import_profiles(&people(500));
    let talks: Vec<Value> = (0..500).map(|n| outcome(n, &format!("p{n}"))).collect();
    org.import_outcomes(&talks);
    let report = org.run(NURTURE).await.unwrap();
    assert_eq!(
        (report.state, report.ledger.delivered),
        (RunState::Done, 500)
    );
    let (queries, writes, all) = calls(&org).await;
    assert_eq!(
        (queries, writes),
        (0, 20),
        "ten batches for leads, ten for conversations"
    );
    assert_eq!((report.requests.query, report.requests.write), (0, 20));
    assert_eq!(report.api_calls, all);
    assert!(all <= 20 + 2, "and a describe for each object: {all}");
    let again = org.run(NURTURE).await.unwrap();
    assert_eq!((again.api_calls, again.requests.write), (0, 0));
}
