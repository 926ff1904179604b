//! Locks that the operating system keeps: they end with the process, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};

use super::files;

/// Who holds a lock, as the holder wrote it into the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Holder {
    /// Its process.
    pub(super) pid: u32,
    /// Since when.
    pub(super) since: Timestamp,
}

/// A lock that is held. It is given back by name: a child process between fork and exec holds the open file as well,
/// and closing ours alone would leave the lock with it.
#[derive(Debug)]
pub(super) struct Held(File);

impl Drop for Held {
    fn drop(&mut self) {
        // Closing the file, which follows, gives the lock back where this fails.
        let _ = self.0.unlock();
    }
}

/// What came of trying to take a lock.
pub(super) enum Attempt {
    /// It is held until it is dropped.
    Taken(Held),
    /// Somebody else has it; who, where the file says it.
    Refused(Option<Holder>),
}

/// Tries to take what the file `NAME.lock` stands for.
pub(super) fn take(dir: &Path, name: &str) -> Result<Attempt> {
    files::create_dir(dir)?;
    let path = dir.join(format!("{name}.lock"));
    let mut file = files::create_file(&path, OpenOptions::new().read(true).write(true))?;
    match file.try_lock() {
        Ok(()) => {
            // Only a courtesy to whoever is refused; the lock holds without it.
            if let Err(cause) = sign(&mut file) {
                tracing::debug!(%cause, "the lock file could not be written");
            }
            Ok(Attempt::Taken(Held(file)))
        }
        Err(TryLockError::WouldBlock) => Ok(Attempt::Refused(read_holder(&mut file))),
        Err(TryLockError::Error(cause)) => Err(files::unopenable(&path, &cause)),
    }
}

fn sign(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    writeln!(file, "{} {}", std::process::id(), Timestamp::now())
}

fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.take(200).read_to_string(&mut text).ok()?;
    let (pid, since) = text.trim().split_once(' ')?;
    Some(Holder {
        pid: pid.parse().ok()?,
        since: since.parse().ok()?,
    })
}

/// Waits for the right to open or change the layout, at most `patience`.
pub(super) fn take_opening(dir: &Path, patience: Duration) -> Result<Held> {
    files::create_dir(dir)?;
    // No pipeline's name begins with an underscore.
    let path = dir.join("_open.lock");
    let file = files::create_file(&path, OpenOptions::new().read(true).write(true))?;
    let deadline = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Held(file)),
            Err(TryLockError::Error(cause)) => return Err(files::unopenable(&path, &cause)),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(Error::new(
                    Code::StoreBusy,
                    "the store cannot be opened: another process keeps opening it",
                )
                .help("Wait for the other process, and run again"));
            }
        }
    }
}
