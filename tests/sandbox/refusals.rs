//! Every switch of apps, users and the org refuses in its own words, at each door it guards.

use serde_json::{Value, json};

use super::client::{Bench, V, bench, refusal, reply};
use super::web_flow::{oauth_error, text};
use crate::support::consent::{Browser, returned};
use crate::support::jwt::{self, CERTIFICATE, KEY};

/// The doors of a sandbox at which a user is signed in.
struct Doors {
    bench: Bench,
    refresh_token: String,
    browser: Browser,
}

/// A sandbox in which every door is open.
async fn doors() -> Doors {
    let bench = bench().await;
    let username = &bench.sandbox.ready().username;
    let settings = json!({ "certificate": CERTIFICATE, "approved": [username] });
    bench.control("apps", settings).await;
    let mut browser = Browser::new();
    let code = bench.code_in(&mut browser, &[]).await;
    let (_, tokens) = bench.exchange(&code, &[]).await;
    Doors {
        refresh_token: text(&tokens, "refresh_token").to_owned(),
        bench,
        browser,
    }
}

/// What a door says that is open.
const OPEN: &str = "open";

/// What a door says that is closed.
fn told(error: &str, description: &str) -> String {
    format!("{error}: {description}")
}

impl Doors {
    async fn client_credentials(&self) -> String {
        let ready = self.bench.sandbox.ready();
        self.token(&[
            ("grant_type", "client_credentials"),
            ("client_id", &ready.consumer_key),
            ("client_secret", &ready.api_key),
        ])
        .await
    }

    async fn jwt(&self) -> String {
        let ready = self.bench.sandbox.ready();
        let claims = jwt::claims(
            &ready.consumer_key,
            &ready.username,
            "https://login.salesforce.com",
        );
        let assertion = jwt::sign(KEY, &claims);
        self.token(&[
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("assertion", &assertion),
        ])
        .await
    }

    async fn refresh(&self) -> String {
        of(&self.bench.refresh(&self.refresh_token, &[]).await)
    }

    async fn token(&self, pairs: &[(&str, &str)]) -> String {
        of(&self.bench.grant(pairs).await)
    }

    /// In a browser that logs in.
    async fn log_in(&self) -> String {
        let ready = self.bench.sandbox.ready();
        let url = self.bench.authorize_url(&[]);
        let back = Browser::new()
            .approve(&url, &ready.username, &ready.password)
            .await;
        of_redirect(&back)
    }

    /// In a browser that is logged in already.
    async fn come_back(&mut self) -> String {
        let page = self.browser.open(&self.bench.authorize_url(&[])).await;
        of_redirect(page.location.as_deref().unwrap())
    }
}

fn of(answer: &super::client::Reply) -> String {
    match oauth_error(answer) {
        (200, ..) => OPEN.to_owned(),
        (_, error, description) => told(error, description),
    }
}

