//! The listener of a sign-in: what it lets in, what it sends away, and that it begins and ends one sign-in only.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bridged::connections::attempts::LIFETIME;
use bridged::connections::door::{Arrived, Begin, CALLBACK_PATH, Finish};
use bridged::connections::listener::Listener;
use bridged::foundation::code::Code;
use bridged::foundation::error::{Error, Result};
use bridged::foundation::secret::Secret;
use bridged::salesforce::web_server::Authorization;
use reqwest::header::{COOKIE, HOST, LOCATION, SET_COOKIE};
use reqwest::{Client, Method, Response, StatusCode};
use tokio::task::JoinHandle;

/// What reached the end of a sign-in.
#[derive(Debug, Default)]
struct Seen {
    begun: AtomicUsize,
    arrived: Mutex<Vec<(String, String, String)>>,
}

impl Seen {
    fn take(&self, arrived: &Arrived) -> Result<String> {
        let code = arrived.code.expose();
        let verifier = arrived.verifier.expose().to_owned();
        let mut list = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        list.push((code.to_owned(), verifier, arrived.redirect_uri.clone()));
        if code == "refused" {
            return Err(Error::new(Code::Bug, "<script>alert(1)</script>"));
        }
        Ok("`crm` is connected as <i>ada</i>.".to_owned())
    }

    fn arrived(&self) -> Vec<(String, String, String)> {
        let arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        arrived.clone()
    }
}

/// A listener that is served, and whoever opens its pages.
struct Scene {
    seen: Arc<Seen>,
    start_url: String,
    callback: String,
    http: Client,
    waiting: JoinHandle<Result<String>>,
}

impl Scene {
    async fn open() -> Self {
        Self::open_for(LIFETIME).await
    }

    async fn open_for(lifetime: Duration) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let seen = Arc::new(Seen::default());
        let begin: Begin = {
            let seen = Arc::clone(&seen);
            Arc::new(move |redirect_uri| {
                let number = seen.begun.fetch_add(1, Ordering::Relaxed) + 1;
                let url = format!(
                    "http://127.0.0.1:9/authorize?redirect_uri={redirect_uri}&state=state-{number}"
                );
                Ok(Authorization {
                    url: url.parse().expect("a URL"),
                    state: Secret::new(format!("state-{number}")),
                    verifier: Secret::new(format!("verifier-{number}")),
                })
            })
        };
        let finish: Finish = {
            let seen = Arc::clone(&seen);
            Arc::new(move |arrived| {
                let seen = Arc::clone(&seen);
                Box::pin(async move { seen.take(&arrived) })
            })
        };
        let listener = Listener::bind_for(0, lifetime, begin, finish)
            .await
            .expect("a port");
        let start_url = listener.start_url();
        let callback = listener.redirect_uri();
        let http = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client");
        Self {
            seen,
            start_url,
            callback,
            http,
            waiting: tokio::spawn(listener.wait(LIFETIME)),
        }
    }

    async fn get(&self, url: &str, cookie: Option<&str>) -> Response {
        let mut request = self.http.get(url);
        if let Some(cookie) = cookie {
            request = request.header(COOKIE, cookie);
        }
        request.send().await.expect("an answer")
    }

    /// Begins a sign-in; the cookie that the browser got.
    async fn begin(&self) -> String {
        let answer = self.get(&self.start_url, None).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let cookie = answer.headers()[SET_COOKIE].to_str().expect("a text");
        cookie.split(';').next().expect("a pair").to_owned()
    }

    /// The way back with a query, and what came of it.
    async fn back(&self, query: &str, cookie: Option<&str>) -> (StatusCode, String) {
        let answer = self
            .get(&format!("{}?{query}", self.callback), cookie)
            .await;
        (answer.status(), answer.text().await.expect("a page"))
    }

    /// Fails the test unless the way back is refused, and the sign-in still waited for.
    async fn stray(&self, query: &str, cookie: Option<&str>) {
        let (status, page) = self.back(query, cookie).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
        assert!(page.contains("sign-in-stray"), "{query}: {page}");
        assert_eq!(self.seen.arrived(), [], "{query}");
        assert!(!self.waiting.is_finished(), "{query}");
    }
}

