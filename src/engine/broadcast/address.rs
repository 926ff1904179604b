//! Addressing: whether a person gets a message, and the message itself. Nothing here is sent.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use phonenumber::Mode;
use phonenumber::country::Id;
use serde_json::Value;

use crate::foundation::code::Code;
use crate::foundation::error::Result;
use crate::foundation::id::MessageId;
use crate::foundation::identity::Identity;
use crate::foundation::record::RecordError;
use crate::plan::expression::Expression;
use crate::plan::step::broadcast::Broadcast;
use crate::store::model::NewMessage;
use crate::store::read_only::ReadOnly;
use crate::template::scope::Scope;
use crate::whatsapp::message::{
    BodyValue, ButtonValue, HeaderValue, MAX_TEXT, Message, Unfit, clean,
};

use super::super::facts::Facts;
use super::super::map::{condition, evaluation};
use super::{Opened, Reach, quiet, zone};

/// The channel whose consent a message needs, in the pipeline's `consent` section.
const CHANNEL: &str = "whatsapp";

/// What becomes of a person who came through the filter.
#[derive(Debug, Clone, PartialEq)]
pub enum Addressed {
    /// They get this message.
    Message(Box<NewMessage>),
    /// The audience leaves them out.
    Filtered,
    /// They must not be written to, for this reason: a word.
    Suppressed(String),
}

/// Addresses the people of one run.
#[derive(Debug, Clone)]
pub struct Addresser {
    step: Arc<Broadcast>,
    reach: Reach,
    store: ReadOnly,
    opened: Opened,
    now: Timestamp,
}

impl Addresser {
    /// For a broadcast that was looked at.
    pub fn new(
        step: &Broadcast,
        reach: &Reach,
        store: ReadOnly,
        opened: Opened,
        now: Timestamp,
    ) -> Self {
        Self {
            step: Arc::new(step.clone()),
            reach: reach.clone(),
            store,
            opened,
            now,
        }
    }

    /// The connection that is written through.
    pub fn connection(&self) -> &str {
        &self.step.connection
    }

    /// I23: addresses a person, where they agreed and nothing is against it.
    ///
    /// # Errors
    /// What the store says; what is wrong with this record is inside.
    pub fn address(&self, facts: &Facts) -> Result<std::result::Result<Addressed, RecordError>> {
        let scope = facts.scope();
        if let Some(audience) = &self.step.audience {
            match condition(audience, &scope, "broadcast.audience") {
                Ok(true) => {}
                Ok(false) => return Ok(Ok(Addressed::Filtered)),
                Err(wrong) => return Ok(Err(wrong)),
            }
        }
        let Some(profile) = &facts.mapped else {
            return Ok(Ok(Addressed::Filtered));
        };
        let suppressed = |why: &str| Ok(Ok(Addressed::Suppressed(why.to_owned())));
        if profile.deleted {
            return suppressed("deleted");
        }
        if profile.consent.get(CHANNEL) != Some(&Value::Bool(true)) {
            return suppressed("no-consent");
        }
        if facts.person().opted_out {
            return suppressed("opted-out");
        }
        let (identity, country) = match self.recipient(&scope) {
            Ok(recipient) => recipient,
            Err(wrong) => return Ok(Err(wrong)),
        };
        let is_marketing = self.opened.is_marketing();
        // Meta delivers no marketing to numbers of the United States since 1 April 2025 ("Per-user marketing template message limits").
        if is_marketing && country == Some(Id::US) {
            return suppressed("marketing-to-us");
        }
        let hash = self.reach.key.hash(&identity);
        let held = self.store.suppressed(&[hash], self.now)?;
        if let Some(held) = held
            .into_iter()
            .flatten()
            .find(|held| held.reaches(is_marketing))
        {
            return suppressed(&held.reason);
        }
        let message = match self.message(&scope, &identity) {
            Ok(message) => message,
            Err(wrong) => return Ok(Err(wrong)),
        };
        let quiet = self.step.section.quiet_hours.as_ref();
        let theirs = zone::of(profile, country);
        let earliest = quiet::earliest(quiet, theirs.as_ref(), self.now);
        Ok(Ok(Addressed::Message(Box::new(NewMessage {
            id: MessageId::generate(),
            campaign: self.step.section.campaign.to_string(),
            connection: self.step.connection.clone(),
            identities: vec![hash],
            profile: profile.key.clone(),
            record: facts.key.clone(),
            masked: identity.masked(),
            payload: kept(
                &message,
                theirs.as_ref().and_then(jiff::tz::TimeZone::iana_name),
            ),
            not_before: earliest.at,
            hold: earliest.hold,
            expires_at: self.expires(),
        }))))
    }

