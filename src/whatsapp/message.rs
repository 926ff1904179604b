//! A message made of a template: what is kept in the send ledger, and the body that goes out.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use crate::foundation::identity::Identity;
use crate::spec::broadcast::{ButtonKind, HeaderKind};

/// The longest body of a message after its places are filled (Meta, "Template components").
pub const MAX_TEXT: usize = 1_024;

/// The longest text of a header's place, and of a payload (Meta, "Template components").
pub const MAX_HEADER: usize = 60;

/// The longest payload of a quick reply, and of what comes back with each status (Meta, "Messages").
pub const MAX_PAYLOAD: usize = 512;

/// The longest address of a file.
const MAX_URL: usize = 2_048;

/// One message to one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// A phone number in the form of E.164, or a business-scoped user id.
    pub to: String,
    /// The template's name.
    pub template: String,
    /// Its language.
    pub language: String,
    /// What stands in the header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<HeaderValue>,
    /// What stands in the places of the body, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub body: Vec<BodyValue>,
    /// What stands in the buttons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<ButtonValue>,
}

/// What stands in a header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeaderValue {
    /// A text.
    Text(String),
    /// The address of an image.
    Image(String),
    /// The address of a video.
    Video(String),
    /// The address of a document.
    Document(String),
}

/// What stands in one place of the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BodyValue {
    /// The place's name, where the template names its places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The text.
    pub text: String,
}

/// What stands in one button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ButtonValue {
    /// Which one, counted from 0.
    pub index: u8,
    /// Whether it is the end of an address; a reply's payload otherwise.
    pub is_url: bool,
    /// The value.
    pub value: String,
}

/// Why a value cannot stand in a message. It holds nothing of the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// Which value: `parameters[1]`, `header`, `buttons[0]`, `to`.
    pub field: String,
    /// What is wrong with it.
    pub why: String,
}

impl Message {
    /// The body of the request that sends it. `callback` comes back with each status; 512 bytes at the most.
    ///
    /// The shape is Meta's ("Cloud API, Messages": type `template`). `recipient_type` and `language.policy` are always there,
    /// because Meta's published schema asks for them.
    pub fn wire_body(&self, callback: &str) -> Value {
        let mut components = Vec::new();
        if let Some(header) = &self.header {
            components.push(json!({ "type": "header", "parameters": [header.wire()] }));
        }
        if !self.body.is_empty() {
            let parameters: Vec<Value> = self.body.iter().map(BodyValue::wire).collect();
            components.push(json!({ "type": "body", "parameters": parameters }));
        }
        components.extend(self.buttons.iter().map(ButtonValue::wire));
        let mut body = json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
        });
        match Identity::phone(&self.to) {
            Some(phone) => body["to"] = json!(phone.expose().trim_start_matches('+')),
            None => body["recipient"] = json!(self.to),
        }
        body["type"] = json!("template");
        body["template"] = json!({
            "name": self.template,
            "language": { "code": self.language, "policy": "deterministic" },
            "components": components,
        });
        body["biz_opaque_callback_data"] = json!(callback);
        body
    }
}

impl HeaderValue {
    /// A header of a kind, where the value fits it.
    ///
    /// # Errors
    /// What is wrong with the value.
    pub fn new(kind: HeaderKind, value: &str) -> Result<Self, Unfit> {
        let field = "header";
        Ok(match kind {
            HeaderKind::Text => Self::Text(clean(field, value, MAX_HEADER)?),
            HeaderKind::Image => Self::Image(link(field, value)?),
            HeaderKind::Video => Self::Video(link(field, value)?),
            HeaderKind::Document => Self::Document(link(field, value)?),
        })
    }

    fn wire(&self) -> Value {
        match self {
            Self::Text(text) => json!({ "type": "text", "text": text }),
            Self::Image(link) => json!({ "type": "image", "image": { "link": link } }),
            Self::Video(link) => json!({ "type": "video", "video": { "link": link } }),
            Self::Document(link) => json!({ "type": "document", "document": { "link": link } }),
        }
    }
}

impl BodyValue {
    fn wire(&self) -> Value {
        match &self.name {
            Some(name) => json!({ "type": "text", "parameter_name": name, "text": self.text }),
            None => json!({ "type": "text", "text": self.text }),
        }
    }
}

