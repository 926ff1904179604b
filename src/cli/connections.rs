//! `bridged connections`: what is connected, as whom, with which rights, since when; never a secret.

use std::sync::Arc;

use serde_json::{Value, json};

use super::actor;
use super::args::Format;
use super::env::Env;
use super::exit::Exit;
use super::ledger::moment;
use super::outcome::{Ended, Outcome};
use super::table::{self, Cell};
use super::text::{BAD, BOLD, CAUTION, DIM, GOOD, clean, line, paint};
use super::workspace::Workspace;
use crate::connections::connect::Keeping;
use crate::connections::credentials::Opener;
use crate::connections::overview::{self, Standing, State};
use crate::foundation::clock::Clock;
use crate::foundation::error::Result;
use crate::store::model::Card;

/// What can be typed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The form of the report: text or json.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Format,
}

/// Looks every connection of the project up.
pub fn execute(_args: &Args, env: &Env) -> Ended {
    let workspace = Workspace::load(env, &[])?;
    let standings = overview::of(&workspace.project().spec, &workspace.vault()?)?;
    let rows: Vec<Value> = standings.iter().map(json).collect();
    let result = json!({ "connections": rows });
    Ok(Outcome::new(Exit::Done, result, text(&standings)))
}

/// Where the connection called `name` is kept, and who acts.
pub fn keeping(workspace: &Workspace, name: &str) -> Result<Keeping> {
    Ok(Keeping {
        name: name.to_owned(),
        vault: Arc::new(workspace.vault()?),
        actor: actor::actor(),
        clock: Clock::system(),
    })
}

/// Gives the vault that is open already.
pub fn opener(keeping: &Keeping) -> Box<Opener<'static>> {
    let vault = Arc::clone(&keeping.vault);
    Box::new(move || Ok(Arc::clone(&vault)))
}

/// What is shown of a connection, as JSON.
pub fn card_json(card: &Card) -> Value {
    json!({
        "method": card.method,
        "username": card.username,
        "user_id": card.user_id,
        "organization_id": card.organization_id,
        "instance_url": card.instance_url,
        "scopes": card.scopes,
        "connected_at": card.connected_at.to_string(),
        "refreshed_at": card.refreshed_at.map(|at| at.to_string()),
        "rotates": card.refresh_rotates,
    })
}

fn json(standing: &Standing) -> Value {
    let missing = match &standing.state {
        State::NotConnected(missing) => missing.clone(),
        _ => Vec::new(),
    };
    json!({
        "connection": standing.name,
        "type": standing.kind,
        "method": standing.method,
        "state": standing.state.as_str(),
        "missing": missing,
        "kept": standing.kept.iter().map(|field| field.as_str()).collect::<Vec<_>>(),
        "referred": standing.referred,
        "card": standing.card.as_ref().map(card_json),
    })
}

fn text(standings: &[Standing]) -> String {
    let rows: Vec<Vec<Cell>> = standings.iter().map(row).collect();
    let headings = ["connection", "method", "state", "as", "scopes", "since"];
    let mut out = table::render(&headings, &rows);
    for standing in standings {
        let name = clean(&standing.name);
        let remark = match &standing.state {
            State::NotConnected(missing) => {
                format!(
                    "`{name}` lacks its {}: `bridged connect {name}`",
                    missing.join(" and its ")
                )
            }
            State::ReconnectNeeded => {
                format!("`{name}` must be signed in again: `bridged connect {name}`")
            }
            State::Orphaned => {
                format!(
                    "`{name}` is not in `bridged.yaml` any more: `bridged revoke {name} --here-only` forgets it"
                )
            }
            State::Connected | State::ByReference => continue,
        };
        line(&mut out, format_args!("{} {remark}", paint(CAUTION, "!")));
    }
    out
}

fn row(standing: &Standing) -> Vec<Cell> {
    let state = match &standing.state {
        State::Connected => Cell::text("connected").style(GOOD),
        State::ByReference => Cell::text("by reference"),
        State::NotConnected(_) => Cell::text("not connected").style(CAUTION),
        State::ReconnectNeeded => Cell::text("sign in again").style(BAD),
        State::Orphaned => Cell::text("orphaned").style(CAUTION),
    };
    let card = standing.card.as_ref();
    let known = |text: Option<String>| {
        Cell::text(
            &text
                .filter(|text| !text.is_empty())
                .unwrap_or_else(|| "-".to_owned()),
        )
        .style(DIM)
    };
    vec![
        Cell::text(&standing.name).style(BOLD),
        Cell::text(&standing.method),
        state,
        known(card.and_then(|card| card.username.clone())),
        known(card.map(|card| card.scopes.join(" "))),
        known(card.map(|card| moment(card.connected_at))),
    ]
}
