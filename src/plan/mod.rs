//! Spec to step graph: pure, no I/O; what is shown is what runs.
