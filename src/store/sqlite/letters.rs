//! Dead letters: written with the commit that rejected them, listed newest first.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{Connection, Row, TransactionBehavior, params};

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::id::{Fingerprint, PipelineName, RunId};
use crate::foundation::record::{DeadLetter, RecordError};
use crate::store::model::{Closed, Commit, DEFAULT_LIMIT, DeadLetterRow, LetterFilter};

use super::error::{cannot, corrupt};
use super::query::query;

macro_rules! select {
    ($($rest:literal),+) => {
        concat!(
            "SELECT id, run_id, pipeline, fingerprint, step, key, code, field, message, \
             remote_code, attempts, at, payload, closed_how, closed_at FROM dead_letters ",
            $($rest),+
        )
    };
}

const CLOSE_KEY: &str = "UPDATE dead_letters SET closed_at = ?3, closed_how = 'delivered'
     WHERE pipeline = ?1 AND key = ?2 AND closed_at IS NULL AND key <> ''";
const HAS_OPEN: &str =
    "SELECT EXISTS (SELECT 1 FROM dead_letters WHERE pipeline = ?1 AND closed_at IS NULL)";

/// Closes the open letters of records that the commit settles, but for those that it rejects as well.
pub(super) fn settle(connection: &Connection, commit: &Commit<'_>) -> Result<()> {
    // Most pipelines have no open letter, and one question spares them a statement a record.
    if commit.settled_keys.is_empty() || !has_open(connection, commit.pipeline)? {
        return Ok(());
    }
    let failed = cannot("close a dead letter");
    let letters = commit.dead_letters.iter();
    let rejected: HashSet<&str> = letters.map(|letter| letter.key.as_str()).collect();
    let mut statement = connection.prepare_cached(CLOSE_KEY).map_err(&failed)?;
    for key in commit.settled_keys {
        if !rejected.contains(key.as_str()) {
            let at = commit.at.as_millisecond();
            statement
                .execute(params![commit.pipeline.as_str(), key, at])
                .map_err(&failed)?;
        }
    }
    Ok(())
}

pub(super) fn has_open(connection: &Connection, pipeline: &PipelineName) -> Result<bool> {
    connection
        .prepare_cached(HAS_OPEN)
        .and_then(|mut statement| statement.query_row(params![pipeline.as_str()], |row| row.get(0)))
        .map_err(cannot("look for dead letters"))
}

pub(super) fn close(
    connection: &mut Connection,
    ids: &[i64],
    how: Closed,
    at: Timestamp,
) -> Result<u64> {
    let failed = cannot("close dead letters");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    let mut closed = 0;
    for id in ids {
        closed += transaction
            .execute(
                "UPDATE dead_letters SET closed_at = ?2, closed_how = ?3
                 WHERE id = ?1 AND closed_at IS NULL",
                params![id, at.as_millisecond(), how.as_str()],
            )
            .map_err(&failed)?;
    }
    transaction.commit().map_err(&failed)?;
    Ok(closed as u64)
}

pub(super) fn write(connection: &Connection, letters: &[DeadLetter]) -> Result<()> {
    if letters.is_empty() {
        return Ok(());
    }
    let failed = cannot("keep a dead letter");
    let mut statement = connection
        .prepare_cached(
            "INSERT INTO dead_letters (run_id, pipeline, fingerprint, step, key, code, field,
                message, remote_code, attempts, at, payload)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
             ON CONFLICT (pipeline, key) WHERE closed_at IS NULL AND key <> ''
             DO UPDATE SET run_id = excluded.run_id, fingerprint = excluded.fingerprint,
                step = excluded.step, code = excluded.code, field = excluded.field,
                message = excluded.message, remote_code = excluded.remote_code,
                attempts = min(attempts + excluded.attempts, 4294967295), at = excluded.at,
                payload = excluded.payload",
        )
        .map_err(&failed)?;
    for letter in letters {
        statement
            .execute(params![
                letter.run_id.to_string(),
                letter.pipeline,
                letter.fingerprint.to_string(),
                letter.step,
                letter.key,
                letter.reason.code.as_str(),
                letter.reason.field,
                letter.reason.message,
                letter.reason.remote_code,
                letter.attempts,
                letter.at.as_millisecond(),
                letter.payload.to_string(),
            ])
            .map_err(&failed)?;
    }
    Ok(())
}

/// The same questions in another order, so that the index of a pipeline or of a run finds its letters.
macro_rules! list {
    ($first:literal, $open:literal) => {
        select!(
            $first,
            $open,
            " AND (?3 IS NULL OR code = ?3) AND (?4 IS NULL OR at >= ?4)
              AND (?5 IS NULL OR id < ?5) ORDER BY id DESC LIMIT ?6"
        )
    };
}

