//! Holds what a target writes against what the org describes: permissions, fields, the key, and constants.

use crate::foundation::code::Code;
use crate::foundation::diagnostic::{Diagnostic, nearest};
use crate::foundation::fixed_by::FixedBy;
use crate::salesforce::describe::{FieldDescribe, FieldType, ObjectDescribe};
use crate::salesforce::fit::fit;
use crate::spec::target::Operation;
use crate::template::scope::Scope;

use super::expression::Expression;
use super::infer::Finding;
use super::snapshot::{self, Snapshots};
use super::step::target::Target;

/// Fields that Salesforce itself keeps (Object Reference, "System Fields").
const SYSTEM: [&str; 7] = [
    "CreatedById",
    "CreatedDate",
    "IsDeleted",
    "LastModifiedById",
    "LastModifiedDate",
    "MasterRecordId",
    "SystemModstamp",
];

/// Everything that a target asks of its object and the description does not grant.
///
/// Parents are checked as far as their objects are among `others`.
pub fn check(target: &Target, object: &ObjectDescribe, others: &Snapshots) -> Vec<Finding> {
    let checks = Checks {
        target,
        object,
        others,
    };
    let mut findings: Vec<Finding> = Vec::new();
    findings.extend(checks.permission());
    findings.extend(checks.key());
    for (path, value) in &target.fields {
        match path.split_once('.') {
            Some((parent, field)) => findings.extend(checks.reference(path, parent, field)),
            None => findings.extend(checks.field(path, value)),
        }
    }
    findings.extend(checks.required());
    findings
}

struct Checks<'a> {
    target: &'a Target,
    object: &'a ObjectDescribe,
    others: &'a Snapshots,
}

