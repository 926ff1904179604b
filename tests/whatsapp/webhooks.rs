//! What a delivery to a webhook says, and who may say it.

use bridged::foundation::id::MessageId;
use bridged::foundation::identity::Identity;
use bridged::foundation::record::Wish;
use bridged::foundation::secret::Secret;
use bridged::whatsapp::webhook::{Event, Handshake, handshake, is_signed, parse};
use jiff::Timestamp;
use ring::hmac;
use serde_json::{Value, json};

const APP_SECRET: &str = "an-app-secret-of-the-test";

fn signature(secret: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, body);
    let digits: Vec<String> = tag.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    format!("sha256={}", digits.concat())
}

fn signed(body: &[u8], signature: &str) -> bool {
    is_signed(&Secret::new(APP_SECRET), body, signature)
}

fn change(field: &str, value: &Value) -> Value {
    json!({ "field": field, "value": value })
}

fn delivery(changes: &[Value]) -> Vec<u8> {
    let entry = json!([{ "id": "102290129340398", "changes": changes }]);
    json!({ "object": "whatsapp_business_account", "entry": entry })
        .to_string()
        .into_bytes()
}

fn events(field: &str, value: &Value) -> Vec<Event> {
    parse(&delivery(&[change(field, value)])).unwrap()
}

fn status(wamid: &str) -> Value {
    json!({ "id": wamid, "status": "sent", "timestamp": "1700000000", "recipient_id": "447946000001" })
}

#[test]
fn w26_the_challenge_is_repeated_to_whoever_knows_a_token_alone() {
    let tokens = [Secret::new("the-new-token"), Secret::new("the-old-token")];
    let asked = |mode, token, challenge| handshake(&tokens, mode, token, challenge);
    let subscribe = Some("subscribe");
    for token in ["the-new-token", "the-old-token"] {
        let answer = asked(subscribe, Some(token), Some("1158201444"));
        assert_eq!(answer, Handshake::Repeat("1158201444".to_owned()));
    }
    let known = Some("the-new-token");
    for (mode, token) in [
        (subscribe, Some("another")),
        (subscribe, Some("")),
        (subscribe, Some("the-new-toke")),
        (subscribe, Some("THE-NEW-TOKEN")),
        (Some("unsubscribe"), known),
        (Some(""), known),
    ] {
        let answer = asked(mode, token, Some("1"));
        assert_eq!(answer, Handshake::Forbidden, "{mode:?} {token:?}");
    }
    let long = "1".repeat(1_025);
    for (mode, token, challenge) in [
        (None, known, Some("1")),
        (subscribe, None, Some("1")),
        (subscribe, known, None),
        (subscribe, known, Some("")),
        (subscribe, known, Some("1\r\nX: y")),
        (subscribe, known, Some("a b")),
        (subscribe, known, Some(long.as_str())),
    ] {
        let answer = asked(mode, token, challenge);
        assert_eq!(answer, Handshake::Malformed, "{mode:?} {challenge:?}");
    }
    let nobody = handshake(&[], subscribe, Some(""), Some("1"));
    assert_eq!(nobody, Handshake::Forbidden);
}

#[test]
fn w27_a_signature_holds_for_its_very_bytes_and_its_secret_alone() {
    let body = br#"{"object": "whatsapp_business_account",  "entry": []}"#;
    let good = signature(APP_SECRET, body);
    assert!(signed(body, &good));
    let digits = good.strip_prefix("sha256=").unwrap();
    assert!(signed(body, &format!("sha256={}", digits.to_uppercase())));
    assert!(signed(b"", &signature(APP_SECRET, b"")));
    for at in 0..body.len() {
        for bit in 0..8 {
            let mut other = body.to_vec();
            other[at] ^= 1 << bit;
            assert!(!signed(&other, &good), "byte {at}, bit {bit}");
        }
    }
    let again: Value = serde_json::from_slice(body).unwrap();
    assert!(!signed(again.to_string().as_bytes(), &good));
    assert!(!signed(b"", &good));
    for wrong in [
        String::new(),
        "sha256=".to_owned(),
        digits.to_owned(),
        format!("sha1={digits}"),
        format!("SHA256={digits}"),
        format!("sha256={}", &digits[1..]),
        format!("sha256={digits}0"),
        format!("sha256= {digits}"),
        format!("sha256={digits} "),
        format!("sha256=+{}", &digits[1..]),
        format!("sha256=é{}", &digits[2..]),
        signature("another-secret", body),
    ] {
        assert!(!signed(body, &wrong), "{wrong}");
    }
}

