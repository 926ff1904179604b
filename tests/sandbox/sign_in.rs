//! Signing in: every refusal in its own words, sessions and their end.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::client::{V, bench, refusal, reply};
use super::web_flow::{TOKEN, oauth_error};

#[tokio::test]
async fn a_token_answer_has_the_shape_of_the_wire() {
    let bench = bench().await;
    let ready = bench.sandbox.ready();
    let pairs = [
        ("grant_type", "client_credentials"),
        ("client_id", ready.consumer_key.as_str()),
        ("client_secret", ready.api_key.as_str()),
    ];
    let (status, body) = bench.grant(&pairs).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["instance_url"], ready.salesforce_url.as_str());
    assert!(body["issued_at"].as_str().unwrap().parse::<i64>().unwrap() > 1_000_000_000_000);
    assert!(body.get("expires_in").is_none() && body.get("refresh_token").is_none());
    let token = body["access_token"].as_str().unwrap();
    let org = body["id"].as_str().unwrap().split('/').nth(4).unwrap();
    assert_eq!(org.len(), 18);
    assert_eq!(token.split_once('!').unwrap().0, &org[..15]);
}

#[tokio::test]
async fn basic_credentials_work_like_a_form() {
    let bench = bench().await;
    let ready = bench.sandbox.ready();
    let request = bench
        .http
        .post(bench.url(TOKEN))
        .basic_auth(&ready.consumer_key, Some(&ready.api_key))
        .form(&[("grant_type", "client_credentials")]);
    assert_eq!(reply(request).await.0, StatusCode::OK);
}

#[tokio::test]
async fn each_wrong_grant_is_refused_in_its_own_words() {
    let bench = bench().await;
    let ready = bench.sandbox.ready();
    let (key, secret) = (ready.consumer_key.as_str(), ready.api_key.as_str());
    let apps: Value = reply(bench.http.get(bench.url("/_sandbox/apps"))).await.1;
    let nobody = apps.as_array().unwrap().last().unwrap();
    let credentials = ("grant_type", "client_credentials");
    for (pairs, error, description) in [
        (
            vec![("client_id", key)],
            "unsupported_grant_type",
            "grant type not supported",
        ),
        (
            vec![("grant_type", "implicit")],
            "unsupported_grant_type",
            "grant type not supported",
        ),
        (
            vec![
                credentials,
                ("client_id", "3MVG9x"),
                ("client_secret", secret),
            ],
            "invalid_client_id",
            "client identifier invalid",
        ),
        (
            vec![credentials, ("client_id", key), ("client_secret", "wrong")],
            "invalid_client",
            "invalid client credentials",
        ),
        (
            vec![
                credentials,
                ("client_id", nobody["consumer_key"].as_str().unwrap()),
                ("client_secret", nobody["api_key"].as_str().unwrap()),
            ],
            "invalid_grant",
            "no client credentials user enabled",
        ),
        (
            vec![credentials],
            "invalid_request",
            "missing required parameter: client_id",
        ),
        (
            vec![credentials, ("client_id", key)],
            "invalid_request",
            "missing required parameter: client_secret",
        ),
        (
            vec![
                ("grant_type", "password"),
                ("username", "x"),
                ("password", "y"),
            ],
            "invalid_grant",
            "authentication failure",
        ),
    ] {
        let answer = bench.grant(&pairs).await;
        assert_eq!(oauth_error(&answer), (400, error, description), "{pairs:?}");
    }
}

#[tokio::test]
async fn the_shared_login_hosts_refuse_client_credentials() {
    let bench = bench().await;
    let ready = bench.sandbox.ready();
    for host in [
        "login.salesforce.com",
        "test.salesforce.com",
        "LOGIN.salesforce.com:443",
    ] {
        let request = bench
            .http
            .post(bench.url(TOKEN))
            .header("Host", host)
            .basic_auth(&ready.consumer_key, Some(&ready.api_key))
            .form(&[("grant_type", "client_credentials")]);
        let answer = reply(request).await;
        let refused = (400, "invalid_grant", "request not supported on this domain");
        assert_eq!(oauth_error(&answer), refused, "{host}");
    }
}

#[tokio::test]
async fn a_json_body_is_no_form() {
    let bench = bench().await;
    let body = json!({ "grant_type": "client_credentials" });
    let answer = reply(bench.http.post(bench.url(TOKEN)).json(&body)).await;
    assert_eq!(oauth_error(&answer).1, "unsupported_grant_type");
}

