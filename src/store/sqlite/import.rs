//! Imports: Bridged's own records, each call one transaction without a run.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::foundation::error::Result;
use crate::foundation::failpoint::reach;
use crate::foundation::identity::IdentityKey;
use crate::foundation::record::{Engagement, Outcome, Profile};
use crate::store::model::Imported;

use super::changes::Changes;
use super::erasures::Gate;
use super::error::cannot;
use super::{commit, engagements, outcomes};

pub(super) fn profiles(
    connection: &mut Connection,
    profiles: &[Profile],
    at: Timestamp,
    key: Option<&IdentityKey>,
) -> Result<Vec<Imported>> {
    let profiles: Vec<_> = profiles.iter().map(commit::encode).collect::<Result<_>>()?;
    import(connection, key, |transaction, changes, gate| {
        commit::write_admitted(transaction, &profiles, at, changes, gate)
    })
}

pub(super) fn outcomes(
    connection: &mut Connection,
    outcomes: &[Outcome],
    at: Timestamp,
    key: Option<&IdentityKey>,
) -> Result<Vec<Imported>> {
    import(connection, key, |transaction, changes, gate| {
        let mut writer = outcomes::Writer::new(transaction, at.as_millisecond())?;
        let each = outcomes.iter().map(|outcome| {
            if gate.holds(&outcome.profile)? || gate.holds(&outcome.id)? {
                return Ok(Imported::Erased);
            }
            writer.settle(outcome, changes)
        });
        each.collect()
    })
}

pub(super) fn engagements(
    connection: &mut Connection,
    engagements: &[Engagement],
    key: Option<&IdentityKey>,
) -> Result<Vec<Imported>> {
    import(connection, key, |transaction, changes, gate| {
        let mut writer = engagements::Writer::new(transaction)?;
        let mut settled = Vec::with_capacity(engagements.len());
        let mut touched = BTreeSet::new();
        for event in engagements {
            if gate.holds(&event.profile)? {
                settled.push(Imported::Erased);
                continue;
            }
            let one = writer.settle(event)?;
            if one == Imported::Added {
                touched.insert(event.profile.as_str());
            }
            settled.push(one);
        }
        // Once a profile, however many events it has.
        for profile in touched {
            writer.touch(profile, changes)?;
        }
        Ok(settled)
    })
}

fn import(
    connection: &mut Connection,
    key: Option<&IdentityKey>,
    write: impl FnOnce(&Transaction<'_>, &mut Changes, &mut Gate<'_, '_>) -> Result<Vec<Imported>>,
) -> Result<Vec<Imported>> {
    let failed = cannot("import");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    let mut changes = Changes::begin(&transaction)?;
    let mut gate = Gate::open(&transaction, key)?;
    let settled = write(&transaction, &mut changes, &mut gate)?;
    drop(gate);
    reach("store-mid-commit");
    changes.keep(&transaction)?;
    reach("store-before-commit");
    transaction.commit().map_err(&failed)?;
    reach("store-after-commit");
    Ok(settled)
}
