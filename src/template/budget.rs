//! The work one evaluation may do, so that no template can keep a run waiting.

use std::cell::Cell;

use super::error::EvaluateError;

/// Units of work for one template over one record: a unit is one step of the engine or 64 bytes of text.
pub(super) const WORK: u64 = 200_000;
/// Bytes of the text a template may make: twice what the longest Salesforce text area needs in UTF-8.
pub(super) const MAX_OUTPUT: usize = 1_048_576;
/// Bytes of text that cost one unit.
const BYTES_PER_UNIT: usize = 64;

/// What is left of the work of one evaluation.
#[derive(Debug)]
pub(super) struct Budget(Cell<u64>);

impl Budget {
    pub(super) fn new(units: u64) -> Self {
        Self(Cell::new(units))
    }

    /// Takes units away.
    pub(super) fn charge(&self, units: u64) -> Result<(), EvaluateError> {
        let left = self.0.get().checked_sub(units);
        self.0.set(left.unwrap_or(0));
        if left.is_some() {
            return Ok(());
        }
        Err(EvaluateError::too_costly(
            "the template does more work than one record may cost",
        ))
    }

    /// Takes away what reading or making this many bytes costs, and refuses a text beyond the limit.
    pub(super) fn charge_bytes(&self, bytes: usize) -> Result<(), EvaluateError> {
        if bytes > MAX_OUTPUT {
            return Err(EvaluateError::too_costly(format!(
                "the text has more than {MAX_OUTPUT} bytes"
            )));
        }
        self.charge((bytes / BYTES_PER_UNIT) as u64)
    }

    pub(super) fn left(&self) -> u64 {
        self.0.get()
    }
}
