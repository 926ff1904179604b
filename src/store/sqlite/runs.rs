//! Runs: begun under a lock, added to by every commit, closed by their report or by the run that follows a crash.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::event::{ChangeCursor, Cursor, Ledger, Requests, RunReport, RunState};
use crate::foundation::failpoint::reach;
use crate::foundation::id::{Fingerprint, PipelineName, RunId};
use crate::store::model::{
    Commit, DEFAULT_LIMIT, NewRun, RunFilter, RunRow, check_report, run_superseded,
};

use super::error::{cannot, corrupt, from_sql, to_sql};
use super::query::query;

/// The table's check counts what expired among the suppressed.
const LEDGER: &str = "read, delivered, unchanged, filtered, suppressed - expired, rejected, unknown, pending, expired";

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT read, delivered, unchanged, filtered, suppressed - expired, rejected, unknown, \
             pending, expired, requests_query, requests_write, requests_auth, requests_other, api_calls, id, \
             pipeline, fingerprint, state, started_at, seen_at, finished_at, cursor_query_hash, \
             cursor_stamp, cursor_id, error_code, error_message, warnings, pid, \
             cursor_window_end, change_source_hash, change_number FROM runs ",
            $rest
        )
    };
}

pub(super) fn begin(connection: &mut Connection, run: &NewRun) -> Result<Vec<RunId>> {
    let failed = cannot("begin a run");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    let crashed = close_crashed(&transaction, &run.pipeline)?;
    transaction
        .execute(
            "INSERT INTO runs (id, pipeline, fingerprint, pid, started_at, seen_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
            params![
                run.run_id.to_string(),
                run.pipeline.as_str(),
                run.fingerprint.to_string(),
                std::process::id(),
                run.started_at.as_millisecond(),
            ],
        )
        .map_err(&failed)?;
    reach("store-before-begin");
    transaction.commit().map_err(&failed)?;
    reach("store-after-begin");
    Ok(crashed)
}

/// The caller holds the pipeline's lock, so whoever ran these is gone.
fn close_crashed(connection: &Connection, pipeline: &PipelineName) -> Result<Vec<RunId>> {
    let failed = cannot("close crashed runs");
    let mut statement = connection
        .prepare_cached(
            "UPDATE runs SET state = 'failed', finished_at = seen_at, error_code = ?2,
                error_message = ?3
             WHERE pipeline = ?1 AND state IS NULL RETURNING id",
        )
        .map_err(&failed)?;
    let mut rows = statement
        .query(params![
            pipeline.as_str(),
            Code::Crashed.as_str(),
            "the process ended before the run did",
        ])
        .map_err(&failed)?;
    let mut closed = Vec::new();
    while let Some(row) = rows.next().map_err(&failed)? {
        let id: String = row.get(0).map_err(&failed)?;
        closed.push(RunId::parse(&id).ok_or_else(|| corrupt("a run has no valid id"))?);
    }
    closed.sort_unstable();
    Ok(closed)
}

/// Adds a commit to its run's account, and returns the account.
pub(super) fn add(connection: &Connection, commit: &Commit<'_>, delta: &Ledger) -> Result<Ledger> {
    let failed = cannot("add to a run");
    let requests = commit.requests_so_far;
    connection
        .prepare_cached(
            "UPDATE runs SET read = read + ?3, delivered = delivered + ?4,
                unchanged = unchanged + ?5, filtered = filtered + ?6,
                suppressed = suppressed + ?7, rejected = rejected + ?8, unknown = unknown + ?9,
                pending = pending + ?10, requests_query = ?11, requests_write = ?12,
                requests_auth = ?13, requests_other = ?14, api_calls = ?15,
                seen_at = max(seen_at, ?16), expired = expired + ?17
             WHERE id = ?1 AND pipeline = ?2 AND state IS NULL
             RETURNING read, delivered, unchanged, filtered, suppressed - expired, rejected, unknown, pending, expired",
        )
        .map_err(&failed)?
        .query_row(
            params![
                commit.run_id.to_string(),
                commit.pipeline.as_str(),
                to_sql(delta.read)?,
                to_sql(delta.delivered)?,
                to_sql(delta.unchanged)?,
                to_sql(delta.filtered)?,
                to_sql(delta.suppressed + delta.expired)?,
                to_sql(delta.rejected)?,
                to_sql(delta.unknown)?,
                to_sql(delta.pending)?,
                to_sql(requests.query)?,
                to_sql(requests.write)?,
                to_sql(requests.auth)?,
                to_sql(requests.other)?,
                to_sql(commit.api_calls_so_far)?,
                commit.at.as_millisecond(),
                to_sql(delta.expired)?,
            ],
            |row| Ok(ledger(row)),
        )
        .optional()
        .map_err(&failed)?
        .ok_or_else(|| run_superseded(commit.run_id))?
}

