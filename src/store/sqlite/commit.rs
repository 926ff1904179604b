//! One transaction for everything an acknowledged group of records leaves behind.

use std::borrow::Cow;

use jiff::Timestamp;
use rusqlite::{CachedStatement, Connection, TransactionBehavior, params};

use crate::foundation::error::{Error, Result};
use crate::foundation::event::Ledger;
use crate::foundation::failpoint::reach;
use crate::foundation::identity::IdentityKey;
use crate::foundation::record::Profile;
use crate::store::encoded::{Encoded, Given};
use crate::store::model::{Commit, Committed, Form, Imported, Settled, unstorable};

use super::changes::Changes;
use super::erasures::{Admitted, Gate};
use super::error::cannot;
use super::{cursor, letters, merge, messages, runs, targets};

pub(super) fn commit(
    connection: &mut Connection,
    commit: &Commit<'_>,
    key: Option<&IdentityKey>,
) -> Result<Committed> {
    let failed = cannot("commit");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    let mut changes = Changes::begin(&transaction)?;
    let forms = commit.profiles.iter().map(|one| &one.profile);
    let incoming: Vec<Cow<'_, Encoded>> = forms.map(encoded).collect::<Result<_>>()?;
    let mut gate = Gate::open(&transaction, key)?;
    let profiles = write_admitted(&transaction, &incoming, commit.at, &mut changes, &mut gate)?;
    let profiles: Vec<Settled> = profiles.into_iter().map(Settled::from).collect();
    let given = commit.messages.len() as u64;
    let mut delta = commit.delta(&profiles);
    let admitted;
    let commit = if gate.is_shut() {
        admitted = Admitted::of(commit, &mut gate)?;
        &Commit {
            scores: &admitted.scores,
            acknowledged: &admitted.acknowledged,
            dead_letters: &admitted.letters,
            messages: &admitted.messages,
            ..*commit
        }
    } else {
        commit
    };
    drop(gate);
    reach("store-mid-commit");
    changes.keep(&transaction)?;
    targets::write_scores(&transaction, commit)?;
    targets::acknowledge(
        &transaction,
        commit.pipeline,
        commit.at,
        commit.acknowledged,
    )?;
    letters::settle(&transaction, commit)?;
    letters::write(&transaction, commit.dead_letters)?;
    let planned = messages::plan(&transaction, commit)?;
    let admitted = commit.messages.len() as u64;
    delta.add(&Ledger {
        read: given,
        pending: planned,
        unchanged: admitted - planned,
        suppressed: given - admitted,
        ..Ledger::default()
    });
    let total = runs::add(&transaction, commit, &delta)?;
    if let Some(cursor) = commit.cursor {
        cursor::write(&transaction, commit, cursor)?;
    }
    if let Some(cursor) = commit.change_cursor {
        cursor::write_change(&transaction, commit, cursor)?;
    }
    reach("store-before-commit");
    transaction.commit().map_err(&failed)?;
    reach("store-after-commit");
    Ok(Committed {
        profiles,
        delta,
        total,
    })
}

fn encoded(form: &Form) -> Result<Cow<'_, Encoded>> {
    match form {
        Form::Encoded(encoded) => Ok(Cow::Borrowed(encoded)),
        Form::Whole(profile) => encode(profile),
    }
}

/// The form in which a profile is stored.
pub(super) fn encode<'p>(profile: &Profile) -> Result<Cow<'p, Encoded>> {
    let encoded = Encoded::of(profile);
    encoded.map(Cow::Owned).map_err(unstorable)
}

