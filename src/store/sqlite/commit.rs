//! One transaction for everything an acknowledged group of records leaves behind.

use rusqlite::{CachedStatement, Connection, TransactionBehavior, params};
use serde_json::{Map, Value};

use crate::foundation::error::Result;
use crate::foundation::failpoint::reach;
use crate::foundation::record::Profile;
use crate::store::model::{Commit, Committed, Settled, email_key};

use super::error::cannot;
use super::{cursor, letters, merge, runs};

pub(super) fn commit(connection: &mut Connection, commit: &Commit<'_>) -> Result<Committed> {
    let failed = cannot("commit");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    let profiles = write_profiles(&transaction, commit)?;
    reach("store-mid-commit");
    letters::write(&transaction, commit.dead_letters)?;
    let delta = commit.delta(&profiles);
    let total = runs::add(&transaction, commit, &delta)?;
    if let Some(cursor) = commit.cursor {
        cursor::write(&transaction, commit, cursor)?;
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

fn write_profiles(connection: &Connection, commit: &Commit<'_>) -> Result<Vec<Settled>> {
    let mut settled = vec![Settled::Unchanged; commit.profiles.len()];
    if commit.profiles.is_empty() {
        return Ok(settled);
    }
    // In key order neighbours share index pages. The sort is stable: of two with one key the later comes later.
    let mut order: Vec<usize> = (0..commit.profiles.len()).collect();
    order.sort_by(|left, right| commit.profiles[*left].key.cmp(&commit.profiles[*right].key));
    let mut writer = Writer::new(connection, commit.at.as_millisecond())?;
    for index in order {
        settled[index] = writer.settle(&commit.profiles[index])?;
    }
    Ok(settled)
}

/// The statements of the profile table, prepared once a commit.
struct Writer<'c> {
    find: CachedStatement<'c>,
    insert: CachedStatement<'c>,
    update: CachedStatement<'c>,
    index: CachedStatement<'c>,
    now: i64,
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

impl<'c> Writer<'c> {
    fn new(connection: &'c Connection, now: i64) -> Result<Self> {
        let failed = cannot("write profiles");
        let find = "SELECT id, salesforce_id, object, deleted, consent, attributes, phone, email
                    FROM profiles WHERE key = ?1";
        let insert = "INSERT INTO profiles (key, salesforce_id, object, deleted, created_at,
                        updated_at, phone, email, consent, attributes)
                      VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9)";
        let update = "UPDATE profiles SET salesforce_id = coalesce(?2, salesforce_id),
                        object = coalesce(?3, object), updated_at = ?4, consent = ?5,
                        attributes = ?6
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
        })
    }

    fn settle(&mut self, profile: &Profile) -> Result<Settled> {
        let consent = merge::encode(&profile.consent)?;
        let attributes = merge::encode(&profile.attributes)?;
        match self.compare(profile, &consent, &attributes)? {
            Standing::Same => return Ok(Settled::Unchanged),
            Standing::Missing => self.insert(profile, &consent, &attributes)?,
            Standing::Differs(change) => self.update(profile, &change)?,
        }
        Ok(Settled::Delivered)
    }

    fn compare(&mut self, profile: &Profile, consent: &str, attributes: &str) -> Result<Standing> {
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
        let consent = merge::lay_over(text(4)?.unwrap_or_default(), consent)?;
        let attributes = merge::lay_over(text(5)?.unwrap_or_default(), attributes)?;
        if same_source && same_mark && consent.is_none() && attributes.is_none() {
            return Ok(Standing::Same);
        }
        let same_phone =
            !profile.attributes.contains_key("phone") || phone(&profile.attributes) == text(6)?;
        let same_email = !profile.attributes.contains_key("email")
            || email(&profile.attributes).as_deref() == text(7)?;
        let kept = |index: usize| Ok(text(index)?.unwrap_or_default().to_owned());
        Ok(Standing::Differs(Change {
            id: row.get(0).map_err(&failed)?,
            consent: consent.map_or_else(|| kept(4), Ok)?,
            attributes: attributes.map_or_else(|| kept(5), Ok)?,
            found_by: !(same_mark && same_phone && same_email),
        }))
    }

    fn insert(&mut self, profile: &Profile, consent: &str, attributes: &str) -> Result<()> {
        self.insert
            .execute(params![
                profile.key,
                profile.salesforce_id,
                profile.object,
                profile.deleted,
                self.now,
                phone(&profile.attributes),
                email(&profile.attributes),
                consent,
                attributes,
            ])
            .map_err(cannot("write a profile"))?;
        Ok(())
    }

    fn update(&mut self, profile: &Profile, change: &Change) -> Result<()> {
        let failed = cannot("write a profile");
        self.update
            .execute(params![
                change.id,
                profile.salesforce_id,
                profile.object,
                self.now,
                change.consent,
                change.attributes,
            ])
            .map_err(&failed)?;
        if change.found_by {
            self.index
                .execute(params![
                    change.id,
                    profile.deleted,
                    profile.attributes.contains_key("phone"),
                    phone(&profile.attributes),
                    profile.attributes.contains_key("email"),
                    email(&profile.attributes),
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

fn phone(attributes: &Map<String, Value>) -> Option<&str> {
    attributes.get("phone")?.as_str()
}

fn email(attributes: &Map<String, Value>) -> Option<String> {
    Some(email_key(attributes.get("email")?.as_str()?))
}
