//! The server: what is due, what is started, what reload and stop do; and the real binary, the whole loop alive.

mod binary;
mod campaigns;
mod fleet;
mod sample;
mod scheduler;
mod server;
mod sign_in;
mod wishes;