/// All letters, and those that are open.
macro_rules! both {
    ($first:literal) => {
        [list!($first, ""), list!($first, " AND closed_at IS NULL")]
    };
}

const OF_RUN: [&str; 2] = both!("WHERE run_id = ?2 AND (?1 IS NULL OR pipeline = ?1)");
const OF_PIPELINE: [&str; 2] = both!("WHERE pipeline = ?1 AND ?2 IS NULL");
const OF_ALL: [&str; 2] = both!("WHERE ?1 IS NULL AND ?2 IS NULL");

pub(super) fn list(connection: &Connection, filter: &LetterFilter) -> Result<Vec<DeadLetterRow>> {
    let [all, open] = match (filter.run_id, &filter.pipeline) {
        (Some(_), _) => OF_RUN,
        (None, Some(_)) => OF_PIPELINE,
        (None, None) => OF_ALL,
    };
    let sql = if filter.closed { all } else { open };
    query(
        connection,
        "list dead letters",
        sql,
        params![
            filter.pipeline.as_ref().map(PipelineName::as_str),
            filter.run_id.map(|run_id| run_id.to_string()),
            filter.code.map(Code::as_str),
            filter.since.map(Timestamp::as_millisecond),
            filter.before,
            filter.limit.unwrap_or(DEFAULT_LIMIT),
        ],
        letter,
    )
}

pub(super) fn one(connection: &Connection, id: i64) -> Result<Option<DeadLetterRow>> {
    let failed = cannot("read a dead letter");
    let mut statement = connection
        .prepare_cached(select!("WHERE id = ?1"))
        .map_err(&failed)?;
    let mut rows = statement.query(params![id]).map_err(&failed)?;
    let row = rows.next().map_err(&failed)?;
    row.map(letter).transpose()
}

/// All letters of records with this name, closed ones too.
pub(super) fn of_key(connection: &Connection, key: &str) -> Result<Vec<DeadLetterRow>> {
    let sql = select!("WHERE key = ?1 ORDER BY id");
    query(connection, "list dead letters", sql, params![key], letter)
}

fn letter(row: &Row<'_>) -> Result<DeadLetterRow> {
    let failed = cannot("read a dead letter");
    let text = |index: usize| row.get::<_, String>(index).map_err(&failed);
    let optional = |index: usize| row.get::<_, Option<String>>(index).map_err(&failed);
    let id: i64 = row.get(0).map_err(&failed)?;
    let wrong = |what: &str| -> Error { corrupt(format!("dead letter {id} has no valid {what}")) };
    let time = |millis| Timestamp::from_millisecond(millis).map_err(|_| wrong("time"));
    let closed_at: Option<i64> = row.get(14).map_err(&failed)?;
    let closed = match (optional(13)?, closed_at) {
        (Some(how), Some(at)) => {
            let how = Closed::parse(&how).ok_or_else(|| wrong("reason to be closed"))?;
            Some((how, time(at)?))
        }
        _ => None,
    };
    Ok(DeadLetterRow {
        id,
        closed,
        letter: DeadLetter {
            run_id: RunId::parse(&text(1)?).ok_or_else(|| wrong("run"))?,
            pipeline: text(2)?,
            fingerprint: Fingerprint::parse(&text(3)?).ok_or_else(|| wrong("fingerprint"))?,
            step: text(4)?,
            key: text(5)?,
            reason: RecordError {
                code: text(6)?.parse().map_err(|_| wrong("code"))?,
                field: optional(7)?,
                message: text(8)?,
                remote_code: optional(9)?,
            },
            attempts: row.get(10).map_err(&failed)?,
            at: time(row.get(11).map_err(&failed)?)?,
            payload: serde_json::from_str(&text(12)?).map_err(|_| wrong("payload"))?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::migrate::tests::query_plan;
    use super::{CLOSE_KEY, HAS_OPEN, OF_ALL, OF_PIPELINE, OF_RUN};

    #[test]
    fn no_list_sorts_or_reads_letters_that_it_does_not_name() {
        for (sql, index) in [
            (OF_RUN[0], "dead_letters_by_run"),
            (OF_RUN[1], "dead_letters_by_run"),
            (OF_PIPELINE[0], "dead_letters_by_pipeline"),
            (OF_PIPELINE[1], "dead_letters_open_by_pipeline"),
            (OF_ALL[0], "SCAN dead_letters"),
            (OF_ALL[1], "dead_letters_open_by_id"),
            (HAS_OPEN, "dead_letters_open_by_pipeline"),
            (CLOSE_KEY, "INDEX dead_letters_open (pipeline=? AND key=?)"),
        ] {
            let plan = query_plan(sql);
            assert!(plan.iter().any(|step| step.contains(index)), "{plan:?}");
            assert!(
                !plan.iter().any(|step| step.contains("TEMP B-TREE")),
                "{plan:?}"
            );
        }
    }
}
