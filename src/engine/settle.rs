//! Settling: gives every record of a group its one place in the ledger, and makes it durable with the cursor.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc::Receiver;
use tokio::sync::watch;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::event::{ChangeCursor, Cursor, Ledger, RunEvent};
use crate::foundation::failpoint;
use crate::foundation::id::RunId;
use crate::foundation::record::{DeadLetter, Score};
use crate::foundation::trace;
use crate::plan::Plan;
use crate::spec::amount::Threshold;
use crate::store::model::{
    Acknowledgement, Commit, Committed, Incoming, NewMessage, Place, Settled,
};

use super::broadcast::address::Addressed;
use super::facts::Facts;
use super::group::{Position, Settling};
use super::meter::Meter;
use super::prepare::Rejection;
use super::targets::Fate;
use super::{Outside, window};

/// Groups that are only kept are committed together up to so many records, as far as they wait: a slow source is settled
/// page by page, a fast one pays for fewer flushes to disk.
const COMMITTED_TOGETHER: usize = 4_000;

/// A share of rejected records says nothing before so many were read.
const SHARE_FROM: u64 = 100;

/// The places where a test may kill a run; the store has more of its own.
pub const FAILPOINTS: [&str; 3] = [
    "settle-before-commit",
    "settle-after-commit",
    "settle-before-end",
];

/// What the settler of one run knows.
pub struct Settler {
    /// The run.
    pub run_id: RunId,
    /// The plan it executes.
    pub plan: Arc<Plan>,
    /// Where it keeps, and who listens.
    pub outside: Outside,
    /// What the run has spent.
    pub meter: Meter,
    /// Makes cursors of positions; `None` where the run keeps none.
    pub cursor: Option<CursorBase>,
    /// Rows that changed something although they were stamped before this instant came too late for the overlap.
    pub late_before: Option<Timestamp>,
    /// Whether the pipeline has dead letters that a delivery would close.
    pub has_letters: bool,
}

/// What is the same in all cursors of a run.
#[derive(Debug, Clone)]
pub enum CursorBase {
    /// Of a window of rows.
    Rows {
        /// The query's hash.
        query_hash: String,
        /// The window's end.
        window_end: Timestamp,
        /// How far engagements were looked at, when all of the run is settled.
        engaged: Option<ChangeCursor>,
    },
    /// Of changes of Bridged's own records.
    Changes {
        /// The source's hash.
        source_hash: String,
        /// The last change of the run.
        until: u64,
    },
}

/// What the settler did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// The run's ledger.
    pub ledger: Ledger,
    /// Rows that came too late for the overlap.
    pub late: u64,
    /// The keys of the first records that nobody knows the end of.
    pub unknown: Vec<String>,
    /// How many were suppressed when they were read, by the word of the reason.
    pub suppressed: BTreeMap<String, u64>,
}

/// So many records of unknown end are named; their number is told whole.
const UNKNOWN_NAMED: usize = 20;

/// One group as the store takes it.
#[derive(Debug, Default)]
struct Entry {
    profiles: Vec<Incoming>,
    stamps: Vec<Option<Timestamp>>,
    scores: Vec<(String, Score)>,
    acknowledged: Vec<Acknowledgement>,
    letters: Vec<DeadLetter>,
    unknown: Vec<String>,
    settled_keys: Vec<String>,
    messages: Vec<NewMessage>,
    suppressed: Vec<String>,
    ledger: Ledger,
    cursor: Option<Cursor>,
    change_cursor: Option<ChangeCursor>,
}

impl Settler {
    /// Settles groups until the channel closes, and tells through `done` how many are. Blocks: it runs on a thread of its
    /// own.
    ///
    /// # Errors
    /// What the store says, and `too-many-rejected`. What was committed before stays; the channel is closed, which ends the
    /// stages before.
    pub fn settle(
        &self,
        mut groups: Receiver<Settling>,
        done: &watch::Sender<u64>,
    ) -> (Account, Result<()>) {
        let mut account = Account::default();
        let result = self.run(&mut groups, done, &mut account);
        (account, result)
    }

    /// Settles one group.
    ///
    /// # Errors
    /// What the store says, and `too-many-rejected`.
    pub fn one(&self, settling: Settling, account: &mut Account) -> Result<()> {
        let entry = self.entry(settling);
        self.commit(&entry, account)?;
        self.check_rejected(&account.ledger, false)
    }

    /// Moves the cursor to the end of what the run covers; called when every record of it was settled (I3).
    ///
    /// # Errors
    /// What the store says.
    pub fn close(&self, earlier: Option<&Cursor>) -> Result<()> {
        let entry = match &self.cursor {
            None => return Ok(()),
            Some(CursorBase::Rows {
                query_hash,
                window_end,
                engaged,
            }) => Entry {
                cursor: Some(window::settled(query_hash.clone(), *window_end, earlier)),
                change_cursor: engaged.clone(),
                ..Entry::default()
            },
            Some(CursorBase::Changes { source_hash, until }) => Entry {
                change_cursor: Some(ChangeCursor {
                    source_hash: source_hash.clone(),
                    change: *until,
                }),
                ..Entry::default()
            },
        };
        self.store(&entry).map(|_| ())
    }

