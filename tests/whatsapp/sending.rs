//! Sending: one request a call, and a clear word about its end.

use bridged::foundation::code::Code;
use bridged::foundation::secret::Secret;
use bridged::spec::broadcast::{ButtonKind, HeaderKind};
use bridged::whatsapp::client::Client;
use bridged::whatsapp::message::{BodyValue, ButtonValue, HeaderValue, Message};
use bridged::whatsapp::reaction::{Reaction, Whose};
use bridged::whatsapp::send::{Messenger, Sent};
use bridged::whatsapp::settings::Settings;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

const TOKEN: &str = "EAAGsecrettoken";

fn message() -> Message {
    Message {
        to: "+447946000001".to_owned(),
        template: "event_invitation".to_owned(),
        language: "en_US".to_owned(),
        header: Some(HeaderValue::new(HeaderKind::Image, "https://example.com/a.jpg").unwrap()),
        body: ["Ada", "the launch"]
            .map(|text| BodyValue {
                name: None,
                text: text.to_owned(),
            })
            .to_vec(),
        buttons: vec![
            ButtonValue::new(0, ButtonKind::Url, "seat-9").unwrap(),
            ButtonValue::new(1, ButtonKind::QuickReply, "opt_out:9").unwrap(),
        ],
    }
}

/// A server that reads one request a connection and answers with these bytes, or ends it where there are none.
async fn server(answer: Vec<u8>) -> (String, mpsc::UnboundedReceiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            loop {
                let count = stream.read(&mut buffer).await.unwrap_or(0);
                if count == 0 {
                    break;
                }
                request.extend_from_slice(&buffer[..count]);
                let text = String::from_utf8_lossy(&request).to_lowercase();
                let Some(head) = text.find("\r\n\r\n") else {
                    continue;
                };
                let length = text
                    .split("content-length: ")
                    .nth(1)
                    .and_then(|rest| rest.split("\r\n").next()?.parse::<usize>().ok());
                if request.len() >= head + 4 + length.unwrap_or(0) {
                    break;
                }
            }
            sender.send(request).unwrap();
            let _ = stream.write_all(&answer).await;
        }
    });
    (url, receiver)
}

fn answer(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).into_bytes()
}

fn messenger(url: &str) -> Messenger {
    let mut settings = Settings::new("106540352242922", Secret::new(TOKEN));
    settings.api_url = url.to_owned();
    Messenger::new(Client::new(settings).unwrap())
}

const GOOD: &str = r#"{"messaging_product":"whatsapp","contacts":[{"input":"447946000001","wa_id":"447946000001"}],"messages":[{"id":"wamid.A1","message_status":"accepted"}]}"#;

/// What Meta's published schema asks of a template message.
fn schema() -> Value {
    let text = include_str!("../data/whatsapp-template-message.schema.json");
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn w01_a_message_goes_out_in_one_request_of_metas_shape() {
    let (url, mut requests) = server(answer("200 OK", GOOD)).await;
    let messenger = messenger(&url);
    let Sent::Accepted(accepted) = messenger.send(&message(), "0198:1").await else {
        panic!("it was taken")
    };
    assert_eq!(
        (accepted.wamid.as_str(), accepted.status.as_deref()),
        ("wamid.A1", Some("accepted"))
    );
    assert_eq!(accepted.others, [], "the number is that which was sent to");
    let request = String::from_utf8(requests.recv().await.unwrap()).unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with("POST /v25.0/106540352242922/messages HTTP/1.1"),
        "{head}"
    );
    assert!(
        head.to_lowercase()
            .contains(&format!("authorization: bearer {}", TOKEN.to_lowercase())),
        "{head}"
    );
    let body: Value = serde_json::from_str(body).unwrap();
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let wrong: Vec<String> = validator
        .iter_errors(&body)
        .map(|error| error.to_string())
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}\n{body:#}");
    assert_eq!(body["to"], "447946000001");
    assert_eq!(
        body["template"]["components"],
        json!([
            { "type": "header", "parameters": [{ "type": "image", "image": { "link": "https://example.com/a.jpg" } }] },
            { "type": "body", "parameters": [{ "type": "text", "text": "Ada" }, { "type": "text", "text": "the launch" }] },
            { "type": "button", "sub_type": "url", "index": "0", "parameters": [{ "type": "text", "text": "seat-9" }] },
            { "type": "button", "sub_type": "quick_reply", "index": "1", "parameters": [{ "type": "payload", "payload": "opt_out:9" }] },
        ])
    );
    assert_eq!(body["biz_opaque_callback_data"], "0198:1");
    assert_eq!(messenger.requests(), 1);
}

#[test]
fn w25_a_person_without_a_number_is_written_to_by_their_id() {
    let body = Message {
        to: "US.13491208655302741918".to_owned(),
        ..message()
    }
    .wire_body("1");
    assert_eq!(body["recipient"], "US.13491208655302741918");
    assert!(body.get("to").is_none());
    let validator = jsonschema::validator_for(&schema()).unwrap();
    assert!(validator.is_valid(&body), "{body}");
}

