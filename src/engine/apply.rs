//! Applying a record-level plan: exactly the rows that were previewed are written, or none.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::event::{ChangeCursor, Cursor};
use crate::foundation::record::Record;
use crate::plan::Plan;
use crate::salesforce::client::Client;
use crate::salesforce::errors::{self, Class};
use crate::spec::target::Operation;
use crate::store::model::{Acknowledged, Applied, AuditAction, NewAudit};
use crate::store::read_only::ReadOnly;

use super::Outside;
use super::conflict::{same, value_at};
use super::deliver::{Delivered, Delivery};
use super::facts::Facts;
use super::foresee::{rows_now, stand_in};
use super::group::{Group, Settling};
use super::payload::{Payload, comparable};
use super::run::{Begun, Outcome};
use super::saved::{Saved, SavedRow};
use super::settle::Settler;
use super::targets::{At, Entry, Ready, Standing, Targets, at_of};

/// Rows that are looked at, and written, together.
const GROUP: usize = 200;

/// How far a pipeline has read, as a text: a plan that was saved at another position is stale.
pub fn position(cursor: Option<&Cursor>, change: Option<&ChangeCursor>) -> String {
    let cursor = cursor.map(|cursor| {
        let (end, stamp) = (cursor.window_end, cursor.stamp);
        format!("{} {stamp} {} {end}", cursor.query_hash, cursor.id)
    });
    let change = change.map(|change| format!("{} {}", change.source_hash, change.change));
    let parts: Vec<String> = cursor.into_iter().chain(change).collect();
    parts.join(" / ")
}

/// The position of a pipeline in a store.
///
/// # Errors
/// What the store says.
pub fn position_in(store: &ReadOnly, plan: &Plan) -> Result<String> {
    let cursor = store.cursor(&plan.pipeline)?;
    let change = store.change_cursor(&plan.pipeline)?;
    Ok(position(cursor.as_ref(), change.as_ref()))
}

/// The org a client leads to: its id, or its address where the user may not ask who they are.
///
/// # Errors
/// What keeps the org from answering.
pub async fn org_of(client: &Client) -> Result<String> {
    match client.identity().await {
        Ok(identity) => Ok(identity.organization_id),
        Err(error) if errors::class(error.code()) == Some(Class::Permission) => {
            Ok(client.instance_url().to_owned())
        }
        Err(error) => Err(error),
    }
}

/// Refuses a file that is not for this plan, this org and this position, or that was applied before.
///
/// # Errors
/// `saved-plan-stale`, `saved-plan-applied`; what the store says.
pub fn check(plan: &Plan, saved: &Saved, store: &ReadOnly, org: &str) -> Result<()> {
    let header = &saved.header;
    let applied = store.applied(&saved.sha256)?;
    if let Some(at) = applied.as_ref().and_then(|applied| applied.finished_at) {
        return Err(Error::new(
            Code::SavedPlanApplied,
            format!("the plan was applied already, at {at:.0}"),
        )
        .help(
            "make a new one with `bridged dry-run --out FILE`: what is there already is left out",
        ));
    }
    let stale = |why: String| {
        Err(Error::new(Code::SavedPlanStale, why).help(
            "make a new one with `bridged dry-run --out FILE`, and look at it before you apply it",
        ))
    };
    if header.pipeline != plan.pipeline.as_str() {
        return stale(format!(
            "the plan was saved for pipeline `{}`, not for `{}`",
            header.pipeline, plan.pipeline
        ));
    }
    if header.fingerprint != plan.fingerprint.to_string() {
        return stale(format!(
            "pipeline `{}` was changed since the plan was saved",
            plan.pipeline
        ));
    }
    if header.org != org {
        return stale(format!(
            "the plan was saved against the org `{}`, not against `{org}`",
            header.org
        ));
    }
    if header.position != position_in(store, plan)? {
        return stale(format!(
            "pipeline `{}` ran since the plan was saved",
            plan.pipeline
        ));
    }
    Ok(())
}

