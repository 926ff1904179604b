//! The vault: secrets of connections, sealed with a key that the store never sees.
//!
//! Each secret is sealed alone, with a random number of its own, and bound to its project, connection, field and key: a row
//! that was changed, moved, renamed or copied from another project does not open. The key comes from the environment
//! ([`key::KeyRing::load`]). Several keys may be there at once: the newest seals, all of them open.
//!
//! Calls block as those of the store do.

mod field;
mod identity;
pub mod key;
pub mod private_file;
mod rotate;
mod seal;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::secret::Secret;
use crate::store::Store;
use crate::store::model::{Card, CardChange, ConnectionChange, ConnectionLock, NewAudit, Sealed};

pub use self::field::Field;
pub use self::identity::IDENTITY;
pub use self::key::{KeyId, KeyRing};
pub use self::rotate::{FAILPOINTS, KeyUse, Rotated, Status};
pub use self::seal::MAX_SECRET_BYTES;

use self::seal::Place;

/// The secrets of a project's connections.
#[derive(Clone)]
pub struct Vault {
    store: Arc<dyn Store>,
    project: String,
    ring: Option<Arc<KeyRing>>,
}

/// What becomes of one connection, in one transaction of the store.
#[derive(Debug, Clone, Default)]
pub struct Change<'a> {
    /// The connection.
    pub connection: &'a str,
    /// Secrets to seal, each in the place of the earlier one.
    pub put: &'a [(Field, &'a Secret)],
    /// Secrets to take away.
    pub remove: &'a [Field],
    /// What becomes of the card; `None` leaves it as it is.
    pub card: Option<CardChange<'a>>,
    /// What the audit log keeps of it.
    pub audit: Option<NewAudit>,
}

impl Vault {
    /// The vault of a project, by the name that its file gives it. Without keys it still tells what it holds.
    pub fn new(store: Arc<dyn Store>, project: &str, ring: Option<KeyRing>) -> Self {
        Self {
            store,
            project: project.to_owned(),
            ring: ring.map(Arc::new),
        }
    }

    /// A secret of a connection; `None` where none is kept.
    ///
    /// # Errors
    /// `vault-key-missing` where one is kept and there is no key, `vault-key-lost`, `vault-tampered`; what the store says.
    pub fn get(&self, connection: &str, field: Field) -> Result<Option<Secret>> {
        let all = self.store.sealed(connection)?;
        let Some(sealed) = all.iter().find(|one| one.field == field.as_str()) else {
            return Ok(None);
        };
        let ring = self.ring(connection)?;
        let Some(cipher) = ring.opening(&sealed.key_id) else {
            return Err(lost(ring, connection, &all));
        };
        seal::open(cipher, self.place(connection, field.as_str()), sealed).map(Some)
    }

    /// Whether there is a key that seals.
    pub const fn has_key(&self) -> bool {
        self.ring.is_some()
    }

    /// Which secrets of a connection are kept. Needs no key.
    ///
    /// # Errors
    /// What the store says.
    pub fn holds(&self, connection: &str) -> Result<Vec<Field>> {
        let all = self.store.sealed(connection)?;
        Ok(all
            .iter()
            .filter_map(|one| Field::parse(&one.field))
            .collect())
    }

    /// Changes what is kept of a connection, all of it or nothing. Needs a key only where something is put.
    ///
    /// # Errors
    /// `vault-key-missing`, `vault-secret-refused`; what the store says.
    pub fn change(&self, change: &Change<'_>, at: Timestamp) -> Result<()> {
        let mut put = Vec::with_capacity(change.put.len());
        for (field, secret) in change.put {
            seal::check(*field, secret)?;
            let place = self.place(change.connection, field.as_str());
            put.push(seal::seal(
                self.ring(change.connection)?,
                place,
                secret,
                at,
            )?);
        }
        let remove: Vec<&str> = change.remove.iter().map(|field| field.as_str()).collect();
        self.store.change_connection(&ConnectionChange {
            connection: change.connection,
            put: &put,
            remove: &remove,
            card: change.card,
            audit: change.audit.as_ref(),
        })
    }

    /// What is connected under a name. Needs no key.
    ///
    /// # Errors
    /// What the store says.
    pub fn card(&self, connection: &str) -> Result<Option<Card>> {
        self.store.card(connection)
    }

    /// All that is connected. Needs no key.
    ///
    /// # Errors
    /// What the store says.
    pub fn cards(&self) -> Result<Vec<Card>> {
        self.store.cards()
    }

    /// Takes a connection for renewing its tokens, over all processes; `None` while somebody else has it.
    ///
    /// # Errors
    /// What the store says.
    pub fn lock(&self, connection: &str) -> Result<Option<ConnectionLock>> {
        self.store.lock_connection(connection)
    }

    /// Whether there is a key with which secrets of a connection can be sealed.
    ///
    /// # Errors
    /// `vault-key-missing`.
    pub fn can_seal(&self, connection: &str) -> Result<()> {
        self.ring(connection).map(|_| ())
    }

    fn ring(&self, connection: &str) -> Result<&KeyRing> {
        self.ring.as_deref().ok_or_else(|| {
            Error::new(
                Code::VaultKeyMissing,
                format!("the secrets of connection `{connection}` need the vault's key, and none is given"),
            )
            .help("Set `BRIDGED_KEY_FILE` to the file with the key; `bridged vault key --out FILE` makes the first one")
        })
    }

    fn place<'a>(&'a self, connection: &'a str, field: &'a str) -> Place<'a> {
        Place {
            project: &self.project,
            connection,
            field,
        }
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({}, {:?})", self.project, self.ring)
    }
}

/// The error of secrets whose key is not in the ring: which key, and what must be entered again without it.
fn lost(ring: &KeyRing, connection: &str, all: &[Sealed]) -> Error {
    let (mut fields, mut ids): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for one in all.iter().filter(|one| ring.opening(&one.key_id).is_none()) {
        fields.push(&one.field);
        if !ids.contains(&one.key_id.as_str()) {
            ids.push(&one.key_id);
        }
    }
    let (fields, ids) = (quoted(&fields), quoted(&ids));
    Error::new(
        Code::VaultKeyLost,
        format!(
            "{fields} of connection `{connection}` can only be opened with the key {ids}, which is not among the vault's keys"
        ),
    )
    .help(format!(
        "Put that key back, behind the newest one; where it is gone for good, enter {fields} again with \
         `bridged connect {connection}`"
    ))
}

fn quoted(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}
