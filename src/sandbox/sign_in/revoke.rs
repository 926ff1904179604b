//! Taking tokens back.

use http::StatusCode;

use super::form::Form;
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::grants::Refresh;
use crate::sandbox::state::State;
use crate::sandbox::texts::oauth;

/// Ends an access token alone, or a refresh token with its whole family. No app has to prove itself: whoever holds a
/// token may end it.
pub(super) fn answer(state: &State, call: &Call) -> Answer {
    let form = Form::of(call);
    let token = match form.need("token") {
        Ok(token) => token,
        Err(fault) => return fault.into(),
    };
    let hint = form.get("token_type_hint").unwrap_or_default();
    if !["", "access_token", "refresh_token"].contains(&hint) {
        return oauth::unsupported_token_type().into();
    }
    let mut sessions = state.sessions();
    if sessions.close(token) {
        return Answer::empty(StatusCode::OK);
    }
    match sessions.grants.refresh(token) {
        Refresh::Live(id, _) | Refresh::Rotated(id, _) => {
            sessions.end(id);
            Answer::empty(StatusCode::OK)
        }
        Refresh::Dead => oauth::invalid_token().into(),
    }
}
