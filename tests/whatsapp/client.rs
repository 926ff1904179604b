//! What the client asks for, and where its token never goes.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bridged::foundation::code::Code;
use bridged::foundation::error::Error;
use bridged::foundation::secret::Secret;
use bridged::salesforce::resolver::{Found, Lookup};
use bridged::whatsapp::client::Client;
use bridged::whatsapp::sender::{Quality, Standing};
use bridged::whatsapp::settings::Settings;
use bridged::whatsapp::template::{Button, Header};
use serde_json::json;

use crate::support::wire::{Reply, Request, Wire, answer, json as reply};

pub(super) const TOKEN: &str = "EAAGscripted0123456789token";
pub(super) const NUMBER: &str = "106540352242922";
const ACCOUNT: &str = "102290129340398";

pub(super) fn settings(wire: &Wire) -> Settings {
    let mut settings = Settings::new(NUMBER, Secret::new(TOKEN));
    settings.api_url = wire.url("http");
    settings.business_account_id = Some(ACCOUNT.to_owned());
    settings.retry.base = Duration::from_millis(1);
    settings
}

pub(super) fn client(wire: &Wire) -> Client {
    Client::new(settings(wire)).unwrap()
}

/// The error as text, in which the token must not be.
#[track_caller]
pub(super) fn shown(error: &Error) -> String {
    let text = format!("{error:?} {error} {:?}", error.help_text());
    assert!(!text.contains(TOKEN), "{text}");
    text
}

fn number(fields: &serde_json::Value) -> impl Fn(&Request) -> Reply + Send + Sync + use<> {
    let mut body = json!({ "id": NUMBER });
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    move |_| reply(200, &body.to_string())
}

#[tokio::test]
async fn a_number_is_asked_for_with_the_token_in_the_header_alone() {
    let fields = json!({
        "display_phone_number": "+1 650-555-0123", "verified_name": "Acme", "quality_rating": "YELLOW",
        "status": "CONNECTED", "name_status": "APPROVED", "whatsapp_business_manager_messaging_limit": "TIER_2K",
        "a_field_of_tomorrow": { "x": 1 },
    });
    let wire = Wire::start(number(&fields)).await;
    let sender = client(&wire).sender().await.unwrap();
    assert_eq!(sender.shown(), "+1 650-555-0123, Acme");
    assert_eq!(sender.quality(), Quality::Medium);
    assert_eq!(sender.standing(), Standing::Connected);
    assert_eq!(sender.messaging_limit.as_deref(), Some("TIER_2K"));
    assert_eq!(sender.name_in_doubt(), None);
    let requests = wire.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].method, "GET");
    let start = format!("/v25.0/{NUMBER}?fields=id%2Cdisplay_phone_number%2C");
    assert!(
        requests[0].target.starts_with(&start),
        "{}",
        requests[0].target
    );
    assert!(!requests[0].target.contains(TOKEN));
    assert_eq!(
        requests[0].header("authorization"),
        format!("Bearer {TOKEN}")
    );
}

#[tokio::test]
async fn a_number_of_which_little_is_told_is_still_a_number() {
    let wire = Wire::start(number(&json!({ "status": null }))).await;
    let sender = client(&wire).sender().await.unwrap();
    assert_eq!(sender.shown(), format!("number {NUMBER}"));
    assert_eq!(sender.quality(), Quality::Unknown);
    assert_eq!(sender.standing(), Standing::NotTold);
    for (status, expected) in [
        ("PENDING", Standing::NotConnected("PENDING")),
        ("SOMETHING_ELSE", Standing::NotConnected("SOMETHING_ELSE")),
        ("BANNED", Standing::Banned("BANNED")),
        ("RESTRICTED", Standing::LimitReached("RESTRICTED")),
        ("FLAGGED", Standing::Connected),
    ] {
        let wire = Wire::start(number(&json!({ "status": status }))).await;
        let sender = client(&wire).sender().await.unwrap();
        assert_eq!(sender.standing(), expected);
    }
}

