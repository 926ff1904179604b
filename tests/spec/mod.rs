//! Pipelines and project files: what loads, what is refused, and how it is said.

mod findings;
