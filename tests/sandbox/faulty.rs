//! Every kind of fault, as a client meets it.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::client::{Bench, V, bench, bench_with, refusal, reply};
use bridged::foundation::code::Code;
use bridged::sandbox::faults::read;
use bridged::sandbox::settings::Settings;

const LIMITS: &str = "/services/data/v67.0/limits";

/// The fault that the last request met.
async fn last_fault(bench: &Bench) -> Value {
    let ledger = bench.ledger().await;
    ledger["requests"].as_array().unwrap().last().unwrap()["fault"].clone()
}

#[tokio::test]
async fn a_status_stands_in_for_the_answer() {
    let bench = bench().await;
    let action = json!({ "kind": "status", "status": 503, "code": "SERVER_UNAVAILABLE", "message": "maintenance" });
    bench
        .fault(json!({ "match": { "times": 1 }, "action": action }))
        .await;
    let answer = bench.get(LIMITS).await;
    assert_eq!(refusal(&answer), (503, "SERVER_UNAVAILABLE", "maintenance"));
    assert_eq!(last_fault(&bench).await, "status");
    assert_eq!(bench.get(LIMITS).await.0, StatusCode::OK);
    assert_eq!(last_fault(&bench).await, Value::Null);
}

#[tokio::test]
async fn a_status_can_come_after_the_commit() {
    let bench = bench().await;
    let action = json!({ "kind": "status", "status": 500, "body": [{ "errorCode": "UNKNOWN_EXCEPTION", "message": "x" }], "after_commit": true });
    bench
        .fault(json!({ "match": { "method": "post" }, "action": action }))
        .await;
    let answer = bench
        .post(
            &format!("{V}/sobjects/Lead"),
            json!({ "LastName": "X", "Company": "Y" }),
        )
        .await;
    assert_eq!(refusal(&answer), (500, "UNKNOWN_EXCEPTION", "x"));
    assert_eq!(bench.records("Lead").await.len(), 102);
}

