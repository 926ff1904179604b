//! The durable position of each pipeline.

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use jiff::Timestamp;

use crate::foundation::error::{Error, Result};
use crate::foundation::event::{ChangeCursor, Cursor};
use crate::foundation::id::PipelineName;
use crate::store::model::{Commit, check_change_cursor, check_cursor, cursor_corrupt};

use super::error::{cannot, to_sql};

pub(super) fn read(connection: &Connection, pipeline: &PipelineName) -> Result<Option<Cursor>> {
    // The columns are read one by one, so that a value of the wrong type is this error and no other.
    let found = connection
        .prepare_cached("SELECT query_hash, stamp, id, window_end FROM cursors WHERE pipeline = ?1")
        .map_err(cannot("read a cursor"))?
        .query_row(params![pipeline.as_str()], |row| Ok(parts(row)))
        .optional()
        .map_err(cannot("read a cursor"))?;
    let Some(parts) = found else { return Ok(None) };
    let (query_hash, stamp, id, window_end) =
        parts.map_err(|cause| unreadable(pipeline).caused_by(cause))?;
    let instant = |millis| {
        Timestamp::from_millisecond(millis).map_err(|cause| unreadable(pipeline).caused_by(cause))
    };
    let cursor = Cursor {
        query_hash,
        stamp: instant(stamp)?,
        id,
        window_end: instant(window_end)?,
    };
    check_cursor(&cursor).map_err(|why| cursor_corrupt(pipeline, &why))?;
    Ok(Some(cursor))
}

fn unreadable(pipeline: &PipelineName) -> Error {
    cursor_corrupt(pipeline, "its stored form cannot be read")
}

fn parts(row: &Row<'_>) -> rusqlite::Result<(String, i64, String, i64)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
}

pub(super) fn read_change(
    connection: &Connection,
    pipeline: &PipelineName,
) -> Result<Option<ChangeCursor>> {
    let failed = cannot("read a cursor");
    let found = connection
        .prepare_cached("SELECT source_hash, change FROM change_cursors WHERE pipeline = ?1")
        .map_err(&failed)?
        .query_row(params![pipeline.as_str()], |row| {
            Ok(row.get(0).and_then(|hash| Ok((hash, row.get(1)?))))
        })
        .optional()
        .map_err(&failed)?;
    let Some(parts) = found else { return Ok(None) };
    let (source_hash, change): (String, i64) =
        parts.map_err(|cause| unreadable(pipeline).caused_by(cause))?;
    let cursor = ChangeCursor {
        source_hash,
        change: u64::try_from(change)
            .map_err(|_| cursor_corrupt(pipeline, "its change number is negative"))?,
    };
    check_change_cursor(&cursor).map_err(|why| cursor_corrupt(pipeline, &why))?;
    Ok(Some(cursor))
}

pub(super) fn reset(connection: &mut Connection, pipeline: &PipelineName) -> Result<bool> {
    let failed = cannot("reset a cursor");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    let mut removed = 0;
    for sql in [
        "DELETE FROM cursors WHERE pipeline = ?1",
        "DELETE FROM change_cursors WHERE pipeline = ?1",
    ] {
        removed += transaction
            .execute(sql, params![pipeline.as_str()])
            .map_err(&failed)?;
    }
    transaction.commit().map_err(&failed)?;
    Ok(removed > 0)
}

/// Moves the cursor as part of the commit's transaction.
pub(super) fn write(connection: &Connection, commit: &Commit<'_>, cursor: &Cursor) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO cursors (pipeline, query_hash, stamp, id, window_end, run_id, moved_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (pipeline) DO UPDATE SET query_hash = excluded.query_hash,
                stamp = excluded.stamp, id = excluded.id, window_end = excluded.window_end,
                run_id = excluded.run_id, moved_at = excluded.moved_at",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                commit.pipeline.as_str(),
                cursor.query_hash,
                cursor.stamp.as_millisecond(),
                cursor.id,
                cursor.window_end.as_millisecond(),
                commit.run_id.to_string(),
                commit.at.as_millisecond(),
            ])
        })
        .map_err(cannot("move a cursor"))?;
    Ok(())
}

/// Moves the cursor among Bridged's own records as part of the commit's transaction.
pub(super) fn write_change(
    connection: &Connection,
    commit: &Commit<'_>,
    cursor: &ChangeCursor,
) -> Result<()> {
    let change = to_sql(cursor.change)?;
    connection
        .prepare_cached(
            "INSERT INTO change_cursors (pipeline, source_hash, change, run_id, moved_at)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (pipeline) DO UPDATE SET source_hash = excluded.source_hash,
                change = excluded.change, run_id = excluded.run_id, moved_at = excluded.moved_at",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                commit.pipeline.as_str(),
                cursor.source_hash,
                change,
                commit.run_id.to_string(),
                commit.at.as_millisecond(),
            ])
        })
        .map_err(cannot("move a cursor"))?;
    Ok(())
}
