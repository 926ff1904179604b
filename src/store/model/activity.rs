//! Bridged's own records: what changed among them, and what a person's engagement sums up to.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::foundation::code::Code;
use crate::foundation::record::{Engagement, EngagementKind, Outcome, RecordError};

use super::{MAX_DEPTH, MAX_KEY_BYTES, MAX_PROFILE_BYTES, StoredProfile, weigh};

/// The longest kind of an outcome and the longest name of a campaign, in bytes.
pub const MAX_WORD_BYTES: usize = 255;

/// 24 hours in milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1_000;

/// Which of Bridged's own records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordKind {
    /// Profiles, tombstones too.
    Profiles,
    /// Outcomes.
    Outcomes,
}

/// A record with the number of its latest change.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed<T> {
    /// Given anew whenever the record is written with something different; one counter for the whole store.
    pub change: u64,
    /// The record as it is now.
    pub record: T,
}

/// An outcome with the person it is about.
#[derive(Debug, Clone, PartialEq)]
pub struct OutcomeOf {
    /// The outcome.
    pub outcome: Outcome,
    /// The profile of that key, tombstones too; `None` where the store knows none.
    pub profile: Option<StoredProfile>,
}

/// A profile whose person was engaged, by what identifies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engaged {
    /// Its key.
    pub key: String,
    /// The Salesforce Id of the row it was read from, where it was.
    pub salesforce_id: Option<String>,
    /// The object of that row.
    pub object: Option<String>,
}

/// How often each thing happened in a window of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EngagementCounts {
    /// Messages sent.
    pub sent: u64,
    /// Messages delivered.
    pub delivered: u64,
    /// Messages read.
    pub read: u64,
    /// Answers of the person.
    pub replies: u64,
}

impl EngagementCounts {
    /// Counts one event; a wish is no count.
    const fn add(&mut self, kind: EngagementKind) {
        match kind {
            EngagementKind::Sent => self.sent += 1,
            EngagementKind::Delivered => self.delivered += 1,
            EngagementKind::Read => self.read += 1,
            EngagementKind::Replied => self.replies += 1,
            EngagementKind::OptedOut | EngagementKind::OptedIn => {}
        }
    }

    fn entries(&self) -> Map<String, Value> {
        [
            ("sent", self.sent),
            ("delivered", self.delivered),
            ("read", self.read),
            ("replies", self.replies),
        ]
        .into_iter()
        .map(|(name, count)| (name.to_owned(), count.into()))
        .collect()
    }
}

/// What the events of one profile sum up to, at an instant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EngagementSummary {
    /// Messages sent.
    pub sent: u64,
    /// Messages delivered.
    pub delivered: u64,
    /// Messages read.
    pub read: u64,
    /// Answers of the person.
    pub replies: u64,
    /// The latest message sent.
    pub last_sent: Option<Timestamp>,
    /// The latest answer.
    pub last_reply: Option<Timestamp>,
    /// Whether the person's last wish was to get no more messages.
    pub opted_out: bool,
    /// When they last said whether they want messages.
    pub last_wish: Option<Timestamp>,
    /// Events of the last 7 times 24 hours.
    pub last_7_days: EngagementCounts,
    /// Events of the last 30 times 24 hours.
    pub last_30_days: EngagementCounts,
    /// Events of the last 90 times 24 hours.
    pub last_90_days: EngagementCounts,
}

