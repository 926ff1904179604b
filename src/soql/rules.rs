//! The rules of the language that grammar alone does not catch and that need no knowledge of an org.

mod aggregate;
mod join;

use std::collections::HashSet;

use super::ast::{Condition, Expression, FieldPath, FieldSet, Function, Query, SelectItem};
use super::error::{SoqlError, SoqlErrorKind};

/// The most relationships in a path from a row to a field of a parent.
///
/// Source: SOQL and SOSL Reference, "Understanding Relationship Query Limitations".
pub(super) const PARENT_LEVELS_MAX: usize = 5;
/// The most different parent relationships of one query. Source: as above.
const PARENT_RELATIONSHIPS_MAX: usize = 55;
/// The most child subqueries of one query. Source: as above.
const CHILD_RELATIONSHIPS_MAX: usize = 20;
/// The most levels of objects a query with child subqueries can name, the root included. Source: as above.
const CHILD_LEVELS_MAX: usize = 5;
/// Source: SOQL and SOSL Reference, "OFFSET".
const OFFSET_MAX: u64 = 2_000;
/// Source: SOQL and SOSL Reference, "SELECT", on `FIELDS()`.
const FIELDS_LIMIT_MAX: u64 = 200;
/// Source: SOQL and SOSL Reference, "ORDER BY".
const ORDER_KEYS_MAX: usize = 32;

type Checked = Result<(), SoqlError>;

pub(super) fn check_query(query: &Query) -> Checked {
    check_level(query, 1)?;
    join::check(query.filter.as_ref(), Some(query))
}

pub(super) fn check_condition(condition: &Condition) -> Checked {
    check_where(condition)?;
    for path in condition.fields() {
        check_path(path, None)?;
    }
    join::check(Some(condition), None)
}

/// One `SELECT` of the root and its child subqueries; `level` counts from 1.
fn check_level(query: &Query, level: usize) -> Checked {
    aggregate::check(query, level > 1)?;
    check_select(query)?;
    check_clauses(query)?;
    let children = query.children();
    if let Some(child) = children.get(CHILD_RELATIONSHIPS_MAX) {
        return Err(SoqlError::rule(
            child.span.clone(),
            format!("a query has at most {CHILD_RELATIONSHIPS_MAX} child subqueries"),
        ));
    }
    for child in children {
        if level == CHILD_LEVELS_MAX {
            return Err(SoqlError::rule(
                child.span.clone(),
                format!("subqueries reach at most {CHILD_LEVELS_MAX} levels of objects"),
            ));
        }
        if !child.more_from.is_empty() {
            return Err(SoqlError::rule(
                child.span.clone(),
                "a subquery names one relationship behind `FROM`",
            ));
        }
        check_level(child, level + 1)?;
        join::check(child.filter.as_ref(), Some(child))?;
    }
    Ok(())
}

