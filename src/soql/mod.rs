//! The SOQL language: text to tokens to a syntax tree with places. Grammar only, no data.
//!
//! Whatever needs no knowledge of an org is checked here, for conditions that people write in
//! pipelines and for whole queries that reach the sandbox. Names of objects and fields are left alone.

pub mod ast;
pub mod date_literal;
pub mod error;
pub mod literal;
pub mod parse;
pub mod text;
mod rules;
mod token;
mod visit;
