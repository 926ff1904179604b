//! Sealing one secret, and opening it again: XChaCha20-Poly1305 with everything bound in that says where it belongs.

use chacha20poly1305::{AeadInOut, XChaCha20Poly1305, XNonce};
use jiff::Timestamp;
use zeroize::Zeroize;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::secret::Secret;
use crate::store::model::Sealed;

use super::field::Field;
use super::key::{KeyRing, fill_random};

/// The form of what is sealed; another form gets another name.
const FORM: &str = "bridged vault 1";
/// The longest secret, in bytes: a private key of 16,384 bits has about 13,000.
pub const MAX_SECRET_BYTES: usize = 65_536;
/// The bytes behind the secret that authenticate it.
const TAG_BYTES: usize = 16;

/// Where a secret belongs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) project: &'a str,
    pub(super) connection: &'a str,
    pub(super) field: &'a str,
}

impl Place<'_> {
    /// I17: what is authenticated with the secret. Each part has its length before it, so that no two places read alike.
    fn bound(&self, key_id: &str) -> Vec<u8> {
        let parts = [FORM, self.project, self.connection, self.field, key_id];
        let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
        for part in parts {
            bytes.extend((part.len() as u64).to_be_bytes());
            bytes.extend(part.as_bytes());
        }
        bytes
    }
}

/// Refuses what is no secret.
pub(super) fn check(field: Field, secret: &Secret) -> Result<()> {
    let length = secret.expose().len();
    if (1..=MAX_SECRET_BYTES).contains(&length) {
        return Ok(());
    }
    let what = if length == 0 {
        "is empty"
    } else {
        "is too long"
    };
    Err(Error::new(
        Code::VaultSecretRefused,
        format!("the value for `{field}` {what}"),
    )
    .help(format!("Give a value of 1 to {MAX_SECRET_BYTES} bytes")))
}

/// Seals with the newest key.
pub(super) fn seal(
    ring: &KeyRing,
    place: Place<'_>,
    secret: &Secret,
    sealed_at: Timestamp,
) -> Result<Sealed> {
    let mut nonce = [0; 24];
    fill_random(&mut nonce)?;
    let key_id = ring.newest().to_string();
    let bound = place.bound(&key_id);
    // Encrypted where it stands, in room for the tag too: no other copy is made.
    let text = secret.expose().as_bytes();
    let mut bytes = Vec::with_capacity(text.len() + TAG_BYTES);
    bytes.extend_from_slice(text);
    let done = ring
        .sealing()
        .encrypt_in_place(&XNonce::from(nonce), &bound, &mut bytes);
    if done.is_err() {
        bytes.zeroize();
        return Err(Error::bug("a secret could not be sealed"));
    }
    Ok(Sealed {
        connection: place.connection.to_owned(),
        field: place.field.to_owned(),
        key_id,
        nonce,
        ciphertext: bytes,
        sealed_at,
    })
}

/// Opens what a key sealed.
pub(super) fn open(
    cipher: &XChaCha20Poly1305,
    place: Place<'_>,
    sealed: &Sealed,
) -> Result<Secret> {
    let bound = place.bound(&sealed.key_id);
    let mut bytes = sealed.ciphertext.clone();
    // Nothing is decrypted before all of it is known to be right.
    cipher
        .decrypt_in_place(&XNonce::from(sealed.nonce), &bound, &mut bytes)
        .map_err(|_| tampered(place))?;
    match String::from_utf8(bytes) {
        // The text takes the bytes over where they stand.
        Ok(text) => Ok(Secret::new(text)),
        Err(error) => {
            error.into_bytes().zeroize();
            Err(tampered(place))
        }
    }
}

fn tampered(place: Place<'_>) -> Error {
    let (project, connection, field) = (place.project, place.connection, place.field);
    Error::new(
        Code::VaultTampered,
        format!(
            "the stored `{field}` of connection `{connection}` is not what was sealed for project `{project}`"
        ),
    )
    .help(format!(
        "If `name` in `bridged.yaml` was changed, change it back; else enter the secret again with \
         `bridged connect {connection}`, and find out who wrote to the store"
    ))
}
