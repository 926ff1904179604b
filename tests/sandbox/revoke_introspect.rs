//! Taking tokens back, and asking what they are worth.

use serde_json::{Value, json};

use super::client::{Bench, Reply, bench, reply};
use super::web_flow::{oauth_error, text};

async fn revoke(bench: &Bench, pairs: &[(&str, &str)]) -> Reply {
    let url = bench.url("/services/oauth2/revoke");
    reply(bench.http.post(url).form(pairs)).await
}

async fn introspect(bench: &Bench, token: &str) -> Value {
    let ready = bench.sandbox.ready();
    let request = bench
        .http
        .post(bench.url("/services/oauth2/introspect"))
        .basic_auth(&ready.consumer_key, Some(&ready.api_key))
        .form(&[("token", token)]);
    let (status, body) = reply(request).await;
    assert_eq!(status, 200, "{body}");
    body
}

#[tokio::test]
async fn an_access_token_is_revoked_alone() {
    let bench = bench().await;
    let tokens = bench.connect().await;
    let access = text(&tokens, "access_token");
    assert_eq!(
        revoke(&bench, &[("token", access)]).await,
        (200.try_into().unwrap(), Value::Null)
    );
    assert_eq!(bench.status_with(access).await, 401);
    assert_eq!(
        bench.refresh(text(&tokens, "refresh_token"), &[]).await.0,
        200
    );
}

#[tokio::test]
async fn a_refresh_token_is_revoked_with_its_family_and_the_consent() {
    let bench = bench().await;
    let mut browser = crate::support::consent::Browser::new();
    let code = bench.code_in(&mut browser, &[]).await;
    let (_, tokens) = bench.exchange(&code, &[]).await;
    let refresh = text(&tokens, "refresh_token");
    let (_, fresh) = bench.refresh(refresh, &[]).await;
    assert_eq!(revoke(&bench, &[("token", refresh)]).await.0, 200);
    for tokens in [&tokens, &fresh] {
        assert_eq!(bench.status_with(text(tokens, "access_token")).await, 401);
    }
    let answer = bench.refresh(refresh, &[]).await;
    assert_eq!(oauth_error(&answer).2, "expired access/refresh token");
    // Whoever comes back is asked again, and a second revoke finds nothing.
    assert!(browser.open(&bench.authorize_url(&[])).await.is_consent());
    let invalid = (400, "invalid_token", "invalid token");
    assert_eq!(
        oauth_error(&revoke(&bench, &[("token", refresh)]).await),
        invalid
    );
}

#[tokio::test]
async fn the_consent_lives_as_long_as_one_family_of_it() {
    let bench = bench().await;
    let mut browser = crate::support::consent::Browser::new();
    let code = bench.code_in(&mut browser, &[]).await;
    let (_, first) = bench.exchange(&code, &[]).await;
    let code = bench.code_in(&mut browser, &[]).await;
    let (_, second) = bench.exchange(&code, &[]).await;
    revoke(&bench, &[("token", text(&first, "refresh_token"))]).await;
    assert_eq!(
        bench.refresh(text(&second, "refresh_token"), &[]).await.0,
        200
    );
    assert!(!browser.open(&bench.authorize_url(&[])).await.is_consent());
}

#[tokio::test]
async fn what_cannot_be_revoked_is_named() {
    let bench = bench().await;
    for (pairs, error) in [
        (vec![], "invalid_request"),
        (vec![("token", "")], "invalid_request"),
        (vec![("token", "00D!unknown")], "invalid_token"),
        (
            vec![("token", "x"), ("token_type_hint", "cookie")],
            "unsupported_token_type",
        ),
    ] {
        let answer = revoke(&bench, &pairs).await;
        assert_eq!(
            (answer.0.as_u16(), oauth_error(&answer).1),
            (400, error),
            "{pairs:?}"
        );
    }
}

