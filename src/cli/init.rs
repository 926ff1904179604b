//! `bridged init`: a new project that runs at once against the sandbox.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::Format;
use super::env::Env;
use super::exit::Exit;
use super::outcome::{Ended, Outcome};
use super::text::{DIM, GOOD, HINT, clean, line, paint};
use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::spec::schema;

const PROJECT: &str = include_str!("init/bridged.yaml");
const PIPELINE: &str = include_str!("../../pipelines/lead-sync.yaml");

/// What git must not keep: the store.
const IGNORED: &str = ".bridged/";

/// What can be typed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder of the project; made where there is none.
    #[arg(default_value = ".")]
    pub folder: PathBuf,

    /// The form of the report: text or json.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Format,
}

/// Writes the project's files; overwrites none.
///
/// # Errors
/// `file-exists` before anything is written, `file-not-written`.
pub fn execute(args: &Args, env: &Env) -> Ended {
    let folder = env.directory.join(&args.folder);
    let files = [
        (
            "bridged.yaml",
            PROJECT.replace("PROJECT_NAME", &project_name(&folder)),
        ),
        ("pipelines/lead-sync.yaml", PIPELINE.to_owned()),
        (
            "schemas/pipeline.schema.json",
            schema::PIPELINE.text.to_owned(),
        ),
        (
            "schemas/project.schema.json",
            schema::PROJECT.text.to_owned(),
        ),
    ];
    if let Some((path, _)) = files.iter().find(|(path, _)| folder.join(path).exists()) {
        let message = format!("`{path}` is there already, and nothing was written");
        let help = "name another folder: `bridged init DIR`";
        return Err(Error::new(Code::FileExists, message).help(help).into());
    }
    let mut created = Vec::new();
    for (path, text) in &files {
        write_new(&folder.join(path), text)?;
        created.push(*path);
    }
    if ignore(&folder.join(".gitignore"))? {
        created.push(".gitignore");
    }
    let result = json!({ "created": created });
    Ok(Outcome::new(
        Exit::Done,
        result,
        text(&created, &args.folder),
    ))
}

/// The folder's name as a project may be called: lowercase letters, digits and single hyphens.
fn project_name(folder: &Path) -> String {
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let name = folder
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let name: Vec<&str> = name
        .split(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit())
        .filter(|part| !part.is_empty())
        .collect();
    let name: String = name.join("-").chars().take(63).collect();
    match name.trim_end_matches('-') {
        "" => "my-project".to_owned(),
        name => name.to_owned(),
    }
}

fn write_new(path: &Path, text: &str) -> Result<()> {
    let write = || {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(text.as_bytes())
    };
    write().map_err(|error| not_written(path, error))
}

/// Adds the store to `.gitignore`, unless it is there; whether the file was written.
fn ignore(path: &Path) -> Result<bool> {
    let known = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(not_written(path, error)),
    };
    if known.lines().any(|line| line.trim() == IGNORED) {
        return Ok(false);
    }
    let gap = if known.is_empty() || known.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    let append = || {
        let mut file = OpenOptions::new().append(true).create(true).open(path)?;
        file.write_all(format!("{gap}{IGNORED}\n").as_bytes())
    };
    append().map_err(|error| not_written(path, error))?;
    Ok(true)
}

fn not_written(path: &Path, error: io::Error) -> Error {
    Error::new(
        Code::FileNotWritten,
        format!("`{}` could not be written", path.display()),
    )
    .help("make the folder writable, or name another one")
    .caused_by(error)
}

fn text(created: &[&str], folder: &Path) -> String {
    let mut out = String::new();
    for path in created {
        line(&mut out, format_args!("{} {path}", paint(GOOD, "created")));
    }
    let folder = folder.to_string_lossy();
    let within = if folder == "." {
        String::new()
    } else {
        format!("-C {} ", quoted(&folder))
    };
    let steps = [
        ("test its templates:", "test"),
        (
            "run it against a local Salesforce:",
            "--sandbox run lead-sync",
        ),
    ];
    out.push('\n');
    for (what, arguments) in steps {
        let command = paint(HINT, format_args!("bridged {within}{arguments}"));
        line(
            &mut out,
            format_args!("{} {command}", paint(DIM, format_args!("{what:<35}"))),
        );
    }
    out
}

/// The text as a shell takes it for one word.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+".contains(c);
    if text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", clean(text).replace('\'', "'\\''"))
}
