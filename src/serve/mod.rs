//! The server: runs pipelines on their schedules, and takes in what comes from outside.

pub mod control;
