//! Which part of the sandbox answers which path.

use super::accounts::Maintenance;
use super::call::{Answer, Call};
use super::state::State;
use super::{graph, rest, sign_in, texts};

/// What a fault makes the handlers say or do differently.
#[derive(Debug, Clone, Default)]
pub(super) struct Overrides {
    /// In place of the true address of the next page.
    pub(super) next_records_url: Option<String>,
    /// In place of the true address of the org, in a token answer.
    pub(super) instance_url: Option<String>,
    /// Seconds after which written rows become visible.
    pub(super) commit_delay: i64,
}

/// Answers a request.
pub(super) fn answer(state: &State, call: &Call, overrides: &Overrides) -> Answer {
    let segments = call.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    // Meta does not share in the org's maintenance.
    if let [version, resource @ ..] = path.as_slice()
        && is_graph_version(version)
    {
        return graph::answer(state, call, resource);
    }
    match state.accounts().org.maintenance {
        Maintenance::Page => return texts::maintenance_page(),
        Maintenance::Json => return texts::maintenance().into(),
        Maintenance::Off | Maintenance::ReadOnly => {}
    }
    match path.as_slice() {
        ["services", "oauth2", resource] => sign_in::answer(state, call, resource, overrides),
        ["id", "keys"] => sign_in::keys(),
        ["id", org, user] => sign_in::identity(state, call, org, user),
        [".well-known", "openid-configuration"] => sign_in::openid_configuration(call),
        [".well-known", "auth-configuration"] => sign_in::auth_configuration(state, call),
        ["services", "data"] => rest::versions::list(call),
        ["services", "data", version, resource @ ..] => {
            rest::enter(state, call, version, resource, overrides)
        }
        _ => texts::not_found().into(),
    }
}

/// Ends the session of a request before it is looked at.
pub(super) fn close_session(state: &State, call: &Call) {
    if let Some(token) = bearer(call) {
        state.sessions().close(&token);
    }
}

/// The access token of a request, where it carries one.
pub(super) fn bearer(call: &Call) -> Option<String> {
    let header = call.header("authorization");
    let (scheme, token) = header.split_once(' ')?;
    // `OAuth` is the older spelling, which public clients still send.
    let known = scheme.eq_ignore_ascii_case("Bearer") || scheme.eq_ignore_ascii_case("OAuth");
    known.then(|| token.trim().to_owned())
}

/// `v25.0`: the Graph API puts its version first.
fn is_graph_version(segment: &str) -> bool {
    segment
        .strip_prefix('v')
        .and_then(|version| version.split_once('.'))
        .is_some_and(|(major, minor)| {
            [major, minor]
                .iter()
                .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
        })
}
