//! Whom the client trusts, and what it does not speak.

use std::sync::Arc;

use bridged::foundation::code::Code;
use bridged::foundation::error::Error;
use bridged::salesforce::client::Client;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ALL_VERSIONS, SupportedProtocolVersion};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::org::{settings, shown, token};
use crate::support::wire::{Reply, Request, Wire, head, raw};

/// A certificate authority of the test's own.
pub(super) fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

pub(super) fn for_names(names: &[&str]) -> CertificateParams {
    CertificateParams::new(
        names
            .iter()
            .map(|&name| name.to_owned())
            .collect::<Vec<_>>(),
    )
    .unwrap()
}

fn acceptor(
    chain: Vec<rustls::pki_types::CertificateDer<'static>>,
    key: &KeyPair,
    versions: &[&'static SupportedProtocolVersion],
) -> TlsAcceptor {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = rustls::ServerConfig::builder_with_protocol_versions(versions)
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// A server of `script` with a certificate made from `params`, signed by `issuer` or by itself.
pub(super) async fn serving(
    params: CertificateParams,
    issuer: Option<&CertifiedIssuer<'static, KeyPair>>,
    script: impl Fn(&Request) -> Reply + Send + Sync + 'static,
) -> Wire {
    speaking(params, issuer, ALL_VERSIONS, script).await
}

async fn speaking(
    params: CertificateParams,
    issuer: Option<&CertifiedIssuer<'static, KeyPair>>,
    versions: &[&'static SupportedProtocolVersion],
    script: impl Fn(&Request) -> Reply + Send + Sync + 'static,
) -> Wire {
    let key = KeyPair::generate().unwrap();
    let certificate = match issuer {
        Some(issuer) => params.signed_by(&key, issuer).unwrap(),
        None => params.self_signed(&key).unwrap(),
    };
    let tls = acceptor(vec![certificate.der().clone()], &key, versions);
    Wire::start_tls(tls, script).await
}

fn org(request: &Request) -> Reply {
    match request.target.as_str() {
        "/services/oauth2/token" => token(&format!("https://{}", request.header("host")), 1),
        _ => Reply::Bytes(head(
            200,
            &["Content-Encoding: gzip"],
            Some(BOMB.len()),
            BOMB,
        )),
    }
}

/// A server with a certificate made from `params`, signed by `issuer` or by itself.
async fn server(
    params: CertificateParams,
    issuer: Option<&CertifiedIssuer<'static, KeyPair>>,
) -> Wire {
    serving(params, issuer, org).await
}

fn trusting(url: String, authorities: &[&CertifiedIssuer<'static, KeyPair>]) -> Client {
    let mut settings = settings(url);
    settings.max_answer_bytes = 50_000;
    settings.extra_ca = authorities.iter().map(|ca| ca.pem().into_bytes()).collect();
    Client::new(settings).unwrap()
}

async fn refused(client: &Client) -> Error {
    let error = client.sign_in().await.unwrap_err();
    assert_eq!(error.code(), Code::TlsFailed, "{}", shown(&error));
    assert_eq!(error.context().attempt, Some(1), "not tried again");
    error
}

#[tokio::test]
async fn x07_the_right_authority_is_trusted() {
    let ca = authority("bridged test authority");
    let wire = server(for_names(&["localhost", "127.0.0.1"]), Some(&ca)).await;
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("https://{host}:{}", wire.address.port());
        trusting(url, &[&ca]).sign_in().await.unwrap();
    }
}

#[tokio::test]
async fn x07_certificates_that_prove_nothing_are_refused() {
    let ca = authority("bridged test authority");
    let other = authority("another authority");
    let names = || for_names(&["localhost", "127.0.0.1"]);
    let mut expired = names();
    expired.not_before = date_time_ymd(2001, 1, 1);
    expired.not_after = date_time_ymd(2002, 1, 1);
    let mut future = names();
    future.not_before = date_time_ymd(2900, 1, 1);
    future.not_after = date_time_ymd(2901, 1, 1);
    for (what, wire, words) in [
        ("self-signed", server(names(), None).await, "does not trust"),
        (
            "wrong authority",
            server(names(), Some(&other)).await,
            "does not trust",
        ),
        ("expired", server(expired, Some(&ca)).await, "expired"),
        ("not yet valid", server(future, Some(&ca)).await, ""),
        (
            "wrong host",
            server(for_names(&["acme.my.salesforce.com"]), Some(&ca)).await,
            "another host",
        ),
        (
            "no host",
            server(for_names(&[]), Some(&ca)).await,
            "another host",
        ),
    ] {
        let error = refused(&trusting(wire.url("https"), &[&ca])).await;
        assert!(error.message().contains(words), "{what}: {error}");
        assert!(wire.requests().is_empty(), "{what}: nothing was sent");
    }
}

#[tokio::test]
async fn x07_tls_1_2_and_tls_1_3_are_spoken() {
    let ca = authority("bridged test authority");
    for version in [&TLS12, &TLS13] {
        let wire = speaking(for_names(&["127.0.0.1"]), Some(&ca), &[version], org).await;
        let client = trusting(wire.url("https"), &[&ca]);
        client
            .sign_in()
            .await
            .unwrap_or_else(|error| panic!("{version:?}: {error}"));
    }
}

/// The versions and the cipher suites that a client's first message offers (RFC 8446, section 4.1.2).
fn offered(hello: &[u8]) -> (Vec<u16>, Vec<u16>) {
    let number = |at: usize| u16::from_be_bytes([hello[at], hello[at + 1]]);
    let numbers = |at: usize, bytes: usize| (at..at + bytes).step_by(2).map(number).collect();
    assert_eq!(
        (hello[0], hello[5]),
        (22, 1),
        "a handshake with a client's hello"
    );
    // The record's and the message's header, the version of old, the random bytes.
    let mut at = 5 + 4 + 2 + 32;
    at += 1 + usize::from(hello[at]);
    let suites: Vec<u16> = numbers(at + 2, usize::from(number(at)));
    at += 2 + usize::from(number(at));
    at += 1 + usize::from(hello[at]);
    let end = at + 2 + usize::from(number(at));
    at += 2;
    while at < end {
        let (kind, length) = (number(at), usize::from(number(at + 2)));
        if kind == 43 {
            return (numbers(at + 5, usize::from(hello[at + 4])), suites);
        }
        at += 4 + length;
    }
    panic!("no list of versions: {hello:?}");
}

#[tokio::test]
async fn x07_the_first_message_offers_nothing_older_than_tls_1_2() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = vec![0; 5];
        stream.read_exact(&mut hello).await.unwrap();
        let rest = usize::from(u16::from_be_bytes([hello[3], hello[4]]));
        hello.resize(5 + rest, 0);
        stream.read_exact(&mut hello[5..]).await.unwrap();
        hello
    });
    let ca = authority("bridged test authority");
    let client = trusting(format!("https://{address}"), &[&ca]);
    let call = tokio::spawn(async move { client.sign_in().await });
    let (versions, suites) = offered(&heard.await.unwrap());
    call.abort();
    assert_eq!(versions, [0x0304, 0x0303]);
    // TLS 1.3's own, those of TLS 1.2 with forward secrecy and authenticated encryption, and the mark of renegotiation.
    let strong = |suite: &u16| {
        matches!(
            suite,
            0x1301..=0x1303 | 0xc02b | 0xc02c | 0xc02f | 0xc030 | 0xcca8 | 0xcca9 | 0x00ff
        )
    };
    assert!(suites.iter().all(strong), "{suites:04x?}");
}

