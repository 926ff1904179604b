//! The contract in its simplest form, in memory: it keeps the sentences too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use bridged::foundation::code::Code;
use bridged::foundation::error::{Error, Result};
use bridged::foundation::event::{ChangeCursor, Cursor, Ledger, Requests, RunReport, RunState};
use bridged::foundation::id::{PipelineName, RunId};
use bridged::foundation::record::{DeadLetter, Engagement, Outcome, Profile, RecordError, Score};
use bridged::store::Store;
use bridged::store::model::{
    Acknowledged, Acknowledgement, Ahead, Applied, AuditEntry, AuditHead, CachedDescribe, Card,
    CardChange, Changed, Closed, Commit, Committed, ConnectionChange, ConnectionLock,
    DEFAULT_LIMIT, DeadLetterRow, Engaged, EngagementSummary, Form, Imported, LetterFilter,
    NewAudit, NewRun, OutcomeOf, RecordKind, RunFilter, RunLock, RunRow, Sealed, Settled,
    StoredProfile, check_connection, check_engagement, check_outcome, check_profile, check_report,
    check_sealed, email_key, run_superseded,
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::sample::Subject;

/// A store in memory; handles share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<State>>);

#[derive(Debug, Clone, Default)]
struct State {
    locks: BTreeSet<PipelineName>,
    runs: BTreeMap<RunId, RunRow>,
    cursors: BTreeMap<PipelineName, Cursor>,
    profiles: BTreeMap<String, StoredProfile>,
    letters: Vec<DeadLetterRow>,
    change: u64,
    profile_changes: BTreeMap<String, u64>,
    outcomes: BTreeMap<String, (u64, Outcome)>,
    engagements: BTreeMap<String, Engagement>,
    engaged: BTreeMap<String, u64>,
    change_cursors: BTreeMap<PipelineName, ChangeCursor>,
    acknowledged: BTreeMap<(PipelineName, String, String), Acknowledged>,
    scores: BTreeMap<(String, PipelineName), (Score, Timestamp)>,
    applied: BTreeMap<String, Applied>,
    describes: BTreeMap<(String, String), CachedDescribe>,
    connection_locks: BTreeSet<String>,
    sealed: BTreeMap<(String, String), Sealed>,
    cards: BTreeMap<String, Card>,
    audit: Vec<AuditEntry>,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panics inside")
    }

    fn found(&self, matches: impl Fn(&StoredProfile) -> bool, limit: usize) -> Vec<StoredProfile> {
        let state = self.state();
        let all = state.profiles.values();
        all.filter(|stored| matches(stored))
            .take(limit)
            .cloned()
            .collect()
    }
}

impl Subject for Memory {
    fn open(&self) -> Arc<dyn Store> {
        Arc::new(self.clone())
    }
}

struct Held(Memory, PipelineName);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.state().locks.remove(&self.1);
    }
}

struct HeldConnection(Memory, String);

impl Drop for HeldConnection {
    fn drop(&mut self) {
        self.0.state().connection_locks.remove(&self.1);
    }
}

fn millis(instant: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(instant.as_millisecond()).expect("in range")
}

fn refused(reason: RecordError) -> Error {
    Error::new(reason.code, reason.message)
}

/// Whether two outcomes say the same, the texts of their values too.
fn alike(left: &Outcome, right: &Outcome) -> bool {
    let texts = |outcome: &Outcome| -> BTreeMap<String, String> {
        let fields = outcome.fields.iter();
        fields
            .map(|(name, value)| (name.clone(), value.to_string()))
            .collect()
    };
    texts(left) == texts(right)
        && (&left.profile, &left.kind, left.occurred_at)
            == (&right.profile, &right.kind, right.occurred_at)
}

fn lay_over(stored: &mut Map<String, Value>, incoming: &Map<String, Value>) -> bool {
    let mut changed = false;
    for (name, value) in incoming {
        let before = stored.insert(name.clone(), value.clone());
        // Values are alike when their texts are: 0.0 is not -0.0, 1 is not 1.0.
        changed |= before.map(|before| before.to_string()) != Some(value.to_string());
    }
    changed
}

impl State {
    fn next_change(&mut self) -> u64 {
        self.change += 1;
        self.change
    }

