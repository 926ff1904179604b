//! The layout of the database, brought from any earlier version to the newest, one transaction a step.

use rusqlite::{Connection, TransactionBehavior};

use crate::foundation::error::Result;
use crate::foundation::failpoint::reach;

use super::error::cannot;
use super::files::APPLICATION_ID;

/// The steps in order; the n-th leads to layout n. A released step never changes.
pub(super) const STEPS: &[&str] = &[
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
    include_str!("migrations/0006.sql"),
];

/// The newest layout.
pub(super) const NEWEST: i32 = 6;

// The number stands in headers that older programs read, so it is written out and compared.
const _: () = assert!(STEPS.len() == NEWEST as usize);

/// The layout of the open database; 0 when nothing was made yet.
pub(super) fn version(connection: &Connection) -> Result<i32> {
    connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(cannot("tell its layout"))
}

/// Takes the steps that are missing. Whatever interrupts it, the database stands at the last whole step.
pub(super) fn migrate(connection: &mut Connection, steps: &[&str]) -> Result<()> {
    let from = usize::try_from(version(connection)?).unwrap_or(0);
    if from >= steps.len() {
        return Ok(());
    }
    for (step, number) in steps.iter().zip(1..).skip(from) {
        take_step(connection, step, number)?;
    }
    // The file itself then tells its version, not only the write-ahead log, to whoever reads its header.
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .map_err(cannot("finish changing its layout"))
}

fn take_step(connection: &mut Connection, step: &str, number: i32) -> Result<()> {
    let failed = cannot("change its layout");
    reach("store-before-migration");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    transaction.execute_batch(step).map_err(&failed)?;
    reach("store-mid-migration");
    transaction
        .pragma_update(None, "application_id", APPLICATION_ID)
        .map_err(&failed)?;
    transaction
        .pragma_update(None, "user_version", number)
        .map_err(&failed)?;
    transaction.commit().map_err(&failed)?;
    reach("store-after-migration");
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Connection, NEWEST, STEPS, migrate, version};

    /// How SQLite would answer a question on the newest layout, step by step.
    pub(in super::super) fn query_plan(sql: &str) -> Vec<String> {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, STEPS).unwrap();
        let mut statement = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let mut rows = statement.raw_query();
        let mut steps = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            steps.push(row.get(3).unwrap());
        }
        steps
    }

    const GOOD: [&str; 3] = [
        "CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (1);",
        "ALTER TABLE a ADD COLUMN y INTEGER; UPDATE a SET y = x + 1;",
        "CREATE TABLE b (z INTEGER) STRICT; INSERT INTO b SELECT y FROM a;",
    ];

    fn end_value(connection: &Connection) -> i64 {
        connection
            .query_row("SELECT z FROM b", [], |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn the_steps_are_taken_once_and_in_order() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &GOOD).unwrap();
        migrate(&mut connection, &GOOD).unwrap();
        assert_eq!(version(&connection).unwrap(), 3);
        assert_eq!(end_value(&connection), 2);
    }

    #[test]
    fn r09_a_step_that_fails_half_way_is_rolled_back_and_taken_again() {
        for broken in 0..GOOD.len() {
            let mut connection = Connection::open_in_memory().unwrap();
            let halfway = format!("{} SELECT no_such_column;", GOOD[broken]);
            let mut steps = GOOD;
            steps[broken] = &halfway;

            migrate(&mut connection, &steps).unwrap_err();
            assert_eq!(
                version(&connection).unwrap(),
                i32::try_from(broken).unwrap()
            );

            migrate(&mut connection, &GOOD).unwrap();
            assert_eq!(end_value(&connection), 2, "step {broken}");
        }
    }

    #[test]
    fn every_earlier_layout_reaches_the_newest() {
        for from in 0..=STEPS.len() {
            let mut connection = Connection::open_in_memory().unwrap();
            migrate(&mut connection, &STEPS[..from]).unwrap();
            migrate(&mut connection, STEPS).unwrap();
            assert_eq!(version(&connection).unwrap(), NEWEST);
        }
    }
}
