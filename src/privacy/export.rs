//! Everything that is kept of a person, as one JSON document.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::foundation::error::Result;
use crate::foundation::identity::IdentityKey;
use crate::foundation::record::{Engagement, Outcome, Score};
use crate::store::Store;
use crate::store::model::{DeadLetterRow, MessageRow, Suppression};

use super::target::Target;

/// The document. Values are shown as they are, those of sensitive attributes too: it is for the person alone.
///
/// # Errors
/// What the store says.
pub fn export(
    store: &dyn Store,
    key: &IdentityKey,
    target: &Target,
    now: Timestamp,
) -> Result<Value> {
    let mut people = Vec::new();
    for stored in &target.profiles {
        let profile = &stored.profile;
        people.push(json!({
            "key": profile.key,
            "salesforce_id": profile.salesforce_id,
            "object": profile.object,
            "deleted": profile.deleted,
            "attributes": profile.attributes,
            "consent": profile.consent,
            "created_at": stored.created_at.to_string(),
            "updated_at": stored.updated_at.to_string(),
        }));
    }
    let mut engagements = Vec::new();
    let mut scores = Vec::new();
    for profile in &target.keys {
        engagements.extend(store.engagements_of(profile, u32::MAX)?.iter().map(event));
        let of = store.scores_of(profile)?;
        scores.extend(
            of.iter()
                .map(|(pipeline, one, at)| score(profile, pipeline.as_str(), one, *at)),
        );
    }
    let who: Vec<_> = target.identities.iter().map(|one| key.hash(one)).collect();
    let suppressions = store.suppressed(&who, now)?;
    let suppressions = suppressions.iter().zip(&target.identities);
    let suppressions: Vec<Value> = suppressions
        .filter_map(|(held, identity)| Some(suppression(held.as_ref()?, identity.expose())))
        .collect();
    let messages = store.messages_of(&target.keys, &who)?;
    let letters = store.letters_of(&target.names())?;
    Ok(json!({
        "profiles": people,
        "outcomes": target.outcomes.iter().map(outcome).collect::<Vec<_>>(),
        "engagements": engagements,
        "scores": scores,
        "messages": messages.iter().map(message).collect::<Vec<_>>(),
        "suppressions": suppressions,
        "rejected": letters.iter().map(letter).collect::<Vec<_>>(),
    }))
}

fn outcome(outcome: &Outcome) -> Value {
    json!({
        "id": outcome.id,
        "profile": outcome.profile,
        "kind": outcome.kind,
        "occurred_at": outcome.occurred_at.to_string(),
        "fields": outcome.fields,
    })
}

fn event(event: &Engagement) -> Value {
    json!({
        "id": event.id,
        "profile": event.profile,
        "kind": event.kind.as_str(),
        "at": event.at.to_string(),
        "campaign": event.campaign,
    })
}

fn score(profile: &str, pipeline: &str, score: &Score, at: Timestamp) -> Value {
    let reasons: Vec<Value> = score
        .reasons
        .iter()
        .map(|(rule, points)| json!({ "rule": rule, "points": points }))
        .collect();
    json!({
        "profile": profile,
        "pipeline": pipeline,
        "score": score.score,
        "grade": score.grade,
        "qualified": score.qualified,
        "reasons": reasons,
        "since": at.to_string(),
    })
}

fn message(message: &MessageRow) -> Value {
    let text = message.payload.as_deref();
    json!({
        "id": message.id.to_string(),
        "campaign": message.campaign,
        "profile": message.profile,
        "state": message.state.as_str(),
        "reason": message.reason,
        "at": message.at.to_string(),
        "whatsapp_id": message.wamid,
        "message": text.and_then(|text| serde_json::from_str::<Value>(text).ok()),
    })
}

fn suppression(held: &Suppression, identity: &str) -> Value {
    json!({
        "identity": identity,
        "scope": held.scope.as_str(),
        "reason": held.reason,
        "since": held.at.to_string(),
        "until": held.until.map(|until| until.to_string()),
    })
}

fn letter(row: &DeadLetterRow) -> Value {
    let letter = &row.letter;
    json!({
        "id": row.id,
        "pipeline": letter.pipeline,
        "key": letter.key,
        "code": letter.reason.code.as_str(),
        "message": letter.reason.message,
        "at": letter.at.to_string(),
        "record": letter.payload,
    })
}