/// Writes a saved plan.
pub(super) struct Applying<'a> {
    pub(super) plan: &'a Arc<Plan>,
    pub(super) saved: &'a Saved,
    pub(super) outside: &'a Outside,
    pub(super) targets: Targets,
    pub(super) delivery: Delivery,
    pub(super) settler: Arc<Settler>,
    /// When an earlier try of the same plan began that did not end.
    pub(super) begun_before: Option<Timestamp>,
}

impl Applying<'_> {
    /// I16: holds every row against Salesforce, then writes them all.
    ///
    /// # Errors
    /// `saved-plan-drifted` before anything is written; what ends a run.
    pub(super) async fn run(&self, run: &Begun, outcome: &mut Outcome) -> Result<()> {
        let mut rows = self.saved.rows()?;
        loop {
            let group = rows.group(GROUP)?;
            if group.is_empty() {
                break;
            }
            self.hold(&group).await?;
        }
        let applied = Applied {
            digest: self.saved.sha256.clone(),
            pipeline: self.plan.pipeline.clone(),
            run_id: run.run_id,
            begun_at: self.begun_before.unwrap_or(run.started_at),
            finished_at: None,
        };
        // I18: told before the first write; what cannot be told is not done.
        self.outside.store.append_audit(&self.told())?;
        self.outside.store.put_applied(&applied)?;
        let mut rows = self.saved.rows()?;
        loop {
            let group = rows.group(GROUP)?;
            if group.is_empty() {
                break;
            }
            if self.outside.cancel.is_cancelled() {
                outcome.cut_short = true;
                return Err(
                    Error::new(Code::Interrupted, "the plan was stopped before its end").help(
                        "run the same command again: rows that were written are not written again",
                    ),
                );
            }
            let (settling, failed) = self.write(&group).await?;
            self.settler.one(settling, &mut outcome.account)?;
            if let Some(error) = failed {
                return Err(error);
            }
        }
        let finished_at = Some(self.outside.clock.now());
        self.outside.store.put_applied(&Applied {
            finished_at,
            ..applied
        })
    }

    /// What the audit log keeps of it.
    fn told(&self) -> NewAudit {
        let mut details = Map::new();
        details.insert("plan".to_owned(), self.saved.sha256.as_str().into());
        details.insert("rows".to_owned(), self.saved.rows.into());
        NewAudit {
            at: self.outside.clock.now(),
            action: AuditAction::PlanApplied,
            subject: self.plan.pipeline.to_string(),
            actor: self.outside.actor.to_string(),
            details,
        }
    }

    /// Refuses rows that are no longer as they were previewed. A row that an earlier try of the same plan wrote fits too.
    async fn hold(&self, group: &[SavedRow]) -> Result<()> {
        for ready in self.targets.waves().flatten() {
            let own: Vec<&SavedRow> = group
                .iter()
                .filter(|row| row.target == ready.target.name)
                .collect();
            let now = self.now(ready, &own).await?;
            let written = self.written_before(ready, &own)?;
            for (row, written) in own.into_iter().zip(written) {
                if written.is_some() {
                    continue;
                }
                let key = row.key.as_deref().unwrap_or_default().to_lowercase();
                if let Some(what) = drift(ready, row, now.get(&key)) {
                    return Err(Error::new(
                        Code::SavedPlanDrifted,
                        format!("{what} since the plan was saved; nothing was written"),
                    )
                    .help("make a new one with `bridged dry-run --out FILE`"));
                }
            }
        }
        Ok(())
    }

    async fn now(&self, ready: &Ready, rows: &[&SavedRow]) -> Result<HashMap<String, Record>> {
        let Some((key, _)) = &ready.target.key else {
            return Ok(HashMap::new());
        };
        let fields: Vec<Map<String, Value>> = rows.iter().map(|row| new_values(row)).collect();
        let keyed: Vec<(Option<&str>, &Map<String, Value>)> = rows
            .iter()
            .zip(&fields)
            .map(|(row, fields)| (row.key.as_deref(), fields))
            .collect();
        rows_now(&self.outside.client, &ready.target.object, key, &keyed).await
    }

    /// What an earlier try of the plan had acknowledged of each row.
    fn written_before(
        &self,
        ready: &Ready,
        rows: &[&SavedRow],
    ) -> Result<Vec<Option<Acknowledged>>> {
        let Some(begun) = self.begun_before else {
            return Ok(vec![None; rows.len()]);
        };
        let keys: Vec<String> = rows
            .iter()
            .map(|row| remembered_as(ready, row, row.key.as_deref()))
            .collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let store = &self.outside.store;
        let known = store.acknowledged(&self.plan.pipeline, &ready.target.name, &keys)?;
        let of_plan = |known: Option<Acknowledged>| known.filter(|known| known.at >= begun);
        Ok(known.into_iter().map(of_plan).collect())
    }

    /// Writes a group; what ends the run is told beside what became of the rows.
    async fn write(&self, group: &[SavedRow]) -> Result<(Settling, Option<Error>)> {
        let (records, places) = records_of(group);
        let mut standing = Standing::fresh(records.len());
        let mut acknowledged = Vec::new();
        let mut ids: HashMap<u64, String> = HashMap::new();
        let mut failed = None;
        for ready in self.targets.waves().flatten() {
            let own: Vec<&SavedRow> = group
                .iter()
                .filter(|row| row.target == ready.target.name)
                .collect();
            let (mut entries, refused) = entries(ready, &own, &places, &ids, &standing);
            for (record, at) in refused {
                standing[record].take(ready, at);
            }
            let written = self.written_before(ready, &own)?;
            for (row, known) in own.iter().zip(written) {
                let Some(known) = known else {
                    continue;
                };
                let is_known = |(sendable, entry): &Sendable<'_>| {
                    sendable.row == row.row && entry.digest == known.digest
                };
                let Some(place) = entries.iter().position(is_known) else {
                    continue;
                };
                let (_, entry) = entries.swap_remove(place);
                let at = At::known(&known);
                ids.extend(known.salesforce_id.map(|id| (row.row, id)));
                for (record, at) in entry.outcomes(&at) {
                    standing[record].take(ready, at);
                }
            }
            let rows: Vec<Entry> = entries.iter().map(|(_, entry)| entry.clone()).collect();
            let (sent, error) = self.delivery.send(ready, &rows).await;
            for ((row, entry), sent) in entries.iter().zip(sent) {
                let (at, news) = at_of(ready, entry, sent);
                acknowledged.extend(news);
                if let At::Written(id) = &at {
                    ids.insert(row.row, id.clone());
                }
                for (record, at) in entry.outcomes(&at) {
                    standing[record].take(ready, at);
                }
            }
            if error.is_some() {
                failed = error;
                break;
            }
        }
        let delivered = Delivered {
            fates: standing.into_iter().map(Standing::into_fate).collect(),
            acknowledged,
            failed: None,
        };
        if failed.is_some() {
            return Ok((Settling::remembered(delivered), failed));
        }
        let group = Group {
            records,
            ..Group::default()
        };
        Ok((Settling::written(group, delivered), None))
    }
}

