//! What SQLite reports, in the named codes of the store.

use rusqlite::ErrorCode;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};

/// Makes an error of the store out of one of SQLite; `what` completes "the store cannot …".
///
/// The result codes are those of SQLite's "Result and Error Codes" page.
pub(super) fn cannot(what: &'static str) -> impl Fn(rusqlite::Error) -> Error {
    move |cause| {
        let (code, why, help) = classify(&cause);
        Error::new(code, format!("the store cannot {what}: {why}"))
            .help(help)
            .caused_by(cause)
    }
}

/// An error about a stored value that no version of bridged writes.
pub(super) fn corrupt(what: impl Into<String>) -> Error {
    Error::new(Code::StoreCorrupt, what).help(CORRUPT_HELP)
}

const CORRUPT_HELP: &str =
    "Restore the database file from a backup, or move it away and run with `--full`";

fn classify(cause: &rusqlite::Error) -> (Code, &'static str, &'static str) {
    match cause.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            Code::StoreBusy,
            "another process keeps it locked",
            "Wait for the other process, or find it with `bridged status`, and run again",
        ),
        Some(ErrorCode::DiskFull) => (
            Code::StoreFull,
            "there is no room left",
            "Free some space and run again: nothing that was committed is lost",
        ),
        Some(
            ErrorCode::SystemIoFailure
            | ErrorCode::NoLargeFileSupport
            | ErrorCode::FileLockingProtocolFailed,
        ) => (
            Code::StoreIo,
            "the file system refused to read or write",
            "Check the disk and its quota, and run again: nothing that was committed is lost",
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => (
            Code::StoreUnopenable,
            "its files cannot be opened for writing",
            "Give the user that runs bridged the right to write the file and its folder",
        ),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            (Code::StoreCorrupt, "the file is damaged", CORRUPT_HELP)
        }
        Some(_) => (
            Code::StoreFailed,
            "SQLite refused the statement",
            "Run again with `-v` and report the cause that is shown",
        ),
        // Everything that is no answer of SQLite is a value that could not be read as what it must be.
        None => (
            Code::StoreCorrupt,
            "a stored value has the wrong type",
            CORRUPT_HELP,
        ),
    }
}

/// A count as SQLite keeps it.
pub(super) fn to_sql(count: u64) -> Result<i64> {
    i64::try_from(count).map_err(|_| Error::bug(format!("the count {count} is out of range")))
}

/// A count as it was kept.
pub(super) fn from_sql(count: i64) -> Result<u64> {
    u64::try_from(count).map_err(|_| corrupt(format!("the store holds a negative count: {count}")))
}