/// What a server that speaks nothing newer answers to a client's first message.
fn old_hello(version: [u8; 2]) -> Vec<u8> {
    let mut hello = vec![version[0], version[1]];
    hello.extend([7; 32]);
    // No session, TLS_RSA_WITH_AES_128_CBC_SHA, no compression.
    hello.extend([0, 0x00, 0x2f, 0]);
    let mut message = vec![2, 0, 0, hello.len() as u8];
    message.extend(hello);
    let mut record = vec![22, version[0], version[1], 0, message.len() as u8];
    record.extend(message);
    record
}

#[tokio::test]
async fn x07_servers_older_than_tls_1_2_are_refused() {
    let ca = authority("bridged test authority");
    for (what, bytes) in [
        ("SSL 3.0", old_hello([3, 0])),
        ("TLS 1.0", old_hello([3, 1])),
        ("TLS 1.1", old_hello([3, 2])),
        ("TLS 1.2 with a cipher of old", old_hello([3, 3])),
        ("an alert: protocol version", vec![21, 3, 1, 0, 2, 2, 70]),
        ("plain HTTP", b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
    ] {
        let address = raw(bytes).await;
        let error = refused(&trusting(format!("https://{address}"), &[&ca])).await;
        assert!(
            error.message().starts_with("TLS failed: "),
            "{what}: {error}"
        );
        let too_old = ["SSL 3.0", "TLS 1.0", "TLS 1.1"].contains(&what) || what.contains("alert");
        assert_eq!(
            error.message().contains("no TLS 1.2 or 1.3"),
            too_old,
            "{what}: {error}"
        );
    }
}

#[tokio::test]
async fn x45_a_compressed_answer_is_measured_after_decompression() {
    let ca = authority("bridged test authority");
    let wire = server(for_names(&["127.0.0.1"]), Some(&ca)).await;
    let client = trusting(wire.url("https"), &[&ca]);
    let error = client.limits().await.unwrap_err();
    assert_eq!(error.code(), Code::AnswerTooLarge, "{}", shown(&error));
    assert!(BOMB.len() < 200);
    assert_eq!(wire.requests()[1].header("accept-encoding"), "gzip");
}

/// 100,000 blanks, compressed.
const BOMB: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x31\x01\x00\x00\x00\xc2\xa0\x2a\xeb\x9f\xd2\x1a\
\x1e\x40\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\
\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\
\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\
\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\
\x00\x00\x00\xaf\x06\x2d\xf0\x79\xca\xa0\x86\x01\x00";
