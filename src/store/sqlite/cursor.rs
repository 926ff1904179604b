//! The durable position of each pipeline.

use rusqlite::{Connection, OptionalExtension, Row, params};

use jiff::Timestamp;

use crate::foundation::error::{Error, Result};
use crate::foundation::event::Cursor;
use crate::foundation::id::PipelineName;
use crate::store::model::{Commit, check_cursor, cursor_corrupt};

use super::error::cannot;

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

pub(super) fn reset(connection: &Connection, pipeline: &PipelineName) -> Result<bool> {
    let removed = connection
        .execute(
            "DELETE FROM cursors WHERE pipeline = ?1",
            params![pipeline.as_str()],
        )
        .map_err(cannot("reset a cursor"))?;
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
