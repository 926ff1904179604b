//! From named values to records: which fields each kind needs, and what they may hold.

use std::ops::Range;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::foundation::code::Code;
use crate::foundation::diagnostic::nearest;
use crate::foundation::error::Result;
use crate::foundation::id;
use crate::foundation::record::{
    EVIDENCE, Engagement, EngagementKind, Outcome, Profile, RecordError, is_evidence,
};
use crate::store::Store;
use crate::store::model::{Imported, check_engagement, check_outcome, check_profile};

use super::slips::{Fault, Field};

/// What stands before the channel in the name of a consent's column.
pub(super) const CONSENT: &str = "consent.";

/// The names that a kind of record has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// With its article, for messages.
    pub(super) noun: &'static str,
    /// The names that must be there.
    pub(super) required: &'static [&'static str],
    /// All others, where no further ones are kept.
    pub(super) others: Option<&'static [&'static str]>,
}

impl Shape {
    /// Why a record of this kind may not have the name, as a help; `None` when it may.
    pub(super) fn refuses(&self, name: &str) -> Option<String> {
        let others = self.others?;
        let mut all = self.required.iter().chain(others).copied();
        if all.any(|known| known == name) {
            return None;
        }
        Some(
            match nearest(name, self.required.iter().chain(others).copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "remove it: nothing would keep it".to_owned(),
            },
        )
    }
}

/// A record that can be read from a file.
pub(super) trait Importable: Sized {
    /// Its names.
    const SHAPE: Shape;

    /// The record that the fields make; `None`, with what is wrong, when they make none.
    fn read(fields: Vec<Field>, faults: &mut Vec<Fault>) -> Option<Self>;

    /// Stores a group.
    fn store(store: &dyn Store, records: &[Self], at: Timestamp) -> Result<Vec<Imported>>;
}

impl Importable for Profile {
    const SHAPE: Shape = Shape {
        noun: "a profile",
        required: &["key"],
        others: None,
    };

    fn read(fields: Vec<Field>, faults: &mut Vec<Fault>) -> Option<Self> {
        let mut taken = Taken::new(fields, Self::SHAPE, faults);
        let key = taken.text("key");
        let salesforce_id = taken.salesforce_id();
        let consent = taken.consent();
        let (attributes, spans) = taken.rest();
        let profile = Self {
            key: key?,
            salesforce_id,
            object: None,
            attributes,
            consent,
            deleted: false,
        };
        checked(profile, check_profile, &spans, faults)
    }

    fn store(store: &dyn Store, records: &[Self], at: Timestamp) -> Result<Vec<Imported>> {
        store.import_profiles(records, at)
    }
}

impl Importable for Outcome {
    const SHAPE: Shape = Shape {
        noun: "an outcome",
        required: &["id", "profile", "kind", "occurred_at"],
        others: None,
    };

    fn read(fields: Vec<Field>, faults: &mut Vec<Fault>) -> Option<Self> {
        let mut taken = Taken::new(fields, Self::SHAPE, faults);
        let (id, profile) = (taken.text("id"), taken.text("profile"));
        let (kind, occurred_at) = (taken.text("kind"), taken.time("occurred_at"));
        let (fields, spans) = taken.rest();
        let outcome = Self {
            id: id?,
            profile: profile?,
            kind: kind?,
            occurred_at: occurred_at?,
            fields,
        };
        checked(outcome, check_outcome, &spans, faults)
    }

    fn store(store: &dyn Store, records: &[Self], at: Timestamp) -> Result<Vec<Imported>> {
        store.import_outcomes(records, at)
    }
}

impl Importable for Engagement {
    const SHAPE: Shape = Shape {
        noun: "an engagement",
        required: &["id", "profile", "kind", "at"],
        others: Some(&["campaign"]),
    };

    fn read(fields: Vec<Field>, faults: &mut Vec<Fault>) -> Option<Self> {
        let mut taken = Taken::new(fields, Self::SHAPE, faults);
        let (id, profile) = (taken.text("id"), taken.text("profile"));
        let (kind, at) = (taken.kind(), taken.time("at"));
        let campaign = taken.optional_text("campaign");
        let (_, spans) = taken.rest();
        let engagement = Self {
            id: id?,
            profile: profile?,
            kind: kind?,
            at: at?,
            campaign,
        };
        checked(engagement, check_engagement, &spans, faults)
    }

    fn store(store: &dyn Store, records: &[Self], at: Timestamp) -> Result<Vec<Imported>> {
        store.import_engagements(records, at)
    }
}

/// Where each value stood.
type Spans = Vec<(String, Range<usize>)>;

/// The record, unless a store would refuse it.
fn checked<T>(
    record: T,
    check: fn(&T) -> std::result::Result<(), RecordError>,
    spans: &Spans,
    faults: &mut Vec<Fault>,
) -> Option<T> {
    let Err(reason) = check(&record) else {
        return Some(record);
    };
    let name = reason.field.unwrap_or_else(|| "key".to_owned());
    let place = spans
        .iter()
        .find(|(field, _)| *field == name || field.strip_prefix(CONSENT) == Some(name.as_str()));
    let span = place.map_or(0..0, |(_, span)| span.clone());
    faults.push(Fault::new(
        reason.code,
        format!("`{name}` cannot be stored: {}", reason.message),
        span,
    ));
    None
}

/// Fields, of which those with a meaning are taken out one by one.
struct Taken<'f> {
    fields: Vec<Field>,
    shape: Shape,
    spans: Spans,
    faults: &'f mut Vec<Fault>,
}

