//! Field-map templates: compile once, know the names used, evaluate per record.
