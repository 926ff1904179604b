//! A code for tokens: once, soon, by its app, for its callback, with its verifier.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::client::{bench, reply};
use super::web_flow::{CALLBACK, TOKEN, VERIFIER, challenge, oauth_error, text};
use crate::support::consent::Browser;
use crate::support::jwt;

const EXPIRED: (u16, &str, &str) = (400, "invalid_grant", "expired authorization code");
const INVALID: (u16, &str, &str) = (400, "invalid_grant", "invalid authorization code");
const VERIFIER_WRONG: (u16, &str, &str) = (400, "invalid_grant", "invalid code verifier");
const CLIENT_WRONG: (u16, &str, &str) = (400, "invalid_client", "invalid client credentials");

#[tokio::test]
async fn the_answer_has_a_refresh_token_only_with_its_scope() {
    let bench = bench().await;
    let tokens = bench.connect().await;
    assert_eq!(tokens["scope"], "api refresh_token");
    assert_eq!(tokens["token_type"], "Bearer");
    assert!(text(&tokens, "refresh_token").len() > 40);
    assert!(tokens.get("expires_in").is_none() && tokens.get("id_token").is_none());
    assert!(text(&tokens, "issued_at").parse::<i64>().unwrap() > 1_000_000_000_000);
    // The signature proves the identity URL.
    let ready = bench.sandbox.ready();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, ready.api_key.as_bytes());
    let signed = format!("{}{}", text(&tokens, "id"), text(&tokens, "issued_at"));
    let signature = STANDARD.decode(text(&tokens, "signature")).unwrap();
    ring::hmac::verify(&key, signed.as_bytes(), &signature).unwrap();
    assert_eq!(bench.status_with(text(&tokens, "access_token")).await, 200);
    let code = bench.code(&[("scope", "api")]).await;
    let (_, tokens) = bench.exchange(&code, &[]).await;
    assert_eq!(
        (&tokens["scope"], tokens.get("refresh_token")),
        (&json!("api"), None)
    );
}

#[tokio::test]
async fn without_a_scope_the_app_gets_all_of_its_own() {
    let bench = bench().await;
    let code = bench.code(&[("scope", "")]).await;
    let (_, tokens) = bench.exchange(&code, &[]).await;
    assert_eq!(tokens["scope"], "api id web refresh_token");
}

#[tokio::test]
async fn x14_a_verifier_that_is_wrong_or_missing_gets_no_token_and_no_second_guess() {
    let bench = bench().await;
    let long = "a".repeat(257);
    for (verifier, refused) in [
        (
            "eBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            VERIFIER_WRONG,
        ),
        ("short", VERIFIER_WRONG),
        (long.as_str(), VERIFIER_WRONG),
        (challenge(VERIFIER).as_str(), VERIFIER_WRONG),
        (
            "",
            (
                400,
                "invalid_request",
                "missing required parameter: code_verifier",
            ),
        ),
    ] {
        let code = bench.code(&[]).await;
        let answer = bench.exchange(&code, &[("code_verifier", verifier)]).await;
        assert_eq!(oauth_error(&answer), refused, "{verifier}");
        let answer = bench.exchange(&code, &[]).await;
        assert_eq!(oauth_error(&answer), EXPIRED, "{verifier}");
    }
}

#[tokio::test]
async fn x14_a_code_that_comes_twice_ends_the_tokens_of_the_first_time() {
    let bench = bench().await;
    let other = bench.connect().await;
    let code = bench.code(&[]).await;
    let (_, tokens) = bench.exchange(&code, &[]).await;
    let access = text(&tokens, "access_token");
    assert_eq!(bench.status_with(access).await, 200);
    assert_eq!(oauth_error(&bench.exchange(&code, &[]).await), EXPIRED);
    assert_eq!(bench.status_with(access).await, 401);
    let answer = bench.refresh(text(&tokens, "refresh_token"), &[]).await;
    assert_eq!(oauth_error(&answer).2, "expired access/refresh token");
    // Another family of the same app and user goes on.
    assert_eq!(bench.status_with(text(&other, "access_token")).await, 200);
}

#[tokio::test]
async fn a_verifier_without_a_challenge_is_refused() {
    let bench = bench().await;
    bench
        .control("apps", json!({ "pkce_required": false }))
        .await;
    let stripped = [("code_challenge", ""), ("code_challenge_method", "")];
    let code = bench.code(&stripped).await;
    assert_eq!(
        oauth_error(&bench.exchange(&code, &[]).await),
        VERIFIER_WRONG
    );
}

#[tokio::test]
async fn a_code_is_good_for_a_quarter_of_an_hour() {
    let bench = bench().await;
    bench.control("clock", json!({ "hold": true })).await;
    let in_time = bench.code(&[]).await;
    bench.control("clock", json!({ "advance": "15m" })).await;
    assert_eq!(bench.exchange(&in_time, &[]).await.0, 200);
    let late = bench.code(&[]).await;
    bench.control("clock", json!({ "advance": "15m 1s" })).await;
    assert_eq!(oauth_error(&bench.exchange(&late, &[]).await), EXPIRED);
}

