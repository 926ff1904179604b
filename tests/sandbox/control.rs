//! The control calls: the ledger, the clock, the reset.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::client::{V, bench, reply};

#[tokio::test]
async fn the_ledger_shows_every_request_and_no_control_call() {
    let bench = bench().await;
    bench.query("SELECT Id FROM Lead LIMIT 7").await;
    bench.get(&format!("{V}/nothing")).await;
    bench.records("Lead").await;
    let ledger = bench.ledger().await;
    assert_eq!(
        ledger["totals"],
        json!({ "requests": 3, "records": 7, "api_calls": 2 })
    );
    let rows = ledger["requests"].as_array().unwrap();
    let shown = |row: &Value| {
        json!([
            row["sequence"],
            row["method"],
            row["path"],
            row["status"],
            row["records"],
            row["api_calls"]
        ])
    };
    assert_eq!(
        shown(&rows[0]),
        json!([1, "POST", "/services/oauth2/token", 200, 0, 0])
    );
    let query = format!("{V}/query?q=SELECT+Id+FROM+Lead+LIMIT+7");
    assert_eq!(shown(&rows[1]), json!([2, "GET", query, 200, 7, 1]));
    assert_eq!(rows[2]["status"], 404);
    assert!(rows.iter().all(|row| row.get("fault").is_none()));
}

#[tokio::test]
async fn a_reset_brings_the_start_back() {
    let bench = bench().await;
    let before = bench.records("Lead").await;
    bench
        .post(
            &format!("{V}/sobjects/Lead"),
            json!({ "LastName": "X", "Company": "Y" }),
        )
        .await;
    bench
        .control(
            "permissions",
            json!({ "objects": { "Lead": { "read": false } } }),
        )
        .await;
    bench.control("reset", Value::Null).await;
    assert_eq!(bench.records("Lead").await, before);
    assert_eq!(bench.ledger().await["totals"]["requests"], 0);
    assert_eq!(
        bench.get(&format!("{V}/limits")).await.0,
        StatusCode::UNAUTHORIZED
    );
    let token = super::client::sign_in(&bench.http, bench.sandbox.ready()).await;
    let bench = super::client::Bench { token, ..bench };
    assert_eq!(
        bench.query("SELECT COUNT() FROM Lead").await.0,
        StatusCode::OK
    );
}

#[tokio::test]
async fn the_clock_is_set_moved_and_held() {
    let bench = bench().await;
    let now = bench
        .control(
            "clock",
            json!({ "set": "2027-01-01T00:00:00Z", "hold": true }),
        )
        .await;
    assert_eq!(now, json!({ "now": "2027-01-01T00:00:00Z" }));
    let now = bench.control("clock", json!({ "advance": "1h 30m" })).await;
    assert_eq!(now, json!({ "now": "2027-01-01T01:30:00Z" }));
    let (_, again) = reply(bench.http.get(bench.url("/_sandbox/clock"))).await;
    assert_eq!(again, now);
    for wrong in [
        json!({ "advance": "soon" }),
        json!({ "set": "noon" }),
        json!({ "stop": true }),
    ] {
        let answer = reply(bench.http.post(bench.url("/_sandbox/clock")).json(&wrong)).await;
        assert_eq!(answer.0, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn unknown_control_calls_are_told() {
    let bench = bench().await;
    for (method, path) in [
        (Method::GET, "nothing"),
        (Method::DELETE, "ledger"),
        (Method::GET, ""),
    ] {
        let request = bench
            .http
            .request(method, bench.url(&format!("/_sandbox/{path}")));
        assert_eq!(reply(request).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_stopped_sandbox_gives_its_port_back() {
    let bench = bench().await;
    let address = bench.sandbox.ready().salesforce_url.replace("http://", "");
    bench.sandbox.stop().await;
    assert!(tokio::net::TcpListener::bind(address).await.is_ok());
}
