//! Webhooks: kept before they are acknowledged, applied once, forgotten when Meta delivers them no more.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, TransactionBehavior, params};

use crate::foundation::error::Result;
use crate::foundation::failpoint::reach;
use crate::foundation::identity::IdentityHash;
use crate::foundation::record::{Engagement, EngagementKind, Wish};
use crate::store::model::{
    AppliedEvents, CampaignState, Inbound, NewWebhook, Scope, Suppression, Understood, WebhookRow,
};

use super::changes::Changes;
use super::error::{cannot, from_sql, to_sql};
use super::messages::instant;
use super::query::query;
use super::statuses::{self, Folded, Status};
use super::{campaigns, messages, profiles, suppressions};

/// How long a digest, and a status without its message, is kept: Meta delivers again for up to seven days.
const KEPT: SignedDuration = SignedDuration::from_hours(8 * 24);

const WAITING: &str = "SELECT seq, connection, at, body FROM webhooks WHERE understood_at IS NULL
     ORDER BY seq LIMIT ?1";
const PEOPLE: &str = "SELECT DISTINCT p.profile FROM message_identities i
     JOIN message_people p ON p.message = i.message WHERE i.identity = ?1 ORDER BY p.profile LIMIT 100";

/// I24: keeps webhooks; they are durable when this returns.
pub(super) fn keep(connection: &mut Connection, webhooks: &[NewWebhook]) -> Result<Vec<bool>> {
    let failed = cannot("keep a webhook");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    let mut fresh = Vec::with_capacity(webhooks.len());
    {
        let mut insert = transaction
            .prepare_cached(
                "INSERT INTO webhooks (connection, at, digest, body) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (digest) DO NOTHING",
            )
            .map_err(&failed)?;
        for webhook in webhooks {
            let added = insert
                .execute(params![
                    webhook.connection,
                    webhook.at.as_millisecond(),
                    webhook.digest,
                    webhook.body
                ])
                .map_err(&failed)?;
            fresh.push(added > 0);
        }
    }
    reach("store-before-keep");
    transaction.commit().map_err(&failed)?;
    reach("store-after-keep");
    Ok(fresh)
}

pub(super) fn waiting(connection: &Connection, limit: u32) -> Result<Vec<WebhookRow>> {
    query(
        connection,
        "list webhooks",
        WAITING,
        params![limit],
        |row| {
            let failed = cannot("read a webhook");
            Ok(WebhookRow {
                seq: from_sql(row.get(0).map_err(&failed)?)?,
                connection: row.get(1).map_err(&failed)?,
                at: instant(row.get(2).map_err(&failed)?)?,
                body: row
                    .get::<_, Option<Vec<u8>>>(3)
                    .map_err(&failed)?
                    .unwrap_or_default(),
            })
        },
    )
}

pub(super) fn count_waiting(connection: &Connection) -> Result<(u64, Option<Timestamp>)> {
    let failed = cannot("count webhooks");
    let (count, first): (i64, Option<i64>) = connection
        .prepare_cached("SELECT count(*), min(at) FROM webhooks WHERE understood_at IS NULL")
        .and_then(|mut count| count.query_row([], |row| Ok((row.get(0)?, row.get(1)?))))
        .map_err(&failed)?;
    Ok((from_sql(count)?, first.map(instant).transpose()?))
}

