//! Refresh tokens: rotation, replay, policies, and whom they belong to.

use serde_json::json;

use super::client::{bench, reply};
use super::web_flow::{TOKEN, oauth_error, text};
use crate::support::consent::Browser;

const EXPIRED: (u16, &str, &str) = (400, "invalid_grant", "expired access/refresh token");

#[tokio::test]
async fn without_rotation_a_token_refreshes_as_often_as_it_is_asked() {
    let bench = bench().await;
    let tokens = bench.connect().await;
    let refresh = text(&tokens, "refresh_token");
    for _ in 0..3 {
        let (status, fresh) = bench.refresh(refresh, &[]).await;
        assert_eq!(status, 200, "{fresh}");
        assert!(fresh.get("refresh_token").is_none(), "{fresh}");
        assert_eq!(fresh["scope"], "api refresh_token");
        assert_ne!(fresh["access_token"], tokens["access_token"]);
        assert_eq!(bench.status_with(text(&fresh, "access_token")).await, 200);
    }
    // Older access tokens live on.
    assert_eq!(bench.status_with(text(&tokens, "access_token")).await, 200);
}

#[tokio::test]
async fn a_session_that_ended_is_refreshed() {
    let bench = bench().await;
    let tokens = bench.connect().await;
    bench.control("sessions", json!({ "expire": true })).await;
    assert_eq!(bench.status_with(text(&tokens, "access_token")).await, 401);
    let (_, fresh) = bench.refresh(text(&tokens, "refresh_token"), &[]).await;
    assert_eq!(bench.status_with(text(&fresh, "access_token")).await, 200);
}

#[tokio::test]
async fn with_rotation_each_refresh_gives_another_token() {
    let bench = bench().await;
    bench.control("apps", json!({ "rotation": true })).await;
    let mut tokens = bench.connect().await;
    for _ in 0..3 {
        let (status, fresh) = bench.refresh(text(&tokens, "refresh_token"), &[]).await;
        assert_eq!(status, 200, "{fresh}");
        assert_ne!(fresh["refresh_token"], tokens["refresh_token"]);
        tokens = fresh;
    }
}

