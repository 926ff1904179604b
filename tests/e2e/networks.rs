//! Slow and broken networks: a read and a write through each of them end in time, with every record where it belongs.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bridged::engine::Options;
use bridged::foundation::event::{RunEvent, RunReport, RunState};
use bridged::salesforce::client::Client;
use bridged::store::model::LetterFilter;
use serde_json::json;
use tokio::time::timeout;

use crate::support::org::Org;
use crate::support::people::person;
use crate::support::proxy::{Proxy, Toxic, Way};

const READ: &str = "version: 1
name: leads
direction: read
source: { object: Lead, page_size: 20 }
field_map: { name: \"{{ LastName }}\" }
";

const WRITE: &str = "version: 1
name: people
direction: write
source: { records: profiles, when: \"{{ profile.last_name is defined }}\" }
targets:
  lead:
    object: Lead
    operation: upsert
    match: { Bridged_Id__c: \"{{ profile.key }}\" }
    field_map: { LastName: \"{{ profile.last_name }}\", Company: Acme }
batch: { size: 10, concurrency: 3 }
";

const PEOPLE: usize = 60;

/// No run through a bad network takes longer.
const DEADLINE: Duration = Duration::from_mins(1);

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Reads and writes through a proxy, and checks both sides; returns how many connections were made.
async fn both_ways(
    script: impl Fn(usize) -> Vec<(Way, Toxic)> + Send + Sync + 'static,
) -> (usize, [RunReport; 2]) {
    let org = Org::with_leads(40).await;
    let people: Vec<_> = (0..PEOPLE)
        .map(|n| {
            person(
                format!("p-{n}"),
                json!({ "last_name": format!("Person {n}") }),
            )
        })
        .collect();
    let now = "2027-03-01T12:00:00Z".parse().unwrap();
    org.store.import_profiles(&people, now).unwrap();
    let upstream: SocketAddr = org.url().strip_prefix("http://").unwrap().parse().unwrap();
    let proxy = Proxy::start(upstream, script).await;
    let mut settings = org.settings();
    settings.instance_url = proxy.url();
    settings.retry.attempts = 30;
    settings.timeouts.answer = Duration::from_secs(10);
    settings.timeouts.read = millis(2_000);
    let mut reports = Vec::new();
    for yaml in [WRITE, READ] {
        let client = Client::new(settings.clone()).unwrap();
        let run = org.run_by(client, yaml, Options::default(), |_, _| {});
        let report = timeout(DEADLINE, run)
            .await
            .expect("the run ends in time")
            .unwrap();
        assert_eq!(report.state, RunState::Done, "{report:?}");
        assert!(report.ledger.balances(), "{report:?}");
        reports.push(report);
        // What was written is seen by a read once its second is over.
        org.advance("2s").await;
    }
    let rows = org.rows("Lead").await;
    let live = rows.iter().filter(|row| row["IsDeleted"] == false).count() as u64;
    assert_eq!(org.store.profile_count().unwrap(), live + PEOPLE as u64);
    let keys: Vec<&str> = rows
        .iter()
        .filter_map(|row| row["Bridged_Id__c"].as_str())
        .collect();
    let once: BTreeSet<&str> = keys
        .iter()
        .copied()
        .filter(|key| key.starts_with("p-"))
        .collect();
    let written = keys.iter().filter(|key| key.starts_with("p-")).count();
    assert_eq!(
        (written, once.len()),
        (PEOPLE, PEOPLE),
        "each person is one lead"
    );
    assert_eq!(reports[0].ledger.delivered, PEOPLE as u64);
    assert!(
        org.store
            .dead_letters(&LetterFilter::default())
            .unwrap()
            .is_empty()
    );
    let reports = reports.try_into().unwrap();
    (proxy.connections(), reports)
}

#[tokio::test(flavor = "multi_thread")]
async fn r22_latency_and_jitter_cost_time_alone() {
    let slow = Toxic::Latency {
        delay: millis(60),
        jitter: millis(60),
    };
    let (_, reports) = both_ways(move |_| vec![(Way::Up, slow), (Way::Down, slow)]).await;
    assert_eq!(
        reports[0].requests.write, 6,
        "nothing was sent twice: {reports:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn r22_a_narrow_line_costs_time_alone() {
    let narrow = Toxic::Bandwidth {
        bytes_per_second: 20_000,
    };
    let (_, reports) = both_ways(move |_| vec![(Way::Up, narrow), (Way::Down, narrow)]).await;
    assert_eq!(
        reports[0].requests.write, 6,
        "nothing was sent twice: {reports:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn r22_bytes_that_come_one_by_one_are_put_together() {
    let slices = Toxic::Slicer { bytes: 1 };
    let (_, reports) = both_ways(move |_| vec![(Way::Up, slices), (Way::Down, slices)]).await;
    assert_eq!(
        reports[0].requests.write, 6,
        "nothing was sent twice: {reports:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn r22_a_connection_that_is_reset_is_opened_again() {
    // Each third one lives, so that something gets through.
    let script = |number: usize| match number % 3 {
        0 => vec![(Way::Down, Toxic::Reset { behind: 1_500 })],
        1 => vec![(Way::Up, Toxic::Reset { behind: 100 })],
        _ => vec![],
    };
    let (connections, _) = both_ways(script).await;
    assert!(connections > 2, "{connections}");
}

#[tokio::test(flavor = "multi_thread")]
async fn r22_answers_that_end_in_the_middle_are_asked_for_again() {
    let script = |number: usize| match number % 2 {
        0 => vec![(Way::Down, Toxic::LimitData { bytes: 2_000 })],
        _ => vec![(Way::Down, Toxic::LimitData { bytes: 600_000 })],
    };
    let (connections, _) = both_ways(script).await;
    assert!(connections > 2, "{connections}");
}

/// A write whose answer is swallowed may have been done: it is sent again, and the row is there once.
#[tokio::test(flavor = "multi_thread")]
async fn s26_r22_a_black_hole_ends_with_the_time_for_an_answer() {
    let org = Org::with_leads(0).await;
    let people: Vec<_> = (0..PEOPLE)
        .map(|n| {
            person(
                format!("p-{n}"),
                json!({ "last_name": format!("Person {n}") }),
            )
        })
        .collect();
    let now = "2027-03-01T12:00:00Z".parse().unwrap();
    org.store.import_profiles(&people, now).unwrap();
    let upstream: SocketAddr = org.url().strip_prefix("http://").unwrap().parse().unwrap();
    // The first connection signs in; those behind it are the writes'.
    let proxy = Proxy::start(upstream, |number| match number {
        1..=3 => vec![(Way::Down, Toxic::BlackHole)],
        _ => vec![],
    })
    .await;
    let mut settings = org.settings();
    settings.instance_url = proxy.url();
    settings.timeouts.answer = millis(400);
    let client = Client::new(settings).unwrap();
    let run = org.run_by(client, WRITE, Options::default(), |_, _| {});
    let report = timeout(DEADLINE, run)
        .await
        .expect("the run ends in time")
        .unwrap();
    assert_eq!(report.state, RunState::Done, "{report:?}");
    assert_eq!(report.ledger.delivered, PEOPLE as u64);
    assert!(
        report.requests.write > 6,
        "what got no answer was sent again: {report:?}"
    );
    let rows = org.rows("Lead").await;
    let keys: Vec<&str> = rows
        .iter()
        .filter_map(|row| row["Bridged_Id__c"].as_str())
        .collect();
    let once: BTreeSet<&str> = keys
        .iter()
        .copied()
        .filter(|key| key.starts_with("p-"))
        .collect();
    assert_eq!(once.len(), PEOPLE);
    assert_eq!(
        keys.iter().filter(|key| key.starts_with("p-")).count(),
        PEOPLE
    );
}

/// Pages are not read ahead of a destination that takes its time: what is on its way stays the same.
#[tokio::test(flavor = "multi_thread")]
async fn s26_a_slow_destination_stops_the_reading() {
    let org = Org::with_leads(800).await;
    org.faults(json!([{
        "match": { "path": "*/composite/sobjects*", "method": "PATCH" },
        "action": { "kind": "latency", "ms": 60 },
    }]))
    .await;
    let yaml = "version: 1
name: back
direction: read_write
source: { object: Lead, where: \"IsConverted = false\", page_size: 10 }
field_map: { name: \"{{ LastName }}\" }
targets:
  lead:
    object: Lead
    operation: update
    match: { Id: \"{{ salesforce_id }}\" }
    field_map: { Description: \"seen as {{ name }}\" }
batch: { size: 5, concurrency: 2 }
";
    let (read, settled, furthest) = Default::default();
    let (read, settled): (Arc<AtomicU64>, Arc<AtomicU64>) = (read, settled);
    let furthest: Arc<Mutex<u64>> = furthest;
    let most = Arc::clone(&furthest);
    let hear = move |event: &RunEvent, _: &_| {
        match event {
            RunEvent::PageRead { records } => _ = read.fetch_add(*records, Ordering::SeqCst),
            RunEvent::Committed { ledger } => settled.store(ledger.read, Ordering::SeqCst),
            _ => {}
        }
        let ahead = read
            .load(Ordering::SeqCst)
            .saturating_sub(settled.load(Ordering::SeqCst));
        let mut most = most.lock().unwrap();
        *most = ahead.max(*most);
    };
    let run = org.run_by(org.client(), yaml, Options::default(), hear);
    let report = timeout(DEADLINE, run)
        .await
        .expect("the run ends in time")
        .unwrap();
    assert_eq!(report.state, RunState::Done, "{report:?}");
    assert!(
        report.ledger.read > 700 && report.ledger.balances(),
        "{report:?}"
    );
    let furthest = *furthest.lock().unwrap();
    // Two groups of 20 on their way, and one each being settled, waiting and being made, with the pages before them.
    assert!(
        furthest <= 160,
        "{furthest} records were read ahead of the slow destination"
    );
}
