//! The one table of what can be asked for: by whom, and what is answered.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use std::sync::Arc;

use crate::connections::door::CALLBACK_PATH;
use crate::store::model::Role;

use super::{App, answer, api, guard, ingest, openapi, sign_in, webhook};

/// One thing that can be asked for.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path, with its places in braces.
    pub path: &'static str,
    /// Who may ask; everybody where nobody is named.
    pub role: Option<Role>,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// The parameters of its query.
    pub query: &'static [&'static str],
    /// The types a body may have; none where there is no body.
    pub body: &'static [&'static str],
    /// The statuses of its own answers; those of the guard come on top.
    pub statuses: &'static [u16],
}

impl Route {
    /// The most bytes that a body may have.
    pub fn max_body(&self) -> usize {
        if self.path == WEBHOOK {
            MAX_DELIVERY
        } else {
            MAX_BODY
        }
    }
}

/// The path of Meta's deliveries.
const WEBHOOK: &str = "/webhooks/whatsapp";

/// The path at which a sign-in begins.
pub(super) const SIGN_IN_START: &str = "/auth/salesforce/start/{ticket}";

const JSON: &[&str] = &["application/json"];
const RECORDS: &[&str] = &["application/json", "application/x-ndjson"];

const fn route(
    method: &'static str,
    path: &'static str,
    role: Option<Role>,
    statuses: &'static [u16],
    summary: &'static str,
) -> Route {
    Route {
        method,
        path,
        role,
        summary,
        query: &[],
        body: &[],
        statuses,
    }
}

const fn asking(route: Route, query: &'static [&'static str]) -> Route {
    Route { query, ..route }
}

const fn taking(route: Route, body: &'static [&'static str]) -> Route {
    Route { body, ..route }
}

const VIEWER: Option<Role> = Some(Role::Viewer);
const INGEST: Option<Role> = Some(Role::Ingest);
const OPERATOR: Option<Role> = Some(Role::Operator);

/// Every route.
pub const ROUTES: &[Route] = &[
    route(
        "GET",
        "/healthz",
        None,
        &[200],
        "Whether the process lives.",
    ),
    route(
        "GET",
        "/readyz",
        None,
        &[200, 503],
        "Whether the server takes work, and why not.",
    ),
    asking(
        route(
            "GET",
            "/webhooks/whatsapp",
            None,
            &[200, 400, 403],
            "Answers Meta's question at the set-up of a webhook.",
        ),
        &["hub.mode", "hub.verify_token", "hub.challenge"],
    ),
    route(
        "POST",
        "/api/v1/connections/{name}/sign-in",
        OPERATOR,
        &[201, 404, 422, 503],
        "Gives the address at which a connection is signed in, in a browser, once.",
    ),
    route(
        "GET",
        SIGN_IN_START,
        None,
        &[303, 400],
        "Sends the browser that opens it first to Salesforce.",
    ),
    asking(
        route(
            "GET",
            CALLBACK_PATH,
            None,
            &[200, 400],
            "Takes the browser back from Salesforce.",
        ),
        &["code", "state", "error", "error_description"],
    ),
    taking(
        route(
            "POST",
            "/webhooks/whatsapp",
            None,
            &[200, 401, 503],
            "Takes a delivery of Meta's; it is kept before this answers.",
        ),
        JSON,
    ),
    route(
        "GET",
        "/metrics",
        VIEWER,
        &[200],
        "Figures in the text format of Prometheus.",
    ),
    route(
        "GET",
        "/api/v1/openapi.json",
        VIEWER,
        &[200],
        "This document.",
    ),
    route(
        "GET",
        "/api/v1/pipelines",
        VIEWER,
        &[200],
        "Every pipeline of the revision that runs.",
    ),
    taking(
        route(
            "POST",
            "/api/v1/pipelines/{name}/run",
            OPERATOR,
            &[202, 400, 404, 409, 503],
            "Starts a run.",
        ),
        JSON,
    ),
    asking(
        route(
            "GET",
            "/api/v1/runs",
            VIEWER,
            &[200, 400],
            "Runs, the latest begun first.",
        ),
        &["pipeline", "limit"],
    ),
    route("GET", "/api/v1/runs/{id}", VIEWER, &[200, 404], "One run."),
    route(
        "POST",
        "/api/v1/runs/{id}/cancel",
        OPERATOR,
        &[202, 404],
        "Asks a run to stop; what it has in hand is settled.",
    ),
    asking(
        route(
            "GET",
            "/api/v1/rejected",
            VIEWER,
            &[200, 400],
            "Dead letters without their payloads, the newest first.",
        ),
        &["pipeline", "limit", "before"],
    ),
    route(
        "GET",
        "/api/v1/campaigns",
        VIEWER,
        &[200],
        "Campaigns, with their messages by state.",
    ),
    taking(
        route(
            "POST",
            "/api/v1/profiles",
            INGEST,
            &[200, 400, 409, 422],
            "Brings in profiles, all or none.",
        ),
        RECORDS,
    ),
    taking(
        route(
            "POST",
            "/api/v1/outcomes",
            INGEST,
            &[200, 400, 409, 422],
            "Brings in outcomes, all or none.",
        ),
        RECORDS,
    ),
    taking(
        route(
            "POST",
            "/api/v1/engagements",
            INGEST,
            &[200, 400, 409, 422],
            "Brings in engagements, all or none.",
        ),
        RECORDS,
    ),
    route(
        "POST",
        "/api/v1/reload",
        OPERATOR,
        &[200, 422],
        "Loads the files again; a broken revision changes nothing.",
    ),
];

/// The largest body of a request of ours.
pub const MAX_BODY: usize = 1 << 20;

/// The largest delivery of Meta's (Meta, "Webhooks": up to 3 MB).
pub const MAX_DELIVERY: usize = 3 << 20;

/// The routes with their handlers.
pub(super) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/healthz", get(api::healthz))
        .route("/readyz", get(api::readyz))
        .route(
            WEBHOOK,
            get(webhook::handshake)
                .post(webhook::take)
                .layer(DefaultBodyLimit::max(MAX_DELIVERY)),
        )
        .route("/api/v1/connections/{name}/sign-in", post(sign_in::begin))
        .route(SIGN_IN_START, get(sign_in::start))
        .route(CALLBACK_PATH, get(sign_in::callback))
        .route("/metrics", get(api::metrics))
        .route("/api/v1/openapi.json", get(openapi::show))
        .route("/api/v1/pipelines", get(api::pipelines))
        .route("/api/v1/pipelines/{name}/run", post(api::run))
        .route("/api/v1/runs", get(api::runs))
        .route("/api/v1/runs/{id}", get(api::one_run))
        .route("/api/v1/runs/{id}/cancel", post(api::cancel))
        .route("/api/v1/rejected", get(api::rejected))
        .route("/api/v1/campaigns", get(api::campaigns))
        .route("/api/v1/profiles", post(ingest::profiles))
        .route("/api/v1/outcomes", post(ingest::outcomes))
        .route("/api/v1/engagements", post(ingest::engagements))
        .route("/api/v1/reload", post(api::reload))
        .fallback(|| async { answer::not_found() })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(axum::middleware::from_fn_with_state(
            Arc::clone(&app),
            guard::guard,
        ))
        .with_state(app)
}
