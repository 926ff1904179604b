//! Sending: takes messages out of the send ledger, a few at a time, reserves them, sends each once, and settles what came of it.
//!
//! ```text
//! due ──▶ reserve (durable) ──▶ one request each, at the number's pace ──▶ settle (durable)
//! ```
//!
//! What is reserved and not settled when the process dies counts as unknown, and is never sent again by itself (I22). So few are
//! reserved at a time.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::event::{Ledger, RunEvent};
use crate::foundation::failpoint;
use crate::foundation::id::{MessageId, RunId};
use crate::foundation::identity::Identity;
use crate::foundation::record::{DeadLetter, RecordError};
use crate::plan::Plan;
use crate::plan::step::broadcast::Broadcast;
use crate::store::model::{
    CampaignState, Cap, Hold, MessageRow, Reserved, Reserving, SendResult, Sending, Suppression,
};
use crate::whatsapp::pace::Pace;
use crate::whatsapp::send::Sent;

use super::super::Outside;
use super::super::meter::Meter;
use super::address::Kept;
use super::canary::{self, Verdict as Canary};
use super::react::{self, Number, Stop, Verdict};
use super::{Messaging, Opened, quiet};

/// The places where a test may kill a run while messages are sent.
pub const FAILPOINTS: [&str; 4] = [
    "send-before-reserve",
    "send-after-reserve",
    "send-after-answer",
    "send-after-settle",
];

/// Messages that are read from the ledger at once.
const PAGE: u32 = 200;

/// Messages on their way before any was taken.
const FIRST: usize = 4;

/// The most messages on their way at once.
const MOST_IN_FLIGHT: usize = 256;

/// A wait that is not longer than this is waited for; for a longer one the run ends, and the message stays in the ledger.
const PATIENCE: SignedDuration = SignedDuration::from_secs(60);

/// The longest rest of a number.
const LONGEST_REST: Duration = Duration::from_hours(1);

/// So many failures in a row end the sending.
const MOST_FAILURES: u32 = 8;

/// So many refusals for what is in a message, with none taken before, and the template is at fault.
const ALIKE: u32 = 10;

/// What sends the messages of one run.
pub struct Outbox<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Its broadcast.
    pub step: &'a Broadcast,
    /// What sends.
    pub messaging: &'a Messaging,
    /// What was found out before.
    pub opened: &'a Opened,
    /// Where it keeps, who listens, who may stop it.
    pub outside: &'a Outside,
    /// What the run has spent.
    pub meter: &'a Meter,
    /// The run.
    pub run_id: RunId,
}

/// How the sending ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Nothing more is due for now.
    Drained,
    /// The run was asked to stop.
    Cancelled,
}

/// A message on its way, and what came of it.
type InFlight = FuturesUnordered<JoinHandle<(MessageRow, u32, Sent)>>;

/// What the loop knows.
struct State {
    /// The campaign's own pace.
    pace: Arc<Pace>,
    /// The number's, which it shares.
    number: Arc<Pace>,
    rest: Duration,
    failures: u32,
    accepted: u64,
    alike: u32,
    left_of_tier: Option<u64>,
    /// Whether the campaign's canary is over, or there is none.
    is_tried: bool,
    stop: Option<Stop>,
    is_paused: bool,
}

impl State {
    /// Goes on, slower, or rests, as a send asks for.
    fn heed(&mut self, number: Number) {
        match number {
            Number::Works => self.failures = 0,
            Number::GoesOn => {}
            Number::SlowsDown => self.number.slow_down(),
            Number::Rests(length) => self.number.rest(length.min(LONGEST_REST)),
            Number::Failed => {
                self.failures += 1;
                self.number.rest(self.rest * (1 << self.failures.min(5)));
                if self.failures >= MOST_FAILURES {
                    let message = format!("WhatsApp did not answer {MOST_FAILURES} times in a row");
                    let stopped = Error::new(Code::SendingStopped, message).help(
                        "run the pipeline again later: what was not sent waits in the send ledger",
                    );
                    self.stop.get_or_insert(Stop::Run(stopped));
                }
            }
        }
    }

