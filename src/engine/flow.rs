//! The stream of a run: four stages with bounded channels between them, so that memory does not grow with the records.
//!
//! ```text
//! read (async) ─page▶ prepare (thread) ─group▶ deliver (async) ─group▶ settle (thread)
//! ```
//!
//! Groups are settled in the order in which they were read, so the cursor never passes a record that is still on its
//! way. Where nothing is written to Salesforce, groups go from the second stage to the last.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tracing::{Instrument as _, Span};

use crate::foundation::error::{Error, Result};
use crate::foundation::event::RunEvent;
use crate::foundation::failpoint;

use super::Outside;
use super::deliver::{Delivered, Delivery};
use super::facts::Facts;
use super::group::{Group, Settling};
use super::prepare::Preparer;
use super::settle::{Account, Settler};
use super::source::{Page, Source};

/// Pages, and groups, that wait between two stages (I7).
const WAITING: usize = 1;

/// Groups that wait to be settled: with two of them the store is never without work while pages are mapped.
const WAITING_TO_SETTLE: usize = 2;

/// A group that is only kept is handed on when it has so many records, or when no further page waits.
const GROUP_KEPT: usize = 2_000;

/// A group that is written to Salesforce has so many batches, and waits for its pages: large enough that a look at its rows
/// is worth a call, small enough that little is repeated after a crash.
const GROUP_BATCHES: usize = 4;

/// The places where a test may kill a run when a group that was written is handed over to be settled.
pub const FAILPOINTS: [&str; 2] = ["flow-before-handover", "flow-after-handover"];

/// What a stream needs beside its source.
pub struct Stages {
    /// Makes facts of records.
    pub preparer: Preparer,
    /// Writes to Salesforce, where the plan does.
    pub delivery: Option<Arc<Delivery>>,
    /// Makes the outcome durable.
    pub settler: Arc<Settler>,
    /// Records in one batch, and batches at once.
    pub batch: crate::plan::Batch,
}

/// Why reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// There are no more pages.
    Source,
    /// The run was asked to stop.
    Cancelled,
    /// A later stage gave up; its error tells why.
    Early,
}

/// Streams a source through all stages, and tells what was settled and how it ended.
pub async fn stream(
    source: &mut Source<'_>,
    stages: Stages,
    outside: &Outside,
) -> (Account, Result<Ended>) {
    let (page_sender, page_receiver) = mpsc::channel(WAITING);
    let (group_sender, group_receiver) = mpsc::channel(WAITING);
    let (settling_sender, settling_receiver) = mpsc::channel(WAITING_TO_SETTLE);
    let (done_sender, done) = watch::channel(0);
    let settler = Arc::clone(&stages.settler);
    let span = Span::current();
    let settling = tokio::task::spawn_blocking(move || {
        span.in_scope(|| settler.settle(settling_receiver, &done_sender))
    });
    let size = match &stages.delivery {
        None => Size::UpTo(GROUP_KEPT),
        Some(_) => Size::Full(stages.batch.size as usize * GROUP_BATCHES),
    };
    let preparer = stages.preparer;
    let (preparing, delivering): (JoinHandle<Result<()>>, Option<JoinHandle<Result<()>>>) =
        if let Some(delivery) = stages.delivery {
            let in_flight =
                (stages.batch.concurrency as usize + GROUP_BATCHES) * stages.batch.size as usize;
            let deliver = deliver(delivery, group_receiver, settling_sender, done, in_flight);
            let delivering = tokio::spawn(deliver.in_current_span());
            let hand_on = move |group: Group| group_sender.blocking_send(group).is_ok();
            (
                tokio::task::spawn_blocking(move || {
                    prepare(&preparer, page_receiver, size, hand_on)
                }),
                Some(delivering),
            )
        } else {
            let hand_on =
                move |group: Group| settling_sender.blocking_send(Settling::kept(group)).is_ok();
            (
                tokio::task::spawn_blocking(move || {
                    prepare(&preparer, page_receiver, size, hand_on)
                }),
                None,
            )
        };
    let reading = read(source, page_sender, outside).await;
    let preparation = joined(preparing, "prepares records").await;
    let delivered = match delivering {
        Some(delivering) => joined(delivering, "writes records").await,
        None => Ok(()),
    };
    // A panic in a step fails this run alone; what it committed stands in the store.
    let (account, settled) = match settling.await {
        Ok(ended) => ended,
        Err(panic) => (
            stages.settler.account_in_store(),
            Err(Error::bug("the thread that settles records panicked").caused_by(panic)),
        ),
    };
    let ended = settled.and(delivered).and(preparation).and(reading);
    (account, ended)
}

async fn joined(stage: JoinHandle<Result<()>>, what: &str) -> Result<()> {
    match stage.await {
        Ok(ended) => ended,
        Err(panic) => Err(Error::bug(format!("the stage that {what} panicked")).caused_by(panic)),
    }
}

/// The first stage: hands pages over until there are none, or somebody stops it.
async fn read(
    source: &mut Source<'_>,
    sender: mpsc::Sender<Page>,
    outside: &Outside,
) -> Result<Ended> {
    loop {
        // Room comes first: a page that nobody has room for would be one page more in memory.
        let room = tokio::select! {
            biased;
            () = outside.cancel.cancelled() => return Ok(Ended::Cancelled),
            room = sender.reserve() => room,
        };
        let Ok(room) = room else {
            return Ok(Ended::Early);
        };
        let page = tokio::select! {
            biased;
            () = outside.cancel.cancelled() => return Ok(Ended::Cancelled),
            page = source.next() => page?,
        };
        let Some(page) = page else {
            return Ok(Ended::Source);
        };
        (outside.observer)(&RunEvent::PageRead {
            records: page.len() as u64,
        });
        room.send(page);
    }
}