/// I24: applies events, and forgets the bodies they came in, in one transaction.
pub(super) fn apply(
    connection: &mut Connection,
    understood: &[Understood],
    at: Timestamp,
) -> Result<AppliedEvents> {
    let failed = cannot("apply webhooks");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    let mut changes = Changes::begin(&transaction)?;
    let mut applied = AppliedEvents::default();
    for webhook in understood {
        let seq = to_sql(webhook.seq)?;
        let taken = transaction
            .prepare_cached(
                "UPDATE webhooks SET understood_at = ?2, unreadable = ?3,
                    body = iif(?3 IS NULL, NULL, body)
                 WHERE seq = ?1 AND understood_at IS NULL",
            )
            .and_then(|mut update| {
                update.execute(params![seq, at.as_millisecond(), webhook.unreadable])
            })
            .map_err(&failed)?;
        if taken == 0 {
            continue;
        }
        for event in &webhook.events {
            one(&transaction, event, at, &mut applied, &mut changes)?;
        }
    }
    changes.keep(&transaction)?;
    let before = at.checked_sub(KEPT).unwrap_or(Timestamp::MIN);
    for sql in [
        "DELETE FROM webhooks WHERE at < ?1 AND understood_at IS NOT NULL",
        "DELETE FROM parked_statuses WHERE kept_at < ?1",
    ] {
        transaction
            .prepare_cached(sql)
            .and_then(|mut delete| delete.execute(params![before.as_millisecond()]))
            .map_err(&failed)?;
    }
    reach("store-before-apply");
    transaction.commit().map_err(&failed)?;
    reach("store-after-apply");
    Ok(applied)
}

fn one(
    connection: &Connection,
    event: &Inbound,
    now: Timestamp,
    applied: &mut AppliedEvents,
    changes: &mut Changes,
) -> Result<()> {
    let fresh = match event {
        Inbound::Status { .. } => return status(connection, event, now, applied, changes),
        Inbound::Reply { .. } => {
            let Some(fresh) = reply(connection, event, changes)? else {
                applied.unmatched += 1;
                return Ok(());
            };
            fresh
        }
        Inbound::Preference {
            identities,
            stops,
            at,
            ..
        } => {
            let mut fresh = false;
            for identity in identities {
                fresh |= if *stops {
                    let stopped = Suppression {
                        identity: *identity,
                        scope: Scope::Marketing,
                        reason: "stopped-marketing".to_owned(),
                        source: "preferences".to_owned(),
                        at: *at,
                        until: None,
                    };
                    suppressions::put(connection, &stopped)?
                } else {
                    suppressions::lift_own(connection, *identity)?
                };
            }
            fresh
        }
        Inbound::Template {
            template,
            event,
            resumes,
        } => of_template(connection, template, event, *resumes, now)?,
        Inbound::Other { .. } => {
            applied.unmatched += 1;
            return Ok(());
        }
    };
    if fresh {
        applied.applied += 1;
    } else {
        applied.repeated += 1;
    }
    Ok(())
}

fn status(
    connection: &Connection,
    event: &Inbound,
    now: Timestamp,
    applied: &mut AppliedEvents,
    changes: &mut Changes,
) -> Result<()> {
    let Inbound::Status {
        message,
        wamid,
        kind,
        at,
        reason,
        rest,
        suppress,
        pause,
    } = event
    else {
        return Ok(());
    };
    let status = Status {
        message: *message,
        wamid,
        kind: *kind,
        at: *at,
        reason: reason.as_deref(),
    };
    let (id, fresh) = match statuses::fold(connection, &status, now, changes)? {
        Folded::Parked => {
            applied.unmatched += 1;
            return Ok(());
        }
        Folded::Known(id) => (id, false),
        Folded::New { message, resolved } => {
            applied.resolved += u64::from(resolved);
            (message, true)
        }
    };
    if fresh {
        applied.applied += 1;
        for identity in messages::identities(connection, &id)? {
            if let Some(first) = rest {
                suppressions::rest(connection, identity, *first, *at)?;
            }
            if let Some((scope, why, until)) = suppress {
                let suppression = Suppression {
                    identity,
                    scope: *scope,
                    reason: why.clone(),
                    source: reason.clone().unwrap_or_else(|| "status".to_owned()),
                    at: *at,
                    until: *until,
                };
                suppressions::put(connection, &suppression)?;
            }
        }
        if let Some(why) = pause {
            let campaign: String = connection
                .prepare_cached("SELECT campaign FROM messages WHERE id = ?1")
                .and_then(|mut read| read.query_row(params![id], |row| row.get(0)))
                .map_err(cannot("read a message"))?;
            campaigns::put(connection, &campaign, CampaignState::Paused, Some(why), now)?;
        }
    } else {
        applied.repeated += 1;
    }
    Ok(())
}

