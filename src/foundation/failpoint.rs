//! Named places where a test can kill the process, to prove that a crash there loses nothing.
//!
//! Only debug builds read `BRIDGED_FAILPOINT`; in a release build a failpoint is no code at all.

/// Ends the process at once, as `kill -9` would, when `BRIDGED_FAILPOINT` is `NAME` or `NAME@N` (the N-th passing).
#[cfg(debug_assertions)]
pub fn reach(name: &'static str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static WANTED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);

    let wanted = WANTED.get_or_init(|| {
        let text = std::env::var("BRIDGED_FAILPOINT").ok()?;
        Some(match text.split_once('@') {
            Some((name, nth)) => (name.to_owned(), nth.parse().unwrap_or(1)),
            None => (text, 1),
        })
    });
    if let Some((wanted, nth)) = wanted
        && wanted == name
        && PASSED.fetch_add(1, Ordering::Relaxed) + 1 == *nth
    {
        std::process::abort();
    }
}

/// Nothing: release builds have no failpoints.
#[cfg(not(debug_assertions))]
pub fn reach(_name: &'static str) {}
