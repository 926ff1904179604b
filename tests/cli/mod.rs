//! The commands: output, exit codes, formats.

mod explain;
mod findings;
mod ledger;
mod usage;
