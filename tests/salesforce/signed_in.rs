//! Every way to sign in, against the sandbox: two readings of the same documents must agree.

use std::sync::Arc;

use bridged::foundation::code::Code;
use bridged::foundation::error::Error;
use bridged::foundation::secret::Secret;
use bridged::salesforce::client::Client;
use bridged::salesforce::credentials::Credentials;
use bridged::salesforce::keeper::TokenKeeper;
use bridged::salesforce::query::Scope;
use bridged::salesforce::settings::Settings;
use bridged::salesforce::signing_key::SigningKey;
use bridged::salesforce::web_server::{App, Granted, SignIn, refusal};
use serde_json::{Value, json};

use super::keeper::Kept;
use crate::support::consent::{Browser, returned};
use crate::support::jwt::{CERTIFICATE, KEY, OTHER_KEY};
use crate::support::org::Org;

const SCOPES: &[&str] = &["api", "refresh_token"];

fn app(org: &Org) -> App {
    let ready = org.sandbox.ready();
    App {
        consumer_key: ready.consumer_key.clone(),
        consumer_secret: Some(Secret::new(ready.api_key.clone())),
    }
}

fn sign_in(org: &Org) -> SignIn {
    SignIn::new(&org.settings(), app(org)).unwrap()
}

/// What the browser brings back from one attempt, with the attempt's verifier.
async fn code(org: &Org, sign_in: &SignIn) -> (Secret, Secret) {
    let ready = org.sandbox.ready();
    let attempt = sign_in.authorize(&ready.callback_url, SCOPES).unwrap();
    let back = Browser::new()
        .approve(attempt.url.as_str(), &ready.username, &ready.password)
        .await;
    assert!(back.starts_with(&ready.callback_url), "{back}");
    let mut given = returned(&back);
    assert!(attempt.state.matches(&given["state"]));
    let code = given.remove("code").unwrap_or_else(|| panic!("{back}"));
    (Secret::new(code), attempt.verifier)
}

async fn connect(org: &Org) -> Granted {
    let sign_in = sign_in(org);
    let (code, verifier) = code(org, &sign_in).await;
    let callback = &org.sandbox.ready().callback_url;
    sign_in.exchange(&code, &verifier, callback).await.unwrap()
}

/// A keeper of what was granted.
fn kept(granted: &Granted) -> Arc<Kept> {
    Kept::with(|tokens| {
        tokens.access = Some(granted.access.clone());
        tokens.refresh.clone_from(&granted.refresh);
    })
}

fn kept_by(org: &Org, app: App, kept: &Arc<Kept>) -> Client {
    let mut settings = org.settings();
    settings.credentials = Credentials::Oauth {
        consumer_key: app.consumer_key,
        consumer_secret: app.consumer_secret,
        keeper: Arc::clone(kept) as Arc<dyn TokenKeeper>,
    };
    Client::new(settings).unwrap()
}

async fn query(client: &Client) -> Result<(), Error> {
    let page = client.query("SELECT Id FROM Lead LIMIT 1", Scope::Live, None);
    page.await.map(|_| ())
}

async fn expire(org: &Org) {
    org.control("sessions", json!({ "expire": true })).await;
}

