//! What the sandbox publishes about signing in is what it does.

use serde_json::{Value, json};

use super::client::{Bench, bench, reply};

async fn published(bench: &Bench, path: &str) -> Value {
    let (status, body) = reply(bench.http.get(bench.url(path))).await;
    assert_eq!(status, 200, "{path}");
    body
}

#[tokio::test]
async fn every_endpoint_that_is_published_answers() {
    let bench = bench().await;
    let document = published(&bench, "/.well-known/openid-configuration").await;
    assert_eq!(
        document["issuer"],
        bench.sandbox.ready().salesforce_url.as_str()
    );
    for (name, status) in [
        ("authorization_endpoint", 400),
        ("token_endpoint", 405),
        ("revocation_endpoint", 400),
        ("userinfo_endpoint", 403),
        ("introspection_endpoint", 405),
        ("jwks_uri", 200),
    ] {
        let url = document[name].as_str().unwrap();
        assert_eq!(
            reply(bench.http.get(url)).await.0.as_u16(),
            status,
            "{name}"
        );
    }
    assert_eq!(
        document["code_challenge_methods_supported"],
        json!(["S256"])
    );
    assert_eq!(document["response_types_supported"], json!(["code"]));
}

#[tokio::test]
async fn every_scope_that_is_published_can_be_granted() {
    let bench = bench().await;
    let document = published(&bench, "/.well-known/openid-configuration").await;
    let scopes = document["scopes_supported"].as_array().unwrap();
    assert!(!scopes.contains(&json!("openid")), "{scopes:?}");
    let settings = json!({ "scopes": scopes });
    bench.control("apps", settings).await;
    for scope in scopes {
        let scope = scope.as_str().unwrap();
        let code = bench.code(&[("scope", scope)]).await;
        let (_, tokens) = bench.exchange(&code, &[]).await;
        assert_eq!(tokens["scope"], scope);
        let offline = ["refresh_token", "offline_access"].contains(&scope);
        assert_eq!(tokens.get("refresh_token").is_some(), offline, "{scope}");
    }
}

#[tokio::test]
async fn there_are_no_keys_and_the_org_tells_how_people_log_in() {
    let bench = bench().await;
    assert_eq!(published(&bench, "/id/keys").await, json!({ "keys": [] }));
    let how = published(&bench, "/.well-known/auth-configuration").await;
    let org = bench.records("Organization").await[0]["Id"].clone();
    assert!(
        org.as_str()
            .unwrap()
            .starts_with(how["OrgId"].as_str().unwrap())
    );
    assert_eq!(how["SamlProviders"], json!([]));
    assert_eq!(
        reply(bench.http.get(bench.url("/.well-known/nothing")))
            .await
            .0,
        404
    );
}
