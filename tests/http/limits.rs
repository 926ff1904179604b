//! What a client may cost: headers, bodies, time, connections.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use bridged::foundation::code::Code;
use bridged::serve::http::Listen;

use super::scene::Scene;

/// Sends bytes as they are, and reads what comes back until the end or the time-out.
fn raw(scene: &Scene, bytes: &[u8], patience: Duration) -> String {
    let mut stream = TcpStream::connect(scene.address).unwrap();
    stream.set_read_timeout(Some(patience)).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count) = stream.read(&mut buffer) {
        if count == 0 {
            break;
        }
        answer.extend_from_slice(&buffer[..count]);
        if answer.ends_with(b"}") || answer.ends_with(b"ok\n") {
            break;
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn x36_only_its_own_names_are_answered_and_what_a_proxy_claims_is_not_believed() {
    let scene = Scene::start().await;
    let port = scene.address.port();
    let ask = |host: &str| {
        let request = format!(
            "GET /healthz HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Host: evil.test\r\n\r\n"
        );
        raw(&scene, request.as_bytes(), Duration::from_secs(5))
    };
    for host in [
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        "hooks.example.com".to_owned(),
    ] {
        assert_eq!(status(&ask(&host)), "200", "{host}");
    }
    for host in ["evil.test", "127.0.0.1", "hooks.example.com.evil.test", ""] {
        assert_eq!(status(&ask(host)), "400", "{host}");
    }
    let none = raw(
        &scene,
        b"GET /healthz HTTP/1.1\r\n\r\n",
        Duration::from_secs(5),
    );
    assert_eq!(status(&none), "400");
}

#[tokio::test(flavor = "multi_thread")]
async fn x45_r17_bodies_and_headers_have_bounds() {
    let scene = Scene::start().await;
    let host = format!("127.0.0.1:{}", scene.address.port());
    let large = format!(
        "POST /webhooks/whatsapp HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n\r\n",
        (3 << 20) + 1
    );
    // It is refused by its length, or when it has come too far.
    let mut sent = large.into_bytes();
    sent.extend(std::iter::repeat_n(b'x', 64));
    let answer = raw(&scene, &sent, Duration::from_secs(5));
    assert_eq!(status(&answer), "413", "{answer}");
    let coded = format!(
        "POST /webhooks/whatsapp HTTP/1.1\r\nHost: {host}\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nxx"
    );
    assert_eq!(
        status(&raw(&scene, coded.as_bytes(), Duration::from_secs(5))),
        "415"
    );
    let headers = format!(
        "GET /healthz HTTP/1.1\r\nHost: {host}\r\nX-Long: {}\r\n\r\n",
        "x".repeat(40_000)
    );
    let answer = raw(&scene, headers.as_bytes(), Duration::from_secs(5));
    assert!(answer.is_empty() || status(&answer) == "431", "{answer}");
    assert_eq!(
        scene
            .http
            .get(scene.at("/healthz"))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn r17_idle_and_slow_clients_keep_nobody_from_their_answer() {
    let scene = Scene::start().await;
    let idle: Vec<TcpStream> = (0..200)
        .map(|number| {
            let mut stream = TcpStream::connect(scene.address).unwrap();
            if number % 2 == 0 {
                stream
                    .write_all(b"GET /healthz HTTP/1.1\r\nHost: local")
                    .unwrap();
            }
            stream
        })
        .collect();
    for _ in 0..20 {
        assert_eq!(
            scene
                .http
                .get(scene.at("/healthz"))
                .send()
                .await
                .unwrap()
                .status(),
            200
        );
    }
    // Half a head is waited for ten seconds, and then its connection ends.
    let mut slow = &idle[0];
    slow.set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut answer = Vec::new();
    let ended = slow.read_to_end(&mut answer);
    assert!(
        ended.is_ok()
            || ended.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn x46_a_public_address_is_bound_with_tls_or_a_word() {
    let mut listen = Listen {
        address: "0.0.0.0:0".parse().unwrap(),
        tls: None,
        public_url: None,
        allow_plain_http: false,
    };
    let refused = listen.bind().await.err().expect("it is refused");
    assert_eq!(refused.code(), Code::PublicAddressRefused);
    listen.allow_plain_http = true;
    assert!(listen.bind().await.is_ok());
    listen.tls = Some(("missing.pem".into(), "missing.pem".into()));
    assert_eq!(
        listen.bind().await.err().expect("no such file").code(),
        Code::ConnectionSettings
    );
}
