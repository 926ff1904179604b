//! What comes in from WhatsApp: webhooks that are kept become events of people, messages and campaigns.
//!
//! A webhook is kept before it is acknowledged, and understood afterwards, in the order in which they came. Whatever is understood
//! twice changes nothing the second time (I24), so a crash between the two costs nothing.

use jiff::{SignedDuration, Timestamp};

use crate::foundation::error::Result;
use crate::foundation::identity::{Identity, IdentityHash, IdentityKey};
use crate::store::Store;
use crate::store::model::{AppliedEvents, Inbound, Scope, StatusKind, Understood, WebhookRow};
use crate::whatsapp::reaction::{
    Reaction, SATURATED_HOURS, Said, UNDELIVERABLE_DAYS, is_known, reaction,
};
use crate::whatsapp::webhook::{self, Event, Reply, Status};

/// Webhooks that are understood in one transaction.
const TOGETHER: u32 = 200;

/// What one step came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    /// Webhooks that were understood.
    pub webhooks: u64,
    /// What their events did.
    pub applied: AppliedEvents,
    /// Codes of Meta's that nobody here knows.
    pub unknown_codes: Vec<i64>,
}

/// Understands and applies some of the webhooks that wait; none are left where the answer has none. Blocks, as the store does.
///
/// # Errors
/// What the store says; nothing is lost then.
pub fn step(store: &dyn Store, key: &IdentityKey, now: Timestamp) -> Result<Step> {
    let waiting = store.waiting_webhooks(TOGETHER)?;
    if waiting.is_empty() {
        return Ok(Step::default());
    }
    let mut unknown_codes = Vec::new();
    let understood: Vec<Understood> = waiting
        .iter()
        .map(|row| understand(row, key, &mut unknown_codes))
        .collect();
    let applied = store.apply_webhooks(&understood, now)?;
    Ok(Step {
        webhooks: waiting.len() as u64,
        applied,
        unknown_codes,
    })
}

fn understand(row: &WebhookRow, key: &IdentityKey, unknown_codes: &mut Vec<i64>) -> Understood {
    match webhook::parse(&row.body) {
        Err(why) => {
            tracing::warn!(seq = row.seq, "a webhook is kept and cannot be read: {why}");
            Understood {
                seq: row.seq,
                events: Vec::new(),
                unreadable: Some(why),
            }
        }
        Ok(events) => Understood {
            seq: row.seq,
            events: events
                .into_iter()
                .map(|event| inbound(event, key, unknown_codes))
                .collect(),
            unreadable: None,
        },
    }
}

fn inbound(event: Event, key: &IdentityKey, unknown_codes: &mut Vec<i64>) -> Inbound {
    match event {
        Event::Status(status) => of_status(status, unknown_codes),
        Event::Reply(reply) => {
            let Reply {
                wamid,
                who,
                answers,
                at,
                wish,
            } = reply;
            Inbound::Reply {
                wamid,
                phone: who.iter().find_map(number),
                identities: hashes(&who, key),
                answers,
                at,
                wish,
            }
        }
        Event::Preference { who, stops, at } => Inbound::Preference {
            identities: hashes(&who, key),
            stops,
            at,
        },
        Event::Template {
            name,
            language,
            event,
        } => match event.as_str() {
            "PAUSED" | "DISABLED" | "FLAGGED" | "REJECTED" | "PENDING_DELETION" | "DELETED" => {
                Inbound::Template {
                    template: format!("{name} {language}"),
                    event,
                    resumes: false,
                }
            }
            "REINSTATED" => Inbound::Template {
                template: format!("{name} {language}"),
                event,
                resumes: true,
            },
            other => Inbound::Other {
                field: format!("template {other}"),
            },
        },
        Event::Other(field) => Inbound::Other { field },
    }
}

fn of_status(status: Status, unknown_codes: &mut Vec<i64>) -> Inbound {
    let Status {
        wamid,
        message,
        word,
        at,
        error,
        title,
    } = status;
    let kind = match word.as_str() {
        "sent" => StatusKind::Sent,
        "delivered" => StatusKind::Delivered,
        // A voice message that was played was read.
        "read" | "played" => StatusKind::Read,
        "failed" => StatusKind::Failed,
        _ => {
            return Inbound::Other {
                field: format!("status {word}"),
            };
        }
    };
    let code = error.filter(|_| kind == StatusKind::Failed);
    if let Some(code) = code
        && !is_known(code)
    {
        unknown_codes.push(code);
    }
    let reaction = code.map(|code| {
        reaction(Said {
            code,
            status: None,
            is_transient: false,
        })
    });
    let reason = code.map(|code| match &title {
        Some(title) => format!("{code}: {title}"),
        None => code.to_string(),
    });
    let days = SignedDuration::from_hours(24 * UNDELIVERABLE_DAYS);
    Inbound::Status {
        message,
        wamid,
        kind,
        at,
        rest: (reaction == Some(Reaction::Saturated))
            .then(|| SignedDuration::from_hours(SATURATED_HOURS)),
        suppress: match reaction {
            Some(Reaction::Suppress) => {
                Some((Scope::Marketing, "stopped-marketing".to_owned(), None))
            }
            Some(Reaction::Undeliverable) => Some((
                Scope::All,
                "undeliverable".to_owned(),
                at.checked_add(days).ok(),
            )),
            _ => None,
        },
        pause: (reaction == Some(Reaction::Campaign)).then(|| {
            reason
                .clone()
                .unwrap_or_else(|| "Meta stopped it".to_owned())
        }),
        reason,
    }
}

fn number(identity: &Identity) -> Option<String> {
    match identity {
        Identity::Phone(number) => Some(number.clone()),
        Identity::User(_) => None,
    }
}

fn hashes(who: &[Identity], key: &IdentityKey) -> Vec<IdentityHash> {
    who.iter().map(|identity| key.hash(identity)).collect()
}
