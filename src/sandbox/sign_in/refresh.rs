//! Refresh tokens for access tokens, and for their successors where the app rotates them.

use super::admission::{Approval, admit};
use super::client::authenticate;
use super::token::{Context, Grant};
use crate::sandbox::call::Answer;
use crate::sandbox::grants::Refresh;
use crate::sandbox::texts::oauth::{self, Fault};

/// Refreshes: the token must be this app's, the last of its family, and as young as the app's policy asks.
///
/// A token that was rotated away ends its family, the access tokens among it. Without rotation the same token is good
/// again, and the answer carries none.
pub(super) fn refresh(cx: &Context<'_>) -> Result<Answer, Fault> {
    let app = authenticate(cx.state, cx.call, cx.form, |app| app.secret_for_refresh)?;
    let token = cx.form.need("refresh_token")?;
    let now = cx.state.clock.now();
    let (id, grant) = {
        let mut sessions = cx.state.sessions();
        match sessions.grants.refresh(token) {
            Refresh::Live(id, grant) if grant.app == app.consumer_key => (id, grant),
            Refresh::Rotated(id, grant) if grant.app == app.consumer_key => {
                sessions.end(id);
                return Err(oauth::expired_refresh_token());
            }
            _ => return Err(oauth::expired_refresh_token()),
        }
    };
    if !app.refresh_policy.holds(grant.begun, grant.used, now) {
        return Err(oauth::expired_refresh_token());
    }
    admit(cx.state, &app, grant.user, Approval::User)?;
    let next = {
        let mut sessions = cx.state.sessions();
        // Of two requests with one token the second finds it rotated away: it is compared again under the lock.
        match sessions.grants.refresh(token) {
            Refresh::Live(..) => {}
            Refresh::Rotated(..) => {
                sessions.end(id);
                return Err(oauth::expired_refresh_token());
            }
            Refresh::Dead => return Err(oauth::expired_refresh_token()),
        }
        sessions.grants.touch(id, now);
        app.rotation.then(|| sessions.grants.rotate(id)).flatten()
    };
    let grant = Grant::new(&app, grant.user, grant.scopes).of_family(id, next);
    Ok(grant.answer(cx))
}
