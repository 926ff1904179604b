//! Statuses folded into messages: the same in whatever order and however often they come.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::foundation::error::Result;
use crate::foundation::id::MessageId;
use crate::foundation::record::{Engagement, EngagementKind};
use crate::store::model::{Imported, MessageState, StatusKind};

use super::changes::Changes;
use super::erase::erased_wamid;
use super::error::cannot;
use super::{engagements, messages};

/// One status of one message.
pub(super) struct Status<'a> {
    pub(super) message: Option<MessageId>,
    pub(super) wamid: &'a str,
    pub(super) kind: StatusKind,
    pub(super) at: Timestamp,
    pub(super) reason: Option<&'a str>,
}

/// What became of a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Folded {
    /// It told something new of this message, whose end may have been unknown.
    New { message: String, resolved: bool },
    /// It was known, or told less than what is known.
    Known(String),
    /// No message has this id so far.
    Parked,
}

/// I24: brings a message as far as a status says, and gives its people the event.
pub(super) fn fold(
    connection: &Connection,
    status: &Status<'_>,
    kept_at: Timestamp,
    changes: &mut Changes,
) -> Result<Folded> {
    let Some((id, state)) = find(connection, status)? else {
        park(connection, status, kept_at)?;
        return Ok(Folded::Parked);
    };
    let fresh = apply(connection, &id, state, status, changes)?;
    Ok(if fresh {
        Folded::New {
            message: id,
            resolved: state == MessageState::Unknown,
        }
    } else {
        Folded::Known(id)
    })
}

/// Our own id of a message stands above Meta's: it is there before the answer is.
fn find(connection: &Connection, status: &Status<'_>) -> Result<Option<(String, MessageState)>> {
    let failed = cannot("look for a message");
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
    let erased = erased_wamid(status.wamid);
    let mut found = None;
    if let Some(id) = status.message {
        found = connection
            .prepare_cached(
                "SELECT id, state FROM messages WHERE id = ?1 AND reserved_at IS NOT NULL
                    AND (wamid IS NULL OR wamid IN (?2, ?3))",
            )
            .map_err(&failed)?
            .query_row(params![id.to_string(), status.wamid, erased], read)
            .optional()
            .map_err(&failed)?;
    }
    if found.is_none() {
        found = connection
            .prepare_cached("SELECT id, state FROM messages WHERE wamid IN (?1, ?2)")
            .map_err(&failed)?
            .query_row(params![status.wamid, erased], read)
            .optional()
            .map_err(&failed)?;
    }
    let Some((id, state)) = found else {
        return Ok(None);
    };
    let state = MessageState::parse(&state).ok_or_else(|| messages::wrong(&id, "state"))?;
    Ok(Some((id, state)))
}

fn park(connection: &Connection, status: &Status<'_>, kept_at: Timestamp) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO parked_statuses (wamid, kind, at, reason, kept_at) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (wamid, kind) DO NOTHING",
        )
        .and_then(|mut insert| {
            insert.execute(params![
                status.wamid,
                status.kind.as_str(),
                status.at.as_millisecond(),
                status.reason,
                kept_at.as_millisecond(),
            ])
        })
        .map_err(cannot("keep a status"))?;
    Ok(())
}

