//! Reserving: a row that no key finds again is written down before it leaves, so that a crash does not make it twice.
//!
//! ```text
//! reserved as unclear ──▶ sent ──▶ acknowledged or unclear: the commit of the group says so
//!                              └─▶ refused or unsent: given back at once
//! ```

use std::sync::Arc;

use crate::foundation::clock::Clock;
use crate::foundation::error::{Error, Result};
use crate::foundation::id::{PipelineName, RunId};
use crate::store::Store;
use crate::store::model::{Acknowledged, Acknowledgement, Ahead};

use super::Outside;
use super::send::Sent;
use super::targets::{Entry, Ready, unclear};

/// What a run writes down ahead of its commits.
pub(super) struct Reserve {
    store: Arc<dyn Store>,
    clock: Clock,
    pipeline: PipelineName,
    run_id: RunId,
}

/// The rows that were reserved for one target, and what was known of them before.
pub(super) struct Reserved {
    target: String,
    rows: Vec<(String, Option<Acknowledged>)>,
}

impl Reserve {
    /// For one run of a pipeline.
    pub(super) fn new(outside: &Outside, pipeline: &PipelineName, run_id: RunId) -> Self {
        Self {
            store: Arc::clone(&outside.store),
            clock: outside.clock.clone(),
            pipeline: pipeline.clone(),
            run_id,
        }
    }

    /// I14: reserves rows of a target without a key; they count as unclear until something else is written down.
    ///
    /// # Errors
    /// What the store says; nothing may be sent then.
    pub(super) async fn take(&self, ready: &Ready, entries: &[Entry]) -> Result<Reserved> {
        let target = ready.target.name.clone();
        let keys: Vec<&str> = entries
            .iter()
            .map(|entry| entry.remembered_as.as_str())
            .collect();
        let earlier = self.store.acknowledged(&self.pipeline, &target, &keys)?;
        let rows = keys.into_iter().map(str::to_owned).zip(earlier).collect();
        let unclear = entries.iter().map(|entry| unclear(ready, entry)).collect();
        self.write(unclear, Vec::new(), &target).await?;
        Ok(Reserved { target, rows })
    }

    /// Gives back what Salesforce has not taken; what was acknowledged of these rows before is known again.
    ///
    /// # Errors
    /// What the store says; the rows count as unclear then.
    pub(super) async fn give_back(&self, reserved: Reserved, sent: &[Sent]) -> Result<()> {
        let Reserved { target, rows } = reserved;
        let (mut again, mut forgotten) = (Vec::new(), Vec::new());
        for ((key, earlier), sent) in rows.into_iter().zip(sent) {
            match (sent, earlier) {
                (Sent::Written(_) | Sent::Unclear(_), _) => {}
                (_, None) => forgotten.push(key),
                (_, Some(earlier)) => again.push(Acknowledgement {
                    target: target.clone(),
                    key,
                    digest: earlier.digest,
                    salesforce_id: earlier.salesforce_id,
                    fields: earlier.fields,
                }),
            }
        }
        if again.is_empty() && forgotten.is_empty() {
            return Ok(());
        }
        self.write(again, forgotten, &target).await
    }

    /// Writes on a thread of its own: it waits for the disk.
    async fn write(
        &self,
        acknowledged: Vec<Acknowledgement>,
        forgotten: Vec<String>,
        target: &str,
    ) -> Result<()> {
        let store = Arc::clone(&self.store);
        let (pipeline, target) = (self.pipeline.clone(), target.to_owned());
        let (run_id, at) = (self.run_id, self.clock.now());
        let writing = tokio::task::spawn_blocking(move || {
            store.acknowledge_ahead(&Ahead {
                run_id,
                pipeline: &pipeline,
                at,
                target: &target,
                acknowledged: &acknowledged,
                forgotten: &forgotten,
            })
        });
        let ended = writing.await;
        ended.map_err(|cause| Error::bug("a thread of the store ended early").caused_by(cause))?
    }
}
