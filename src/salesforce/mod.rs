//! The Salesforce wire client: log-in, describe, query, limits, and what an answer means.

pub mod errors;
pub mod describe;
pub mod settings;
pub mod connection;
pub mod resolver;
mod host;
mod refusal;
mod retry;
pub mod budget;
mod wire;
mod session;
mod page;
pub mod client;
pub mod query;
