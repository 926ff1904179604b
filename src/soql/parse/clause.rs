//! The clauses of a query, in their order.

use super::super::ast::{
    Count, DataCategory, Effect, EffectKind, FromItem, GroupBy, Name, OrderBy, Query, Subtotals,
    With,
};
use super::super::error::{SoqlError, SoqlErrorKind};
use super::super::token::Kind;
use super::{Parsed, Parser};
use crate::foundation::diagnostic::nearest;

/// Source: SOQL and SOSL Reference, "USING SCOPE".
const SCOPES: [&str; 11] = [
    "allPrivate",
    "delegated",
    "everything",
    "mine",
    "mine_and_my_groups",
    "mineAndMyGroups",
    "my_territory",
    "my_team_territory",
    "queue_owned",
    "scopingRule",
    "team",
];

const CLAUSES: [&str; 11] = [
    "FROM",
    "USING SCOPE",
    "WHERE",
    "WITH",
    "GROUP BY",
    "HAVING",
    "ORDER BY",
    "LIMIT",
    "OFFSET",
    "FOR",
    "UPDATE",
];

const CLAUSE_WORDS: [&str; 10] = [
    "USING", "WHERE", "WITH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "UPDATE",
];

const ORDER_HELP: &str = "write the clauses in this order, each at most once: SELECT, FROM, USING SCOPE, WHERE, WITH, \
     GROUP BY, HAVING, ORDER BY, LIMIT, OFFSET, FOR, UPDATE";

