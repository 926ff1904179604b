//! Delivering: the rows of a group are written wave by wave, and each record gets its fate.
//!
//! ```text
//! wave of targets ──▶ rows, one a key ──▶ less what changed in Salesforce ──▶ batches ──▶ one outcome a row
//! ```

use std::collections::HashMap;

use futures_util::future::join_all;

use crate::foundation::error::{Error, Result};
use crate::foundation::failpoint;
use crate::foundation::id::RunId;
use crate::salesforce::record_id;
use crate::salesforce::write::Writer;
use crate::store::model::Acknowledgement;

use super::Outside;
use super::conflict;
use super::facts::Facts;
use super::reserve::Reserve;
use super::send::{Sender, Sent};
use super::targets::{At, Entry, Fate, Ready, Standing, Targets, Trust, at_of};
use crate::plan::Plan;

/// The place where a test may kill a run while a group is written.
pub const FAILPOINTS: [&str; 1] = ["deliver-between-waves"];

/// What became of a group.
#[derive(Debug, Default)]
pub struct Delivered {
    /// One fate a record, in the order of the group.
    pub fates: Vec<Fate>,
    /// What Salesforce acknowledged.
    pub acknowledged: Vec<Acknowledgement>,
    /// What ends the run; the fates are not final then.
    pub failed: Option<Error>,
}

/// What became of a group at one target.
#[derive(Default)]
struct Written {
    outcomes: Vec<(usize, At)>,
    acknowledged: Vec<Acknowledgement>,
    failed: Option<Error>,
}

/// How the records of a pass stand behind it.
struct Pass {
    records: Vec<Standing>,
    acknowledged: Vec<Acknowledgement>,
    failed: Option<Error>,
}

/// Writes the groups of one run.
pub struct Delivery {
    targets: Targets,
    sender: Sender,
    reserve: Reserve,
}

impl Delivery {
    /// Writes to the targets of a plan, for one run.
    pub fn new(plan: &Plan, targets: Targets, outside: &Outside, run_id: RunId) -> Self {
        let writer = Writer::new(outside.client.clone());
        Self {
            targets,
            sender: Sender::new(writer, plan.batch, plan.on_error.max_attempts),
            reserve: Reserve::new(outside, &plan.pipeline, run_id),
        }
    }

    /// The targets.
    pub const fn targets(&self) -> &Targets {
        &self.targets
    }

    /// Writes a group; every record gets its fate (I5).
    ///
    /// A row whose parent was thought to be there, and is not any more, is written once again with its parent: somebody
    /// deleted the parent in Salesforce since it was acknowledged.
    ///
    /// What ends the run (limits, rights, a Salesforce that does not answer) is told beside what was acknowledged until then.
    pub async fn deliver(&self, records: &[Facts]) -> Delivered {
        let all: Vec<&Facts> = records.iter().collect();
        let mut pass = self.pass(&all, Trust::Acknowledged).await;
        let orphans: Vec<usize> = (0..records.len())
            .filter(|place| pass.records[*place].is_orphan())
            .collect();
        if pass.failed.is_none() && !orphans.is_empty() {
            let again: Vec<&Facts> = orphans.iter().map(|place| &records[*place]).collect();
            let second = self.pass(&again, Trust::Nothing).await;
            pass.acknowledged.extend(second.acknowledged);
            pass.failed = second.failed;
            for (place, stands) in orphans.into_iter().zip(second.records) {
                pass.records[place] = stands;
            }
        }
        let fates = pass.records.into_iter().map(Standing::into_fate);
        Delivered {
            fates: fates.collect(),
            acknowledged: pass.acknowledged,
            failed: pass.failed,
        }
    }

    /// Writes records to all targets, wave by wave; a wave that fails is the last.
    async fn pass(&self, records: &[&Facts], trust: Trust) -> Pass {
        let mut pass = Pass {
            records: Standing::fresh(records.len()),
            acknowledged: Vec::new(),
            failed: None,
        };
        for (place, wave) in self.targets.waves().enumerate() {
            if place > 0 {
                failpoint::reach("deliver-between-waves");
            }
            let writing = wave
                .iter()
                .map(|ready| self.write(ready, records, &pass.records, trust));
            for (ready, written) in wave.iter().zip(join_all(writing).await) {
                pass.acknowledged.extend(written.acknowledged);
                pass.failed = pass.failed.or(written.failed);
                for (record, at) in written.outcomes {
                    pass.records[record].take(ready, at);
                }
            }
            if pass.failed.is_some() {
                break;
            }
        }
        pass
    }

