//! The commands: output, exit codes, formats.

mod explain;
mod findings;
mod init;
mod ledger;
mod usage;