impl Parser<'_> {
    pub(super) fn query(&mut self) -> Parsed<Query> {
        let start = self.expect_word("SELECT")?.start;
        let select = self.list(Self::select_item)?;
        if self.eat_word("FROM").is_none() {
            return Err(self.missing_from(&select));
        }
        let from = self.object_or_children()?;
        let mut more_from = Vec::new();
        while self.eat_sign(",").is_some() {
            more_from.push(self.object_or_children()?);
        }
        let mut query = Query {
            span: start..start,
            select,
            from,
            more_from,
            scope: self.scope()?,
            filter: None,
            with: Vec::new(),
            group_by: None,
            having: None,
            order_by: Vec::new(),
            limit: None,
            offset: None,
            effects: Vec::new(),
        };
        if self.eat_word("WHERE").is_some() {
            query.filter = Some(self.nested(Self::condition)?);
        }
        while self.eat_word("WITH").is_some() {
            query.with.push(self.with()?);
        }
        if self.at_word("GROUP") {
            query.group_by = Some(self.group_by()?);
        }
        if self.eat_word("HAVING").is_some() {
            query.having = Some(self.nested(Self::condition)?);
        }
        if self.eat_word("ORDER").is_some() {
            self.expect_word("BY")?;
            query.order_by = self.list(Self::order_by)?;
        }
        if self.eat_word("LIMIT").is_some() {
            query.limit = Some(self.count("LIMIT")?);
        }
        if self.eat_word("OFFSET").is_some() {
            query.offset = Some(self.count("OFFSET")?);
        }
        query.effects = self.effects()?;
        query.span.end = self.end();
        Ok(query)
    }

    fn missing_from(&self, select: &[super::super::ast::SelectItem]) -> SoqlError {
        use super::super::ast::SelectItem;
        if let Some(SelectItem::Expression {
            alias: Some(alias), ..
        }) = select.last()
            && nearest(&alias.text, ["FROM"]).is_some()
        {
            return misspelt(alias, "FROM");
        }
        self.expected("`,` or `FROM`", &["FROM"])
    }

    fn object_or_children(&mut self) -> Parsed<FromItem> {
        // `Group` and `Order` are objects, so that a reserved word is a name here.
        let mut segments = vec![self.name("the name of an object")?];
        while self.eat_sign(".").is_some() {
            segments.push(self.name("a name behind the dot")?);
        }
        let path = super::super::ast::FieldPath { segments };
        Ok(FromItem {
            path,
            alias: self.alias()?,
        })
    }

    fn scope(&mut self) -> Parsed<Option<Name>> {
        if self.eat_word("USING").is_none() {
            return Ok(None);
        }
        self.expect_word("SCOPE")?;
        let known = self
            .word_at(0)
            .is_some_and(|word| SCOPES.iter().any(|scope| scope.eq_ignore_ascii_case(word)));
        if !known {
            return Err(self.expected("a scope such as `mine`", &SCOPES));
        }
        self.name("a scope").map(Some)
    }

    fn with(&mut self) -> Parsed<With> {
        let mode = ["SECURITY_ENFORCED", "USER_MODE", "SYSTEM_MODE"]
            .into_iter()
            .any(|mode| self.at_word(mode));
        if mode {
            return self.name("a mode").map(With::Mode);
        }
        if self.at_words("DATA", "CATEGORY") {
            self.next();
            self.next();
            let mut filters = vec![self.data_category()?];
            while self.eat_word("AND").is_some() {
                filters.push(self.data_category()?);
            }
            return Ok(With::DataCategories(filters));
        }
        self.nested(Self::condition).map(With::Condition)
    }

    fn data_category(&mut self) -> Parsed<DataCategory> {
        const SELECTORS: [&str; 4] = ["AT", "ABOVE", "BELOW", "ABOVE_OR_BELOW"];
        let group = self.name("a category group")?;
        if !SELECTORS.iter().any(|selector| self.at_word(selector)) {
            return Err(self.expected("`AT`, `ABOVE`, `BELOW` or `ABOVE_OR_BELOW`", &SELECTORS));
        }
        let selector = self.name("a selector")?;
        let categories = if self.eat_sign("(").is_some() {
            let names = self.list(|parser| parser.name("a category"))?;
            self.expect_sign(")")?;
            names
        } else {
            vec![self.name("a category")?]
        };
        Ok(DataCategory {
            group,
            selector,
            categories,
        })
    }

    fn group_by(&mut self) -> Parsed<GroupBy> {
        let start = self.next().start;
        self.expect_word("BY")?;
        let subtotals = match self.word_at(0) {
            Some(word) if self.is_sign(1, "(") && word.eq_ignore_ascii_case("ROLLUP") => {
                Subtotals::Rollup
            }
            Some(word) if self.is_sign(1, "(") && word.eq_ignore_ascii_case("CUBE") => {
                Subtotals::Cube
            }
            _ => Subtotals::None,
        };
        let wrapped = subtotals != Subtotals::None;
        if wrapped {
            self.next();
            self.next();
        }
        let keys = self.list(|parser| parser.expression("a field to group by"))?;
        if wrapped {
            self.expect_sign(")")?;
        }
        Ok(GroupBy {
            keys,
            subtotals,
            span: start..self.end(),
        })
    }

    fn order_by(&mut self) -> Parsed<OrderBy> {
        let expression = self.expression("a field to order by")?;
        let descending = self.eat_word("DESC").is_some();
        if !descending {
            self.eat_word("ASC");
        }
        let mut nulls_first = None;
        if self.eat_word("NULLS").is_some() {
            if self.eat_word("FIRST").is_some() {
                nulls_first = Some(true);
            } else if self.eat_word("LAST").is_some() {
                nulls_first = Some(false);
            } else {
                return Err(self.expected("`FIRST` or `LAST`", &["FIRST", "LAST"]));
            }
        }
        Ok(OrderBy {
            expression,
            descending,
            nulls_first,
        })
    }

    fn count(&mut self, clause: &str) -> Parsed<Count> {
        let token = self.peek().clone();
        let what = format!("a whole number behind `{clause}`");
        if self.at_sign(":") {
            return Err(self.bind());
        }
        let digits = self.slice(&token.span);
        if token.kind != Kind::Number || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(self.expected(&what, &[]));
        }
        let value = digits.parse().map_err(|_| {
            SoqlError::new(
                SoqlErrorKind::OutOfRange,
                token.span.clone(),
                format!("`{digits}` is more rows than a query can have"),
            )
        })?;
        Ok(Count {
            value,
            span: self.next(),
        })
    }

    fn effects(&mut self) -> Parsed<Vec<Effect>> {
        const FOR: [(&str, EffectKind); 3] = [
            ("VIEW", EffectKind::ForView),
            ("REFERENCE", EffectKind::ForReference),
            ("UPDATE", EffectKind::ForUpdate),
        ];
        const UPDATE: [(&str, EffectKind); 2] = [
            ("TRACKING", EffectKind::UpdateTracking),
            ("VIEWSTAT", EffectKind::UpdateViewstat),
        ];
        let mut effects = Vec::new();
        loop {
            let start = self.peek().span.start;
            let choices: &[(&str, EffectKind)] = if self.eat_word("FOR").is_some() {
                &FOR
            } else if self.eat_word("UPDATE").is_some() {
                &UPDATE
            } else {
                return Ok(effects);
            };
            loop {
                let kind = choices.iter().find(|(word, _)| self.at_word(word));
                let Some((_, kind)) = kind else {
                    let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
                    return Err(self.expected(&format!("`{}`", words.join("`, `")), &words));
                };
                let end = self.next().end;
                effects.push(Effect {
                    kind: *kind,
                    span: start..end,
                });
                if self.eat_sign(",").is_none() {
                    break;
                }
            }
        }
    }

    pub(super) fn expect_end_of_query(&self, query: &Query) -> Parsed<()> {
        if self.peek().kind == Kind::End {
            return Ok(());
        }
        Err(self.leftover(query))
    }

    /// The refusal of what stands behind a query's last clause.
    pub(super) fn leftover(&self, query: &Query) -> SoqlError {
        let at_end_of_from = query
            .more_from
            .last()
            .unwrap_or(&query.from)
            .alias
            .as_ref()
            .filter(|alias| alias.span.end == query.span.end);
        if let Some(alias) = at_end_of_from
            && let Some(meant) = nearest(&alias.text, CLAUSE_WORDS)
        {
            return misspelt(alias, meant);
        }
        let span = self.peek().span.clone();
        let error = |message: String| SoqlError::new(SoqlErrorKind::Syntax, span.clone(), message);
        if self.at_words("ALL", "ROWS") {
            return error("`ALL ROWS` is Apex, not SOQL".to_owned())
                .help("deleted rows are read by asking `queryAll`");
        }
        if let Some(clause) = self.clause_ahead() {
            return error(format!("`{clause}` cannot stand here")).help(ORDER_HELP);
        }
        self.expected("the end of the query or a further clause", &CLAUSE_WORDS)
    }

    pub(super) fn expect_end_of_condition(&self) -> Parsed<()> {
        if self.peek().kind == Kind::End {
            return Ok(());
        }
        let span = self.peek().span.clone();
        let error = |message: String| SoqlError::new(SoqlErrorKind::Syntax, span.clone(), message);
        Err(match self.clause_ahead() {
            Some(clause) => error(format!("`{clause}` does not belong in a condition"))
                .help("write only what stands between `WHERE` and the next clause"),
            None if self.at_sign(")") => {
                error("this `)` closes nothing".to_owned()).help("remove it")
            }
            None => self.expected("`AND`, `OR` or the end of the condition", &["AND", "OR"]),
        })
    }

    /// The clause that begins at the token ahead.
    fn clause_ahead(&self) -> Option<&'static str> {
        CLAUSES.into_iter().find(|clause| {
            let first = clause.split(' ').next().unwrap_or(clause);
            self.at_word(first)
        })
    }
}

fn misspelt(name: &Name, meant: &str) -> SoqlError {
    SoqlError::new(
        SoqlErrorKind::Syntax,
        name.span.clone(),
        format!("`{}` is no word of SOQL that can stand here", name.text),
    )
    .help(format!("did you mean `{meant}`?"))
}
