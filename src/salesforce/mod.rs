//! The Salesforce wire client: log-in, describe, query, write, limits, and what an answer means.

pub mod errors;
pub mod describe;
pub mod signing_key;
pub mod keeper;
pub mod credentials;
pub mod settings;
pub mod resolver;
pub mod record_id;
pub mod fit;
mod host;
pub(crate) mod refusal;
mod retry;
mod breaker;
pub mod budget;
pub(crate) mod wire;
mod sign_in;
mod session;
mod page;
pub mod client;
pub mod clients;
pub mod query;
pub mod rows;
mod outcome;
pub mod write;
pub mod web_server;
