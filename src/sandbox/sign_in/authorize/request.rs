//! What an app asks of the authorize endpoint, checked.

use url::Url;

use crate::sandbox::apps::App;
use crate::sandbox::call::Call;
use crate::sandbox::sign_in::form::Form;
use crate::sandbox::state::State;
use crate::sandbox::texts::oauth::{self, Fault};

/// The parameters that may come once.
const NAMES: [&str; 8] = [
    "response_type",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "login_hint",
    "nonce",
];

/// A request that may be answered by going back to its callback.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) app: App,
    /// As it was sent, which is as it is registered.
    pub(super) redirect_uri: String,
    /// The same, taken apart.
    pub(super) callback: Url,
    /// What the app gets back unchanged.
    pub(super) state: Option<String>,
    pub(super) scopes: Vec<String>,
    pub(super) challenge: Option<String>,
    pub(super) login_hint: Option<String>,
    prompt: String,
}

/// Where the reason of a refusal may be told.
#[derive(Debug)]
pub(super) enum Refused {
    /// On a page only: the callback is not to be trusted.
    Page(Fault),
    /// At the callback.
    Back {
        callback: Url,
        fault: Fault,
        state: Option<String>,
    },
}

impl Request {
    /// Reads the query: app and callback first, and nothing is sent anywhere unless both are right.
    pub(super) fn read(state: &State, call: &Call) -> Result<Self, Box<Refused>> {
        let form = Form::of_query(call);
        let (app, callback) =
            trusted(state, &form).map_err(|fault| Box::new(Refused::Page(fault)))?;
        let echoed = form.get("state").map(str::to_owned);
        let asked = asked(&form, &app).map_err(|fault| {
            Box::new(Refused::Back {
                callback: callback.clone(),
                fault,
                state: echoed.clone(),
            })
        })?;
        Ok(Self {
            redirect_uri: form.get("redirect_uri").unwrap_or_default().to_owned(),
            callback,
            state: echoed,
            scopes: asked.scopes,
            challenge: asked.challenge,
            login_hint: form.get("login_hint").map(str::to_owned),
            prompt: form.get("prompt").unwrap_or_default().to_owned(),
            app,
        })
    }

    /// Whether `prompt` lists a word.
    pub(super) fn asks_for(&self, word: &str) -> bool {
        self.prompt.split_whitespace().any(|one| one == word)
    }
}

fn trusted(state: &State, form: &Form) -> Result<(App, Url), Fault> {
    if let Some(name) = form.duplicate(&["client_id", "redirect_uri"]) {
        return Err(oauth::duplicate_parameter(name));
    }
    let app = state.sessions().app(form.need("client_id")?).cloned();
    let app = app.ok_or_else(oauth::invalid_client_id)?;
    let redirect_uri = form.need("redirect_uri")?;
    let registered = app.callbacks.iter().any(|known| known == redirect_uri);
    match Url::parse(redirect_uri) {
        Ok(callback) if registered => Ok((app, callback)),
        _ => Err(oauth::redirect_uri_mismatch()),
    }
}

struct Asked {
    scopes: Vec<String>,
    challenge: Option<String>,
}

fn asked(form: &Form, app: &App) -> Result<Asked, Fault> {
    if let Some(name) = form.duplicate(&NAMES) {
        return Err(oauth::duplicate_parameter(name));
    }
    if form.need("response_type")? != "code" {
        return Err(oauth::unsupported_response_type());
    }
    let scopes = app.scopes_of(form.get("scope").unwrap_or_default());
    Ok(Asked {
        scopes: scopes.map_err(|_| oauth::invalid_scope())?,
        challenge: challenge(form, app)?,
    })
}

/// The S256 challenge. A method that is left out means S256 too, against RFC 7636: the service knows no other, and the
/// clients of its own command line name none.
fn challenge(form: &Form, app: &App) -> Result<Option<String>, Fault> {
    let given = form.get("code_challenge").filter(|text| !text.is_empty());
    let method = form.get("code_challenge_method");
    match (given, method) {
        (None, None) if !app.pkce_required => Ok(None),
        (None, _) => Err(oauth::missing_challenge()),
        // 32 bytes in base64url without padding.
        (Some(text), None | Some("S256")) => {
            let fits = text.len() == 43
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            fits.then(|| Some(text.to_owned()))
                .ok_or_else(oauth::invalid_challenge)
        }
        (Some(_), _) => Err(oauth::challenge_method()),
    }
}
