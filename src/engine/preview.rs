//! A dry run: reads, maps and scores for real, and tells what a run would write, as a diff against what is there.
//!
//! It cannot write: the client has no write call, and the store is handed over read-only (I11).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::foundation::clock::Clock;
use crate::foundation::error::Result;
use crate::foundation::identity::IdentityHash;
use crate::foundation::record::{Profile, RecordError};
use crate::plan::Plan;
use crate::plan::forecast::{self, Assumptions, Forecast};
use crate::salesforce::client::Client;
use crate::salesforce::describe::ObjectDescribe;
use crate::store::read_only::ReadOnly;

use super::Options;
use super::absent::{self, Filled};
use super::broadcast::address::{Addressed, Addresser};
use super::broadcast::{self, Reach};
use super::cancel::Cancel;
use super::facts::Facts;
use super::foresee::{FieldChange, Foreseer, RowChange, What};
use super::group::Group;
use super::meter::{Meter, Spent};
use super::open::{Opening, Range};
use super::prepare::Preparer;
use super::source::Source;
use super::targets::{Fate, Targets};

/// Records that are looked at together: as many keys as one read of current rows names.
const GROUP: usize = 200;

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
    /// What a broadcast looks at; it cannot send.
    pub reach: Option<Arc<Reach>>,
}

/// What a run would do.
#[derive(Debug, Clone, Default)]
pub struct Preview {
    /// Records read.
    pub read: u64,
    /// What would become of profiles.
    pub profiles: Tally,
    /// What would become of the rows of each target, by its name, in the order of the plan.
    pub targets: Vec<(String, Tally)>,
    /// What the broadcast would do.
    pub messages: MessageTally,
    /// Records that the filter drops.
    pub filtered: u64,
    /// Records of people who were erased: they are left alone.
    pub erased: u64,
    /// Records that would be rejected.
    pub rejected: u64,
    /// The first changes, as many as were asked for, in the order of reading; sensitive values are masked.
    pub changes: Vec<Change>,
    /// What it covers, where there is anything.
    pub range: Option<Range>,
    /// Whether everything a run would read was looked at.
    pub is_whole: bool,
    /// What the dry run itself cost.
    pub spent: Spent,
    /// What a run would cost in API calls, as far as records are what the preview saw.
    pub run_calls: u64,
    /// The org's API calls a day, where an answer told.
    pub daily_limit: Option<u64>,
    /// What the operator should know.
    pub warnings: Vec<String>,
    /// Protected fields that would change on a row that exists, each once.
    pub protected: Vec<String>,
}

/// What a broadcast would do with the records that were read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageTally {
    /// Sent at once.
    pub now: u64,
    /// Planned, and sent later, by the word of the reason.
    pub held: BTreeMap<&'static str, u64>,
    /// People who have their message in the campaign already, or in another record.
    pub unchanged: u64,
    /// Not to be written to, by the word of the reason.
    pub suppressed: BTreeMap<String, u64>,
}

/// How many things of a kind would be created, changed, left alone, or could not be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Added.
    pub created: u64,
    /// Changed.
    pub updated: u64,
    /// As they would be.
    pub unchanged: u64,
    /// Refused.
    pub blocked: u64,
}

/// What would happen to one record or row.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The profile would be added.
    CreateProfile {
        /// Its key.
        key: String,
        /// Its attributes.
        attributes: Map<String, Value>,
    },
    /// Something of the profile would change.
    UpdateProfile {
        /// Its key.
        key: String,
        /// What changes.
        fields: Vec<FieldChange>,
    },
    /// A row would be created or changed, or could not be.
    Row(Box<RowChange>),
    /// The record would be rejected before anything is written.
    Reject {
        /// Its key.
        key: String,
        /// Why.
        reason: RecordError,
    },
}

/// What stands in place of a sensitive value.
pub const MASK: &str = "•••";

/// Takes each row that a run would touch, with its true values.
pub type Keep<'a> = &'a mut (dyn FnMut(&RowChange) -> Result<()> + Send);