/// The answer to a message came: its people get the event, and statuses that came before it are applied.
pub(super) fn accepted(
    connection: &Connection,
    id: &str,
    wamid: &str,
    at: Timestamp,
    changes: &mut Changes,
) -> Result<()> {
    let failed = cannot("read statuses");
    tell(connection, id, wamid, EngagementKind::Sent, at, changes)?;
    let parked: Vec<(String, i64, Option<String>)> = {
        let mut take = connection
            .prepare_cached(
                "DELETE FROM parked_statuses WHERE wamid = ?1 RETURNING kind, at, reason",
            )
            .map_err(&failed)?;
        let rows = take
            .query_map(params![wamid], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .map_err(&failed)?;
        rows.collect::<std::result::Result<_, _>>()
            .map_err(&failed)?
    };
    for (kind, at, reason) in parked {
        let Some(kind) = StatusKind::parse(&kind) else {
            continue;
        };
        let status = Status {
            message: None,
            wamid,
            kind,
            at: messages::instant(at)?,
            reason: reason.as_deref(),
        };
        if let Some((id, state)) = find(connection, &status)? {
            apply(connection, &id, state, &status, changes)?;
        }
    }
    Ok(())
}

fn apply(
    connection: &Connection,
    id: &str,
    state: MessageState,
    status: &Status<'_>,
    changes: &mut Changes,
) -> Result<bool> {
    let next = folded(state, status.kind);
    let advances = next != state;
    if advances {
        connection
            .prepare_cached(
                "UPDATE messages SET state = ?2, wamid = coalesce(wamid, ?3), payload = NULL,
                    reason = iif(?2 = 'failed', ?4, NULL), at = max(at, ?5) WHERE id = ?1",
            )
            .and_then(|mut update| {
                update.execute(params![
                    id,
                    next.as_str(),
                    status.wamid,
                    status.reason,
                    status.at.as_millisecond(),
                ])
            })
            .map_err(cannot("settle a message"))?;
    }
    let told = match status.kind {
        StatusKind::Sent => Some(EngagementKind::Sent),
        StatusKind::Delivered => Some(EngagementKind::Delivered),
        StatusKind::Read => Some(EngagementKind::Read),
        StatusKind::Failed => None,
    };
    let mut fresh = advances;
    if let Some(kind) = told {
        fresh |= tell(connection, id, status.wamid, kind, status.at, changes)?;
    }
    Ok(fresh)
}

/// Where a message stands behind a status: further, and never back. What failed on one device may yet reach another.
fn folded(state: MessageState, kind: StatusKind) -> MessageState {
    let told = match kind {
        StatusKind::Sent => MessageState::Sent,
        StatusKind::Delivered => MessageState::Delivered,
        StatusKind::Read => MessageState::Read,
        StatusKind::Failed => {
            return if state >= MessageState::Delivered {
                state
            } else {
                MessageState::Failed
            };
        }
    };
    // `sent` says less than `failed`: both orders of the two end at the same.
    if state == MessageState::Failed && told == MessageState::Sent {
        return state;
    }
    state.max(told)
}

/// Gives the event to each person of a message; whether it was new to any.
fn tell(
    connection: &Connection,
    id: &str,
    wamid: &str,
    kind: EngagementKind,
    at: Timestamp,
    changes: &mut Changes,
) -> Result<bool> {
    let campaign: String = connection
        .prepare_cached("SELECT campaign FROM messages WHERE id = ?1")
        .and_then(|mut read| read.query_row(params![id], |row| row.get(0)))
        .map_err(cannot("read a message"))?;
    let mut fresh = false;
    for profile in messages::people(connection, id)? {
        fresh |= engage(
            connection,
            &Engagement {
                id: format!("{wamid}:{}:{profile}", kind.as_str()),
                profile,
                kind,
                at,
                campaign: Some(campaign.clone()),
            },
            changes,
        )?;
    }
    Ok(fresh)
}

/// Stores one event; whether it was new.
pub(super) fn engage(
    connection: &Connection,
    event: &Engagement,
    changes: &mut Changes,
) -> Result<bool> {
    let mut writer = engagements::Writer::new(connection)?;
    let added = writer.settle(event)? == Imported::Added;
    if added {
        writer.touch(&event.profile, changes)?;
    }
    Ok(added)
}

#[cfg(test)]
mod tests {
    use super::{MessageState, StatusKind, folded};

    fn permutations(kinds: &[StatusKind]) -> Vec<Vec<StatusKind>> {
        if kinds.is_empty() {
            return vec![Vec::new()];
        }
        let mut all = Vec::new();
        for at in 0..kinds.len() {
            let mut rest = kinds.to_vec();
            let first = rest.remove(at);
            for mut behind in permutations(&rest) {
                behind.insert(0, first);
                all.push(behind);
            }
        }
        all
    }

    #[test]
    fn i24_w28_every_order_and_every_repetition_of_statuses_ends_at_the_same() {
        let all = [
            StatusKind::Sent,
            StatusKind::Delivered,
            StatusKind::Read,
            StatusKind::Failed,
        ];
        for chosen in 1..16_u8 {
            let kinds: Vec<StatusKind> = (0..4)
                .filter(|bit| chosen & (1 << bit) != 0)
                .map(|bit| all[bit])
                .collect();
            for from in [
                MessageState::Dispatching,
                MessageState::Unknown,
                MessageState::Accepted,
            ] {
                let ends: std::collections::BTreeSet<MessageState> = permutations(&kinds)
                    .into_iter()
                    .map(|order| {
                        let twice = order.iter().chain(&order).copied();
                        twice.fold(from, folded)
                    })
                    .collect();
                assert_eq!(ends.len(), 1, "{kinds:?} from {from:?}: {ends:?}");
            }
        }
    }
}
