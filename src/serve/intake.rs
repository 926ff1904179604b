//! Taking in what the webhook kept: as soon as it arrives, in the order in which it came.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::foundation::clock::Clock;
use crate::foundation::identity::IdentityKey;
use crate::inbound::{self, Step};
use crate::store::Store;

use super::control::Control as _;
use super::server::Server;

/// How often waiting deliveries are looked for, besides when one is kept.
const LOOK: Duration = Duration::from_millis(500);

/// How long it waits behind a store that could not be used.
const PAUSE: Duration = Duration::from_secs(1);

/// Takes deliveries in for as long as the server lives. What waits when it ends is taken in by the next one.
pub async fn run(
    server: Arc<Server>,
    store: Arc<dyn Store>,
    key: IdentityKey,
    clock: Clock,
    arrived: Arc<Notify>,
) {
    loop {
        let (given, key, now) = (Arc::clone(&store), key.clone(), clock.now());
        let work = tokio::task::spawn_blocking(move || inbound::step(given.as_ref(), &key, now));
        match work.await {
            Ok(Ok(Step { webhooks: 0, .. })) => {
                // Nothing waits: until something arrives, or for a while.
                let _ = tokio::time::timeout(LOOK, arrived.notified()).await;
            }
            Ok(Ok(taken)) => tell(&server, taken),
            Ok(Err(error)) => {
                tracing::error!(code = %error.code(), "deliveries wait, and cannot be taken in: {error}");
                tokio::time::sleep(PAUSE).await;
            }
            Err(panic) => {
                tracing::error!("taking deliveries in panicked: {panic}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn tell(server: &Server, taken: Step) {
    for code in taken.unknown_codes {
        server.metrics.unknown_code(code);
    }
    if taken.applied.applied > 0 {
        server.records_changed();
    }
}
