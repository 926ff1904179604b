//! The values that fields are compared with.

use super::super::ast::{Literal, Operator, Value};
use super::super::date_literal::{self, COUNT_MAX, Word};
use super::super::error::{SoqlError, SoqlErrorKind};
use super::super::literal;
use super::super::token::Kind;
use super::{Parsed, Parser};
use crate::foundation::diagnostic::nearest;

impl Parser<'_> {
    pub(super) fn literal(&mut self) -> Parsed<Literal> {
        let token = self.peek().clone();
        let raw = self.slice(&token.span);
        let value = match token.kind {
            Kind::Text => Value::Text(literal::string(raw, &token.span)?),
            Kind::Number => literal::number(raw, &token.span)?,
            Kind::Word => return self.word_literal(),
            Kind::Sign(":") => return Err(self.bind()),
            Kind::Sign(_) | Kind::End => return Err(self.expected("a value", &[])),
        };
        Ok(Literal {
            value,
            span: self.next(),
        })
    }

    pub(super) fn bind(&self) -> SoqlError {
        SoqlError::new(
            SoqlErrorKind::Syntax,
            self.peek().span.clone(),
            "a bind variable is Apex, not SOQL",
        )
        .help("write the value itself")
    }

    pub(super) fn pattern_literal(&mut self) -> Parsed<Literal> {
        let token = self.peek().clone();
        if token.kind != Kind::Text {
            return Err(self.expected("a string behind `LIKE`", &[]));
        }
        let value = Value::Pattern(literal::pattern(self.slice(&token.span), &token.span)?);
        Ok(Literal {
            value,
            span: self.next(),
        })
    }

    /// The list behind `IN`, `NOT IN`, `INCLUDES`, `EXCLUDES`.
    pub(super) fn values(&mut self, operator: Operator, strings: bool) -> Parsed<Vec<Literal>> {
        if self.at_sign(":") {
            return Err(self.bind());
        }
        if !self.at_sign("(") {
            let name = operator.as_str();
            return Err(self
                .expected(&format!("`(` behind `{name}`"), &[])
                .help(format!(
                    "write the values in parentheses: `{name} ('a', 'b')`"
                )));
        }
        let start = self.next().start;
        if self.at_sign(")") {
            let end = self.next().end;
            return Err(SoqlError::rule(
                start..end,
                format!("the list behind `{}` is empty", operator.as_str()),
            )
            .help("name at least one value"));
        }
        let values = self.list(|parser| {
            if strings && parser.peek().kind != Kind::Text {
                return Err(parser.expected(
                    &format!("a string in the list of `{}`", operator.as_str()),
                    &[],
                ));
            }
            parser.literal()
        })?;
        if self.eat_sign(")").is_none() {
            return Err(self.expected("`,` or `)`", &[]));
        }
        Ok(values)
    }

    fn word_literal(&mut self) -> Parsed<Literal> {
        let span = self.peek().span.clone();
        let word = self.slice(&span);
        let plain = |value: Value| Some(value);
        let value = match word.to_ascii_lowercase().as_str() {
            "null" => plain(Value::Null),
            "true" => plain(Value::Boolean(true)),
            "false" => plain(Value::Boolean(false)),
            _ => None,
        };
        if let Some(value) = value {
            return Ok(Literal {
                value,
                span: self.next(),
            });
        }
        match date_literal::word(word) {
            Some(Word::Plain(literal)) => {
                self.next();
                if self.at_sign(":") {
                    return Err(SoqlError::new(
                        SoqlErrorKind::Literal,
                        self.peek().span.clone(),
                        format!("`{word}` takes no number"),
                    ));
                }
                Ok(Literal {
                    value: Value::DateLiteral(literal),
                    span,
                })
            }
            Some(Word::Counted(make, unit)) => {
                self.next();
                let count = self.date_count(word)?;
                Ok(Literal {
                    value: Value::DateLiteral(make(unit, count)),
                    span: span.start..self.end(),
                })
            }
            None => self.currency(word).ok_or_else(|| self.no_value(word)),
        }
    }

    /// The `:n` of a date literal.
    fn date_count(&mut self, word: &str) -> Parsed<u32> {
        let wanted = format!("write it as `{word}:30`");
        if self.eat_sign(":").is_none() {
            return Err(self
                .expected(&format!("`:` and a number behind `{word}`"), &[])
                .help(wanted));
        }
        let token = self.peek().clone();
        let raw = self.slice(&token.span);
        let count = raw
            .parse()
            .ok()
            .filter(|count| (1..=COUNT_MAX).contains(count));
        let Some(count) = count.filter(|_| token.kind == Kind::Number) else {
            return Err(SoqlError::new(
                SoqlErrorKind::Literal,
                token.span,
                format!("`{word}` takes a whole number from 1 to {COUNT_MAX}"),
            )
            .help(wanted));
        };
        self.next();
        Ok(count)
    }

    /// `USD500` or `USD500.25`: the fraction is a token of its own.
    fn currency(&mut self, word: &str) -> Option<Literal> {
        let is_code = word.len() > 3
            && word.as_bytes()[..3].iter().all(u8::is_ascii_alphabetic)
            && word.as_bytes()[3..].iter().all(u8::is_ascii_digit);
        if !is_code {
            return None;
        }
        let start = self.next();
        let mut end = start.end;
        if self.at_sign(".")
            && self.peek().span.start == end
            && self.peek_at(1).kind == Kind::Number
            && self.peek_at(1).span.start == end + 1
        {
            self.next();
            end = self.next().end;
        }
        let amount = match literal::plain_number(&self.text[start.start + 3..end])? {
            Value::Integer(amount) => amount as f64,
            Value::Decimal(amount) => amount,
            _ => return None,
        };
        Some(Literal {
            value: Value::Currency {
                code: word[..3].to_ascii_uppercase(),
                amount,
            },
            span: start.start..end,
        })
    }

    fn no_value(&self, word: &str) -> SoqlError {
        let error = SoqlError::new(
            SoqlErrorKind::Syntax,
            self.peek().span.clone(),
            format!("`{word}` is not a value"),
        );
        if self.is_sign(1, ".") {
            return error.help("SOQL compares a field with a value, never with another field");
        }
        let words = date_literal::words();
        let known = words
            .iter()
            .map(|(name, _)| name.as_str())
            .chain(["null", "true", "false"]);
        match nearest(word, known) {
            Some(meant) => error.help(format!("did you mean `{meant}`?")),
            None => error.help(format!("write text in single quotes: `'{word}'`")),
        }
    }
}
