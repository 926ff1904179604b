//! Queries: pages of records, their locators, child lists that go on elsewhere, and queries too long for an address.

use http::{HeaderMap, Method};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use url::form_urlencoded;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::record::Record;

use super::client::{Call, Client, unreadable};
use super::host;
use super::page;
use super::refusal::{self, Failure, Scrub};
use super::wire::{Answer, Purpose};

/// The most bytes of an address, and of address and header together (REST API Developer Guide, "Status Codes and
/// Error Responses", 414 and 431).
const MOST_ADDRESS_BYTES: usize = 16_384;

/// What the header holds besides the token: host, agent, options, and what a proxy may add.
const HEADER_ROOM: usize = 1024;

/// The most characters of a query (SOQL and SOSL Reference, "SOQL Limits").
const MOST_QUERY_CHARS: usize = 100_000;

/// The most further requests one page's child lists may cost.
const MOST_CHILD_PAGES: u32 = 100;

/// The sizes of a page that Salesforce takes (REST API Developer Guide, "Query Options Header").
const PAGE_SIZES: std::ops::RangeInclusive<u32> = 200..=2000;

/// Which rows a query sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Rows that are there.
    Live,
    /// Deleted rows in the recycle bin and archived activities too.
    WithDeleted,
}

/// One page of a result.
#[derive(Debug, PartialEq)]
pub struct Page {
    /// The rows, in the order of the answer. An empty child result is null, as Salesforce sends it.
    pub records: Vec<Record>,
    /// How many rows the whole result has.
    pub total_size: u64,
    /// Where the next page is; `None` on the last one.
    pub next: Option<Locator>,
}

/// The place of a result's next page. Salesforce forgets it after two days, or sooner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locator {
    path: String,
    batch_size: Option<u32>,
}

#[derive(Deserialize)]
struct BatchAnswer<'a> {
    #[serde(borrow)]
    results: Vec<BatchResult<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchResult<'a> {
    status_code: u16,
    #[serde(borrow)]
    result: &'a RawValue,
}

impl Client {
    /// Runs a query and returns its first page; `batch_size` is a wish that Salesforce takes between 200 and 2,000.
    ///
    /// A query too long for an address travels in a request body instead. Child lists that go on over further pages are
    /// fetched, so that each is whole.
    pub async fn query(&self, soql: &str, scope: Scope, batch_size: Option<u32>) -> Result<Page> {
        let too_long = |what: String| Failure::new(Code::QueryTooLong, what).error;
        let chars = soql.chars().count();
        if chars > MOST_QUERY_CHARS {
            return Err(too_long(format!(
                "the query has {chars} characters, and Salesforce takes {MOST_QUERY_CHARS}"
            )));
        }
        let resource = match scope {
            Scope::Live => "query",
            Scope::WithDeleted => "queryAll",
        };
        let encoded: String = form_urlencoded::byte_serialize(soql.as_bytes()).collect();
        let path = self.data_path(resource);
        let address = path.len() + "?q=".len() + encoded.len();
        if address + self.token_len().await? + HEADER_ROOM <= MOST_ADDRESS_BYTES {
            let call = Call {
                query: Some(format!("q={encoded}")),
                ..Call::get(path)
            };
            match self.page(call, batch_size, read_page).await {
                // Something on the way takes shorter addresses than Salesforce itself.
                Err(error) if error.code() == Code::QueryTooLong => {}
                Err(error) => return Err(self.explain_missing(error, None).await),
                page => return page,
            }
        }
        let body = serde_json::json!({
            "haltOnError": true,
            "batchRequests": [{
                "method": "GET",
                "url": format!("v{}/{resource}?q={encoded}", self.api_version()),
            }],
        });
        let call = Call {
            method: Method::POST,
            body: Some(body.to_string()),
            ..Call::get(self.data_path("composite/batch"))
        };
        self.page(call, batch_size, read_batch)
            .await
            .map_err(|error| {
                let by_size = matches!(error.code(), Code::QueryTooLong | Code::RequestTooLarge);
                if !by_size {
                    return error;
                }
                let context = error.context().clone();
                too_long(format!(
                "the query has {chars} characters, and Salesforce refused it in a request body too"
            ))
            .with(|empty| *empty = context)
            })
    }

    /// The page a locator points at.
    pub async fn next(&self, locator: &Locator) -> Result<Page> {
        let call = Call::get(locator.path.clone());
        let page = self.page(call, locator.batch_size, read_page).await?;
        if page.next.as_ref() == Some(locator) {
            let message = "a page names itself as its next page";
            return Err(Failure::new(Code::AnswerUnreadable, message).error);
        }
        Ok(page)
    }

