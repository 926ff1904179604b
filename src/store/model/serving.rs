//! Who may ask a server, and what it answered.

use jiff::Timestamp;

/// What a token may do. Each role may do what the one before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Look at pipelines, runs, campaigns and rejected records.
    Viewer,
    /// Bring in profiles, outcomes and engagements.
    Ingest,
    /// Start and cancel runs, and reload.
    Operator,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Ingest, Self::Operator];

    /// The word that is kept and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Ingest => "ingest",
            Self::Operator => "operator",
        }
    }

    /// Reads a word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// A bearer token, of which only the hash is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// What people know it by.
    pub name: String,
    /// SHA-256 of the token, which has 256 random bits.
    pub hash: [u8; 32],
    /// What it may do.
    pub role: Role,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it is good; `None` for as long as it is not revoked.
    pub expires_at: Option<Timestamp>,
}

/// What was answered to a request with an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The name of the token that asked.
    pub caller: String,
    /// The key.
    pub key: String,
    /// SHA-256 of what was asked: another request under the same key is refused.
    pub request: [u8; 32],
    /// The HTTP status.
    pub status: u16,
    /// The body of the answer.
    pub body: String,
    /// When.
    pub at: Timestamp,
}

/// How far the ticks of a pipeline are settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledTick {
    /// Up to this nominal time.
    pub nominal: Timestamp,
    /// The schedule in words that they were ticks of.
    pub schedule: Option<String>,
}
