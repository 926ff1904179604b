//! The tokens of a connection in the vault, for all processes that share its store.

use std::sync::Arc;

use crate::foundation::clock::Clock;
use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::failpoint;
use crate::foundation::secret::Secret;
use crate::salesforce::keeper::{FreshTokens, KeptTokens, Lock, TokenKeeper};
use crate::store::model::{Card, CardChange};
use crate::vault::{Change, Field, Vault};

/// Keeps the tokens of one connection.
#[derive(Debug)]
pub struct VaultKeeper {
    vault: Arc<Vault>,
    connection: String,
    clock: Clock,
}

impl VaultKeeper {
    /// The keeper of the connection called `connection`.
    pub fn new(vault: Arc<Vault>, connection: &str) -> Self {
        Self {
            vault,
            connection: connection.to_owned(),
            clock: Clock::system(),
        }
    }

    fn card(&self) -> Result<Card> {
        self.vault.card(&self.connection)?.ok_or_else(|| {
            let message = format!("nobody has signed in for connection `{}`", self.connection);
            let help = format!("run `bridged connect {}`", self.connection);
            Error::new(Code::NotConnected, message).help(help)
        })
    }

    /// Changes the card, with tokens where there are new ones.
    fn change(&self, put: &[(Field, &Secret)], edit: impl FnOnce(&mut Card)) -> Result<()> {
        let mut card = self.card()?;
        edit(&mut card);
        let change = Change {
            connection: &self.connection,
            put,
            remove: &[],
            card: Some(CardChange::Put(&card)),
            audit: None,
        };
        self.vault.change(&change, self.clock.now())
    }
}

impl TokenKeeper for VaultKeeper {
    fn connection(&self) -> &str {
        &self.connection
    }

    fn load(&self) -> Result<KeptTokens> {
        let card = self.card()?;
        Ok(KeptTokens {
            access: self.vault.get(&self.connection, Field::AccessToken)?,
            refresh: self.vault.get(&self.connection, Field::RefreshToken)?,
            begun: card.refresh_begun,
            rotates: card.refresh_rotates,
            refused: card.refresh_refused,
        })
    }

    fn lock(&self) -> Result<Option<Lock>> {
        let lock = self.vault.lock(&self.connection)?;
        Ok(lock.map(|lock| Box::new(lock) as Lock))
    }

    fn begin(&self) -> Result<()> {
        self.change(&[], |card| card.refresh_begun = true)
    }

    fn keep(&self, fresh: &FreshTokens) -> Result<()> {
        failpoint::reach("tokens-before-keep");
        let mut put = vec![(Field::AccessToken, &fresh.access)];
        put.extend(
            fresh
                .refresh
                .as_ref()
                .map(|next| (Field::RefreshToken, next)),
        );
        let now = self.clock.now();
        self.change(&put, |card| {
            card.refresh_begun = false;
            card.refresh_refused = false;
            card.refresh_rotates = Some(fresh.refresh.is_some());
            card.refreshed_at = Some(now);
            if let Some(scope) = &fresh.scope {
                card.scopes = scope.split_whitespace().map(str::to_owned).collect();
            }
        })
    }

    fn unused(&self) -> Result<()> {
        self.change(&[], |card| card.refresh_begun = false)
    }

    fn refused(&self) -> Result<()> {
        self.change(&[], |card| {
            card.refresh_begun = false;
            card.refresh_refused = true;
        })
    }
}
