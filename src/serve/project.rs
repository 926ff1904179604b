//! What a server needs of a project: its files as one revision, and the outside of a run.

use std::sync::Arc;
use std::time::Duration;

use crate::connections::connect::Signing;
use crate::engine::Outside;
use crate::engine::cancel::Cancel;
use crate::foundation::diagnostic::Diagnostic;
use crate::foundation::error::Result;
use crate::plan::Plan;
use crate::schedule::Timetable;
use crate::spec::schedule::Schedule;

use super::control::CallsLeft;

/// A project that is served.
pub trait Project: Send + Sync {
    /// Reads and compiles all files.
    ///
    /// # Errors
    /// Everything that is wrong with them, when anything is.
    fn load(&self) -> std::result::Result<Revision, Vec<Diagnostic>>;

    /// A hash of the files as they lie there, whether or not they can be used.
    fn stamp(&self) -> String;

    /// The outside of one run.
    ///
    /// # Errors
    /// What a connection lacks.
    fn outside(&self, plan: &Plan, cancel: Cancel, actor: &str) -> Result<Outside>;

    /// What is left of the orgs' daily API calls, as far as runs were told.
    fn calls_left(&self) -> Vec<CallsLeft>;

    /// What it takes to sign a connection in, in a browser.
    ///
    /// # Errors
    /// `unknown-connection`; what the connection lacks.
    fn signing(&self, connection: &str, actor: &str) -> Result<Signing>;
}

/// The pipelines of one state of the files.
#[derive(Debug, Clone, Default)]
pub struct Revision {
    /// The hash of the files.
    pub hash: String,
    /// Every pipeline.
    pub pipelines: Vec<Served>,
    /// How long values of people are kept that nothing needs any more; `None` for good.
    pub retention: Option<Duration>,
}

/// One pipeline, and when it runs.
#[derive(Debug, Clone)]
pub struct Served {
    /// What runs.
    pub plan: Arc<Plan>,
    /// When.
    pub timetable: Timetable,
}

impl Served {
    /// Whether it runs as soon as something changes.
    pub fn is_realtime(&self) -> bool {
        *self.timetable.schedule() == Schedule::Realtime
    }

    /// Whether changes of Bridged's own records concern it: it reads them, or looks at people's engagement.
    pub fn watches_records(&self) -> bool {
        self.is_realtime()
            && (self.plan.records().is_some()
                || self.plan.uses("engagement")
                || self.plan.uses("opted_out"))
    }

    /// Whether it has to ask Salesforce for changes.
    pub fn polls(&self) -> bool {
        self.is_realtime() && self.plan.read().is_some()
    }
}
