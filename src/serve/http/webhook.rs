//! `/webhooks/whatsapp`: Meta's question at the set-up, and its deliveries.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use url::form_urlencoded;

use crate::store::model::NewWebhook;
use crate::whatsapp::webhook::{self, Handshake};

use super::super::metrics::Delivery;
use super::auth::digest_bytes;
use super::{App, KEPT_WITHIN, answer};

/// The header of the signature (Meta, "Webhooks, Getting started").
const SIGNATURE: &str = "x-hub-signature-256";

/// Answers Meta's question whether this is the address.
pub(super) async fn handshake(State(app): State<Arc<App>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let one = |name: &str| {
        let mut all = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
        let first = all.next().map(|(_, value)| value.into_owned());
        first.filter(|_| all.next().is_none())
    };
    let answered = webhook::handshake(
        &app.webhook.verify_tokens,
        one("hub.mode").as_deref(),
        one("hub.verify_token").as_deref(),
        one("hub.challenge").as_deref(),
    );
    match answered {
        Handshake::Repeat(challenge) => (StatusCode::OK, challenge).into_response(),
        Handshake::Forbidden => answer::refusal(
            StatusCode::FORBIDDEN,
            "forbidden",
            "the verify token is another",
        ),
        Handshake::Malformed => answer::bad_request("this is no question of a webhook's set-up"),
    }
}

/// I24: takes a delivery: signed by a secret of ours, and durable before the answer.
pub(super) async fn take(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    let mut signatures = headers.get_all(SIGNATURE).iter();
    let signature = signatures.next().and_then(|value| value.to_str().ok());
    let signature = signature.filter(|_| signatures.next().is_none());
    let signer = signature.and_then(|signature| {
        let mut all = app.webhook.app_secrets.iter();
        all.find(|(_, secret)| webhook::is_signed(secret, &body, signature))
    });
    let Some((connection, _)) = signer else {
        app.metrics.delivered(Delivery::Refused);
        return answer::refusal(
            StatusCode::UNAUTHORIZED,
            "signature-refused",
            "the delivery is not signed by the app secret of a connection",
        );
    };
    let kept = app.keeper.keep(NewWebhook {
        connection: connection.clone(),
        at: app.clock.now(),
        digest: digest_bytes(&body),
        body: body.to_vec(),
    });
    match tokio::time::timeout(KEPT_WITHIN, kept).await {
        Ok(Ok(fresh)) => {
            app.metrics.delivered(if fresh {
                Delivery::Kept
            } else {
                Delivery::Repeated
            });
            app.arrived.notify_one();
            StatusCode::OK.into_response()
        }
        Ok(Err(error)) => {
            app.metrics.delivered(Delivery::NotKept);
            tracing::error!(code = %error.code(), "a delivery could not be kept: {error}");
            not_kept()
        }
        Err(_) => {
            app.metrics.delivered(Delivery::NotKept);
            tracing::error!("a delivery could not be kept in time");
            not_kept()
        }
    }
}

fn not_kept() -> Response {
    answer::refusal(
        StatusCode::SERVICE_UNAVAILABLE,
        "store-busy",
        "the delivery could not be kept; deliver it again",
    )
}
