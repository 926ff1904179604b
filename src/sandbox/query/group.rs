//! GROUP BY, aggregates, HAVING, ROLLUP and CUBE.

use jiff::Timestamp;

use super::columns;
use super::convert::{self, Context, Left};
use super::error::{self, QueryError};
use super::filter::{Operand, Subject};
use super::order::{self, Key};
use super::resolve::Scope;
use super::run::{self, Options};
use super::totals::{Groups, Made};
use crate::sandbox::describe::{FieldType, Flag};
use crate::sandbox::ids::RecordId;
use crate::sandbox::org::Org;
use crate::sandbox::value::Value;
use crate::soql::ast::{Expression, FieldPath, Function, Query, SelectItem, Subtotals};

/// The rows of a query that groups or aggregates.
#[derive(Debug)]
pub struct GroupSet {
    /// Name and type of each column.
    pub columns: Vec<(String, FieldType)>,
    /// The groups, each with one value a column.
    pub rows: Vec<Vec<Value>>,
}

/// The most groups an answer can have: it cannot be continued with a locator.
///
/// Source: SOQL and SOSL Reference, "GROUP BY", on query results and `queryMore()`.
const GROUPS_MAX: usize = 2_000;

#[derive(Debug)]
struct Column {
    expression: Expression,
    alias: Option<String>,
    made: Made,
    kind: FieldType,
}

/// The columns of a grouped query: those that are selected first, then those that HAVING and ORDER BY need.
struct Columns<'s, 'a> {
    scope: &'s Scope<'a>,
    keys: &'s [Expression],
    list: Vec<Column>,
    now: Timestamp,
}

/// Answers a query that groups or aggregates.
pub(super) fn execute(
    scope: &Scope<'_>,
    query: &Query,
    options: Options,
) -> Result<GroupSet, QueryError> {
    let (keys, subtotals) = match &query.group_by {
        Some(group) => (group.keys.as_slice(), group.subtotals),
        None => (&[][..], Subtotals::None),
    };
    let mut columns = Columns {
        scope,
        keys,
        list: Vec::new(),
        now: options.now,
    };
    let operands = keys.iter().map(|key| columns.key_operand(key));
    let operands = operands.collect::<Result<Vec<Operand>, QueryError>>()?;
    let names = columns.select(query)?;
    let having = match &query.having {
        Some(having) => Some(convert::condition(&mut columns, having)?),
        None => None,
    };
    let order = columns.order(query)?;
    let filter = run::compile_filter(scope, query, options)?;
    let made = columns.list.into_iter().map(|column| column.made).collect();
    let mut groups = Groups::new(operands, made, subtotals);
    run::each_match(scope, filter.as_ref(), options, |row| {
        groups.take(scope.org, Subject::Row(row));
    });
    let mut rows = groups.finish();
    if let Some(having) = having {
        rows.retain(|row| having.holds(scope.org, Subject::Group(row)));
    }
    let rows = cut(scope.org, query, &order, rows, names.len());
    if rows.len() > GROUPS_MAX {
        return Err(error::plain(
            "EXCEEDED_ID_LIMIT",
            "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch",
        ));
    }
    Ok(GroupSet {
        columns: names,
        rows,
    })
}

/// Orders the groups, applies OFFSET and LIMIT, and keeps the first `width` columns: those that are selected.
fn cut(
    org: &Org,
    query: &Query,
    order: &[Key],
    mut rows: Vec<Vec<Value>>,
    width: usize,
) -> Vec<Vec<Value>> {
    let keyed = rows.iter().enumerate();
    let mut keyed: Vec<(Vec<Value>, usize)> = keyed
        .map(|(at, row)| (order::values(order, org, Subject::Group(row)), at))
        .collect();
    order::sort(order, &mut keyed, None);
    let skipped = query.offset.as_ref().map_or(0, |offset| offset.value);
    let limit = query.limit.as_ref().map_or(u64::MAX, |limit| limit.value);
    let as_size = |number| usize::try_from(number).unwrap_or(usize::MAX);
    let chosen = keyed
        .into_iter()
        .skip(as_size(skipped))
        .take(as_size(limit));
    chosen
        .map(|(_, at)| {
            let mut row = std::mem::take(&mut rows[at]);
            row.truncate(width);
            row
        })
        .collect()
}

impl Columns<'_, '_> {
    /// Adds what is selected; returns name and type of each column.
    fn select(&mut self, query: &Query) -> Result<Vec<(String, FieldType)>, QueryError> {
        let mut names = Vec::new();
        let mut unnamed = 0;
        for item in &query.select {
            let SelectItem::Expression { expression, alias } = item else {
                continue;
            };
            let name = match (alias, expression) {
                (Some(alias), _) => alias.text.clone(),
                (None, Expression::Field(path)) => self.scope.field(path)?.name().to_owned(),
                (None, Expression::Call(_)) => {
                    unnamed += 1;
                    format!("expr{}", unnamed - 1)
                }
            };
            let at = self.add(expression, alias.as_ref().map(|alias| alias.text.clone()))?;
            names.push((name, self.list[at].kind));
        }
        if let Some(name) = columns::repeated(names.iter().map(|(name, _)| name.as_str())) {
            return Err(error::plain(
                "MALFORMED_QUERY",
                format!("duplicate alias: {name}"),
            ));
        }
        Ok(names)
    }

