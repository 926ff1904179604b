//! YAML to typed pipelines and projects, with a place in the file for everything.
//!
//! Text becomes a tree with positions (`yaml`), the tree is held against the JSON Schema (`schema`, `findings`),
//! and becomes types (`pipeline`, `project`); the checks that need nothing but the files stand in `check`.

pub mod amount;
pub mod broadcast;
pub mod case;
pub mod check;
pub mod document;
pub mod host;
pub mod load;
pub mod name;
pub mod pipeline;
pub mod project;
pub mod read;
pub mod schedule;
pub mod schema;
pub mod source;
pub mod target;
pub mod text;
pub mod tree;
pub mod variables;
pub mod yaml;

mod findings;
mod forms;
mod scalar;
mod secrets;
mod shape;
mod syntax;
