//! The Graph API of the sandbox: reads of the number and of templates, refusals, and the control call.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::client::{Bench, Reply, bench, reply};

const NUMBER: &str = "/v25.0/106540352242922";
const TEMPLATES: &str = "/v25.0/102290129340398/message_templates";

async fn graph(bench: &Bench, path: &str) -> Reply {
    let token = &bench.sandbox.ready().whatsapp_token;
    reply(bench.http.get(bench.url(path)).bearer_auth(token)).await
}

/// Status, code and sub-code of a refusal.
fn refusal((status, body): &Reply) -> (u16, i64, Option<i64>) {
    let error = &body["error"];
    assert!(
        error["message"].is_string() && error["type"].is_string(),
        "{body}"
    );
    assert!(error["fbtrace_id"].is_string(), "{body}");
    let subcode = error["error_subcode"].as_i64();
    (status.as_u16(), error["code"].as_i64().unwrap(), subcode)
}

#[tokio::test]
async fn a_number_shows_the_fields_that_are_asked_for_in_any_version() {
    let bench = bench().await;
    let (status, number) = graph(
        &bench,
        &format!("{NUMBER}?fields=status,display_phone_number"),
    )
    .await;
    assert_eq!(status, StatusCode::OK);
    let expected = json!({ "status": "CONNECTED", "display_phone_number": "+1 650-555-0123", "id": "106540352242922" });
    assert_eq!(number, expected);
    let (_, number) = graph(&bench, &NUMBER.replace("v25.0", "v23.0")).await;
    assert_eq!(number["verified_name"], "Acme");
    assert_eq!(number["quality_rating"], "GREEN");
    assert!(number.get("status").is_none(), "only where it is asked for");
    let (_, account) = graph(&bench, "/v25.0/102290129340398").await;
    assert_eq!(account["id"], "102290129340398");
}

#[tokio::test]
async fn templates_are_found_by_a_part_of_their_name_and_come_in_pages() {
    let bench = bench().await;
    let (_, all) = graph(&bench, TEMPLATES).await;
    let total = all["data"].as_array().unwrap().len();
    assert!(total >= 4 && all["paging"].get("next").is_none(), "{all}");
    let (_, offers) = graph(
        &bench,
        &format!("{TEMPLATES}?name=spring&fields=name,language"),
    )
    .await;
    let names: Vec<&Value> = offers["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["language"])
        .collect();
    assert_eq!(names, ["en_US", "de"]);
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let (_, page) = graph(&bench, &format!("{TEMPLATES}?limit=1{after}")).await;
        let rows = page["data"].as_array().unwrap();
        assert_eq!(rows.len(), 1);
        seen.push(rows[0]["id"].clone());
        if page["paging"].get("next").is_none() {
            break;
        }
        after = format!(
            "&after={}",
            page["paging"]["cursors"]["after"].as_str().unwrap()
        );
    }
    seen.dedup();
    assert_eq!(seen.len(), total);
}

#[tokio::test]
async fn a_request_without_the_token_is_refused() {
    let bench = bench().await;
    for token in [
        None,
        Some("EAAGwrong"),
        Some(""),
        Some(bench.token.as_str()),
    ] {
        for path in [NUMBER, TEMPLATES, "/v25.0/1"] {
            let request = bench.http.get(bench.url(path));
            let request = match token {
                Some(token) => request.bearer_auth(token),
                None => request,
            };
            let answer = reply(request).await;
            assert_eq!(refusal(&answer), (401, 190, None), "{token:?} {path}");
        }
    }
}

