//! The sandbox over TLS, scanned: which versions and suites it speaks, and which it refuses.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion};

use crate::support::sandbox::Sandbox;

/// The alert record of TLS (RFC 8446, section 5.1).
const ALERT: u8 = 21;

fn address(sandbox: &Sandbox) -> String {
    let url = sandbox.value("salesforce_url");
    url.trim_start_matches("https://")
        .trim_end_matches('/')
        .to_owned()
}

fn connect(sandbox: &Sandbox) -> TcpStream {
    let stream = TcpStream::connect(address(sandbox)).expect("it listens");
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a time limit");
    stream
}

/// The first message of a client that offers one version and these suites (RFC 5246, section 7.4.1.2).
fn client_hello(version: [u8; 2], suites: &[[u8; 2]]) -> Vec<u8> {
    // Groups, point formats, and signatures with SHA-256 and SHA-1: what a client of that time sends.
    let extensions: &[u8] = &[
        0, 10, 0, 4, 0, 2, 0, 23, // secp256r1
        0, 11, 0, 2, 1, 0, // uncompressed points
        0, 13, 0, 8, 0, 6, 4, 1, 4, 3, 2, 1, // RSA and ECDSA
    ];
    let mut body = version.to_vec();
    body.extend([7; 32]);
    body.push(0);
    body.extend(u16::try_from(suites.len() * 2).expect("few").to_be_bytes());
    body.extend(suites.iter().flatten());
    body.extend([1, 0]);
    body.extend(u16::try_from(extensions.len()).expect("few").to_be_bytes());
    body.extend(extensions);
    let length = u32::try_from(body.len()).expect("short").to_be_bytes();
    let mut message = vec![1, length[1], length[2], length[3]];
    message.extend(body);
    let mut record = vec![22, 3, 1];
    record.extend(u16::try_from(message.len()).expect("short").to_be_bytes());
    record.extend(message);
    record
}

/// The type of the record that answers.
fn answer(sandbox: &Sandbox, hello: &[u8]) -> u8 {
    let mut stream = connect(sandbox);
    stream.write_all(hello).expect("sent");
    let mut first = [0; 1];
    stream.read_exact(&mut first).expect("an answer");
    first[0]
}

/// The version and the suite on which both sides agree.
fn agreed(sandbox: &Sandbox, version: &'static SupportedProtocolVersion) -> (String, String) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    let pem = std::fs::read(sandbox.value("certificate")).expect("the certificate");
    roots
        .add(CertificateDer::from_pem_slice(&pem).expect("PEM"))
        .expect("an authority");
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .expect("a version")
        .with_webpki_verifier(verifier.build().expect("a verifier"))
        .with_no_client_auth();
    let host = address(sandbox)
        .rsplit_once(':')
        .expect("a port")
        .0
        .to_owned();
    let name = ServerName::try_from(host).expect("a name");
    let mut client = ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut stream = connect(sandbox);
    while client.is_handshaking() {
        client.complete_io(&mut stream).expect("a handshake");
    }
    let suite = client.negotiated_cipher_suite().expect("a suite").suite();
    let version = client.protocol_version().expect("a version");
    (format!("{version:?}"), format!("{suite:?}"))
}

#[test]
fn x08_the_listener_speaks_tls_1_2_and_1_3_alone_and_only_strong_suites() {
    let sandbox = Sandbox::start(&["--tls", "--leads", "0"]);
    for (version, name) in [
        (&rustls::version::TLS12, "TLSv1_2"),
        (&rustls::version::TLS13, "TLSv1_3"),
    ] {
        let (version, suite) = agreed(&sandbox, version);
        assert_eq!(version, name);
        let is_strong = suite.contains("GCM") || suite.contains("CHACHA20");
        assert!(
            is_strong && (suite.starts_with("TLS13") || suite.contains("ECDHE")),
            "{suite}"
        );
    }
    // SSL 3.0, TLS 1.0 and 1.1, whatever the suites.
    let strong = [[0xc0, 0x2b], [0xc0, 0x2f]];
    let weak = [
        [0xc0, 0x13], // ECDHE, AES in CBC mode, SHA-1
        [0xc0, 0x27], // ECDHE, AES in CBC mode
        [0x00, 0x2f], // RSA key exchange
        [0x00, 0x9c], // RSA key exchange, AES-GCM
        [0x00, 0x05], // RC4
        [0x00, 0x0a], // triple DES
        [0x00, 0x02], // no encryption
    ];
    for version in [[3, 0], [3, 1], [3, 2]] {
        for suites in [&strong[..], &weak] {
            assert_eq!(
                answer(&sandbox, &client_hello(version, suites)),
                ALERT,
                "{version:?}"
            );
        }
    }
    for suite in weak {
        assert_eq!(
            answer(&sandbox, &client_hello([3, 3], &[suite])),
            ALERT,
            "{suite:02x?}"
        );
    }
    // The same message with a strong suite is taken, so it is the suites that were refused.
    assert_ne!(answer(&sandbox, &client_hello([3, 3], &strong)), ALERT);
}
