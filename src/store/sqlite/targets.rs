//! What write pipelines leave behind: acknowledgements, scores, and the record-level plans that were applied.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use crate::foundation::error::{Error, Result};
use crate::foundation::id::{PipelineName, RunId};
use crate::foundation::record::Score;
use crate::store::model::{Acknowledged, Acknowledgement, Ahead, Applied, Commit};

use super::error::{cannot, corrupt};
use super::query::query;
use super::runs;

const ACKNOWLEDGED: &str = "SELECT digest, salesforce_id, fields, acknowledged_at
     FROM acknowledgements WHERE pipeline = ?1 AND target = ?2 AND key = ?3";
const SCORES: &str = "SELECT pipeline, score, grade, qualified, reasons, scored_at FROM scores
     WHERE profile = ?1 ORDER BY pipeline";

pub(super) fn acknowledge(
    connection: &Connection,
    pipeline: &PipelineName,
    at: Timestamp,
    acknowledged: &[Acknowledgement],
) -> Result<()> {
    if acknowledged.is_empty() {
        return Ok(());
    }
    let failed = cannot("keep an acknowledgement");
    let mut statement = connection
        .prepare_cached(
            "INSERT INTO acknowledgements (pipeline, target, key, digest, salesforce_id, fields,
                acknowledged_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (pipeline, target, key) DO UPDATE SET digest = excluded.digest,
                salesforce_id = excluded.salesforce_id, fields = excluded.fields,
                acknowledged_at = excluded.acknowledged_at",
        )
        .map_err(&failed)?;
    for one in acknowledged {
        statement
            .execute(params![
                pipeline.as_str(),
                one.target,
                one.key,
                one.digest,
                one.salesforce_id,
                one.fields,
                at.as_millisecond(),
            ])
            .map_err(&failed)?;
    }
    Ok(())
}

pub(super) fn acknowledge_ahead(connection: &mut Connection, ahead: &Ahead<'_>) -> Result<()> {
    let failed = cannot("keep an acknowledgement");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    runs::check_open(&transaction, ahead.run_id, ahead.pipeline)?;
    let mut forget = transaction
        .prepare_cached(
            "DELETE FROM acknowledgements WHERE pipeline = ?1 AND target = ?2 AND key = ?3",
        )
        .map_err(&failed)?;
    for key in ahead.forgotten {
        forget
            .execute(params![ahead.pipeline.as_str(), ahead.target, key])
            .map_err(&failed)?;
    }
    drop(forget);
    acknowledge(&transaction, ahead.pipeline, ahead.at, ahead.acknowledged)?;
    transaction.commit().map_err(&failed)
}

pub(super) fn acknowledged(
    connection: &Connection,
    pipeline: &PipelineName,
    target: &str,
    keys: &[&str],
) -> Result<Vec<Option<Acknowledged>>> {
    let failed = cannot("read an acknowledgement");
    let mut statement = connection.prepare_cached(ACKNOWLEDGED).map_err(&failed)?;
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        let one = statement
            .query_row(params![pipeline.as_str(), target, key], |row| {
                let at: i64 = row.get(3)?;
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, at))
            })
            .optional()
            .map_err(&failed)?;
        let one = one.map(|(digest, salesforce_id, fields, at)| {
            let at = Timestamp::from_millisecond(at).map_err(|_| {
                corrupt(format!("the acknowledgement of `{key}` has no valid time"))
            })?;
            Ok::<_, Error>(Acknowledged {
                digest,
                salesforce_id,
                fields,
                at,
            })
        });
        found.push(one.transpose()?);
    }
    Ok(found)
}

