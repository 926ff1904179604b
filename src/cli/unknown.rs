//! `bridged unknown`: messages of which nobody knows whether they were sent.

use clap::ValueEnum;
use serde_json::{Map, Value, json};

use super::actor::actor;
use super::args::Format;
use super::env::Env;
use super::exit::Exit;
use super::ledger::moment;
use super::outcome::{Ended, Outcome};
use super::table::{self, Cell};
use super::text::{BOLD, DIM, count};
use super::workspace::Workspace;
use crate::foundation::clock::Clock;
use crate::foundation::id::MessageId;
use crate::store::model::{
    AuditAction, MessageFilter, MessageRow, MessageState, NewAudit, Resolution,
};

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

/// What to do with them.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// List them, the latest planned first.
    List {
        /// Of this campaign only.
        #[arg(long, value_name = "NAME")]
        campaign: Option<String>,

        /// At most so many.
        #[arg(long, value_name = "N", default_value = "100")]
        limit: u32,
    },
    /// Say what became of some of them.
    Resolve {
        /// Their ids.
        #[arg(required = true, value_name = "ID", value_parser = id)]
        ids: Vec<MessageId>,

        /// sent: it was; not-sent: it was not, and is not to be; again: it was not, and is sent once more.
        #[arg(long = "as", value_name = "END", hide_possible_values = true)]
        end: End,
    },
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum End {
    /// It was sent.
    Sent,
    /// It was not sent, and is not to be.
    NotSent,
    /// It was not sent, and is sent once more.
    Again,
}

fn id(text: &str) -> Result<MessageId, String> {
    MessageId::parse(text)
        .ok_or_else(|| "it is no id of a message; `bridged unknown list` shows them".to_owned())
}

/// The form asked for.
pub const fn format(args: &Args) -> Format {
    args.format
}

/// Lists them, or takes a person's word, which the audit log keeps.
pub fn execute(args: &Args, env: &Env) -> Ended {
    let store = Workspace::load(env, &[])?.store()?;
    match &args.what {
        What::List { campaign, limit } => {
            let rows = store.messages(&MessageFilter {
                campaign: campaign.clone(),
                state: Some(MessageState::Unknown),
                limit: Some(*limit),
                ..MessageFilter::default()
            })?;
            Ok(shown(&rows))
        }
        What::Resolve { ids, end } => {
            let (as_, word) = match end {
                End::Sent => (Resolution::Sent, "sent"),
                End::NotSent => (Resolution::NotSent, "not-sent"),
                End::Again => (Resolution::Again, "again"),
            };
            let now = Clock::system().now();
            let mut details = Map::new();
            details.insert("as".to_owned(), word.into());
            details.insert("messages".to_owned(), ids.len().into());
            let told = NewAudit {
                at: now,
                action: AuditAction::MessagesResolved,
                subject: "messages".to_owned(),
                actor: actor(),
                details,
            };
            let resolved = store.resolve_messages(ids, as_, now, &told)?;
            let text = format!("{} resolved as {word}\n", count(resolved, "message"));
            Ok(Outcome::new(
                Exit::Done,
                json!({ "resolved": resolved, "as": word }),
                text,
            ))
        }
    }
}

fn shown(rows: &[MessageRow]) -> Outcome {
    let json_rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "id": row.id.to_string(),
                "campaign": row.campaign,
                "profile": row.profile,
                "to": row.masked,
                "attempts": row.attempts,
                "reason": row.reason,
                "at": row.at,
            })
        })
        .collect();
    let cells: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| {
            vec![
                Cell::text(&row.id.to_string()).style(BOLD),
                Cell::text(&row.campaign),
                Cell::text(&row.profile),
                Cell::text(&row.masked),
                Cell::text(&moment(row.at)).style(DIM),
                Cell::text(row.reason.as_deref().unwrap_or_default()),
            ]
        })
        .collect();
    let text = if cells.is_empty() {
        "no message is unknown\n".to_owned()
    } else {
        table::render(
            &["message", "campaign", "profile", "to", "since", "why"],
            &cells,
        )
    };
    Outcome::new(Exit::Done, json!({ "unknown": json_rows }), text)
}
