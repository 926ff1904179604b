//! The secrets that a connection can have.

use std::fmt;

/// One of a connection's secrets. Its word is bound into what is sealed, so it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// What an External Client App or Connected App is known by.
    ConsumerKey,
    /// The app's Consumer Secret, which the guide calls the API key.
    ConsumerSecret,
    /// The key that signs in with a JWT.
    PrivateKey,
    /// The token of a session.
    AccessToken,
    /// The token that brings other tokens.
    RefreshToken,
    /// The token of a WhatsApp business account.
    WhatsappToken,
    /// The secret with which a webhook's sender signs.
    AppSecret,
    /// The word that a webhook's set-up asks for.
    VerifyToken,
    /// What hides the people that messages went to; no connection's own.
    IdentityKey,
}

impl Field {
    /// Every field.
    pub const ALL: [Self; 9] = [
        Self::ConsumerKey,
        Self::ConsumerSecret,
        Self::PrivateKey,
        Self::AccessToken,
        Self::RefreshToken,
        Self::WhatsappToken,
        Self::AppSecret,
        Self::VerifyToken,
        Self::IdentityKey,
    ];

    /// The word under which it is kept and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConsumerKey => "consumer_key",
            Self::ConsumerSecret => "consumer_secret",
            Self::PrivateKey => "private_key",
            Self::AccessToken => "access_token",
            Self::RefreshToken => "refresh_token",
            Self::WhatsappToken => "whatsapp_token",
            Self::AppSecret => "app_secret",
            Self::VerifyToken => "verify_token",
            Self::IdentityKey => "identity_key",
        }
    }

    /// Reads a field's word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == text)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
