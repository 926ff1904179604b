//! Opening a run: what it will read, from where to where, and the targets as the org describes them.
//!
//! A run and a dry run open alike; only what they may keep of it differs, so nothing here writes.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::event::{ChangeCursor, Cursor};
use crate::plan::Plan;
use crate::plan::query::{StampField, Window};
use crate::plan::snapshot::Snapshots;
use crate::plan::step::read::Read;
use crate::plan::step::records::Records;
use crate::plan::writable;
use crate::salesforce::client::Client;
use crate::salesforce::describe::ObjectDescribe;
use crate::spec::source;
use crate::store::Store;
use crate::store::model::{CachedDescribe, RecordKind};
use crate::store::read_only::ReadOnly;

use super::Options;
use super::read::Pages;
use super::resolve::{self, Resolved};
use super::settle::CursorBase;
use super::source::{Changes, EngagedRows, From, Source};
use super::window::{self, Bounds};

/// What a run may look at while it opens.
pub struct Opening<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The org, to be read.
    pub client: &'a Client,
    /// The store, to be read.
    pub store: &'a ReadOnly,
    /// Now, to judge how old descriptions are.
    pub now: Timestamp,
    /// How the run differs from a plain one.
    pub options: Options,
    /// What the operator should know.
    pub warnings: Vec<String>,
    /// Descriptions that took a call, to be kept by whoever may.
    pub fresh: Vec<(String, CachedDescribe)>,
}

/// What a run reads.
#[derive(Debug, Clone)]
pub enum Range {
    /// Rows of a window.
    Rows {
        /// The window.
        window: Window,
        /// What its cursors have in common; `None` where none is kept.
        cursor: Option<CursorBase>,
        /// Where the last run ended.
        earlier: Option<Cursor>,
        /// Rows that change something although they were stamped before this instant are late.
        late_before: Option<Timestamp>,
        /// The field that stamps the rows.
        by: Option<StampField>,
        /// The changes whose engagements are looked at too, where templates see any.
        engaged: Option<(u64, u64)>,
    },
    /// Bridged's records that changed.
    Changes {
        /// Which.
        kind: RecordKind,
        /// Behind this change number.
        after: u64,
        /// Up to this one.
        until: u64,
        /// What its cursors have in common.
        cursor: CursorBase,
    },
}

impl<'a> Opening<'a> {
    /// Nothing was asked yet.
    pub fn new(plan: &'a Plan, client: &'a Client, store: &'a ReadOnly, now: Timestamp) -> Self {
        Self {
            plan,
            client,
            store,
            now,
            options: Options::default(),
            warnings: Vec::new(),
            fresh: Vec::new(),
        }
    }

    /// Keeps the descriptions that took a call, for a day.
    ///
    /// # Errors
    /// What the store says.
    pub fn keep(&self, store: &Arc<dyn Store>) -> Result<()> {
        for (object, fresh) in &self.fresh {
            store.put_describe(&self.plan.connection, object, fresh)?;
        }
        Ok(())
    }

    /// What the run reads; `None` when there is nothing to read.
    ///
    /// # Errors
    /// `cursor-query-changed`; what the client and the store say.
    pub async fn range(&mut self) -> Result<Option<Range>> {
        if let Some(read) = self.plan.read() {
            return self.rows(read).await;
        }
        match self.plan.records() {
            Some(records) => self.changes(records),
            None => Err(Error::bug("a plan that reads nothing passed the compiler")),
        }
    }

    /// The objects of all targets, each held against what its target asks of it.
    ///
    /// # Errors
    /// What a target lacks: an object, a field, a right; what the client says.
    pub async fn targets(&mut self) -> Result<HashMap<String, Arc<ObjectDescribe>>> {
        let mut described = HashMap::new();
        for target in self.plan.targets() {
            let fits = |object: &ObjectDescribe| {
                let errors = writable::check(target, object, &Snapshots::default())
                    .into_iter()
                    .find(|finding| finding.diagnostic.is_error());
                errors.map_or(Ok(()), |finding| Err(resolve::told(finding)))
            };
            let object = self.describe(&target.object, fits).await?;
            described.insert(target.object.clone(), object);
        }
        Ok(described)
    }

