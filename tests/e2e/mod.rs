//! The real binary, end to end, crashes included.

mod kill;
mod kill_sends;
mod kill_writes;
mod networks;
mod proxies;
pub(crate) mod scene;
mod secrets;
mod signals;
