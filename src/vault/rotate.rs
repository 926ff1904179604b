//! Rotation: every secret is sealed again with the newest key, one at a time, so that it can stop and go on anywhere.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::failpoint::reach;
use crate::foundation::secret::Secret;
use crate::store::model::{AuditAction, NewAudit, Sealed};

use super::field::Field;
use super::key::{KeyId, KeyRing};
use super::{Vault, lost, seal};

/// Where a test can kill a rotation.
pub const FAILPOINTS: &[&str] = &[
    "vault-before-rotation",
    "vault-rotation-told",
    "vault-before-reseal",
    "vault-after-reseal",
];

/// Secrets that are read at once.
const PAGE: u32 = 100;
/// How often a rotation looks for secrets that other processes sealed with older keys meanwhile.
const ROUNDS: u32 = 5;

/// What a rotation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotated {
    /// The key that seals all secrets now.
    pub newest: KeyId,
    /// The secrets that were sealed again.
    pub resealed: u64,
    /// The secrets that it had sealed before.
    pub already: u64,
    /// The secrets that another process, which has older keys, sealed again and again meanwhile.
    pub remaining: u64,
}

/// How many secrets a key seals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// The key's id.
    pub id: String,
    /// Whether the key is there.
    pub present: bool,
    /// The secrets.
    pub secrets: u64,
}

/// How the vault stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The key that seals; `None` where no key is given.
    pub newest: Option<KeyId>,
    /// The keys that are given, the newest first, and behind them those that secrets need and that are not given.
    pub keys: Vec<KeyUse>,
    /// The fields that are kept, by connection.
    pub connections: BTreeMap<String, Vec<String>>,
    /// The secrets that do not open, connection and field, though their key is there.
    pub tampered: Vec<(String, String)>,
}

impl Status {
    /// How many secrets are kept.
    pub fn secrets(&self) -> u64 {
        self.keys.iter().map(|key| key.secrets).sum()
    }
}

impl Vault {
    /// I17: seals every secret with the newest key that it does not seal already, each in a transaction of its own.
    ///
    /// It can be stopped anywhere and begun again. Nothing is done where a secret's key is missing.
    ///
    /// # Errors
    /// `vault-key-missing`; `vault-key-lost` and `vault-tampered`, before anything is written; what the store says.
    pub fn rotate(&self, at: Timestamp, actor: &str) -> Result<Rotated> {
        let ring = self.ring.as_deref().ok_or_else(|| {
            Error::new(
                Code::VaultKeyMissing,
                "there is no key to seal the vault's secrets with",
            )
            .help("Set `BRIDGED_KEY_FILE` to the file with the new key and, behind it, the ones before")
        })?;
        let newest = ring.newest().to_string();
        let (older, already) = self.older(ring, &newest)?;
        let mut rotated = Rotated {
            newest: ring.newest(),
            resealed: 0,
            already,
            remaining: 0,
        };
        let total: u64 = older.values().sum();
        if total == 0 {
            return Ok(rotated);
        }
        reach("vault-before-rotation");
        // I18: what cannot be told is not done.
        self.store.append_audit(&told(at, actor, &newest, &older))?;
        reach("vault-rotation-told");
        for _ in 0..ROUNDS {
            rotated.resealed += self.reseal_all(ring, &newest, at)?;
            rotated.remaining = self.older(ring, &newest)?.0.values().sum();
            if rotated.remaining == 0 {
                break;
            }
        }
        Ok(rotated)
    }

    /// How many secrets each key seals, and which of them do not open. Needs no key to count.
    ///
    /// # Errors
    /// What the store says.
    pub fn status(&self) -> Result<Status> {
        let ring = self.ring.as_deref();
        let mut status = Status {
            newest: ring.map(KeyRing::newest),
            keys: Vec::new(),
            connections: BTreeMap::new(),
            tampered: Vec::new(),
        };
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        self.each(|sealed| {
            *counts.entry(sealed.key_id.clone()).or_default() += 1;
            let cipher = ring.and_then(|ring| ring.opening(&sealed.key_id));
            let place = self.place(&sealed.connection, &sealed.field);
            if cipher.is_some_and(|cipher| seal::open(cipher, place, sealed).is_err()) {
                let name = (sealed.connection.clone(), sealed.field.clone());
                status.tampered.push(name);
            }
            let fields = status.connections.entry(sealed.connection.clone());
            fields.or_default().push(sealed.field.clone());
            Ok(())
        })?;
        for id in ring.into_iter().flat_map(KeyRing::ids) {
            let id = id.to_string();
            status.keys.push(KeyUse {
                secrets: counts.remove(&id).unwrap_or_default(),
                present: true,
                id,
            });
        }
        status
            .keys
            .extend(counts.into_iter().map(|(id, secrets)| KeyUse {
                id,
                present: false,
                secrets,
            }));
        Ok(status)
    }

