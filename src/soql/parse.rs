//! Text to syntax tree: recursive descent over the tokens, stopping at the first refusal.
//!
//! Source: SOQL and SOSL Reference, "SOQL SELECT Syntax" and the pages of its clauses.

mod clause;
mod condition;
mod select;
mod value;

use super::ast::{Condition, FieldPath, Name, Query, Span};
use super::error::{SoqlError, SoqlErrorKind};
use super::rules;
use super::token::{Kind, Token, tokens};
use crate::foundation::diagnostic::nearest;

/// The longest query, in characters.
///
/// Source: Salesforce Developer Limits and Allocations Quick Reference, "SOQL and SOSL Limits".
pub const QUERY_CHARACTERS_MAX: usize = 100_000;

/// How deep parentheses, functions and subqueries may stand in each other.
///
/// Source: a bound of this implementation, so that no text can exhaust the stack.
pub const DEPTH_MAX: usize = 64;

/// Words that cannot be an alias.
///
/// Source: SOQL and SOSL Reference, "Reserved Keywords for Alias Names", and the clauses that may follow an alias.
const RESERVED: &[&str] = &[
    "AND", "ASC", "DESC", "EXCLUDES", "FIRST", "FROM", "GROUP", "HAVING", "IN", "INCLUDES", "LAST",
    "LIKE", "LIMIT", "NOT", "NULL", "NULLS", "OR", "SELECT", "USING", "WHERE", "WITH", "ORDER",
    "OFFSET", "FOR", "UPDATE", "AS", "TYPEOF", "WHEN", "THEN", "ELSE", "END", "ALL",
];

/// Parses a whole query and checks every rule that needs no knowledge of an org.
///
/// # Errors
/// The first refusal, with its place in `text`.
pub fn query(text: &str) -> Result<Query, SoqlError> {
    let mut parser = Parser::new(text)?;
    let query = parser.query()?;
    parser.expect_end_of_query(&query)?;
    rules::check_query(&query)?;
    Ok(query)
}

/// Parses a bare condition: what may stand behind `WHERE`, without the word itself.
///
/// The result can be put in parentheses and joined with further conditions by `AND`.
///
/// # Errors
/// The first refusal, with its place in `text`; clauses such as `ORDER BY` are refused by name.
pub fn condition(text: &str) -> Result<Condition, SoqlError> {
    let mut parser = Parser::new(text)?;
    if parser.at_word("WHERE") {
        return Err(SoqlError::new(
            SoqlErrorKind::Syntax,
            parser.peek().span.clone(),
            "the word `WHERE` is not part of the condition",
        )
        .help("remove it"));
    }
    if parser.at_word("SELECT") {
        return Err(SoqlError::new(
            SoqlErrorKind::Syntax,
            parser.peek().span.clone(),
            "a condition is expected here, not a whole query",
        )
        .help("write only what stands behind `WHERE`"));
    }
    let condition = parser.condition()?;
    parser.expect_end_of_condition()?;
    rules::check_condition(&condition)?;
    Ok(condition)
}

