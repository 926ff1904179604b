//! The erasure list: in the database, and in a file beside it that outlives a database restored from an older copy.
//!
//! `FILE-erased` has a line for each entry, `name HASH` or `person HASH`, and one for each that was taken off again,
//! `lifted HASH`. The file is written and flushed before the database is, so the database never knows more than the file.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use jiff::Timestamp;
use rusqlite::{CachedStatement, Connection, params};

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::identity::{IdentityHash, IdentityKey};
use crate::store::model::{Commit, Listed, hash_text, parse_hash};

use super::error::{cannot, corrupt};
use super::files;
use super::query::query;

/// What stands in a commit or an import against people who were erased.
pub(super) struct Gate<'c, 'k> {
    held: Option<(CachedStatement<'c>, &'k IdentityKey)>,
}

impl<'c, 'k> Gate<'c, 'k> {
    /// I26: looks inside the transaction that writes, so nobody is taken in whose erasure came before it.
    pub(super) fn open(connection: &'c Connection, key: Option<&'k IdentityKey>) -> Result<Self> {
        if !any(connection)? {
            return Ok(Self { held: None });
        }
        let Some(key) = key else {
            return Err(Error::new(
                Code::IdentityKeyMissing,
                "the store's erasure list can be read with its key alone, and the key is not there",
            )
            .help("give the vault its key with `BRIDGED_KEY_FILE`, and run the command again"));
        };
        let find = connection
            .prepare_cached("SELECT 1 FROM erasures WHERE hash = ?1")
            .map_err(cannot("read the erasure list"))?;
        Ok(Self {
            held: Some((find, key)),
        })
    }

    /// Whether anybody at all was erased.
    pub(super) const fn is_shut(&self) -> bool {
        self.held.is_some()
    }

    /// Whether nothing may be taken in under this name.
    pub(super) fn holds(&mut self, name: &str) -> Result<bool> {
        let Some((find, key)) = &mut self.held else {
            return Ok(false);
        };
        find.exists(params![key.name(name).bytes()])
            .map_err(cannot("read the erasure list"))
    }

    fn holds_any<'n>(&mut self, names: impl IntoIterator<Item = &'n str>) -> Result<bool> {
        for name in names {
            if self.holds(name)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The items under whose names something may be taken in.
    pub(super) fn admitted<T: Clone>(
        &mut self,
        items: &[T],
        names: impl Fn(&T) -> Vec<&str>,
    ) -> Result<Vec<T>> {
        let mut admitted = Vec::with_capacity(items.len());
        for item in items {
            if !self.holds_any(names(item))? {
                admitted.push(item.clone());
            }
        }
        Ok(admitted)
    }
}

/// The parts of a commit besides its profiles, without those of people who were erased while they were on their way.
pub(super) struct Admitted {
    pub(super) scores: Vec<(String, crate::foundation::record::Score)>,
    pub(super) acknowledged: Vec<crate::store::model::Acknowledgement>,
    pub(super) letters: Vec<crate::foundation::record::DeadLetter>,
    pub(super) messages: Vec<crate::store::model::NewMessage>,
}

impl Admitted {
    pub(super) fn of(commit: &Commit<'_>, gate: &mut Gate<'_, '_>) -> Result<Self> {
        Ok(Self {
            scores: gate.admitted(commit.scores, |(profile, _)| vec![profile])?,
            acknowledged: gate.admitted(commit.acknowledged, |one| {
                let id = one.salesforce_id.as_deref();
                [Some(one.key.as_str()), id].into_iter().flatten().collect()
            })?,
            letters: gate.admitted(commit.dead_letters, |letter| vec![&letter.key])?,
            messages: gate.admitted(commit.messages, |message| {
                vec![&message.profile, &message.record]
            })?,
        })
    }
}

/// Whether anybody is on the list.
pub(super) fn any(connection: &Connection) -> Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM erasures)")
        .and_then(|mut any| any.query_row([], |row| row.get(0)))
        .map_err(cannot("read the erasure list"))
}

const fn parts(entry: &Listed) -> (&'static str, &IdentityHash) {
    match entry {
        Listed::Name(hash) => ("name", hash),
        Listed::Person(hash) => ("person", hash),
    }
}

