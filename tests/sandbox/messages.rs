//! The sandbox's WhatsApp: what it refuses, what it keeps, and what it delivers.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::StatusCode;
use ring::hmac;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::client::{Bench, Reply, bench, reply};

const MESSAGES: &str = "/v25.0/106540352242922/messages";

fn message(to: &str) -> Value {
    json!({
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": to,
        "type": "template",
        "template": {
            "name": "spring_offer",
            "language": { "code": "en_US", "policy": "deterministic" },
            "components": [{ "type": "body", "parameters": [{ "type": "text", "text": "Ada" }] }],
        },
        "biz_opaque_callback_data": "ours:1",
    })
}

async fn send(bench: &Bench, body: &Value) -> Reply {
    let token = &bench.sandbox.ready().whatsapp_token;
    reply(
        bench
            .http
            .post(bench.url(MESSAGES))
            .bearer_auth(token)
            .json(body),
    )
    .await
}

async fn control(bench: &Bench, call: &str, body: Value) -> Value {
    let (status, answer) = reply(
        bench
            .http
            .post(bench.url(&format!("/_sandbox/{call}")))
            .json(&body),
    )
    .await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer
}

#[tokio::test]
async fn a_message_that_fits_is_taken_and_kept() {
    let bench = bench().await;
    let (status, answer) = send(&bench, &message("447946000001")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        answer["contacts"][0],
        json!({ "input": "447946000001", "wa_id": "447946000001" })
    );
    let wamid = answer["messages"][0]["id"].as_str().unwrap();
    assert!(wamid.starts_with("wamid."), "{answer}");
    assert_eq!(answer["messages"][0]["message_status"], "accepted");
    let mut to_user = message("");
    to_user.as_object_mut().unwrap().remove("to");
    to_user["recipient"] = json!("US.13491208655302741918");
    let (_, answer) = send(&bench, &to_user).await;
    assert_eq!(answer["contacts"][0]["user_id"], "US.13491208655302741918");
    control(&bench, "whatsapp", json!({ "held": true })).await;
    let (_, answer) = send(&bench, &message("447946000002")).await;
    assert_eq!(
        answer["messages"][0]["message_status"],
        "held_for_quality_assessment"
    );
    let (_, kept) = reply(
        bench
            .http
            .get(bench.url("/_sandbox/whatsapp/messages?to=%2B447946000001")),
    )
    .await;
    assert_eq!(kept.as_array().unwrap().len(), 1);
    assert_eq!(
        (kept[0]["callback"].as_str(), kept[0]["wamid"].as_str()),
        (Some("ours:1"), Some(wamid))
    );
    let (_, recipients) = reply(bench.http.get(bench.url("/_sandbox/whatsapp/recipients"))).await;
    assert_eq!(
        recipients["447946000001"],
        json!({ "posts": 1, "accepted": 1 })
    );
}

