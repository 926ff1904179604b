//! The audit log: entries appended one behind the other, and their head.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use crate::foundation::error::Result;
use crate::store::model::{AuditEntry, AuditHead, NewAudit};

use super::error::{cannot, from_sql, to_sql};
use super::query::query;

const LIST: &str = "SELECT seq, at, action, subject, actor, details, previous, hash
     FROM audit_entries WHERE seq > ?1 ORDER BY seq LIMIT ?2";
const LAST: &str = "SELECT seq, hash FROM audit_entries ORDER BY seq DESC LIMIT 1";

pub(super) fn append(connection: &mut Connection, new: &NewAudit) -> Result<AuditEntry> {
    let failed = cannot("write to the audit log");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    let entry = write(&transaction, new)?;
    transaction.commit().map_err(&failed)?;
    Ok(entry)
}

/// I18: appends an entry inside a transaction of its caller, which must be the only writer.
pub(super) fn write(connection: &Connection, new: &NewAudit) -> Result<AuditEntry> {
    let failed = cannot("write to the audit log");
    let entry = AuditEntry::following(end(connection)?, new)?;
    let seq = to_sql(entry.seq)?;
    connection
        .execute(
            "INSERT INTO audit_entries (seq, at, action, subject, actor, details, previous, hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                seq,
                entry.at.as_millisecond(),
                entry.action,
                entry.subject,
                entry.actor,
                entry.details,
                entry.previous,
                entry.hash,
            ],
        )
        .map_err(&failed)?;
    connection
        .execute(
            "INSERT INTO audit_head (one, count, hash) VALUES (1, ?1, ?2)
             ON CONFLICT (one) DO UPDATE SET count = excluded.count, hash = excluded.hash",
            params![seq, entry.hash],
        )
        .map_err(&failed)?;
    Ok(entry)
}

/// Where the next entry goes: behind the head, and behind the last entry where somebody moved or removed the head. So a
/// log that was damaged is still written to, and the damage still stands in it.
fn end(connection: &Connection) -> Result<Option<AuditHead>> {
    let last: Option<(i64, Vec<u8>)> = connection
        .query_row(LAST, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .map_err(cannot("read the audit log"))?;
    let last = last
        .map(|(seq, hash)| {
            Ok(AuditHead {
                count: from_sql(seq)?,
                hash: hash_of(&hash),
            })
        })
        .transpose()?;
    let head = head(connection)?;
    Ok(match (head, last) {
        (Some(head), Some(last)) if last.count > head.count => Some(last),
        (Some(head), _) => Some(head),
        (None, last) => last,
    })
}

pub(super) fn list(connection: &Connection, after: u64, limit: u32) -> Result<Vec<AuditEntry>> {
    // Numbers past what SQLite counts to have no entries.
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    query(
        connection,
        "read the audit log",
        LIST,
        params![after, limit],
        entry,
    )
}

/// A row as it stands. What is not well-formed comes out as something whose hash does not fit, so that checking the log
/// names the entry.
fn entry(row: &Row<'_>) -> Result<AuditEntry> {
    let failed = cannot("read the audit log");
    let bytes = |index: usize| -> Result<&[u8]> {
        let value = row.get_ref(index).map_err(&failed)?;
        Ok(value.as_bytes_or_null().ok().flatten().unwrap_or_default())
    };
    let text = |index: usize| Ok(String::from_utf8_lossy(bytes(index)?).into_owned());
    let millis: i64 = row.get(1).map_err(&failed)?;
    Ok(AuditEntry {
        seq: from_sql(row.get(0).map_err(&failed)?)?,
        at: Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MIN),
        action: text(2)?,
        subject: text(3)?,
        actor: text(4)?,
        details: text(5)?,
        previous: hash_of(bytes(6)?),
        hash: hash_of(bytes(7)?),
    })
}

fn hash_of(bytes: &[u8]) -> [u8; 32] {
    bytes.try_into().unwrap_or([0; 32])
}

pub(super) fn head(connection: &Connection) -> Result<Option<AuditHead>> {
    let found: Option<(i64, Vec<u8>)> = connection
        .query_row("SELECT count, hash FROM audit_head", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()
        .map_err(cannot("read the audit log"))?;
    found
        .map(|(count, hash)| {
            Ok(AuditHead {
                count: from_sql(count)?,
                hash: hash_of(&hash),
            })
        })
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::super::migrate::tests::query_plan;
    use super::{LAST, LIST};

    #[test]
    fn no_question_sorts_or_reads_all_entries() {
        for sql in [LAST, LIST] {
            let plan = query_plan(sql);
            assert!(
                !plan.iter().any(|step| step.contains("TEMP B-TREE")),
                "{plan:?}"
            );
        }
        assert!(query_plan(LIST)[0].contains("SEARCH"), "by number");
    }
}
