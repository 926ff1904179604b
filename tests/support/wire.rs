//! A scripted HTTP server on loopback: records what it is sent and answers with exactly the bytes it is told to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A request as it arrived.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query, as sent.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    /// A header's value; empty when it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .iter()
            .find(|(header, _)| header.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value)
    }
}

/// What the server does about a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// These bytes; the connection stays open for another request.
    Bytes(Vec<u8>),
    /// These bytes, then the end of the connection.
    Cut(Vec<u8>),
    /// These bytes, then nothing, with the connection left open.
    Hang(Vec<u8>),
    /// The first bytes, then the second ones again and again with a pause between.
    Drip(Vec<u8>, Vec<u8>, Duration),
}

/// A whole answer with a JSON body.
pub(crate) fn json(status: u16, body: &str) -> Reply {
    answer(
        status,
        &["Content-Type: application/json;charset=UTF-8"],
        body,
    )
}

/// A whole answer with header lines of choice.
pub(crate) fn answer(status: u16, headers: &[&str], body: &str) -> Reply {
    Reply::Bytes(head(status, headers, Some(body.len()), body.as_bytes()))
}

/// A status line, header lines, and a body that may be shorter than its stated length.
pub(crate) fn head(status: u16, headers: &[&str], length: Option<usize>, body: &[u8]) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} Scripted\r\n");
    for line in headers {
        text.push_str(line);
        text.push_str("\r\n");
    }
    if let Some(length) = length {
        text.extend(["Content-Length: ", &length.to_string(), "\r\n"]);
    }
    text.push_str("\r\n");
    [text.as_bytes(), body].concat()
}

/// The server; it ends with the test's runtime.
pub(crate) struct Wire {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Request>>>,
    connections: Arc<Mutex<usize>>,
}

impl Wire {
    /// Serves plain HTTP.
    pub(crate) async fn start(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen(script, None).await
    }

    /// Serves HTTPS.
    pub(crate) async fn start_tls(
        tls: TlsAcceptor,
        script: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::listen(script, Some(tls)).await
    }

    /// A listener that must never be reached.
    pub(crate) async fn canary() -> Self {
        Self::start(|_| json(200, "{}")).await
    }

    async fn listen(
        script: impl Fn(&Request) -> Reply + Send + Sync + 'static,
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wire = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            connections: Arc::default(),
        };
        let (seen, connections) = (Arc::clone(&wire.seen), Arc::clone(&wire.connections));
        let script = Arc::new(script);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *connections.lock().unwrap() += 1;
                let (seen, script, tls) = (Arc::clone(&seen), Arc::clone(&script), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &*script, &seen).await,
                        Some(tls) => serve_tls(stream, &tls, &*script, &seen).await,
                    }
                });
            }
        });
        wire
    }

    /// The address as a URL of the scheme.
    pub(crate) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }

    /// Every request so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// The requests whose target begins so.
    pub(crate) fn requests_to(&self, start: &str) -> Vec<Request> {
        let mut requests = self.requests();
        requests.retain(|request| request.target.starts_with(start));
        requests
    }

    /// How many connections were opened.
    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

/// Accepts one connection after the other and answers whatever arrives with the same bytes, HTTP or not.
pub(crate) async fn raw(bytes: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let bytes = bytes.clone();
            tokio::spawn(async move {
                let mut hello = [0; 4096];
                let _ = stream.read(&mut hello).await;
                let _ = stream.write_all(&bytes).await;
                drain(&mut stream).await;
            });
        }
    });
    address
}

async fn drain(stream: &mut TcpStream) {
    let mut rest = [0; 4096];
    while matches!(stream.read(&mut rest).await, Ok(1..)) {}
}

async fn serve_tls(
    stream: TcpStream,
    tls: &TlsAcceptor,
    script: &impl Fn(&Request) -> Reply,
    seen: &Mutex<Vec<Request>>,
) {
    if let Ok(stream) = tls.accept(stream).await {
        serve(stream, script, seen).await;
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    script: &impl Fn(&Request) -> Reply,
    seen: &Mutex<Vec<Request>>,
) {
    while let Some(request) = read(&mut stream).await {
        seen.lock().unwrap().push(request.clone());
        match script(&request) {
            Reply::Bytes(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
                let _ = stream.flush().await;
            }
            Reply::Cut(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                return;
            }
            Reply::Hang(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.flush().await;
                std::future::pending::<()>().await;
            }
            Reply::Drip(first, again, pause) => {
                let _ = stream.write_all(&first).await;
                while stream.write_all(&again).await.is_ok() {
                    let _ = stream.flush().await;
                    tokio::time::sleep(pause).await;
                }
                return;
            }
        }
    }
}

/// Reads one request with a `Content-Length` body, or none.
async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut lines = text.lines();
    let mut first = lines.next()?.split(' ');
    let mut request = Request {
        method: first.next()?.to_owned(),
        target: first.next()?.to_owned(),
        ..Request::default()
    };
    for line in lines {
        if let Some((name, value)) = line.split_once(':') {
            request
                .headers
                .push((name.to_owned(), value.trim().to_owned()));
        }
    }
    let length = request.header("content-length").parse().unwrap_or(0);
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    request.body = String::from_utf8_lossy(&bytes[end..]).into_owned();
    Some(request)
}
