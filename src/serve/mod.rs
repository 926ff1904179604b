//! The server: runs pipelines when they are due, and takes in what comes from outside.
//!
//! ```text
//! clock, records, messages ──▶ scheduler ──▶ runs (one a pipeline)
//! files, SIGHUP, HTTP      ──▶ revision ──▲
//! ```
//!
//! What is due is decided in one place (`scheduler`), which has no clock and starts nothing; `server` gives it both.

pub mod control;
pub mod http;
pub mod intake;
pub mod metrics;
pub mod project;
pub mod scheduler;
pub mod server;
mod poll;
