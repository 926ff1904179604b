//! Exit codes: the one place that decides them.

use std::process::ExitCode;

use crate::foundation::code::Code;
use crate::foundation::diagnostic::Diagnostic;
use crate::foundation::error::Error;

/// How a command ended, as the shell sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// What was asked for was done.
    Done,
    /// An operation failed.
    Failed,
    /// The files or the arguments cannot be used as they are.
    Invalid,
    /// The run is done, and some records were rejected.
    Rejected,
    /// Ctrl-C or SIGTERM ended the command early.
    Interrupted,
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Invalid => 2,
            Exit::Rejected => 3,
            Exit::Interrupted => 130,
        }
    }

    /// How grave it is beside others: a command that did several things ends with the gravest.
    pub const fn gravity(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Rejected => 1,
            Exit::Invalid => 2,
            Exit::Failed => 3,
            Exit::Interrupted => 4,
        }
    }

    /// The exit of a command that ended with an error.
    pub fn of_error(error: &Error) -> Self {
        match error.code() {
            Code::Interrupted => Exit::Interrupted,
            Code::AmbiguousProfile
            | Code::FileExists
            | Code::InvalidUsage
            | Code::UnknownCode
            | Code::UnknownConnection
            | Code::UnknownDeadLetter
            | Code::UnknownPipeline
            | Code::UnknownProfile
            | Code::UnknownRun => Exit::Invalid,
            _ => Exit::Failed,
        }
    }

    /// The exit of a command whose whole result are findings.
    pub fn of_findings(findings: &[Diagnostic]) -> Self {
        if findings.iter().any(Diagnostic::is_error) {
            Exit::Invalid
        } else {
            Exit::Done
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}
