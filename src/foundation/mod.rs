//! The words everything else is written in: small files without I/O.

pub mod clock;
pub mod code;
pub mod diagnostic;
pub mod error;
pub mod event;
pub mod failpoint;
pub mod fixed_by;
pub mod id;
pub mod identity;
pub mod record;
pub mod secret;
pub mod shown;
pub mod trace;
