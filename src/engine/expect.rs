//! What a run will cost, told when its first page is known: a run that cannot fit is refused before it settles anything.

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::plan::Plan;
use crate::plan::forecast::{Assumptions, Forecast};
use crate::plan::query::Window;
use crate::salesforce::client::Client;
use crate::store::read_only::ReadOnly;

use super::Options;
use super::open::Range;
use super::source::Source;

/// A run that costs no more than so many calls is not worth a call to learn what is left.
const WORTH_ASKING: u64 = 50;

/// How many records the run will read, where that can be told; it is held against the API calls that are left.
///
/// Rows are counted only when the first page is full: a run that finds little costs no call for it.
///
/// # Errors
/// `forecast-too-large`; what the client and the store say.
pub async fn records(
    plan: &Plan,
    client: &Client,
    store: &ReadOnly,
    range: &Range,
    options: Options,
    source: &mut Source<'_>,
) -> Result<Option<u64>> {
    let records = match range {
        Range::Rows { window, .. } => {
            let first = source.peek().await? as u64;
            rows(plan, client, window, first).await?
        }
        Range::Changes {
            kind, after, until, ..
        } => Some(store.count_changed(*kind, *after, *until)?),
    };
    let records = match (records, options.limit) {
        (Some(records), Some(limit)) => Some(records.min(limit)),
        (records, limit) => records.or(limit),
    };
    if let Some(records) = records {
        hold(plan, client, records).await?;
    }
    Ok(records)
}

/// The rows of a window of which the first page holds `first`; `None` when Salesforce cannot count them in time.
async fn rows(plan: &Plan, client: &Client, window: &Window, first: u64) -> Result<Option<u64>> {
    let Some(read) = plan.read() else {
        return Ok(None);
    };
    if first < u64::from(read.page_size) {
        return Ok(Some(first));
    }
    match client.count(&read.query.count(window)).await {
        Ok(count) => Ok(Some(count.max(first))),
        Err(error) if error.code() == Code::QueryTimeout => Ok(None),
        Err(error) => Err(error),
    }
}

async fn hold(plan: &Plan, client: &Client, records: u64) -> Result<()> {
    let calls = Forecast::of(plan, Assumptions::default()).api_calls(records);
    if client.calls_left().is_none() && calls > WORTH_ASKING {
        // A user who may not ask for limits learns what is left with the first write.
        client.limits().await.ok();
    }
    let Some(told) = client.calls_left() else {
        return Ok(());
    };
    if calls <= told.left {
        return Ok(());
    }
    Err(Error::new(
        Code::ForecastTooLarge,
        format!(
            "the run needs {calls} API calls for {records} records, and {} are left: {} of the {} that the budget allows \
             are used (the org allows {})",
            told.left, told.used, told.allowed, told.max
        ),
    )
    .help("wait, raise `budget.daily_share`, read larger pages, or run in parts with `--limit N`"))
}
