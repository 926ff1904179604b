//! The Salesforce wire client: log-in, describe, query, limits, and what an answer means.

pub mod describe;
pub mod errors;
pub mod resolver;
pub mod settings;
