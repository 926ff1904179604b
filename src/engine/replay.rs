//! Replaying dead letters: the records are read again as they are now, and go through the pipeline as it is today.
//!
//! What a letter holds is shown, and never sent: it may be older than what was delivered since. A record that is delivered,
//! unchanged or filtered closes its letter; one that is rejected again keeps it, with the new reason; one that is gone from
//! its source closes it as gone.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use serde_json::{Map, Value};
use tracing::Instrument as _;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::event::RunReport;
use crate::plan::Plan;
use crate::salesforce::client::Client;
use crate::salesforce::record_id;
use crate::store::model::{
    AuditAction, Changed, Closed, DeadLetterRow, NewAudit, OutcomeOf, RecordKind,
};
use crate::store::read_only::ReadOnly;

use super::flow::{self, Ended, Stages};
use super::open::{Opening, kind};
use super::prepare::Preparer;
use super::preview::{Preview, ReadSide};
use super::run::{self, Begun, Outcome};
use super::settle::Settler;
use super::source::{Chosen, From, Page, Source};
use super::{Outside, preview};

/// What a replay did.
#[derive(Debug)]
pub struct Replayed {
    /// The run it was.
    pub report: RunReport,
    /// Letters whose records are no longer there.
    pub gone: u64,
}

/// Replays letters of one pipeline. `chosen` says for the audit log how they were chosen; it names no record.
///
/// # Errors
/// What keeps a run from beginning.
pub async fn replay(
    plan: &Arc<Plan>,
    outside: &Outside,
    letters: &[DeadLetterRow],
    chosen: &Map<String, Value>,
) -> Result<Replayed> {
    let run = run::begin(plan, outside, None)?;
    let mut outcome = Outcome::default();
    let mut gone = 0;
    // I18: told before the first write, under the lock; what cannot be told is not done.
    let told = outside
        .store
        .append_audit(&told(plan, outside, letters, chosen));
    let span = run::span(plan, &run);
    outcome.result = match told {
        Ok(_) => {
            carry_out(plan, outside, letters, &run, &mut outcome, &mut gone)
                .instrument(span.clone())
                .await
        }
        Err(error) => Err(error),
    };
    let report = run::finish_traced(plan, outside, run, outcome, &span)?;
    Ok(Replayed { report, gone })
}

/// What the audit log keeps of a replay.
fn told(
    plan: &Plan,
    outside: &Outside,
    letters: &[DeadLetterRow],
    chosen: &Map<String, Value>,
) -> NewAudit {
    let mut details = Map::new();
    details.insert("letters".to_owned(), letters.len().into());
    details.insert("chosen".to_owned(), Value::Object(chosen.clone()));
    NewAudit {
        at: outside.clock.now(),
        action: AuditAction::LettersReplayed,
        subject: plan.pipeline.to_string(),
        actor: outside.actor.to_string(),
        details,
    }
}

/// What a replay would do; nothing is written.
///
/// # Errors
/// What keeps a replay from reading.
pub async fn foresee(
    plan: &Arc<Plan>,
    side: &ReadSide,
    letters: &[DeadLetterRow],
    shown: usize,
) -> Result<Preview> {
    let (mut source, _) = source(plan, &side.client, &side.store, letters)?;
    preview::over(plan, side, &mut source, shown).await
}

async fn carry_out(
    plan: &Arc<Plan>,
    outside: &Outside,
    letters: &[DeadLetterRow],
    run: &Begun,
    outcome: &mut Outcome,
    gone: &mut u64,
) -> Result<()> {
    let store = ReadOnly::new(Arc::clone(&outside.store));
    let mut opening = Opening::new(plan, &outside.client, &store, outside.clock.now());
    let described = opening.targets().await?;
    opening.keep(&outside.store)?;
    let (mut source, missing) = source(plan, &outside.client, &store, letters)?;
    let casting = run::Casting::open(plan, outside, run).await?;
    run::tell_start(plan, outside, run, Some(letters.len() as u64));
    let addresser = casting
        .as_ref()
        .map(|casting| casting.addresser(store.clone(), run.started_at));
    let stages = Stages {
        preparer: Preparer::new(plan, store, run.started_at, None).addressing(addresser),
        delivery: run::delivery(plan, outside, run.run_id, &described),
        settler: Arc::new(Settler {
            has_letters: true,
            ..run::settler(plan, outside, run)?
        }),
        batch: plan.batch,
    };
    let (account, ended) = flow::stream(&mut source, stages, outside).await;
    outcome.account = account;
    if ended? == Ended::Cancelled {
        return Err(
            Error::new(Code::Interrupted, "the replay was stopped before its end")
                .help("run the same command again: letters that were closed stay closed"),
        );
    }
    let mut lost: Vec<i64> = missing;
    if let Some(found) = source.found() {
        let found: HashSet<&str> = found.iter().map(|id| record_id::short(id)).collect();
        let is_lost = |row: &&DeadLetterRow| !found.contains(record_id::short(&row.letter.key));
        lost.extend(letters.iter().filter(is_lost).map(|row| row.id));
    }
    *gone = outside
        .store
        .close_letters(&lost, Closed::Gone, outside.clock.now())?;
    match casting {
        Some(casting) => casting.send(outside, run, outcome).await,
        None => Ok(()),
    }
}

/// The records of the letters, to be read again; and the letters whose records the store no longer has.
fn source<'a>(
    plan: &'a Plan,
    client: &'a Client,
    store: &ReadOnly,
    letters: &[DeadLetterRow],
) -> Result<(Source<'a>, Vec<i64>)> {
    if let Some(read) = plan.read() {
        let ids = letters.iter().map(|row| row.letter.key.clone());
        let chosen = Chosen::new(client, &read.query, ids.collect());
        return Ok((Source::new(From::Chosen(chosen)), Vec::new()));
    }
    let records = plan
        .records()
        .ok_or_else(|| Error::bug("a plan that reads nothing passed the compiler"))?;
    let (mut outcomes, mut profiles, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    // I15: in the order in which they were rejected, so that of several outcomes of one person the last one stands.
    let mut letters: Vec<&DeadLetterRow> = letters.iter().collect();
    letters.sort_by_key(|row| row.id);
    for row in letters {
        let key = row.letter.key.as_str();
        let found = match kind(records.kind) {
            RecordKind::Outcomes => match store.outcome(key)? {
                None => false,
                Some(outcome) => {
                    let profile = store.profile(&outcome.profile)?;
                    outcomes.push(Changed {
                        change: 0,
                        record: OutcomeOf { outcome, profile },
                    });
                    true
                }
            },
            RecordKind::Profiles => match store.profile(key)? {
                None => false,
                Some(profile) => {
                    profiles.push(Changed {
                        change: 0,
                        record: profile,
                    });
                    true
                }
            },
        };
        if !found {
            missing.push(row.id);
        }
    }
    let pages = [Page::Outcomes(outcomes), Page::Profiles(profiles)];
    let pages: VecDeque<Page> = pages.into_iter().filter(|page| !page.is_empty()).collect();
    Ok((Source::new(From::Given(pages)), missing))
}
