//! What comes before every handler: the host, the caller's role, the time it may take; and the headers of every answer.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, HOST,
    HeaderValue, REFERRER_POLICY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, Method, StatusCode};
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::foundation::trace;
use crate::store::model::Role;

use super::App;
use super::answer;
use super::routes::{ROUTES, Route};

/// How long a request may take in all, its body included.
const IN_ALL: Duration = Duration::from_secs(30);

/// Who asks, for handlers that write it down.
#[derive(Debug, Clone)]
pub(super) struct Caller(pub(super) String);

/// Lets through what the table of routes allows, in a span of its own.
pub(super) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!(
        target: trace::TARGET,
        "http",
        otel.name = format!("{} {route}", request.method()),
        otel.kind = "server",
        http.request.method = %request.method(),
        http.route = route,
        http.response.status_code = Empty,
    );
    let response = answered(&app, request, next).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    response
}

async fn answered(app: &Arc<App>, request: Request, next: Next) -> Response {
    let mut response = match admit(app, request).await {
        Ok(request) => match tokio::time::timeout(IN_ALL, next.run(request)).await {
            Ok(response) => response,
            Err(_) => answer::refusal(
                StatusCode::REQUEST_TIMEOUT,
                "request-late",
                "the request did not arrive in time",
            ),
        },
        Err(refused) => *refused,
    };
    let headers = response.headers_mut();
    // A page brings the policy of its own style.
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        let policy = "default-src 'none'; frame-ancestors 'none'";
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    }
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn admit(app: &Arc<App>, mut request: Request) -> Result<Request, Box<Response>> {
    if !at_home(app, request.headers()) {
        return Err(Box::new(answer::bad_request(
            "the request is for another host",
        )));
    }
    if request.headers().contains_key(CONTENT_ENCODING) {
        return Err(Box::new(answer::refusal(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-encoding",
            "bodies are taken as they are, without compression",
        )));
    }
    let Some(path) = request.extensions().get::<MatchedPath>() else {
        // The router answers it with 404.
        return Ok(request);
    };
    // A handler that is in no row of the table is asked by nobody.
    let Some(route) = route_of(path.as_str(), request.method()) else {
        return Err(Box::new(answer::method_not_allowed(path.as_str())));
    };
    // What says that it is too large is not waited for.
    let stated = request.headers().get(CONTENT_LENGTH);
    let stated = stated.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if stated.is_some_and(|stated| stated > route.max_body()) {
        return Err(Box::new(answer::refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body-too-large",
            "the body is larger than this path takes",
        )));
    }
    let Some(role) = route.role else {
        return Ok(request);
    };
    let caller = match bearer(request.headers()) {
        None => None,
        Some(token) => {
            let (app, token) = (Arc::clone(app), token.to_owned());
            let now = app.clock.now();
            let looked = tokio::task::spawn_blocking(move || app.tokens.caller(&token, now)).await;
            match looked {
                Ok(Ok(caller)) => caller,
                Ok(Err(error)) => return Err(Box::new(answer::error(&error))),
                Err(_) => None,
            }
        }
    };
    let Some((name, has)) = caller else {
        return Err(Box::new(unauthorized()));
    };
    if has < role {
        return Err(Box::new(forbidden(role)));
    }
    request.extensions_mut().insert(Caller(name));
    Ok(request)
}

fn route_of(path: &str, method: &Method) -> Option<&'static Route> {
    // The router answers HEAD with GET's handler, so the one needs what the other needs.
    let method = match *method {
        Method::HEAD => "GET",
        ref other => other.as_str(),
    };
    ROUTES
        .iter()
        .find(|route| route.path == path && route.method == method)
}

/// Another site's name that leads here would give its pages a say.
fn at_home(app: &App, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let named = hosts.next().and_then(|host| host.to_str().ok());
    hosts.next().is_none()
        && named.is_some_and(|named| app.hosts.iter().any(|own| own.eq_ignore_ascii_case(named)))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let text = given.next()?.to_str().ok()?;
    if given.next().is_some() {
        return None;
    }
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn unauthorized() -> Response {
    let mut response = answer::refusal(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "this needs a bearer token; `bridged token create` makes one",
    );
    let challenge = HeaderValue::from_static("Bearer");
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}

fn forbidden(role: Role) -> Response {
    let message = format!("this needs a token of the role `{}`", role.as_str());
    answer::refusal(StatusCode::FORBIDDEN, "forbidden", &message)
}
