//! The client against the sandbox: each proves the other.

use bridged::foundation::code::Code;
use bridged::foundation::secret::Secret;
use bridged::sandbox::server::Sandbox;
use bridged::sandbox::settings::Settings as SandboxSettings;
use bridged::whatsapp::client::Client;
use bridged::whatsapp::sender::{Quality, Standing};
use bridged::whatsapp::settings::Settings;
use bridged::whatsapp::template::{Button, Header};

async fn sandbox() -> Sandbox {
    let settings = SandboxSettings {
        leads: 1,
        ..SandboxSettings::default()
    };
    Sandbox::start(settings).await.unwrap()
}

fn settings(sandbox: &Sandbox) -> Settings {
    let ready = sandbox.ready();
    let token = Secret::new(ready.whatsapp_token.clone());
    let mut settings = Settings::new(&ready.whatsapp_phone_number_id, token);
    settings.api_url.clone_from(&ready.whatsapp_url);
    settings.business_account_id = Some(ready.whatsapp_business_account_id.clone());
    settings
}

#[tokio::test]
async fn the_seeded_number_can_send() {
    let sandbox = sandbox().await;
    let client = Client::new(settings(&sandbox)).unwrap();
    let sender = client.sender().await.unwrap();
    assert_eq!(sender.standing(), Standing::Connected);
    assert_eq!(sender.quality(), Quality::High);
    assert_eq!(sender.shown(), "+1 650-555-0123, Acme");
}

#[tokio::test]
async fn the_seeded_templates_are_found_by_their_whole_name() {
    let sandbox = sandbox().await;
    let client = Client::new(settings(&sandbox)).unwrap();
    let offers = client.templates(Some("spring_offer")).await.unwrap();
    assert_eq!(offers.len(), 2);
    assert!(
        offers
            .iter()
            .all(|offer| offer.body == ["1"] && offer.is_approved())
    );
    assert_eq!(client.templates(Some("spring")).await.unwrap(), []);
    let invitation = client
        .templates(Some("event_invitation"))
        .await
        .unwrap()
        .remove(0);
    assert_eq!(invitation.header, Some(Header::Image));
    assert_eq!(invitation.body, ["1", "2"]);
    assert_eq!(invitation.buttons, [Button::Address, Button::Reply]);
    assert!(client.templates(None).await.unwrap().len() >= 4);
}

#[tokio::test]
async fn a_wrong_token_and_wrong_ids_are_told_apart() {
    let sandbox = sandbox().await;
    let mut wrong = settings(&sandbox);
    wrong.access_token = Secret::new("EAAGwrong");
    let error = Client::new(wrong).unwrap().sender().await.unwrap_err();
    assert_eq!(error.code(), Code::WhatsappTokenRefused);
    let mut wrong = settings(&sandbox);
    wrong.phone_number_id = "1".to_owned();
    wrong.business_account_id = Some("2".to_owned());
    let client = Client::new(wrong).unwrap();
    let error = client.sender().await.unwrap_err();
    assert_eq!(error.code(), Code::WhatsappIdUnknown);
    assert!(error.message().starts_with("phone number 1: "), "{error}");
    let error = client.templates(None).await.unwrap_err();
    assert_eq!(error.code(), Code::WhatsappIdUnknown);
    assert!(
        error.message().starts_with("business account 2: "),
        "{error}"
    );
}
