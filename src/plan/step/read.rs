//! The step that reads rows of a Salesforce object.

use jiff::{SignedDuration, Timestamp};

use crate::plan::infer::Selection;
use crate::plan::query::{Lower, Query, StampField, Window};

use super::Property;

/// What is read, and in which pages.
#[derive(Debug, Clone)]
pub struct Read {
    /// Columns, child rows and conditions.
    pub query: Query,
    /// The fields with the templates that ask for them.
    pub selection: Selection,
    /// Records one request returns at the most, 1 to 2,000.
    pub page_size: u32,
    /// How long a transaction may stay open before its rows appear.
    pub overlap: SignedDuration,
    /// The field that stamps the rows, where the object is described; else it is found out when the run begins.
    pub stamp: Option<StampField>,
}

impl Read {
    /// The SOQL of a page behind the first, as an example: its instants and Id stand for those of a run.
    pub fn sample_soql(&self) -> String {
        let by = self.stamp.unwrap_or(StampField::SystemModstamp);
        let window = Window::Stamped {
            by,
            lower: Lower::From(Timestamp::UNIX_EPOCH),
            until: Timestamp::UNIX_EPOCH,
        };
        let literal = "1970-01-01T00:00:00Z";
        self.query
            .page(&window, self.page_size)
            .replacen(&format!(">= {literal}"), ">= :from", 1)
            .replacen(&format!("<= {literal}"), "<= :until", 1)
    }

    pub(super) fn properties(&self) -> Vec<Property> {
        let window = if self.query.incremental {
            format!(
                "what changed since the last run, and its last {} again",
                spoken(self.overlap)
            )
        } else {
            "everything, every time".to_owned()
        };
        vec![
            ("object", self.query.object.clone()),
            ("window", window),
            ("page", format!("{} records", self.page_size)),
            (
                "deleted",
                if self.query.include_deleted {
                    "read too"
                } else {
                    "left out"
                }
                .to_owned(),
            ),
            ("soql", self.sample_soql()),
        ]
    }
}

/// A duration as pipelines spell it: `10m`, `1h 30m`.
fn spoken(duration: SignedDuration) -> String {
    format!("{duration:#}")
}
