//! An org that stops answering: one request at a time asks whether it is back, the others wait, and nothing is lost.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bridged::foundation::code::Code;
use bridged::foundation::event::RunState;
use bridged::foundation::record::Profile;
use bridged::salesforce::client::Client;
use bridged::salesforce::query::Scope;
use bridged::salesforce::settings::{Outage, Settings};
use bridged::salesforce::write::{WriteBatch, WriteOperation, WriteOptions, Writer};
use futures_util::future::join_all;
use serde_json::json;

use super::org::{org, page, settings, shown};
use crate::support::org::Org;
use crate::support::people::person;
use crate::support::wire::{Reply, Wire, answer, json as json_answer};

/// An org that answers so many queries well, then so many badly, then well again.
async fn passing(good: usize, bad: usize, reply: Reply) -> (Wire, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let wire = org(move |_| {
        let number = count.fetch_add(1, Ordering::Relaxed);
        if (good..good + bad).contains(&number) {
            return reply.clone();
        }
        page(0, None, "")
    })
    .await;
    (wire, asked)
}

/// A client that tells of outages.
fn listening(mut settings: Settings) -> (Client, Arc<Mutex<Vec<Outage>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    settings.on_outage = Some(Arc::new(move |outage| {
        heard.lock().unwrap().push(outage.clone());
    }));
    (Client::new(settings).unwrap(), told)
}

async fn query(client: &Client) -> Result<(), bridged::foundation::error::Error> {
    let page = client.query("SELECT Id FROM Lead", Scope::Live, None).await;
    page.map(|_| ())
}

