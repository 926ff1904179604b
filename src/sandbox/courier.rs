//! Webhooks: events are delivered signed, again and again until they are taken, as Meta does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ring::hmac;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::graph::sends::Due;
use super::graph::{BUSINESS_ACCOUNT_ID, PHONE_NUMBER_ID};
use super::sessions::letters;
use super::state::State;

/// How often it is looked for what is due.
const TICK: Duration = Duration::from_millis(10);

/// Deliveries on their way at once.
const AT_ONCE: usize = 16;

/// The longest wait before a delivery is tried again. Meta's grow over days; a test has minutes.
const LONGEST: Duration = Duration::from_secs(30);

/// So many failures end the tries.
const MOST_FAILURES: u32 = 40;

/// The secret that deliveries of a seed are signed with.
pub(super) fn app_secret(seed: u64) -> String {
    letters(&format!("app secret {seed}"), 32)
}

/// What the webhook's set-up asks for, of a seed.
pub(super) fn verify_token(seed: u64) -> String {
    letters(&format!("verify token {seed}"), 24)
}

/// Delivers until it is told to stop.
pub(super) async fn deliver(state: Arc<State>, mut stopped: watch::Receiver<bool>) {
    // Fails only when a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let Ok(http) = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(10))
        .build()
    else {
        return;
    };
    let key = hmac::Key::new(
        hmac::HMAC_SHA256,
        app_secret(state.settings.seed).as_bytes(),
    );
    let mut posts: JoinSet<(Vec<Due>, bool)> = JoinSet::new();
    let mut waiting: Vec<Vec<Due>> = Vec::new();
    let mut tick = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return,
            Some(ended) = posts.join_next(), if !posts.is_empty() => {
                if let Ok((due, false)) = ended {
                    again(&state, due);
                }
            }
            _ = tick.tick() => {}
        }
        let (due, webhook, batch, copies) = {
            let mut sends = state.sends();
            let (batch, copies) = (sends.behaviour.batch.max(1), sends.behaviour.duplicates);
            (sends.take_due(), sends.webhook.clone(), batch, copies)
        };
        for part in due.chunks(batch) {
            for _ in 0..=copies {
                waiting.push(part.to_vec());
            }
        }
        let Some(webhook) = webhook else {
            waiting.clear();
            continue;
        };
        while posts.len() < AT_ONCE && !waiting.is_empty() {
            let due = waiting.remove(0);
            let body = envelope(&due).to_string();
            let tag = hmac::sign(&key, body.as_bytes());
            let request = http
                .post(&webhook)
                .header("content-type", "application/json")
                .header(
                    "x-hub-signature-256",
                    format!("sha256={}", hex(tag.as_ref())),
                )
                .body(body);
            posts.spawn(async move {
                let answered = request.send().await;
                let taken = answered.is_ok_and(|answer| answer.status() == 200);
                (due, taken)
            });
        }
    }
}

/// A delivery that was not taken comes again, later each time.
fn again(state: &State, due: Vec<Due>) {
    let mut sends = state.sends();
    for one in due {
        let failures = one.failures + 1;
        if failures < MOST_FAILURES {
            let wait = Duration::from_millis(100 << failures.min(9)).min(LONGEST);
            sends.due.push(Due {
                at: Instant::now() + wait,
                failures,
                ..one
            });
        }
    }
}

/// Events as Meta puts them into one delivery: one change for each field.
fn envelope(due: &[Due]) -> Value {
    let mut changes: Vec<Value> = Vec::new();
    for one in due {
        if one.list.is_empty() {
            changes.push(json!({ "field": one.field, "value": one.event }));
            continue;
        }
        let known = changes
            .iter_mut()
            .find(|change| change["field"] == one.field && change["value"][one.list].is_array());
        match known.and_then(|change| change["value"][one.list].as_array_mut()) {
            Some(list) => list.push(one.event.clone()),
            None => changes.push(json!({ "field": one.field, "value": {
                "messaging_product": "whatsapp",
                "metadata": { "display_phone_number": "16505550123", "phone_number_id": PHONE_NUMBER_ID },
                one.list: [one.event],
            } })),
        }
    }
    json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": BUSINESS_ACCOUNT_ID, "changes": changes }],
    })
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
