//! Which rows to look at: the narrowest index that the filter and the order allow.

use std::ops::Bound;

use super::filter::{Filter, Operand, Relation, Test};
use super::resolve::Node;
use crate::sandbox::ids::RecordId;
use crate::sandbox::table::{RowNumber, Table};
use crate::sandbox::value::{Stamp, Value};

/// A position in the order of (`SystemModstamp`, `Id`).
pub(super) type Position = (Stamp, RecordId);

/// What the order of a query asks of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sequence {
    /// Any order will do.
    Any,
    /// By `SystemModstamp`, then possibly by `Id`; `true` is descending.
    Stamp(bool),
    /// By `Id`; `true` is descending.
    Id(bool),
    /// An order that no index has.
    Other,
}

/// The rows to look at, and whether they come in the order that was asked for.
#[derive(Debug)]
pub(super) struct Scan<'t> {
    rows: Rows<'t>,
    pub(super) in_sequence: bool,
}

#[derive(Debug)]
enum Rows<'t> {
    List(Vec<RowNumber>),
    Stamps(&'t Table, Interval<Position>, bool),
    Ids(&'t Table, Interval<RecordId>, bool),
    All(&'t Table),
}

impl Scan<'_> {
    /// Calls `visit` with each row until it returns false.
    pub(super) fn each(self, visit: impl FnMut(RowNumber) -> bool) {
        match self.rows {
            Rows::List(list) => feed(list.into_iter(), false, visit),
            Rows::Stamps(table, interval, descending) => {
                if let Some(range) = interval.range() {
                    feed(table.in_stamp_order(range), descending, visit);
                }
            }
            Rows::Ids(table, interval, descending) => {
                if let Some(range) = interval.range() {
                    feed(table.in_id_order(range), descending, visit);
                }
            }
            Rows::All(table) => feed(table.rows().map(|(number, _)| number), false, visit),
        }
    }
}

fn feed(
    mut rows: impl DoubleEndedIterator<Item = RowNumber>,
    descending: bool,
    mut visit: impl FnMut(RowNumber) -> bool,
) {
    loop {
        let row = if descending {
            rows.next_back()
        } else {
            rows.next()
        };
        match row {
            Some(row) if visit(row) => {}
            _ => return,
        }
    }
}

/// The largest list of children that is looked at whole where an index in the right order could stop early.
const SMALL: usize = 10_000;

/// Chooses the rows to look at.
pub(super) fn choose<'t>(
    table: &'t Table,
    filter: Option<&Filter>,
    sequence: Sequence,
) -> Scan<'t> {
    let parts = conjuncts(filter);
    let found = parts.iter().find_map(|part| by_key(table, part));
    if let Some(list) = found {
        return Scan {
            rows: Rows::List(list),
            in_sequence: sequence == Sequence::Any,
        };
    }
    let stamp_field = table
        .object()
        .index_of("SystemModstamp")
        .filter(|_| table.has_stamps());
    let bounds = filter.map_or_else(Bounds::whole, |filter| bounds(filter, stamp_field));
    let children = parts
        .iter()
        .filter_map(|part| by_parent(table, part))
        .min_by_key(Vec::len);
    let ordered = match sequence {
        Sequence::Stamp(_) => stamp_field.is_some(),
        Sequence::Id(_) => true,
        Sequence::Any | Sequence::Other => false,
    };
    if let Some(list) = children
        && (!ordered || list.len() <= SMALL)
    {
        return Scan {
            rows: Rows::List(list),
            in_sequence: sequence == Sequence::Any,
        };
    }
    let stamps = |descending| Rows::Stamps(table, bounds.positions, descending);
    let ids = |descending| Rows::Ids(table, bounds.ids, descending);
    let (rows, in_sequence) = match sequence {
        Sequence::Stamp(descending) if stamp_field.is_some() => (stamps(descending), true),
        Sequence::Id(descending) if bounds.positions.is_whole() => (ids(descending), true),
        _ if !bounds.positions.is_whole() && stamp_field.is_some() => {
            (stamps(false), sequence == Sequence::Any)
        }
        _ if !bounds.ids.is_whole() => (ids(false), sequence == Sequence::Any),
        _ => (Rows::All(table), sequence == Sequence::Any),
    };
    Scan { rows, in_sequence }
}

