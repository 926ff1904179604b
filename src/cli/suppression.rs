//! `bridged suppression`: people who must not be written to.

use clap::ValueEnum;
use serde_json::{Map, json};

use super::actor::actor;
use super::args::Format;
use super::env::Env;
use super::exit::Exit;
use super::ledger::moment;
use super::outcome::{Ended, Outcome};
use super::text::{BOLD, GOOD, paint};
use super::who;
use super::workspace::Workspace;
use crate::foundation::clock::Clock;
use crate::foundation::error::Error;
use crate::foundation::identity::{Identity, IdentityKey};
use crate::privacy::{Ambiguous, Target};
use crate::store::Store;
use crate::store::model::{AuditAction, Lifting, NewAudit, Scope, Suppression};

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

/// What to do about somebody.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Write to them no more.
    Add {
        /// A number as +14155550100, or a business-scoped user id.
        #[arg(value_name = "WHO", value_parser = who)]
        who: Identity,

        /// all: nothing any more; marketing: other messages still.
        #[arg(
            long,
            value_name = "SCOPE",
            default_value = "all",
            hide_possible_values = true
        )]
        scope: How,
    },
    /// Write to them again, also where they had opted out themselves.
    Remove {
        /// A number as +14155550100, or a business-scoped user id.
        #[arg(value_name = "WHO", value_parser = who)]
        who: Identity,
    },
    /// Tell whether they may be written to.
    Check {
        /// A number as +14155550100, or a business-scoped user id.
        #[arg(value_name = "WHO", value_parser = who)]
        who: Identity,
    },
}

/// How far it reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum How {
    /// Everything.
    All,
    /// Marketing alone.
    Marketing,
}

fn who(text: &str) -> Result<Identity, String> {
    let number = text
        .starts_with('+')
        .then(|| Identity::phone(text))
        .flatten();
    number.or_else(|| Identity::user(text)).ok_or_else(|| {
        "write a number with its country code, as +14155550100, or a user id".to_owned()
    })
}

/// The form asked for.
pub const fn format(args: &Args) -> Format {
    args.format
}

/// Looks, or changes what is kept of somebody. The store and the audit log know them by a keyed hash alone.
pub fn execute(args: &Args, env: &Env) -> Ended {
    let workspace = Workspace::load(env, &[])?;
    let store = workspace.store()?;
    let key = who::identity_key(&workspace, store.as_ref())?;
    let now = Clock::system().now();
    let (What::Add { who, .. } | What::Remove { who } | What::Check { who }) = &args.what;
    let (hash, shown) = (key.hash(who), who.masked());
    let told = |word: &str| NewAudit {
        at: now,
        action: AuditAction::SuppressionChanged,
        subject: shown.clone(),
        actor: actor(),
        details: Map::from_iter([("what".to_owned(), word.into())]),
    };
    match &args.what {
        What::Add { scope, .. } => {
            let suppression = Suppression {
                identity: hash,
                scope: match scope {
                    How::All => Scope::All,
                    How::Marketing => Scope::Marketing,
                },
                reason: "manual".to_owned(),
                source: actor(),
                at: now,
                until: None,
            };
            store.suppress(&[suppression], Some(&told("added")))?;
        }
        What::Remove { .. } => {
            let people = people(store.as_ref(), &key, who)?;
            let audit = told("removed");
            store.lift_suppression(&Lifting {
                who: &[hash],
                people: &people,
                at: now,
                audit: Some(&audit),
            })?;
        }
        What::Check { .. } => {}
    }
    let kept = store.suppressed(&[hash], now)?.into_iter().flatten().next();
    Ok(report(&shown, kept.as_ref()))
}

fn report(shown: &str, kept: Option<&Suppression>) -> Outcome {
    let result = json!({
        "who": shown,
        "suppressed": kept.is_some(),
        "scope": kept.map(|kept| kept.scope.as_str()),
        "reason": kept.map(|kept| kept.reason.clone()),
        "since": kept.map(|kept| kept.at),
        "until": kept.and_then(|kept| kept.until),
    });
    let text = match kept {
        None => format!(
            "{} may be written to, as far as this list goes\n",
            paint(GOOD, shown)
        ),
        Some(kept) => {
            let until = kept
                .until
                .map_or_else(String::new, |until| format!(" until {}", moment(until)));
            format!(
                "{} is not written to ({}): {} since {}{until}\n",
                paint(BOLD, shown),
                kept.scope.as_str(),
                kept.reason,
                moment(kept.at)
            )
        }
    };
    Outcome::new(Exit::Done, result, text)
}

/// The keys of everybody who is known by a number or a user id.
fn people(store: &dyn Store, key: &IdentityKey, who: &Identity) -> Result<Vec<String>, Error> {
    Ok(match Target::find(store, key, who.expose(), true)? {
        Ok(target) => target.keys,
        Err(Ambiguous(keys)) => keys,
    })
}
