//! A finding about what a person wrote: code, place, cause in plain words, help.
//!
//! Checks never stop at the first finding: they return what they could make and every [`Diagnostic`] they met.

use std::ops::Range;
use std::sync::Arc;

use super::code::Code;
use super::error::Error;
use super::fixed_by::FixedBy;

/// One file as it was read: the name to show and the text that places point into.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The path as a person would type it, relative to the project where possible, with `/`.
    pub path: String,
    /// The whole text, or the part of it that begins at `first_line`.
    pub text: String,
    /// The line of the file on which the text begins: 1, but for parts of files that are too long to be kept.
    pub first_line: usize,
}

/// A stretch of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: Arc<SourceFile>,
    /// Byte offsets into the file's text, on character boundaries; may be empty.
    pub span: Range<usize>,
}

/// A point in a file as editors count it: both numbers start at 1, columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineColumn {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl Place {
    /// Where the stretch begins.
    pub fn start(&self) -> LineColumn {
        line_column(&self.file, self.span.start)
    }

    /// Where the stretch ends: the first column behind it.
    pub fn end(&self) -> LineColumn {
        line_column(&self.file, self.span.end)
    }
}

fn line_column(file: &SourceFile, offset: usize) -> LineColumn {
    let before = &file.text[..file.text.floor_char_boundary(offset)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    LineColumn {
        line: before.matches('\n').count() + file.first_line,
        column: before[line_start..].chars().count() + 1,
    }
}

/// How grave a finding is. Only an error keeps a pipeline from being planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file cannot be used as it is.
    Error,
    /// The file works, and probably not as its author meant.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The named code.
    pub code: Code,
    /// Error or warning.
    pub severity: Severity,
    /// One lowercase sentence fragment without a final period; names in backticks.
    pub message: String,
    /// What the carets underline; `None` for findings about no file.
    pub place: Option<Place>,
    /// What is written beside the carets, where it says more than the message.
    pub label: Option<String>,
    /// Another place that explains the first (`first defined here`).
    pub related: Option<(Place, String)>,
    /// What to do, as an imperative sentence without a final period.
    pub help: Option<String>,
    /// Whose turn it is, where that differs from what the code says as a rule.
    pub turn: Option<FixedBy>,
}

impl Diagnostic {
    /// An error at no place yet.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            place: None,
            label: None,
            related: None,
            help: None,
            turn: None,
        }
    }

    /// A warning at no place yet.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, message)
        }
    }

    /// Puts the finding at a place.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Adds the text beside the carets.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds a second place.
    #[must_use]
    pub fn related(mut self, place: Place, text: impl Into<String>) -> Self {
        self.related = Some((place, text.into()));
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says whose turn it is, where the code's own answer does not fit this finding.
    #[must_use]
    pub fn turn(mut self, turn: FixedBy) -> Self {
        self.turn = Some(turn);
        self
    }

    /// Who puts it right, where one kind of person can.
    pub fn fixed_by(&self) -> Option<FixedBy> {
        self.turn.or(self.code.fixed_by())
    }

    /// Whether the finding keeps the pipeline from being planned.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// An error in the shape of a finding about no file: its message with its causes, its help and whose turn it is.
impl From<&Error> for Diagnostic {
    fn from(error: &Error) -> Self {
        let causes =
            std::iter::successors(std::error::Error::source(error), |cause| cause.source());
        let message = causes.fold(error.message().to_owned(), |message, cause| {
            format!("{message}: {cause}")
        });
        Self {
            help: error.help_text().map(str::to_owned),
            turn: error.turn(),
            ..Self::error(error.code(), message)
        }
    }
}

/// Whether `wanted` is most likely `known` with a slip of the keyboard in it: at most a quarter of its letters differ.
pub fn is_slip(wanted: &str, known: &str) -> bool {
    let (wanted, known) = (wanted.to_lowercase(), known.to_lowercase());
    let allowed = (wanted.chars().count() / 4).max(1);
    strsim::damerau_levenshtein(&wanted, &known) <= allowed
}

/// The known name nearest to `wanted`, where one is close enough to be a slip of the keyboard.
///
/// Compares without regard to case; allows a third of the letters to differ, and at least one, but never all.
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    let length = wanted.chars().count();
    let allowed = (length / 3).max(1);
    known
        .into_iter()
        .map(|name| {
            (
                strsim::damerau_levenshtein(&wanted, &name.to_lowercase()),
                name,
            )
        })
        .filter(|(distance, _)| *distance <= allowed && *distance < length)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
