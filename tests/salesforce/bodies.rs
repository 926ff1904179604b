//! Answers that are cut off, slow, endless, huge or nonsense: each bounded in time and size, each named.

use std::time::{Duration, Instant};

use bridged::foundation::code::Code;
use bridged::foundation::error::Error;
use bridged::salesforce::client::Client;
use bridged::salesforce::query::Scope;

use super::org::{client, lead, org, page, settings, shown};
use crate::support::wire::{Reply, Wire, head, json, raw};

const SOQL: &str = "SELECT Id FROM Lead";
const EMPTY: &str = r#"{"totalSize":0,"done":true,"records":[]}"#;

/// Patience enough for a busy machine, where time is not what the test is about.
const AMPLE: Duration = Duration::from_secs(20);

/// Sends one query with little room and so much patience; returns the error, the tries and the time.
async fn failing(reply: Reply, patience: Duration) -> (Error, usize, Duration) {
    let wire = org(move |_| reply.clone()).await;
    let mut settings = settings(wire.url("http"));
    settings.max_answer_bytes = 100_000;
    settings.timeouts.answer = patience;
    settings.timeouts.read = patience;
    settings.timeouts.total = patience * 3;
    let client = Client::new(settings).unwrap();
    // The log-in is not what the limits are about.
    while client.sign_in().await.is_err() {}
    let started = Instant::now();
    let error = client.query(SOQL, Scope::Live, None).await.unwrap_err();
    shown(&error);
    (
        error,
        wire.requests_to("/services/data/").len(),
        started.elapsed(),
    )
}

