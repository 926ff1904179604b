//! The real binary, end to end, crashes included.

mod kill;
mod secrets;
mod signals;
