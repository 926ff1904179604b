//! `bridged profile`: everything the store knows of one person.

use super::args::Format;
use super::env::Env;
use super::exit::Exit;
use super::outcome::{Ended, Outcome};
use super::person::{self, Person};
use super::workspace::Workspace;
use crate::foundation::clock::Clock;

/// What can be typed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The person: a key, a Salesforce Id, a phone or an email.
    pub profile: String,

    /// The form of the report: text or json.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Format,
}

/// Looks the person up in the store.
pub fn execute(args: &Args, env: &Env) -> Ended {
    let workspace = Workspace::load(env, &[])?;
    let store = workspace.store()?;
    let found = person::find(store.as_ref(), &args.profile)?;
    let now = Clock::system().now();
    let person = Person::gather(store.as_ref(), found, &workspace.sensitive(), now)?;
    Ok(Outcome::new(Exit::Done, person.json(), person.text()))
}
