//! The wire client against a scripted server.

mod bodies;
mod breaker;
mod clients;
mod errors;
mod fit;
mod hostile;
mod hosts;
mod jwt;
mod keeper;
mod memory;
mod org;
mod proxies;
mod query;
mod refresh;
mod refusals;
mod resources;
mod rows;
mod sandbox;
mod session;
mod signed_in;
mod tls;
mod web_server;
mod write;
