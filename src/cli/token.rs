//! `bridged token`: who may ask a server, and for what.

use clap::ValueEnum;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, json};

use super::actor::actor;
use super::args::Format;
use super::env::Env;
use super::exit::Exit;
use super::outcome::{Ended, Outcome};
use super::text::{BOLD, clean, paint};
use super::tokens;
use super::workspace::Workspace;
use crate::foundation::clock::Clock;
use crate::foundation::code::Code;
use crate::foundation::error::Error;
use crate::foundation::id::PipelineName;
use crate::foundation::secret::Secret;
use crate::serve::http::digest;
use crate::spec::amount::Period;
use crate::store::model::{ApiToken, AuditAction, NewAudit, Role};

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

/// What to do with tokens.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Make one, and show it once.
    Create {
        /// What it is known by: lowercase letters, digits, - and _.
        #[arg(value_parser = name)]
        name: String,

        /// viewer: look; ingest: bring records in as well; operator: start, cancel and reload as well.
        #[arg(long, value_name = "ROLE", hide_possible_values = true)]
        role: Wanted,

        /// How long it is good, as 90d; for as long as it is not revoked without it.
        #[arg(long, value_name = "PERIOD", value_parser = period)]
        expires: Option<Period>,
    },
    /// List them, without the tokens themselves: nobody keeps those.
    List,
    /// Take one away; it is refused within a second.
    Revoke {
        /// What it is known by.
        name: String,
    },
}

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Wanted {
    /// Look.
    Viewer,
    /// Bring records in as well.
    Ingest,
    /// Start, cancel and reload as well.
    Operator,
}

fn name(text: &str) -> Result<String, String> {
    PipelineName::parse(text)
        .map(|_| text.to_owned())
        .ok_or_else(|| "a name has lowercase letters, digits, - and _, at most 64".to_owned())
}

fn period(text: &str) -> Result<Period, String> {
    Period::parse(text).ok_or_else(|| "write it as `90d` or `12h`".to_owned())
}

/// The form asked for.
pub const fn format(args: &Args) -> Format {
    args.format
}

/// Makes, lists or revokes tokens; the audit log tells of it.
pub fn execute(args: &Args, env: &Env) -> Ended {
    let store = Workspace::load(env, &[])?.store()?;
    let now = Clock::system().now();
    let told = |name: &str, word: &str| {
        let mut details = Map::new();
        details.insert("what".to_owned(), word.into());
        NewAudit {
            at: now,
            action: AuditAction::TokenChanged,
            subject: name.to_owned(),
            actor: actor(),
            details,
        }
    };
    match &args.what {
        What::List => Ok(tokens::table_of(&store.tokens()?, now)),
        What::Revoke { name } => {
            if !store.remove_token(name, &told(name, "revoked"))? {
                let message = format!("there is no token `{name}`");
                return Err(Error::new(Code::UnknownToken, message)
                    .help("`bridged token list` shows those that there are")
                    .into());
            }
            let text = format!("{} revoked\n", paint(BOLD, clean(name)));
            Ok(Outcome::new(Exit::Done, json!({ "revoked": name }), text))
        }
        What::Create {
            name,
            role,
            expires,
        } => {
            let secret = Secret::new(format!("bridged_{}", Secret::random()?.expose()));
            let token = ApiToken {
                name: name.clone(),
                hash: digest(secret.expose()),
                role: match role {
                    Wanted::Viewer => Role::Viewer,
                    Wanted::Ingest => Role::Ingest,
                    Wanted::Operator => Role::Operator,
                },
                created_at: now,
                expires_at: expires.and_then(|period| until(now, period)),
            };
            if !store.add_token(&token, &told(name, "created"))? {
                let message = format!("there is a token `{name}` already");
                return Err(Error::new(Code::TokenTaken, message)
                    .help("choose another name, or revoke that one first")
                    .into());
            }
            let result = json!({ "name": name, "role": token.role.as_str(), "expires_at": token.expires_at, "token": secret.expose() });
            let text = format!("{}\n", secret.expose());
            Ok(Outcome::new(Exit::Done, result, text))
        }
    }
}

fn until(now: Timestamp, period: Period) -> Option<Timestamp> {
    let length = SignedDuration::try_from(period.as_duration()).ok()?;
    now.checked_add(length).ok()
}
