//! The real binary, end to end, crashes included.

mod kill;
mod signals;
