//! Text to syntax tree, with bounds on size and depth that hold before anything recursive runs.

use std::ops::Range;

use minijinja::machinery::{Span, Token, ast, parse, tokenize};
use minijinja::syntax::SyntaxConfig;

use crate::foundation::code::Code;

use super::error::TemplateError;

/// Bytes of one template; a text longer than this is data, not a template.
pub(super) const MAX_SOURCE: usize = 65_536;
/// Tokens of one template.
const MAX_TOKENS: usize = 4_000;
/// Statements (`{% … %}`) of one template.
const MAX_STATEMENTS: usize = 120;
/// The weight of one expression, between `{{` or `{%` and its end: a bound on the depth of its tree.
const MAX_WEIGHT: usize = 240;

/// Whether a text has any template syntax; without it, it is a constant.
pub(super) fn is_plain(text: &str) -> bool {
    !(text.contains("{{") || text.contains("{%") || text.contains("{#"))
}

/// The syntax tree of a template.
pub(super) fn tree(text: &str) -> Result<ast::Stmt<'_>, TemplateError> {
    if text.len() > MAX_SOURCE {
        return Err(too_large(
            format!(
                "the template has {} bytes, and {MAX_SOURCE} are allowed",
                text.len()
            ),
            0..0,
        ));
    }
    bound(text)?;
    parse(text, "template", SyntaxConfig::default()).map_err(|error| syntax_error(text, &error))
}

/// The bytes that a span of the tree covers, cut to character boundaries of the text.
pub(super) fn bytes(span: Span) -> Range<usize> {
    span.start_offset as usize..(span.end_offset as usize).max(span.start_offset as usize)
}

/// Refuses what would nest too deep: each operator of a chain is one level of the tree.
fn bound(text: &str) -> Result<(), TemplateError> {
    let (mut tokens, mut statements, mut weight) = (0, 0, 0);
    // What the tokenizer refuses, the parser refuses again, with a better place.
    for (token, span) in tokenize(text, false, SyntaxConfig::default()).map_while(Result::ok) {
        tokens += 1;
        match token {
            Token::VariableStart => weight = 0,
            Token::BlockStart => {
                weight = 0;
                statements += 1;
            }
            token => weight += weigh(&token),
        }
        let (what, limit) = if tokens > MAX_TOKENS {
            ("words and signs", MAX_TOKENS)
        } else if statements > MAX_STATEMENTS {
            ("statements", MAX_STATEMENTS)
        } else if weight > MAX_WEIGHT {
            ("steps in one expression", MAX_WEIGHT / 2)
        } else {
            continue;
        };
        return Err(too_large(
            format!("the template has more than {limit} {what}"),
            bytes(span),
        ));
    }
    Ok(())
}

/// How much a token may deepen the tree. Prefix operators nest in the parser itself, so they weigh most.
fn weigh(token: &Token<'_>) -> usize {
    match token {
        Token::Ident("not") | Token::Minus => 4,
        Token::Ident(_) | Token::Dot | Token::Pipe => 1,
        Token::Str(_)
        | Token::String(_)
        | Token::Int(_)
        | Token::Int128(_)
        | Token::Float(_)
        | Token::Comma
        | Token::Colon
        | Token::ParenClose
        | Token::BracketClose
        | Token::BraceClose => 0,
        _ => 2,
    }
}

fn too_large(message: String, span: Range<usize>) -> TemplateError {
    TemplateError::new(Code::TemplateTooCostly, message, span)
        .help("split the template into several fields, or compute the value in Salesforce")
}

fn syntax_error(text: &str, error: &minijinja::Error) -> TemplateError {
    let range = error.range().unwrap_or(0..0);
    let start = text.floor_char_boundary(range.start.min(text.len()));
    let end = text.ceil_char_boundary(range.end.clamp(start, text.len()));
    let span = start..end;
    let detail = error.detail().unwrap_or("the template cannot be read");
    if let Some(word) = detail.strip_prefix("unknown statement ") {
        return unknown_statement(word, span);
    }
    if detail.contains("recursion") {
        return too_large("the template nests too deep".to_owned(), span);
    }
    if detail == "unexpected end of string" {
        let message = "a quotation mark is never closed";
        return syntax(message, open_quote(text).unwrap_or(span)).help("close the quotation mark");
    }
    if detail == "unexpected end of comment" {
        let open = text.rfind("{#").map_or(span, |start| start..start + 2);
        return syntax("a comment is never closed", open).help("close it with `#}`");
    }
    syntax(plain(detail), span).help(hint(detail))
}

fn syntax(message: impl Into<String>, span: Range<usize>) -> TemplateError {
    TemplateError::new(Code::TemplateSyntax, message, span)
}

/// The quotation mark behind the last word that could be read.
fn open_quote(text: &str) -> Option<Range<usize>> {
    let read = tokenize(text, false, SyntaxConfig::default()).map_while(Result::ok);
    let end = read.last().map_or(0, |(_, span)| bytes(span).end);
    let quote = text.get(end..)?.find(['\'', '"'])? + end;
    Some(quote..quote + 1)
}

/// A statement that does not exist, or that closes one that was never opened.
pub(super) fn unknown_statement(word: &str, span: Range<usize>) -> TemplateError {
    if word.starts_with("end") || word == "else" || word == "elif" {
        let message = format!("`{word}` belongs to no open statement");
        return syntax(message, span).help("remove it, or write its `{% if … %}` or `{% for … %}`");
    }
    TemplateError::new(
        Code::TemplateNotAllowed,
        format!("there is no statement `{word}`"),
        span,
    )
    .help(
        "templates know `if`, `for`, `set` and `with`; they reach no other file and define no macros",
    )
}

/// The parser's words in the words of this documentation.
fn plain(detail: &str) -> String {
    match detail {
        "unexpected end of variable block" => {
            return "an expression is missing before `}}`".to_owned();
        }
        "unexpected end of block" => return "an expression is missing before `%}`".to_owned(),
        "unexpected end of input, expected end of block" => {
            return "the template ends before a statement is closed".to_owned();
        }
        "unexpected end of input, expected end of variable block" => {
            return "the template ends before an expression is closed".to_owned();
        }
        _ => {}
    }
    if let Some(name) = detail.strip_prefix("cannot assign to reserved variable name ") {
        return format!("`{name}` cannot be set");
    }
    if detail.ends_with("expected in") {
        return format!("{}`in`", plain(detail.trim_end_matches("in")));
    }
    detail
        .replace("end of variable block", "`}}`")
        .replace("end of block", "`%}`")
        .replace("end of input", "the end of the template")
        .replace("unexpected identifier", "unexpected name")
        .replace("identifier or integer", "a name or a number")
        .replace("identifier", "a name")
        .replace(
            "cannot assign to reserved variable name",
            "this name cannot be set:",
        )
}

fn hint(detail: &str) -> &'static str {
    if detail.contains("end of input") {
        "close every `{{` with `}}`, every `{%` with `%}`, and every statement with its `end…`"
    } else if detail.contains("expected end of variable block") {
        "close the expression with `}}`; join names and texts with `~`, apply filters with `|`"
    } else if detail.contains("assign") {
        "choose another name"
    } else {
        "write names, texts in quotes, numbers, and filters behind `|`"
    }
}