#[test]
fn w27_an_empty_secret_signs_nothing() {
    // The HMAC under the key of one zero byte is the one under the empty key.
    let forged = signature("\0", b"{}");
    assert!(!is_signed(&Secret::new(""), b"{}", &forged));
}

#[test]
fn w30_every_status_of_every_change_of_every_entry_is_told_in_its_order() {
    let entry = |entry: usize| {
        let changes: Vec<Value> = (0..4)
            .map(|change| {
                let wamid = |one| format!("wamid.{entry}-{change}-{one}");
                let all: Vec<Value> = (0..50).map(|one| status(&wamid(one))).collect();
                self::change("messages", &json!({ "statuses": all }))
            })
            .collect();
        json!({ "id": entry.to_string(), "changes": changes })
    };
    let entries: Vec<Value> = (0..3).map(entry).collect();
    let body = json!({ "object": "whatsapp_business_account", "entry": entries });
    let got: Vec<String> = parse(body.to_string().as_bytes())
        .unwrap()
        .into_iter()
        .map(|event| match event {
            Event::Status(status) => status.wamid,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(got.len(), 600);
    assert_eq!(got[0], "wamid.0-0-0");
    assert_eq!(got[399], "wamid.1-3-49");
    assert_eq!(got[599], "wamid.2-3-49");
}

#[test]
fn w31_what_is_unknown_stands_in_the_way_of_nothing() {
    let broken = json!({ "statuses": [
        7, null, {}, { "id": "", "status": "sent", "timestamp": "1" }, { "id": "wamid.no-time", "status": "sent" },
        { "id": "wamid.bad-time", "status": "sent", "timestamp": "soon" }, status("wamid.good"),
        { "id": "wamid.odd", "status": "teleported", "timestamp": 1_700_000_001, "tomorrow": [1] },
    ], "messages": [{ "id": "wamid.in", "from": "447946000001", "timestamp": "1700000000", "type": "hologram" }] });
    let long = "f".repeat(500);
    let all = parse(&delivery(&[
        change("calls_of_tomorrow", &json!({ "x": 1 })),
        change(&long, &json!(null)),
        change("messages", &json!("no object")),
        change("messages", &broken),
    ]))
    .unwrap();
    assert_eq!(all[0], Event::Other("calls_of_tomorrow".to_owned()));
    assert_eq!(all[1], Event::Other("f".repeat(64)));
    assert_eq!(all[2], Event::Other("messages".to_owned()));
    let [
        Event::Status(good),
        Event::Status(odd),
        Event::Reply(hologram),
    ] = &all[3..]
    else {
        panic!("{all:?}")
    };
    assert_eq!(
        (good.wamid.as_str(), good.word.as_str()),
        ("wamid.good", "sent")
    );
    assert_eq!(
        (odd.wamid.as_str(), odd.word.as_str()),
        ("wamid.odd", "teleported")
    );
    assert_eq!(hologram.wish, None);
}

#[test]
fn w31_what_is_no_delivery_is_refused_and_holds_nothing_of_it() {
    let deep = format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"changes":[{{"field":"messages","value":{}{}}}]}}]}}"#,
        "[".repeat(200),
        "]".repeat(200)
    );
    for body in [
        "",
        "447946000001",
        "[]",
        "{}",
        r#"{"object":"page","entry":["447946000001"]}"#,
        r#"{"object":"page","entry":[]}"#,
        r#"{"object":"whatsapp_business_account","entry":{"447946000001":1}}"#,
        &deep,
    ] {
        let why = parse(body.as_bytes()).unwrap_err();
        assert!(!why.contains("7946"), "{body}: {why}");
    }
    assert!(parse(b"\xff\xfe").is_err());
    let empty = parse(br#"{"object":"whatsapp_business_account"}"#);
    assert_eq!(empty, Ok(vec![]));
}

