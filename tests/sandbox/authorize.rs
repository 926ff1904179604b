//! The authorize endpoint: log in, consent, the way back, and everything that ends it early.

use serde_json::json;

use super::client::bench;
use super::web_flow::{CALLBACK, VERIFIER, challenge};
use crate::support::consent::Browser;

#[tokio::test]
async fn a_person_logs_in_allows_and_goes_back_with_a_code_and_the_state() {
    let bench = bench().await;
    let ready = bench.sandbox.ready();
    let mut browser = Browser::new();
    let page = browser.open(&bench.authorize_url(&[])).await;
    assert!(page.is_log_in() && page.status == 200, "{}", page.html);
    let fields = [
        ("username", ready.username.as_str()),
        ("password", ready.password.as_str()),
    ];
    let page = browser.submit(&page, &fields).await;
    assert!(page.is_consent(), "{}", page.html);
    assert_eq!(page.element("app"), Some("Bridged"));
    assert_eq!(
        page.element("user"),
        Some("Integration User (integration@bridged.example)")
    );
    assert!(
        page.html.contains("<code>api</code>") && page.html.contains("<code>refresh_token</code>")
    );
    let page = browser.submit(&page, &[("decision", "allow")]).await;
    assert_eq!(page.status, 303);
    let location = page.location.clone().unwrap();
    assert!(
        location.starts_with(&format!("{CALLBACK}?code=")),
        "{location}"
    );
    let back = page.returned();
    assert_eq!(back["state"], "st&te=1");
    assert!(back["code"].ends_with("=="), "{back:?}");
    let (status, tokens) = bench.exchange(&back["code"], &[]).await;
    assert_eq!(status, 200, "{tokens}");
}

#[tokio::test]
async fn who_is_logged_in_and_has_consented_is_asked_nothing() {
    let bench = bench().await;
    let mut browser = Browser::new();
    bench.code_in(&mut browser, &[]).await;
    let page = browser.open(&bench.authorize_url(&[])).await;
    assert!(page.returned().contains_key("code"));
    // More than was allowed before, and what the app insists on, are asked for again.
    for (changes, log_in) in [
        (vec![("scope", "api web")], false),
        (vec![("prompt", "consent")], false),
        (vec![("prompt", "login")], true),
        (vec![("prompt", "login consent")], true),
    ] {
        let page = browser.open(&bench.authorize_url(&changes)).await;
        assert_eq!(
            (page.is_log_in(), page.is_consent()),
            (log_in, !log_in),
            "{changes:?}"
        );
    }
    let mut stranger = Browser::new();
    assert!(stranger.open(&bench.authorize_url(&[])).await.is_log_in());
}

