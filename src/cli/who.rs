//! The person that a command is about, and the key under whose hashes people are remembered.

use std::io::BufRead as _;

use super::org::Org;
use super::outcome::Stop;
use super::runtime;
use super::workspace::Workspace;
use crate::engine::broadcast;
use crate::foundation::code::Code;
use crate::foundation::error::Error;
use crate::foundation::identity::IdentityKey;
use crate::privacy::{Ambiguous, Target};
use crate::store::Store;

/// What can be typed to name a person.
#[derive(Debug, clap::Args)]
pub struct Who {
    /// The person: a profile's key, a Salesforce Id, a phone as +14155550100, an email or a WhatsApp user id; `-` reads it from
    /// standard input, which no list of processes shows.
    pub who: String,

    /// Everybody it fits, where it fits several.
    #[arg(long)]
    pub all: bool,
}

impl Who {
    /// The person that was typed, or that stands on standard input.
    ///
    /// # Errors
    /// `ambiguous-profile` where several fit and not all are meant; what standard input and the store say.
    pub fn target(&self, store: &dyn Store, key: &IdentityKey) -> Result<Target, Stop> {
        let mut text = self.who.clone();
        if self.who == "-" {
            text.clear();
            let read = std::io::stdin().lock().read_line(&mut text);
            read.map_err(|error| {
                Error::new(Code::FileUnreadable, "standard input cannot be read").caused_by(error)
            })?;
        }
        if text.trim().is_empty() {
            let error = Error::new(Code::InvalidUsage, "no person is named");
            return Err(error
                .help("give a key, a Salesforce Id, a phone or an email")
                .into());
        }
        Target::find(store, key, &text, self.all)?.map_err(|Ambiguous(keys)| {
            let some: Vec<String> = keys.iter().take(5).map(|key| format!("`{key}`")).collect();
            let message = format!("{} people fit: {}", keys.len(), some.join(", "));
            Error::new(Code::AmbiguousProfile, message)
                .help("give the key of one of them, or add `--all`")
                .into()
        })
    }
}

/// The key under whose hashes people are remembered. The one that is kept first stays.
pub fn identity_key(workspace: &Workspace, store: &dyn Store) -> Result<IdentityKey, Stop> {
    let key = runtime::block_on(async { Org::open(workspace).await?.identity_key() })??;
    if !store.keep_identity_check(key.check())? {
        return Err(broadcast::key_changed().into());
    }
    Ok(key)
}
