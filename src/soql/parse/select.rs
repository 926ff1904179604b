//! What stands behind `SELECT`: fields, functions, child subqueries, `TYPEOF`, `FIELDS()`.

use super::super::ast::{Call, Expression, FieldSet, Function, SelectItem, TypeOf, TypeOfBranch};
use super::super::error::{SoqlError, SoqlErrorKind};
use super::{Parsed, Parser};
use crate::foundation::diagnostic::nearest;

impl Parser<'_> {
    pub(super) fn select_item(&mut self) -> Parsed<SelectItem> {
        if self.at_sign("(") {
            return self.nested(Self::children);
        }
        if self.at_word("TYPEOF") && !self.is_sign(1, ",") && !self.is_sign(1, ".") {
            return self.type_of();
        }
        if self.at_word("FIELDS") && self.is_sign(1, "(") {
            return self.fields();
        }
        if self.at_word("COUNT") && self.is_sign(1, "(") && self.is_sign(2, ")") {
            let start = self.next().start;
            self.next();
            let end = self.next().end;
            return Ok(SelectItem::CountAll { span: start..end });
        }
        let expression = self.expression("a field")?;
        if self.at_word("FROM") {
            return Ok(SelectItem::Expression {
                expression,
                alias: None,
            });
        }
        Ok(SelectItem::Expression {
            expression,
            alias: self.alias()?,
        })
    }

    fn children(&mut self) -> Parsed<SelectItem> {
        self.expect_sign("(")?;
        let query = self.query()?;
        if !self.at_sign(")") {
            return Err(self.unclosed(&query));
        }
        self.next();
        Ok(SelectItem::Children(Box::new(query)))
    }

    /// The refusal of what stands where a subquery should be closed.
    pub(super) fn unclosed(&self, query: &super::super::ast::Query) -> SoqlError {
        let at_end = self.peek().span.is_empty();
        if at_end {
            return self.expected("`)`", &[]);
        }
        self.leftover(query)
    }

    fn type_of(&mut self) -> Parsed<SelectItem> {
        let start = self.next().start;
        let path = self.path("a polymorphic relationship")?;
        let mut branches = Vec::new();
        while self.eat_word("WHEN").is_some() {
            let object = self.name("the name of an object")?;
            self.expect_word("THEN")?;
            let fields = self.list(|parser| parser.path("a field"))?;
            branches.push(TypeOfBranch { object, fields });
        }
        if branches.is_empty() {
            return Err(self.expected("`WHEN`", &["WHEN"]));
        }
        let otherwise = if self.eat_word("ELSE").is_some() {
            self.list(|parser| parser.path("a field"))?
        } else {
            Vec::new()
        };
        let end = self.expect_word("END")?.end;
        Ok(SelectItem::TypeOf(TypeOf {
            path,
            branches,
            otherwise,
            span: start..end,
        }))
    }

    fn fields(&mut self) -> Parsed<SelectItem> {
        let start = self.next().start;
        self.next();
        let set = match self.word_at(0) {
            Some(word) if word.eq_ignore_ascii_case("ALL") => FieldSet::All,
            Some(word) if word.eq_ignore_ascii_case("STANDARD") => FieldSet::Standard,
            Some(word) if word.eq_ignore_ascii_case("CUSTOM") => FieldSet::Custom,
            _ => {
                let words = ["ALL", "STANDARD", "CUSTOM"];
                return Err(self.expected("`ALL`, `STANDARD` or `CUSTOM`", &words));
            }
        };
        self.next();
        let end = self.expect_sign(")")?.end;
        Ok(SelectItem::Fields {
            set,
            span: start..end,
        })
    }

    /// A field or a function of one; `what` names it in a refusal.
    pub(super) fn expression(&mut self, what: &str) -> Parsed<Expression> {
        match self.word_at(0) {
            Some(word) if self.is_sign(1, "(") => {
                let word = word.to_owned();
                self.nested(|parser| parser.call(&word, what))
                    .map(Expression::Call)
            }
            _ => self.path(what).map(Expression::Field),
        }
    }

    fn call(&mut self, word: &str, what: &str) -> Parsed<Call> {
        let Some(function) = Function::parse(word) else {
            return Err(self.no_function(word, what));
        };
        let start = self.next().start;
        self.expect_sign("(")?;
        let may_be_empty = function == Function::Count;
        let argument = if may_be_empty && self.at_sign(")") {
            None
        } else {
            Some(Box::new(self.expression("a field")?))
        };
        let end = self.expect_sign(")")?.end;
        Ok(Call {
            function,
            argument,
            span: start..end,
        })
    }

    fn no_function(&self, word: &str, what: &str) -> SoqlError {
        let span = self.peek().span.clone();
        if ["DISTANCE", "GEOLOCATION"]
            .iter()
            .any(|name| name.eq_ignore_ascii_case(word))
        {
            return SoqlError::new(
                SoqlErrorKind::Unsupported,
                span,
                format!("`{word}` is not supported here"),
            )
            .help("compare the latitude and longitude fields with numbers");
        }
        if super::is_reserved(word) {
            return self.expected(what, &[]);
        }
        let error = SoqlError::new(
            SoqlErrorKind::Syntax,
            span,
            format!("there is no function `{word}`"),
        );
        match nearest(word, Function::ALL.iter().map(|(name, _)| *name)) {
            Some(meant) => error.help(format!("did you mean `{meant}`?")),
            None => error,
        }
    }
}
