//! Pipelines and project files: what loads, what is refused, and how it is said.

mod examples;
mod findings;
mod hosts;
mod paths;
mod places;
mod robust;
mod schemas;
mod secrets;
mod traps;
