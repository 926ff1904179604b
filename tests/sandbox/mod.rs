//! The sandbox as a foreign client sees it.

mod client;
mod collections;
mod composites;
mod control;
mod describes;
mod faulty;
mod paging;
mod permissions;
mod query_filter;
mod query_fixture;
mod query_group;
mod query_keyset;
mod query_refusal;
mod query_shape;
mod replication;
mod rows;
mod sign_in;
mod upserts;
mod walks;
mod wire;
