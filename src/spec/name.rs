//! Names a person gives, each with the form it must have.

use std::borrow::Borrow;
use std::fmt;

use serde::de::{Deserialize, Deserializer};

use super::shape::{self, text_schema};

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $pattern:literal, $valid:path, [$($example:literal),*], $expected:literal, $description:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(String);

        impl $type {
            /// The form in the schema.
            pub const PATTERN: &'static str = $pattern;

            /// Takes a name of the right form; `None` for another.
            pub fn parse(text: &str) -> Option<Self> {
                $valid(text).then(|| Self(text.to_owned()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                shape::text(deserializer, $expected, Self::parse)
            }
        }

        text_schema!($type, $pattern, [$($example),*], $description);
    };
}

name!(
    /// The name of a pipeline, a project or a connection: 1 to 64 lowercase letters, digits, `-` and `_`, beginning
    /// and ending with a letter or a digit.
    SlugName, "^[a-z0-9]([a-z0-9_-]{0,62}[a-z0-9])?$", is_slug, ["lead-sync", "salesforce"],
    "a name of lowercase letters, digits, `-` and `_`",
    "1 to 64 lowercase letters, digits, `-` and `_`; begins and ends with a letter or a digit."
);

name!(
    /// A name that templates can say: a letter or `_`, then letters, digits and `_`; at most 64.
    AttributeName, "^[A-Za-z_][A-Za-z0-9_]{0,63}$", is_attribute, ["full_name", "phone"],
    "a name of letters, digits and `_` that does not begin with a digit",
    "A letter or `_`, then letters, digits and `_`; at most 64 characters, so that templates can say it."
);

name!(
    /// The API name of a Salesforce object or relationship: a letter, then letters, digits and `_`; at most 80.
    ApiName, "^[A-Za-z][A-Za-z0-9_]{0,79}$", is_api_name, ["Lead", "Conversation__c"],
    "a Salesforce API name such as `Lead` or `Conversation__c`",
    "A Salesforce API name: a letter, then letters, digits and `_`."
);

name!(
    /// A field of a target: its API name, or `Parent.ExternalId__c` to point at a parent by the parent's external id.
    FieldPath, r"^[A-Za-z][A-Za-z0-9_]{0,79}(\.[A-Za-z][A-Za-z0-9_]{0,79})?$", is_field_path,
    ["Lead_Score__c", "Account.Bridged_Id__c"],
    "a Salesforce field such as `Status` or `Account.Bridged_Id__c`",
    "A Salesforce field by its API name, or `Parent.ExternalId__c` to point at a parent by the parent's external id."
);

name!(
    /// The name of a WhatsApp message template: lowercase letters, digits and `_`, at most 512 (WhatsApp Business
    /// Management API reference, "Message templates").
    TemplateName, "^[a-z0-9_]{1,512}$", is_template_name, ["spring_offer"],
    "the name of a message template: lowercase letters, digits and `_`",
    "The name of a WhatsApp message template: lowercase letters, digits and `_`."
);

name!(
    /// A language as WhatsApp writes it: `en` or `en_US`.
    LanguageCode, "^[a-z]{2,3}(_[A-Z]{2,3})?$", is_language, ["en", "en_US", "pt_BR"],
    "a language such as `en` or `en_US`",
    "A language as WhatsApp writes it: two or three small letters, and `_` with a country where there is one."
);

impl FieldPath {
    /// The relationship and the parent's external id, where the path has both.
    pub fn parent(&self) -> Option<(&str, &str)> {
        self.0.split_once('.')
    }
}

fn is_slug(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    (1..=64).contains(&bytes.len())
        && bytes
            .iter()
            .all(|&byte| inner(byte) || matches!(byte, b'-' | b'_'))
        && bytes.first().is_some_and(|&byte| inner(byte))
        && bytes.last().is_some_and(|&byte| inner(byte))
}

fn is_attribute(text: &str) -> bool {
    is_word(text, 64, |first| {
        first.is_ascii_alphabetic() || first == b'_'
    })
}

fn is_api_name(text: &str) -> bool {
    is_word(text, 80, |first| first.is_ascii_alphabetic())
}

fn is_field_path(text: &str) -> bool {
    match text.split_once('.') {
        Some((parent, field)) => is_api_name(parent) && is_api_name(field),
        None => is_api_name(text),
    }
}

fn is_template_name(text: &str) -> bool {
    (1..=512).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn is_language(text: &str) -> bool {
    let (language, country) = match text.split_once('_') {
        Some((language, country)) => (language, Some(country)),
        None => (text, None),
    };
    matches!(language.len(), 2 | 3)
        && language.bytes().all(|byte| byte.is_ascii_lowercase())
        && country.is_none_or(|country| {
            matches!(country.len(), 2 | 3) && country.bytes().all(|byte| byte.is_ascii_uppercase())
        })
}

fn is_word(text: &str, most: usize, first: impl Fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    (1..=most).contains(&bytes.len())
        && first(bytes[0])
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_takes_its_form_and_no_other() {
        for good in ["a", "lead-sync", "q2_2027", "9to5"] {
            assert!(SlugName::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "Lead",
            "-a",
            "a-",
            "a b",
            "a/b",
            "..",
            "é",
            &"a".repeat(65),
        ] {
            assert!(SlugName::parse(bad).is_none(), "{bad}");
        }
        for good in ["_x", "full_name", "A9"] {
            assert!(AttributeName::parse(good).is_some(), "{good}");
        }
        for bad in ["", "9a", "a-b", "a.b", "name\n"] {
            assert!(AttributeName::parse(bad).is_none(), "{bad}");
        }
        for bad in ["", "_Lead", "Lead'", "Lead Id", "Lead;"] {
            assert!(ApiName::parse(bad).is_none(), "{bad}");
        }
        let parent = FieldPath::parse("Account.Bridged_Id__c").unwrap();
        assert_eq!(parent.parent(), Some(("Account", "Bridged_Id__c")));
        for bad in ["", "A.B.C", ".A", "A.", "A..B"] {
            assert!(FieldPath::parse(bad).is_none(), "{bad}");
        }
    }
}
