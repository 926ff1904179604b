//! The store's contract, sentence by sentence, and what the SQLite store adds to it: files, crashes, full disks.

mod child;
mod conformance;
mod crash;
mod damage;
mod files;
mod golden;
mod history;
mod memory;
mod records;
mod sample;
mod sharing;