#[tokio::test(flavor = "multi_thread")]
async fn s25_an_outage_opens_the_breaker_is_probed_and_ends_with_nothing_lost() {
    for reply in [
        answer(503, &[], ""),
        answer(502, &[], "<html>Bad Gateway</html>"),
        Reply::Cut(Vec::new()),
    ] {
        let (wire, asked) = passing(1, 30, reply).await;
        let mut settings = settings(wire.url("http"));
        settings.breaker.patience = Duration::from_mins(1);
        settings.retry.attempts = 6;
        let (client, told) = listening(settings);
        query(&client).await.unwrap();
        let lanes = join_all((0..4).map(async |_| {
            for _ in 0..10 {
                query(&client).await.unwrap();
            }
        }));
        lanes.await;
        assert_eq!(
            asked.load(Ordering::Relaxed),
            1 + 30 + 40,
            "each failed request was sent again"
        );
        let told = told.lock().unwrap();
        assert!(
            matches!(told.as_slice(), [Outage::Began { .. }, Outage::Over { .. }]),
            "{told:?}"
        );
        assert!(told[0].to_string().contains("requests wait"), "{}", told[0]);
        assert!(told[1].to_string().contains("answers again"), "{}", told[1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s25_parallel_requests_do_not_multiply_the_load_on_a_struggling_org() {
    let (wire, asked) = passing(1, usize::MAX / 2, answer(503, &[], "")).await;
    let mut settings = settings(wire.url("http"));
    settings.retry.attempts = 6;
    settings.breaker.first_wait = Duration::from_millis(20);
    settings.breaker.longest_wait = Duration::from_millis(80);
    settings.breaker.patience = Duration::from_millis(600);
    let breaker = settings.breaker;
    let (client, _) = listening(settings);
    query(&client).await.unwrap();
    let parallel = 8;
    let started = Instant::now();
    let queries = join_all((0..parallel).map(|_| query(&client))).await;
    assert!(
        started.elapsed() >= breaker.patience,
        "{:?}",
        started.elapsed()
    );
    // Between two probes lie 40 ms at least, once they have grown.
    let most = parallel + breaker.failures as usize + 2 + 600 / 40 + 1;
    let sent = asked.load(Ordering::Relaxed) - 1;
    assert!(
        sent <= most,
        "{sent} requests during the outage, {most} were to be the most"
    );
    for failed in queries {
        let error = failed.unwrap_err();
        assert_eq!(error.code(), Code::SalesforceUnavailable);
        assert!(error.message().contains("did not answer for"), "{error}");
        assert!(
            error.message().contains(" ms and "),
            "it says how long: {error}"
        );
        shown(&error);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s25_an_outage_that_was_given_up_is_asked_about_once_more_a_while_later() {
    let (wire, asked) = passing(1, 60, answer(500, &[], "")).await;
    let mut settings = settings(wire.url("http"));
    settings.retry.attempts = 6;
    settings.breaker.patience = Duration::from_millis(30);
    settings.breaker.longest_wait = Duration::from_millis(300);
    let (client, _) = listening(settings);
    query(&client).await.unwrap();
    query(&client).await.unwrap_err();
    let sent = asked.load(Ordering::Relaxed);
    let refused = query(&client).await.unwrap_err();
    assert!(
        refused.message().contains("did not answer for"),
        "{refused}"
    );
    assert_eq!(
        asked.load(Ordering::Relaxed),
        sent,
        "no request leaves right behind it"
    );
    tokio::time::sleep(Duration::from_millis(350)).await;
    while asked.load(Ordering::Relaxed) < 61 {
        let _ = query(&client).await;
        tokio::time::sleep(Duration::from_millis(310)).await;
    }
    query(&client).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn s25_refusals_and_limits_never_open_the_breaker() {
    let refusals = [
        (400, "MALFORMED_QUERY", "unexpected token"),
        (
            403,
            "REQUEST_LIMIT_EXCEEDED",
            "TotalRequests Limit exceeded.",
        ),
        (404, "NOT_FOUND", "not there"),
        (401, "INVALID_SESSION_ID", "Session expired or invalid"),
    ];
    for (status, code, message) in refusals {
        let body = format!(r#"[{{"errorCode":"{code}","message":"{message}"}}]"#);
        let (wire, asked) = passing(1, 20, json_answer(status, &body)).await;
        let (client, told) = listening(settings(wire.url("http")));
        query(&client).await.unwrap();
        while asked.load(Ordering::Relaxed) < 21 {
            query(&client).await.unwrap_err();
        }
        query(&client).await.unwrap();
        assert!(told.lock().unwrap().is_empty(), "{code}: {told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s25_an_address_that_never_answered_is_not_waited_for() {
    let (wire, asked) = passing(0, usize::MAX / 2, answer(503, &[], "")).await;
    let mut settings = settings(wire.url("http"));
    settings.retry.attempts = 20;
    settings.retry.cap = Duration::from_millis(5);
    settings.breaker.patience = Duration::from_mins(10);
    let (client, told) = listening(settings);
    client.versions().await.unwrap_err();
    assert_eq!(asked.load(Ordering::Relaxed), 20, "the tries alone decide");
    assert!(told.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn s25_rows_without_a_key_are_not_sent_again_behind_an_outage() {
    let (wire, asked) = passing(1, 6, answer(503, &[], "")).await;
    let mut settings = settings(wire.url("http"));
    settings.breaker.failures = 1;
    let (client, _) = listening(settings);
    query(&client).await.unwrap();
    let record = json!({ "LastName": "Once" });
    let batch = WriteBatch {
        object: "Lead",
        operation: WriteOperation::Create { key: None },
        records: &[record.as_object().unwrap().clone()],
        options: &WriteOptions::default(),
    };
    let error = Writer::new(client).write(&batch).await.unwrap_err();
    assert_eq!(error.code(), Code::WriteUnclear);
    assert_eq!(
        asked.load(Ordering::Relaxed),
        2,
        "one query, and the create once"
    );
}

const PROFILES: &str = "version: 1
name: people
direction: write
source: { records: profiles }
targets:
  lead:
    object: Lead
    operation: upsert
    match: { Bridged_Id__c: \"{{ profile.key }}\" }
    field_map: { LastName: \"{{ profile.last_name }}\", Company: Acme }
batch: { size: 5, concurrency: 4 }
";

#[tokio::test(flavor = "multi_thread")]
async fn s25_a_run_outlives_an_outage_and_every_record_is_delivered_once() {
    let org = Org::with_leads(0).await;
    let people: Vec<Profile> = (0..100)
        .map(|n| {
            person(
                format!("p-{n}"),
                json!({ "last_name": format!("Person {n}") }),
            )
        })
        .collect();
    let now = "2027-03-01T12:00:00Z".parse().unwrap();
    org.store.import_profiles(&people, now).unwrap();
    org.faults(json!([{
        "match": { "path": "*/composite/sobjects*", "after": 3, "times": 25 },
        "action": { "kind": "status", "status": 503, "code": "SERVER_UNAVAILABLE", "message": "down" },
    }]))
    .await;
    let report = org.run(PROFILES).await.unwrap();
    assert_eq!(report.state, RunState::Done, "{report:?}");
    assert_eq!((report.ledger.read, report.ledger.delivered), (100, 100));
    assert_eq!(
        report.requests.write,
        20 + 25,
        "each failed request once more"
    );
    let rows = org.rows("Lead").await;
    let written = rows.iter().filter(|row| row["Bridged_Id__c"].is_string());
    let mut keys: Vec<&str> = written
        .map(|row| row["Bridged_Id__c"].as_str().unwrap())
        .collect();
    keys.sort_unstable();
    let mut expected: Vec<&str> = people.iter().map(|person| person.key.as_str()).collect();
    expected.sort_unstable();
    assert_eq!(keys, expected);
}
