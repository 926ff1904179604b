//! The counter of changes: read at the beginning of a transaction, counted up in memory, written at its end.

use rusqlite::{Connection, params};

use crate::foundation::error::Result;

use super::error::{cannot, from_sql};

/// The numbers that one transaction gives.
#[derive(Debug)]
pub(super) struct Changes {
    before: i64,
    newest: i64,
}

impl Changes {
    /// Begins where the last transaction ended. The caller holds the right to write.
    pub(super) fn begin(connection: &Connection) -> Result<Self> {
        let newest = read(connection)?;
        Ok(Self {
            before: newest,
            newest,
        })
    }

    /// The number that [`Changes::next`] gives next.
    pub(super) const fn following(&self) -> i64 {
        self.newest + 1
    }

    /// A number that no record had before.
    pub(super) const fn next(&mut self) -> i64 {
        self.newest += 1;
        self.newest
    }

    /// Keeps the counter with what was written under its numbers.
    pub(super) fn keep(&self, connection: &Connection) -> Result<()> {
        if self.newest == self.before {
            return Ok(());
        }
        connection
            .prepare_cached("UPDATE change_counter SET newest = ?1")
            .and_then(|mut statement| statement.execute(params![self.newest]))
            .map_err(cannot("count changes"))?;
        Ok(())
    }
}

fn read(connection: &Connection) -> Result<i64> {
    connection
        .prepare_cached("SELECT newest FROM change_counter")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .map_err(cannot("count changes"))
}

pub(super) fn newest(connection: &Connection) -> Result<u64> {
    read(connection).and_then(from_sql)
}

/// The two ends of a list by change as SQLite keeps numbers; no change has a number that does not fit.
pub(super) fn between(after: u64, until: u64) -> (i64, i64) {
    let kept = |number| i64::try_from(number).unwrap_or(i64::MAX);
    (kept(after), kept(until))
}

/// How many records `sql` finds between two numbers.
pub(super) fn count(
    connection: &Connection,
    sql: &'static str,
    (after, until): (i64, i64),
) -> Result<u64> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_row(params![after, until], |row| row.get(0)))
        .map_err(cannot("count changes"))
        .and_then(from_sql)
}
