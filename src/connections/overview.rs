//! How each connection of a project stands, as far as it is known here; nothing is asked of anybody.

use crate::foundation::error::Result;
use crate::spec::project::{Connection, Project};
use crate::store::model::Card;
use crate::vault::{Field, Vault};

use super::credentials;

/// One connection.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// `salesforce` or `whatsapp`.
    pub kind: &'static str,
    /// How it signs in: `api_key`, `oauth`, `jwt`, or `access_token`.
    pub method: String,
    /// How it stands.
    pub state: State,
    /// What was learnt when it was connected.
    pub card: Option<Card>,
    /// The credentials that the vault keeps.
    pub kept: Vec<Field>,
    /// The keys of the credentials that the project file refers to.
    pub referred: Vec<&'static str>,
}

/// How a connection stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It was connected, and its credentials are there.
    Connected,
    /// Everything it needs is referred to by the project file; `check` tells whether that works.
    ByReference,
    /// It lacks these credentials, by their titles.
    NotConnected(Vec<&'static str>),
    /// It was connected, and must be again.
    ReconnectNeeded,
    /// It was connected, and the project file does not name it any more.
    Orphaned,
}

impl State {
    /// The state as a word of JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            State::Connected => "connected",
            State::ByReference => "by_reference",
            State::NotConnected(_) => "not_connected",
            State::ReconnectNeeded => "reconnect_needed",
            State::Orphaned => "orphaned",
        }
    }
}

/// Every connection of the project, in the order of its file, and behind them those that are only kept.
pub fn of(project: &Project, vault: &Vault) -> Result<Vec<Standing>> {
    let connections = project.connections.iter();
    let mut all: Vec<Standing> = connections
        .map(|(name, connection)| standing(name.as_str(), connection, vault))
        .collect::<Result<_>>()?;
    for card in vault.cards()? {
        if all.iter().all(|known| known.name != card.connection) {
            all.push(Standing {
                name: card.connection.clone(),
                kind: "unknown",
                method: card.method.clone(),
                state: State::Orphaned,
                kept: vault.holds(&card.connection)?,
                card: Some(card),
                referred: Vec::new(),
            });
        }
    }
    Ok(all)
}

fn standing(name: &str, connection: &Connection, vault: &Vault) -> Result<Standing> {
    let kept = vault.holds(name)?;
    let card = vault.card(name)?;
    let wanted = credentials::wanted(connection);
    let mut missing: Vec<&'static str> = wanted
        .iter()
        .filter(|wanted| {
            !wanted.optional && wanted.given.is_none() && !kept.contains(&wanted.field)
        })
        .map(|wanted| wanted.title)
        .collect();
    let method = method(connection);
    if method == "oauth" && !kept.contains(&Field::RefreshToken) {
        missing.push("sign-in");
    }
    let state = match &card {
        _ if !missing.is_empty() => State::NotConnected(missing),
        Some(card) if method == "oauth" && lost(card) => State::ReconnectNeeded,
        Some(_) => State::Connected,
        None => State::ByReference,
    };
    Ok(Standing {
        name: name.to_owned(),
        kind: connection.kind(),
        method: method.to_owned(),
        state,
        card,
        kept,
        referred: wanted
            .iter()
            .filter(|wanted| wanted.given.is_some())
            .map(|wanted| wanted.key)
            .collect(),
    })
}

/// Whether the refresh token is spent, or may be.
fn lost(card: &Card) -> bool {
    card.refresh_refused || (card.refresh_begun && card.refresh_rotates != Some(false))
}

fn method(connection: &Connection) -> &'static str {
    match connection {
        Connection::Salesforce(connection) => connection.auth.method(),
        Connection::Whatsapp(_) => "access_token",
    }
}
