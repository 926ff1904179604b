//! The client against the sandbox: two readings of the same documents must agree.

use bridged::foundation::code::Code;
use bridged::foundation::secret::Secret;
use bridged::salesforce::client::Client;
use bridged::salesforce::query::Scope;
use bridged::salesforce::settings::Settings;
use bridged::sandbox::faults::Rule;
use bridged::sandbox::server::Sandbox;
use serde_json::{Value, json};

use super::org::shown;

async fn start(faults: Value) -> Sandbox {
    let faults: Vec<Rule> = serde_json::from_value(faults).unwrap();
    Sandbox::start(bridged::sandbox::settings::Settings {
        faults,
        ..Default::default()
    })
    .await
    .unwrap()
}

fn settings(sandbox: &Sandbox) -> Settings {
    let ready = sandbox.ready();
    let mut settings = Settings::new(
        ready.salesforce_url.as_str(),
        ready.consumer_key.as_str(),
        Secret::new(ready.api_key.as_str()),
    );
    settings.retry.base = std::time::Duration::from_millis(1);
    settings
}

fn client(sandbox: &Sandbox) -> Client {
    Client::new(settings(sandbox)).unwrap()
}

#[tokio::test]
async fn the_sandbox_answers_what_a_check_asks() {
    let sandbox = start(json!([])).await;
    let client = client(&sandbox);
    client.server_time().await.unwrap();
    assert!(
        client
            .versions()
            .await
            .unwrap()
            .iter()
            .any(|version| version.version == "67.0")
    );
    let identity = client.identity().await.unwrap();
    assert!(identity.user_id.starts_with("005") && identity.organization_id.starts_with("00D"));
    assert!(client.limits().await.unwrap()["DailyApiRequests"].remaining > 0);
    let objects = client.describe_global().await.unwrap();
    assert!(
        objects
            .iter()
            .any(|object| object.name == "Conversation__c" && object.custom)
    );
    let lead = client.describe("lead", None).await.unwrap();
    assert_eq!(lead.object.name, "Lead");
    assert!(lead.object.field("Bridged_Id__c").unwrap().external_id);
    assert!(lead.object.parent("Owner").is_some() && lead.object.child("Tasks").is_some());
    let error = client.describe("Leed", None).await.unwrap_err();
    assert_eq!(error.code(), Code::ObjectUnavailable, "{}", shown(&error));
    assert!(client.usage().daily.is_some());
}

#[tokio::test]
async fn every_lead_is_read_once_over_pages_and_a_lost_session() {
    let expiry = json!([{ "match": { "path": "*/query/*", "times": 1 }, "action": { "kind": "expire-token" } }]);
    let sandbox = start(expiry).await;
    let client = client(&sandbox);
    let soql = "SELECT Id, LastName, Owner.Name, (SELECT Subject FROM Tasks) FROM Lead ORDER BY Id";
    let mut page = client.query(soql, Scope::Live, Some(200)).await.unwrap();
    let (total, mut ids) = (page.total_size, Vec::new());
    loop {
        for record in &page.records {
            ids.push(record.get("Id").unwrap().as_str().unwrap().to_owned());
            assert!(record.path(&["Owner", "Name"]).unwrap().is_string());
            let tasks = record.get("Tasks").unwrap();
            assert!(
                tasks.is_null() || tasks.as_array().is_some_and(|rows| !rows.is_empty()),
                "{tasks}"
            );
        }
        let Some(next) = page.next else { break };
        page = client.next(&next).await.unwrap();
    }
    assert_eq!((ids.len() as u64, total), (500, 500));
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 500);
    assert_eq!(client.usage().requests.auth, 2);
    let all = client
        .query("SELECT COUNT() FROM Lead", Scope::WithDeleted, None)
        .await
        .unwrap();
    assert!(all.total_size > 500, "deleted rows are there too");
}

#[tokio::test]
async fn the_sandbox_s_refusals_have_their_names() {
    let sandbox = start(json!([])).await;
    let client = client(&sandbox);
    for (soql, code) in [
        ("SELECT Nope__c FROM Lead", Code::FieldUnavailable),
        ("SELECT Id FROM Leed", Code::ObjectUnavailable),
        ("SELECT Id FORM Lead", Code::QueryRefused),
    ] {
        let error = client.query(soql, Scope::Live, None).await.unwrap_err();
        assert_eq!(error.code(), code, "{}", shown(&error));
    }
    let ready = sandbox.ready();
    let url = ready.salesforce_url.as_str();
    let wrong = Settings::new(url, ready.consumer_key.as_str(), Secret::new("wrong"));
    let error = Client::new(wrong).unwrap().sign_in().await.unwrap_err();
    assert_eq!(error.code(), Code::WrongApiKey, "{}", shown(&error));
    let wrong = Settings::new(url, "wrong", Secret::new(ready.api_key.as_str()));
    let error = Client::new(wrong).unwrap().sign_in().await.unwrap_err();
    assert_eq!(error.code(), Code::WrongConsumerKey, "{}", shown(&error));
    let mut wrong = settings(&sandbox);
    wrong.api_version = "99.0".to_owned();
    let client = Client::new(wrong).unwrap();
    for error in [
        client.limits().await.unwrap_err(),
        client.describe_global().await.unwrap_err(),
        client.describe("Lead", None).await.unwrap_err(),
        client
            .query("SELECT Id FROM Lead", Scope::Live, None)
            .await
            .unwrap_err(),
    ] {
        assert_eq!(
            error.code(),
            Code::ApiVersionUnavailable,
            "{}",
            shown(&error)
        );
        assert!(error.message().contains("`99.0`"), "{error}");
    }
}