#[tokio::test]
async fn an_inactive_user_gets_no_token() {
    let bench = bench().await;
    let users = bench.records("User").await;
    let mut user = users
        .into_iter()
        .find(|user| user["Username"] == "integration@bridged.example");
    let user = user.as_mut().unwrap();
    bench
        .control(
            "records/User",
            json!({ "Id": user["Id"], "IsActive": false }),
        )
        .await;
    let ready = bench.sandbox.ready();
    let request = bench
        .http
        .post(bench.url(TOKEN))
        .basic_auth(&ready.consumer_key, Some(&ready.api_key))
        .form(&[("grant_type", "client_credentials")]);
    assert_eq!(
        oauth_error(&reply(request).await),
        (400, "inactive_user", "user is inactive")
    );
}

#[tokio::test]
async fn what_has_no_session_is_told_so() {
    let bench = bench().await;
    let expired = (401, "INVALID_SESSION_ID", "Session expired or invalid");
    let request = bench.http.get(bench.url(&format!("{V}/limits")));
    assert_eq!(refusal(&reply(request).await), expired);
    let request = bench
        .http
        .get(bench.url(&format!("{V}/limits")))
        .bearer_auth("00D!wrong");
    assert_eq!(refusal(&reply(request).await), expired);
}

#[tokio::test]
async fn a_revoked_token_is_dead_and_cannot_be_revoked_twice() {
    let bench = bench().await;
    let revoke = || {
        let form = [("token", bench.token.as_str())];
        reply(
            bench
                .http
                .post(bench.url("/services/oauth2/revoke"))
                .form(&form),
        )
    };
    assert_eq!(bench.get(&format!("{V}/limits")).await.0, StatusCode::OK);
    assert_eq!(revoke().await, (StatusCode::OK, Value::Null));
    assert_eq!(
        bench.get(&format!("{V}/limits")).await.0,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(oauth_error(&revoke().await).1, "invalid_token");
}

#[tokio::test]
async fn a_session_nobody_uses_ends() {
    let bench = bench().await;
    bench
        .control("sessions", json!({ "lifetime": "15m" }))
        .await;
    bench.control("clock", json!({ "advance": "14m" })).await;
    assert_eq!(bench.get(&format!("{V}/limits")).await.0, StatusCode::OK);
    bench.control("clock", json!({ "advance": "16m" })).await;
    assert_eq!(
        bench.get(&format!("{V}/limits")).await.0,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn identity_and_userinfo_tell_who_is_signed_in() {
    let bench = bench().await;
    let (_, resources) = bench.get(V).await;
    let identity = resources["identity"].as_str().unwrap();
    let request = bench.http.get(identity).query(&[
        ("oauth_token", &bench.token),
        ("format", &"json".to_owned()),
    ]);
    let (status, card) = reply(request).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(card["username"], "integration@bridged.example");
    let (_, claims) = bench.get("/services/oauth2/userinfo").await;
    assert_eq!(claims["user_id"], card["user_id"]);
    let stranger = reply(bench.http.get(identity)).await;
    assert_eq!(stranger.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_same_seed_gives_the_same_keys() {
    let (first, second) = (bench().await, bench().await);
    assert_eq!(
        first.sandbox.ready().consumer_key,
        second.sandbox.ready().consumer_key
    );
    assert_eq!(
        first.sandbox.ready().api_key,
        second.sandbox.ready().api_key
    );
    assert_ne!(
        first.sandbox.ready().salesforce_url,
        second.sandbox.ready().salesforce_url
    );
    let line = serde_json::to_value(first.sandbox.ready()).unwrap();
    let keys: Vec<&str> = line
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        keys,
        [
            "salesforce_url",
            "consumer_key",
            "api_key",
            "username",
            "password",
            "callback_url",
            "whatsapp_url",
            "whatsapp_token",
            "whatsapp_phone_number_id",
            "whatsapp_business_account_id",
            "whatsapp_app_secret",
            "whatsapp_verify_token"
        ]
    );
}

#[tokio::test]
async fn only_post_gives_tokens() {
    let bench = bench().await;
    let answer = reply(bench.http.request(Method::GET, bench.url(TOKEN))).await;
    assert_eq!(answer.0, StatusCode::METHOD_NOT_ALLOWED);
}
