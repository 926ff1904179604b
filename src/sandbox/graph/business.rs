//! The WhatsApp number of the sandbox, its account and its templates.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::sandbox::sessions::letters;

/// The id of the number; the one that Meta's own examples use.
pub(in crate::sandbox) const PHONE_NUMBER_ID: &str = "106540352242922";
/// The id of the business account; the one that Meta's own examples use.
pub(in crate::sandbox) const BUSINESS_ACCOUNT_ID: &str = "102290129340398";
/// The name of the business account.
pub(super) const ACCOUNT_NAME: &str = "Acme";

/// Everything the Graph API shows.
#[derive(Debug, Serialize)]
pub(in crate::sandbox) struct Business {
    #[serde(skip)]
    pub(in crate::sandbox) token: String,
    #[serde(rename = "token")]
    pub(in crate::sandbox) token_is: Token,
    pub(in crate::sandbox) error: Option<Refused>,
    /// Whether messages are held for a look at their quality.
    pub(in crate::sandbox) held: bool,
    /// The number's fields by their names.
    pub(in crate::sandbox) number: Map<String, Value>,
    pub(in crate::sandbox) templates: Vec<TemplateRow>,
}

/// How the token of the ready line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::sandbox) enum Token {
    Good,
    Expired,
    Revoked,
}

/// What every read is refused with.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sandbox) struct Refused {
    pub(in crate::sandbox) code: i64,
    pub(in crate::sandbox) subcode: Option<i64>,
    status: u16,
}

impl Refused {
    /// The status; `None` where there is no such status of a refusal.
    pub(in crate::sandbox) fn checked_status(&self) -> Option<StatusCode> {
        let status = StatusCode::from_u16(self.status).ok()?;
        (status.is_client_error() || status.is_server_error()).then_some(status)
    }

    pub(super) fn status(&self) -> StatusCode {
        self.checked_status().unwrap_or(StatusCode::BAD_REQUEST)
    }
}

/// A template in one language.
#[derive(Debug, Clone, Serialize)]
pub(in crate::sandbox) struct TemplateRow {
    pub(in crate::sandbox) id: String,
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) language: String,
    pub(in crate::sandbox) status: String,
    pub(in crate::sandbox) category: String,
    pub(in crate::sandbox) components: Value,
}

impl TemplateRow {
    /// Its fields by their names.
    pub(super) fn fields(&self) -> Map<String, Value> {
        let fields = [
            ("id", json!(self.id)),
            ("name", json!(self.name)),
            ("language", json!(self.language)),
            ("status", json!(self.status)),
            ("category", json!(self.category)),
            ("components", self.components.clone()),
        ];
        fields
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect()
    }
}

/// The token of a seed.
pub(in crate::sandbox) fn token(seed: u64) -> String {
    format!("EAAG{}", letters(&format!("whatsapp {seed}"), 96))
}

impl Business {
    /// The business as it is at first.
    pub(in crate::sandbox) fn new(seed: u64) -> Self {
        let mut business = Self {
            token: token(seed),
            token_is: Token::Good,
            error: None,
            held: false,
            number: number(),
            templates: Vec::new(),
        };
        for (name, language, status, category, components) in templates() {
            let template = business.template_mut(name, language);
            status.clone_into(&mut template.status);
            category.clone_into(&mut template.category);
            template.components = components;
        }
        business
    }

    /// A template by its name and language; it is made where it is missing.
    pub(in crate::sandbox) fn template_mut(
        &mut self,
        name: &str,
        language: &str,
    ) -> &mut TemplateRow {
        let is_it = |row: &TemplateRow| row.name == name && row.language == language;
        let at = self.templates.iter().position(is_it).unwrap_or_else(|| {
            self.templates.push(TemplateRow {
                id: format!("5942210{:08}", self.templates.len() + 1),
                name: name.to_owned(),
                language: language.to_owned(),
                status: "APPROVED".to_owned(),
                category: "MARKETING".to_owned(),
                components: body("Hello!"),
            });
            self.templates.len() - 1
        });
        &mut self.templates[at]
    }
}

/// A number in good order (Meta, "WhatsApp Business Account Phone Number API"). The spelling of the limit is *unconfirmed*.
fn number() -> Map<String, Value> {
    let fields = [
        ("id", PHONE_NUMBER_ID),
        ("display_phone_number", "+1 650-555-0123"),
        ("verified_name", "Acme"),
        ("quality_rating", "GREEN"),
        ("code_verification_status", "VERIFIED"),
        ("name_status", "APPROVED"),
        ("status", "CONNECTED"),
        ("platform_type", "CLOUD_API"),
        ("whatsapp_business_manager_messaging_limit", "TIER_2K"),
    ];
    fields
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .into_iter()
        .collect()
}

fn body(text: &str) -> Value {
    json!([{ "type": "BODY", "text": text }])
}

/// Name, language, status, category and components.
type Seed = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Value,
);

fn templates() -> Vec<Seed> {
    let offer = |text: &str, leave: &str| {
        json!([
            { "type": "BODY", "text": text, "example": { "body_text": [["Ada"]] } },
            { "type": "FOOTER", "text": "Acme" },
            { "type": "BUTTONS", "buttons": [{ "type": "QUICK_REPLY", "text": leave }] },
        ])
    };
    let invitation = json!([
        { "type": "HEADER", "format": "IMAGE" },
        { "type": "BODY", "text": "Hi {{1}}, you are invited to {{2}}. See you there, {{1}}!" },
        { "type": "BUTTONS", "buttons": [
            { "type": "URL", "text": "Save a seat", "url": "https://example.com/seats/{{1}}" },
            { "type": "QUICK_REPLY", "text": "No, thanks" },
        ] },
    ]);
    let english = offer("Hi {{1}}, our spring offer is here.", "Stop");
    let german = offer("Hallo {{1}}, unser Frühlingsangebot ist da.", "Abmelden");
    let reminder = body("Hi {{1}}, your appointment is on {{2}}.");
    let named = body("Hi {{first_name}}, your order has left our store.");
    let back = body("Hi {{1}}, we have not heard from you for a while.");
    vec![
        ("spring_offer", "en_US", "APPROVED", "MARKETING", english),
        ("spring_offer", "de", "APPROVED", "MARKETING", german),
        (
            "event_invitation",
            "en_US",
            "APPROVED",
            "MARKETING",
            invitation,
        ),
        ("appointment", "en_US", "APPROVED", "UTILITY", reminder),
        ("order_sent", "en_US", "APPROVED", "UTILITY", named),
        ("win_back", "en_US", "REJECTED", "MARKETING", back),
    ]
}
