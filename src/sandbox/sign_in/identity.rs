//! Who is signed in: userinfo and the identity URL.

use serde_json::{Value, json};

use crate::sandbox::call::{Answer, Call};
use crate::sandbox::ids::RecordId;
use crate::sandbox::routes::bearer;
use crate::sandbox::state::State;
use crate::sandbox::texts;
use crate::sandbox::value::Value as FieldValue;

/// The claims about the user of a token.
pub(super) fn userinfo(state: &State, call: &Call) -> Answer {
    match signed_in(state, call) {
        None => texts::oauth::identity_refused(),
        Some(user) => Answer::ok(claims(state, call, user)),
    }
}

/// The identity URL. Some clients put their token into the query.
pub(in crate::sandbox) fn identity(state: &State, call: &Call, org: &str, user: &str) -> Answer {
    let allowed = signed_in(state, call);
    let known = RecordId::parse(org) == Some(state.org().id);
    match RecordId::parse(user) {
        Some(user) if known && allowed == Some(user) => Answer::ok(card(state, call, user)),
        _ => texts::oauth::identity_refused(),
    }
}

fn signed_in(state: &State, call: &Call) -> Option<RecordId> {
    let token = bearer(call)
        .or_else(|| call.parameter("oauth_token"))
        .or_else(|| call.parameter("access_token"))?;
    let session = state.sessions().touch(&token, state.clock.now())?;
    Some(session.user)
}

/// A field of the user's row as JSON.
pub(super) fn column(state: &State, user: RecordId, field: &str) -> Value {
    let org = state.org();
    let Some((table, row)) = org.row(user) else {
        return Value::Null;
    };
    match table.object().index_of(field).map(|at| row.get(at)) {
        Some(FieldValue::Bool(value)) => json!(value),
        Some(FieldValue::Text(text)) => json!(text.as_str()),
        Some(FieldValue::DateTime(stamp)) => json!(stamp.to_string()),
        _ => Value::Null,
    }
}

/// The addresses of the API with a place for the version, as identity answers list them.
fn urls(call: &Call) -> Value {
    let data = |path: &str| format!("{}/services/data/v{{version}}/{path}", call.origin);
    json!({
        "rest": data(""),
        "sobjects": data("sobjects/"),
        "query": data("query/"),
        "search": data("search/"),
        "tooling_rest": data("tooling/"),
        "recent": data("recent/"),
    })
}

/// The claims that an identity provider makes about the user.
fn claims(state: &State, call: &Call, user: RecordId) -> Value {
    let org = state.org().id;
    let text = |field: &str| column(state, user, field);
    json!({
        "sub": format!("{}/id/{org}/{user}", call.origin),
        "user_id": user.to_string(),
        "organization_id": org.to_string(),
        "preferred_username": text("Username"),
        "nickname": text("CommunityNickname"),
        "name": text("Name"),
        "email": text("Email"),
        "email_verified": true,
        "given_name": text("FirstName"),
        "family_name": text("LastName"),
        "zoneinfo": text("TimeZoneSidKey"),
        "urls": urls(call),
        "active": text("IsActive"),
        "user_type": "STANDARD",
        "language": text("LanguageLocaleKey"),
        "locale": text("LocaleSidKey"),
        "utcOffset": 0,
        "updated_at": text("LastModifiedDate"),
        "is_app_installed": true,
    })
}

/// What the identity URL tells of the user.
fn card(state: &State, call: &Call, user: RecordId) -> Value {
    let org = state.org().id;
    let text = |field: &str| column(state, user, field);
    json!({
        "id": format!("{}/id/{org}/{user}", call.origin),
        "asserted_user": true,
        "user_id": user.to_string(),
        "organization_id": org.to_string(),
        "username": text("Username"),
        "nick_name": text("CommunityNickname"),
        "display_name": text("Name"),
        "email": text("Email"),
        "email_verified": true,
        "first_name": text("FirstName"),
        "last_name": text("LastName"),
        "timezone": text("TimeZoneSidKey"),
        "photos": {},
        "addr_street": null,
        "addr_city": null,
        "addr_state": null,
        "addr_country": "US",
        "addr_zip": null,
        "mobile_phone": null,
        "mobile_phone_verified": false,
        "is_lightning_login_user": false,
        "status": { "created_date": null, "body": null },
        "urls": urls(call),
        "active": text("IsActive"),
        "user_type": "STANDARD",
        "language": text("LanguageLocaleKey"),
        "locale": text("LocaleSidKey"),
        "utcOffset": 0,
        "last_modified_date": text("LastModifiedDate"),
    })
}
