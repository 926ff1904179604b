//! What a read asks Salesforce for, and the SOQL of each page.
//!
//! A page is one keyset query: rows of a closed window, ordered by (stamp, Id), behind the last row of the page before.
//! A locator would tie the read to one server-side cursor; a keyset can be continued by another process after a crash.

use std::fmt::Write;

use jiff::Timestamp;

use crate::foundation::id::Fingerprint;
use crate::soql::text::quote_string;

/// The columns, child rows and conditions of a read; everything but the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The Salesforce object.
    pub object: String,
    /// Field paths in the order they are selected; `Id` is the first, no path is there twice in any case.
    pub fields: Vec<String>,
    /// Child subqueries.
    pub children: Vec<ChildQuery>,
    /// The author's condition, as written.
    pub condition: Option<String>,
    /// Whether deleted rows are read too.
    pub include_deleted: bool,
    /// Whether only rows changed since the last run are wanted.
    pub incremental: bool,
}

/// One child subquery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildQuery {
    /// The child relationship's name (`Tasks`).
    pub relationship: String,
    /// Field paths of the child rows.
    pub fields: Vec<String>,
    /// The author's condition on child rows, as written.
    pub condition: Option<String>,
    /// The order of child rows, as written.
    pub order: Option<String>,
    /// At most so many child rows a parent.
    pub limit: Option<u32>,
}

/// The field that dates a row's last change.
///
/// Salesforce keeps `SystemModstamp` on almost every object; the others stand in where it is missing, each seeing
/// fewer kinds of change than the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StampField {
    /// Moves with every change by people and by the platform.
    SystemModstamp,
    /// Moves with changes by people only.
    LastModifiedDate,
    /// Never moves: shows rows that are added, not rows that change.
    CreatedDate,
    /// The stand-in of login history rows.
    LoginTime,
}

impl StampField {
    /// From the best to the poorest.
    pub const ALL: [StampField; 4] = [
        StampField::SystemModstamp,
        StampField::LastModifiedDate,
        StampField::CreatedDate,
        StampField::LoginTime,
    ];

    /// The field's name in Salesforce.
    pub const fn as_str(self) -> &'static str {
        match self {
            StampField::SystemModstamp => "SystemModstamp",
            StampField::LastModifiedDate => "LastModifiedDate",
            StampField::CreatedDate => "CreatedDate",
            StampField::LoginTime => "LoginTime",
        }
    }
}

/// A row's place in the order of a read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The row's stamp, second resolution.
    pub stamp: Timestamp,
    /// The row's Id, 18 characters.
    pub id: String,
}

/// The rows a read covers, both ends bounded; the upper one is the server's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Window {
    /// Rows stamped from `lower` to `until`.
    Stamped {
        /// The field that stamps them.
        by: StampField,
        /// Where to begin.
        lower: Lower,
        /// The last instant, inclusive.
        until: Timestamp,
    },
    /// All rows, ordered by Id: the object has no stamp.
    Whole {
        /// The row to begin behind.
        after: Option<String>,
    },
}

/// The lower end of a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lower {
    /// From an instant on, inclusive.
    From(Timestamp),
    /// Behind a row.
    Behind(Key),
}

impl Query {
    /// Identifies the query for its cursor: a read with another query must not continue from it.
    pub fn hash(&self) -> String {
        let children: Vec<_> = self.children.iter().map(ChildQuery::soql).collect();
        Fingerprint::of(&format!(
            "{}\n{}\n{}\n{}\n{}",
            self.object.to_ascii_lowercase(),
            self.fields.join(",").to_ascii_lowercase(),
            children.join(","),
            self.condition.as_deref().unwrap_or_default(),
            self.include_deleted,
        ))
        .short()
    }

    /// The SOQL of one page of at most `limit` rows.
    pub fn page(&self, window: &Window, limit: u32) -> String {
        let mut soql = self.select(window);
        let mut conditions: Vec<String> = Vec::new();
        if let Some(condition) = &self.condition {
            conditions.push(format!("({condition})"));
        }
        conditions.extend(window.conditions());
        if !conditions.is_empty() {
            let _ = write!(soql, " WHERE {}", conditions.join(" AND "));
        }
        let _ = write!(soql, " ORDER BY {} LIMIT {limit}", window.order());
        soql
    }

    /// The SOQL of the rows with these Ids, as far as they still meet the author's condition.
    pub fn chosen(&self, ids: &[String]) -> String {
        let mut soql = self.select(&Window::Whole { after: None });
        let ids: Vec<String> = ids.iter().map(|id| quote_string(id)).collect();
        let _ = write!(soql, " WHERE Id IN ({})", ids.join(", "));
        if let Some(condition) = &self.condition {
            let _ = write!(soql, " AND ({condition})");
        }
        soql
    }

    /// The SOQL that counts the rows of a window.
    pub fn count(&self, window: &Window) -> String {
        let mut conditions: Vec<String> = Vec::new();
        if let Some(condition) = &self.condition {
            conditions.push(format!("({condition})"));
        }
        conditions.extend(window.conditions());
        let mut soql = format!("SELECT COUNT() FROM {}", self.object);
        if !conditions.is_empty() {
            let _ = write!(soql, " WHERE {}", conditions.join(" AND "));
        }
        soql
    }

    fn select(&self, window: &Window) -> String {
        let mut columns = self.fields.clone();
        let mut also = |name: &str| {
            if !columns
                .iter()
                .any(|column| column.eq_ignore_ascii_case(name))
            {
                columns.push(name.to_owned());
            }
        };
        if let Window::Stamped { by, .. } = window {
            also(by.as_str());
        }
        if self.include_deleted {
            also("IsDeleted");
        }
        columns.extend(
            self.children
                .iter()
                .map(|child| format!("({})", child.soql())),
        );
        format!("SELECT {} FROM {}", columns.join(", "), self.object)
    }
}

