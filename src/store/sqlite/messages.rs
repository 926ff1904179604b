//! The send ledger: messages planned with a commit, taken over by a run, listed and counted.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use crate::foundation::error::Result;
use crate::foundation::event::Ledger;
use crate::foundation::id::{MessageId, PipelineName, RunId};
use crate::foundation::identity::IdentityHash;
use crate::store::model::{
    Commit, DEFAULT_LIMIT, Hold, MessageFilter, MessageRow, MessageState, NewAudit, NewMessage,
    Resolution,
};

use super::error::{cannot, corrupt, from_sql};
use super::query::query;
use super::shift::{Moved, shift};
use super::{audit, runs};

macro_rules! select {
    ($($rest:literal),+) => {
        concat!(
            "SELECT id, campaign, connection, pipeline, run_id, profile, record, masked, payload, state, \
             not_before, hold, expires_at, attempts, wamid, reason, at FROM messages ",
            $($rest),+
        )
    };
}

const ONE: &str = select!("WHERE id = ?1");
const DUE: &str = select!(
    "WHERE pipeline = ?1 AND state = 'planned' AND not_before <= ?2
       AND campaign NOT IN (SELECT name FROM campaigns WHERE state = 'paused')
     ORDER BY not_before, id LIMIT ?3"
);
const NEXT: &str = "SELECT not_before FROM messages WHERE pipeline = ?1 AND state = 'planned'
       AND campaign NOT IN (SELECT name FROM campaigns WHERE state = 'paused')
     ORDER BY not_before, id LIMIT 1";
const WAITING: &str =
    "SELECT hold, count(*) FROM messages WHERE pipeline = ?1 AND state = 'planned'
     GROUP BY hold ORDER BY hold";
const KNOWN: &str =
    "SELECT m.id, m.state FROM message_identities i JOIN messages m ON m.id = i.message
     WHERE i.campaign = ?1 AND i.identity = ?2";
const SINCE: &str = "SELECT count(*), min(reserved_at) FROM messages
     WHERE connection = ?1 AND reserved_at IS NOT NULL AND reserved_at >= ?2
       AND state NOT IN ('planned', 'refused', 'suppressed', 'expired')";

/// I22: puts the messages of a commit into the ledger, one a person and campaign, and says how many are planned now.
pub(super) fn plan(connection: &Connection, commit: &Commit<'_>) -> Result<u64> {
    let mut planned = 0;
    for message in commit.messages {
        planned += u64::from(plan_one(connection, commit, message)?);
    }
    Ok(planned)
}

fn plan_one(connection: &Connection, commit: &Commit<'_>, new: &NewMessage) -> Result<bool> {
    let failed = cannot("plan a message");
    let known = known(connection, &new.campaign, &new.identities)?;
    let (id, planned) = match known {
        None => {
            insert(connection, commit, new)?;
            (new.id.to_string(), true)
        }
        Some((id, state)) => {
            let again = !is_final(state);
            if again || state == MessageState::Planned {
                renew(connection, commit, new, &id)?;
            }
            (id, again)
        }
    };
    for identity in &new.identities {
        connection
            .prepare_cached(
                "INSERT INTO message_identities (campaign, identity, message) VALUES (?1, ?2, ?3)
                 ON CONFLICT (campaign, identity) DO NOTHING",
            )
            .and_then(|mut add| add.execute(params![new.campaign, identity.bytes(), id]))
            .map_err(&failed)?;
    }
    connection
        .prepare_cached(
            "INSERT INTO message_people (message, profile) VALUES (?1, ?2)
             ON CONFLICT (message, profile) DO NOTHING",
        )
        .and_then(|mut add| add.execute(params![id, new.profile]))
        .map_err(&failed)?;
    Ok(planned)
}

/// Whether the message of a state is not to be planned anew: nothing of a refused, suppressed or expired one was sent.
const fn is_final(state: MessageState) -> bool {
    !matches!(
        state,
        MessageState::Refused | MessageState::Suppressed | MessageState::Expired
    )
}

pub(super) fn messaged(
    connection: &Connection,
    campaign: &str,
    who: &[IdentityHash],
) -> Result<bool> {
    Ok(known(connection, campaign, who)?.is_some_and(|(_, state)| is_final(state)))
}

