//! The canary: the first messages of a campaign go alone, and the rest waits for what becomes of them.
//!
//! Whether it is over is read from the send ledger, so it is the same whichever run asks, and a crash forgets nothing.

use jiff::{SignedDuration, Timestamp};

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::spec::broadcast::Canary;
use crate::store::Store;
use crate::store::model::{Campaign, MessageState};

/// How soon it is looked again for what became of them.
const LOOK: SignedDuration = SignedDuration::from_secs(2);

/// What a campaign may send now.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Everything: the canary is over.
    Over,
    /// So many messages that are part of it.
    Sends(u64),
    /// Nothing before this instant.
    Waits(Timestamp),
    /// Nothing: too many of them failed.
    Failed(Error),
}

/// Looks how a campaign's canary stands.
///
/// # Errors
/// What the store says.
pub(super) fn look(
    canary: &Canary,
    campaign: &Campaign,
    store: &dyn Store,
    now: Timestamp,
) -> Result<Verdict> {
    let counts = store.count_messages(Some(&campaign.name))?;
    let of = |wanted: &[MessageState]| -> u64 {
        let counted = counts.iter().filter(|(state, _)| wanted.contains(state));
        counted.map(|(_, count)| count).sum()
    };
    let failed = of(&[MessageState::Refused, MessageState::Failed]);
    let ended = failed + of(&[MessageState::Delivered, MessageState::Read]);
    let left = of(&[
        MessageState::Dispatching,
        MessageState::Unknown,
        MessageState::Accepted,
        MessageState::Sent,
    ]);
    let size = u64::from(canary.size);
    let tried = ended + left;
    if tried < size {
        return Ok(Verdict::Sends(size - tried));
    }
    if tried > size {
        return Ok(Verdict::Over);
    }
    let last = store.last_reserved(&campaign.name)?.unwrap_or(now);
    // Somebody looked at it since, and said that it goes on.
    if campaign.at > last {
        return Ok(Verdict::Over);
    }
    if failed as f64 > size as f64 * canary.max_failed.as_fraction() {
        let message = format!(
            "{failed} of the first {size} messages failed, and `canary.max_failed` allows {}",
            canary.max_failed
        );
        return Ok(Verdict::Failed(Error::new(
            Code::WhatsappCampaignStopped,
            message,
        )));
    }
    let wait = SignedDuration::try_from(canary.wait.as_duration()).unwrap_or(SignedDuration::MAX);
    let until = last.checked_add(wait).unwrap_or(Timestamp::MAX);
    if left == 0 || now >= until {
        return Ok(Verdict::Over);
    }
    let next = now.checked_add(LOOK).unwrap_or(Timestamp::MAX);
    Ok(Verdict::Waits(next.min(until)))
}
