//! Engagements: stored once by their ids, summed up and listed by profile.

use jiff::Timestamp;
use rusqlite::{CachedStatement, Connection, params};

use crate::foundation::error::Result;
use crate::foundation::record::{Engagement, EngagementKind};
use crate::store::model::{EngagementSummary, Imported};

use super::changes::Changes;
use super::error::{cannot, corrupt};
use super::query::query;

const SUMMARY: &str = "SELECT kind, at FROM engagements WHERE profile = ?1";
const OF_PROFILE: &str = "SELECT id, kind, at, campaign FROM engagements
     WHERE profile = ?1 ORDER BY at DESC, id DESC LIMIT ?2";
const TOUCH: &str = "UPDATE profiles SET change = ?2, engaged = ?2 WHERE key = ?1";

/// The statements of the engagement table, prepared once an import.
pub(super) struct Writer<'c> {
    insert: CachedStatement<'c>,
    touch: CachedStatement<'c>,
}

impl<'c> Writer<'c> {
    pub(super) fn new(connection: &'c Connection) -> Result<Self> {
        let failed = cannot("write engagements");
        let insert = "INSERT INTO engagements (id, profile, kind, at, campaign)
                      VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO NOTHING";
        Ok(Self {
            insert: connection.prepare_cached(insert).map_err(&failed)?,
            touch: connection.prepare_cached(TOUCH).map_err(&failed)?,
        })
    }

    pub(super) fn settle(&mut self, event: &Engagement) -> Result<Imported> {
        let added = self
            .insert
            .execute(params![
                event.id,
                event.profile,
                event.kind.as_str(),
                event.at.as_millisecond(),
                event.campaign,
            ])
            .map_err(cannot("write an engagement"))?;
        Ok(if added == 0 {
            Imported::Unchanged
        } else {
            Imported::Added
        })
    }

    /// Gives a profile a new change number, where the store knows it.
    pub(super) fn touch(&mut self, profile: &str, changes: &mut Changes) -> Result<()> {
        self.touch
            .execute(params![profile, changes.next()])
            .map_err(cannot("write an engagement"))?;
        Ok(())
    }
}

pub(super) fn summaries(
    connection: &Connection,
    profiles: &[&str],
    now: Timestamp,
) -> Result<Vec<EngagementSummary>> {
    let failed = cannot("sum up engagements");
    let mut statement = connection.prepare_cached(SUMMARY).map_err(&failed)?;
    let mut summaries = Vec::with_capacity(profiles.len());
    for profile in profiles {
        let mut summary = EngagementSummary::default();
        let mut rows = statement.query(params![profile]).map_err(&failed)?;
        while let Some(row) = rows.next().map_err(&failed)? {
            let text = row.get_ref(0).map_err(&failed)?;
            let kind = text.as_str().ok().and_then(EngagementKind::parse);
            let kind = kind.ok_or_else(|| wrong(profile, "kind"))?;
            summary.add(kind, time(profile, row.get(1).map_err(&failed)?)?, now);
        }
        summaries.push(summary);
    }
    Ok(summaries)
}

pub(super) fn of_profile(
    connection: &Connection,
    profile: &str,
    limit: u32,
) -> Result<Vec<Engagement>> {
    query(
        connection,
        "read engagements",
        OF_PROFILE,
        params![profile, limit],
        |row| {
            let failed = cannot("read an engagement");
            let kind: String = row.get(1).map_err(&failed)?;
            Ok(Engagement {
                id: row.get(0).map_err(&failed)?,
                profile: profile.to_owned(),
                kind: EngagementKind::parse(&kind).ok_or_else(|| wrong(profile, "kind"))?,
                at: time(profile, row.get(2).map_err(&failed)?)?,
                campaign: row.get(3).map_err(&failed)?,
            })
        },
    )
}

fn time(profile: &str, millis: i64) -> Result<Timestamp> {
    Timestamp::from_millisecond(millis).map_err(|_| wrong(profile, "time"))
}

fn wrong(profile: &str, what: &str) -> crate::foundation::error::Error {
    corrupt(format!(
        "an engagement of profile `{profile}` has no valid {what}"
    ))
}

#[cfg(test)]
mod tests {
    use super::super::migrate::tests::query_plan;
    use super::{OF_PROFILE, SUMMARY, TOUCH};

    #[test]
    fn every_question_is_answered_by_an_index() {
        for (sql, index) in [
            (SUMMARY, "COVERING INDEX engagements_by_profile"),
            (OF_PROFILE, "engagements_by_profile"),
            (TOUCH, "sqlite_autoindex_profiles_1"),
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