/// The message that the campaign has for any of the identities.
fn known(
    connection: &Connection,
    campaign: &str,
    who: &[IdentityHash],
) -> Result<Option<(String, MessageState)>> {
    let failed = cannot("look for a message");
    let mut find = connection.prepare_cached(KNOWN).map_err(&failed)?;
    for identity in who {
        let found = find
            .query_row(params![campaign, identity.bytes()], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            })
            .optional()
            .map_err(&failed)?;
        if let Some((id, state)) = found {
            let state = MessageState::parse(&state).ok_or_else(|| wrong(&id, "state"))?;
            return Ok(Some((id, state)));
        }
    }
    Ok(None)
}

fn insert(connection: &Connection, commit: &Commit<'_>, new: &NewMessage) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO messages (id, campaign, connection, pipeline, run_id, profile, record, masked,
                payload, state, not_before, hold, expires_at, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'planned', ?10, ?11, ?12, ?13)",
        )
        .and_then(|mut insert| {
            insert.execute(params![
                new.id.to_string(),
                new.campaign,
                new.connection,
                commit.pipeline.as_str(),
                commit.run_id.to_string(),
                new.profile,
                new.record,
                new.masked,
                new.payload,
                new.not_before.as_millisecond(),
                new.hold.map(Hold::as_str),
                new.expires_at.map(Timestamp::as_millisecond),
                commit.at.as_millisecond(),
            ])
        })
        .map_err(cannot("plan a message"))?;
    Ok(())
}

fn renew(connection: &Connection, commit: &Commit<'_>, new: &NewMessage, id: &str) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE messages SET payload = ?2, not_before = max(?3, iif(state = 'planned' AND hold IN
                    ('recipient', 'sender', 'messaging-limit'), not_before, 0)),
                hold = iif(state = 'planned' AND hold IN
                    ('recipient', 'sender', 'messaging-limit'), hold, ?4),
                expires_at = iif(state = 'planned', expires_at, ?5), at = ?6, run_id = iif(state = 'planned', run_id, ?7), pipeline = ?8,
                reason = NULL, state = 'planned'
             WHERE id = ?1",
        )
        .and_then(|mut update| {
            update.execute(params![
                id,
                new.payload,
                new.not_before.as_millisecond(),
                new.hold.map(Hold::as_str),
                new.expires_at.map(Timestamp::as_millisecond),
                commit.at.as_millisecond(),
                commit.run_id.to_string(),
                commit.pipeline.as_str(),
            ])
        })
        .map_err(cannot("plan a message"))?;
    Ok(())
}

/// Takes over what earlier runs left: what waits, and what was being sent when a run died.
pub(super) fn adopt(
    connection: &mut Connection,
    run_id: RunId,
    pipeline: &PipelineName,
    at: Timestamp,
) -> Result<Ledger> {
    let failed = cannot("take messages over");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    runs::check_open(&transaction, run_id, pipeline)?;
    let run = run_id.to_string();
    let unknown = transaction
        .execute(
            "UPDATE messages SET state = 'unknown', run_id = ?2, at = ?3,
                reason = 'the run that was sending it ended without a word'
             WHERE pipeline = ?1 AND state = 'dispatching' AND run_id <> ?2",
            params![pipeline.as_str(), run, at.as_millisecond()],
        )
        .map_err(&failed)?;
    let waiting = transaction
        .execute(
            "UPDATE messages SET run_id = ?2 WHERE pipeline = ?1 AND state = 'planned' AND run_id <> ?2",
            params![pipeline.as_str(), run],
        )
        .map_err(&failed)?;
    let moved = Moved {
        taken_over: (waiting + unknown) as u64,
        unknown: unknown as u64,
        ..Moved::default()
    };
    let ledger = shift(&transaction, run_id, pipeline, at, &moved)?;
    transaction.commit().map_err(&failed)?;
    Ok(ledger)
}

