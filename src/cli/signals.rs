//! Ctrl-C and SIGTERM: the first asks the command to finish the batch in hand, the second ends it at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::exit::Exit;
use super::outcome;
use super::text::{CAUTION, paint};
use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};

/// Listens from now on; the value becomes true with the first signal.
///
/// Must be called within a runtime.
pub fn listen() -> Result<watch::Receiver<bool>> {
    let refused = |error| Error::new(Code::Bug, "signals cannot be received").caused_by(error);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(refused)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(refused)?;
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        for last in [false, true] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if last {
                std::process::exit(Exit::Interrupted.code().into());
            }
            let note = "stopping after the batch in hand; once more stops at once";
            outcome::print_err(&format!("{}\n", paint(CAUTION, note)));
            let _ = sender.send(true);
        }
    });
    Ok(receiver)
}
