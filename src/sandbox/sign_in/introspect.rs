//! What a token is worth, told to the app it belongs to.

use serde_json::json;

use super::client::authenticate;
use super::form::Form;
use super::identity::column;
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::grants::Refresh;
use crate::sandbox::state::State;
use crate::sandbox::texts::oauth::Fault;

/// Answers for access and refresh tokens; an unknown, ended or foreign one is not active. Looking does not keep a
/// session alive.
pub(super) fn answer(state: &State, call: &Call) -> Answer {
    introspect(state, call).unwrap_or_else(Answer::from)
}

fn introspect(state: &State, call: &Call) -> Result<Answer, Fault> {
    let form = Form::of(call);
    let app = authenticate(state, call, &form, |_| true)?;
    let token = form.need("token")?;
    let now = state.clock.now();
    let access = state.sessions().look(token, now);
    let (user, scopes, kind, issued, ends) = match access {
        Some((session, ends)) if session.app == app.consumer_key => {
            let (user, issued) = (session.user, session.issued);
            (user, session.scopes, "access_token", issued, Some(ends))
        }
        Some(_) => return Ok(inactive()),
        None => match state.sessions().grants.refresh(token) {
            Refresh::Live(_, grant)
                if grant.app == app.consumer_key
                    && app.refresh_policy.holds(grant.begun, grant.used, now) =>
            {
                (grant.user, grant.scopes, "refresh_token", grant.begun, None)
            }
            _ => return Ok(inactive()),
        },
    };
    let org = state.org().id;
    let mut body = json!({
        "active": true,
        "scope": scopes.join(" "),
        "client_id": app.consumer_key,
        "username": column(state, user, "Username"),
        "sub": format!("{}/id/{org}/{user}", call.origin),
        "token_type": kind,
        "iat": issued.as_second(),
        "nbf": issued.as_second(),
    });
    if let Some(ends) = ends {
        body["exp"] = json!(ends.as_second());
    }
    Ok(Answer::ok(body).header("cache-control", "no-cache, no-store"))
}

fn inactive() -> Answer {
    Answer::ok(json!({ "active": false })).header("cache-control", "no-cache, no-store")
}
