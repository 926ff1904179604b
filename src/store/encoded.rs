//! A profile on its way into a store: checked, its maps written as JSON texts.
//!
//! Writing the texts takes about as long as storing them, and it needs no store: whoever has a thread to spare makes
//! encoded profiles there, straight from borrowed values, and hands them over in a commit.

use serde::ser::{SerializeMap, Serializer};
use serde_json::{Map, Value};

use crate::foundation::code::Code;
use crate::foundation::record::{Profile, RecordError};

use super::model::{check_parts, email_key};

/// What a JSON text holds for each of its values besides the name and the value: quotes, colon and comma, and as much
/// again for a few escapes.
const AROUND_A_VALUE: usize = 10;

/// A profile that a store can hold, in the form in which it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Unique in the store.
    pub(super) key: String,
    /// The Salesforce Id of the row it was read from.
    pub(super) salesforce_id: Option<String>,
    /// The Salesforce object of that row.
    pub(super) object: Option<String>,
    /// Whether the row was deleted in Salesforce.
    pub(super) deleted: bool,
    /// What it is found by as `phone`.
    pub(super) phone: Given,
    /// What it is found by as `email`, in the form in which emails are compared.
    pub(super) email: Given,
    /// The consent, a JSON object.
    pub(super) consent: String,
    /// The attributes, a JSON object.
    pub(super) attributes: String,
}

/// What a profile says about an attribute that it is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Given {
    /// Nothing: what is stored stays.
    Absent,
    /// A value that is no text.
    NoText,
    /// A text.
    Text(String),
}

/// Everything of a profile but its maps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Unique in the store; at most [`super::model::MAX_KEY_BYTES`] bytes.
    pub key: String,
    /// The Salesforce Id of the row it was read from.
    pub salesforce_id: Option<String>,
    /// The Salesforce object of that row.
    pub object: Option<String>,
    /// Whether the row was deleted in Salesforce.
    pub deleted: bool,
}

impl Encoded {
    /// The stored form of a profile.
    ///
    /// # Errors
    /// `profile-unstorable`, exactly where [`super::model::check_profile`] says so.
    pub fn of(profile: &Profile) -> Result<Self, RecordError> {
        let identity = Identity {
            key: profile.key.clone(),
            salesforce_id: profile.salesforce_id.clone(),
            object: profile.object.clone(),
            deleted: profile.deleted,
        };
        Self::new(
            identity,
            pairs(&profile.attributes),
            pairs(&profile.consent),
        )
    }

    /// The stored form of a profile whose attributes and consent are borrowed from elsewhere; each name comes once.
    ///
    /// # Errors
    /// `profile-unstorable`, as for the profile that owned these values.
    pub fn new<'v>(
        identity: Identity,
        attributes: impl Iterator<Item = (&'v str, &'v Value)> + Clone,
        consent: impl Iterator<Item = (&'v str, &'v Value)> + Clone,
    ) -> Result<Self, RecordError> {
        let bytes = check_parts(&identity.key, attributes.clone().chain(consent.clone()))?;
        let (mut phone, mut email) = (Given::Absent, Given::Absent);
        for (name, value) in attributes.clone() {
            match name {
                "phone" => phone = Given::of(value, str::to_owned),
                "email" => email = Given::of(value, email_key),
                _ => {}
            }
        }
        Ok(Self {
            attributes: object(attributes, bytes)?,
            consent: object(consent, 0)?,
            key: identity.key,
            salesforce_id: identity.salesforce_id,
            object: identity.object,
            deleted: identity.deleted,
            phone,
            email,
        })
    }

    /// The Salesforce Id of the row it was read from.
    pub fn salesforce_id(&self) -> Option<&str> {
        self.salesforce_id.as_deref()
    }

    /// The profile it was made of.
    ///
    /// # Errors
    /// None in practice: the texts were written here.
    pub fn decode(&self) -> Result<Profile, serde_json::Error> {
        Ok(Profile {
            key: self.key.clone(),
            salesforce_id: self.salesforce_id.clone(),
            object: self.object.clone(),
            attributes: serde_json::from_str(&self.attributes)?,
            consent: serde_json::from_str(&self.consent)?,
            deleted: self.deleted,
        })
    }
}

