//! Bearer tokens by their hashes, and answers that are given again.

use jiff::Timestamp;
use rusqlite::{Connection, Row, TransactionBehavior, params};

use crate::foundation::error::Result;
use crate::store::model::{Answered, ApiToken, NewAudit, Role};

use super::audit;
use super::error::{cannot, corrupt};
use super::messages::instant;
use super::query::query;

pub(super) fn add(connection: &mut Connection, token: &ApiToken, entry: &NewAudit) -> Result<bool> {
    let failed = cannot("keep a token");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    let added = transaction
        .execute(
            "INSERT INTO api_tokens (name, hash, role, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (name) DO NOTHING",
            params![
                token.name,
                token.hash,
                token.role.as_str(),
                token.created_at.as_millisecond(),
                token.expires_at.map(Timestamp::as_millisecond),
            ],
        )
        .map_err(&failed)?;
    if added == 0 {
        return Ok(false);
    }
    audit::write(&transaction, entry)?;
    transaction.commit().map_err(&failed)?;
    Ok(true)
}

pub(super) fn remove(connection: &mut Connection, name: &str, entry: &NewAudit) -> Result<bool> {
    let failed = cannot("take a token away");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    let removed = transaction
        .execute("DELETE FROM api_tokens WHERE name = ?1", params![name])
        .map_err(&failed)?;
    if removed == 0 {
        return Ok(false);
    }
    audit::write(&transaction, entry)?;
    transaction.commit().map_err(&failed)?;
    Ok(true)
}

pub(super) fn all(connection: &Connection) -> Result<Vec<ApiToken>> {
    let sql = "SELECT name, hash, role, created_at, expires_at FROM api_tokens ORDER BY name";
    query(connection, "list tokens", sql, params![], token)
}

fn token(row: &Row<'_>) -> Result<ApiToken> {
    let failed = cannot("read a token");
    let role: String = row.get(2).map_err(&failed)?;
    let expires: Option<i64> = row.get(4).map_err(&failed)?;
    Ok(ApiToken {
        name: row.get(0).map_err(&failed)?,
        hash: row.get(1).map_err(&failed)?,
        role: Role::parse(&role).ok_or_else(|| corrupt("a token has no valid role"))?,
        created_at: instant(row.get(3).map_err(&failed)?)?,
        expires_at: expires.map(instant).transpose()?,
    })
}

pub(super) fn answered(
    connection: &Connection,
    caller: &str,
    key: &str,
    since: Timestamp,
) -> Result<Option<Answered>> {
    let sql = "SELECT caller, key, request, status, body, at FROM api_answers
         WHERE caller = ?1 AND key = ?2 AND at >= ?3";
    let given = params![caller, key, since.as_millisecond()];
    let found = query(connection, "look for an answer", sql, given, |row| {
        let failed = cannot("read an answer");
        Ok(Answered {
            caller: row.get(0).map_err(&failed)?,
            key: row.get(1).map_err(&failed)?,
            request: row.get(2).map_err(&failed)?,
            status: row.get(3).map_err(&failed)?,
            body: row.get(4).map_err(&failed)?,
            at: instant(row.get(5).map_err(&failed)?)?,
        })
    })?;
    Ok(found.into_iter().next())
}

pub(super) fn keep(connection: &mut Connection, new: &Answered, since: Timestamp) -> Result<()> {
    let failed = cannot("keep an answer");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    transaction
        .execute(
            "DELETE FROM api_answers WHERE at < ?1",
            params![since.as_millisecond()],
        )
        .map_err(&failed)?;
    transaction
        .execute(
            "INSERT INTO api_answers (caller, key, request, status, body, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (caller, key) DO NOTHING",
            params![
                new.caller,
                new.key,
                new.request,
                new.status,
                new.body,
                new.at.as_millisecond()
            ],
        )
        .map_err(&failed)?;
    transaction.commit().map_err(&failed)?;
    Ok(())
}
