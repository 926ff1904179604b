//! The steps of the connection itself: from the name of the host to the calls that are left of the day.

use serde_json::Value;

use crate::foundation::code::Code;
use crate::foundation::diagnostic::Diagnostic;
use crate::foundation::error::{Error, Result};
use crate::foundation::shown::thousands;
use crate::salesforce::client::{Client, Limit};
use crate::salesforce::query::Scope;
use crate::soql::text::quote_string;

use super::Subject;
use super::step::Step;

/// The name of the limit on API calls (REST API Developer Guide, "Limits").
const DAILY: &str = "DailyApiRequests";

/// Asks all of it; whether the org can be asked for more.
pub(super) async fn check(subject: &Subject<'_>, steps: &mut Vec<Step>) -> bool {
    let client = subject.client;
    let offered = client.versions().await;
    steps.push(reached(client, offered.as_ref().err()));
    if !steps.iter().all(Step::passed) {
        return false;
    }
    if let Err(error) = client.sign_in().await {
        steps.push(Step::failed("sign-in", (&error).into()));
        return false;
    }
    steps.push(Step::found("sign-in", format!("by {}", subject.signs_in)));
    let offered: Result<Vec<String>> =
        offered.map(|versions| versions.into_iter().map(|offer| offer.version).collect());
    let version = version(subject.api_version, offered);
    let is_offered = version.passed();
    steps.push(version);
    let mut goes_on = is_offered;
    let mut left = None;
    if is_offered {
        let limits = client.limits().await;
        let (enabled, refused) = enabled(limits.as_ref().err());
        goes_on = enabled.passed() && refused.is_none();
        let was_enabled = enabled.passed();
        steps.push(enabled);
        if was_enabled {
            let limit = limits.ok().and_then(|limits| limits.get(DAILY).copied());
            left = Some(calls_left(client, limit, refused));
        }
    }
    let user = match client.identity().await {
        Ok(identity) => {
            let user = identity.preferred_username.or(identity.name);
            let user = user.unwrap_or_else(|| identity.user_id.clone());
            let shown = format!("{user}, org {}", identity.organization_id);
            steps.push(Step::found("identity", shown));
            Some((identity.user_id, user))
        }
        Err(error) => {
            steps.push(Step::failed("identity", (&error).into()));
            None
        }
    };
    if let Some((id, name)) = user.filter(|_| goes_on) {
        steps.push(profile(client, &id, &name).await);
    }
    steps.extend(left);
    goes_on
}

/// Whether an answer came from the host, over a connection that was allowed and proven.
fn reached(client: &Client, error: Option<&Error>) -> Step {
    const NAME: &str = "DNS and TLS";
    let unreached = error.filter(|error| {
        matches!(
            error.code(),
            Code::ConnectionFailed
                | Code::ConnectionSettings
                | Code::HostRefused
                | Code::AddressRefused
                | Code::RedirectRefused
                | Code::TlsFailed
                | Code::AnswerLate
                | Code::AnswerCutOff
        )
    });
    if let Some(error) = unreached {
        return Step::failed(NAME, error.into());
    }
    let address = client.instance_url().trim_end_matches('/');
    match address.strip_prefix("https://") {
        Some(host) => Step::found(
            NAME,
            format!("{host} resolves, TLS 1.2 or newer, certificate trusted"),
        ),
        None => Step::found(NAME, "plain http to this machine, nothing to verify"),
    }
}

fn version(wanted: &str, offered: Result<Vec<String>>) -> Step {
    const NAME: &str = "API version";
    let offered = match offered {
        Ok(offered) => offered,
        Err(error) => return Step::failed(NAME, (&error).into()),
    };
    let newest = offered.last().map_or("none", String::as_str);
    if offered.iter().any(|version| version == wanted) {
        return Step::found(NAME, format!("{wanted}, newest {newest}"));
    }
    let message = format!("the org does not offer API version {wanted}; its newest is {newest}");
    let finding = Diagnostic::error(Code::ApiVersionUnavailable, message)
        .help("set `api_version` of the connection to one that it offers");
    Step::failed(NAME, finding)
}