pub(super) fn write_scores(connection: &Connection, commit: &Commit<'_>) -> Result<()> {
    if commit.scores.is_empty() {
        return Ok(());
    }
    let failed = cannot("keep a score");
    // A score that does not differ is not written: most of them are the same in every run.
    let mut statement = connection
        .prepare_cached(
            "INSERT INTO scores (profile, pipeline, score, grade, qualified, reasons, scored_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (profile, pipeline) DO UPDATE SET score = excluded.score,
                grade = excluded.grade, qualified = excluded.qualified,
                reasons = excluded.reasons, scored_at = excluded.scored_at
             WHERE score <> excluded.score OR grade IS NOT excluded.grade
                OR qualified <> excluded.qualified OR reasons <> excluded.reasons",
        )
        .map_err(&failed)?;
    for (profile, score) in commit.scores {
        let reasons = serde_json::to_string(&score.reasons)
            .map_err(|cause| Error::bug("a score cannot be written as JSON").caused_by(cause))?;
        statement
            .execute(params![
                profile,
                commit.pipeline.as_str(),
                score.score,
                score.grade,
                score.qualified,
                reasons,
                commit.at.as_millisecond(),
            ])
            .map_err(&failed)?;
    }
    Ok(())
}

pub(super) fn scores_of(
    connection: &Connection,
    profile: &str,
) -> Result<Vec<(PipelineName, Score, Timestamp)>> {
    query(connection, "read scores", SCORES, params![profile], |row| {
        score(row, profile)
    })
}

fn score(row: &Row<'_>, profile: &str) -> Result<(PipelineName, Score, Timestamp)> {
    let failed = cannot("read a score");
    let wrong = |what: &str| {
        corrupt(format!(
            "a score of profile `{profile}` has no valid {what}"
        ))
    };
    let text = |index: usize| row.get::<_, String>(index).map_err(&failed);
    let at = row.get(5).map_err(&failed)?;
    let score = Score {
        score: row.get(1).map_err(&failed)?,
        grade: row.get(2).map_err(&failed)?,
        qualified: row.get(3).map_err(&failed)?,
        reasons: serde_json::from_str(&text(4)?).map_err(|_| wrong("reasons"))?,
    };
    Ok((
        PipelineName::parse(&text(0)?).ok_or_else(|| wrong("pipeline"))?,
        score,
        Timestamp::from_millisecond(at).map_err(|_| wrong("time"))?,
    ))
}

pub(super) fn applied(connection: &Connection, digest: &str) -> Result<Option<Applied>> {
    let failed = cannot("read an applied plan");
    let wrong = |what: &str| corrupt(format!("the applied plan `{digest}` has no valid {what}"));
    let time = |millis: i64| Timestamp::from_millisecond(millis).map_err(|_| wrong("time"));
    let found: Option<(String, String, i64, Option<i64>)> = connection
        .query_row(
            "SELECT pipeline, run_id, begun_at, finished_at FROM applied_plans WHERE digest = ?1",
            params![digest],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .optional()
        .map_err(&failed)?;
    let Some((pipeline, run_id, begun_at, finished_at)) = found else {
        return Ok(None);
    };
    Ok(Some(Applied {
        digest: digest.to_owned(),
        pipeline: PipelineName::parse(&pipeline).ok_or_else(|| wrong("pipeline"))?,
        run_id: RunId::parse(&run_id).ok_or_else(|| wrong("run"))?,
        begun_at: time(begun_at)?,
        finished_at: finished_at.map(time).transpose()?,
    }))
}

pub(super) fn put_applied(connection: &Connection, applied: &Applied) -> Result<()> {
    connection
        .execute(
            "INSERT INTO applied_plans (digest, pipeline, run_id, begun_at, finished_at)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (digest) DO UPDATE SET pipeline = excluded.pipeline,
                run_id = excluded.run_id, begun_at = excluded.begun_at,
                finished_at = excluded.finished_at",
            params![
                applied.digest,
                applied.pipeline.as_str(),
                applied.run_id.to_string(),
                applied.begun_at.as_millisecond(),
                applied.finished_at.map(Timestamp::as_millisecond),
            ],
        )
        .map_err(cannot("keep an applied plan"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::migrate::tests::query_plan;
    use super::{ACKNOWLEDGED, SCORES};

    #[test]
    fn every_question_is_answered_by_an_index() {
        for (sql, index) in [
            (ACKNOWLEDGED, "sqlite_autoindex_acknowledgements_1"),
            (SCORES, "SEARCH scores USING PRIMARY KEY"),
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
