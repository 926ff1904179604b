//! `query` and `queryAll`, page by page.

use http::StatusCode;

use super::{Context, Outcome};
use crate::sandbox::call::{Answer, JSON};
use crate::sandbox::ids::RecordId;
use crate::sandbox::query::error::QueryError;
use crate::sandbox::query::metadata;
use crate::sandbox::query::output::{Page, write_answer, write_page};
use crate::sandbox::query::run::{Answer as Found, Options, execute};
use crate::sandbox::texts::{self, Refusal};

/// Which rows a query sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Those that are not deleted.
    Live,
    /// Those in the recycle bin too.
    All,
}

/// Rows of a page: what `batchSize` may ask for, and what a query gets that does not ask.
///
/// Source: "REST API Developer Guide", Query Options Header.
const BATCH_MIN: usize = 200;
const BATCH_MAX: usize = 2_000;

/// The first page of a query.
pub(super) fn query(cx: &Context<'_>, scope: Scope) -> Outcome {
    if cx.call.parameter("explain").is_some() {
        return Err(texts::explain_unsupported());
    }
    let text = cx
        .call
        .parameter("q")
        .filter(|text| !text.trim().is_empty());
    let text = text.ok_or_else(texts::missing_query)?;
    let now = cx.state.clock.now();
    let options = Options {
        include_deleted: scope == Scope::All,
        now,
    };
    let org = cx.state.org();
    let found = execute(&org, &cx.user, &text, options).map_err(refusal)?;
    if cx
        .call
        .parameter("columns")
        .is_some_and(|wanted| wanted == "true")
    {
        return Ok(Answer::ok(metadata::of(&found)));
    }
    let mut out = Vec::with_capacity(64 * 1_024);
    let batch = batch_size(cx).unwrap_or(BATCH_MAX);
    let version = cx.version.trim_start_matches('v');
    let stamp = cx.state.clock.stamp();
    let mut keep = |rows| {
        cx.state
            .locators()
            .keep(rows, version, batch, stamp)
            .to_string()
    };
    let mut page = Page {
        org: &org,
        version,
        batch,
        keep: &mut keep,
    };
    write_answer(&mut out, &mut page, &found);
    let records = match &found {
        Found::Rows(set) => set.rows.len().min(batch),
        Found::Groups(groups) => groups.rows.len(),
        Found::Count(_) => 0,
    };
    Ok(answer(cx, out, records))
}

/// A later page. The resource and a `q` beside the locator do not matter: the locator knows its query.
pub(super) fn next_page(cx: &Context<'_>, locator: &str) -> Outcome {
    let (id, offset) = locator
        .rsplit_once('-')
        .ok_or_else(texts::invalid_query_locator)?;
    let id = RecordId::parse(id).ok_or_else(texts::invalid_query_locator)?;
    let from: usize = offset.parse().map_err(|_| texts::invalid_query_locator())?;
    let stamp = cx.state.clock.stamp();
    let kept = cx
        .state
        .locators()
        .find(id, stamp)
        .ok_or_else(texts::invalid_query_locator)?;
    let total = kept.rows.rows.len();
    if from >= total {
        return Err(texts::invalid_query_locator());
    }
    let batch = batch_size(cx).unwrap_or(kept.batch);
    let org = cx.state.org();
    let version = kept.version.as_str();
    let mut keep = |rows| {
        cx.state
            .locators()
            .keep(rows, version, batch, stamp)
            .to_string()
    };
    let mut page = Page {
        org: &org,
        version,
        batch,
        keep: &mut keep,
    };
    let mut out = Vec::with_capacity(64 * 1_024);
    write_page(&mut out, &mut page, &kept.rows, from, &id.to_string());
    Ok(answer(cx, out, batch.min(total - from)))
}

fn answer(cx: &Context<'_>, out: Vec<u8>, records: usize) -> Answer {
    let out = match &cx.overrides.next_records_url {
        Some(url) => with_next_url(&out, url),
        None => out,
    };
    Answer::new(StatusCode::OK, JSON, out).counting(records)
}

/// Replaces the address of the next page, where the page has one.
fn with_next_url(page: &[u8], url: &str) -> Vec<u8> {
    const KEY: &str = "\"nextRecordsUrl\":";
    let text = String::from_utf8_lossy(page);
    let envelope = text.split("\"records\":").next().unwrap_or_default();
    let Some(at) = envelope.find(KEY).map(|at| at + KEY.len()) else {
        return page.to_vec();
    };
    let end = envelope[at + 1..]
        .find('"')
        .map_or(envelope.len(), |end| at + 1 + end + 1);
    let mut out = page[..at].to_vec();
    crate::sandbox::json::write_text(&mut out, url);
    out.extend_from_slice(&page[end..]);
    out
}

/// `Sforce-Query-Options: batchSize=200`, kept within what the service allows.
fn batch_size(cx: &Context<'_>) -> Option<usize> {
    let size = cx.call.option("sforce-query-options", "batchSize")?;
    let size: usize = size.parse().ok()?;
    Some(size.clamp(BATCH_MIN, BATCH_MAX))
}

fn refusal(error: QueryError) -> Refusal {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
    Refusal::new(status, error.code, error.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_address_is_replaced_in_the_envelope_alone() {
        let page = br#"{"totalSize":3,"done":false,"nextRecordsUrl":"/a-1","records":[{"x":"\"nextRecordsUrl\":\"b\""}]}"#;
        let out = String::from_utf8(with_next_url(page, "http://e.vil/\"")).unwrap();
        assert!(
            out.starts_with(
                r#"{"totalSize":3,"done":false,"nextRecordsUrl":"http://e.vil/\"","records":"#
            ),
            "{out}"
        );
        assert!(serde_json::from_str::<serde_json::Value>(&out).is_ok());
        let last = br#"{"totalSize":1,"done":true,"records":[]}"#;
        assert_eq!(with_next_url(last, "x"), last);
    }
}