    /// Settles a profile, and gives it a number where that changed something.
    fn lay(&mut self, profile: &Profile, now: Timestamp) -> Imported {
        let settled = self.settle(profile, now);
        if settled != Imported::Unchanged {
            let change = self.next_change();
            self.profile_changes.insert(profile.key.clone(), change);
        }
        settled
    }

    /// Change numbers are given in the order of the keys.
    fn lay_all(&mut self, profiles: &[&Profile], now: Timestamp) -> Vec<Imported> {
        let mut order: Vec<usize> = (0..profiles.len()).collect();
        order.sort_by_key(|index| profiles[*index].key.clone());
        let mut settled = vec![Imported::Unchanged; profiles.len()];
        for index in order {
            settled[index] = self.lay(profiles[index], now);
        }
        settled
    }

    fn reject(&mut self, letter: &DeadLetter) {
        let letter = DeadLetter {
            at: millis(letter.at),
            ..letter.clone()
        };
        let open = self.letters.iter_mut().find(|row| {
            let same = row.letter.pipeline == letter.pipeline && row.letter.key == letter.key;
            row.closed.is_none() && same && !letter.key.is_empty()
        });
        if let Some(open) = open {
            let attempts = open.letter.attempts.saturating_add(letter.attempts);
            open.letter = DeadLetter { attempts, ..letter };
            return;
        }
        self.letters.push(DeadLetterRow {
            id: i64::try_from(self.letters.len()).unwrap_or(i64::MAX) + 1,
            letter,
            closed: None,
        });
    }

    fn acknowledge(&mut self, pipeline: &PipelineName, now: Timestamp, all: &[Acknowledgement]) {
        for one in all {
            let acknowledged = Acknowledged {
                digest: one.digest,
                salesforce_id: one.salesforce_id.clone(),
                fields: one.fields.clone(),
                at: now,
            };
            let key = (pipeline.clone(), one.target.clone(), one.key.clone());
            self.acknowledged.insert(key, acknowledged);
        }
    }

    /// What a commit brings beside profiles, letters and ledger.
    fn keep(&mut self, commit: &Commit<'_>, now: Timestamp) {
        for (profile, score) in commit.scores {
            let key = (profile.clone(), commit.pipeline.clone());
            if self.scores.get(&key).map(|(score, _)| score) != Some(score) {
                self.scores.insert(key, (score.clone(), now));
            }
        }
        self.acknowledge(commit.pipeline, now, commit.acknowledged);
        for row in &mut self.letters {
            let key = &row.letter.key;
            let rejected = commit.dead_letters.iter().any(|letter| letter.key == *key);
            let settled = !key.is_empty() && commit.settled_keys.contains(key) && !rejected;
            let ours = row.letter.pipeline == commit.pipeline.as_str();
            if row.closed.is_none() && settled && ours {
                row.closed = Some((Closed::Delivered, now));
            }
        }
        if let Some(cursor) = commit.change_cursor {
            let pipeline = commit.pipeline.clone();
            self.change_cursors.insert(pipeline, cursor.clone());
        }
    }

    fn settle(&mut self, profile: &Profile, now: Timestamp) -> Imported {
        let Some(stored) = self.profiles.get_mut(&profile.key) else {
            let stored = StoredProfile {
                profile: profile.clone(),
                created_at: now,
                updated_at: now,
            };
            self.profiles.insert(profile.key.clone(), stored);
            return Imported::Added;
        };
        let kept = &mut stored.profile;
        let mut changed = lay_over(&mut kept.attributes, &profile.attributes);
        changed |= lay_over(&mut kept.consent, &profile.consent);
        for (kept, given) in [
            (&mut kept.salesforce_id, &profile.salesforce_id),
            (&mut kept.object, &profile.object),
        ] {
            if given.is_some() && kept != given {
                kept.clone_from(given);
                changed = true;
            }
        }
        changed |= std::mem::replace(&mut kept.deleted, profile.deleted) != profile.deleted;
        if !changed {
            return Imported::Unchanged;
        }
        stored.updated_at = now;
        Imported::Changed
    }

