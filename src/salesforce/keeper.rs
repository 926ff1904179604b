//! What the keeper of a connection's tokens promises, so that no process loses a refresh token or uses one twice.

use std::fmt::Debug;

use crate::foundation::error::Result;
use crate::foundation::secret::Secret;

/// Keeps the tokens of one connection that signed in by the web server flow, for all processes that share it.
///
/// Where the app rotates refresh tokens, each use makes a new one and kills the old, and a second use of an old one ends
/// them all. So a refresh goes `lock`, `load`, `begin`, request, `keep`; whatever stops it between `begin` and `keep`
/// leaves a mark that says that the refresh token may be spent.
///
/// The calls may block: the session makes them on a thread for it. All but `load` are made while the lock is held.
pub trait TokenKeeper: Send + Sync + Debug {
    /// The connection's name, for what a person is told to do.
    fn connection(&self) -> &str;

    /// The tokens as they are kept now.
    ///
    /// # Errors
    /// Where they cannot be read; `not-connected` where nobody signed in yet.
    fn load(&self) -> Result<KeptTokens>;

    /// The connection's lock, which excludes every other session of this and other processes until it is dropped, and
    /// which dies with its process; `None` while another session has it. Returns at once.
    fn lock(&self) -> Result<Option<Lock>>;

    /// Marks that the refresh token is about to be used. Durable before it returns.
    fn begin(&self) -> Result<()>;

    /// Keeps new tokens, what they tell about rotation, and takes the mark away, all in one step. Durable before it
    /// returns; made again when it fails.
    fn keep(&self, fresh: &FreshTokens) -> Result<()>;

    /// Takes the mark away: the refresh token was not used after all.
    fn unused(&self) -> Result<()>;

    /// Marks that Salesforce refused the refresh token for good, and takes the mark of `begin` away.
    fn refused(&self) -> Result<()>;
}

/// A lock that ends when it is dropped.
pub type Lock = Box<dyn Send>;

/// The tokens of a connection, and what is known about them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptTokens {
    /// The access token that was given last.
    pub access: Option<Secret>,
    /// The refresh token; `None` where the app gave none.
    pub refresh: Option<Secret>,
    /// Whether a refresh began whose end was never kept.
    pub begun: bool,
    /// Whether the app rotates refresh tokens; `None` before the first refresh, and treated as if it did.
    pub rotates: Option<bool>,
    /// Whether Salesforce refused the refresh token for good.
    pub refused: bool,
}

/// What a refresh came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreshTokens {
    /// The new access token.
    pub access: Secret,
    /// The refresh token that takes the old one's place; `None` where the old one stays good, so that the app does not
    /// rotate.
    pub refresh: Option<Secret>,
    /// The scopes, separated by blanks, where the answer names them.
    pub scope: Option<String>,
}