impl ButtonValue {
    /// A button's value, where it fits.
    ///
    /// # Errors
    /// What is wrong with the value.
    pub fn new(index: u8, kind: ButtonKind, value: &str) -> Result<Self, Unfit> {
        let field = format!("buttons[{index}]");
        let value = clean(&field, value, MAX_PAYLOAD)?;
        Ok(Self {
            index,
            is_url: kind == ButtonKind::Url,
            value,
        })
    }

    fn wire(&self) -> Value {
        let (kind, parameter) = if self.is_url {
            ("url", json!({ "type": "text", "text": self.value }))
        } else {
            (
                "quick_reply",
                json!({ "type": "payload", "payload": self.value }),
            )
        };
        json!({
            "type": "button",
            "sub_type": kind,
            "index": self.index.to_string(),
            "parameters": [parameter],
        })
    }
}

/// A text as WhatsApp takes it: new lines, tabs and runs of spaces become one space, because it refuses them in parameters.
///
/// # Errors
/// A text that is empty, too long, or holds other control characters.
pub fn clean(field: &str, text: &str, most: usize) -> Result<String, Unfit> {
    let unfit = |why: String| {
        Err(Unfit {
            field: field.to_owned(),
            why,
        })
    };
    let is_control = |letter: char| letter.is_control() && !letter.is_whitespace();
    if text.chars().any(is_control) {
        return unfit("it holds a control character".to_owned());
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let cleaned = words.join(" ");
    if cleaned.is_empty() {
        return unfit("it is empty, and WhatsApp takes no empty value".to_owned());
    }
    let length = cleaned.chars().count();
    if length > most {
        return unfit(format!(
            "it has {length} characters, and WhatsApp takes {most} at the most"
        ));
    }
    Ok(cleaned)
}

/// The address of a file that Meta fetches: public https, and nothing else.
fn link(field: &str, text: &str) -> Result<String, Unfit> {
    let unfit = |why: &str| Unfit {
        field: field.to_owned(),
        why: why.to_owned(),
    };
    let url = Url::parse(text.trim()).map_err(|_| unfit("it is not an address"))?;
    if url.scheme() != "https" {
        return Err(unfit("it does not begin with https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(unfit("it holds a user name or a password"));
    }
    // An address of figures has no certificate that Meta would trust, and names of one word are of one's own network.
    let name = url.domain().unwrap_or_default().trim_end_matches('.');
    let top = name.rsplit('.').next().unwrap_or_default();
    let is_public = name.contains('.') && top != "local";
    if !is_public {
        return Err(unfit("its host is no public name"));
    }
    if url.as_str().len() > MAX_URL {
        return Err(unfit("it is longer than 2,048 bytes"));
    }
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w04_texts_are_cleaned_or_refused() {
        for (given, expected) in [
            ("Ada\nLovelace", Ok("Ada Lovelace")),
            ("Ada\tLovelace", Ok("Ada Lovelace")),
            ("Ada     Lovelace ", Ok("Ada Lovelace")),
            ("Zoë 🎉", Ok("Zoë 🎉")),
            ("{{ env.SECRET }}", Ok("{{ env.SECRET }}")),
            ("", Err("empty")),
            (" \n ", Err("empty")),
            ("a\0b", Err("control")),
            ("a\u{1b}[31m", Err("control")),
        ] {
            match (clean("parameters[0]", given, MAX_TEXT), expected) {
                (Ok(text), Ok(expected)) => assert_eq!(text, expected),
                (Err(unfit), Err(word)) => assert!(unfit.why.contains(word), "{unfit:?}"),
                (got, _) => panic!("{given:?}: {got:?}"),
            }
        }
        let long = "x".repeat(MAX_TEXT + 1);
        let unfit = clean("parameters[0]", &long, MAX_TEXT).unwrap_err();
        assert!(unfit.why.contains("1025"), "{unfit:?}");
        assert!(clean("parameters[0]", &long[1..], MAX_TEXT).is_ok());
    }

    #[test]
    fn x12_files_come_from_public_hosts_alone() {
        for wrong in [
            "http://example.com/a.jpg",
            "https://127.0.0.1/a.jpg",
            "https://169.254.169.254/latest/meta-data",
            "https://[::1]/a.jpg",
            "https://localhost/a.jpg",
            "https://printer.local/a.jpg",
            "https://intranet/a.jpg",
            "https://user:word@example.com/a.jpg",
            "file:///etc/passwd",
            "a.jpg",
        ] {
            assert!(
                HeaderValue::new(HeaderKind::Image, wrong).is_err(),
                "{wrong}"
            );
        }
        assert!(HeaderValue::new(HeaderKind::Image, "https://example.com/a.jpg").is_ok());
    }
}