impl<'f> Taken<'f> {
    fn new(fields: Vec<Field>, shape: Shape, faults: &'f mut Vec<Fault>) -> Self {
        for field in &fields {
            if let Some(help) = shape.refuses(&field.name) {
                let message = format!("{} has no field `{}`", shape.noun, field.name);
                let fault = Fault::new(Code::ImportFieldInvalid, message, field.span.clone());
                faults.push(fault.help(help));
            }
        }
        let spans = fields
            .iter()
            .map(|field| (field.name.clone(), field.span.clone()))
            .collect();
        Self {
            fields,
            shape,
            spans,
            faults,
        }
    }

    /// The field of that name, unless it says nothing.
    fn take(&mut self, name: &str) -> Option<Field> {
        let index = self.fields.iter().position(|field| field.name == name)?;
        let field = self.fields.remove(index);
        (!field.value.is_null()).then_some(field)
    }

    fn slip(&mut self, field: &Field, what: &str, help: &str) {
        let message = format!("`{}` {what}", field.name);
        let fault = Fault::new(Code::ImportFieldInvalid, message, field.span.clone());
        self.faults.push(fault.help(help));
    }

    /// A required field; a slip where it is missing.
    fn required(&mut self, name: &'static str) -> Option<Field> {
        if let Some(field) = self.take(name) {
            return Some(field);
        }
        let message = format!("{} without `{name}`", self.shape.noun);
        let mut names = self.spans.iter().map(|(name, _)| name.as_str());
        let unknown = |other: &&str| *other != name && !self.shape.required.contains(other);
        let near = nearest(name, names.by_ref().filter(unknown));
        let help = match near {
            Some(near) => format!("rename `{near}` to `{name}`"),
            None => format!("give `{name}` to every record"),
        };
        let fault = Fault::new(Code::ImportFieldMissing, message, 0..0);
        self.faults.push(fault.help(help));
        None
    }

    fn text(&mut self, name: &'static str) -> Option<String> {
        let field = self.required(name)?;
        self.as_text(field)
    }

    fn optional_text(&mut self, name: &str) -> Option<String> {
        let field = self.take(name)?;
        self.as_text(field)
    }

    fn as_text(&mut self, field: Field) -> Option<String> {
        match field.value {
            Value::String(text) => Some(text),
            Value::Number(_) => {
                self.slip(&field, "is a number", "write it as a text, in quotes");
                None
            }
            _ => {
                self.slip(&field, "is no text", "write it as a text, in quotes");
                None
            }
        }
    }

    fn time(&mut self, name: &'static str) -> Option<Timestamp> {
        let field = self.required(name)?;
        let time = field.value.as_str().and_then(|text| text.parse().ok());
        if time.is_none() {
            let help = "write it as RFC 3339 has it, with its offset: 2027-03-01T06:00:00Z";
            self.slip(&field, "is no time", help);
        }
        time
    }

    fn kind(&mut self) -> Option<EngagementKind> {
        let field = self.required("kind")?;
        let text = field.value.as_str().unwrap_or_default();
        let kind = EngagementKind::parse(text);
        if kind.is_none() {
            let known = EngagementKind::ALL.map(EngagementKind::as_str);
            let help = match nearest(text, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write one of `{}`", known.join("`, `")),
            };
            self.slip(&field, "is no kind of engagement", &help);
        }
        kind
    }

    fn salesforce_id(&mut self) -> Option<String> {
        let field = self.take("salesforce_id")?;
        let id = field.value.as_str().and_then(id::salesforce_id);
        if id.is_none() {
            let help = "write the 15 or 18 letters and digits of the row's Id, or leave it out";
            self.slip(&field, "is no Salesforce Id", help);
        }
        id
    }

    /// The object `consent`, and the columns `consent.CHANNEL`, `consent.source` and `consent.at`.
    fn consent(&mut self) -> Map<String, Value> {
        const HELP: &str = "write true or false for each channel and a text for `source` and `at`; CSV has a column for each, as \
             consent.whatsapp";
        let mut consent = Map::new();
        if let Some(field) = self.take("consent") {
            match &field.value {
                Value::Object(entries)
                    if entries.iter().all(|(name, value)| is_consent(name, value)) =>
                {
                    consent.clone_from(entries);
                }
                _ => self.slip(
                    &field,
                    "holds something other than true, false and null, or evidence that is no text",
                    HELP,
                ),
            }
        }
        let (columns, others): (Vec<Field>, Vec<Field>) = std::mem::take(&mut self.fields)
            .into_iter()
            .partition(|field| field.name.starts_with(CONSENT));
        self.fields = others;
        for field in columns {
            let name = &field.name[CONSENT.len()..];
            if is_consent(name, &field.value) {
                consent.insert(name.to_owned(), field.value);
            } else if EVIDENCE.contains(&name) {
                self.slip(&field, "is no text", HELP);
            } else {
                self.slip(&field, "is neither true nor false", HELP);
            }
        }
        consent
    }

    /// Everything that has no meaning of its own, and where all values stood.
    fn rest(self) -> (Map<String, Value>, Spans) {
        let fields = self.fields.into_iter();
        let map = fields.map(|field| (field.name, field.value)).collect();
        (map, self.spans)
    }
}

fn is_consent(name: &str, value: &Value) -> bool {
    if EVIDENCE.contains(&name) {
        return is_evidence(value);
    }
    matches!(value, Value::Bool(_) | Value::Null)
}
