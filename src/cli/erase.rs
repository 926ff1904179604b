//! `bridged erase`: a person who asked to be forgotten.

use serde_json::json;

use super::actor::actor;
use super::args::Format;
use super::env::Env;
use super::exit::Exit;
use super::outcome::{Ended, Outcome};
use super::text::{BOLD, CAUTION, GOOD, HINT, count, line, paint};
use super::who::{self, Who};
use super::workspace::Workspace;
use crate::foundation::clock::Clock;
use crate::privacy;

/// What can be typed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Who.
    #[command(flatten)]
    pub person: Who,

    /// Erase; without it the command only says what it would erase.
    #[arg(long)]
    pub yes: bool,

    /// Take them off the erasure list instead: they may be taken in again.
    #[arg(long, conflicts_with = "yes")]
    pub lift: bool,

    /// The form of the report: text or json.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Format,
}

/// Erases, shows what would be erased, or takes it back.
pub fn execute(args: &Args, env: &Env) -> Ended {
    let workspace = Workspace::load(env, &[])?;
    let store = workspace.store()?;
    let key = who::identity_key(&workspace, store.as_ref())?;
    let target = args.person.target(store.as_ref(), &key)?;
    let now = Clock::system().now();
    if args.lift {
        let lifted = privacy::lift(store.as_ref(), &key, &target, &actor(), now)?;
        let text = format!(
            "{} taken off the erasure list\n",
            paint(GOOD, count(lifted, "entry"))
        );
        return Ok(Outcome::new(Exit::Done, json!({ "lifted": lifted }), text));
    }
    let found = [
        ("profile", target.profiles.len() as u64),
        ("outcome", target.outcomes.len() as u64),
    ];
    if !args.yes {
        let what = found.map(|(name, number)| count(number, name)).join(", ");
        let mut text = String::new();
        line(&mut text, format_args!("the store has {what} of them"));
        let advice = paint(HINT, "--yes");
        line(
            &mut text,
            format_args!(
                "{}: add {advice} to erase them for good",
                paint(CAUTION, "nothing was erased")
            ),
        );
        let result = json!({
            "erased": false,
            "profiles": target.profiles.len(),
            "outcomes": target.outcomes.len(),
        });
        return Ok(Outcome::new(Exit::Invalid, result, text));
    }
    let ended = privacy::erase(store.as_ref(), &key, &target, &actor(), now)?;
    Ok(Outcome::new(Exit::Done, json_of(&ended), text_of(&ended)))
}

fn json_of(ended: &privacy::Ended) -> serde_json::Value {
    let erased = &ended.erased;
    json!({
        "erased": true,
        "profiles": erased.profiles,
        "outcomes": erased.outcomes,
        "engagements": erased.engagements,
        "scores": erased.scores,
        "messages": erased.messages,
        "rejected": erased.letters,
        "acknowledgements": erased.acknowledgements,
        "listed": ended.listed,
    })
}

fn text_of(ended: &privacy::Ended) -> String {
    let erased = &ended.erased;
    let parts = [
        ("profile", erased.profiles),
        ("outcome", erased.outcomes),
        ("event", erased.engagements),
        ("score", erased.scores),
        ("message", erased.messages),
        ("dead letter", erased.letters),
        ("acknowledgement", erased.acknowledgements),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(_, number)| *number > 0)
        .map(|(name, number)| count(number, name))
        .collect();
    let mut text = String::new();
    let done = if parts.is_empty() {
        "nothing was kept of them".to_owned()
    } else {
        parts.join(", ")
    };
    line(&mut text, format_args!("{} {done}", paint(GOOD, "erased")));
    line(
        &mut text,
        format_args!(
            "{}: nothing is taken in of them again, and nobody writes to them",
            paint(BOLD, "on the erasure list")
        ),
    );
    text
}
