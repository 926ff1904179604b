//! The sandbox as a foreign client sees it.

mod query_filter;
mod query_fixture;
mod query_group;
mod query_keyset;
mod query_refusal;
mod query_shape;
