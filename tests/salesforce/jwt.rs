//! The JWT bearer grant: a statement that Salesforce can check, keys that are none, clocks that are wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bridged::foundation::code::Code;
use bridged::foundation::error::Error;
use bridged::foundation::secret::Secret;
use bridged::salesforce::client::Client;
use bridged::salesforce::credentials::Credentials;
use bridged::salesforce::query::Scope;
use bridged::salesforce::settings::Settings;
use bridged::salesforce::signing_key::SigningKey;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};

use super::org::{KEY, org, page, settings, shown, token};
use crate::support::keys::{self, pem};
use crate::support::wire::{Reply, Request, Wire, answer};

const USER: &str = "integration@acme.example";
const TOKEN_PATH: &str = "/services/oauth2/token";

fn key(text: &str) -> Result<SigningKey, Error> {
    SigningKey::from_pem(&Secret::new(text))
}

fn signed_by(url: String, audience: Option<&str>) -> Settings {
    let mut settings = settings(url);
    settings.credentials = Credentials::Jwt {
        consumer_key: KEY.to_owned(),
        username: USER.to_owned(),
        private_key: key(&keys::pkcs8()).unwrap(),
        audience: audience.map(ToOwned::to_owned),
    };
    settings
}

fn assertion(request: &Request) -> String {
    let start = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
    let text = request
        .body
        .strip_prefix(start)
        .expect("the form of the grant");
    text.to_owned()
}

/// Checks a statement as Salesforce does, and returns its header and claims.
fn opened(assertion: &str) -> (Value, Value) {
    let (signed, signature) = assertion.rsplit_once('.').expect("three parts");
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).expect("base64url");
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, keys::public())
        .verify(signed.as_bytes(), &decode(signature))
        .expect("a good signature");
    let (header, claims) = signed.split_once('.').expect("three parts");
    let json = |text: &str| serde_json::from_slice(&decode(text)).expect("JSON");
    (json(header), json(claims))
}

fn unix_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_secs().cast_signed()
}

fn date(at: i64) -> String {
    let at = UNIX_EPOCH + Duration::from_secs(at.cast_unsigned());
    format!("Date: {}", httpdate::fmt_http_date(at))
}

#[tokio::test]
async fn the_statement_names_app_user_and_org_and_is_signed() {
    let wire = org(|_| page(0, None, "")).await;
    let client = Client::new(signed_by(wire.url("http"), None)).unwrap();
    client
        .query("SELECT Id FROM Lead", Scope::Live, None)
        .await
        .unwrap();
    let asked = &wire.requests()[0];
    assert_eq!(
        (asked.method.as_str(), asked.target.as_str()),
        ("POST", TOKEN_PATH)
    );
    assert_eq!(
        asked.header("authorization"),
        "",
        "the statement is the proof"
    );
    assert_eq!(
        asked.header("content-type"),
        "application/x-www-form-urlencoded"
    );
    let (header, claims) = opened(&assertion(asked));
    assert_eq!(header, json!({ "alg": "RS256", "typ": "JWT" }));
    assert_eq!(claims["iss"], KEY);
    assert_eq!(claims["sub"], USER);
    assert_eq!(claims["aud"], wire.url("http"));
    let left = claims["exp"].as_i64().unwrap() - unix_now();
    assert!((170..=180).contains(&left), "{left} s");
}

#[tokio::test]
async fn an_audience_of_choice_is_sent() {
    let wire = org(|_| page(0, None, "")).await;
    let settings = signed_by(wire.url("http"), Some("https://test.salesforce.com"));
    Client::new(settings).unwrap().sign_in().await.unwrap();
    let (_, claims) = opened(&assertion(&wire.requests()[0]));
    assert_eq!(claims["aud"], "https://test.salesforce.com");
}

#[tokio::test]
async fn a_dead_token_is_renewed_by_a_statement_of_its_own() {
    let wire = org(|request| {
        if request.header("authorization").ends_with('1') {
            crate::support::wire::json(401, r#"[{"message":"x","errorCode":"INVALID_SESSION_ID"}]"#)
        } else {
            page(0, None, "")
        }
    })
    .await;
    let client = Client::new(signed_by(wire.url("http"), None)).unwrap();
    let calls = (0..50).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.query("SELECT Id FROM Lead", Scope::Live, None).await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap().unwrap();
    }
    assert_eq!(wire.requests_to(TOKEN_PATH).len(), 2);
}

/// Answers as an org at `now` does: a statement that is expired, or good for more than three minutes, is refused.
fn strict(now: i64, request: &Request) -> Reply {
    if request.target != TOKEN_PATH {
        return answer(200, &[&date(now), "Content-Type: application/json"], "[]");
    }
    let (_, claims) = opened(&assertion(request));
    let left = claims["exp"].as_i64().unwrap() - now;
    if (1..=182).contains(&left) {
        return token(&format!("http://{}", request.header("host")), 1);
    }
    let body = r#"{"error":"invalid_grant","error_description":"expired assertion"}"#;
    answer(400, &[&date(now), "Content-Type: application/json"], body)
}

#[tokio::test]
async fn the_statement_expires_by_the_server_s_clock() {
    for wrong in [-7_200, 7_200, -90, 90] {
        let now = unix_now() + wrong;
        let wire = Wire::start(move |request| strict(now, request)).await;
        let client = Client::new(signed_by(wire.url("http"), None)).unwrap();
        client.server_time().await.unwrap();
        client.sign_in().await.unwrap();
        assert_eq!(wire.requests_to(TOKEN_PATH).len(), 1, "{wrong} s");
    }
}

