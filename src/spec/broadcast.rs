//! A WhatsApp message to each person that comes through.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::amount::{ClockTime, Percent, Period, Rate};
use super::name::{LanguageCode, SlugName, TemplateName};
use super::shape::{given, whole};
use super::text::{FieldValue, TemplateText};

/// One message to each person, by a template that WhatsApp has approved.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Broadcast {
    /// The WhatsApp connection; may be left out where there is one.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = &"whatsapp")]
    pub connection: Option<SlugName>,
    /// The approved template and what stands in its places.
    pub template: MessageTemplate,
    /// The phone number, in the international form.
    #[schemars(example = &"{{ phone }}")]
    pub to: TemplateText,
    /// A template that must be true for a person to be written to. Consent is enforced whatever it says.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = &"{{ consent.whatsapp and not opted_out }}")]
    pub audience: Option<TemplateText>,
    /// The name of the campaign: a person gets one message for each, whatever fails or is repeated.
    #[schemars(example = &"spring-2027")]
    pub campaign: SlugName,
    /// When nobody is written to.
    #[serde(default, deserialize_with = "given")]
    pub quiet_hours: Option<QuietHours>,
    /// How many messages are sent in a stretch of time; WhatsApp allows a number 80 a second by default.
    #[serde(default = "default_pace")]
    #[schemars(extend("default" = "80/s"))]
    pub pace: Rate,
    /// The first messages go alone, and the rest waits for what becomes of them.
    #[serde(default, deserialize_with = "given")]
    pub canary: Option<Canary>,
    /// How many messages one person gets at most, over all campaigns.
    #[serde(default, deserialize_with = "given")]
    pub frequency: Option<Frequency>,
    /// A message that could not be sent this long after the run began is not sent any more and counts as expired.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = &"24h")]
    pub expires_after: Option<Period>,
}

/// A template that WhatsApp has approved, and what stands in its places.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageTemplate {
    /// The name under which WhatsApp approved it.
    #[schemars(example = &"spring_offer")]
    pub name: TemplateName,
    /// The language under which WhatsApp approved it.
    #[schemars(example = &"en_US")]
    pub language: LanguageCode,
    /// What stands in the header.
    #[serde(default, deserialize_with = "given")]
    pub header: Option<Header>,
    /// What stands in the places of the body, in order.
    #[serde(default)]
    #[schemars(example = parameters_example())]
    pub parameters: Vec<FieldValue>,
    /// What stands in the buttons that take a value.
    #[serde(default, deserialize_with = "buttons")]
    #[schemars(length(max = MAX_BUTTONS))]
    pub buttons: Vec<Button>,
}

/// What stands in a template's header.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// What kind of header it is.
    pub kind: HeaderKind,
    /// The text, or the https address of the file.
    #[schemars(example = &"https://example.com/spring.jpg")]
    pub value: TemplateText,
}

/// A kind of header that takes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HeaderKind {
    /// Text in the header's place.
    Text,
    /// An image.
    Image,
    /// A video.
    Video,
    /// A document.
    Document,
}

/// What stands in one button.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Button {
    /// Which button, counted from 0.
    #[schemars(range(min = 0, max = MAX_BUTTONS - 1), example = 0)]
    #[serde(deserialize_with = "button_index")]
    pub index: u8,
    /// What kind of button it is.
    pub kind: ButtonKind,
    /// The end of the address, or the payload that comes back with a tap.
    #[schemars(example = &"opt_out")]
    pub value: TemplateText,
}

/// A kind of button that takes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ButtonKind {
    /// Opens an address that ends with the value.
    Url,
    /// Sends the value back as a reply.
    QuickReply,
}

/// When nobody is written to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// The first quiet minute.
    #[schemars(example = &"21:00")]
    pub from: ClockTime,
    /// The first minute that is not quiet any more; before `from` it means the next day.
    #[schemars(example = &"08:00")]
    pub to: ClockTime,
    /// `profile` for each person's own time zone, or one IANA time zone for all.
    #[serde(default = "profile_zone")]
    #[schemars(extend("default" = "profile"), example = &"Europe/London")]
    pub timezone: String,
    /// What happens to a person whose time zone is not known: `hold` keeps the message back, an IANA time zone is
    /// taken in its place.
    #[serde(default = "hold")]
    #[schemars(extend("default" = "hold"), example = &"America/New_York")]
    pub unknown: String,
}

/// The word that takes each person's own time zone.
pub const PROFILE_ZONE: &str = "profile";

/// The word that holds messages back where the time zone is not known.
pub const HOLD: &str = "hold";

/// How many messages one person gets at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Frequency {
    /// The most messages.
    #[schemars(range(min = 1, max = MAX_FREQUENCY), example = 2)]
    #[serde(deserialize_with = "frequency_max")]
    pub max: u32,
    /// In this stretch of time.
    #[schemars(example = &"7d")]
    pub per: Period,
}

/// The first messages of a campaign, which go before the rest.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// How many messages go first.
    #[schemars(range(min = 1, max = MAX_CANARY), example = 50)]
    #[serde(deserialize_with = "canary_size")]
    pub size: u32,
    /// How many of them may be refused or fail; with more the campaign is paused.
    #[serde(default = "default_max_failed")]
    #[schemars(extend("default" = "10%"))]
    pub max_failed: Percent,
    /// How long the rest waits for what becomes of them, where not all of it is known before.
    #[serde(default = "default_wait")]
    #[schemars(extend("default" = "10m"))]
    pub wait: Period,
}

/// The largest canary that is taken for meant.
const MAX_CANARY: u32 = 10_000;

fn canary_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let size: u32 = whole(deserializer)?;
    if (1..=MAX_CANARY).contains(&size) {
        return Ok(size);
    }
    Err(D::Error::custom(format!(
        "{size} is not within 1 to {MAX_CANARY}"
    )))
}

const fn default_max_failed() -> Percent {
    Percent::TEN
}

const fn default_wait() -> Period {
    Period::from_secs(600)
}

fn default_pace() -> Rate {
    // The default throughput of a business phone number in the WhatsApp Cloud API documentation, "Throughput".
    Rate::PER_SECOND_80
}

fn profile_zone() -> String {
    PROFILE_ZONE.to_owned()
}

fn hold() -> String {
    HOLD.to_owned()
}

/// The most buttons of a template (WhatsApp Business Platform documentation, "Template components").
const MAX_BUTTONS: u8 = 10;

/// The highest frequency cap that is taken for meant.
const MAX_FREQUENCY: u32 = 1000;

fn button_index<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    let index: u8 = whole(deserializer)?;
    if index < MAX_BUTTONS {
        return Ok(index);
    }
    Err(D::Error::custom(format!(
        "button {index} is not within 0 to 9"
    )))
}

fn buttons<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Button>, D::Error> {
    let buttons = Vec::<Button>::deserialize(deserializer)?;
    if buttons.len() <= usize::from(MAX_BUTTONS) {
        return Ok(buttons);
    }
    Err(D::Error::invalid_length(
        buttons.len(),
        &"at most 10 buttons",
    ))
}

fn frequency_max<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let max: u32 = whole(deserializer)?;
    if (1..=MAX_FREQUENCY).contains(&max) {
        return Ok(max);
    }
    Err(D::Error::custom(format!(
        "{max} is not within 1 to {MAX_FREQUENCY}"
    )))
}

fn parameters_example() -> serde_json::Value {
    serde_json::json!(["{{ full_name }}"])
}
