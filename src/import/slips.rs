//! What is wrong with a file: gathered with places, shown up to a bound, counted beyond it.

use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

use crate::foundation::code::Code;
use crate::foundation::diagnostic::{Diagnostic, Place, SourceFile};

/// How many slips of a file are shown; the others are counted.
pub const MAX_SHOWN: usize = 100;

/// How much of a line is kept to be shown, in bytes.
const SHOWN_BYTES: usize = 16 << 10;

/// One record as it stands in the file.
#[derive(Debug)]
pub(super) struct Row {
    /// The line on which it begins, counted from 1.
    pub(super) line: usize,
    /// Its text; several lines where a CSV cell holds line breaks.
    pub(super) text: String,
    /// What it says.
    pub(super) fields: Vec<Field>,
    /// What keeps it from being read.
    pub(super) faults: Vec<Fault>,
}

/// A named value of a record.
#[derive(Debug)]
pub(super) struct Field {
    /// Its name, or its column.
    pub(super) name: String,
    /// What it says; a CSV cell is a text.
    pub(super) value: Value,
    /// Where it stands in the record's text.
    pub(super) span: Range<usize>,
}

/// One slip in a record.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) help: Option<String>,
    /// Where it stands in the record's text.
    pub(super) span: Range<usize>,
}

impl Fault {
    pub(super) fn new(code: Code, message: impl Into<String>, span: Range<usize>) -> Self {
        Self {
            code,
            message: message.into(),
            help: None,
            span,
        }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The slips of one file.
#[derive(Debug)]
pub(super) struct Slips {
    path: String,
    count: u64,
    kept: Vec<Diagnostic>,
}

impl Slips {
    pub(super) fn new(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            count: 0,
            kept: Vec::new(),
        }
    }

    /// Adds what is wrong with the record that begins on `line`.
    pub(super) fn add(&mut self, line: usize, text: &str, faults: Vec<Fault>) {
        self.count += faults.len() as u64;
        let room = MAX_SHOWN - self.kept.len();
        if room == 0 || faults.is_empty() {
            return;
        }
        let shown = &text[..text.floor_char_boundary(SHOWN_BYTES)];
        let file = Arc::new(SourceFile {
            path: self.path.clone(),
            text: shown.to_owned(),
            first_line: line,
        });
        for fault in faults.into_iter().take(room) {
            let end = shown.floor_char_boundary(fault.span.end);
            let start = shown.floor_char_boundary(fault.span.start).min(end);
            let mut finding = Diagnostic::error(fault.code, fault.message).at(Place {
                file: Arc::clone(&file),
                span: start..end,
            });
            finding.help = fault.help;
            self.kept.push(finding);
        }
    }

    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn into_findings(self) -> Vec<Diagnostic> {
        self.kept
    }
}