#[tokio::test]
async fn a_long_query_reaches_the_sandbox_in_a_body() {
    let sandbox = start(json!([])).await;
    let client = client(&sandbox);
    let page = client
        .query("SELECT Id FROM Lead", Scope::Live, None)
        .await
        .unwrap();
    let ids = page
        .records
        .iter()
        .map(|record| format!("'{}'", record.get("Id").unwrap().as_str().unwrap()));
    // Quotes and commas take three bytes each, so every id counts 27.
    let list = ids.cycle().take(2000).collect::<Vec<_>>().join(",");
    let soql = format!("SELECT Id FROM Lead WHERE Id IN ({list})");
    let again = client.query(&soql, Scope::Live, None).await.unwrap();
    assert_eq!(again.records.len(), page.records.len());
    let error = client
        .query(
            &soql.replace("SELECT Id", "SELECT Nope__c"),
            Scope::Live,
            None,
        )
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::FieldUnavailable, "{}", shown(&error));
}

#[tokio::test]
async fn faults_that_pass_are_survived_and_others_are_named() {
    for (action, code) in [
        (
            json!({ "kind": "status", "status": 503, "code": "SERVER_UNAVAILABLE", "message": "x" }),
            None,
        ),
        (json!({ "kind": "html", "status": 502 }), None),
        (json!({ "kind": "empty", "status": 406 }), None),
        (json!({ "kind": "reset" }), None),
        (json!({ "kind": "truncate", "bytes": 40 }), None),
        (json!({ "kind": "expire-token" }), None),
        (
            json!({ "kind": "limit", "which": "daily" }),
            Some(Code::DailyLimitReached),
        ),
        (
            json!({ "kind": "redirect", "to": "https://evil.test/", "status": 302 }),
            Some(Code::RedirectRefused),
        ),
        (
            json!({ "kind": "next-records-url", "url": "https://evil.test/x" }),
            Some(Code::HostRefused),
        ),
    ] {
        let faults = json!([{ "match": { "path": "*/query*", "times": 1 }, "action": action }]);
        let sandbox = start(faults).await;
        let outcome = client(&sandbox)
            .query("SELECT Id FROM Lead", Scope::Live, Some(200))
            .await;
        match (outcome, code) {
            (Ok(page), None) => assert_eq!(page.records.len(), 200, "{action}"),
            (Err(error), Some(code)) => {
                assert_eq!(error.code(), code, "{action}: {}", shown(&error));
            }
            (outcome, _) => panic!("{action}: {outcome:?}"),
        }
    }
    let faults =
        json!([{ "match": { "path": "*/query/*" }, "action": { "kind": "invalidate-locators" } }]);
    let sandbox = start(faults).await;
    let client = client(&sandbox);
    let page = client
        .query("SELECT Id FROM Lead", Scope::Live, Some(200))
        .await
        .unwrap();
    let error = client.next(&page.next.unwrap()).await.unwrap_err();
    assert_eq!(error.code(), Code::QueryLocatorLost, "{}", shown(&error));
}

#[tokio::test]
async fn x07_a_sandbox_over_tls_is_trusted_by_its_certificate_alone() {
    let sandbox = Sandbox::start(bridged::sandbox::settings::Settings {
        tls: true,
        ..Default::default()
    })
    .await
    .unwrap();
    let mut trusting = settings(&sandbox);
    let path = sandbox.ready().certificate.as_ref().unwrap();
    trusting.extra_ca.push(std::fs::read(path).unwrap());
    let page = Client::new(trusting)
        .unwrap()
        .query("SELECT Id FROM Lead", Scope::Live, None)
        .await
        .unwrap();
    assert_eq!(page.records.len(), 500);
    let mut other = settings(&sandbox);
    let stranger = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    other.extra_ca.push(stranger.cert.pem().into_bytes());
    let error = Client::new(other).unwrap().sign_in().await.unwrap_err();
    assert_eq!(error.code(), Code::TlsFailed, "{}", shown(&error));
}