#[tokio::test]
async fn a_person_signs_in_in_the_browser_and_the_session_is_renewed_for_good() {
    for rotation in [false, true] {
        let org = Org::with_leads(3).await;
        org.control("apps", json!({ "rotation": rotation })).await;
        let granted = connect(&org).await;
        assert!(granted.scope.contains("api"), "{}", granted.scope);
        assert!(
            granted.identity_url.contains("/id/00D"),
            "{}",
            granted.identity_url
        );
        let identity = sign_in(&org).identity(&granted.access).await.unwrap();
        let username = &org.sandbox.ready().username;
        assert_eq!(identity.preferred_username.as_ref(), Some(username));

        let kept = kept(&granted);
        let client = kept_by(&org, app(&org), &kept);
        for _ in 0..4 {
            query(&client).await.unwrap();
            expire(&org).await;
        }
        assert_eq!(client.usage().requests.auth, 3);
        assert_eq!(kept.tokens().rotates, Some(rotation));
        assert_eq!(kept.tokens().refresh == granted.refresh, !rotation);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s24_replicas_at_a_rotating_app_never_end_the_sign_in() {
    let org = Org::with_leads(3).await;
    org.control("apps", json!({ "rotation": true })).await;
    let kept = kept(&connect(&org).await);
    let replicas: Vec<_> = (0..4).map(|_| kept_by(&org, app(&org), &kept)).collect();
    for _ in 0..3 {
        expire(&org).await;
        let calls: Vec<_> = replicas
            .iter()
            .flat_map(|client| std::iter::repeat_n(client, 5))
            .map(|client| {
                let client = client.clone();
                tokio::spawn(async move { query(&client).await })
            })
            .collect();
        for call in calls {
            call.await.unwrap().unwrap();
        }
    }
    let refreshes: u64 = replicas
        .iter()
        .map(|client| client.usage().requests.auth)
        .sum();
    assert_eq!(refreshes, 3, "one a rotation");
}

#[tokio::test]
async fn what_is_revoked_is_over() {
    let org = Org::with_leads(3).await;
    let granted = connect(&org).await;
    let kept = kept(&granted);
    let refresh = granted.refresh.as_ref().unwrap();
    sign_in(&org).revoke(refresh).await.unwrap();
    sign_in(&org).revoke(refresh).await.unwrap();
    let error = query(&kept_by(&org, app(&org), &kept)).await.unwrap_err();
    assert_eq!(error.code(), Code::ReconnectNeeded, "{error}");
    assert!(kept.tokens().refused);
    let error = sign_in(&org).refresh_once(refresh).await.unwrap_err();
    assert_eq!(error.code(), Code::ReconnectNeeded, "{error}");
}

#[tokio::test]
async fn s24_a_refresh_token_that_is_used_twice_ends_the_sign_in_and_says_so() {
    let org = Org::with_leads(3).await;
    org.control("apps", json!({ "rotation": true })).await;
    let granted = connect(&org).await;
    let thief = sign_in(&org);
    let stolen = granted.refresh.as_ref().unwrap();
    thief.refresh_once(stolen).await.unwrap();
    let kept = kept(&granted);
    expire(&org).await;
    let error = query(&kept_by(&org, app(&org), &kept)).await.unwrap_err();
    assert_eq!(error.code(), Code::ReconnectNeeded, "{error}");
    assert!(kept.tokens().refused);
}

#[tokio::test]
async fn x14_a_code_is_good_once_with_its_own_verifier_and_callback() {
    let org = Org::with_leads(0).await;
    let callback = org.sandbox.ready().callback_url.clone();
    let sign_in = sign_in(&org);

    let (first, verifier) = code(&org, &sign_in).await;
    sign_in
        .exchange(&first, &verifier, &callback)
        .await
        .unwrap();
    let error = sign_in
        .exchange(&first, &verifier, &callback)
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::CodeExpired, "{error}");

    let (second, _) = code(&org, &sign_in).await;
    let error = sign_in
        .exchange(&second, &verifier, &callback)
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::SignInRefused, "{error}");
    assert!(error.message().contains("code verifier"), "{error}");

    let (third, verifier) = code(&org, &sign_in).await;
    let elsewhere = callback.replace("localhost", "127.0.0.1");
    let error = sign_in
        .exchange(&third, &verifier, &elsewhere)
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::CallbackMismatch, "{error}");
    assert!(error.help_text().unwrap().contains(&elsewhere), "{error:?}");

    let (late, verifier) = code(&org, &sign_in).await;
    org.advance("16m").await;
    let error = sign_in
        .exchange(&late, &verifier, &callback)
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::CodeExpired, "{error}");
}

#[tokio::test]
async fn errors_at_the_callback_have_their_names() {
    let org = Org::with_leads(0).await;
    let ready = org.sandbox.ready();
    let sign_in = sign_in(&org);
    let back = |given: std::collections::BTreeMap<String, String>| {
        refusal(
            &given["error"],
            given.get("error_description").map_or("", String::as_str),
        )
    };

    let attempt = sign_in.authorize(&ready.callback_url, SCOPES).unwrap();
    let mut browser = Browser::new();
    let page = browser.open(attempt.url.as_str()).await;
    let login = [
        ("username", ready.username.as_str()),
        ("password", ready.password.as_str()),
    ];
    let page = browser.submit(&page, &login).await;
    let denied = browser.submit(&page, &[("decision", "deny")]).await;
    assert_eq!(back(denied.returned()).code(), Code::SignInDenied);

    let attempt = sign_in
        .authorize(&ready.callback_url, &["api", "full"])
        .unwrap();
    let page = browser.open(attempt.url.as_str()).await;
    assert_eq!(back(page.returned()).code(), Code::ScopeMissing);

    for (change, code) in [
        (json!({ "admin_approved_only": true }), Code::AppNotApproved),
        (json!({ "blocked": true }), Code::AppNotApproved),
        (json!({ "installed": false }), Code::AppNotApproved),
    ] {
        let org = Org::with_leads(0).await;
        org.control("apps", change.clone()).await;
        let ready = org.sandbox.ready();
        let sign_in = self::sign_in(&org);
        let attempt = sign_in.authorize(&ready.callback_url, SCOPES).unwrap();
        let back = Browser::new()
            .approve(attempt.url.as_str(), &ready.username, &ready.password)
            .await;
        let given = returned(&back);
        let said = format!("{change}: {given:?}");
        let description = given.get("error_description").map_or("", String::as_str);
        let error = given.get("error").unwrap_or_else(|| panic!("{said}"));
        assert_eq!(refusal(error, description).code(), code, "{said}");
    }
}

/// What an administrator changed behind the back of a connection: the control call, its body, and the code it comes to.
fn changes() -> Vec<(&'static str, Value, Code)> {
    vec![
        ("apps", json!({ "enabled": false }), Code::WrongConsumerKey),
        ("apps", json!({ "new_secret": true }), Code::WrongApiKey),
        ("users", json!({ "active": false }), Code::UserInactive),
        ("users", json!({ "locked": true }), Code::UserInactive),
        (
            "users",
            json!({ "ip_restricted": true }),
            Code::IpRestricted,
        ),
        (
            "users",
            json!({ "login_hours": { "from": "01:00", "to": "02:00" } }),
            Code::LoginHours,
        ),
        ("org", json!({ "active": false }), Code::OrgInactive),
    ]
}

