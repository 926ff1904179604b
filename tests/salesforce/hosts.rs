//! Where credentials never go: other hosts, private addresses behind public names, wherever an answer points.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bridged::foundation::code::Code;
use bridged::salesforce::client::Client;
use bridged::salesforce::query::Scope;
use bridged::salesforce::resolver::{Found, Lookup};

use super::org::{client, lead, org, page, settings, shown};
use crate::support::wire::{Wire, answer, json};

const SOQL: &str = "SELECT Id FROM Lead";

#[tokio::test]
async fn x11_redirects_are_not_followed() {
    let canary = Arc::new(Wire::canary().await);
    for status in [301, 302, 303, 307, 308] {
        for location in [
            format!("{}/services/data/", canary.url("http")),
            format!("//{}/x", canary.address),
            format!("http://user@{}/x", canary.address),
        ] {
            let header = format!("Location: {location}");
            let wire = org(move |_| answer(status, &[&header], "")).await;
            let error = client(&wire)
                .query(SOQL, Scope::Live, None)
                .await
                .unwrap_err();
            assert_eq!(error.code(), Code::RedirectRefused, "{}", shown(&error));
            assert!(
                error.message().contains("127.0.0.1") || error.message().contains("same host"),
                "{error}"
            );
            assert_eq!(wire.requests_to("/services/data/").len(), 1);
        }
        let header = format!("Location: {}/token", canary.url("http"));
        let wire = Wire::start(move |_| answer(status, &[&header], "")).await;
        let client = Client::new(settings(wire.url("http"))).unwrap();
        let error = client.sign_in().await.unwrap_err();
        assert_eq!(error.code(), Code::RedirectRefused);
    }
    assert_eq!(canary.connections(), 0);
}

#[tokio::test]
async fn x11_a_redirect_s_host_is_named_and_nothing_else_of_it() {
    let wire = org(|request| {
        let sent = request.header("authorization").to_owned();
        answer(
            302,
            &[&format!("Location: https://evil.test/?leak={sent}")],
            "",
        )
    })
    .await;
    let error = client(&wire)
        .query(SOQL, Scope::Live, None)
        .await
        .unwrap_err();
    assert_eq!(
        error.message(),
        "the answer redirects to host `evil.test`, and redirects are not followed"
    );
    shown(&error);
}

#[tokio::test]
async fn x11_a_next_page_elsewhere_is_not_fetched() {
    let canary = Arc::new(Wire::canary().await);
    let evil = [
        format!(
            "{}/services/data/v67.0/query/01gxx-2000",
            canary.url("http")
        ),
        format!("//{}/services/data/v67.0/query/01gxx-2000", canary.address),
        "/services/data/v67.0/query/../../../evil".to_owned(),
        "/services/data/v67.0/sobjects/Lead/00Q".to_owned(),
        "/services/data/v67.0/query/01gxx-2000?leak=1".to_owned(),
        "https://evil.test/services/data/v67.0/query/01gxx-2000".to_owned(),
    ];
    for next in evil {
        let given = next.clone();
        let wire = org(move |_| page(9, Some(&given), &lead(1))).await;
        let error = client(&wire)
            .query(SOQL, Scope::Live, None)
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::HostRefused, "{next}: {}", shown(&error));

        let child = format!(
            r#"{{"Tasks":{{"totalSize":2,"done":false,"nextRecordsUrl":"{next}","records":[]}}}}"#
        );
        let wire = org(move |_| page(1, None, &child)).await;
        let error = client(&wire)
            .query(SOQL, Scope::Live, None)
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::HostRefused, "{next}: {}", shown(&error));
        assert_eq!(wire.requests_to("/services/data/").len(), 1);
    }
    assert_eq!(canary.connections(), 0);
}

