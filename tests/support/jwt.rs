//! Signs JWTs with the test keys.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};

/// The key that the certificate belongs to.
pub(crate) const KEY: &str = include_str!("../data/jwt-test-key.pem");
/// The certificate.
pub(crate) const CERTIFICATE: &str = include_str!("../data/jwt-test-certificate.pem");
/// The public half of the key.
pub(crate) const PUBLIC: &str = include_str!("../data/jwt-test-public.pem");
/// A key that the certificate does not belong to.
pub(crate) const OTHER_KEY: &str = include_str!("../data/jwt-other-key.pem");

/// A signed token of these claims.
pub(crate) fn sign(key: &str, claims: &Value) -> String {
    sign_with(key, &json!({ "alg": "RS256" }), claims)
}

/// A token with a header of its own, signed with RS256 whatever that says.
pub(crate) fn sign_with(key: &str, header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let der = PrivatePkcs8KeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let pair = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        message.as_bytes(),
        &mut signature,
    )
    .unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The claims of an assertion that ends in three minutes of the machine's clock.
pub(crate) fn claims(issuer: &str, subject: &str, audience: &str) -> Value {
    let exp = jiff::Timestamp::now().as_second() + 180;
    json!({ "iss": issuer, "sub": subject, "aud": audience, "exp": exp })
}
