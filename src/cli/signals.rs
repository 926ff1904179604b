//! Ctrl-C and SIGTERM: the first asks the command to finish what it has in hand, the second ends it at once.

use tokio::signal::unix::{SignalKind, signal};

use super::exit::Exit;
use super::outcome;
use super::text::{CAUTION, paint};
use crate::engine::cancel::{self, Cancel};
use crate::foundation::error::{Error, Result};

/// Listens from the call on; the first signal cancels, and `note` is shown then where there is one.
///
/// Must be called within a runtime.
pub fn listen(note: Option<&'static str>) -> Result<Cancel> {
    let refused = |error| Error::bug("signals cannot be received").caused_by(error);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(refused)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(refused)?;
    let (canceller, cancel) = cancel::pair();
    tokio::spawn(async move {
        for is_second in [false, true] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if is_second {
                std::process::exit(Exit::Interrupted.code().into());
            }
            if let Some(note) = note {
                outcome::print_err(&format!("{}\n", paint(CAUTION, note)));
            }
            canceller.cancel();
        }
    });
    Ok(cancel)
}
