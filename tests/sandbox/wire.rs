//! What every answer has in common: headers, versions, caps, addresses.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::client::{V, bench, refusal, reply};

#[tokio::test]
async fn versions_need_no_session_and_cost_no_call() {
    let bench = bench().await;
    for path in ["/services/data", "/services/data/"] {
        let answer = bench.http.get(bench.url(path)).send().await.unwrap();
        assert!(answer.headers().get("sforce-limit-info").is_none());
        let versions: Vec<Value> = answer.json().await.unwrap();
        let first =
            json!({ "label": "Summer '14", "url": "/services/data/v31.0", "version": "31.0" });
        assert_eq!(versions.first(), Some(&first));
        assert_eq!(versions.last().unwrap()["version"], "68.0");
    }
    assert_eq!(bench.ledger().await["totals"]["api_calls"], 0);
}

#[tokio::test]
async fn versions_out_of_range_do_not_exist() {
    let bench = bench().await;
    for (version, status) in [
        ("v30.0", 404),
        ("v31.0", 200),
        ("v68.0", 200),
        ("v69.0", 404),
        ("67.0", 404),
    ] {
        let answer = bench.get(&format!("/services/data/{version}/limits")).await;
        assert_eq!(answer.0.as_u16(), status, "{version}");
        if status == 404 {
            let gone = (404, "NOT_FOUND", "The requested resource does not exist");
            assert_eq!(refusal(&answer), gone);
        }
    }
}

#[tokio::test]
async fn header_names_are_in_title_case_on_the_wire() {
    let bench = bench().await;
    let request = format!(
        "GET {V}/limits HTTP/1.1\r\nHost: sandbox\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
        bench.token
    );
    let bench = std::sync::Arc::new(bench);
    let raw = bench.clone();
    let answer = tokio::task::spawn_blocking(move || raw.raw(request.as_bytes()).unwrap())
        .await
        .unwrap();
    let head = String::from_utf8(answer).unwrap();
    for name in [
        "Content-Type: application/json;charset=UTF-8",
        "Sforce-Limit-Info: api-usage=1/100000",
        "Date: ",
    ] {
        assert!(head.contains(&format!("\r\n{name}")), "{name}: {head}");
    }
}

#[tokio::test]
async fn every_answer_counts_the_calls_against_the_limit() {
    let bench = bench().await;
    bench
        .control("limits", json!({ "max": 3, "used": 1 }))
        .await;
    let usage = async |path: &str| {
        let answer = bench.request(Method::GET, path).send().await.unwrap();
        let info = answer.headers()["sforce-limit-info"]
            .to_str()
            .unwrap()
            .to_owned();
        (answer.status().as_u16(), info)
    };
    assert_eq!(
        usage(&format!("{V}/limits")).await,
        (200, "api-usage=2/3".to_owned())
    );
    assert_eq!(
        usage(&format!("{V}/nothing")).await,
        (404, "api-usage=3/3".to_owned())
    );
    assert_eq!(
        usage(&format!("{V}/limits")).await,
        (403, "api-usage=3/3".to_owned())
    );
    let answer = bench.get(&format!("{V}/limits")).await;
    let exceeded = (
        403,
        "REQUEST_LIMIT_EXCEEDED",
        "TotalRequests Limit exceeded.",
    );
    assert_eq!(refusal(&answer), exceeded);
    bench
        .control("sessions", json!({ "lifetime": "100h" }))
        .await;
    bench.control("clock", json!({ "advance": "25h" })).await;
    assert_eq!(
        usage(&format!("{V}/limits")).await,
        (200, "api-usage=1/3".to_owned())
    );
}

#[tokio::test]
async fn limits_show_what_is_left() {
    let bench = bench().await;
    let (_, limits) = bench.get(&format!("{V}/limits/")).await;
    assert_eq!(
        limits["DailyApiRequests"],
        json!({ "Max": 100_000, "Remaining": 99_999 })
    );
    assert!(limits["DailyBulkApiBatches"]["Remaining"].is_u64());
    let (_, counts) = bench
        .get(&format!("{V}/limits/recordCount?sObjects=lead,Nothing"))
        .await;
    assert_eq!(
        counts,
        json!({ "sObjects": [{ "count": 100, "name": "Lead" }] })
    );
}

