//! What is left of the org's allocations, and how many rows there are.

use serde_json::{Value, json};

use super::Context;
use crate::sandbox::call::Answer;

/// Allocations that nothing in the sandbox uses up, with their maximum.
///
/// Source: "REST API Developer Guide", Limits (the names); "Salesforce Developer Limits and Allocations Quick
/// Reference" (the numbers of an Enterprise Edition org).
const UNUSED: [(&str, u64); 12] = [
    ("ConcurrentAsyncGetReportInstances", 200),
    ("DailyAsyncApexExecutions", 250_000),
    ("DailyBulkApiBatches", 15_000),
    ("DailyBulkV2QueryFileStorageMB", 976_562),
    ("DailyBulkV2QueryJobs", 10_000),
    ("DailyDurableStreamingApiEvents", 25_000),
    ("DailyStreamingApiEvents", 25_000),
    ("DataStorageMB", 10_240),
    ("FileStorageMB", 10_240),
    ("HourlyPublishedPlatformEvents", 250_000),
    ("MassEmail", 5_000),
    ("SingleEmail", 5_000),
];

/// Every allocation with what remains of it.
pub(super) fn limits(cx: &Context<'_>) -> Answer {
    let now = cx.state.clock.stamp();
    let (max, used) = {
        let mut limits = cx.state.limits();
        (limits.max(), limits.used(now))
    };
    let mut body = serde_json::Map::new();
    let requests = json!({ "Max": max, "Remaining": max.saturating_sub(used) });
    body.insert("DailyApiRequests".to_owned(), requests);
    for (name, max) in UNUSED {
        body.insert(name.to_owned(), json!({ "Max": max, "Remaining": max }));
    }
    Answer::ok(body)
}

/// The number of rows of each object that is asked for; of every one that has rows, where none is.
pub(super) fn record_count(cx: &Context<'_>) -> Answer {
    let org = cx.state.org();
    let names = cx.call.parameter("sObjects").unwrap_or_default();
    let wanted: Vec<&str> = names
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    let counts: Vec<Value> = org
        .tables()
        .iter()
        .filter(|table| {
            let name = &table.object().name;
            let is_wanted = wanted
                .iter()
                .any(|wanted| wanted.eq_ignore_ascii_case(name));
            let is_listed = if wanted.is_empty() {
                table.live() > 0
            } else {
                is_wanted
            };
            is_listed && cx.user.permissions.object(table.object()).read
        })
        .map(|table| json!({ "count": table.live(), "name": table.object().name }))
        .collect();
    Answer::ok(json!({ "sObjects": counts }))
}
