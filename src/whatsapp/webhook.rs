//! What Meta delivers to a webhook: who signed it, and what it says.
//!
//! One delivery may hold several entries with several changes of several events, in any order, and each again and again (Meta,
//! "Webhooks"). The signature covers the bytes as they came, and has no time in it: what is delivered twice is told by what it says.

use jiff::Timestamp;
use ring::hmac;
use serde::Deserialize;
use serde_json::Value;

use crate::foundation::id::MessageId;
use crate::foundation::identity::Identity;
use crate::foundation::record::Wish;
use crate::foundation::secret::Secret;

use super::wishes;

/// The longest id of Meta's that is taken.
const MAX_ID: usize = 256;

/// The longest challenge that is repeated; Meta's are ten digits.
const MAX_CHALLENGE: usize = 1_024;

/// What is written before the hexadecimal digits of a signature.
const SCHEME: &str = "sha256=";

/// Whether a delivery was signed with this secret: `X-Hub-Signature-256` is `sha256=` and 64 hexadecimal digits, of either case, of
/// the HMAC-SHA256 over the raw body. The comparison takes the same time whatever it finds.
pub fn is_signed(app_secret: &Secret, body: &[u8], signature: &str) -> bool {
    let Some(given) = signature.strip_prefix(SCHEME).and_then(bytes) else {
        return false;
    };
    if app_secret.is_empty() {
        return false;
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, app_secret.expose().as_bytes());
    hmac::verify(&key, body, &given).is_ok()
}

fn bytes(hex: &str) -> Option<[u8; 32]> {
    let digits = hex.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// The answer to Meta's question whether this is the right address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handshake {
    /// The challenge, to be repeated.
    Repeat(String),
    /// The token is another, or it is no subscription.
    Forbidden,
    /// The question has not its form.
    Malformed,
}

/// Answers that question.
pub fn handshake(
    verify_tokens: &[Secret],
    mode: Option<&str>,
    token: Option<&str>,
    challenge: Option<&str>,
) -> Handshake {
    let (Some(mode), Some(token)) = (mode, token) else {
        return Handshake::Malformed;
    };
    // Each is compared, so that the time tells nothing.
    let known = verify_tokens
        .iter()
        .fold(false, |known, own| own.matches(token) | known);
    if mode != "subscribe" || !known {
        return Handshake::Forbidden;
    }
    match challenge {
        Some(challenge)
            if (1..=MAX_CHALLENGE).contains(&challenge.len())
                && challenge.bytes().all(|byte| byte.is_ascii_graphic()) =>
        {
            Handshake::Repeat(challenge.to_owned())
        }
        _ => Handshake::Malformed,
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A message came so far.
    Status(Status),
    /// A person wrote.
    Reply(Reply),
    /// A person wants marketing no more, or again.
    Preference {
        /// Who.
        who: Vec<Identity>,
        /// Whether it stops.
        stops: bool,
        /// When.
        at: Timestamp,
    },
    /// A template changed its state.
    Template {
        /// Its name.
        name: String,
        /// Its language.
        language: String,
        /// Meta's word: `APPROVED`, `PAUSED`, `REINSTATED`, `DISABLED`, …
        event: String,
    },
    /// Something that is not looked into; the change's field.
    Other(String),
}

/// How far a message came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Meta's id.
    pub wamid: String,
    /// Our id, where the status brings it back.
    pub message: Option<MessageId>,
    /// `sent`, `delivered`, `read`, `failed` or another word.
    pub word: String,
    /// When.
    pub at: Timestamp,
    /// Meta's code, where it failed.
    pub error: Option<i64>,
    /// The title of that code.
    pub title: Option<String>,
}

/// What a person wrote, without the text: nothing hangs on it but the wish in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Meta's id.
    pub wamid: String,
    /// Who.
    pub who: Vec<Identity>,
    /// Meta's id of the message that is answered.
    pub answers: Option<String>,
    /// When.
    pub at: Timestamp,
    /// What they ask for, and by what: `reply`, `button`.
    pub wish: Option<(Wish, &'static str)>,
}

#[derive(Deserialize)]
struct Envelope {
    object: String,
    #[serde(default)]
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    #[serde(default)]
    field: String,
    #[serde(default)]
    value: Value,
}

