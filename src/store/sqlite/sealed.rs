//! Sealed secrets: rows of bytes that only a key opens.

use jiff::Timestamp;
use rusqlite::{Connection, Row, TransactionBehavior, params};

use crate::foundation::error::{Error, Result};
use crate::foundation::failpoint::reach;
use crate::store::model::{CardChange, ConnectionChange, Sealed, check_sealed};

use super::error::{cannot, corrupt};
use super::query::query;
use super::{audit, cards};

const OF_ONE: &str = "SELECT connection, field, key_id, nonce, ciphertext, sealed_at
     FROM sealed_secrets WHERE connection = ?1 ORDER BY field";
const BEHIND: &str = "SELECT connection, field, key_id, nonce, ciphertext, sealed_at
     FROM sealed_secrets WHERE (connection, field) > (?1, ?2) ORDER BY connection, field LIMIT ?3";

pub(super) fn of_connection(connection: &Connection, name: &str) -> Result<Vec<Sealed>> {
    let what = "read a sealed secret";
    query(connection, what, OF_ONE, params![name], sealed)
}

pub(super) fn list(
    connection: &Connection,
    after: Option<(&str, &str)>,
    limit: u32,
) -> Result<Vec<Sealed>> {
    // No connection's name is empty, so the empty pair stands before all.
    let (name, field) = after.unwrap_or_default();
    let what = "read a sealed secret";
    query(
        connection,
        what,
        BEHIND,
        params![name, field, limit],
        sealed,
    )
}

fn sealed(row: &Row<'_>) -> Result<Sealed> {
    let failed = cannot("read a sealed secret");
    let connection: String = row.get(0).map_err(&failed)?;
    let at = row.get(5).map_err(&failed)?;
    let sealed_at = Timestamp::from_millisecond(at)
        .map_err(|_| corrupt(format!("a secret of `{connection}` has no valid time")))?;
    Ok(Sealed {
        connection,
        field: row.get(1).map_err(&failed)?,
        key_id: row.get(2).map_err(&failed)?,
        nonce: row.get(3).map_err(&failed)?,
        ciphertext: row.get(4).map_err(&failed)?,
        sealed_at,
    })
}

pub(super) fn change(connection: &mut Connection, change: &ConnectionChange<'_>) -> Result<()> {
    let failed = cannot("change what is kept of a connection");
    reach("store-before-change");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    for field in change.remove {
        transaction
            .execute(
                "DELETE FROM sealed_secrets WHERE connection = ?1 AND field = ?2",
                params![change.connection, field],
            )
            .map_err(&failed)?;
    }
    for one in change.put {
        put(&transaction, one)?;
    }
    reach("store-mid-change");
    match change.card {
        None => {}
        Some(CardChange::Put(card)) => cards::put(&transaction, card)?,
        Some(CardChange::Remove) => cards::remove(&transaction, change.connection)?,
    }
    if let Some(entry) = change.audit {
        audit::write(&transaction, entry)?;
    }
    reach("store-end-of-change");
    transaction.commit().map_err(&failed)?;
    reach("store-after-change");
    Ok(())
}

fn put(connection: &Connection, sealed: &Sealed) -> Result<()> {
    connection
        .execute(
            "INSERT INTO sealed_secrets (connection, field, key_id, nonce, ciphertext, sealed_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (connection, field) DO UPDATE SET key_id = excluded.key_id,
                nonce = excluded.nonce, ciphertext = excluded.ciphertext,
                sealed_at = excluded.sealed_at",
            params![
                sealed.connection,
                sealed.field,
                sealed.key_id,
                sealed.nonce,
                sealed.ciphertext,
                sealed.sealed_at.as_millisecond(),
            ],
        )
        .map_err(cannot("keep a sealed secret"))?;
    Ok(())
}

pub(super) fn reseal(connection: &Connection, old: &Sealed, new: &Sealed) -> Result<bool> {
    check_sealed(new)?;
    if (&old.connection, &old.field) != (&new.connection, &new.field) {
        return Err(Error::bug("a secret is re-sealed as another one"));
    }
    // One statement is one transaction.
    let replaced = connection
        .execute(
            "UPDATE sealed_secrets SET key_id = ?6, nonce = ?7, ciphertext = ?8, sealed_at = ?9
             WHERE connection = ?1 AND field = ?2 AND key_id = ?3 AND nonce = ?4 AND ciphertext = ?5",
            params![
                old.connection,
                old.field,
                old.key_id,
                old.nonce,
                old.ciphertext,
                new.key_id,
                new.nonce,
                new.ciphertext,
                new.sealed_at.as_millisecond(),
            ],
        )
        .map_err(cannot("re-seal a secret"))?;
    Ok(replaced == 1)
}

#[cfg(test)]
mod tests {
    use super::super::migrate::tests::query_plan;
    use super::{BEHIND, OF_ONE};

    #[test]
    fn every_question_is_answered_by_the_primary_key() {
        for sql in [OF_ONE, BEHIND] {
            let plan = query_plan(sql);
            let by_key = "SEARCH sealed_secrets USING PRIMARY KEY";
            assert!(plan.iter().any(|step| step.contains(by_key)), "{plan:?}");
            assert!(
                !plan.iter().any(|step| step.contains("TEMP B-TREE")),
                "{plan:?}"
            );
        }
    }
}