    fn put_sealed(&mut self, sealed: &Sealed) {
        let place = (sealed.connection.clone(), sealed.field.clone());
        let sealed = Sealed {
            sealed_at: millis(sealed.sealed_at),
            ..sealed.clone()
        };
        self.sealed.insert(place, sealed);
    }

    fn append(&mut self, new: &NewAudit) -> Result<AuditEntry> {
        let entry = AuditEntry::following(self.audit.last().map(AuditEntry::head), new)?;
        self.audit.push(entry.clone());
        Ok(entry)
    }

    fn open_run(&mut self, id: RunId, pipeline: &PipelineName) -> Result<&mut RunRow> {
        self.runs
            .get_mut(&id)
            .filter(|run| run.state.is_none() && run.pipeline == *pipeline)
            .ok_or_else(|| run_superseded(id))
    }
}

impl Store for Memory {
    fn lock_pipeline(&self, pipeline: &PipelineName) -> Result<RunLock> {
        if !self.state().locks.insert(pipeline.clone()) {
            return Err(Error::new(Code::PipelineLocked, "it is being run"));
        }
        let held = Held(self.clone(), pipeline.clone());
        Ok(RunLock::new(pipeline.clone(), held))
    }

    fn begin_run(&self, _lock: &RunLock, run: &NewRun) -> Result<Vec<RunId>> {
        let mut state = self.state();
        let mut crashed = Vec::new();
        for row in state.runs.values_mut() {
            if row.pipeline == run.pipeline && row.state.is_none() {
                row.state = Some(RunState::Failed);
                row.finished_at = Some(row.seen_at);
                row.error = Some((Code::Crashed, "it is gone".to_owned()));
                crashed.push(row.run_id);
            }
        }
        let row = RunRow {
            run_id: run.run_id,
            pipeline: run.pipeline.clone(),
            fingerprint: run.fingerprint,
            state: None,
            ledger: Ledger::default(),
            requests: Requests::default(),
            api_calls: 0,
            cursor: None,
            change_cursor: None,
            started_at: millis(run.started_at),
            seen_at: millis(run.started_at),
            finished_at: None,
            error: None,
            warnings: Vec::new(),
            pid: std::process::id(),
        };
        state.runs.insert(run.run_id, row);
        Ok(crashed)
    }

    fn commit(&self, commit: &Commit<'_>) -> Result<Committed> {
        commit.check()?;
        let mut state = self.state();
        let mut next = state.clone();
        let now = millis(commit.at);
        let forms = commit.profiles.iter().map(|one| &one.profile);
        let whole: Vec<Profile> = forms
            .map(|form| match form {
                Form::Whole(profile) => profile.clone(),
                Form::Encoded(encoded) => encoded.decode().expect("it was encoded from a profile"),
            })
            .collect();
        let profiles: Vec<_> = whole.iter().collect();
        let profiles = next.lay_all(&profiles, now);
        let profiles: Vec<_> = profiles.into_iter().map(Settled::from).collect();
        next.keep(commit, now);
        for letter in commit.dead_letters {
            if !next.runs.contains_key(&letter.run_id) {
                return Err(Error::bug("a letter of no run"));
            }
            next.reject(letter);
        }
        let delta = commit.delta(&profiles);
        let run = next.open_run(commit.run_id, commit.pipeline)?;
        run.ledger.add(&delta);
        run.requests = commit.requests_so_far;
        run.api_calls = commit.api_calls_so_far;
        run.seen_at = run.seen_at.max(now);
        let total = run.ledger;
        if let Some(cursor) = commit.cursor {
            let cursor = Cursor {
                stamp: millis(cursor.stamp),
                window_end: millis(cursor.window_end),
                ..cursor.clone()
            };
            next.cursors.insert(commit.pipeline.clone(), cursor);
        }
        *state = next;
        Ok(Committed {
            profiles,
            delta,
            total,
        })
    }

    fn finish_run(&self, report: &RunReport) -> Result<()> {
        let mut state = self.state();
        let run = state.open_run(report.run_id, &report.pipeline)?;
        check_report(&report.ledger, &run.ledger)?;
        *run = RunRow {
            fingerprint: report.fingerprint,
            state: Some(report.state),
            ledger: report.ledger,
            requests: report.requests,
            api_calls: report.api_calls,
            cursor: report.cursor.clone(),
            change_cursor: report.change_cursor.clone(),
            started_at: millis(report.started_at),
            seen_at: millis(report.finished_at),
            finished_at: Some(millis(report.finished_at)),
            error: report.error.clone(),
            warnings: report.warnings.clone(),
            ..run.clone()
        };
        Ok(())
    }

