//! A message template of the business account: its state, and the places that a message fills.

use serde::Deserialize;

/// A template in one language (Meta, "Template management").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its name.
    pub name: String,
    /// Its language: `en_US`.
    pub language: String,
    /// `APPROVED`, or what keeps it from being sent: `PENDING`, `REJECTED`, `PAUSED`, `DISABLED`, …
    pub status: String,
    /// `MARKETING`, `UTILITY` or `AUTHENTICATION`.
    pub category: String,
    /// What its header takes; `None` where there is no header, or one of fixed text.
    pub header: Option<Header>,
    /// The names of the places in its body, each once, in the order in which they stand: `1`, `2`, or words.
    pub body: Vec<String>,
    /// Its buttons, in their order.
    pub buttons: Vec<Button>,
}

/// What a header takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// A text in its place.
    Text,
    /// An image.
    Image,
    /// A video.
    Video,
    /// A document.
    Document,
    /// Something else: a location, a product.
    Other,
}

/// A button, by what a message has to give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Button {
    /// Opens an address that ends in a place: a message must give the end.
    Address,
    /// Sends a reply: a message may give its payload.
    Reply,
    /// Copies a code: a message must give it.
    Code,
    /// Takes nothing.
    Fixed,
}

/// A template as the answer has it.
#[derive(Deserialize)]
pub(super) struct Described {
    name: String,
    language: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    category: String,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Component {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    format: Option<String>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    buttons: Vec<DescribedButton>,
}

#[derive(Deserialize)]
struct DescribedButton {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    url: Option<String>,
}

impl Template {
    /// What is asked for, in the form of the `fields` parameter.
    pub(super) const FIELDS: &'static str = "name,language,status,category,components";

    /// Whether Meta takes its messages for marketing, which people may refuse and which it does not deliver everywhere.
    pub fn is_marketing(&self) -> bool {
        self.category.eq_ignore_ascii_case("MARKETING")
    }

    /// Whether WhatsApp sends it.
    pub fn is_approved(&self) -> bool {
        self.status == "APPROVED"
    }
}

impl From<Described> for Template {
    fn from(described: Described) -> Self {
        let component = |kind: &str| {
            let mut all = described.components.iter();
            all.find(|component| component.kind.eq_ignore_ascii_case(kind))
        };
        let body = component("BODY").and_then(|body| body.text.as_deref());
        let buttons = component("BUTTONS").map_or(&[][..], |row| &row.buttons);
        Self {
            header: component("HEADER").and_then(header),
            body: body.map(places).unwrap_or_default(),
            buttons: buttons.iter().map(button).collect(),
            name: described.name,
            language: described.language,
            status: described.status,
            category: described.category,
        }
    }
}

fn header(component: &Component) -> Option<Header> {
    match component.format.as_deref().unwrap_or("TEXT") {
        "TEXT" => {
            let text = component.text.as_deref().unwrap_or_default();
            (!places(text).is_empty()).then_some(Header::Text)
        }
        "IMAGE" => Some(Header::Image),
        "VIDEO" => Some(Header::Video),
        "DOCUMENT" => Some(Header::Document),
        _ => Some(Header::Other),
    }
}

fn button(button: &DescribedButton) -> Button {
    match button.kind.as_str() {
        "URL"
            if button
                .url
                .as_deref()
                .is_some_and(|url| !places(url).is_empty()) =>
        {
            Button::Address
        }
        "QUICK_REPLY" => Button::Reply,
        "COPY_CODE" => Button::Code,
        _ => Button::Fixed,
    }
}

/// The names between `{{` and `}}`, each once.
fn places(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for part in text.split("{{").skip(1) {
        if let Some((name, _)) = part.split_once("}}") {
            let name = name.trim();
            if !name.is_empty() && names.iter().all(|known| known != name) {
                names.push(name.to_owned());
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_once_and_only_where_they_are_closed() {
        for (text, expected) in [
            ("Hi {{1}}, {{2}} and {{1}}", &["1", "2"][..]),
            ("Hi {{ first_name }}", &["first_name"]),
            ("Hi {1}, {{}} and {{2", &[]),
            ("{{1}}{{2}}{{3}}", &["1", "2", "3"]),
            ("", &[]),
        ] {
            assert_eq!(places(text), expected, "{text}");
        }
    }
}
