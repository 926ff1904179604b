//! Foreseeing: what writing a group would change, held against the rows as they are now; nothing is sent that writes.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::foundation::code::Code;
use crate::foundation::error::Result;
use crate::foundation::record::{Record, RecordError};
use crate::salesforce::client::Client;
use crate::salesforce::record_id;
use crate::spec::target::Operation;

use super::conflict::{same, value_at};
use super::facts::Facts;
use super::targets::{At, Entry, Fate, Ready, Rows, Standing, Targets, Trust};

/// What would happen to one row.
#[derive(Debug, Clone, PartialEq)]
pub struct RowChange {
    /// The group of records it belongs to, counted from 1: rows of one record never belong to two.
    pub group: u64,
    /// The target, by its name.
    pub target: String,
    /// The Salesforce object.
    pub object: String,
    /// The key as it would be sent; `None` for a row that is created without one.
    pub key: Option<String>,
    /// The row's Id, where it exists.
    pub id: Option<String>,
    /// The records it stands for, by their keys.
    pub records: Vec<String>,
    /// What would happen.
    pub what: What,
    /// The fields that would change.
    pub fields: Vec<FieldChange>,
    /// Fields that get the Id of a row that does not exist yet: the field, and the number of that row, counted over the whole
    /// preview from 0.
    pub links: Vec<(String, u64)>,
    /// Identifies the payload, for what is remembered when it is written.
    pub digest: [u8; 32],
    /// What is remembered of the fields, where the row is the one that was read.
    pub remember: Option<Map<String, Value>>,
}

/// What would happen to a row.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// It would be created.
    Create,
    /// Some of its fields would change.
    Update,
    /// It is as it would be written.
    Unchanged,
    /// It could not be written.
    Blocked(RecordError),
}

/// A field whose value would change.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldChange {
    /// The field; `deleted` for the mark of a profile's tombstone.
    pub name: String,
    /// What is there; `None` where nothing is.
    pub old: Option<Value>,
    /// What would be there.
    pub new: Value,
}

/// Foresees the groups of one preview, in their order.
pub struct Foreseer<'a> {
    targets: Targets,
    client: &'a Client,
    /// Groups and rows told so far, and the stand-ins for Ids of rows that do not exist yet.
    groups: u64,
    told: u64,
    stand_ins: HashMap<String, u64>,
}

impl<'a> Foreseer<'a> {
    /// Foresees what the targets would get.
    pub fn new(targets: Targets, client: &'a Client) -> Self {
        Self {
            targets,
            client,
            groups: 0,
            told: 0,
            stand_ins: HashMap::new(),
        }
    }

    /// What would happen to the rows of a group, and the fate of each of its records.
    ///
    /// # Errors
    /// What the client and the store say.
    pub async fn group(&mut self, records: &[Facts]) -> Result<(Vec<RowChange>, Vec<Fate>)> {
        let records: Vec<&Facts> = records.iter().collect();
        let records = records.as_slice();
        let mut standing = Standing::fresh(records.len());
        let mut changes = Vec::new();
        let targets = self.targets.clone();
        self.groups += 1;
        // Stand-ins are used within their group alone.
        self.stand_ins.clear();
        for wave in targets.waves() {
            for ready in wave {
                let rows = targets.rows(ready, records, &standing, Trust::Acknowledged)?;
                let outcomes = self.target(ready, records, rows, &mut changes).await?;
                for (record, at) in outcomes {
                    standing[record].take(ready, at);
                }
            }
        }
        let fates = standing.into_iter().map(Standing::into_fate);
        Ok((changes, fates.collect()))
    }

    async fn target(
        &mut self,
        ready: &Ready,
        records: &[&Facts],
        rows: Rows,
        changes: &mut Vec<RowChange>,
    ) -> Result<Vec<(usize, At)>> {
        let mut outcomes = rows.outcomes;
        for (record, at) in &outcomes {
            self.tell(settled(ready, records[*record], at), changes);
        }
        let current = self.current(ready, records, &rows.entries).await?;
        for (entry, current) in rows.entries.iter().zip(current) {
            let mut change = change(ready, records, entry, current.as_ref());
            change.links = self.links(ready, &change);
            let at = match (&change.what, &change.id) {
                (What::Blocked(reason), _) => At::Refused(reason.clone(), 0),
                (What::Unchanged, id) => At::Same(id.clone()),
                (_, Some(id)) => At::Written(id.clone()),
                (_, None) => {
                    let stand_in = stand_in(self.told);
                    self.stand_ins.insert(stand_in.clone(), self.told);
                    At::Written(stand_in)
                }
            };
            outcomes.extend(entry.outcomes(&at));
            self.tell(Some(change), changes);
        }
        Ok(outcomes)
    }

