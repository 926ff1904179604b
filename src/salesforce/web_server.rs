//! The web server flow with PKCE: the address to send a person to, the code for tokens, and the end of them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use http::header::{ACCEPT, AUTHORIZATION};
use ring::digest::{SHA256, digest};
use url::{Host, Url};

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::secret::Secret;
use crate::spec::host::is_loopback;

use super::client::{Identity, json};
use super::host;
use super::keeper::FreshTokens;
use super::refusal::{self, Failure, Scrub};
use super::retry::{Repeat, Retries};
use super::settings::Settings;
use super::sign_in::token_endpoint::{self, ClientId, Form, Tokens};
use super::wire::{Page, Purpose, Wire, secret_header};

/// One attempt to sign in: where the person goes, and what must come back.
#[derive(Debug)]
pub struct Authorization {
    /// The address to open in a browser.
    pub url: Url,
    /// What the callback must bring back, and nobody else knows: 32 random bytes as 43 letters.
    pub state: Secret,
    /// What proves at the exchange that the same program asked (RFC 7636): 32 random bytes as 43 letters.
    pub verifier: Secret,
}

/// Begins one attempt. `instance` is the org's checked address, `redirect_uri` a Callback URL of the app.
///
/// # Errors
/// `connection-settings` for a `redirect_uri` that is neither https nor on this machine, or has a fragment.
pub fn authorize(
    instance: &Url,
    consumer_key: &str,
    redirect_uri: &str,
    scopes: &[&str],
) -> Result<Authorization> {
    check_redirect(redirect_uri)?;
    let (state, verifier) = (Secret::random()?, Secret::random()?);
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.expose().as_bytes()));
    let mut url = instance.clone();
    url.set_path("/services/oauth2/authorize");
    // Salesforce Help, "OAuth 2.0 Web Server Flow for Web App Integration".
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", consumer_key)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("scope", &scopes.join(" "))
        .append_pair("state", state.expose())
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256");
    Ok(Authorization {
        url,
        state,
        verifier,
    })
}

/// What an `error` at the callback means; `description` is its `error_description`, or empty.
pub fn refusal(error: &str, description: &str) -> Error {
    refusal::stated(error, description, &Scrub::default()).error
}

/// The app that signs in.
#[derive(Debug, Clone)]
pub struct App {
    /// Its Consumer Key.
    pub consumer_key: String,
    /// Its Consumer Secret; `None` for an app that asks for none.
    pub consumer_secret: Option<Secret>,
}

/// What the exchange of a code gave.
#[derive(Debug)]
pub struct Granted {
    /// The access token.
    pub access: Secret,
    /// The refresh token; `None` where the app has no scope `refresh_token`.
    pub refresh: Option<Secret>,
    /// The scopes, separated by blanks.
    pub scope: String,
    /// The org's address, which is the one that was asked.
    pub instance_url: Url,
    /// The address of the user's identity, to be shown; nothing is ever sent there. Empty where the answer has none.
    pub identity_url: String,
}

/// Speaks with one org about the tokens of one app.
pub struct SignIn {
    wire: Wire,
    retries: Retries,
    instance: Url,
    app: App,
}

impl SignIn {
    /// For the org, the network and the timing of `settings`; their credentials are not used. Nothing is sent yet.
    ///
    /// # Errors
    /// `host-refused`, `login-host` and `connection-settings`, as for a client.
    pub fn new(settings: &Settings, app: App) -> Result<Self> {
        let instance = host::instance(&settings.instance_url, &settings.allowed_hosts)?;
        Ok(Self {
            wire: Wire::new(&settings.network(), &instance).map_err(|failure| failure.error)?,
            retries: Retries::new(settings),
            instance,
            app,
        })
    }

    /// The org's checked address.
    pub const fn instance(&self) -> &Url {
        &self.instance
    }

    /// Begins one attempt, see [`authorize`].
    pub fn authorize(&self, redirect_uri: &str, scopes: &[&str]) -> Result<Authorization> {
        authorize(&self.instance, &self.app.consumer_key, redirect_uri, scopes)
    }

    /// Opens the authorize page as a browser would that nobody has signed in with, and tells what Salesforce refuses there
    /// already: it shows such a refusal to the person, and sends no browser back.
    ///
    /// # Errors
    /// `callback-mismatch`, `wrong-consumer-key`, `org-inactive` and the like; what keeps the page from being reached. A page
    /// that says none of it is no error, whatever else it says.
    pub async fn try_out(&self, redirect_uri: &str, scopes: &[&str]) -> Result<()> {
        let attempt = self.authorize(redirect_uri, scopes)?;
        let look = || self.wire.look(attempt.url.clone());
        let page = self.retries.run(Repeat::Read, look).await?;
        let Some((error, description)) = refused_on(&page, redirect_uri) else {
            return Ok(());
        };
        Err(naming(redirect_uri, refusal(&error, &description)))
    }

