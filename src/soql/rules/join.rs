//! The rules of semi-joins and anti-joins.
//!
//! Source: SOQL and SOSL Reference, "Comparison Operators", on semi-joins and anti-joins.

use super::super::ast::{Comparison, Condition, Expression, Operand, Query, SelectItem};
use super::super::error::SoqlError;
use super::{Checked, check_clauses, is_own_name};

/// The most semi-joins and anti-joins in one WHERE.
const JOINS_MAX: usize = 2;

/// Checks every join of a WHERE; `outer` is its query, where there is one.
pub(super) fn check(filter: Option<&Condition>, outer: Option<&Query>) -> Checked {
    let Some(filter) = filter else { return Ok(()) };
    if let Some(third) = filter.subqueries().get(JOINS_MAX) {
        return Err(SoqlError::rule(
            third.span.clone(),
            format!("a condition has at most {JOINS_MAX} semi-joins and anti-joins"),
        ));
    }
    walk(filter, outer, None)
}

/// `inside` names the operator around the condition that a join cannot stand in.
fn walk(condition: &Condition, outer: Option<&Query>, inside: Option<&str>) -> Checked {
    match condition {
        Condition::And(parts) => parts.iter().try_for_each(|part| walk(part, outer, inside)),
        Condition::Or(parts) => parts
            .iter()
            .try_for_each(|part| walk(part, outer, Some("OR"))),
        Condition::Not(part) => walk(part, outer, Some("NOT")),
        Condition::Compare(comparison) => match &comparison.right {
            Operand::Query(inner) => check_join(comparison, inner, outer, inside),
            _ => Ok(()),
        },
    }
}

fn check_join(
    comparison: &Comparison,
    inner: &Query,
    outer: Option<&Query>,
    inside: Option<&str>,
) -> Checked {
    if let Some(operator) = inside {
        return Err(SoqlError::rule(
            inner.span.clone(),
            format!("a semi-join cannot stand inside `{operator}`"),
        )
        .help("join it with `AND`, or ask in two queries"));
    }
    let dots = |path: &super::super::ast::FieldPath, query: Option<&Query>| {
        let own = query.is_some_and(|query| is_own_name(&path.segments[0].text, query));
        path.segments.len() - usize::from(own && path.segments.len() > 1) > 1
    };
    match &comparison.left {
        Expression::Field(path) if !dots(path, outer) => {}
        other => {
            return Err(SoqlError::rule(
                other.span(),
                "the left side of a semi-join is an Id or reference field of the object itself",
            ));
        }
    }
    match inner.select.as_slice() {
        [
            SelectItem::Expression {
                expression: Expression::Field(path),
                alias: None,
            },
        ] if !dots(path, Some(inner)) => {}
        _ => {
            return Err(SoqlError::rule(
                inner.span.clone(),
                "a semi-join selects exactly one Id or reference field of its object",
            ));
        }
    }
    let same_object = outer.is_some_and(|outer| {
        inner.from.path.same(&outer.from.path) && inner.from.path.segments.len() == 1
    });
    if same_object {
        return Err(SoqlError::rule(
            inner.from.path.span(),
            "a semi-join cannot select from the object of the outer query",
        )
        .help("go over the relationship instead: `Parent.Name = '…'`"));
    }
    check_inner_clauses(inner)
}

fn check_inner_clauses(inner: &Query) -> Checked {
    let first_order = inner.order_by.first().map(|key| key.expression.span());
    let refused = [
        (
            "GROUP BY",
            inner.group_by.as_ref().map(|group| group.span.clone()),
        ),
        ("HAVING", inner.having.as_ref().map(|_| inner.span.clone())),
        ("ORDER BY", first_order),
        (
            "LIMIT",
            inner.limit.as_ref().map(|limit| limit.span.clone()),
        ),
        (
            "OFFSET",
            inner.offset.as_ref().map(|offset| offset.span.clone()),
        ),
        (
            "FOR",
            inner.effects.first().map(|effect| effect.span.clone()),
        ),
    ];
    for (clause, span) in refused {
        if let Some(span) = span {
            return Err(
                SoqlError::rule(span, format!("`{clause}` cannot stand in a semi-join"))
                    .help("remove it"),
            );
        }
    }
    if let Some(nested) = inner.filter.iter().flat_map(Condition::subqueries).next() {
        return Err(SoqlError::rule(
            nested.span.clone(),
            "a semi-join cannot hold another",
        ));
    }
    check_clauses(inner)
}