#[tokio::test]
async fn a_uri_of_more_than_16384_bytes_is_refused_with_a_page() {
    let bench = bench().await;
    let path = |length: usize| format!("{V}/query?q={}", "a".repeat(length - V.len() - 9));
    let request = |length| bench.request(Method::GET, &path(length)).send();
    let answer = request(16_385).await.unwrap();
    assert_eq!(answer.status(), StatusCode::URI_TOO_LONG);
    assert!(
        answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
    let page = answer.text().await.unwrap();
    assert_eq!(
        page,
        "<h1>Bad Message 414</h1><pre>reason: URI Too Long</pre>"
    );
    assert_eq!(
        request(16_384).await.unwrap().status(),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
    );
    let ledger = bench.ledger().await;
    let statuses: Vec<&Value> = ledger["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["status"])
        .collect();
    assert_eq!(statuses, [200, 414, 431]);
    assert_eq!(
        request(15_000).await.unwrap().status(),
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn wrong_methods_and_types_are_refused() {
    let bench = bench().await;
    let answer = bench.post(&format!("{V}/limits"), json!({})).await;
    let refused = (
        405,
        "METHOD_NOT_ALLOWED",
        "HTTP Method 'POST' not allowed. Allowed are GET,HEAD",
    );
    assert_eq!(refusal(&answer), refused);
    let request = bench.request(Method::POST, &format!("{V}/sobjects/Lead"));
    let answer = reply(request.header("Content-Type", "text/csv").body("a,b")).await;
    assert_eq!(answer.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let answer = bench.get("/nothing/here").await;
    assert_eq!(refusal(&answer).1, "NOT_FOUND");
}

#[tokio::test]
async fn the_date_of_an_answer_is_that_of_the_sandbox() {
    let bench = bench().await;
    bench
        .control(
            "clock",
            json!({ "set": "2027-02-28T23:59:00Z", "hold": true }),
        )
        .await;
    let answer = bench
        .http
        .get(bench.url("/services/data"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["date"], "Sun, 28 Feb 2027 23:59:00 GMT");
}

#[tokio::test]
async fn unknown_graph_paths_are_refused_as_the_graph_api_does() {
    let bench = bench().await;
    let request = bench
        .http
        .post(bench.url("/v25.0/12345/orders"))
        .json(&json!({}));
    let (status, body) = reply(request).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(
        body["error"]["message"],
        "Unknown path components: /12345/orders"
    );
    assert_eq!(body["error"]["type"], "OAuthException");
}

#[tokio::test]
async fn https_is_served_with_the_certificate_that_is_told() {
    use bridged::sandbox::server::Sandbox;
    use bridged::sandbox::settings::Settings;
    super::client::http();
    let settings = Settings {
        tls: true,
        leads: 1,
        ..Settings::default()
    };
    let sandbox = Sandbox::start(settings).await.unwrap();
    let path = sandbox.ready().certificate.clone().unwrap();
    let pem = std::fs::read(&path).unwrap();
    let certificate = reqwest::Certificate::from_pem(&pem).unwrap();
    let trusting = reqwest::Client::builder()
        .tls_certs_only([certificate])
        .build()
        .unwrap();
    let url = format!("{}/services/data", sandbox.ready().salesforce_url);
    assert!(url.starts_with("https://"));
    assert_eq!(
        trusting.get(&url).send().await.unwrap().status(),
        StatusCode::OK
    );
    let plain = url.replace("https://", "http://");
    assert!(super::client::http().get(plain).send().await.is_err());
    sandbox.stop().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn only_loopback_addresses_and_free_ports_are_listened_on() {
    use bridged::sandbox::server::Sandbox;
    use bridged::sandbox::settings::Settings;
    let bench = bench().await;
    let taken = bench.sandbox.ready().salesforce_url.replace("http://", "");
    for listen in ["0.0.0.0:0", &taken] {
        let settings = Settings {
            listen: listen.parse().unwrap(),
            leads: 1,
            ..Settings::default()
        };
        let error = Sandbox::start(settings).await.unwrap_err();
        assert_eq!(error.code().as_str(), "sandbox-start", "{listen}");
    }
}