#[tokio::test]
async fn what_an_administrator_changed_is_named_for_an_api_key() {
    let mut changes = changes();
    changes.push(("apps", json!({ "run_as": null }), Code::RunAsUserMissing));
    for (call, change, code) in changes {
        let org = Org::with_leads(0).await;
        org.control(call, change.clone()).await;
        let error = org.client().sign_in().await.unwrap_err();
        assert_eq!(error.code(), code, "{change}: {error}");
        assert!(error.help_text().is_some());
    }
}

#[tokio::test]
async fn what_an_administrator_changed_is_named_at_a_refresh_and_spends_no_token() {
    let mut changes = changes();
    changes.push(("apps", json!({ "blocked": true }), Code::AppNotApproved));
    for (call, change, code) in changes {
        let org = Org::with_leads(0).await;
        let granted = connect(&org).await;
        let kept = kept(&granted);
        expire(&org).await;
        org.control(call, change.clone()).await;
        let error = query(&kept_by(&org, app(&org), &kept)).await.unwrap_err();
        // Whose sessions were ended for good has to sign in again.
        let ended = error.code() == Code::ReconnectNeeded && call == "users";
        assert!(
            error.code() == code || ended,
            "{change}: {error} ({})",
            error.code()
        );
        let tokens = kept.tokens();
        assert_eq!((tokens.begun, tokens.refused), (false, ended), "{change}");
    }
}

#[tokio::test]
async fn an_app_that_asks_for_its_secret_is_told_from_a_wrong_secret() {
    let org = Org::with_leads(0).await;
    let public = App {
        consumer_secret: None,
        ..app(&org)
    };
    let callback = org.sandbox.ready().callback_url.clone();
    let without = SignIn::new(&org.settings(), public.clone()).unwrap();
    let (asked, verifier) = code(&org, &without).await;
    let error = without
        .exchange(&asked, &verifier, &callback)
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::SecretRequired, "{error}");

    let kept = kept(&connect(&org).await);
    expire(&org).await;
    let error = query(&kept_by(&org, public.clone(), &kept))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::SecretRequired, "{error}");

    org.control(
        "apps",
        json!({ "secret_for_web_server": false, "secret_for_refresh": false }),
    )
    .await;
    query(&kept_by(&org, public, &kept)).await.unwrap();
    let (asked, verifier) = code(&org, &without).await;
    without
        .exchange(&asked, &verifier, &callback)
        .await
        .unwrap();
}

fn jwt(org: &Org, key: &str, audience: Option<&str>) -> Settings {
    let ready = org.sandbox.ready();
    let mut settings = org.settings();
    settings.credentials = Credentials::Jwt {
        consumer_key: ready.consumer_key.clone(),
        username: ready.username.clone(),
        private_key: SigningKey::from_pem(&Secret::new(key)).unwrap(),
        audience: audience.map(ToOwned::to_owned),
    };
    settings
}

#[tokio::test]
async fn a_server_signs_in_by_its_certificate() {
    let org = Org::with_leads(3).await;
    let username = &org.sandbox.ready().username;
    let settings = json!({ "certificate": CERTIFICATE, "approved": [username] });
    org.control("apps", settings).await;
    for audience in [None, Some("https://login.salesforce.com")] {
        let client = Client::new(jwt(&org, KEY, audience)).unwrap();
        query(&client).await.unwrap();
        expire(&org).await;
        query(&client).await.unwrap();
        let identity = client.identity().await.unwrap();
        assert_eq!(identity.preferred_username.as_ref(), Some(username));
    }
}

#[tokio::test]
async fn what_keeps_a_statement_from_being_taken_is_named() {
    let org = Org::with_leads(0).await;
    let refused = async |key: &str, audience: Option<&str>| {
        let client = Client::new(jwt(&org, key, audience)).unwrap();
        client.sign_in().await.unwrap_err()
    };
    org.control("apps", json!({ "certificate": CERTIFICATE }))
        .await;
    let error = refused(KEY, None).await;
    assert_eq!(error.code(), Code::AppNotApproved, "{error}");

    let username = &org.sandbox.ready().username;
    org.control("apps", json!({ "approved": [username] })).await;
    let error = refused(KEY, Some("https://evil.test")).await;
    assert_eq!(error.code(), Code::AudienceRefused, "{error}");
    let error = refused(OTHER_KEY, None).await;
    assert_eq!(error.code(), Code::SignInRefused, "{error}");
    assert!(error.message().contains("invalid assertion"), "{error}");

    org.control("apps", json!({ "scopes": ["api"] })).await;
    let error = refused(KEY, None).await;
    assert_eq!(error.code(), Code::ScopeMissing, "{error}");
    org.control("apps", json!({ "enabled": false })).await;
    let error = refused(KEY, None).await;
    assert_eq!(error.code(), Code::WrongConsumerKey, "{error}");
}