    fn expires(&self) -> Option<Timestamp> {
        let after = self.step.section.expires_after?;
        let after = SignedDuration::try_from(after.as_duration()).ok()?;
        self.now.checked_add(after).ok()
    }

    /// Who is written to. A number without its country code is refused: completed by a guess it may reach a stranger.
    fn recipient(
        &self,
        scope: &Scope<'_>,
    ) -> std::result::Result<(Identity, Option<Id>), RecordError> {
        let given = self.step.to.evaluate(scope);
        let given = given.map_err(|error| evaluation(Some("broadcast.to"), error))?;
        let invalid = |message: &str| RecordError {
            code: Code::RecipientInvalid,
            field: Some("broadcast.to".to_owned()),
            message: message.to_owned(),
            remote_code: None,
        };
        let text = match &given {
            Value::String(text) => text.trim(),
            Value::Null => return Err(invalid("`broadcast.to` gave nothing")),
            _ => return Err(invalid("`broadcast.to` gave something that is no text")),
        };
        if let Some(user) = Identity::user(text) {
            // The id begins with the country of its person (Meta, "Business-scoped user IDs").
            let country = text.get(..2).and_then(|country| country.parse().ok());
            return Ok((user, country));
        }
        if !text.starts_with('+') {
            return Err(invalid(
                "`broadcast.to` gave a number without `+` and its country code",
            ));
        }
        let number = phonenumber::parse(None, text)
            .ok()
            .filter(phonenumber::is_valid)
            .ok_or_else(|| invalid("`broadcast.to` gave a number that nobody can have"))?;
        let written = number.format().mode(Mode::E164).to_string();
        let identity = Identity::phone(&written)
            .ok_or_else(|| invalid("`broadcast.to` gave a number that nobody can have"))?;
        // A number of the North American plan that is told no country may be one of the United States.
        let is_north_american = number.country().code() == 1;
        let country = number.country().id();
        Ok((identity, country.or(is_north_american.then_some(Id::US))))
    }

    fn message(
        &self,
        scope: &Scope<'_>,
        to: &Identity,
    ) -> std::result::Result<Message, RecordError> {
        let wanted = &self.step.section.template;
        let mut expressions = self.step.parameters.iter();
        let mut next = |field: &str| -> std::result::Result<String, RecordError> {
            let Some(expression) = expressions.next() else {
                return Ok(String::new());
            };
            value(expression, scope, field)
        };
        let header = match &wanted.header {
            None => None,
            Some(header) => Some(HeaderValue::new(header.kind, &next("header")?).map_err(unfit)?),
        };
        let names = &self.opened.template.body;
        let is_named = names.iter().any(|name| name.parse::<u32>().is_err());
        let mut body = Vec::with_capacity(wanted.parameters.len());
        for place in 0..wanted.parameters.len() {
            let field = format!("parameters[{place}]");
            let text = clean(&field, &next(&field)?, MAX_TEXT).map_err(unfit)?;
            let name = names.get(place).filter(|_| is_named).cloned();
            body.push(BodyValue { name, text });
        }
        let mut buttons = Vec::with_capacity(wanted.buttons.len());
        for button in &wanted.buttons {
            let given = next(&format!("buttons[{}]", button.index))?;
            buttons.push(ButtonValue::new(button.index, button.kind, &given).map_err(unfit)?);
        }
        Ok(Message {
            to: to.expose().to_owned(),
            template: wanted.name.to_string(),
            language: wanted.language.to_string(),
            header,
            body,
            buttons,
        })
    }
}

/// What the send ledger keeps of a message: itself, and the zone by whose clock it leaves.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Kept {
    /// The message.
    pub(super) message: Message,
    /// The person's zone, by its IANA name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) zone: Option<String>,
}

fn kept(message: &Message, zone: Option<&str>) -> String {
    let kept = Kept {
        message: message.clone(),
        zone: zone.map(str::to_owned),
    };
    // A structure of texts has no value that JSON could not write.
    serde_json::to_string(&kept).unwrap_or_default()
}

fn value(
    expression: &Expression,
    scope: &Scope<'_>,
    field: &str,
) -> std::result::Result<String, RecordError> {
    let given = expression.evaluate(scope);
    Ok(
        match given.map_err(|error| evaluation(Some(field), error))? {
            Value::String(text) => text,
            Value::Null => String::new(),
            other => other.to_string(),
        },
    )
}

fn unfit(unfit: Unfit) -> RecordError {
    let Unfit { field, why } = unfit;
    RecordError {
        code: Code::MessageValueRefused,
        message: format!("`{field}`: {why}"),
        field: Some(format!("broadcast.template.{field}")),
        remote_code: None,
    }
}