/// Previews a run, with its first `shown` changes. Reads like a run, up to `options.limit` records.
///
/// # Errors
/// What keeps a run from reading; what `keep` says.
pub async fn preview(
    plan: &Arc<Plan>,
    side: &ReadSide,
    options: Options,
    shown: usize,
    keep: Keep<'_>,
) -> Result<Preview> {
    let meter = Meter::start(&side.client);
    let mut opening = Opening {
        options,
        ..Opening::new(plan, &side.client, &side.store, side.clock.now())
    };
    let range = opening.range().await?;
    let mut looking = Looking::new(plan, &side.store, shown, keep);
    if let Some(range) = range {
        let described = opening.targets().await?;
        let mut source = range.source(plan, &side.client, &side.store, options.limit)?;
        looking.look(&mut source, side, &described).await?;
        if looking.preview.is_whole && range.is_whole(options) {
            let (read, filled) = (looking.preview.read, looking.filled.as_deref());
            let absent = absent::explain(&side.client, plan, read, filled).await;
            looking.preview.warnings.extend(absent::warnings(absent));
        }
        looking.preview.range = Some(range);
    }
    let mut preview = looking.preview;
    preview.warnings.splice(0..0, opening.warnings);
    preview.finish(plan, &meter, side);
    Ok(preview)
}

/// Previews what would become of the records of a source.
///
/// # Errors
/// What keeps it from reading.
pub async fn over(
    plan: &Arc<Plan>,
    side: &ReadSide,
    source: &mut Source<'_>,
    shown: usize,
) -> Result<Preview> {
    let meter = Meter::start(&side.client);
    let mut opening = Opening::new(plan, &side.client, &side.store, side.clock.now());
    let described = opening.targets().await?;
    let mut keep = |_: &RowChange| Ok(());
    let mut looking = Looking::new(plan, &side.store, shown, &mut keep);
    looking.look(source, side, &described).await?;
    let mut preview = looking.preview;
    preview.finish(plan, &meter, side);
    Ok(preview)
}

struct Looking<'a> {
    plan: &'a Arc<Plan>,
    store: &'a ReadOnly,
    shown: usize,
    keep: Keep<'a>,
    preview: Preview,
    filled: Option<Arc<Filled>>,
    /// The people that were met: of two records with one person the second gets no message.
    met: HashSet<IdentityHash>,
}

impl<'a> Looking<'a> {
    fn new(plan: &'a Arc<Plan>, store: &'a ReadOnly, shown: usize, keep: Keep<'a>) -> Self {
        Self {
            plan,
            store,
            shown,
            keep,
            preview: Preview {
                targets: plan
                    .targets()
                    .map(|target| (target.name.clone(), Tally::default()))
                    .collect(),
                is_whole: true,
                ..Preview::default()
            },
            filled: None,
            met: HashSet::new(),
        }
    }

    async fn look(
        &mut self,
        source: &mut Source<'_>,
        side: &ReadSide,
        described: &HashMap<String, Arc<ObjectDescribe>>,
    ) -> Result<()> {
        let targets = Targets::new(self.plan, described, side.store.clone());
        let mut foreseer = Foreseer::new(targets, &side.client);
        let now = side.clock.now();
        let addresser = match broadcast::needed(self.plan, side.reach.as_deref())? {
            None => None,
            Some((step, reach)) => {
                let opened = broadcast::look(step, reach, &side.store).await?;
                let store = side.store.clone();
                Some(Addresser::new(step, reach, store, opened, now))
            }
        };
        let preparer = Preparer::new(self.plan, side.store.clone(), now, None)
            .with_profiles()
            .addressing(addresser);
        self.filled = preparer.filled();
        loop {
            let page = tokio::select! {
                biased;
                () = side.cancel.cancelled() => {
                    self.preview.warnings.push("stopped before the end".to_owned());
                    self.preview.is_whole = false;
                    return Ok(());
                }
                page = source.next() => page?,
            };
            let Some(page) = page else { return Ok(()) };
            for part in page.parts(GROUP, GROUP) {
                let mut group = Group::default();
                group.take(&preparer, part)?;
                self.take(group, &mut foreseer).await?;
            }
        }
    }

    async fn take(&mut self, group: Group, foreseer: &mut Foreseer<'_>) -> Result<()> {
        self.preview.read += group.len() as u64;
        self.preview.filtered += group.filtered.len() as u64;
        self.preview.erased += group.erased;
        self.preview.rejected += group.rejected.len() as u64;
        for rejection in group.rejected {
            let (key, reason) = (rejection.key, rejection.reason);
            self.show(Change::Reject { key, reason });
        }
        for facts in &group.records {
            if let Some(addressed) = &facts.addressed {
                self.address(addressed)?;
            }
            if let Some(profile) = &facts.mapped {
                self.compare(profile)?;
            }
        }
        self.foresee(&group.records, foreseer).await
    }