#[tokio::test]
async fn x09_disguised_instance_addresses_open_no_connection() {
    let canary = Wire::canary().await;
    let port = canary.address.port();
    for text in [
        format!("https://acme.my.salesforce.com@127.0.0.1:{port}"),
        format!("http://2130706433:{port}"),
        format!("http://0x7f.1:{port}"),
        format!("http://0177.0.0.1:{port}"),
        format!("http://[::ffff:127.0.0.1]:{port}"),
        format!("http://user:password@127.0.0.1:{port}"),
        format!("http://127.0.0.1:{port}/path"),
        format!("https://acme.my.salesforce.com:{port}"),
        "http://acme.my.salesforce.com".to_owned(),
        "https://acme.my.salesforce.com.evil.test".to_owned(),
        "https://login.salesforce.com".to_owned(),
    ] {
        let error = Client::new(settings(text.as_str())).err().expect(&text);
        assert!(
            matches!(error.code(), Code::HostRefused | Code::LoginHost),
            "{text}"
        );
        assert!(
            error.help_text().is_some() && !error.message().contains("password"),
            "{error}"
        );
    }
    assert_eq!(canary.connections(), 0);
}

#[test]
fn x09_no_spelling_hides_a_host() {
    for text in [
        "",
        "acme",
        "acme.my.salesforce.com",
        "ftp://acme.my.salesforce.com",
        "http://acme.my.salesforce.com",
        "https://acme.my.salesforce.com.evil.test",
        "https://evilmy.salesforce.com",
        "https://my.salesforce.com",
        "https://salesforce.com",
        "https://.my.salesforce.com",
        "https://a.b.c.my.salesforce.com",
        "https://acme.my.salesforce.com@127.0.0.1",
        "https://user:pw@acme.my.salesforce.com",
        "https://@acme.my.salesforce.com",
        "https://xn--acm-epa.my.salesforce.com",
        "https://acmé.my.salesforce.com",
        "https://acme.my.salesforce.com.",
        "https://acme.my.salesforce.com:22",
        "https://acme.my.salesforce.com:8443",
        "https://acme.my.salesforce.com/services",
        "https://acme.my.salesforce.com?x=1",
        "https://acme.my.salesforce.com#x",
        "https://acme.my.salesforce.com\\@evil.test",
        "https://acme.my.salesforce.com%2eevil.test",
        "https://acme.my.salesforce.com%00.evil.test",
        "https://[::ffff:127.0.0.1]",
        "https://2130706433",
        "http://2130706433",
        "http://0x7f.1",
        "http://0177.0.0.1",
        "http://127.1",
        "https://10.0.0.1",
        "https://169.254.169.254",
        "http://[::ffff:127.0.0.1]",
        "http://0.0.0.0",
        "http://localhost.evil.test",
        "http://localhost.",
        "https://13.108.0.1",
        "https://[2606:4700::1]",
        "https://login.salesforce.com",
        "https://test.salesforce.com",
        "https:/acme.my.salesforce.com",
        "https:acme.my.salesforce.com",
        " https://acme.my.salesforce.com",
        "javascript:alert(1)",
        "https://acme.my.salesforce.com\t.evil.test",
        "https://ACME.my.salesforce.com.evil.test",
        "https://acme。my。salesforce。com",
        "https://-acme.my.salesforce.com",
    ] {
        let error = Client::new(settings(text)).err().expect(text);
        assert!(
            matches!(error.code(), Code::HostRefused | Code::LoginHost),
            "{text}"
        );
        assert!(!error.message().contains("user:pw"), "{error}");
    }
}