#[tokio::test]
async fn a_rotated_token_that_comes_again_ends_the_whole_family() {
    let bench = bench().await;
    bench.control("apps", json!({ "rotation": true })).await;
    let bystander = bench.connect().await;
    let first = bench.connect().await;
    let (_, second) = bench.refresh(text(&first, "refresh_token"), &[]).await;
    let (_, third) = bench.refresh(text(&second, "refresh_token"), &[]).await;
    let answer = bench.refresh(text(&first, "refresh_token"), &[]).await;
    assert_eq!(oauth_error(&answer), EXPIRED);
    for tokens in [&first, &second, &third] {
        assert_eq!(bench.status_with(text(tokens, "access_token")).await, 401);
        let answer = bench.refresh(text(tokens, "refresh_token"), &[]).await;
        assert_eq!(oauth_error(&answer), EXPIRED);
    }
    assert_eq!(
        bench.status_with(text(&bystander, "access_token")).await,
        200
    );
    assert_eq!(
        bench
            .refresh(text(&bystander, "refresh_token"), &[])
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn of_many_refreshes_with_one_token_at_most_one_is_answered() {
    let bench = bench().await;
    bench.control("apps", json!({ "rotation": true })).await;
    let tokens = bench.connect().await;
    let refresh = text(&tokens, "refresh_token");
    let all = futures_util::future::join_all((0..8).map(|_| bench.refresh(refresh, &[]))).await;
    let given = all.iter().filter(|(status, _)| *status == 200).count();
    assert_eq!(given, 1, "{all:?}");
    // The others were replays.
    let (_, fresh) = all.iter().find(|(status, _)| *status == 200).unwrap();
    let answer = bench.refresh(text(fresh, "refresh_token"), &[]).await;
    assert_eq!(oauth_error(&answer), EXPIRED);
}

#[tokio::test]
async fn each_policy_ends_refresh_tokens_at_its_own_time() {
    let bench = bench().await;
    bench.control("clock", json!({ "hold": true })).await;
    for (policy, steps) in [
        (json!("infinite"), vec![("8000h", 200), ("8000h", 200)]),
        (json!("immediately-expire"), vec![("0s", 400)]),
        (json!({ "lifetime": "2h" }), vec![("2h", 200), ("1s", 400)]),
        (
            json!({ "inactivity": "2h" }),
            vec![("2h", 200), ("2h", 200), ("2h 1s", 400)],
        ),
    ] {
        bench
            .control("apps", json!({ "refresh_policy": policy }))
            .await;
        let tokens = bench.connect().await;
        for (advance, status) in steps {
            bench.control("clock", json!({ "advance": advance })).await;
            let answer = bench.refresh(text(&tokens, "refresh_token"), &[]).await;
            assert_eq!(answer.0.as_u16(), status, "{policy} {advance}");
            if status == 400 {
                assert_eq!(oauth_error(&answer), EXPIRED);
            }
        }
    }
}

#[tokio::test]
async fn a_refresh_token_is_its_apps_alone() {
    let bench = bench().await;
    bench.control("apps", json!({ "rotation": true })).await;
    let tokens = bench.connect().await;
    let (_, apps) = reply(bench.http.get(bench.url("/_sandbox/apps"))).await;
    let other = [
        ("client_id", apps[1]["consumer_key"].as_str().unwrap()),
        ("client_secret", apps[1]["api_key"].as_str().unwrap()),
    ];
    let refresh = text(&tokens, "refresh_token");
    assert_eq!(oauth_error(&bench.refresh(refresh, &other).await), EXPIRED);
    let (status, fresh) = bench.refresh(refresh, &[]).await;
    assert_eq!(status, 200, "{fresh}");
    // Another app that presents a rotated token ends nothing.
    assert_eq!(oauth_error(&bench.refresh(refresh, &other).await), EXPIRED);
    assert_eq!(
        bench.refresh(text(&fresh, "refresh_token"), &[]).await.0,
        200
    );
    for (changes, refused) in [
        (
            vec![("refresh_token", "")],
            (
                400,
                "invalid_request",
                "missing required parameter: refresh_token",
            ),
        ),
        (vec![("refresh_token", "5Aep861made.up")], EXPIRED),
        (
            vec![("client_secret", "wrong")],
            (400, "invalid_client", "invalid client credentials"),
        ),
        (
            vec![("client_id", "3MVG9x")],
            (400, "invalid_client_id", "client identifier invalid"),
        ),
    ] {
        assert_eq!(
            oauth_error(&bench.refresh("x", &changes).await),
            refused,
            "{changes:?}"
        );
    }
}

#[tokio::test]
async fn a_refresh_asks_again_whether_the_user_may_come_in() {
    let bench = bench().await;
    let tokens = bench.connect().await;
    let refresh = text(&tokens, "refresh_token");
    bench.control("users", json!({ "active": false })).await;
    let inactive = (400, "inactive_user", "user is inactive");
    assert_eq!(oauth_error(&bench.refresh(refresh, &[]).await), inactive);
    bench.control("users", json!({ "active": true })).await;
    assert_eq!(bench.refresh(refresh, &[]).await.0, 200);
    bench
        .control("apps", json!({ "admin_approved_only": true }))
        .await;
    assert_eq!(
        oauth_error(&bench.refresh(refresh, &[]).await).1,
        "invalid_app_access"
    );
}

#[tokio::test]
async fn a_refresh_whose_answer_is_lost_has_spent_its_token() {
    let bench = bench().await;
    bench.control("apps", json!({ "rotation": true })).await;
    let tokens = bench.connect().await;
    let refresh = text(&tokens, "refresh_token");
    let lost = json!({
        "match": { "path": "/services/oauth2/token", "contains": "grant_type=refresh_token", "times": 1 },
        "action": { "kind": "reset-after-commit" },
    });
    bench.fault(lost).await;
    let ready = bench.sandbox.ready();
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh),
        ("client_id", &ready.consumer_key),
        ("client_secret", &ready.api_key),
    ];
    let request = bench.http.post(bench.url(TOKEN)).form(&form);
    assert!(request.send().await.is_err());
    // Asking again with the same token is a replay: now even the access token is dead.
    assert_eq!(bench.status_with(text(&tokens, "access_token")).await, 200);
    assert_eq!(oauth_error(&bench.refresh(refresh, &[]).await), EXPIRED);
    assert_eq!(bench.status_with(text(&tokens, "access_token")).await, 401);
}

#[tokio::test]
async fn refusals_that_come_and_go_are_scripted() {
    let bench = bench().await;
    let tokens = bench.connect().await;
    for (error, description) in [
        ("rate_limit_exceeded", "login rate exceeded"),
        ("unknown_error", "retry your request"),
    ] {
        let body = json!({ "error": error, "error_description": description });
        let rule = json!({
            "match": { "path": "/services/oauth2/token", "times": 1 },
            "action": { "kind": "status", "status": 400, "body": body },
        });
        bench.fault(rule).await;
        let refresh = text(&tokens, "refresh_token");
        let answer = bench.refresh(refresh, &[]).await;
        assert_eq!(oauth_error(&answer), (400, error, description));
        assert_eq!(bench.refresh(refresh, &[]).await.0, 200);
    }
}

#[tokio::test]
async fn an_administrator_revokes_everything_at_once() {
    let bench = bench().await;
    let mut browser = Browser::new();
    let code = bench.code_in(&mut browser, &[]).await;
    let (_, tokens) = bench.exchange(&code, &[]).await;
    bench.control("sessions", json!({ "revoke": true })).await;
    assert_eq!(bench.status_with(text(&tokens, "access_token")).await, 401);
    let answer = bench.refresh(text(&tokens, "refresh_token"), &[]).await;
    assert_eq!(oauth_error(&answer), EXPIRED);
    assert!(browser.open(&bench.authorize_url(&[])).await.is_consent());
}