    /// Many refusals for what is in a message, before any was taken, mean that the template is at fault.
    fn compare(&mut self, letter: &RecordError) {
        if !react::is_data(letter) || self.accepted > 0 {
            return;
        }
        self.alike += 1;
        if self.alike == ALIKE {
            let message = format!(
                "WhatsApp refused the first {ALIKE} messages for what is in them: {}",
                letter.message
            );
            let drift = Error::new(Code::WhatsappCampaignStopped, message);
            self.stop.get_or_insert(Stop::Campaign(drift));
        }
    }
}

impl Outbox<'_> {
    /// Sends what is due, until nothing is, and returns how it ended.
    ///
    /// # Errors
    /// What ends the sending: a token or an account that Meta refuses, `whatsapp-campaign-stopped`, `sending-stopped`, the store's
    /// own. What was sent until then is settled.
    pub async fn send(&self) -> Result<Ended> {
        let asked = self.step.section.pace.per_second();
        self.messaging.number.raise_to(asked);
        let mut state = State {
            pace: Arc::new(Pace::new(asked)),
            number: Arc::clone(&self.messaging.number),
            rest: self.messaging.rest,
            failures: 0,
            accepted: 0,
            alike: 0,
            left_of_tier: self.left_of_tier()?,
            is_tried: self.step.section.canary.is_none(),
            stop: None,
            is_paused: false,
        };
        let mut in_flight: InFlight = FuturesUnordered::new();
        let ended = self.run(&mut state, &mut in_flight).await;
        // Whatever ended it: what left is settled.
        while !in_flight.is_empty() {
            self.collect(&mut state, &mut in_flight).await?;
        }
        let ended = ended?;
        match state.stop {
            Some(Stop::Run(error)) => Err(error),
            Some(Stop::Campaign(error)) => Err(error.help(format!(
                "the campaign is paused: see why, then `bridged campaign resume {}`",
                self.step.section.campaign
            ))),
            None => Ok(ended),
        }
    }

    async fn run(&self, state: &mut State, in_flight: &mut InFlight) -> Result<Ended> {
        loop {
            if self.outside.cancel.is_cancelled() {
                return Ok(Ended::Cancelled);
            }
            if state.stop.is_some() {
                return Ok(Ended::Drained);
            }
            if state.is_paused {
                return Ok(Ended::Drained);
            }
            let most = self.most_in_flight(state);
            if in_flight.len() < most {
                let room = (most - in_flight.len()).min(self.at_once(state));
                if self.start(state, in_flight, room).await? {
                    continue;
                }
            }
            if in_flight.is_empty() {
                match self.wait().await? {
                    Some(ended) => return Ok(ended),
                    None => continue,
                }
            }
            self.collect(state, in_flight).await?;
        }
    }

    /// While WhatsApp does not answer, one message at a time asks whether it is back.
    fn most_in_flight(&self, state: &State) -> usize {
        if state.failures > 0 {
            return 1;
        }
        // Half a second's worth: answers take some hundred milliseconds.
        let half = (self.step.section.pace.per_second() / 2.0).ceil();
        // The first ones show whether template and number are in order, so few are on their way until some were taken.
        let tried = FIRST + usize::try_from(state.accepted).unwrap_or(usize::MAX - FIRST);
        (half as usize).clamp(FIRST, MOST_IN_FLIGHT).min(tried)
    }

    /// Reserved together: a tenth of a second's worth, so that few wait for their turn.
    fn at_once(&self, state: &State) -> usize {
        let rate = state.pace.per_second().min(state.number.per_second());
        let tenth = (rate / 10.0).ceil();
        (tenth as usize).clamp(1, self.plan.batch.size as usize)
    }

    /// Reserves due messages, and sends those that may leave; whether there was any that is due.
    async fn start(
        &self,
        state: &mut State,
        in_flight: &mut InFlight,
        room: usize,
    ) -> Result<bool> {
        let now = self.outside.clock.now();
        let pipeline = &self.plan.pipeline;
        let due = self.outside.store.due_messages(pipeline, now, PAGE)?;
        if due.is_empty() {
            return Ok(false);
        }
        // Those that leave together count before the first of them is written down.
        let left = state.left_of_tier.map_or(room as u64, |left| left.max(1));
        let mut room = room.min(usize::try_from(left).unwrap_or(room));
        if !state.is_tried {
            match self.canary(now)? {
                Canary::Over => state.is_tried = true,
                Canary::Sends(left) => room = room.min(usize::try_from(left).unwrap_or(room)),
                // What is on its way may tell.
                Canary::Waits(_) if !in_flight.is_empty() => return Ok(false),
                Canary::Waits(until) => {
                    self.sleep(until.duration_since(now)).await;
                    return Ok(true);
                }
                Canary::Failed(error) => {
                    state.stop.get_or_insert(Stop::Campaign(error));
                    return Ok(true);
                }
            }
        }
        let mut chosen = Vec::new();
        let mut results = Vec::new();
        for row in due {
            match self.hindrance(state, &row, now)? {
                Some(result) => results.push((row.id, result)),
                None if chosen.len() < room => chosen.push(row),
                None => break,
            }
        }
        if !results.is_empty() {
            self.settle(&results, &[]).await?;
        }
        if chosen.is_empty() {
            return Ok(true);
        }
        failpoint::reach("send-before-reserve");
        let reserved = self.reserve(&chosen, now).await?;
        failpoint::reach("send-after-reserve");
        for (row, reserved) in chosen.into_iter().zip(reserved) {
            match reserved {
                Reserved::Yes(attempt) => {
                    if let Some(left) = &mut state.left_of_tier {
                        *left = left.saturating_sub(1);
                    }
                    in_flight.push(self.dispatch(state, row, attempt));
                }
                Reserved::Paused => state.is_paused = true,
                Reserved::Suppressed(_)
                | Reserved::Capped
                | Reserved::Later(_)
                | Reserved::Expired
                | Reserved::Gone => {}
            }
        }
        Ok(true)
    }

    /// How the campaign's canary stands; one that failed pauses the campaign.
    fn canary(&self, now: Timestamp) -> Result<Canary> {
        let store = self.outside.store.as_ref();
        let campaign = store.campaign(self.step.section.campaign.as_str())?;
        let (Some(canary), Some(campaign)) = (&self.step.section.canary, campaign) else {
            return Ok(Canary::Over);
        };
        let verdict = canary::look(canary, &campaign, store, now)?;
        if let Canary::Failed(error) = &verdict {
            self.pause(error, now)?;
        }
        Ok(verdict)
    }

    /// Nothing more of the campaign is reserved from here on, by no process.
    fn pause(&self, why: &Error, now: Timestamp) -> Result<()> {
        let campaign = self.step.section.campaign.as_str();
        let (store, why) = (&self.outside.store, Some(why.message()));
        store.set_campaign(campaign, CampaignState::Paused, why, now, None)?;
        Ok(())
    }

    /// What keeps a message from leaving now, besides what the store looks at.
    fn hindrance(
        &self,
        state: &State,
        row: &MessageRow,
        now: Timestamp,
    ) -> Result<Option<SendResult>> {
        if row.expires_at.is_some_and(|expires| expires <= now) {
            return Ok(Some(SendResult::Expired));
        }
        // I26: an erased person's message has no text any more.
        if row.payload.as_deref() == Some("") {
            return Ok(Some(SendResult::Suppressed("erased".to_owned())));
        }
        let zone = kept(row).ok().and_then(|kept| kept.zone);
        let zone = zone.and_then(|zone| TimeZone::get(&zone).ok());
        let quiet = self.step.section.quiet_hours.as_ref();
        let earliest = quiet::earliest(quiet, zone.as_ref(), now);
        if earliest.at > now {
            return Ok(Some(SendResult::Again {
                not_before: earliest.at,
                hold: earliest.hold,
                why: "quiet hours".to_owned(),
            }));
        }
        if state.left_of_tier == Some(0) {
            let day = SignedDuration::from_hours(24);
            let since = now.checked_sub(day).unwrap_or(Timestamp::MIN);
            let (_, first) = self
                .outside
                .store
                .written_since(&self.step.connection, since)?;
            let frees = first
                .unwrap_or(now)
                .checked_add(day)
                .unwrap_or(Timestamp::MAX);
            return Ok(Some(SendResult::Again {
                not_before: frees.max(now.checked_add(PATIENCE).unwrap_or(now)),
                hold: Some(Hold::Tier),
                why: "the number wrote to as many people as it may in 24 hours".to_owned(),
            }));
        }
        Ok(None)
    }

    /// How many more people the number may write to.
    fn left_of_tier(&self) -> Result<Option<u64>> {
        let Some(most) = self.opened.tier else {
            return Ok(None);
        };
        let now = self.outside.clock.now();
        let since = now.checked_sub(SignedDuration::from_hours(24));
        let since = since.unwrap_or(Timestamp::MIN);
        let (written, _) = self
            .outside
            .store
            .written_since(&self.step.connection, since)?;
        Ok(Some(most.saturating_sub(written)))
    }

    /// One request, in a task of its own.
    fn dispatch(
        &self,
        state: &State,
        row: MessageRow,
        attempt: u32,
    ) -> JoinHandle<(MessageRow, u32, Sent)> {
        let (pace, number) = (Arc::clone(&state.pace), Arc::clone(&state.number));
        let messenger = self.messaging.messenger.clone();
        let send = async move {
            let message = match kept(&row) {
                Ok(kept) => kept.message,
                Err(error) => return (row, attempt, Sent::Unsent(error)),
            };
            pace.permit().await;
            number.permit().await;
            let callback = format!("{}:{attempt}", row.id);
            let sent = messenger.send(&message, &callback).await;
            failpoint::reach("send-after-answer");
            (row, attempt, sent)
        };
        tokio::spawn(send.in_current_span())
    }

    /// Takes what has ended, and settles it in one transaction.
    async fn collect(&self, state: &mut State, in_flight: &mut InFlight) -> Result<()> {
        let mut ended = Vec::new();
        ended.extend(in_flight.next().await);
        while let Some(Some(one)) = in_flight.next().now_or_never() {
            ended.push(one);
        }
        let mut results = Vec::with_capacity(ended.len());
        let mut letters = Vec::new();
        for one in ended {
            let (row, attempt, sent) = one.map_err(|panic| {
                Error::bug("the task that sends a message panicked").caused_by(panic)
            })?;
            let now = self.outside.clock.now();
            let verdict = react::judge(&row, attempt, sent, &self.messaging.reach.key, now);
            let (result, letter) = self.take(state, &row, verdict, now)?;
            results.push((row.id, result));
            letters.extend(letter);
        }
        self.settle(&results, &letters).await?;
        failpoint::reach("send-after-settle");
        Ok(())
    }

    /// What one verdict means for everything behind it; the dead letter it leaves.
    fn take(
        &self,
        state: &mut State,
        row: &MessageRow,
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<(SendResult, Option<DeadLetter>)> {
        state.heed(verdict.number);
        if matches!(verdict.result, SendResult::Accepted { .. }) {
            state.accepted += 1;
        }
        if let Some(letter) = &verdict.letter {
            state.compare(letter);
        }
        if let Some((scope, reason, length)) = verdict.suppress
            && let Some(identity) = recipient(row)
        {
            let suppression = Suppression {
                identity: self.messaging.reach.key.hash(&identity),
                scope,
                reason: reason.to_owned(),
                source: "refusal".to_owned(),
                at: now,
                until: length.and_then(|length| now.checked_add(length).ok()),
            };
            self.outside.store.suppress(&[suppression], None)?;
        }
        if let Some(stop) = verdict.stop {
            state.stop.get_or_insert(stop);
        }
        if let Some(Stop::Campaign(error)) = &state.stop {
            self.pause(error, now)?;
        }
        let letter = verdict.letter.map(|reason| DeadLetter {
            run_id: self.run_id,
            pipeline: self.plan.pipeline.to_string(),
            fingerprint: self.plan.fingerprint,
            step: "broadcast".to_owned(),
            key: row.record.clone(),
            reason,
            attempts: row.attempts + 1,
            payload: react::payload(row),
            at: now,
        });
        Ok((verdict.result, letter))
    }

    /// Waits for what comes due soon; how it ended where nothing does.
    async fn wait(&self) -> Result<Option<Ended>> {
        let now = self.outside.clock.now();
        let next = self.outside.store.next_message(&self.plan.pipeline)?;
        let Some(next) = next else {
            return Ok(Some(Ended::Drained));
        };
        let wait = next.duration_since(now);
        if wait > PATIENCE {
            return Ok(Some(Ended::Drained));
        }
        let is_cancelled = self.sleep(wait).await;
        Ok(is_cancelled.then_some(Ended::Cancelled))
    }

    /// Sleeps until then; whether it was woken to stop.
    async fn sleep(&self, wait: SignedDuration) -> bool {
        let wait = Duration::try_from(wait).unwrap_or_default();
        tokio::select! {
            biased;
            () = self.outside.cancel.cancelled() => true,
            () = tokio::time::sleep(wait.max(Duration::from_millis(1))) => false,
        }
    }

    /// I22: reserves on a thread of its own: it waits for the disk.
    async fn reserve(&self, rows: &[MessageRow], now: Timestamp) -> Result<Vec<Reserved>> {
        let ids: Vec<MessageId> = rows.iter().map(|row| row.id).collect();
        let cap = self.step.section.frequency.and_then(|frequency| {
            let per = SignedDuration::try_from(frequency.per.as_duration()).ok()?;
            Some(Cap {
                most: frequency.max,
                since: now.checked_sub(per).ok()?,
            })
        });
        let store = Arc::clone(&self.outside.store);
        let (pipeline, run_id) = (self.plan.pipeline.clone(), self.run_id);
        let is_marketing = self.opened.is_marketing();
        blocking(move || {
            store.reserve_messages(&Reserving {
                run_id,
                pipeline: &pipeline,
                at: now,
                messages: &ids,
                cap,
                is_marketing,
            })
        })
        .await
    }

    async fn settle(
        &self,
        results: &[(MessageId, SendResult)],
        letters: &[DeadLetter],
    ) -> Result<()> {
        let store = Arc::clone(&self.outside.store);
        let (pipeline, run_id) = (self.plan.pipeline.clone(), self.run_id);
        let at = self.outside.clock.now();
        let (results, letters) = (results.to_vec(), letters.to_vec());
        let spent = self.meter.spent();
        let ledger: Ledger = blocking(move || {
            store.settle_messages(&Sending {
                run_id,
                pipeline: &pipeline,
                at,
                results: &results,
                dead_letters: &letters,
                requests_so_far: spent.requests,
                api_calls_so_far: spent.api_calls,
            })
        })
        .await?;
        (self.outside.observer)(&RunEvent::Committed { ledger });
        Ok(())
    }
}

fn kept(row: &MessageRow) -> Result<Kept> {
    let text = row.payload.as_deref().unwrap_or_default();
    serde_json::from_str(text)
        .map_err(|cause| Error::bug("a planned message cannot be read").caused_by(cause))
}

fn recipient(row: &MessageRow) -> Option<Identity> {
    let to = kept(row).ok()?.message.to;
    Identity::phone(&to).or_else(|| Identity::user(&to))
}

async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let ended = tokio::task::spawn_blocking(call).await;
    ended.map_err(|cause| Error::bug("a thread of the store ended early").caused_by(cause))?
}
