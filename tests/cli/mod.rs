//! The commands: output, exit codes, formats.

mod explain;
mod usage;
