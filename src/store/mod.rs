//! Durable state: what survives a crash.
