//! Spec to step graph: edges, order, queries, forecasts, fingerprints.
