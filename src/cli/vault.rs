//! `bridged vault`: the keys that seal the secrets of connections.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::actor::actor;
use super::args::Format;
use super::env::Env;
use super::exit::Exit;
use super::new_key;
use super::outcome::{Ended, Outcome};
use super::table::{self, Cell};
use super::text::{BAD, BOLD, DIM, GOOD, clean, count, line, paint};
use super::workspace::Workspace;
use crate::foundation::clock::Clock;
use crate::foundation::code::Code;
use crate::foundation::error::Error;
use crate::vault::{KeyUse, Rotated, Status};

/// What can be typed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub what: What,

    /// The form of the report: text or json.
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Format,
}

/// What to do with the vault.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Make a new key and print it, once.
    Key {
        /// Write it to FILE, for its owner alone; a file that is there is not overwritten.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Show how many secrets each key seals, and whether all of them open.
    Status,
    /// Seal every secret with the newest key.
    Rotate,
}

/// The form asked for.
pub const fn format(args: &Args) -> Format {
    args.format
}

/// Makes a key, looks, or rotates.
pub fn execute(args: &Args, env: &Env) -> Ended {
    if let What::Key { out } = &args.what {
        return Ok(new_key::make(out.as_deref())?);
    }
    let vault = Workspace::load(env, &[])?.vault()?;
    if let What::Rotate = args.what {
        let rotated = vault.rotate(Clock::system().now(), &actor())?;
        return Ok(rotation(&rotated));
    }
    let status = vault.status()?;
    let mut outcome = Outcome::new(Exit::Done, json_of(&status), text_of(&status));
    outcome.errors = vault.unreadable(&status)?;
    if !outcome.errors.is_empty() {
        outcome.exit = Exit::Failed;
    }
    Ok(outcome)
}

fn rotation(rotated: &Rotated) -> Outcome {
    let id = rotated.newest.to_string();
    let all = count(rotated.resealed + rotated.already, "secret");
    let text = if rotated.resealed == 0 {
        format!("nothing to do: key {id} seals all there is, {all}\n")
    } else {
        let done = count(rotated.resealed, "secret");
        format!(
            "{} {done} again; key {id} seals {all}\n",
            paint(GOOD, "sealed")
        )
    };
    let result = json!({
        "key_id": id,
        "resealed": rotated.resealed,
        "already": rotated.already,
        "remaining": rotated.remaining,
    });
    let mut outcome = Outcome::new(Exit::Done, result, text);
    if rotated.remaining > 0 {
        let left = count(rotated.remaining, "secret");
        let message = format!("another process sealed {left} with an older key meanwhile");
        let help = "give every process of the project the newest key first, restart them, and rotate again";
        outcome
            .errors
            .push(Error::new(Code::StoreBusy, message).help(help));
        outcome.exit = Exit::Failed;
    }
    outcome
}

fn json_of(status: &Status) -> Value {
    let newest = status.newest.map(|id| id.to_string());
    let key = |key: &KeyUse| {
        json!({
            "id": key.id,
            "newest": newest.as_ref() == Some(&key.id),
            "present": key.present,
            "secrets": key.secrets,
        })
    };
    let keys: Vec<Value> = status.keys.iter().map(key).collect();
    let tampered = status.tampered.iter();
    let tampered: Vec<Value> = tampered
        .map(|(connection, field)| json!({ "connection": connection, "field": field }))
        .collect();
    json!({ "keys": keys, "connections": status.connections, "tampered": tampered })
}

fn text_of(status: &Status) -> String {
    let newest = status.newest.map(|id| id.to_string());
    let row = |key: &KeyUse| {
        let (what, style) = match (key.present, newest.as_ref() == Some(&key.id)) {
            (true, true) => ("newest: seals and opens", GOOD),
            (true, false) if key.secrets == 0 => ("older: can be taken out", DIM),
            (true, false) => ("older: opens until `bridged vault rotate`", DIM),
            (false, _) => ("missing: its secrets cannot be read", BAD),
        };
        let what = Cell::text(what).style(style);
        vec![
            Cell::text(&key.id).style(BOLD),
            Cell::number(key.secrets),
            what,
        ]
    };
    let rows: Vec<_> = status.keys.iter().map(row).collect();
    let mut out = if rows.is_empty() {
        "no keys and no secrets\n".to_owned()
    } else {
        table::render(&["key", "secrets", "what it is"], &rows)
    };
    for (connection, fields) in &status.connections {
        let fields = clean(&fields.join(", ")).into_owned();
        line(
            &mut out,
            format_args!("{}: {fields}", paint(BOLD, clean(connection))),
        );
    }
    out
}