#[tokio::test]
async fn no_two_messages_have_one_id_in_another_sandbox_either() {
    let (one, other) = (bench().await, bench().await);
    let mut ids = Vec::new();
    for (bench, callback) in [(&one, "ours:1"), (&other, "ours:2")] {
        let mut message = message("447946000001");
        message["biz_opaque_callback_data"] = json!(callback);
        let (_, answer) = send(bench, &message).await;
        ids.push(answer["messages"][0]["id"].clone());
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_metas_code() {
    let bench = bench().await;
    control(&bench, "whatsapp/events", json!({ "pair_seconds": 0 })).await;
    control(
        &bench,
        "whatsapp",
        json!({ "templates": [
        { "name": "paused", "language": "en_US", "status": "PAUSED" },
        { "name": "disabled", "language": "en_US", "status": "DISABLED" },
    ] }),
    )
    .await;
    for (body, code) in misfits() {
        let (status, answer) = send(&bench, &body).await;
        assert_eq!(answer["error"]["code"], code, "{body}: {answer}");
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(
            answer["error"]["error_data"]["details"].is_string()
                && answer["error"]["fbtrace_id"].is_string()
        );
    }
    let (_, recipients) = reply(bench.http.get(bench.url("/_sandbox/whatsapp/recipients"))).await;
    assert_eq!(recipients["447946000001"]["accepted"], 0);
}

/// Messages that each differ in one thing from one that is taken, with the code for it.
fn misfits() -> Vec<(Value, u32)> {
    let with = |pointer: &str, value: Value| {
        let mut body = message("447946000001");
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let components = "/template/components";
    let text =
        |text: &str| json!([{ "type": "body", "parameters": [{ "type": "text", "text": text }] }]);
    vec![
        (with("/messaging_product", json!("sms")), 100),
        (with("/recipient_type", json!("crowd")), 100),
        (with("/to", json!("0123")), 100),
        (with("/to", json!("call me")), 100),
        (with("/to", Value::Null), 131_008),
        (with("/to", json!("16505550123")), 131_021),
        (with("/type", json!("text")), 131_047),
        (with("/type", json!("hologram")), 131_051),
        (with("/template", Value::Null), 131_008),
        (with("/template/name", json!("none")), 132_001),
        (with("/template/language/code", json!("fr")), 132_001),
        (with("/template/name", json!("win_back")), 132_001),
        (with("/template/name", json!("paused")), 132_015),
        (with("/template/name", json!("disabled")), 132_016),
        (with(components, json!([])), 132_000),
        (with(components, text("a\nb")), 132_018),
        (with(components, text("a\tb")), 132_018),
        (with(components, text("")), 131_008),
        (with(components, text(&"x".repeat(1_100))), 132_005),
        (
            with("/biz_opaque_callback_data", json!("x".repeat(513))),
            131_009,
        ),
        (
            with(
                components,
                json!([{ "type": "body", "parameters": [{ "type": "text", "text": "A" }] }, { "type": "button", "sub_type": "url", "index": "0", "parameters": [] }]),
            ),
            132_012,
        ),
        (
            with(
                components,
                json!([{ "type": "body", "parameters": [{ "type": "text", "text": "A" }] }, { "type": "button", "sub_type": "url", "index": "7", "parameters": [] }]),
            ),
            131_009,
        ),
    ]
}

#[tokio::test]
async fn only_its_own_token_and_its_own_number_send() {
    let bench = bench().await;
    let good = message("447946000001");
    let (status, answer) = reply(
        bench
            .http
            .post(bench.url(MESSAGES))
            .bearer_auth("wrong")
            .json(&good),
    )
    .await;
    assert_eq!(
        (status, answer["error"]["code"].as_i64()),
        (StatusCode::UNAUTHORIZED, Some(190))
    );
    let other = MESSAGES.replace("106540352242922", "1");
    let token = &bench.sandbox.ready().whatsapp_token;
    let (_, answer) = reply(
        bench
            .http
            .post(bench.url(&other))
            .bearer_auth(token)
            .json(&good),
    )
    .await;
    assert_eq!(
        (
            answer["error"]["code"].as_i64(),
            answer["error"]["error_subcode"].as_i64()
        ),
        (Some(100), Some(33))
    );
}

#[tokio::test]
async fn a_number_and_a_person_take_so_many_and_no_more() {
    let bench = bench().await;
    control(&bench, "whatsapp/events", json!({ "rate": 3 })).await;
    for person in 0..3 {
        assert_eq!(
            send(&bench, &message(&format!("44794600000{person}")))
                .await
                .0,
            StatusCode::OK
        );
    }
    let (status, answer) = send(&bench, &message("447946000008")).await;
    assert_eq!(
        (status, answer["error"]["code"].as_i64()),
        (StatusCode::TOO_MANY_REQUESTS, Some(130_429))
    );
    control(&bench, "whatsapp/events", json!({ "rate": 100 })).await;
    let (_, answer) = send(&bench, &message("447946000000")).await;
    assert_eq!(answer["error"]["code"], 131_056);
}

/// The signature and the body, once all of the body is there.
fn whole(request: &str) -> Option<(String, String)> {
    let (head, body) = request.split_once("\r\n\r\n")?;
    let of = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
    let length: usize = of("content-length: ")?.parse().ok()?;
    let signature = of("x-hub-signature-256: ").unwrap_or_default();
    (body.len() >= length).then(|| (signature.to_owned(), body.to_owned()))
}

/// A receiver that answers with what stands in the list, the last one for ever; the deliveries it got.
async fn receiver(statuses: &'static [u16]) -> (String, Arc<Mutex<Vec<(String, String)>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let got: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let kept = Arc::clone(&got);
    tokio::spawn(async move {
        let mut number = 0;
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            let mut buffer = [0; 8192];
            let delivery = loop {
                let count = stream.read(&mut buffer).await.unwrap_or(0);
                request.extend_from_slice(&buffer[..count]);
                let delivery = whole(&String::from_utf8_lossy(&request));
                if delivery.is_some() || count == 0 {
                    break delivery;
                }
            };
            kept.lock().unwrap().extend(delivery);
            let status = statuses[number.min(statuses.len() - 1)];
            number += 1;
            let _ = stream
                .write_all(
                    format!(
                        "HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                    )
                    .as_bytes(),
                )
                .await;
        }
    });
    (url, got)
}

async fn wait_for(got: &Mutex<Vec<(String, String)>>, count: usize) -> Vec<Value> {
    for _ in 0..200 {
        if got.lock().unwrap().len() >= count {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let got = got.lock().unwrap();
    assert!(got.len() >= count, "{} of {count} deliveries", got.len());
    got.iter()
        .map(|(_, body)| serde_json::from_str(body).unwrap())
        .collect()
}

fn words(deliveries: &[Value]) -> Vec<String> {
    let value = |one: &Value| one["entry"][0]["changes"][0]["value"].clone();
    deliveries
        .iter()
        .flat_map(|one| {
            let value = value(one);
            let statuses = value["statuses"].as_array().cloned().unwrap_or_default();
            let replies = value["messages"].as_array().cloned().unwrap_or_default();
            let told = statuses
                .iter()
                .map(|one| one["status"].as_str().unwrap().to_owned());
            told.chain(replies.iter().map(|_| "reply".to_owned()))
                .collect::<Vec<_>>()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_and_replies_are_delivered_signed_in_order_and_again_where_they_are_not_taken() {
    let bench = bench().await;
    let (url, got) = receiver(&[500, 200]).await;
    control(
        &bench,
        "whatsapp/events",
        json!({ "webhook": url, "read": 1.0, "replied": 1.0, "opted_out": 1.0, "delay_ms": 60 }),
    )
    .await;
    send(&bench, &message("447946000001")).await;
    let deliveries = wait_for(&got, 5).await;
    let mut told = words(&deliveries);
    assert_eq!(told.remove(0), "sent", "it was not taken, and comes again");
    told.sort();
    assert_eq!(told, ["delivered", "read", "reply", "sent"]);
    let key = hmac::Key::new(
        hmac::HMAC_SHA256,
        bench.sandbox.ready().whatsapp_app_secret.as_bytes(),
    );
    for (signature, body) in got.lock().unwrap().iter() {
        let mut expected = "sha256=".to_owned();
        for byte in hmac::sign(&key, body.as_bytes()).as_ref() {
            let _ = write!(expected, "{byte:02x}");
        }
        assert_eq!(*signature, expected);
        assert!(
            body.contains("whatsapp_business_account") && body.contains("106540352242922"),
            "{body}"
        );
    }
    let status = &deliveries[0]["entry"][0]["changes"][0]["value"]["statuses"][0];
    assert_eq!(status["biz_opaque_callback_data"], "ours:1");
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_doubled_shuffled_gathered_and_made_on_request() {
    let bench = bench().await;
    let (url, got) = receiver(&[200]).await;
    control(&bench, "whatsapp/events", json!({ "webhook": url, "read": 1.0, "replied": 0.0, "duplicates": 1, "shuffled": true, "batch": 10, "delay_ms": 0 })).await;
    send(&bench, &message("447946000001")).await;
    let deliveries = wait_for(&got, 2).await;
    assert_eq!(words(&deliveries[..1]), ["read", "delivered", "sent"]);
    assert_eq!(deliveries[0], deliveries[1]);
    control(
        &bench,
        "whatsapp/events",
        json!({ "duplicates": 0, "failed": 1.0, "failed_code": 131_049, "shuffled": false }),
    )
    .await;
    send(&bench, &message("447946000002")).await;
    let deliveries = wait_for(&got, 3).await;
    assert_eq!(words(&deliveries[2..]), ["sent", "failed"]);
    control(
        &bench,
        "whatsapp/inbound",
        json!({ "from": "447946000009", "button": "opt_out" }),
    )
    .await;
    control(
        &bench,
        "whatsapp/inbound",
        json!({ "from": "447946000009", "preference": "stop" }),
    )
    .await;
    control(&bench, "whatsapp", json!({ "templates": [{ "name": "spring_offer", "language": "en_US", "status": "PAUSED" }] })).await;
    let all = wait_for(&got, 4).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let all: String = all
        .iter()
        .map(Value::to_string)
        .chain(got.lock().unwrap().iter().map(|(_, body)| body.clone()))
        .collect();
    for word in [
        "opt_out",
        "user_preferences",
        "message_template_status_update",
        "PAUSED",
    ] {
        assert!(all.contains(word), "{word}");
    }
}
