//! The store's contract, sentence by sentence, and what the SQLite store adds to it: files, crashes, full disks.

mod conformance;
mod sample;
