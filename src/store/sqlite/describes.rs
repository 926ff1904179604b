//! Describe answers, kept for `If-Modified-Since`.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::foundation::error::Result;
use crate::store::model::CachedDescribe;

use super::error::{cannot, corrupt};

pub(super) fn read(
    connection: &Connection,
    account: &str,
    object: &str,
) -> Result<Option<CachedDescribe>> {
    let found: Option<(String, Option<String>, i64)> = connection
        .prepare_cached(
            "SELECT body, last_modified, fetched_at FROM describes
             WHERE connection = ?1 AND object = ?2",
        )
        .and_then(|mut statement| {
            statement
                .query_row(params![account, object], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })
                .optional()
        })
        .map_err(cannot("read a describe"))?;
    found
        .map(|(body, last_modified, fetched_at)| {
            Ok(CachedDescribe {
                body,
                last_modified,
                fetched_at: Timestamp::from_millisecond(fetched_at)
                    .map_err(|_| corrupt("a describe was kept at no possible time"))?,
            })
        })
        .transpose()
}

pub(super) fn put(
    connection: &Connection,
    account: &str,
    object: &str,
    describe: &CachedDescribe,
) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO describes (connection, object, last_modified, fetched_at, body)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (connection, object) DO UPDATE SET object = excluded.object,
                last_modified = excluded.last_modified, fetched_at = excluded.fetched_at,
                body = excluded.body",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                account,
                object,
                describe.last_modified,
                describe.fetched_at.as_millisecond(),
                describe.body,
            ])
        })
        .map_err(cannot("keep a describe"))?;
    Ok(())
}
