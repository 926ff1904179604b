//! The web server flow: the address of one attempt, the exchange of its code, the end of its tokens.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bridged::foundation::code::Code;
use bridged::foundation::error::Error;
use bridged::foundation::secret::Secret;
use bridged::salesforce::web_server::{App, Granted, SignIn, authorize, callback_help};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use url::Url;

use super::org::{KEY, SECRET, settings, shown};
use crate::support::wire::{self, Reply, Request, Wire, answer};

const CALLBACK: &str = "http://localhost:8910/auth/salesforce/callback";
const CODE: &str = "aPrxCodeDontShow==";
const VERIFIER: &str = "verifierDontShow_0123456789012345678901234567";
const ACCESS: &str = "00Dxx0000000001!accessDontShow";
const REFRESH: &str = "5Aep861refreshDontShow";

fn app() -> App {
    App {
        consumer_key: KEY.to_owned(),
        consumer_secret: Some(Secret::new(SECRET)),
    }
}

fn sign_in(wire: &Wire) -> SignIn {
    SignIn::new(&settings(wire.url("http")), app()).unwrap()
}

async fn exchange(wire: &Wire) -> Result<Granted, Error> {
    let code = Secret::new(CODE);
    let verifier = Secret::new(VERIFIER);
    sign_in(wire).exchange(&code, &verifier, CALLBACK).await
}

fn clean(error: &Error) -> String {
    let text = shown(error);
    assert!(!text.contains("DontShow"), "{text}");
    text
}

fn tokens(request: &Request) -> Value {
    json!({
        "access_token": ACCESS,
        "refresh_token": REFRESH,
        "instance_url": format!("http://{}", request.header("host")),
        "id": "https://login.salesforce.com/id/00Dxx0000000001EAA/005xx0000000001AAA",
        "token_type": "Bearer",
        "scope": "refresh_token api",
        "issued_at": "1700000000000",
        "signature": "x",
    })
}

fn json_reply(body: &Value) -> Reply {
    wire::json(200, &body.to_string())
}

async fn org() -> Wire {
    Wire::start(|request| json_reply(&tokens(request))).await
}

/// A form's fields, in their order.
fn fields(body: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect()
}

#[test]
fn x14_the_address_of_an_attempt_carries_state_and_challenge() {
    let instance = Url::parse("https://acme.my.salesforce.com").unwrap();
    let attempt = authorize(&instance, KEY, CALLBACK, &["api", "refresh_token"]).unwrap();
    assert_eq!(attempt.url.origin(), instance.origin());
    assert_eq!(attempt.url.path(), "/services/oauth2/authorize");
    let given: BTreeMap<String, String> = attempt.url.query_pairs().into_owned().collect();
    let challenge = digest(&SHA256, attempt.verifier.expose().as_bytes());
    let expected = [
        ("response_type", "code"),
        ("client_id", KEY),
        ("redirect_uri", CALLBACK),
        ("scope", "api refresh_token"),
        ("state", attempt.state.expose()),
        ("code_challenge", &URL_SAFE_NO_PAD.encode(challenge)),
        ("code_challenge_method", "S256"),
    ];
    let expected: BTreeMap<String, String> = expected
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    assert_eq!(given, expected);
    let debug = format!("{:?} {:?}", attempt.verifier, attempt.state);
    assert!(!debug.contains(attempt.verifier.expose()), "{debug}");
    assert!(!attempt.url.as_str().contains(attempt.verifier.expose()));
}

#[test]
fn x14_every_attempt_has_a_state_and_a_verifier_of_its_own() {
    let instance = Url::parse("https://acme.my.salesforce.com").unwrap();
    let mut seen = BTreeSet::new();
    for _ in 0..1_000 {
        let attempt = authorize(&instance, KEY, CALLBACK, &["api"]).unwrap();
        for secret in [attempt.state, attempt.verifier] {
            let bytes = URL_SAFE_NO_PAD.decode(secret.expose()).unwrap();
            assert_eq!((secret.expose().len(), bytes.len()), (43, 32));
            assert!(seen.insert(bytes), "twice the same");
        }
    }
}

