//! Every row of the table of Meta's error codes, what carries no code, and what is sent again.

use std::time::Duration;

use bridged::foundation::code::Code;
use bridged::foundation::error::Error;
use serde_json::json;

use super::client::{TOKEN, client, settings, shown};
use crate::support::wire::{Reply, Wire, answer, head, json as reply};
use bridged::whatsapp::client::Client;

/// The error of a read that is answered so, and how often it was asked for.
async fn refused(status: u16, body: &str) -> (Error, usize) {
    let body = body.to_owned();
    let wire = Wire::start(move |_| reply(status, &body)).await;
    let error = client(&wire).sender().await.unwrap_err();
    shown(&error);
    (error, wire.requests().len())
}

#[tokio::test]
async fn every_code_of_metas_that_a_read_can_meet_has_a_name() {
    let table = [
        // code, sub-code, status, name, whether it is passing
        (0, None, 401, Code::WhatsappTokenRefused, false),
        (190, None, 401, Code::WhatsappTokenRefused, false),
        (190, Some(463), 401, Code::WhatsappTokenRefused, false),
        (190, Some(460), 400, Code::WhatsappTokenRefused, false),
        (3, None, 500, Code::WhatsappPermissionMissing, false),
        (10, None, 403, Code::WhatsappPermissionMissing, false),
        (200, None, 403, Code::WhatsappPermissionMissing, false),
        (299, None, 403, Code::WhatsappPermissionMissing, false),
        (131_005, None, 403, Code::WhatsappPermissionMissing, false),
        (33, None, 400, Code::WhatsappIdUnknown, false),
        (100, Some(33), 400, Code::WhatsappIdUnknown, false),
        (803, None, 404, Code::WhatsappIdUnknown, false),
        (131_045, None, 400, Code::WhatsappNumberNotRegistered, false),
        (133_010, None, 400, Code::WhatsappNumberNotRegistered, false),
        (368, None, 403, Code::WhatsappAccountRestricted, false),
        (131_031, None, 403, Code::WhatsappAccountRestricted, false),
        (4, None, 429, Code::WhatsappLimitReached, true),
        (80_007, None, 429, Code::WhatsappLimitReached, true),
        (1, None, 500, Code::WhatsappUnavailable, true),
        (1, None, 400, Code::WhatsappRequestRefused, false),
        (2, None, 503, Code::WhatsappUnavailable, true),
        (131_000, None, 500, Code::WhatsappUnavailable, true),
        (131_000, None, 400, Code::WhatsappRequestRefused, false),
        (131_016, None, 503, Code::WhatsappUnavailable, true),
        (100, None, 400, Code::WhatsappRequestRefused, false),
        (2500, None, 400, Code::WhatsappRequestRefused, false),
        (77_777, None, 400, Code::WhatsappRequestRefused, false),
        (77_777, None, 502, Code::WhatsappUnavailable, true),
    ];
    for (code, subcode, status, name, passing) in table {
        let error = json!({ "error": {
            "message": "(#1) Something in Meta's words", "type": "OAuthException", "code": code, "error_subcode": subcode,
            "fbtrace_id": "Atrace-1_2", "error_data": { "messaging_product": "whatsapp", "details": "and more of them" },
        } });
        let (error, asked) = refused(status, &error.to_string()).await;
        let what = format!("{code} {subcode:?} {status}");
        assert_eq!(error.code(), name, "{what}");
        assert_eq!(asked, if passing { 2 } else { 1 }, "{what}");
        assert!(
            error.help_text().is_some() && error.fixed_by().is_some(),
            "{what}"
        );
        assert!(
            error
                .message()
                .contains("Something in Meta's words and more of them"),
            "{error}"
        );
        let context = error.context();
        let remote = subcode.map_or(code.to_string(), |subcode| format!("{code}/{subcode}"));
        assert_eq!(context.remote_code.as_deref(), Some(remote.as_str()));
        assert_eq!(context.http_status, Some(status));
        assert_eq!(context.request_id.as_deref(), Some("Atrace-1_2"));
    }
}

#[tokio::test]
async fn a_code_that_meta_calls_passing_is_asked_for_again() {
    let body = r#"{"error":{"message":"x","code":12345,"is_transient":true}}"#;
    let (error, asked) = refused(400, body).await;
    assert_eq!((error.code(), asked), (Code::WhatsappUnavailable, 2));
}

#[tokio::test]
async fn what_carries_no_code_is_named_by_its_status_and_never_repeated() {
    let long = "x".repeat(300 << 10);
    for body in [
        "<html><script>secret page</script></html>",
        "",
        "null",
        "[]",
        "{}",
        r#"{"error":"secret page"}"#,
        r#"{"error":{"code":"secret page"}}"#,
        r#"{"error":{"message":7}}"#,
        long.as_str(),
    ] {
        for (status, name) in [
            (400, Code::WhatsappRequestRefused),
            (401, Code::WhatsappTokenRefused),
            (403, Code::WhatsappPermissionMissing),
            (404, Code::WhatsappRequestRefused),
            (429, Code::WhatsappLimitReached),
            (500, Code::WhatsappUnavailable),
            (503, Code::WhatsappUnavailable),
        ] {
            let (error, _) = refused(status, body).await;
            assert_eq!(error.code(), name, "{status}");
            let message = error.message();
            assert!(
                message.contains(&format!("HTTP status {status}")),
                "{message}"
            );
            assert!(!message.contains("secret page"), "{message}");
        }
    }
}

