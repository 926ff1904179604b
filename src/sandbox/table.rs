//! The rows of one object with their indexes.
//!
//! Every row in a table is committed: a late commit waits in the [`Org`](super::org::Org) until its time comes.
//! Deleted rows stay in every index with [`Row::deleted`] set, as in the recycle bin.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use super::describe::{Flag, ObjectType};
use super::ids::RecordId;
use super::value::{Stamp, Value};

/// The place of a row in its table; never given to another row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowNumber(pub u32);

/// One row. Nulls take no room.
#[derive(Debug, Clone)]
pub struct Row {
    present: [u64; 2],
    values: Box<[Value]>,
    /// Whether the row is in the recycle bin.
    pub deleted: bool,
}

/// The most fields an object may have.
pub const FIELDS_MAX: usize = 128;

static NULL: Value = Value::Null;

impl Row {
    /// A row of one value a field in the object's order, `Id` first; what lies behind [`FIELDS_MAX`] is dropped.
    pub fn new(values: impl IntoIterator<Item = Value>, deleted: bool) -> Self {
        let mut values: Vec<Value> = values.into_iter().take(FIELDS_MAX).collect();
        let mut present = [0; 2];
        for (at, value) in values.iter().enumerate() {
            present[at / 64] |= u64::from(!value.is_null()) << (at % 64);
        }
        // Counted first: the box is allocated once, with no room to give back.
        let count = present.iter().map(|bits| bits.count_ones() as usize).sum();
        let mut kept = Vec::with_capacity(count);
        kept.extend(values.drain(..).filter(|value| !value.is_null()));
        Self {
            present,
            values: kept.into_boxed_slice(),
            deleted,
        }
    }

    /// The value of a field by its index; null for a field the row does not have.
    pub fn get(&self, field: usize) -> &Value {
        let (word, bit) = (field / 64, field % 64);
        match self.present.get(word) {
            Some(bits) if bits & (1 << bit) != 0 => {
                let below = (bits & ((1 << bit) - 1)).count_ones();
                let before = if word == 0 {
                    0
                } else {
                    self.present[0].count_ones()
                };
                &self.values[(before + below) as usize]
            }
            _ => &NULL,
        }
    }

    /// A copy of the row's values, one a field of an object with so many fields, to change them.
    pub fn to_values(&self, fields: usize) -> Vec<Value> {
        (0..fields).map(|field| self.get(field).clone()).collect()
    }

    /// The row's id.
    pub fn id(&self) -> RecordId {
        self.get(0).as_id().unwrap_or(RecordId::MIN)
    }
}

/// All rows of one object.
#[derive(Debug)]
pub struct Table {
    object: Arc<ObjectType>,
    rows: Vec<Option<Row>>,
    live: usize,
    stamp_field: Option<usize>,
    by_id: BTreeMap<RecordId, RowNumber>,
    by_stamp: BTreeSet<(Stamp, RecordId, RowNumber)>,
    deleted_by_stamp: BTreeSet<(Stamp, RecordId)>,
    by_key: HashMap<usize, HashMap<String, Vec<RowNumber>>>,
    by_parent: HashMap<usize, HashMap<RecordId, Vec<RowNumber>>>,
}

impl Table {
    /// An empty table.
    pub fn new(object: Arc<ObjectType>) -> Self {
        let fields = || object.fields.iter().enumerate();
        let keys =
            fields().filter(|(_, field)| field.is(Flag::ExternalId) || field.is(Flag::Unique));
        let parents = fields().filter(|(_, field)| field.child_relationship.is_some());
        Self {
            by_key: keys.map(|(at, _)| (at, HashMap::new())).collect(),
            by_parent: parents.map(|(at, _)| (at, HashMap::new())).collect(),
            stamp_field: object.index_of("SystemModstamp"),
            rows: Vec::new(),
            live: 0,
            by_id: BTreeMap::new(),
            by_stamp: BTreeSet::new(),
            deleted_by_stamp: BTreeSet::new(),
            object,
        }
    }

    /// The object whose rows these are.
    pub fn object(&self) -> &Arc<ObjectType> {
        &self.object
    }

    /// How many rows are not deleted.
    pub fn live(&self) -> usize {
        self.live
    }

    /// How many rows there are, deleted ones too.
    pub fn stored(&self) -> usize {
        self.by_id.len()
    }

