//! The refresh of kept tokens: once, kept before use, never repeated where that could end the sign-in.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bridged::foundation::code::Code;
use bridged::foundation::error::Error;
use bridged::foundation::secret::Secret;
use bridged::salesforce::client::Client;
use bridged::salesforce::credentials::Credentials;
use bridged::salesforce::query::Scope;

use super::keeper::{ACCESS, Kept, REFRESH, Rotating, client_kept_by, kept_by};
use super::org::{KEY, SECRET, page, shown};
use crate::support::proxy::{Proxy, Toxic, Way};
use crate::support::wire::{Reply, Wire, answer, head, json};

const SOQL: &str = "SELECT Id FROM Lead";
const TOKEN: &str = "/services/oauth2/token";

async fn query(client: &Client) -> Result<(), Error> {
    let page = client.query(SOQL, Scope::Live, None).await;
    page.map(|_| ())
}

/// No rendering of an error may hold a token.
fn clean(error: &Error) -> String {
    let text = shown(error);
    for secret in [ACCESS, REFRESH, "DontShow"] {
        assert!(!text.contains(secret), "{text}");
    }
    text
}

#[tokio::test]
async fn a_kept_access_token_is_used_as_long_as_it_lives() {
    let wire = Wire::start(|_| page(0, None, "")).await;
    let kept = Kept::fresh();
    let client = client_kept_by(&wire, &kept);
    for _ in 0..3 {
        query(&client).await.unwrap();
    }
    assert_eq!(wire.requests().len(), 3);
    let bearer = format!("Bearer {ACCESS}0");
    assert!(
        wire.requests()
            .iter()
            .all(|request| request.header("authorization") == bearer)
    );
    assert!(kept.calls().is_empty());
}

#[tokio::test]
async fn a_refresh_is_one_form_and_its_tokens_are_kept_before_they_are_used() {
    let org = Rotating::default();
    let wire = org.start().await;
    let kept = Kept::fresh();
    query(&client_kept_by(&wire, &kept)).await.unwrap();
    let asked = &wire.requests_to(TOKEN)[0];
    assert_eq!(asked.method, "POST");
    assert_eq!(
        asked.body,
        format!("grant_type=refresh_token&refresh_token={REFRESH}0")
    );
    let basic = asked
        .header("authorization")
        .strip_prefix("Basic ")
        .unwrap();
    let decoded =
        base64::Engine::decode(&base64::engine::general_purpose::STANDARD, basic).unwrap();
    assert_eq!(decoded, format!("{KEY}:{SECRET}").into_bytes());
    let tokens = kept.tokens();
    assert_eq!(tokens.access, Some(Secret::new(format!("{ACCESS}1"))));
    assert_eq!(tokens.refresh, Some(Secret::new(format!("{REFRESH}1"))));
    assert_eq!((tokens.rotates, tokens.begun), (Some(true), false));
    assert_eq!(kept.calls(), ["begin", "keep"]);
}

#[tokio::test]
async fn an_app_without_a_secret_names_itself_in_the_form() {
    let org = Rotating::default();
    let wire = Wire::start(move |request| {
        let mut request = request.clone();
        if let Some((form, _)) = request.body.split_once("&client_id=") {
            assert!(request.body.ends_with(&format!("&client_id={KEY}")));
            request.body = form.to_owned();
        }
        org.answer(&request)
    })
    .await;
    let kept = Kept::fresh();
    let mut settings = kept_by(wire.url("http"), &kept);
    if let Credentials::Oauth {
        consumer_secret, ..
    } = &mut settings.credentials
    {
        *consumer_secret = None;
    }
    query(&Client::new(settings).unwrap()).await.unwrap();
    let asked = &wire.requests_to(TOKEN)[0];
    assert_eq!(asked.header("authorization"), "");
    assert!(asked.body.contains("client_id="), "{}", asked.body);
}