/// The same for those who may be taken in (I26).
pub(super) fn write_admitted(
    connection: &Connection,
    profiles: &[Cow<'_, Encoded>],
    at: Timestamp,
    changes: &mut Changes,
    gate: &mut Gate<'_, '_>,
) -> Result<Vec<Imported>> {
    if !gate.is_shut() {
        return write_profiles(connection, profiles, at, changes);
    }
    let mut admitted = Vec::with_capacity(profiles.len());
    let mut held = Vec::with_capacity(profiles.len());
    for profile in profiles {
        let id = profile.salesforce_id.as_deref();
        let is_held = gate.holds(&profile.key)? || id.map_or(Ok(false), |id| gate.holds(id))?;
        if !is_held {
            admitted.push(Cow::Borrowed(profile.as_ref()));
        }
        held.push(is_held);
    }
    let mut written = write_profiles(connection, &admitted, at, changes)?.into_iter();
    let settled = held.into_iter().map(|is_held| {
        if is_held {
            Imported::Erased
        } else {
            written.next().unwrap_or(Imported::Unchanged)
        }
    });
    Ok(settled.collect())
}

/// Lays profiles over what is stored; one entry for each, in their order.
fn write_profiles(
    connection: &Connection,
    profiles: &[Cow<'_, Encoded>],
    at: Timestamp,
    changes: &mut Changes,
) -> Result<Vec<Imported>> {
    let mut settled = vec![Imported::Unchanged; profiles.len()];
    if profiles.is_empty() {
        return Ok(settled);
    }
    // In key order neighbours share index pages. The sort is stable: of two with one key the later comes later.
    let mut order: Vec<usize> = (0..profiles.len()).collect();
    order.sort_by(|left, right| profiles[*left].key.cmp(&profiles[*right].key));
    let mut writer = Writer::new(connection, at.as_millisecond(), changes)?;
    for index in order {
        settled[index] = writer.settle(&profiles[index])?;
    }
    Ok(settled)
}

/// The statements of the profile table, prepared once a commit.
struct Writer<'c, 'n> {
    find: CachedStatement<'c>,
    insert: CachedStatement<'c>,
    update: CachedStatement<'c>,
    index: CachedStatement<'c>,
    now: i64,
    changes: &'n mut Changes,
    last_was_new: bool,
}

/// What of a stored profile an incoming one changes.
struct Change {
    id: i64,
    consent: String,
    attributes: String,
    /// Whether a column that an index holds changes.
    found_by: bool,
}

/// How an incoming profile stands to what is stored under its key.
enum Standing {
    Missing,
    Same,
    Differs(Change),
}

impl<'c, 'n> Writer<'c, 'n> {
    fn new(connection: &'c Connection, now: i64, changes: &'n mut Changes) -> Result<Self> {
        let failed = cannot("write profiles");
        let find = "SELECT id, salesforce_id, object, deleted, consent, attributes, phone, email
                    FROM profiles WHERE key = ?1";
        let insert = "INSERT INTO profiles (key, salesforce_id, object, deleted, created_at,
                        updated_at, phone, email, consent, attributes, change)
                      VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9, ?10)
                      ON CONFLICT (key) DO NOTHING";
        let update = "UPDATE profiles SET salesforce_id = coalesce(?2, salesforce_id),
                        object = coalesce(?3, object), updated_at = ?4, consent = ?5,
                        attributes = ?6, change = ?7
                      WHERE id = ?1";
        // Apart from the update: SQLite rewrites the indexes of every column that is set, changed or not.
        let index = "UPDATE profiles SET deleted = ?2,
                        phone = CASE WHEN ?3 THEN ?4 ELSE phone END,
                        email = CASE WHEN ?5 THEN ?6 ELSE email END
                     WHERE id = ?1";
        Ok(Self {
            find: connection.prepare_cached(find).map_err(&failed)?,
            insert: connection.prepare_cached(insert).map_err(&failed)?,
            update: connection.prepare_cached(update).map_err(&failed)?,
            index: connection.prepare_cached(index).map_err(&failed)?,
            now,
            changes,
            last_was_new: false,
        })
    }

    fn settle(&mut self, profile: &Encoded) -> Result<Imported> {
        // Rows come in runs of the same kind: behind a new one the next is tried as new, which saves looking first.
        if self.last_was_new && self.insert(profile)? {
            return Ok(Imported::Added);
        }
        self.last_was_new = false;
        match self.compare(profile)? {
            Standing::Same => Ok(Imported::Unchanged),
            Standing::Missing => {
                self.last_was_new = self.insert(profile)?;
                Ok(Imported::Added)
            }
            Standing::Differs(change) => {
                self.update(profile, &change)?;
                Ok(Imported::Changed)
            }
        }
    }

    fn compare(&mut self, profile: &Encoded) -> Result<Standing> {
        let failed = cannot("read a profile");
        let mut rows = self.find.query(params![profile.key]).map_err(&failed)?;
        let Some(row) = rows.next().map_err(&failed)? else {
            return Ok(Standing::Missing);
        };
        let text = |index: usize| -> Result<Option<&str>> {
            let value = row.get_ref(index).map_err(&failed)?;
            value.as_str_or_null().map_err(|cause| failed(cause.into()))
        };
        let same_source = given(profile.salesforce_id.as_deref(), text(1)?)
            && given(profile.object.as_deref(), text(2)?);
        let same_mark = row.get::<_, bool>(3).map_err(&failed)? == profile.deleted;
        let consent = merge::lay_over(text(4)?.unwrap_or_default(), &profile.consent)?;
        let attributes = merge::lay_over(text(5)?.unwrap_or_default(), &profile.attributes)?;
        if same_source && same_mark && consent.is_none() && attributes.is_none() {
            return Ok(Standing::Same);
        }
        let same = |given: &Given, index| {
            Ok::<_, Error>(!given.is_given() || given.text() == text(index)?)
        };
        let found_as_before = same(&profile.phone, 6)? && same(&profile.email, 7)?;
        let kept = |index: usize| Ok(text(index)?.unwrap_or_default().to_owned());
        Ok(Standing::Differs(Change {
            id: row.get(0).map_err(&failed)?,
            consent: consent.map_or_else(|| kept(4), Ok)?,
            attributes: attributes.map_or_else(|| kept(5), Ok)?,
            found_by: !(same_mark && found_as_before),
        }))
    }

    /// Whether the profile was new; where it was not, nothing is written.
    fn insert(&mut self, profile: &Encoded) -> Result<bool> {
        let inserted = self
            .insert
            .execute(params![
                profile.key,
                profile.salesforce_id,
                profile.object,
                profile.deleted,
                self.now,
                profile.phone.text(),
                profile.email.text(),
                profile.consent,
                profile.attributes,
                self.changes.following(),
            ])
            .map_err(cannot("write a profile"))?;
        if inserted > 0 {
            self.changes.next();
        }
        Ok(inserted > 0)
    }

    fn update(&mut self, profile: &Encoded, change: &Change) -> Result<()> {
        let failed = cannot("write a profile");
        self.update
            .execute(params![
                change.id,
                profile.salesforce_id,
                profile.object,
                self.now,
                change.consent,
                change.attributes,
                self.changes.next(),
            ])
            .map_err(&failed)?;
        if change.found_by {
            self.index
                .execute(params![
                    change.id,
                    profile.deleted,
                    profile.phone.is_given(),
                    profile.phone.text(),
                    profile.email.is_given(),
                    profile.email.text(),
                ])
                .map_err(&failed)?;
        }
        Ok(())
    }
}

/// Whether a source says nothing that is not stored: an absent value leaves what is there.
fn given(incoming: Option<&str>, stored: Option<&str>) -> bool {
    incoming.is_none() || incoming == stored
}
