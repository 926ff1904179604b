//! Settling: gives every record of a page its one place in the ledger, and makes it durable with the cursor.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc::Receiver;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::event::{Cursor, Ledger, RunEvent};
use crate::foundation::failpoint;
use crate::foundation::id::RunId;
use crate::foundation::record::{DeadLetter, Record, RecordError};
use crate::plan::Plan;
use crate::plan::query::StampField;
use crate::spec::amount::Threshold;
use crate::store::model::{Commit, Committed, Incoming, Settled};

use super::map::{Mapped, Mapper};
use super::meter::Meter;
use super::read::{PageRead, stamp};
use super::{Outside, window};

/// A group is committed when it has so many records, or when no further page waits: a slow source is settled page by
/// page, a fast one pays for fewer flushes to disk.
const GROUP_RECORDS: usize = 2_000;

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
    /// Makes cursors of the places of rows; `None` where the read keeps no cursor.
    pub cursor: Option<CursorBase>,
    /// Rows that changed something although they were stamped before this instant came too late for the overlap.
    pub late_before: Option<(StampField, Timestamp)>,
}

/// What is the same in all cursors of a window.
#[derive(Debug, Clone)]
pub struct CursorBase {
    /// The query's hash.
    pub query_hash: String,
    /// The window's end.
    pub window_end: Timestamp,
}

/// What the settler did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Account {
    /// The run's ledger.
    pub ledger: Ledger,
    /// Rows that came too late for the overlap.
    pub late: u64,
}

/// One group on its way into the store.
#[derive(Debug, Default)]
struct Group {
    profiles: Vec<Incoming>,
    stamps: Vec<Option<Timestamp>>,
    letters: Vec<DeadLetter>,
    ledger: Ledger,
    cursor: Option<Cursor>,
}

impl Settler {
    /// Settles pages until the channel closes. Blocks: it runs on a thread of its own.
    ///
    /// # Errors
    /// What the store says, and `too-many-rejected`. What was committed before stays; the channel is closed, which ends the
    /// reader.
    pub fn settle(&self, mut pages: Receiver<PageRead>) -> (Account, Result<()>) {
        let mut account = Account::default();
        let result = match Mapper::of(&self.plan) {
            Some(mapper) => self.run(mapper, &mut pages, &mut account),
            None => Err(Error::bug("a plan without a field map passed the compiler")),
        };
        (account, result)
    }

    /// Moves the cursor to the window's end; called when every row of the window was settled (I3).
    ///
    /// # Errors
    /// What the store says.
    pub fn close_window(&self, earlier: Option<&Cursor>) -> Result<()> {
        let Some(base) = &self.cursor else {
            return Ok(());
        };
        let cursor = window::settled(base.query_hash.clone(), base.window_end, earlier);
        self.store(&Group {
            cursor: Some(cursor),
            ..Group::default()
        })
        .map(|_| ())
    }

    fn run(
        &self,
        mapper: Mapper<'_>,
        pages: &mut Receiver<PageRead>,
        account: &mut Account,
    ) -> Result<()> {
        while let Some(page) = pages.blocking_recv() {
            let mut group = Group::default();
            self.take(mapper, page, &mut group);
            while group.ledger.read < GROUP_RECORDS as u64 {
                match pages.try_recv() {
                    Ok(page) => self.take(mapper, page, &mut group),
                    Err(_) => break,
                }
            }
            self.commit(&group, account)?;
            self.check_rejected(&account.ledger, false)?;
        }
        failpoint::reach("settle-before-end");
        self.check_rejected(&account.ledger, true)
    }

    fn take(&self, mapper: Mapper<'_>, page: PageRead, group: &mut Group) {
        let PageRead { records, last } = page;
        for record in records {
            group.ledger.read += 1;
            match mapper.map(&record) {
                Mapped::Profile(profile) => {
                    let by = self.late_before.map(|(by, _)| by);
                    group.stamps.push(by.and_then(|by| stamp(&record, by)));
                    group.profiles.push(profile.into());
                }
                Mapped::Filtered => group.ledger.filtered += 1,
                Mapped::Rejected(reason) => {
                    group.ledger.rejected += 1;
                    group.letters.push(self.letter(&record, reason));
                }
            }
        }
        group.cursor = self.cursor.as_ref().map(|base| Cursor {
            query_hash: base.query_hash.clone(),
            stamp: last.stamp,
            id: last.id,
            window_end: base.window_end,
        });
    }

    fn commit(&self, group: &Group, account: &mut Account) -> Result<()> {
        failpoint::reach("settle-before-commit");
        let committed = self.store(group)?;
        failpoint::reach("settle-after-commit");
        if !committed.total.balances() {
            return Err(Error::bug(format!(
                "the ledger does not balance: {:?}",
                committed.total
            )));
        }
        account.ledger = committed.total;
        account.late += self.count_late(&group.stamps, &committed.profiles);
        (self.outside.observer)(&RunEvent::Committed {
            ledger: committed.total,
        });
        Ok(())
    }

    /// I3, I4: one transaction gives every record of the group its place and moves the cursor behind them.
    fn store(&self, group: &Group) -> Result<Committed> {
        let spent = self.meter.spent();
        self.outside.store.commit(&Commit {
            run_id: self.run_id,
            pipeline: &self.plan.pipeline,
            at: self.outside.clock.now(),
            profiles: &group.profiles,
            scores: &[],
            acknowledged: &[],
            dead_letters: &group.letters,
            settled_keys: &[],
            // The store counts each profile as delivered or unchanged itself.
            ledger: group.ledger,
            cursor: group.cursor.as_ref(),
            change_cursor: None,
            requests_so_far: spent.requests,
            api_calls_so_far: spent.api_calls,
        })
    }

    fn count_late(&self, stamps: &[Option<Timestamp>], settled: &[Settled]) -> u64 {
        let Some((_, before)) = self.late_before else {
            return 0;
        };
        let late = |(stamp, settled): &(&Option<Timestamp>, &Settled)| {
            **settled == Settled::Delivered && stamp.is_some_and(|stamp| stamp < before)
        };
        stamps.iter().zip(settled).filter(late).count() as u64
    }

    fn letter(&self, record: &Record, reason: RecordError) -> DeadLetter {
        let key = record
            .get("Id")
            .and_then(|id| id.as_str())
            .unwrap_or_default();
        DeadLetter {
            run_id: self.run_id,
            pipeline: self.plan.pipeline.to_string(),
            fingerprint: self.plan.fingerprint,
            step: "map".to_owned(),
            key: key.to_owned(),
            reason,
            attempts: 0,
            payload: record.to_value(),
            at: self.outside.clock.now(),
        }
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
