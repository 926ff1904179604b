//! Folders that other users of the machine can write: they could put a file of theirs in the place of one of ours.

use std::path::Path;

/// The rights of a folder in which anybody may replace files; `None` where only its owner, its group, or under a sticky bit
/// each file's owner may.
///
/// A group is let in because a person put its members there; the sticky bit (as of `/tmp`) keeps each from the others' files.
///
/// # Errors
/// What the system says when it is asked for the folder.
#[cfg(unix)]
pub fn open_to_all(folder: &Path) -> std::io::Result<Option<u32>> {
    use std::os::unix::fs::PermissionsExt;

    const OTHERS_WRITE: u32 = 0o002;
    const STICKY: u32 = 0o1000;
    // The empty path is the folder in which the process works.
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let mode = std::fs::metadata(folder)?.permissions().mode() & 0o7777;
    Ok((mode & OTHERS_WRITE != 0 && mode & STICKY == 0).then_some(mode))
}

/// Systems without such rights say nothing of them.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn open_to_all(_folder: &Path) -> std::io::Result<Option<u32>> {
    Ok(None)
}
