//! JWT bearer: what an assertion must say, who must have approved, and how each refusal reads.

use serde_json::{Value, json};

use super::client::{Bench, Reply, bench, reply};
use super::web_flow::{oauth_error, text};
use crate::support::jwt::{self, CERTIFICATE, KEY, OTHER_KEY, PUBLIC, sign, sign_with};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const LOGIN: &str = "https://login.salesforce.com";
const INVALID: (u16, &str, &str) = (400, "invalid_grant", "invalid assertion");
const AUDIENCE: (u16, &str, &str) = (400, "invalid_grant", "Audience validation failed");
const LATE: (u16, &str, &str) = (
    400,
    "invalid_grant",
    "assertion is expired or lives too long",
);
const NOT_APPROVED: (u16, &str, &str) =
    (400, "invalid_grant", "user hasn't approved this consumer");

/// A sandbox whose app has the certificate, and whose user an administrator approved.
async fn approved() -> Bench {
    let bench = bench().await;
    let username = &bench.sandbox.ready().username;
    let settings = json!({ "certificate": CERTIFICATE, "approved": [username] });
    bench.control("apps", settings).await;
    bench
}

async fn exchange(bench: &Bench, assertion: &str) -> Reply {
    bench
        .grant(&[("grant_type", GRANT), ("assertion", assertion)])
        .await
}

fn claims(bench: &Bench, audience: &str) -> Value {
    let ready = bench.sandbox.ready();
    jwt::claims(&ready.consumer_key, &ready.username, audience)
}

#[tokio::test]
async fn an_approved_user_gets_a_token_without_a_refresh_token_or_a_signature() {
    let bench = approved().await;
    let (status, tokens) = exchange(&bench, &sign(KEY, &claims(&bench, LOGIN))).await;
    assert_eq!(status, 200, "{tokens}");
    let members: Vec<&String> = tokens.as_object().unwrap().keys().collect();
    let expected = [
        "access_token",
        "scope",
        "instance_url",
        "id",
        "token_type",
        "api_instance_url",
    ];
    assert_eq!(members, expected);
    assert_eq!(tokens["scope"], "api id web");
    assert_eq!(bench.status_with(text(&tokens, "access_token")).await, 200);
}

#[tokio::test]
async fn a_certificate_and_a_public_key_do_the_same() {
    let bench = approved().await;
    let assertion = sign(KEY, &claims(&bench, LOGIN));
    for pem in [CERTIFICATE, PUBLIC] {
        bench.control("apps", json!({ "certificate": pem })).await;
        assert_eq!(exchange(&bench, &assertion).await.0, 200);
    }
    bench.control("apps", json!({ "certificate": null })).await;
    assert_eq!(oauth_error(&exchange(&bench, &assertion).await), INVALID);
}

#[tokio::test]
async fn what_is_no_rsa_key_is_no_certificate() {
    let bench = bench().await;
    let elliptic = "-----BEGIN PUBLIC KEY-----\n\
                    MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEQXQrZYph80uQZ1veVBGZ3T1SDuPk\n\
                    GNRgeiufJPmQaoritQwwMAOCNVpYob4y1rlY+MQ/ojNgHUVJSw48S7vJpw==\n\
                    -----END PUBLIC KEY-----\n";
    let cut = &CERTIFICATE[..CERTIFICATE.len() / 2];
    for pem in ["", "nonsense", KEY, elliptic, cut] {
        let request = bench
            .http
            .post(bench.url("/_sandbox/apps"))
            .json(&json!({ "certificate": pem }));
        assert_eq!(reply(request).await.0, 400, "{pem}");
    }
}

#[tokio::test]
async fn an_assertion_that_is_not_signed_by_the_app_is_refused() {
    let bench = approved().await;
    let good = claims(&bench, LOGIN);
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        sign(KEY, &claims)
    };
    let valid = sign(KEY, &good);
    let (head, signature) = valid.rsplit_once('.').unwrap();
    let (header, _) = head.split_once('.').unwrap();
    let other_body = with("sub", json!("limited@bridged.example"));
    let other_body = other_body.split('.').nth(1).unwrap();
    for (what, assertion, refused) in [
        ("another key", sign(OTHER_KEY, &good), INVALID),
        (
            "another body",
            format!("{header}.{other_body}.{signature}"),
            INVALID,
        ),
        ("no signature", format!("{head}."), INVALID),
        ("no parts", "nonsense".to_owned(), INVALID),
        ("no JSON", "e30.e30.e30".to_owned(), INVALID),
        (
            "none",
            sign_with(KEY, &json!({ "alg": "none" }), &good),
            INVALID,
        ),
        (
            "HS256",
            sign_with(KEY, &json!({ "alg": "HS256" }), &good),
            INVALID,
        ),
        ("no subject", with("sub", Value::Null), INVALID),
    ] {
        assert_eq!(
            oauth_error(&exchange(&bench, &assertion).await),
            refused,
            "{what}"
        );
    }
    let answer = bench.grant(&[("grant_type", GRANT)]).await;
    let missing = (
        400,
        "invalid_request",
        "missing required parameter: assertion",
    );
    assert_eq!(oauth_error(&answer), missing);
}

