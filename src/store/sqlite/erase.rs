//! Erasing people: every row that tells of them goes, or is freed of what it tells, in one transaction.

use std::path::Path;

use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use crate::foundation::error::Result;
use crate::foundation::failpoint::reach;
use crate::foundation::identity::IdentityHash;
use crate::store::model::{Erased, Erasure, Forgotten, Listed, hash_text};

use super::error::cannot;
use super::query::query;
use super::{audit, erasures};

/// The columns that a person's names stand in besides the rows that go with the person, and free text.
const TEXTS: [(&str, &str); 3] = [
    ("runs", "error_message"),
    ("runs", "warnings"),
    ("dead_letters", "message"),
];

/// Where names stand. Each is read up to the page's end by itself, so that no page costs more than its own rows where an
/// index is in that order.
const NAMED: [(&str, &str); 10] = [
    ("profiles", "key"),
    ("profiles", "salesforce_id"),
    ("outcomes", "profile"),
    ("outcomes", "id"),
    ("engagements", "profile"),
    ("scores", "profile"),
    ("acknowledgements", "key"),
    ("acknowledgements", "salesforce_id"),
    ("dead_letters", "key"),
    ("message_people", "profile"),
];

const PEOPLE: &str = "SELECT DISTINCT p.profile FROM message_identities i
     JOIN message_people p ON p.message = i.message WHERE i.identity = ?1 ORDER BY p.profile LIMIT 100";

/// What a message of a person is known by behind its erasure: Meta's id of it holds their number.
pub(super) fn erased_wamid(wamid: &str) -> String {
    let hash = digest(&SHA256, wamid.as_bytes());
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hash.as_ref());
    format!("erased:{}", hash_text(&bytes))
}

/// I26: erases people in one transaction, behind the entries of the erasure list in its file.
pub(super) fn erase(
    connection: &mut Connection,
    list: &Path,
    erasure: &Erasure<'_>,
) -> Result<Erased> {
    let failed = cannot("erase a person");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    if let Some(entry) = erasure.audit {
        audit::write(&transaction, entry)?;
    }
    let messages = messages_of(&transaction, erasure.profiles, erasure.listed)?;
    let mut listed = erasure.listed.to_vec();
    for message in &messages {
        let identities = super::messages::identities(&transaction, message)?;
        listed.extend(identities.into_iter().map(Listed::Person));
    }
    listed.sort_unstable();
    listed.dedup();
    erasures::append(list, &listed, false)?;
    reach("store-mid-erase");
    erasures::put(&transaction, &listed, erasure.at)?;
    suppress(&transaction, &listed, erasure.at)?;
    let mut erased = Erased::default();
    for message in &messages {
        free_message(&transaction, message, erasure)?;
        erased.messages += 1;
    }
    for profile in erasure.profiles {
        erased.add(&remove_profile(&transaction, profile)?);
    }
    for name in erasure.names {
        erased.add(&remove_name(&transaction, name)?);
    }
    for text in erasure.texts {
        erased.add(&remove_text(&transaction, text)?);
    }
    reach("store-before-erase");
    transaction.commit().map_err(&failed)?;
    reach("store-after-erase");
    Ok(erased)
}

impl Erased {
    const fn add(&mut self, other: &Erased) {
        self.profiles += other.profiles;
        self.outcomes += other.outcomes;
        self.engagements += other.engagements;
        self.scores += other.scores;
        self.acknowledgements += other.acknowledgements;
        self.letters += other.letters;
        self.messages += other.messages;
    }
}

/// Suppresses the numbers of erased people. What they said about marketing themselves is kept below it.
fn suppress(connection: &Connection, listed: &[Listed], at: Timestamp) -> Result<()> {
    let failed = cannot("suppress an erased person");
    let mut put = connection
        .prepare_cached(
            "INSERT INTO suppressions (identity, scope, reason, source, at)
             VALUES (?1, 'all', 'erased', 'erasure', ?2)
             ON CONFLICT (identity) DO UPDATE SET scope = 'all', reason = 'erased', until = NULL, at = ?2,
                source = iif(until IS NULL, 'erasure over ' || reason, 'erasure')
             WHERE scope = 'marketing' OR until IS NOT NULL",
        )
        .map_err(&failed)?;
    for entry in listed {
        if let Listed::Person(identity) = entry {
            put.execute(params![identity.bytes(), at.as_millisecond()])
                .map_err(&failed)?;
        }
    }
    Ok(())
}

