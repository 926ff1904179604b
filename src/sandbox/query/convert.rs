//! Conditions of the syntax tree to compiled ones: operators against field types, literals to values.

use jiff::Timestamp;

use super::compare::{self, Step};
use super::dates;
use super::error::{self, QueryError};
use super::filter::{Filter, Members, Operand, Relation, Test};
use crate::sandbox::describe::FieldType;
use crate::sandbox::ids::RecordId;
use crate::sandbox::value::{Decimal, Stamp, Value};
use crate::soql::ast::{
    self, Comparison, Condition, Expression, Literal, Operator, PatternPart, Query,
};

/// The left side of a comparison with what is known of it.
#[derive(Debug, Clone)]
pub(super) struct Left {
    pub(super) operand: Operand,
    pub(super) kind: FieldType,
    /// The name, for messages.
    pub(super) name: String,
    /// Whether case matters.
    pub(super) exact: bool,
    /// Whether it may be filtered at all.
    pub(super) filterable: bool,
}

/// Whatever knows what the left sides mean: rows behind `WHERE`, groups behind `HAVING`.
pub(super) trait Context {
    /// The left side of a comparison.
    fn left(&mut self, expression: &Expression) -> Result<Left, QueryError>;
    /// The ids a semi-join selects.
    fn ids(&mut self, query: &Query) -> Result<Vec<RecordId>, QueryError>;
    /// The whole query, for messages.
    fn text(&self) -> &str;
    /// What time it is for date literals.
    fn now(&self) -> Timestamp;
}

/// Compiles a condition.
pub(super) fn condition(
    context: &mut impl Context,
    condition: &Condition,
) -> Result<Filter, QueryError> {
    Ok(match condition {
        Condition::And(parts) => Filter::And(all(context, parts)?),
        Condition::Or(parts) => Filter::Or(all(context, parts)?),
        Condition::Not(part) => Filter::Not(Box::new(self::condition(context, part)?)),
        Condition::Compare(comparison) => compile(context, comparison)?,
    })
}

fn all(context: &mut impl Context, parts: &[Condition]) -> Result<Vec<Filter>, QueryError> {
    parts.iter().map(|part| condition(context, part)).collect()
}

fn compile(context: &mut impl Context, comparison: &Comparison) -> Result<Filter, QueryError> {
    let left = context.left(&comparison.left)?;
    let offset = comparison.left.span().start;
    if !left.filterable {
        return Err(error::at(
            context.text(),
            offset,
            "INVALID_FIELD",
            format!("field '{}' can not be filtered in a query call", left.name),
        ));
    }
    if !allowed(comparison.operator, left.kind) {
        return Err(error::at(
            context.text(),
            offset,
            "INVALID_QUERY_FILTER_OPERATOR",
            format!("invalid operator on {} field", left.kind.as_str()),
        ));
    }
    let test = match &comparison.right {
        ast::Operand::Value(literal) => single(context, &left, comparison.operator, literal)?,
        ast::Operand::List(literals) => list(context, &left, comparison.operator, literals)?,
        ast::Operand::Query(query) => {
            if !matches!(left.kind, FieldType::Id | FieldType::Reference) {
                return Err(error::at(
                    context.text(),
                    offset,
                    "MALFORMED_QUERY",
                    format!(
                        "The left operand field in the where expression for outer query should be an id field, \
                         cannot use: '{}'",
                        left.name
                    ),
                ));
            }
            let ids = context.ids(query)?;
            Test::In(Members {
                values: sorted(ids.into_iter().map(Value::Id).collect(), true),
                ranges: Vec::new(),
                null: false,
                exact: true,
                negate: comparison.operator == Operator::NotIn,
            })
        }
    };
    Ok(Filter::Test(left.operand, test))
}

/// Whether an operator applies to a type.
///
/// Source: SOQL and SOSL Reference, "Comparison Operators".
fn allowed(operator: Operator, kind: FieldType) -> bool {
    match operator {
        Operator::Equal | Operator::NotEqual => true,
        Operator::In | Operator::NotIn => kind != FieldType::MultiPicklist,
        Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => {
            !matches!(
                kind,
                FieldType::Boolean | FieldType::Picklist | FieldType::MultiPicklist
            )
        }
        Operator::Like => kind.is_text() && kind != FieldType::MultiPicklist,
        Operator::Includes | Operator::Excludes => kind == FieldType::MultiPicklist,
    }
}

