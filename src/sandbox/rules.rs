//! The org's own rules as data: validation, duplicates, assignment. A fresh org has none.
//!
//! `POST /_sandbox/rules` puts these in force in place of all before:
//!
//! ```json
//! { "validation": [{ "object": "Lead", "when": "Rating = 'Hot' AND Phone = null", "message": "Hot leads need a phone", "field": "Phone" }],
//!   "duplicates": [{ "object": "Lead", "name": "Lead_Email", "fields": ["Email"], "mode": "alert" }],
//!   "assignment": [{ "object": "Lead", "when": "Country = 'Norway'", "owner": "005…", "id": "01Q…" }] }
//! ```
//!
//! `when` is a SOQL condition on the row as it would be. A row for which that of a validation rule holds is refused
//! with `FIELD_CUSTOM_VALIDATION_EXCEPTION`, `message` and `field` (may be left out). A row that equals another one in
//! every field of a duplicate rule, none of them empty, is refused with `DUPLICATES_DETECTED`; in mode `alert` a call
//! with `Sforce-Duplicate-Rule-Header: allowSave=true` gets through, in mode `block` none does. The first assignment
//! rule that holds gives the row its owner, unless the call has `Sforce-Auto-Assign: FALSE`; the header may also name
//! the `id` of one rule.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::describe::ObjectType;
use super::ids::RecordId;
use super::json::write_field;
use super::org::Org;
use super::query::condition::RowCondition;
use super::table::{Row, RowNumber, Table};
use super::texts::{self, Refusal};
use super::user::{Permissions, User};
use super::value::Value;

