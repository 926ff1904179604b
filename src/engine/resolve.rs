//! Before the first page: what the org says about the object, held against what the plan selects.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::plan::infer::Finding;
use crate::plan::query::StampField;
use crate::plan::snapshot::{self, Snapshots};
use crate::plan::step::read::Read;
use crate::salesforce::client::{CachedDescribe as Answer, Client};
use crate::salesforce::describe::ObjectDescribe;
use crate::store::model::CachedDescribe;

/// A describe is asked for again after a day, and at once when the plan does not fit it.
const FRESH: SignedDuration = SignedDuration::from_hours(24);

/// The object as the org describes it, and what is to be kept of the answer when it took a call.
#[derive(Debug)]
pub struct Resolved {
    /// The object.
    pub object: Arc<ObjectDescribe>,
    /// A fresh answer, for the store.
    pub fresh: Option<CachedDescribe>,
}

/// The object as the org describes it, costing a call only when the kept description is old or does not fit.
///
/// # Errors
/// What `fits` says of a fresh description; what the client says.
pub async fn describe(
    object: &str,
    client: &Client,
    now: Timestamp,
    kept: Option<CachedDescribe>,
    fits: impl Fn(&ObjectDescribe) -> Result<()>,
) -> Result<Resolved> {
    let kept = kept.and_then(Kept::read);
    if let Some(kept) = &kept
        && now.duration_since(kept.fetched_at) < FRESH
        && fits(&kept.answer.object).is_ok()
    {
        return Ok(Resolved {
            object: Arc::clone(&kept.answer.object),
            fresh: None,
        });
    }
    let answer = client
        .describe(object, kept.as_ref().map(|kept| &kept.answer))
        .await?;
    let body = serde_json::to_string(&*answer.object)
        .map_err(|error| Error::bug("a description has no JSON form").caused_by(error))?;
    fits(&answer.object)?;
    let fresh = CachedDescribe {
        body,
        last_modified: answer.last_modified,
        fetched_at: now,
    };
    Ok(Resolved {
        object: answer.object,
        fresh: Some(fresh),
    })
}

/// A description from the store; one that cannot be read is as good as none.
struct Kept {
    answer: Answer,
    fetched_at: Timestamp,
}

impl Kept {
    fn read(entry: CachedDescribe) -> Option<Self> {
        let object = serde_json::from_str(&entry.body).ok()?;
        let answer = Answer {
            object: Arc::new(object),
            last_modified: entry.last_modified,
        };
        Some(Self {
            answer,
            fetched_at: entry.fetched_at,
        })
    }
}

/// The field that stamps the rows, and what to say where it sees less than every change.
pub fn stamp_field(
    read: &Read,
    described: &ObjectDescribe,
) -> (Option<StampField>, Option<String>) {
    let object = &described.name;
    let by = snapshot::stamp_field(described);
    let warning = match by {
        Some(StampField::SystemModstamp) => None,
        Some(StampField::LastModifiedDate) => Some(format!(
            "{object} has no SystemModstamp: its LastModifiedDate is used, which changes by automations do not move"
        )),
        Some(other) => Some(format!(
            "{object} has no SystemModstamp: its {} is used, so only added rows are noticed, not changed ones",
            other.as_str()
        )),
        None => Some(format!(
            "{object} has no field that dates its rows: all of them are read every time"
        )),
    };
    (by, warning.filter(|_| read.query.incremental))
}

/// Whether the signed-in user can read what a plan asks of the object.
///
/// # Errors
/// `object-unavailable`, `field-unavailable`, `unknown-field`, `unknown-relationship`.
pub fn fits(read: &Read, described: &ObjectDescribe) -> Result<()> {
    if !described.queryable {
        return Err(Error::new(
            Code::ObjectUnavailable,
            format!("the signed-in user may not query `{}`", described.name),
        )
        .help(format!(
            "tick `Read`: Setup → Permission Sets → a set of the user → Object Settings → {}",
            described.name
        )));
    }
    match snapshot::check(&read.selection, described, &Snapshots::default())
        .into_iter()
        .next()
    {
        None => Ok(()),
        Some(finding) => Err(told(finding)),
    }
}

/// A finding about a file as the error of a run.
pub fn told(finding: Finding) -> Error {
    let diagnostic = finding.diagnostic;
    let error = Error::new(
        diagnostic.code,
        format!(
            "{}, which `{}` uses",
            diagnostic.message,
            finding.pointer.trim_start_matches('/').replace('/', ".")
        ),
    );
    let error = error.with_turn(diagnostic.turn);
    match diagnostic.help {
        Some(help) => error.help(help),
        None => error,
    }
}
