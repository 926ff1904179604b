//! One person of the store: found by what people know of them, shown as text and as JSON.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::ledger::moment;
use super::outcome::Stop;
use super::table::{self, Cell};
use super::text::{BOLD, CAUTION, DIM, GOOD, clean, line, paint};
use crate::engine::preview::MASK;
use crate::foundation::code::Code;
use crate::foundation::diagnostic::nearest;
use crate::foundation::error::{Error, Result};
use crate::foundation::id::{self, PipelineName};
use crate::foundation::record::{Engagement, Outcome, Score};
use crate::store::Store;
use crate::store::model::{EngagementCounts, EngagementSummary, StoredProfile};

/// How many outcomes and events are shown.
const LATEST: u32 = 10;

/// The person whose key, Salesforce Id, phone or email is `text`, in this order.
///
/// # Errors
/// `unknown-profile`, also for one that was deleted; `ambiguous-profile` where several fit; what the store says.
pub fn find(store: &dyn Store, text: &str) -> Result<StoredProfile, Stop> {
    let text = text.trim();
    if let Some(found) = store.profile(text)? {
        return alive(found);
    }
    let mut fitting = match id::salesforce_id(text) {
        Some(id) => store.profiles_by_salesforce_id(&id)?,
        None => Vec::new(),
    };
    if fitting.is_empty() {
        fitting = store.profiles_by_phone(text)?;
    }
    if fitting.is_empty() {
        fitting = store.profiles_by_email(text)?;
    }
    match fitting.len() {
        0 => Err(unknown(store, text)?.into()),
        1 => Ok(fitting.remove(0)),
        _ => Err(ambiguous(text, &fitting).into()),
    }
}

fn alive(found: StoredProfile) -> Result<StoredProfile, Stop> {
    if !found.profile.deleted {
        return Ok(found);
    }
    let message = format!(
        "the person `{}` was deleted in Salesforce",
        found.profile.key
    );
    Err(Error::new(Code::UnknownProfile, message)
        .help("restore the row there, and run the pipeline that reads it")
        .into())
}

/// The error with the nearest key, among those that begin alike.
fn unknown(store: &dyn Store, text: &str) -> Result<Error> {
    let half = text.floor_char_boundary(text.len() / 2);
    let around = store.profiles(Some(&text[..half]), 200)?;
    let keys = around.iter().map(|stored| stored.profile.key.as_str());
    let help = match nearest(text, keys) {
        Some(near) => format!("did you mean `{near}`?"),
        None if text.chars().filter(char::is_ascii_digit).count() >= 7
            && !text.starts_with('+') =>
        {
            "give a phone with its country code, such as +14155550100".to_owned()
        }
        None => {
            "people come into the store with `bridged run` and `bridged import profiles`".to_owned()
        }
    };
    let message = format!("the store knows no person `{text}`");
    Ok(Error::new(Code::UnknownProfile, message).help(help))
}

fn ambiguous(text: &str, fitting: &[StoredProfile]) -> Error {
    let keys: Vec<_> = fitting
        .iter()
        .take(5)
        .map(|stored| format!("`{}`", stored.profile.key))
        .collect();
    let more = if fitting.len() > keys.len() {
        ", …"
    } else {
        ""
    };
    let message = format!("several people fit `{text}`: {}{more}", keys.join(", "));
    Error::new(Code::AmbiguousProfile, message).help("give the key of one of them")
}

/// Everything the store holds of one person.
#[derive(Debug)]
pub struct Person {
    stored: StoredProfile,
    summary: EngagementSummary,
    scores: Vec<(PipelineName, Score, Timestamp)>,
    outcomes: Vec<Outcome>,
    events: Vec<Engagement>,
}

impl Person {
    /// Gathers it, as it stands at `now`; the values of `sensitive` attributes are masked.
    ///
    /// # Errors
    /// What the store says.
    pub fn gather(
        store: &dyn Store,
        mut stored: StoredProfile,
        sensitive: &BTreeSet<String>,
        now: Timestamp,
    ) -> Result<Self> {
        for (name, value) in &mut stored.profile.attributes {
            if sensitive.contains(name) && !value.is_null() {
                *value = Value::from(MASK);
            }
        }
        let key = stored.profile.key.as_str();
        let mut summaries = store.engagement(&[key], now)?;
        Ok(Self {
            summary: summaries.pop().unwrap_or_default(),
            scores: store.scores_of(key)?,
            outcomes: store.outcomes_of(key, LATEST)?,
            events: store.engagements_of(key, LATEST)?,
            stored,
        })
    }

    /// The person as JSON.
    pub fn json(&self) -> Value {
        let profile = &self.stored.profile;
        let scores: Vec<Value> = self.scores.iter().map(score_json).collect();
        let outcomes: Vec<Value> = self.outcomes.iter().map(outcome_json).collect();
        let events: Vec<Value> = self.events.iter().map(event_json).collect();
        json!({
            "key": profile.key,
            "salesforce_id": profile.salesforce_id,
            "object": profile.object,
            "attributes": profile.attributes,
            "consent": profile.consent,
            "created_at": self.stored.created_at.to_string(),
            "updated_at": self.stored.updated_at.to_string(),
            "engagement": self.summary.to_value(),
            "scores": scores,
            "outcomes": outcomes,
            "events": events,
        })
    }