/// What a delivery says. A change that is not understood is told by its field, and never stands in the way of the others.
///
/// # Errors
/// In words, where it is no delivery of WhatsApp's at all.
pub fn parse(body: &[u8]) -> Result<Vec<Event>, String> {
    let envelope: Envelope = serde_json::from_slice(body)
        .map_err(|cause| format!("it is not the JSON of a delivery, at line {}", cause.line()))?;
    if envelope.object != "whatsapp_business_account" {
        return Err("it is about another product than WhatsApp".to_owned());
    }
    let mut events = Vec::new();
    for change in envelope.entry.into_iter().flat_map(|entry| entry.changes) {
        let before = events.len();
        match change.field.as_str() {
            "messages" => {
                events.extend(
                    list(&change.value, "statuses")
                        .filter_map(status)
                        .map(Event::Status),
                );
                events.extend(
                    list(&change.value, "messages")
                        .filter_map(reply)
                        .map(Event::Reply),
                );
            }
            "user_preferences" => {
                events.extend(list(&change.value, "user_preferences").filter_map(preference));
            }
            "message_template_status_update" => events.extend(template(&change.value)),
            _ => {}
        }
        if events.len() == before {
            let field: String = change.field.chars().take(64).collect();
            events.push(Event::Other(field));
        }
    }
    Ok(events)
}

fn list<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

fn id(value: &Value, name: &str) -> Option<String> {
    let id = text(value, name)?;
    let fits = (1..=MAX_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| id.to_owned())
}

/// Seconds since 1970, as a text or a number.
fn time(value: &Value) -> Option<Timestamp> {
    let given = value.get("timestamp")?;
    let seconds = match given {
        Value::String(text) => text.parse().ok()?,
        other => other.as_i64()?,
    };
    Timestamp::from_second(seconds).ok()
}

fn status(value: &Value) -> Option<Status> {
    let error = list(value, "errors").next();
    let callback = text(value, "biz_opaque_callback_data").unwrap_or_default();
    Some(Status {
        wamid: id(value, "id")?,
        message: callback.split(':').next().and_then(MessageId::parse),
        word: text(value, "status")?.chars().take(32).collect(),
        at: time(value)?,
        error: error
            .and_then(|error| error.get("code"))
            .and_then(Value::as_i64),
        title: error.and_then(|error| text(error, "title")).map(|title| {
            title
                .chars()
                .filter(|c| !c.is_control())
                .take(200)
                .collect()
        }),
    })
}

fn reply(value: &Value) -> Option<Reply> {
    let wish = match text(value, "type")? {
        "text" => {
            let said = value.get("text").and_then(|text| self::text(text, "body"));
            said.and_then(wishes::of_text).map(|wish| (wish, "reply"))
        }
        "button" => value
            .get("button")
            .and_then(|button| tapped(button, "payload", "text")),
        "interactive" => value
            .get("interactive")
            .and_then(|one| one.get("button_reply"))
            .and_then(|button| tapped(button, "id", "title")),
        _ => None,
    };
    Some(Reply {
        wamid: id(value, "id")?,
        who: who(value, &["from", "from_user_id", "user_id"]),
        answers: value.get("context").and_then(|context| id(context, "id")),
        at: time(value)?,
        wish,
    })
}

/// What a button asks for, by its payload or by its label. Where they disagree the opt-out holds.
fn tapped(button: &Value, payload: &str, label: &str) -> Option<(Wish, &'static str)> {
    let payload = text(button, payload).and_then(wishes::of_payload);
    let label = text(button, label).and_then(wishes::of_text);
    let wish = match (payload, label) {
        (Some(Wish::OptOut), _) | (_, Some(Wish::OptOut)) => Wish::OptOut,
        (one, other) => one.or(other)?,
    };
    Some((wish, "button"))
}

fn preference(value: &Value) -> Option<Event> {
    let stops = match text(value, "value")? {
        "stop" => true,
        "resume" => false,
        _ => return None,
    };
    Some(Event::Preference {
        who: who(value, &["wa_id", "user_id"]),
        stops,
        at: time(value)?,
    })
}

fn who(value: &Value, names: &[&str]) -> Vec<Identity> {
    let mut all: Vec<Identity> = Vec::new();
    for given in names.iter().filter_map(|name| text(value, name)) {
        let identity = Identity::phone(given).or_else(|| Identity::user(given));
        if let Some(identity) = identity
            && !all.contains(&identity)
        {
            all.push(identity);
        }
    }
    all
}

fn template(value: &Value) -> Option<Event> {
    let word = |name| text(value, name).map(|word| word.chars().take(512).collect::<String>());
    Some(Event::Template {
        name: word("message_template_name")?,
        language: word("message_template_language")?,
        event: word("event")?,
    })
}
