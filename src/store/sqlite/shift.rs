//! Moving messages from one place of a run's ledger to another.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::foundation::error::Result;
use crate::foundation::event::Ledger;
use crate::foundation::id::{PipelineName, RunId};
use crate::store::model::run_superseded;

use super::error::{cannot, to_sql};
use super::runs;

/// Messages that left `pending`, by where they went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Moved {
    /// Taken over from earlier runs: read by this one, and pending.
    pub(super) taken_over: u64,
    pub(super) delivered: u64,
    pub(super) suppressed: u64,
    pub(super) expired: u64,
    pub(super) rejected: u64,
    pub(super) unknown: u64,
}

/// I4: moves what is settled out of `pending`, in the account of an open run, and returns the account.
pub(super) fn shift(
    connection: &Connection,
    run_id: RunId,
    pipeline: &PipelineName,
    at: Timestamp,
    moved: &Moved,
) -> Result<Ledger> {
    let failed = cannot("add to a run");
    let held_back = moved.suppressed + moved.expired;
    let settled = moved.delivered + held_back + moved.rejected + moved.unknown;
    connection
        .prepare_cached(
            "UPDATE runs SET read = read + ?3, pending = pending + ?3 - ?4, delivered = delivered + ?5,
                suppressed = suppressed + ?6, expired = expired + ?7, rejected = rejected + ?8,
                unknown = unknown + ?9, seen_at = max(seen_at, ?10)
             WHERE id = ?1 AND pipeline = ?2 AND state IS NULL
             RETURNING read, delivered, unchanged, filtered, suppressed - expired, rejected, unknown,
                pending, expired",
        )
        .map_err(&failed)?
        .query_row(
            params![
                run_id.to_string(),
                pipeline.as_str(),
                to_sql(moved.taken_over)?,
                to_sql(settled)?,
                to_sql(moved.delivered)?,
                to_sql(held_back)?,
                to_sql(moved.expired)?,
                to_sql(moved.rejected)?,
                to_sql(moved.unknown)?,
                at.as_millisecond(),
            ],
            |row| Ok(runs::ledger(row)),
        )
        .optional()
        .map_err(&failed)?
        .ok_or_else(|| run_superseded(run_id))?
}
