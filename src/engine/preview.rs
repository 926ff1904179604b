//! A dry run: reads and maps for real, and tells what a run would write, as a diff against what is stored.
//!
//! It cannot write: the client has no write call, and the store is handed over read-only (I11).

use serde_json::{Map, Value};

use crate::foundation::clock::Clock;
use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::record::{Profile, Record, RecordError};
use crate::plan::Plan;
use crate::plan::query::Window;
use crate::salesforce::client::Client;
use crate::store::read_only::ReadOnly;

use super::cancel::Cancel;
use super::map::{Mapped, Mapper};
use super::meter::{Meter, Spent};
use super::read::Pages;
use super::window::{self, Bounds};
use super::{Options, resolve};

/// The outside of a dry run: everything it may look at, nothing it could change.
#[derive(Clone)]
pub struct ReadSide {
    /// The org, without a way to write.
    pub client: Client,
    /// The store, without a way to write.
    pub store: ReadOnly,
    /// Dates.
    pub clock: Clock,
    /// Who may stop it.
    pub cancel: Cancel,
}

/// What a run would do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Preview {
    /// Records read.
    pub read: u64,
    /// Profiles that would be added.
    pub created: u64,
    /// Profiles of which something would change.
    pub updated: u64,
    /// Profiles that are stored as they are.
    pub unchanged: u64,
    /// Records that the filter drops.
    pub filtered: u64,
    /// Records that would be rejected.
    pub rejected: u64,
    /// The first changes, as many as were asked for, in the order of reading.
    pub changes: Vec<Change>,
    /// The rows it covers, where there are any.
    pub window: Option<Window>,
    /// What the dry run itself cost.
    pub spent: Spent,
    /// What the operator should know.
    pub warnings: Vec<String>,
}

/// What would happen to one record.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The profile would be added.
    Create {
        /// Its key.
        key: String,
        /// Its attributes, sensitive values masked.
        attributes: Map<String, Value>,
    },
    /// Something of the profile would change.
    Update {
        /// Its key.
        key: String,
        /// What changes, sensitive values masked.
        fields: Vec<FieldChange>,
    },
    /// The record would be rejected.
    Reject {
        /// Its Salesforce Id.
        key: String,
        /// Why.
        reason: RecordError,
    },
}

/// An attribute whose value would change.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldChange {
    /// The attribute; `deleted` for the mark of a tombstone.
    pub name: String,
    /// What is stored; `None` where nothing is.
    pub old: Option<Value>,
    /// What would be stored.
    pub new: Value,
}

/// What stands in place of a sensitive value.
pub const MASK: &str = "•••";

/// Previews a run, with its first `shown` changes. Reads like a run, up to `options.limit` records.
///
/// # Errors
/// What keeps a run from reading.
pub async fn preview(
    plan: &Plan,
    side: &ReadSide,
    options: Options,
    shown: usize,
) -> Result<Preview> {
    let (Some(read), Some(mapper)) = (plan.read(), Mapper::of(plan)) else {
        return Err(Error::new(
            Code::NotExecutable,
            format!(
                "pipeline `{}` reads Bridged's records, which this version plans but does not run",
                plan.pipeline
            ),
        ));
    };
    let meter = Meter::start(&side.client);
    let mut preview = Preview::default();
    let kept = side.store.describe(&plan.connection, &read.query.object)?;
    let resolved = resolve::describe(read, &side.client, side.clock.now(), kept).await?;
    let (by, warning) = resolve::stamp_field(read, &resolved.object);
    preview.warnings.extend(warning);
    let hash = read.query.hash();
    let cursor = match side.store.cursor(&plan.pipeline)? {
        Some(cursor) if cursor.query_hash != hash && !options.full => {
            preview
                .warnings
                .push("the query changed since the last run: a run needs `--full`".to_owned());
            None
        }
        cursor => cursor.filter(|_| read.query.incremental && !options.full),
    };
    let now = side.client.server_time().await?;
    let bounds = Bounds {
        by,
        cursor: cursor.as_ref(),
        overlap: read.overlap,
        now,
    };
    preview.window = window::open(&bounds)?;
    if let Some(window) = preview.window.clone() {
        let mut pages = Pages::new(
            &side.client,
            &read.query,
            read.page_size,
            window,
            options.limit,
        );
        loop {
            let page = tokio::select! {
                biased;
                () = side.cancel.cancelled() => {
                    preview.warnings.push("stopped before the end".to_owned());
                    break;
                }
                page = pages.next() => page?,
            };
            let Some(page) = page else { break };
            for record in &page.records {
                preview.take(plan, mapper, &side.store, record, shown)?;
            }
        }
    }
    preview.spent = meter.spent();
    Ok(preview)
}

impl Preview {
    fn take(
        &mut self,
        plan: &Plan,
        mapper: Mapper<'_>,
        store: &ReadOnly,
        record: &Record,
        shown: usize,
    ) -> Result<()> {
        self.read += 1;
        let change = match mapper.map(record) {
            Mapped::Filtered => {
                self.filtered += 1;
                None
            }
            Mapped::Rejected(reason) => {
                self.rejected += 1;
                let key = record
                    .get("Id")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned();
                Some(Change::Reject { key, reason })
            }
            Mapped::Profile(profile) => self.compare(plan, store, profile)?,
        };
        self.changes
            .extend(change.filter(|_| self.changes.len() < shown));
        Ok(())
    }

    fn compare(
        &mut self,
        plan: &Plan,
        store: &ReadOnly,
        profile: Profile,
    ) -> Result<Option<Change>> {
        let Some(stored) = store.profile(&profile.key)? else {
            self.created += 1;
            let mask = |(name, value): (String, Value)| {
                let value = masked(plan, &name, value);
                (name, value)
            };
            let attributes = profile.attributes.into_iter().map(mask).collect();
            return Ok(Some(Change::Create {
                key: profile.key,
                attributes,
            }));
        };
        let stored = stored.profile;
        let pairs = profile
            .attributes
            .iter()
            .map(|(name, new)| (name, stored.attributes.get(name), new));
        let consents = profile
            .consent
            .iter()
            .map(|(name, new)| (name, stored.consent.get(name), new));
        let mut fields: Vec<FieldChange> = pairs
            .chain(consents)
            .filter(|(_, old, new)| *old != Some(*new))
            .map(|(name, old, new)| FieldChange {
                name: name.clone(),
                old: old.map(|old| masked(plan, name, old.clone())),
                new: masked(plan, name, new.clone()),
            })
            .collect();
        if stored.deleted != profile.deleted {
            fields.push(FieldChange {
                name: "deleted".to_owned(),
                old: Some(stored.deleted.into()),
                new: profile.deleted.into(),
            });
        }
        if fields.is_empty() {
            self.unchanged += 1;
            return Ok(None);
        }
        self.updated += 1;
        Ok(Some(Change::Update {
            key: profile.key,
            fields,
        }))
    }
}

fn masked(plan: &Plan, name: &str, value: Value) -> Value {
    let is_sensitive = plan.sensitive.iter().any(|sensitive| sensitive == name);
    if is_sensitive && !value.is_null() {
        Value::from(MASK)
    } else {
        value
    }
}
