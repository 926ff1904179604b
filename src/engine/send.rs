//! Sending: rows in batches, several at once, until each has an outcome.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::failpoint;
use crate::foundation::record::RecordError;
use crate::plan::Batch;
use crate::plan::step::target::Target;
use crate::salesforce::client::Client;
use crate::salesforce::errors::{self, Class};
use crate::salesforce::write::{
    RowOutcome, RowRefusal, WriteBatch, WriteOperation, WriteOptions, Writer,
};
use crate::spec::target::Operation;

use super::access;
use super::targets::{Entry, Ready};

/// The places where a test may kill a run around a request that writes.
pub const FAILPOINTS: [&str; 2] = ["send-before-request", "send-after-answer"];

/// What became of one row.
#[derive(Debug, Clone, PartialEq)]
pub enum Sent {
    /// Salesforce acknowledged it; its id.
    Written(String),
    /// The answer left it open whether it arrived.
    Unclear(String),
    /// Salesforce refused it; how often it was sent.
    Refused(RecordError, u32),
    /// It was not sent, or its request failed with nothing written.
    Unsent,
}

/// Sends rows within the limits of a plan.
pub struct Sender {
    writer: Writer,
    size: usize,
    attempts: u32,
    permits: Arc<Semaphore>,
}

impl Sender {
    /// A sender that keeps to the size and the number of requests of `batch`, and sends a row at most `attempts` times.
    pub fn new(writer: Writer, batch: Batch, attempts: u32) -> Self {
        Self {
            writer,
            size: batch.size.max(1) as usize,
            attempts: attempts.max(1),
            permits: Arc::new(Semaphore::new(batch.concurrency.max(1) as usize)),
        }
    }

    /// The reading side of the same session.
    pub fn client(&self) -> &Client {
        self.writer.client()
    }

    /// Sends entries to a target; one outcome an entry, in their order, and what ends the run where something does.
    ///
    /// A request that fails for good leaves the others to their ends: what Salesforce acknowledged is told, and the rows of
    /// the failed request are unsent.
    pub(super) async fn send(
        &self,
        ready: &Ready,
        entries: &[Entry],
    ) -> (Vec<Sent>, Option<Error>) {
        let records: Vec<Map<String, Value>> = entries
            .iter()
            .map(|entry| entry.payload.record(&ready.target, &ready.object))
            .collect();
        let parents: Vec<Option<&str>> = entries
            .iter()
            .map(|entry| entry.payload.parent(&ready.object))
            .collect();
        let batches = batches(&parents, self.size);
        let sending = batches
            .into_iter()
            .map(|batch| self.settle(&ready.target, &records, batch));
        let mut sent: Vec<Sent> = vec![Sent::Unsent; entries.len()];
        let mut failed = None;
        for (settled, error) in join_all(sending).await {
            for (place, outcome) in settled {
                sent[place] = named(outcome, ready, &entries[place]);
            }
            failed = failed.or(error);
        }
        (sent, failed)
    }

    /// Sends a batch until each of its rows has an outcome, or an error ends it. Rows that were locked are sent again, fewer
    /// at a time.
    async fn settle(
        &self,
        target: &Target,
        records: &[Map<String, Value>],
        batch: Vec<usize>,
    ) -> (Vec<(usize, Sent)>, Option<Error>) {
        let mut settled = Vec::with_capacity(batch.len());
        let mut size = batch.len().max(1);
        let mut open = batch;
        for attempt in 1.. {
            let mut answers = Vec::with_capacity(open.len());
            let mut failed = None;
            for part in open.chunks(size) {
                failed = self
                    .request(target, records, part, &mut answers)
                    .await
                    .err();
                if failed.is_some() {
                    break;
                }
            }
            let mut again = Vec::new();
            for (place, answer) in answers {
                if failed.is_none() && answer.may_pass() && attempt < self.attempts {
                    again.push(place);
                    continue;
                }
                match answer.settled(attempt) {
                    Ok(sent) => settled.push((place, sent)),
                    Err(error) => failed = failed.or(Some(error)),
                }
            }
            if failed.is_some() || again.is_empty() {
                return (settled, failed);
            }
            tokio::time::sleep(self.client().backoff(attempt)).await;
            size = size.div_ceil(2);
            open = again;
        }
        (settled, None)
    }

    /// One request; a batch that is refused as a whole for one bad cell is halved until that row stands alone.
    async fn request(
        &self,
        target: &Target,
        records: &[Map<String, Value>],
        places: &[usize],
        answers: &mut Vec<(usize, RowAnswer)>,
    ) -> Result<()> {
        let mut parts = vec![places];
        while let Some(part) = parts.pop() {
            let rows: Vec<Map<String, Value>> =
                part.iter().map(|place| records[*place].clone()).collect();
            match self.write(target, &rows).await {
                Ok(outcomes) => answers.extend(
                    part.iter()
                        .copied()
                        .zip(outcomes.into_iter().map(RowAnswer::from)),
                ),
                // I14: what may have arrived and cannot be recognised is not sent again.
                Err(error) if error.code() == Code::WriteUnclear => {
                    let unclear = |place: &usize| (*place, RowAnswer::Unclear(error.to_string()));
                    answers.extend(part.iter().map(unclear));
                }
                Err(error) if !is_of_rows(&error) => return Err(error.in_step(&target.name)),
                Err(error) => match part {
                    [place] => answers.push((*place, RowAnswer::of_request(&error))),
                    part => {
                        let (first, second) = part.split_at(part.len() / 2);
                        parts.extend([second, first]);
                    }
                },
            }
        }
        Ok(())
    }

