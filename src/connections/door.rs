//! The door through which a browser signs in: one path to begin, one to come back, for one connection.
//!
//! The way back is trusted only where it brings the state of a sign-in that was begun here, in the same browser, not long ago,
//! and for the first time (RFC 6749, section 10.12; RFC 9700, section 4.7). Who serves the two paths is not the door's matter.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, COOKIE, HeaderMap, HeaderValue, LOCATION, SET_COOKIE};
use url::{Url, form_urlencoded};

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::secret::Secret;
use crate::salesforce::web_server::{self, Authorization};

use super::attempts::{Attempt, Attempts, LIFETIME, Stray};
use super::pages;

/// The path to which Salesforce sends a browser back; it is part of the callback URL that an app registers.
pub const CALLBACK_PATH: &str = "/auth/salesforce/callback";

/// The path at which a sign-in begins; the ticket stands behind it.
pub const START_PATH: &str = "/auth/salesforce/start";

const COOKIE_NAME: &str = "bridged_sign_in";

/// The longest query string of a way back; codes and states have some hundred bytes.
const MAX_QUERY_BYTES: usize = 8 * 1024;

/// Makes the address at which a sign-in begins, for a callback URL.
pub type Begin = Arc<dyn Fn(&str) -> Result<Authorization> + Send + Sync>;

/// Ends a sign-in with the code that came back, and says in words who is connected now.
pub type Finish = Arc<dyn Fn(Arrived) -> Finished + Send + Sync>;

/// What [`Finish`] returns.
pub type Finished = Pin<Box<dyn Future<Output = Result<String>> + Send>>;

/// What a browser brought back.
#[derive(Debug)]
pub struct Arrived {
    /// The authorization code.
    pub code: Secret,
    /// The verifier of the sign-in that it belongs to.
    pub verifier: Secret,
    /// The callback URL of that sign-in.
    pub redirect_uri: String,
}

/// A door that waits for one sign-in.
pub struct Door {
    origin: String,
    ticket: Secret,
    begin: Begin,
    finish: Finish,
    attempts: Mutex<Attempts>,
    /// The cookie of the browser that used the ticket.
    starter: Mutex<Option<Secret>>,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

/// A browser that is sent away, or sent on.
enum Refusal {
    Stray(Stray),
    Failed(Error),
}

impl Door {
    /// A door under an origin, `https://host` or `http://localhost:PORT`; a sign-in must come back within `lifetime`.
    ///
    /// # Errors
    /// Where the operating system has no random numbers.
    pub fn new(origin: &str, lifetime: Duration, begin: Begin, finish: Finish) -> Result<Self> {
        Ok(Self {
            origin: origin.trim_end_matches('/').to_owned(),
            ticket: Secret::random()?,
            begin,
            finish,
            attempts: Mutex::new(Attempts::new(lifetime)),
            starter: Mutex::new(None),
        })
    }

    /// The callback URL, as the app must have it registered to the letter.
    pub fn redirect_uri(&self) -> String {
        redirect_uri(&self.origin)
    }

    /// The address to open in a browser. It works in the browser that opens it first, and is no credential.
    pub fn start_url(&self) -> String {
        format!("{}{START_PATH}/{}", self.origin, self.ticket.expose())
    }

    /// Whether a ticket is this door's.
    pub fn takes(&self, ticket: &str) -> bool {
        self.ticket.matches(ticket)
    }

    /// Whether a way back brings the state of a sign-in that was begun here.
    pub fn waits_for(&self, query: &str) -> bool {
        query.len() <= MAX_QUERY_BYTES
            && one(query, "state").is_some_and(|state| self.attempts().holds(state.expose()))
    }

    /// Begins a sign-in in the browser that asks, and sends it to Salesforce.
    pub fn start(&self, ticket: &str, headers: &HeaderMap) -> Response {
        match self.begin(ticket, headers) {
            Ok((to, browser)) => {
                let secure = if self.origin.starts_with("https:") {
                    "; Secure"
                } else {
                    ""
                };
                let cookie = format!(
                    "{COOKIE_NAME}={}; Path=/auth/salesforce; HttpOnly; SameSite=Lax; Max-Age={}{secure}",
                    browser.expose(),
                    LIFETIME.as_secs()
                );
                let mut response = StatusCode::SEE_OTHER.into_response();
                for (name, value) in [(LOCATION, to.as_str()), (SET_COOKIE, cookie.as_str())] {
                    if let Ok(mut value) = HeaderValue::from_str(value) {
                        value.set_sensitive(true);
                        response.headers_mut().insert(name, value);
                    }
                }
                response
            }
            Err(error) => page(StatusCode::BAD_REQUEST, pages::failed(&error)),
        }
    }

