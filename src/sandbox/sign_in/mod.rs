//! Signing in: everything under `/services/oauth2`, the identity URL and what is published about both.
//!
//! Reading order: `authorize` (pages in a browser, ending in a code), `token` (codes and everything else for tokens),
//! `revoke`, `introspect`, `identity`, `discovery`. `client` says which app asks, `admission` whether a user may be
//! signed in at all.

mod admission;
mod assertion;
mod authorize;
mod client;
mod code;
mod discovery;
mod form;
mod identity;
mod introspect;
mod jwt_bearer;
mod pages;
mod pem;
mod refresh;
mod revoke;
mod token;

pub(super) use self::discovery::{auth_configuration, keys, openid_configuration};
pub(super) use self::identity::identity;
pub(super) use self::pem::verifies as key_of_pem;

use http::Method;

use super::call::{Answer, Call};
use super::routes::Overrides;
use super::state::State;
use super::texts;

/// Answers a path under `/services/oauth2`.
pub(super) fn answer(state: &State, call: &Call, resource: &str, overrides: &Overrides) -> Answer {
    match (resource, &call.method) {
        ("authorize", &Method::GET) => authorize::show(state, call),
        ("authorize", &Method::POST) => authorize::submit(state, call),
        ("token", &Method::POST) => token::answer(state, call, overrides),
        ("revoke", &Method::POST | &Method::GET) => revoke::answer(state, call),
        ("introspect", &Method::POST) => introspect::answer(state, call),
        ("userinfo", &Method::GET | &Method::POST) => identity::userinfo(state, call),
        ("token" | "introspect", _) => texts::oauth::only_post(),
        _ => texts::not_found().into(),
    }
}
