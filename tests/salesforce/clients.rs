//! The clients of a process that lives on: one session and one budget a connection, and counts of their own.

use bridged::foundation::code::Code;
use bridged::foundation::secret::Secret;
use bridged::salesforce::budget::CallsLeft;
use bridged::salesforce::clients::Clients;
use bridged::salesforce::credentials::Credentials;
use bridged::salesforce::query::Scope;
use bridged::salesforce::settings::Settings;
use bridged::salesforce::signing_key::SigningKey;

use super::org::{KEY, org, page, settings};
use crate::support::keys;
use crate::support::wire::{Wire, answer};

const SOQL: &str = "SELECT Id FROM Lead";
const TOKEN_PATH: &str = "/services/oauth2/token";

async fn asks(clients: &Clients, connection: &str, settings: Settings) {
    let client = clients.client(connection, settings).unwrap();
    client.query(SOQL, Scope::Live, None).await.unwrap();
    let requests = client.usage().requests;
    assert_eq!(requests.query, 1, "each counts for itself");
}

fn log_ins(wire: &Wire) -> usize {
    wire.requests_to(TOKEN_PATH).len()
}

#[tokio::test]
async fn clients_of_one_connection_sign_in_once() {
    let wire = org(|_| page(0, None, "")).await;
    let clients = Clients::default();
    for _ in 0..5 {
        asks(&clients, "salesforce", settings(wire.url("http"))).await;
    }
    assert_eq!(log_ins(&wire), 1);
    asks(&clients, "another", settings(wire.url("http"))).await;
    assert_eq!(log_ins(&wire), 2, "another connection is another session");
}

#[tokio::test]
async fn other_credentials_and_another_org_begin_a_session_of_their_own() {
    let (wire, other) = (
        org(|_| page(0, None, "")).await,
        org(|_| page(0, None, "")).await,
    );
    let clients = Clients::default();
    let with = |change: &dyn Fn(&mut Settings)| {
        let mut settings = settings(wire.url("http"));
        change(&mut settings);
        settings
    };
    asks(&clients, "salesforce", with(&|_| {})).await;
    let secret = |settings: &mut Settings| {
        settings.credentials = Credentials::ApiKey {
            consumer_key: KEY.to_owned(),
            consumer_secret: Secret::new("a new one"),
        };
    };
    asks(&clients, "salesforce", with(&secret)).await;
    assert_eq!(log_ins(&wire), 2, "a secret that was replaced is used");
    let signed = |username: &'static str, pem: String| {
        move |settings: &mut Settings| {
            settings.credentials = Credentials::Jwt {
                consumer_key: KEY.to_owned(),
                username: username.to_owned(),
                private_key: SigningKey::from_pem(&Secret::new(pem.clone())).unwrap(),
                audience: None,
            };
        }
    };
    for (username, pem, expected) in [
        ("ada@acme.example", keys::pkcs8(), 3),
        ("ada@acme.example", keys::pkcs1(), 3),
        ("bob@acme.example", keys::pkcs8(), 4),
    ] {
        asks(&clients, "salesforce", with(&signed(username, pem))).await;
        assert_eq!(log_ins(&wire), expected, "{username}");
    }
    asks(&clients, "salesforce", settings(other.url("http"))).await;
    assert_eq!(log_ins(&other), 1, "no token goes to another org");
}

#[tokio::test]
async fn clients_of_one_connection_know_what_the_others_were_told() {
    let told = |_: &_| {
        let body = r#"{"totalSize":0,"done":true,"records":[]}"#;
        answer(200, &["Sforce-Limit-Info: api-usage=80/100"], body)
    };
    let wire = org(told).await;
    let clients = Clients::default();
    assert_eq!(clients.calls_left(), []);
    let budget = |share| {
        let mut settings = settings(wire.url("http"));
        settings.budget.daily_share = share;
        settings
    };
    asks(&clients, "salesforce", budget(0.8)).await;
    let left = CallsLeft {
        left: 0,
        used: 80,
        allowed: 80,
        max: 100,
    };
    assert_eq!(clients.calls_left(), [("salesforce".to_owned(), left)]);
    let next = clients.client("salesforce", budget(0.8)).unwrap();
    let refused = next.query(SOQL, Scope::Live, None).await.unwrap_err();
    assert_eq!(refused.code(), Code::BudgetSpent);
    assert_eq!(next.usage().requests.query, 0, "nothing was sent");
    // Who raises the share is let through.
    asks(&clients, "salesforce", budget(0.9)).await;
    assert_eq!(log_ins(&wire), 1);
}
