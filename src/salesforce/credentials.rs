//! The ways a client can sign in to an org, each with what it takes.

use std::fmt;
use std::sync::Arc;

use crate::foundation::secret::Secret;

use super::keeper::TokenKeeper;
use super::signing_key::SigningKey;

/// How a client signs in. Its `Debug` names the way and nothing else.
#[derive(Clone)]
pub enum Credentials {
    /// OAuth 2.0 client credentials: the app itself signs in, as its Run As user.
    ApiKey {
        /// The app's Consumer Key.
        consumer_key: String,
        /// The app's Consumer Secret.
        consumer_secret: Secret,
    },
    /// OAuth 2.0 JWT bearer: a signed statement says who is meant.
    Jwt {
        /// The app's Consumer Key.
        consumer_key: String,
        /// The user to act as, by log-in name.
        username: String,
        /// The key whose certificate the app holds.
        private_key: SigningKey,
        /// Whom the statement is for; `None` for what fits the instance: `https://login.salesforce.com` for a production
        /// org, `https://test.salesforce.com` for a sandbox or a scratch org, and the instance itself elsewhere.
        audience: Option<String>,
    },
    /// Tokens of the web server flow, which someone else got and keeps.
    Oauth {
        /// The app's Consumer Key.
        consumer_key: String,
        /// The app's Consumer Secret, where the app asks for it at a refresh.
        consumer_secret: Option<Secret>,
        /// Where the tokens are.
        keeper: Arc<dyn TokenKeeper>,
    },
}

impl Credentials {
    /// The way's name, as a project file spells it.
    pub const fn method(&self) -> &'static str {
        match self {
            Credentials::ApiKey { .. } => "api_key",
            Credentials::Jwt { .. } => "jwt",
            Credentials::Oauth { .. } => "oauth",
        }
    }

    /// The app's Consumer Key.
    pub fn consumer_key(&self) -> &str {
        match self {
            Credentials::ApiKey { consumer_key, .. }
            | Credentials::Jwt { consumer_key, .. }
            | Credentials::Oauth { consumer_key, .. } => consumer_key,
        }
    }

    /// The app's secret, where there is one.
    pub(super) const fn consumer_secret(&self) -> Option<&Secret> {
        match self {
            Credentials::ApiKey {
                consumer_secret, ..
            } => Some(consumer_secret),
            Credentials::Jwt { .. } => None,
            Credentials::Oauth {
                consumer_secret, ..
            } => consumer_secret.as_ref(),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({})", self.method())
    }
}
