//! The commands: output, exit codes, formats.

mod codes;
mod explain;
mod findings;
mod history;
mod import;
mod init;
mod ledger;
mod messages;
mod org;
mod plan;
mod privacy;
mod run;
mod sample;
mod traces;
mod troubleshooting;
mod usage;
mod validate;
mod whatsapp;
