//! Broadcasts: who of the people read gets a message, what stands in it, and when it leaves.
//!
//! ```text
//! record ──address──▶ suppressed · filtered · rejected
//!                └──▶ message, planned with the commit of its record ──send──▶ accepted · refused · unknown
//! ```
//!
//! Planning and sending are apart: a message is in the send ledger before anything leaves, so a run may end anywhere, and
//! the next one goes on with what waits.

pub mod address;
mod canary;
mod quiet;
mod react;
pub mod report;
pub mod send;
mod zone;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::id::Fingerprint;
use crate::foundation::identity::IdentityKey;
use crate::plan::Plan;
use crate::plan::expression::Expression;
use crate::plan::step::broadcast::Broadcast;
use crate::store::Store;
use crate::store::model::{Campaign, CampaignState};
use crate::store::read_only::ReadOnly;
use crate::whatsapp::client::Client;
use crate::whatsapp::errors;
use crate::whatsapp::fit;
use crate::whatsapp::pace::Pace;
use crate::whatsapp::send::Messenger;
use crate::whatsapp::sender::Standing;
use crate::whatsapp::template::Template;

/// What a broadcast has to look at before it sends. It cannot send (I11).
#[derive(Clone)]
pub struct Reach {
    /// Reads templates and the number's standing.
    pub client: Client,
    /// Hides who a message went to, and who must not get one.
    pub key: IdentityKey,
}

/// What sends.
#[derive(Clone)]
pub struct Messaging {
    /// What it looks at.
    pub reach: Reach,
    /// The one that sends.
    pub messenger: Messenger,
    /// The pace of its number, which other campaigns may share.
    pub number: Arc<Pace>,
    /// How long the number rests behind the first answer that did not come; twice as long behind each further one.
    pub rest: Duration,
}

/// That rest, where nothing else is asked for.
pub const REST: Duration = Duration::from_secs(1);

impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reach({})", self.client.address())
    }
}

impl fmt::Debug for Messaging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Messaging({})", self.reach.client.address())
    }
}

/// What was found out before the first record is read.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The template as WhatsApp has it.
    pub template: Template,
    /// How many people the number may write to in 24 hours; `None` where there is no limit, or none is told.
    pub tier: Option<u64>,
}

impl Opened {
    /// Whether the messages are marketing.
    pub fn is_marketing(&self) -> bool {
        self.template.is_marketing()
    }
}

/// Looks at the number and the template, with two requests, before anything is planned.
///
/// # Errors
/// `identity-key-changed` where opt-outs were kept under another key (I23); what [`fit::misfit`] finds; what Meta refuses.
pub async fn look(step: &Broadcast, reach: &Reach, store: &ReadOnly) -> Result<Opened> {
    if let Some(kept) = store.identity_check()?
        && kept != reach.key.check()
    {
        return Err(key_changed());
    }
    let wanted = &step.section.template;
    let (name, language) = (wanted.name.as_str(), wanted.language.as_str());
    if !reach.client.knows_account() {
        let message = format!(
            "the template `{name}` must be looked up before it is sent, and the connection `{}` has no `business_account_id`",
            step.connection
        );
        return Err(errors::told(Code::WhatsappTemplateUnchecked, message));
    }
    let known = reach.client.templates(Some(name)).await?;
    let found = known
        .into_iter()
        .find(|one| one.name == name && one.language == language)
        .ok_or_else(|| {
            let message = format!("the business account has no template `{name}` in `{language}`");
            errors::told(Code::WhatsappTemplateMissing, message)
        })?;
    if let Some(misfit) = fit::misfit(&found, wanted) {
        return Err(misfit);
    }
    let sender = reach.client.sender().await?;
    let status = match sender.standing() {
        Standing::NotConnected(status) | Standing::Banned(status) => Some(status),
        Standing::Connected | Standing::NotTold | Standing::LimitReached(_) => None,
    };
    if let Some(status) = status {
        let message = format!("{} cannot send: its status is `{status}`", sender.shown());
        return Err(errors::told(Code::WhatsappNumberNotRegistered, message));
    }
    Ok(Opened {
        tier: sender.messaging_limit.as_deref().and_then(tier),
        template: found,
    })
}