    /// Ends a sign-in: the page to show, and how it ended; `None` for a way back that nobody here waits for, which ends nothing.
    pub async fn come_back(
        &self,
        query: &str,
        headers: &HeaderMap,
    ) -> (Response, Option<Result<String>>) {
        let browser = cookie(headers);
        let outcome = match self.arrive(query, browser.as_ref()) {
            Ok(arrived) => (self.finish)(arrived).await,
            Err(Refusal::Failed(error)) => Err(error),
            Err(Refusal::Stray(stray)) => return (turned_away(stray), None),
        };
        let (status, text) = match &outcome {
            Ok(who) => (StatusCode::OK, pages::connected(who)),
            Err(error) => (StatusCode::BAD_REQUEST, pages::failed(error)),
        };
        (page(status, text), Some(outcome))
    }

    /// Where the browser must go, and the cookie that it must bring back.
    fn begin(&self, ticket: &str, headers: &HeaderMap) -> Result<(Url, Secret)> {
        let used = || {
            Error::new(
                Code::SignInStray,
                "this address does not begin a sign-in here, or another browser has used it",
            )
            .help("use the address that was shown for this sign-in, or ask for another one")
        };
        if !self.ticket.matches(ticket) {
            return Err(used());
        }
        let browser = {
            let mut starter = self.starter.lock().unwrap_or_else(PoisonError::into_inner);
            match (starter.as_ref(), cookie(headers)) {
                (None, _) => starter.insert(Secret::random()?).clone(),
                // The same person, once more.
                (Some(known), Some(brought)) if known.matches(brought.expose()) => known.clone(),
                (Some(_), _) => return Err(used()),
            }
        };
        let Authorization {
            url,
            state,
            verifier,
        } = (self.begin)(&self.redirect_uri())?;
        self.attempts().begin(Attempt {
            state,
            verifier,
            browser: browser.clone(),
        });
        Ok((url, browser))
    }

    /// The code that came back, where its state is one of ours.
    fn arrive(&self, query: &str, browser: Option<&Secret>) -> Result<Arrived, Refusal> {
        if query.len() > MAX_QUERY_BYTES {
            return Err(Refusal::Stray(Stray::NoState));
        }
        let state = one(query, "state").ok_or(Refusal::Stray(Stray::NoState))?;
        let attempt = self
            .attempts()
            .take(state.expose(), browser.map(Secret::expose))
            .map_err(Refusal::Stray)?;
        if let Some(error) = one(query, "error") {
            let description = one(query, "error_description");
            let description = description.as_ref().map_or("", Secret::expose);
            return Err(Refusal::Failed(web_server::refusal(
                error.expose(),
                description,
            )));
        }
        let Some(code) = one(query, "code") else {
            let error = Error::new(
                Code::AnswerUnreadable,
                "Salesforce sent the browser back with neither a code nor an error",
            )
            .help("begin again with the address that was shown for this sign-in");
            return Err(Refusal::Failed(error));
        };
        Ok(Arrived {
            code,
            verifier: attempt.verifier,
            redirect_uri: self.redirect_uri(),
        })
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The callback URL under an origin.
pub fn redirect_uri(origin: &str) -> String {
    format!("{}{CALLBACK_PATH}", origin.trim_end_matches('/'))
}

/// The page for a ticket or a way back that no door knows.
pub fn nobody_waits() -> Response {
    turned_away(Stray::UnknownState)
}

fn turned_away(stray: Stray) -> Response {
    tracing::warn!(
        why = stray.why(),
        "a browser came back that is not waited for"
    );
    let error = Error::new(
        Code::SignInStray,
        format!("this way back is not waited for: {}", stray.why()),
    )
    .help("begin again with the address that was shown for this sign-in");
    page(StatusCode::BAD_REQUEST, pages::failed(&error))
}

/// A parameter of a query that is there once, and not empty.
fn one(query: &str, name: &str) -> Option<Secret> {
    let mut all = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
    let first = all.next().map(|(_, value)| Secret::new(value.into_owned()));
    first.filter(|value| !value.is_empty() && all.next().is_none())
}

/// The value of our cookie.
fn cookie(headers: &HeaderMap) -> Option<Secret> {
    let all = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok());
    all.flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE_NAME)
        .map(|(_, value)| Secret::new(value))
}

fn page(status: StatusCode, text: String) -> Response {
    let mut response = (status, [(CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response();
    pages::protect(response.headers_mut());
    response
}