#[tokio::test]
async fn an_older_version_is_asked_without_the_limit() {
    let wire = Wire::start(|request| {
        if request.target.contains("messaging_limit") {
            let message = "(#100) Tried accessing nonexisting field (whatsapp_business_manager_messaging_limit) on node type \
                           (WhatsAppBusinessPhoneNumber)";
            let error = json!({ "error": { "message": message, "type": "OAuthException", "code": 100 } });
            return reply(400, &error.to_string());
        }
        reply(200, r#"{"id":"106540352242922","status":"CONNECTED"}"#)
    })
    .await;
    let sender = client(&wire).sender().await.unwrap();
    assert_eq!(sender.messaging_limit, None);
    assert_eq!(wire.requests().len(), 2);
}

/// A page of templates, and the cursor behind it.
fn page(templates: &[serde_json::Value], next: Option<&str>) -> Reply {
    let mut paging = json!({ "cursors": { "before": "b", "after": next.unwrap_or("last") } });
    if next.is_some() {
        // Meta's own address carries the token; it must not be followed.
        paging["next"] = json!(format!(
            "https://graph.facebook.com/v25.0/x?access_token={TOKEN}"
        ));
    }
    reply(
        200,
        &json!({ "data": templates, "paging": paging }).to_string(),
    )
}

fn template(name: &str, language: &str) -> serde_json::Value {
    json!({ "name": name, "language": language, "status": "APPROVED", "category": "UTILITY", "id": "1",
            "components": [{ "type": "BODY", "text": "Hi {{1}}" }] })
}

#[tokio::test]
async fn templates_are_read_page_by_page_and_only_those_of_the_name_are_kept() {
    let wire = Wire::start(|request| {
        if request.target.contains("after=two") {
            page(&[template("offer", "de")], None)
        } else {
            page(
                &[template("offer", "en_US"), template("offer_again", "en_US")],
                Some("two"),
            )
        }
    })
    .await;
    let found = client(&wire).templates(Some("offer")).await.unwrap();
    let languages: Vec<&str> = found.iter().map(|one| one.language.as_str()).collect();
    assert_eq!(languages, ["en_US", "de"]);
    assert!(found[0].is_approved() && found[0].body == ["1"]);
    let requests = wire.requests();
    assert_eq!(requests.len(), 2);
    let start = format!("/v25.0/{ACCOUNT}/message_templates?");
    for request in &requests {
        assert!(request.target.starts_with(&start) && request.target.contains("name=offer"));
    }
    let all = client(&wire).templates(None).await.unwrap();
    assert_eq!(all.len(), 3);
}

#[tokio::test]
async fn a_list_that_never_ends_is_left() {
    let wire = Wire::start(|_| page(&[template("offer", "en_US")], Some("again"))).await;
    let found = client(&wire).templates(None).await.unwrap();
    assert_eq!(found.len(), wire.requests().len());
    assert!(found.len() <= 100, "{}", found.len());
}

#[tokio::test]
async fn the_places_of_a_template_are_counted_by_part() {
    let full = json!({
        "name": "full", "language": "en", "status": "PAUSED", "category": "MARKETING",
        "components": [
            { "type": "HEADER", "format": "TEXT", "text": "For {{1}}" },
            { "type": "BODY", "text": "{{first}} and {{ second }} and {{first}}" },
            { "type": "FOOTER", "text": "{{1}} counts for nothing" },
            { "type": "BUTTONS", "buttons": [
                { "type": "URL", "url": "https://example.com/{{1}}" },
                { "type": "URL", "url": "https://example.com/" },
                { "type": "QUICK_REPLY", "text": "Stop" },
                { "type": "COPY_CODE" },
                { "type": "PHONE_NUMBER" },
            ] },
        ],
    });
    let plain = json!({ "name": "plain", "language": "en", "components": [
        { "type": "HEADER", "format": "TEXT", "text": "Fixed" }, { "type": "BODY", "text": "Fixed" } ] });
    let media = json!({ "name": "media", "language": "en", "components": [{ "type": "HEADER", "format": "VIDEO" }] });
    let odd = json!({ "name": "odd", "language": "en", "components": [{ "type": "HEADER", "format": "LOCATION" }, {}] });
    let bare = json!({ "name": "bare", "language": "en" });
    let all = [full, plain, media, odd, bare];
    let wire = Wire::start(move |_| page(&all, None)).await;
    let found = client(&wire).templates(None).await.unwrap();
    assert_eq!(found[0].header, Some(Header::Text));
    assert_eq!(found[0].body, ["first", "second"]);
    let buttons = [
        Button::Address,
        Button::Fixed,
        Button::Reply,
        Button::Code,
        Button::Fixed,
    ];
    assert_eq!(found[0].buttons, buttons);
    assert!(!found[0].is_approved());
    let headers: Vec<_> = found[1..].iter().map(|one| one.header).collect();
    assert_eq!(
        headers,
        [None, Some(Header::Video), Some(Header::Other), None]
    );
    assert!(found[4].body.is_empty() && found[4].buttons.is_empty() && !found[4].is_approved());
}

#[tokio::test]
async fn without_an_account_no_template_is_asked_for() {
    let wire = Wire::canary().await;
    let mut settings = settings(&wire);
    settings.business_account_id = None;
    let client = Client::new(settings).unwrap();
    assert!(!client.knows_account());
    let error = client.templates(None).await.unwrap_err();
    assert_eq!(error.code(), Code::ConnectionSettings);
    assert_eq!(wire.connections(), 0);
}

#[tokio::test]
async fn ids_that_are_no_ids_never_get_into_a_path() {
    let wire = Wire::canary().await;
    for id in [
        "",
        "+16505550123",
        "1/../me",
        "106540352242922?fields=x",
        "me",
        "１２",
        &"1".repeat(33),
    ] {
        let mut of_number = settings(&wire);
        id.clone_into(&mut of_number.phone_number_id);
        let mut of_account = settings(&wire);
        of_account.business_account_id = Some(id.to_owned());
        for settings in [of_number, of_account] {
            let error = Client::new(settings).err().expect("it is refused");
            assert_eq!(error.code(), Code::ConnectionSettings, "{id}");
        }
    }
    assert_eq!(wire.connections(), 0);
}

#[tokio::test]
async fn a_token_goes_to_metas_own_address_and_to_this_machine_alone() {
    for address in [
        "https://graph.facebook.com",
        "https://graph.facebook.com/",
        "http://127.0.0.1:8900",
        "http://localhost:8900",
    ] {
        let mut settings = Settings::new(NUMBER, Secret::new(TOKEN));
        address.clone_into(&mut settings.api_url);
        let client = Client::new(settings).unwrap();
        assert_eq!(client.address(), address.trim_end_matches('/'));
    }
    for address in [
        "http://graph.facebook.com",
        "https://graph.facebook.com:8443",
        "https://graph.facebook.com.evil.test",
        "https://evil.test/graph.facebook.com",
        "https://graph.facebook.com@evil.test",
        "https://user:pass@graph.facebook.com",
        "https://graph.facebook.com/v25.0",
        "https://graph.facebook.com?x",
        "https://graph.facebook.com#x",
        "https://facebook.com",
        "https://xgraph.facebook.com",
        "https://acme.my.salesforce.com",
        "https://10.0.0.1",
        "https://0x7f.1",
        "ftp://graph.facebook.com",
        "graph.facebook.com",
        "",
    ] {
        let mut settings = Settings::new(NUMBER, Secret::new(TOKEN));
        address.clone_into(&mut settings.api_url);
        let error = Client::new(settings).err().expect("it is refused");
        assert_eq!(error.code(), Code::HostRefused, "{address}");
        shown(&error);
    }
}

#[tokio::test]
async fn x11_redirects_are_not_followed() {
    let canary = Wire::canary().await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("Location: {}/elsewhere", canary.url("http"));
        let wire = Wire::start(move |_| answer(status, &[&location], "")).await;
        for error in [
            client(&wire).sender().await.unwrap_err(),
            client(&wire).templates(None).await.unwrap_err(),
        ] {
            assert_eq!(error.code(), Code::RedirectRefused, "{}", shown(&error));
            assert!(error.help_text().unwrap().contains("`api_url`"));
        }
        assert_eq!(wire.requests().len(), 2, "a refusal is not repeated");
    }
    assert_eq!(canary.connections(), 0);
}

/// Leads every name to a private address.
struct Private;

impl Lookup for Private {
    fn lookup(&self, _: &str) -> Found {
        Box::pin(async { Ok(vec![IpAddr::from([10, 0, 0, 1])]) })
    }
}

#[tokio::test]
async fn x10_a_private_address_behind_metas_name_is_refused() {
    let mut settings = Settings::new(NUMBER, Secret::new(TOKEN));
    settings.lookup = Arc::new(Private);
    let error = Client::new(settings).unwrap().sender().await.unwrap_err();
    assert_eq!(error.code(), Code::AddressRefused, "{}", shown(&error));
    assert!(error.message().contains("10.0.0.1"), "{error}");
}

#[test]
fn settings_show_no_token() {
    let settings = Settings::new(NUMBER, Secret::new(TOKEN));
    let shown = format!("{settings:?}");
    assert!(!shown.contains(TOKEN) && shown.contains(NUMBER), "{shown}");
}
