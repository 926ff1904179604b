//! The key of identities: made once, sealed like every secret, and the same for as long as the store lives.

use jiff::Timestamp;
use serde_json::Map;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::identity::IdentityKey;
use crate::foundation::secret::Secret;
use crate::store::model::{AuditAction, NewAudit};

use super::{Change, Field, Vault};

/// What the key is kept under, in the place of a connection. The field is no connection's own.
pub const IDENTITY: &str = "identity";

impl Vault {
    /// The key under whose hashes people are remembered; made now where there is none.
    ///
    /// # Errors
    /// `identity-key-missing` where the vault has no key to open or seal it with (I23); what the vault and the store say.
    pub fn identity_key(&self, actor: &str, at: Timestamp) -> Result<IdentityKey> {
        if let Some(key) = self.known_identity_key()? {
            return Ok(key);
        }
        if self.store.identity_check()?.is_some() {
            return Err(Error::new(
                Code::IdentityKeyChanged,
                "opt-outs were kept under an identity key that is not in the vault any more",
            )
            .help("restore the vault and the store from one backup"));
        }
        // Two processes may want to make one at once: one does.
        let held = self.store.lock_connection(IDENTITY)?;
        if held.is_none() {
            return Err(Error::new(
                Code::ConnectionBusy,
                "another process is making the identity key just now",
            )
            .help("run the command again"));
        }
        if let Some(key) = self.known_identity_key()? {
            return Ok(key);
        }
        let secret = Secret::random()?;
        self.change(
            &Change {
                connection: IDENTITY,
                put: &[(Field::IdentityKey, &secret)],
                audit: Some(NewAudit {
                    at,
                    action: AuditAction::IdentityKeyMade,
                    subject: IDENTITY.to_owned(),
                    actor: actor.to_owned(),
                    details: Map::new(),
                }),
                ..Change::default()
            },
            at,
        )?;
        Ok(IdentityKey::new(&secret))
    }
    /// That key, where there is one. Makes none: what only looks leaves nothing behind (I11).
    ///
    /// # Errors
    /// `identity-key-missing` where the vault has no key to open it with (I23); what the vault and the store say.
    pub fn known_identity_key(&self) -> Result<Option<IdentityKey>> {
        if !self.has_key() {
            let message =
                "messages are remembered under a key of the vault, and the vault has none";
            return Err(Error::new(Code::IdentityKeyMissing, message).help(
                "make one with `bridged vault key --out FILE`, and set `BRIDGED_KEY_FILE` to that file",
            ));
        }
        let secret = self.get(IDENTITY, Field::IdentityKey)?;
        Ok(secret.map(|secret| IdentityKey::new(&secret)))
    }
}
