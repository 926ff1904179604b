//! Where a run's records come from: pages of Salesforce, changes of Bridged's own records, or rows that were chosen.

use std::collections::VecDeque;

use crate::foundation::error::{Error, Result};
use crate::foundation::record::Record;
use crate::plan::query::{Key, Query, StampField};
use crate::salesforce::client::Client;
use crate::salesforce::query::Scope;
use crate::store::model::{Changed, OutcomeOf, RecordKind, StoredProfile};
use crate::store::read_only::ReadOnly;

use super::read::{self, PageRead, Pages};

/// Records of Bridged's own that are read from the store at once.
const CHANGES_A_PAGE: u32 = 500;

/// Ids that one query names: far below the length of an address, and no more rows than the least size of an answer
/// (REST API Developer Guide, "Query Options Header": 200).
const IDS_A_QUERY: usize = 200;

/// Hands out pages until there are no more. The first may be looked at before it is taken.
pub struct Source<'a> {
    from: From<'a>,
    waiting: Option<Page>,
}

/// Where pages come from.
pub enum From<'a> {
    /// The pages of a window, and behind them the rows of people who were engaged since the last run.
    Rows(Pages<'a>, Option<EngagedRows<'a>>),
    /// Bridged's records that changed.
    Changes(Changes),
    /// Rows named by their Ids.
    Chosen(Chosen<'a>),
    /// Bridged's records named by their keys.
    Given(VecDeque<Page>),
}

/// One page, in the order of reading; never empty.
#[derive(Debug)]
pub enum Page {
    /// Rows of Salesforce, and where the last of them stands in a read.
    Rows(Vec<Record>, Option<Place>),
    /// Outcomes with their people.
    Outcomes(Vec<Changed<OutcomeOf>>),
    /// Profiles.
    Profiles(Vec<Changed<StoredProfile>>),
}

/// Where a read stands behind a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The last row.
    pub last: Key,
    /// The field that stamps the rows, where they have one.
    pub by: Option<StampField>,
}

impl<'a> Source<'a> {
    /// A source of which nothing was taken yet.
    pub const fn new(from: From<'a>) -> Self {
        Self {
            from,
            waiting: None,
        }
    }

    /// How many records the next page holds; it stays the next one.
    ///
    /// # Errors
    /// What the client and the store say.
    pub async fn peek(&mut self) -> Result<usize> {
        if self.waiting.is_none() {
            self.waiting = self.from.next().await?;
        }
        Ok(self.waiting.as_ref().map_or(0, Page::len))
    }

    /// The next page, or `None` behind the last.
    ///
    /// # Errors
    /// What the client and the store say.
    pub async fn next(&mut self) -> Result<Option<Page>> {
        match self.waiting.take() {
            Some(page) => Ok(Some(page)),
            None => self.from.next().await,
        }
    }

    /// The Ids of chosen rows that were there, as far as they were read; `None` for other sources.
    pub fn found(&self) -> Option<&[String]> {
        match &self.from {
            From::Chosen(chosen) => Some(&chosen.found),
            _ => None,
        }
    }
}

impl From<'_> {
    async fn next(&mut self) -> Result<Option<Page>> {
        match self {
            From::Rows(pages, engaged) => {
                if let Some(PageRead { records, last, by }) = pages.next().await? {
                    return Ok(Some(Page::Rows(records, Some(Place { last, by }))));
                }
                match engaged {
                    Some(engaged) => engaged.next().await,
                    None => Ok(None),
                }
            }
            From::Changes(changes) => changes.next().await,
            From::Chosen(chosen) => chosen.next().await,
            From::Given(pages) => Ok(pages.pop_front()),
        }
    }
}

impl Page {
    /// How many records it holds.
    pub fn len(&self) -> usize {
        match self {
            Page::Rows(rows, _) => rows.len(),
            Page::Outcomes(outcomes) => outcomes.len(),
            Page::Profiles(profiles) => profiles.len(),
        }
    }

    /// Whether it holds no record.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same records in pages: the first of at most `first`, the others of at most `most`.
    pub fn parts(self, first: usize, most: usize) -> Vec<Page> {
        if self.len() <= first {
            return vec![self];
        }
        match self {
            Page::Rows(rows, last) => {
                let place = |part: &[Record]| {
                    let by = last.as_ref()?.by;
                    let last = read::place(part.last()?, by)?;
                    Some(Place { last, by })
                };
                pieces(rows, first, most)
                    .into_iter()
                    .map(|part| {
                        let place = place(&part);
                        Page::Rows(part, place)
                    })
                    .collect()
            }
            Page::Outcomes(outcomes) => wrap(outcomes, first, most, Page::Outcomes),
            Page::Profiles(profiles) => wrap(profiles, first, most, Page::Profiles),
        }
    }
}

fn wrap<T>(items: Vec<T>, first: usize, most: usize, page: fn(Vec<T>) -> Page) -> Vec<Page> {
    let pieces = pieces(items, first, most);
    pieces.into_iter().map(page).collect()
}

