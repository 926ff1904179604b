//! The real binary, end to end, crashes included.

mod kill;
mod kill_writes;
mod networks;
mod proxies;
mod scene;
mod secrets;
mod signals;
