//! The asynchronous runtime of commands that talk to Salesforce.

use std::future::Future;

use crate::foundation::error::{Error, Result};

/// Runs a future to its end on a runtime of its own.
pub fn block_on<F: Future>(future: F) -> Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Error::bug("the asynchronous runtime did not start").caused_by(error))?;
    let output = runtime.block_on(future);
    // Connections of the sandbox may still be open; nobody waits for them.
    runtime.shutdown_background();
    Ok(output)
}
