//! `bridged revoke`: ends a connection, at Salesforce and then here.

use serde_json::json;

use super::args::Format;
use super::connections;
use super::env::Env;
use super::exit::Exit;
use super::outcome::{Ended, Outcome};
use super::runtime;
use super::text::{CAUTION, GOOD, clean, line, paint};
use super::workspace::Workspace;
use crate::connections::revoke::{self, Revoked};

/// What can be typed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The connection, by its name in the project; may be left out where there is one Salesforce connection.
    pub connection: Option<String>,

    /// Remove what is kept here without asking Salesforce.
    #[arg(long)]
    pub here_only: bool,

    /// The form of the report: text or json.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Format,
}

/// Revokes tokens, and removes what is kept.
pub fn execute(args: &Args, env: &Env) -> Ended {
    let workspace = Workspace::load(env, &[])?;
    let (name, connection) = match (
        workspace.connection(args.connection.as_deref()),
        &args.connection,
    ) {
        (Ok((name, connection)), _) => (name, Some(connection)),
        // What is kept of a connection that the project file does not name any more.
        (Err(_), Some(name)) if args.here_only => (name.clone(), None),
        (Err(error), _) => return Err(error.into()),
    };
    let keeping = connections::keeping(&workspace, &name)?;
    let vault = connections::opener(&keeping);
    let sources = workspace.sources(vault.as_ref());
    let revoked = runtime::block_on(revoke::revoke(
        &keeping,
        &sources,
        connection,
        args.here_only,
    ))??;
    let removed: Vec<&str> = revoked.removed.iter().map(|field| field.as_str()).collect();
    let result = json!({
        "connection": name,
        "revoked_at_salesforce": revoked.at_salesforce,
        "removed": removed,
        "left": revoked.left,
    });
    Ok(Outcome::new(Exit::Done, result, text(&name, &revoked)))
}

fn text(name: &str, revoked: &Revoked) -> String {
    let mut out = String::new();
    let how = if revoked.at_salesforce {
        "is revoked at Salesforce, and nothing of it is kept here"
    } else {
        "is not kept here any more"
    };
    line(
        &mut out,
        format_args!("{} `{}` {how}", paint(GOOD, "✓"), clean(name)),
    );
    if let Some(left) = revoked.left {
        line(&mut out, format_args!("{} {left}", paint(CAUTION, "!")));
    }
    out
}
