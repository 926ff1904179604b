//! What a send that ended means for its message, for the number, and for the rest of the campaign.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::foundation::code::Code;
use crate::foundation::error::Error;
use crate::foundation::identity::IdentityKey;
use crate::foundation::record::RecordError;
use crate::store::model::{Hold, MessageRow, Scope, SendResult};
use crate::whatsapp::reaction::{Reaction, SATURATED_HOURS, UNDELIVERABLE_DAYS, Whose, pair_rest};
use crate::whatsapp::send::{Refusal, Sent};

/// What follows from one send.
#[derive(Debug)]
pub(super) struct Verdict {
    /// What the ledger keeps of the message.
    pub(super) result: SendResult,
    /// What a dead letter says, where it was refused.
    pub(super) letter: Option<RecordError>,
    /// What the number does.
    pub(super) number: Number,
    /// Whom nothing is sent to from now on.
    pub(super) suppress: Option<Suppress>,
    /// What ends the sending, and whether the campaign pauses for it.
    pub(super) stop: Option<Stop>,
}

/// How far somebody is left alone, why, and for how long; for good without a length.
pub(super) type Suppress = (Scope, &'static str, Option<SignedDuration>);

/// What the number does behind a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    /// It goes on: WhatsApp takes messages.
    Works,
    /// It goes on; this send says nothing of it.
    GoesOn,
    /// It sends more slowly.
    SlowsDown,
    /// It rests for so long.
    Rests(Duration),
    /// WhatsApp did not answer.
    Failed,
}

/// Why nothing more is sent.
#[derive(Debug)]
pub(super) enum Stop {
    /// The campaign pauses: a person has to look.
    Campaign(Error),
    /// The run ends: token, rights, number or account.
    Run(Error),
}

/// How long the account rests where Meta does not say.
const ACCOUNT_RESTS: Duration = Duration::from_mins(1);

/// How long the number rests while Meta works on it.
const NUMBER_RESTS: Duration = Duration::from_mins(1);

/// The longest wait between two tries of one message.
const LONGEST: Duration = Duration::from_mins(5);

/// Judges one send. `now` is the time of its end.
pub(super) fn judge(
    row: &MessageRow,
    attempt: u32,
    sent: Sent,
    key: &IdentityKey,
    now: Timestamp,
) -> Verdict {
    let (result, number) = match sent {
        Sent::Accepted(accepted) => {
            let result = SendResult::Accepted {
                wamid: accepted.wamid,
                status: accepted.status,
                others: accepted
                    .others
                    .iter()
                    .map(|other| key.hash(other))
                    .collect(),
            };
            (result, Number::Works)
        }
        Sent::Unclear(error) => {
            tracing::warn!(message = %row.id, to = row.masked, "unknown whether it was sent: {error}");
            (SendResult::Unknown(told(&error)), Number::Failed)
        }
        Sent::Unsent(error) => {
            let result = again(now, backoff(attempt), Some(Hold::Sender), &error);
            (result, Number::Failed)
        }
        Sent::Refused(refusal) => return refused(row, attempt, refusal, now),
    };
    Verdict::of(result, number)
}