pub(super) fn due(
    connection: &Connection,
    pipeline: &PipelineName,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<MessageRow>> {
    let given = params![pipeline.as_str(), now.as_millisecond(), limit];
    query(connection, "list due messages", DUE, given, row)
}

pub(super) fn next(connection: &Connection, pipeline: &PipelineName) -> Result<Option<Timestamp>> {
    let found = query(
        connection,
        "look for due messages",
        NEXT,
        params![pipeline.as_str()],
        |row| time(row, 0),
    )?;
    Ok(found.into_iter().next())
}

pub(super) fn waiting(
    connection: &Connection,
    pipeline: &PipelineName,
) -> Result<Vec<(Option<Hold>, u64)>> {
    query(
        connection,
        "count waiting messages",
        WAITING,
        params![pipeline.as_str()],
        |row| {
            let failed = cannot("count waiting messages");
            let hold: Option<String> = row.get(0).map_err(&failed)?;
            let count = from_sql(row.get(1).map_err(&failed)?)?;
            Ok((hold.as_deref().and_then(Hold::parse), count))
        },
    )
}

pub(super) fn list(connection: &Connection, filter: &MessageFilter) -> Result<Vec<MessageRow>> {
    let sql = match (&filter.campaign, filter.state) {
        (Some(_), _) => select!(
            "WHERE campaign = ?1 AND state = coalesce(?2, state) AND id < ?3 ORDER BY id DESC LIMIT ?4"
        ),
        (None, Some(_)) => {
            select!("WHERE ?1 IS NULL AND state = ?2 AND id < ?3 ORDER BY id DESC LIMIT ?4")
        }
        (None, None) => {
            select!("WHERE ?1 IS NULL AND ?2 IS NULL AND id < ?3 ORDER BY id DESC LIMIT ?4")
        }
    };
    let before = filter.before.map(|id| id.to_string());
    let given = params![
        filter.campaign,
        filter.state.map(MessageState::as_str),
        // Behind every id: they begin with a hexadecimal digit.
        before.as_deref().unwrap_or("~"),
        filter.limit.unwrap_or(DEFAULT_LIMIT),
    ];
    query(connection, "list messages", sql, given, row)
}

pub(super) fn one(connection: &Connection, id: MessageId) -> Result<Option<MessageRow>> {
    by_id(connection, &id.to_string())
}

/// The same by the id as it is kept.
pub(super) fn by_id(connection: &Connection, id: &str) -> Result<Option<MessageRow>> {
    let found = query(connection, "read a message", ONE, params![id], row)?;
    Ok(found.into_iter().next())
}

pub(super) fn count(
    connection: &Connection,
    campaign: Option<&str>,
) -> Result<Vec<(MessageState, u64)>> {
    let sql = match campaign {
        Some(_) => {
            "SELECT state, count(*) FROM messages WHERE campaign = ?1 GROUP BY state ORDER BY state"
        }
        None => {
            "SELECT state, count(*) FROM messages WHERE ?1 IS NULL GROUP BY state ORDER BY state"
        }
    };
    query(
        connection,
        "count messages",
        sql,
        params![campaign],
        |row| {
            let failed = cannot("count messages");
            let word: String = row.get(0).map_err(&failed)?;
            let state = MessageState::parse(&word).ok_or_else(|| wrong(&word, "state"))?;
            Ok((state, from_sql(row.get(1).map_err(&failed)?)?))
        },
    )
}

pub(super) fn resolve(
    connection: &mut Connection,
    ids: &[MessageId],
    as_: Resolution,
    at: Timestamp,
    entry: &NewAudit,
) -> Result<u64> {
    let failed = cannot("resolve messages");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    audit::write(&transaction, entry)?;
    let sql = match as_ {
        Resolution::Sent => {
            "UPDATE messages SET state = 'accepted', payload = NULL, at = ?2,
                reason = 'somebody said that it was sent' WHERE id = ?1 AND state = 'unknown'"
        }
        Resolution::NotSent => {
            "UPDATE messages SET state = 'refused', payload = NULL, at = ?2,
                reason = 'somebody said that it was not sent' WHERE id = ?1 AND state = 'unknown'"
        }
        Resolution::Again => {
            "UPDATE messages SET state = 'planned', at = ?2, not_before = ?2, hold = NULL,
                reason = NULL WHERE id = ?1 AND state = 'unknown' AND payload <> ''"
        }
    };
    let mut resolved = 0;
    for id in ids {
        resolved += transaction
            .prepare_cached(sql)
            .and_then(|mut update| update.execute(params![id.to_string(), at.as_millisecond()]))
            .map_err(&failed)?;
    }
    transaction.commit().map_err(&failed)?;
    Ok(resolved as u64)
}

pub(super) fn last_reserved(connection: &Connection, campaign: &str) -> Result<Option<Timestamp>> {
    let last: Option<i64> = connection
        .prepare_cached("SELECT max(reserved_at) FROM messages WHERE campaign = ?1")
        .and_then(|mut last| last.query_row(params![campaign], |row| row.get(0)))
        .map_err(cannot("look for the last message"))?;
    last.map(instant).transpose()
}

pub(super) fn written_since(
    connection: &Connection,
    whatsapp: &str,
    since: Timestamp,
) -> Result<(u64, Option<Timestamp>)> {
    let failed = cannot("count what was sent");
    let (count, first): (i64, Option<i64>) = connection
        .prepare_cached(SINCE)
        .and_then(|mut count| {
            count.query_row(params![whatsapp, since.as_millisecond()], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
        })
        .map_err(&failed)?;
    let first = first.map(instant).transpose()?;
    Ok((from_sql(count)?, first))
}

/// The identities of a message.
pub(super) fn identities(connection: &Connection, id: &str) -> Result<Vec<IdentityHash>> {
    query(
        connection,
        "read a message",
        "SELECT identity FROM message_identities WHERE message = ?1",
        params![id],
        |row| {
            let bytes: [u8; 32] = row.get(0).map_err(cannot("read a message"))?;
            Ok(IdentityHash::new(bytes))
        },
    )
}

/// The profiles of a message.
pub(super) fn people(connection: &Connection, id: &str) -> Result<Vec<String>> {
    query(
        connection,
        "read a message",
        "SELECT profile FROM message_people WHERE message = ?1 ORDER BY profile",
        params![id],
        |row| row.get(0).map_err(cannot("read a message")),
    )
}

pub(super) fn row(row: &Row<'_>) -> Result<MessageRow> {
    let failed = cannot("read a message");
    let text = |index: usize| row.get::<_, String>(index).map_err(&failed);
    let optional = |index: usize| row.get::<_, Option<String>>(index).map_err(&failed);
    let id = text(0)?;
    let expires: Option<i64> = row.get(12).map_err(&failed)?;
    let hold = optional(11)?;
    Ok(MessageRow {
        campaign: text(1)?,
        connection: text(2)?,
        pipeline: PipelineName::parse(&text(3)?).ok_or_else(|| wrong(&id, "pipeline"))?,
        run_id: RunId::parse(&text(4)?).ok_or_else(|| wrong(&id, "run"))?,
        profile: text(5)?,
        record: text(6)?,
        masked: text(7)?,
        payload: optional(8)?,
        state: MessageState::parse(&text(9)?).ok_or_else(|| wrong(&id, "state"))?,
        not_before: time(row, 10)?,
        hold: hold
            .map(|word| Hold::parse(&word).ok_or_else(|| wrong(&id, "hold")))
            .transpose()?,
        expires_at: expires.map(instant).transpose()?,
        attempts: row.get(13).map_err(&failed)?,
        wamid: optional(14)?,
        reason: optional(15)?,
        at: time(row, 16)?,
        id: MessageId::parse(&id).ok_or_else(|| wrong(&id, "id"))?,
    })
}

fn time(row: &Row<'_>, index: usize) -> Result<Timestamp> {
    instant(row.get(index).map_err(cannot("read a message"))?)
}

/// An instant as it was kept.
pub(super) fn instant(millis: i64) -> Result<Timestamp> {
    Timestamp::from_millisecond(millis).map_err(|_| corrupt("a message has no valid time"))
}

pub(super) fn wrong(id: &str, what: &str) -> crate::foundation::error::Error {
    corrupt(format!("message `{id}` has no valid {what}"))
}

#[cfg(test)]
mod tests {
    use super::super::migrate::tests::query_plan;
    use super::{DUE, KNOWN, NEXT, SINCE, WAITING};

    #[test]
    fn every_question_is_answered_by_an_index() {
        for (sql, index) in [
            (DUE, "messages_planned"),
            (NEXT, "messages_planned"),
            (WAITING, "messages_planned"),
            (KNOWN, "PRIMARY KEY"),
            (SINCE, "messages_reserved"),
        ] {
            let plan = query_plan(sql);
            assert!(plan.iter().any(|step| step.contains(index)), "{plan:?}");
            assert!(
                !plan.iter().any(|step| step.starts_with("SCAN messages")),
                "{plan:?}"
            );
        }
    }
}
