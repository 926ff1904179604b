//! The step that sends one WhatsApp message a person.

use crate::plan::expression::Expression;
use crate::spec::broadcast::Broadcast as Section;
use crate::template::Template;

use super::Property;

/// A message template, who gets it, and when it may be sent.
#[derive(Debug, Clone)]
pub struct Broadcast {
    /// The section as it was written: names, times and limits.
    pub section: Section,
    /// The WhatsApp connection, by name.
    pub connection: String,
    /// The phone number.
    pub to: Template,
    /// Must give true for a person to be written to; consent is enforced beside it.
    pub audience: Option<Template>,
    /// What stands in the header, the places of the body and the buttons, in this order.
    pub parameters: Vec<Expression>,
}

impl Broadcast {
    pub(super) fn properties(&self) -> Vec<Property> {
        let section = &self.section;
        let mut properties = vec![
            (
                "template",
                format!("{} ({})", section.template.name, section.template.language),
            ),
            ("connection", self.connection.clone()),
            (
                "campaign",
                format!("{}, one message a person", section.campaign),
            ),
            ("to", self.to.source().to_owned()),
        ];
        if let Some(audience) = &self.audience {
            properties.push(("audience", audience.source().to_owned()));
        }
        let parameters: Vec<String> = self.parameters.iter().map(Expression::source).collect();
        if !parameters.is_empty() {
            properties.push(("parameters", parameters.join(", ")));
        }
        if let Some(quiet) = &section.quiet_hours {
            properties.push((
                "quiet hours",
                format!(
                    "{} to {}, {} time, unknown: {}",
                    quiet.from, quiet.to, quiet.timezone, quiet.unknown
                ),
            ));
        }
        properties.push(("pace", section.pace.to_string()));
        if let Some(canary) = &section.canary {
            properties.push((
                "canary",
                format!(
                    "{} first, at most {} of them fail, {} to see",
                    canary.size, canary.max_failed, canary.wait
                ),
            ));
        }
        if let Some(cap) = &section.frequency {
            properties.push(("frequency", format!("at most {} in {}", cap.max, cap.per)));
        }
        if let Some(after) = &section.expires_after {
            properties.push(("expires", format!("after {after}")));
        }
        properties
    }
}
