//! The target of spans: parts of a run that are timed, and sent to a collector where one is named.
//!
//! Spans are apart from log lines, so that naming a collector changes no log. They carry names, counts and codes, and nothing of
//! a person's record.

/// What every span is filed under: `tracing::info_span!(target: trace::TARGET, …)`. It does not begin as the modules' paths do, which
/// are what log lines are chosen by.
pub const TARGET: &str = "trace";
