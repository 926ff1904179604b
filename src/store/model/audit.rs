//! The audit log's entries, and how each is tied to the one before it.
//!
//! An entry's hash covers its number, its content and the hash of the entry before. So whoever changes, removes or moves one
//! breaks the chain there, and the head, which counts the entries and repeats the last hash, tells when the end is missing.
//! Somebody who can rewrite the whole file can also compute the whole chain anew: only a hash that was noted elsewhere tells
//! then.

use std::fmt::Write as _;

use jiff::Timestamp;
use ring::digest::{Context, SHA256};
use serde_json::{Map, Value};

use crate::foundation::error::{Error, Result};

/// The longest subject or actor of an entry, in bytes.
pub const MAX_AUDIT_TEXT_BYTES: usize = 256;
/// The longest details of an entry, in bytes of JSON.
pub const MAX_AUDIT_DETAILS_BYTES: usize = 8_192;

/// Keeps the hash of an entry apart from every other hash; the number is the form's version.
const DOMAIN: &[u8] = b"bridged audit entry 1";

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuditAction {
    /// A connection was made.
    Connected,
    /// A connection was revoked and removed.
    Revoked,
    /// Secrets were sealed again with a newer key.
    KeyRotated,
    /// Rejected records were run again.
    LettersReplayed,
    /// A plan of rows that was saved was applied.
    PlanApplied,
    /// The key that hides people was made.
    IdentityKeyMade,
    /// A campaign was paused, resumed or stopped.
    CampaignChanged,
    /// Somebody decided about messages of unknown end.
    MessagesResolved,
    /// Somebody was kept from being written to, or is not any more.
    SuppressionChanged,
    /// A token was made or revoked.
    TokenChanged,
    /// A person was erased, or taken off the erasure list.
    PersonErased,
}

impl AuditAction {
    /// Every action.
    pub const ALL: [Self; 11] = [
        Self::Connected,
        Self::Revoked,
        Self::KeyRotated,
        Self::LettersReplayed,
        Self::PlanApplied,
        Self::IdentityKeyMade,
        Self::CampaignChanged,
        Self::MessagesResolved,
        Self::SuppressionChanged,
        Self::TokenChanged,
        Self::PersonErased,
    ];

    /// The word that is kept and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Revoked => "revoked",
            Self::KeyRotated => "key-rotated",
            Self::LettersReplayed => "letters-replayed",
            Self::PlanApplied => "plan-applied",
            Self::IdentityKeyMade => "identity-key-made",
            Self::CampaignChanged => "campaign-changed",
            Self::MessagesResolved => "messages-resolved",
            Self::SuppressionChanged => "suppression-changed",
            Self::TokenChanged => "token-changed",
            Self::PersonErased => "person-erased",
        }
    }
}

/// An entry about to be written. It holds no secret and nothing of a person's record.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAudit {
    /// When it is done.
    pub at: Timestamp,
    /// What is done.
    pub action: AuditAction,
    /// To what: a connection, a pipeline, the vault.
    pub subject: String,
    /// By whom, as far as the machine says it.
    pub actor: String,
    /// What else there is to know.
    pub details: Map<String, Value>,
}

/// An entry as it was read; also one that somebody changed, so nothing of it is taken for well-formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number, counted from 1 without gaps.
    pub seq: u64,
    /// When it was done.
    pub at: Timestamp,
    /// What was done: a word of [`AuditAction`].
    pub action: String,
    /// To what.
    pub subject: String,
    /// By whom.
    pub actor: String,
    /// The details as a JSON text.
    pub details: String,
    /// The hash of the entry before; zeros for the first.
    pub previous: [u8; 32],
    /// SHA-256 over all of the above.
    pub hash: [u8; 32],
}

/// The end of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditHead {
    /// The number of the last entry, which is how many there are.
    pub count: u64,
    /// The last entry's hash.
    pub hash: [u8; 32],
}

impl AuditEntry {
    /// The entry that follows the end of a log.
    ///
    /// # Errors
    /// `bug`, where [`check_audit`] refuses it.
    pub fn following(head: Option<AuditHead>, new: &NewAudit) -> Result<Self> {
        check_audit(new)?;
        let head = head.unwrap_or(AuditHead {
            count: 0,
            hash: [0; 32],
        });
        let mut entry = Self {
            seq: head.count + 1,
            at: Timestamp::from_millisecond(new.at.as_millisecond()).unwrap_or(new.at),
            action: new.action.as_str().to_owned(),
            subject: new.subject.clone(),
            actor: new.actor.clone(),
            details: details(new)?,
            previous: head.hash,
            hash: [0; 32],
        };
        entry.hash = entry.digest();
        Ok(entry)
    }

    /// What its hash must be. Every part goes in with its length before it, so that no two entries read alike.
    pub fn digest(&self) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        let numbers = [
            self.seq.to_be_bytes(),
            self.at.as_millisecond().to_be_bytes(),
        ];
        let parts: [&[u8]; 8] = [
            DOMAIN,
            &numbers[0],
            &numbers[1],
            self.action.as_bytes(),
            self.subject.as_bytes(),
            self.actor.as_bytes(),
            self.details.as_bytes(),
            &self.previous,
        ];
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        hash
    }

    /// The end of the log where this entry is the last one.
    pub const fn head(&self) -> AuditHead {
        AuditHead {
            count: self.seq,
            hash: self.hash,
        }
    }
}

/// A hash of the log as it is shown: 64 hexadecimal digits.
pub fn hash_text(hash: &[u8; 32]) -> String {
    hash.iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Reads a hash as it is shown, in letters of either case.
pub fn parse_hash(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, place) in hash.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[place..place + 2], 16).ok()?;
    }
    Some(hash)
}

fn details(new: &NewAudit) -> Result<String> {
    serde_json::to_string(&new.details)
        .map_err(|cause| Error::bug("an audit entry cannot be written as JSON").caused_by(cause))
}

/// Refuses an entry that is larger than any that is made.
///
/// # Errors
/// `bug`: no person types what is refused here.
pub fn check_audit(new: &NewAudit) -> Result<()> {
    let long = |text: &str| text.is_empty() || text.len() > MAX_AUDIT_TEXT_BYTES;
    if long(&new.subject) || long(&new.actor) || details(new)?.len() > MAX_AUDIT_DETAILS_BYTES {
        return Err(Error::bug(format!(
            "an audit entry `{}` has not the form of one",
            new.action.as_str()
        )));
    }
    Ok(())
}
