//! ORDER BY: the keys of rows and of groups, and where nulls stand.
//!
//! Ascending order puts nulls first unless the query says otherwise, descending order puts them last. Picklists are
//! ordered as their values are listed, text without regard to case.

use std::cmp::Ordering;

use super::compare;
use super::filter::{Operand, Subject};
use super::resolve::Node;
use super::scan::Sequence;
use crate::sandbox::org::Org;
use crate::sandbox::table::Table;
use crate::sandbox::value::Value;

/// One key.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) operand: Operand,
    pub(super) descending: bool,
    pub(super) nulls_first: bool,
    /// The values of a picklist in their order, folded; empty for every other type.
    pub(super) ranks: Vec<String>,
}

impl Key {
    /// Where nulls stand when a query does not say.
    pub(super) const fn nulls_first_by_default(descending: bool) -> bool {
        !descending
    }

    fn value(&self, org: &Org, subject: Subject<'_>) -> Value {
        let value = self.operand.value(org, subject);
        match value.as_text() {
            Some(text) if !self.ranks.is_empty() => {
                let rank = self
                    .ranks
                    .iter()
                    .position(|rank| compare::text_to_folded(text, rank).is_eq());
                Value::int(i64::try_from(rank.unwrap_or(self.ranks.len())).unwrap_or(i64::MAX))
            }
            _ => compare::folded(&value),
        }
    }

    fn compare(&self, left: &Value, right: &Value) -> Ordering {
        let nulls = |left_is_null: bool| {
            if left_is_null == self.nulls_first {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        };
        match (left.is_null(), right.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) => nulls(true),
            (false, true) => nulls(false),
            _ => {
                let order = compare::order(left, right, true);
                if self.descending {
                    order.reverse()
                } else {
                    order
                }
            }
        }
    }
}

/// The values by which one row or group is ordered.
pub(super) fn values(keys: &[Key], org: &Org, subject: Subject<'_>) -> Vec<Value> {
    keys.iter().map(|key| key.value(org, subject)).collect()
}

/// Sorts items by their values; with `first`, only so many of the first need to be in order and the rest is dropped.
pub(super) fn sort<T>(keys: &[Key], items: &mut Vec<(Vec<Value>, T)>, first: Option<usize>)
where
    T: Ord,
{
    let by = |a: &(Vec<Value>, T), b: &(Vec<Value>, T)| {
        let pairs = keys.iter().zip(a.0.iter().zip(&b.0));
        pairs
            .map(|(key, (a, b))| key.compare(a, b))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| a.1.cmp(&b.1))
    };
    if let Some(first) = first.filter(|&first| first > 0 && first < items.len()) {
        items.select_nth_unstable_by(first - 1, by);
        items.truncate(first);
    }
    items.sort_unstable_by(by);
}

/// The index that has the order of these keys, where one has.
pub(super) fn sequence(keys: &[Key], table: &Table) -> Sequence {
    let stamp = table.object().index_of("SystemModstamp");
    let field = |key: &Key| match key.operand {
        Operand::Path(Node::Field(index)) => Some(index),
        _ => None,
    };
    match keys {
        [] => Sequence::Any,
        [key, ..] if field(key) == Some(0) => Sequence::Id(key.descending),
        [key] if stamp.is_some() && field(key) == stamp => Sequence::Stamp(key.descending),
        [key, id, ..]
            if stamp.is_some()
                && field(key) == stamp
                && field(id) == Some(0)
                && id.descending == key.descending =>
        {
            Sequence::Stamp(key.descending)
        }
        _ => Sequence::Other,
    }
}
