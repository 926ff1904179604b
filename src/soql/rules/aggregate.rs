//! The rules of grouping: what may be selected, filtered and ordered beside aggregates.
//!
//! Source: SOQL and SOSL Reference, "GROUP BY", "HAVING", "Aggregate Functions", "LIMIT".

use super::super::ast::{Condition, Expression, Function, Query, SelectItem, Subtotals};
use super::super::error::{SoqlError, SoqlErrorKind};
use super::Checked;

/// The most keys of `ROLLUP` and `CUBE`. Source: SOQL and SOSL Reference, "GROUP BY ROLLUP".
const SUBTOTAL_KEYS_MAX: usize = 3;

pub(super) fn check(query: &Query, is_child: bool) -> Checked {
    check_count(query)?;
    let by_date = query.select.iter().find_map(|item| match item {
        SelectItem::Expression {
            expression: Expression::Call(call),
            ..
        } if call.function.is_date() => Some(call.span.clone()),
        _ => None,
    });
    if !query.is_aggregate() && !query.is_count() {
        if let Some(having) = &query.having {
            return Err(no_group_by(query, having));
        }
        if let Some(span) = by_date {
            return Err(
                SoqlError::rule(span, "a date function is selected without `GROUP BY`")
                    .help("group by the same function, or select the field itself"),
            );
        }
        return check_plain(query);
    }
    if is_child {
        return Err(
            SoqlError::rule(query.span.clone(), "a subquery cannot group or aggregate")
                .help("aggregate in a query of its own"),
        );
    }
    check_grouped(query)
}

/// `COUNT()` stands alone, without GROUP BY, HAVING and ORDER BY.
fn check_count(query: &Query) -> Checked {
    let count = query.select.iter().find_map(|item| match item {
        SelectItem::CountAll { span } => Some(span),
        _ => None,
    });
    let Some(span) = count else { return Ok(()) };
    if query.select.len() > 1 {
        return Err(SoqlError::rule(
            span.clone(),
            "`COUNT()` must be the only thing that is selected",
        )
        .help("write `COUNT(Id)` beside other columns"));
    }
    if let Some(group) = &query.group_by {
        return Err(
            SoqlError::rule(group.span.clone(), "`COUNT()` cannot be grouped")
                .help("write `COUNT(Id)`"),
        );
    }
    if let Some(key) = query.order_by.first() {
        return Err(
            SoqlError::rule(key.expression.span(), "`COUNT()` cannot be ordered")
                .help("remove the `ORDER BY`"),
        );
    }
    Ok(())
}

/// Without grouping: no aliases on fields, no aggregates in the order.
fn check_plain(query: &Query) -> Checked {
    for item in &query.select {
        if let SelectItem::Expression {
            expression: Expression::Field(_),
            alias: Some(alias),
        } = item
        {
            return Err(SoqlError::new(
                SoqlErrorKind::Alias,
                alias.span.clone(),
                format!(
                    "a field takes an alias only where rows are grouped: `{}`",
                    alias.text
                ),
            )
            .help("separate fields by commas"));
        }
    }
    for key in &query.order_by {
        if key.expression.is_aggregate() {
            return Err(SoqlError::rule(
                key.expression.span(),
                "rows that are not grouped cannot be ordered by an aggregate",
            ));
        }
    }
    Ok(())
}

fn check_grouped(query: &Query) -> Checked {
    let (keys, subtotals) = match &query.group_by {
        Some(group) => (group.keys.as_slice(), group.subtotals),
        None => (&[][..], Subtotals::None),
    };
    check_keys(keys, subtotals)?;
    for item in &query.select {
        check_item(item, keys, subtotals)?;
    }
    if query.group_by.is_none() {
        check_ungrouped(query)?;
    }
    let is_alias = |expression: &Expression| {
        let Expression::Field(path) = expression else {
            return false;
        };
        path.segments.len() == 1
            && query.select.iter().any(|item| match item {
                SelectItem::Expression {
                    alias: Some(alias), ..
                } => alias.text.eq_ignore_ascii_case(&path.segments[0].text),
                _ => false,
            })
    };
    let ordered = query.order_by.iter().map(|key| &key.expression);
    let having = query.having.iter().flat_map(Condition::comparisons);
    for expression in ordered.chain(having.map(|comparison| &comparison.left)) {
        if !is_alias(expression) {
            check_column(expression, keys, subtotals)?;
        }
    }
    Ok(())
}