    async fn page(
        &self,
        call: Call<'_>,
        batch_size: Option<u32>,
        read: fn(&Answer, &Scrub<'_>) -> Result<page::Body, Failure>,
    ) -> Result<Page> {
        let wish = batch_size.map(|size| {
            let size = size.clamp(*PAGE_SIZES.start(), *PAGE_SIZES.end());
            format!("batchSize={size}")
        });
        let call = Call {
            purpose: Purpose::Query,
            headers: wish
                .as_deref()
                .map(|wish| ("Sforce-Query-Options", wish))
                .into_iter()
                .collect(),
            ..call
        };
        let mut body = self.call(&call, read).await?;
        if body.children_go_on {
            self.complete_children(&mut body.records).await?;
        }
        let next = body.next.map(|next| self.locator(&next, batch_size));
        Ok(Page {
            records: body.records,
            total_size: body.total_size,
            next: next.transpose()?,
        })
    }

    /// Takes an answer's locator when it stays in the org; another one would carry the token away.
    fn locator(&self, next: &str, batch_size: Option<u32>) -> Result<Locator> {
        let path = host::next_page(next, self.instance()).ok_or_else(|| {
            let foreign = self.instance().join(next).ok();
            let foreign = foreign.filter(|url| url.origin() != self.instance().origin());
            let message = match foreign.as_ref().and_then(url::Url::host_str) {
                Some(name) => format!(
                    "the answer's next page is on host `{}`",
                    name.chars().take(100).collect::<String>()
                ),
                None => "the answer's next page is not the address of a query result".to_owned(),
            };
            Failure::new(Code::HostRefused, message).error
        })?;
        Ok(Locator { path, batch_size })
    }

    /// Fetches the rest of every child list that is not whole, one after the other.
    async fn complete_children(&self, records: &mut [Record]) -> Result<()> {
        let mut fetched = 0;
        while let Some(list) = first_open(records) {
            if fetched == MOST_CHILD_PAGES {
                return Err(Failure::new(
                    Code::TooManyRelated,
                    format!(
                        "the child rows of one page go on over more than {fetched} further pages"
                    ),
                )
                .error);
            }
            fetched += 1;
            let Some((_, next)) = page::rest_of_children(list) else {
                return Err(Error::bug("a child list lost its next page"));
            };
            let locator = self.locator(next, None)?;
            let call = Call {
                purpose: Purpose::Query,
                ..Call::get(locator.path)
            };
            let more = self.call(&call, read_page).await?;
            if let Some(list) = first_open(records) {
                append(list, more);
            }
        }
        Ok(())
    }
}

/// Adds further rows to a child list, and closes it when there are no more.
fn append(list: &mut Value, more: page::Body) {
    let Some((rows, _)) = page::rest_of_children(list) else {
        return;
    };
    let mut rows = std::mem::take(rows);
    rows.extend(more.records.iter().map(Record::to_value));
    *list = page::child_list(rows, more.next);
}

/// The first child list that is not whole, at any depth.
fn first_open(records: &mut [Record]) -> Option<&mut Value> {
    records
        .iter_mut()
        .flat_map(Record::values_mut)
        .find_map(open_inside)
}

fn open_inside(value: &mut Value) -> Option<&mut Value> {
    if page::rest_of_children(value).is_some() {
        return Some(value);
    }
    match value {
        Value::Array(rows) => rows.iter_mut().find_map(open_inside),
        Value::Object(fields) => fields.values_mut().find_map(open_inside),
        _ => None,
    }
}

fn read_page(answer: &Answer, _: &Scrub<'_>) -> Result<page::Body, Failure> {
    page::read(&answer.body).map_err(|error| unreadable(answer.status, &error))
}

/// Reads the one result of a batch of one query.
fn read_batch(answer: &Answer, scrub: &Scrub<'_>) -> Result<page::Body, Failure> {
    let batch: BatchAnswer<'_> =
        serde_json::from_slice(&answer.body).map_err(|error| unreadable(answer.status, &error))?;
    let [result] = batch.results.as_slice() else {
        return Err(Failure::new(
            Code::AnswerUnreadable,
            format!("a batch of one request has {} results", batch.results.len()),
        ));
    };
    let body = result.result.get().as_bytes();
    if (200..300).contains(&result.status_code) {
        page::read(body).map_err(|error| unreadable(result.status_code, &error))
    } else {
        // The batch's own header belongs to the outer answer; the inner one has none.
        let headers = HeaderMap::new();
        Err(refusal::refusal(result.status_code, &headers, body, scrub))
    }
}
