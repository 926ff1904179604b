//! Profiles, read: by key, by phone or email, and in key order.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use serde_json::{Map, Value};

use crate::foundation::error::Result;
use crate::foundation::record::Profile;
use crate::store::model::{Changed, Engaged, StoredProfile, email_key};

use super::error::{cannot, corrupt, from_sql};
use super::query::query;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT key, salesforce_id, object, deleted, created_at, updated_at, consent, \
             attributes, change FROM profiles ",
            $rest
        )
    };
}

const BY_KEY: &str = select!("WHERE key = ?1");
const BY_PHONE: &str = select!("WHERE phone = ?1 AND deleted = 0 ORDER BY key LIMIT 100");
const BY_EMAIL: &str = select!("WHERE email = ?1 AND deleted = 0 ORDER BY key LIMIT 100");
// Two halves, because the index leaves out the many profiles whose key is their Salesforce Id.
const BY_SALESFORCE_ID: &str = concat!(
    select!("WHERE key = ?1 AND salesforce_id = ?1 AND deleted = 0 UNION ALL "),
    select!(
        "WHERE salesforce_id = ?1 AND salesforce_id <> key AND deleted = 0 ORDER BY key LIMIT 100"
    )
);
const BEHIND: &str = select!("WHERE key > ?1 ORDER BY key LIMIT ?2");
const CHANGED: &str = select!("WHERE change > ?1 AND change <= ?2 ORDER BY change LIMIT ?3");
const ENGAGED: &str = "SELECT engaged, key, salesforce_id, object FROM profiles
     WHERE engaged > 0 AND engaged > ?1 AND engaged <= ?2 AND deleted = 0
     ORDER BY engaged LIMIT ?3";
pub(super) const COUNT_CHANGED: &str =
    "SELECT count(*) FROM profiles WHERE change > ?1 AND change <= ?2";
// Both halves are answered by an index; a count over `deleted = 0` would read every row.
const COUNT: &str = "SELECT (SELECT count(*) FROM profiles)
                          - (SELECT count(*) FROM profiles WHERE deleted = 1)";

pub(super) fn by_key(connection: &Connection, key: &str) -> Result<Option<StoredProfile>> {
    let found = query(connection, "read profiles", BY_KEY, params![key], whole)?;
    Ok(found.into_iter().next())
}

pub(super) fn by_phone(connection: &Connection, phone: &str) -> Result<Vec<StoredProfile>> {
    query(connection, "read profiles", BY_PHONE, params![phone], whole)
}

pub(super) fn by_email(connection: &Connection, email: &str) -> Result<Vec<StoredProfile>> {
    query(
        connection,
        "read profiles",
        BY_EMAIL,
        params![email_key(email)],
        whole,
    )
}

pub(super) fn by_salesforce_id(connection: &Connection, id: &str) -> Result<Vec<StoredProfile>> {
    query(
        connection,
        "read profiles",
        BY_SALESFORCE_ID,
        params![id],
        whole,
    )
}

pub(super) fn list(
    connection: &Connection,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<StoredProfile>> {
    // No key is empty, so every key stands behind the empty text.
    query(
        connection,
        "read profiles",
        BEHIND,
        params![after.unwrap_or_default(), limit],
        whole,
    )
}

pub(super) fn count(connection: &Connection) -> Result<u64> {
    connection
        .prepare_cached(COUNT)
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .map_err(cannot("count profiles"))
        .and_then(from_sql)
}

pub(super) fn changed(
    connection: &Connection,
    (after, until): (i64, i64),
    limit: u32,
) -> Result<Vec<Changed<StoredProfile>>> {
    query(
        connection,
        "read profiles",
        CHANGED,
        params![after, until, limit],
        |row| {
            let change = row.get(8).map_err(cannot("read a profile"))?;
            Ok(Changed {
                change: from_sql(change)?,
                record: whole(row)?,
            })
        },
    )
}

pub(super) fn engaged(
    connection: &Connection,
    (after, until): (i64, i64),
    limit: u32,
) -> Result<Vec<Changed<Engaged>>> {
    query(
        connection,
        "read profiles",
        ENGAGED,
        params![after, until, limit],
        |row| {
            let failed = cannot("read a profile");
            Ok(Changed {
                change: from_sql(row.get(0).map_err(&failed)?)?,
                record: Engaged {
                    key: row.get(1).map_err(&failed)?,
                    salesforce_id: row.get(2).map_err(&failed)?,
                    object: row.get(3).map_err(&failed)?,
                },
            })
        },
    )
}

fn whole(row: &Row<'_>) -> Result<StoredProfile> {
    profile(row, 0)
}

/// The profile whose columns begin at `first`.
pub(super) fn profile(row: &Row<'_>, first: usize) -> Result<StoredProfile> {
    let failed = cannot("read a profile");
    let key: String = row.get(first).map_err(&failed)?;
    let wrong = |what: &str| corrupt(format!("profile `{key}` has no valid {what}"));
    let map = |index: usize, what: &str| -> Result<Map<String, Value>> {
        let text = row.get_ref(first + index).map_err(&failed)?;
        let text = text.as_str().map_err(|_| wrong(what))?;
        serde_json::from_str(text).map_err(|_| wrong(what))
    };
    let time = |index: usize| -> Result<Timestamp> {
        let millis = row.get(first + index).map_err(&failed)?;
        Timestamp::from_millisecond(millis).map_err(|_| wrong("time"))
    };
    Ok(StoredProfile {
        created_at: time(4)?,
        updated_at: time(5)?,
        profile: Profile {
            salesforce_id: row.get(first + 1).map_err(&failed)?,
            object: row.get(first + 2).map_err(&failed)?,
            deleted: row.get(first + 3).map_err(&failed)?,
            consent: map(6, "consent")?,
            attributes: map(7, "attributes")?,
            key,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::migrate::tests::query_plan;
    use super::{
        BEHIND, BY_EMAIL, BY_KEY, BY_PHONE, BY_SALESFORCE_ID, CHANGED, COUNT, COUNT_CHANGED,
        ENGAGED,
    };

    #[test]
    fn every_question_is_answered_by_an_index() {
        for (sql, index) in [
            (BY_KEY, "sqlite_autoindex_profiles_1"),
            (BY_PHONE, "profiles_by_phone"),
            (BY_EMAIL, "profiles_by_email"),
            (BY_SALESFORCE_ID, "profiles_by_salesforce_id"),
            (BY_SALESFORCE_ID, "sqlite_autoindex_profiles_1"),
            (BEHIND, "sqlite_autoindex_profiles_1"),
            (COUNT, "profiles_deleted"),
            (CHANGED, "profiles_by_change"),
            (ENGAGED, "profiles_by_engaged"),
            (COUNT_CHANGED, "COVERING INDEX profiles_by_change"),
        ] {
            let plan = query_plan(sql);
            assert!(plan.iter().any(|step| step.contains(index)), "{plan:?}");
            assert!(
                ![CHANGED, ENGAGED].contains(&sql)
                    || !plan.iter().any(|step| step.contains("TEMP B-TREE")),
                "{plan:?}"
            );
        }
    }
}
