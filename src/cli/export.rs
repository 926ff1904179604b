//! `bridged export`: a person who asked to see what is kept of them.

use std::io::Write as _;
use std::path::PathBuf;

use serde_json::json;

use super::args::Format;
use super::env::Env;
use super::exit::Exit;
use super::new_key::not_written;
use super::outcome::{Ended, Outcome};
use super::text::{GOOD, clean, paint};
use super::who::{self, Who};
use super::workspace::Workspace;
use crate::foundation::clock::Clock;
use crate::foundation::error::Error;
use crate::privacy;
use crate::vault::private_file;

/// What can be typed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Who.
    #[command(flatten)]
    pub person: Who,

    /// Write the document into a new file that its owner alone can read, instead of showing it.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// The form of the report: text or json.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Format,
}

/// Gives out the document.
pub fn execute(args: &Args, env: &Env) -> Ended {
    let workspace = Workspace::load(env, &[])?;
    let store = workspace.store()?;
    let key = who::identity_key(&workspace, store.as_ref())?;
    let target = args.person.target(store.as_ref(), &key)?;
    let document = privacy::export(store.as_ref(), &key, &target, Clock::system().now())?;
    let text = serde_json::to_string_pretty(&document)
        .map_err(|error| Error::bug("the document cannot be written").caused_by(error))?;
    let Some(path) = &args.out else {
        return Ok(Outcome::new(Exit::Done, document, format!("{text}\n")));
    };
    let shown = path.display().to_string();
    private_file::create(&env.directory.join(path), |file| writeln!(file, "{text}"))
        .map_err(|cause| not_written(&shown, cause))?;
    let said = format!("{} {}\n", paint(GOOD, "wrote"), clean(&shown));
    Ok(Outcome::new(Exit::Done, json!({ "file": shown }), said))
}