#[tokio::test]
async fn a_prompt_of_none_asks_nobody_anything() {
    let bench = bench().await;
    let none = bench.authorize_url(&[("prompt", "none")]);
    let mut browser = Browser::new();
    assert_eq!(
        browser.open(&none).await.returned()["error"],
        "login_required"
    );
    bench.code_in(&mut browser, &[]).await;
    assert!(browser.open(&none).await.returned().contains_key("code"));
    let more = bench.authorize_url(&[("prompt", "none"), ("scope", "api web")]);
    assert_eq!(
        browser.open(&more).await.returned()["error"],
        "interaction_required"
    );
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_get_the_same_words() {
    let bench = bench().await;
    let ready = bench.sandbox.ready();
    let mut browser = Browser::new();
    let page = browser.open(&bench.authorize_url(&[])).await;
    let mut words = Vec::new();
    for (username, password) in [
        (ready.username.as_str(), "wrong"),
        ("nobody@bridged.example", ready.password.as_str()),
        ("", ""),
    ] {
        let fields = [("username", username), ("password", password)];
        let page = browser.submit(&page, &fields).await;
        assert!(page.is_log_in(), "{}", page.html);
        words.push(page.element("error").unwrap().to_owned());
    }
    assert!(
        words[0].contains("check your username and password"),
        "{words:?}"
    );
    assert!(words.iter().all(|one| *one == words[0]), "{words:?}");
}

#[tokio::test]
async fn a_denial_goes_back_as_one() {
    let bench = bench().await;
    let ready = bench.sandbox.ready();
    let mut browser = Browser::new();
    let page = browser.open(&bench.authorize_url(&[])).await;
    let fields = [
        ("username", ready.username.as_str()),
        ("password", ready.password.as_str()),
    ];
    let page = browser.submit(&page, &fields).await;
    let page = browser.submit(&page, &[("decision", "deny")]).await;
    let location = page.location.clone().unwrap();
    let denied = "error=access_denied&error_description=end-user+denied+authorization";
    assert!(
        location.starts_with(&format!("{CALLBACK}?{denied}&state=")),
        "{location}"
    );
    // A denial is no consent.
    assert!(browser.open(&bench.authorize_url(&[])).await.is_consent());
}

#[tokio::test]
async fn another_person_can_take_over() {
    let bench = bench().await;
    let ready = bench.sandbox.ready();
    let mut browser = Browser::new();
    bench.code_in(&mut browser, &[]).await;
    let page = browser
        .open(&bench.authorize_url(&[("prompt", "consent")]))
        .await;
    let page = browser.submit(&page, &[("decision", "switch")]).await;
    assert!(page.is_log_in());
    let fields = [
        ("username", "Limited@Bridged.Example"),
        ("password", ready.password.as_str()),
    ];
    let page = browser.submit(&page, &fields).await;
    assert!(
        page.element("user")
            .unwrap()
            .contains("limited@bridged.example")
    );
}

#[tokio::test]
async fn a_hint_fills_the_user_name_in() {
    let bench = bench().await;
    let url = bench.authorize_url(&[("login_hint", "ada.park@bridged.example")]);
    let page = Browser::new().open(&url).await;
    assert!(page.html.contains("value=\"ada.park@bridged.example\""));
}

#[tokio::test]
async fn what_is_wrong_with_the_app_or_its_callback_is_told_on_a_page_and_sent_nowhere() {
    let bench = bench().await;
    let upper = CALLBACK.to_uppercase();
    let mut cases: Vec<(Vec<(&str, &str)>, &str)> = vec![
        (vec![("client_id", "3MVG9x")], "invalid_client_id"),
        (vec![("client_id", "")], "invalid_request"),
        (vec![("redirect_uri", "")], "invalid_request"),
    ];
    for close in [
        "http://localhost:8910/auth/salesforce/callback/",
        "http://localhost:8910/auth/salesforce/callback?x=1",
        "http://localhost:8911/auth/salesforce/callback",
        "https://localhost:8910/auth/salesforce/callback",
        "http://localhost:8910@evil.test/auth/salesforce/callback",
        "http://localhost:8910/auth/salesforce/callback/../../x",
        "javascript:alert(1)",
        "not an address",
        upper.as_str(),
    ] {
        cases.push((vec![("redirect_uri", close)], "redirect_uri_mismatch"));
    }
    for (changes, error) in cases {
        let page = Browser::new().open(&bench.authorize_url(&changes)).await;
        assert_eq!(page.status, 400, "{changes:?}");
        assert_eq!(page.location, None, "{changes:?}");
        assert_eq!(page.element("error"), Some(error), "{changes:?}");
        assert!(page.headers["content-type"].starts_with("text/html"));
    }
    let twice = format!(
        "{}&redirect_uri=http://evil.test/",
        bench.authorize_url(&[])
    );
    assert_eq!(Browser::new().open(&twice).await.location, None);
}

#[tokio::test]
async fn what_is_wrong_with_the_request_goes_back_to_the_callback() {
    let bench = bench().await;
    for (changes, error, description) in [
        (
            vec![("response_type", "token")],
            "unsupported_response_type",
            "response type not supported",
        ),
        (
            vec![("response_type", "")],
            "invalid_request",
            "missing required parameter: response_type",
        ),
        (
            vec![("scope", "api openid")],
            "invalid_scope",
            "the requested scope is not allowed",
        ),
        (
            vec![("code_challenge", ""), ("code_challenge_method", "")],
            "invalid_request",
            "missing required code challenge",
        ),
        (
            vec![("code_challenge_method", "plain")],
            "invalid_request",
            "code challenge method must be S256",
        ),
        (
            vec![("code_challenge", "short")],
            "invalid_request",
            "invalid code challenge",
        ),
    ] {
        let page = Browser::new().open(&bench.authorize_url(&changes)).await;
        let back = page.returned();
        assert_eq!(
            (
                back["error"].as_str(),
                back["error_description"].as_str(),
                back["state"].as_str()
            ),
            (error, description, "st&te=1"),
            "{changes:?}"
        );
    }
    let twice = format!("{}&scope=api", bench.authorize_url(&[]));
    let back = Browser::new().open(&twice).await.returned();
    assert_eq!(back["error_description"], "duplicate parameter: scope");
}

#[tokio::test]
async fn a_challenge_without_a_method_is_s256_and_its_verifier_may_be_long() {
    let bench = bench().await;
    let verifier = "v".repeat(171);
    let changes = [
        ("code_challenge_method", ""),
        ("code_challenge", &challenge(&verifier)),
    ];
    let code = bench.code(&changes).await;
    let (status, tokens) = bench.exchange(&code, &[("code_verifier", &verifier)]).await;
    assert_eq!(status, 200, "{tokens}");
    let code = bench.code(&changes).await;
    assert_eq!(bench.exchange(&code, &[]).await.0, 400);
}

#[tokio::test]
async fn pkce_can_be_left_out_only_where_the_app_says_so() {
    let bench = bench().await;
    bench
        .control("apps", json!({ "pkce_required": false }))
        .await;
    let without = [("code_challenge", ""), ("code_challenge_method", "")];
    let code = bench.code(&without).await;
    let (status, tokens) = bench.exchange(&code, &[("code_verifier", "")]).await;
    assert_eq!(status, 200, "{tokens}");
    // A challenge that is there counts whatever the app says.
    let code = bench
        .code(&[("code_challenge", &challenge(VERIFIER))])
        .await;
    let (status, _) = bench.exchange(&code, &[("code_verifier", "")]).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn forms_need_the_token_and_the_cookie_of_their_browser() {
    let bench = bench().await;
    let ready = bench.sandbox.ready();
    let mut browser = Browser::new();
    let page = browser.open(&bench.authorize_url(&[])).await;
    let fields = [
        ("username", ready.username.clone()),
        ("password", ready.password.clone()),
    ];
    // No token, a wrong one, and the right one from a browser that does not have the cookie.
    let url = bench.authorize_url(&[]);
    let forged = browser.post(&url, &fields).await;
    assert_eq!((forged.status.as_u16(), forged.location), (403, None));
    let mut with_token = vec![("form_token", "wrong".to_owned())];
    with_token.extend(fields.clone());
    assert_eq!(browser.post(&url, &with_token).await.status, 403);
    with_token[0].1 = page.form_token();
    assert_eq!(Browser::new().post(&url, &with_token).await.status, 403);
    let mut foreign = Browser::new();
    foreign.open(&url).await;
    assert_eq!(foreign.post(&url, &with_token).await.status, 403);
    assert!(browser.post(&url, &with_token).await.is_consent());
    // Logging in took the old cookie and the old token out of use.
    assert_eq!(browser.post(&url, &with_token).await.status, 403);
}

#[tokio::test]
async fn logging_in_changes_the_cookie_which_scripts_and_other_sites_cannot_use() {
    let bench = bench().await;
    let ready = bench.sandbox.ready();
    let mut browser = Browser::new();
    browser.set_cookie("sandbox_sid=planted");
    let page = browser.open(&bench.authorize_url(&[])).await;
    let before = browser.cookie().unwrap().to_owned();
    assert_ne!(before, "sandbox_sid=planted");
    let fields = [
        ("username", ready.username.as_str()),
        ("password", ready.password.as_str()),
    ];
    let page = browser.submit(&page, &fields).await;
    assert_ne!(browser.cookie().unwrap(), before);
    let cookie = &page.headers["set-cookie"];
    assert!(
        cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Lax"),
        "{cookie}"
    );
    assert!(!cookie.contains("Secure"), "{cookie}");
    let mut old = Browser::new();
    old.set_cookie(&before);
    assert!(old.open(&bench.authorize_url(&[])).await.is_log_in());
}

#[tokio::test]
async fn pages_stay_out_of_caches_and_frames_and_run_nothing() {
    let bench = bench().await;
    let page = Browser::new().open(&bench.authorize_url(&[])).await;
    let header = |name: &str| page.headers[name].as_str();
    assert_eq!(header("cache-control"), "no-cache, no-store");
    assert_eq!(header("x-frame-options"), "DENY");
    assert_eq!(header("x-content-type-options"), "nosniff");
    let policy = header("content-security-policy");
    for part in [
        "default-src 'none'",
        "form-action 'self' http://localhost:8910;",
        "frame-ancestors 'none'",
        "style-src 'sha256-",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!page.html.contains("<script") && !page.html.contains(" style="));
    // Each field has a label of its own.
    for id in ["username", "password"] {
        assert!(page.html.contains(&format!("<label for=\"{id}\">")), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn x14_whatever_came_with_the_request_is_escaped() {
    let bench = bench().await;
    let ready = bench.sandbox.ready();
    let attack = "\"><script>alert(1)</script>'";
    bench.control("apps", json!({ "name": attack })).await;
    let changes = [
        ("login_hint", attack),
        ("state", attack),
        ("error", attack),
        ("nonce", attack),
    ];
    let mut browser = Browser::new();
    let url = bench.authorize_url(&changes);
    let page = browser.open(&url).await;
    assert!(!page.html.contains("<script"), "{}", page.html);
    assert!(
        page.html.contains("value=\"&quot;&gt;&lt;script&gt;"),
        "{}",
        page.html
    );
    let page = browser
        .submit(&page, &[("username", attack), ("password", attack)])
        .await;
    assert!(!page.html.contains("<script"), "{}", page.html);
    let fields = [
        ("username", ready.username.as_str()),
        ("password", ready.password.as_str()),
    ];
    let page = browser.submit(&page, &fields).await;
    assert!(
        page.is_consent() && !page.html.contains("<script"),
        "{}",
        page.html
    );
    let page = browser.submit(&page, &[("decision", "deny")]).await;
    assert_eq!(page.returned()["state"], attack);
    assert!(!page.location.clone().unwrap().contains('<'));
    // The same on the pages that refuse.
    for (name, value) in [("client_id", attack), ("redirect_uri", attack)] {
        let page = Browser::new()
            .open(&bench.authorize_url(&[(name, value)]))
            .await;
        assert!(!page.html.contains("<script"), "{}", page.html);
    }
    // A query that was not encoded comes back in the form's address.
    let raw = format!("{url}&x=\"><script>'");
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        raw.trim_start_matches(&ready.salesforce_url)
    );
    let answer = bench.raw(request.as_bytes()).unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(!answer.contains("<script"), "{answer}");
}

#[tokio::test]
async fn the_pages_work_over_https_with_a_secure_cookie() {
    use bridged::sandbox::settings::Settings;
    let settings = Settings {
        leads: 10,
        tls: true,
        ..Settings::default()
    };
    let sandbox = bridged::sandbox::server::Sandbox::start(settings)
        .await
        .unwrap();
    let pem = std::fs::read(sandbox.ready().certificate.as_ref().unwrap()).unwrap();
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder()
        .add_root_certificate(reqwest::Certificate::from_pem(&pem).unwrap())
        .build()
        .unwrap();
    let url = format!(
        "{}/services/oauth2/authorize?response_type=code&client_id={}&redirect_uri={CALLBACK}&code_challenge={}&code_challenge_method=S256",
        sandbox.ready().salesforce_url,
        sandbox.ready().consumer_key,
        challenge(VERIFIER)
    );
    let answer = http.get(url).send().await.unwrap();
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.ends_with("; Secure"), "{cookie}");
}
