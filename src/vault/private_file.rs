//! Files that hold secrets: read only where nobody else can read or replace them.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::store::exposure;

/// The largest file of a secret, in bytes: a PEM text of a key of 8,192 bits has a tenth of them.
const MAX_BYTES: u64 = 65_536;

/// A file that holds a secret, and how errors speak of it.
#[derive(Debug, Clone, Copy)]
pub struct PrivateFile<'a> {
    /// Where it is.
    pub path: &'a Path,
    /// What it is: `key file`.
    pub what: &'a str,
    /// Where its path was given: `` `BRIDGED_KEY_FILE` ``.
    pub named_in: &'a str,
    /// How another one comes about, as an imperative sentence.
    pub another: &'a str,
    /// The code of every refusal.
    pub code: Code,
}

/// Makes a new file, for its owner alone whatever the umask says. When this returns it survives a loss of power.
///
/// # Errors
/// What the system says, and there is no file then; `AlreadyExists` where there was one, which stays as it is.
pub fn create(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let written = write(&mut file).and_then(|()| file.sync_all());
    if written.is_err() {
        // Half a file would be in the way of the next try.
        let _ = std::fs::remove_file(path);
        return written;
    }
    // Some systems open no folder as a file; there its names are flushed with the file.
    if let Some(Ok(folder)) = path.parent().map(File::open) {
        let _ = folder.sync_all();
    }
    Ok(())
}

impl PrivateFile<'_> {
    /// Reads the file.
    ///
    /// The owner's group may read it: a mounted secret belongs to the superuser, and the process reads it through its group.
    /// The group may not write it, and others may do nothing. A symbolic link is followed only inside its own folder, as
    /// Kubernetes mounts secrets ("Secrets: Using Secrets as files from a Pod").
    ///
    /// # Errors
    /// The file's code, with the rights that the file has and the command that mends them.
    pub fn read(&self) -> Result<Zeroizing<String>> {
        let unreadable = |cause: std::io::Error| {
            let named_in = self.named_in;
            self.refused(format!("cannot be read: {cause}"))
                .help(format!(
                    "Name a file that the user who runs bridged can read in {named_in}"
                ))
        };
        let target = self.resolve()?;
        // A pipe would be waited for, so the path is asked before it is opened.
        self.check(&std::fs::metadata(&target).map_err(unreadable)?)?;
        let mut file = File::open(&target).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        self.check(&metadata)?;
        self.check_folder(&target)?;
        // Room for all of it from the start: a buffer that grows leaves copies behind.
        let mut text = Zeroizing::new(Vec::with_capacity(metadata.len() as usize + 1));
        Read::by_ref(&mut file)
            .take(metadata.len())
            .read_to_end(&mut text)
            .map_err(unreadable)?;
        let Ok(text) = std::str::from_utf8(&text) else {
            return Err(self.refused("is no text").help(self.another));
        };
        Ok(Zeroizing::new(text.to_owned()))
    }

    /// The file itself, where the path is a link to one beside it.
    fn resolve(&self) -> Result<PathBuf> {
        let path = self.path;
        let unreadable = |cause: std::io::Error| {
            let named_in = self.named_in;
            self.refused(format!("cannot be found: {cause}"))
                .help(format!("Name an existing file in {named_in}"))
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
            let named_in = self.named_in;
            return Err(self
                .refused("is a symbolic link that leads out of its folder")
                .help(format!("Name the file itself in {named_in}")));
        }
        Ok(target)
    }

    fn check(&self, metadata: &Metadata) -> Result<()> {
        if !metadata.is_file() {
            let named_in = self.named_in;
            return Err(self
                .refused("is not a file")
                .help(format!("Name a file in {named_in}")));
        }
        if metadata.len() == 0 {
            return Err(self.refused("is empty").help(self.another));
        }
        if metadata.len() > MAX_BYTES {
            let named_in = self.named_in;
            return Err(self
                .refused(format!(
                    "is larger than {MAX_BYTES} bytes, which no such file is"
                ))
                .help(format!("Name the right file in {named_in}")));
        }
        self.check_rights(metadata)
    }

    #[cfg(unix)]
    fn check_rights(&self, metadata: &Metadata) -> Result<()> {
        use std::os::unix::fs::PermissionsExt;

        /// The group's writing, and everything of others.
        const FORBIDDEN: u32 = 0o027;
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & FORBIDDEN == 0 {
            return Ok(());
        }
        let who = if mode & 0o007 > 0 {
            "other users can use it"
        } else {
            "its group can write it"
        };
        let shown = self.path.display();
        Err(self
            .refused(format!("has mode {mode:04o}: {who}"))
            .help(format!(
                "Run `chmod 600 {shown}`; in Kubernetes give the volume `defaultMode: 0440`"
            )))
    }

    #[cfg(not(unix))]
    fn check_rights(&self, _metadata: &Metadata) -> Result<()> {
        Ok(())
    }

    /// In a folder that everybody may write, the file is whosever replaces it. A link's own folder counts as much as the
    /// file's.
    fn check_folder(&self, target: &Path) -> Result<()> {
        for folder in [self.path.parent(), target.parent()].into_iter().flatten() {
            let mode = exposure::open_to_all(folder).map_err(|cause| {
                self.refused(format!("lies in a folder that cannot be asked: {cause}"))
            })?;
            if let Some(mode) = mode {
                // A path without a folder lies where the process works.
                let shown = match folder.as_os_str() {
                    name if name.is_empty() => Path::new(".").display(),
                    _ => folder.display(),
                };
                return Err(self
                    .refused(format!(
                        "lies in a folder that every user may write (mode {mode:04o})"
                    ))
                    .help(format!("Run `chmod o-w {shown}`")));
            }
        }
        Ok(())
    }

    fn refused(&self, why: impl std::fmt::Display) -> Error {
        let (what, path) = (self.what, self.path.display());
        Error::new(self.code, format!("the {what} `{path}` {why}"))
    }
}