/// ST4: refuses a run that is not open.
pub(super) fn check_open(
    connection: &Connection,
    run_id: RunId,
    pipeline: &PipelineName,
) -> Result<()> {
    let is_open = connection
        .prepare_cached("SELECT 1 FROM runs WHERE id = ?1 AND pipeline = ?2 AND state IS NULL")
        .and_then(|mut open| open.exists(params![run_id.to_string(), pipeline.as_str()]))
        .map_err(cannot("look at a run"))?;
    if is_open {
        Ok(())
    } else {
        Err(run_superseded(run_id))
    }
}

pub(super) fn finish(connection: &mut Connection, report: &RunReport) -> Result<()> {
    let failed = cannot("finish a run");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    let committed = transaction
        .query_row(
            &format!("SELECT {LEDGER} FROM runs WHERE id = ?1 AND pipeline = ?2 AND state IS NULL"),
            params![report.run_id.to_string(), report.pipeline.as_str()],
            |row| Ok(ledger(row)),
        )
        .optional()
        .map_err(&failed)?
        .ok_or_else(|| run_superseded(report.run_id))??;
    check_report(&report.ledger, &committed)?;
    write_report(&transaction, report)?;
    reach("store-before-finish");
    transaction.commit().map_err(&failed)?;
    reach("store-after-finish");
    Ok(())
}

fn write_report(connection: &Connection, report: &RunReport) -> Result<()> {
    let cursor = report.cursor.as_ref();
    let change = report.change_cursor.as_ref();
    let error = report.error.as_ref();
    connection
        .execute(
            "UPDATE runs SET state = ?2, finished_at = ?3, seen_at = ?3, started_at = ?4,
                fingerprint = ?5, read = ?6, pending = ?7, requests_query = ?8,
                requests_write = ?9, requests_auth = ?10, requests_other = ?11, api_calls = ?12,
                cursor_query_hash = ?13, cursor_stamp = ?14, cursor_id = ?15, error_code = ?16,
                error_message = ?17, warnings = ?18, cursor_window_end = ?19,
                change_source_hash = ?20, change_number = ?21
             WHERE id = ?1",
            params![
                report.run_id.to_string(),
                report.state.as_str(),
                report.finished_at.as_millisecond(),
                report.started_at.as_millisecond(),
                report.fingerprint.to_string(),
                to_sql(report.ledger.read)?,
                to_sql(report.ledger.pending)?,
                to_sql(report.requests.query)?,
                to_sql(report.requests.write)?,
                to_sql(report.requests.auth)?,
                to_sql(report.requests.other)?,
                to_sql(report.api_calls)?,
                cursor.map(|cursor| cursor.query_hash.as_str()),
                cursor.map(|cursor| cursor.stamp.as_millisecond()),
                cursor.map(|cursor| cursor.id.as_str()),
                error.map(|(code, _)| code.as_str()),
                error.map(|(_, message)| message.as_str()),
                serde_json::to_string(&report.warnings).map_err(|cause| {
                    Error::bug("a run's warnings cannot be written as JSON").caused_by(cause)
                })?,
                cursor.map(|cursor| cursor.window_end.as_millisecond()),
                change.map(|cursor| cursor.source_hash.as_str()),
                change.map(|cursor| to_sql(cursor.change)).transpose()?,
            ],
        )
        .map_err(cannot("finish a run"))?;
    Ok(())
}

pub(super) fn list(connection: &Connection, filter: &RunFilter) -> Result<Vec<RunRow>> {
    let since = filter.since.map(Timestamp::as_millisecond);
    let limit = filter.limit.unwrap_or(DEFAULT_LIMIT);
    // Two statements, so that each can walk its index.
    let (sql, name) = match &filter.pipeline {
        Some(pipeline) => (
            select!(
                "WHERE pipeline = ?1 AND started_at >= coalesce(?2, started_at)
                 ORDER BY started_at DESC, id DESC LIMIT ?3"
            ),
            Some(pipeline.as_str()),
        ),
        None => (
            select!(
                "WHERE ?1 IS NULL AND started_at >= coalesce(?2, started_at)
                 ORDER BY started_at DESC, id DESC LIMIT ?3"
            ),
            None,
        ),
    };
    query(
        connection,
        "list runs",
        sql,
        params![name, since, limit],
        run,
    )
}