impl Given {
    fn of(value: &Value, keep: impl Fn(&str) -> String) -> Self {
        value
            .as_str()
            .map_or(Self::NoText, |text| Self::Text(keep(text)))
    }

    /// Whether something is said about the attribute.
    pub(super) fn is_given(&self) -> bool {
        *self != Self::Absent
    }

    /// The text, where there is one.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Absent | Self::NoText => None,
        }
    }
}

fn pairs(map: &Map<String, Value>) -> impl Iterator<Item = (&str, &Value)> + Clone {
    map.iter().map(|(name, value)| (name.as_str(), value))
}

/// The values as one JSON object; `bytes` is about what they hold.
fn object<'v>(
    values: impl Iterator<Item = (&'v str, &'v Value)> + Clone,
    bytes: usize,
) -> Result<String, RecordError> {
    let room = bytes + values.clone().count() * AROUND_A_VALUE + "{}".len();
    let mut text = Vec::with_capacity(room);
    let write = || {
        let mut json = serde_json::Serializer::new(&mut text);
        let mut map = json.serialize_map(None)?;
        for (name, value) in values {
            map.serialize_entry(name, value)?;
        }
        map.end()
    };
    let written = write().is_ok();
    let text = String::from_utf8(text).ok().filter(|_| written);
    text.ok_or_else(|| RecordError {
        code: Code::ProfileUnstorable,
        field: None,
        message: "the profile cannot be written as JSON".to_owned(),
        remote_code: None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn profile(attributes: &Value, consent: &Value) -> Profile {
        let map = |value: &Value| value.as_object().cloned().unwrap_or_default();
        Profile {
            key: "k".to_owned(),
            salesforce_id: Some("00Q000000000001AAA".to_owned()),
            object: Some("Lead".to_owned()),
            attributes: map(attributes),
            consent: map(consent),
            deleted: true,
        }
    }

    #[test]
    fn a_profile_reads_back_as_it_was_encoded() {
        for (attributes, consent) in [
            (json!({}), json!({})),
            (
                json!({ "b": "é\"\n\u{1f600}", "a": [1, 2.5, null], "c": { "d": true } }),
                json!({ "whatsapp": true, "sms": null }),
            ),
        ] {
            let profile = profile(&attributes, &consent);
            let encoded = Encoded::of(&profile).unwrap();
            assert_eq!(encoded.attributes, attributes.to_string());
            assert_eq!(encoded.consent, consent.to_string());
            assert_eq!(encoded.decode().unwrap(), profile);
        }
    }

    #[test]
    fn what_a_profile_is_found_by_is_a_text_no_text_or_not_given() {
        for (attributes, phone, email) in [
            (json!({}), Given::Absent, Given::Absent),
            (
                json!({ "phone": null, "email": 7 }),
                Given::NoText,
                Given::NoText,
            ),
            (
                json!({ "phone": "+1 A", "email": " Ada@Example.com " }),
                Given::Text("+1 A".to_owned()),
                Given::Text("ada@example.com".to_owned()),
            ),
        ] {
            let encoded = Encoded::of(&profile(&attributes, &json!({}))).unwrap();
            assert_eq!((encoded.phone, encoded.email), (phone, email));
        }
    }

    #[test]
    fn what_no_store_can_hold_is_not_encoded() {
        let deep = (0..99).fold(json!(1), |inner, _| json!([inner]));
        let error = Encoded::of(&profile(&json!({ "a": 1, "b": deep }), &json!({}))).unwrap_err();
        assert_eq!(error.code, Code::ProfileUnstorable);
        assert_eq!(error.field.as_deref(), Some("b"));
    }
}