impl Checks<'_> {
    fn creates(&self) -> bool {
        matches!(self.target.operation, Operation::Create | Operation::Upsert)
    }

    fn changes(&self) -> bool {
        matches!(self.target.operation, Operation::Update | Operation::Upsert)
    }

    fn at(&self, part: &str, diagnostic: Diagnostic) -> Finding {
        Finding {
            pointer: format!("/targets/{}/{part}", self.target.name),
            span: 0..0,
            diagnostic,
        }
    }

    fn at_field(&self, path: &str, diagnostic: Diagnostic) -> Finding {
        self.at(&format!("field_map/{path}"), diagnostic)
    }

    fn at_key(&self, field: &str, diagnostic: Diagnostic) -> Finding {
        self.at(&format!("match/{field}"), diagnostic)
    }

    /// The object takes the operation.
    fn permission(&self) -> Option<Finding> {
        let missing: Vec<&str> = [
            ("Create", self.creates() && !self.object.createable),
            ("Edit", self.changes() && !self.object.updateable),
        ]
        .iter()
        .filter(|(_, is_missing)| *is_missing)
        .map(|(name, _)| *name)
        .collect();
        if missing.is_empty() {
            return None;
        }
        let object = &self.object.name;
        let boxes: Vec<String> = missing.iter().map(|name| format!("`{name}`")).collect();
        let boxes = boxes.join(" and ");
        let diagnostic = Diagnostic::error(
            Code::ObjectNotWritable,
            format!(
                "{} needs the permission {boxes} on `{object}`, which the signed-in user lacks",
                in_words(self.target.operation)
            ),
        )
        .help(format!(
            "tick {boxes}: Setup → Permission Sets → a set of the user → Object Settings → {object}; then run \
             `bridged describe pull {object}`"
        ));
        Some(self.at("object", diagnostic))
    }

    /// The match field finds one row at most.
    fn key(&self) -> Option<Finding> {
        let (name, _) = self.target.key.as_ref()?;
        if name.eq_ignore_ascii_case("Id") {
            return None;
        }
        let Some(field) = self.object.field(name) else {
            let diagnostic = no_field(name, self.object);
            return Some(self.at_key(name, diagnostic));
        };
        if let Some(diagnostic) = not_unique(field, self.object, self.changes()) {
            return Some(self.at_key(name, diagnostic));
        }
        // The key itself is set on rows that are made, and never changed.
        let set = self.creates() && !field.createable;
        set.then(|| self.at_key(name, self.read_only(field)))
    }

    /// A field of the object is there and takes what it gets.
    fn field(&self, name: &str, value: &Expression) -> Option<Finding> {
        let Some(field) = self.object.field(name) else {
            return Some(self.at_field(name, no_field(name, self.object)));
        };
        if !self.takes(field) {
            return Some(self.at_field(name, self.read_only(field)));
        }
        let (constant, span) = match value {
            Expression::Constant(value) => (value.clone(), 0..0),
            Expression::Template(text) if text.names().is_empty() => {
                (text.evaluate(&Scope::new()).ok()?, 0..text.source().len())
            }
            Expression::Template(_) => return None,
        };
        let misfit = fit(field, &constant).err()?;
        let mut diagnostic = Diagnostic::error(misfit.code, misfit.message);
        if misfit.code == Code::ValueNotListed {
            diagnostic = diagnostic.help(choices(field, &constant));
        }
        Some(Finding {
            span,
            ..self.at_field(name, diagnostic)
        })
    }

    /// A parent is pointed at through its relationship and an external id of its own.
    fn reference(&self, path: &str, parent: &str, field: &str) -> Option<Finding> {
        let Some(reference) = self.object.parent(parent) else {
            return Some(self.at_field(path, no_parent(parent, self.object)));
        };
        if !self.takes(reference) {
            return Some(self.at_field(path, self.read_only(reference)));
        }
        let parents: Option<Vec<&ObjectDescribe>> = reference
            .reference_to
            .iter()
            .map(|name| self.others.get(name))
            .collect();
        let parents = parents.filter(|parents| !parents.is_empty())?;
        let mut problems = parents.iter().map(|object| match object.field(field) {
            None => Some(no_field(field, object)),
            Some(field) => not_unique(field, object, true),
        });
        // A polymorphic parent can be of several objects: one that has the key is enough.
        let first = problems.next()??;
        let all = problems.all(|problem| problem.is_some());
        all.then(|| self.at_field(path, first))
    }

    /// The fields without which a new row is refused.
    fn required(&self) -> Option<Finding> {
        if !self.creates() {
            return None;
        }
        let is_set = |field: &FieldDescribe| {
            let key = self.target.key.iter().map(|(name, _)| name.as_str());
            let paths = self.target.fields.iter().map(|(path, _)| path.as_str());
            key.chain(paths).any(|path| match path.split_once('.') {
                None => path.eq_ignore_ascii_case(&field.name),
                Some((parent, _)) => field
                    .relationship_name
                    .as_ref()
                    .is_some_and(|name| name.eq_ignore_ascii_case(parent)),
            })
        };
        let missing: Vec<&FieldDescribe> = self
            .object
            .fields
            .iter()
            .filter(|field| is_required(field) && !is_set(field))
            .collect();
        let first = missing.first()?;
        let names: Vec<String> = missing
            .iter()
            .map(|field| format!("`{}`", field.name))
            .collect();
        let message = format!(
            "a new `{}` needs {}, and the field map does not set {}",
            self.object.name,
            names.join(" and "),
            if missing.len() == 1 { "it" } else { "them" },
        );
        let diagnostic = match self.target.operation {
            Operation::Upsert => Diagnostic::warning(Code::RequiredFieldMissing, message),
            _ => Diagnostic::error(Code::RequiredFieldMissing, message),
        };
        let help = format!("add it to the field map, as in `{}: …`", first.name);
        Some(self.at("field_map", diagnostic.help(help)))
    }

    fn takes(&self, field: &FieldDescribe) -> bool {
        (field.createable || !self.creates()) && (field.updateable || !self.changes())
    }

    /// Why a field does not take a value.
    fn read_only(&self, field: &FieldDescribe) -> Diagnostic {
        let (name, object) = (&field.name, &self.object.name);
        let parts: Vec<String> = self
            .object
            .fields
            .iter()
            .filter(|part| part.compound_field_name.as_deref() == Some(name) && part.name != *name)
            .map(|part| format!("`{}`", part.name))
            .collect();
        let leave_out = "leave it out of the field map".to_owned();
        let is_system = SYSTEM.iter().any(|known| name.eq_ignore_ascii_case(known));
        let (why, help) = if field.kind == FieldType::Id {
            let help = "name the row under `match`, and leave its Id out of the field map";
            ("it is the row's own id", help.to_owned())
        } else if field.calculated {
            ("it is a formula or a summary", leave_out)
        } else if is_system {
            ("Salesforce keeps it itself", leave_out)
        } else if !parts.is_empty() {
            let help = format!("write its parts instead: {}", parts.join(", "));
            ("it is made of other fields", help)
        } else if field.createable {
            let help = "leave it out, or write it with `operation: create`";
            ("it is set only when a row is created", help.to_owned())
        } else if field.updateable {
            let help = "leave it out, or write it with `operation: update`";
            ("it cannot be set when a row is created", help.to_owned())
        } else {
            let help = format!(
                "give the signed-in user edit access to it: Setup → Object Manager → {object} → Fields & Relationships → \
                 {name} → Set Field-Level Security; then run `bridged describe pull {object}`"
            );
            ("the signed-in user has no edit access to it", help)
        };
        let diagnostic = Diagnostic::error(
            Code::FieldNotWritable,
            format!("`{name}` of `{object}` cannot be written: {why}"),
        )
        .help(help);
        // What nobody can write, no permission makes writable.
        let is_of_rights = !(field.kind == FieldType::Id
            || field.calculated
            || is_system
            || !parts.is_empty()
            || field.createable
            || field.updateable);
        if is_of_rights {
            diagnostic
        } else {
            diagnostic.turn(FixedBy::Author)
        }
    }
}