fn check_keys(keys: &[Expression], subtotals: Subtotals) -> Checked {
    for key in keys {
        let plain = match key {
            Expression::Field(_) => true,
            Expression::Call(call) => call.function.is_date(),
        };
        if !plain {
            return Err(SoqlError::rule(
                key.span(),
                "rows are grouped by fields and date functions only",
            ));
        }
    }
    match keys.get(SUBTOTAL_KEYS_MAX) {
        Some(key) if subtotals != Subtotals::None => Err(SoqlError::rule(
            key.span(),
            format!("`ROLLUP` and `CUBE` take at most {SUBTOTAL_KEYS_MAX} fields"),
        )),
        _ => Ok(()),
    }
}

fn check_item(item: &SelectItem, keys: &[Expression], subtotals: Subtotals) -> Checked {
    let (span, message) = match item {
        SelectItem::Expression { expression, .. } => {
            return check_column(expression, keys, subtotals);
        }
        SelectItem::CountAll { .. } => return Ok(()),
        SelectItem::Fields { span, .. } => (span, "`FIELDS()` cannot be grouped"),
        SelectItem::Children(child) => (&child.span, "a query that groups has no child subqueries"),
        SelectItem::TypeOf(type_of) => (&type_of.span, "`TYPEOF` cannot be grouped"),
    };
    Err(SoqlError::rule(span.clone(), message))
}

/// Aggregates without a GROUP BY make one row: nothing to bound, nothing to choose from.
fn check_ungrouped(query: &Query) -> Checked {
    if let Some(having) = &query.having {
        return Err(no_group_by(query, having));
    }
    match &query.limit {
        Some(limit) if !query.is_count() => Err(SoqlError::rule(
            limit.span.clone(),
            "`LIMIT` cannot bound an aggregate that is not grouped",
        )
        .help("remove the `LIMIT`: the answer is one row")),
        _ => Ok(()),
    }
}

fn no_group_by(query: &Query, having: &Condition) -> SoqlError {
    let comparisons = having.comparisons();
    let first = comparisons.first().map(|first| first.span.clone());
    SoqlError::rule(
        first.unwrap_or_else(|| query.span.clone()),
        "`HAVING` needs a `GROUP BY`",
    )
    .help("filter rows behind `WHERE`")
}

/// A column of a grouped query is a key, or an aggregate.
fn check_column(expression: &Expression, keys: &[Expression], subtotals: Subtotals) -> Checked {
    if let Expression::Call(call) = expression
        && call.function == Function::Grouping
    {
        let of_key = call
            .argument
            .as_ref()
            .is_some_and(|field| keys.iter().any(|key| key.same(field)));
        return if subtotals != Subtotals::None && of_key {
            Ok(())
        } else {
            Err(SoqlError::rule(
                call.span.clone(),
                "`GROUPING` takes a field of the query's `ROLLUP` or `CUBE`",
            ))
        };
    }
    let wrapped_key = |call: &super::super::ast::Call| {
        matches!(
            call.function,
            Function::Format | Function::ToLabel | Function::ConvertCurrency
        ) && call
            .argument
            .as_ref()
            .is_some_and(|inner| keys.iter().any(|key| key.same(inner)))
    };
    let is_key = keys.iter().any(|key| key.same(expression))
        || matches!(expression, Expression::Call(call) if wrapped_key(call));
    if expression.is_aggregate() || is_key {
        return Ok(());
    }
    let name = expression
        .field()
        .map_or_else(String::new, super::super::ast::FieldPath::dotted);
    Err(SoqlError::new(
        SoqlErrorKind::Ungrouped,
        expression.span(),
        format!("`{name}` is neither grouped nor aggregated"),
    )
    .help("add it to the `GROUP BY`, or put it in a function such as `MAX`"))
}