#[tokio::test]
async fn introspection_tells_an_app_about_its_own_tokens() {
    let bench = bench().await;
    bench
        .control(
            "clock",
            json!({ "set": "2027-03-01T12:00:00Z", "hold": true }),
        )
        .await;
    let tokens = bench.connect().await;
    let access = text(&tokens, "access_token");
    let told = introspect(&bench, access).await;
    let noon = 1_803_902_400;
    assert_eq!(told["active"], true);
    assert_eq!(told["scope"], "api refresh_token");
    assert_eq!(
        told["client_id"],
        bench.sandbox.ready().consumer_key.as_str()
    );
    assert_eq!(told["username"], "integration@bridged.example");
    assert_eq!(told["sub"], tokens["id"]);
    assert_eq!(told["token_type"], "access_token");
    assert_eq!(
        (&told["iat"], &told["exp"]),
        (&json!(noon), &json!(noon + 7_200))
    );
    // Looking does not keep a session alive; using does.
    bench.control("clock", json!({ "advance": "1h" })).await;
    assert_eq!(introspect(&bench, access).await["exp"], noon + 7_200);
    assert_eq!(bench.status_with(access).await, 200);
    assert_eq!(introspect(&bench, access).await["exp"], noon + 10_800);
    let told = introspect(&bench, text(&tokens, "refresh_token")).await;
    assert_eq!(
        (&told["active"], &told["token_type"]),
        (&json!(true), &json!("refresh_token"))
    );
    assert!(told.get("exp").is_none());
}

#[tokio::test]
async fn what_is_dead_or_anothers_is_not_active() {
    let bench = bench().await;
    bench.control("apps", json!({ "rotation": true })).await;
    let tokens = bench.connect().await;
    let inactive = json!({ "active": false });
    let (_, fresh) = bench.refresh(text(&tokens, "refresh_token"), &[]).await;
    let (_, apps) = reply(bench.http.get(bench.url("/_sandbox/apps"))).await;
    let foreign = bench
        .grant(&[
            ("grant_type", "client_credentials"),
            ("client_id", apps[1]["consumer_key"].as_str().unwrap()),
            ("client_secret", apps[1]["api_key"].as_str().unwrap()),
        ])
        .await;
    for token in [
        "00D!made.up",
        text(&tokens, "refresh_token"),
        text(&foreign.1, "access_token"),
    ] {
        assert_eq!(introspect(&bench, token).await, inactive, "{token}");
    }
    revoke(&bench, &[("token", text(&fresh, "refresh_token"))]).await;
    for name in ["access_token", "refresh_token"] {
        assert_eq!(
            introspect(&bench, text(&fresh, name)).await,
            inactive,
            "{name}"
        );
    }
}

#[tokio::test]
async fn introspection_asks_who_asks() {
    let bench = bench().await;
    let ready = bench.sandbox.ready();
    let url = bench.url("/services/oauth2/introspect");
    let ask = |pairs: Vec<(&'static str, String)>| reply(bench.http.post(&url).form(&pairs));
    let key = || ("client_id", ready.consumer_key.clone());
    let token = || ("token", bench.token.clone());
    for (pairs, error) in [
        (vec![token()], "invalid_request"),
        (
            vec![token(), ("client_id", "3MVG9x".to_owned())],
            "invalid_client_id",
        ),
        (vec![token(), key()], "invalid_client"),
        (
            vec![token(), key(), ("client_secret", "wrong".to_owned())],
            "invalid_client",
        ),
        (
            vec![key(), ("client_secret", ready.api_key.clone())],
            "invalid_request",
        ),
    ] {
        assert_eq!(oauth_error(&ask(pairs).await).1, error);
    }
    let good = vec![token(), key(), ("client_secret", ready.api_key.clone())];
    assert_eq!(ask(good).await.1["active"], true);
    let answer = reply(bench.http.get(&url)).await;
    assert_eq!(answer.0, 405);
}
