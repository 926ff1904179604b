//! What people may ask for: to see everything that is kept of them, to be erased, and that nothing is kept for longer than needed.
//!
//! ```text
//! a key, an Id, a number, an email ──▶ Target ──▶ export: one JSON document
//!                                            └──▶ erase: one transaction, and a line in the erasure list
//! ```
//!
//! An erased person is remembered by keyed hashes alone, in the store and in a file beside it: so nothing is taken in of
//! them again, nobody writes to them, and a store restored from an older copy erases them once more before it is used (I26).

mod erase;
mod export;
mod retention;
mod target;

pub use self::erase::{Ended, catch_up, erase, lift};
pub use self::export::export;
pub use self::retention::retain;
pub use self::target::{Ambiguous, Target};