#[tokio::test]
async fn a_code_with_its_state_ends_the_sign_in() {
    let scene = Scene::open().await;
    let cookie = scene.begin().await;
    let (status, page) = scene.back("code=c%2B1&state=state-1", Some(&cookie)).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    assert!(page.contains("&lt;i&gt;ada"), "{page}");
    let arrived = scene.seen.arrived();
    assert_eq!(
        arrived,
        [(
            "c+1".to_owned(),
            "verifier-1".to_owned(),
            scene.callback.clone()
        )]
    );
    let who = scene.waiting.await.expect("no panic").expect("connected");
    assert!(who.contains("`crm`"), "{who}");
}

#[tokio::test]
async fn i20_x13_a_state_that_is_missing_wrong_reused_or_another_browser_s_is_sent_away() {
    let scene = Scene::open().await;
    let cookie = scene.begin().await;
    // None, an empty one, two of them, one that was never given out, one of another listener.
    for query in [
        "code=c",
        "code=c&state=",
        "code=c&state=state-1&state=state-1",
        "code=c&state=state-9",
        "code=c&state=%00",
        "error=access_denied",
    ] {
        scene.stray(query, Some(&cookie)).await;
    }
    let other = Scene::open().await;
    let foreign = other.begin().await;
    // Another browser's cookie, or none: the state is spent by that.
    scene.stray("code=c&state=state-1", Some(&foreign)).await;
    scene.stray("code=c&state=state-1", Some(&cookie)).await;
    scene.get(&scene.start_url, Some(&cookie)).await;
    scene.stray("code=c&state=state-2", None).await;
    scene.get(&scene.start_url, Some(&cookie)).await;
    let long = format!("code=c&state=state-3&x={}", "a".repeat(9000));
    scene.stray(&long, Some(&cookie)).await;
    // The rightful one still comes through, and its state not a second time.
    let (status, _) = scene.back("code=c&state=state-3", Some(&cookie)).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(scene.seen.arrived().len(), 1);
}

#[tokio::test]
async fn x13_an_expired_state_is_sent_away() {
    let scene = Scene::open_for(Duration::ZERO).await;
    let cookie = scene.begin().await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    scene.stray("code=c&state=state-1", Some(&cookie)).await;
}

