//! The executor: runs a plan as a bounded stream of groups, settles every record, moves the cursor last.
//!
//! ```text
//! read (async) ──page──▶ prepare (own thread) ──group──▶ deliver (async) ──fates──▶ settle (own thread)
//!   keyset pages           conditions, maps, scores        rows in batches           one transaction a group
//! ```
//!
//! Every channel between two stages is bounded, so what is in memory does not grow with the records.

pub mod absent;
pub mod access;
pub mod apply;
pub mod broadcast;
pub mod cancel;
pub mod conflict;
pub mod deliver;
pub mod expect;
pub mod facts;
pub mod flow;
pub mod foresee;
pub mod group;
pub mod guard;
pub mod map;
pub mod meter;
pub mod open;
pub mod payload;
pub mod prepare;
pub mod preview;
pub mod read;
pub mod replay;
mod reserve;
pub mod resolve;
pub mod round_trip;
pub mod run;
pub mod saved;
pub mod score;
pub mod send;
pub mod settle;
pub mod source;
pub mod targets;
pub mod trial;
pub mod window;

use std::sync::Arc;

use crate::foundation::clock::Clock;
use crate::foundation::event::RunEvent;
use crate::foundation::id::RunId;
use crate::salesforce::client::Client;
use crate::store::Store;

use self::broadcast::Messaging;
use self::cancel::Cancel;

/// Hears what happens in a run. It must be quick, and nothing durable hangs on it.
pub type Observer = Arc<dyn Fn(&RunEvent) + Send + Sync>;

/// The outside of a run: where it reads, where it keeps, who listens and who may stop it.
#[derive(Clone)]
pub struct Outside {
    /// The org.
    pub client: Client,
    /// The store.
    pub store: Arc<dyn Store>,
    /// Dates of what is stored and reported; windows use the server's clock.
    pub clock: Clock,
    /// Who listens.
    pub observer: Observer,
    /// Who may stop it.
    pub cancel: Cancel,
    /// On whose behalf it is done, as the audit log names them.
    pub actor: Arc<str>,
    /// What sends messages; a plan with a broadcast needs it.
    pub messaging: Option<Arc<Messaging>>,
}

/// How one run differs from a plain one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Reads everything again, whatever the cursor says.
    pub full: bool,
    /// Ends after so many records.
    pub limit: Option<u64>,
    /// The id that whoever asked for the run knows already; a fresh one where there is none.
    pub run_id: Option<RunId>,
}