    /// What the store knows of a run whose settler ended without an account.
    pub fn account_in_store(&self) -> Account {
        let kept = self.outside.store.run(self.run_id).ok().flatten();
        Account {
            ledger: kept.map(|run| run.ledger).unwrap_or_default(),
            ..Account::default()
        }
    }

    fn run(
        &self,
        groups: &mut Receiver<Settling>,
        done: &watch::Sender<u64>,
        account: &mut Account,
    ) -> Result<()> {
        let mut settled = 0;
        while let Some(mut settling) = groups.blocking_recv() {
            settled += 1;
            while settling.delivered.is_none() && settling.group.len() < COMMITTED_TOGETHER {
                let Ok(next) = groups.try_recv() else { break };
                settling.group.append(next.group);
                settled += 1;
            }
            self.one(settling, account)?;
            done.send_replace(settled);
        }
        failpoint::reach("settle-before-end");
        self.check_rejected(&account.ledger, true)
    }

    /// Gives every record of a group its one place (I4).
    fn entry(&self, settling: Settling) -> Entry {
        let Settling { group, delivered } = settling;
        let mut entry = Entry {
            stamps: group.stamps,
            ..Entry::default()
        };
        entry.ledger.read = group.records.len() as u64;
        let (mut fates, acknowledged) = match delivered {
            Some(delivered) => (delivered.fates.into_iter(), delivered.acknowledged),
            None => (Vec::new().into_iter(), Vec::new()),
        };
        entry.acknowledged = acknowledged;
        entry
            .profiles
            .reserve(group.records.len() + group.kept.len());
        for facts in group.records {
            let fate = fates.next().unwrap_or(Fate::Untouched);
            self.place(&mut entry, facts, fate);
        }
        entry.ledger.read += group.kept.len() as u64;
        for kept in group.kept {
            if self.has_letters {
                entry
                    .settled_keys
                    .extend(kept.salesforce_id().map(str::to_owned));
            }
            entry.profiles.push(Incoming::from(kept));
        }
        for key in group.filtered {
            entry.ledger.read += 1;
            entry.ledger.filtered += 1;
            self.settled(&mut entry, key);
        }
        entry.ledger.read += group.erased;
        entry.ledger.suppressed += group.erased;
        let words = (0..group.erased).map(|_| "erased".to_owned());
        entry.suppressed.extend(words);
        for rejection in group.rejected {
            entry.ledger.read += 1;
            self.reject(&mut entry, rejection);
        }
        match (group.position, &self.cursor) {
            (
                Some(Position::Row(place)),
                Some(CursorBase::Rows {
                    query_hash,
                    window_end,
                    ..
                }),
            ) => {
                entry.cursor = Some(Cursor {
                    query_hash: query_hash.clone(),
                    stamp: place.last.stamp,
                    id: place.last.id,
                    window_end: *window_end,
                });
            }
            (Some(Position::Change(change)), Some(CursorBase::Changes { source_hash, .. })) => {
                entry.change_cursor = Some(ChangeCursor {
                    source_hash: source_hash.clone(),
                    change,
                });
            }
            _ => {}
        }
        entry
    }

    fn place(&self, entry: &mut Entry, mut facts: Facts, fate: Fate) {
        if let Some(addressed) = facts.addressed.take() {
            return self.addressed(entry, facts, addressed);
        }
        let score = facts.scored.as_ref().map(Score::from);
        entry
            .scores
            .extend(facts.profile_key().map(str::to_owned).zip(score));
        // A record that no target changed counts by what becomes of its profile; without one there was nothing to do.
        let by_profile =
            matches!(fate, Fate::Untouched | Fate::Unchanged) && facts.mapped.is_some();
        match fate {
            Fate::Rejected(step, reason, attempts) => {
                let rejection = Rejection {
                    key: facts.key.clone(),
                    step,
                    reason,
                    attempts,
                    payload: facts.payload(),
                };
                self.reject(entry, rejection);
            }
            Fate::Unknown(why) => {
                tracing::warn!(record = facts.key, "unknown whether it arrived: {why}");
                entry.ledger.unknown += 1;
                entry.unknown.push(facts.key);
            }
            fate => {
                match fate {
                    Fate::Delivered => entry.ledger.delivered += 1,
                    Fate::Unchanged if !by_profile => entry.ledger.unchanged += 1,
                    Fate::Untouched if !by_profile => entry.ledger.filtered += 1,
                    _ => {}
                }
                if self.has_letters {
                    self.settled(entry, facts.key);
                }
            }
        }
        if let Some(profile) = facts.mapped {
            let place = if by_profile {
                Place::Store
            } else {
                Place::Counted
            };
            let profile = profile.into();
            entry.profiles.push(Incoming { profile, place });
        }
    }

