//! Answers SOQL from the org's tables.
//!
//! [`run::execute`] parses a query, resolves its names against what the user may see, and finds the rows; [`output`]
//! writes them page by page. A [`run::RowSet`] is a list of row numbers: the server keeps it behind a locator.

pub mod condition;
pub mod error;
pub mod metadata;
pub mod output;
pub mod run;
mod children;
mod columns;
mod compare;
mod convert;
mod dates;
mod filter;
mod group;
mod order;
mod resolve;
mod scan;
mod totals;