/// The messages that were planned for the people, or that went to one of their numbers.
pub(super) fn messages_of(
    connection: &Connection,
    profiles: &[String],
    who: &[Listed],
) -> Result<Vec<String>> {
    let failed = cannot("look for a person's messages");
    let mut found = Vec::new();
    let mut by_profile = connection
        .prepare_cached("SELECT message FROM message_people WHERE profile = ?1")
        .map_err(&failed)?;
    for profile in profiles {
        let rows = by_profile.query_map(params![profile], |row| row.get(0));
        for id in rows.map_err(&failed)? {
            found.push(id.map_err(&failed)?);
        }
    }
    let mut by_identity = connection
        .prepare_cached("SELECT message FROM message_identities WHERE identity = ?1")
        .map_err(&failed)?;
    for entry in who {
        let Listed::Person(identity) = entry else {
            continue;
        };
        let rows = by_identity.query_map(params![identity.bytes()], |row| row.get(0));
        for id in rows.map_err(&failed)? {
            found.push(id.map_err(&failed)?);
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Frees a message of its person. One that waits has no text any more, and is suppressed when its turn comes; one on its
/// way is settled by its id.
fn free_message(connection: &Connection, id: &str, erasure: &Erasure<'_>) -> Result<()> {
    let failed = cannot("erase a person's message");
    let wamid: Option<String> = connection
        .prepare_cached("SELECT wamid FROM messages WHERE id = ?1")
        .and_then(|mut read| read.query_row(params![id], |row| row.get(0)))
        .map_err(&failed)?;
    if let Some(wamid) = &wamid {
        connection
            .prepare_cached("DELETE FROM parked_statuses WHERE wamid = ?1")
            .and_then(|mut delete| delete.execute(params![wamid]))
            .map_err(&failed)?;
    }
    let wamid = wamid.map(|wamid| {
        if wamid.starts_with("erased:") {
            wamid
        } else {
            erased_wamid(&wamid)
        }
    });
    connection
        .prepare_cached(
            "UPDATE messages SET profile = '', record = '', masked = '', wamid = ?2, hold = NULL,
                payload = iif(state IN ('planned', 'dispatching', 'unknown'), '', NULL),
                not_before = iif(state = 'planned', ?3, not_before)
             WHERE id = ?1",
        )
        .and_then(|mut update| update.execute(params![id, wamid, erasure.at.as_millisecond()]))
        .map_err(&failed)?;
    connection
        .prepare_cached("DELETE FROM message_people WHERE message = ?1")
        .and_then(|mut delete| delete.execute(params![id]))
        .map_err(&failed)?;
    Ok(())
}

fn count(connection: &Connection, sql: &str, given: impl rusqlite::Params) -> Result<u64> {
    let done = connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute(given))
        .map_err(cannot("erase a person"))?;
    Ok(done as u64)
}

fn remove_profile(connection: &Connection, profile: &str) -> Result<Erased> {
    Ok(Erased {
        profiles: count(
            connection,
            "DELETE FROM profiles WHERE key = ?1",
            params![profile],
        )?,
        outcomes: count(
            connection,
            "DELETE FROM outcomes WHERE profile = ?1",
            params![profile],
        )?,
        engagements: count(
            connection,
            "DELETE FROM engagements WHERE profile = ?1",
            params![profile],
        )?,
        scores: count(
            connection,
            "DELETE FROM scores WHERE profile = ?1",
            params![profile],
        )?,
        ..Erased::default()
    })
}

/// What is kept under one of a person's names. A cursor that ends at it ends before it then: the row it stood at is read again.
fn remove_name(connection: &Connection, name: &str) -> Result<Erased> {
    for sql in [
        "UPDATE cursors SET id = '' WHERE id = ?1",
        "UPDATE runs SET cursor_id = '' WHERE cursor_id = ?1",
    ] {
        count(connection, sql, params![name])?;
    }
    Ok(Erased {
        outcomes: count(
            connection,
            "DELETE FROM outcomes WHERE id = ?1",
            params![name],
        )?,
        acknowledgements: count(
            connection,
            "DELETE FROM acknowledgements WHERE key = ?1 OR salesforce_id = ?1",
            params![name],
        )?,
        letters: count(
            connection,
            "DELETE FROM dead_letters WHERE key = ?1",
            params![name],
        )?,
        ..Erased::default()
    })
}

/// What tells of a person in free text.
fn remove_text(connection: &Connection, text: &str) -> Result<Erased> {
    for (table, column) in TEXTS {
        let sql = format!(
            "UPDATE {table} SET {column} = replace({column}, ?1, '…') WHERE instr({column}, ?1) > 0"
        );
        count(connection, &sql, params![text])?;
    }
    for sql in [
        "DELETE FROM api_answers WHERE instr(body, ?1) > 0",
        "DELETE FROM parked_statuses WHERE instr(wamid, ?1) > 0",
        "UPDATE webhooks SET body = NULL
         WHERE understood_at IS NOT NULL AND instr(body, CAST(?1 AS BLOB)) > 0",
    ] {
        count(connection, sql, params![text])?;
    }
    Ok(Erased {
        acknowledgements: count(
            connection,
            "DELETE FROM acknowledgements WHERE instr(fields, ?1) > 0",
            params![text],
        )?,
        letters: count(
            connection,
            "DELETE FROM dead_letters WHERE instr(payload, ?1) > 0",
            params![text],
        )?,
        ..Erased::default()
    })
}

/// Writes the log back into the file and cuts it off, so that no copy of what was erased stays in it.
pub(super) fn flush(connection: &Connection) -> Result<bool> {
    let busy: i64 = connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .map_err(cannot("write its log back"))?;
    Ok(busy == 0)
}

pub(super) fn names(
    connection: &Connection,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<String>> {
    let given = params![after.unwrap_or_default(), limit];
    let parts = NAMED.map(|(table, column)| {
        format!(
            "SELECT * FROM (SELECT DISTINCT {column} FROM {table} WHERE {column} > ?1 ORDER BY {column} LIMIT ?2)"
        )
    });
    let sql = format!("{} ORDER BY 1 LIMIT ?2", parts.join(" UNION "));
    query(connection, "list names", &sql, given, |row| {
        row.get(0).map_err(cannot("list names"))
    })
}

pub(super) fn people_of(connection: &Connection, who: &[IdentityHash]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for identity in who {
        let given = params![identity.bytes()];
        found.extend(query(
            connection,
            "look for a person",
            PEOPLE,
            given,
            |row| row.get::<_, String>(0).map_err(cannot("look for a person")),
        )?);
    }
    found.sort_unstable();
    found.dedup();
    found.truncate(100);
    Ok(found)
}

/// Forgets values whose time is over, in one transaction.
pub(super) fn forget(
    connection: &mut Connection,
    before: Timestamp,
    limit: u32,
) -> Result<Forgotten> {
    let failed = cannot("forget old values");
    let transaction: Transaction<'_> = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    let done = |sql: &str| count(&transaction, sql, params![before.as_millisecond(), limit]);
    let forgotten = Forgotten {
        letters: done(
            "UPDATE dead_letters SET payload = 'null' WHERE id IN
                (SELECT id FROM dead_letters WHERE payload <> 'null' AND at < ?1 ORDER BY at LIMIT ?2)",
        )?,
        profiles: done(
            "UPDATE profiles SET attributes = '{}', consent = '{}', phone = NULL, email = NULL
             WHERE id IN (SELECT id FROM profiles WHERE deleted = 1 AND attributes <> '{}'
                AND updated_at < ?1 ORDER BY updated_at LIMIT ?2)",
        )?,
        webhooks: done(
            "UPDATE webhooks SET body = NULL WHERE seq IN (SELECT seq FROM webhooks
                WHERE unreadable IS NOT NULL AND body IS NOT NULL AND at < ?1 ORDER BY at LIMIT ?2)",
        )?,
    };
    transaction.commit().map_err(&failed)?;
    Ok(forgotten)
}

#[cfg(test)]
mod tests {
    use super::super::migrate::tests::query_plan;

    #[test]
    fn what_is_to_be_forgotten_is_found_by_indexes_of_it_alone() {
        for (sql, index) in [
            (
                "SELECT id FROM dead_letters WHERE payload <> 'null' AND at < ?1 ORDER BY at LIMIT ?2",
                "dead_letters_kept",
            ),
            (
                "SELECT id FROM profiles WHERE deleted = 1 AND attributes <> '{}'
                 AND updated_at < ?1 ORDER BY updated_at LIMIT ?2",
                "profiles_kept_of_deleted",
            ),
            (
                "SELECT seq FROM webhooks WHERE unreadable IS NOT NULL AND body IS NOT NULL
                 AND at < ?1 ORDER BY at LIMIT ?2",
                "webhooks_unreadable",
            ),
        ] {
            let plan = query_plan(sql);
            assert!(plan.iter().any(|step| step.contains(index)), "{plan:?}");
        }
    }
}