impl ChildQuery {
    fn soql(&self) -> String {
        let mut soql = format!(
            "SELECT {} FROM {}",
            self.fields.join(", "),
            self.relationship
        );
        if let Some(condition) = &self.condition {
            let _ = write!(soql, " WHERE {condition}");
        }
        if let Some(order) = &self.order {
            let _ = write!(soql, " ORDER BY {order}");
        }
        if let Some(limit) = self.limit {
            let _ = write!(soql, " LIMIT {limit}");
        }
        soql
    }
}

impl Window {
    /// The same window, behind a row of it.
    #[must_use]
    pub fn behind(&self, key: Key) -> Self {
        match self {
            Window::Stamped { by, until, .. } => Window::Stamped {
                by: *by,
                lower: Lower::Behind(key),
                until: *until,
            },
            Window::Whole { .. } => Window::Whole {
                after: Some(key.id),
            },
        }
    }

    /// Conjuncts that bound the window. The plain comparison beside the keyset lets Salesforce use its index.
    fn conditions(&self) -> Vec<String> {
        match self {
            Window::Stamped { by, lower, until } => {
                let field = by.as_str();
                let from = match lower {
                    Lower::From(from) => *from,
                    Lower::Behind(key) => key.stamp,
                };
                let mut conditions = vec![
                    format!("{field} >= {}", instant(from)),
                    format!("{field} <= {}", instant(*until)),
                ];
                if let Lower::Behind(Key { stamp, id }) = lower {
                    let stamp = instant(*stamp);
                    conditions.push(format!(
                        "({field} > {stamp} OR ({field} = {stamp} AND Id > '{id}'))"
                    ));
                }
                conditions
            }
            Window::Whole { after: Some(id) } => vec![format!("Id > '{id}'")],
            Window::Whole { after: None } => Vec::new(),
        }
    }

    fn order(&self) -> String {
        match self {
            Window::Stamped { by, .. } => {
                format!("{} ASC NULLS FIRST, Id ASC NULLS FIRST", by.as_str())
            }
            Window::Whole { .. } => "Id ASC NULLS FIRST".to_owned(),
        }
    }
}

/// A SOQL datetime literal; Salesforce compares stamps by the second.
fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leads() -> Query {
        Query {
            object: "Lead".into(),
            fields: vec!["Id".into(), "FirstName".into(), "Owner.Name".into()],
            children: vec![ChildQuery {
                relationship: "Tasks".into(),
                fields: vec!["Status".into()],
                condition: Some("IsClosed = true".into()),
                order: None,
                limit: Some(200),
            }],
            condition: Some("IsConverted = false OR Rating = 'Hot'".into()),
            include_deleted: true,
            incremental: true,
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_page_is_bounded_on_both_ends_and_behind_its_predecessor() {
        let window = Window::Stamped {
            by: StampField::SystemModstamp,
            lower: Lower::From(Timestamp::UNIX_EPOCH),
            until: at("2027-01-02T03:04:05.9Z"),
        };
        assert_eq!(
            leads().page(&window, 50),
            "SELECT Id, FirstName, Owner.Name, SystemModstamp, IsDeleted, \
             (SELECT Status FROM Tasks WHERE IsClosed = true LIMIT 200) FROM Lead \
             WHERE (IsConverted = false OR Rating = 'Hot') AND SystemModstamp >= 1970-01-01T00:00:00Z \
             AND SystemModstamp <= 2027-01-02T03:04:05Z \
             ORDER BY SystemModstamp ASC NULLS FIRST, Id ASC NULLS FIRST LIMIT 50"
        );
        let next = window.behind(Key {
            stamp: at("2027-01-01T00:00:00Z"),
            id: "00Q000000000001EAA".into(),
        });
        assert!(leads().page(&next, 50).contains(
            "AND SystemModstamp >= 2027-01-01T00:00:00Z AND SystemModstamp <= 2027-01-02T03:04:05Z \
             AND (SystemModstamp > 2027-01-01T00:00:00Z OR (SystemModstamp = 2027-01-01T00:00:00Z \
             AND Id > '00Q000000000001EAA'))"
        ));
    }

    #[test]
    fn an_object_without_a_stamp_is_read_by_id() {
        let query = Query {
            children: vec![],
            condition: None,
            include_deleted: false,
            ..leads()
        };
        assert_eq!(
            query.page(
                &Window::Whole {
                    after: Some("x".into())
                },
                2000
            ),
            "SELECT Id, FirstName, Owner.Name FROM Lead WHERE Id > 'x' \
             ORDER BY Id ASC NULLS FIRST LIMIT 2000"
        );
        assert_eq!(
            query.count(&Window::Whole { after: None }),
            "SELECT COUNT() FROM Lead"
        );
    }

    #[test]
    fn the_hash_moves_with_everything_that_decides_which_values_come_back() {
        let base = leads();
        let changed = [
            Query {
                object: "Contact".into(),
                ..leads()
            },
            Query {
                fields: vec!["Id".into()],
                ..leads()
            },
            Query {
                children: vec![],
                ..leads()
            },
            Query {
                condition: None,
                ..leads()
            },
            Query {
                include_deleted: false,
                ..leads()
            },
        ];
        for other in changed {
            assert_ne!(base.hash(), other.hash());
        }
        assert_eq!(
            base.hash(),
            Query {
                object: "lead".into(),
                ..leads()
            }
            .hash()
        );
    }
}
