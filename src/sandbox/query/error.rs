//! Refusals in Salesforce's words: a code, and a message that draws the place in the query.

use std::fmt::Display;

use crate::soql::error::{SoqlError, SoqlErrorKind};

/// A query that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryError {
    /// The HTTP status.
    pub status: u16,
    /// The value of `errorCode`.
    pub code: &'static str,
    /// The value of `message`.
    pub message: String,
}

/// How much of the query is shown on either side of the caret, in characters.
const SHOWN: usize = 40;

/// A refusal of the part of `text` that begins at byte `offset`.
pub(super) fn at(
    text: &str,
    offset: usize,
    code: &'static str,
    message: impl Display,
) -> QueryError {
    let before = &text[..text.floor_char_boundary(offset)];
    let row = before.matches('\n').count() + 1;
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[line_start..].split('\n').next().unwrap_or_default();
    let line = line.trim_end_matches('\r');
    let column = before[line_start..].chars().count();
    let chars: Vec<char> = line.chars().collect();
    let mut from = column.saturating_sub(SHOWN);
    while from > 0 && from < column && !chars[from - 1].is_whitespace() {
        from += 1;
    }
    let to = chars.len().min(column + SHOWN);
    let shown: String = chars.get(from..to).unwrap_or_default().iter().collect();
    let caret = " ".repeat(column - from);
    QueryError {
        status: 400,
        code,
        message: format!(
            "\n{shown}\n{caret}^\nERROR at Row:{row}:Column:{}\n{message}",
            column + 1
        ),
    }
}

/// A refusal without a place.
pub(super) fn plain(code: &'static str, message: impl Display) -> QueryError {
    QueryError {
        status: 400,
        code,
        message: message.to_string(),
    }
}

/// What Salesforce says where the text is no SOQL.
pub(super) fn of_soql(text: &str, error: &SoqlError) -> QueryError {
    let found = &text[error.span.clone()];
    let offset = error.span.start;
    match error.kind {
        SoqlErrorKind::Syntax | SoqlErrorKind::MixedLogic => {
            let token = if found.is_empty() { "<EOF>" } else { found };
            at(
                text,
                offset,
                "MALFORMED_QUERY",
                format!("unexpected token: '{token}'"),
            )
        }
        SoqlErrorKind::Alias => at(
            text,
            offset,
            "MALFORMED_QUERY",
            "only aggregate expressions use field aliasing",
        ),
        SoqlErrorKind::DuplicateField => plain(
            "MALFORMED_QUERY",
            format!("duplicate field selected: {found}"),
        ),
        SoqlErrorKind::Ungrouped => at(
            text,
            offset,
            "MALFORMED_QUERY",
            format!("Field must be grouped or aggregated: {found}"),
        ),
        SoqlErrorKind::OutOfRange => plain(
            "NUMBER_OUTSIDE_VALID_RANGE",
            format!("{} was {found}", error.message.replace('`', "")),
        ),
        SoqlErrorKind::TooLarge | SoqlErrorKind::Unsupported => {
            plain("MALFORMED_QUERY", error.message.replace('`', "'"))
        }
        SoqlErrorKind::Literal | SoqlErrorKind::Rule => at(
            text,
            offset,
            "MALFORMED_QUERY",
            error.message.replace('`', "'"),
        ),
    }
}