#[tokio::test]
async fn the_token_is_never_in_an_error_whoever_sends_it_back() {
    for body in [
        format!(
            r#"{{"error":{{"message":"bad token {TOKEN}","code":190,"fbtrace_id":"{TOKEN}"}}}}"#
        ),
        format!(
            r#"{{"error":{{"message":"x","code":100,"error_data":{{"details":"sent Bearer {TOKEN}"}}}}}}"#
        ),
        format!(
            r#"{{"error":{{"message":"{}{TOKEN}","code":2}}}}"#,
            "y".repeat(400)
        ),
        format!("<html>{TOKEN}</html>"),
        TOKEN.to_owned(),
    ] {
        refused(400, &body).await;
    }
    // An answer that is good, and not what was asked for.
    let body = format!(r#"{{"id":7,"display_phone_number":"{TOKEN}"}}"#);
    let (error, asked) = refused(200, &body).await;
    assert_eq!((error.code(), asked), (Code::AnswerUnreadable, 1));
}

#[tokio::test]
async fn foreign_text_is_one_short_line() {
    let text = format!("a\\n\\n  b\\u0007{}", "x".repeat(5000));
    let (error, _) = refused(
        400,
        &format!(r#"{{"error":{{"message":"{text}","code":100}}}}"#),
    )
    .await;
    let message = error.message();
    assert!(
        message.contains("a b x") && message.chars().count() < 500,
        "{message}"
    );
    assert!(!message.contains(['\n', '\u{7}']));
}

#[tokio::test]
async fn a_passing_failure_ends_well_where_the_second_try_does() {
    for first in [
        reply(500, r#"{"error":{"message":"x","code":2}}"#),
        reply(503, ""),
        answer(
            429,
            &["Retry-After: 0"],
            r#"{"error":{"message":"x","code":4}}"#,
        ),
        Reply::Cut(head(200, &[], Some(500), b"{\"id\":")),
        reply(200, r#"{"id":"1","#),
    ] {
        let count = std::sync::Mutex::new(0);
        let wire = Wire::start(move |_| {
            let mut count = count.lock().unwrap();
            *count += 1;
            if *count == 1 {
                return first.clone();
            }
            reply(200, r#"{"id":"106540352242922","verified_name":"Acme"}"#)
        })
        .await;
        let sender = client(&wire).sender().await.unwrap();
        assert_eq!(sender.shown(), "Acme");
        assert_eq!(wire.requests().len(), 2);
    }
}

#[tokio::test]
async fn a_wait_that_is_too_long_ends_the_tries() {
    let wire = Wire::start(|_| answer(429, &["Retry-After: 3600"], "")).await;
    let error = client(&wire).sender().await.unwrap_err();
    assert_eq!(error.code(), Code::WhatsappLimitReached);
    assert_eq!(wire.requests().len(), 1);
}

#[tokio::test]
async fn answers_that_are_late_too_large_or_no_http_have_their_names() {
    let hung = Wire::start(|_| Reply::Hang(Vec::new())).await;
    let mut impatient = settings(&hung);
    impatient.timeouts.answer = Duration::from_millis(50);
    let error = Client::new(impatient).unwrap().sender().await.unwrap_err();
    assert_eq!(error.code(), Code::AnswerLate, "{}", shown(&error));
    assert_eq!(error.help_text(), Some("run the command again later"));

    let long = format!(r#"{{"id":"1","verified_name":"{}"}}"#, "x".repeat(4096));
    let large = Wire::start(move |_| reply(200, &long)).await;
    let mut small = settings(&large);
    small.max_answer_bytes = 1024;
    let error = Client::new(small).unwrap().sender().await.unwrap_err();
    assert_eq!(error.code(), Code::AnswerTooLarge, "{}", shown(&error));

    let odd = Wire::start(|_| Reply::Cut(b"220 mail.test ESMTP\r\n".to_vec())).await;
    let error = client(&odd).sender().await.unwrap_err();
    assert_eq!(error.code(), Code::AnswerUnreadable, "{}", shown(&error));
    assert!(!error.help_text().unwrap().contains("instance_url"));

    let gone = Wire::canary().await;
    let mut nobody = settings(&gone);
    nobody.api_url = "http://127.0.0.1:1".to_owned();
    let error = Client::new(nobody).unwrap().sender().await.unwrap_err();
    assert_eq!(error.code(), Code::ConnectionFailed, "{}", shown(&error));
}