    /// Gives a record of a broadcast its place. The store counts its message.
    fn addressed(&self, entry: &mut Entry, facts: Facts, addressed: Addressed) {
        let score = facts.scored.as_ref().map(Score::from);
        entry
            .scores
            .extend(facts.profile_key().map(str::to_owned).zip(score));
        match addressed {
            Addressed::Message(message) => {
                entry.ledger.read -= 1;
                entry.messages.push(*message);
            }
            Addressed::Filtered => entry.ledger.filtered += 1,
            Addressed::Suppressed(why) => {
                entry.ledger.suppressed += 1;
                entry.suppressed.push(why);
            }
        }
        self.settled(entry, facts.key);
        entry.profiles.extend(facts.mapped.map(|profile| Incoming {
            profile: profile.into(),
            place: Place::Counted,
        }));
    }

    fn settled(&self, entry: &mut Entry, key: String) {
        if self.has_letters {
            entry.settled_keys.push(key);
        }
    }

    fn reject(&self, entry: &mut Entry, rejection: Rejection) {
        entry.ledger.rejected += 1;
        entry.letters.push(DeadLetter {
            run_id: self.run_id,
            pipeline: self.plan.pipeline.to_string(),
            fingerprint: self.plan.fingerprint,
            step: rejection.step,
            key: rejection.key,
            reason: rejection.reason,
            attempts: rejection.attempts,
            payload: rejection.payload,
            at: self.outside.clock.now(),
        });
    }

    fn commit(&self, entry: &Entry, account: &mut Account) -> Result<()> {
        failpoint::reach("settle-before-commit");
        let committed = self.store(entry)?;
        failpoint::reach("settle-after-commit");
        if !committed.total.balances() {
            return Err(Error::bug(format!(
                "the ledger does not balance: {:?}",
                committed.total
            )));
        }
        account.ledger = committed.total;
        let named = UNKNOWN_NAMED.saturating_sub(account.unknown.len());
        let unknown = entry.unknown.iter().take(named).cloned();
        account.unknown.extend(unknown);
        for why in &entry.suppressed {
            *account.suppressed.entry(why.clone()).or_default() += 1;
        }
        account.late += self.count_late(&entry.stamps, &committed.profiles);
        (self.outside.observer)(&RunEvent::Committed {
            ledger: committed.total,
        });
        Ok(())
    }

    /// I3, I4: one transaction gives every record of the group its place and moves the cursor behind them.
    fn store(&self, entry: &Entry) -> Result<Committed> {
        let spent = self.meter.spent();
        let read = entry.ledger.read;
        let _span = tracing::info_span!(target: trace::TARGET, "commit", read).entered();
        self.outside.store.commit(&Commit {
            run_id: self.run_id,
            pipeline: &self.plan.pipeline,
            at: self.outside.clock.now(),
            profiles: &entry.profiles,
            scores: &entry.scores,
            acknowledged: &entry.acknowledged,
            dead_letters: &entry.letters,
            settled_keys: &entry.settled_keys,
            messages: &entry.messages,
            ledger: entry.ledger,
            cursor: entry.cursor.as_ref(),
            change_cursor: entry.change_cursor.as_ref(),
            requests_so_far: spent.requests,
            api_calls_so_far: spent.api_calls,
        })
    }

    fn count_late(&self, stamps: &[Option<Timestamp>], settled: &[Settled]) -> u64 {
        let Some(before) = self.late_before else {
            return 0;
        };
        let late = |(stamp, settled): &(&Option<Timestamp>, &Settled)| {
            **settled == Settled::Delivered && stamp.is_some_and(|stamp| stamp < before)
        };
        stamps.iter().zip(settled).filter(late).count() as u64
    }

    fn check_rejected(&self, ledger: &Ledger, at_end: bool) -> Result<()> {
        let Some(most) = self.plan.on_error.max_rejected else {
            return Ok(());
        };
        let passed = match most {
            Threshold::Count(most) => ledger.rejected > most,
            Threshold::Share(most) => {
                let share = ledger.rejected as f64 / ledger.read.max(1) as f64;
                share > most.as_fraction() && (at_end || ledger.read >= SHARE_FROM)
            }
        };
        if !passed {
            return Ok(());
        }
        Err(Error::new(
            Code::TooManyRejected,
            format!(
                "{} of {} records were rejected, and `max_rejected` allows {most}",
                ledger.rejected, ledger.read
            ),
        )
        .help("see why with `bridged rejected list`; correct the field map, or raise `on_error.max_rejected`"))
    }
}