#[tokio::test]
async fn a_wrong_clock_of_this_machine_is_found_out_by_the_refusal() {
    for wrong in [-7_200, 7_200] {
        let now = unix_now() + wrong;
        let wire = Wire::start(move |request| strict(now, request)).await;
        let client = Client::new(signed_by(wire.url("http"), None)).unwrap();
        client.sign_in().await.unwrap();
        assert_eq!(wire.requests_to(TOKEN_PATH).len(), 2, "{wrong} s");
    }
    // Where the clock is right, the refusal has another reason, and stands.
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tries);
    let now = unix_now();
    let wire = Wire::start(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        let body =
            r#"{"error":"invalid_grant","error_description":"user hasn't approved this consumer"}"#;
        answer(400, &[&date(now)], body)
    })
    .await;
    let client = Client::new(signed_by(wire.url("http"), None)).unwrap();
    let error = client.sign_in().await.unwrap_err();
    assert_eq!(error.code(), Code::AppNotApproved, "{}", shown(&error));
    assert_eq!(tries.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn x11_a_token_for_another_host_is_not_used() {
    let canary = Wire::canary().await;
    let evil = canary.url("http");
    let wire = Wire::start(move |_| token(&evil, 1)).await;
    let client = Client::new(signed_by(wire.url("http"), None)).unwrap();
    let error = client.sign_in().await.unwrap_err();
    assert_eq!(error.code(), Code::HostRefused, "{}", shown(&error));
    assert_eq!((wire.requests().len(), canary.connections()), (1, 0));
}

#[tokio::test]
async fn a_statement_sent_back_in_an_answer_is_not_shown() {
    let wire = Wire::start(|request| {
        let sent = assertion(request);
        let body = json!({ "error": "invalid_grant", "error_description": format!("bad {sent}") });
        crate::support::wire::json(400, &body.to_string())
    })
    .await;
    let client = Client::new(signed_by(wire.url("http"), None)).unwrap();
    let error = client.sign_in().await.unwrap_err();
    let sent = assertion(&wire.requests()[0]);
    assert_eq!(error.message(), "Salesforce refused the log-in: bad …");
    assert!(!shown(&error).contains(&sent));
}

#[test]
fn keys_in_every_usual_form_are_taken() {
    let escaped = keys::pkcs8().trim().replace('\n', "\\n");
    let windows = keys::pkcs8().replace('\n', "\r\n");
    let commented = format!("Bag Attributes\n  friendlyName: x\n{}", keys::pkcs8());
    let certificate = rcgen::generate_simple_self_signed(vec!["x.test".to_owned()]).unwrap();
    let beside = format!("{}{}", certificate.cert.pem(), keys::pkcs8());
    for (what, text) in [
        ("PKCS#8", keys::pkcs8()),
        ("PKCS#1", keys::pkcs1()),
        ("escaped line ends", escaped),
        ("Windows line ends", windows),
        ("words before it", commented),
        ("behind its certificate", beside),
    ] {
        let key = key(&text).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(format!("{key:?}"), "SigningKey(…)");
    }
}

#[test]
fn keys_that_cannot_sign_are_refused_with_the_reason() {
    let elliptic = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::generate_simple_self_signed(vec!["x.test".to_owned()]).unwrap();
    let damaged = keys::pkcs8()
        .replacen("AAOCA", "AAOCB", 1)
        .replacen("MIIE", "MIIF", 1);
    let cut = keys::pkcs8().lines().take(9).collect::<Vec<_>>().join("\n");
    for (what, text, reason) in [
        ("nothing", String::new(), "it is empty"),
        ("blanks", " \n".to_owned(), "it is empty"),
        ("a word", "s3cretword".to_owned(), "not a PEM text"),
        (
            "a certificate",
            certificate.cert.pem(),
            "it is the certificate",
        ),
        (
            "a public key",
            pem("PUBLIC KEY", &keys::base64()),
            "it is the public key",
        ),
        ("an EC key", elliptic.serialize_pem(), "it is no RSA key"),
        (
            "an EC key of old",
            pem("EC PRIVATE KEY", "c3Nl"),
            "it is no RSA key",
        ),
        (
            "an OpenSSH key",
            pem("OPENSSH PRIVATE KEY", "c3Nl"),
            "OpenSSH",
        ),
        (
            "a protected key",
            pem("ENCRYPTED PRIVATE KEY", &keys::base64()),
            "under a password",
        ),
        (
            "a protected key of old",
            keys::pkcs1().replacen('\n', "\nProc-Type: 4,ENCRYPTED\n\n", 1),
            "under a password",
        ),
        ("a short key", keys::short(), "shorter than 2,048 bits"),
        ("a damaged key", damaged, "damaged"),
        ("half a key", cut, "damaged"),
        (
            "the wrong label",
            pem("RSA PRIVATE KEY", &keys::base64()),
            "damaged",
        ),
        ("no base64", pem("PRIVATE KEY", "!!!!"), "damaged"),
    ] {
        let error = key(&text).expect_err(what);
        assert_eq!(error.code(), Code::PrivateKeyUnusable, "{what}");
        assert!(error.message().contains(reason), "{what}: {error}");
        assert!(error.help_text().is_some(), "{what}");
        let all = format!("{error} {error:?}");
        assert!(
            !all.contains("s3cretword") && !all.contains(&keys::base64()[40..60]),
            "{all}"
        );
    }
}

#[test]
fn credentials_show_their_way_and_nothing_else() {
    let settings = signed_by("https://acme.my.salesforce.com".to_owned(), None);
    let shown = format!("{:?} {settings:?}", settings.credentials);
    assert!(shown.starts_with("Credentials(jwt)"), "{shown}");
    assert!(!shown.contains(KEY) && !shown.contains(USER), "{shown}");
    assert_eq!(settings.credentials.consumer_key(), KEY);
}