fn pieces<T>(mut items: Vec<T>, first: usize, most: usize) -> Vec<Vec<T>> {
    let mut pieces = Vec::with_capacity(items.len().div_ceil(most.max(1)) + 1);
    let mut size = first.max(1);
    while items.len() > size {
        let rest = items.split_off(size);
        pieces.push(std::mem::replace(&mut items, rest));
        size = most.max(1);
    }
    pieces.push(items);
    pieces
}

/// Bridged's records between two change numbers, in the order in which they changed.
#[derive(Debug)]
pub struct Changes {
    store: ReadOnly,
    kind: RecordKind,
    after: u64,
    until: u64,
    left: Option<u64>,
}

impl Changes {
    /// What changed behind `after`, up to `until`; `limit` records in all where one is given.
    pub const fn new(
        store: ReadOnly,
        kind: RecordKind,
        after: u64,
        until: u64,
        limit: Option<u64>,
    ) -> Self {
        Self {
            store,
            kind,
            after,
            until,
            left: limit,
        }
    }

    async fn next(&mut self) -> Result<Option<Page>> {
        let most = self.left.map_or(CHANGES_A_PAGE, |left| {
            u32::try_from(left).unwrap_or(u32::MAX).min(CHANGES_A_PAGE)
        });
        if most == 0 || self.after >= self.until {
            return Ok(None);
        }
        let (store, kind, after, until) = (self.store.clone(), self.kind, self.after, self.until);
        let reading = tokio::task::spawn_blocking(move || match kind {
            RecordKind::Outcomes => store
                .changed_outcomes(after, until, most)
                .map(Page::Outcomes),
            RecordKind::Profiles => store
                .changed_profiles(after, until, most)
                .map(Page::Profiles),
        });
        let page = reading.await.map_err(|panic| {
            Error::bug("the thread that reads the store panicked").caused_by(panic)
        })??;
        let last = match &page {
            Page::Outcomes(outcomes) => outcomes.last().map(|changed| changed.change),
            Page::Profiles(profiles) => profiles.last().map(|changed| changed.change),
            Page::Rows(..) => None,
        };
        let Some(last) = last else {
            self.after = self.until;
            return Ok(None);
        };
        self.after = last;
        self.left = self.left.map(|left| left.saturating_sub(page.len() as u64));
        Ok(Some(page))
    }
}

/// Rows named by their Ids, read as they are now.
pub struct Chosen<'a> {
    client: &'a Client,
    query: &'a Query,
    ids: VecDeque<String>,
    found: Vec<String>,
}

impl<'a> Chosen<'a> {
    /// The rows of `query` with these Ids.
    pub fn new(client: &'a Client, query: &'a Query, ids: Vec<String>) -> Self {
        Self {
            client,
            query,
            ids: ids.into(),
            found: Vec::new(),
        }
    }

    async fn next(&mut self) -> Result<Option<Page>> {
        while !self.ids.is_empty() {
            let some = self.ids.len().min(IDS_A_QUERY);
            let ids: Vec<String> = self.ids.drain(..some).collect();
            let soql = self.query.chosen(&ids);
            let scope = if self.query.include_deleted {
                Scope::WithDeleted
            } else {
                Scope::Live
            };
            let mut rows = Vec::new();
            let mut page = self.client.query(&soql, scope, None).await?;
            loop {
                rows.append(&mut page.records);
                let Some(next) = &page.next else { break };
                page = self.client.next(next).await?;
            }
            let ids = rows.iter().filter_map(|row| row.get("Id")?.as_str());
            self.found.extend(ids.map(str::to_owned));
            if !rows.is_empty() {
                return Ok(Some(Page::Rows(rows, None)));
            }
        }
        Ok(None)
    }
}

/// The rows of people who were engaged since the last run: their rows did not change, and their scores may.
pub struct EngagedRows<'a> {
    client: &'a Client,
    query: &'a Query,
    store: ReadOnly,
    after: u64,
    until: u64,
}

impl<'a> EngagedRows<'a> {
    /// The rows of `query` whose people have events stored behind `after`, up to `until`.
    pub const fn new(
        client: &'a Client,
        query: &'a Query,
        store: ReadOnly,
        (after, until): (u64, u64),
    ) -> Self {
        Self {
            client,
            query,
            store,
            after,
            until,
        }
    }

    async fn next(&mut self) -> Result<Option<Page>> {
        loop {
            let found = self
                .store
                .engaged_profiles(self.after, self.until, IDS_A_QUERY as u32)?;
            let Some(last) = found.last() else {
                return Ok(None);
            };
            self.after = last.change;
            let is_own = |object: &Option<String>| {
                object
                    .as_ref()
                    .is_some_and(|object| object.eq_ignore_ascii_case(&self.query.object))
            };
            let ids = found.into_iter().filter(|one| is_own(&one.record.object));
            let ids: Vec<String> = ids.filter_map(|one| one.record.salesforce_id).collect();
            let mut chosen = Chosen::new(self.client, self.query, ids);
            if let Some(page) = chosen.next().await? {
                return Ok(Some(page));
            }
        }
    }
}