#[test]
fn a_callback_is_on_this_machine_or_over_https() {
    let instance = Url::parse("https://acme.my.salesforce.com").unwrap();
    for good in [
        CALLBACK,
        "http://127.0.0.1:1717/auth/salesforce/callback",
        "http://[::1]:1717/auth/salesforce/callback",
        "https://bridged.acme.example/auth/salesforce/callback",
    ] {
        authorize(&instance, KEY, good, &["api"]).unwrap();
    }
    for bad in [
        "",
        "/auth/salesforce/callback",
        "http://acme.example/auth/salesforce/callback",
        "http://localhost.evil.test/callback",
        "https://user:pw@acme.example/callback",
        "https://acme.example/callback#x",
        "javascript:alert(1)",
        "data:text/html,x",
        "bridged://callback",
        "file:///tmp/x",
    ] {
        let error = authorize(&instance, KEY, bad, &["api"]).unwrap_err();
        assert_eq!(error.code(), Code::ConnectionSettings, "{bad}");
        assert!(!error.message().contains("pw"), "{error}");
    }
}

#[tokio::test]
async fn a_code_becomes_tokens_of_the_org_that_was_asked() {
    let wire = org().await;
    let granted = exchange(&wire).await.unwrap();
    let asked = &wire.requests()[0];
    assert_eq!(
        (asked.method.as_str(), asked.target.as_str()),
        ("POST", "/services/oauth2/token")
    );
    let expected = [
        ("grant_type", "authorization_code"),
        ("code", CODE),
        ("code_verifier", VERIFIER),
        ("redirect_uri", CALLBACK),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(fields(&asked.body), expected);
    let basic = asked.header("authorization").strip_prefix("Basic ");
    assert_eq!(
        STANDARD.decode(basic.unwrap()).unwrap(),
        format!("{KEY}:{SECRET}").into_bytes()
    );
    assert_eq!(granted.access, Secret::new(ACCESS));
    assert_eq!(granted.refresh, Some(Secret::new(REFRESH)));
    assert_eq!(granted.scope, "refresh_token api");
    assert_eq!(
        granted.instance_url.as_str(),
        format!("{}/", wire.url("http"))
    );
    assert!(granted.identity_url.ends_with("/005xx0000000001AAA"));
    assert!(!format!("{granted:?}").contains("DontShow"));
}

#[tokio::test]
async fn an_app_without_a_secret_proves_itself_by_the_verifier_alone() {
    let wire = org().await;
    let public = App {
        consumer_key: KEY.to_owned(),
        consumer_secret: None,
    };
    let sign_in = SignIn::new(&settings(wire.url("http")), public).unwrap();
    let code = Secret::new(CODE);
    sign_in
        .exchange(&code, &Secret::new(VERIFIER), CALLBACK)
        .await
        .unwrap();
    let asked = &wire.requests()[0];
    assert_eq!(asked.header("authorization"), "");
    assert!(fields(&asked.body).contains(&("client_id".to_owned(), KEY.to_owned())));
}

#[tokio::test]
async fn an_app_without_the_refresh_scope_gives_no_refresh_token() {
    let wire = Wire::start(|request| {
        let mut body = tokens(request);
        let fields = body.as_object_mut().unwrap();
        for absent in [
            "refresh_token",
            "scope",
            "id",
            "issued_at",
            "signature",
            "token_type",
        ] {
            fields.shift_remove(absent);
        }
        json_reply(&body)
    })
    .await;
    let granted = exchange(&wire).await.unwrap();
    assert_eq!(granted.refresh, None);
    assert_eq!(
        (granted.scope.as_str(), granted.identity_url.as_str()),
        ("", "")
    );
}

#[tokio::test]
async fn x14_a_code_that_may_have_arrived_is_not_sent_again() {
    for (what, reply) in [
        ("cut off", Reply::Cut(Vec::new())),
        ("500", wire::json(500, "")),
        ("503 of a gateway", answer(503, &[], "<html></html>")),
        ("no answer", Reply::Hang(Vec::new())),
        ("no JSON", wire::json(200, "<html>")),
    ] {
        let wire = Wire::start(move |_| reply.clone()).await;
        let mut settings = settings(wire.url("http"));
        settings.timeouts.answer = Duration::from_millis(200);
        let sign_in = SignIn::new(&settings, app()).unwrap();
        let (code, verifier) = (Secret::new(CODE), Secret::new(VERIFIER));
        let error = sign_in
            .exchange(&code, &verifier, CALLBACK)
            .await
            .unwrap_err();
        clean(&error);
        assert_eq!(wire.requests().len(), 1, "{what}: {error}");
    }
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let sign_in = SignIn::new(&settings(format!("http://{address}")), app()).unwrap();
    let (code, verifier) = (Secret::new(CODE), Secret::new(VERIFIER));
    let error = sign_in
        .exchange(&code, &verifier, CALLBACK)
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::ConnectionFailed, "{}", clean(&error));
    assert_eq!(error.context().attempt, Some(3), "it never left");
}

