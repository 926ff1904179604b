//! `updated` and `deleted`: which rows changed in a span of time.

use std::ops::Bound;

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Context, Outcome, visible};
use crate::sandbox::call::Answer;
use crate::sandbox::describe::Abilities;
use crate::sandbox::ids::RecordId;
use crate::sandbox::org::Org;
use crate::sandbox::table::{Row, Table};
use crate::sandbox::texts::{self, Refusal};
use crate::sandbox::value::Stamp;

/// The longest span and the oldest start, in seconds. Source: "SOAP API Developer Guide", `getUpdated()` and `getDeleted()`.
const SPAN_MAX: i64 = 30 * 86_400;
const DELETED_SINCE: i64 = 15 * 86_400;
/// More deleted rows than this cannot be listed. Source: as above, `getDeleted()`.
const IDS_MAX: usize = 600_000;

/// The ids of rows that were made or changed, and up to when the answer is complete.
pub(super) fn updated(cx: &Context<'_>, object: &str) -> Outcome {
    let org = cx.state.org();
    let table = replicated(cx, &org, object)?;
    let (start, end) = span(cx)?;
    let rows = changed(cx, table, start, end).filter(|row| !row.deleted);
    let ids: Vec<String> = rows.map(|row| row.id().to_string()).collect();
    let records = ids.len();
    let body = json!({ "ids": ids, "latestDateCovered": covered(cx, &org, end).to_string() });
    Ok(Answer::ok(body).counting(records))
}

/// The ids of rows that were deleted, with the time of each.
pub(super) fn deleted(cx: &Context<'_>, object: &str) -> Outcome {
    let org = cx.state.org();
    let table = replicated(cx, &org, object)?;
    let (start, end) = span(cx)?;
    let earliest = Stamp(cx.state.clock.stamp().0 - DELETED_SINCE);
    if start < earliest {
        return Err(texts::invalid_dates(
            "startDate before org replication enabled date",
        ));
    }
    let stamp = table
        .object()
        .index_of("SystemModstamp")
        .unwrap_or_default();
    let rows: Vec<Value> = changed(cx, table, start, end)
        .filter(|row| row.deleted)
        .map(|row| {
            let at = row.get(stamp).as_stamp().unwrap_or_default();
            json!({ "id": row.id().to_string(), "deletedDate": at.to_string() })
        })
        .collect();
    if rows.len() > IDS_MAX {
        let message = "The time span holds too many deleted records; ask for a shorter one.";
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "EXCEEDED_ID_LIMIT",
            message,
        ));
    }
    let records = rows.len();
    let body = json!({
        "deletedRecords": rows,
        "earliestDateAvailable": earliest.to_string(),
        "latestDateCovered": covered(cx, &org, end).to_string(),
    });
    Ok(Answer::ok(body).counting(records))
}

fn replicated<'org>(
    cx: &Context<'_>,
    org: &'org Org,
    object: &str,
) -> Result<&'org Table, Refusal> {
    let table = visible(cx, org, object)?;
    match table.object().abilities {
        Abilities::Data => Ok(table),
        Abilities::ReadOnly => Err(texts::not_replicateable(&table.object().name)),
    }
}

/// The span of the request: whole minutes are enough, an end behind the clock is not covered.
fn span(cx: &Context<'_>) -> Result<(Stamp, Stamp), Refusal> {
    let instant = |name: &str| -> Result<Stamp, Refusal> {
        let text = cx.call.parameter(name).unwrap_or_default();
        // An unescaped plus sign arrives as a blank.
        let instant = text.replace(' ', "+").parse::<Timestamp>();
        instant
            .map(Stamp::of)
            .map_err(|_| texts::invalid_dates(&format!("{name} is not a date and time: {text}")))
    };
    let (start, end) = (instant("start")?, instant("end")?);
    if end.0 - start.0 < 60 {
        return Err(texts::invalid_dates(
            "endDate must be at least one minute greater than startDate",
        ));
    }
    if end.0 - start.0 > SPAN_MAX {
        return Err(texts::invalid_dates(
            "the time span must be at most 30 days",
        ));
    }
    Ok((start, end))
}

/// The rows of a span that the user sees.
fn changed<'t>(
    cx: &Context<'_>,
    table: &'t Table,
    start: Stamp,
    end: Stamp,
) -> impl Iterator<Item = &'t Row> {
    let keys = (
        Bound::Included((start, RecordId::MIN)),
        Bound::Excluded((end, RecordId::MIN)),
    );
    table
        .in_stamp_order(keys)
        .filter_map(|number| table.row(number))
        .filter(|row| cx.user.record(table.object(), row).read)
}

/// Up to when nothing can be missing: not behind the clock, and before every transaction under way.
fn covered(cx: &Context<'_>, org: &Org, end: Stamp) -> Stamp {
    let now = cx.state.clock.stamp();
    let pending = org.oldest_pending().map_or(now, |begun| Stamp(begun.0 - 1));
    end.min(now).min(pending)
}