/// Opens the campaign: its messages are made of this, and of nothing else while any of them waits.
///
/// # Errors
/// `campaign-changed`; `campaign-paused` where a person stopped it; what the store says.
pub fn open(
    step: &Broadcast,
    reach: &Reach,
    store: &Arc<dyn Store>,
    now: Timestamp,
) -> Result<Campaign> {
    // I23: from the first message on, the hashes of this store are those of this key.
    if !store.keep_identity_check(reach.key.check())? {
        return Err(key_changed());
    }
    let section = &step.section;
    let campaign = store.open_campaign(&Campaign {
        name: section.campaign.to_string(),
        state: CampaignState::Running,
        reason: None,
        template: format!("{} {}", section.template.name, section.template.language),
        content: content(step),
        began_at: now,
        at: now,
    })?;
    if campaign.state == CampaignState::Stopped {
        let message = format!("campaign `{}` was stopped", campaign.name);
        return Err(Error::new(Code::CampaignPaused, message)
            .help("give a new message a campaign of its own, or take this one up with `bridged campaign resume`"));
    }
    Ok(campaign)
}

/// The error of a key that is not the one of this store.
pub fn key_changed() -> Error {
    Error::new(
        Code::IdentityKeyChanged,
        "opt-outs and sent messages were kept under another identity key, so nobody could be found by this one",
    )
    .help("use the vault that belongs to this store, or restore both from one backup")
}

/// What a campaign's messages are made of, and who gets them.
fn content(step: &Broadcast) -> [u8; 32] {
    let template = &step.section.template;
    let mut parts = vec![
        step.connection.clone(),
        template.name.to_string(),
        template.language.to_string(),
        step.to.source().to_owned(),
    ];
    parts.extend(
        step.audience
            .iter()
            .map(|audience| audience.source().to_owned()),
    );
    parts.extend(
        template
            .header
            .iter()
            .map(|header| format!("{:?}", header.kind)),
    );
    parts.extend(
        template
            .buttons
            .iter()
            .map(|one| format!("{} {:?}", one.index, one.kind)),
    );
    parts.extend(step.parameters.iter().map(Expression::source));
    Fingerprint::of(&serde_json::json!(parts).to_string()).bytes()
}

/// A limit as Meta spells it: `TIER_250`, `TIER_2K`, `TIER_UNLIMITED` (Meta, "Messaging limits").
fn tier(word: &str) -> Option<u64> {
    let figure = word.strip_prefix("TIER_")?;
    match figure.strip_suffix('K') {
        Some(thousands) => thousands.parse::<u64>().ok().map(|count| count * 1_000),
        None => figure.parse().ok(),
    }
}

/// The broadcast of a plan, where it has one, with what reaches people.
///
/// # Errors
/// `bug` where nothing reaches them: whoever opens a run gives it.
pub fn needed<'p, T>(
    plan: &'p Plan,
    reach: Option<&'p T>,
) -> Result<Option<(&'p Broadcast, &'p T)>> {
    match (plan.broadcast(), reach) {
        (None, _) => Ok(None),
        (Some(step), Some(reach)) => Ok(Some((step, reach))),
        (Some(_), None) => Err(Error::bug("a broadcast was opened without a way to send")),
    }
}

#[cfg(test)]
mod tests {
    use super::tier;

    #[test]
    fn limits_are_read_as_meta_spells_them() {
        for (word, expected) in [
            ("TIER_250", Some(250)),
            ("TIER_2K", Some(2_000)),
            ("TIER_100K", Some(100_000)),
            ("TIER_UNLIMITED", None),
            ("", None),
            ("2K", None),
        ] {
            assert_eq!(tier(word), expected, "{word}");
        }
    }
}