#[tokio::test]
async fn refusals_of_an_exchange_have_their_names() {
    for (status, error, description, code) in [
        (
            400,
            "invalid_grant",
            "expired authorization code",
            Code::CodeExpired,
        ),
        (
            400,
            "invalid_grant",
            "invalid authorization code",
            Code::CodeExpired,
        ),
        (
            400,
            "redirect_uri_mismatch",
            "redirect_uri must match configuration",
            Code::CallbackMismatch,
        ),
        (
            400,
            "invalid_client",
            "invalid client credentials",
            Code::WrongApiKey,
        ),
        (
            400,
            "invalid_client_id",
            "client identifier invalid",
            Code::WrongConsumerKey,
        ),
        (
            400,
            "invalid_app_access",
            "user is not admin approved to access this app",
            Code::AppNotApproved,
        ),
        (
            400,
            "invalid_grant",
            "invalid code verifier",
            Code::SignInRefused,
        ),
    ] {
        let body = json!({ "error": error, "error_description": description }).to_string();
        let wire = Wire::start(move |_| wire::json(status, &body)).await;
        let failed = exchange(&wire).await.unwrap_err();
        assert_eq!(failed.code(), code, "{}", clean(&failed));
        assert!(failed.message().contains(description), "{failed}");
        assert_eq!(wire.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_callback_mismatch_names_the_address_to_register() {
    let body = r#"{"error":"redirect_uri_mismatch","error_description":"redirect_uri must match configuration"}"#;
    let wire = Wire::start(move |_| wire::json(400, body)).await;
    let error = exchange(&wire).await.unwrap_err();
    let help = error.help_text().unwrap();
    assert!(help.contains(&format!("`{CALLBACK}`")), "{help}");
    assert_eq!(help, callback_help(CALLBACK));
}

#[tokio::test]
async fn x11_granted_tokens_for_another_host_are_not_used() {
    let canary = Wire::canary().await;
    for evil in [
        canary.url("http"),
        "https://evil.my.salesforce.com".to_owned(),
        format!("http://user:pw@{}", canary.address),
        "http://127.0.0.1".to_owned(),
        "//127.0.0.1".to_owned(),
        "nonsense".to_owned(),
        String::new(),
    ] {
        let wire = Wire::start(move |request| {
            let mut body = tokens(request);
            body["instance_url"] = evil.clone().into();
            json_reply(&body)
        })
        .await;
        let error = exchange(&wire).await.unwrap_err();
        assert_eq!(error.code(), Code::HostRefused, "{}", clean(&error));
        assert_eq!(wire.requests().len(), 1);
    }
    assert_eq!(canary.connections(), 0);
}

#[tokio::test]
async fn x11_an_identity_address_is_shown_when_it_has_its_form_and_never_asked() {
    let canary = Wire::canary().await;
    let good = format!(
        "{}/id/00Dxx0000000001EAA/005xx0000000001AAA",
        canary.url("http")
    );
    for (id, kept) in [
        (good.as_str(), good.as_str()),
        ("https://evil.test/", ""),
        ("https://evil.test/id/x/y", ""),
        (
            "https://user:pw@login.salesforce.com/id/00Dxx0000000001EAA/005xx0000000001AAA",
            "",
        ),
        (
            "https://login.salesforce.com/id/00Dxx0000000001EAA/005xx0000000001AAA?x=<script>",
            "",
        ),
        (
            "https://login.salesforce.com/id/00Dxx0000000001EAA/005xx0000000001AAA/more",
            "",
        ),
        ("javascript:alert(1)", ""),
        ("javascript:/id/00Dxx0000000001EAA/005xx0000000001AAA", ""),
        ("\u{1b}[31m", ""),
    ] {
        let given = id.to_owned();
        let wire = Wire::start(move |request| {
            let mut body = tokens(request);
            body["id"] = given.clone().into();
            json_reply(&body)
        })
        .await;
        let granted = exchange(&wire).await.unwrap();
        assert_eq!(granted.identity_url, kept, "{id}");
        assert_eq!(wire.requests().len(), 1);
    }
    assert_eq!(canary.connections(), 0);
}

#[tokio::test]
async fn scopes_of_an_answer_are_words() {
    let wire = Wire::start(|request| {
        let mut body = tokens(request);
        body["scope"] = format!(
            "api\n<script> \u{1b}[1m cdp_query_api openid:x {}",
            "y ".repeat(9_000)
        )
        .into();
        json_reply(&body)
    })
    .await;
    let granted = exchange(&wire).await.unwrap();
    assert!(
        granted.scope.starts_with("api cdp_query_api openid:x y y"),
        "{}",
        granted.scope
    );
    assert!(granted.scope.len() <= 1_000);
}

#[tokio::test]
async fn x02_what_was_sent_is_not_shown_when_it_comes_back() {
    let wire = Wire::start(|request| {
        let sent = format!("{} {}", request.body, request.header("authorization"));
        let decoded: Vec<String> = fields(&request.body)
            .into_iter()
            .map(|(_, value)| value)
            .collect();
        let body =
            json!({ "error": "invalid_grant", "error_description": format!("{sent} {decoded:?}") });
        wire::json(400, &body.to_string())
    })
    .await;
    let error = exchange(&wire).await.unwrap_err();
    clean(&error);
    let basic = wire.requests()[0].header("authorization")[6..].to_owned();
    assert!(!shown(&error).contains(&basic), "{error}");
    for error in [
        sign_in(&wire)
            .refresh_once(&Secret::new(REFRESH))
            .await
            .unwrap_err(),
        sign_in(&wire)
            .revoke(&Secret::new(REFRESH))
            .await
            .unwrap_err(),
        sign_in(&wire)
            .identity(&Secret::new(ACCESS))
            .await
            .unwrap_err(),
    ] {
        clean(&error);
    }
}

#[tokio::test]
async fn a_refresh_token_of_one_s_own_is_refreshed_once() {
    for (given, kept) in [
        (json!("5AepNext"), Some(Secret::new("5AepNext"))),
        (json!(REFRESH), None),
        (Value::Null, None),
    ] {
        let wire = Wire::start(move |request| {
            let mut body = tokens(request);
            body["refresh_token"] = given.clone();
            json_reply(&body)
        })
        .await;
        let fresh = sign_in(&wire)
            .refresh_once(&Secret::new(REFRESH))
            .await
            .unwrap();
        assert_eq!(fresh.refresh, kept);
        assert_eq!(fresh.scope.as_deref(), Some("refresh_token api"));
        let asked = &wire.requests()[0];
        assert_eq!(
            asked.body,
            format!("grant_type=refresh_token&refresh_token={REFRESH}")
        );
    }
    let wire = Wire::start(|_| Reply::Cut(Vec::new())).await;
    sign_in(&wire)
        .refresh_once(&Secret::new(REFRESH))
        .await
        .unwrap_err();
    assert_eq!(wire.requests().len(), 1, "not repeated");
}

#[tokio::test]
async fn a_token_is_revoked_by_a_form_and_a_dead_one_counts_as_revoked() {
    let tries = AtomicUsize::new(0);
    let wire = Wire::start(move |_| match tries.fetch_add(1, Ordering::Relaxed) {
        0 => answer(503, &[], ""),
        _ => answer(200, &[], ""),
    })
    .await;
    sign_in(&wire)
        .revoke(&Secret::new("5Aep!/+="))
        .await
        .unwrap();
    assert_eq!(wire.requests().len(), 2, "repeating it does no harm");
    let asked = &wire.requests()[1];
    assert_eq!(
        (
            asked.method.as_str(),
            asked.target.as_str(),
            asked.body.as_str()
        ),
        ("POST", "/services/oauth2/revoke", "token=5Aep%21%2F%2B%3D")
    );

    let dead = r#"{"error":"invalid_token","error_description":"invalid token: 5AepX"}"#;
    let wire = Wire::start(move |_| wire::json(400, dead)).await;
    sign_in(&wire).revoke(&Secret::new("5AepX")).await.unwrap();

    let other = r#"{"error":"unsupported_token_type","error_description":"this token type is not supported"}"#;
    let wire = Wire::start(move |_| wire::json(400, other)).await;
    let error = sign_in(&wire)
        .revoke(&Secret::new("5AepX"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::SignInRefused, "{}", clean(&error));
}

#[tokio::test]
async fn an_identity_is_asked_of_the_org_itself() {
    let wire = Wire::start(|_| {
        wire::json(
            200,
            r#"{"user_id":"005xx0000000001AAA","organization_id":"00Dxx0000000001EAA","preferred_username":"ada@acme.example","urls":{"rest":"https://evil.test/"}}"#,
        )
    })
    .await;
    let identity = sign_in(&wire).identity(&Secret::new(ACCESS)).await.unwrap();
    assert_eq!(
        identity.preferred_username.as_deref(),
        Some("ada@acme.example")
    );
    let asked = &wire.requests()[0];
    assert_eq!(asked.target, "/services/oauth2/userinfo");
    assert_eq!(asked.header("authorization"), format!("Bearer {ACCESS}"));

    let wire = Wire::start(|_| answer(403, &[], "Bad_OAuth_Token")).await;
    let error = sign_in(&wire)
        .identity(&Secret::new(ACCESS))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::SessionExpired, "{}", clean(&error));
}

#[test]
fn x09_a_sign_in_goes_to_an_org_s_own_host_alone() {
    for (address, code) in [
        ("https://login.salesforce.com", Code::LoginHost),
        ("https://test.salesforce.com", Code::LoginHost),
        (
            "https://acme.my.salesforce.com.evil.test",
            Code::HostRefused,
        ),
        ("https://user@acme.my.salesforce.com", Code::HostRefused),
        ("http://acme.my.salesforce.com", Code::HostRefused),
    ] {
        let error = SignIn::new(&settings(address), app()).err().unwrap();
        assert_eq!(error.code(), code, "{address}");
    }
    let sign_in = SignIn::new(&settings("https://acme.my.salesforce.com"), app()).unwrap();
    let attempt = sign_in.authorize(CALLBACK, &["api"]).unwrap();
    assert_eq!(attempt.url.origin(), sign_in.instance().origin());
}