    /// The operand of a key of GROUP BY.
    fn key_operand(&self, key: &Expression) -> Result<Operand, QueryError> {
        if let Expression::Field(path) = key {
            let resolved = self.scope.field(path)?;
            if !resolved.is(Flag::Groupable) {
                return Err(error::at(
                    self.scope.text,
                    path.span().start,
                    "MALFORMED_QUERY",
                    format!(
                        "field '{}' can not be grouped in a query call",
                        resolved.name()
                    ),
                ));
            }
        }
        Ok(run::left(self.scope, key)?.operand)
    }

    /// The number of a column, which is added where no equal one is there.
    fn add(&mut self, expression: &Expression, alias: Option<String>) -> Result<usize, QueryError> {
        let (made, kind) = self.make(expression)?;
        self.list.push(Column {
            expression: expression.clone(),
            alias,
            made,
            kind,
        });
        Ok(self.list.len() - 1)
    }

    fn find(&mut self, expression: &Expression) -> Result<usize, QueryError> {
        let by_alias = |column: &Column| match (expression, &column.alias) {
            (Expression::Field(path), Some(alias)) => {
                path.segments.len() == 1 && path.segments[0].text.eq_ignore_ascii_case(alias)
            }
            _ => false,
        };
        let found = self
            .list
            .iter()
            .position(|column| by_alias(column) || column.expression.same(expression));
        match found {
            Some(at) => Ok(at),
            None => self.add(expression, None),
        }
    }

    fn make(&self, expression: &Expression) -> Result<(Made, FieldType), QueryError> {
        let key = |expression: &Expression| self.keys.iter().position(|key| key.same(expression));
        if let Some(at) = key(expression) {
            return Ok((Made::Key(at), run::left(self.scope, expression)?.kind));
        }
        let Expression::Call(call) = expression else {
            return Err(error::at(
                self.scope.text,
                expression.span().start,
                "MALFORMED_QUERY",
                "Field must be grouped or aggregated",
            ));
        };
        let argument = call.argument.as_deref();
        if call.function == Function::Grouping {
            let at = argument.and_then(key).unwrap_or(0);
            return Ok((Made::Grouping(at), FieldType::Int));
        }
        if !call.function.is_aggregate() {
            // toLabel, FORMAT and convertCurrency show what is inside them.
            return match argument {
                Some(inner) => self.make(inner),
                None => Err(error::plain("MALFORMED_QUERY", "a function has no field")),
            };
        }
        let Some(argument) = argument else {
            return Ok((Made::Aggregate(Function::Count, None), FieldType::Int));
        };
        let left = run::left(self.scope, argument)?;
        if !aggregates(call.function, left.kind) {
            return Err(error::at(
                self.scope.text,
                call.span.start,
                "MALFORMED_QUERY",
                format!(
                    "field {} does not support aggregate operator {}",
                    left.name,
                    call.function.as_str()
                ),
            ));
        }
        let kind = match call.function {
            Function::Count | Function::CountDistinct => FieldType::Int,
            Function::Avg => FieldType::Double,
            _ => left.kind,
        };
        Ok((Made::Aggregate(call.function, Some(left.operand)), kind))
    }

    /// The keys of ORDER BY; without one, groups stand in the order of their keys.
    fn order(&mut self, query: &Query) -> Result<Vec<Key>, QueryError> {
        let key = |at, descending: bool, nulls_first: Option<bool>| Key {
            operand: Operand::Column(at),
            descending,
            nulls_first: nulls_first.unwrap_or(Key::nulls_first_by_default(descending)),
            ranks: Vec::new(),
        };
        if query.order_by.is_empty() {
            let keys = self.keys;
            let found = keys.iter().map(|expression| self.find(expression));
            let found = found.collect::<Result<Vec<usize>, QueryError>>()?;
            return Ok(found.into_iter().map(|at| key(at, false, None)).collect());
        }
        let by = query.order_by.iter();
        by.map(|by| {
            Ok(key(
                self.find(&by.expression)?,
                by.descending,
                by.nulls_first,
            ))
        })
        .collect()
    }
}

/// Whether an aggregate function applies to a type.
///
/// Source: SOQL and SOSL Reference, "Support for Field Types in Aggregate Functions".
fn aggregates(function: Function, kind: FieldType) -> bool {
    match function {
        Function::Sum | Function::Avg => kind.is_number(),
        Function::Min | Function::Max => !matches!(
            kind,
            FieldType::Boolean | FieldType::MultiPicklist | FieldType::Address
        ),
        _ => kind != FieldType::Address,
    }
}

impl Context for Columns<'_, '_> {
    fn left(&mut self, expression: &Expression) -> Result<Left, QueryError> {
        let at = self.find(expression)?;
        let name = expression
            .field()
            .map_or_else(String::new, FieldPath::dotted);
        Ok(Left {
            operand: Operand::Column(at),
            kind: self.list[at].kind,
            name,
            exact: false,
            filterable: true,
        })
    }

    fn ids(&mut self, query: &Query) -> Result<Vec<RecordId>, QueryError> {
        Err(error::at(
            self.scope.text,
            query.span.start,
            "MALFORMED_QUERY",
            "semi join sub-selects are not allowed in a HAVING clause",
        ))
    }

    fn text(&self) -> &str {
        self.scope.text
    }

    fn now(&self) -> Timestamp {
        self.now
    }
}
