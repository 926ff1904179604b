//! Sending: messages are reserved before their first byte, and settled when their end is known.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::foundation::error::Result;
use crate::foundation::event::Ledger;
use crate::foundation::failpoint::reach;
use crate::foundation::id::MessageId;
use crate::foundation::identity::IdentityHash;
use crate::store::model::{
    CampaignState, Cap, Hold, MessageState, Reserved, Reserving, SendResult, Sending,
};

use super::changes::Changes;
use super::error::{cannot, to_sql};
use super::shift::{Moved, shift};
use super::{letters, messages, runs, statuses, suppressions};

const CAPPED: &str = "SELECT count(DISTINCT m.id) FROM message_identities own
     JOIN message_identities i ON i.identity = own.identity
     JOIN messages m ON m.id = i.message
     WHERE own.message = ?1 AND m.id <> ?1 AND m.reserved_at >= ?2
       AND m.state NOT IN ('planned', 'refused', 'suppressed', 'expired')";

/// I22, I23: everything that may keep a message from leaving is looked at in the transaction that lets it leave.
pub(super) fn reserve(
    connection: &mut Connection,
    reserving: &Reserving<'_>,
) -> Result<Vec<Reserved>> {
    let failed = cannot("reserve messages");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    runs::check_open(&transaction, reserving.run_id, reserving.pipeline)?;
    let mut moved = Moved::default();
    let mut answers = Vec::with_capacity(reserving.messages.len());
    for id in reserving.messages {
        answers.push(one(&transaction, reserving, *id, &mut moved)?);
    }
    if moved != Moved::default() {
        shift(
            &transaction,
            reserving.run_id,
            reserving.pipeline,
            reserving.at,
            &moved,
        )?;
    }
    reach("store-before-reserve");
    transaction.commit().map_err(&failed)?;
    reach("store-after-reserve");
    Ok(answers)
}

fn one(
    connection: &Connection,
    reserving: &Reserving<'_>,
    id: MessageId,
    moved: &mut Moved,
) -> Result<Reserved> {
    let key = id.to_string();
    let Some((campaign, expires)) = planned(connection, reserving, &key)? else {
        return Ok(Reserved::Gone);
    };
    let passed = expires.is_some_and(|expires| expires <= reserving.at.as_millisecond());
    if campaign == CampaignState::Stopped.as_str() || passed {
        let why = if passed {
            "its time passed"
        } else {
            "its campaign was stopped"
        };
        end(connection, &key, MessageState::Expired, why, reserving.at)?;
        moved.expired += 1;
        return Ok(Reserved::Expired);
    }
    if campaign == CampaignState::Paused.as_str() {
        return Ok(Reserved::Paused);
    }
    let identities = messages::identities(connection, &key)?;
    let held = suppressions::of(connection, &identities, reserving.at)?;
    let mut held = held.into_iter().flatten();
    if let Some(held) = held.find(|held| held.reaches(reserving.is_marketing)) {
        end(
            connection,
            &key,
            MessageState::Suppressed,
            &held.reason,
            reserving.at,
        )?;
        moved.suppressed += 1;
        return Ok(Reserved::Suppressed(held.reason));
    }
    if let Some(cap) = reserving.cap
        && is_capped(connection, &key, cap)?
    {
        end(
            connection,
            &key,
            MessageState::Suppressed,
            "frequency-cap",
            reserving.at,
        )?;
        moved.suppressed += 1;
        return Ok(Reserved::Capped);
    }
    if let Some(until) = suppressions::resting(connection, &identities, reserving.at)? {
        hold_back(connection, &key, until, reserving.at)?;
        return Ok(Reserved::Later(until));
    }
    take(connection, &key, reserving.at).map(Reserved::Yes)
}

