//! Signing a connection in at the server: an operator asks for an address, and a browser comes back from Salesforce here.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::{Method, StatusCode};
use serde_json::json;

use crate::connections::attempts::LIFETIME;
use crate::connections::connect;
use crate::connections::door::{self, Door};
use crate::foundation::error::Result;

use super::guard::Caller;
use super::{App, answer, routes};

/// Sign-ins that may be open at once; one more lets go of the oldest.
const MOST_OPEN: usize = 16;

/// The sign-ins that were asked for and have not ended.
#[derive(Debug, Default)]
pub(super) struct Doors(Mutex<Vec<(Instant, Arc<Door>)>>);

impl Doors {
    fn open(&self) -> MutexGuard<'_, Vec<(Instant, Arc<Door>)>> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|(began, _)| began.elapsed() <= LIFETIME);
        open
    }

    fn add(&self, door: Door) {
        let mut open = self.open();
        if open.len() >= MOST_OPEN {
            open.remove(0);
        }
        open.push((Instant::now(), Arc::new(door)));
    }

    fn find(&self, fits: impl Fn(&Door) -> bool) -> Option<Arc<Door>> {
        let open = self.open();
        open.iter()
            .find(|(_, door)| fits(door))
            .map(|(_, door)| Arc::clone(door))
    }

    fn close(&self, ended: &Arc<Door>) {
        self.open().retain(|(_, door)| !Arc::ptr_eq(door, ended));
    }
}

/// Gives an operator the address at which a connection is signed in, in a browser, once.
pub(super) async fn begin(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Response {
    match open(&app, caller, name).await {
        Ok(door) => {
            let body = json!({
                "start_url": door.start_url(),
                "callback_url": door.redirect_uri(),
                "expires_in_seconds": LIFETIME.as_secs(),
            });
            app.doors.add(door);
            answer::json(StatusCode::CREATED, &body)
        }
        Err(error) => answer::refused(&error),
    }
}

async fn open(app: &Arc<App>, caller: Caller, name: String) -> Result<Door> {
    let asked = Arc::clone(app);
    let opened = tokio::task::spawn_blocking(move || {
        let actor = format!("token {}", caller.0);
        asked.control.signing(&name, &actor)
    });
    let signing = opened.await.map_err(|panic| {
        crate::foundation::error::Error::bug("opening a connection panicked").caused_by(panic)
    })??;
    connect::at_door(signing, &app.origin).await
}

/// Sends the browser that opens it first to Salesforce.
pub(super) async fn start(
    State(app): State<Arc<App>>,
    Path(ticket): Path<String>,
    request: Request,
) -> Response {
    // HEAD would spend the ticket without following it.
    if request.method() != Method::GET {
        return answer::method_not_allowed(routes::SIGN_IN_START);
    }
    match app.doors.find(|door| door.takes(&ticket)) {
        Some(door) => door.start(&ticket, request.headers()),
        None => door::nobody_waits(),
    }
}

/// I20: takes a browser back, where its state was given out here.
pub(super) async fn callback(State(app): State<Arc<App>>, request: Request) -> Response {
    if request.method() != Method::GET {
        return answer::method_not_allowed(door::CALLBACK_PATH);
    }
    let query = request.uri().query().unwrap_or_default();
    let Some(door) = app.doors.find(|door| door.waits_for(query)) else {
        return door::nobody_waits();
    };
    let (page, outcome) = door.come_back(query, request.headers()).await;
    match outcome {
        Some(Ok(who)) => {
            tracing::info!("{}", who.replace('`', ""));
            app.doors.close(&door);
        }
        Some(Err(error)) => tracing::warn!(code = %error.code(), "a sign-in failed: {error}"),
        None => {}
    }
    page
}