#[tokio::test]
async fn unknown_ids_fields_and_parameters_are_refused() {
    let bench = bench().await;
    for path in [
        "/v25.0/1",
        "/v25.0/16505550123?fields=status",
        "/v25.0/106540352242922/message_templates",
    ] {
        assert_eq!(
            refusal(&graph(&bench, path).await),
            (400, 100, Some(33)),
            "{path}"
        );
    }
    for query in ["?fields=status,nothing", "?fields="] {
        let answer = graph(&bench, &format!("{NUMBER}{query}")).await;
        assert_eq!(refusal(&answer), (400, 100, None), "{query}");
        assert!(
            answer.1["error"]["message"]
                .as_str()
                .unwrap()
                .contains("nonexisting field")
        );
    }
    for query in [
        "?limit=0",
        "?limit=x",
        "?limit=100000",
        "?after=x",
        "?fields=body",
    ] {
        let answer = graph(&bench, &format!("{TEMPLATES}{query}")).await;
        assert_eq!(refusal(&answer), (400, 100, None), "{query}");
    }
    for path in ["/v25.0/me", "/v25.0", "/v25.0/106540352242922/settings"] {
        let (status, body) = graph(&bench, path).await;
        assert_eq!(
            (status.as_u16(), body["error"]["code"].as_i64()),
            (400, Some(2500)),
            "{path}"
        );
    }
    // Nothing can be written.
    let token = bench.sandbox.ready().whatsapp_token.clone();
    let request = bench
        .http
        .request(Method::POST, bench.url(NUMBER))
        .bearer_auth(token);
    assert_eq!(reply(request).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_token_the_number_and_the_templates_are_switched_by_a_control_call() {
    let bench = bench().await;
    for (token, subcode) in [("expired", 463), ("revoked", 460)] {
        bench.control("whatsapp", json!({ "token": token })).await;
        assert_eq!(
            refusal(&graph(&bench, NUMBER).await),
            (401, 190, Some(subcode))
        );
    }
    bench
        .control(
            "whatsapp",
            json!({ "token": "good", "error": { "code": 368, "status": 403 } }),
        )
        .await;
    assert_eq!(refusal(&graph(&bench, TEMPLATES).await), (403, 368, None));
    let changed = json!({
        "error": null,
        "number": { "status": "PENDING", "quality_rating": "RED" },
        "templates": [
            { "name": "spring_offer", "language": "en_US", "status": "PAUSED" },
            { "name": "spring_offer", "language": "de", "removed": true },
            { "name": "fresh", "language": "fr", "components": [{ "type": "BODY", "text": "{{1}}" }] },
        ],
    });
    let told = bench.control("whatsapp", changed).await;
    assert_eq!(told["number"]["status"], "PENDING");
    let (_, number) = graph(&bench, &format!("{NUMBER}?fields=status,quality_rating")).await;
    assert_eq!(number["quality_rating"], "RED");
    let (_, offers) = graph(
        &bench,
        &format!("{TEMPLATES}?name=spring_offer&fields=status"),
    )
    .await;
    assert_eq!(offers["data"].as_array().unwrap().len(), 1);
    assert_eq!(offers["data"][0]["status"], "PAUSED");
    let (_, fresh) = graph(&bench, &format!("{TEMPLATES}?name=fresh")).await;
    assert_eq!(fresh["data"][0]["status"], "APPROVED");
    bench.control("reset", Value::Null).await;
    let (_, number) = graph(&bench, &format!("{NUMBER}?fields=status")).await;
    assert_eq!(number["status"], "CONNECTED");
}

#[tokio::test]
async fn a_control_call_that_says_nonsense_is_refused() {
    let bench = bench().await;
    for body in [
        json!({ "token": "stolen" }),
        json!({ "nothing": 1 }),
        json!({ "error": { "code": 1, "status": 200 } }),
        json!({ "error": { "code": 1, "status": 9999 } }),
        json!({ "number": { "id": "1" } }),
        json!({ "templates": [{ "name": "x" }] }),
    ] {
        let request = bench.http.post(bench.url("/_sandbox/whatsapp")).json(&body);
        assert_eq!(reply(request).await.0, StatusCode::BAD_REQUEST, "{body}");
    }
    let seen = reply(bench.http.get(bench.url("/_sandbox/whatsapp")))
        .await
        .1;
    assert_eq!(seen["token"], "good");
    assert!(
        !seen
            .to_string()
            .contains(&bench.sandbox.ready().whatsapp_token)
    );
}

#[tokio::test]
async fn every_read_is_in_the_ledger_and_costs_no_call_of_the_org() {
    let bench = bench().await;
    graph(&bench, NUMBER).await;
    graph(&bench, &format!("{TEMPLATES}?name=spring_offer")).await;
    graph(&bench, "/v25.0/1").await;
    let ledger = bench.ledger().await;
    let rows = ledger["requests"].as_array().unwrap();
    let paths: Vec<&str> = rows[1..]
        .iter()
        .map(|row| row["path"].as_str().unwrap())
        .collect();
    assert_eq!(
        paths,
        [
            NUMBER,
            &format!("{TEMPLATES}?name=spring_offer"),
            "/v25.0/1"
        ]
    );
    assert_eq!(rows[2]["records"], 2);
    assert_eq!(ledger["totals"]["api_calls"], 0);
}

#[tokio::test]
async fn the_maintenance_of_an_org_is_not_metas() {
    let bench = bench().await;
    bench
        .control("maintenance", json!({ "mode": "page" }))
        .await;
    assert_eq!(graph(&bench, NUMBER).await.0, StatusCode::OK);
}