pub(super) fn one(connection: &Connection, id: RunId) -> Result<Option<RunRow>> {
    first(connection, select!("WHERE id = ?1"), &id.to_string())
}

pub(super) fn last_done(
    connection: &Connection,
    pipeline: &PipelineName,
) -> Result<Option<RunRow>> {
    let sql =
        select!("WHERE pipeline = ?1 AND state = 'done' ORDER BY started_at DESC, id DESC LIMIT 1");
    first(connection, sql, pipeline.as_str())
}

fn first(connection: &Connection, sql: &'static str, value: &str) -> Result<Option<RunRow>> {
    let failed = cannot("read a run");
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let mut rows = statement.query(params![value]).map_err(&failed)?;
    let row = rows.next().map_err(&failed)?;
    row.map(run).transpose()
}

/// The open run of a pipeline that a process began.
pub(super) fn open_run(
    connection: &Connection,
    pipeline: &PipelineName,
    pid: u32,
) -> Result<Option<String>> {
    connection
        .query_row(
            "SELECT id FROM runs WHERE pipeline = ?1 AND pid = ?2 AND state IS NULL
             ORDER BY started_at DESC, id DESC LIMIT 1",
            params![pipeline.as_str(), pid],
            |row| row.get(0),
        )
        .optional()
        .map_err(cannot("read a run"))
}

fn count(row: &Row<'_>, index: usize) -> Result<u64> {
    from_sql(row.get(index).map_err(cannot("read a run"))?)
}

/// The first nine columns.
pub(super) fn ledger(row: &Row<'_>) -> Result<Ledger> {
    Ok(Ledger {
        read: count(row, 0)?,
        delivered: count(row, 1)?,
        unchanged: count(row, 2)?,
        filtered: count(row, 3)?,
        suppressed: count(row, 4)?,
        rejected: count(row, 5)?,
        unknown: count(row, 6)?,
        pending: count(row, 7)?,
        expired: count(row, 8)?,
    })
}

fn run(row: &Row<'_>) -> Result<RunRow> {
    let failed = cannot("read a run");
    let text = |index: usize| row.get::<_, String>(index).map_err(&failed);
    let optional = |index: usize| row.get::<_, Option<String>>(index).map_err(&failed);
    let id = text(14)?;
    let wrong = |what: &str| corrupt(format!("run `{id}` has no valid {what}"));
    let time = |index: usize| -> Result<Option<Timestamp>> {
        let millis: Option<i64> = row.get(index).map_err(&failed)?;
        millis
            .map(|millis| Timestamp::from_millisecond(millis).map_err(|_| wrong("time")))
            .transpose()
    };
    let cursor = match (optional(21)?, time(22)?, optional(23)?, time(28)?) {
        (Some(query_hash), Some(stamp), Some(id), Some(window_end)) => Some(Cursor {
            query_hash,
            stamp,
            id,
            window_end,
        }),
        _ => None,
    };
    let change: Option<i64> = row.get(30).map_err(&failed)?;
    let change_cursor = match (optional(29)?, change) {
        (Some(source_hash), Some(change)) => Some(ChangeCursor {
            source_hash,
            change: from_sql(change)?,
        }),
        _ => None,
    };
    let error = match (optional(24)?, optional(25)?) {
        (Some(code), Some(message)) => Some((code.parse().map_err(|_| wrong("code"))?, message)),
        _ => None,
    };
    let state = optional(17)?
        .map(|state| RunState::parse(&state).ok_or_else(|| wrong("state")))
        .transpose()?;
    Ok(RunRow {
        run_id: RunId::parse(&id).ok_or_else(|| wrong("id"))?,
        pipeline: PipelineName::parse(&text(15)?).ok_or_else(|| wrong("pipeline"))?,
        fingerprint: Fingerprint::parse(&text(16)?).ok_or_else(|| wrong("fingerprint"))?,
        state,
        ledger: ledger(row)?,
        requests: Requests {
            query: count(row, 9)?,
            write: count(row, 10)?,
            auth: count(row, 11)?,
            other: count(row, 12)?,
        },
        api_calls: count(row, 13)?,
        cursor,
        change_cursor,
        started_at: time(18)?.ok_or_else(|| wrong("time"))?,
        seen_at: time(19)?.ok_or_else(|| wrong("time"))?,
        finished_at: time(20)?,
        error,
        warnings: serde_json::from_str(&text(26)?).map_err(|_| wrong("warnings"))?,
        pid: row.get(27).map_err(&failed)?,
    })
}
