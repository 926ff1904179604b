//! The listener to which a browser comes back from Salesforce: one path to begin a sign-in, one to end it.
//!
//! It listens on loopback, for one connection, until its sign-in has ended. The way back is trusted only where it brings the
//! state of a sign-in that was begun here, in the same browser, not long ago, and for the first time (RFC 6749, section 10.12;
//! RFC 9700, section 4.7).

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, HOST, HeaderMap, HeaderValue,
    LOCATION, REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, StatusCode};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use url::{Url, form_urlencoded};

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::secret::Secret;
use crate::salesforce::web_server::{self, Authorization};

use super::attempts::{Attempt, Attempts, LIFETIME, Stray};
use super::pages;

/// The path to which Salesforce sends a browser back; it is part of the callback URL that an app registers.
pub const CALLBACK_PATH: &str = "/auth/salesforce/callback";

/// The port of the callback URL, unless another is asked for.
pub const DEFAULT_PORT: u16 = 8910;

const START_PATH: &str = "/auth/salesforce/start";
const COOKIE_NAME: &str = "bridged_sign_in";

/// The longest query string of a way back; codes and states have some hundred bytes.
const MAX_QUERY_BYTES: usize = 8 * 1024;

/// How long the last page may take to reach its browser.
const LAST_PAGE: Duration = Duration::from_secs(2);

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

/// A listener that waits for one sign-in.
pub struct Listener {
    sockets: Vec<TcpListener>,
    shared: Arc<Shared>,
    ended: mpsc::Receiver<Result<String>>,
}

struct Shared {
    port: u16,
    ticket: Secret,
    begin: Begin,
    finish: Finish,
    attempts: Mutex<Attempts>,
    /// The cookie of the browser that used the ticket.
    starter: Mutex<Option<Secret>>,
    policy: HeaderValue,
    ended: mpsc::Sender<Result<String>>,
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("port", &self.shared.port)
            .finish_non_exhaustive()
    }
}

/// A browser that is sent away, or sent on.
enum Refusal {
    Stray(Stray),
    Failed(Error),
}

impl Listener {
    /// Listens on `port` of loopback; port 0 takes a free one.
    ///
    /// # Errors
    /// `callback-port-taken` where the port is not free.
    pub async fn bind(port: u16, begin: Begin, finish: Finish) -> Result<Self> {
        Self::bind_for(port, LIFETIME, begin, finish).await
    }

    /// The same, with another time in which a sign-in must come back.
    pub async fn bind_for(
        port: u16,
        lifetime: Duration,
        begin: Begin,
        finish: Finish,
    ) -> Result<Self> {
        let taken = |cause: std::io::Error| {
            let message = format!(
                "port {port} of this machine, to which Salesforce would send the browser back, cannot be used"
            );
            let help = "end the program that uses it, or name another with `--port` and register that callback URL with the app";
            Error::new(Code::CallbackPortTaken, message)
                .help(help)
                .caused_by(cause)
        };
        let first = TcpListener::bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))
            .await
            .map_err(taken)?;
        let port = first.local_addr().map_err(taken)?.port();
        let mut sockets = vec![first];
        // `localhost` is ::1 for some browsers; a machine without IPv6 does without.
        let second = SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), port);
        sockets.extend(TcpListener::bind(second).await);
        let policy = HeaderValue::from_str(&pages::content_security_policy())
            .map_err(|cause| Error::bug("the policy of pages fits no header").caused_by(cause))?;
        let (sender, ended) = mpsc::channel(1);
        Ok(Self {
            sockets,
            ended,
            shared: Arc::new(Shared {
                port,
                ticket: Secret::random()?,
                begin,
                finish,
                attempts: Mutex::new(Attempts::new(lifetime)),
                starter: Mutex::new(None),
                policy,
                ended: sender,
            }),
        })
    }

    /// The callback URL, as the app must have it registered to the letter.
    pub fn redirect_uri(&self) -> String {
        self.shared.redirect_uri()
    }

    /// The address to open in a browser. It works in the browser that opens it first, and is no credential.
    pub fn start_url(&self) -> String {
        format!(
            "http://localhost:{}{START_PATH}/{}",
            self.shared.port,
            self.shared.ticket.expose()
        )
    }

    /// Serves until a sign-in has ended, for `patience` at most, and returns what [`Finish`] said.
    ///
    /// # Errors
    /// `sign-in-late`, with the callback URL to register, where nobody came back. What Salesforce, the browser's person or [`Finish`] refused; ways back that nobody here waits for end nothing.
    pub async fn wait(mut self, patience: Duration) -> Result<String> {
        let late = self.late(patience);
        let (close, closing) = watch::channel(false);
        let servers: Vec<_> = self
            .sockets
            .into_iter()
            .map(|socket| {
                let mut closing = closing.clone();
                let service = routes(Arc::clone(&self.shared));
                let served = axum::serve(socket, service).with_graceful_shutdown(async move {
                    // An error means that nobody waits any more, which ends the serving as well.
                    let _ = closing.wait_for(|closing| *closing).await;
                });
                tokio::spawn(served.into_future())
            })
            .collect();
        let ended = tokio::time::timeout(patience, self.ended.recv()).await;
        close.send_replace(true);
        for server in servers {
            // The page is on its way; a browser that does not take it holds nothing up.
            let _ = tokio::time::timeout(LAST_PAGE, server).await;
        }
        match ended {
            Ok(Some(ended)) => ended,
            Ok(None) => Err(Error::bug("the sign-in's listener ended by itself")),
            Err(_) => Err(late),
        }
    }

    fn late(&self, patience: Duration) -> Error {
        let redirect_uri = self.redirect_uri();
        let message = format!(
            "no browser came back from Salesforce within {} minutes",
            patience.as_secs() / 60
        );
        let help = format!(
            "run the command again; if Salesforce shows `redirect_uri_mismatch`, register `{redirect_uri}` as a Callback URL of the app"
        );
        Error::new(Code::SignInLate, message).help(help)
    }
}

fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route(&format!("{START_PATH}/{{ticket}}"), get(start))
        .route(CALLBACK_PATH, get(callback))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), guard))
        .with_state(shared)
}

/// Lets only plain GETs to this very address through, and gives every answer its headers.
async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let here = ["localhost", "127.0.0.1", "[::1]"].map(|name| format!("{name}:{}", shared.port));
    let mut hosts = request.headers().get_all(HOST).iter();
    let named = hosts.next().and_then(|host| host.to_str().ok());
    // Another site's name that leads here would give its pages a say (DNS rebinding).
    let at_home =
        hosts.next().is_none() && named.is_some_and(|host| here.iter().any(|own| own == host));
    let mut response = if !at_home {
        StatusCode::BAD_REQUEST.into_response()
    } else if request.method() != Method::GET {
        // HEAD would spend a state without showing a page.
        StatusCode::METHOD_NOT_ALLOWED.into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, shared.policy.clone());
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Begins a sign-in in the browser that asks, and sends it to Salesforce.
async fn start(
    State(shared): State<Arc<Shared>>,
    Path(ticket): Path<String>,
    headers: HeaderMap,
) -> Response {
    match shared.begin(&ticket, &headers) {
        Ok((to, browser)) => {
            let cookie = format!(
                "{COOKIE_NAME}={}; Path=/auth/salesforce; HttpOnly; SameSite=Lax; Max-Age={}",
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
        Err(error) => html(StatusCode::BAD_REQUEST, pages::failed(&error)),
    }
}

/// Ends a sign-in.
async fn callback(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let browser = cookie(request.headers());
    let outcome = match shared.arrive(query, browser.as_ref()) {
        Ok(arrived) => (shared.finish)(arrived).await,
        Err(Refusal::Failed(error)) => Err(error),
        Err(Refusal::Stray(stray)) => {
            tracing::warn!(
                why = stray.why(),
                "a browser came back that is not waited for"
            );
            let error = Error::new(
                Code::SignInStray,
                format!("this way back is not waited for: {}", stray.why()),
            )
            .help("begin again with the address that `bridged connect` shows");
            return html(StatusCode::BAD_REQUEST, pages::failed(&error));
        }
    };
    let (status, page) = match &outcome {
        Ok(who) => (StatusCode::OK, pages::connected(who)),
        Err(error) => (StatusCode::BAD_REQUEST, pages::failed(error)),
    };
    // Only the first end counts; a command that was interrupted waits for none.
    let _ = shared.ended.try_send(outcome);
    html(status, page)
}

impl Shared {
    fn redirect_uri(&self) -> String {
        format!("http://localhost:{}{CALLBACK_PATH}", self.port)
    }

    /// Where the browser must go, and the cookie that it must bring back.
    fn begin(&self, ticket: &str, headers: &HeaderMap) -> Result<(Url, Secret)> {
        let used = || {
            Error::new(
                Code::SignInStray,
                "this address does not begin a sign-in here, or another browser has used it",
            )
            .help("use the address that `bridged connect` shows, or run the command again")
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
        let one = |name: &str| {
            let mut all = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
            let first = all.next().map(|(_, value)| Secret::new(value.into_owned()));
            first.filter(|value| !value.is_empty() && all.next().is_none())
        };
        let state = one("state").ok_or(Refusal::Stray(Stray::NoState))?;
        let attempt = self
            .attempts()
            .take(state.expose(), browser.map(Secret::expose))
            .map_err(Refusal::Stray)?;
        if let Some(error) = one("error") {
            let description = one("error_description");
            let description = description.as_ref().map_or("", Secret::expose);
            return Err(Refusal::Failed(web_server::refusal(
                error.expose(),
                description,
            )));
        }
        let Some(code) = one("code") else {
            let error = Error::new(
                Code::AnswerUnreadable,
                "Salesforce sent the browser back with neither a code nor an error",
            )
            .help("begin again with the address that `bridged connect` shows");
            return Err(Refusal::Failed(error));
        };
        Ok(Arrived {
            code,
            verifier: attempt.verifier,
            redirect_uri: self.redirect_uri(),
        })
    }

    fn attempts(&self) -> std::sync::MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
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

fn html(status: StatusCode, page: String) -> Response {
    (status, [(CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
}
