//! A request to stop, seen by everything that waits.

use tokio::sync::watch;

/// The hand that stops a run. Dropping it stops nothing.
#[derive(Debug)]
pub struct Canceller(watch::Sender<bool>);

/// Tells whether the run was asked to stop; copies see the same request.
#[derive(Debug, Clone)]
pub struct Cancel(watch::Receiver<bool>);

/// A fresh pair.
pub fn pair() -> (Canceller, Cancel) {
    let (sender, receiver) = watch::channel(false);
    (Canceller(sender), Cancel(receiver))
}

impl Canceller {
    /// Asks the run to finish the records in hand and to end.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }
}

impl Cancel {
    /// Whether the run was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when the run is asked to stop; never, when nobody can ask any more.
    ///
    /// Dropping the future loses nothing.
    pub async fn cancelled(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|cancelled| *cancelled).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
