//! Cards: what is connected, and as whom.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use crate::foundation::error::{Error, Result};
use crate::store::model::Card;

use super::error::{cannot, corrupt};
use super::query::query;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT connection, method, username, user_id, organization_id, instance_url, scopes, \
             connected_at, refreshed_at, refresh_begun, refresh_rotates, refresh_refused \
             FROM connection_cards ",
            $rest
        )
    };
}

pub(super) fn one(connection: &Connection, name: &str) -> Result<Option<Card>> {
    let sql = select!("WHERE connection = ?1");
    let found = query(connection, "read a connection", sql, params![name], card)?;
    Ok(found.into_iter().next())
}

pub(super) fn all(connection: &Connection) -> Result<Vec<Card>> {
    let sql = select!("ORDER BY connection");
    query(connection, "read the connections", sql, [], card)
}

fn card(row: &Row<'_>) -> Result<Card> {
    let failed = cannot("read a connection");
    let connection: String = row.get(0).map_err(&failed)?;
    let wrong = |what: &str| corrupt(format!("connection `{connection}` has no valid {what}"));
    let time = |millis| Timestamp::from_millisecond(millis).map_err(|_| wrong("time"));
    let scopes: String = row.get(6).map_err(&failed)?;
    let refreshed_at: Option<i64> = row.get(8).map_err(&failed)?;
    Ok(Card {
        method: row.get(1).map_err(&failed)?,
        username: row.get(2).map_err(&failed)?,
        user_id: row.get(3).map_err(&failed)?,
        organization_id: row.get(4).map_err(&failed)?,
        instance_url: row.get(5).map_err(&failed)?,
        scopes: serde_json::from_str(&scopes).map_err(|_| wrong("scopes"))?,
        connected_at: time(row.get(7).map_err(&failed)?)?,
        refreshed_at: refreshed_at.map(time).transpose()?,
        refresh_begun: row.get(9).map_err(&failed)?,
        refresh_rotates: row.get(10).map_err(&failed)?,
        refresh_refused: row.get(11).map_err(&failed)?,
        connection,
    })
}

pub(super) fn put(connection: &Connection, card: &Card) -> Result<()> {
    let scopes = serde_json::to_string(&card.scopes)
        .map_err(|cause| Error::bug("scopes cannot be written as JSON").caused_by(cause))?;
    connection
        .execute(
            "INSERT OR REPLACE INTO connection_cards (connection, method, username, user_id,
                organization_id, instance_url, scopes, connected_at, refreshed_at, refresh_begun,
                refresh_rotates, refresh_refused)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            params![
                card.connection,
                card.method,
                card.username,
                card.user_id,
                card.organization_id,
                card.instance_url,
                scopes,
                card.connected_at.as_millisecond(),
                card.refreshed_at.map(Timestamp::as_millisecond),
                card.refresh_begun,
                card.refresh_rotates,
                card.refresh_refused,
            ],
        )
        .map_err(cannot("keep a connection"))?;
    Ok(())
}

pub(super) fn remove(connection: &Connection, name: &str) -> Result<()> {
    connection
        .execute(
            "DELETE FROM connection_cards WHERE connection = ?1",
            params![name],
        )
        .map_err(cannot("take a connection away"))?;
    Ok(())
}
