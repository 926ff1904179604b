//! Which app asks, and how it proves that.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::assertion;
use super::form::Form;
use crate::sandbox::apps::App;
use crate::sandbox::call::Call;
use crate::sandbox::state::State;
use crate::sandbox::texts::oauth::{self, Fault};

/// What a client assertion must be.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What an app proves itself with.
pub(super) enum Proof {
    /// The secret, or an assertion in its place.
    Given,
    /// Nothing at all.
    Missing,
}

/// The app that asks, by `Authorization: Basic`, by the form, or by an assertion that its certificate verifies.
///
/// A secret or an assertion that is given must be right, whether or not the flow asks for one.
pub(super) fn identify(state: &State, call: &Call, form: &Form) -> Result<(App, Proof), Fault> {
    let basic = basic(call);
    let (key, secret) = match &basic {
        Some((key, secret)) => (Some(key.as_str()), Some(secret.as_str())),
        None => (form.get("client_id"), form.get("client_secret")),
    };
    let secret = secret.filter(|secret| !secret.is_empty());
    let assertion = form.get("client_assertion").filter(|_| {
        // Read only where no secret is sent.
        secret.is_none() && form.get("client_assertion_type") == Some(ASSERTION_TYPE)
    });
    let issuer = assertion.and_then(assertion::issuer);
    let key = key
        .or(issuer.as_deref())
        .ok_or_else(|| oauth::missing_parameter("client_id"))?;
    let app = state.sessions().app(key).cloned();
    let app = app.ok_or_else(oauth::invalid_client_id)?;
    let proof = match (secret, assertion) {
        (Some(secret), _) if secret == app.api_key => Proof::Given,
        (Some(_), _) => return Err(oauth::invalid_client()),
        (None, Some(text)) => {
            let claims = assertion::read(state, call, &app, text);
            let own = claims.is_ok_and(|claims| claims.sub == app.consumer_key);
            if !own {
                return Err(oauth::invalid_client());
            }
            Proof::Given
        }
        (None, None) => Proof::Missing,
    };
    Ok((app, proof))
}

/// The app that asks, which must have proved itself where `needs_proof` says so of it.
pub(super) fn authenticate(
    state: &State,
    call: &Call,
    form: &Form,
    needs_proof: impl FnOnce(&App) -> bool,
) -> Result<App, Fault> {
    match identify(state, call, form)? {
        (app, Proof::Missing) if needs_proof(&app) => Err(oauth::invalid_client()),
        (app, _) => Ok(app),
    }
}

fn basic(call: &Call) -> Option<(String, String)> {
    let (scheme, encoded) = call.header("authorization").split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (key, secret) = decoded.split_once(':')?;
    Some((key.to_owned(), secret.to_owned()))
}
