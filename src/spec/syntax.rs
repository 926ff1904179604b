//! What the YAML reader stumbled over, in plain words.

use std::sync::Arc;

use granit_parser::{ErrorKind, ScanError};

use crate::foundation::code::Code;
use crate::foundation::diagnostic::{Diagnostic, Place, SourceFile};

use super::forms;

/// The finding for a text that is not YAML.
pub(super) fn finding(file: &Arc<SourceFile>, error: &ScanError) -> Diagnostic {
    let (code, message, help) = explain(error);
    let offset = error
        .marker()
        .byte_offset()
        .unwrap_or(file.text.len())
        .min(file.text.len());
    let start = file.text.floor_char_boundary(offset);
    let end = match file.text[start..].chars().next() {
        Some(c) if c != '\n' && c != '\r' => start + c.len_utf8(),
        _ => start,
    };
    Diagnostic::error(code, message)
        .at(Place {
            file: Arc::clone(file),
            span: start..end,
        })
        .help(help)
}

const INDENT: &str = "indent with spaces, each level by the same number";
const QUOTE: &str =
    "put quotes around text that contains `: `, ` #`, or begins with a special character";

fn explain(error: &ScanError) -> (Code, String, &'static str) {
    use ErrorKind as K;
    let (message, help) = match error.kind() {
        K::RecursionLimitExceeded => {
            return (
                Code::YamlTooLarge,
                "values stand too deep in each other".to_owned(),
                "split the file, or write it flatter",
            );
        }
        K::DirectiveDisallowed => (
            "directives (`%`) are not part of the file format".to_owned(),
            "remove the line",
        ),
        K::TabNotAllowed
        | K::TabInBlockIndentation
        | K::TabInIndentation
        | K::TabAtBlockScalarStart => ("a tab is used for indentation".to_owned(), INDENT),
        K::InvalidIndentation | K::InvalidBlockScalarIndent | K::InvalidQuotedScalarIndent => (
            "the line is indented differently from its neighbours".to_owned(),
            INDENT,
        ),
        K::UnclosedQuotedScalar => ("the quote is never closed".to_owned(), "close the quote"),
        K::UnclosedFlowCollection { open } => {
            (format!("`{open}` is never closed"), "close the bracket")
        }
        K::MismatchedFlowCollectionEnd { open, close } => (
            format!("`{open}` is closed by `{close}`"),
            "close the bracket with its own kind",
        ),
        K::UnknownAnchor => (
            "the alias repeats a value that is not marked before it".to_owned(),
            "mark the value with `&NAME` further up, or put quotes around the text",
        ),
        K::UnexpectedCharacter { character } => (
            format!("a value cannot begin with `{}`", character.escape_debug()),
            QUOTE,
        ),
        K::SimpleKeyExpected | K::InvalidSimpleKey | K::ExpectedBlockMappingKey => {
            ("`key: value` is expected here".to_owned(), QUOTE)
        }
        _ if error.info().contains("mapping values are not allowed") => (
            "a second `: ` stands here, or the line is indented further than the one above"
                .to_owned(),
            "put quotes around text that contains `: `, or indent the line like its neighbours",
        ),
        _ => (
            forms::lowercase_first(error.info().trim_end_matches('.')),
            QUOTE,
        ),
    };
    (Code::YamlSyntax, message, help)
}

/// Refuses characters that a reader of the file cannot see: control characters, and those that turn the direction
/// of writing, by which a file can look different from what it says.
pub(super) fn check_characters(file: &Arc<SourceFile>, findings: &mut Vec<Diagnostic>) {
    let suspicious = |c: char| {
        forms::is_hidden(c) || (c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}'))
    };
    // Plain ASCII text has none but the control characters; the scan of bytes is the common way out.
    let hidden = |byte: u8| {
        byte >= 0xc2 || byte == 0x7f || (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r'))
    };
    if !file.text.bytes().any(hidden) {
        return;
    }
    if let Some((offset, c)) = file.text.char_indices().find(|(_, c)| suspicious(*c)) {
        let finding = Diagnostic::error(
            Code::HiddenCharacter,
            format!(
                "the file contains the invisible character U+{:04X}",
                u32::from(c)
            ),
        )
        .at(Place {
            file: Arc::clone(file),
            span: offset..offset + c.len_utf8(),
        })
        .help(format!(
            "remove it, or write it in double quotes as `\\u{:04x}`",
            u32::from(c)
        ));
        findings.push(finding);
    }
}
