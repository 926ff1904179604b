//! The commands: output, exit codes, formats.