#[tokio::test]
async fn s23_fifty_refused_calls_make_one_refresh() {
    let org = Rotating::default();
    let wire = org.start().await;
    let kept = Kept::fresh();
    let client = client_kept_by(&wire, &kept);
    let calls = (0..50).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { query(&client).await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap().unwrap();
    }
    assert_eq!(org.family().refreshes, 1);
    assert!(!org.family().revoked);
    assert_eq!(client.usage().retries, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn i19_s24_replicas_that_refresh_at_once_make_one_refresh_a_rotation() {
    let org = Rotating::default();
    let wire = org.start().await;
    let kept = Kept::fresh();
    let replicas: Vec<_> = (0..4).map(|_| client_kept_by(&wire, &kept)).collect();
    for rotation in 1..=5 {
        let calls: Vec<_> = replicas
            .iter()
            .flat_map(|client| std::iter::repeat_n(client, 10))
            .map(|client| {
                let client = client.clone();
                tokio::spawn(async move { query(&client).await })
            })
            .collect();
        for call in calls {
            call.await.unwrap().unwrap();
        }
        let family = org.family();
        assert_eq!((family.refreshes, family.revoked), (rotation, false));
        drop(family);
        // The access tokens of all replicas die; the newest refresh token is the one that is kept.
        org.expire();
        kept.change(|tokens| {
            tokens.refresh = Some(Secret::new(format!("{REFRESH}{}", rotation * 2)));
        });
    }
}

#[tokio::test]
async fn s24_an_access_token_that_another_process_got_is_taken_over() {
    let org = Rotating::default();
    let wire = org.start().await;
    let kept = Kept::fresh();
    let (here, there) = (client_kept_by(&wire, &kept), client_kept_by(&wire, &kept));
    let before = here.query(SOQL, Scope::Live, None);
    before.await.unwrap();
    assert_eq!(org.family().refreshes, 1);
    query(&there).await.unwrap();
    assert_eq!(org.family().refreshes, 1, "the kept one was used");
}

#[tokio::test]
async fn a_taken_over_token_that_died_too_still_leaves_one_refresh() {
    let org = Rotating::default();
    let wire = org.start().await;
    let kept = Kept::fresh();
    let client = client_kept_by(&wire, &kept);
    query(&client).await.unwrap();
    // Another process refreshed long ago, and its token is dead by now as well.
    org.expire();
    kept.change(|tokens| {
        tokens.access = Some(Secret::new(format!("{ACCESS}-long-dead")));
        tokens.refresh = Some(Secret::new(format!("{REFRESH}2")));
    });
    query(&client).await.unwrap();
    assert_eq!(org.family().refreshes, 2);
}

#[tokio::test]
async fn i12_a_new_token_that_is_refused_at_once_is_not_renewed_again() {
    let org = Rotating::default();
    let refused = org.clone();
    let wire = Wire::start(move |request| {
        if request.target == TOKEN {
            return refused.answer(request);
        }
        json(
            401,
            r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#,
        )
    })
    .await;
    let error = query(&client_kept_by(&wire, &Kept::fresh()))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::SessionExpired, "{}", clean(&error));
    assert_eq!(org.family().refreshes, 1);
}

/// Ends of a refresh request behind which the refresh token may be spent.
fn unclear() -> Vec<(&'static str, Reply)> {
    let whole = r#"{"access_token":"00D!x","instance_url":"http://x","refresh_token":"y"}"#;
    let json_type = "Content-Type: application/json";
    vec![
        ("nothing", Reply::Cut(Vec::new())),
        (
            "half a head",
            Reply::Cut(b"HTTP/1.1 200 OK\r\nContent-".to_vec()),
        ),
        (
            "half a body",
            Reply::Cut(head(
                200,
                &[json_type],
                Some(whole.len()),
                &whole.as_bytes()[..20],
            )),
        ),
        ("no answer in time", Reply::Hang(Vec::new())),
        (
            "half a body in time",
            Reply::Hang(head(
                200,
                &[json_type],
                Some(whole.len()),
                &whole.as_bytes()[..20],
            )),
        ),
        ("500", json(500, "")),
        (
            "502 of a gateway",
            answer(502, &[], "<html>bad gateway</html>"),
        ),
        ("503", json(503, r#"{"error":"Service Unavailable"}"#)),
        ("504", answer(504, &[], "")),
        (
            "500 by name",
            json(500, r#"{"error":"invalid_client","error_description":"x"}"#),
        ),
        (
            "unknown_error",
            json(
                400,
                r#"{"error":"unknown_error","error_description":"retry your request"}"#,
            ),
        ),
        ("200 without JSON", json(200, "<html></html>")),
        ("200 without tokens", json(200, "{}")),
    ]
}

/// An org that refuses every token and answers every refresh so.
async fn answering(reply: Reply) -> Wire {
    Wire::start(move |request| match request.target.as_str() {
        TOKEN => reply.clone(),
        _ => json(401, r#"[{"message":"x","errorCode":"INVALID_SESSION_ID"}]"#),
    })
    .await
}

#[tokio::test]
async fn i19_s24_a_refresh_without_a_clear_answer_is_never_repeated() {
    let unclear = unclear().into_iter();
    let cases = unclear
        .flat_map(|(what, reply)| [None, Some(true)].map(|rotates| (what, reply.clone(), rotates)));
    for (what, reply, rotates) in cases {
        let wire = answering(reply).await;
        let kept = Kept::with(|tokens| tokens.rotates = rotates);
        let mut settings = kept_by(wire.url("http"), &kept);
        settings.timeouts.answer = Duration::from_millis(300);
        settings.timeouts.read = Duration::from_millis(300);
        let first = Client::new(settings).unwrap();
        // Neither this session nor one that starts later asks again.
        for client in [first.clone(), first, client_kept_by(&wire, &kept)] {
            let error = query(&client).await.unwrap_err();
            let said = clean(&error);
            assert_eq!(error.code(), Code::ReconnectNeeded, "{what}: {said}");
            assert!(
                error.help_text().unwrap().contains("bridged connect"),
                "{said}"
            );
            assert_eq!(wire.requests_to(TOKEN).len(), 1, "{what}");
            assert!(kept.tokens().begun, "{what}: left begun");
        }
    }
}

#[tokio::test]
async fn tokens_that_no_header_can_carry_are_not_kept() {
    for (access, refresh) in [
        ("a b", "c"),
        ("", "c"),
        ("a\n", "c"),
        ("a", "c d"),
        ("a", ""),
        ("ä", "c"),
    ] {
        let body = serde_json::json!({ "access_token": access, "refresh_token": refresh });
        let wire = Wire::start(move |request| {
            let mut body = body.clone();
            body["instance_url"] = format!("http://{}", request.header("host")).into();
            json(200, &body.to_string())
        })
        .await;
        let kept = Kept::with(|tokens| tokens.access = None);
        let error = client_kept_by(&wire, &kept).sign_in().await.unwrap_err();
        assert_eq!(error.code(), Code::ReconnectNeeded, "{}", clean(&error));
        assert_eq!(kept.calls(), ["begin"], "{access} {refresh}");
    }
}

#[tokio::test]
async fn s24_an_app_that_does_not_rotate_may_be_asked_again() {
    for (what, reply) in unclear() {
        // These say clearly that something else is wrong.
        if what.starts_with("200") || what.ends_with("by name") {
            continue;
        }
        let org = Rotating::without_rotation();
        let (script, tries) = (org.clone(), AtomicUsize::new(0));
        let wire = Wire::start(move |request| {
            if request.target == TOKEN && tries.fetch_add(1, Ordering::Relaxed) == 0 {
                return reply.clone();
            }
            script.answer(request)
        })
        .await;
        let kept = Kept::with(|tokens| tokens.rotates = Some(false));
        let mut settings = kept_by(wire.url("http"), &kept);
        settings.timeouts.answer = Duration::from_millis(300);
        settings.timeouts.read = Duration::from_millis(300);
        query(&Client::new(settings).unwrap())
            .await
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(wire.requests_to(TOKEN).len(), 2, "{what}");
        let tokens = kept.tokens();
        assert_eq!((tokens.rotates, tokens.begun), (Some(false), false));
        assert_eq!(tokens.refresh, Some(Secret::new(format!("{REFRESH}0"))));
    }
}

#[tokio::test]
async fn s24_the_line_that_breaks_behind_the_request_ends_the_sign_in() {
    let org = Rotating::default();
    let wire = org.start().await;
    let upstream: SocketAddr = wire.address;
    // The first connection carries the query that is refused; what comes behind it is swallowed on its way back.
    let proxy = Proxy::start(upstream, |_| {
        vec![(Way::Down, Toxic::Reset { behind: 260 })]
    })
    .await;
    let kept = Kept::with(|tokens| tokens.access = None);
    let client = Client::new(kept_by(proxy.url(), &kept)).unwrap();
    let error = client.sign_in().await.unwrap_err();
    assert_eq!(error.code(), Code::ReconnectNeeded, "{}", clean(&error));
    assert_eq!(org.family().refreshes, 1, "it arrived, once");
    assert!(kept.tokens().begun);
}

#[tokio::test]
async fn s24_a_stop_between_receipt_and_keeping_is_found_by_the_next_process() {
    let org = Rotating::default();
    let wire = org.start().await;
    let kept = Kept::fresh();
    kept.keep_fails.store(usize::MAX, Ordering::SeqCst);
    let error = query(&client_kept_by(&wire, &kept)).await.unwrap_err();
    assert_eq!(error.code(), Code::StoreFull, "{}", clean(&error));
    let used = format!("Bearer {ACCESS}1");
    assert!(
        wire.requests()
            .iter()
            .all(|request| request.header("authorization") != used)
    );
    assert!(kept.tokens().begun);

    kept.keep_fails.store(0, Ordering::SeqCst);
    let sent = wire.requests().len();
    let error = query(&client_kept_by(&wire, &kept)).await.unwrap_err();
    assert_eq!(error.code(), Code::ReconnectNeeded, "{}", clean(&error));
    assert_eq!(wire.requests().len(), sent, "nothing was sent");
    assert!(!org.family().revoked);
}

#[tokio::test]
async fn a_store_that_is_busy_for_a_moment_loses_no_tokens() {
    let org = Rotating::default();
    let wire = org.start().await;
    let kept = Kept::fresh();
    kept.keep_fails.store(2, Ordering::SeqCst);
    query(&client_kept_by(&wire, &kept)).await.unwrap();
    assert_eq!(kept.calls(), ["begin", "keep", "keep", "keep"]);
    assert_eq!(
        kept.tokens().refresh,
        Some(Secret::new(format!("{REFRESH}1")))
    );
}

#[tokio::test]
async fn s24_a_caller_that_goes_away_does_not_lose_the_tokens() {
    let org = Rotating::default();
    let slow = org.clone();
    let wire = Wire::start(move |request| {
        if request.target == TOKEN {
            std::thread::sleep(Duration::from_millis(150));
        }
        slow.answer(request)
    })
    .await;
    let kept = Kept::with(|tokens| tokens.access = None);
    let client = client_kept_by(&wire, &kept);
    let call = tokio::spawn({
        let client = client.clone();
        async move { query(&client).await }
    });
    while wire.requests_to(TOKEN).is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    query(&client).await.unwrap();
    assert_eq!(
        org.family().refreshes,
        1,
        "the one that was under way is used"
    );
    assert_eq!(
        kept.tokens().refresh,
        Some(Secret::new(format!("{REFRESH}1")))
    );
}

#[tokio::test]
async fn what_never_left_is_tried_again_and_spends_nothing() {
    // A port on which nobody listens.
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let kept = Kept::with(|tokens| tokens.access = None);
    let client = Client::new(kept_by(format!("http://{address}"), &kept)).unwrap();
    let error = client.sign_in().await.unwrap_err();
    assert_eq!(error.code(), Code::ConnectionFailed, "{}", clean(&error));
    assert_eq!(error.context().attempt, Some(3));
    assert_eq!(
        kept.calls(),
        ["begin", "unused", "begin", "unused", "begin", "unused"]
    );
    assert!(!kept.tokens().begun);
}

#[tokio::test]
async fn s24_a_dead_refresh_token_is_used_once_and_marked() {
    let org = Rotating::default();
    let wire = org.start().await;
    let kept = Kept::with(|tokens| tokens.refresh = Some(Secret::new(format!("{REFRESH}9"))));
    let error = query(&client_kept_by(&wire, &kept)).await.unwrap_err();
    assert_eq!(error.code(), Code::ReconnectNeeded, "{}", clean(&error));
    assert!(
        error.message().contains("expired access/refresh token"),
        "{error}"
    );
    assert_eq!(
        error.context().remote_code.as_deref(),
        Some("invalid_grant")
    );
    assert_eq!(kept.calls(), ["begin", "refused"]);
    let sent = wire.requests().len();
    let error = query(&client_kept_by(&wire, &kept)).await.unwrap_err();
    assert_eq!(error.code(), Code::ReconnectNeeded, "{}", clean(&error));
    assert_eq!(wire.requests().len(), sent, "nothing was sent");
}

#[tokio::test]
async fn a_refusal_for_another_reason_leaves_the_refresh_token_good() {
    for (status, error, description, code, sent) in [
        (400, "invalid_grant", "ip restricted", Code::IpRestricted, 1),
        (
            400,
            "invalid_grant",
            "invalid login hours",
            Code::LoginHours,
            1,
        ),
        (
            400,
            "inactive_user",
            "user is inactive",
            Code::UserInactive,
            1,
        ),
        (
            400,
            "invalid_client",
            "invalid client credentials",
            Code::WrongApiKey,
            1,
        ),
        (
            400,
            "invalid_client_id",
            "client identifier invalid",
            Code::WrongConsumerKey,
            1,
        ),
        (
            400,
            "invalid_request",
            "client secret is required",
            Code::SecretRequired,
            1,
        ),
        (
            400,
            "invalid_grant",
            "request not supported on this domain",
            Code::LoginHost,
            1,
        ),
        (400, "rate_limit_exceeded", "", Code::SignInLimited, 3),
        (429, "", "", Code::SalesforceUnavailable, 3),
        (420, "", "", Code::SalesforceUnavailable, 3),
    ] {
        let body = serde_json::json!({ "error": error, "error_description": description });
        let wire = Wire::start(move |_| json(status, &body.to_string())).await;
        let kept = Kept::with(|tokens| tokens.access = None);
        let failed = client_kept_by(&wire, &kept).sign_in().await.unwrap_err();
        assert_eq!(failed.code(), code, "{error}: {}", clean(&failed));
        assert_eq!(wire.requests().len(), sent, "{error}");
        let tokens = kept.tokens();
        assert!(!tokens.begun && !tokens.refused, "{error}, {description}");
    }
}

#[tokio::test]
async fn a_redirect_of_the_token_endpoint_is_refused_and_spends_nothing() {
    let canary = Wire::canary().await;
    let header = format!("Location: {}", canary.url("http"));
    let wire = Wire::start(move |_| answer(307, &[&header], "")).await;
    let kept = Kept::with(|tokens| tokens.access = None);
    let error = client_kept_by(&wire, &kept).sign_in().await.unwrap_err();
    assert_eq!(error.code(), Code::RedirectRefused, "{}", clean(&error));
    assert_eq!(canary.connections(), 0);
    assert!(!kept.tokens().begun);
}

#[tokio::test]
async fn x11_refreshed_tokens_for_another_host_are_not_used() {
    let canary = Arc::new(Wire::canary().await);
    for rotates in [None, Some(false)] {
        for evil in [
            canary.url("http"),
            "https://evil.my.salesforce.com".to_owned(),
            format!("http://user@{}", canary.address),
            String::new(),
        ] {
            let body = serde_json::json!({
                "access_token": format!("{ACCESS}1"), "refresh_token": format!("{REFRESH}1"), "instance_url": evil,
            });
            let wire = Wire::start(move |_| json(200, &body.to_string())).await;
            let kept = Kept::with(|tokens| {
                tokens.access = None;
                tokens.rotates = rotates;
            });
            let error = query(&client_kept_by(&wire, &kept)).await.unwrap_err();
            assert_eq!(error.code(), Code::HostRefused, "{evil}: {}", clean(&error));
            assert_eq!(wire.requests().len(), 1, "{evil}");
            assert_eq!(kept.tokens().access, None);
        }
    }
    assert_eq!(canary.connections(), 0);
}

#[tokio::test]
async fn nobody_signed_in_and_nothing_to_renew_are_told_apart() {
    let org = Rotating::default();
    let wire = org.start().await;
    let nothing = Kept::with(|tokens| (tokens.access, tokens.refresh) = (None, None));
    let error = query(&client_kept_by(&wire, &nothing)).await.unwrap_err();
    assert_eq!(error.code(), Code::NotConnected, "{}", clean(&error));
    assert!(wire.requests().is_empty());

    let without = Kept::with(|tokens| tokens.refresh = None);
    let error = query(&client_kept_by(&wire, &without)).await.unwrap_err();
    assert_eq!(error.code(), Code::ReconnectNeeded, "{}", clean(&error));
    assert!(error.message().contains("no refresh token"), "{error}");
    assert!(wire.requests_to(TOKEN).is_empty());
}

#[tokio::test]
async fn a_lock_that_another_process_holds_is_waited_for() {
    let org = Rotating::default();
    let wire = org.start().await;
    let kept = Kept::fresh();
    let lock = kept.hold();
    let call = tokio::spawn({
        let client = client_kept_by(&wire, &kept);
        async move { query(&client).await }
    });
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(org.family().refreshes, 0, "not while it is held");
    // The other process was stopped before it began anything.
    drop(lock);
    call.await.unwrap().unwrap();
    assert_eq!(org.family().refreshes, 1);
}

#[tokio::test]
async fn a_process_that_is_refreshing_now_is_no_reason_to_connect_again() {
    let org = Rotating::default();
    let wire = org.start().await;
    let kept = Kept::fresh();
    let lock = kept.hold();
    kept.change(|tokens| tokens.begun = true);
    let call = tokio::spawn({
        let client = client_kept_by(&wire, &kept);
        async move { query(&client).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(wire.requests().is_empty());
    // The other process gets its answer and keeps it.
    org.family().refreshes = 1;
    org.expire();
    kept.change(|tokens| {
        tokens.begun = false;
        tokens.access = Some(Secret::new(format!("{ACCESS}1")));
        tokens.refresh = Some(Secret::new(format!("{REFRESH}1")));
    });
    drop(lock);
    call.await.unwrap().unwrap();
    assert_eq!(org.family().refreshes, 1);
}

#[tokio::test]
async fn a_lock_that_is_never_let_go_ends_the_wait() {
    let org = Rotating::default();
    let wire = org.start().await;
    let kept = Kept::fresh();
    let _lock = kept.hold();
    let mut settings = kept_by(wire.url("http"), &kept);
    settings.timeouts.renewal = Duration::from_millis(300);
    let error = query(&Client::new(settings).unwrap()).await.unwrap_err();
    assert_eq!(error.code(), Code::ConnectionBusy, "{}", clean(&error));
    assert_eq!(org.family().refreshes, 0);
    assert!(kept.calls().is_empty());
}