fn of_redirect(location: &str) -> String {
    let back = returned(location);
    match back.get("error") {
        None => OPEN.to_owned(),
        Some(error) => told(error, &back["error_description"]),
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_user_closes_every_door_in_the_same_words() {
    for (switch, error, description) in [
        (
            json!({ "active": false }),
            "inactive_user",
            "user is inactive",
        ),
        (json!({ "locked": true }), "inactive_user", "user is locked"),
        (
            json!({ "ip_restricted": true }),
            "invalid_grant",
            "ip restricted",
        ),
        (
            json!({ "login_hours": { "from": "09:00", "to": "17:00" } }),
            "invalid_grant",
            "invalid login hours",
        ),
    ] {
        let doors = doors().await;
        let evening =
            json!({ "set": jiff::Timestamp::now().strftime("%Y-%m-%dT20:00:00Z").to_string() });
        doors.bench.control("users", switch.clone()).await;
        let expected = told(error, description);
        if description == "invalid login hours" {
            // The assertion ends by the machine's clock, so the hours are put around it instead.
            doors.bench.control("clock", evening).await;
        } else {
            assert_eq!(doors.jwt().await, expected, "{switch}");
        }
        assert_eq!(doors.client_credentials().await, expected, "{switch}");
        assert_eq!(doors.refresh().await, expected, "{switch}");
        assert_eq!(doors.log_in().await, expected, "{switch}");
    }
}

#[tokio::test]
async fn what_is_taken_back_opens_the_doors_again() {
    let doors = doors().await;
    let all = json!({
        "active": false, "locked": true, "ip_restricted": true,
        "login_hours": { "from": "00:00", "to": "00:00" },
    });
    doors.bench.control("users", all).await;
    assert!(doors.client_credentials().await != OPEN);
    let none =
        json!({ "active": true, "locked": false, "ip_restricted": false, "login_hours": null });
    doors.bench.control("users", none).await;
    assert_eq!(doors.client_credentials().await, OPEN);
    assert_eq!(doors.jwt().await, OPEN);
    assert_eq!(doors.refresh().await, OPEN);
    assert_eq!(doors.log_in().await, OPEN);
}

#[tokio::test]
async fn an_app_can_relax_the_ip_restriction() {
    let doors = doors().await;
    doors
        .bench
        .control("users", json!({ "ip_restricted": true }))
        .await;
    doors
        .bench
        .control("apps", json!({ "ip_relaxed": true }))
        .await;
    assert_eq!(doors.client_credentials().await, OPEN);
}

#[tokio::test]
async fn who_is_deactivated_or_locked_is_signed_out_everywhere() {
    for switch in [json!({ "active": false }), json!({ "locked": true })] {
        let mut doors = doors().await;
        assert_eq!(doors.come_back().await, OPEN);
        doors.bench.control("users", switch).await;
        assert_eq!(doors.bench.status_with(&doors.bench.token).await, 401);
        let page = doors.browser.open(&doors.bench.authorize_url(&[])).await;
        assert!(page.is_log_in(), "{}", page.html);
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_app_is_told_to_who_is_logged_in() {
    let approved_only = told(
        "invalid_app_access",
        "user is not admin approved to access this app",
    );
    let blocked = told("OAUTH_APP_BLOCKED", "this app is blocked by admin");
    let not_installed = told(
        "OAUTH_APPROVAL_ERROR_GENERIC",
        "An unexpected error has occurred during authentication. Please try again.",
    );
    for (switch, expected, run_as) in [
        // The policy on users does not hold for the user an app runs as.
        (
            json!({ "admin_approved_only": true, "approved": [] }),
            approved_only,
            OPEN.to_owned(),
        ),
        (json!({ "blocked": true }), blocked.clone(), blocked),
        (
            json!({ "installed": false }),
            not_installed,
            OPEN.to_owned(),
        ),
    ] {
        let mut doors = doors().await;
        doors.bench.control("apps", switch.clone()).await;
        assert_eq!(doors.client_credentials().await, run_as, "{switch}");
        assert_eq!(doors.jwt().await, expected, "{switch}");
        assert_eq!(doors.refresh().await, expected, "{switch}");
        assert_eq!(doors.log_in().await, expected, "{switch}");
        assert_eq!(doors.come_back().await, expected, "{switch}");
    }
}

#[tokio::test]
async fn an_approved_user_of_an_app_for_approved_users_is_not_asked() {
    let mut doors = doors().await;
    doors
        .bench
        .control("apps", json!({ "admin_approved_only": true }))
        .await;
    assert_eq!(doors.log_in().await, OPEN);
    let ready = doors.bench.sandbox.ready();
    let mut browser = Browser::new();
    let page = browser
        .open(&doors.bench.authorize_url(&[("scope", "api web")]))
        .await;
    let fields = [
        ("username", ready.username.as_str()),
        ("password", ready.password.as_str()),
    ];
    let page = browser.submit(&page, &fields).await;
    assert!(page.returned().contains_key("code"));
    assert_eq!(doors.come_back().await, OPEN);
}

#[tokio::test]
async fn an_app_that_is_switched_off_is_unknown_everywhere() {
    let doors = doors().await;
    doors
        .bench
        .control("apps", json!({ "enabled": false }))
        .await;
    let unknown = told("invalid_client_id", "client identifier invalid");
    assert_eq!(doors.client_credentials().await, unknown);
    assert_eq!(doors.jwt().await, unknown);
    assert_eq!(doors.refresh().await, unknown);
    let page = Browser::new().open(&doors.bench.authorize_url(&[])).await;
    assert_eq!(page.element("error"), Some("invalid_client_id"));
}

#[tokio::test]
async fn a_new_secret_ends_the_old_one_and_no_session() {
    let doors = doors().await;
    let app = doors
        .bench
        .control("apps", json!({ "new_secret": true }))
        .await;
    let refused = told("invalid_client", "invalid client credentials");
    assert_eq!(doors.client_credentials().await, refused);
    assert_eq!(doors.refresh().await, refused);
    assert_eq!(doors.bench.status_with(&doors.bench.token).await, 200);
    let secret = app["api_key"].as_str().unwrap();
    let answer = doors
        .bench
        .refresh(&doors.refresh_token, &[("client_secret", secret)])
        .await;
    assert_eq!(answer.0, 200);
}

#[tokio::test]
async fn ten_wrong_passwords_lock_the_user_out_until_somebody_unlocks_them() {
    let doors = doors().await;
    let ready = doors.bench.sandbox.ready();
    let mut browser = Browser::new();
    let mut page = browser.open(&doors.bench.authorize_url(&[])).await;
    for _ in 0..10 {
        let fields = [("username", ready.username.as_str()), ("password", "wrong")];
        page = browser.submit(&page, &fields).await;
        assert!(page.is_log_in());
    }
    assert_eq!(
        doors.log_in().await,
        told("inactive_user", "user is locked")
    );
    doors
        .bench
        .control("users", json!({ "unlock": true }))
        .await;
    assert_eq!(doors.log_in().await, OPEN);
}

#[tokio::test]
async fn a_password_can_be_changed() {
    let doors = doors().await;
    let ready = doors.bench.sandbox.ready();
    doors
        .bench
        .control("users", json!({ "password": "another" }))
        .await;
    let mut browser = Browser::new();
    let page = browser.open(&doors.bench.authorize_url(&[])).await;
    for (password, right) in [(ready.password.as_str(), false), ("another", true)] {
        let fields = [
            ("username", ready.username.as_str()),
            ("password", password),
        ];
        assert_eq!(browser.submit(&page, &fields).await.is_log_in(), !right);
    }
}

#[tokio::test]
async fn an_org_that_is_locked_answers_nobody() {
    let doors = doors().await;
    doors.bench.control("org", json!({ "active": false })).await;
    let locked = told("inactive_org", "organization is inactive or locked");
    assert_eq!(doors.client_credentials().await, locked);
    assert_eq!(doors.log_in().await, locked);
    let answer = doors.bench.get(&format!("{V}/limits")).await;
    assert_eq!(refusal(&answer), (403, "ORG_LOCKED", "org locked"));
    doors.bench.control("org", json!({ "active": true })).await;
    assert_eq!(doors.client_credentials().await, OPEN);
}

#[tokio::test]
async fn the_api_can_be_off_for_the_org_the_user_or_the_token() {
    let bench = bench().await;
    let limits = format!("{V}/limits");
    bench.control("org", json!({ "api": false })).await;
    assert_eq!(
        refusal(&bench.get(&limits).await),
        (
            403,
            "API_DISABLED_FOR_ORG",
            "The REST API is not enabled for this Organization."
        )
    );
    bench.control("org", json!({ "api": true })).await;
    bench
        .control("users", json!({ "api_enabled": false }))
        .await;
    assert_eq!(
        refusal(&bench.get(&limits).await),
        (
            403,
            "API_CURRENTLY_DISABLED",
            "API is disabled for this User"
        )
    );
    let aged = json!({ "api_enabled": true, "password_expired": true });
    bench.control("users", aged).await;
    let answer = bench.get(&limits).await;
    let expired = "INVALID_OPERATION_WITH_EXPIRED_PASSWORD";
    assert_eq!((refusal(&answer).0, refusal(&answer).1), (403, expired));
    let password = &bench.sandbox.ready().password;
    bench
        .control("users", json!({ "password": password }))
        .await;
    assert_eq!(bench.get(&limits).await.0, 200);
    let code = bench.code(&[("scope", "id")]).await;
    let (_, tokens) = bench.exchange(&code, &[]).await;
    let token = text(&tokens, "access_token");
    assert_eq!(
        refusal(&bench.limits_with(token).await),
        (
            403,
            "INVALID_SESSION_ID",
            "This session is not valid for use with the REST API"
        )
    );
    // It still tells who is signed in.
    let request = bench.http.get(text(&tokens, "id")).bearer_auth(token);
    assert_eq!(reply(request).await.0, 200);
    // Client credentials get what the app has.
    bench
        .control("apps", json!({ "scopes": ["id", "refresh_token"] }))
        .await;
    let token = super::client::sign_in(&bench.http, bench.sandbox.ready()).await;
    assert_eq!(
        refusal(&bench.limits_with(&token).await).1,
        "INVALID_SESSION_ID"
    );
}

#[tokio::test]
async fn maintenance_answers_with_a_page_or_with_json_or_refuses_writes() {
    let bench = bench().await;
    let limits = format!("{V}/limits");
    bench
        .control("maintenance", json!({ "mode": "page" }))
        .await;
    for path in [
        limits.as_str(),
        "/services/data",
        "/services/oauth2/authorize",
    ] {
        let answer = bench.http.get(bench.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), 503, "{path}");
        assert!(
            answer.headers()["content-type"]
                .to_str()
                .unwrap()
                .starts_with("text/html")
        );
    }
    bench
        .control("maintenance", json!({ "mode": "json" }))
        .await;
    let answer = bench.get(&limits).await;
    assert_eq!(
        (refusal(&answer).0, refusal(&answer).1),
        (503, "SERVER_UNAVAILABLE")
    );
    bench
        .control("maintenance", json!({ "mode": "read-only" }))
        .await;
    assert_eq!(bench.query("SELECT COUNT() FROM Lead").await.0, 200);
    let code = "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE";
    let row = json!({ "LastName": "X", "Company": "Y" });
    let answer = bench.post(&format!("{V}/sobjects/Lead"), row.clone()).await;
    assert_eq!((refusal(&answer).0, refusal(&answer).1), (503, code));
    let id = bench.records("Lead").await[0]["Id"].clone();
    let path = format!("{V}/sobjects/Lead/{}", id.as_str().unwrap());
    assert_eq!(
        refusal(&bench.patch(&path, json!({ "City": "Oslo" })).await).1,
        code
    );
    assert_eq!(refusal(&bench.delete(&path).await).1, code);
    let mut record = row.clone();
    record["attributes"] = json!({ "type": "Lead" });
    let answer = bench
        .post(
            &format!("{V}/composite/sobjects"),
            json!({ "records": [record] }),
        )
        .await;
    assert_eq!(answer.1[0]["errors"][0]["statusCode"], code, "{answer:?}");
    bench.control("maintenance", json!({ "mode": "off" })).await;
    assert_eq!(bench.post(&format!("{V}/sobjects/Lead"), row).await.0, 201);
}

#[tokio::test]
async fn a_user_for_integrations_shows_by_the_profile() {
    let bench = bench().await;
    let soql = "SELECT Profile.Name, Profile.PermissionsApiUserOnly FROM User \
                WHERE Username = 'integration@bridged.example'";
    let of = |answer: &Value| answer["records"][0]["Profile"]["PermissionsApiUserOnly"].clone();
    assert_eq!(of(&bench.query(soql).await.1), json!(false));
    for api_only in [true, true, false] {
        bench
            .control("users", json!({ "api_only": api_only }))
            .await;
        assert_eq!(of(&bench.query(soql).await.1), json!(api_only));
    }
    assert_eq!(bench.records("Profile").await.len(), 2);
}

#[tokio::test]
async fn a_switch_that_names_what_is_not_there_is_an_error_and_a_reset_takes_all_back() {
    let bench = bench().await;
    for (call, body) in [
        (
            "apps",
            json!({ "consumer_key": "3MVG9x", "rotation": true }),
        ),
        ("apps", json!({ "rotatoin": true })),
        ("apps", json!({ "scopes": ["openid"] })),
        ("apps", json!({ "callbacks": ["not an address"] })),
        ("apps", json!({ "callbacks": ["http://localhost/x#y"] })),
        ("apps", json!({ "approved": ["nobody"] })),
        ("apps", json!({ "run_as": "nobody" })),
        ("apps", json!({ "refresh_policy": "sometimes" })),
        ("users", json!({ "username": "nobody" })),
        ("users", json!({ "login_hours": { "from": "9" } })),
        ("users", json!({ "actif": true })),
        ("org", json!({ "api": 1 })),
        ("maintenance", json!({ "mode": "soon" })),
    ] {
        let url = bench.url(&format!("/_sandbox/{call}"));
        let answer = reply(bench.http.post(url).json(&body)).await;
        assert_eq!(answer.0, 400, "{body}");
    }
    let settings = json!({ "run_as": null, "callbacks": ["myapp:/back"], "refresh_policy": { "lifetime": "1h" } });
    let app = bench.control("apps", settings).await;
    assert_eq!(
        (&app["run_as"], &app["callbacks"]),
        (&Value::Null, &json!(["myapp:/back"]))
    );
    bench
        .control("maintenance", json!({ "mode": "page" }))
        .await;
    bench.control("reset", json!({})).await;
    let token = super::client::sign_in(&bench.http, bench.sandbox.ready()).await;
    assert_eq!(bench.status_with(&token).await, 200);
}
