//! The one integration-test binary: behaviour through the public surface, one folder an area.

#![cfg(test)]

mod browser;
mod cli;
mod connections;
mod e2e;
mod engine;
mod http;
mod import;
mod plan;
mod repo;
mod salesforce;
mod sandbox;
mod schedule;
mod serve;
mod soql;
mod spec;
mod store;
mod support;
mod template;
mod vault;
mod whatsapp;