/// All rules in force.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Rules {
    validation: Vec<Validation>,
    duplicates: Vec<Duplicates>,
    assignment: Vec<Assignment>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Validation {
    object: String,
    when: String,
    message: String,
    field: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Duplicates {
    object: String,
    name: String,
    fields: Vec<String>,
    mode: Mode,
    #[serde(default = "use_one")]
    message: String,
}

/// The sentence of a rule that nobody has changed.
fn use_one() -> String {
    "Use one of these records?".to_owned()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    Alert,
    Block,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Assignment {
    object: String,
    when: Option<String>,
    owner: String,
    id: Option<String>,
}

/// Which assignment rules run for a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Assign {
    /// All, in order: what a call gets that says nothing.
    #[default]
    Active,
    /// None.
    Off,
    /// One, by its id.
    One(String),
}

/// What a call says about rules in its headers, and how its answers name things.
#[derive(Debug, Clone, Default)]
pub(super) struct Wishes {
    /// `allowSave` of `Sforce-Duplicate-Rule-Header`.
    pub(super) allow_save: bool,
    /// `includeRecordDetails` of the same.
    pub(super) record_details: bool,
    /// `Sforce-Auto-Assign`.
    pub(super) assign: Assign,
    /// `v67.0`, for addresses of rows.
    pub(super) version: String,
}

/// More rows than this are not listed in a refusal.
const MATCHES_MAX: usize = 100;
/// The newest version recorded with the member `duplicateResut`; later ones are taken to spell it right.
const MISSPELT_UNTIL: u32 = 51;

impl Rules {
    /// Refuses rules that could never work, in the words of a control call.
    pub(super) fn check(&self, org: &Org, user: &User, now: Timestamp) -> Result<(), String> {
        let known = |object: &str, fields: &[String]| {
            let table = org
                .table(object)
                .ok_or_else(|| format!("no object `{object}`"))?;
            match fields
                .iter()
                .find(|field| table.object().field(field).is_none())
            {
                Some(field) => Err(format!("no field `{object}.{field}`")),
                None => Ok(()),
            }
        };
        for rule in &self.validation {
            known(&rule.object, rule.field.as_slice())?;
        }
        for rule in &self.duplicates {
            known(&rule.object, &rule.fields)?;
            if rule.fields.is_empty() {
                return Err(format!("the duplicate rule `{}` names no field", rule.name));
            }
        }
        for rule in &self.assignment {
            known(&rule.object, &["OwnerId".to_owned()])?;
            let owner = RecordId::parse(&rule.owner).and_then(|id| org.row(id));
            if owner.is_none_or(|(table, _)| table.object().name != "User") {
                return Err(format!("no user `{}`", rule.owner));
            }
        }
        let conditions = self
            .validation
            .iter()
            .map(|rule| (&rule.object, &rule.when));
        let conditions = conditions.chain(
            self.assignment
                .iter()
                .filter_map(|rule| Some((&rule.object, rule.when.as_ref()?))),
        );
        for (object, when) in conditions {
            RowCondition::compile(org, &everything(user), object, when, now)
                .map_err(|error| format!("`{when}`: {}", error.message))?;
        }
        Ok(())
    }

    /// Makes the rows that duplicate rules look for findable without a walk through the table.
    pub(super) fn index(&self, org: &mut Org) {
        for rule in &self.duplicates {
            let Some(table) = org.table_mut(&rule.object) else {
                continue;
            };
            let object = table.object().clone();
            let texts = rule
                .fields
                .iter()
                .filter_map(|field| object.index_of(field));
            let first = texts
                .into_iter()
                .find(|&at| object.fields[at].kind.is_text());
            if let Some(at) = first {
                table.index_field(at);
            }
        }
    }
}

/// Rules know no field-level security.
fn everything(user: &User) -> User {
    User {
        permissions: Permissions::default(),
        ..user.clone()
    }
}

/// The rules as they stand for one call: conditions are compiled.
#[derive(Debug, Default)]
pub(super) struct Active {
    rules: Arc<Rules>,
    wishes: Wishes,
    /// One for each validation rule, then one for each assignment rule; none where there is no condition.
    conditions: Vec<Option<RowCondition>>,
}

impl Active {
    /// Compiles the conditions. Costs nothing where there are no rules.
    pub(super) fn new(
        rules: Arc<Rules>,
        wishes: Wishes,
        org: &Org,
        user: &User,
        now: Timestamp,
    ) -> Self {
        let user = everything(user);
        let compile =
            |object: &str, when: &str| RowCondition::compile(org, &user, object, when, now).ok();
        let validation = rules.validation.iter();
        let assignment = rules.assignment.iter();
        let conditions = validation
            .map(|rule| compile(&rule.object, &rule.when))
            .chain(assignment.map(|rule| compile(&rule.object, rule.when.as_ref()?)))
            .collect();
        Self {
            rules,
            wishes,
            conditions,
        }
    }

    /// Gives a row the owner that the first fitting assignment rule names.
    pub(super) fn assign(&self, org: &Org, object: &ObjectType, values: &mut [Value]) {
        let conditions = self.conditions.iter().skip(self.rules.validation.len());
        for (rule, condition) in self.rules.assignment.iter().zip(conditions) {
            let wanted = match &self.wishes.assign {
                Assign::Active => true,
                Assign::Off => false,
                Assign::One(id) => rule.id.as_ref().is_some_and(|own| same_id(own, id)),
            };
            if !wanted || !rule.object.eq_ignore_ascii_case(&object.name) {
                continue;
            }
            let row = || Row::new(values.iter().cloned(), false);
            let holds = condition
                .as_ref()
                .is_none_or(|condition| condition.holds(org, &row()));
            if let (true, Some(at), Some(owner)) = (
                holds,
                object.index_of("OwnerId"),
                RecordId::parse(&rule.owner),
            ) {
                values[at] = Value::Id(owner);
                return;
            }
        }
    }

    /// Refuses a row as it would be, where a rule says so.
    pub(super) fn check(
        &self,
        org: &Org,
        table: &Table,
        old: Option<&Row>,
        row: &Row,
    ) -> Result<(), Refusal> {
        let name = &table.object().name;
        for (rule, condition) in self.rules.validation.iter().zip(&self.conditions) {
            let concerns = rule.object.eq_ignore_ascii_case(name);
            let holds = |condition: &RowCondition| condition.holds(org, row);
            if concerns && condition.as_ref().is_some_and(holds) {
                return Err(texts::rows::validation(
                    &rule.message,
                    rule.field.as_deref(),
                ));
            }
        }
        for rule in &self.rules.duplicates {
            let passes = rule.mode == Mode::Alert && self.wishes.allow_save;
            if passes || !rule.object.eq_ignore_ascii_case(name) {
                continue;
            }
            let twins = twins(table, rule, old, row);
            if !twins.is_empty() {
                let details = self.details(table, rule, &twins);
                return Err(texts::rows::duplicates(
                    &rule.message,
                    self.member(),
                    details,
                ));
            }
        }
        Ok(())
    }

    fn member(&self) -> &'static str {
        let version = self.wishes.version.trim_start_matches('v');
        let version = version.split('.').next().unwrap_or_default();
        match version.parse::<u32>() {
            Ok(version) if version <= MISSPELT_UNTIL => "duplicateResut",
            _ => "duplicateResult",
        }
    }

    /// Source: answers recorded by public clients.
    fn details(&self, table: &Table, rule: &Duplicates, twins: &[&Row]) -> Json {
        let object = table.object();
        let record = |row: &&Row| {
            let id = row.id().to_string();
            let url = format!(
                "/services/data/{}/sobjects/{}/{id}",
                self.wishes.version, object.name
            );
            let mut record = Map::new();
            record.insert(
                "attributes".to_owned(),
                json!({ "type": object.name, "url": url }),
            );
            record.insert("Id".to_owned(), id.into());
            let shown = rule.fields.iter().filter(|_| self.wishes.record_details);
            for at in shown.filter_map(|field| object.index_of(field)) {
                let mut value = Vec::new();
                write_field(&mut value, object, at, row);
                let value = serde_json::from_slice(&value).unwrap_or_default();
                record.insert(object.fields[at].name.clone(), value);
            }
            json!({
                "additionalInformation": [],
                "fieldDiffs": [],
                "matchConfidence": 100.0,
                "record": record,
            })
        };
        let records: Vec<Json> = twins.iter().take(MATCHES_MAX).map(record).collect();
        json!({
            "allowSave": rule.mode == Mode::Alert,
            "duplicateRule": rule.name,
            "duplicateRuleEntityType": object.name,
            "errorMessage": rule.message,
            "matchResults": [{
                "entityType": object.name,
                "errors": [],
                "matchEngine": "ExactMatchEngine",
                "matchRecords": records,
                "rule": rule.name,
                "size": twins.len(),
                "success": true,
            }],
        })
    }
}