#[tokio::test]
async fn x45_an_answer_cut_off_is_asked_for_again() {
    let whole = format!(r#"{{"totalSize":1,"done":true,"records":[{}]}}"#, lead(1));
    let half = &whole.as_bytes()[..whole.len() / 2];
    let chunked = |body: &str| {
        let text = format!("{:x}\r\n{body}\r\n", body.len());
        head(200, &["Transfer-Encoding: chunked"], None, text.as_bytes())
    };
    for (what, bytes) in [
        ("no answer", Vec::new()),
        ("half a header", b"HTTP/1.1 200 OK\r\nContent-".to_vec()),
        ("less than stated", head(200, &[], Some(whole.len()), half)),
        ("a chunk without its end", chunked("{\"totalSize\":")),
        (
            "no length, and JSON without its end",
            head(200, &["Connection: close"], None, half),
        ),
    ] {
        let (error, sent, _) = failing(Reply::Cut(bytes), AMPLE).await;
        assert_eq!(error.code(), Code::AnswerCutOff, "{what}: {error}");
        assert_eq!(sent, 3, "{what}");
    }
}

#[tokio::test]
async fn x45_a_slow_answer_ends_in_time_and_is_not_asked_for_again() {
    let dripping = head(200, &[], Some(50_000), b"{");
    for (what, words, reply) in [
        (
            "nothing at all",
            "did not begin within",
            Reply::Hang(Vec::new()),
        ),
        (
            "a header without its end",
            "did not begin within",
            Reply::Hang(b"HTTP/1.1 200 OK\r\n".to_vec()),
        ),
        (
            "a body that stops",
            "did not go on within",
            Reply::Hang(dripping.clone()),
        ),
        (
            "a body byte by byte",
            "did not in full within",
            Reply::Drip(dripping, b" ".to_vec(), Duration::from_millis(50)),
        ),
        (
            "a header line by line",
            "did not begin within",
            Reply::Drip(
                b"HTTP/1.1 200 OK\r\n".to_vec(),
                b"X: y\r\n".to_vec(),
                Duration::from_millis(50),
            ),
        ),
    ] {
        let (error, sent, took) = failing(reply, Duration::from_millis(500)).await;
        assert_eq!(error.code(), Code::AnswerLate, "{what}: {error}");
        assert!(error.message().contains(words), "{what}: {error}");
        assert_eq!(sent, 1, "{what}");
        assert!(took < Duration::from_secs(5), "{what}: {took:?}");
    }
}

#[tokio::test]
async fn x45_a_huge_answer_is_not_taken_in() {
    let blanks = " ".repeat(4096);
    let chunk = format!("1000\r\n{blanks}\r\n").into_bytes();
    let pause = Duration::ZERO;
    for (what, reply) in [
        ("stated", Reply::Hang(head(200, &[], Some(100_001), b"{"))),
        (
            "stated beyond any memory",
            Reply::Hang(head(200, &[], Some(usize::MAX), b"{")),
        ),
        (
            "endless chunks",
            Reply::Drip(
                head(200, &["Transfer-Encoding: chunked"], None, b""),
                chunk,
                pause,
            ),
        ),
        (
            "endless bytes",
            Reply::Drip(
                head(200, &[], None, b"{"),
                blanks.clone().into_bytes(),
                pause,
            ),
        ),
        (
            "an endless error",
            Reply::Drip(
                head(500, &[], None, b"<"),
                blanks.clone().into_bytes(),
                pause,
            ),
        ),
    ] {
        let (error, sent, _) = failing(reply, AMPLE).await;
        assert_eq!(error.code(), Code::AnswerTooLarge, "{what}: {error}");
        assert_eq!(sent, 1, "{what}");
    }
}

#[tokio::test]
async fn x45_an_endless_header_is_not_taken_in() {
    let line = format!("X-Filler: {}\r\n", "y".repeat(8000)).into_bytes();
    let endless = Reply::Drip(b"HTTP/1.1 200 OK\r\n".to_vec(), line, Duration::ZERO);
    let (error, _, took) = failing(endless, AMPLE).await;
    assert_eq!(error.code(), Code::AnswerTooLarge, "{error}");
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn x31_json_that_is_not_a_result_is_refused_without_showing_it() {
    let deep = format!(
        "{{\"totalSize\":1,\"done\":true,\"records\":[{{\"A\":{}{}}}]}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let deep_objects = format!(
        "{{\"totalSize\":1,\"done\":true,\"records\":[{{\"A\":{}1{}}}]}}",
        "{\"a\":".repeat(10_000),
        "}".repeat(10_000)
    );
    let row = |value: &str| {
        format!(r#"{{"totalSize":1,"done":true,"records":[{{"Secret__c":{value}}}]}}"#)
    };
    let cases = [
        ("depth 10^5", deep),
        ("depth 10^4", deep_objects),
        ("NaN", row("NaN")),
        ("Infinity", row("-Infinity")),
        ("a number beyond all", row("1e999")),
        ("a lone surrogate", row(r#""\ud800""#)),
        ("a control character", row("\"\u{1}\"")),
        ("a leading zero", row("012")),
        ("single quotes", row("'hunter2'")),
        ("a comment", row("1/*hunter2*/")),
        (
            "a field twice",
            r#"{"totalSize":1,"done":true,"records":[{"A":1,"A":"hunter2"}]}"#.to_owned(),
        ),
        ("a member twice", row(r#"{"a":1,"a":"hunter2"}"#)),
        ("trailing data", format!("{EMPTY}hunter2")),
        ("a second value", format!("{EMPTY}{EMPTY}")),
        ("a list", "[]".to_owned()),
        ("a word", "\"hunter2\"".to_owned()),
        (
            "a record that is text",
            r#"{"totalSize":1,"done":true,"records":["hunter2"]}"#.to_owned(),
        ),
        (
            "records that are none",
            r#"{"totalSize":1,"done":true,"records":"hunter2"}"#.to_owned(),
        ),
        ("no records", r#"{"totalSize":1,"done":true}"#.to_owned()),
        (
            "no end stated",
            r#"{"totalSize":1,"records":[]}"#.to_owned(),
        ),
        (
            "done with a next page",
            r#"{"totalSize":1,"done":true,"nextRecordsUrl":"/x","records":[]}"#.to_owned(),
        ),
        (
            "not done without one",
            r#"{"totalSize":1,"done":false,"records":[]}"#.to_owned(),
        ),
        (
            "a negative size",
            r#"{"totalSize":-1,"done":true,"records":[]}"#.to_owned(),
        ),
        ("HTML", "<html>hunter2</html>".to_owned()),
    ];
    for (what, body) in cases {
        let wire = org(move |_| json(200, &body)).await;
        let error = client(&wire)
            .query(SOQL, Scope::Live, None)
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::AnswerUnreadable, "{what}: {error}");
        assert!(!shown(&error).contains("hunter2"), "{what}: {error}");
        assert_eq!(wire.requests_to("/services/data/").len(), 1, "{what}");
    }
}

#[tokio::test]
async fn x31_text_that_is_not_utf_8_is_refused() {
    let mut latin1 = br#"{"totalSize":1,"done":true,"records":[{"A":"_"}]}"#.to_vec();
    let at = latin1.iter().position(|byte| *byte == b'_').unwrap();
    latin1[at] = 0xe9;
    let (error, sent, _) = failing(
        Reply::Bytes(head(200, &[], Some(latin1.len()), &latin1)),
        AMPLE,
    )
    .await;
    assert_eq!((error.code(), sent), (Code::AnswerUnreadable, 1), "{error}");
}

#[tokio::test]
async fn a_size_that_is_a_lie_costs_no_memory() {
    let wire = org(|_| {
        json(
            200,
            r#"{"totalSize":18446744073709551615,"done":true,"records":[{"A":1}]}"#,
        )
    })
    .await;
    let result = client(&wire).query(SOQL, Scope::Live, None).await.unwrap();
    assert_eq!(result.records.len(), 1);
}

#[tokio::test]
async fn what_is_not_http_is_named() {
    for bytes in [
        &b"SSH-2.0-OpenSSH_9.6\r\n"[..],
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"220 smtp ready\r\n\r\n",
    ] {
        let address = raw(bytes.to_vec()).await;
        let client = Client::new(settings(format!("http://{address}"))).unwrap();
        let error = client.sign_in().await.unwrap_err();
        assert_eq!(error.code(), Code::AnswerUnreadable, "{}", shown(&error));
    }
}

#[tokio::test]
async fn nobody_listening_is_tried_again_and_named() {
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let client = Client::new(settings(format!("http://{free}"))).unwrap();
    let error = client.query(SOQL, Scope::Live, None).await.unwrap_err();
    assert_eq!(error.code(), Code::ConnectionFailed, "{}", shown(&error));
    assert_eq!(error.context().attempt, Some(3));
}

#[tokio::test]
async fn a_connection_that_died_in_the_pool_is_replaced() {
    let wire = Wire::start(|request| match request.target.as_str() {
        "/services/oauth2/token" => {
            match super::org::token(&format!("http://{}", request.header("host")), 1) {
                Reply::Bytes(bytes) => Reply::Cut(bytes),
                other => other,
            }
        }
        _ => page(0, None, ""),
    })
    .await;
    client(&wire).query(SOQL, Scope::Live, None).await.unwrap();
}

#[tokio::test]
async fn an_answer_of_the_token_endpoint_is_small() {
    for length in [Some(65_537), None] {
        let padding = "x".repeat(65_000);
        let wire = Wire::start(move |request| {
            let here = format!("http://{}", request.header("host"));
            let body = format!(
                r#"{{"access_token":"a","instance_url":"{here}","padding":"{padding}{padding}"}}"#
            );
            Reply::Cut(head(200, &[], length.map(|_| body.len()), body.as_bytes()))
        })
        .await;
        let client = Client::new(settings(wire.url("http"))).unwrap();
        let error = client.sign_in().await.unwrap_err();
        assert_eq!(error.code(), Code::AnswerTooLarge, "{}", shown(&error));
        assert!(error.message().contains("65536"), "{error}");
    }
}