#[tokio::test]
async fn gateways_answer_with_pages_or_with_nothing() {
    let bench = bench().await;
    bench
        .fault(json!({ "action": { "kind": "html", "status": 502 } }))
        .await;
    let answer = bench.request(Method::GET, LIMITS).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
    assert!(
        answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
    assert!(answer.text().await.unwrap().contains("<h1>502</h1>"));
    bench
        .fault(json!({ "action": { "kind": "empty", "status": 420 } }))
        .await;
    let answer = bench.request(Method::GET, LIMITS).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 420);
    assert!(answer.bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_redirect_points_elsewhere() {
    let bench = bench().await;
    bench.fault(json!({ "action": { "kind": "redirect", "to": "https://example.com/", "status": 307 } })).await;
    let answer = bench.request(Method::GET, LIMITS).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(answer.headers()["location"], "https://example.com/");
}

#[tokio::test]
async fn both_limits_are_told_apart_by_their_sentences() {
    let bench = bench().await;
    for (which, sentence) in [
        ("daily", "TotalRequests Limit exceeded."),
        ("concurrent", "ConcurrentPerOrgLongTxn Limit exceeded."),
    ] {
        bench
            .fault(json!({ "action": { "kind": "limit", "which": which } }))
            .await;
        let answer = bench.get(LIMITS).await;
        assert_eq!(refusal(&answer), (403, "REQUEST_LIMIT_EXCEEDED", sentence));
    }
}

#[tokio::test]
async fn a_reset_before_the_answer_does_nothing_and_one_after_the_commit_does() {
    let bench = bench().await;
    for (kind, rows) in [("reset", 101), ("reset-after-commit", 102)] {
        bench
            .fault(json!({ "match": { "method": "POST" }, "action": { "kind": kind } }))
            .await;
        let request = bench.request(Method::POST, &format!("{V}/sobjects/Lead"));
        let error = request
            .json(&json!({ "LastName": "X", "Company": "Y" }))
            .send()
            .await
            .unwrap_err();
        assert!(!error.is_connect() && !error.is_timeout(), "{error:?}");
        assert_eq!(bench.records("Lead").await.len(), rows, "{kind}");
        let ledger = bench.ledger().await;
        assert_eq!(
            ledger["requests"].as_array().unwrap().last().unwrap()["status"],
            Value::Null
        );
    }
}

#[tokio::test]
async fn a_reset_is_a_reset_on_the_socket() {
    let bench = std::sync::Arc::new(bench().await);
    bench.fault(json!({ "action": { "kind": "reset" } })).await;
    let raw = bench.clone();
    let answer = tokio::task::spawn_blocking(move || raw.raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    let error = answer.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_truncated_body_is_shorter_than_it_says() {
    let bench = bench().await;
    bench
        .fault(json!({ "action": { "kind": "truncate", "bytes": 10 } }))
        .await;
    let mut answer = bench.request(Method::GET, LIMITS).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.content_length().unwrap() > 100);
    assert_eq!(answer.chunk().await.unwrap().unwrap().len(), 10);
    assert!(answer.chunk().await.is_err());
}

#[tokio::test]
async fn a_slow_body_trickles_and_a_late_answer_waits() {
    let bench = bench().await;
    bench
        .fault(json!({ "action": { "kind": "slow", "bytes_per_second": 5_000 } }))
        .await;
    let begin = Instant::now();
    let (status, body) = bench.get(LIMITS).await;
    assert!(status.is_success() && body["DailyApiRequests"]["Max"].is_u64());
    assert!(begin.elapsed() >= Duration::from_millis(100));
    bench
        .fault(json!({ "action": { "kind": "latency", "ms": 120 } }))
        .await;
    let begin = Instant::now();
    bench.get(LIMITS).await;
    assert!(begin.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn a_session_can_end_at_any_request() {
    let bench = bench().await;
    bench
        .fault(json!({ "match": { "after": 1, "times": 1 }, "action": { "kind": "expire-token" } }))
        .await;
    assert_eq!(bench.get(LIMITS).await.0, StatusCode::OK);
    let expired = (401, "INVALID_SESSION_ID", "Session expired or invalid");
    assert_eq!(refusal(&bench.get(LIMITS).await), expired);
    assert_eq!(refusal(&bench.get(LIMITS).await), expired);
}

#[tokio::test]
async fn locators_can_be_forgotten_and_addresses_forged() {
    let bench = bench_with(Settings {
        leads: 300,
        ..Settings::default()
    })
    .await;
    let first = async || {
        let request = bench
            .request(Method::GET, &format!("{V}/query"))
            .query(&[("q", "SELECT Id FROM Lead")])
            .header("Sforce-Query-Options", "batchSize=200");
        reply(request).await.1["nextRecordsUrl"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let next = first().await;
    bench.fault(json!({ "match": { "path": "*/query/01g*" }, "action": { "kind": "invalidate-locators" } })).await;
    assert_eq!(refusal(&bench.get(&next).await).1, "INVALID_QUERY_LOCATOR");
    bench
        .fault(
            json!({ "action": { "kind": "next-records-url", "url": "https://example.com/steal" } }),
        )
        .await;
    assert_eq!(first().await, "https://example.com/steal");
    bench
        .fault(json!({ "action": { "kind": "instance-url", "url": "https://example.com" } }))
        .await;
    let ready = bench.sandbox.ready();
    let request = bench
        .http
        .post(bench.url("/services/oauth2/token"))
        .basic_auth(&ready.consumer_key, Some(&ready.api_key))
        .form(&[("grant_type", "client_credentials")]);
    assert_eq!(
        reply(request).await.1["instance_url"],
        "https://example.com"
    );
}

#[tokio::test]
async fn writes_can_commit_late() {
    let bench = bench().await;
    bench.fault(json!({ "match": { "method": "POST" }, "action": { "kind": "late-commit", "seconds": 240 } })).await;
    let (status, made) = bench
        .post(
            &format!("{V}/sobjects/Lead"),
            json!({ "LastName": "X", "Company": "Y" }),
        )
        .await;
    assert_eq!(status, StatusCode::CREATED);
    let path = format!("{V}/sobjects/Lead/{}", made["id"].as_str().unwrap());
    assert_eq!(bench.get(&path).await.0, StatusCode::NOT_FOUND);
    bench.control("clock", json!({ "advance": "4m" })).await;
    assert_eq!(bench.get(&path).await.0, StatusCode::OK);
}

#[tokio::test]
async fn headers_can_be_wrong_or_missing() {
    let bench = bench().await;
    let set =
        json!({ "Date": null, "Sforce-Limit-Info": "api-usage=nonsense", "Content-Type": null });
    bench
        .fault(json!({ "action": { "kind": "headers", "set": set } }))
        .await;
    let answer = bench.request(Method::GET, LIMITS).send().await.unwrap();
    assert!(
        answer.headers().get("date").is_none() && answer.headers().get("content-type").is_none()
    );
    assert_eq!(answer.headers()["sforce-limit-info"], "api-usage=nonsense");
}

#[tokio::test]
async fn a_fault_strikes_only_what_it_matches() {
    let bench = bench().await;
    let rule =
        json!({ "method": "GET", "path": "/services/data/*/query*", "contains": "FROM Contact" });
    bench
        .fault(json!({ "match": rule, "action": { "kind": "empty", "status": 406 } }))
        .await;
    assert_eq!(bench.query("SELECT Id FROM Lead").await.0, StatusCode::OK);
    assert_eq!(bench.query("SELECT Id FROM Contact").await.0.as_u16(), 406);
    assert_eq!(bench.get(LIMITS).await.0, StatusCode::OK);
}

#[tokio::test]
async fn chance_is_decided_by_the_seed() {
    let struck = async || {
        let bench = bench().await;
        bench.fault(json!({ "match": { "probability": 0.5 }, "action": { "kind": "empty", "status": 500 } })).await;
        let mut statuses = Vec::new();
        for _ in 0..20 {
            statuses.push(bench.get(LIMITS).await.0.as_u16());
        }
        statuses
    };
    let first = struck().await;
    assert!(first.contains(&200) && first.contains(&500));
    assert_eq!(struck().await, first);
}

#[tokio::test]
async fn faults_can_be_in_force_from_the_start_and_again_after_a_reset() {
    let faults = read("- { match: { times: 2 }, action: { kind: empty, status: 500 } }").unwrap();
    let bench = super::client::Bench {
        sandbox: bridged::sandbox::server::Sandbox::start(Settings {
            faults,
            leads: 1,
            ..Settings::default()
        })
        .await
        .unwrap(),
        http: super::client::http(),
        token: String::new(),
    };
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(bench.get("/services/data").await.0.as_u16());
    }
    bench.control("reset", Value::Null).await;
    statuses.push(bench.get("/services/data").await.0.as_u16());
    assert_eq!(statuses, [500, 500, 200, 500]);
}

#[tokio::test]
async fn faults_that_are_none_are_refused() {
    let bench = bench().await;
    for body in [
        json!([{ "action": { "kind": "nonsense" } }]),
        json!({}),
        json!([1]),
    ] {
        let answer = reply(bench.http.post(bench.url("/_sandbox/faults")).json(&body)).await;
        assert_eq!(answer.0, StatusCode::BAD_REQUEST, "{body}");
    }
    assert_eq!(read("- 1").unwrap_err().code(), Code::SandboxFaults);
}
