//! Walks over conditions: the fields, subqueries and values they use.

use super::ast::{
    Comparison, Condition, Expression, FieldPath, Literal, Operand, Query, SelectItem, Value,
};

impl Condition {
    /// Every comparison, from left to right; those of semi-joins stay inside.
    pub fn comparisons(&self) -> Vec<&Comparison> {
        let mut found = Vec::new();
        self.collect(&mut found);
        found
    }

    fn collect<'a>(&'a self, found: &mut Vec<&'a Comparison>) {
        match self {
            Condition::And(parts) | Condition::Or(parts) => {
                for part in parts {
                    part.collect(found);
                }
            }
            Condition::Not(part) => part.collect(found),
            Condition::Compare(comparison) => found.push(comparison),
        }
    }

    /// Every field that is compared, from left to right, with repeats; those of semi-joins stay inside.
    pub fn fields(&self) -> Vec<&FieldPath> {
        self.comparisons()
            .into_iter()
            .filter_map(|comparison| comparison.left.field())
            .collect()
    }

    /// Every semi-join and anti-join, from left to right.
    pub fn subqueries(&self) -> Vec<&Query> {
        self.comparisons()
            .into_iter()
            .filter_map(|comparison| match &comparison.right {
                Operand::Query(query) => Some(query.as_ref()),
                _ => None,
            })
            .collect()
    }

    /// Every value that is compared with, from left to right; those of semi-joins stay inside.
    pub fn literals(&self) -> Vec<&Literal> {
        self.comparisons()
            .into_iter()
            .flat_map(|comparison| match &comparison.right {
                Operand::Value(literal) => std::slice::from_ref(literal),
                Operand::List(literals) => literals.as_slice(),
                Operand::Query(_) => &[],
            })
            .collect()
    }

    /// Whether its rows change by the mere passing of days: it, or a semi-join in it, uses a date literal.
    pub fn depends_on_today(&self) -> bool {
        let relative = |literal: &&Literal| matches!(literal.value, Value::DateLiteral(_));
        self.literals().iter().any(relative)
            || self
                .subqueries()
                .iter()
                .filter_map(|query| query.filter.as_ref())
                .any(Condition::depends_on_today)
    }
}

impl Query {
    /// Every field the query names outside of its subqueries, in the order of its clauses, with repeats.
    ///
    /// A name behind `ORDER BY` or `HAVING` may be the alias of a column.
    pub fn fields(&self) -> Vec<&FieldPath> {
        let mut found = Vec::new();
        for item in &self.select {
            match item {
                SelectItem::Expression { expression, .. } => found.extend(expression.field()),
                SelectItem::TypeOf(type_of) => found.push(&type_of.path),
                SelectItem::CountAll { .. }
                | SelectItem::Fields { .. }
                | SelectItem::Children(_) => {}
            }
        }
        found.extend(self.filter.iter().flat_map(Condition::fields));
        let keys = self.group_by.iter().flat_map(|group| &group.keys);
        found.extend(keys.filter_map(Expression::field));
        found.extend(self.having.iter().flat_map(Condition::fields));
        found.extend(
            self.order_by
                .iter()
                .filter_map(|key| key.expression.field()),
        );
        found
    }

    /// The child subqueries behind `SELECT`, in order.
    pub fn children(&self) -> Vec<&Query> {
        self.select
            .iter()
            .filter_map(|item| match item {
                SelectItem::Children(query) => Some(query.as_ref()),
                _ => None,
            })
            .collect()
    }

    /// Whether rows are grouped or aggregated; `SELECT COUNT()` alone does not count as such.
    pub fn is_aggregate(&self) -> bool {
        self.group_by.is_some()
            || self.select.iter().any(|item| match item {
                SelectItem::Expression { expression, .. } => expression.is_aggregate(),
                _ => false,
            })
    }

    /// Whether the query is `SELECT COUNT() …`.
    pub fn is_count(&self) -> bool {
        matches!(self.select.as_slice(), [SelectItem::CountAll { .. }])
    }
}