#[tokio::test]
async fn the_start_works_for_the_first_browser_alone() {
    let scene = Scene::open().await;
    let cookie = scene.begin().await;
    assert_eq!(
        scene.get(&scene.start_url, Some(&cookie)).await.status(),
        StatusCode::SEE_OTHER
    );
    for (url, cookie) in [
        (scene.start_url.clone(), None),
        (scene.start_url.clone(), Some("bridged_sign_in=other")),
        (format!("{}x", scene.start_url), Some(cookie.as_str())),
    ] {
        let answer = scene.get(&url, cookie).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{url}");
        assert!(!answer.headers().contains_key(LOCATION));
    }
    assert_eq!(scene.seen.begun.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_refusal_ends_the_sign_in_with_its_reason() {
    let scene = Scene::open().await;
    let cookie = scene.begin().await;
    let query = "error=access_denied&error_description=end-user+denied+authorization&state=state-1";
    let (status, page) = scene.back(query, Some(&cookie)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(page.contains("sign-in-denied"), "{page}");
    let error = scene.waiting.await.expect("no panic").expect_err("denied");
    assert_eq!(error.code(), Code::SignInDenied);
}

#[tokio::test]
async fn x14_what_comes_back_is_never_markup() {
    for query in [
        "error=%3Cscript%3Ealert(1)%3C%2Fscript%3E&error_description=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E&state=state-1",
        "code=refused&state=state-1",
    ] {
        let scene = Scene::open().await;
        let cookie = scene.begin().await;
        let (status, page) = scene.back(query, Some(&cookie)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(
            !page.contains("<script") && !page.contains("<img"),
            "{page}"
        );
    }
}

#[tokio::test]
async fn x15_no_parameter_sends_the_browser_elsewhere() {
    for to in [
        "//evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "https://evil.example",
    ] {
        let scene = Scene::open().await;
        let url = format!(
            "{}?return_to={to}&redirect_uri={to}&next={to}",
            scene.start_url
        );
        let answer = scene.get(&url, None).await;
        let location = answer.headers()[LOCATION].to_str().expect("a text");
        assert!(
            location.starts_with("http://127.0.0.1:9/authorize?"),
            "{location}"
        );
        assert!(
            !location.contains("evil") && !location.contains("javascript"),
            "{location}"
        );
    }
    let scene = Scene::open().await;
    let cookie = scene.begin().await;
    let url = format!(
        "{}?code=c&state=state-1&return_to=//evil.example&startURL=https://evil.example",
        scene.callback
    );
    let answer = scene.get(&url, Some(&cookie)).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(!answer.headers().contains_key(LOCATION));
    assert!(!answer.text().await.expect("a page").contains("evil"));
}

#[tokio::test]
async fn x16_only_a_plain_get_to_this_address_changes_anything() {
    let scene = Scene::open().await;
    let cookie = scene.begin().await;
    let callback = format!("{}?code=c&state=state-1", scene.callback);
    for method in [
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::HEAD,
        Method::OPTIONS,
        Method::PATCH,
    ] {
        for url in [&callback, &scene.start_url] {
            let request = scene
                .http
                .request(method.clone(), url)
                .header(COOKIE, &cookie);
            let answer = request.body("{}").send().await.expect("an answer");
            assert_eq!(
                answer.status(),
                StatusCode::METHOD_NOT_ALLOWED,
                "{method} {url}"
            );
        }
    }
    for host in [
        "evil.example",
        "localhost",
        "localhost:1",
        "127.0.0.1.evil.example:80",
        "",
    ] {
        let request = scene
            .http
            .get(&callback)
            .header(COOKIE, &cookie)
            .header(HOST, host);
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{host}");
    }
    assert_eq!(scene.seen.arrived(), []);
    let (status, _) = scene.back("code=c&state=state-1", Some(&cookie)).await;
    assert_eq!(
        status,
        StatusCode::OK,
        "the state is not spent by any of these"
    );
}

#[tokio::test]
async fn every_answer_has_its_protective_headers() {
    let scene = Scene::open().await;
    let root = scene.callback.trim_end_matches(CALLBACK_PATH).to_owned();
    for url in [
        scene.callback.clone(),
        scene.start_url.clone(),
        format!("{root}/"),
        format!("{root}/.git/config"),
    ] {
        let answer = scene.get(&url, None).await;
        let header = |name: &str| {
            let value = answer
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let policy = header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; style-src 'sha256-"),
            "{url}: {policy}"
        );
        assert!(
            policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(header("x-content-type-options"), "nosniff", "{url}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{url}");
        assert_eq!(header("cache-control"), "no-store", "{url}");
        assert_eq!(header("server"), "", "{url}");
    }
    let answer = scene.get(&format!("{root}/"), None).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn x17_the_cookie_is_closed_to_scripts_and_never_the_same_twice() {
    let mut known = std::collections::HashSet::new();
    for _ in 0..20 {
        let scene = Scene::open().await;
        let answer = scene.get(&scene.start_url, None).await;
        let cookie = answer.headers()[SET_COOKIE]
            .to_str()
            .expect("a text")
            .to_owned();
        for part in [
            "HttpOnly",
            "SameSite=Lax",
            "Path=/auth/salesforce",
            "Max-Age=600",
        ] {
            assert!(cookie.contains(part), "{cookie}");
        }
        let value = cookie.split(['=', ';']).nth(1).expect("a value").to_owned();
        // 128 bits are 22 letters of base64.
        assert!(value.len() >= 22, "{value}");
        assert!(known.insert(value));
    }
}

#[tokio::test]
async fn a_sign_in_that_never_comes_back_ends_with_what_to_look_for() {
    let begin: Begin = Arc::new(|_| Err(Error::bug("never asked")));
    let finish: Finish = Arc::new(|_| Box::pin(async { Err(Error::bug("never asked")) }));
    let listener = Listener::bind(0, begin, finish).await.expect("a port");
    let callback = listener.redirect_uri();
    let error = listener
        .wait(Duration::from_millis(50))
        .await
        .expect_err("late");
    assert_eq!(error.code(), Code::SignInLate);
    assert_eq!(error.code().as_str(), "sign-in-late");
    let help = error.help_text().unwrap_or_default();
    assert!(
        help.contains(&callback) && help.contains("redirect_uri_mismatch"),
        "{help}"
    );
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error_with_a_way_out() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let begin: Begin = Arc::new(|_| Err(Error::bug("never asked")));
    let finish: Finish = Arc::new(|_| Box::pin(async { Err(Error::bug("never asked")) }));
    let error = Listener::bind(port, begin, finish)
        .await
        .expect_err("taken");
    assert_eq!(error.code(), Code::CallbackPortTaken);
    assert!(error.help_text().unwrap_or_default().contains("--port"));
}