/// The state of a planned message's campaign, and when the message expires; `None` where it is not planned in this run.
fn planned(
    connection: &Connection,
    reserving: &Reserving<'_>,
    key: &str,
) -> Result<Option<(String, Option<i64>)>> {
    let failed = cannot("reserve a message");
    connection
        .prepare_cached(
            "SELECT c.state, m.expires_at FROM messages m JOIN campaigns c ON c.name = m.campaign
             WHERE m.id = ?1 AND m.state = 'planned' AND m.run_id = ?2",
        )
        .map_err(&failed)?
        .query_row(params![key, reserving.run_id.to_string()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()
        .map_err(&failed)
}

fn hold_back(connection: &Connection, key: &str, until: Timestamp, at: Timestamp) -> Result<()> {
    connection
        .prepare_cached("UPDATE messages SET not_before = ?2, hold = ?3, at = ?4 WHERE id = ?1")
        .and_then(|mut update| {
            update.execute(params![
                key,
                until.as_millisecond(),
                Hold::Recipient.as_str(),
                at.as_millisecond()
            ])
        })
        .map_err(cannot("reserve a message"))?;
    Ok(())
}

/// The number of the attempt.
fn take(connection: &Connection, key: &str, at: Timestamp) -> Result<u32> {
    connection
        .prepare_cached(
            "UPDATE messages SET state = 'dispatching', attempts = attempts + 1, reserved_at = ?2, at = ?2,
                hold = NULL WHERE id = ?1 RETURNING attempts",
        )
        .and_then(|mut update| {
            update.query_row(params![key, at.as_millisecond()], |row| row.get(0))
        })
        .map_err(cannot("reserve a message"))
}

fn is_capped(connection: &Connection, key: &str, cap: Cap) -> Result<bool> {
    let had: u32 = connection
        .prepare_cached(CAPPED)
        .and_then(|mut count| {
            count.query_row(params![key, cap.since.as_millisecond()], |row| row.get(0))
        })
        .map_err(cannot("count a person's messages"))?;
    Ok(had >= cap.most)
}

/// Ends a message of which nothing was sent.
fn end(
    connection: &Connection,
    key: &str,
    state: MessageState,
    why: &str,
    at: Timestamp,
) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE messages SET state = ?2, reason = ?3, payload = NULL, hold = NULL, at = ?4 WHERE id = ?1",
        )
        .and_then(|mut update| {
            update.execute(params![key, state.as_str(), why, at.as_millisecond()])
        })
        .map_err(cannot("settle a message"))?;
    Ok(())
}

pub(super) fn settle(connection: &mut Connection, sending: &Sending<'_>) -> Result<Ledger> {
    let failed = cannot("settle messages");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    let mut changes = Changes::begin(&transaction)?;
    let mut moved = Moved::default();
    for (id, result) in sending.results {
        settle_one(&transaction, sending, *id, result, &mut moved, &mut changes)?;
    }
    changes.keep(&transaction)?;
    letters::write(&transaction, sending.dead_letters)?;
    let requests = sending.requests_so_far;
    let (query, write) = (to_sql(requests.query)?, to_sql(requests.write)?);
    let (auth, other) = (to_sql(requests.auth)?, to_sql(requests.other)?);
    let api_calls = to_sql(sending.api_calls_so_far)?;
    transaction
        .prepare_cached(
            "UPDATE runs SET requests_query = ?2, requests_write = ?3, requests_auth = ?4,
                requests_other = ?5, api_calls = ?6 WHERE id = ?1",
        )
        .and_then(|mut update| {
            update.execute(params![
                sending.run_id.to_string(),
                query,
                write,
                auth,
                other,
                api_calls,
            ])
        })
        .map_err(&failed)?;
    let ledger = shift(
        &transaction,
        sending.run_id,
        sending.pipeline,
        sending.at,
        &moved,
    )?;
    reach("store-before-settle");
    transaction.commit().map_err(&failed)?;
    reach("store-after-settle");
    Ok(ledger)
}

