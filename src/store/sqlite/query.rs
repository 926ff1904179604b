//! Queries: every row of a statement, read one after the other.

use rusqlite::{Connection, Params, Row};

use crate::foundation::error::Result;

use super::error::cannot;

/// Reads all rows of `sql`, which is kept prepared; `what` completes "the store cannot …".
pub(super) fn query<T>(
    connection: &Connection,
    what: &'static str,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let failed = cannot(what);
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let mut rows = statement.query(params).map_err(&failed)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(&failed)? {
        found.push(read(row)?);
    }
    Ok(found)
}