#[test]
fn hosts_allowed_by_name_pass_with_their_port_alone() {
    let with = |text: &str| {
        let mut settings = settings(text);
        settings.allowed_hosts = vec!["gateway.example".to_owned(), "crm.example:8443".to_owned()];
        Client::new(settings)
    };
    for text in [
        "https://gateway.example",
        "https://crm.example:8443",
        "https://acme.my.salesforce.com",
    ] {
        with(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    for text in [
        "https://gateway.example:8443",
        "https://crm.example",
        "http://gateway.example",
        "https://x.gateway.example",
    ] {
        assert_eq!(
            with(text).err().expect(text).code(),
            Code::HostRefused,
            "{text}"
        );
    }
}

/// Answers each look-up with the next list of addresses.
struct Fake {
    answers: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Fake {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |list: &&[&str]| {
            list.iter()
                .map(|address| address.parse().unwrap())
                .collect()
        };
        Arc::new(Self {
            answers: answers.iter().map(parse).collect(),
            asked: AtomicUsize::new(0),
        })
    }
}

impl Lookup for Fake {
    fn lookup(&self, host: &str) -> Found {
        assert!(!host.is_empty());
        let at = self.asked.fetch_add(1, Ordering::Relaxed);
        let answer = self.answers.get(at).or(self.answers.last()).cloned();
        Box::pin(async move {
            answer
                .filter(|list| !list.is_empty())
                .ok_or(io::ErrorKind::NotFound.into())
        })
    }
}

#[tokio::test]
async fn x10_a_public_name_with_a_private_address_is_refused_at_once() {
    for address in [
        "127.0.0.1",
        "10.0.0.5",
        "169.254.169.254",
        "fc00::1",
        "::1",
        "::ffff:127.0.0.1",
        "0.0.0.0",
    ] {
        let fake = Fake::new(&[&[address]]);
        let mut settings = settings("https://acme.my.salesforce.com");
        settings.lookup = fake.clone();
        let client = Client::new(settings).unwrap();
        let error = client.sign_in().await.unwrap_err();
        assert_eq!(error.code(), Code::AddressRefused, "{}", shown(&error));
        assert!(
            error
                .message()
                .contains("`acme.my.salesforce.com` resolves to"),
            "{error}"
        );
        assert_eq!(fake.asked.load(Ordering::Relaxed), 1, "not tried again");
    }
}

#[tokio::test]
async fn x10_a_name_that_turns_private_later_is_refused_then() {
    // The first answer leads to a closed port of this machine under its own name, the second one away from it.
    let wire = org(|_| page(0, None, "")).await;
    let port = wire.address.port();
    let fake = Fake::new(&[&["127.0.0.1"], &["10.0.0.5"]]);
    let mut settings = settings(format!("http://localhost:{port}"));
    settings.lookup = fake.clone();
    let client = Client::new(settings).unwrap();
    client.sign_in().await.unwrap();
    drop(client.clone());
    let mut settings = super::org::settings(format!("http://localhost:{port}"));
    settings.lookup = fake.clone();
    let error = Client::new(settings).unwrap().sign_in().await.unwrap_err();
    assert_eq!(error.code(), Code::AddressRefused, "{}", shown(&error));
    assert_eq!(fake.asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_name_without_addresses_is_tried_again_and_named() {
    let fake = Fake::new(&[&[]]);
    let mut settings = settings("https://acme.my.salesforce.com");
    settings.lookup = fake.clone();
    let error = Client::new(settings).unwrap().sign_in().await.unwrap_err();
    assert_eq!(error.code(), Code::ConnectionFailed, "{}", shown(&error));
    assert_eq!(fake.asked.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn x12_addresses_in_records_descriptions_and_identities_are_never_asked() {
    let canary = Wire::canary().await;
    let evil = canary.url("http");
    let given = evil.clone();
    let wire = org(move |request| {
        if request.target.contains("userinfo") {
            let urls = serde_json::json!({ "rest": given, "sobjects": given });
            let identity = serde_json::json!({
                "user_id": "005xx0000000001AAA", "organization_id": "00Dxx0000000001EAA", "urls": urls, "picture": given, "profile": given,
            });
            return json(200, &identity.to_string());
        }
        if request.target.contains("describe") {
            let describe = serde_json::json!({
                "name": "Lead", "label": "Lead", "fields": [], "childRelationships": [],
                "urls": { "sobject": given, "describe": given, "rowTemplate": format!("{given}/{{ID}}") },
            });
            return json(200, &describe.to_string());
        }
        let record = serde_json::json!({
            "attributes": { "type": "Lead", "url": format!("{given}/services/data/v67.0/sobjects/Lead/00Q") },
            "Id": "00Q000000000001AAA", "PhotoUrl": given, "Website": given,
        });
        page(1, None, &record.to_string())
    })
    .await;
    let client = client(&wire);
    client.identity().await.unwrap();
    let described = client.describe("Lead", None).await;
    assert!(
        described.is_ok() || described.is_err_and(|error| error.code() == Code::AnswerUnreadable)
    );
    let page = client.query(SOQL, Scope::Live, None).await.unwrap();
    assert_eq!(
        page.records[0]
            .get("Website")
            .and_then(|text| text.as_str()),
        Some(evil.as_str())
    );
    assert_eq!(canary.connections(), 0);
}
