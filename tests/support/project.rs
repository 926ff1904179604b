//! A project in a temporary folder, built file by file.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::binary::{self, Ran};

/// A folder that is gone when the value is dropped.
#[derive(Debug)]
pub(crate) struct Project {
    folder: TempDir,
}

impl Project {
    /// An empty folder.
    pub(crate) fn empty() -> Self {
        Self {
            folder: TempDir::new().expect("a temporary folder"),
        }
    }

    /// Writes a file, with the folders it needs.
    pub(crate) fn file(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        self.write(path, text);
        self
    }

    /// Writes a file into a project that is in use.
    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("folder");
        fs::write(path, text).expect("file written");
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The text of one file.
    #[track_caller]
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path))
            .unwrap_or_else(|error| panic!("`{path}`: {error}"))
    }

    /// Runs the binary in the folder.
    #[track_caller]
    pub(crate) fn bridged(&self, args: &[&str]) -> Ran {
        binary::bridged(self.path(), args)
    }
}

#[test]
fn a_project_holds_what_was_written_and_is_gone_when_dropped() {
    let project = Project::empty().file("pipelines/a.yaml", "one");
    project.write("pipelines/a.yaml", "two");
    assert_eq!(project.read("pipelines/a.yaml"), "two");
    let path = project.path().to_owned();
    drop(project);
    assert!(!path.exists());
}