    /// The fields of a row, its key among them, that hold Ids of rows which do not exist yet.
    fn links(&self, ready: &Ready, change: &RowChange) -> Vec<(String, u64)> {
        let key_field = ready.target.key.as_ref().map(|(field, _)| field.as_str());
        let fields = change.fields.iter();
        let fields = fields.filter_map(|field| Some((field.name.as_str(), field.new.as_str()?)));
        let mut links = Vec::new();
        for (name, text) in fields.chain(key_field.zip(change.key.as_deref())) {
            if self.stand_ins.is_empty() || !text.contains(STAND_IN) {
                continue;
            }
            for start in 0..text.len() {
                let id = text.get(start..start + STAND_IN_LENGTH);
                let row = id.and_then(|id| self.stand_ins.get(id));
                links.extend(row.map(|row| (name.to_owned(), *row)));
            }
        }
        links
    }

    fn tell(&mut self, change: Option<RowChange>, changes: &mut Vec<RowChange>) {
        self.told += u64::from(change.is_some());
        changes.extend(change.map(|change| RowChange {
            group: self.groups,
            ..change
        }));
    }

    /// The rows as they are, one for each entry.
    async fn current(
        &self,
        ready: &Ready,
        records: &[&Facts],
        entries: &[Entry],
    ) -> Result<Vec<Option<Record>>> {
        let target = &ready.target;
        if target.of_row {
            let row = |entry: &Entry| records[*entry.records.last()?].row().cloned();
            return Ok(entries.iter().map(row).collect());
        }
        let Some((key, _)) = &target.key else {
            return Ok(vec![None; entries.len()]);
        };
        let payloads = entries.iter().map(|entry| &entry.payload);
        let keyed: Vec<(Option<&str>, &Map<String, Value>)> = payloads
            .map(|payload| (payload.key.as_deref(), &payload.fields))
            .collect();
        let found = rows_now(self.client, &target.object, key, &keyed).await?;
        let own = |entry: &Entry| {
            let key = entry.payload.key.as_ref()?.to_lowercase();
            found.get(&key).cloned()
        };
        Ok(entries.iter().map(own).collect())
    }
}

/// How stand-ins begin, and how long they are.
const STAND_IN: &str = "000";
const STAND_IN_LENGTH: usize = 18;

/// A text that passes for the Id of the row of this number, which does not exist yet.
pub fn stand_in(number: u64) -> String {
    let short = format!("{STAND_IN}{number:012}");
    record_id::long(&short).unwrap_or(short)
}

/// The rows with these keys as they are now, by their keys in lower case; one read for each 200 of them.
///
/// # Errors
/// What the client says.
pub async fn rows_now(
    client: &Client,
    object: &str,
    key: &str,
    rows: &[(Option<&str>, &Map<String, Value>)],
) -> Result<HashMap<String, Record>> {
    let keys: Vec<&str> = rows.iter().filter_map(|(key, _)| *key).collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let mut fields: Vec<&str> = Vec::new();
    for name in rows.iter().flat_map(|(_, fields)| fields.keys()) {
        if !fields.contains(&name.as_str()) {
            fields.push(name);
        }
    }
    let found = client.rows_by_key(object, key, &keys, &fields).await?;
    let keyed = found.into_iter().filter_map(|row| {
        let key = row.get(key)?.as_str()?.to_lowercase();
        Some((key, row))
    });
    Ok(keyed.collect())
}

/// A row about which nothing needs to be asked: it is the same, or it is refused.
fn settled(ready: &Ready, facts: &Facts, at: &At) -> Option<RowChange> {
    let (what, id) = match at {
        At::Same(id) => (What::Unchanged, id.clone()),
        At::Refused(reason, _) => (What::Blocked(reason.clone()), None),
        _ => return None,
    };
    Some(RowChange {
        group: 0,
        target: ready.target.name.clone(),
        object: ready.target.object.clone(),
        key: super::payload::key_of(&ready.target, facts),
        id,
        records: vec![facts.key.clone()],
        what,
        fields: Vec::new(),
        links: Vec::new(),
        digest: [0; 32],
        remember: None,
    })
}

fn change(ready: &Ready, records: &[&Facts], entry: &Entry, current: Option<&Record>) -> RowChange {
    let target = &ready.target;
    let fields: Vec<FieldChange> = entry
        .payload
        .fields
        .iter()
        .map(|(name, new)| FieldChange {
            name: name.clone(),
            old: current.and_then(|row| value_at(row, name)).cloned(),
            new: new.clone(),
        })
        .filter(|change| {
            let field = ready.object.field(&change.name);
            let old = change.old.as_ref();
            !old.is_some_and(|old| same(field, old, &change.new))
        })
        .collect();
    let what = match current {
        Some(_) if fields.is_empty() => What::Unchanged,
        Some(_) => What::Update,
        None if target.operation == Operation::Update => What::Blocked(RecordError {
            code: Code::NotFound,
            field: target.key.as_ref().map(|(field, _)| field.clone()),
            message: format!("there is no such row of `{}`", target.object),
            remote_code: None,
        }),
        None => What::Create,
    };
    let id = current.and_then(|row| row.get("Id")?.as_str().map(str::to_owned));
    RowChange {
        group: 0,
        target: target.name.clone(),
        object: target.object.clone(),
        key: entry.payload.key.clone(),
        id,
        records: entry
            .records
            .iter()
            .map(|record| records[*record].key.clone())
            .collect(),
        what,
        fields,
        links: Vec::new(),
        digest: entry.digest,
        remember: target.of_row.then(|| entry.remember.clone()),
    }
}