    fn cursor(&self, pipeline: &PipelineName) -> Result<Option<Cursor>> {
        Ok(self.state().cursors.get(pipeline).cloned())
    }

    fn reset_cursor(&self, pipeline: &PipelineName) -> Result<bool> {
        let mut state = self.state();
        let change = state.change_cursors.remove(pipeline).is_some();
        Ok(state.cursors.remove(pipeline).is_some() || change)
    }

    fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRow>> {
        let state = self.state();
        let mut runs: Vec<_> = state
            .runs
            .values()
            .filter(|run| {
                filter
                    .pipeline
                    .as_ref()
                    .is_none_or(|name| *name == run.pipeline)
            })
            .filter(|run| filter.since.is_none_or(|since| run.started_at >= since))
            .cloned()
            .collect();
        runs.sort_by_key(|run| std::cmp::Reverse((run.started_at, run.run_id)));
        runs.truncate(filter.limit.unwrap_or(DEFAULT_LIMIT) as usize);
        Ok(runs)
    }

    fn run(&self, id: RunId) -> Result<Option<RunRow>> {
        Ok(self.state().runs.get(&id).cloned())
    }

    fn last_done(&self, pipeline: &PipelineName) -> Result<Option<RunRow>> {
        let runs = self.runs(&RunFilter {
            pipeline: Some(pipeline.clone()),
            limit: Some(u32::MAX),
            since: None,
        })?;
        Ok(runs
            .into_iter()
            .find(|run| run.state == Some(RunState::Done)))
    }

    fn dead_letters(&self, filter: &LetterFilter) -> Result<Vec<DeadLetterRow>> {
        let state = self.state();
        let wanted = |row: &DeadLetterRow| {
            let letter = &row.letter;
            let pipeline = filter.pipeline.as_ref();
            (filter.closed || row.closed.is_none())
                && pipeline.is_none_or(|name| name.as_str() == letter.pipeline)
                && filter.run_id.is_none_or(|run_id| run_id == letter.run_id)
                && filter.code.is_none_or(|code| code == letter.reason.code)
                && filter.since.is_none_or(|since| letter.at >= since)
                && filter.before.is_none_or(|before| row.id < before)
        };
        let rows = state.letters.iter().rev();
        Ok(rows
            .filter(|row| wanted(row))
            .take(filter.limit.unwrap_or(DEFAULT_LIMIT) as usize)
            .cloned()
            .collect())
    }

    fn dead_letter(&self, id: i64) -> Result<Option<DeadLetterRow>> {
        let index = usize::try_from(id).ok().and_then(|id| id.checked_sub(1));
        Ok(index.and_then(|index| self.state().letters.get(index).cloned()))
    }

    fn profile(&self, key: &str) -> Result<Option<StoredProfile>> {
        Ok(self.state().profiles.get(key).cloned())
    }

    fn profiles_by_phone(&self, phone: &str) -> Result<Vec<StoredProfile>> {
        let matches = |stored: &StoredProfile| {
            let profile = &stored.profile;
            !profile.deleted && profile.attributes.get("phone") == Some(&json!(phone))
        };
        Ok(self.found(matches, 100))
    }

    fn profiles_by_email(&self, email: &str) -> Result<Vec<StoredProfile>> {
        let matches = |stored: &StoredProfile| {
            let profile = &stored.profile;
            let stored = profile.attributes.get("email").and_then(Value::as_str);
            !profile.deleted && stored.map(email_key) == Some(email_key(email))
        };
        Ok(self.found(matches, 100))
    }

    fn profiles_by_salesforce_id(&self, id: &str) -> Result<Vec<StoredProfile>> {
        let matches = |stored: &StoredProfile| {
            let profile = &stored.profile;
            !profile.deleted && profile.salesforce_id.as_deref() == Some(id)
        };
        Ok(self.found(matches, 100))
    }

