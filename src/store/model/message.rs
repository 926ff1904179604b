//! Messages: the send ledger of campaigns, in which a person has one message a campaign.

use jiff::Timestamp;

use crate::foundation::code::Code;
use crate::foundation::event::Requests;
use crate::foundation::id::{MessageId, PipelineName, RunId};
use crate::foundation::identity::IdentityHash;
use crate::foundation::record::DeadLetter;

use super::audit::NewAudit;

/// A message on its way into the ledger; it comes with the commit that settles the read of its record.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMessage {
    /// Its id, which goes out with it and comes back with each of its statuses.
    pub id: MessageId,
    /// The campaign.
    pub campaign: String,
    /// The WhatsApp connection that sends it.
    pub connection: String,
    /// Everything its person is known by there; at least one.
    pub identities: Vec<IdentityHash>,
    /// The key of the person's profile.
    pub profile: String,
    /// Names the record in dead letters.
    pub record: String,
    /// What may be shown of the recipient.
    pub masked: String,
    /// The message as a JSON text; it is forgotten when nothing more is to be sent.
    pub payload: String,
    /// Not to be sent earlier.
    pub not_before: Timestamp,
    /// Why it waits, where it does.
    pub hold: Option<Hold>,
    /// Not to be sent later.
    pub expires_at: Option<Timestamp>,
}

/// Why a message waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hold {
    /// It is night where the person is.
    QuietHours,
    /// Nobody knows where the person is; somebody has to say so.
    ZoneUnknown,
    /// WhatsApp takes no more messages to this person for now.
    Recipient,
    /// The number wrote to as many people as it may in 24 hours.
    Tier,
    /// The number or the account is asked to wait.
    Sender,
}

impl Hold {
    /// Every reason.
    pub const ALL: [Self; 5] = [
        Self::QuietHours,
        Self::ZoneUnknown,
        Self::Recipient,
        Self::Tier,
        Self::Sender,
    ];

    /// The word that is kept and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QuietHours => "quiet-hours",
            Self::ZoneUnknown => "zone-unknown",
            Self::Recipient => "recipient",
            Self::Tier => "messaging-limit",
            Self::Sender => "sender",
        }
    }

    /// Reads a word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// How a message stands. The order of the last four is that of their ranks: a status never lowers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MessageState {
    /// It waits for its time.
    Planned,
    /// It is being sent; after a crash it becomes unknown.
    Dispatching,
    /// Nothing was sent, and nothing will be by itself: it was refused.
    Refused,
    /// Nothing was sent: the person must not be written to.
    Suppressed,
    /// Nothing was sent: its time passed.
    Expired,
    /// It may have been sent; it is never sent again by itself.
    Unknown,
    /// WhatsApp took it.
    Accepted,
    /// WhatsApp took it, and could not deliver it.
    Failed,
    /// It left WhatsApp.
    Sent,
    /// It reached a device.
    Delivered,
    /// It was read.
    Read,
}

impl MessageState {
    /// Every state.
    pub const ALL: [Self; 11] = [
        Self::Planned,
        Self::Dispatching,
        Self::Refused,
        Self::Suppressed,
        Self::Expired,
        Self::Unknown,
        Self::Accepted,
        Self::Failed,
        Self::Sent,
        Self::Delivered,
        Self::Read,
    ];

    /// The word that is kept and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Dispatching => "dispatching",
            Self::Refused => "refused",
            Self::Suppressed => "suppressed",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
            Self::Accepted => "accepted",
            Self::Failed => "failed",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
        }
    }

    /// Reads a word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// A message as the ledger has it.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageRow {
    /// Its id.
    pub id: MessageId,
    /// The campaign.
    pub campaign: String,
    /// The connection.
    pub connection: String,
    /// The pipeline that planned it.
    pub pipeline: PipelineName,
    /// The run that has it in its account.
    pub run_id: RunId,
    /// The profile.
    pub profile: String,
    /// The record's name in dead letters.
    pub record: String,
    /// What may be shown of the recipient.
    pub masked: String,
    /// The message as a JSON text; `None` when nothing more is to be sent.
    pub payload: Option<String>,
    /// How it stands.
    pub state: MessageState,
    /// Not to be sent earlier.
    pub not_before: Timestamp,
    /// Why it waits.
    pub hold: Option<Hold>,
    /// Not to be sent later.
    pub expires_at: Option<Timestamp>,
    /// How often it was reserved.
    pub attempts: u32,
    /// Meta's id of it.
    pub wamid: Option<String>,
    /// Why it is where it is, with Meta's code where there is one.
    pub reason: Option<String>,
    /// When it last changed.
    pub at: Timestamp,
}

/// Which messages to list: the latest planned first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageFilter {
    /// Of this campaign only.
    pub campaign: Option<String>,
    /// In this state only.
    pub state: Option<MessageState>,
    /// Planned before this one: the last id of the page before.
    pub before: Option<MessageId>,
    /// At most so many; 100 where nothing is said.
    pub limit: Option<u32>,
}

/// A most of messages to one person, over all campaigns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cap {
    /// The most.
    pub most: u32,
    /// Counted from this instant on.
    pub since: Timestamp,
}

