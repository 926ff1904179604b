//! The client of the Graph API against a scripted server.

mod client;
mod refusals;
mod sandbox;
