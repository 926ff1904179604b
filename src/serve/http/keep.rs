//! Keeping webhooks: deliveries that come together are made durable together, each before its answer.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use tokio::sync::oneshot;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::store::Store;
use crate::store::model::NewWebhook;

/// Deliveries that wait for the disk at the most; a further one is refused, and Meta brings it again.
const WAITING: usize = 4_096;

/// Deliveries of one transaction at the most.
const TOGETHER: usize = 512;

/// A delivery, and who waits for it: whether it was new.
type Item = (NewWebhook, oneshot::Sender<Result<bool>>);

/// Hands deliveries to the one thread that writes them.
pub(super) struct Keeper(SyncSender<Item>);

impl Keeper {
    /// Starts that thread; it ends with the last handle.
    pub(super) fn start(store: Arc<dyn Store>) -> Self {
        let (sender, receiver) = sync_channel(WAITING);
        // A thread that cannot be started shows as a closed channel, and every delivery is refused.
        let _ = std::thread::Builder::new()
            .name("webhooks".to_owned())
            .spawn(move || write(store.as_ref(), &receiver));
        Self(sender)
    }

    /// I24: keeps a delivery; it is durable when this returns.
    ///
    /// # Errors
    /// `store-busy` where too many wait; what the store says.
    pub(super) async fn keep(&self, webhook: NewWebhook) -> Result<bool> {
        let (sender, receiver) = oneshot::channel();
        self.0.try_send((webhook, sender)).map_err(|refused| {
            let why = match refused {
                TrySendError::Full(_) => "too many deliveries wait to be kept",
                TrySendError::Disconnected(_) => "the thread that keeps deliveries has ended",
            };
            Error::new(Code::StoreBusy, why)
        })?;
        receiver
            .await
            .map_err(|cause| Error::bug("a delivery was dropped").caused_by(cause))?
    }
}

/// Writes what waits, in one transaction; while it waits for the disk the next ones gather.
fn write(store: &dyn Store, receiver: &Receiver<Item>) {
    while let Ok(first) = receiver.recv() {
        let mut items = vec![first];
        items.extend(receiver.try_iter().take(TOGETHER - 1));
        let (webhooks, waiting): (Vec<NewWebhook>, Vec<_>) = items.into_iter().unzip();
        match store.keep_webhooks(&webhooks) {
            Ok(fresh) => {
                for (sender, fresh) in waiting.into_iter().zip(fresh) {
                    // Whoever does not wait any more hears of it by the next delivery.
                    let _ = sender.send(Ok(fresh));
                }
            }
            Err(error) => {
                for sender in waiting {
                    let _ = sender.send(Err(Error::new(error.code(), error.message())));
                }
            }
        }
    }
}
