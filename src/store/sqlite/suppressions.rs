//! Those who must not be written to, those to be left alone for a while, and the check of the key that hides who they are.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::foundation::error::Result;
use crate::foundation::identity::IdentityHash;
use crate::foundation::record::{Engagement, EngagementKind};
use crate::store::model::{Lifting, NewAudit, Scope, Suppression};

use super::changes::Changes;
use super::error::{cannot, corrupt};
use super::{audit, engagements, statuses};

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

/// Keeps one suppression: the wider and the longer of two of one person, and of two opt-outs the later one. An opt-out from before the
/// end of another was taken back with it.
pub(super) fn put(connection: &Connection, one: &Suppression) -> Result<bool> {
    let changed = connection
        .prepare_cached(
            "INSERT INTO suppressions (identity, scope, reason, source, at, until)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (identity) DO UPDATE SET
                scope = iif(excluded.scope = 'all', 'all', scope), reason = excluded.reason,
                source = excluded.source, at = excluded.at,
                until = iif(until IS NULL OR excluded.until IS NULL, NULL, max(until, excluded.until))
             WHERE ((scope = 'marketing' AND excluded.scope = 'all')
                OR (until IS NOT NULL AND (excluded.until IS NULL OR excluded.until > until))
                OR (reason = 'opted-out' AND excluded.reason = 'opted-out' AND excluded.at > at))
               AND NOT (reason = 'opted-out' AND excluded.reason = 'opted-out' AND excluded.at < coalesce(until, excluded.at))",
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

/// The reason of an opt-out by a person's own word.
const OPTED_OUT: &str = "opted-out";

/// I23: suppresses a person who asked for no more messages, unless they took that back later. Whether it changed anything.
pub(super) fn opt_out(
    connection: &Connection,
    identity: IdentityHash,
    source: &str,
    at: Timestamp,
) -> Result<bool> {
    let suppression = Suppression {
        identity,
        scope: Scope::All,
        reason: OPTED_OUT.to_owned(),
        source: source.to_owned(),
        at,
        until: None,
    };
    put(connection, &suppression)
}

/// Ends an opt-out by a person's own later word. What else suppresses them stays, and so does an erasure.
///
/// The ended one is kept, also where none was known: an opt-out from before may come in later.
pub(super) fn opt_in(
    connection: &Connection,
    identity: IdentityHash,
    source: &str,
    at: Timestamp,
) -> Result<bool> {
    let changed = connection
        .prepare_cached(
            "INSERT INTO suppressions (identity, scope, reason, source, at, until)
             SELECT ?1, 'all', ?2, ?3, ?4, ?4 WHERE NOT EXISTS (SELECT 1 FROM erasures WHERE hash = ?1)
             ON CONFLICT (identity) DO UPDATE SET until = excluded.until
             WHERE reason = excluded.reason AND at < excluded.at
               AND (until IS NULL OR until < excluded.until)",
        )
        .and_then(|mut insert| {
            insert.execute(params![
                identity.bytes(),
                OPTED_OUT,
                source,
                at.as_millisecond()
            ])
        })
        .map_err(cannot("take a suppression away"))?;
    Ok(changed > 0)
}

pub(super) fn lift(connection: &mut Connection, lifting: &Lifting<'_>) -> Result<u64> {
    let failed = cannot("take a suppression away");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    if let Some(entry) = lifting.audit {
        audit::write(&transaction, entry)?;
    }
    let now = lifting.at.as_millisecond();
    let mut lifted = 0;
    for one in lifting.who {
        // An opt-out is ended and not forgotten: it may be delivered once more.
        lifted += transaction
            .prepare_cached(
                "UPDATE suppressions SET at = min(at, ?3), until = ?3
                 WHERE identity = ?1 AND reason = ?2 AND (until IS NULL OR until > ?3)",
            )
            .and_then(|mut end| end.execute(params![one.bytes(), OPTED_OUT, now]))
            .map_err(&failed)?;
        lifted += transaction
            .prepare_cached("DELETE FROM suppressions WHERE identity = ?1 AND reason <> ?2")
            .and_then(|mut delete| delete.execute(params![one.bytes(), OPTED_OUT]))
            .map_err(&failed)?;
    }
    let mut changes = Changes::begin(&transaction)?;
    for profile in lifting.people {
        let summary = engagements::summaries(&transaction, &[profile], lifting.at)?;
        let Some(last) = summary
            .first()
            .filter(|summary| summary.opted_out)
            .and_then(|summary| summary.last_wish)
        else {
            continue;
        };
        let at = lifting.at.max(last + SignedDuration::from_millis(1));
        let event = Engagement {
            id: format!("lifted:{}:{profile}", at.as_millisecond()),
            profile: profile.clone(),
            kind: EngagementKind::OptedIn,
            at,
            campaign: None,
        };
        statuses::engage(&transaction, &event, &mut changes)?;
    }
    changes.keep(&transaction)?;
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