    fn profiles(&self, after: Option<&str>, limit: u32) -> Result<Vec<StoredProfile>> {
        let after = after.unwrap_or_default();
        Ok(self.found(|stored| stored.profile.key.as_str() > after, limit as usize))
    }

    fn profile_count(&self) -> Result<u64> {
        Ok(self
            .found(|stored| !stored.profile.deleted, usize::MAX)
            .len() as u64)
    }

    fn import_profiles(&self, profiles: &[Profile], at: Timestamp) -> Result<Vec<Imported>> {
        for profile in profiles {
            check_profile(profile).map_err(refused)?;
        }
        let profiles: Vec<_> = profiles.iter().collect();
        Ok(self.state().lay_all(&profiles, millis(at)))
    }

    fn import_outcomes(&self, outcomes: &[Outcome], _at: Timestamp) -> Result<Vec<Imported>> {
        for outcome in outcomes {
            check_outcome(outcome).map_err(refused)?;
        }
        let mut state = self.state();
        let mut settled = Vec::new();
        for outcome in outcomes {
            let outcome = Outcome {
                occurred_at: millis(outcome.occurred_at),
                ..outcome.clone()
            };
            let known = state.outcomes.get(&outcome.id);
            if known.is_some_and(|(_, known)| alike(known, &outcome)) {
                settled.push(Imported::Unchanged);
                continue;
            }
            let change = state.next_change();
            let before = state.outcomes.insert(outcome.id.clone(), (change, outcome));
            settled.push(before.map_or(Imported::Added, |_| Imported::Changed));
        }
        Ok(settled)
    }

    fn import_engagements(
        &self,
        engagements: &[Engagement],
        _at: Timestamp,
    ) -> Result<Vec<Imported>> {
        for event in engagements {
            check_engagement(event).map_err(refused)?;
        }
        let mut state = self.state();
        let mut settled = Vec::new();
        let mut touched = BTreeSet::new();
        for event in engagements {
            if state.engagements.contains_key(&event.id) {
                settled.push(Imported::Unchanged);
                continue;
            }
            touched.insert(event.profile.clone());
            let event = Engagement {
                at: millis(event.at),
                ..event.clone()
            };
            state.engagements.insert(event.id.clone(), event);
            settled.push(Imported::Added);
        }
        for profile in touched {
            let change = state.next_change();
            if state.profiles.contains_key(&profile) {
                state.engaged.insert(profile.clone(), change);
                state.profile_changes.insert(profile, change);
            }
        }
        Ok(settled)
    }

    fn outcome(&self, id: &str) -> Result<Option<Outcome>> {
        let state = self.state();
        Ok(state.outcomes.get(id).map(|(_, outcome)| outcome.clone()))
    }

    fn outcomes_of(&self, profile: &str, limit: u32) -> Result<Vec<Outcome>> {
        let state = self.state();
        let all = state.outcomes.values().map(|(_, outcome)| outcome);
        let mut found: Vec<_> = all.filter(|one| one.profile == profile).cloned().collect();
        found.sort_by_key(|one| std::cmp::Reverse((one.occurred_at, one.id.clone())));
        found.truncate(limit as usize);
        Ok(found)
    }

    fn newest_change(&self) -> Result<u64> {
        Ok(self.state().change)
    }

    fn changed_outcomes(
        &self,
        after: u64,
        until: u64,
        limit: u32,
    ) -> Result<Vec<Changed<OutcomeOf>>> {
        let state = self.state();
        let mut found: Vec<_> = state
            .outcomes
            .values()
            .filter(|(change, _)| *change > after && *change <= until)
            .map(|(change, outcome)| Changed {
                change: *change,
                record: OutcomeOf {
                    outcome: outcome.clone(),
                    profile: state.profiles.get(&outcome.profile).cloned(),
                },
            })
            .collect();
        found.sort_by_key(|one| one.change);
        found.truncate(limit as usize);
        Ok(found)
    }

