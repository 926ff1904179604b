//! The REST API: everything under `/services/data/vXX.X`.

mod collections;
mod composite;
mod conditional;
mod describe;
mod limits;
pub(super) mod locators;
mod query;
mod replication;
mod rows;
mod upsert;
pub(super) mod versions;

use http::{Method, StatusCode};

use super::apps::allows_api;
use super::call::{Answer, Call};
use super::exchange::is_json;
use super::org::Org;
use super::routes::{Overrides, bearer};
use super::state::State;
use super::table::Table;
use super::texts::{self, Refusal};
use super::user::User;

/// What every resource is given.
pub(super) struct Context<'a> {
    pub(super) state: &'a State,
    pub(super) call: &'a Call,
    /// `v67.0`, as the address has it.
    pub(super) version: &'a str,
    pub(super) user: User,
    pub(super) overrides: &'a Overrides,
}

/// The answer of a resource, or the refusal that ends it.
pub(super) type Outcome = Result<Answer, Refusal>;

/// Checks version, session and limit, then answers; every answer carries `Sforce-Limit-Info`.
pub(super) fn enter(
    state: &State,
    call: &Call,
    version: &str,
    resource: &[&str],
    overrides: &Overrides,
) -> Answer {
    if !versions::is_known(version) {
        return texts::not_found().into();
    }
    let _pass = state.pass(resource == ["composite"]);
    let (now, mut counted) = (state.clock.stamp(), 0);
    let outcome = sign_in(state, call).and_then(|user| {
        if !state.limits().spend(now) {
            return Err(texts::daily_limit());
        }
        counted = 1;
        if !is_json(call) {
            return Err(texts::unsupported_media_type(call.header("content-type")));
        }
        dispatch(
            &Context {
                state,
                call,
                version,
                user,
                overrides,
            },
            resource,
        )
    });
    let mut answer = outcome.unwrap_or_else(Answer::from);
    answer.api_calls = counted;
    answer.header("sforce-limit-info", &state.limits().header(now))
}

/// Who asks, if their org, their rights and their token let them use the API at all.
fn sign_in(state: &State, call: &Call) -> Result<User, Refusal> {
    let token = bearer(call)
        .or_else(|| call.parameter("oauth_token"))
        .unwrap_or_default();
    let session = state.sessions().touch(&token, state.clock.now());
    let session = session.ok_or_else(texts::session_expired)?;
    let user = state.user(&session).ok_or_else(texts::session_expired)?;
    let (org, (api_enabled, password_expired)) = {
        let mut accounts = state.accounts();
        let account = accounts.of(user.id);
        let of_user = (account.api_enabled, account.password_expired);
        (accounts.org, of_user)
    };
    if !org.active {
        return Err(texts::org_locked());
    }
    if !org.api {
        return Err(texts::api_disabled_for_org());
    }
    if !api_enabled {
        return Err(texts::api_disabled_for_user());
    }
    if password_expired {
        return Err(texts::password_expired());
    }
    if !allows_api(&session.scopes) {
        return Err(texts::session_not_for_rest());
    }
    Ok(user)
}

/// Which resource answers. Resources of composite calls come through here too.
fn dispatch(cx: &Context<'_>, resource: &[&str]) -> Outcome {
    let method = &cx.call.method;
    match resource {
        [] => read_only(method, || Ok(versions::resources(cx))),
        ["query"] => read_only(method, || query::query(cx, query::Scope::Live)),
        ["queryAll"] => read_only(method, || query::query(cx, query::Scope::All)),
        ["tooling", "query" | "queryAll"] => {
            read_only(method, || query::query(cx, query::Scope::Live))
        }
        ["query" | "queryAll", locator] | ["tooling", "query" | "queryAll", locator] => {
            read_only(method, || query::next_page(cx, locator))
        }
        ["sobjects"] => read_only(method, || Ok(describe::global(cx))),
        ["sobjects", object, rest @ ..] => sobject(cx, object, rest),
        ["limits"] => read_only(method, || Ok(limits::limits(cx))),
        ["limits", "recordCount"] => read_only(method, || Ok(limits::record_count(cx))),
        ["composite"] => write_only(method, || composite::composite(cx)),
        ["composite", "sobjects", rest @ ..] => collections::answer(cx, rest),
        ["composite", "batch"] => write_only(method, || composite::batch(cx)),
        _ => Err(texts::not_found()),
    }
}

/// Resources of one object.
fn sobject(cx: &Context<'_>, object: &str, rest: &[&str]) -> Outcome {
    let method = &cx.call.method;
    match rest {
        [] => match *method {
            Method::GET => describe::summary(cx, object),
            Method::POST => rows::create(cx, object),
            _ => Err(texts::method_not_allowed(method.as_str(), "GET,HEAD,POST")),
        },
        ["describe"] => read_only(method, || describe::object(cx, object)),
        ["updated"] => read_only(method, || replication::updated(cx, object)),
        ["deleted"] => read_only(method, || replication::deleted(cx, object)),
        [id] => match *method {
            Method::GET | Method::HEAD => rows::read(cx, object, id),
            Method::PATCH => rows::update(cx, object, id),
            Method::DELETE => rows::delete(cx, object, id),
            _ => Err(texts::method_not_allowed(
                method.as_str(),
                "DELETE,GET,HEAD,PATCH",
            )),
        },
        [field, key] => match *method {
            Method::GET | Method::HEAD => upsert::read(cx, object, field, key),
            Method::PATCH => upsert::upsert(cx, object, field, key),
            Method::DELETE => upsert::delete(cx, object, field, key),
            _ => Err(texts::method_not_allowed(
                method.as_str(),
                "DELETE,GET,HEAD,PATCH",
            )),
        },
        _ => Err(texts::not_found()),
    }
}

fn read_only(method: &Method, answer: impl FnOnce() -> Outcome) -> Outcome {
    if matches!(*method, Method::GET | Method::HEAD) {
        answer()
    } else {
        Err(texts::method_not_allowed(method.as_str(), "GET,HEAD"))
    }
}

fn write_only(method: &Method, answer: impl FnOnce() -> Outcome) -> Outcome {
    if *method == Method::POST {
        answer()
    } else {
        Err(texts::method_not_allowed(method.as_str(), "POST"))
    }
}

/// The table of an object that the user may see; what they may not see does not exist.
fn visible<'org>(cx: &Context<'_>, org: &'org Org, object: &str) -> Result<&'org Table, Refusal> {
    org.table(object)
        .filter(|table| cx.user.permissions.object(table.object()).read)
        .ok_or_else(|| Refusal {
            status: StatusCode::NOT_FOUND,
            ..texts::not_found()
        })
}