#[tokio::test]
async fn w06_a_success_without_an_id_leaves_it_unclear() {
    for body in [
        "{}",
        "",
        "OK",
        r#"{"messages":[]}"#,
        r#"{"messages":[{"id":""}]}"#,
        r#"{"messages":[{}]}"#,
    ] {
        let (url, mut requests) = server(answer("200 OK", body)).await;
        let sent = messenger(&url).send(&message(), "1").await;
        assert!(matches!(sent, Sent::Unclear(_)), "{body}: {sent:?}");
        requests.recv().await.unwrap();
        assert!(requests.try_recv().is_err(), "one request");
    }
}

#[tokio::test]
async fn w19_an_answer_that_is_cut_anywhere_is_unclear_and_never_asked_for_again() {
    let whole = answer("200 OK", GOOD);
    for cut in 0..whole.len() {
        let (url, mut requests) = server(whole[..cut].to_vec()).await;
        let sent = messenger(&url).send(&message(), "1").await;
        assert!(matches!(sent, Sent::Unclear(_)), "cut at {cut}: {sent:?}");
        requests.recv().await.unwrap();
        assert!(
            requests.try_recv().is_err(),
            "cut at {cut}: a second request"
        );
    }
}

#[tokio::test]
async fn w16_without_a_connection_nothing_was_sent() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let sent = messenger(&url).send(&message(), "1").await;
    let Sent::Unsent(error) = sent else {
        panic!("{sent:?}")
    };
    assert_eq!(error.code(), Code::ConnectionFailed);
}

#[tokio::test]
async fn w20_a_redirect_is_not_followed_and_the_token_goes_nowhere() {
    let (canary, mut seen) = server(answer("200 OK", GOOD)).await;
    for status in [
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let moved = format!(
            "HTTP/1.1 {status}\r\nLocation: {canary}/v25.0/1/messages\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        let (url, _requests) = server(moved.into_bytes()).await;
        let sent = messenger(&url).send(&message(), "1").await;
        assert!(matches!(sent, Sent::Unclear(_)), "{status}: {sent:?}");
    }
    assert!(seen.try_recv().is_err(), "the second host sees nothing");
}

#[tokio::test]
async fn w07_refusals_are_named_by_their_codes_and_hold_nobodys_number() {
    for (code, status, expected, named) in [
        (
            190,
            "401 Unauthorized",
            Reaction::Config,
            Code::WhatsappTokenRefused,
        ),
        (
            131_026,
            "400 Bad Request",
            Reaction::Undeliverable,
            Code::WhatsappRecipientRefused,
        ),
        (
            130_429,
            "429 Too Many Requests",
            Reaction::Backoff(Whose::Number, 8),
            Code::WhatsappLimitReached,
        ),
        (
            131_056,
            "400 Bad Request",
            Reaction::Pair,
            Code::WhatsappLimitReached,
        ),
        (
            131_048,
            "400 Bad Request",
            Reaction::Campaign,
            Code::WhatsappCampaignStopped,
        ),
        (
            132_000,
            "400 Bad Request",
            Reaction::Data,
            Code::WhatsappMessageRefused,
        ),
        (
            999_999,
            "400 Bad Request",
            Reaction::Recipient,
            Code::WhatsappRecipientRefused,
        ),
    ] {
        let said = format!("Number 447946000001 with {TOKEN} was refused");
        let body = json!({ "error": { "message": said, "type": "OAuthException", "code": code, "fbtrace_id": "AbC1" } });
        let (url, _requests) = server(answer(status, &body.to_string())).await;
        let sent = messenger(&url).send(&message(), "1").await;
        let Sent::Refused(refusal) = sent else {
            panic!("{code}: {sent:?}")
        };
        assert_eq!((refusal.reaction, refusal.code), (expected, Some(code)));
        assert_eq!(refusal.error.code(), named, "{code}");
        let told = format!("{:?} {}", refusal.error, refusal.error);
        assert!(!told.contains("7946") && !told.contains(TOKEN), "{told}");
    }
    for status in [
        "500 Internal Server Error",
        "502 Bad Gateway",
        "503 Service Unavailable",
    ] {
        let (url, _requests) = server(answer(status, "<html>")).await;
        let sent = messenger(&url).send(&message(), "1").await;
        assert!(matches!(sent, Sent::Unclear(_)), "{status}: {sent:?}");
    }
}

#[tokio::test]
async fn w35_the_version_is_in_the_path_and_nowhere_else() {
    let mut bodies = Vec::new();
    for version in ["v23.0", "v24.0", "v26.0"] {
        let (url, mut requests) = server(answer("200 OK", GOOD)).await;
        let mut settings = Settings::new("1", Secret::new(TOKEN));
        settings.api_url = url;
        settings.graph_version = serde_json::from_value(json!(version)).unwrap();
        let sent = Messenger::new(Client::new(settings).unwrap())
            .send(&message(), "1")
            .await;
        assert!(matches!(sent, Sent::Accepted(_)));
        let request = String::from_utf8(requests.recv().await.unwrap()).unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with(&format!("POST /{version}/1/messages ")),
            "{head}"
        );
        bodies.push(body.to_owned());
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
}
