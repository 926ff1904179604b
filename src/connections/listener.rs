//! The listener to which a browser comes back from Salesforce: the door of one sign-in, on loopback.
//!
//! It listens for one connection, until its sign-in has ended.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{
    CACHE_CONTROL, HOST, HeaderMap, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, StatusCode};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};

use super::attempts::LIFETIME;
use super::door::{Begin, CALLBACK_PATH, Door, Finish, START_PATH};
use super::pages;

/// The port of the callback URL, unless another is asked for.
pub const DEFAULT_PORT: u16 = 8910;

/// How long the last page may take to reach its browser.
const LAST_PAGE: Duration = Duration::from_secs(2);

/// A listener that waits for one sign-in.
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<TcpListener>,
    shared: Arc<Shared>,
    ended: mpsc::Receiver<Result<String>>,
}

#[derive(Debug)]
struct Shared {
    port: u16,
    door: Door,
    ended: mpsc::Sender<Result<String>>,
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
        let (sender, ended) = mpsc::channel(1);
        let door = Door::new(&format!("http://localhost:{port}"), lifetime, begin, finish)?;
        Ok(Self {
            sockets,
            ended,
            shared: Arc::new(Shared {
                port,
                door,
                ended: sender,
            }),
        })
    }

    /// The callback URL, as the app must have it registered to the letter.
    pub fn redirect_uri(&self) -> String {
        self.shared.door.redirect_uri()
    }

    /// The address to open in a browser. It works in the browser that opens it first, and is no credential.
    pub fn start_url(&self) -> String {
        self.shared.door.start_url()
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
    pages::protect(headers);
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
    shared.door.start(&ticket, &headers)
}

/// Ends a sign-in.
async fn callback(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let (page, outcome) = shared.door.come_back(query, request.headers()).await;
    if let Some(outcome) = outcome {
        // Only the first end counts; a command that was interrupted waits for none.
        let _ = shared.ended.try_send(outcome);
    }
    page
}
