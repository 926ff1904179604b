//! Compiled conditions: names are indexes, literals are typed, and a test of a row allocates nothing.
//!
//! Every test is true or false. A null fails `=`, `<`, `>`, `LIKE` and `IN`, and passes `!=` and `NOT IN`.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::compare::{self, Step};
use super::dates;
use super::resolve::Node;
use crate::sandbox::org::Org;
use crate::sandbox::table::Row;
use crate::sandbox::value::Value;
use crate::soql::ast::Function;

/// What a condition is tested on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject<'a> {
    /// A row of the table behind `FROM`.
    Row(&'a Row),
    /// The columns of a group.
    Group(&'a [Value]),
}

/// Where the left side's value comes from.
#[derive(Debug, Clone)]
pub(super) enum Operand {
    /// A field, here or behind references.
    Path(Node),
    /// A column of a group.
    Column(usize),
    /// A part of a date.
    Part(Function, Box<Operand>),
}

impl Operand {
    pub(super) fn value<'a>(&'a self, org: &'a Org, subject: Subject<'a>) -> Cow<'a, Value> {
        match (self, subject) {
            (Operand::Path(node), Subject::Row(row)) => Cow::Borrowed(node.get(org, row)),
            (Operand::Column(at), Subject::Group(columns)) => columns
                .get(*at)
                .map_or(Cow::Owned(Value::Null), Cow::Borrowed),
            (Operand::Part(function, inner), _) => {
                Cow::Owned(dates::part(*function, &inner.value(org, subject)))
            }
            _ => Cow::Owned(Value::Null),
        }
    }
}

/// A condition, compiled.
#[derive(Debug, Clone)]
pub(super) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Test(Operand, Test),
}

impl Filter {
    pub(super) fn holds(&self, org: &Org, subject: Subject<'_>) -> bool {
        match self {
            Filter::And(parts) => parts.iter().all(|part| part.holds(org, subject)),
            Filter::Or(parts) => parts.iter().any(|part| part.holds(org, subject)),
            Filter::Not(part) => !part.holds(org, subject),
            Filter::Test(operand, test) => test.holds(&operand.value(org, subject)),
        }
    }
}

/// `=`, `!=`, `<`, `<=`, `>`, `>=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Relation {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Relation::Equal => order.is_eq(),
            Relation::NotEqual => order.is_ne(),
            Relation::Less => order.is_lt(),
            Relation::LessOrEqual => order.is_le(),
            Relation::Greater => order.is_gt(),
            Relation::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// What a value must be.
#[derive(Debug, Clone)]
pub(super) enum Test {
    /// Null, or not null.
    Null(bool),
    /// A boolean; null counts as false.
    Flag(bool),
    /// In some order to another value. Text is folded, unless case matters (`exact`).
    Compare {
        relation: Relation,
        to: Value,
        exact: bool,
    },
    /// In some order to the range of a date literal: `first` is inside, `behind` is not.
    Range {
        relation: Relation,
        first: Value,
        behind: Value,
    },
    /// One of many.
    In(Members),
    /// Like a pattern.
    Like(Vec<Step>),
    /// A multi-picklist with every value of one of the groups, folded; or with none.
    Includes {
        groups: Vec<Vec<String>>,
        negate: bool,
    },
}

/// The values behind `IN`.
#[derive(Debug, Clone)]
pub(super) struct Members {
    /// In order, without repeats; text is folded, unless case matters.
    pub(super) values: Vec<Value>,
    pub(super) ranges: Vec<(Value, Value)>,
    /// Whether null is a member.
    pub(super) null: bool,
    pub(super) exact: bool,
    /// `NOT IN`.
    pub(super) negate: bool,
}

impl Members {
    fn contains(&self, value: &Value) -> bool {
        if value.is_null() {
            return self.null;
        }
        let found = self
            .values
            .binary_search_by(|member| compare::order(value, member, self.exact).reverse());
        found.is_ok() || self.ranges.iter().any(|range| inside(value, range))
    }
}

impl Test {
    pub(super) fn holds(&self, value: &Value) -> bool {
        match self {
            Test::Null(wanted) => value.is_null() == *wanted,
            Test::Flag(wanted) => matches!(value, Value::Bool(true)) == *wanted,
            Test::Compare {
                relation,
                to,
                exact,
            } => {
                if value.is_null() {
                    *relation == Relation::NotEqual
                } else {
                    relation.holds(compare::order(value, to, *exact))
                }
            }
            Test::Range {
                relation,
                first,
                behind,
            } => in_range(*relation, value, first, behind),
            Test::In(members) => members.contains(value) != members.negate,
            Test::Like(pattern) => value
                .as_text()
                .is_some_and(|text| compare::like(text, pattern)),
            Test::Includes { groups, negate } => {
                let includes = value
                    .as_text()
                    .is_some_and(|text| groups.iter().any(|group| has_all(text, group)));
                includes != *negate
            }
        }
    }
}

fn inside(value: &Value, (first, behind): &(Value, Value)) -> bool {
    compare::order(value, first, true).is_ge() && compare::order(value, behind, true).is_lt()
}

fn in_range(relation: Relation, value: &Value, first: &Value, behind: &Value) -> bool {
    if value.is_null() {
        return relation == Relation::NotEqual;
    }
    let from_start = compare::order(value, first, true);
    let to_end = compare::order(value, behind, true);
    match relation {
        Relation::Equal => from_start.is_ge() && to_end.is_lt(),
        Relation::NotEqual => from_start.is_lt() || to_end.is_ge(),
        Relation::Less => from_start.is_lt(),
        Relation::LessOrEqual => to_end.is_lt(),
        Relation::Greater => to_end.is_ge(),
        Relation::GreaterOrEqual => from_start.is_ge(),
    }
}

fn has_all(text: &str, wanted: &[String]) -> bool {
    wanted.iter().all(|wanted| {
        text.split(';')
            .any(|part| compare::text_to_folded(part, wanted).is_eq())
    })
}
