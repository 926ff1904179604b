//! Checking the audit log: every entry against its hash and the entry before, and the end against the head.

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};

use super::Store;
use super::model::AuditHead;

/// Entries that are read at once.
const PAGE: u32 = 500;

/// What is wrong with a log that is whole and was written anew.
const NOT_AS_EXPECTED: &str = "would be the next one, and none before it has the expected hash";

/// What a check of the whole log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How many entries, from the first one on, are as they were written.
    pub good: u64,
    /// The end of the log, as its head tells it.
    pub head: Option<AuditHead>,
    /// The number of the entry that has the expected hash, where one was looked for and found.
    pub expected_at: Option<u64>,
    /// The first entry that is not as it was written.
    pub broken: Option<Broken>,
}

/// Where the log is not as it was written, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The number of the first bad entry; the one behind the last where no entry has an expected hash.
    pub seq: u64,
    /// What is wrong with it, in words that complete "entry N …".
    pub why: &'static str,
}

impl Broken {
    /// The error that says so.
    pub fn error(&self) -> Error {
        let message = if self.why == NOT_AS_EXPECTED {
            format!(
                "the audit log is not the one that was noted: none of its {} {} has the expected hash",
                self.seq - 1,
                if self.seq == 2 { "entry" } else { "entries" }
            )
        } else {
            format!(
                "the audit log is not as it was written: entry {} {}",
                self.seq, self.why
            )
        };
        Error::new(Code::AuditBroken, message)
            .help("Keep the file as it is for whoever looks into it, and compare it with a backup")
    }
}

/// Reads the log from its first entry to its last.
///
/// With `expected`, the hash of an entry that was noted elsewhere, some entry must have it: that finds a log that was written
/// anew from end to end.
///
/// # Errors
/// What the store says; a log that is not as it was written is no error here.
pub fn verify(store: &dyn Store, expected: Option<[u8; 32]>) -> Result<Verified> {
    let mut end = AuditHead {
        count: 0,
        hash: [0; 32],
    };
    let mut expected_at = None;
    let (mut broken, mut head);
    loop {
        broken = follow(store, &mut end, expected, &mut expected_at)?;
        head = store.audit_head()?;
        let behind = head.is_some_and(|head| head.count > end.count);
        // An entry may have come between the last page and the head; where none is there, the end is missing.
        if broken.is_some() || !behind || store.audit(end.count, 1)?.is_empty() {
            break;
        }
    }
    let broken = broken
        .or_else(|| ends_otherwise(end, head))
        .or_else(|| unexpected(end, expected, expected_at));
    let good = broken.as_ref().map_or(end.count, |broken| broken.seq - 1);
    Ok(Verified {
        good,
        head,
        expected_at,
        broken,
    })
}

/// Follows the chain behind `end` as far as it holds, and tells where it does not.
fn follow(
    store: &dyn Store,
    end: &mut AuditHead,
    expected: Option<[u8; 32]>,
    expected_at: &mut Option<u64>,
) -> Result<Option<Broken>> {
    loop {
        let page = store.audit(end.count, PAGE)?;
        for entry in &page {
            let seq = end.count + 1;
            let why = if entry.seq != seq {
                "is missing"
            } else if entry.hash != entry.digest() {
                "was changed"
            } else if entry.previous != end.hash {
                "does not follow the entry before it"
            } else {
                *end = entry.head();
                if expected == Some(entry.hash) {
                    *expected_at = Some(seq);
                }
                continue;
            };
            return Ok(Some(Broken { seq, why }));
        }
        if page.len() < PAGE as usize {
            return Ok(None);
        }
    }
}

fn ends_otherwise(end: AuditHead, head: Option<AuditHead>) -> Option<Broken> {
    let (seq, why) = match head {
        None if end.count == 0 => return None,
        None => (
            end.count,
            "is the last one, and the head of the log is missing",
        ),
        Some(head) if head.count > end.count => (end.count + 1, "is missing"),
        Some(head) if head.count < end.count => (head.count + 1, "is not known to the head"),
        Some(head) if head.hash != end.hash => (end.count, "is not the one that the head names"),
        Some(_) => return None,
    };
    Some(Broken { seq, why })
}

fn unexpected(end: AuditHead, expected: Option<[u8; 32]>, at: Option<u64>) -> Option<Broken> {
    (expected.is_some() && at.is_none()).then_some(Broken {
        seq: end.count + 1,
        why: NOT_AS_EXPECTED,
    })
}
