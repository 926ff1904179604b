//! The wire client against a scripted server.
