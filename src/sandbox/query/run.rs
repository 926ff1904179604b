//! From text to answer: parse, resolve, choose an index, filter, order.

use std::sync::Arc;

use jiff::Timestamp;

use super::columns::{self, Projection};
use super::convert::{self, Context, Left};
use super::error::{self, QueryError};
use super::filter::{Filter, Operand, Subject};
use super::group::{self, GroupSet};
use super::order::{self, Key};
use super::resolve::Scope;
use super::scan;
use crate::sandbox::describe::{FieldType, Flag};
use crate::sandbox::ids::RecordId;
use crate::sandbox::org::Org;
use crate::sandbox::table::{Row, RowNumber};
use crate::sandbox::user::User;
use crate::soql::ast::{Call, Condition, Count, EffectKind, Expression, Function, Query, With};
use crate::soql::parse;

/// How a query is asked.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// `queryAll`: rows in the recycle bin count too.
    pub include_deleted: bool,
    /// The org's time of day, for date literals.
    pub now: Timestamp,
}

/// What a query found. `output` writes it.
#[derive(Debug)]
pub enum Answer {
    /// `SELECT COUNT()`: how many rows.
    Count(u64),
    /// Rows, to be written page by page.
    Rows(Arc<RowSet>),
    /// Groups.
    Groups(GroupSet),
}

/// The rows a query found, in order, and what to show of them.
///
/// Holds row numbers only: a row that is gone for good by the time its page is written is left out of the page.
#[derive(Debug)]
pub struct RowSet {
    /// What to show.
    pub projection: Arc<Projection>,
    /// Which rows of the projection's object.
    pub rows: Vec<RowNumber>,
}

/// Answers a query as a user sees the org.
///
/// # Errors
/// What Salesforce refuses, with its `errorCode` and a message that shows the place.
pub fn execute(org: &Org, user: &User, text: &str, options: Options) -> Result<Answer, QueryError> {
    let query = parse::query(text).map_err(|error| error::of_soql(text, &error))?;
    let scope = Scope::root(org, user, text, &query)?;
    check_clauses(&scope, &query)?;
    if query.is_count() {
        return count(&scope, &query, options).map(Answer::Count);
    }
    if query.is_aggregate() {
        return group::execute(&scope, &query, options).map(Answer::Groups);
    }
    let projection = Arc::new(columns::compile(&scope, &query.select, options)?);
    let filter = compile_filter(&scope, &query, options)?;
    let order = compile_order(&scope, &query)?;
    let rows = select(&scope, filter.as_ref(), &order, &query, options);
    Ok(Answer::Rows(Arc::new(RowSet { projection, rows })))
}

fn number(count: Option<&Count>) -> Option<usize> {
    count.map(|count| usize::try_from(count.value).unwrap_or(usize::MAX))
}

/// Refuses clauses that need what the sandbox's org does not have.
fn check_clauses(scope: &Scope<'_>, query: &Query) -> Result<(), QueryError> {
    for with in &query.with {
        let span = match with {
            With::Mode(_) => continue,
            With::DataCategories(filters) => {
                filters.first().map(|filter| filter.group.span.clone())
            }
            With::Condition(condition) => condition
                .comparisons()
                .first()
                .map(|first| first.span.clone()),
        };
        return Err(error::at(
            scope.text,
            span.map_or(0, |span| span.start),
            "MALFORMED_QUERY",
            "WITH filtering is not supported on this object",
        ));
    }
    let tracked = |kind| {
        matches!(
            kind,
            EffectKind::UpdateTracking | EffectKind::UpdateViewstat
        )
    };
    if let Some(effect) = query.effects.iter().find(|effect| tracked(effect.kind)) {
        return Err(error::at(
            scope.text,
            effect.span.start,
            "MALFORMED_QUERY",
            format!(
                "UPDATE is not supported on object {}",
                scope.table.object().name
            ),
        ));
    }
    match &query.scope {
        Some(name)
            if !["everything", "mine"].contains(&name.text.to_ascii_lowercase().as_str()) =>
        {
            Err(error::at(
                scope.text,
                name.span.start,
                "MALFORMED_QUERY",
                format!(
                    "Scope '{}' is not supported on object {}",
                    name.text,
                    scope.table.object().name
                ),
            ))
        }
        _ => Ok(()),
    }
}

