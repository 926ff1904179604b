//! `bridged`: a declarative pipeline engine for Salesforce.
//!
//! The modules in reading order; each imports only what stands above it (`tests/repo` checks that).
//! The library exists for the binary and its tests; it promises no stable API.

pub mod foundation;
pub mod soql;
pub mod spec;
pub mod schedule;
pub mod template;
pub mod store;
pub mod vault;
pub mod import;
pub mod salesforce;
pub mod whatsapp;
pub mod connections;
pub mod plan;
pub mod engine;
pub mod check;
pub mod inbound;
pub mod privacy;
pub mod sandbox;
pub mod serve;
pub mod cli;
