//! An operation that failed while running: one struct with its code, its place in the run and its cause.

use std::error::Error as StdError;
use std::fmt;

use super::code::Code;
use super::fixed_by::FixedBy;

/// The result of anything that can fail while running.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure with a named code, a message in plain words and, where one exists, a remedy.
///
/// `Display` prints one line without the code; reporters add the code, the help and the chain of causes.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    code: Code,
    message: String,
    help: Option<String>,
    turn: Option<FixedBy>,
    context: Context,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// Where in a run an error arose; every part is filled in where it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// The step of the plan, by its name.
    pub step: Option<String>,
    /// Which try of the call it was, counted from 1.
    pub attempt: Option<u32>,
    /// The HTTP status of the answer.
    pub http_status: Option<u16>,
    /// The other system's own error code, as it spelled it.
    pub remote_code: Option<String>,
    /// The other system's request id.
    pub request_id: Option<String>,
}

impl Error {
    /// An error with a code and one line of text: lowercase, no final period, names in backticks.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            message: message.into(),
            help: None,
            turn: None,
            context: Context::default(),
            source: None,
        }))
    }

    /// A state that should be impossible.
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(Code::Bug, message)
    }

    /// Adds what the reader should do, as an imperative sentence without a final period.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// Says whose turn it is, where the code's own answer does not fit this error; `None` leaves it to the code.
    #[must_use]
    pub fn with_turn(mut self, turn: Option<FixedBy>) -> Self {
        self.0.turn = turn;
        self
    }

    /// Adds the error beneath this one.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Changes the context.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Context)) -> Self {
        change(&mut self.0.context);
        self
    }

    /// Names the step, unless one is named already.
    #[must_use]
    pub fn in_step(self, step: &str) -> Self {
        self.with(|context| {
            context.step.get_or_insert_with(|| step.to_owned());
        })
    }

    /// The named code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The message alone.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What the reader should do.
    pub fn help_text(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// Whose turn it is, where that differs from what the code says as a rule.
    pub fn turn(&self) -> Option<FixedBy> {
        self.0.turn
    }

    /// Who puts it right, where one kind of person can.
    pub fn fixed_by(&self) -> Option<FixedBy> {
        self.0.turn.or(self.0.code.fixed_by())
    }

    /// Where it happened.
    pub fn context(&self) -> &Context {
        &self.0.context
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| source.as_ref() as _)
    }
}
