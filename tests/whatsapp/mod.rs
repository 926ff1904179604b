//! The client of the Graph API against a scripted server.

mod sending;
mod sending_faults;
mod webhooks;
mod client;
mod refusals;
mod sandbox;