/// How many rows pass a filter that is a range of stamps and nothing else, told by the index alone.
pub(super) fn count_stamps(table: &Table, filter: &Filter, include_deleted: bool) -> Option<u64> {
    let object = table.object();
    let stamp_field = object
        .index_of("SystemModstamp")
        .filter(|_| table.has_stamps())?;
    let only = conjuncts(Some(filter)).iter().all(|part| match part {
        Filter::Test(Operand::Path(Node::Field(field)), Test::Compare { relation, .. }) => {
            *field == stamp_field && *relation != Relation::NotEqual
        }
        _ => false,
    });
    if !only {
        return None;
    }
    let Some(range) = bounds(filter, Some(stamp_field)).positions.range() else {
        return Some(0);
    };
    let all = table.in_stamp_order(range).count();
    let deleted = if include_deleted {
        0
    } else {
        table.deleted_within(range)
    };
    Some(all.saturating_sub(deleted) as u64)
}

fn conjuncts(filter: Option<&Filter>) -> Vec<&Filter> {
    let mut parts = Vec::new();
    let mut open: Vec<&Filter> = filter.into_iter().collect();
    while let Some(part) = open.pop() {
        match part {
            Filter::And(inner) => open.extend(inner),
            other => parts.push(other),
        }
    }
    parts
}

/// The values that a field of the row itself must have one of.
fn wanted(part: &Filter) -> Option<(usize, &[Value], bool)> {
    let Filter::Test(Operand::Path(Node::Field(field)), test) = part else {
        return None;
    };
    match test {
        Test::Compare {
            relation: Relation::Equal,
            to,
            exact,
        } => Some((*field, std::slice::from_ref(to), *exact)),
        Test::In(members) if !members.negate && !members.null && members.ranges.is_empty() => {
            Some((*field, &members.values, members.exact))
        }
        _ => None,
    }
}

/// The rows of an `Id = …`, `Id IN (…)`, or of the same on a unique field.
fn by_key(table: &Table, part: &Filter) -> Option<Vec<RowNumber>> {
    let (field, values, _) = wanted(part)?;
    if field == 0 {
        return Some(
            values
                .iter()
                .filter_map(Value::as_id)
                .filter_map(|id| table.find(id))
                .collect(),
        );
    }
    let mut rows = Vec::new();
    for value in values {
        rows.extend_from_slice(table.with_key(field, value.as_text()?)?);
    }
    rows.sort_unstable();
    rows.dedup();
    Some(rows)
}

/// The rows of a `WhoId = …` or `WhoId IN (…)`.
fn by_parent(table: &Table, part: &Filter) -> Option<Vec<RowNumber>> {
    let (field, values, _) = wanted(part)?;
    let mut rows = Vec::new();
    for value in values {
        rows.extend_from_slice(table.children_of(field, value.as_id()?)?);
    }
    rows.sort_unstable();
    Some(rows)
}

/// A stretch of an order, with its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Interval<T> {
    low: Bound<T>,
    high: Bound<T>,
}

impl<T: Ord + Copy> Interval<T> {
    fn is_whole(&self) -> bool {
        matches!(
            (&self.low, &self.high),
            (Bound::Unbounded, Bound::Unbounded)
        )
    }

    /// The interval as a range, unless it is empty: a tree's range must not be given backwards.
    fn range(&self) -> Option<(Bound<T>, Bound<T>)> {
        let empty = match (&self.low, &self.high) {
            (Bound::Included(low), Bound::Included(high)) => low > high,
            (
                Bound::Included(low) | Bound::Excluded(low),
                Bound::Included(high) | Bound::Excluded(high),
            ) => low >= high,
            _ => false,
        };
        (!empty).then_some((self.low, self.high))
    }

    /// What both hold.
    fn and(self, other: Self) -> Self {
        Self {
            low: if later_start(&self.low, &other.low) {
                self.low
            } else {
                other.low
            },
            high: if earlier_end(&self.high, &other.high) {
                self.high
            } else {
                other.high
            },
        }
    }

    /// From the first that one holds to the last that one holds.
    fn hull(self, other: Self) -> Self {
        Self {
            low: if later_start(&self.low, &other.low) {
                other.low
            } else {
                self.low
            },
            high: if earlier_end(&self.high, &other.high) {
                other.high
            } else {
                self.high
            },
        }
    }
}

/// Whether `a` starts later than `b`.
fn later_start<T: Ord>(a: &Bound<T>, b: &Bound<T>) -> bool {
    match (a, b) {
        (Bound::Unbounded, _) => false,
        (_, Bound::Unbounded) => true,
        (Bound::Excluded(a), Bound::Included(b)) => a >= b,
        (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) => a > b,
    }
}

