//! RSA keys out of PEM: a certificate, or a public key.

use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer};

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
const VERSION: u8 = 0xa0;
/// 1.2.840.113549.1.1.1, `rsaEncryption`. Source: RFC 8017, appendix C.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// A key that verifies signatures.
#[derive(Debug)]
pub(in crate::sandbox) struct Key(Vec<u8>);

impl Key {
    /// Whether an RS256 signature over a message is this key's.
    pub(in crate::sandbox) fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.0)
            .verify(message, signature)
            .is_ok()
    }
}

/// The key of a PEM text (`CERTIFICATE` or `PUBLIC KEY`); none where it holds no RSA key.
pub(in crate::sandbox) fn verifies(pem: &str) -> Option<Key> {
    if let Ok(certificate) = CertificateDer::from_pem_slice(pem.as_bytes()) {
        return rsa(key_info(&certificate)?);
    }
    let info = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).ok()?;
    rsa(Reader(&info).take(SEQUENCE)?)
}

/// The content of `subjectPublicKeyInfo`. Source: RFC 5280, section 4.1.
fn key_info(certificate: &[u8]) -> Option<&[u8]> {
    let mut outer = Reader(Reader(certificate).take(SEQUENCE)?);
    let mut signed = Reader(outer.take(SEQUENCE)?);
    if signed.0.first() == Some(&VERSION) {
        signed.any()?;
    }
    // Serial number, algorithm, issuer, validity, subject.
    for _ in 0..5 {
        signed.any()?;
    }
    signed.take(SEQUENCE)
}

/// The `RSAPublicKey` in a `subjectPublicKeyInfo`.
fn rsa(info: &[u8]) -> Option<Key> {
    let mut info = Reader(info);
    let algorithm = info.take(SEQUENCE)?;
    let (_, object) = Reader(algorithm).any()?;
    // The first byte counts the bits that the last byte does not use: none in a key.
    let key = info.take(BIT_STRING)?.strip_prefix(&[0])?;
    (object == RSA).then(|| Key(key.to_vec()))
}

/// Reads DER, value by value.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The content of the next value, which must have a tag.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (found, content) = self.any()?;
        (found == tag).then_some(content)
    }

    /// The next value's tag and content.
    fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let count = usize::from(first & 0x7f);
            // Four bytes of length are more than any certificate has.
            let bytes = rest.get(..count).filter(|_| (1..=4).contains(&count))?;
            let length = bytes
                .iter()
                .fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
            (length, &rest[count..])
        };
        let content = rest.get(..length)?;
        self.0 = &rest[length..];
        Some((tag, content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: &str = include_str!("../../../tests/data/jwt-test-certificate.pem");
    const PUBLIC: &str = include_str!("../../../tests/data/jwt-test-public.pem");

    #[test]
    fn a_certificate_and_its_public_key_hold_the_same_key() {
        let keys = [CERTIFICATE, PUBLIC].map(|pem| verifies(pem).unwrap().0);
        assert_eq!(keys[0], keys[1]);
    }

    #[test]
    fn damage_is_refused_and_never_a_panic() {
        let whole = CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).unwrap();
        for end in 0..whole.len() {
            let key = key_info(&whole[..end]).and_then(rsa);
            assert!(key.is_none(), "{end}");
        }
        let mut damaged = whole.to_vec();
        for at in 0..damaged.len() {
            let byte = damaged[at];
            for other in [0x00, 0x7f, 0x80, 0x84, 0xff, byte ^ 1] {
                damaged[at] = other;
                let _key = key_info(&damaged).and_then(rsa);
            }
            damaged[at] = byte;
        }
    }
}