/// Ids of 15 and 18 characters are the same.
fn same_id(one: &str, other: &str) -> bool {
    let short = |id: &str| RecordId::parse(id).map(|id| id.short().to_owned());
    one == other || short(one).is_some_and(|id| Some(id) == short(other))
}

/// Other rows, not deleted, that a rule holds for the same. An update that leaves the rule's fields alone has none.
fn twins<'t>(table: &'t Table, rule: &Duplicates, old: Option<&Row>, row: &Row) -> Vec<&'t Row> {
    let object = table.object();
    let fields: Vec<usize> = rule
        .fields
        .iter()
        .filter_map(|field| object.index_of(field))
        .collect();
    let same = |one: &Row, other: &Row| fields.iter().all(|&at| equal(one.get(at), other.get(at)));
    let untouched = old.is_some_and(|old| same(old, row));
    if untouched || fields.iter().any(|&at| row.get(at).is_null()) {
        return Vec::new();
    }
    let is_twin = |other: &&Row| !other.deleted && other.id() != row.id() && same(other, row);
    let indexed = fields
        .iter()
        .find_map(|&at| table.with_key(at, row.get(at).as_text()?));
    match indexed {
        Some(numbers) => {
            let rows = numbers
                .iter()
                .filter_map(|number: &RowNumber| table.row(*number));
            rows.filter(is_twin).collect()
        }
        None => table.rows().map(|(_, row)| row).filter(is_twin).collect(),
    }
}

fn equal(one: &Value, other: &Value) -> bool {
    match (one.as_text(), other.as_text()) {
        (Some(one), Some(other)) => one.to_lowercase() == other.to_lowercase(),
        _ => one == other,
    }
}
