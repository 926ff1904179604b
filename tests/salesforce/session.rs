//! The token: shared, renewed once, refused once, never shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bridged::foundation::code::Code;
use bridged::salesforce::client::Client;
use bridged::salesforce::query::Scope;

use super::org::{KEY, SECRET, TOKEN, client, org, page, settings, shown, token};
use crate::support::wire::{Wire, answer, json};

const EXPIRED: &str =
    r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#;
const SOQL: &str = "SELECT Id FROM Lead";

#[tokio::test]
async fn the_log_in_is_a_client_credentials_grant_with_basic_authentication() {
    let wire = org(|_| page(0, None, "")).await;
    client(&wire).query(SOQL, Scope::Live, None).await.unwrap();
    let requests = wire.requests();
    let login = &requests[0];
    assert_eq!(
        (login.method.as_str(), login.target.as_str()),
        ("POST", "/services/oauth2/token")
    );
    assert_eq!(login.body, "grant_type=client_credentials");
    assert_eq!(
        login.header("content-type"),
        "application/x-www-form-urlencoded"
    );
    let basic = login
        .header("authorization")
        .strip_prefix("Basic ")
        .unwrap();
    let decoded =
        base64::Engine::decode(&base64::engine::general_purpose::STANDARD, basic).unwrap();
    assert_eq!(decoded, format!("{KEY}:{SECRET}").into_bytes());
    assert_eq!(
        requests[1].header("authorization"),
        format!("Bearer {TOKEN}1")
    );
    assert!(requests[1].header("user-agent").starts_with("bridged/"));
}

#[tokio::test]
async fn a_token_is_used_until_it_is_refused() {
    let wire = org(|_| page(0, None, "")).await;
    let client = client(&wire);
    for _ in 0..5 {
        client.query(SOQL, Scope::Live, None).await.unwrap();
        client.clone().limits().await.unwrap_err();
    }
    assert_eq!(wire.requests_to("/services/oauth2/token").len(), 1);
    assert_eq!(client.usage().requests.auth, 1);
    assert_eq!(client.usage().requests.query, 5);
    assert_eq!(client.usage().requests.other, 5);
}

#[tokio::test]
async fn s23_fifty_parallel_calls_share_one_log_in_and_one_renewal() {
    let wire = org(|request| {
        if request.header("authorization").ends_with('1') {
            json(401, EXPIRED)
        } else {
            page(0, None, "")
        }
    })
    .await;
    let client = client(&wire);
    let calls = (0..50).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.query(SOQL, Scope::Live, None).await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap().unwrap();
    }
    assert_eq!(wire.requests_to("/services/oauth2/token").len(), 2);
    assert_eq!(client.usage().retries, 0, "a renewal is no retry");
}

#[tokio::test]
async fn s23_one_refusal_among_fifty_costs_one_renewal() {
    let refused = AtomicUsize::new(0);
    let wire = org(move |_| {
        if refused.fetch_add(1, Ordering::Relaxed) == 24 {
            json(401, EXPIRED)
        } else {
            page(0, None, "")
        }
    })
    .await;
    let client = client(&wire);
    let calls = (0..50).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.query(SOQL, Scope::Live, None).await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap().unwrap();
    }
    assert_eq!(wire.requests_to("/services/oauth2/token").len(), 2);
    assert_eq!(wire.requests_to("/services/data/").len(), 51);
}

#[tokio::test]
async fn a_second_refusal_of_one_request_is_final() {
    let wire = org(|_| json(401, EXPIRED)).await;
    let error = client(&wire)
        .query(SOQL, Scope::Live, None)
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::SessionExpired, "{}", shown(&error));
    assert_eq!(wire.requests_to("/services/oauth2/token").len(), 2);
    assert_eq!(wire.requests_to("/services/data/").len(), 2);
}

#[tokio::test]
async fn a_refusal_that_a_new_token_does_not_cure_fetches_none() {
    let body = r#"[{"message":"This session is not valid for use with the REST API","errorCode":"INVALID_SESSION_ID"}]"#;
    let wire = org(move |_| json(401, body)).await;
    let error = client(&wire)
        .query(SOQL, Scope::Live, None)
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::ApiAccessRefused, "{}", shown(&error));
    assert_eq!(wire.requests_to("/services/oauth2/token").len(), 1);
}

#[tokio::test]
async fn the_bulk_spelling_and_the_identity_spelling_renew_too() {
    for (status, body) in [
        (
            400,
            r#"{"exceptionCode":"InvalidSessionId","exceptionMessage":"x"}"#,
        ),
        (403, "Bad_OAuth_Token"),
    ] {
        let wire = org(move |request| {
            if request.header("authorization").ends_with('1') {
                answer(status, &[], body)
            } else {
                json(200, r#"{"user_id":"005","organization_id":"00D"}"#)
            }
        })
        .await;
        client(&wire).identity().await.unwrap();
        assert_eq!(wire.requests_to("/services/oauth2/token").len(), 2);
    }
}

#[tokio::test]
async fn a_refused_log_in_is_shared_by_all_who_waited() {
    let wire = Wire::start(|_| {
        json(
            400,
            r#"{"error":"invalid_client","error_description":"invalid client credentials"}"#,
        )
    })
    .await;
    let client = Client::new(settings(wire.url("http"))).unwrap();
    let calls = (0..50).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.sign_in().await })
    });
    for call in calls.collect::<Vec<_>>() {
        let error = call.await.unwrap().unwrap_err();
        assert_eq!(error.code(), Code::WrongApiKey, "{}", shown(&error));
        assert_eq!(error.context().http_status, Some(400));
    }
    assert_eq!(wire.requests().len(), 1);
    client.sign_in().await.unwrap_err();
    assert_eq!(wire.requests().len(), 2, "a later caller may try again");
}

