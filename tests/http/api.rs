//! Who may ask for what, and what is answered.

use bridged::serve::http::{openapi, routes::ROUTES};
use bridged::store::model::{ApiToken, Role};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::scene::{Scene, audit};

fn path(route: &str) -> String {
    route
        .replace("{name}", "leads")
        .replace("{id}", "01a21755-04a2-7212-891f-f57a249be4bf")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_those_it_is_for_and_no_others() {
    let scene = Scene::start().await;
    let tokens = [None]
        .into_iter()
        .chain(Role::ALL.map(Some))
        .map(|role| (role, role.map(|role| scene.token(role))))
        .collect::<Vec<_>>();
    for route in ROUTES {
        if route.method == "GET" && route.role.is_some() {
            let head = scene.http.head(scene.at(&path(route.path)));
            assert_eq!(head.send().await.unwrap().status(), 401, "HEAD {route:?}");
        }
        for (role, token) in &tokens {
            let method = route.method.parse::<reqwest::Method>().unwrap();
            let mut request = scene.http.request(method, scene.at(&path(route.path)));
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let status = request.send().await.unwrap().status().as_u16();
            let expected = match (route.role, role) {
                (Some(_), None) => Some(401),
                (Some(needed), Some(role)) if *role < needed => Some(403),
                _ => None,
            };
            match expected {
                Some(expected) => assert_eq!(status, expected, "{route:?} {role:?}"),
                None => assert!(
                    status != 403 && status != 405 && status < 500 || route.role.is_none(),
                    "{route:?} {role:?}: {status}"
                ),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_has_every_route_and_is_shown() {
    let scene = Scene::start().await;
    let token = scene.token(Role::Viewer);
    let shown: Value = scene
        .http
        .get(scene.at("/api/v1/openapi.json"))
        .bearer_auth(&token)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(shown, openapi::document());
    let paths = shown["paths"].as_object().unwrap();
    let listed: usize = paths
        .values()
        .map(|path| path.as_object().unwrap().len())
        .sum();
    assert_eq!(listed, ROUTES.len());
    for route in ROUTES {
        assert!(
            paths[route.path][route.method.to_ascii_lowercase()]["summary"].is_string(),
            "{route:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_refused_when_they_are_wrong_expired_or_revoked_and_kept_hashed() {
    let scene = Scene::start().await;
    let token = scene.token(Role::Viewer);
    let asks = |token: String| {
        let request = scene
            .http
            .get(scene.at("/api/v1/pipelines"))
            .bearer_auth(token);
        async move { request.send().await.unwrap().status().as_u16() }
    };
    assert_eq!(asks(token.clone()).await, 200);
    for wrong in [
        "",
        "bridged_",
        "bridged_viewer2",
        &token.to_uppercase(),
        &"x".repeat(5_000),
    ] {
        assert_eq!(asks(wrong.to_owned()).await, 401, "{wrong}");
    }
    let past = ApiToken {
        name: "past".to_owned(),
        hash: bridged::serve::http::digest("bridged_past"),
        role: Role::Operator,
        created_at: Timestamp::UNIX_EPOCH,
        expires_at: Some(Timestamp::UNIX_EPOCH),
    };
    scene.store.add_token(&past, &audit()).unwrap();
    scene.store.remove_token("viewer", &audit()).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(asks("bridged_past".to_owned()).await, 401);
    assert_eq!(asks(token.clone()).await, 401, "within a second");
    for file in std::fs::read_dir(scene.folder.path()).unwrap().flatten() {
        if file.path().is_file() {
            let bytes = std::fs::read(file.path()).unwrap();
            let holds = bytes
                .windows(token.len())
                .any(|part| part == token.as_bytes());
            assert!(!holds, "{:?} holds a token", file.path());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_started_on_behalf_of_the_token_and_refused_with_a_reason() {
    let scene = Scene::start().await;
    let token = scene.token(Role::Operator);
    let start = |name: &str, body: &'static str| {
        let request = scene
            .http
            .post(scene.at(&format!("/api/v1/pipelines/{name}/run")));
        let request = request.bearer_auth(&token).body(body);
        async move {
            let answer = request.send().await.unwrap();
            (
                answer.status().as_u16(),
                answer.json::<Value>().await.unwrap(),
            )
        }
    };
    let (status, body) = start("leads", "{\"full\":true,\"limit\":5}").await;
    assert_eq!(status, 202);
    assert!(body["run_id"].is_string());
    let asked = scene.fake.asked.lock().unwrap()[0].clone();
    assert_eq!(
        (asked.actor.as_str(), asked.full, asked.limit),
        ("token operator", true, Some(5))
    );
    for (name, body, expected) in [
        ("busy", "", 409),
        ("other", "", 404),
        ("leads", "{\"ful\":true}", 400),
        ("leads", "[", 400),
        ("UPPER", "", 404),
    ] {
        assert_eq!(start(name, body).await.0, expected, "{name} {body}");
    }
    *scene.fake.stopping.lock().unwrap() = true;
    let (status, body) = start("leads", "").await;
    assert_eq!(
        (status, body["error"]["code"].as_str()),
        (503, Some("server-stopping"))
    );
    assert_eq!(
        scene
            .http
            .get(scene.at("/readyz"))
            .send()
            .await
            .unwrap()
            .status(),
        503
    );
    assert_eq!(
        scene
            .http
            .get(scene.at("/healthz"))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

/// Posts a value, and gives the status and the answer.
async fn post(
    scene: &Scene,
    token: &str,
    path: &str,
    body: Value,
    key: Option<&str>,
) -> (u16, Value) {
    let mut request = scene
        .http
        .post(scene.at(path))
        .bearer_auth(token)
        .json(&body);
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn records_come_in_all_or_none_and_a_key_makes_a_repeat_harmless() {
    let scene = Scene::start().await;
    let token = scene.token(Role::Ingest);
    let post = |path, body, key| post(&scene, &token, path, body, key);
    let ada = json!({ "key": "ada", "last_name": "Lovelace\nByron" });
    let (status, body) = post(
        "/api/v1/profiles",
        json!([ada, { "key": "bob" }]),
        Some("k1"),
    )
    .await;
    assert_eq!(
        (status, body),
        (
            200,
            json!({ "added": 2, "changed": 0, "unchanged": 0, "erased": 0 })
        )
    );
    let again = post(
        "/api/v1/profiles",
        json!([ada, { "key": "bob" }]),
        Some("k1"),
    )
    .await;
    assert_eq!(
        again,
        (
            200,
            json!({ "added": 2, "changed": 0, "unchanged": 0, "erased": 0 })
        ),
        "the same answer, and nothing was done"
    );
    assert_eq!(
        post("/api/v1/profiles", json!({ "key": "eve" }), Some("k1"))
            .await
            .0,
        409
    );
    assert_eq!(scene.store.profile_count().unwrap(), 2);
    let stored = scene.store.profile("ada").unwrap().unwrap();
    assert_eq!(stored.profile.attributes["last_name"], "Lovelace\nByron");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_wrong_record_keeps_all_of_a_request_out() {
    let scene = Scene::start().await;
    let token = scene.token(Role::Ingest);
    let post = |path, body, key| post(&scene, &token, path, body, key);
    assert_eq!(
        post("/api/v1/profiles", json!({ "key": "ada" }), None)
            .await
            .0,
        200
    );
    let (status, body) = post("/api/v1/outcomes", json!([
        { "id": "o1", "profile": "ada", "kind": "qualified", "occurred_at": "2026-11-26T10:00:00Z" },
        { "id": "o2", "profile": "ada", "kind": "qualified", "occurred_at": "tomorrow" },
    ]), None).await;
    assert_eq!(status, 422, "{body}");
    assert_eq!(body["error"]["records"][0]["record"], 2, "{body}");
    assert_eq!(scene.store.outcome("o1").unwrap(), None, "all or none");
    let event =
        json!({ "id": "e1", "profile": "ada", "kind": "replied", "at": "2026-11-26T10:00:00Z" });
    assert_eq!(post("/api/v1/engagements", event, None).await.0, 200);
    assert_eq!(
        *scene.fake.changed.lock().unwrap(),
        2,
        "told of each request that was taken"
    );
    let lines = scene
        .http
        .post(scene.at("/api/v1/profiles"))
        .bearer_auth(&token)
        .header("content-type", "application/x-ndjson")
        .body("{\"key\":\"c\"}\n{\"key\":\"d\"}\n")
        .send()
        .await
        .unwrap();
    assert_eq!(lines.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn x31_x39_hostile_records_are_refused_or_taken_literally_and_never_break_the_server() {
    let scene = Scene::start().await;
    let token = scene.token(Role::Ingest);
    let deep = format!(
        "{{\"key\":\"a\",\"x\":{}1{}}}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    for (body, kind) in [
        ("{\"key\":\"a\",\"key\":\"b\"}", "application/json"),
        (deep.as_str(), "application/json"),
        ("{\"key\":\"a\"} trailing", "application/json"),
        ("{\"key\":NaN}", "application/json"),
        ("{\"key\":\"\\ud800\"}", "application/json"),
        ("[]", "application/json"),
        ("", "application/json"),
        ("{\"key\":\"a\"}", "text/plain"),
    ] {
        let answer = scene
            .http
            .post(scene.at("/api/v1/profiles"))
            .bearer_auth(&token)
            .header("content-type", kind)
            .body(body.to_owned())
            .send()
            .await
            .unwrap();
        let status = answer.status().as_u16();
        assert!(
            [400, 415, 422].contains(&status),
            "{status}: {}",
            &body[..body.len().min(60)]
        );
    }
    for sign in [
        "'; DROP TABLE profiles; --",
        "\" OR 1=1",
        "%_",
        "\\'",
        "\u{202e}",
    ] {
        let body = json!({ "key": format!("k{sign}"), "name": sign });
        let answer = scene
            .http
            .post(scene.at("/api/v1/profiles"))
            .bearer_auth(&token)
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200, "{sign}");
        let stored = scene.store.profile(&format!("k{sign}")).unwrap().unwrap();
        assert_eq!(stored.profile.attributes["name"], sign);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_tell_what_is_left_of_each_orgs_calls() {
    let scene = Scene::start().await;
    let token = scene.token(Role::Viewer);
    let request = scene.http.get(scene.at("/metrics")).bearer_auth(&token);
    let page = request.send().await.unwrap().text().await.unwrap();
    for line in [
        "# TYPE bridged_api_calls_left gauge",
        "bridged_api_calls_left{connection=\"salesforce\"} 11900",
        "bridged_api_calls_used{connection=\"salesforce\"} 100",
        "bridged_api_calls_limit{connection=\"salesforce\"} 15000",
    ] {
        assert!(page.lines().any(|one| one == line), "{line}: {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn x35_what_is_nobodys_business_is_not_there() {
    let scene = Scene::start().await;
    for (method, path, expected) in [
        ("GET", "/metrics", 401),
        ("GET", "/api/v1/openapi.json", 401),
        ("GET", "/debug", 404),
        ("GET", "/.git/config", 404),
        ("GET", "/", 404),
        ("TRACE", "/healthz", 405),
        ("DELETE", "/api/v1/runs", 405),
        ("GET", "/api/v1/pipelines/../../etc/passwd", 404),
    ] {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let answer = scene
            .http
            .request(method.clone(), scene.at(path))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), expected, "{method} {path}");
        let allowed = answer.headers().get("allow");
        assert_eq!(
            allowed.map(|allowed| allowed.to_str().unwrap()),
            (expected == 405).then_some("GET"),
            "{method} {path}"
        );
        for header in [
            "content-security-policy",
            "x-content-type-options",
            "referrer-policy",
            "cache-control",
        ] {
            assert!(
                answer.headers().contains_key(header),
                "{method} {path}: {header}"
            );
        }
        assert!(!answer.headers().contains_key("server"), "no banner");
    }
}

#[test]
fn x40_nothing_that_is_sent_breaks_the_server() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let scene = runtime.block_on(Scene::start());
    let token = scene.token(Role::Operator);
    let cases = std::env::var("BRIDGED_API_CASES").map_or(300, |count| count.parse().unwrap());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases,
        ..ProptestConfig::default()
    });
    let document = openapi::document();
    let input = (
        0..ROUTES.len(),
        "[ -~]{0,20}",
        "\\PC{0,60}",
        "[a-z]{0,8}=[ -~]{0,12}",
    );
    runner
        .run(&input, |(number, name, body, query)| {
            let route = ROUTES[number];
            let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
            let path = route.path.replace("{name}", &name).replace("{id}", &name);
            let query: String = query
                .chars()
                .filter(|letter| !letter.is_whitespace() && *letter != '#')
                .collect();
            let method = route.method.parse::<reqwest::Method>().unwrap();
            let mut request = scene
                .http
                .request(method, format!("{}?{query}", scene.at(&path)))
                .bearer_auth(&token);
            if !route.body.is_empty() {
                request = request.header("content-type", route.body[0]).body(body);
            }
            let answer = runtime.block_on(async { request.send().await.unwrap() });
            let status = answer.status().as_u16();
            prop_assert!(status < 500, "{route:?}: {status}");
            let known =
                &document["paths"][route.path][route.method.to_ascii_lowercase()]["responses"];
            // An empty place makes another path.
            prop_assert!(
                known.get(status.to_string()).is_some() || [404, 405].contains(&status),
                "{route:?}: {status} is not in the document"
            );
            Ok(())
        })
        .unwrap();
}
