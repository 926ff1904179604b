//! Text to tokens. Every token carries its place; white space separates and is dropped.

use super::ast::Span;
use super::error::{SoqlError, SoqlErrorKind};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Letters, digits and underscores, beginning with a letter.
    Word,
    /// A quoted string, quotes included, escapes untouched.
    Text,
    /// A number, date or instant: read by what it is compared with.
    Number,
    /// One of `( ) , . : = != <> < <= > >=`.
    Sign(&'static str),
    End,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Span,
}

// Longer signs stand first, so that `<=` is not read as `<`.
const SIGNS: [&str; 12] = [
    "!=", "<>", "<=", ">=", "=", "<", ">", "(", ")", ",", ".", ":",
];

/// The tokens of a text; the last one is always [`Kind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, SoqlError> {
    let mut tokens = Vec::with_capacity(text.len() / 5);
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let (kind, length) = if c.is_ascii_alphabetic() {
            (Kind::Word, word_length(&text[at..]))
        } else if c == '\'' {
            (Kind::Text, string_length(text, at)?)
        } else if c.is_ascii_digit() || starts_number(&text[at..], tokens.last()) {
            (Kind::Number, number_length(&text[at..]))
        } else if let Some(sign) = SIGNS.iter().find(|sign| text[at..].starts_with(**sign)) {
            (Kind::Sign(sign), sign.len())
        } else {
            return Err(stray(c, at));
        };
        let span = at..at + length;
        at = span.end;
        tokens.push(Token { kind, span });
    }
    tokens.push(Token {
        kind: Kind::End,
        span: text.len()..text.len(),
    });
    Ok(tokens)
}

fn word_length(rest: &str) -> usize {
    rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(rest.len())
}

/// A sign or a point begins a number when a digit follows; a point behind a word joins names instead.
fn starts_number(rest: &str, before: Option<&Token>) -> bool {
    let mut chars = rest.chars();
    let after_word = before.is_some_and(|token| token.kind == Kind::Word);
    match chars.next() {
        Some('+' | '-') => chars.next().is_some_and(|c| c.is_ascii_digit() || c == '.'),
        Some('.') => !after_word && chars.next().is_some_and(|c| c.is_ascii_digit()),
        _ => false,
    }
}

fn number_length(rest: &str) -> usize {
    rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | ':' | '.' | '+' | '-'))
        .unwrap_or(rest.len())
}

fn string_length(text: &str, start: usize) -> Result<usize, SoqlError> {
    let mut escaped = false;
    for (offset, c) in text[start..].char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' => return Ok(offset + 1),
            _ => {}
        }
    }
    Err(SoqlError::new(
        SoqlErrorKind::Literal,
        start..text.len(),
        "this string has no closing quote",
    )
    .help("end it with `'`; write a quote inside a string as `\\'`"))
}

fn stray(c: char, at: usize) -> SoqlError {
    let span = at..at + c.len_utf8();
    let error = |message: String| SoqlError::new(SoqlErrorKind::Syntax, span.clone(), message);
    match c {
        '"' | '\u{201c}' | '\u{201d}' | '\u{2018}' | '\u{2019}' | '`' => {
            error(format!("`{c}` does not quote a string in SOQL"))
                .help("write strings in straight single quotes: `'text'`")
        }
        '{' | '}' => error(format!("`{c}` has no meaning in SOQL"))
            .help("a condition is plain SOQL; templates do not work in it"),
        ';' => error("a query does not end with `;`".to_owned()).help("remove the `;`"),
        '*' => error("`*` does not select fields in SOQL".to_owned())
            .help("name the fields, or write `FIELDS(STANDARD)`"),
        '!' => error("`!` is no operator".to_owned()).help("write `!=` or `NOT`"),
        _ => error(format!("`{}` has no meaning in SOQL", c.escape_debug())),
    }
}
