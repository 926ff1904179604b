//! Campaigns: begun with their first run, paused, resumed and stopped.

use jiff::Timestamp;
use rusqlite::{Connection, Row, TransactionBehavior, params};

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::store::model::{Campaign, CampaignState, NewAudit};

use super::audit;
use super::error::{cannot, corrupt};
use super::query::query;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT name, state, reason, template, content, began_at, at FROM campaigns ",
            $rest
        )
    };
}

pub(super) fn open(connection: &mut Connection, new: &Campaign) -> Result<Campaign> {
    let failed = cannot("begin a campaign");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    let known = one(&transaction, &new.name)?;
    let campaign = match known {
        None => {
            transaction
                .execute(
                    "INSERT INTO campaigns (name, state, template, content, began_at, at)
                     VALUES (?1, 'running', ?2, ?3, ?4, ?4)",
                    params![
                        new.name,
                        new.template,
                        new.content,
                        new.began_at.as_millisecond()
                    ],
                )
                .map_err(&failed)?;
            Campaign {
                state: CampaignState::Running,
                reason: None,
                ..new.clone()
            }
        }
        Some(known) if known.content == new.content => known,
        Some(known) => {
            let waiting: i64 = transaction
                .query_row(
                    "SELECT count(*) FROM messages WHERE campaign = ?1
                        AND state IN ('planned', 'dispatching', 'unknown')",
                    params![new.name],
                    |row| row.get(0),
                )
                .map_err(&failed)?;
            if waiting > 0 {
                return Err(changed(&new.name, waiting));
            }
            transaction
                .execute(
                    "UPDATE campaigns SET template = ?2, content = ?3 WHERE name = ?1",
                    params![new.name, new.template, new.content],
                )
                .map_err(&failed)?;
            Campaign {
                template: new.template.clone(),
                content: new.content,
                ..known
            }
        }
    };
    transaction.commit().map_err(&failed)?;
    Ok(campaign)
}

fn changed(name: &str, waiting: i64) -> Error {
    Error::new(
        Code::CampaignChanged,
        format!(
            "campaign `{name}` has {waiting} messages that are not settled, and they are made of another template, audience \
             or recipient than the file says now"
        ),
    )
    .help(
        "put the file back and let them be sent, resolve those of unknown end with `bridged unknown`, or give the new \
         message a campaign name of its own",
    )
}

pub(super) fn one(connection: &Connection, name: &str) -> Result<Option<Campaign>> {
    let sql = select!("WHERE name = ?1");
    let found = query(connection, "read a campaign", sql, params![name], row)?;
    Ok(found.into_iter().next())
}

pub(super) fn all(connection: &Connection) -> Result<Vec<Campaign>> {
    let sql = select!("ORDER BY began_at DESC, name");
    query(connection, "list campaigns", sql, params![], row)
}

pub(super) fn set(
    connection: &mut Connection,
    name: &str,
    state: CampaignState,
    reason: Option<&str>,
    at: Timestamp,
    entry: Option<&NewAudit>,
) -> Result<bool> {
    let failed = cannot("change a campaign");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    if let Some(entry) = entry {
        audit::write(&transaction, entry)?;
    }
    let known = put(&transaction, name, state, reason, at)?;
    transaction.commit().map_err(&failed)?;
    Ok(known)
}

/// The same inside a transaction of its caller.
pub(super) fn put(
    connection: &Connection,
    name: &str,
    state: CampaignState,
    reason: Option<&str>,
    at: Timestamp,
) -> Result<bool> {
    // What was stopped stays so until a person says otherwise: only they name no reason.
    let known = connection
        .execute(
            // Meta's word about the template stands above what a refusal says behind it: it takes the pause back as well.
            "UPDATE campaigns SET state = ?2, at = ?4, reason = iif(?2 = 'paused' AND ?3 IS NOT NULL
                AND state = 'paused' AND reason LIKE 'template %', reason, ?3)
             WHERE name = ?1 AND (?3 IS NULL OR state <> 'stopped' OR ?2 = 'stopped')",
            params![name, state.as_str(), reason, at.as_millisecond()],
        )
        .map_err(cannot("change a campaign"))?;
    Ok(known > 0)
}

fn row(row: &Row<'_>) -> Result<Campaign> {
    let failed = cannot("read a campaign");
    let name: String = row.get(0).map_err(&failed)?;
    let wrong = |what: &str| corrupt(format!("campaign `{name}` has no valid {what}"));
    let time = |index: usize| {
        let millis: i64 = row.get(index).map_err(&failed)?;
        Timestamp::from_millisecond(millis).map_err(|_| wrong("time"))
    };
    let state: String = row.get(1).map_err(&failed)?;
    Ok(Campaign {
        state: CampaignState::parse(&state).ok_or_else(|| wrong("state"))?,
        reason: row.get(2).map_err(&failed)?,
        template: row.get(3).map_err(&failed)?,
        content: row.get(4).map_err(&failed)?,
        began_at: time(5)?,
        at: time(6)?,
        name,
    })
}
