//! A small Salesforce on loopback: real protocol, seeded data, faults on demand.
//!
//! Reading order: the data (`value`, `describe`, `table`, `org`, `user`, `objects`, `seed`), queries over it (`query`),
//! changes of it (`writes`, `rules`), then the server: `server` accepts, `exchange` reads a request and applies faults, `routes` chooses who answers.

pub mod clock;
pub mod describe;
pub mod faults;
pub mod ids;
pub mod json;
pub mod org;
pub mod query;
pub mod seed;
pub mod server;
pub mod settings;
pub mod table;
pub mod user;
pub mod value;
mod accounts;
mod apps;
mod browsers;
mod call;
mod certificate;
mod control;
mod exchange;
mod grants;
mod ledger;
mod limits;
mod objects;
mod rest;
mod routes;
mod rules;
mod sessions;
mod sign_in;
mod state;
mod texts;
mod writes;