/// What a person wrote, as events of their profiles; `None` where nobody here is known by it.
fn reply(connection: &Connection, event: &Inbound, changes: &mut Changes) -> Result<Option<bool>> {
    let Inbound::Reply {
        wamid,
        identities,
        phone,
        answers,
        at,
        wish,
    } = event
    else {
        return Ok(None);
    };
    let mut fresh = false;
    if let Some((wish, source)) = wish {
        // I23: also of somebody who is not known here: the next campaign may know them.
        for identity in identities {
            fresh |= match wish {
                Wish::OptOut => suppressions::opt_out(connection, *identity, source, *at)?,
                Wish::OptIn => suppressions::opt_in(connection, *identity, source, *at)?,
            };
        }
    }
    let answered = match answers {
        Some(answers) => connection
            .prepare_cached("SELECT id, campaign FROM messages WHERE wamid = ?1")
            .map_err(cannot("look for a message"))?
            .query_map(params![answers], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            })
            .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
            .map_err(cannot("look for a message"))?
            .into_iter()
            .next(),
        None => None,
    };
    let (people, campaign) = match answered {
        Some((id, campaign)) => (messages::people(connection, &id)?, Some(campaign)),
        None => (who(connection, identities, phone.as_deref())?, None),
    };
    if people.is_empty() {
        return Ok(fresh.then_some(true));
    }
    for profile in people {
        let kinds = [
            Some(EngagementKind::Replied),
            wish.map(|(wish, _)| wish.kind()),
        ];
        for kind in kinds.into_iter().flatten() {
            let event = Engagement {
                id: format!("{wamid}:{}:{profile}", kind.as_str()),
                profile: profile.clone(),
                kind,
                at: *at,
                campaign: campaign.clone(),
            };
            fresh |= statuses::engage(connection, &event, changes)?;
        }
    }
    Ok(Some(fresh))
}

/// The profiles that identities lead to, by messages that they got, and else by the phone.
fn who(
    connection: &Connection,
    identities: &[IdentityHash],
    phone: Option<&str>,
) -> Result<Vec<String>> {
    let mut people: Vec<String> = Vec::new();
    for identity in identities {
        let found = query(
            connection,
            "look for a person",
            PEOPLE,
            params![identity.bytes()],
            |row| row.get(0).map_err(cannot("look for a person")),
        )?;
        people.extend(found);
    }
    if people.is_empty()
        && let Some(phone) = phone
    {
        let found = profiles::by_phone(connection, phone)?;
        people.extend(found.into_iter().map(|stored| stored.profile.key));
    }
    people.sort_unstable();
    people.dedup();
    Ok(people)
}

fn of_template(
    connection: &Connection,
    template: &str,
    event: &str,
    resumes: bool,
    at: Timestamp,
) -> Result<bool> {
    let failed = cannot("change campaigns");
    let reason = format!("template {template}: {event}");
    let changed = if resumes {
        connection.execute(
            "UPDATE campaigns SET state = 'running', reason = NULL, at = ?3
             WHERE template = ?1 AND state = 'paused' AND reason LIKE ?2",
            params![template, "template %", at.as_millisecond()],
        )
    } else {
        connection.execute(
            // A refusal for the paused template may come before Meta's word that it is: it is the same pause.
            "UPDATE campaigns SET state = 'paused', reason = ?2, at = ?3
             WHERE template = ?1 AND (state = 'running' OR (state = 'paused'
                AND (reason LIKE '%132015%' OR reason LIKE '%132016%')))",
            params![template, reason, at.as_millisecond()],
        )
    };
    Ok(changed.map_err(failed)? > 0)
}

#[cfg(test)]
mod tests {
    use super::super::migrate::tests::query_plan;
    use super::{PEOPLE, WAITING};

    #[test]
    fn every_question_is_answered_by_an_index() {
        for (sql, index) in [
            (WAITING, "webhooks_waiting"),
            (PEOPLE, "message_identities_by_identity"),
        ] {
            let plan = query_plan(sql);
            assert!(plan.iter().any(|step| step.contains(index)), "{plan:?}");
        }
    }
}
