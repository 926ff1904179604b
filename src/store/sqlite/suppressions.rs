//! Those who must not be written to, those to be left alone for a while, and the check of the key that hides who they are.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::foundation::error::Result;
use crate::foundation::identity::IdentityHash;
use crate::store::model::{NewAudit, Scope, Suppression};

use super::audit;
use super::error::{cannot, corrupt};

pub(super) fn add(
    connection: &mut Connection,
    who: &[Suppression],
    entry: Option<&NewAudit>,
) -> Result<()> {
    let failed = cannot("keep a suppression");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    if let Some(entry) = entry {
        audit::write(&transaction, entry)?;
    }
    for one in who {
        put(&transaction, one)?;
    }
    transaction.commit().map_err(&failed)?;
    Ok(())
}

/// Keeps one suppression: the wider and the longer of two of one person.
pub(super) fn put(connection: &Connection, one: &Suppression) -> Result<bool> {
    let changed = connection
        .prepare_cached(
            "INSERT INTO suppressions (identity, scope, reason, source, at, until)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (identity) DO UPDATE SET
                scope = iif(excluded.scope = 'all', 'all', scope), reason = excluded.reason,
                source = excluded.source, at = excluded.at,
                until = iif(until IS NULL OR excluded.until IS NULL, NULL, max(until, excluded.until))
             WHERE (scope = 'marketing' AND excluded.scope = 'all')
                OR (until IS NOT NULL AND (excluded.until IS NULL OR excluded.until > until))",
        )
        .and_then(|mut insert| {
            insert.execute(params![
                one.identity.bytes(),
                one.scope.as_str(),
                one.reason,
                one.source,
                one.at.as_millisecond(),
                one.until.map(Timestamp::as_millisecond),
            ])
        })
        .map_err(cannot("keep a suppression"))?;
    Ok(changed > 0)
}

pub(super) fn lift(
    connection: &mut Connection,
    who: &[IdentityHash],
    entry: Option<&NewAudit>,
) -> Result<u64> {
    let failed = cannot("take a suppression away");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    if let Some(entry) = entry {
        audit::write(&transaction, entry)?;
    }
    let mut lifted = 0;
    for one in who {
        lifted += transaction
            .prepare_cached("DELETE FROM suppressions WHERE identity = ?1")
            .and_then(|mut delete| delete.execute(params![one.bytes()]))
            .map_err(&failed)?;
    }
    transaction.commit().map_err(&failed)?;
    Ok(lifted as u64)
}

/// Lifts what a person's own word about marketing put there, where they take it back.
pub(super) fn lift_own(connection: &Connection, who: IdentityHash) -> Result<bool> {
    let lifted = connection
        .prepare_cached(
            "DELETE FROM suppressions WHERE identity = ?1 AND scope = 'marketing' AND reason = 'stopped-marketing'",
        )
        .and_then(|mut delete| delete.execute(params![who.bytes()]))
        .map_err(cannot("take a suppression away"))?;
    Ok(lifted > 0)
}

pub(super) fn of(
    connection: &Connection,
    who: &[IdentityHash],
    now: Timestamp,
) -> Result<Vec<Option<Suppression>>> {
    let failed = cannot("look for suppressions");
    let mut find = connection
        .prepare_cached(
            "SELECT scope, reason, source, at, until FROM suppressions
             WHERE identity = ?1 AND (until IS NULL OR until > ?2)",
        )
        .map_err(&failed)?;
    let mut found = Vec::with_capacity(who.len());
    for identity in who {
        let mut rows = find
            .query(params![identity.bytes(), now.as_millisecond()])
            .map_err(&failed)?;
        let Some(row) = rows.next().map_err(&failed)? else {
            found.push(None);
            continue;
        };
        let time = |millis: i64| {
            Timestamp::from_millisecond(millis)
                .map_err(|_| corrupt("a suppression has no valid time"))
        };
        let scope: String = row.get(0).map_err(&failed)?;
        let until: Option<i64> = row.get(4).map_err(&failed)?;
        found.push(Some(Suppression {
            identity: *identity,
            scope: Scope::parse(&scope)
                .ok_or_else(|| corrupt("a suppression has no valid scope"))?,
            reason: row.get(1).map_err(&failed)?,
            source: row.get(2).map_err(&failed)?,
            at: time(row.get(3).map_err(&failed)?)?,
            until: until.map(time).transpose()?,
        }));
    }
    Ok(found)
}

/// The longest rest: sixteen days.
const LONGEST: SignedDuration = SignedDuration::from_hours(16 * 24);

/// Leaves a person alone from `at` for `first`, and each further time twice as long.
pub(super) fn rest(
    connection: &Connection,
    who: IdentityHash,
    first: SignedDuration,
    at: Timestamp,
) -> Result<()> {
    let failed = cannot("let a person rest");
    let times: u32 = connection
        .prepare_cached("SELECT times FROM rests WHERE identity = ?1")
        .map_err(&failed)?
        .query_row(params![who.bytes()], |row| row.get(0))
        .optional()
        .map_err(&failed)?
        .unwrap_or(0);
    let length = first
        .checked_mul(1 << times.min(8))
        .unwrap_or(LONGEST)
        .min(LONGEST);
    let until = at.checked_add(length).unwrap_or(Timestamp::MAX);
    connection
        .prepare_cached(
            "INSERT INTO rests (identity, until, times) VALUES (?1, ?2, ?3)
             ON CONFLICT (identity) DO UPDATE SET until = max(until, excluded.until), times = excluded.times",
        )
        .and_then(|mut put| put.execute(params![who.bytes(), until.as_millisecond(), times + 1]))
        .map_err(&failed)?;
    Ok(())
}

/// Until when any of the identities is to be left alone.
pub(super) fn resting(
    connection: &Connection,
    who: &[IdentityHash],
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    let failed = cannot("look for a person's rest");
    let mut find = connection
        .prepare_cached("SELECT until FROM rests WHERE identity = ?1 AND until > ?2")
        .map_err(&failed)?;
    let mut latest = None;
    for identity in who {
        let until: Option<i64> = find
            .query_row(params![identity.bytes(), now.as_millisecond()], |row| {
                row.get(0)
            })
            .optional()
            .map_err(&failed)?;
        latest = latest.max(until);
    }
    latest
        .map(|millis| {
            Timestamp::from_millisecond(millis).map_err(|_| corrupt("a rest has no valid time"))
        })
        .transpose()
}

pub(super) fn check(connection: &Connection) -> Result<Option<IdentityHash>> {
    let bytes: Option<[u8; 32]> = connection
        .query_row("SELECT checksum FROM identity_key", [], |row| row.get(0))
        .optional()
        .map_err(cannot("read the check of the identity key"))?;
    Ok(bytes.map(IdentityHash::new))
}

pub(super) fn keep_check(connection: &Connection, new: IdentityHash) -> Result<bool> {
    connection
        .execute(
            "INSERT INTO identity_key (one, checksum) VALUES (1, ?1) ON CONFLICT (one) DO NOTHING",
            params![new.bytes()],
        )
        .map_err(cannot("keep the check of the identity key"))?;
    Ok(check(connection)? == Some(new))
}