    /// Makes tokens of a code, which is good once: a request that may have arrived is not repeated.
    ///
    /// # Errors
    /// `callback-mismatch`, whose help names the address to register; `code-expired`, `secret-required`,
    /// `wrong-api-key`, `host-refused` for tokens of another org, and whatever else the org refuses.
    pub async fn exchange(
        &self,
        code: &Secret,
        verifier: &Secret,
        redirect_uri: &str,
    ) -> Result<Granted> {
        let once = || async {
            let form = Form::grant("authorization_code")
                .and("code", code.expose())
                .and("code_verifier", verifier.expose())
                .and("redirect_uri", redirect_uri);
            self.ask_once(form, &[code.expose(), verifier.expose()])
                .await
        };
        let tokens = self.retries.run(Repeat::Read, once).await;
        let tokens = tokens.map_err(|error| naming(redirect_uri, error))?;
        Ok(Granted {
            access: tokens.access,
            refresh: tokens.refresh,
            scope: tokens.scope,
            instance_url: self.instance.clone(),
            identity_url: tokens.identity_url,
        })
    }

    /// Makes new tokens of a refresh token, without any keeper: for one that nothing else uses. A request that may have
    /// arrived is not repeated.
    ///
    /// # Errors
    /// `reconnect-needed` for a refresh token that is dead, and whatever else the org refuses.
    pub async fn refresh_once(&self, refresh: &Secret) -> Result<FreshTokens> {
        let once = || async {
            let form = Form::grant("refresh_token").and("refresh_token", refresh.expose());
            self.ask_once(form, &[refresh.expose()]).await
        };
        let tokens = self.retries.run(Repeat::Read, once).await?;
        Ok(tokens.replacing(refresh))
    }

    /// Revokes a token. With a refresh token, every access token that came of it ends too.
    ///
    /// A token that is dead already counts as revoked.
    pub async fn revoke(&self, token: &Secret) -> Result<()> {
        let once = || token_endpoint::revoke(&self.wire, &self.instance, token);
        self.retries.run(Repeat::Same, once).await
    }

    /// Who an access token belongs to, as the org itself tells.
    pub async fn identity(&self, access: &Secret) -> Result<Identity> {
        let once = || async {
            let mut url = self.instance.clone();
            url.set_path("/services/oauth2/userinfo");
            let scrub = Scrub::new([access.expose()]);
            let request = self
                .wire
                .request(Method::GET, url)
                .header(AUTHORIZATION, secret_header("Bearer", access.expose())?)
                .header(ACCEPT, "application/json");
            let answer = self.wire.send(request, Purpose::Other, &scrub).await?;
            if answer.status != 200 {
                return Err(refusal::refusal(
                    answer.status,
                    &answer.headers,
                    &answer.body,
                    &scrub,
                ));
            }
            json(&answer, &scrub)
        };
        self.retries.run(Repeat::Read, once).await
    }

    async fn ask_once(&self, form: Form, secrets: &[&str]) -> Result<Tokens, Failure> {
        let client = ClientId {
            consumer_key: &self.app.consumer_key,
            consumer_secret: self.app.consumer_secret.as_ref(),
        };
        let asked = token_endpoint::ask(&self.wire, &self.instance, Some(client), form, secrets);
        asked.await.map_err(|mut failure| {
            failure.settled |= failure.maybe_done;
            failure
        })
    }
}

/// The OAuth error that a page shows: in the address it leads to, or in its text.
fn refused_on(page: &Page, redirect_uri: &str) -> Option<(String, String)> {
    // Error pages name the error as the token endpoint does.
    const NAMED: [&str; 5] = [
        "redirect_uri_mismatch",
        "invalid_client_id",
        "inactive_org",
        "OAUTH_APP_BLOCKED",
        "invalid_app_access",
    ];
    let told = |url: &Url| {
        let value = |name: &str| {
            url.query_pairs()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        Some((
            value("error")?,
            value("error_description").unwrap_or_default(),
        ))
    };
    let base = Url::parse(redirect_uri).ok()?;
    let led_to = page.location.as_ref().and_then(|to| base.join(to).ok());
    if let Some(told) = led_to.as_ref().and_then(told) {
        return Some(told);
    }
    let named = NAMED
        .iter()
        .find(|name| page.status >= 400 && page.text.contains(**name))?;
    Some(((*named).to_owned(), String::new()))
}

/// The same error, whose help names the address to register where that is what is wrong.
fn naming(redirect_uri: &str, error: Error) -> Error {
    match error.code() {
        Code::CallbackMismatch => error.help(callback_help(redirect_uri)),
        _ => error,
    }
}

/// What to do about `callback-mismatch`, with the address that was sent.
pub fn callback_help(redirect_uri: &str) -> String {
    format!(
        "register `{}` as a Callback URL of the app, letter for letter, and wait ten minutes",
        crate::spec::host::printable(redirect_uri)
    )
}

/// A place where a code may arrive: over https, or on this machine (RFC 8252, section 7.3).
fn check_redirect(text: &str) -> Result<()> {
    let is_fit = Url::parse(text).is_ok_and(|url| {
        let is_here = url
            .host()
            .is_some_and(|host: Host<&str>| is_loopback(&host));
        let is_plain = url.username().is_empty() && url.password().is_none();
        (url.scheme() == "https" || (url.scheme() == "http" && is_here))
            && is_plain
            && url.fragment().is_none()
    });
    if is_fit {
        return Ok(());
    }
    let shown = crate::spec::host::printable(text);
    let error = Error::new(
        Code::ConnectionSettings,
        format!("`{shown}` is no address at which a sign-in may arrive"),
    );
    Err(error.help("use `https://`, or `http://localhost` on this machine"))
}