fn count(scope: &Scope<'_>, query: &Query, options: Options) -> Result<u64, QueryError> {
    let filter = compile_filter(scope, query, options)?;
    let table = scope.table;
    let mut found = 0;
    match &filter {
        filter if !scope.user.sees_all(table.object()) => {
            each_match(scope, filter.as_ref(), options, |_| found += 1);
        }
        None if options.include_deleted => found = table.stored() as u64,
        None => found = table.live() as u64,
        Some(filter) => match scan::count_stamps(table, filter, options.include_deleted) {
            Some(count) => found = count,
            None => each_match(scope, Some(filter), options, |_| found += 1),
        },
    }
    let found = found.saturating_sub(query.offset.as_ref().map_or(0, |offset| offset.value));
    Ok(query
        .limit
        .as_ref()
        .map_or(found, |limit| found.min(limit.value)))
}

/// Calls `visit` with every row that passes, in no particular order.
pub(super) fn each_match(
    scope: &Scope<'_>,
    filter: Option<&Filter>,
    options: Options,
    mut visit: impl FnMut(&Row),
) {
    let table = scope.table;
    scan::choose(table, filter, scan::Sequence::Any).each(|number| {
        if let Some(row) = table.row(number)
            && passes(scope, row, filter, options.include_deleted)
        {
            visit(row);
        }
        true
    });
}

fn passes(scope: &Scope<'_>, row: &Row, filter: Option<&Filter>, include_deleted: bool) -> bool {
    (include_deleted || !row.deleted)
        && scope.user.record(scope.table.object(), row).read
        && filter.is_none_or(|filter| filter.holds(scope.org, Subject::Row(row)))
}

/// The rows of a query, in order, cut to its OFFSET and LIMIT.
fn select(
    scope: &Scope<'_>,
    filter: Option<&Filter>,
    order: &[Key],
    query: &Query,
    options: Options,
) -> Vec<RowNumber> {
    let (table, org) = (scope.table, scope.org);
    let offset = number(query.offset.as_ref()).unwrap_or(0);
    let limit = number(query.limit.as_ref());
    let needed = limit.map(|limit| limit.saturating_add(offset));
    if needed == Some(0) {
        return Vec::new();
    }
    let scan = scan::choose(table, filter, order::sequence(order, table));
    let stop_early = needed.filter(|_| scan.in_sequence);
    let sorted = scan.in_sequence || order.is_empty();
    let mut rows = Vec::new();
    scan.each(|number| {
        if let Some(row) = table.row(number)
            && passes(scope, row, filter, options.include_deleted)
        {
            rows.push(number);
        }
        Some(rows.len()) != stop_early
    });
    if !sorted {
        let keyed = rows.iter().filter_map(|&number| {
            let row = table.row(number)?;
            Some((order::values(order, org, Subject::Row(row)), number))
        });
        let mut keyed: Vec<_> = keyed.collect();
        order::sort(order, &mut keyed, needed);
        rows = keyed.into_iter().map(|(_, number)| number).collect();
    }
    rows.drain(..offset.min(rows.len()));
    rows.truncate(limit.unwrap_or(usize::MAX));
    rows
}

/// The WHERE of a query, its scope included.
pub(super) fn compile_filter(
    scope: &Scope<'_>,
    query: &Query,
    options: Options,
) -> Result<Option<Filter>, QueryError> {
    let mut context = Where { scope, options };
    let filter = match &query.filter {
        Some(condition) => Some(convert::condition(&mut context, condition)?),
        None => None,
    };
    let mine = query
        .scope
        .as_ref()
        .is_some_and(|name| name.text.eq_ignore_ascii_case("mine"));
    if !mine {
        return Ok(filter);
    }
    let owner = format!("OwnerId = '{}'", scope.user.id);
    let condition: Condition =
        parse::condition(&owner).map_err(|error| error::of_soql(&owner, &error))?;
    let mine = convert::condition(&mut context, &condition)?;
    Ok(Some(Filter::And(
        filter.into_iter().chain([mine]).collect(),
    )))
}