    async fn describe(
        &mut self,
        object: &str,
        fits: impl Fn(&ObjectDescribe) -> Result<()>,
    ) -> Result<Arc<ObjectDescribe>> {
        let same = |(name, _): &&(String, CachedDescribe)| name.eq_ignore_ascii_case(object);
        let kept = match self.fresh.iter().find(same) {
            Some((_, fresh)) => Some(fresh.clone()),
            None => self.store.describe(&self.plan.connection, object)?,
        };
        let Resolved { object, fresh } =
            resolve::describe(object, self.client, self.now, kept, fits).await?;
        self.fresh
            .extend(fresh.map(|fresh| (object.name.clone(), fresh)));
        Ok(object)
    }

    async fn rows(&mut self, read: &Read) -> Result<Option<Range>> {
        let object = self
            .describe(&read.query.object, |object| resolve::fits(read, object))
            .await?;
        let (by, warning) = resolve::stamp_field(read, &object);
        self.warnings.extend(warning);
        let query_hash = read.query.hash();
        let keeps_cursor = read.query.incremental && by.is_some();
        let earlier = if keeps_cursor {
            self.earlier(&query_hash)?
        } else {
            None
        };
        let now = self.client.server_time().await?;
        let bounds = Bounds {
            by,
            cursor: earlier.as_ref().filter(|_| !self.options.full),
            overlap: read.overlap,
            now,
        };
        let Some(window) = window::open(&bounds)? else {
            self.warnings.push(format!(
                "Salesforce's clock says {now}, which lies before the last run; nothing was read"
            ));
            return Ok(None);
        };
        let engaged = self.engaged(&query_hash)?;
        let cursor = match &window {
            Window::Stamped { until, .. } if keeps_cursor => Some(CursorBase::Rows {
                engaged: engaged.map(|(_, until)| ChangeCursor {
                    source_hash: query_hash.clone(),
                    change: until,
                }),
                query_hash,
                window_end: *until,
            }),
            _ => None,
        };
        let engaged = engaged.filter(|_| cursor.is_some());
        let late_before = self.late_before(read, earlier.as_ref())?;
        Ok(Some(Range::Rows {
            window,
            cursor,
            earlier,
            late_before,
            by,
            engaged,
        }))
    }

    /// Between which changes people were engaged since the last run. A first run reads everybody, and so does a full one.
    fn engaged(&self, query_hash: &str) -> Result<Option<(u64, u64)>> {
        if !self.plan.uses("engagement") && !self.plan.uses("opted_out") {
            return Ok(None);
        }
        let newest = self.store.newest_change()?;
        let cursor = self.store.change_cursor(&self.plan.pipeline)?;
        let after = cursor
            .filter(|cursor| cursor.source_hash == query_hash && !self.options.full)
            .map_or(newest, |cursor| cursor.change);
        Ok(Some((after.min(newest), newest)))
    }

    /// The cursor to continue from, or to compare with on a full read.
    fn earlier(&self, query_hash: &str) -> Result<Option<Cursor>> {
        let cursor = self.store.cursor(&self.plan.pipeline);
        if self.options.full {
            // A full read replaces the cursor, whatever state it is in.
            let cursor = cursor.ok().flatten();
            return Ok(cursor.filter(|cursor| cursor.query_hash == query_hash));
        }
        match cursor? {
            Some(cursor) if cursor.query_hash != query_hash => Err(self.query_changed()),
            cursor => Ok(cursor),
        }
    }

    fn query_changed(&self) -> Error {
        let pipeline = &self.plan.pipeline;
        Error::new(
            Code::CursorQueryChanged,
            format!(
                "pipeline `{pipeline}` asks for other records than at its last run, so its cursor does not fit"
            ),
        )
        .help(format!(
            "run `bridged run {pipeline} --full` once: it reads everything under the changed query; what did not change is \
             not written"
        ))
    }