    async fn foresee(&mut self, records: &[Facts], foreseer: &mut Foreseer<'_>) -> Result<()> {
        let (changes, fates) = foreseer.group(records).await?;
        let rejected = fates
            .iter()
            .filter(|fate| matches!(fate, Fate::Rejected(..)));
        self.preview.rejected += rejected.count() as u64;
        for change in changes {
            let tally = self
                .preview
                .targets
                .iter_mut()
                .find(|(name, _)| *name == change.target);
            if let Some((_, tally)) = tally {
                tally.count(&change.what);
            }
            self.note_protected(&change);
            (self.keep)(&change)?;
            if change.what != What::Unchanged {
                let change = self.mask_row(change);
                self.show(Change::Row(Box::new(change)));
            }
        }
        Ok(())
    }

    fn note_protected(&mut self, change: &RowChange) {
        if change.what != What::Update {
            return;
        }
        for field in &change.fields {
            let is_protected = self
                .plan
                .guards
                .protected_fields
                .iter()
                .any(|name| name.eq_ignore_ascii_case(&field.name));
            if is_protected && !self.preview.protected.contains(&field.name) {
                self.preview.protected.push(field.name.clone());
            }
        }
    }

    /// Counts what a broadcast makes of a record, as the run would.
    fn address(&mut self, addressed: &Addressed) -> Result<()> {
        match addressed {
            Addressed::Filtered => self.preview.filtered += 1,
            Addressed::Suppressed(why) => {
                *self
                    .preview
                    .messages
                    .suppressed
                    .entry(why.clone())
                    .or_default() += 1;
            }
            Addressed::Message(message) => {
                let mut is_new = true;
                for identity in &message.identities {
                    is_new &= self.met.insert(*identity);
                }
                let known = self
                    .store
                    .messaged(&message.campaign, &message.identities)?;
                if !is_new || known {
                    self.preview.messages.unchanged += 1;
                    return Ok(());
                }
                match message.hold {
                    Some(hold) => {
                        *self.preview.messages.held.entry(hold.as_str()).or_default() += 1;
                    }
                    None => self.preview.messages.now += 1,
                }
            }
        }
        Ok(())
    }

    fn show(&mut self, change: Change) {
        if self.preview.changes.len() < self.shown {
            self.preview.changes.push(change);
        }
    }

    fn compare(&mut self, profile: &Profile) -> Result<()> {
        let Some(stored) = self.store.profile(&profile.key)? else {
            self.preview.profiles.created += 1;
            let attributes = profile
                .attributes
                .iter()
                .map(|(name, value)| (name.clone(), self.mask(name, value.clone())))
                .collect();
            let key = profile.key.clone();
            self.show(Change::CreateProfile { key, attributes });
            return Ok(());
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
                old: old.map(|old| self.mask(name, old.clone())),
                new: self.mask(name, new.clone()),
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
            self.preview.profiles.unchanged += 1;
            return Ok(());
        }
        self.preview.profiles.updated += 1;
        let key = profile.key.clone();
        self.show(Change::UpdateProfile { key, fields });
        Ok(())
    }

    fn mask_row(&self, mut change: RowChange) -> RowChange {
        for field in &mut change.fields {
            let name = field.name.clone();
            field.old = field.old.take().map(|old| self.mask(&name, old));
            field.new = self.mask(&name, std::mem::take(&mut field.new));
        }
        change
    }

    fn mask(&self, name: &str, value: Value) -> Value {
        let is_sensitive = self
            .plan
            .sensitive
            .iter()
            .any(|sensitive| sensitive.eq_ignore_ascii_case(name));
        if is_sensitive && !value.is_null() {
            Value::from(MASK)
        } else {
            value
        }
    }
}

impl Preview {
    fn finish(&mut self, plan: &Plan, meter: &Meter, side: &ReadSide) {
        let forecast = Forecast::of(plan, Assumptions::default());
        let writes: u64 = plan
            .targets()
            .zip(&self.targets)
            .map(|(target, (_, tally))| {
                let rows = tally.created + tally.updated;
                let look = u64::from(target.guards_conflicts()) * forecast::looks(rows);
                rows.div_ceil(u64::from(plan.batch.size).max(1)) + look
            })
            .sum();
        self.run_calls = forecast.query_calls(self.read) + writes;
        self.daily_limit = side.client.usage().daily.map(|daily| daily.max);
        self.spent = meter.spent();
    }
}

impl Tally {
    fn count(&mut self, what: &What) {
        match what {
            What::Create => self.created += 1,
            What::Update => self.updated += 1,
            What::Unchanged => self.unchanged += 1,
            What::Blocked(_) => self.blocked += 1,
        }
    }

    /// All of them.
    pub const fn all(&self) -> u64 {
        self.created + self.updated + self.unchanged + self.blocked
    }
}