#[tokio::test]
async fn a_code_belongs_to_its_app_and_its_callback() {
    let bench = bench().await;
    let (_, apps) = reply(bench.http.get(bench.url("/_sandbox/apps"))).await;
    let code = bench.code(&[]).await;
    let other = [
        ("client_id", apps[1]["consumer_key"].as_str().unwrap()),
        ("client_secret", apps[1]["api_key"].as_str().unwrap()),
    ];
    assert_eq!(oauth_error(&bench.exchange(&code, &other).await), INVALID);
    assert_eq!(bench.exchange(&code, &[]).await.0, 200);
    assert_eq!(
        oauth_error(&bench.exchange("aPrxMadeUp", &[]).await),
        INVALID
    );
    let code = bench.code(&[]).await;
    let elsewhere = "http://127.0.0.1:8910/auth/salesforce/callback";
    let answer = bench.exchange(&code, &[("redirect_uri", elsewhere)]).await;
    let mismatch = (
        400,
        "redirect_uri_mismatch",
        "redirect_uri must match configuration",
    );
    assert_eq!(oauth_error(&answer), mismatch);
    for name in ["code", "redirect_uri"] {
        let answer = bench.exchange("x", &[(name, "")]).await;
        let missing = format!("missing required parameter: {name}");
        assert_eq!(
            oauth_error(&answer),
            (400, "invalid_request", missing.as_str())
        );
    }
}

#[tokio::test]
async fn the_secret_can_be_left_out_only_where_the_app_says_so() {
    let bench = bench().await;
    let code = bench.code(&[]).await;
    let answer = bench.exchange(&code, &[("client_secret", "")]).await;
    assert_eq!(oauth_error(&answer), CLIENT_WRONG);
    // The app has to prove itself before the code counts as presented.
    assert_eq!(bench.exchange(&code, &[]).await.0, 200);
    bench
        .control("apps", json!({ "secret_for_web_server": false }))
        .await;
    let code = bench.code(&[]).await;
    let answer = bench.exchange(&code, &[("client_secret", "wrong")]).await;
    assert_eq!(oauth_error(&answer), CLIENT_WRONG);
    let (status, tokens) = bench.exchange(&code, &[("client_secret", "")]).await;
    assert_eq!(status, 200, "{tokens}");
    // The refresh has a switch of its own.
    let token = text(&tokens, "refresh_token");
    let answer = bench.refresh(token, &[("client_secret", "")]).await;
    assert_eq!(oauth_error(&answer), CLIENT_WRONG);
    bench
        .control("apps", json!({ "secret_for_refresh": false }))
        .await;
    assert_eq!(bench.refresh(token, &[("client_secret", "")]).await.0, 200);
}

#[tokio::test]
async fn basic_credentials_and_a_signed_assertion_prove_the_app_too() {
    let bench = bench().await;
    let ready = bench.sandbox.ready();
    let code = bench.code(&[]).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let request = bench
        .http
        .post(bench.url(TOKEN))
        .basic_auth(&ready.consumer_key, Some(&ready.api_key))
        .form(&form);
    assert_eq!(reply(request).await.0, 200);
    bench
        .control("apps", json!({ "certificate": jwt::CERTIFICATE }))
        .await;
    let key = &ready.consumer_key;
    let endpoint = bench.url(TOKEN);
    let good = jwt::sign(jwt::KEY, &jwt::claims(key, key, &endpoint));
    let forged = jwt::sign(jwt::OTHER_KEY, &jwt::claims(key, key, &endpoint));
    let of_user = jwt::sign(jwt::KEY, &jwt::claims(key, &ready.username, &endpoint));
    let elsewhere = jwt::sign(jwt::KEY, &jwt::claims(key, key, "https://evil.test"));
    for (assertion, status) in [
        (&forged, 400),
        (&of_user, 400),
        (&elsewhere, 400),
        (&good, 200),
    ] {
        let code = bench.code(&[]).await;
        let changes = [
            ("client_secret", ""),
            ("client_id", ""),
            ("client_assertion", assertion),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
        ];
        let answer = bench.exchange(&code, &changes).await;
        assert_eq!(answer.0.as_u16(), status, "{answer:?}");
        if status == 400 {
            assert_eq!(oauth_error(&answer), CLIENT_WRONG);
        }
    }
    // A secret that is sent is the one that counts.
    let code = bench.code(&[]).await;
    let changes = [
        ("client_secret", "wrong"),
        ("client_assertion", good.as_str()),
    ];
    assert_eq!(
        oauth_error(&bench.exchange(&code, &changes).await),
        CLIENT_WRONG
    );
}

#[tokio::test]
async fn the_token_acts_as_the_person_who_logged_in() {
    let bench = bench().await;
    let ready = bench.sandbox.ready();
    let mut browser = Browser::new();
    let back = browser
        .approve(
            &bench.authorize_url(&[]),
            "limited@bridged.example",
            &ready.password,
        )
        .await;
    let code = crate::support::consent::returned(&back)["code"].clone();
    let (_, tokens) = bench.exchange(&code, &[]).await;
    let request = bench
        .http
        .get(text(&tokens, "id"))
        .bearer_auth(text(&tokens, "access_token"));
    let (status, card): (_, Value) = reply(request).await;
    assert_eq!(status, 200);
    assert_eq!(card["username"], "limited@bridged.example");
}

#[tokio::test]
async fn a_fault_can_name_another_org_in_the_answer() {
    let bench = bench().await;
    let code = bench.code(&[]).await;
    let rule = json!({
        "match": { "path": "/services/oauth2/token" },
        "action": { "kind": "instance-url", "url": "https://evil.test" },
    });
    bench.fault(rule).await;
    let (_, tokens) = bench.exchange(&code, &[]).await;
    assert_eq!(tokens["instance_url"], "https://evil.test");
}
