//! A small Salesforce on loopback, and the reads of a small Graph API: real protocol, seeded data, faults on demand.
//!
//! Reading order: the data (`value`, `describe`, `table`, `org`, `user`, `objects`, `seed`), queries over it (`query`),
//! changes of it (`writes`, `rules`), then the server: `server` accepts, `exchange` reads a request and applies faults,
//! `routes` chooses who answers: `sign_in` for the OAuth endpoints and their pages, `rest` for the API, `graph` for
//! WhatsApp, `control` for tests.
//!
//! Who is signed in stands in `sessions` (access tokens), `grants` (codes, refresh tokens, consents) and `browsers`;
//! what decides about it in `apps`, `accounts` and `user`. A person logs in on the page of
//! `/services/oauth2/authorize` with the user name and the password of the ready line; every user of a seed has that
//! password. The app of the ready line accepts its `callback_url`, the same with `127.0.0.1`, and the callback of the
//! Salesforce CLI. Everything else (other callbacks, rotation, locked users, rights, maintenance) is a control call:
//! the documentation of `control` lists them.

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
mod courier;
mod exchange;
mod grants;
mod graph;
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
