//! Whether a user may be signed in by an app: the org, the user, then the app's policies.

use serde_json::json;

use super::identity::column;
use crate::sandbox::apps::App;
use crate::sandbox::ids::RecordId;
use crate::sandbox::state::State;
use crate::sandbox::texts::oauth::{self, Fault};

/// Who says that the user may use the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Approval {
    /// The app's settings, which name the user it runs as: its policy on permitted users does not apply.
    RunAs,
    /// The policy on permitted users, and the user's own consent.
    User,
}

/// Refuses a user who may not be signed in, in the words of the first reason there is.
pub(super) fn admit(
    state: &State,
    app: &App,
    user: RecordId,
    approval: Approval,
) -> Result<(), Fault> {
    let now = state.clock.now();
    let (account, org) = {
        let mut accounts = state.accounts();
        (accounts.of(user).clone(), accounts.org)
    };
    if !org.active {
        return Err(oauth::inactive_org());
    }
    if column(state, user, "IsActive") != json!(true) {
        return Err(oauth::inactive_user());
    }
    if account.is_locked(now) {
        return Err(oauth::locked_user());
    }
    if !account.is_in_hours(now) {
        return Err(oauth::login_hours());
    }
    if account.ip_restricted && !app.ip_relaxed {
        return Err(oauth::ip_restricted());
    }
    if app.blocked {
        return Err(oauth::app_blocked());
    }
    if approval == Approval::RunAs {
        return Ok(());
    }
    if !app.installed {
        return Err(oauth::app_not_installed());
    }
    if app.admin_approved_only && !is_approved(state, app, user) {
        return Err(oauth::not_admin_approved());
    }
    Ok(())
}

/// Whether an administrator approved a user for an app.
pub(super) fn is_approved(state: &State, app: &App, user: RecordId) -> bool {
    column(state, user, "Username")
        .as_str()
        .is_some_and(|username| app.approves(username))
}
