//! A small Salesforce on loopback: real protocol, seeded data, faults on demand.
//!
//! Reading order: the data (`value`, `describe`, `table`, `org`, `user`), then the server on top of it.

pub mod describe;
pub mod ids;
pub mod json;
mod objects;
pub mod org;
pub mod query;
pub mod seed;
pub mod table;
pub mod user;
pub mod value;
