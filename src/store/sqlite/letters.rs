//! Dead letters: written with the commit that rejected them, listed newest first.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::id::{Fingerprint, PipelineName, RunId};
use crate::foundation::record::{DeadLetter, RecordError};
use crate::store::model::{DEFAULT_LIMIT, DeadLetterRow, LetterFilter};

use super::error::{cannot, corrupt};

macro_rules! select {
    ($($rest:literal),+) => {
        concat!(
            "SELECT id, run_id, pipeline, fingerprint, step, key, code, field, message, \
             remote_code, attempts, at, payload FROM dead_letters ",
            $($rest),+
        )
    };
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
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
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
    ($first:literal) => {
        select!(
            $first,
            " AND (?3 IS NULL OR code = ?3) AND (?4 IS NULL OR at >= ?4)
              AND (?5 IS NULL OR id < ?5) ORDER BY id DESC LIMIT ?6"
        )
    };
}

const OF_RUN: &str = list!("WHERE run_id = ?2 AND (?1 IS NULL OR pipeline = ?1)");
const OF_PIPELINE: &str = list!("WHERE pipeline = ?1 AND ?2 IS NULL");
const OF_ALL: &str = list!("WHERE ?1 IS NULL AND ?2 IS NULL");

pub(super) fn list(connection: &Connection, filter: &LetterFilter) -> Result<Vec<DeadLetterRow>> {
    let failed = cannot("list dead letters");
    let sql = match (filter.run_id, &filter.pipeline) {
        (Some(_), _) => OF_RUN,
        (None, Some(_)) => OF_PIPELINE,
        (None, None) => OF_ALL,
    };
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let mut rows = statement
        .query(params![
            filter.pipeline.as_ref().map(PipelineName::as_str),
            filter.run_id.map(|run_id| run_id.to_string()),
            filter.code.map(Code::as_str),
            filter.since.map(Timestamp::as_millisecond),
            filter.before,
            filter.limit.unwrap_or(DEFAULT_LIMIT),
        ])
        .map_err(&failed)?;
    let mut letters = Vec::new();
    while let Some(row) = rows.next().map_err(&failed)? {
        letters.push(letter(row)?);
    }
    Ok(letters)
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

fn letter(row: &Row<'_>) -> Result<DeadLetterRow> {
    let failed = cannot("read a dead letter");
    let text = |index: usize| row.get::<_, String>(index).map_err(&failed);
    let optional = |index: usize| row.get::<_, Option<String>>(index).map_err(&failed);
    let id: i64 = row.get(0).map_err(&failed)?;
    let wrong = |what: &str| -> Error { corrupt(format!("dead letter {id} has no valid {what}")) };
    let at = row.get(11).map_err(&failed)?;
    Ok(DeadLetterRow {
        id,
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
            at: Timestamp::from_millisecond(at).map_err(|_| wrong("time"))?,
            payload: serde_json::from_str(&text(12)?).map_err(|_| wrong("payload"))?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::migrate::tests::query_plan;
    use super::{OF_ALL, OF_PIPELINE, OF_RUN};

    #[test]
    fn no_list_sorts_or_reads_letters_that_it_does_not_name() {
        for (sql, index) in [
            (OF_RUN, "dead_letters_by_run"),
            (OF_PIPELINE, "dead_letters_by_pipeline"),
            (OF_ALL, "SCAN dead_letters"),
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