impl EngagementSummary {
    /// Counts one event. A window ends at `now` and is so many times 24 hours long; it has no upper bound, because an
    /// event that another system's clock puts shortly behind `now` did happen.
    pub fn add(&mut self, kind: EngagementKind, at: Timestamp, now: Timestamp) {
        match kind {
            EngagementKind::Sent => {
                self.sent += 1;
                self.last_sent = self.last_sent.max(Some(at));
            }
            EngagementKind::Delivered => self.delivered += 1,
            EngagementKind::Read => self.read += 1,
            EngagementKind::Replied => {
                self.replies += 1;
                self.last_reply = self.last_reply.max(Some(at));
            }
            // Of two wishes of one instant the opt-out holds, whichever is counted first.
            EngagementKind::OptedOut if Some(at) >= self.last_wish => {
                self.opted_out = true;
                self.last_wish = Some(at);
            }
            EngagementKind::OptedIn if Some(at) > self.last_wish => {
                self.opted_out = false;
                self.last_wish = Some(at);
            }
            EngagementKind::OptedOut | EngagementKind::OptedIn => {}
        }
        let age = now.as_millisecond() - at.as_millisecond();
        for (days, counts) in [
            (7, &mut self.last_7_days),
            (30, &mut self.last_30_days),
            (90, &mut self.last_90_days),
        ] {
            if age <= days * DAY {
                counts.add(kind);
            }
        }
    }

    /// The summary as templates see it under `engagement`: the four counts, `last_sent` and `last_reply` (RFC 3339
    /// texts or null), `opted_out`, and the counts again under `last_7_days`, `last_30_days` and `last_90_days`.
    pub fn to_value(&self) -> Value {
        let time = |instant: Option<Timestamp>| instant.map(|instant| instant.to_string());
        let all = EngagementCounts {
            sent: self.sent,
            delivered: self.delivered,
            read: self.read,
            replies: self.replies,
        };
        let mut value = all.entries();
        let rest = [
            ("last_sent", json!(time(self.last_sent))),
            ("last_reply", json!(time(self.last_reply))),
            ("opted_out", json!(self.opted_out)),
            ("last_7_days", Value::Object(self.last_7_days.entries())),
            ("last_30_days", Value::Object(self.last_30_days.entries())),
            ("last_90_days", Value::Object(self.last_90_days.entries())),
        ];
        value.extend(rest.map(|(name, value)| (name.to_owned(), value)));
        Value::Object(value)
    }
}

/// Whether a store can hold the outcome; the error names the field at fault.
pub fn check_outcome(outcome: &Outcome) -> Result<(), RecordError> {
    check_word("id", &outcome.id, MAX_KEY_BYTES)?;
    check_word("profile", &outcome.profile, MAX_KEY_BYTES)?;
    check_word("kind", &outcome.kind, MAX_WORD_BYTES)?;
    let mut left = MAX_PROFILE_BYTES;
    for (name, value) in &outcome.fields {
        let Some(size) = weigh(value, MAX_DEPTH) else {
            let message = format!("lists and objects nest deeper than {MAX_DEPTH} levels");
            return Err(unstorable(name, message));
        };
        let Some(rest) = left.checked_sub(size.saturating_add(name.len())) else {
            let message = format!("the outcome holds more than {MAX_PROFILE_BYTES} bytes");
            return Err(unstorable(name, message));
        };
        left = rest;
    }
    Ok(())
}

/// Whether a store can hold the event; the error names the field at fault.
pub fn check_engagement(engagement: &Engagement) -> Result<(), RecordError> {
    check_word("id", &engagement.id, MAX_KEY_BYTES)?;
    check_word("profile", &engagement.profile, MAX_KEY_BYTES)?;
    match &engagement.campaign {
        Some(campaign) => check_word("campaign", campaign, MAX_WORD_BYTES),
        None => Ok(()),
    }
}

fn check_word(field: &str, text: &str, most: usize) -> Result<(), RecordError> {
    if text.is_empty() {
        return Err(unstorable(field, format!("the {field} is empty")));
    }
    if text.len() > most {
        let message = format!("the {field} is longer than {most} bytes");
        return Err(unstorable(field, message));
    }
    if text.chars().any(char::is_control) {
        let message = format!("the {field} holds a control character");
        return Err(unstorable(field, message));
    }
    Ok(())
}

fn unstorable(field: &str, message: String) -> RecordError {
    RecordError {
        code: Code::RecordUnstorable,
        field: Some(field.to_owned()),
        message,
        remote_code: None,
    }
}
