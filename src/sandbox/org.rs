//! The org: its objects, their rows, and the commits that are still under way.
//!
//! The evaluator of SOQL reads it like this: [`Org::table`] by the name after FROM; [`Table::object`] for fields by
//! name; [`Table::in_stamp_order`], [`Table::in_id_order`], [`Table::with_key`] or [`Table::rows`] for candidates;
//! [`Org::row`] to follow a reference to its parent; [`Table::children_of`] on the child's table for a subquery.
//! What the asking user may see is [`User::permissions`](super::user::User::permissions). Deleted rows are in every
//! index: `query` leaves them out, `queryAll` shows them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::describe::{ChildRelationship, ObjectType};
use super::ids::RecordId;
use super::table::{Row, RowNumber, Table};
use super::value::Stamp;

/// All data of the sandbox.
#[derive(Debug)]
pub struct Org {
    /// The id of the `Organization` row.
    pub id: RecordId,
    tables: Vec<Table>,
    by_name: HashMap<String, usize>,
    by_prefix: HashMap<[u8; 3], usize>,
    serials: HashMap<[u8; 3], u64>,
    pending: BTreeMap<(Stamp, u64), Pending>,
    pending_serial: u64,
    journal: Journal,
}

/// What it takes to undo the commits of the transactions under way.
#[derive(Debug, Default)]
struct Journal {
    /// Transactions inside each other.
    depth: usize,
    undo: Vec<Undo>,
}

#[derive(Debug)]
enum Undo {
    /// A row that was made (`old` is none) or replaced.
    Row {
        table: usize,
        number: RowNumber,
        old: Option<Row>,
    },
    /// A row that waits for its commit.
    Pending((Stamp, u64)),
}

/// Where a transaction began. Each one is given back to [`Org::keep`] or to [`Org::undo`].
#[derive(Debug)]
#[must_use]
pub struct Mark(usize);

/// A row that is written and not yet committed: nobody sees it before its instant.
#[derive(Debug)]
pub struct Pending {
    /// The table, by its object's name.
    pub object: String,
    /// The row as it will be; one with the same id is replaced.
    pub row: Row,
    /// When the transaction began: `getUpdated` covers nothing behind it.
    pub begun: Stamp,
}

/// The two characters in the middle of every id, where a real org has its pod.
pub const INSTANCE: [u8; 2] = *b"bg";

impl Org {
    /// An org of these objects, without rows.
    pub fn new(id: RecordId, mut objects: Vec<ObjectType>) -> Self {
        link_children(&mut objects);
        let names = objects.iter().enumerate();
        let by_name = names
            .clone()
            .map(|(at, object)| (object.name.to_ascii_lowercase(), at));
        let by_prefix = names.filter_map(|(at, object)| Some((object.key_prefix?, at)));
        Self {
            id,
            by_name: by_name.collect(),
            by_prefix: by_prefix.collect(),
            tables: objects
                .into_iter()
                .map(|object| Table::new(Arc::new(object)))
                .collect(),
            serials: HashMap::new(),
            pending: BTreeMap::new(),
            pending_serial: 0,
            journal: Journal::default(),
        }
    }

    /// Every table, in the order the objects were given.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// The table of an object; case does not matter.
    pub fn table(&self, object: &str) -> Option<&Table> {
        self.position(object).map(|at| &self.tables[at])
    }

    /// The table of an object, to change it; case does not matter.
    pub fn table_mut(&mut self, object: &str) -> Option<&mut Table> {
        self.position(object).map(|at| &mut self.tables[at])
    }

    /// The table to which an id belongs, by its first three characters.
    pub fn table_of(&self, id: RecordId) -> Option<&Table> {
        self.by_prefix.get(&id.prefix()).map(|&at| &self.tables[at])
    }

    /// A row of whatever object with its table, deleted or not.
    pub fn row(&self, id: RecordId) -> Option<(&Table, &Row)> {
        let table = self.table_of(id)?;
        Some((table, table.row(table.find(id)?)?))
    }