fn refused(row: &MessageRow, attempt: u32, refusal: Refusal, now: Timestamp) -> Verdict {
    let Refusal {
        reaction,
        code,
        error,
        retry_after,
    } = refusal;
    let later = |wait, hold| again(now, wait, hold, &error);
    match reaction {
        Reaction::Backoff(whose, tries) if attempt <= tries => {
            let wait = retry_after.unwrap_or_else(|| backoff(attempt));
            let number = match whose {
                Whose::Number => Number::SlowsDown,
                Whose::Account => Number::Rests(retry_after.unwrap_or(ACCOUNT_RESTS)),
                Whose::Server => Number::Failed,
            };
            Verdict::of(later(wait, Some(Hold::Sender)), number)
        }
        Reaction::Pair if attempt <= 5 => {
            let wait = pair_rest(attempt.saturating_sub(1));
            Verdict::of(later(wait, Some(Hold::Recipient)), Number::GoesOn)
        }
        Reaction::Sender => {
            let rests = Number::Rests(retry_after.unwrap_or(NUMBER_RESTS));
            Verdict::of(later(NUMBER_RESTS, Some(Hold::Sender)), rests)
        }
        Reaction::Campaign => {
            let verdict = Verdict::of(later(Duration::ZERO, None), Number::GoesOn);
            verdict.stopping(Stop::Campaign(error))
        }
        Reaction::Config => {
            let verdict = Verdict::of(later(Duration::ZERO, None), Number::GoesOn);
            verdict.stopping(Stop::Run(error))
        }
        Reaction::Unknown => {
            tracing::warn!(message = %row.id, to = row.masked, "unknown whether it was sent: {error}");
            Verdict::of(SendResult::Unknown(told(&error)), Number::Failed)
        }
        Reaction::Undeliverable => {
            let some_days = SignedDuration::from_hours(24 * UNDELIVERABLE_DAYS);
            Verdict::lost(
                &error,
                code,
                Some((Scope::All, "undeliverable", Some(some_days))),
            )
        }
        Reaction::Saturated => {
            let a_day = SignedDuration::from_hours(SATURATED_HOURS);
            Verdict::lost(
                &error,
                code,
                Some((Scope::Marketing, "saturated", Some(a_day))),
            )
        }
        Reaction::Suppress => Verdict::lost(
            &error,
            code,
            Some((Scope::Marketing, "stopped-marketing", None)),
        ),
        Reaction::Recipient | Reaction::Data | Reaction::Backoff(..) | Reaction::Pair => {
            Verdict::lost(&error, code, None)
        }
    }
}

impl Verdict {
    fn of(result: SendResult, number: Number) -> Self {
        Self {
            result,
            letter: None,
            number,
            suppress: None,
            stop: None,
        }
    }

    fn stopping(self, stop: Stop) -> Self {
        Self {
            stop: Some(stop),
            ..self
        }
    }

    /// Of a message that was refused for good: WhatsApp works, this message does not.
    fn lost(error: &Error, code: Option<i64>, suppress: Option<Suppress>) -> Self {
        let (result, letter) = lost(error, code);
        Self {
            letter: Some(letter),
            suppress,
            ..Self::of(result, Number::Works)
        }
    }
}

fn lost(error: &Error, code: Option<i64>) -> (SendResult, RecordError) {
    let remote_code = code.map(|code| code.to_string());
    let letter = RecordError {
        code: error.code(),
        field: None,
        message: error.message().to_owned(),
        remote_code: remote_code.clone(),
    };
    let result = SendResult::Refused {
        code: error.code(),
        remote_code,
        message: error.message().to_owned(),
    };
    (result, letter)
}

fn again(now: Timestamp, wait: Duration, hold: Option<Hold>, error: &Error) -> SendResult {
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
    SendResult::Again {
        not_before: now.checked_add(wait).unwrap_or(Timestamp::MAX),
        hold,
        why: told(error),
    }
}

/// Twice as long each time, and with a part of chance, so that messages that failed together do not come back together.
fn backoff(attempt: u32) -> Duration {
    let longest = Duration::from_secs(1 << attempt.min(8)).min(LONGEST);
    longest.mul_f64(0.5 + fastrand::f64() / 2.0)
}

fn told(error: &Error) -> String {
    format!("{}: {}", error.code(), error.message())
}

/// Whether a refusal was for what is in the message.
pub(super) fn is_data(letter: &RecordError) -> bool {
    letter.code == Code::WhatsappMessageRefused
}

/// What a dead letter keeps of a message: everything but who it was for.
pub(super) fn payload(row: &MessageRow) -> serde_json::Value {
    let kept = row.payload.as_deref().unwrap_or_default();
    let mut message: serde_json::Value = serde_json::from_str(kept).unwrap_or_default();
    if let Some(to) = message.pointer_mut("/message/to") {
        *to = json!(row.masked);
    }
    json!({ "campaign": row.campaign, "profile": row.profile, "sent": message["message"] })
}
