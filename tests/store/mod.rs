//! The store's contract, sentence by sentence, and what the SQLite store adds to it: files, crashes, full disks.

pub(crate) mod child;
mod conformance;
mod connections;
mod crash;
mod damage;
mod files;
mod golden;
mod history;
mod messages;
pub(crate) mod memory;
mod memory_lacks;
mod privacy;
mod records;
pub(crate) mod sample;
mod sharing;
mod wishes;