fn check_select(query: &Query) -> Checked {
    let mut seen: Vec<&FieldPath> = Vec::new();
    let mut aliases = HashSet::new();
    for item in &query.select {
        match item {
            SelectItem::Expression { expression, alias } => {
                check_functions(expression, None)?;
                if let Expression::Field(path) = expression
                    && alias.is_none()
                {
                    if seen.iter().any(|other| other.same(path)) {
                        return Err(SoqlError::new(
                            SoqlErrorKind::DuplicateField,
                            path.span(),
                            format!("the field `{}` is selected twice", path.dotted()),
                        )
                        .help("remove one of them"));
                    }
                    seen.push(path);
                }
                if let Some(alias) = alias
                    && !aliases.insert(alias.text.to_ascii_lowercase())
                {
                    return Err(SoqlError::rule(
                        alias.span.clone(),
                        format!("the alias `{}` is used twice", alias.text),
                    ));
                }
            }
            SelectItem::Fields { set, span } if *set != FieldSet::Standard => {
                let bounded = query
                    .limit
                    .as_ref()
                    .is_some_and(|limit| limit.value <= FIELDS_LIMIT_MAX);
                if !bounded {
                    return Err(SoqlError::rule(
                        span.clone(),
                        format!("`FIELDS(ALL)` and `FIELDS(CUSTOM)` need a `LIMIT` of at most {FIELDS_LIMIT_MAX}"),
                    )
                    .help(format!("append `LIMIT {FIELDS_LIMIT_MAX}`, or name the fields")));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn check_clauses(query: &Query) -> Checked {
    if let Some(filter) = &query.filter {
        check_where(filter)?;
    }
    if let Some(key) = query.order_by.get(ORDER_KEYS_MAX) {
        return Err(SoqlError::rule(
            key.expression.span(),
            format!("a query is ordered by at most {ORDER_KEYS_MAX} fields"),
        ));
    }
    let keys = query.group_by.iter().flat_map(|group| &group.keys);
    for expression in keys.chain(query.order_by.iter().map(|key| &key.expression)) {
        check_functions(expression, None)?;
    }
    if let Some(offset) = &query.offset
        && offset.value > OFFSET_MAX
    {
        return Err(SoqlError::new(
            SoqlErrorKind::OutOfRange,
            offset.span.clone(),
            format!("`OFFSET` is at most {OFFSET_MAX}"),
        )
        .help("page by a field in order instead: `WHERE Id > '…' ORDER BY Id`"));
    }
    let mut relationships = HashSet::new();
    for path in query.fields() {
        check_path(path, Some(query))?;
        let own = usize::from(is_own_name(&path.segments[0].text, query));
        let names = path.segments[..path.segments.len() - 1].iter().skip(own);
        let prefix: Vec<String> = names.map(|name| name.text.to_ascii_lowercase()).collect();
        relationships.extend((1..=prefix.len()).map(|length| prefix[..length].join(".")));
        if relationships.len() > PARENT_RELATIONSHIPS_MAX {
            return Err(SoqlError::rule(
                path.span(),
                format!("a query reaches at most {PARENT_RELATIONSHIPS_MAX} parent relationships"),
            ));
        }
    }
    Ok(())
}

/// The rules of `WHERE`: no aggregates.
fn check_where(condition: &Condition) -> Checked {
    for comparison in condition.comparisons() {
        if comparison.left.is_aggregate() {
            return Err(SoqlError::rule(
                comparison.left.span(),
                "an aggregate function cannot stand behind `WHERE`",
            )
            .help("filter groups behind `HAVING`"));
        }
        check_functions(&comparison.left, None)?;
    }
    Ok(())
}

/// What may stand in what: `outer` is the function around the expression.
fn check_functions(expression: &Expression, outer: Option<Function>) -> Checked {
    let Expression::Call(call) = expression else {
        return Ok(());
    };
    let allowed = match outer {
        None => call.function != Function::ConvertTimezone,
        Some(Function::Format) => {
            call.function == Function::ConvertCurrency || call.function.is_aggregate()
        }
        Some(outer) if outer.is_date() => call.function == Function::ConvertTimezone,
        Some(Function::ConvertCurrency) => call.function.is_aggregate(),
        Some(Function::Grouping) => call.function.is_date(),
        Some(outer) if outer.is_aggregate() => {
            matches!(call.function, Function::ConvertCurrency | Function::DayOnly)
        }
        Some(_) => false,
    };
    if !allowed {
        let name = call.function.as_str();
        return Err(match outer {
            None => SoqlError::rule(
                call.span.clone(),
                format!("`{name}` stands inside a date function only"),
            )
            .help(format!(
                "write, for example, `HOUR_IN_DAY({name}(CreatedDate))`"
            )),
            Some(outer) => SoqlError::rule(
                call.span.clone(),
                format!("`{name}` cannot stand inside `{}`", outer.as_str()),
            ),
        });
    }
    match &call.argument {
        Some(argument) => check_functions(argument, Some(call.function)),
        None => Ok(()),
    }
}

/// At most five relationships, not counting the object's own name or alias in front.
fn check_path(path: &FieldPath, query: Option<&Query>) -> Checked {
    let own = path.segments.len() > 1
        && query.is_some_and(|query| is_own_name(&path.segments[0].text, query));
    let levels = path.segments.len() - 1 - usize::from(own);
    if levels > PARENT_LEVELS_MAX {
        return Err(SoqlError::rule(
            path.span(),
            format!(
                "`{}` goes over {levels} relationships; {PARENT_LEVELS_MAX} is the most",
                path.dotted()
            ),
        ));
    }
    Ok(())
}

/// Whether a name is the object behind `FROM`, or its alias.
fn is_own_name(name: &str, query: &Query) -> bool {
    let object = query.from.path.segments.last();
    object.is_some_and(|object| object.text.eq_ignore_ascii_case(name))
        || query
            .from
            .alias
            .as_ref()
            .is_some_and(|alias| alias.text.eq_ignore_ascii_case(name))
}
