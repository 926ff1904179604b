//! The file with the vault's keys: read only where nobody else can read or replace it.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::store::exposure;

/// The largest file of keys, in bytes.
const MAX_BYTES: u64 = 65_536;

/// Reads the file.
///
/// The owner's group may read it: a mounted secret belongs to the superuser, and the process reads it through its group. The
/// group may not write it, and others may do nothing. A symbolic link is followed only inside its own folder, as Kubernetes
/// mounts secrets ("Secrets: Using Secrets as files from a Pod").
///
/// # Errors
/// `vault-key-file-refused`, with the rights that the file has and the command that mends them.
pub(super) fn read(path: &Path) -> Result<Zeroizing<String>> {
    let unreadable = |cause: std::io::Error| {
        refused(path, format!("cannot be read: {cause}"))
            .help("Name a file that the user who runs bridged can read in `BRIDGED_KEY_FILE`")
    };
    let target = resolve(path)?;
    // A pipe would be waited for, so the path is asked before it is opened.
    check(path, &std::fs::metadata(&target).map_err(unreadable)?)?;
    let mut file = File::open(&target).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    check(path, &metadata)?;
    check_folder(path, &target)?;
    // Room for all of it from the start: a buffer that grows leaves copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(metadata.len() as usize + 1));
    Read::by_ref(&mut file)
        .take(metadata.len())
        .read_to_end(&mut text)
        .map_err(unreadable)?;
    let Ok(text) = std::str::from_utf8(&text) else {
        return Err(
            refused(path, "is no text").help("Make one with `bridged vault key --out FILE`")
        );
    };
    Ok(Zeroizing::new(text.to_owned()))
}

/// The file itself, where the path is a link to one beside it.
fn resolve(path: &Path) -> Result<PathBuf> {
    let unreadable = |cause: std::io::Error| {
        refused(path, format!("cannot be found: {cause}"))
            .help("Name an existing file in `BRIDGED_KEY_FILE`, or make one with `bridged vault key --out FILE`")
    };
    let metadata = std::fs::symlink_metadata(path).map_err(unreadable)?;
    if !metadata.is_symlink() {
        return Ok(path.to_owned());
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder = folder.canonicalize().map_err(unreadable)?;
    let target = path.canonicalize().map_err(unreadable)?;
    if !target.starts_with(&folder) {
        return Err(
            refused(path, "is a symbolic link that leads out of its folder")
                .help("Name the file itself in `BRIDGED_KEY_FILE`"),
        );
    }
    Ok(target)
}

fn check(path: &Path, metadata: &Metadata) -> Result<()> {
    if !metadata.is_file() {
        return Err(refused(path, "is not a file").help("Name a file in `BRIDGED_KEY_FILE`"));
    }
    if metadata.len() == 0 {
        return Err(refused(path, "is empty")
            .help("Make another one with `bridged vault key --out FILE`, or restore it from where you keep it"));
    }
    if metadata.len() > MAX_BYTES {
        return Err(refused(
            path,
            format!("is larger than {MAX_BYTES} bytes, which no file of keys is"),
        )
        .help("Name the file with the keys in `BRIDGED_KEY_FILE`"));
    }
    check_rights(path, metadata)
}

#[cfg(unix)]
fn check_rights(path: &Path, metadata: &Metadata) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;

    /// The group's writing, and everything of others.
    const FORBIDDEN: u32 = 0o020 | OTHERS;
    const OTHERS: u32 = 0o007;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & FORBIDDEN == 0 {
        return Ok(());
    }
    let who = if mode & OTHERS == 0 {
        "its group can write it"
    } else {
        "other users can use it"
    };
    let shown = path.display();
    Err(
        refused(path, format!("has mode {mode:04o}: {who}")).help(format!(
            "Run `chmod 600 {shown}`; in Kubernetes give the volume `defaultMode: 0440`"
        )),
    )
}

#[cfg(not(unix))]
fn check_rights(_path: &Path, _metadata: &Metadata) -> Result<()> {
    Ok(())
}

/// In a folder that everybody may write, the file is whosever replaces it. A link's own folder counts as much as the file's.
fn check_folder(path: &Path, target: &Path) -> Result<()> {
    for folder in [path.parent(), target.parent()].into_iter().flatten() {
        let mode = exposure::open_to_all(folder).map_err(|cause| {
            refused(
                path,
                format!("lies in a folder that cannot be asked: {cause}"),
            )
        })?;
        if let Some(mode) = mode {
            // A path without a folder lies where the process works.
            let shown = match folder.as_os_str() {
                name if name.is_empty() => Path::new(".").display(),
                _ => folder.display(),
            };
            return Err(refused(
                path,
                format!("lies in a folder that every user may write (mode {mode:04o})"),
            )
            .help(format!("Run `chmod o-w {shown}`")));
        }
    }
    Ok(())
}

fn refused(path: &Path, why: impl std::fmt::Display) -> Error {
    Error::new(
        Code::VaultKeyFileRefused,
        format!("the key file `{}` {why}", path.display()),
    )
}