    /// A row by its place; `None` once it is gone for good.
    pub fn row(&self, number: RowNumber) -> Option<&Row> {
        self.rows.get(number.0 as usize)?.as_ref()
    }

    /// A row's place by its id, deleted or not.
    pub fn find(&self, id: RecordId) -> Option<RowNumber> {
        self.by_id.get(&id).copied()
    }

    /// All rows in the order they were made, deleted ones too.
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = (RowNumber, &Row)> {
        self.rows
            .iter()
            .enumerate()
            .filter_map(|(at, row)| Some((RowNumber(at as u32), row.as_ref()?)))
    }

    /// Rows in the order of their ids, within a range of ids.
    pub fn in_id_order(
        &self,
        ids: impl RangeBounds<RecordId>,
    ) -> impl DoubleEndedIterator<Item = RowNumber> {
        self.by_id.range(ids).map(|(_, number)| *number)
    }

    /// Rows in the order of (`SystemModstamp`, `Id`), within a range of such pairs.
    ///
    /// Empty for an object without `SystemModstamp`: see [`Table::has_stamps`].
    pub fn in_stamp_order(
        &self,
        keys: impl RangeBounds<(Stamp, RecordId)>,
    ) -> impl DoubleEndedIterator<Item = RowNumber> {
        let low = match keys.start_bound() {
            Bound::Included(&(stamp, id)) => Bound::Included((stamp, id, RowNumber(0))),
            Bound::Excluded(&(stamp, id)) => Bound::Excluded((stamp, id, RowNumber(u32::MAX))),
            Bound::Unbounded => Bound::Unbounded,
        };
        let high = match keys.end_bound() {
            Bound::Included(&(stamp, id)) => Bound::Included((stamp, id, RowNumber(u32::MAX))),
            Bound::Excluded(&(stamp, id)) => Bound::Excluded((stamp, id, RowNumber(0))),
            Bound::Unbounded => Bound::Unbounded,
        };
        self.by_stamp
            .range((low, high))
            .map(|&(_, _, number)| number)
    }

    /// How many deleted rows there are within a range of (`SystemModstamp`, `Id`).
    pub fn deleted_within(&self, keys: impl RangeBounds<(Stamp, RecordId)>) -> usize {
        self.deleted_by_stamp.range(keys).count()
    }

    /// Whether the object has `SystemModstamp`.
    pub fn has_stamps(&self) -> bool {
        self.stamp_field.is_some()
    }

    /// Rows whose reference field (by index) points to a parent, in the order they were pointed there.
    ///
    /// `None` where the field has no index (it names no child relationship): then every row must be looked at.
    pub fn children_of(&self, field: usize, parent: RecordId) -> Option<&[RowNumber]> {
        let index = self.by_parent.get(&field)?;
        Some(index.get(&parent).map_or(&[], Vec::as_slice))
    }

    /// Rows, deleted ones too, whose unique or external-id field (by index) has a value.
    ///
    /// `None` where the field has no index. Case matters only for case-sensitive fields.
    pub fn with_key(&self, field: usize, key: &str) -> Option<&[RowNumber]> {
        let index = self.by_key.get(&field)?;
        Some(
            index
                .get(&self.key_text(field, key))
                .map_or(&[], Vec::as_slice),
        )
    }

    /// Makes rows findable by a text field (by index) as those of a unique field are, from now on.
    pub fn index_field(&mut self, field: usize) {
        if self.by_key.contains_key(&field) {
            return;
        }
        let mut index: HashMap<String, Vec<RowNumber>> = HashMap::new();
        for (number, row) in self.rows() {
            if let Some(key) = row.get(field).as_text() {
                let key = fold(&self.object, field, key);
                index.entry(key).or_default().push(number);
            }
        }
        self.by_key.insert(field, index);
    }

    /// Adds a row, whose id must be fresh.
    pub fn insert(&mut self, row: Row) -> RowNumber {
        let number = RowNumber(self.rows.len() as u32);
        self.index(&row, number);
        self.live += usize::from(!row.deleted);
        self.rows.push(Some(row));
        number
    }

