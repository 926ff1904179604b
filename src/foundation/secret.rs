//! A text that must never be shown: it has no `Display`, a redacted `Debug`, and is zeroed when dropped.

use std::fmt;
use std::hint::black_box;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};
use zeroize::{Zeroize, Zeroizing};

use super::error::{Error, Result};

/// A credential or token that nothing can print (I8). Reading it takes a call that names the act: [`Secret::expose`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the text over; the caller keeps no copy.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// 256 random bits as 43 letters of base64url, which nobody can guess.
    ///
    /// # Errors
    /// `bug`, where the machine has no random numbers.
    pub fn random() -> Result<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        SystemRandom::new()
            .fill(&mut *bytes)
            .map_err(|_| Error::bug("the machine has no random numbers"))?;
        Ok(Self::new(URL_SAFE_NO_PAD.encode(*bytes)))
    }

    /// Whether `other` is the same text, found out in a time that depends on the length of `other` alone: how much of it is
    /// right cannot be measured. An empty secret matches nothing, so that one that was never set opens no door.
    ///
    /// For what a stranger sends: a `state`, a signature, a token. `==` is for secrets of one's own.
    pub fn matches(&self, other: &str) -> bool {
        let (own, other) = (self.0.as_bytes(), other.as_bytes());
        if own.is_empty() {
            return false;
        }
        let mut difference = u8::from(own.len() != other.len());
        for (at, byte) in other.iter().enumerate() {
            // Each step is made, whatever the ones before it found.
            difference = black_box(difference | (own[at % own.len()] ^ byte));
        }
        black_box(difference) == 0
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x22_only_the_same_text_matches() {
        let secret = Secret::new("0123456789abcdef0123456789abcdef");
        assert!(secret.matches("0123456789abcdef0123456789abcdef"));
        for right in 0..32 {
            let mut other = secret.expose().as_bytes().to_vec();
            other[right] ^= 1;
            assert!(
                !secret.matches(&String::from_utf8(other).unwrap()),
                "{right}"
            );
            assert!(!secret.matches(&secret.expose()[..right]), "{right}");
        }
        let twice = secret.expose().repeat(2);
        assert!(!secret.matches(&twice) && !Secret::new(twice.as_str()).matches(secret.expose()));
        assert!(!secret.matches(&format!("{}0", secret.expose())));
        assert!(!Secret::new("").matches("") && !Secret::new("").matches("x"));
        assert!(Secret::new("ü").matches("ü") && !Secret::new("ü").matches("u"));
    }

    #[test]
    fn debug_never_shows_the_text() {
        let shown = format!(
            "{:?} {:#?}",
            Secret::new("hunter2"),
            Some(Secret::new("hunter2"))
        );
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