    async fn write(
        &self,
        target: &Target,
        records: &[Map<String, Value>],
    ) -> Result<Vec<RowOutcome>> {
        let key = target.key.as_ref().map(|(field, _)| field.as_str());
        let options = WriteOptions {
            assignment_rule: target.assignment_rule.header_value().to_owned(),
            allow_save: target.duplicate_rule.allow_save,
            run_as_current_user: target.duplicate_rule.run_as_current_user,
        };
        let batch = WriteBatch {
            object: &target.object,
            operation: match (target.operation, key) {
                (Operation::Update, _) => WriteOperation::Update,
                (Operation::Upsert, Some(key)) => WriteOperation::Upsert { key },
                (_, key) => WriteOperation::Create { key },
            },
            records,
            options: &options,
        };
        // The permit covers the request alone: whoever waits before a further try lets others send.
        let _permit =
            self.permits.acquire().await.map_err(|closed| {
                Error::bug("requests are let through no more").caused_by(closed)
            })?;
        failpoint::reach("send-before-request");
        let outcomes = self.writer.write(&batch).await;
        failpoint::reach("send-after-answer");
        outcomes
    }
}

/// The same outcome; a refusal for want of a right says what the right is missing on.
fn named(sent: Sent, ready: &Ready, entry: &Entry) -> Sent {
    let Sent::Refused(mut reason, attempts) = sent else {
        return sent;
    };
    access::name(&mut reason, &ready.target, &ready.object, &entry.payload);
    Sent::Refused(reason, attempts)
}

/// The answer of one request about one row.
#[derive(Debug)]
enum RowAnswer {
    Written(String),
    Unclear(String),
    Refused(RowRefusal),
}

impl From<RowOutcome> for RowAnswer {
    fn from(outcome: RowOutcome) -> Self {
        match outcome {
            RowOutcome::Written { id, .. } => RowAnswer::Written(id),
            RowOutcome::Refused(refusal) => RowAnswer::Refused(refusal),
        }
    }
}

impl RowAnswer {
    /// A row for which its whole request was refused.
    fn of_request(error: &Error) -> Self {
        RowAnswer::Refused(RowRefusal {
            code: error.code(),
            class: Class::Row,
            remote_code: error.context().remote_code.clone().unwrap_or_default(),
            message: error.message().to_owned(),
            fields: Vec::new(),
        })
    }

    /// Whether the row is worth another try: what refused it passes.
    const fn may_pass(&self) -> bool {
        matches!(self, RowAnswer::Refused(refusal) if refusal.class.is_retried())
    }

    fn settled(self, attempts: u32) -> Result<Sent> {
        Ok(match self {
            RowAnswer::Written(id) => Sent::Written(id),
            RowAnswer::Unclear(why) => Sent::Unclear(why),
            // Every further row would be refused for the same reason.
            RowAnswer::Refused(refusal) if refusal.code == Code::StorageFull => {
                return Err(Error::new(refusal.code, refusal.message)
                    .with(|context| context.remote_code = Some(refusal.remote_code)));
            }
            RowAnswer::Refused(refusal) => Sent::Refused(
                RecordError {
                    code: refusal.code,
                    field: refusal.fields.into_iter().next(),
                    message: refusal.message,
                    remote_code: Some(refusal.remote_code).filter(|code| !code.is_empty()),
                },
                attempts,
            ),
        })
    }
}

/// Whether a refused request may be the fault of some of its rows.
fn is_of_rows(error: &Error) -> bool {
    matches!(errors::class(error.code()), Some(Class::Row | Class::Split))
}

/// Places in batches of at most `size`. Rows of one parent stand together, because writing any of them locks the
/// parent; a parent's rows are spread over two batches only where one cannot hold them.
fn batches(parents: &[Option<&str>], size: usize) -> Vec<Vec<usize>> {
    let mut families: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut alone: Vec<usize> = Vec::new();
    for (place, parent) in parents.iter().enumerate() {
        match parent {
            Some(parent) => families.entry(parent).or_default().push(place),
            None => alone.push(place),
        }
    }
    let mut batch: Vec<usize> = Vec::new();
    for family in families
        .into_values()
        .chain(alone.into_iter().map(|place| vec![place]))
    {
        if !batch.is_empty() && batch.len() + family.len() > size && family.len() <= size {
            batches.push(std::mem::take(&mut batch));
        }
        for place in family {
            if batch.len() == size {
                batches.push(std::mem::take(&mut batch));
            }
            batch.push(place);
        }
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::batches;

    #[test]
    fn rows_of_one_parent_share_a_batch_where_it_can_hold_them() {
        let parents = [Some("b"), None, Some("a"), Some("b"), Some("a"), Some("b")];
        assert_eq!(batches(&parents, 3), [vec![2, 4], vec![0, 3, 5], vec![1]]);
        assert_eq!(batches(&parents, 50), [vec![2, 4, 0, 3, 5, 1]]);
        assert_eq!(
            batches(&[Some("a"); 5], 2),
            [vec![0, 1], vec![2, 3], vec![4]]
        );
        assert!(batches(&[], 50).is_empty());
    }

    #[test]
    fn no_batch_is_larger_than_allowed_and_every_row_is_in_one() {
        let parents: Vec<Option<&str>> = (0..200)
            .map(|n| ["a", "b", "c", "d"].get(n % 7).copied())
            .collect();
        for size in [1, 3, 49, 50] {
            let found = batches(&parents, size);
            assert!(found.iter().all(|batch| batch.len() <= size), "{size}");
            let mut all: Vec<usize> = found.into_iter().flatten().collect();
            all.sort_unstable();
            assert_eq!(all, (0..200).collect::<Vec<_>>(), "{size}");
        }
    }
}