/// Whether the user may call the API, by the first call that counts; and why calls end here although the user may.
fn enabled(error: Option<&Error>) -> (Step, Option<Diagnostic>) {
    const NAME: &str = "API enabled";
    let Some(error) = error else {
        return (Step::found(NAME, "yes"), None);
    };
    match error.code() {
        // An answer about the day's calls is the API's own.
        Code::DailyLimitReached | Code::BudgetSpent | Code::ConcurrencyLimit => {
            (Step::found(NAME, "yes"), Some(error.into()))
        }
        // The limits ask for a permission of their own (`View Setup`), without which everything else works.
        Code::PermissionDenied | Code::NotFound | Code::FeatureUnavailable => {
            (Step::found(NAME, "yes"), None)
        }
        _ => (Step::failed(NAME, error.into()), None),
    }
}

/// The API calls left today; a user who may not ask for limits learns it from the header of any other answer.
fn calls_left(client: &Client, limit: Option<Limit>, refused: Option<Diagnostic>) -> Step {
    const NAME: &str = "API calls left";
    if let Some(finding) = refused {
        return Step::failed(NAME, finding);
    }
    let told = limit.map(|limit| (limit.remaining.max(0), limit.max.max(0)));
    let told = told.map(|(left, max)| (left.unsigned_abs(), max.unsigned_abs()));
    let daily = client.usage().daily;
    let daily = daily.map(|daily| (daily.max.saturating_sub(daily.used), daily.max));
    match told.or(daily) {
        Some((left, max)) => {
            Step::found(NAME, format!("{} of {}", thousands(left), thousands(max)))
        }
        None => Step::found(NAME, "not told"),
    }
}

/// What the org shows of the user's profile.
struct Profile {
    name: String,
    /// Whether it lets the user do nothing but call the API; `None` where the org does not say.
    api_only: Option<bool>,
}

/// The user's profile, and whether it can do nothing but call the API.
async fn profile(client: &Client, id: &str, user: &str) -> Step {
    const NAME: &str = "profile";
    let profile = match profile_of(client, id).await {
        Ok(Some(profile)) => profile,
        Ok(None) => return Step::found(NAME, "not shown to this user"),
        Err(error) => return Step::failed(NAME, (&error).into()),
    };
    let api_only = match profile.api_only {
        Some(true) => Some(true),
        // A permission set may say so where the profile does not.
        told => by_permission_set(client, id).await.or(told),
    };
    let Profile { name, .. } = profile;
    match api_only {
        Some(true) => Step::found(NAME, format!("{name}, API only")),
        None => Step::found(NAME, format!("{name}; whether API only is not told")),
        Some(false) => {
            let message = format!(
                "`{user}` has the profile `{name}` and may also log in with a browser: no API-only user"
            );
            let finding = Diagnostic::warning(Code::UserNotApiOnly, message).help(
                "give bridged a user of its own: Setup → Users → New User, license `Salesforce Integration`, profile \
                 `Minimum Access - API Only Integrations`",
            );
            Step::failed(NAME, finding)
        }
    }
}

/// `None` where the user may not look at profiles. Profiles have a field for each permission (Object Reference, "Profile");
/// the name of this one is *unconfirmed*, so the question is asked without it where it is not there.
async fn profile_of(client: &Client, id: &str) -> Result<Option<Profile>> {
    let id = quote_string(id);
    for columns in [
        "Profile.Name, Profile.PermissionsApiUserOnly",
        "Profile.Name",
    ] {
        let soql = format!("SELECT {columns} FROM User WHERE Id = {id}");
        let page = match client.query(&soql, Scope::Live, None).await {
            Ok(page) => page,
            Err(error) if error.code() == Code::FieldUnavailable => continue,
            Err(error) if is_hidden(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let told = |name| page.records.first()?.path(&["Profile", name]);
        let name = told("Name").and_then(Value::as_str).map(str::to_owned);
        let api_only = told("PermissionsApiUserOnly").and_then(Value::as_bool);
        return Ok(name.map(|name| Profile { name, api_only }));
    }
    Ok(None)
}

/// Whether a permission set of the user says `API Only User` (Object Reference, "`PermissionSetAssignment`"). `None` where the
/// org does not say.
async fn by_permission_set(client: &Client, id: &str) -> Option<bool> {
    let soql = format!(
        "SELECT COUNT() FROM PermissionSetAssignment WHERE AssigneeId = {} AND \
         PermissionSet.PermissionsApiUserOnly = true",
        quote_string(id)
    );
    let page = client.query(&soql, Scope::Live, None).await.ok()?;
    Some(page.total_size > 0)
}

fn is_hidden(error: &Error) -> bool {
    matches!(
        error.code(),
        Code::PermissionDenied | Code::ObjectUnavailable
    )
}