const fn relation(operator: Operator) -> Relation {
    match operator {
        Operator::NotEqual => Relation::NotEqual,
        Operator::Less => Relation::Less,
        Operator::LessOrEqual => Relation::LessOrEqual,
        Operator::Greater => Relation::Greater,
        Operator::GreaterOrEqual => Relation::GreaterOrEqual,
        _ => Relation::Equal,
    }
}

fn single(
    context: &impl Context,
    left: &Left,
    operator: Operator,
    literal: &Literal,
) -> Result<Test, QueryError> {
    if let ast::Value::Pattern(pattern) = &literal.value {
        return Ok(Test::Like(steps(pattern)));
    }
    let relation = relation(operator);
    let right = value(context, left, literal)?;
    if left.kind == FieldType::Boolean {
        let wanted = matches!(right, Right::Value(Value::Bool(true)));
        return Ok(Test::Flag(wanted == (relation == Relation::Equal)));
    }
    match right {
        Right::Null if relation == Relation::Equal => Ok(Test::Null(true)),
        Right::Null if relation == Relation::NotEqual => Ok(Test::Null(false)),
        // Any value is greater than the empty text, and nothing is less.
        Right::Null if matches!(literal.value, ast::Value::Text(_)) => Ok(match relation {
            Relation::Greater | Relation::GreaterOrEqual => Test::Null(false),
            _ => never(),
        }),
        Right::Null => Err(error::at(
            context.text(),
            literal.span.start,
            "INVALID_QUERY_FILTER_OPERATOR",
            format!("invalid operator on {} field for null", left.kind.as_str()),
        )),
        Right::Value(to) => Ok(Test::Compare {
            relation,
            to,
            exact: left.exact,
        }),
        Right::Fraction(stamp) => Ok(between_seconds(relation, stamp)),
        Right::Range(first, behind) => Ok(Test::Range {
            relation,
            first,
            behind,
        }),
    }
}

/// An instant between two whole seconds, where no stored one can be equal to it.
fn between_seconds(relation: Relation, below: Stamp) -> Test {
    let relation = match relation {
        Relation::Equal => return never(),
        Relation::NotEqual => {
            return Test::In(Members {
                negate: true,
                ..no_members()
            });
        }
        Relation::Less | Relation::LessOrEqual => Relation::LessOrEqual,
        Relation::Greater | Relation::GreaterOrEqual => Relation::Greater,
    };
    Test::Compare {
        relation,
        to: Value::DateTime(below),
        exact: true,
    }
}

const fn no_members() -> Members {
    Members {
        values: Vec::new(),
        ranges: Vec::new(),
        null: false,
        exact: true,
        negate: false,
    }
}

const fn never() -> Test {
    Test::In(no_members())
}

fn list(
    context: &impl Context,
    left: &Left,
    operator: Operator,
    literals: &[Literal],
) -> Result<Test, QueryError> {
    if matches!(operator, Operator::Includes | Operator::Excludes) {
        let groups = literals.iter().map(|literal| match &literal.value {
            ast::Value::Text(text) => text.split(';').map(compare::fold).collect(),
            _ => Vec::new(),
        });
        return Ok(Test::Includes {
            groups: groups.collect(),
            negate: operator == Operator::Excludes,
        });
    }
    let mut members = Members {
        exact: left.exact,
        negate: operator == Operator::NotIn,
        ..no_members()
    };
    for literal in literals {
        match value(context, left, literal)? {
            Right::Null => members.null = true,
            Right::Value(value) => members.values.push(value),
            Right::Fraction(_) => {}
            Right::Range(first, behind) => members.ranges.push((first, behind)),
        }
    }
    // A boolean that is not there counts as false.
    if left.kind == FieldType::Boolean {
        let with_false = members.values.contains(&Value::Bool(false));
        members.null |= with_false;
        if members.null && !with_false {
            members.values.push(Value::Bool(false));
        }
    }
    members.values = sorted(members.values, left.exact);
    Ok(Test::In(members))
}

fn sorted(mut values: Vec<Value>, exact: bool) -> Vec<Value> {
    values.sort_unstable_by(|a, b| compare::order(a, b, exact));
    values.dedup();
    values
}

fn steps(pattern: &ast::Pattern) -> Vec<Step> {
    let mut steps = Vec::new();
    for part in &pattern.parts {
        match part {
            PatternPart::One => steps.push(Step::One),
            PatternPart::Any if steps.last() == Some(&Step::Any) => {}
            PatternPart::Any => steps.push(Step::Any),
            PatternPart::Text(text) => {
                steps.extend(text.chars().map(|c| {
                    let mut lower = c.to_lowercase();
                    Step::Char(lower.next().filter(|_| lower.next().is_none()).unwrap_or(c))
                }));
            }
        }
    }
    steps
}