    async fn write(
        &self,
        ready: &Ready,
        records: &[&Facts],
        standing: &[Standing],
        trust: Trust,
    ) -> Written {
        let mut written = Written::default();
        let entries = self.entries(ready, records, standing, trust, &mut written);
        let entries = match entries.await {
            Ok(entries) => entries,
            Err(error) => {
                written.failed = Some(error);
                return written;
            }
        };
        let (sent, failed) = self.send(ready, &entries).await;
        written.failed = failed;
        for (entry, sent) in entries.iter().zip(sent) {
            let (at, news) = at_of(ready, entry, sent);
            written.acknowledged.extend(news);
            written.outcomes.extend(entry.outcomes(&at));
        }
        written
    }

    /// Sends rows to a target; one outcome a row, in their order, and what ends the run where something does.
    pub(super) async fn send(
        &self,
        ready: &Ready,
        entries: &[Entry],
    ) -> (Vec<Sent>, Option<Error>) {
        if ready.target.key.is_some() || entries.is_empty() {
            return self.sender.send(ready, entries).await;
        }
        let reserved = match self.reserve.take(ready, entries).await {
            Ok(reserved) => reserved,
            Err(error) => return (vec![Sent::Unsent; entries.len()], Some(error)),
        };
        let (sent, failed) = self.sender.send(ready, entries).await;
        let given_back = self.reserve.give_back(reserved, &sent).await;
        (sent, failed.or(given_back.err()))
    }

    /// The rows to be sent; what becomes of all other records is noted.
    async fn entries(
        &self,
        ready: &Ready,
        records: &[&Facts],
        standing: &[Standing],
        trust: Trust,
        written: &mut Written,
    ) -> Result<Vec<Entry>> {
        let rows = self.targets.rows(ready, records, standing, trust)?;
        written.outcomes = rows.outcomes;
        written.acknowledged = rows.acknowledged;
        self.without_conflicts(ready, records, rows.entries, &mut written.outcomes)
            .await
    }

    /// Looks again, right before writing, at rows that must not be overwritten in silence: one read for a whole group.
    async fn without_conflicts(
        &self,
        ready: &Ready,
        records: &[&Facts],
        entries: Vec<Entry>,
        outcomes: &mut Vec<(usize, At)>,
    ) -> Result<Vec<Entry>> {
        if !ready.target.guards_conflicts() || entries.is_empty() {
            return Ok(entries);
        }
        let keys: Vec<&str> = entries
            .iter()
            .filter_map(|entry| entry.payload.key.as_deref())
            .collect();
        let mut names: Vec<&str> = Vec::new();
        for name in entries.iter().flat_map(|entry| entry.payload.fields.keys()) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        let object = &ready.target.object;
        let client = self.sender.client();
        let rows = client.rows_by_key(object, "Id", &keys, &names).await?;
        let now: HashMap<&str, usize> = rows
            .iter()
            .enumerate()
            .filter_map(|(place, row)| Some((record_id::short(row.get("Id")?.as_str()?), place)))
            .collect();
        let mut left = Vec::new();
        for mut entry in entries {
            let key = entry.payload.key.as_deref().map(record_id::short);
            let read = entry
                .records
                .last()
                .and_then(|record| records[*record].row());
            // A row that is gone is refused by Salesforce, in its own words.
            let (Some(row), Some(read)) = (key.and_then(|key| now.get(key)), read) else {
                left.push(entry);
                continue;
            };
            let before = |name: &str| conflict::value_at(read, name).cloned();
            let held = conflict::hold(
                &ready.object,
                ready.target.on_conflict,
                &entry.payload.fields,
                &rows[*row],
                &before,
            );
            let at = match held {
                Err(reason) => At::Refused(reason, 0),
                Ok(held) => {
                    entry.narrow(held);
                    if !entry.payload.fields.is_empty() {
                        left.push(entry);
                        continue;
                    }
                    At::Same(entry.payload.key.clone())
                }
            };
            outcomes.extend(entry.outcomes(&at));
        }
        Ok(left)
    }
}
