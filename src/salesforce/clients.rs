//! The clients of a process that lives on: each run has one that counts for itself, and those of one connection sign in once, keep one pace
//! together, and know of each other how much of the org's API is left.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::foundation::error::Result;

use super::budget::CallsLeft;
use super::client::Client;
use super::settings::Settings;

/// The latest client of each connection.
#[derive(Default)]
pub struct Clients(Mutex<BTreeMap<String, Client>>);

impl Clients {
    /// A client of a connection. Where its settings lead to another org, by other credentials or under another budget than before, the
    /// part that changed begins anew.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub fn client(&self, connection: &str, settings: Settings) -> Result<Client> {
        let mut latest = self.latest();
        let client = Client::beside(settings, latest.get(connection))?;
        latest.insert(connection.to_owned(), client.clone());
        Ok(client)
    }

    /// What is left of each org's daily API calls, by connection, as its last answer told.
    pub fn calls_left(&self) -> Vec<(String, CallsLeft)> {
        let latest = self.latest();
        let told = latest
            .iter()
            .filter_map(|(connection, client)| Some((connection.clone(), client.calls_left()?)));
        told.collect()
    }

    fn latest(&self) -> MutexGuard<'_, BTreeMap<String, Client>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Names the connections, and nothing that signs them in.
impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.latest().keys()).finish()
    }
}
