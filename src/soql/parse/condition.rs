//! Conditions: comparisons joined by AND, by OR, or negated by NOT.

use super::super::ast::{Comparison, Condition, Expression, Operand, Operator};
use super::super::error::{SoqlError, SoqlErrorKind};
use super::super::token::Kind;
use super::{Parsed, Parser};

impl Parser<'_> {
    /// One level: only AND, only OR, or one NOT. The operators never mix without parentheses.
    ///
    /// Source: SOQL and SOSL Reference, "Logical Operators": parentheses are required to mix them.
    pub(super) fn condition(&mut self) -> Parsed<Condition> {
        if self.eat_word("NOT").is_some() {
            if self.at_word("NOT") {
                return Err(self.mixed("`NOT` cannot follow `NOT` directly"));
            }
            let inner = self.simple_condition()?;
            if self.at_word("AND") || self.at_word("OR") {
                return Err(self.mixed("`NOT` is joined with another condition"));
            }
            return Ok(Condition::Not(Box::new(inner)));
        }
        let first = self.simple_condition()?;
        let (joint, other) = if self.at_word("AND") {
            ("AND", "OR")
        } else if self.at_word("OR") {
            ("OR", "AND")
        } else {
            return Ok(first);
        };
        let mut parts = vec![first];
        while self.eat_word(joint).is_some() {
            if self.at_word("NOT") {
                return Err(self.mixed(&format!(
                    "`NOT` stands behind `{joint}` without parentheses"
                )));
            }
            parts.push(self.simple_condition()?);
            if self.at_word(other) {
                return Err(self.mixed("`AND` and `OR` are mixed without parentheses"));
            }
        }
        Ok(if joint == "AND" {
            Condition::And(parts)
        } else {
            Condition::Or(parts)
        })
    }

    fn mixed(&self, message: &str) -> SoqlError {
        let help = if message.contains("NOT") {
            "put it in parentheses: `(NOT …)`"
        } else {
            "put the parts that belong together in parentheses: `(a AND b) OR c`"
        };
        SoqlError::new(SoqlErrorKind::MixedLogic, self.peek().span.clone(), message).help(help)
    }

    fn simple_condition(&mut self) -> Parsed<Condition> {
        if !self.at_sign("(") {
            return self.comparison().map(Condition::Compare);
        }
        self.nested(|parser| {
            parser.next();
            let inner = parser.condition()?;
            if parser.eat_sign(")").is_none() {
                return Err(parser.expected("`AND`, `OR` or `)`", &["AND", "OR"]));
            }
            Ok(inner)
        })
    }

    fn comparison(&mut self) -> Parsed<Comparison> {
        if self.peek().kind == Kind::Text || self.peek().kind == Kind::Number {
            return Err(self
                .expected("a field", &[])
                .help("write the field first, then the operator, then the value"));
        }
        let left = self.expression("a field")?;
        let (operator, operator_span) = self.operator(&left)?;
        let right = self.operand(operator)?;
        let span = left.span().start..self.end();
        Ok(Comparison {
            left,
            operator,
            operator_span,
            right,
            span,
        })
    }

    fn operator(&mut self, left: &Expression) -> Parsed<(Operator, super::super::ast::Span)> {
        const SIGNS: [(&str, Operator); 7] = [
            ("=", Operator::Equal),
            ("!=", Operator::NotEqual),
            ("<>", Operator::NotEqual),
            ("<", Operator::Less),
            ("<=", Operator::LessOrEqual),
            (">", Operator::Greater),
            (">=", Operator::GreaterOrEqual),
        ];
        const WORDS: [(&str, Operator); 4] = [
            ("LIKE", Operator::Like),
            ("IN", Operator::In),
            ("INCLUDES", Operator::Includes),
            ("EXCLUDES", Operator::Excludes),
        ];
        if let Some((_, operator)) = SIGNS.iter().find(|(sign, _)| self.at_sign(sign)) {
            let span = self.next();
            if self.at_sign("=") && span.end == self.peek().span.start {
                return Err(SoqlError::new(
                    SoqlErrorKind::Syntax,
                    span.start..self.peek().span.end,
                    "this is no operator of SOQL",
                )
                .help("write a single `=`"));
            }
            return Ok((*operator, span));
        }
        if let Some((_, operator)) = WORDS.iter().find(|(word, _)| self.at_word(word)) {
            return Ok((*operator, self.next()));
        }
        if self.at_words("NOT", "IN") {
            let start = self.next().start;
            let end = self.next().end;
            return Ok((Operator::NotIn, start..end));
        }
        Err(self.no_operator(left))
    }

    fn no_operator(&self, left: &Expression) -> SoqlError {
        let error = self.expected("an operator", &["LIKE", "IN", "INCLUDES", "EXCLUDES"]);
        let name = left.field().map(super::super::ast::FieldPath::dotted);
        let name = name.as_deref().unwrap_or("…");
        let words = |first: &str, second: &str| self.at_words(first, second);
        if self.at_word("IS") {
            let sign = if words("IS", "NOT") { "!=" } else { "=" };
            return error.help(format!("write `{name} {sign} null`"));
        }
        if self.at_word("BETWEEN") {
            return error.help(format!("write `({name} >= … AND {name} <= …)`"));
        }
        if words("NOT", "LIKE") {
            return error.help(format!("write `(NOT {name} LIKE '…')`"));
        }
        if error.help.is_none()
            && (self.peek().kind == Kind::End
                || self.at_word("AND")
                || self.at_word("OR")
                || self.at_sign(")"))
        {
            return error.help(format!("compare it with a value, such as `{name} = true`"));
        }
        error
    }

    fn operand(&mut self, operator: Operator) -> Parsed<Operand> {
        match operator {
            Operator::In | Operator::NotIn => {
                if self.at_sign("(")
                    && self
                        .word_at(1)
                        .is_some_and(|word| word.eq_ignore_ascii_case("SELECT"))
                {
                    return self.nested(Self::semi_join);
                }
                self.values(operator, false).map(Operand::List)
            }
            Operator::Includes | Operator::Excludes => {
                self.values(operator, true).map(Operand::List)
            }
            Operator::Like => self.pattern_literal().map(Operand::Value),
            _ if self.at_sign("(") => Err(self.expected("a value", &[]).help(format!(
                "`{}` takes one value; `IN` takes a list",
                operator.as_str()
            ))),
            _ => self.literal().map(Operand::Value),
        }
    }

    fn semi_join(&mut self) -> Parsed<Operand> {
        self.next();
        let query = self.query()?;
        if !self.at_sign(")") {
            return Err(self.unclosed(&query));
        }
        self.next();
        Ok(Operand::Query(Box::new(query)))
    }
}