/// The right side, in the type of the left one.
enum Right {
    Null,
    Value(Value),
    /// An instant with a fraction of a second, cut to the second below.
    Fraction(Stamp),
    /// The first value of a date literal, and the first behind it.
    Range(Value, Value),
}

fn value(context: &impl Context, left: &Left, literal: &Literal) -> Result<Right, QueryError> {
    use ast::Value as Given;
    let refuse = || Err(wrong_type(context, left, literal));
    if literal.value == Given::Null {
        return Ok(Right::Null);
    }
    let value = match (left.kind, &literal.value) {
        (FieldType::Id | FieldType::Reference, Given::Text(text)) => {
            return record_id(context, literal, text);
        }
        (FieldType::Id | FieldType::Reference, _) => return refuse(),
        (kind, Given::Text(text)) if kind.is_text() => {
            if text.is_empty() {
                return Ok(Right::Null);
            }
            Value::text(&if left.exact {
                text.clone()
            } else {
                compare::fold(text)
            })
        }
        (FieldType::Boolean, Given::Boolean(flag)) => Value::Bool(*flag),
        (FieldType::Int, Given::Integer(number)) => Value::int(*number),
        (FieldType::Double | FieldType::Currency | FieldType::Percent, given) => {
            let number = match given {
                Given::Integer(number) => Some(Decimal::new(*number, 0)),
                Given::Decimal(number) => Decimal::parse(&number.to_string()),
                Given::Currency { amount, .. } => Decimal::parse(&amount.to_string()),
                _ => return refuse(),
            };
            match number {
                Some(number) => Value::Number(number),
                None => {
                    return Err(error::at(
                        context.text(),
                        literal.span.start,
                        "NUMBER_OUTSIDE_VALID_RANGE",
                        "number outside of the range of the field",
                    ));
                }
            }
        }
        (FieldType::Date, Given::Date(day)) => Value::Date(*day),
        (FieldType::Date, Given::DateLiteral(word)) => {
            let (first, behind) = dates::days(*word, context.now());
            return Ok(Right::Range(Value::Date(first), Value::Date(behind)));
        }
        (FieldType::DateTime, Given::DateTime(instant)) => {
            // Stored instants are whole seconds; the one below is found by rounding towards the past.
            let below = Stamp(instant.as_millisecond().div_euclid(1_000));
            if instant.subsec_nanosecond() != 0 {
                return Ok(Right::Fraction(below));
            }
            Value::DateTime(below)
        }
        (FieldType::DateTime, Given::DateLiteral(word)) => {
            let (first, behind) = dates::days(*word, context.now());
            let stamp = |day| Value::DateTime(dates::midnight(day));
            return Ok(Right::Range(stamp(first), stamp(behind)));
        }
        (FieldType::Time, Given::Time(time)) => {
            let seconds = i32::from(time.hour()) * 3600
                + i32::from(time.minute()) * 60
                + i32::from(time.second());
            Value::Time(
                seconds.unsigned_abs() * 1_000 + u32::from(time.millisecond().unsigned_abs()),
            )
        }
        _ => return refuse(),
    };
    Ok(Right::Value(value))
}

fn record_id(context: &impl Context, literal: &Literal, text: &str) -> Result<Right, QueryError> {
    if text.is_empty() {
        return Ok(Right::Null);
    }
    match RecordId::parse(text) {
        Some(id) => Ok(Right::Value(Value::Id(id))),
        None => Err(error::at(
            context.text(),
            literal.span.start,
            "INVALID_QUERY_FILTER_OPERATOR",
            format!("invalid ID field: {text}"),
        )),
    }
}

fn wrong_type(context: &impl Context, left: &Left, literal: &Literal) -> QueryError {
    let (name, quotes) = match left.kind {
        FieldType::DateTime => ("dateTime", "should not be enclosed in quotes"),
        FieldType::Boolean | FieldType::Int | FieldType::Date | FieldType::Time => {
            (left.kind.as_str(), "should not be enclosed in quotes")
        }
        FieldType::Double | FieldType::Currency | FieldType::Percent => {
            ("double", "should not be enclosed in quotes")
        }
        FieldType::Id | FieldType::Reference => ("id", "should be enclosed in quotes"),
        _ => ("string", "should be enclosed in quotes"),
    };
    error::at(
        context.text(),
        literal.span.start,
        "INVALID_FIELD",
        format!(
            "value of filter criterion for field '{}' must be of type {name} and {quotes}",
            left.name
        ),
    )
}
