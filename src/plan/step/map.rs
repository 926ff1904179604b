//! The step that makes a profile of each record.

use crate::plan::expression::{Expression, lines};
use crate::template::Template;

use super::Property;

/// The templates that make a profile's key, attributes and consent.
#[derive(Debug, Clone)]
pub struct Map {
    /// The template of the key; `None` takes the Salesforce Id.
    pub key: Option<Template>,
    /// Attribute names and what makes their values, in the author's order.
    pub attributes: Vec<(String, Expression)>,
    /// Channel names and what makes their consent, then what makes its [evidence](crate::foundation::record::EVIDENCE).
    pub consent: Vec<(String, Expression)>,
}

impl Map {
    pub(super) fn properties(&self) -> Vec<Property> {
        let pairs =
            |map: &[(String, Expression)]| lines(map.iter().map(|(name, e)| (name.as_str(), e)));
        let mut properties = vec![("attributes", pairs(&self.attributes))];
        if let Some(key) = &self.key {
            properties.push(("key", key.source().to_owned()));
        }
        if !self.consent.is_empty() {
            properties.push(("consent", pairs(&self.consent)));
        }
        properties
    }
}