#[tokio::test]
async fn x11_a_token_for_another_host_is_not_used() {
    let canary = Arc::new(Wire::canary().await);
    let evil = [
        canary.url("http"),
        "https://evil.my.salesforce.com".to_owned(),
        "http://127.0.0.1".to_owned(),
        "nonsense".to_owned(),
        String::new(),
    ];
    for instance_url in evil {
        let shown_url = instance_url.clone();
        let wire = Wire::start(move |_| token(&instance_url, 1)).await;
        let client = Client::new(settings(wire.url("http"))).unwrap();
        let error = client.query(SOQL, Scope::Live, None).await.unwrap_err();
        assert_eq!(
            error.code(),
            Code::HostRefused,
            "{shown_url}: {}",
            shown(&error)
        );
        assert_eq!(wire.requests().len(), 1);
    }
    assert_eq!(canary.connections(), 0);
}

#[tokio::test]
async fn a_token_answer_that_is_none_is_not_shown() {
    for body in [
        format!(r#"{{"access_token":"{TOKEN}","instance_url":5}}"#),
        format!(r#"{{"access_token":"{TOKEN}"}}"#),
        format!(r#"{{"access_token":"{TOKEN}\n","instance_url":"HERE"}}"#),
        format!(r#"{{"access_token":"{TOKEN}","instance_url":"HERE","token_type":"mac"}}"#),
        r#"{"access_token":"","instance_url":"HERE"}"#.to_owned(),
        TOKEN.to_owned(),
        "<html>sign in</html>".to_owned(),
    ] {
        let wire = Wire::start(move |request| {
            let here = format!("http://{}", request.header("host"));
            json(200, &body.replace("HERE", &here))
        })
        .await;
        let client = Client::new(settings(wire.url("http"))).unwrap();
        let error = client.sign_in().await.unwrap_err();
        assert_eq!(error.code(), Code::AnswerUnreadable, "{}", shown(&error));
    }
}

#[tokio::test]
async fn credentials_sent_back_in_an_answer_are_not_shown() {
    let wire = org(|request| {
        let sent = request.header("authorization").to_owned();
        let body = serde_json::json!([{"errorCode": sent, "message": format!("you sent {sent} and {SECRET}")}]);
        answer(400, &[&format!("X-Request-Id: {SECRET}")], &body.to_string())
    })
    .await;
    let error = client(&wire)
        .query(SOQL, Scope::Live, None)
        .await
        .unwrap_err();
    assert!(shown(&error).contains("you sent Bearer …"), "{error}");

    let wire = Wire::start(|request| {
        let sent = request.header("authorization").to_owned();
        json(
            400,
            &serde_json::json!({"error": SECRET, "error_description": sent}).to_string(),
        )
    })
    .await;
    let client = Client::new(settings(wire.url("http"))).unwrap();
    let error = client.sign_in().await.unwrap_err();
    let basic = wire.requests()[0].header("authorization")[6..].to_owned();
    assert!(!shown(&error).contains(&basic), "{error}");
    let debug = format!("{:?}", settings("https://acme.my.salesforce.com"));
    assert!(!debug.contains(SECRET) && !debug.contains(KEY), "{debug}");
}

#[tokio::test]
async fn a_log_in_that_fails_in_passing_is_tried_as_often_as_any_request() {
    let wire = Wire::start(|_| answer(503, &[], "")).await;
    let client = Client::new(settings(wire.url("http"))).unwrap();
    let error = client.query(SOQL, Scope::Live, None).await.unwrap_err();
    assert_eq!(error.code(), Code::SalesforceUnavailable);
    assert_eq!(
        wire.requests().len(),
        3,
        "the call does not begin the tries again"
    );
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_holds_the_request_id_and_no_credential() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // While there is but one subscriber, tracing asks the thread that meets an event first, which may be another test's.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let guard = tracing::subscriber::set_default(subscriber);
    let wire = org(|request| {
        if request.target.contains("limits") {
            return json(401, EXPIRED);
        }
        let body = r#"{"totalSize":0,"done":true,"records":[]}"#;
        answer(200, &["X-Request-Id: 4f1d-77AB"], body)
    })
    .await;
    let client = client(&wire);
    client.query(SOQL, Scope::Live, None).await.unwrap();
    client.limits().await.unwrap_err();
    drop(guard);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        text.contains("4f1d-77AB") && text.contains("/services/data/v67.0/query"),
        "{text}"
    );
    for secret in [SECRET, TOKEN, "Basic ", "Bearer ", "SELECT"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}
