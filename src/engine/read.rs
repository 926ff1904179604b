//! Reading: the pages of a window, in order, each behind the last row of the one before.

use jiff::Timestamp;
use jiff::fmt::strtime;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::record::Record;
use crate::plan::query::{Key, Query, StampField, Window};
use crate::salesforce::client::Client;
use crate::salesforce::query::{Locator, Scope};

/// Hands out the pages of one window.
pub struct Pages<'a> {
    client: &'a Client,
    query: &'a Query,
    page_size: u32,
    window: Window,
    left: Option<u64>,
    last: Option<Key>,
    next: Next,
}

/// How the next page is asked for.
#[derive(Debug)]
enum Next {
    Keyset,
    /// Salesforce cut the page short and keeps the rest of it behind a locator.
    Locator(Locator, u64),
    End,
}

/// One page that was read.
#[derive(Debug)]
pub struct PageRead {
    /// The rows; never empty.
    pub records: Vec<Record>,
    /// The place of the last row.
    pub last: Key,
    /// The field that stamps the rows, where they have one.
    pub by: Option<StampField>,
}

impl<'a> Pages<'a> {
    /// The pages of a window, `limit` rows in all where one is given.
    pub fn new(
        client: &'a Client,
        query: &'a Query,
        page_size: u32,
        window: Window,
        limit: Option<u64>,
    ) -> Self {
        let next = if limit == Some(0) {
            Next::End
        } else {
            Next::Keyset
        };
        Self {
            client,
            query,
            page_size,
            window,
            left: limit,
            last: None,
            next,
        }
    }

    /// The next page, or `None` behind the last one.
    ///
    /// A page that is not full ends the window: rows that arrive later are stamped behind it, or belong to the overlap of
    /// the next run.
    ///
    /// # Errors
    /// What the client says, and `page-out-of-order`. Calling again after an error asks for the same page.
    pub async fn next(&mut self) -> Result<Option<PageRead>> {
        loop {
            let (page, asked) = match &self.next {
                Next::End => return Ok(None),
                Next::Keyset => {
                    let asked = self.left.map_or(u64::from(self.page_size), |left| {
                        left.min(u64::from(self.page_size))
                    });
                    let soql = self.query.page(&self.window, asked as u32);
                    (self.client.query(&soql, self.scope(), None).await?, asked)
                }
                Next::Locator(locator, missing) => match self.client.next(locator).await {
                    Ok(page) => (page, *missing),
                    // The keyset continues where the lost locator stood: nothing is read twice, nothing is left out.
                    Err(error) if error.code() == Code::QueryLocatorLost => {
                        self.next = Next::Keyset;
                        continue;
                    }
                    Err(error) => return Err(error),
                },
            };
            return self.take(page.records, page.next, asked);
        }
    }

    fn take(
        &mut self,
        records: Vec<Record>,
        next: Option<Locator>,
        asked: u64,
    ) -> Result<Option<PageRead>> {
        let count = records.len() as u64;
        self.left = self.left.map(|left| left.saturating_sub(count));
        let Some(last) = records.last() else {
            self.next = Next::End;
            return Ok(None);
        };
        let last = self.key(last)?;
        // I6: pages only go forward, so a window ends and no row of it is met twice.
        if self
            .last
            .as_ref()
            .is_some_and(|before| !goes_forward(before, &last))
        {
            return Err(out_of_order(
                "its last row does not stand behind the last row of the page before",
            ));
        }
        self.window = self.window.behind(last.clone());
        self.last = Some(last.clone());
        self.next = match next {
            _ if self.left == Some(0) => Next::End,
            Some(locator) => Next::Locator(locator, asked.saturating_sub(count)),
            None if count < asked => Next::End,
            None => Next::Keyset,
        };
        let by = self.stamp();
        Ok(Some(PageRead { records, last, by }))
    }

    fn key(&self, record: &Record) -> Result<Key> {
        place(record, self.stamp())
            .ok_or_else(|| out_of_order("its last row has no Id or no stamp"))
    }

    /// The field that stamps the rows, where the window has one.
    fn stamp(&self) -> Option<StampField> {
        match &self.window {
            Window::Whole { .. } => None,
            Window::Stamped { by, .. } => Some(*by),
        }
    }

    fn scope(&self) -> Scope {
        if self.query.include_deleted {
            Scope::WithDeleted
        } else {
            Scope::Live
        }
    }
}

/// Ids of one stamp are not compared: their order is Salesforce's own.
fn goes_forward(before: &Key, last: &Key) -> bool {
    last.stamp >= before.stamp && last != before
}

fn out_of_order(why: &str) -> Error {
    Error::new(
        Code::PageOutOfOrder,
        format!("Salesforce returned a page that cannot be continued: {why}"),
    )
}

/// A row's place in the order of a read; `None` when it has no Id, or no stamp where rows have one.
pub fn place(record: &Record, by: Option<StampField>) -> Option<Key> {
    let id = record.get("Id")?.as_str()?;
    if !matches!(id.len(), 15 | 18) || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let stamp = match by {
        None => Timestamp::UNIX_EPOCH,
        Some(by) => stamp(record, by)?,
    };
    Some(Key {
        stamp,
        id: id.to_owned(),
    })
}

/// When a row was last changed.
pub fn stamp(record: &Record, by: StampField) -> Option<Timestamp> {
    instant(record.get(by.as_str())?.as_str()?)
}

/// An instant as Salesforce writes it: `2024-07-24T14:05:58.000+0000`, or `Z` for the offset.
pub fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        strtime::parse("%Y-%m-%dT%H:%M:%S%.f%z", text)
            .ok()?
            .to_timestamp()
            .ok()
    })
}