/// The ORDER BY of a query that does not group.
pub(super) fn compile_order(scope: &Scope<'_>, query: &Query) -> Result<Vec<Key>, QueryError> {
    let keys = query.order_by.iter().map(|by| {
        let Some(path) = by.expression.field() else {
            return Err(error::plain("MALFORMED_QUERY", "a function has no field"));
        };
        let resolved = scope.field(path)?;
        if !resolved.is(Flag::Sortable) {
            return Err(error::at(
                scope.text,
                path.span().start,
                "MALFORMED_QUERY",
                format!(
                    "field '{}' can not be sorted in a query call",
                    resolved.name()
                ),
            ));
        }
        let ranks = match resolved.field() {
            Some(field) if field.kind == FieldType::Picklist => field
                .picklist
                .iter()
                .map(|value| super::compare::fold(&value.value))
                .collect(),
            _ => Vec::new(),
        };
        Ok(Key {
            operand: left(scope, &by.expression)?.operand,
            descending: by.descending,
            nulls_first: by
                .nulls_first
                .unwrap_or(Key::nulls_first_by_default(by.descending)),
            ranks,
        })
    });
    keys.collect()
}

/// What an expression reads of a row.
pub(super) fn left(scope: &Scope<'_>, expression: &Expression) -> Result<Left, QueryError> {
    match expression {
        Expression::Field(path) => {
            let resolved = scope.field(path)?;
            Ok(Left {
                kind: resolved.kind(),
                name: resolved.name().to_owned(),
                exact: resolved
                    .field()
                    .is_some_and(|field| field.is(Flag::CaseSensitive)),
                filterable: resolved.is(Flag::Filterable),
                operand: Operand::Path(resolved.node),
            })
        }
        Expression::Call(call) => left_of_call(scope, call),
    }
}

fn left_of_call(scope: &Scope<'_>, call: &Call) -> Result<Left, QueryError> {
    let Some(argument) = call.argument.as_deref() else {
        return Err(error::at(
            scope.text,
            call.span.start,
            "MALFORMED_QUERY",
            "a function has no field",
        ));
    };
    let inner = left(scope, argument)?;
    if !call.function.is_date() {
        // Labels are the values themselves, the org has one currency, and its time zone is UTC.
        return Ok(inner);
    }
    let fits = match call.function {
        Function::HourInDay | Function::DayOnly => inner.kind == FieldType::DateTime,
        _ => matches!(inner.kind, FieldType::Date | FieldType::DateTime),
    };
    if !fits {
        return Err(error::at(
            scope.text,
            call.span.start,
            "MALFORMED_QUERY",
            format!(
                "field {} does not support date function {}",
                inner.name,
                call.function.as_str()
            ),
        ));
    }
    let day_only = call.function == Function::DayOnly;
    Ok(Left {
        operand: Operand::Part(call.function, Box::new(inner.operand)),
        kind: if day_only {
            FieldType::Date
        } else {
            FieldType::Int
        },
        ..inner
    })
}

/// What names mean behind WHERE.
struct Where<'s, 'a> {
    scope: &'s Scope<'a>,
    options: Options,
}

impl Context for Where<'_, '_> {
    fn left(&mut self, expression: &Expression) -> Result<Left, QueryError> {
        left(self.scope, expression)
    }

    fn ids(&mut self, query: &Query) -> Result<Vec<RecordId>, QueryError> {
        let (org, user, text) = (self.scope.org, self.scope.user, self.scope.text);
        let inner = Scope::root(org, user, text, query)?;
        let path = query.fields().into_iter().next();
        let Some(path) = path else {
            return Err(error::plain(
                "MALFORMED_QUERY",
                "a semi join selects one field",
            ));
        };
        let resolved = inner.field(path)?;
        if !matches!(resolved.kind(), FieldType::Id | FieldType::Reference) {
            return Err(error::at(
                text,
                path.span().start,
                "MALFORMED_QUERY",
                format!(
                    "The selected field '{}' in the subquery and the left operand field in the where expression in \
                     the outer query should point to the same object type",
                    resolved.name()
                ),
            ));
        }
        let filter = compile_filter(&inner, query, self.options)?;
        let mut ids = Vec::new();
        each_match(&inner, filter.as_ref(), self.options, |row| {
            ids.extend(resolved.node.get(org, row).as_id());
        });
        Ok(ids)
    }

    fn text(&self) -> &str {
        self.scope.text
    }

    fn now(&self) -> Timestamp {
        self.options.now
    }
}