/// The permissions that an operation needs, as a permission set calls them: "`Create` and `Edit`".
pub const fn boxes(operation: Operation) -> &'static str {
    match operation {
        Operation::Update => "`Edit`",
        Operation::Upsert => "`Create` and `Edit`",
        Operation::Create => "`Create`",
    }
}

const fn in_words(operation: Operation) -> &'static str {
    match operation {
        Operation::Update => "an update",
        Operation::Upsert => "an upsert",
        Operation::Create => "a create",
    }
}

/// Whether Salesforce refuses a new row without the field. A checkbox is false by itself.
fn is_required(field: &FieldDescribe) -> bool {
    let may_be_left_out =
        field.nillable || field.defaulted_on_create || field.kind == FieldType::Boolean;
    field.createable && !may_be_left_out
}

/// Why a field does not find one row at most; an upsert matches on external ids and look-up fields alone.
fn not_unique(
    field: &FieldDescribe,
    object: &ObjectDescribe,
    is_matched: bool,
) -> Option<Diagnostic> {
    let is_found = field.external_id || field.id_lookup || !is_matched;
    let missing = match (is_found, field.unique || field.kind == FieldType::Id) {
        (true, true) => return None,
        (false, true) => "is not marked as an external id",
        (true, false) => "is not unique",
        (false, false) => "is neither marked as an external id nor unique",
    };
    let (name, object) = (&field.name, &object.name);
    let diagnostic = Diagnostic::error(
        Code::KeyNotUnique,
        format!("`{name}` of `{object}` {missing}, so it may find several rows or none"),
    );
    Some(diagnostic.help(format!(
        "tick `External ID` and `Do not allow duplicate values`: Setup → Object Manager → {object} → \
         Fields & Relationships → {name} → Edit; then run `bridged describe pull {object}`"
    )))
}

fn no_field(name: &str, object: &ObjectDescribe) -> Diagnostic {
    let message = format!(
        "`{}` has no field `{name}` that the signed-in user can see",
        object.name
    );
    match object.parent(name) {
        Some(reference) => Diagnostic::error(Code::UnknownField, message).help(format!(
            "write the parent's Id to `{}`, or name the parent by an external id, as in `{name}.Key__c`",
            reference.name
        )),
        None => snapshot::unseen(name, object, message),
    }
}

fn no_parent(name: &str, object: &ObjectDescribe) -> Diagnostic {
    let parents = object
        .fields
        .iter()
        .filter_map(|field| field.relationship_name.as_deref());
    let own = object
        .field(name)
        .and_then(|field| field.relationship_name.as_deref());
    let help = match own.or_else(|| nearest(name, parents)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "name a lookup field's relationship, as in `Account.Key__c` or `Parent__r.Key__c`"
            .to_owned(),
    };
    Diagnostic::error(
        Code::UnknownField,
        format!("`{}` has no parent `{name}`", object.name),
    )
    .help(help)
}

/// What a picklist takes instead.
fn choices(field: &FieldDescribe, value: &serde_json::Value) -> String {
    let active = || {
        field
            .picklist_values
            .iter()
            .filter(|value| value.active)
            .map(|value| value.value.as_str())
    };
    if let Some(near) = nearest(value.as_str().unwrap_or_default(), active()) {
        return format!("did you mean `{near}`?");
    }
    let shown: Vec<String> = active().take(8).map(|value| format!("`{value}`")).collect();
    format!("it takes {}", shown.join(", "))
}