fn settle_one(
    connection: &Connection,
    sending: &Sending<'_>,
    id: MessageId,
    result: &SendResult,
    moved: &mut Moved,
    changes: &mut Changes,
) -> Result<()> {
    let key = id.to_string();
    let Some(state) = state_in(connection, sending, &key)? else {
        return Ok(());
    };
    let is_open = matches!(state, MessageState::Planned | MessageState::Dispatching);
    match result {
        SendResult::Accepted {
            wamid,
            status,
            others,
        } => {
            moved.delivered += 1;
            accept(connection, &key, (wamid, status.as_deref()), sending.at)?;
            for other in others {
                also_known_as(connection, &key, *other)?;
            }
            statuses::accepted(connection, &key, wamid, sending.at, changes)?;
        }
        // A status that came before the answer got lost has told the end already.
        _ if !is_open => moved.delivered += 1,
        SendResult::Refused {
            code,
            remote_code,
            message,
        } => {
            moved.rejected += 1;
            let why = match remote_code {
                Some(remote) => format!("{code}, {remote}: {message}"),
                None => format!("{code}: {message}"),
            };
            end(connection, &key, MessageState::Refused, &why, sending.at)?;
        }
        SendResult::Unknown(why) => {
            moved.unknown += 1;
            lose(connection, &key, why, sending.at)?;
        }
        SendResult::Again {
            not_before,
            hold,
            why,
        } => plan_again(connection, &key, (*not_before, *hold, why), sending.at)?,
        SendResult::Expired => {
            moved.expired += 1;
            end(
                connection,
                &key,
                MessageState::Expired,
                "its time passed",
                sending.at,
            )?;
        }
        SendResult::Suppressed(why) => {
            moved.suppressed += 1;
            end(connection, &key, MessageState::Suppressed, why, sending.at)?;
        }
    }
    Ok(())
}

/// How a message of this run stands.
fn state_in(
    connection: &Connection,
    sending: &Sending<'_>,
    key: &str,
) -> Result<Option<MessageState>> {
    let failed = cannot("settle a message");
    let state: Option<String> = connection
        .prepare_cached("SELECT state FROM messages WHERE id = ?1 AND run_id = ?2")
        .map_err(&failed)?
        .query_row(params![key, sending.run_id.to_string()], |row| row.get(0))
        .optional()
        .map_err(&failed)?;
    Ok(state.as_deref().and_then(MessageState::parse))
}

fn accept(
    connection: &Connection,
    key: &str,
    (wamid, status): (&str, Option<&str>),
    at: Timestamp,
) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE messages SET wamid = ?2, payload = NULL, reason = ?3, at = ?4,
                state = iif(state = 'dispatching', 'accepted', state) WHERE id = ?1",
        )
        .and_then(|mut update| update.execute(params![key, wamid, status, at.as_millisecond()]))
        .map_err(cannot("settle a message"))?;
    Ok(())
}

fn also_known_as(connection: &Connection, key: &str, other: IdentityHash) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO message_identities (campaign, identity, message)
             SELECT campaign, ?2, id FROM messages WHERE id = ?1
             ON CONFLICT (campaign, identity) DO NOTHING",
        )
        .and_then(|mut add| add.execute(params![key, other.bytes()]))
        .map_err(cannot("settle a message"))?;
    Ok(())
}

fn lose(connection: &Connection, key: &str, why: &str, at: Timestamp) -> Result<()> {
    connection
        .prepare_cached("UPDATE messages SET state = 'unknown', reason = ?2, at = ?3 WHERE id = ?1")
        .and_then(|mut update| update.execute(params![key, why, at.as_millisecond()]))
        .map_err(cannot("settle a message"))?;
    Ok(())
}

fn plan_again(
    connection: &Connection,
    key: &str,
    (not_before, hold, why): (Timestamp, Option<Hold>, &str),
    at: Timestamp,
) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE messages SET state = 'planned', not_before = ?2, hold = ?3, reason = ?4, at = ?5
             WHERE id = ?1",
        )
        .and_then(|mut update| {
            update.execute(params![
                key,
                not_before.as_millisecond(),
                hold.map(Hold::as_str),
                why,
                at.as_millisecond()
            ])
        })
        .map_err(cannot("settle a message"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::migrate::tests::query_plan;
    use super::CAPPED;

    #[test]
    fn a_persons_messages_are_counted_by_indexes() {
        let plan = query_plan(CAPPED);
        assert!(
            plan.iter().all(|step| !step.starts_with("SCAN")),
            "{plan:?}"
        );
    }
}