/// The records of a group, and the place of each by its key.
fn records_of(group: &[SavedRow]) -> (Vec<Facts>, HashMap<&str, usize>) {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut records: Vec<Facts> = Vec::new();
    for (row, record) in group
        .iter()
        .flat_map(|row| row.records.iter().map(move |record| (row, record)))
    {
        places.entry(record).or_insert_with(|| {
            let payload = json!({ "row": serde_json::to_value(row).unwrap_or_default() });
            records.push(Facts::of_saved(record.clone(), payload));
            records.len() - 1
        });
    }
    (records, places)
}

/// What a row with this key is remembered under.
fn remembered_as(ready: &Ready, row: &SavedRow, key: Option<&str>) -> String {
    let key = key.map(|key| comparable(&ready.target, key));
    key.or(row.records.first().cloned()).unwrap_or_default()
}

/// A row of the file, and what is sent for it.
type Sendable<'r> = (&'r SavedRow, Entry);

/// The rows of one target as they are sent, and those whose parent was not written.
fn entries<'r>(
    ready: &Ready,
    rows: &[&'r SavedRow],
    places: &HashMap<&str, usize>,
    ids: &HashMap<u64, String>,
    standing: &[Standing],
) -> (Vec<Sendable<'r>>, Vec<(usize, At)>) {
    let (mut entries, mut refused) = (Vec::new(), Vec::new());
    for row in rows {
        let records: Vec<usize> = row
            .records
            .iter()
            .filter_map(|record| places.get(record.as_str()).copied())
            .collect();
        let missing = records
            .iter()
            .find_map(|record| standing[*record].missing_parent(&ready.target));
        if let Some(reason) = missing {
            refused.extend(
                records
                    .iter()
                    .map(|record| (*record, At::Refused(reason.clone(), 0))),
            );
            continue;
        }
        let payload = linked(ready, row, ids);
        // A row that is created holds all of its fields, so it is known by what is sent: a run that makes the same row with
        // the same Ids must find it. Of a changed row the file holds fewer fields than its digest tells.
        let digest = if row.create {
            payload.digest(&ready.target)
        } else {
            row.digest()
        };
        let entry = Entry {
            remembered_as: remembered_as(ready, row, payload.key.as_deref()),
            payload,
            records,
            digest,
            remember: row.remember.clone().unwrap_or_default(),
        };
        entries.push((*row, entry));
    }
    (entries, refused)
}