/// How many records a group holds.
#[derive(Debug, Clone, Copy)]
enum Size {
    /// At most so many, and fewer where no further page waits.
    UpTo(usize),
    /// So many; fewer only at the end.
    Full(usize),
}

/// The second stage: records become facts, gathered in groups.
fn prepare(
    preparer: &Preparer,
    mut pages: mpsc::Receiver<Page>,
    size: Size,
    hand_on: impl Fn(Group) -> bool,
) -> Result<()> {
    let (Size::UpTo(most) | Size::Full(most)) = size;
    let mut group = Group::default();
    loop {
        let page = if group.is_empty() || matches!(size, Size::Full(_)) {
            pages.blocking_recv()
        } else {
            pages.try_recv().ok()
        };
        let Some(page) = page else {
            if group.is_empty() || !hand_on(std::mem::take(&mut group)) {
                return Ok(());
            }
            continue;
        };
        for part in page.parts(most - group.len(), most) {
            group.take(preparer, part)?;
            if group.len() >= most && !hand_on(std::mem::take(&mut group)) {
                return Ok(());
            }
        }
    }
}

/// A group on its way to the store, and what ends the run.
type Written = (Settling, Option<Error>);

/// A group that is being written, and the rows it touches.
struct InFlight {
    number: u64,
    records: usize,
    rows: Option<HashSet<(usize, String)>>,
}

/// The third stage: several groups are written at once, and handed on in their order.
///
/// I15: two groups that touch one row are never written at once, and the later one waits until the earlier one is committed: so
/// the order of changes to a row is kept, and what is compared with the store is there.
async fn deliver(
    delivery: Arc<Delivery>,
    mut groups: mpsc::Receiver<Group>,
    settling: mpsc::Sender<Settling>,
    mut done: watch::Receiver<u64>,
    most: usize,
) -> Result<()> {
    let mut writing: FuturesOrdered<JoinHandle<Result<Written>>> = FuturesOrdered::new();
    let mut in_flight: VecDeque<InFlight> = VecDeque::new();
    let (mut number, mut is_open) = (0, true);
    let mut ended = Ok(());
    while is_open || !writing.is_empty() {
        let settled = *done.borrow_and_update();
        in_flight.retain(|group| group.number > settled);
        let records: usize = in_flight.iter().map(|group| group.records).sum();
        let may_take = is_open && (writing.is_empty() || records < most);
        tokio::select! {
            Some(written) = writing.next() => {
                let written = written
                    .map_err(|panic| Error::bug("the stage that writes records panicked").caused_by(panic))
                    .and_then(|written| written);
                let (settled, failed) = match written {
                    Ok((settled, failed)) => (Some(settled), failed),
                    Err(error) => (None, Some(error)),
                };
                // Behind a group that failed the cursor stands still: what was acknowledged is remembered, no more.
                let settled = settled.map(|settled| if ended.is_ok() { settled } else { settled.remember() });
                if let Some(error) = failed {
                    ended = ended.and(Err(error));
                    is_open = false;
                    groups.close();
                }
                failpoint::reach("flow-before-handover");
                if let Some(settled) = settled && settling.send(settled).await.is_err() {
                    is_open = false;
                    groups.close();
                }
                failpoint::reach("flow-after-handover");
            }
            group = groups.recv(), if may_take => {
                let Some(group) = group else {
                    is_open = false;
                    continue;
                };
                number += 1;
                let rows = rows_of(&delivery, &group.records);
                let behind = waits_for(&in_flight, rows.as_ref());
                in_flight.push_back(InFlight { number, records: group.len(), rows });
                let write = write(Arc::clone(&delivery), group, done.clone(), behind);
                writing.push_back(tokio::spawn(write.in_current_span()));
            }
            // A group that was settled makes room for the next while others are still being written.
            Ok(()) = done.changed(), if is_open && !may_take => {}
        }
    }
    ended
}

/// Every row a group touches; `None` when that cannot be told beforehand.
fn rows_of(delivery: &Delivery, records: &[Facts]) -> Option<HashSet<(usize, String)>> {
    let mut rows = HashSet::new();
    for facts in records {
        rows.extend(delivery.targets().rows_of(facts)?);
    }
    Some(rows)
}

/// The number of the last group on its way that a new one must not overtake; 0 where there is none.
fn waits_for(in_flight: &VecDeque<InFlight>, rows: Option<&HashSet<(usize, String)>>) -> u64 {
    let collides = |group: &&InFlight| match (&group.rows, rows) {
        (Some(theirs), Some(ours)) => !theirs.is_disjoint(ours),
        _ => true,
    };
    let last = in_flight.iter().rev().find(collides);
    last.map_or(0, |group| group.number)
}

async fn write(
    delivery: Arc<Delivery>,
    group: Group,
    mut done: watch::Receiver<u64>,
    behind: u64,
) -> Result<Written> {
    // The sender goes when settling failed: nothing is written after that.
    if done.wait_for(|settled| *settled >= behind).await.is_err() {
        return Err(Error::bug("settling ended before the records in hand"));
    }
    let mut delivered: Delivered = delivery.deliver(&group.records).await;
    Ok(match delivered.failed.take() {
        None => (Settling::written(group, delivered), None),
        Some(error) => (Settling::remembered(delivered), Some(error)),
    })
}
