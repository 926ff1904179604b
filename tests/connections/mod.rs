//! Connections: signing in through the listener, keeping, showing and revoking.

pub(crate) mod command;
mod accounts;
mod listener;
mod planted;
