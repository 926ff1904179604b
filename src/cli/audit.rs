//! `bridged audit`: what was done to connections and data, and whether the list of it is whole.

use serde_json::{Value, json};

use super::args::Format;
use super::env::Env;
use super::exit::Exit;
use super::ledger::moment;
use super::outcome::{Ended, Outcome};
use super::table::{self, Cell};
use super::text::{BOLD, DIM, GOOD, HINT, line, paint, thousands};
use super::workspace::Workspace;
use crate::store::Store;
use crate::store::audit::{self, Verified};
use crate::store::model::{AuditEntry, AuditHead, hash_text, parse_hash};

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

/// What to do with the audit log.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// List the entries, the latest first.
    List {
        /// At most so many.
        #[arg(long, value_name = "N", default_value = "50")]
        limit: u32,
    },
    /// Check every entry against its hash and the entry before it.
    Verify {
        /// The hash of an entry, noted elsewhere; some entry must have it.
        #[arg(long, value_name = "HASH", value_parser = hash)]
        expect: Option<Hash>,
    },
}

/// The hash of an entry.
#[derive(Debug, Clone, Copy)]
pub struct Hash([u8; 32]);

fn hash(text: &str) -> Result<Hash, String> {
    parse_hash(text).map(Hash).ok_or_else(|| {
        "a hash has 64 hexadecimal digits, as `bridged audit list` shows it".to_owned()
    })
}

/// The form asked for.
pub const fn format(args: &Args) -> Format {
    args.format
}

/// Lists or checks the log.
pub fn execute(args: &Args, env: &Env) -> Ended {
    let store = Workspace::load(env, &[])?.store()?;
    match args.what {
        What::List { limit } => list(store.as_ref(), limit),
        What::Verify { expect } => {
            let expected = expect.map(|Hash(hash)| hash);
            Ok(verified(&audit::verify(store.as_ref(), expected)?))
        }
    }
}

fn list(store: &dyn Store, limit: u32) -> Ended {
    let head = store.audit_head()?;
    let count_of_all = head.map_or(0, |head| head.count);
    let mut entries = store.audit(count_of_all.saturating_sub(limit.into()), limit)?;
    entries.reverse();
    let rows: Vec<Value> = entries.iter().map(entry_json).collect();
    let result = json!({ "entries": rows, "head": head_json(head) });
    if entries.is_empty() && head.is_none() {
        return Ok(Outcome::new(Exit::Done, result, "no entries\n".to_owned()));
    }
    let rows: Vec<Vec<Cell>> = entries.iter().map(row).collect();
    let mut text = table::render(&["entry", "at", "what", "of", "by", "details"], &rows);
    match head {
        Some(head) => {
            let shown = format!("{} of {}", entries.len(), counted(head.count));
            let hash = paint(DIM, hash_text(&head.hash));
            line(
                &mut text,
                format_args!("\n{shown}; the last one's hash is {hash}"),
            );
        }
        None => line(
            &mut text,
            format_args!(
                "\nthe head of the log is missing: {}",
                paint(HINT, "bridged audit verify")
            ),
        ),
    }
    Ok(Outcome::new(Exit::Done, result, text))
}

fn row(entry: &AuditEntry) -> Vec<Cell> {
    vec![
        Cell::number(entry.seq),
        Cell::text(&moment(entry.at)),
        Cell::text(&entry.action).style(BOLD),
        Cell::text(&entry.subject),
        Cell::text(&entry.actor),
        Cell::text(&entry.details).style(DIM),
    ]
}

fn entry_json(entry: &AuditEntry) -> Value {
    // Details that somebody edited may be no JSON; then the text is shown.
    let details = serde_json::from_str(&entry.details)
        .unwrap_or_else(|_| Value::from(entry.details.as_str()));
    json!({
        "seq": entry.seq,
        "at": entry.at.to_string(),
        "action": entry.action,
        "subject": entry.subject,
        "actor": entry.actor,
        "details": details,
        "hash": hash_text(&entry.hash),
    })
}

fn counted(entries: u64) -> String {
    let noun = if entries == 1 { "entry" } else { "entries" };
    format!("{} {noun}", thousands(entries))
}

fn head_json(head: Option<AuditHead>) -> Value {
    head.map_or(
        Value::Null,
        |head| json!({ "count": head.count, "hash": hash_text(&head.hash) }),
    )
}

fn verified(found: &Verified) -> Outcome {
    let broken = found.broken.as_ref();
    let result = json!({
        "good": found.good,
        "head": head_json(found.head),
        "expected_at": found.expected_at,
        "broken": broken.map(|broken| json!({ "seq": broken.seq, "why": broken.why })),
    });
    let entries = counted(found.good);
    if let Some(broken) = broken {
        let text = format!("as they were written: {entries}\n");
        let mut outcome = Outcome::new(Exit::Failed, result, text);
        outcome.errors.push(broken.error());
        return outcome;
    }
    let mut text = format!(
        "{} {entries}, each as it was written\n",
        paint(GOOD, "whole:")
    );
    if let Some(head) = found.head {
        line(
            &mut text,
            format_args!("the last one's hash is {}", hash_text(&head.hash)),
        );
    }
    if let Some(seq) = found.expected_at {
        line(&mut text, format_args!("entry {seq} has the expected hash"));
    }
    Outcome::new(Exit::Done, result, text)
}