    /// On a full read under the plan of the last run, a row that changes something although it lies before the cursor
    /// and its overlap was missed by incremental runs.
    fn late_before(&self, read: &Read, earlier: Option<&Cursor>) -> Result<Option<Timestamp>> {
        let (true, Some(earlier)) = (self.options.full, earlier) else {
            return Ok(None);
        };
        let same_plan = self
            .store
            .last_done(&self.plan.pipeline)?
            .is_some_and(|run| run.fingerprint == self.plan.fingerprint);
        let settled = earlier.stamp.min(
            earlier
                .window_end
                .saturating_sub(read.overlap)
                .unwrap_or(earlier.stamp),
        );
        Ok(same_plan.then_some(settled))
    }

    fn changes(&self, records: &Records) -> Result<Option<Range>> {
        let source_hash = records.hash();
        let after = if self.options.full {
            0
        } else {
            match self.store.change_cursor(&self.plan.pipeline)? {
                Some(cursor) if cursor.source_hash != source_hash => {
                    return Err(self.query_changed());
                }
                cursor => cursor.map_or(0, |cursor| cursor.change),
            }
        };
        let until = self.store.newest_change()?;
        Ok(Some(Range::Changes {
            kind: kind(records.kind),
            after,
            until: until.max(after),
            cursor: CursorBase::Changes {
                source_hash,
                until: until.max(after),
            },
        }))
    }
}

/// The word of the pipeline file as the store's word.
pub const fn kind(kind: source::RecordKind) -> RecordKind {
    match kind {
        source::RecordKind::Profiles => RecordKind::Profiles,
        source::RecordKind::Outcomes => RecordKind::Outcomes,
    }
}

impl Range {
    /// The source of what the range covers.
    ///
    /// # Errors
    /// A range of rows for a plan that reads none.
    pub fn source<'a>(
        &self,
        plan: &'a Plan,
        client: &'a Client,
        store: &ReadOnly,
        limit: Option<u64>,
    ) -> Result<Source<'a>> {
        match self {
            Range::Rows {
                window, engaged, ..
            } => {
                let read = plan
                    .read()
                    .ok_or_else(|| Error::bug("rows are read by a plan without a read"))?;
                let pages = Pages::new(client, &read.query, read.page_size, window.clone(), limit);
                let engaged = engaged.filter(|_| limit.is_none());
                let engaged = engaged
                    .map(|changes| EngagedRows::new(client, &read.query, store.clone(), changes));
                Ok(Source::new(From::Rows(pages, engaged)))
            }
            Range::Changes {
                kind, after, until, ..
            } => {
                let changes = Changes::new(store.clone(), *kind, *after, *until, limit);
                Ok(Source::new(From::Changes(changes)))
            }
        }
    }

    /// What the cursors of the range have in common.
    pub fn cursor(&self) -> Option<&CursorBase> {
        match self {
            Range::Rows { cursor, .. } => cursor.as_ref(),
            Range::Changes { cursor, .. } => Some(cursor),
        }
    }

    /// Whether every row of the query is read, however long ago it changed: what is missing then is missing in the org.
    pub const fn is_whole(&self, options: Options) -> bool {
        match self {
            Range::Rows { earlier, .. } => earlier.is_none() || options.full,
            Range::Changes { .. } => false,
        }
    }

    /// Where the last run ended.
    pub const fn earlier(&self) -> Option<&Cursor> {
        match self {
            Range::Rows { earlier, .. } => earlier.as_ref(),
            Range::Changes { .. } => None,
        }
    }

    /// Rows stamped before this instant are late, and the field that stamps them.
    pub fn late_before(&self) -> Option<(StampField, Timestamp)> {
        match self {
            Range::Rows {
                late_before, by, ..
            } => (*by).zip(*late_before),
            Range::Changes { .. } => None,
        }
    }
}
