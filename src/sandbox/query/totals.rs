//! Takes rows into groups and adds them up.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use super::compare;
use super::filter::{Operand, Subject};
use crate::sandbox::org::Org;
use crate::sandbox::value::{Decimal, Value};
use crate::soql::ast::{Function, Subtotals};

/// What a column is made of.
#[derive(Debug)]
pub(super) enum Made {
    /// The group's key of that number.
    Key(usize),
    /// Whether the key of that number was rolled up: 1 or 0.
    Grouping(usize),
    /// An aggregate of a value, or of the rows themselves.
    Aggregate(Function, Option<Operand>),
}

/// The groups while rows are taken in.
pub(super) struct Groups {
    keys: Vec<Operand>,
    columns: Vec<Made>,
    /// Which keys are rolled up, a bit each; the first set is none.
    rolled: Vec<u32>,
    found: HashMap<(u32, Vec<Value>), usize>,
    list: Vec<Group>,
}

struct Group {
    rolled: u32,
    keys: Vec<Value>,
    totals: Vec<Total>,
}

enum Total {
    None,
    Count(i64),
    Distinct(HashSet<Value>),
    Sum(Option<Sum>),
    Average(Sum, i64),
    Least(Value),
    Greatest(Value),
}

impl Groups {
    /// No groups yet; without keys the one group that there always is.
    pub(super) fn new(keys: Vec<Operand>, columns: Vec<Made>, subtotals: Subtotals) -> Self {
        let count = keys.len();
        let rolled = match subtotals {
            Subtotals::None => vec![0],
            // The last key is rolled up first, then the last two, and so on.
            Subtotals::Rollup => (0..=count)
                .map(|up| (0..up).fold(0, |set, back| set | 1 << (count - 1 - back)))
                .collect(),
            Subtotals::Cube => (0..1 << count).collect(),
        };
        let mut groups = Self {
            keys,
            columns,
            rolled,
            found: HashMap::new(),
            list: Vec::new(),
        };
        if groups.keys.is_empty() {
            groups.group(0, &[]);
        }
        groups
    }

    /// Takes in a row.
    pub(super) fn take(&mut self, org: &Org, subject: Subject<'_>) {
        let keys = self.keys.iter();
        let keys: Vec<Value> = keys
            .map(|key| key.value(org, subject).into_owned())
            .collect();
        for at in 0..self.rolled.len() {
            let group = self.group(self.rolled[at], &keys);
            let group = &mut self.list[group];
            for (made, total) in self.columns.iter().zip(&mut group.totals) {
                match made {
                    Made::Aggregate(_, None) => total.add(&Value::Bool(true)),
                    Made::Aggregate(_, Some(operand)) => total.add(&operand.value(org, subject)),
                    Made::Key(_) | Made::Grouping(_) => {}
                }
            }
        }
    }

    /// The number of the group with these keys, made where there is none.
    fn group(&mut self, rolled: u32, keys: &[Value]) -> usize {
        let kept = |(at, value): (usize, &Value)| match rolled & (1 << at) {
            0 => value.clone(),
            _ => Value::Null,
        };
        let keys: Vec<Value> = keys.iter().enumerate().map(kept).collect();
        let folded = keys.iter().map(compare::folded).collect();
        let (columns, list) = (&self.columns, &mut self.list);
        *self.found.entry((rolled, folded)).or_insert_with(|| {
            list.push(Group {
                rolled,
                keys,
                totals: columns.iter().map(Total::of).collect(),
            });
            list.len() - 1
        })
    }

    /// The groups with one value a column, in the order in which they were met.
    pub(super) fn finish(self) -> Vec<Vec<Value>> {
        let columns = self.columns;
        let row = |group: Group| {
            let values = columns.iter().zip(group.totals);
            values
                .map(|(made, total)| match made {
                    Made::Key(at) => group.keys[*at].clone(),
                    Made::Grouping(at) => Value::int(i64::from(group.rolled >> at & 1)),
                    Made::Aggregate(..) => total.finish(),
                })
                .collect()
        };
        self.list.into_iter().map(row).collect()
    }
}

impl Total {
    fn of(made: &Made) -> Self {
        match made {
            Made::Key(_) | Made::Grouping(_) => Total::None,
            Made::Aggregate(function, _) => match function {
                Function::CountDistinct => Total::Distinct(HashSet::new()),
                Function::Sum => Total::Sum(None),
                Function::Avg => Total::Average(Sum::default(), 0),
                Function::Min => Total::Least(Value::Null),
                Function::Max => Total::Greatest(Value::Null),
                _ => Total::Count(0),
            },
        }
    }

    fn add(&mut self, value: &Value) {
        if value.is_null() {
            return;
        }
        let beats = |other: &Value, wanted: Ordering| {
            other.is_null() || compare::order(value, &compare::folded(other), false) == wanted
        };
        match self {
            Total::Count(count) => *count += 1,
            Total::Distinct(seen) => {
                seen.insert(compare::folded(value));
            }
            Total::Sum(sum) => sum.get_or_insert_default().add(value),
            Total::Average(sum, count) => {
                sum.add(value);
                *count += 1;
            }
            Total::Least(least) if beats(least, Ordering::Less) => *least = value.clone(),
            Total::Greatest(greatest) if beats(greatest, Ordering::Greater) => {
                *greatest = value.clone();
            }
            Total::None | Total::Least(_) | Total::Greatest(_) => {}
        }
    }

    fn finish(self) -> Value {
        match self {
            Total::None | Total::Sum(None) | Total::Average(_, 0) => Value::Null,
            Total::Count(count) => Value::int(count),
            Total::Distinct(seen) => Value::int(i64::try_from(seen.len()).unwrap_or(i64::MAX)),
            Total::Sum(Some(sum)) => sum.value(1),
            Total::Average(sum, count) => sum.value(count),
            Total::Least(value) | Total::Greatest(value) => value,
        }
    }
}

/// A sum of decimals, exact.
#[derive(Debug, Default)]
struct Sum {
    units: i128,
    scale: u8,
}

/// Digits behind the point of an average.
const AVERAGE_SCALE: u8 = 6;

impl Sum {
    fn add(&mut self, value: &Value) {
        let Value::Number(number) = value else { return };
        let scale = self.scale.max(number.scale());
        let power = |from: u8| 10_i128.pow(u32::from(scale - from));
        let own = self.units.saturating_mul(power(self.scale));
        let other = i128::from(number.units()).saturating_mul(power(number.scale()));
        self.units = own.saturating_add(other);
        self.scale = scale;
    }

    /// The sum, or with a `count` above one the average, half rounded away from zero.
    fn value(&self, count: i64) -> Value {
        let scale = if count > 1 {
            self.scale.max(AVERAGE_SCALE)
        } else {
            self.scale
        };
        let units = self
            .units
            .saturating_mul(10_i128.pow(u32::from(scale - self.scale)));
        let count = i128::from(count.max(1));
        let rounded = (units + units.signum() * count / 2) / count;
        match i64::try_from(rounded) {
            Ok(units) => Value::Number(Decimal::new(units, scale).normal()),
            Err(_) => Value::Number(Decimal::new(i64::MAX, 0)),
        }
    }
}