#[tokio::test]
async fn every_claim_that_is_wrong_is_refused_in_its_own_words() {
    let bench = approved().await;
    let now = jiff::Timestamp::now().as_second();
    let good = claims(&bench, LOGIN);
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        sign(KEY, &claims)
    };
    for (what, assertion, refused) in [
        (
            "another issuer",
            with("iss", json!("3MVG9x")),
            (400, "invalid_client_id", "client identifier invalid"),
        ),
        (
            "test host",
            with("aud", json!("https://test.salesforce.com")),
            AUDIENCE,
        ),
        (
            "another org",
            with("aud", json!("https://other.my.salesforce.com")),
            AUDIENCE,
        ),
        ("no audience", with("aud", Value::Null), AUDIENCE),
        ("ended", with("exp", json!(now - 1)), LATE),
        ("endless", with("exp", json!(now + 3_600)), LATE),
        ("no end", with("exp", Value::Null), LATE),
        (
            "nobody",
            with("sub", json!("nobody@bridged.example")),
            NOT_APPROVED,
        ),
        (
            "not approved",
            with("sub", json!("limited@bridged.example")),
            NOT_APPROVED,
        ),
    ] {
        assert_eq!(
            oauth_error(&exchange(&bench, &assertion).await),
            refused,
            "{what}"
        );
    }
}

#[tokio::test]
async fn an_assertion_may_be_for_the_org_itself_and_its_end_be_a_text() {
    let bench = approved().await;
    let own = bench.url("");
    for audience in [
        own.clone(),
        format!("{own}/"),
        bench.url("/services/oauth2/token"),
    ] {
        let answer = exchange(&bench, &sign(KEY, &claims(&bench, &audience))).await;
        assert_eq!(answer.0, 200, "{audience}");
    }
    let mut claims = claims(&bench, LOGIN);
    claims["exp"] = json!(claims["exp"].to_string());
    claims["aud"] = json!([LOGIN, "https://elsewhere.test"]);
    assert_eq!(exchange(&bench, &sign(KEY, &claims)).await.0, 200);
}

#[tokio::test]
async fn a_sandbox_org_is_logged_into_at_the_test_host() {
    let bench = approved().await;
    let org = bench.records("Organization").await[0]["Id"].clone();
    bench
        .control(
            "records/Organization",
            json!({ "Id": org, "IsSandbox": true }),
        )
        .await;
    let to = |host: &str| sign(KEY, &claims(&bench, host));
    assert_eq!(oauth_error(&exchange(&bench, &to(LOGIN)).await), AUDIENCE);
    assert_eq!(
        exchange(&bench, &to("https://test.salesforce.com")).await.0,
        200
    );
}

#[tokio::test]
async fn a_user_who_consented_to_refresh_tokens_before_needs_no_administrator() {
    let bench = bench().await;
    bench
        .control("apps", json!({ "certificate": CERTIFICATE }))
        .await;
    let assertion = sign(KEY, &claims(&bench, LOGIN));
    assert_eq!(
        oauth_error(&exchange(&bench, &assertion).await),
        NOT_APPROVED
    );
    bench.code(&[("scope", "api")]).await;
    assert_eq!(
        oauth_error(&exchange(&bench, &assertion).await),
        NOT_APPROVED
    );
    bench.code(&[("scope", "api refresh_token")]).await;
    let (status, tokens) = exchange(&bench, &assertion).await;
    assert_eq!((status.as_u16(), &tokens["scope"]), (200, &json!("api")));
}

#[tokio::test]
async fn where_an_administrator_has_to_approve_the_refusal_says_so() {
    let bench = approved().await;
    let assertion = sign(KEY, &claims(&bench, LOGIN));
    let settings = json!({ "admin_approved_only": true, "approved": [] });
    bench.control("apps", settings).await;
    let refused = (
        400,
        "invalid_app_access",
        "user is not admin approved to access this app",
    );
    assert_eq!(oauth_error(&exchange(&bench, &assertion).await), refused);
}

#[tokio::test]
async fn an_app_without_refresh_tokens_has_no_jwt_bearer() {
    let bench = approved().await;
    bench.control("apps", json!({ "scopes": ["api"] })).await;
    let answer = exchange(&bench, &sign(KEY, &claims(&bench, LOGIN))).await;
    let refused = (400, "invalid_request", "refresh_token scope is required");
    assert_eq!(oauth_error(&answer), refused);
}