/// What is sent for a row: Ids of rows that were created before it stand where the file could not know them.
fn linked(ready: &Ready, row: &SavedRow, ids: &HashMap<u64, String>) -> Payload {
    let mut key = row.key.clone();
    let mut fields = new_values(row);
    let key_field = ready.target.key.as_ref().map(|(field, _)| field);
    for (field, to) in &row.links {
        let Some(id) = ids.get(to) else { continue };
        let fill = |text: &str| text.replace(&stand_in(*to), id);
        if let Some(Value::String(text)) = fields.get_mut(field) {
            *text = fill(text);
        } else if Some(field) == key_field {
            key = key.map(|key| fill(&key));
        }
    }
    Payload { key, fields }
}

fn new_values(row: &SavedRow) -> Map<String, Value> {
    let fields = row.fields.iter();
    fields
        .map(|(name, _, new)| (name.clone(), new.clone()))
        .collect()
}

/// What is no longer as it was; `None` where the row may be written.
fn drift(ready: &Ready, row: &SavedRow, now: Option<&Record>) -> Option<String> {
    let key = row.key.as_deref().unwrap_or_default();
    let object = &ready.target.object;
    let Some(now) = now else {
        let gone = !row.create || ready.target.operation == Operation::Update;
        return gone.then(|| format!("the row `{key}` of `{object}` is gone"));
    };
    let field = |name: &str| ready.object.field(name);
    let is_new = |(name, _, new): &(String, Value, Value)| {
        let linked = row.links.iter().any(|(link, _)| link == name);
        linked || value_at(now, name).is_some_and(|value| same(field(name), value, new))
    };
    if row.fields.iter().all(is_new) {
        return None;
    }
    if row.create {
        return Some(format!("a row `{key}` of `{object}` was created"));
    }
    let changed = row.fields.iter().find(|(name, old, _)| {
        !value_at(now, name).is_some_and(|value| same(field(name), value, old))
    });
    changed.map(|(name, ..)| format!("`{name}` of the row `{key}` of `{object}` was changed"))
}
