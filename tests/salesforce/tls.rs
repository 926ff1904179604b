//! Whom the client trusts, and what it does not speak.

use std::sync::Arc;

use bridged::foundation::code::Code;
use bridged::foundation::error::Error;
use bridged::salesforce::client::Client;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use super::org::{settings, shown, token};
use crate::support::wire::{Reply, Wire, head, raw};

/// A certificate authority of the test's own.
fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn for_names(names: &[&str]) -> CertificateParams {
    CertificateParams::new(
        names
            .iter()
            .map(|&name| name.to_owned())
            .collect::<Vec<_>>(),
    )
    .unwrap()
}

fn acceptor(chain: Vec<rustls::pki_types::CertificateDer<'static>>, key: &KeyPair) -> TlsAcceptor {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// A server with a certificate made from `params`, signed by `issuer` or by itself.
async fn server(
    params: CertificateParams,
    issuer: Option<&CertifiedIssuer<'static, KeyPair>>,
) -> Wire {
    let key = KeyPair::generate().unwrap();
    let certificate = match issuer {
        Some(issuer) => params.signed_by(&key, issuer).unwrap(),
        None => params.self_signed(&key).unwrap(),
    };
    let tls = acceptor(vec![certificate.der().clone()], &key);
    Wire::start_tls(tls, |request| match request.target.as_str() {
        "/services/oauth2/token" => token(&format!("https://{}", request.header("host")), 1),
        _ => Reply::Bytes(head(
            200,
            &["Content-Encoding: gzip"],
            Some(BOMB.len()),
            BOMB,
        )),
    })
    .await
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
