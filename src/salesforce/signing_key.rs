//! The private key that signs the statements of the JWT bearer flow.

use std::fmt;
use std::sync::Arc;

use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::RSA_PKCS1_SHA256;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use zeroize::Zeroizing;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::secret::Secret;

use super::errors;

/// An RSA key of 2,048 bits or more that signs as RS256 (RFC 7518, section 3.3). Its `Debug` shows nothing of it.
///
/// The text it is read from is zeroed with its [`Secret`]; the key's numbers live in `ring`'s memory, which `ring` does not
/// zero when they go.
#[derive(Clone)]
pub struct SigningKey(Arc<KeyPair>);

impl SigningKey {
    /// Whether both have one public half, and so are one key.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.0.public().as_ref() == other.0.public().as_ref()
    }

    /// Reads the first private key of a PEM text, PKCS#8 (`BEGIN PRIVATE KEY`) or PKCS#1 (`BEGIN RSA PRIVATE KEY`). Line
    /// ends may be written as `\n`, as environment files do.
    ///
    /// # Errors
    /// `private-key-unusable`, with the reason: another kind of key, one under a password, a certificate, a short key.
    pub fn from_pem(pem: &Secret) -> Result<Self> {
        let text = pem.expose();
        let unescaped = Zeroizing::new(if text.contains('\n') {
            String::new()
        } else {
            text.replace("\\n", "\n")
        });
        let text = if unescaped.is_empty() {
            text
        } else {
            unescaped.as_str()
        };
        if let Some(why) = unsuitable(text) {
            return Err(unusable(why));
        }
        let key = PrivateKeyDer::from_pem_slice(text.as_bytes())
            .map_err(|_| unusable("it is not a PEM text, or it is damaged"))?;
        let pair = match &key {
            PrivateKeyDer::Pkcs8(der) => KeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => KeyPair::from_der(der.secret_pkcs1_der()),
            _ => return Err(unusable("it is no RSA key")),
        };
        pair.map(|pair| Self(Arc::new(pair))).map_err(|rejected| {
            unusable(match rejected.to_string().as_str() {
                "WrongAlgorithm" => "it is no RSA key",
                "TooSmall" => "it is shorter than 2,048 bits",
                "TooLarge" | "PrivateModulusLenNotMultipleOf512Bits" => {
                    "it has an unusual number of bits"
                }
                _ => "it is damaged",
            })
        })
    }

    /// Signs a message.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message,
                &mut signature,
            )
            .map_err(|_| Error::bug("a checked RSA key does not sign"))?;
        Ok(signature)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

/// What else a text can be that a person took for the key.
fn unsuitable(text: &str) -> Option<&'static str> {
    let holds = |part: &str| text.contains(part);
    if text.trim().is_empty() {
        Some("it is empty")
    } else if holds("ENCRYPTED") {
        Some("it is under a password, which nobody is there to enter")
    } else if holds("BEGIN OPENSSH PRIVATE KEY") {
        Some("it is in the form of OpenSSH")
    } else if holds("BEGIN EC PRIVATE KEY") || holds("BEGIN DSA PRIVATE KEY") {
        Some("it is no RSA key")
    } else if holds("PRIVATE KEY-----") {
        None
    } else if holds("BEGIN CERTIFICATE") {
        Some(
            "it is the certificate, which belongs to the app in Salesforce; the key beside it is meant",
        )
    } else if holds("PUBLIC KEY") {
        Some("it is the public key; the private one is meant")
    } else {
        Some("it is not a PEM text")
    }
}

fn unusable(why: &str) -> Error {
    let error = Error::new(
        Code::PrivateKeyUnusable,
        format!("the private key cannot be used: {why}"),
    );
    match errors::meaning(Code::PrivateKeyUnusable) {
        Some((_, help)) => error.help(help),
        None => error,
    }
}
