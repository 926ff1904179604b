//! Signing in: the token endpoint, revoke, userinfo and the identity URL.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use ring::hmac;
use serde_json::{Value, json};

use super::call::{Answer, Call, form_pairs};
use super::ids::RecordId;
use super::routes::{Overrides, bearer};
use super::sessions::App;
use super::state::State;
use super::texts;
use super::value::Value as FieldValue;

/// Answers a path under `/services/oauth2`.
pub(super) fn answer(state: &State, call: &Call, resource: &str, overrides: &Overrides) -> Answer {
    match (resource, &call.method) {
        ("token", &Method::POST) => token(state, call, overrides),
        ("revoke", &Method::POST | &Method::GET) => revoke(state, call),
        ("userinfo", &Method::GET | &Method::POST) => userinfo(state, call),
        ("token", _) => texts::oauth::refusal(
            StatusCode::METHOD_NOT_ALLOWED,
            "invalid_request",
            "HTTP method not supported; use POST",
        ),
        _ => texts::not_found().into(),
    }
}

/// A form, in the body or in the query.
struct Form(Vec<(String, String)>);

impl Form {
    fn of(call: &Call) -> Self {
        let is_form = call
            .header("content-type")
            .to_ascii_lowercase()
            .starts_with("application/x-www-form-urlencoded");
        let body: &[u8] = if is_form { &call.body } else { &[] };
        let pairs = form_pairs(body).chain(form_pairs(call.query.as_bytes()));
        Self(
            pairs
                .map(|(key, value)| (key.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

fn token(state: &State, call: &Call, overrides: &Overrides) -> Answer {
    let form = Form::of(call);
    if is_login_host(&call.host()) && form.get("grant_type") == Some("client_credentials") {
        return texts::oauth::wrong_domain();
    }
    match form.get("grant_type") {
        Some("client_credentials") => client_credentials(state, call, &form, overrides),
        // New orgs block the flow; no refresh token was ever given out.
        Some("password") => texts::oauth::authentication_failure(),
        Some("refresh_token") => texts::oauth::expired_refresh_token(),
        _ => texts::oauth::unsupported_grant_type(),
    }
}

/// The shared log-in hosts do not know whose client credentials they see.
fn is_login_host(host: &str) -> bool {
    host.starts_with("login.") || host.starts_with("test.")
}

fn client_credentials(state: &State, call: &Call, form: &Form, overrides: &Overrides) -> Answer {
    let basic = basic_credentials(call);
    let (key, secret) = match &basic {
        Some((key, secret)) => (Some(key.as_str()), Some(secret.as_str())),
        None => (form.get("client_id"), form.get("client_secret")),
    };
    let Some(key) = key else {
        return texts::oauth::missing_parameter("client_id");
    };
    let Some(secret) = secret else {
        return texts::oauth::missing_parameter("client_secret");
    };
    let Some(app) = state.sessions().app(key).cloned() else {
        return texts::oauth::invalid_client_id();
    };
    if app.api_key != secret {
        return texts::oauth::invalid_client();
    }
    let Some(user) = app
        .run_as
        .as_ref()
        .and_then(|username| state.user_named(username))
    else {
        return texts::oauth::no_run_as_user();
    };
    if !is_active(state, user.id) {
        return texts::oauth::inactive_user();
    }
    grant(state, call, &app, user.id, overrides)
}

fn basic_credentials(call: &Call) -> Option<(String, String)> {
    let (scheme, encoded) = call.header("authorization").split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (key, secret) = decoded.split_once(':')?;
    Some((key.to_owned(), secret.to_owned()))
}

/// The token answer. `issued_at` is a text of milliseconds; there is neither `expires_in` nor a refresh token.
fn grant(state: &State, call: &Call, app: &App, user: RecordId, overrides: &Overrides) -> Answer {
    let now = state.clock.now();
    let org = state.org().id;
    let access_token = state.sessions().open(org, user, now);
    let id = format!("{}/id/{org}/{user}", call.origin);
    let issued_at = now.as_millisecond().to_string();
    let signing_key = hmac::Key::new(hmac::HMAC_SHA256, app.api_key.as_bytes());
    let signature = hmac::sign(&signing_key, format!("{id}{issued_at}").as_bytes());
    let instance_url = overrides.instance_url.as_ref().unwrap_or(&call.origin);
    Answer::ok(json!({
        "access_token": access_token,
        "signature": STANDARD.encode(signature.as_ref()),
        "scope": "api",
        "instance_url": instance_url,
        "id": id,
        "token_type": "Bearer",
        "issued_at": issued_at,
        "api_instance_url": instance_url,
    }))
    .header("cache-control", "no-cache, no-store")
}

fn revoke(state: &State, call: &Call) -> Answer {
    let form = Form::of(call);
    match form.get("token") {
        None => texts::oauth::missing_parameter("token"),
        Some(token) if state.sessions().close(token) => Answer::empty(StatusCode::OK),
        Some(_) => texts::oauth::invalid_token(),
    }
}

fn userinfo(state: &State, call: &Call) -> Answer {
    match signed_in(state, call) {
        None => texts::oauth::identity_refused(),
        Some(user) => Answer::ok(claims(state, call, user)),
    }
}

/// The identity URL. Some clients put their token into the query.
pub(super) fn identity(state: &State, call: &Call, org: &str, user: &str) -> Answer {
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

fn is_active(state: &State, user: RecordId) -> bool {
    column(state, user, "IsActive") == json!(true)
}

/// A field of the user's row as JSON.
fn column(state: &State, user: RecordId, field: &str) -> Value {
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
