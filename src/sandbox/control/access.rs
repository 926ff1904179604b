//! Control calls about who may come in: apps, users, the org and its maintenance.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};
use url::Url;

use super::{Wrong, done, parse};
use crate::sandbox::accounts::{LoginHours, Maintenance};
use crate::sandbox::apps::{App, RefreshPolicy, SCOPES};
use crate::sandbox::call::Answer;
use crate::sandbox::ids::RecordId;
use crate::sandbox::seed::setup::{ADMINISTRATOR_PROFILE, INTEGRATION_USERNAME};
use crate::sandbox::sign_in::key_of_pem;
use crate::sandbox::state::State;
use crate::sandbox::writes;

/// What is not named stays as it is; null takes away what can be missing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AppBody {
    /// Which app; the first where none is named.
    consumer_key: Option<String>,
    name: Option<String>,
    #[serde(default)]
    run_as: Patch<String>,
    callbacks: Option<Vec<String>>,
    scopes: Option<Vec<String>>,
    enabled: Option<bool>,
    blocked: Option<bool>,
    installed: Option<bool>,
    admin_approved_only: Option<bool>,
    approved: Option<Vec<String>>,
    ip_relaxed: Option<bool>,
    secret_for_web_server: Option<bool>,
    secret_for_refresh: Option<bool>,
    pkce_required: Option<bool>,
    rotation: Option<bool>,
    refresh_policy: Option<RefreshPolicy>,
    #[serde(default)]
    certificate: Patch<String>,
    /// Gives the app another secret; the old one is refused from then on.
    #[serde(default)]
    new_secret: bool,
}

/// A key in which null is a value of its own.
#[derive(Default)]
pub(super) enum Patch<T> {
    #[default]
    Keep,
    Set(Option<T>),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Patch::Set)
    }
}

impl<T> Patch<T> {
    pub(super) fn apply(self, slot: &mut Option<T>) {
        if let Patch::Set(value) = self {
            *slot = value;
        }
    }

    pub(super) fn value(&self) -> Option<&T> {
        match self {
            Patch::Keep => None,
            Patch::Set(value) => value.as_ref(),
        }
    }
}

/// Changes an app; answers with the app as it is then.
pub(super) fn app(state: &State, body: &[u8]) -> Result<Answer, Wrong> {
    let body: AppBody = parse(body)?;
    check_app(state, &body)?;
    let mut sessions = state.sessions();
    let secret = body.new_secret.then(|| sessions.fresh_secret());
    let app = sessions
        .app_mut(body.consumer_key.as_deref())
        .ok_or("no app has this consumer_key")?;
    if let Some(secret) = secret {
        app.api_key = secret;
    }
    apply(app, body);
    Ok(Answer::ok(&*app))
}

fn apply(app: &mut App, body: AppBody) {
    fn set<T>(slot: &mut T, value: Option<T>) {
        if let Some(value) = value {
            *slot = value;
        }
    }
    set(&mut app.name, body.name);
    body.run_as.apply(&mut app.run_as);
    set(&mut app.callbacks, body.callbacks);
    set(&mut app.scopes, body.scopes);
    set(&mut app.enabled, body.enabled);
    set(&mut app.blocked, body.blocked);
    set(&mut app.installed, body.installed);
    set(&mut app.admin_approved_only, body.admin_approved_only);
    set(&mut app.approved, body.approved);
    set(&mut app.ip_relaxed, body.ip_relaxed);
    set(&mut app.secret_for_web_server, body.secret_for_web_server);
    set(&mut app.secret_for_refresh, body.secret_for_refresh);
    set(&mut app.pkce_required, body.pkce_required);
    set(&mut app.rotation, body.rotation);
    set(&mut app.refresh_policy, body.refresh_policy);
    body.certificate.apply(&mut app.certificate);
}

/// A setting that names what is not there would do nothing in silence.
fn check_app(state: &State, body: &AppBody) -> Result<(), Wrong> {
    for scope in body.scopes.iter().flatten() {
        if !SCOPES.iter().any(|(name, _)| name == scope) {
            return Err(format!("no scope `{scope}`"));
        }
    }
    for callback in body.callbacks.iter().flatten() {
        let fits = Url::parse(callback).is_ok_and(|url| url.fragment().is_none());
        if !fits {
            return Err(format!("`{callback}` is no address without a fragment"));
        }
    }
    let run_as = body.run_as.value();
    for username in body.approved.iter().flatten().chain(run_as) {
        user_id(state, username)?;
    }
    let certificate = body.certificate.value();
    if certificate.is_some_and(|pem| key_of_pem(pem).is_none()) {
        return Err("the certificate is no PEM of an RSA certificate or public key".to_owned());
    }
    Ok(())
}

