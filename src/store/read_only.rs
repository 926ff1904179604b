//! A store that can only be read: what a dry run holds.

use std::sync::Arc;

use crate::foundation::error::Result;
use crate::foundation::event::Cursor;
use crate::foundation::id::PipelineName;

use super::Store;
use super::model::{CachedDescribe, StoredProfile};

/// The reads of a store, and nothing else: no call of this type changes anything (I11).
#[derive(Debug, Clone)]
pub struct ReadOnly(Arc<dyn Store>);

impl ReadOnly {
    /// Gives up the right to write.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }

    /// Where the pipeline's next incremental read continues.
    ///
    /// # Errors
    /// What [`Store::cursor`] says.
    pub fn cursor(&self, pipeline: &PipelineName) -> Result<Option<Cursor>> {
        self.0.cursor(pipeline)
    }

    /// One profile by its key; tombstones too.
    ///
    /// # Errors
    /// What [`Store::profile`] says.
    pub fn profile(&self, key: &str) -> Result<Option<StoredProfile>> {
        self.0.profile(key)
    }

    /// The cached describe of an object.
    ///
    /// # Errors
    /// What [`Store::describe`] says.
    pub fn describe(&self, connection: &str, object: &str) -> Result<Option<CachedDescribe>> {
        self.0.describe(connection, object)
    }
}
