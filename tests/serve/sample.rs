//! Pipelines as a server has them: compiled, and with their timetables.

use std::collections::BTreeSet;
use std::sync::Arc;

use bridged::schedule::Timetable;
use bridged::serve::project::{Revision, Served};
use bridged::serve::scheduler::{Scheduler, Start, Why};
use bridged::spec::read;
use bridged::store::Store;
use jiff::Timestamp;
use tempfile::TempDir;

use crate::support::org::plan;

/// A store in a folder that is gone when the value is dropped.
pub(super) fn store() -> (TempDir, Arc<dyn Store>) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = bridged::store::open("sqlite:state/bridged.db", folder.path());
    (folder, store.expect("the store opens"))
}

/// A pipeline that reads leads, with these lines more.
#[track_caller]
pub(super) fn leads(name: &str, lines: &str) -> Served {
    served(&format!(
        "version: 1\nname: {name}\ndirection: read\nsource: {{ object: Lead }}\n\
         field_map: {{ name: \"{{{{ LastName }}}}\" }}\n{lines}\n"
    ))
}

/// The pipeline of a file.
#[track_caller]
pub(super) fn served(text: &str) -> Served {
    let read = read::pipeline("pipelines/p.yaml", text.as_bytes());
    let pipeline = read
        .document
        .unwrap_or_else(|| panic!("{:?}", read.findings));
    Served {
        plan: Arc::new(plan(text)),
        timetable: Timetable::of("acme", &pipeline.spec).expect("a timetable"),
    }
}

/// A scheduler of these pipelines, as one that was just started has it.
pub(super) fn scheduler(pipelines: &[Served]) -> Scheduler {
    let mut scheduler = Scheduler::default();
    scheduler.replace(&revision("one", pipelines), Timestamp::MIN);
    scheduler
}

/// A revision of these pipelines.
pub(super) fn revision(hash: &str, pipelines: &[Served]) -> Revision {
    Revision {
        hash: hash.to_owned(),
        pipelines: pipelines.to_vec(),
        retention: None,
    }
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// What starts while nothing runs: names and reasons.
#[track_caller]
pub(super) fn due(
    scheduler: &mut Scheduler,
    now: Timestamp,
    store: &Arc<dyn Store>,
) -> Vec<(String, Why)> {
    let starts = scheduler.due(now, &BTreeSet::new(), 1000, store.as_ref());
    told(starts.expect("the store answers"))
}

pub(super) fn told(starts: Vec<Start>) -> Vec<(String, Why)> {
    let one = |start: Start| (start.served.plan.pipeline.to_string(), start.why);
    starts.into_iter().map(one).collect()
}
