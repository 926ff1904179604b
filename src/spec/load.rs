//! A project from its folder: finds the files, reads them on all cores, and gathers every finding in one pass.
//!
//! This is the one place of `spec` that touches the file system. Nothing outside the project folder is read: not by
//! `..`, not by an absolute path, not through a symbolic link.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::foundation::code::Code;
use crate::foundation::diagnostic::{Diagnostic, Place, SourceFile};

use super::check;
use super::document::Document;
use super::forms;
use super::pipeline::Pipeline;
use super::project::Project;
use super::read::{self, Read};
use super::yaml;

/// The name of the project file.
pub const PROJECT_FILE: &str = "bridged.yaml";

/// The folder of the pipelines.
pub const PIPELINE_FOLDER: &str = "pipelines";

/// The most pipelines of one project.
const MAX_PIPELINES: usize = 10_000;

/// A project as far as its files could be read, and everything that was found in them.
#[derive(Debug)]
pub struct Loaded {
    /// The project folder.
    pub root: PathBuf,
    /// The project file, where it is there and its types could be made.
    pub project: Option<Document<Project>>,
    /// The pipelines whose types could be made, sorted by path.
    pub pipelines: Vec<Document<Pipeline>>,
    /// Every finding, file by file in the order of the paths, the project file first.
    pub diagnostics: Vec<Diagnostic>,
}

impl Loaded {
    /// The pipeline of this name or in this file.
    pub fn pipeline(&self, name_or_path: &str) -> Option<&Document<Pipeline>> {
        let path = name_or_path.trim_start_matches("./");
        self.pipelines
            .iter()
            .find(|document| document.spec.name.as_str() == name_or_path)
            .or_else(|| {
                self.pipelines
                    .iter()
                    .find(|document| document.file.path == path)
            })
    }