type Parsed<T> = Result<T, SoqlError>;

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Parsed<Self> {
        if let Some((at, _)) = text.char_indices().nth(QUERY_CHARACTERS_MAX) {
            return Err(SoqlError::new(
                SoqlErrorKind::TooLarge,
                at..text.len(),
                format!("a query has at most {QUERY_CHARACTERS_MAX} characters"),
            ));
        }
        Ok(Self {
            text,
            tokens: tokens(text)?,
            at: 0,
            depth: 0,
        })
    }

    fn peek(&self) -> &Token {
        self.peek_at(0)
    }

    /// A token ahead; the end repeats for ever.
    fn peek_at(&self, ahead: usize) -> &Token {
        let last = self.tokens.len() - 1;
        &self.tokens[(self.at + ahead).min(last)]
    }

    fn slice(&self, span: &Span) -> &'t str {
        &self.text[span.clone()]
    }

    /// The token's text where it is a word.
    fn word_at(&self, ahead: usize) -> Option<&'t str> {
        let token = self.peek_at(ahead);
        (token.kind == Kind::Word).then(|| self.slice(&token.span))
    }

    fn at_word(&self, word: &str) -> bool {
        self.word_at(0)
            .is_some_and(|found| found.eq_ignore_ascii_case(word))
    }

    fn at_words(&self, first: &str, second: &str) -> bool {
        self.at_word(first)
            && self
                .word_at(1)
                .is_some_and(|found| found.eq_ignore_ascii_case(second))
    }

    fn at_sign(&self, sign: &str) -> bool {
        self.is_sign(0, sign)
    }

    fn is_sign(&self, ahead: usize, sign: &str) -> bool {
        matches!(self.peek_at(ahead).kind, Kind::Sign(found) if found == sign)
    }

    /// Takes the token; the end is never passed.
    fn next(&mut self) -> Span {
        let span = self.peek().span.clone();
        if self.peek().kind != Kind::End {
            self.at += 1;
        }
        span
    }

    /// Where the last taken token ends.
    fn end(&self) -> usize {
        self.at
            .checked_sub(1)
            .map_or(0, |last| self.tokens[last].span.end)
    }

    fn eat_word(&mut self, word: &str) -> Option<Span> {
        self.at_word(word).then(|| self.next())
    }

    fn eat_sign(&mut self, sign: &str) -> Option<Span> {
        self.at_sign(sign).then(|| self.next())
    }

    fn expect_word(&mut self, word: &'static str) -> Parsed<Span> {
        self.eat_word(word)
            .ok_or_else(|| self.expected(&format!("`{word}`"), &[word]))
    }

    fn expect_sign(&mut self, sign: &str) -> Parsed<Span> {
        self.eat_sign(sign)
            .ok_or_else(|| self.expected(&format!("`{sign}`"), &[]))
    }

    /// The token ahead, as a message names it.
    fn found(&self) -> String {
        let token = self.peek();
        match token.kind {
            Kind::End => "the end of the text".to_owned(),
            Kind::Text => {
                let text = self.slice(&token.span);
                let cut: String = text.chars().take(40).collect();
                let dots = if cut.len() < text.len() { "…" } else { "" };
                format!("the string {cut}{dots}")
            }
            _ => format!("`{}`", self.slice(&token.span)),
        }
    }

    /// The refusal of the token ahead; `words` are what a slip of the keyboard may have meant.
    fn expected(&self, what: &str, words: &[&str]) -> SoqlError {
        let error = SoqlError::new(
            SoqlErrorKind::Syntax,
            self.peek().span.clone(),
            format!("expected {what}, found {}", self.found()),
        );
        match self
            .word_at(0)
            .and_then(|word| nearest(word, words.iter().copied()))
        {
            Some(meant) => error.help(format!("did you mean `{meant}`?")),
            None => error,
        }
    }

    /// Goes one level deeper, or refuses to.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == DEPTH_MAX {
            return Err(SoqlError::new(
                SoqlErrorKind::TooLarge,
                self.peek().span.clone(),
                format!("parentheses stand more than {DEPTH_MAX} deep in each other"),
            ));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// One or more of the same, separated by commas.
    fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut items = vec![one(self)?];
        while self.eat_sign(",").is_some() {
            items.push(one(self)?);
        }
        Ok(items)
    }

    fn name(&mut self, what: &str) -> Parsed<Name> {
        let Some(text) = self.word_at(0) else {
            return Err(self.expected(what, &[]));
        };
        Ok(Name {
            text: text.to_owned(),
            span: self.next(),
        })
    }

    /// Names joined by dots. A reserved word is a name only in front of a dot.
    fn path(&mut self, what: &str) -> Parsed<FieldPath> {
        let reserved = self.word_at(0).is_some_and(is_reserved) && !self.is_sign(1, ".");
        if reserved {
            return Err(self.expected(what, &[]));
        }
        let mut segments = vec![self.name(what)?];
        while self.eat_sign(".").is_some() {
            let what = "a name behind the dot";
            if self.at_word("FROM") {
                return Err(self.expected(what, &[]));
            }
            segments.push(self.name(what)?);
        }
        Ok(FieldPath { segments })
    }

    /// A name that is not a reserved word, where one stands here.
    fn alias(&mut self) -> Parsed<Option<Name>> {
        if self.eat_word("AS").is_some() {
            return self.name("a name").map(Some);
        }
        match self.word_at(0) {
            Some(word) if !is_reserved(word) => self.name("a name").map(Some),
            _ => Ok(None),
        }
    }
}

fn is_reserved(word: &str) -> bool {
    RESERVED
        .iter()
        .any(|reserved| reserved.eq_ignore_ascii_case(word))
}