/// Whether `a` ends earlier than `b`.
fn earlier_end<T: Ord>(a: &Bound<T>, b: &Bound<T>) -> bool {
    match (a, b) {
        (Bound::Unbounded, _) => false,
        (_, Bound::Unbounded) => true,
        (Bound::Excluded(a), Bound::Included(b)) => a <= b,
        (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) => a < b,
    }
}

/// No row outside of these can pass a filter.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    positions: Interval<Position>,
    ids: Interval<RecordId>,
}

impl Bounds {
    const fn whole() -> Self {
        Self {
            positions: Interval {
                low: Bound::Unbounded,
                high: Bound::Unbounded,
            },
            ids: Interval {
                low: Bound::Unbounded,
                high: Bound::Unbounded,
            },
        }
    }

    /// Where only one instant is left, the bounds of the ids narrow the positions.
    fn tightened(mut self) -> Self {
        let (Bound::Included((first, _)), Bound::Included((last, _))) =
            (self.positions.low, self.positions.high)
        else {
            return self;
        };
        if first == last {
            let at = |bound: Bound<RecordId>| bound.map(|id| (first, id));
            self.positions = self.positions.and(Interval {
                low: at(self.ids.low),
                high: at(self.ids.high),
            });
        }
        self
    }
}

fn bounds(filter: &Filter, stamp_field: Option<usize>) -> Bounds {
    match filter {
        Filter::And(parts) => parts
            .iter()
            .map(|part| bounds(part, stamp_field))
            .fold(Bounds::whole(), |all, part| Bounds {
                positions: all.positions.and(part.positions),
                ids: all.ids.and(part.ids),
            })
            .tightened(),
        Filter::Or(parts) => parts
            .iter()
            .map(|part| bounds(part, stamp_field))
            .reduce(|all, part| Bounds {
                positions: all.positions.hull(part.positions),
                ids: all.ids.hull(part.ids),
            })
            .unwrap_or_else(Bounds::whole),
        Filter::Test(Operand::Path(Node::Field(field)), test) => match test {
            Test::Compare {
                relation,
                to: Value::Id(id),
                ..
            } if *field == 0 => Bounds {
                ids: id_interval(*relation, *id),
                ..Bounds::whole()
            },
            Test::Compare {
                relation,
                to: Value::DateTime(stamp),
                ..
            } if Some(*field) == stamp_field => Bounds {
                positions: stamp_interval(*relation, *stamp, *stamp),
                ..Bounds::whole()
            },
            Test::Range {
                relation,
                first: Value::DateTime(first),
                behind: Value::DateTime(behind),
            } if Some(*field) == stamp_field => Bounds {
                positions: stamp_interval(*relation, *first, Stamp(behind.0 - 1)),
                ..Bounds::whole()
            },
            _ => Bounds::whole(),
        },
        Filter::Not(_) | Filter::Test(..) => Bounds::whole(),
    }
}

fn id_interval(relation: Relation, id: RecordId) -> Interval<RecordId> {
    let (low, high) = match relation {
        Relation::Equal => (Bound::Included(id), Bound::Included(id)),
        Relation::NotEqual => (Bound::Unbounded, Bound::Unbounded),
        Relation::Less => (Bound::Unbounded, Bound::Excluded(id)),
        Relation::LessOrEqual => (Bound::Unbounded, Bound::Included(id)),
        Relation::Greater => (Bound::Excluded(id), Bound::Unbounded),
        Relation::GreaterOrEqual => (Bound::Included(id), Bound::Unbounded),
    };
    Interval { low, high }
}

/// The positions in some relation to the instants from `first` to `last`, both inside.
fn stamp_interval(relation: Relation, first: Stamp, last: Stamp) -> Interval<Position> {
    let start = |stamp| (stamp, RecordId::MIN);
    let end = |stamp| (stamp, RecordId::MAX);
    let (low, high) = match relation {
        Relation::Equal => (Bound::Included(start(first)), Bound::Included(end(last))),
        Relation::NotEqual => (Bound::Unbounded, Bound::Unbounded),
        Relation::Less => (Bound::Unbounded, Bound::Excluded(start(first))),
        Relation::LessOrEqual => (Bound::Unbounded, Bound::Included(end(last))),
        Relation::Greater => (Bound::Excluded(end(last)), Bound::Unbounded),
        Relation::GreaterOrEqual => (Bound::Included(start(first)), Bound::Unbounded),
    };
    Interval { low, high }
}