    /// A row's table and place.
    pub fn locate(&self, id: RecordId) -> Option<(&Table, RowNumber)> {
        let table = self.table_of(id)?;
        Some((table, table.find(id)?))
    }

    /// The next free id with a prefix.
    pub fn next_id(&mut self, prefix: [u8; 3]) -> RecordId {
        let serial = self.serials.entry(prefix).or_default();
        *serial += 1;
        RecordId::from_serial(prefix, INSTANCE, *serial)
    }

    /// Keeps a row back until `visible_at`.
    pub fn commit_later(&mut self, visible_at: Stamp, pending: Pending) {
        self.pending_serial += 1;
        let key = (visible_at, self.pending_serial);
        self.pending.insert(key, pending);
        self.note(Undo::Pending(key));
    }

    /// Begins a transaction: until it ends, every commit can be undone. Transactions may nest.
    pub fn begin(&mut self) -> Mark {
        self.journal.depth += 1;
        Mark(self.journal.undo.len())
    }

    /// Ends a transaction and keeps what it did; an outer one may still undo it.
    pub fn keep(&mut self, _: Mark) {
        self.journal.depth -= 1;
        if self.journal.depth == 0 {
            self.journal.undo.clear();
        }
    }

    /// Ends a transaction and takes back what it did. Ids it used up are not given again.
    pub fn undo(&mut self, mark: Mark) {
        while self.journal.undo.len() > mark.0 {
            match self.journal.undo.pop() {
                Some(Undo::Row { table, number, old }) => {
                    let table = &mut self.tables[table];
                    match old {
                        Some(old) => table.replace(number, old),
                        None => table.take(number),
                    };
                }
                Some(Undo::Pending(key)) => {
                    self.pending.remove(&key);
                }
                None => {}
            }
        }
        self.keep(mark);
    }

    fn note(&mut self, undo: Undo) {
        if self.journal.depth > 0 {
            self.journal.undo.push(undo);
        }
    }

    /// When the next pending row becomes visible.
    pub fn next_commit(&self) -> Option<Stamp> {
        self.pending.keys().next().map(|&(at, _)| at)
    }

    /// When the oldest transaction that is still under way began.
    pub fn oldest_pending(&self) -> Option<Stamp> {
        self.pending.values().map(|pending| pending.begun).min()
    }

    /// The rows that wait for their commit.
    pub fn pending(&self) -> impl Iterator<Item = &Pending> {
        self.pending.values()
    }

    /// Commits every pending row whose instant has come; none while a transaction could undo it.
    pub fn settle(&mut self, now: Stamp) {
        if self.journal.depth > 0 {
            return;
        }
        while let Some(entry) = self.pending.first_entry() {
            if entry.key().0 > now {
                return;
            }
            let pending = entry.remove();
            self.commit(&pending.object, pending.row);
        }
    }

    /// Puts a row into its table, in the place of the one with the same id where there is one.
    pub fn commit(&mut self, object: &str, row: Row) {
        let Some(at) = self.position(object) else {
            return;
        };
        let table = &mut self.tables[at];
        let (number, old) = match table.find(row.id()) {
            Some(number) => (number, table.replace(number, row)),
            None => (table.insert(row), None),
        };
        self.note(Undo::Row {
            table: at,
            number,
            old,
        });
    }

    fn position(&self, object: &str) -> Option<usize> {
        self.by_name
            .get(object)
            .or_else(|| self.by_name.get(&object.to_ascii_lowercase()))
            .copied()
    }
}

/// Lists every reference field at the objects it points to.
fn link_children(objects: &mut [ObjectType]) {
    let mut links: Vec<(String, ChildRelationship)> = Vec::new();
    for object in objects.iter() {
        for field in &object.fields {
            for parent in &field.reference_to {
                links.push((
                    parent.clone(),
                    ChildRelationship {
                        child_object: object.name.clone(),
                        field: field.name.clone(),
                        relationship_name: field.child_relationship.clone(),
                    },
                ));
            }
        }
    }
    for (parent, link) in links {
        if let Some(object) = objects.iter_mut().find(|object| object.name == parent) {
            object.children.push(link);
        }
    }
}
