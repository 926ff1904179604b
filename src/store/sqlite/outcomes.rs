//! Outcomes: stored by their ids, listed by profile and by change.

use jiff::Timestamp;
use rusqlite::{CachedStatement, Connection, Row, params};

use crate::foundation::error::Result;
use crate::foundation::record::Outcome;
use crate::store::model::{Changed, Imported, OutcomeOf};

use super::changes::Changes;
use super::error::{cannot, corrupt, from_sql};
use super::query::query;
use super::{merge, profiles};

const BY_ID: &str =
    "SELECT id, profile, kind, occurred_at, fields, change FROM outcomes WHERE id = ?1";
const OF_PROFILE: &str = "SELECT id, profile, kind, occurred_at, fields, change FROM outcomes
     WHERE profile = ?1 ORDER BY occurred_at DESC, id DESC LIMIT ?2";
const CHANGED: &str =
    "SELECT o.id, o.profile, o.kind, o.occurred_at, o.fields, o.change, p.key, p.salesforce_id,
        p.object, p.deleted, p.created_at, p.updated_at, p.consent, p.attributes
     FROM outcomes AS o LEFT JOIN profiles AS p ON p.key = o.profile
     WHERE o.change > ?1 AND o.change <= ?2 ORDER BY o.change LIMIT ?3";
pub(super) const COUNT: &str = "SELECT count(*) FROM outcomes WHERE change > ?1 AND change <= ?2";

/// The statements of the outcome table, prepared once an import.
pub(super) struct Writer<'c> {
    find: CachedStatement<'c>,
    insert: CachedStatement<'c>,
    update: CachedStatement<'c>,
    now: i64,
}

impl<'c> Writer<'c> {
    pub(super) fn new(connection: &'c Connection, now: i64) -> Result<Self> {
        let failed = cannot("write outcomes");
        let insert = "INSERT INTO outcomes (change, id, profile, kind, occurred_at, fields,
                        imported_at)
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let update = "UPDATE outcomes SET change = ?1, profile = ?3, kind = ?4, occurred_at = ?5,
                        fields = ?6, imported_at = ?7
                      WHERE id = ?2";
        Ok(Self {
            find: connection.prepare_cached(BY_ID).map_err(&failed)?,
            insert: connection.prepare_cached(insert).map_err(&failed)?,
            update: connection.prepare_cached(update).map_err(&failed)?,
            now,
        })
    }

    pub(super) fn settle(&mut self, outcome: &Outcome, changes: &mut Changes) -> Result<Imported> {
        let fields = merge::encode(&outcome.fields)?;
        let stored = self.same(outcome, &fields)?;
        let (statement, imported) = match stored {
            Some(true) => return Ok(Imported::Unchanged),
            Some(false) => (&mut self.update, Imported::Changed),
            None => (&mut self.insert, Imported::Added),
        };
        statement
            .execute(params![
                changes.next(),
                outcome.id,
                outcome.profile,
                outcome.kind,
                outcome.occurred_at.as_millisecond(),
                fields,
                self.now,
            ])
            .map_err(cannot("write an outcome"))?;
        Ok(imported)
    }

    /// Whether what is stored under the id is the same; `None` where nothing is.
    fn same(&mut self, outcome: &Outcome, fields: &str) -> Result<Option<bool>> {
        let failed = cannot("read an outcome");
        let mut rows = self.find.query(params![outcome.id]).map_err(&failed)?;
        let Some(row) = rows.next().map_err(&failed)? else {
            return Ok(None);
        };
        let text = |index: usize| -> Result<&str> {
            let value = row.get_ref(index).map_err(&failed)?;
            value.as_str().map_err(|cause| failed(cause.into()))
        };
        let occurred_at: i64 = row.get(3).map_err(&failed)?;
        let same = text(1)? == outcome.profile
            && text(2)? == outcome.kind
            && occurred_at == outcome.occurred_at.as_millisecond()
            && merge::same(text(4)?, fields)?;
        Ok(Some(same))
    }
}

pub(super) fn one(connection: &Connection, id: &str) -> Result<Option<Outcome>> {
    let found = query(connection, "read outcomes", BY_ID, params![id], outcome)?;
    Ok(found.into_iter().next())
}

pub(super) fn of_profile(
    connection: &Connection,
    profile: &str,
    limit: u32,
) -> Result<Vec<Outcome>> {
    query(
        connection,
        "read outcomes",
        OF_PROFILE,
        params![profile, limit],
        outcome,
    )
}

pub(super) fn changed(
    connection: &Connection,
    (after, until): (i64, i64),
    limit: u32,
) -> Result<Vec<Changed<OutcomeOf>>> {
    query(
        connection,
        "read outcomes",
        CHANGED,
        params![after, until, limit],
        |row| {
            let failed = cannot("read an outcome");
            let change = from_sql(row.get(5).map_err(&failed)?)?;
            let known: Option<String> = row.get(6).map_err(&failed)?;
            Ok(Changed {
                change,
                record: OutcomeOf {
                    outcome: outcome(row)?,
                    profile: known.map(|_| profiles::profile(row, 6)).transpose()?,
                },
            })
        },
    )
}

fn outcome(row: &Row<'_>) -> Result<Outcome> {
    let failed = cannot("read an outcome");
    let id: String = row.get(0).map_err(&failed)?;
    let wrong = |what: &str| corrupt(format!("outcome `{id}` has no valid {what}"));
    let fields = row.get_ref(4).map_err(&failed)?;
    let fields = fields.as_str().map_err(|_| wrong("fields"))?;
    let occurred_at = row.get(3).map_err(&failed)?;
    Ok(Outcome {
        profile: row.get(1).map_err(&failed)?,
        kind: row.get(2).map_err(&failed)?,
        occurred_at: Timestamp::from_millisecond(occurred_at).map_err(|_| wrong("time"))?,
        fields: serde_json::from_str(fields).map_err(|_| wrong("fields"))?,
        id,
    })
}

#[cfg(test)]
mod tests {
    use super::super::migrate::tests::query_plan;
    use super::{BY_ID, CHANGED, COUNT, OF_PROFILE};

    #[test]
    fn every_question_is_answered_by_an_index() {
        for (sql, index) in [
            (BY_ID, "sqlite_autoindex_outcomes_1"),
            (OF_PROFILE, "outcomes_by_profile"),
            (CHANGED, "SEARCH o USING INTEGER PRIMARY KEY"),
            (CHANGED, "sqlite_autoindex_profiles_1"),
            (COUNT, "SEARCH outcomes USING INTEGER PRIMARY KEY"),
        ] {
            let plan = query_plan(sql);
            assert!(plan.iter().any(|step| step.contains(index)), "{plan:?}");
            assert!(
                !plan.iter().any(|step| step.contains("TEMP B-TREE")),
                "{plan:?}"
            );
        }
    }
}