pub(super) fn put(connection: &Connection, entries: &[Listed], at: Timestamp) -> Result<()> {
    let failed = cannot("keep the erasure list");
    let mut insert = connection
        .prepare_cached(
            "INSERT INTO erasures (hash, kind, at) VALUES (?1, ?2, ?3) ON CONFLICT (hash) DO NOTHING",
        )
        .map_err(&failed)?;
    for entry in entries {
        let (kind, hash) = parts(entry);
        insert
            .execute(params![hash.bytes(), kind, at.as_millisecond()])
            .map_err(&failed)?;
    }
    Ok(())
}

/// Somebody who had stopped marketing before the erasure has not begun it again.
const RESTORE: &str = "UPDATE suppressions SET scope = 'marketing', source = 'erasure',
        reason = substr(source, length('erasure over ') + 1)
     WHERE identity = ?1 AND reason = 'erased' AND source LIKE 'erasure over %'";

/// Takes entries off, and the suppressions of erased people with them; how many were on the list.
pub(super) fn remove(connection: &Connection, entries: &[Listed]) -> Result<u64> {
    let failed = cannot("change the erasure list");
    let mut removed = 0;
    for entry in entries {
        let (_, hash) = parts(entry);
        removed += connection
            .prepare_cached("DELETE FROM erasures WHERE hash = ?1")
            .and_then(|mut delete| delete.execute(params![hash.bytes()]))
            .map_err(&failed)?;
        for sql in [
            RESTORE,
            "DELETE FROM suppressions WHERE identity = ?1 AND reason = 'erased'",
        ] {
            connection
                .prepare_cached(sql)
                .and_then(|mut change| change.execute(params![hash.bytes()]))
                .map_err(&failed)?;
        }
    }
    Ok(removed as u64)
}

fn all(connection: &Connection) -> Result<Vec<Listed>> {
    query(
        connection,
        "read the erasure list",
        "SELECT kind, hash FROM erasures ORDER BY hash",
        [],
        |row| {
            let failed = cannot("read the erasure list");
            let kind: String = row.get(0).map_err(&failed)?;
            let hash = IdentityHash::new(row.get(1).map_err(&failed)?);
            entry(&kind, hash).ok_or_else(|| corrupt("the erasure list has an unknown kind"))
        },
    )
}

fn entry(kind: &str, hash: IdentityHash) -> Option<Listed> {
    match kind {
        "name" => Some(Listed::Name(hash)),
        "person" => Some(Listed::Person(hash)),
        _ => None,
    }
}

/// Writes entries behind the file's last line; they are on the disk when this returns.
pub(super) fn append(list: &Path, entries: &[Listed], is_lifted: bool) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut lines = String::new();
    for entry in entries {
        let (kind, hash) = parts(entry);
        let kind = if is_lifted { "lifted" } else { kind };
        // A line that a loss of power cut off in the middle ends here, and is passed over when it is read.
        // Writing to a String cannot fail.
        let _ = write!(lines, "\n{kind} {}", hash_text(hash.bytes()));
    }
    lines.push('\n');
    let mut file = files::create_file(list, OpenOptions::new().append(true))?;
    file.write_all(lines.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|cause| files::unopenable(list, &cause))
}

/// What the file says: each entry of it that was not lifted again, and each that was.
fn read(list: &Path) -> Result<BTreeMap<IdentityHash, Option<Listed>>> {
    let text = match std::fs::read_to_string(list) {
        Ok(text) => text,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(cause) => return Err(files::unopenable(list, &cause)),
    };
    let mut entries = BTreeMap::new();
    for line in text.lines() {
        let Some((kind, hash)) = line.split_once(' ') else {
            continue;
        };
        let Some(hash) = parse_hash(hash).map(IdentityHash::new) else {
            continue;
        };
        match (kind, entry(kind, hash)) {
            ("lifted", _) => entries.insert(hash, None),
            (_, Some(entry)) => entries.insert(hash, Some(entry)),
            (_, None) => continue,
        };
    }
    Ok(entries)
}

/// Brings file and database together, and says which entries of the file the database has not carried out.
pub(super) fn unapplied(connection: &Connection, list: &Path) -> Result<Vec<Listed>> {
    let mut written = read(list)?;
    let mut missing = Vec::new();
    let mut lifted = Vec::new();
    for kept in all(connection)? {
        let (_, hash) = parts(&kept);
        match written.remove(hash) {
            Some(Some(_)) => {}
            Some(None) => lifted.push(kept),
            None => missing.push(kept),
        }
    }
    append(list, &missing, false)?;
    remove(connection, &lifted)?;
    Ok(written.into_values().flatten().collect())
}
