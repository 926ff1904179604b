//! Spec to step graph: edges, order, queries, forecasts, fingerprints.

mod compiling;
mod findings;
mod rendering;
mod writable;