    /// Adds many rows at once, faster than one by one; ids must be fresh.
    pub fn extend(&mut self, rows: Vec<Row>) {
        if !self.rows.is_empty() {
            for row in rows {
                self.insert(row);
            }
            return;
        }
        let numbered = || rows.iter().zip(0..).map(|(row, at)| (row, RowNumber(at)));
        let (mut by_id, mut by_stamp) = (BTreeMap::new(), BTreeSet::new());
        by_id.extend(numbered().map(|(row, number)| (row.id(), number)));
        if let Some(field) = self.stamp_field {
            let stamp = |row: &Row| row.get(field).as_stamp();
            by_stamp = numbered()
                .filter_map(|(row, n)| Some((stamp(row)?, row.id(), n)))
                .collect();
            let deleted = rows.iter().filter(|row| row.deleted);
            self.deleted_by_stamp = deleted
                .filter_map(|row| Some((stamp(row)?, row.id())))
                .collect();
        }
        for (row, number) in numbered() {
            self.index_keys(row, number);
        }
        self.live = rows.iter().filter(|row| !row.deleted).count();
        self.by_id = by_id;
        self.by_stamp = by_stamp;
        self.rows = rows.into_iter().map(Some).collect();
    }

    /// Puts another row in the place of one; returns the row that was there.
    pub fn replace(&mut self, number: RowNumber, row: Row) -> Option<Row> {
        let old = self.take(number)?;
        self.index(&row, number);
        self.live += usize::from(!row.deleted);
        self.rows[number.0 as usize] = Some(row);
        Some(old)
    }

    /// Removes a row for good, as emptying the recycle bin does.
    pub fn take(&mut self, number: RowNumber) -> Option<Row> {
        let row = self.rows.get_mut(number.0 as usize)?.take()?;
        self.live -= usize::from(!row.deleted);
        self.by_id.remove(&row.id());
        if let Some(stamp) = self.stamp_field.and_then(|field| row.get(field).as_stamp()) {
            self.by_stamp.remove(&(stamp, row.id(), number));
            self.deleted_by_stamp.remove(&(stamp, row.id()));
        }
        for (&field, index) in &mut self.by_parent {
            if let Some(parent) = row.get(field).as_id() {
                forget(index, &parent, number);
            }
        }
        let fields: Vec<usize> = self.by_key.keys().copied().collect();
        for field in fields {
            if let Some(key) = row.get(field).as_text() {
                let key = self.key_text(field, key);
                if let Some(index) = self.by_key.get_mut(&field) {
                    forget(index, &key, number);
                }
            }
        }
        Some(row)
    }

    fn index(&mut self, row: &Row, number: RowNumber) {
        self.by_id.insert(row.id(), number);
        if let Some(stamp) = self.stamp_field.and_then(|field| row.get(field).as_stamp()) {
            self.by_stamp.insert((stamp, row.id(), number));
            if row.deleted {
                self.deleted_by_stamp.insert((stamp, row.id()));
            }
        }
        self.index_keys(row, number);
    }

    fn index_keys(&mut self, row: &Row, number: RowNumber) {
        for (&field, index) in &mut self.by_parent {
            if let Some(parent) = row.get(field).as_id() {
                index.entry(parent).or_default().push(number);
            }
        }
        for (&field, index) in &mut self.by_key {
            if let Some(key) = row.get(field).as_text() {
                let key = fold(&self.object, field, key);
                index.entry(key).or_default().push(number);
            }
        }
    }

    fn key_text(&self, field: usize, key: &str) -> String {
        fold(&self.object, field, key)
    }
}

fn fold(object: &ObjectType, field: usize, key: &str) -> String {
    if object.fields[field].is(Flag::CaseSensitive) {
        key.to_owned()
    } else {
        key.to_lowercase()
    }
}

fn forget<K: std::hash::Hash + Eq>(
    index: &mut HashMap<K, Vec<RowNumber>>,
    key: &K,
    number: RowNumber,
) {
    if let Some(numbers) = index.get_mut(key) {
        numbers.retain(|other| *other != number);
        if numbers.is_empty() {
            index.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_gives_back_what_it_was_made_of() {
        let value = |at: i32| match at % 3 {
            0 => Value::int(i64::from(at)),
            1 => Value::Null,
            _ => Value::Bool(true),
        };
        let row = Row::new((0..100).map(value), false);
        for at in 0..100_i32 {
            assert_eq!(row.get(at.unsigned_abs() as usize), &value(at), "{at}");
        }
        assert!(row.get(100).is_null() && row.get(128).is_null() && row.get(5_000).is_null());
        assert_eq!(row.to_values(100)[66], Value::int(66));
    }
}
