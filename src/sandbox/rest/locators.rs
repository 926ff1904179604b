//! Queries that have more pages, behind the ids that clients ask for them with.

use std::collections::HashMap;
use std::sync::Arc;

use crate::sandbox::ids::RecordId;
use crate::sandbox::org::INSTANCE;
use crate::sandbox::query::run::RowSet;
use crate::sandbox::value::Stamp;

/// How long a locator lives, in seconds: two days.
///
/// Source: "Salesforce Developer Limits and Allocations Quick Reference", query cursors.
const LIFETIME: i64 = 2 * 86_400;
/// More row numbers than this are not kept: the oldest queries are forgotten first.
const ROWS_MAX: usize = 50_000_000;

/// The queries with more pages.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Locators {
    kept: HashMap<RecordId, Kept>,
    serial: u64,
    rows: usize,
}

/// One query.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) rows: Arc<RowSet>,
    /// The version of the first page, such as `67.0`: later pages keep it.
    pub(super) version: String,
    /// The page size of the first page.
    pub(super) batch: usize,
    since: Stamp,
}

impl Locators {
    /// Keeps a query; returns the id of its locator.
    pub(super) fn keep(
        &mut self,
        rows: Arc<RowSet>,
        version: &str,
        batch: usize,
        now: Stamp,
    ) -> RecordId {
        self.serial += 1;
        let id = RecordId::from_serial(*b"01g", INSTANCE, self.serial);
        self.rows += rows.rows.len();
        self.kept.insert(
            id,
            Kept {
                rows,
                version: version.to_owned(),
                batch,
                since: now,
            },
        );
        while self.rows > ROWS_MAX && self.kept.len() > 1 {
            let Some(oldest) = self.kept.keys().min().copied() else {
                break;
            };
            self.forget(oldest);
        }
        id
    }

    /// The query behind a locator that is not too old.
    pub(super) fn find(&mut self, id: RecordId, now: Stamp) -> Option<Kept> {
        let kept = self.kept.get(&id)?.clone();
        if now.0 - kept.since.0 > LIFETIME {
            self.forget(id);
            return None;
        }
        Some(kept)
    }

    /// Forgets every query.
    pub(in crate::sandbox) fn clear(&mut self) {
        self.kept.clear();
        self.rows = 0;
    }

    fn forget(&mut self, id: RecordId) {
        if let Some(kept) = self.kept.remove(&id) {
            self.rows -= kept.rows.rows.len();
        }
    }
}