    fn engaged_profiles(
        &self,
        after: u64,
        until: u64,
        limit: u32,
    ) -> Result<Vec<Changed<Engaged>>> {
        let state = self.state();
        let mut found: Vec<_> = state
            .engaged
            .iter()
            .filter(|(_, change)| **change > after && **change <= until)
            .map(|(key, change)| (*change, &state.profiles[key].profile))
            .filter(|(_, profile)| !profile.deleted)
            .map(|(change, profile)| Changed {
                change,
                record: Engaged {
                    key: profile.key.clone(),
                    salesforce_id: profile.salesforce_id.clone(),
                    object: profile.object.clone(),
                },
            })
            .collect();
        found.sort_by_key(|one| one.change);
        found.truncate(limit as usize);
        Ok(found)
    }

    fn changed_profiles(
        &self,
        after: u64,
        until: u64,
        limit: u32,
    ) -> Result<Vec<Changed<StoredProfile>>> {
        let state = self.state();
        let mut found: Vec<_> = state
            .profile_changes
            .iter()
            .filter(|(_, change)| **change > after && **change <= until)
            .map(|(key, change)| Changed {
                change: *change,
                record: state.profiles[key].clone(),
            })
            .collect();
        found.sort_by_key(|one| one.change);
        found.truncate(limit as usize);
        Ok(found)
    }

    fn count_changed(&self, kind: RecordKind, after: u64, until: u64) -> Result<u64> {
        Ok(match kind {
            RecordKind::Profiles => self.changed_profiles(after, until, u32::MAX)?.len(),
            RecordKind::Outcomes => self.changed_outcomes(after, until, u32::MAX)?.len(),
        } as u64)
    }

    fn change_cursor(&self, pipeline: &PipelineName) -> Result<Option<ChangeCursor>> {
        Ok(self.state().change_cursors.get(pipeline).cloned())
    }

    fn engagement(&self, profiles: &[&str], now: Timestamp) -> Result<Vec<EngagementSummary>> {
        let state = self.state();
        let sum = |profile: &&str| {
            let mut summary = EngagementSummary::default();
            for event in state.engagements.values() {
                if event.profile == *profile {
                    summary.add(event.kind, event.at, now);
                }
            }
            summary
        };
        Ok(profiles.iter().map(sum).collect())
    }

    fn engagements_of(&self, profile: &str, limit: u32) -> Result<Vec<Engagement>> {
        let state = self.state();
        let all = state.engagements.values();
        let mut found: Vec<_> = all.filter(|one| one.profile == profile).cloned().collect();
        found.sort_by_key(|one| std::cmp::Reverse((one.at, one.id.clone())));
        found.truncate(limit as usize);
        Ok(found)
    }

    fn acknowledged(
        &self,
        pipeline: &PipelineName,
        target: &str,
        keys: &[&str],
    ) -> Result<Vec<Option<Acknowledged>>> {
        let state = self.state();
        let one = |key: &&str| {
            let key = (pipeline.clone(), target.to_owned(), (*key).to_owned());
            state.acknowledged.get(&key).cloned()
        };
        Ok(keys.iter().map(one).collect())
    }

    fn acknowledge_ahead(&self, ahead: &Ahead<'_>) -> Result<()> {
        let mut state = self.state();
        state.open_run(ahead.run_id, ahead.pipeline)?;
        for key in ahead.forgotten {
            let key = (ahead.pipeline.clone(), ahead.target.to_owned(), key.clone());
            state.acknowledged.remove(&key);
        }
        state.acknowledge(ahead.pipeline, millis(ahead.at), ahead.acknowledged);
        Ok(())
    }

    fn scores_of(&self, profile: &str) -> Result<Vec<(PipelineName, Score, Timestamp)>> {
        let state = self.state();
        let all = state.scores.iter();
        Ok(all
            .filter(|((key, _), _)| key == profile)
            .map(|((_, pipeline), (score, at))| (pipeline.clone(), score.clone(), *at))
            .collect())
    }

    fn has_open_letters(&self, pipeline: &PipelineName) -> Result<bool> {
        let state = self.state();
        let mut letters = state.letters.iter();
        Ok(letters.any(|row| row.closed.is_none() && row.letter.pipeline == pipeline.as_str()))
    }

    fn close_letters(&self, ids: &[i64], how: Closed, at: Timestamp) -> Result<u64> {
        let mut state = self.state();
        let mut closed = 0;
        for row in &mut state.letters {
            if ids.contains(&row.id) && row.closed.is_none() {
                row.closed = Some((how, millis(at)));
                closed += 1;
            }
        }
        Ok(closed)
    }

