//! A proxy is used when the settings name one, carries what TLS protects, and learns nothing else.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bridged::foundation::code::Code;
use bridged::foundation::secret::Secret;
use bridged::salesforce::client::Client;
use bridged::salesforce::query::Scope;
use bridged::salesforce::resolver::{Found, Lookup};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::org::{SECRET, TOKEN, page, settings, shown, token};
use super::tls::{authority, for_names, serving};
use crate::support::wire::Wire;

/// A proxy that tunnels every `CONNECT` to one place, and keeps the heads it is sent.
struct Tunnel {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Tunnel {
    async fn start(upstream: SocketAddr, status: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heads);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(tunnel(client, upstream, status, Arc::clone(&kept)));
            }
        });
        Self { address, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn tunnel(
    mut client: TcpStream,
    upstream: SocketAddr,
    status: &str,
    heads: Arc<Mutex<Vec<String>>>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match client.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    heads
        .lock()
        .unwrap()
        .push(String::from_utf8_lossy(&head).into_owned());
    let _ = client
        .write_all(format!("HTTP/1.1 {status}\r\n\r\n").as_bytes())
        .await;
    if status.starts_with("200")
        && let Ok(mut server) = TcpStream::connect(upstream).await
    {
        let _ = copy_bidirectional(&mut client, &mut server).await;
    }
}

/// Counts look-ups and finds nothing.
#[derive(Default)]
struct Nowhere(AtomicUsize);

impl Lookup for Nowhere {
    fn lookup(&self, _: &str) -> Found {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Err(io::ErrorKind::NotFound.into()) })
    }
}

#[tokio::test]
async fn the_proxy_of_the_settings_tunnels_to_the_org_and_sees_no_secret() {
    let ca = authority("bridged test authority");
    let org = serving(
        for_names(&["acme.my.salesforce.com"]),
        Some(&ca),
        |request| match request.target.as_str() {
            "/services/oauth2/token" => token("https://acme.my.salesforce.com", 1),
            _ => page(0, None, ""),
        },
    )
    .await;
    let tunnel = Tunnel::start(org.address, "200 OK").await;
    let lookup = Arc::new(Nowhere::default());
    let mut settings = settings("https://acme.my.salesforce.com");
    settings.extra_ca = vec![ca.pem().into_bytes()];
    settings.proxy = Some(Secret::new(format!(
        "http://ops:pr0xyPassword@{}",
        tunnel.address
    )));
    settings.lookup = Arc::clone(&lookup) as Arc<dyn Lookup>;
    let client = Client::new(settings).unwrap();
    client
        .query("SELECT Id FROM Lead", Scope::Live, None)
        .await
        .unwrap();
    assert_eq!(org.requests().len(), 2);
    assert_eq!(
        lookup.0.load(Ordering::Relaxed),
        0,
        "the proxy looks the org's name up"
    );
    let heads = tunnel.heads();
    assert!(!heads.is_empty());
    for head in &heads {
        assert!(
            head.starts_with("CONNECT acme.my.salesforce.com:443 HTTP/1.1\r\n"),
            "{head}"
        );
        for secret in [SECRET, TOKEN, "Bearer", "/services"] {
            assert!(!head.contains(secret), "{head}");
        }
    }
    // Its password is for the proxy, and goes no further.
    assert!(
        heads[0]
            .to_lowercase()
            .contains("proxy-authorization: basic "),
        "{heads:?}"
    );
    for request in org.requests() {
        assert_eq!(request.header("proxy-authorization"), "");
    }
}

#[tokio::test]
async fn x07_a_proxy_cannot_stand_in_for_the_org() {
    let (ca, other) = (
        authority("bridged test authority"),
        authority("the proxy's own"),
    );
    let evil = serving(for_names(&["acme.my.salesforce.com"]), Some(&other), |_| {
        page(0, None, "")
    })
    .await;
    let tunnel = Tunnel::start(evil.address, "200 OK").await;
    let mut settings = settings("https://acme.my.salesforce.com");
    settings.extra_ca = vec![ca.pem().into_bytes()];
    settings.proxy = Some(Secret::new(format!("http://{}", tunnel.address)));
    let error = Client::new(settings).unwrap().sign_in().await.unwrap_err();
    assert_eq!(error.code(), Code::TlsFailed, "{}", shown(&error));
    assert!(evil.requests().is_empty());
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_without_its_password() {
    let nobody = Wire::canary().await;
    for status in [
        "407 Proxy Authentication Required",
        "403 Forbidden",
        "502 Bad Gateway",
    ] {
        let tunnel = Tunnel::start(nobody.address, status).await;
        let mut settings = settings("https://acme.my.salesforce.com");
        settings.proxy = Some(Secret::new(format!(
            "http://ops:pr0xyPassword@{}",
            tunnel.address
        )));
        let error = Client::new(settings).unwrap().sign_in().await.unwrap_err();
        assert_eq!(
            error.code(),
            Code::ConnectionFailed,
            "{status}: {}",
            shown(&error)
        );
        assert!(!shown(&error).contains("pr0xyPassword"), "{status}");
    }
    assert_eq!(nobody.connections(), 0);
}

#[test]
fn a_proxy_s_address_is_http_or_https() {
    for bad in [
        "",
        "proxy",
        "socks5://127.0.0.1:1080",
        "file:///x",
        "pr0xyPassword",
    ] {
        let mut settings = settings("https://acme.my.salesforce.com");
        settings.proxy = Some(Secret::new(bad));
        let error = Client::new(settings).err().unwrap();
        assert_eq!(error.code(), Code::ConnectionSettings, "{bad}");
        assert!(!shown(&error).contains("pr0xyPassword"));
    }
}
