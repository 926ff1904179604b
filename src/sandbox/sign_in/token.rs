//! The token endpoint: which grant is asked for, and the shape of what is given.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Map, Value, json};

use super::admission::{Approval, admit};
use super::client::{Proof, identify};
use super::form::Form;
use super::{code, jwt_bearer, refresh};
use crate::sandbox::apps::{App, is_offline};
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::grants::GrantId;
use crate::sandbox::ids::RecordId;
use crate::sandbox::routes::Overrides;
use crate::sandbox::sessions::Session;
use crate::sandbox::state::State;
use crate::sandbox::texts::oauth::{self, Fault};

/// What a request of the token endpoint is answered with.
pub(super) struct Context<'a> {
    pub(super) state: &'a State,
    pub(super) call: &'a Call,
    pub(super) form: &'a Form,
    overrides: &'a Overrides,
}

/// Answers a request for a token.
pub(super) fn answer(state: &State, call: &Call, overrides: &Overrides) -> Answer {
    let form = Form::of(call);
    let cx = Context {
        state,
        call,
        form: &form,
        overrides,
    };
    let given = match form.get("grant_type") {
        Some("client_credentials") => client_credentials(&cx),
        Some("authorization_code") => code::redeem(&cx),
        Some("refresh_token") => refresh::refresh(&cx),
        Some("urn:ietf:params:oauth:grant-type:jwt-bearer") => jwt_bearer::exchange(&cx),
        // New orgs block the flow.
        Some("password") => Err(oauth::authentication_failure()),
        _ => Err(oauth::unsupported_grant_type()),
    };
    given.unwrap_or_else(Answer::from)
}

/// The shared log-in hosts do not know whose client credentials they see.
fn is_login_host(host: &str) -> bool {
    host.starts_with("login.") || host.starts_with("test.")
}

fn client_credentials(cx: &Context<'_>) -> Result<Answer, Fault> {
    if is_login_host(&cx.call.host()) {
        return Err(oauth::wrong_domain());
    }
    let (app, proof) = identify(cx.state, cx.call, cx.form)?;
    if matches!(proof, Proof::Missing) {
        return Err(oauth::missing_parameter("client_secret"));
    }
    let run_as = app.run_as.as_ref();
    let user = run_as.and_then(|username| cx.state.user_named(username));
    let user = user.ok_or_else(oauth::no_run_as_user)?.id;
    admit(cx.state, &app, user, Approval::RunAs)?;
    let scopes = app.scopes.iter().filter(|scope| !is_offline(scope));
    let scopes = scopes.cloned().collect();
    Ok(Grant::new(&app, user, scopes).answer(cx))
}

/// What a user is signed in with.
pub(super) struct Grant<'a> {
    app: &'a App,
    user: RecordId,
    scopes: Vec<String>,
    family: Option<GrantId>,
    refresh_token: Option<String>,
    /// The answer proves that its identity URL is true.
    signed: bool,
}

impl<'a> Grant<'a> {
    pub(super) fn new(app: &'a App, user: RecordId, scopes: Vec<String>) -> Self {
        Self {
            app,
            user,
            scopes,
            family: None,
            refresh_token: None,
            signed: true,
        }
    }

    /// The grant as one of a family, with the refresh token that goes out with it.
    pub(super) fn of_family(mut self, family: GrantId, refresh_token: Option<String>) -> Self {
        self.family = Some(family);
        self.refresh_token = refresh_token;
        self
    }

    /// The grant without `issued_at` and `signature`, as assertions are answered.
    pub(super) fn unsigned(mut self) -> Self {
        self.signed = false;
        self
    }

    /// Signs the user in. `issued_at` is a text of milliseconds; there is no `expires_in`.
    pub(super) fn answer(self, cx: &Context<'_>) -> Answer {
        let now = cx.state.clock.now();
        let org = cx.state.org().id;
        let scope = self.scopes.join(" ");
        let session = Session::new(self.user, self.app, self.scopes, self.family, now);
        let access_token = cx.state.sessions().open(org, session);
        let id = format!("{}/id/{org}/{}", cx.call.origin, self.user);
        let instance_url = cx
            .overrides
            .instance_url
            .as_ref()
            .unwrap_or(&cx.call.origin);
        let mut body: Map<String, Value> = Map::new();
        body.insert("access_token".to_owned(), access_token.into());
        if let Some(refresh_token) = self.refresh_token {
            body.insert("refresh_token".to_owned(), refresh_token.into());
        }
        if self.signed {
            let issued_at = now.as_millisecond().to_string();
            let key = hmac::Key::new(hmac::HMAC_SHA256, self.app.api_key.as_bytes());
            let signature = hmac::sign(&key, format!("{id}{issued_at}").as_bytes());
            body.insert("issued_at".to_owned(), issued_at.into());
            body.insert(
                "signature".to_owned(),
                STANDARD.encode(signature.as_ref()).into(),
            );
        }
        for (name, value) in [
            ("scope", json!(scope)),
            ("instance_url", json!(instance_url)),
            ("id", json!(id)),
            ("token_type", json!("Bearer")),
            ("api_instance_url", json!(instance_url)),
        ] {
            body.insert(name.to_owned(), value);
        }
        Answer::ok(body).header("cache-control", "no-cache, no-store")
    }
}