    fn applied(&self, digest: &str) -> Result<Option<Applied>> {
        Ok(self.state().applied.get(digest).cloned())
    }

    fn put_applied(&self, applied: &Applied) -> Result<()> {
        let applied = Applied {
            begun_at: millis(applied.begun_at),
            finished_at: applied.finished_at.map(millis),
            ..applied.clone()
        };
        let digest = applied.digest.clone();
        self.state().applied.insert(digest, applied);
        Ok(())
    }

    fn describe(&self, connection: &str, object: &str) -> Result<Option<CachedDescribe>> {
        let key = (connection.to_owned(), object.to_ascii_lowercase());
        Ok(self.state().describes.get(&key).cloned())
    }

    fn put_describe(
        &self,
        connection: &str,
        object: &str,
        describe: &CachedDescribe,
    ) -> Result<()> {
        let key = (connection.to_owned(), object.to_ascii_lowercase());
        self.state().describes.insert(key, describe.clone());
        Ok(())
    }

    fn sealed(&self, connection: &str) -> Result<Vec<Sealed>> {
        let state = self.state();
        let all = state.sealed.values();
        Ok(all
            .filter(|one| one.connection == connection)
            .cloned()
            .collect())
    }

    fn sealed_after(&self, after: Option<(&str, &str)>, limit: u32) -> Result<Vec<Sealed>> {
        let state = self.state();
        let all = state.sealed.values();
        Ok(all
            .filter(|one| Some((one.connection.as_str(), one.field.as_str())) > after)
            .take(limit as usize)
            .cloned()
            .collect())
    }

    fn change_connection(&self, change: &ConnectionChange<'_>) -> Result<()> {
        change.check()?;
        let mut state = self.state();
        for field in change.remove {
            let place = (change.connection.to_owned(), (*field).to_owned());
            state.sealed.remove(&place);
        }
        for sealed in change.put {
            state.put_sealed(sealed);
        }
        match change.card {
            None => {}
            Some(CardChange::Remove) => drop(state.cards.remove(change.connection)),
            Some(CardChange::Put(card)) => {
                let card = Card {
                    connected_at: millis(card.connected_at),
                    refreshed_at: card.refreshed_at.map(millis),
                    ..card.clone()
                };
                state.cards.insert(change.connection.to_owned(), card);
            }
        }
        change
            .audit
            .map_or(Ok(()), |new| state.append(new).map(drop))
    }

    fn reseal(&self, old: &Sealed, new: &Sealed) -> Result<bool> {
        check_sealed(new)?;
        let place = (old.connection.clone(), old.field.clone());
        if place != (new.connection.clone(), new.field.clone()) {
            return Err(Error::bug("another secret"));
        }
        let mut state = self.state();
        let same = |now: &Sealed| {
            (&now.key_id, now.nonce, &now.ciphertext) == (&old.key_id, old.nonce, &old.ciphertext)
        };
        let found = state.sealed.get(&place).is_some_and(same);
        if found {
            state.put_sealed(new);
        }
        Ok(found)
    }

    fn card(&self, connection: &str) -> Result<Option<Card>> {
        Ok(self.state().cards.get(connection).cloned())
    }

    fn cards(&self) -> Result<Vec<Card>> {
        Ok(self.state().cards.values().cloned().collect())
    }

    fn lock_connection(&self, connection: &str) -> Result<Option<ConnectionLock>> {
        check_connection(connection)?;
        if !self.state().connection_locks.insert(connection.to_owned()) {
            return Ok(None);
        }
        let held = HeldConnection(self.clone(), connection.to_owned());
        Ok(Some(ConnectionLock::new(connection, held)))
    }

    fn append_audit(&self, entry: &NewAudit) -> Result<AuditEntry> {
        self.state().append(entry)
    }

    fn audit(&self, after: u64, limit: u32) -> Result<Vec<AuditEntry>> {
        let state = self.state();
        let all = state.audit.iter();
        Ok(all
            .filter(|entry| entry.seq > after)
            .take(limit as usize)
            .cloned()
            .collect())
    }

    fn audit_head(&self) -> Result<Option<AuditHead>> {
        Ok(self.state().audit.last().map(AuditEntry::head))
    }
}
