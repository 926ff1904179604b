//! The sandbox as a foreign client sees it.

mod client;
mod collections;
mod composites;
mod conditional;
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
mod row_faults;
mod rows;
mod rules;
mod sign_in;
mod upserts;
mod walks;
mod wire;
mod write_walks;
mod writes;