/// Messages about to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Reserving<'a> {
    /// The run, which must be open.
    pub run_id: RunId,
    /// Its pipeline.
    pub pipeline: &'a PipelineName,
    /// The time.
    pub at: Timestamp,
    /// Which; each must be planned.
    pub messages: &'a [MessageId],
    /// The frequency cap, where there is one.
    pub cap: Option<Cap>,
    /// Whether they are marketing: those who opted out of marketing alone get others.
    pub is_marketing: bool,
}

/// What became of one reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// It may be sent now, and counts as dispatching; the number of its attempt.
    Yes(u32),
    /// The person is suppressed, for this reason; the message is settled as suppressed.
    Suppressed(String),
    /// The person had as many messages as the cap allows; the message is settled as suppressed.
    Capped,
    /// The person is to be left alone until then; the message waits.
    Later(Timestamp),
    /// The campaign is paused; the message waits.
    Paused,
    /// The campaign was stopped, or the message's time has passed; the message is settled as expired.
    Expired,
    /// It is not planned any more.
    Gone,
}

/// What became of one message that was reserved.
#[derive(Debug, Clone, PartialEq)]
pub enum SendResult {
    /// WhatsApp took it.
    Accepted {
        /// Meta's id.
        wamid: String,
        /// `accepted`, `held_for_quality_assessment` or `paused`.
        status: Option<String>,
        /// What the answer knows the person by besides, hashed.
        others: Vec<IdentityHash>,
    },
    /// Refused, and not to be tried again; as many dead letters come along.
    Refused {
        /// The named code.
        code: Code,
        /// Meta's code.
        remote_code: Option<String>,
        /// In words, without any value of the person.
        message: String,
    },
    /// It may have been sent.
    Unknown(String),
    /// Nothing was sent: it is planned again.
    Again {
        /// Not earlier.
        not_before: Timestamp,
        /// Why it waits.
        hold: Option<Hold>,
        /// In words.
        why: String,
    },
    /// Nothing was sent, and its time passed. Also of a message that was not reserved.
    Expired,
    /// Nothing was sent: the person must not be written to. Also of a message that was not reserved.
    Suppressed(String),
}

/// Results that are made durable at once.
#[derive(Debug, Clone, Copy)]
pub struct Sending<'a> {
    /// The run, which must be open.
    pub run_id: RunId,
    /// Its pipeline.
    pub pipeline: &'a PipelineName,
    /// The time.
    pub at: Timestamp,
    /// What became of each.
    pub results: &'a [(MessageId, SendResult)],
    /// One for each that was refused.
    pub dead_letters: &'a [DeadLetter],
    /// All requests of the run so far.
    pub requests_so_far: Requests,
    /// All calls of the run so far that count against the org's limit.
    pub api_calls_so_far: u64,
}

/// How a person decided about a message of unknown end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// It was sent.
    Sent,
    /// It was not sent, and is not to be.
    NotSent,
    /// It was not sent, and is planned again.
    Again,
}

/// How a campaign stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CampaignState {
    /// Its messages are sent.
    Running,
    /// Its messages wait until somebody resumes it.
    Paused,
    /// Its messages that were not sent are not sent any more.
    Stopped,
}

impl CampaignState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Running, Self::Paused, Self::Stopped];

    /// The word that is kept and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        }
    }

    /// Reads a word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// A campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaign {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: CampaignState,
    /// Why, where it does not run.
    pub reason: Option<String>,
    /// The template, `name language`, which status messages of Meta name.
    pub template: String,
    /// A hash of what its messages are made of; those of another are not mixed into it.
    pub content: [u8; 32],
    /// When it began.
    pub began_at: Timestamp,
    /// When its state last changed.
    pub at: Timestamp,
}

/// How far a suppression reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Marketing alone.
    Marketing,
    /// Everything.
    All,
}

impl Scope {
    /// The word that is kept and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Marketing => "marketing",
            Self::All => "all",
        }
    }

    /// Reads a word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Marketing, Self::All]
            .into_iter()
            .find(|one| one.as_str() == text)
    }
}

/// Somebody who must not be written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// Who.
    pub identity: IdentityHash,
    /// How far.
    pub scope: Scope,
    /// A word: `opted-out`, `stopped-marketing`, `undeliverable`, `manual`, `erased`.
    pub reason: String,
    /// Where it came from: `reply`, `button`, `preferences`, `refusal 131050`, an actor.
    pub source: String,
    /// Since when.
    pub at: Timestamp,
    /// Until when; `None` for good.
    pub until: Option<Timestamp>,
}

impl Suppression {
    /// Whether it keeps a message back.
    pub fn reaches(&self, is_marketing: bool) -> bool {
        is_marketing || self.scope == Scope::All
    }
}

/// What takes suppressions away, other than the person's own word.
#[derive(Debug, Clone, Copy)]
pub struct Lifting<'a> {
    /// Whose suppressions go.
    pub who: &'a [IdentityHash],
    /// The keys of their profiles: an opt-out among their events is taken back by an event.
    pub people: &'a [String],
    /// When.
    pub at: Timestamp,
    /// What the audit log keeps of it.
    pub audit: Option<&'a NewAudit>,
}
