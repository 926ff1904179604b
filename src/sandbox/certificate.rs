//! The self-signed certificate of a sandbox that serves https.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};

/// Makes a certificate for the loopback names and writes it, in PEM, where clients can be pointed to.
pub(super) fn make(address: SocketAddr) -> Result<(TlsAcceptor, PathBuf)> {
    let failed = || {
        Error::new(
            Code::SandboxStart,
            "the sandbox cannot make its certificate",
        )
    };
    let names = vec![
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "::1".to_owned(),
    ];
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(names).map_err(|error| failed().caused_by(error))?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|config| {
            config
                .with_no_client_auth()
                .with_single_cert(vec![cert.der().clone()], key)
        })
        .map_err(|error| failed().caused_by(error))?;
    let name = format!(
        "bridged-sandbox-{}-{}.pem",
        std::process::id(),
        address.port()
    );
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, cert.pem()).map_err(|error| failed().caused_by(error))?;
    Ok((TlsAcceptor::from(Arc::new(config)), path))
}

/// Removes the written certificate; one that is gone already is no matter.
pub(super) fn remove(path: &Path) {
    let _removed = std::fs::remove_file(path);
}
