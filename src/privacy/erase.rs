//! Erasing a person, and erasing them again from a store that was restored.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Map;

use crate::foundation::error::Result;
use crate::foundation::identity::{IdentityHash, IdentityKey};
use crate::inbound;
use crate::store::Store;
use crate::store::model::{AuditAction, Erased, Erasure, Listed, NewAudit, hash_text};

use super::target::Target;

/// Names looked at together when a restored store is searched.
const PAGE: u32 = 10_000;

/// What an erasure came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// What was there.
    pub erased: Erased,
    /// Entries of the erasure list.
    pub listed: u64,
}

/// I26: erases a person. Webhooks that wait are taken in before, so that none of them brings the person back.
///
/// # Errors
/// What the store says; nothing is erased then.
pub fn erase(
    store: &dyn Store,
    key: &IdentityKey,
    target: &Target,
    actor: &str,
    now: Timestamp,
) -> Result<Ended> {
    while inbound::step(store, key, now)?.webhooks > 0 {}
    let listed = target.listed(key);
    let audit = told("erased", &listed, actor, now);
    Ok(Ended {
        erased: carry_out(store, target, &listed, Some(&audit), now)?,
        listed: listed.len() as u64,
    })
}

fn carry_out(
    store: &dyn Store,
    target: &Target,
    listed: &[Listed],
    audit: Option<&NewAudit>,
    now: Timestamp,
) -> Result<Erased> {
    store.erase(&Erasure {
        at: now,
        profiles: &target.keys,
        names: &target.names(),
        texts: &target.texts(),
        listed,
        audit,
    })
}

/// The entry of the audit log: who did it, and enough of a hash to find the entry of the list, which names nobody.
fn told(what: &str, listed: &[Listed], actor: &str, at: Timestamp) -> NewAudit {
    let first = listed.iter().map(hash).min();
    let mut details = Map::new();
    details.insert("what".to_owned(), what.into());
    details.insert("entries".to_owned(), listed.len().into());
    NewAudit {
        at,
        action: AuditAction::PersonErased,
        subject: first.map_or_else(String::new, |hash| {
            format!("person {}", &hash_text(hash.bytes())[..12])
        }),
        actor: actor.to_owned(),
        details,
    }
}

const fn hash(entry: &Listed) -> IdentityHash {
    match entry {
        Listed::Name(hash) | Listed::Person(hash) => *hash,
    }
}

/// Takes a person off the erasure list: they may be taken in and written to again, where they agree. How many entries there were.
///
/// # Errors
/// What the store says.
pub fn lift(
    store: &dyn Store,
    key: &IdentityKey,
    target: &Target,
    actor: &str,
    now: Timestamp,
) -> Result<u64> {
    let listed = target.listed(key);
    store.lift_erasures(&listed, &told("lifted", &listed, actor, now))
}

/// I26: erases again whom a store that was restored from an older copy still holds. How many entries of the list it had not
/// carried out.
///
/// # Errors
/// What the store says; `key` where it is needed and cannot be had.
pub fn catch_up(
    store: &dyn Store,
    key: impl FnOnce() -> Result<IdentityKey>,
    now: Timestamp,
) -> Result<u64> {
    let unapplied = store.unapplied_erasures()?;
    if unapplied.is_empty() {
        return Ok(0);
    }
    let key = key()?;
    let missing: BTreeSet<IdentityHash> = unapplied.iter().map(hash).collect();
    let mut after: Option<String> = None;
    loop {
        let page = store.names(after.as_deref(), PAGE)?;
        for name in &page {
            if missing.contains(&key.name(name))
                && let Ok(target) = Target::find(store, &key, name, true)?
            {
                carry_out(store, &target, &target.listed(&key), None, now)?;
            }
        }
        match page.last() {
            Some(last) => after = Some(last.clone()),
            None => break,
        }
    }
    // What is left names nobody here; it goes on the list, so that nobody is taken in under it.
    let nobody = Target::default();
    carry_out(store, &nobody, &unapplied, None, now)?;
    let entries = unapplied.len() as u64;
    tracing::warn!(
        entries,
        "the store was restored from an older copy: who was erased since is erased again"
    );
    Ok(entries)
}
