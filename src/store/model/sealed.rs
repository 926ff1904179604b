//! What a store keeps of connections: sealed secrets, and a card that says what is connected.

use std::any::Any;
use std::fmt;

use jiff::Timestamp;

use crate::foundation::error::{Error, Result};
use crate::foundation::id::PipelineName;

use super::audit::{NewAudit, check_audit};

/// The longest text of a card, in bytes.
pub const MAX_CARD_TEXT_BYTES: usize = 2_048;
/// The most scopes of a card.
pub const MAX_SCOPES: usize = 64;

/// A secret as it is kept: the store cannot read it, and whoever can notices when anything of it was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The connection it belongs to.
    pub connection: String,
    /// Which of the connection's secrets it is.
    pub field: String,
    /// The key that opens it, by its id.
    pub key_id: String,
    /// The random number of this sealing.
    pub nonce: [u8; 24],
    /// The secret's bytes, encrypted, and the 16 bytes that authenticate them.
    pub ciphertext: Vec<u8>,
    /// When it was put in, or re-sealed.
    pub sealed_at: Timestamp,
}

/// What is connected, and as whom. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// The connection.
    pub connection: String,
    /// How it signs in, by the word of the project file.
    pub method: String,
    /// The user it signs in as.
    pub username: Option<String>,
    /// That user's Salesforce Id.
    pub user_id: Option<String>,
    /// The org's Salesforce Id.
    pub organization_id: Option<String>,
    /// The org's address.
    pub instance_url: Option<String>,
    /// The OAuth scopes that were granted, in the order in which they were named.
    pub scopes: Vec<String>,
    /// When a person connected it.
    pub connected_at: Timestamp,
    /// When its tokens were last renewed.
    pub refreshed_at: Option<Timestamp>,
    /// Whether the refresh token was about to be used, and no answer was kept since.
    pub refresh_begun: bool,
    /// Whether each refresh brings another refresh token; `None` while no answer has told.
    pub refresh_rotates: Option<bool>,
    /// Whether the refresh token was refused for good.
    pub refresh_refused: bool,
}

impl Card {
    /// A card of a connection that was made just now, and of which nothing else is known.
    pub fn new(connection: &str, method: &str, connected_at: Timestamp) -> Self {
        Self {
            connection: connection.to_owned(),
            method: method.to_owned(),
            username: None,
            user_id: None,
            organization_id: None,
            instance_url: None,
            scopes: Vec::new(),
            connected_at,
            refreshed_at: None,
            refresh_begun: false,
            refresh_rotates: None,
            refresh_refused: false,
        }
    }
}

/// What becomes of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardChange<'a> {
    /// It takes the place of the earlier one.
    Put(&'a Card),
    /// It is taken away.
    Remove,
}

/// What becomes of one connection, in one transaction.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionChange<'a> {
    /// The connection.
    pub connection: &'a str,
    /// Sealed secrets, each in the place of the earlier one of its field.
    pub put: &'a [Sealed],
    /// The fields whose secrets are taken away, before any is put.
    pub remove: &'a [&'a str],
    /// What becomes of its card; `None` leaves it as it is.
    pub card: Option<CardChange<'a>>,
    /// What the audit log keeps of it.
    pub audit: Option<&'a NewAudit>,
}

impl ConnectionChange<'_> {
    /// The checks that come before anything is written.
    ///
    /// # Errors
    /// `bug`: no person types what is refused here.
    pub fn check(&self) -> Result<()> {
        check_connection(self.connection)?;
        for sealed in self.put {
            check_sealed(sealed)?;
            if sealed.connection != self.connection {
                return Err(Error::bug(format!(
                    "a secret of `{}` comes with a change of `{}`",
                    sealed.connection, self.connection
                )));
            }
        }
        if let Some(CardChange::Put(card)) = self.card {
            check_card(card)?;
            if card.connection != self.connection {
                return Err(Error::bug(format!(
                    "a card of `{}` comes with a change of `{}`",
                    card.connection, self.connection
                )));
            }
        }
        self.audit.map_or(Ok(()), check_audit)
    }
}

/// Refuses a name that no connection has: it also names a file of locks.
///
/// # Errors
/// `bug`.
pub fn check_connection(name: &str) -> Result<()> {
    // Connections are named as pipelines are.
    if PipelineName::parse(name).is_none() {
        return Err(Error::bug(format!("`{name:?}` names no connection")));
    }
    Ok(())
}

/// Refuses what no key seals.
///
/// # Errors
/// `bug`.
pub fn check_sealed(sealed: &Sealed) -> Result<()> {
    check_connection(&sealed.connection)?;
    let word = |text: &str| {
        let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        (1..=64).contains(&text.len()) && text.bytes().all(letters)
    };
    if !word(&sealed.field) || !word(&sealed.key_id) || sealed.ciphertext.len() < 16 {
        return Err(Error::bug("a sealed secret has not the form of one"));
    }
    Ok(())
}

fn check_card(card: &Card) -> Result<()> {
    let texts = [
        Some(&card.connection),
        Some(&card.method),
        card.username.as_ref(),
        card.user_id.as_ref(),
        card.organization_id.as_ref(),
        card.instance_url.as_ref(),
    ];
    let all = texts.into_iter().flatten().chain(&card.scopes);
    for text in all {
        if text.len() > MAX_CARD_TEXT_BYTES || text.chars().any(char::is_control) {
            return Err(Error::bug("a card holds a text that no system sends"));
        }
    }
    if card.scopes.len() > MAX_SCOPES {
        return Err(Error::bug("a card holds more scopes than there are"));
    }
    Ok(())
}

/// The right to renew one connection's tokens, held until it is dropped.
pub struct ConnectionLock {
    connection: String,
    _held: Box<dyn Any + Send + Sync>,
}

impl ConnectionLock {
    /// Wraps what a store holds to keep others out; dropping it must let them in.
    pub fn new(connection: &str, held: impl Any + Send + Sync) -> Self {
        Self {
            connection: connection.to_owned(),
            _held: Box::new(held),
        }
    }

    /// The connection that is held.
    pub fn connection(&self) -> &str {
        &self.connection
    }
}

impl fmt::Debug for ConnectionLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConnectionLock({})", self.connection)
    }
}
