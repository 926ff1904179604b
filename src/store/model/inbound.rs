//! What comes in: webhooks as they arrived, and what was understood of them.

use jiff::{SignedDuration, Timestamp};

use crate::foundation::id::MessageId;
use crate::foundation::identity::IdentityHash;
use crate::foundation::record::Wish;

use super::message::Scope;

/// A webhook as it arrived, to be kept before it is acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWebhook {
    /// The connection whose secret signed it.
    pub connection: String,
    /// When it arrived.
    pub at: Timestamp,
    /// SHA-256 of the body.
    pub digest: [u8; 32],
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

/// A webhook that waits to be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookRow {
    /// Its number, in the order of arrival.
    pub seq: u64,
    /// The connection.
    pub connection: String,
    /// When it arrived.
    pub at: Timestamp,
    /// The body.
    pub body: Vec<u8>,
}

/// How far a message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StatusKind {
    /// It left WhatsApp.
    Sent,
    /// It reached a device.
    Delivered,
    /// It was read.
    Read,
    /// It could not be delivered.
    Failed,
}

impl StatusKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Sent, Self::Delivered, Self::Read, Self::Failed];

    /// The word that is kept and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
        }
    }

    /// Reads a word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// What was understood of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inbound {
    /// A message came so far.
    Status {
        /// Our id of it, where the status brings it back.
        message: Option<MessageId>,
        /// Meta's id.
        wamid: String,
        /// How far.
        kind: StatusKind,
        /// When.
        at: Timestamp,
        /// Meta's code with its words, where it failed.
        reason: Option<String>,
        /// Leave the person alone for so long from then on, and each further time twice as long (131049).
        rest: Option<SignedDuration>,
        /// Suppress the person (131050: marketing; 131026: for some days).
        suppress: Option<(Scope, String, Option<Timestamp>)>,
        /// Pause the campaign, and why (132015).
        pause: Option<String>,
    },
    /// A person wrote.
    Reply {
        /// Meta's id of what they wrote.
        wamid: String,
        /// Everything they are known by.
        identities: Vec<IdentityHash>,
        /// Their phone number, by which their profile is found; it is not kept.
        phone: Option<String>,
        /// Meta's id of the message that they answer.
        answers: Option<String>,
        /// When.
        at: Timestamp,
        /// What it asks for, and by what: `reply`, `button`.
        wish: Option<(Wish, &'static str)>,
    },
    /// A person changed what they want to get.
    Preference {
        /// Everything they are known by.
        identities: Vec<IdentityHash>,
        /// Whether marketing stops, or begins again.
        stops: bool,
        /// When.
        at: Timestamp,
    },
    /// A template changed its state: its campaigns pause, or, where `resumes`, those that paused for it go on.
    Template {
        /// The template, `name language`.
        template: String,
        /// Meta's word for what happened.
        event: String,
        /// Whether its messages can be sent again.
        resumes: bool,
    },
    /// Something that nothing hangs on; it is counted under its field.
    Other {
        /// The field of the change.
        field: String,
    },
}

/// What one webhook came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Understood {
    /// The webhook.
    pub seq: u64,
    /// Its events, in their order; none where it was unreadable.
    pub events: Vec<Inbound>,
    /// Why it was unreadable; its body is kept then.
    pub unreadable: Option<String>,
}

/// What applying events did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applied {
    /// Events that changed something.
    pub applied: u64,
    /// Events that were known already.
    pub repeated: u64,
    /// Events of messages and people that the store does not know. Statuses among them wait for their message.
    pub unmatched: u64,
    /// Messages whose unknown end is known now.
    pub resolved: u64,
}
