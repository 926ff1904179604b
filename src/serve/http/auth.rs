//! Bearer tokens: of each only a hash is kept, and a token that was revoked is refused within a second.

use std::hint::black_box;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use ring::digest::SHA256;

use crate::foundation::error::Result;
use crate::store::Store;
use crate::store::model::{ApiToken, Role};

/// How long the list of tokens is believed.
const BELIEVED: Duration = Duration::from_secs(1);

/// The longest token that is looked at.
const LONGEST: usize = 256;

/// The hash of a token. A token has 256 random bits, so a plain hash of it cannot be guessed back.
pub fn digest(token: &str) -> [u8; 32] {
    digest_bytes(token.as_bytes())
}

/// SHA-256 of what was sent.
pub(super) fn digest_bytes(sent: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(ring::digest::digest(&SHA256, sent).as_ref());
    bytes
}

/// The tokens of the store, read again when they are older than a second.
pub(super) struct Tokens {
    store: Arc<dyn Store>,
    known: Mutex<Option<(Instant, Vec<ApiToken>)>>,
}

impl Tokens {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            known: Mutex::default(),
        }
    }

    /// The name and the role of whoever brings a token; `None` where it is none of ours.
    pub(super) fn caller(&self, token: &str, now: Timestamp) -> Result<Option<(String, Role)>> {
        if token.len() > LONGEST {
            return Ok(None);
        }
        let brought = digest(token);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = known
            .as_ref()
            .is_some_and(|(read, _)| read.elapsed() < BELIEVED);
        if !is_fresh {
            *known = Some((Instant::now(), self.store.tokens()?));
        }
        let tokens = known.as_ref().map_or(&[][..], |(_, tokens)| tokens);
        let mut found = None;
        for token in tokens {
            // Each is compared, and each to its end.
            let pairs = token.hash.iter().zip(&brought);
            let differs = pairs.fold(0, |differs, (own, other)| {
                black_box(differs | (own ^ other))
            });
            let is_it = differs == 0;
            let is_good = token.expires_at.is_none_or(|expires| expires > now);
            if is_it && is_good {
                found = Some((token.name.clone(), token.role));
            }
        }
        Ok(found)
    }
}