    /// The person for people.
    pub fn text(&self) -> String {
        let profile = &self.stored.profile;
        let mut out = String::new();
        let row = [profile.object.as_deref(), profile.salesforce_id.as_deref()];
        let row: Vec<_> = row.into_iter().flatten().map(clean).collect();
        let mut head = vec![paint(BOLD, clean(&profile.key))];
        head.extend(row.into_iter().map(|part| paint(DIM, part)));
        line(&mut out, format_args!("{}", head.join("  ")));
        let changed = moment(self.stored.updated_at);
        line(
            &mut out,
            format_args!("{}", paint(DIM, format_args!("changed {changed}"))),
        );
        values(&mut out, "attributes", &profile.attributes);
        values(&mut out, "consent", &profile.consent);
        self.engagement(&mut out);
        self.scores(&mut out);
        self.outcomes(&mut out);
        out
    }

    fn engagement(&self, out: &mut String) {
        let summary = &self.summary;
        heading(out, "engagement");
        let all = EngagementCounts {
            sent: summary.sent,
            delivered: summary.delivered,
            read: summary.read,
            replies: summary.replies,
        };
        let rows: Vec<Vec<Cell>> = [
            ("all", all),
            ("90 days", summary.last_90_days),
            ("30 days", summary.last_30_days),
            ("7 days", summary.last_7_days),
        ]
        .into_iter()
        .map(|(window, counts)| {
            let numbers = [counts.sent, counts.delivered, counts.read, counts.replies];
            let mut row = vec![Cell::text(window)];
            row.extend(numbers.map(Cell::number));
            row
        })
        .collect();
        let headings = ["", "sent", "delivered", "read", "replies"];
        out.push_str(&table::render(&headings, &rows));
        if let Some(at) = summary.last_reply {
            line(out, format_args!("last reply {}", moment(at)));
        }
        if summary.opted_out {
            line(out, format_args!("{}", paint(CAUTION, "opted out")));
        }
    }

    fn scores(&self, out: &mut String) {
        if self.scores.is_empty() {
            return;
        }
        heading(out, "scores");
        for (pipeline, score, at) in &self.scores {
            let grade = score.grade.as_deref().map(clean).unwrap_or_default();
            let qualified = if score.qualified {
                paint(GOOD, "qualified")
            } else {
                paint(DIM, "not qualified")
            };
            let name = paint(BOLD, pipeline);
            let since = paint(DIM, format_args!("since {}", moment(*at)));
            line(
                out,
                format_args!("{name}  {} {grade}  {qualified}  {since}", score.score),
            );
            for (rule, points) in &score.reasons {
                line(out, format_args!("  {points:>+5}  {}", clean(rule)));
            }
        }
    }

    fn outcomes(&self, out: &mut String) {
        if self.outcomes.is_empty() {
            return;
        }
        heading(out, "outcomes");
        let rows: Vec<Vec<Cell>> = self
            .outcomes
            .iter()
            .map(|outcome| {
                let summary = outcome.fields.get("summary").and_then(Value::as_str);
                vec![
                    Cell::text(&moment(outcome.occurred_at)),
                    Cell::text(&outcome.kind).style(BOLD),
                    Cell::text(&outcome.id).style(DIM),
                    Cell::text(summary.unwrap_or("-")),
                ]
            })
            .collect();
        let headings = ["occurred", "kind", "id", "summary"];
        out.push_str(&table::render(&headings, &rows));
    }
}

fn heading(out: &mut String, name: &str) {
    line(out, format_args!("\n{}", paint(DIM, name)));
}

/// Names and values, the names aligned.
fn values(out: &mut String, name: &str, map: &Map<String, Value>) {
    if map.is_empty() {
        return;
    }
    heading(out, name);
    let width = map.keys().map(|name| clean(name).chars().count()).max();
    let width = width.unwrap_or_default();
    for (name, value) in map {
        let shown = match value {
            Value::String(text) => clean(text).into_owned(),
            Value::Null => paint(DIM, "empty"),
            other => clean(&other.to_string()).into_owned(),
        };
        line(out, format_args!("{:width$}  {shown}", clean(name)));
    }
}

fn score_json((pipeline, score, at): &(PipelineName, Score, Timestamp)) -> Value {
    let reasons: Vec<Value> = score
        .reasons
        .iter()
        .map(|(rule, points)| json!({ "rule": rule, "points": points }))
        .collect();
    json!({
        "pipeline": pipeline.as_str(),
        "score": score.score,
        "grade": score.grade,
        "qualified": score.qualified,
        "reasons": reasons,
        "since": at.to_string(),
    })
}

/// An outcome as JSON, in the shape in which it is imported.
pub fn outcome_json(outcome: &Outcome) -> Value {
    let mut value = json!({
        "id": outcome.id,
        "profile": outcome.profile,
        "kind": outcome.kind,
        "occurred_at": outcome.occurred_at.to_string(),
    });
    if let Value::Object(fields) = &mut value {
        fields.extend(outcome.fields.clone());
    }
    value
}

fn event_json(event: &Engagement) -> Value {
    json!({
        "id": event.id,
        "kind": event.kind.as_str(),
        "at": event.at.to_string(),
        "campaign": event.campaign,
    })
}