#[test]
fn a_status_brings_back_our_id_and_its_time_as_text_or_number() {
    let ours = MessageId::generate();
    let at = Timestamp::from_second(1_700_000_000).unwrap();
    for (callback, expected) in [
        (json!(ours.to_string()), Some(ours)),
        (json!(format!("{ours}:2")), Some(ours)),
        (json!("someone else's"), None),
        (json!(""), None),
        (json!(7), None),
        (Value::Null, None),
    ] {
        for timestamp in [json!("1700000000"), json!(1_700_000_000)] {
            let mut one = status("wamid.A");
            one["biz_opaque_callback_data"] = callback.clone();
            one["timestamp"] = timestamp;
            one["status"] = json!("failed");
            one["errors"] = json!([{ "code": 131_026, "title": "Message\nundeliverable" }]);
            let all = events("messages", &json!({ "statuses": [one] }));
            let [Event::Status(status)] = &all[..] else {
                panic!("{all:?}")
            };
            assert_eq!((status.message, status.at), (expected, at), "{callback}");
            assert_eq!(status.error, Some(131_026));
            assert_eq!(status.title.as_deref(), Some("Messageundeliverable"));
        }
    }
}

#[test]
fn an_answer_asks_for_no_more_messages_or_for_messages_again() {
    let asked = |message: Value| {
        let mut message = message;
        message["id"] = json!("wamid.in");
        message["from"] = json!("14155550100");
        message["timestamp"] = json!("1700000000");
        match &events("messages", &json!({ "messages": [message] }))[..] {
            [Event::Reply(reply)] => reply.wish,
            all => panic!("{all:?}"),
        }
    };
    let text = |body: &str| json!({ "type": "text", "text": { "body": body } });
    let button = |payload: &str, label: &str| json!({ "type": "button", "button": { "payload": payload, "text": label } });
    let tap = |id: &str, title: &str| json!({ "type": "interactive", "interactive": { "button_reply": { "id": id, "title": title } } });
    let (out, again) = (
        Some((Wish::OptOut, "button")),
        Some((Wish::OptIn, "button")),
    );
    for (message, expected) in [
        (text("Stop."), Some((Wish::OptOut, "reply"))),
        (text("START!"), Some((Wish::OptIn, "reply"))),
        (text("yes"), None),
        (text("when do you start?"), None),
        (button("opt_out:9", "Not now"), out),
        (button("opt_in:9", "Yes please"), again),
        (button("menu-7", "Unsubscribe"), out),
        (button("menu-7", "Subscribe"), again),
        (button("opt_in", "Stop"), out),
        (button("opt_outing", "Trips"), None),
        (tap("opt_in", "Send me offers"), again),
        (tap("7", "STOP"), out),
        (tap("7", "More"), None),
    ] {
        assert_eq!(asked(message.clone()), expected, "{message}");
    }
}

#[test]
fn a_person_without_a_number_is_known_by_their_id() {
    let user = "US.13491208655302741918";
    let said = json!({ "messages": [{ "id": "wamid.in", "from_user_id": user, "timestamp": "1700000000", "type": "text",
        "text": { "body": "STOP" }, "context": { "id": "wamid.out" } }] });
    let all = events("messages", &said);
    let [Event::Reply(reply)] = &all[..] else {
        panic!("{all:?}")
    };
    assert_eq!(reply.who, [Identity::user(user).unwrap()]);
    assert_eq!(reply.wish, Some((Wish::OptOut, "reply")));
    assert_eq!(reply.answers.as_deref(), Some("wamid.out"));
    let wish = |value: &str| json!({ "user_preferences": [{ "user_id": user, "value": value, "timestamp": "1700000000" }] });
    for (value, expected) in [("stop", true), ("resume", false)] {
        let all = events("user_preferences", &wish(value));
        let [Event::Preference { who, stops, .. }] = &all[..] else {
            panic!("{all:?}")
        };
        assert_eq!(*who, [Identity::user(user).unwrap()]);
        assert_eq!(*stops, expected);
    }
    let unknown = events("user_preferences", &wish("perhaps"));
    assert_eq!(unknown, [Event::Other("user_preferences".to_owned())]);
}
