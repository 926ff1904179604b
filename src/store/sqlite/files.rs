//! The files of a database: created for their owner alone, and looked at before SQLite touches them.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};

use crate::store::exposure;

use super::error::corrupt;

/// Marks a database as bridged's in its header: the letters `brdg`.
pub(super) const APPLICATION_ID: i32 = 0x6272_6467;

/// The folder of lock files that belongs to a database: `FILE-locks` beside `FILE`.
pub(super) fn lock_dir(database: &Path) -> PathBuf {
    beside(database, "-locks")
}

/// The file of the erasure list that belongs to a database: `FILE-erased` beside `FILE`.
pub(super) fn erasure_list(database: &Path) -> PathBuf {
    beside(database, "-erased")
}

fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Creates the file and the folders above it where they are missing, readable by nobody but their owner whatever the
/// umask says, and takes rights of others away from files that exist.
///
/// SQLite creates `-wal` and `-shm` with the rights of the database file ("SQLite: Write-Ahead
/// Logging" and its `os_unix.c`).
pub(super) fn prepare(database: &Path) -> Result<()> {
    if let Some(parent) = database.parent() {
        create_dir(parent)?;
    }
    let new = !database.exists();
    create_file(database, OpenOptions::new().write(true))?;
    if new {
        flush_names(database);
    }
    for path in [
        database.to_owned(),
        beside(database, "-wal"),
        beside(database, "-shm"),
    ] {
        tighten(&path).map_err(|cause| unopenable(&path, &cause))?;
    }
    Ok(())
}

/// Refuses a folder in which anybody could put a database of theirs, or a lock, in the place of ours.
fn check_folder(folder: &Path) -> Result<()> {
    let mode = exposure::open_to_all(folder).map_err(|cause| unopenable(folder, &cause))?;
    let Some(mode) = mode else {
        return Ok(());
    };
    let shown = folder.display();
    Err(Error::new(
        Code::StoreExposed,
        format!(
            "every user of this machine may write the store's folder `{shown}` (mode {mode:04o})"
        ),
    )
    .help(format!("Take that right away: `chmod o-w {shown}`")))
}

/// A new file survives a loss of power only when the folders that name it were flushed too.
fn flush_names(database: &Path) {
    for folder in database.ancestors().skip(1).take(2) {
        // Some systems open no folder as a file; there its names are flushed with the file.
        if let Ok(folder) = File::open(folder) {
            let _ = folder.sync_all();
        }
    }
}

/// Creates a folder with all above it; those it makes are its owner's alone. One that is there must not be everybody's.
pub(super) fn create_dir(dir: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(dir)
        .map_err(|cause| unopenable(dir, &cause))?;
    check_folder(dir)
}

/// Opens a file as `options` say, creating it as its owner's alone where it is missing.
pub(super) fn create_file(path: &Path, options: &mut OpenOptions) -> Result<File> {
    options.create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(path).map_err(|cause| unopenable(path, &cause))
}

#[cfg(unix)]
fn tighten(path: &Path) -> std::io::Result<()> {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    let mode = match std::fs::metadata(path) {
        Ok(metadata) => metadata.permissions().mode(),
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(()),
        Err(cause) => return Err(cause),
    };
    let others = mode & 0o077;
    if others == 0 {
        return Ok(());
    }
    tracing::warn!(path = %path.display(), "the store was open to other users; it is not any more");
    std::fs::set_permissions(path, Permissions::from_mode(mode & 0o700))
}

#[cfg(not(unix))]
fn tighten(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Reads the header of an existing file and refuses what is not a bridged database of a version up to `newest`.
///
/// It opens the file for reading only, so that a refused file stays as it is to the last byte. A missing or empty file
/// passes. The layout is that of "SQLite: Database File Format", section 1.3.
pub(super) fn look(database: &Path, newest: i32) -> Result<()> {
    let metadata = match std::fs::metadata(database) {
        Ok(metadata) => metadata,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(()),
        Err(cause) => return Err(unopenable(database, &cause)),
    };
    if !metadata.is_file() {
        return Err(Error::new(
            Code::StoreUnopenable,
            format!("`{}` is not a file", database.display()),
        )
        .help("Name a file in the `store` line of `bridged.yaml`"));
    }
    let mut header = Vec::with_capacity(100);
    File::open(database)
        .and_then(|file| file.take(100).read_to_end(&mut header))
        .map_err(|cause| unopenable(database, &cause))?;
    if header.is_empty() {
        return Ok(());
    }
    let Ok(header) = <[u8; 100]>::try_from(header) else {
        return Err(not_a_database(database));
    };
    if &header[..16] != b"SQLite format 3\0" {
        return Err(not_a_database(database));
    }
    check_owner(database, number(&header, 68), number(&header, 60), newest)?;
    check_length(database, &header, metadata.len())
}

fn number(header: &[u8; 100], at: usize) -> i32 {
    i32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
}

/// Refuses another program's database and one of a version this program does not know.
pub(super) fn check_owner(
    database: &Path,
    application: i32,
    version: i32,
    newest: i32,
) -> Result<()> {
    // A database in which nothing was made yet belongs to nobody.
    if application != APPLICATION_ID && (application != 0 || version != 0) {
        return Err(not_ours(database));
    }
    if version > newest {
        return Err(Error::new(
            Code::StoreNewer,
            format!(
                "`{}` has layout {version}, and this bridged knows layouts up to {newest}",
                database.display()
            ),
        )
        .help("Use the bridged that wrote it, or a later one; nothing in it was touched"));
    }
    Ok(())
}

/// Refuses a file that is shorter than its header says, where no write-ahead log can hold the rest.
fn check_length(database: &Path, header: &[u8; 100], length: u64) -> Result<()> {
    let page_size = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        size => u64::from(size),
    };
    let pages = u64::from(number(header, 28).cast_unsigned());
    // The count of pages is only valid when the change counter says so.
    let valid = number(header, 24) == number(header, 92);
    let logged = std::fs::metadata(beside(database, "-wal")).is_ok_and(|wal| wal.len() > 0);
    if valid && !logged && length < pages * page_size {
        return Err(corrupt(format!(
            "`{}` is cut off: {length} bytes of {}",
            database.display(),
            pages * page_size
        )));
    }
    Ok(())
}

/// The error of a database that another program made.
pub(super) fn not_ours(database: &Path) -> Error {
    Error::new(
        Code::StoreNotADatabase,
        format!("`{}` is another program's database", database.display()),
    )
    .help("Name another file in the `store` line of `bridged.yaml`; nothing in it was touched")
}

fn not_a_database(database: &Path) -> Error {
    Error::new(
        Code::StoreNotADatabase,
        format!("`{}` is not a database", database.display()),
    )
    .help("Name another file in the `store` line of `bridged.yaml`; nothing in it was touched")
}

/// The error of a path that the operating system refuses.
pub(super) fn unopenable(path: &Path, cause: &std::io::Error) -> Error {
    let code = match cause.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Code::StoreFull,
        _ => Code::StoreUnopenable,
    };
    Error::new(code, format!("cannot open `{}`: {cause}", path.display()))
        .help("Give the user that runs bridged the right to write the file and its folder")
}