fn user_id(state: &State, username: &str) -> Result<RecordId, Wrong> {
    let user = state.user_named(username);
    user.map(|user| user.id)
        .ok_or_else(|| format!("no user `{username}`"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserBody {
    /// Which user; the one of the API key where none is named.
    username: Option<String>,
    active: Option<bool>,
    /// Locked by an administrator, who also unlocks.
    locked: Option<bool>,
    /// Forgets wrong passwords.
    #[serde(default)]
    unlock: bool,
    password: Option<String>,
    #[serde(default)]
    login_hours: Patch<LoginHours>,
    ip_restricted: Option<bool>,
    api_enabled: Option<bool>,
    password_expired: Option<bool>,
    /// Gives them the profile for integrations, or that of an administrator.
    api_only: Option<bool>,
}

/// The profile of users who can do nothing but call the API. *Unconfirmed* name.
const INTEGRATION_PROFILE: &str = "Minimum Access - API Only Integrations";

/// Changes a user's account. Who may not sign in any more is signed out.
pub(super) fn user(state: &State, body: &[u8]) -> Result<Answer, Wrong> {
    let body: UserBody = parse(body)?;
    let username = body.username.as_deref().unwrap_or(INTEGRATION_USERNAME);
    let id = user_id(state, username)?;
    if let Some(active) = body.active {
        set_row(state, "User", Some(id), &[("IsActive", json!(active))])?;
    }
    if let Some(api_only) = body.api_only {
        let profile = profile(state, api_only)?;
        set_row(
            state,
            "User",
            Some(id),
            &[("ProfileId", json!(profile.to_string()))],
        )?;
    }
    if body.active == Some(false) || body.locked == Some(true) {
        state.sessions().close_user(id);
    }
    let mut accounts = state.accounts();
    let account = accounts.of(id);
    if body.unlock {
        account.unlock();
    }
    account.locked = body.locked.unwrap_or(account.locked);
    account.ip_restricted = body.ip_restricted.unwrap_or(account.ip_restricted);
    account.api_enabled = body.api_enabled.unwrap_or(account.api_enabled);
    account.password_expired = body.password_expired.unwrap_or(account.password_expired);
    if let Some(password) = body.password {
        account.password = password;
        account.password_expired = false;
    }
    body.login_hours.apply(&mut account.login_hours);
    Ok(done())
}

/// The profile with or without the right to more than the API; it is made where it is missing.
fn profile(state: &State, api_only: bool) -> Result<RecordId, Wrong> {
    let name = if api_only {
        INTEGRATION_PROFILE
    } else {
        ADMINISTRATOR_PROFILE
    };
    let found = state.org().table("Profile").and_then(|table| {
        let at = table.object().index_of("Name")?;
        let mut rows = table.rows();
        let row = rows.find(|(_, row)| row.get(at).as_text() == Some(name))?;
        Some(row.1.id())
    });
    if let Some(id) = found {
        return Ok(id);
    }
    let columns = [
        ("Name", json!(name)),
        ("UserType", json!("Standard")),
        ("PermissionsApiEnabled", json!(true)),
        ("PermissionsApiUserOnly", json!(api_only)),
    ];
    set_row(state, "Profile", None, &columns)
}

/// Sets columns of a row, or makes one with them.
fn set_row(
    state: &State,
    object: &str,
    id: Option<RecordId>,
    columns: &[(&str, Value)],
) -> Result<RecordId, Wrong> {
    let mut row: Map<String, Value> = columns
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    if let Some(id) = id {
        row.insert("Id".to_owned(), id.to_string().into());
    }
    let now = state.clock.stamp();
    let placed = writes::place(&mut state.org_mut(), now, object, &row, None);
    placed.map_err(|refusal| refusal.message)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OrgBody {
    active: Option<bool>,
    api: Option<bool>,
}

/// Changes the state of the org.
pub(super) fn org(state: &State, body: &[u8]) -> Result<Answer, Wrong> {
    let body: OrgBody = parse(body)?;
    let org = &mut state.accounts().org;
    org.active = body.active.unwrap_or(org.active);
    org.api = body.api.unwrap_or(org.api);
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MaintenanceBody {
    mode: Maintenance,
}

/// Begins or ends maintenance.
pub(super) fn maintenance(state: &State, body: &[u8]) -> Result<Answer, Wrong> {
    let body: MaintenanceBody = parse(body)?;
    state.accounts().org.maintenance = body.mode;
    Ok(done())
}
