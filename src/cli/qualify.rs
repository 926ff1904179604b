//! `bridged qualify`: records that a person is qualified, as the outcome of a conversation.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::args::Format;
use super::env::Env;
use super::exit::Exit;
use super::outcome::{Ended, Outcome as Report, Stop};
use super::person;
use super::text::{BOLD, DIM, GOOD, clean, line, paint};
use super::workspace::Workspace;
use crate::foundation::clock::Clock;
use crate::foundation::code::Code;
use crate::foundation::error::Error;
use crate::foundation::id::Fingerprint;
use crate::foundation::record::Outcome;
use crate::store::Store;
use crate::store::model::{Imported, MAX_KEY_BYTES};

/// The kind of the outcome.
const QUALIFIED: &str = "qualified";

/// What can be typed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The person: a key, a Salesforce Id, a phone or an email.
    pub profile: String,

    /// What was said, in a sentence.
    #[arg(long, value_name = "TEXT")]
    pub summary: Option<String>,

    /// The outcome's id; without it there is one for each person and day.
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,

    /// The form of the report: text or json.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Format,
}

/// Records the outcome; a repeat changes nothing but the summary.
pub fn execute(args: &Args, env: &Env) -> Ended {
    let workspace = Workspace::load(env, &[])?;
    let store = workspace.store()?;
    let found = person::find(store.as_ref(), &args.profile)?;
    let now = whole_milliseconds(Clock::system().now());
    let key = found.profile.key;
    let id = args.id.clone().unwrap_or_else(|| daily_id(&key, now));
    let mut outcome = begun(store.as_ref(), &id, &key, now)?;
    if let Some(summary) = &args.summary {
        let summary = Value::from(summary.as_str());
        outcome.fields.insert("summary".to_owned(), summary);
    }
    let imported = store.import_outcomes(std::slice::from_ref(&outcome), now)?;
    let word = match imported.first() {
        Some(Imported::Added) => "added",
        Some(Imported::Changed) => "changed",
        _ => "unchanged",
    };
    let result = json!({ "settled": word, "outcome": person::outcome_json(&outcome) });
    Ok(Report::new(Exit::Done, result, text(&outcome, word)))
}

/// The instant as the store keeps it, so that what is shown is what is kept.
fn whole_milliseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

/// The outcome as it is known, or a new one.
fn begun(store: &dyn Store, id: &str, key: &str, now: Timestamp) -> Result<Outcome, Stop> {
    let Some(known) = store.outcome(id)? else {
        return Ok(Outcome {
            id: id.to_owned(),
            profile: key.to_owned(),
            kind: QUALIFIED.to_owned(),
            occurred_at: now,
            fields: Map::new(),
        });
    };
    if known.profile == key && known.kind == QUALIFIED {
        return Ok(known);
    }
    let message = format!(
        "the outcome `{id}` is there already: `{}` of `{}`",
        known.kind, known.profile
    );
    Err(Error::new(Code::InvalidUsage, message)
        .help("give another `--id`, or none")
        .into())
}

/// The same for the same person on the same day, in UTC. A key that leaves no room in an id is hashed.
fn daily_id(key: &str, now: Timestamp) -> String {
    let day = now.strftime("%F");
    let id = format!("{QUALIFIED}-{day}-{key}");
    if id.len() <= MAX_KEY_BYTES {
        return id;
    }
    format!("{QUALIFIED}-{day}-{}", Fingerprint::of(key))
}

fn text(outcome: &Outcome, word: &str) -> String {
    let mut out = String::new();
    let head = match word {
        "unchanged" => paint(DIM, "already qualified"),
        _ => paint(GOOD, "qualified"),
    };
    let key = paint(BOLD, clean(&outcome.profile));
    let id = paint(DIM, format_args!("outcome {}", clean(&outcome.id)));
    line(&mut out, format_args!("{head}  {key}  {id}"));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_same_all_day_and_never_too_long() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let morning = daily_id("ada", at("2027-03-01T00:00:00Z"));
        assert_eq!(morning, "qualified-2027-03-01-ada");
        assert_eq!(daily_id("ada", at("2027-03-01T23:59:59Z")), morning);
        assert_ne!(daily_id("ada", at("2027-03-02T00:00:00Z")), morning);
        let long = "k".repeat(MAX_KEY_BYTES);
        let id = daily_id(&long, at("2027-03-01T00:00:00Z"));
        assert!(id.len() <= MAX_KEY_BYTES);
        assert_ne!(
            id,
            daily_id(&"l".repeat(MAX_KEY_BYTES), at("2027-03-01T00:00:00Z"))
        );
    }
}
