//! A group of records that are settled together, in the order of reading.

use jiff::Timestamp;

use crate::foundation::error::Result;

use crate::store::encoded::Encoded;

use super::deliver::Delivered;
use super::facts::Facts;
use super::prepare::{Prepared, Preparer, Rejection};
use super::source::{Page, Place};

/// Records with what became of them before anything was written.
#[derive(Debug, Default)]
pub struct Group {
    /// Those that go on.
    pub records: Vec<Facts>,
    /// Those that are only kept.
    pub kept: Vec<Encoded>,
    /// When the row of each was last changed, where somebody wants to know; a group has records or kept ones, never both.
    pub stamps: Vec<Option<Timestamp>>,
    /// The keys of those that were filtered.
    pub filtered: Vec<String>,
    /// How many were left alone because their people were erased.
    pub erased: u64,
    /// Those that were refused.
    pub rejected: Vec<Rejection>,
    /// How far the source was read.
    pub position: Option<Position>,
}

/// How far a source was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// Up to a row.
    Row(Place),
    /// Up to a change number.
    Change(u64),
}

/// A group on its way into the store; `None` where nothing was to be written to Salesforce.
#[derive(Debug)]
pub struct Settling {
    /// The group.
    pub group: Group,
    /// What became of its records at the targets.
    pub delivered: Option<Delivered>,
}

impl Group {
    /// How many records were read into it.
    pub fn len(&self) -> usize {
        self.records.len()
            + self.kept.len()
            + self.filtered.len()
            + self.rejected.len()
            + self.erased as usize
    }

    /// Whether nothing was read into it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds the group that was read behind this one.
    pub fn append(&mut self, mut next: Group) {
        self.records.append(&mut next.records);
        self.kept.append(&mut next.kept);
        self.stamps.append(&mut next.stamps);
        self.filtered.append(&mut next.filtered);
        self.erased += next.erased;
        self.rejected.append(&mut next.rejected);
        self.position = next.position;
    }

    /// Prepares a page and takes it in.
    ///
    /// # Errors
    /// What the store says.
    pub fn take(&mut self, preparer: &Preparer, page: Page) -> Result<()> {
        let (records, position) = match page {
            Page::Rows(rows, place) => (preparer.rows(rows)?, place.map(Position::Row)),
            Page::Outcomes(outcomes) => {
                let last = outcomes.last().map(|changed| changed.change);
                (preparer.outcomes(outcomes)?, last.map(Position::Change))
            }
            Page::Profiles(profiles) => {
                let last = profiles.last().map(|changed| changed.change);
                (preparer.profiles(profiles)?, last.map(Position::Change))
            }
        };
        for one in records {
            match one {
                Prepared::Goes(facts, stamp) => {
                    self.records.push(*facts);
                    self.stamps.push(stamp);
                }
                Prepared::Kept(encoded, stamp) => {
                    self.kept.push(*encoded);
                    self.stamps.push(stamp);
                }
                Prepared::Filtered(key) => self.filtered.push(key),
                Prepared::Erased => self.erased += 1,
                Prepared::Rejected(rejection) => self.rejected.push(*rejection),
            }
        }
        self.position = position;
        Ok(())
    }
}

impl Settling {
    /// A group of which profiles are kept, and nothing is written to Salesforce.
    pub const fn kept(group: Group) -> Self {
        Self {
            group,
            delivered: None,
        }
    }

    /// What was acknowledged of a group that could not be written to its end: its records come again, and what is there
    /// already is then left alone.
    pub fn remembered(delivered: Delivered) -> Self {
        Self {
            group: Group::default(),
            delivered: Some(Delivered {
                fates: Vec::new(),
                ..delivered
            }),
        }
    }

    /// The same, of a group that may not be settled because one before it was not.
    #[must_use]
    pub fn remember(self) -> Self {
        Self::remembered(self.delivered.unwrap_or_default())
    }

    /// A group that was written.
    pub const fn written(group: Group, delivered: Delivered) -> Self {
        Self {
            group,
            delivered: Some(delivered),
        }
    }
}
