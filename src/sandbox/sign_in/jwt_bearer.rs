//! JWT bearer: an assertion that the app signed, for an access token of the user it names.

use super::admission::{Approval, admit, is_approved};
use super::assertion;
use super::token::{Context, Grant};
use crate::sandbox::apps::is_offline;
use crate::sandbox::call::Answer;
use crate::sandbox::texts::oauth::{self, Fault};

/// Exchanges an assertion. The user must be approved by an administrator, or have consented to refresh tokens before.
pub(super) fn exchange(cx: &Context<'_>) -> Result<Answer, Fault> {
    let text = cx.form.need("assertion")?;
    let issuer = assertion::issuer(text).ok_or_else(oauth::invalid_assertion)?;
    let app = cx.state.sessions().app(&issuer).cloned();
    let app = app.ok_or_else(oauth::invalid_client_id)?;
    let claims = assertion::read(cx.state, cx.call, &app, text)?;
    if !app.is_offline() {
        return Err(oauth::refresh_scope_missing());
    }
    // A user who is not there is told apart from one who never approved nowhere.
    let user = cx.state.user_named(&claims.sub);
    let user = user.ok_or_else(oauth::not_approved)?.id;
    admit(cx.state, &app, user, Approval::User)?;
    let approved = is_approved(cx.state, &app, user);
    let given = if approved {
        app.scopes.clone()
    } else {
        let consented = cx
            .state
            .sessions()
            .grants
            .consented_scopes(&app.consumer_key, user);
        if !consented.iter().any(|scope| is_offline(scope)) {
            return Err(oauth::not_approved());
        }
        consented
    };
    let scopes = given
        .into_iter()
        .filter(|scope| !is_offline(scope))
        .collect();
    Ok(Grant::new(&app, user, scopes).unsigned().answer(cx))
}
