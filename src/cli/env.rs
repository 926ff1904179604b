//! What a command may know of its surroundings besides its own arguments.

use std::path::PathBuf;

/// The surroundings of one command, resolved once at its start.
#[derive(Debug, Clone)]
pub struct Env {
    /// The folder to work in.
    pub directory: PathBuf,
    /// Whether a local Salesforce stands in for the project's connections.
    pub sandbox: bool,
    /// Columns for text on stdout: the terminal's width between 40 and 100, or 100 where stdout is no terminal.
    pub width: usize,
}

impl Env {
    /// The way to the working folder as it was typed, for programs that know files by their way from the repository's root:
    /// empty, or with a final `/`.
    pub fn prefix(&self) -> String {
        let typed = self.directory.to_string_lossy().replace('\\', "/");
        let typed = typed.trim_start_matches("./").trim_end_matches('/');
        if typed.is_empty() || typed == "." || self.directory.is_absolute() {
            return String::new();
        }
        format!("{typed}/")
    }

    /// Resolves the surroundings from the global arguments.
    pub fn new(directory: PathBuf, sandbox: bool) -> Self {
        let width = terminal_size::terminal_size_of(std::io::stdout())
            .map_or(100, |(width, _)| usize::from(width.0).clamp(40, 100));
        Self {
            directory,
            sandbox,
            width,
        }
    }
}