    /// Whether any finding is an error.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// Loads the project in `dir`: its project file and all of its pipelines.
pub fn load_project(dir: &Path) -> Loaded {
    load(dir, &[])
}

/// Loads the project in `dir` with the pipelines at `paths` only: files, or folders with files in them, relative to
/// `dir` or absolute. Without paths, everything in `pipelines/`.
pub fn load(dir: &Path, paths: &[PathBuf]) -> Loaded {
    let mut diagnostics = Vec::new();
    let root = match dir.canonicalize() {
        Ok(root) => root,
        Err(error) => {
            diagnostics.push(no_project(dir).help(format!("check the folder: {}", plain(&error))));
            return Loaded {
                root: dir.to_owned(),
                project: None,
                pipelines: Vec::new(),
                diagnostics,
            };
        }
    };
    let project = project_file(&root, dir, &mut diagnostics);
    let mut files = Vec::new();
    if paths.is_empty() {
        let folder = root.join(PIPELINE_FOLDER);
        if folder.exists() {
            list(&root, &folder, &mut files, &mut diagnostics);
        }
    }
    for path in paths {
        explicit(&root, path, &mut files, &mut diagnostics);
    }
    files.sort();
    files.dedup();
    if files.len() > MAX_PIPELINES {
        let message = format!(
            "the project has {} pipelines, and {MAX_PIPELINES} are the most",
            files.len()
        );
        diagnostics.push(Diagnostic::error(Code::OutOfRange, message).help("split the project"));
        files.truncate(MAX_PIPELINES);
    }
    let mut pipelines = Vec::with_capacity(files.len());
    for read in read_all(&root, &files) {
        diagnostics.extend(read.findings);
        pipelines.extend(read.document);
    }
    diagnostics.extend(check::together(project.as_ref(), &pipelines));
    Loaded {
        root,
        project,
        pipelines,
        diagnostics,
    }
}

fn project_file(
    root: &Path,
    shown: &Path,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Document<Project>> {
    let path = root.join(PROJECT_FILE);
    if fs::symlink_metadata(&path).is_err() {
        let finding = no_project(shown);
        let other = root.join("bridged.yml").exists();
        diagnostics.push(if other {
            finding.help("rename `bridged.yml` to `bridged.yaml`")
        } else {
            finding.help(
                "change into the project, name it with `-C DIR`, or make one with `bridged init`",
            )
        });
        return None;
    }
    let read = match content(root, &path) {
        Ok(bytes) => read::project(PROJECT_FILE, &bytes),
        Err(finding) => refused(*finding),
    };
    diagnostics.extend(read.findings);
    read.document
}

fn no_project(dir: &Path) -> Diagnostic {
    let dir = match dir.to_string_lossy() {
        shown if shown.is_empty() => ".".to_owned(),
        shown => forms::shown(&shown),
    };
    Diagnostic::error(
        Code::ProjectNotFound,
        format!("there is no `{PROJECT_FILE}` in `{dir}`"),
    )
}

/// The YAML files of a folder.
fn list(root: &Path, folder: &Path, files: &mut Vec<PathBuf>, diagnostics: &mut Vec<Diagnostic>) {
    let entries = inside(root, folder)
        .and_then(|real| fs::read_dir(real).map_err(|error| unreadable(root, folder, &error)));
    let entries = match entries {
        Ok(entries) => entries,
        Err(finding) => {
            diagnostics.push(*finding);
            return;
        }
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !hidden && is_yaml(&path) {
            files.push(folder.join(entry.file_name()));
        }
    }
}

/// What a path on the command line leads to.
fn explicit(root: &Path, path: &Path, files: &mut Vec<PathBuf>, diagnostics: &mut Vec<Diagnostic>) {
    let joined = root.join(path);
    match inside(root, &joined) {
        Ok(real) if real.is_dir() => {
            let folder = if real == *root {
                root.join(PIPELINE_FOLDER)
            } else {
                real
            };
            list(root, &folder, files, diagnostics);
        }
        // The project file is read whatever is asked for.
        Ok(real) if real == root.join(PROJECT_FILE) => {}
        Ok(real) if !is_yaml(&real) => diagnostics.push(
            Diagnostic::error(
                Code::FileUnreadable,
                format!("`{}` is not a YAML file", relative(root, &real)),
            )
            .at(nowhere(&relative(root, &real)))
            .help("name a file that ends with `.yaml` or `.yml`"),
        ),
        Ok(real) => files.push(real),
        Err(finding) => diagnostics.push(*finding),
    }
}

fn is_yaml(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// Reads every file, shared out over the cores; the answers are in the order of the files.
fn read_all(root: &Path, files: &[PathBuf]) -> Vec<Read<Pipeline>> {
    const LEAST_SHARE: usize = 16;
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let workers = cores.min(files.len().div_ceil(LEAST_SHARE));
    let one = |path: &PathBuf| match content(root, path) {
        Ok(bytes) => read::pipeline(&relative(root, path), &bytes),
        Err(finding) => refused(*finding),
    };
    if workers <= 1 {
        return files.iter().map(one).collect();
    }
    let next = AtomicUsize::new(0);
    let mut numbered: Vec<(usize, Read<Pipeline>)> = thread::scope(|scope| {
        let work = || {
            let mut done = Vec::new();
            while let Some((index, path)) = {
                let index = next.fetch_add(1, Ordering::Relaxed);
                files.get(index).map(|path| (index, path))
            } {
                done.push((index, one(path)));
            }
            done
        };
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        for other in others {
            match other.join() {
                Ok(done) => all.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    numbered.sort_by_key(|(index, _)| *index);
    numbered.into_iter().map(|(_, read)| read).collect()
}

fn refused<T>(finding: Diagnostic) -> Read<T> {
    Read {
        document: None,
        findings: vec![finding],
    }
}

/// The bytes of a regular file in the project, and no more of them than a file may have.
fn content(root: &Path, path: &Path) -> Result<Vec<u8>, Box<Diagnostic>> {
    let real = inside(root, path)?;
    let failed = |error: &std::io::Error| unreadable(root, path, error);
    // Opening a pipe would wait for its other end: only regular files are opened.
    let metadata = fs::metadata(&real).map_err(|error| failed(&error))?;
    if !metadata.is_file() {
        let shown = relative(root, path);
        let message = format!("`{shown}` is not a regular file");
        let finding = Diagnostic::error(Code::FileUnreadable, message).at(nowhere(&shown));
        return Err(Box::new(finding));
    }
    let most = yaml::MAX_BYTES as u64 + 1;
    let mut bytes = Vec::with_capacity(metadata.len().min(most) as usize);
    fs::File::open(&real)
        .and_then(|file| file.take(most).read_to_end(&mut bytes))
        .map_err(|error| failed(&error))?;
    Ok(bytes)
}

/// The real path, where it lies in the project.
fn inside(root: &Path, path: &Path) -> Result<PathBuf, Box<Diagnostic>> {
    let real = path
        .canonicalize()
        .map_err(|error| unreadable(root, path, &error))?;
    if real.starts_with(root) {
        return Ok(real);
    }
    let shown = relative(root, path);
    let linked = path.starts_with(root) && !path.components().any(|part| part.as_os_str() == "..");
    let message = if linked {
        format!("`{shown}` is a link that leads out of the project")
    } else {
        format!("`{shown}` lies outside the project")
    };
    let finding = Diagnostic::error(Code::PathOutsideProject, message)
        .at(nowhere(&shown))
        .help("put the file into the project, or name its own project with `-C DIR`");
    Err(Box::new(finding))
}

fn unreadable(root: &Path, path: &Path, error: &std::io::Error) -> Box<Diagnostic> {
    let shown = relative(root, path);
    let finding = Diagnostic::error(
        Code::FileUnreadable,
        format!("`{shown}` cannot be read: {}", plain(error)),
    )
    .at(nowhere(&shown))
    .help("check the path and its permissions");
    Box::new(finding)
}

/// The system's reason without its number.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    let reason = text.split(" (os error").next().unwrap_or_default();
    forms::lowercase_first(reason)
}

/// A path as a person would type it in the project folder.
fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    forms::shown_path(&path.to_string_lossy().replace('\\', "/"))
}

/// A place in a file that has no text to show.
fn nowhere(path: &str) -> Place {
    Place {
        file: Arc::new(SourceFile {
            path: path.to_owned(),
            text: String::new(),
            first_line: 1,
        }),
        span: 0..0,
    }
}
