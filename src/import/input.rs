//! Where a file comes from: opened once and read from its beginning as often as needed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Take};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};

/// A file that can be read again. What is appended to it meanwhile is not read.
#[derive(Debug)]
pub struct Input {
    file: File,
    length: u64,
    name: String,
    leftover: Option<PathBuf>,
}

impl Input {
    /// Opens a file; `name` is what findings call it. A pipe is copied, as from [`Input::copy`].
    ///
    /// # Errors
    /// `file-unreadable`, and `file-not-written` when there is no room for the copy.
    pub fn open(path: &Path, name: &str) -> Result<Self> {
        let unreadable = |cause: &dyn std::fmt::Display| {
            Error::new(
                Code::FileUnreadable,
                format!("cannot read `{name}`: {cause}"),
            )
            .help("check the path, and the rights of the user that runs bridged")
        };
        let metadata = fs::metadata(path).map_err(|cause| unreadable(&cause))?;
        if metadata.is_dir() {
            return Err(unreadable(&"it is a folder"));
        }
        let file = File::open(path).map_err(|cause| unreadable(&cause))?;
        if !metadata.is_file() {
            return Self::copy(file, name);
        }
        Ok(Self {
            file,
            length: metadata.len(),
            name: name.to_owned(),
            leftover: None,
        })
    }

    /// Copies what can be read only once, such as standard input, into a temporary file that nobody else may read.
    ///
    /// # Errors
    /// `file-not-written` and `file-unreadable`.
    pub fn copy(mut from: impl Read, name: &str) -> Result<Self> {
        let path = std::env::temp_dir().join(format!("bridged-import-{}", Uuid::now_v7()));
        let unwritable = |cause: io::Error| {
            let message = format!(
                "cannot keep a copy of `{name}` in `{}`: {cause}",
                path.display()
            );
            Error::new(Code::FileNotWritten, message)
                .help("free some space there, or write the records to a file first")
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(unwritable)?;
        // Where the system allows it the file has no name from here on, and ends with the process.
        let leftover = fs::remove_file(&path).is_err().then(|| path.clone());
        let length = io::copy(&mut from, &mut file).map_err(unwritable)?;
        Ok(Self {
            file,
            length,
            name: name.to_owned(),
            leftover,
        })
    }

    /// What findings call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A reader at the beginning.
    pub(super) fn rewind(&mut self) -> Result<BufReader<Take<&File>>> {
        self.file.seek(SeekFrom::Start(0)).map_err(|cause| {
            let message = format!("cannot read `{}` from its beginning: {cause}", self.name);
            Error::new(Code::FileUnreadable, message)
        })?;
        Ok(BufReader::with_capacity(
            64 << 10,
            (&self.file).take(self.length),
        ))
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        if let Some(path) = &self.leftover {
            // A file that cannot be removed lies in the folder for such files.
            let _ = fs::remove_file(path);
        }
    }
}
