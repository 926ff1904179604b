//! The step that reads Bridged's own records.

use crate::foundation::id::Fingerprint;
use crate::spec::source::RecordKind;
use crate::template::Template;

use super::Property;

/// Which records, and which of them.
#[derive(Debug, Clone)]
pub struct Records {
    /// The kind of record.
    pub kind: RecordKind,
    /// Must give true for a record to be taken.
    pub when: Option<Template>,
}

impl Records {
    /// Identifies the source for its cursor: another condition must not continue from it.
    pub fn hash(&self) -> String {
        let when = self.when.as_ref().map_or("", Template::source);
        Fingerprint::of(&format!("{}\n{when}", word(self.kind))).short()
    }

    pub(super) fn properties(&self) -> Vec<Property> {
        let mut properties = vec![("records", word(self.kind).to_owned())];
        if let Some(when) = &self.when {
            properties.push(("when", when.source().to_owned()));
        }
        properties
    }
}

const fn word(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::Profiles => "profiles",
        RecordKind::Outcomes => "outcomes",
    }
}