    /// Why secrets cannot be read: one error a connection where keys are missing, one a secret that does not open.
    ///
    /// # Errors
    /// What the store says.
    pub fn unreadable(&self, status: &Status) -> Result<Vec<Error>> {
        let mut errors = Vec::new();
        for (connection, fields) in &status.connections {
            for field in fields.iter().filter_map(|field| Field::parse(field)) {
                match self.get(connection, field) {
                    Ok(_) => {}
                    Err(error) if error.code() == Code::VaultTampered => errors.push(error),
                    Err(error) if error.code() == Code::VaultKeyLost => {
                        // It names all fields of the connection that need a missing key.
                        errors.push(error);
                        break;
                    }
                    // Without any key one error tells all.
                    Err(error) if error.code() == Code::VaultKeyMissing => return Ok(vec![error]),
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(errors)
    }

    /// How many secrets each older key seals, and how many the newest does. Refuses secrets that do not open.
    fn older(&self, ring: &KeyRing, newest: &str) -> Result<(BTreeMap<String, u64>, u64)> {
        let (mut older, mut already) = (BTreeMap::new(), 0);
        self.each(|sealed| {
            self.open(ring, sealed)?;
            if sealed.key_id == newest {
                already += 1;
            } else {
                *older.entry(sealed.key_id.clone()).or_default() += 1;
            }
            Ok(())
        })?;
        Ok((older, already))
    }

    fn reseal_all(&self, ring: &KeyRing, newest: &str, at: Timestamp) -> Result<u64> {
        let mut resealed = 0;
        self.each(|old| {
            if old.key_id == newest {
                return Ok(());
            }
            let secret = self.open(ring, old)?;
            let place = self.place(&old.connection, &old.field);
            let new = seal::seal(ring, place, &secret, at)?;
            reach("vault-before-reseal");
            // A secret that was changed since it was read is left to the next round.
            resealed += u64::from(self.store.reseal(old, &new)?);
            reach("vault-after-reseal");
            Ok(())
        })?;
        Ok(resealed)
    }

    fn open(&self, ring: &KeyRing, sealed: &Sealed) -> Result<Secret> {
        let Some(cipher) = ring.opening(&sealed.key_id) else {
            return Err(lost(
                ring,
                &sealed.connection,
                &self.store.sealed(&sealed.connection)?,
            ));
        };
        seal::open(
            cipher,
            self.place(&sealed.connection, &sealed.field),
            sealed,
        )
    }

    /// Shows every sealed secret to `look`, page by page.
    fn each(&self, mut look: impl FnMut(&Sealed) -> Result<()>) -> Result<()> {
        let mut page = self.store.sealed_after(None, PAGE)?;
        while let Some(last) = page.last().cloned() {
            page.iter().try_for_each(&mut look)?;
            let after = Some((last.connection.as_str(), last.field.as_str()));
            page = self.store.sealed_after(after, PAGE)?;
        }
        Ok(())
    }
}

fn told(at: Timestamp, actor: &str, newest: &str, older: &BTreeMap<String, u64>) -> NewAudit {
    let from: Map<String, Value> = older
        .iter()
        .map(|(id, count)| (id.clone(), Value::from(*count)))
        .collect();
    let mut details = Map::new();
    details.insert("to".to_owned(), newest.into());
    details.insert("from".to_owned(), Value::Object(from));
    NewAudit {
        at,
        action: AuditAction::KeyRotated,
        subject: "vault".to_owned(),
        actor: actor.to_owned(),
        details,
    }
}
