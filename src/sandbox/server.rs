//! The server: sockets, TLS and the life of a sandbox.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::apps::CALLBACKS;
use super::certificate;
use super::courier;
use super::exchange::exchange;
use super::graph;
use super::seed::setup::INTEGRATION_USERNAME;
use super::settings::{Ready, Settings};
use super::state::State;
use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};

/// How long a client may take to send the headers of a request.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(30);
/// How many bytes the request line and the headers may have before the connection is cut.
const HEADERS_MAX: usize = 256 * 1_024;

/// A sandbox that answers until it is stopped or dropped.
#[derive(Debug)]
pub struct Sandbox {
    state: Arc<State>,
    ready: Ready,
    stop: watch::Sender<bool>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Sandbox {
    /// Makes the data, binds the address and serves on the runtime it is called on.
    ///
    /// # Errors
    /// `sandbox-start`: the address is no loopback address or is taken, or the certificate could not be made.
    pub async fn start(settings: Settings) -> Result<Self> {
        let listen = settings.listen;
        if !listen.ip().is_loopback() {
            let message =
                format!("the sandbox cannot listen on `{listen}`: it is no loopback address");
            return Err(Error::new(Code::SandboxStart, message)
                .help("use `127.0.0.1`, `[::1]` or `localhost`"));
        }
        let failed = |error: io::Error| {
            let message = format!("the sandbox cannot listen on `{listen}`");
            Error::new(Code::SandboxStart, message).caused_by(error)
        };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (acceptor, certificate) = if settings.tls {
            let (acceptor, path) = certificate::make(address)?;
            (Some(acceptor), Some(path))
        } else {
            (None, None)
        };
        let ready = announce(&settings, address, certificate);
        let state = tokio::task::spawn_blocking(move || Arc::new(State::new(settings)))
            .await
            .map_err(|error| Error::bug("making the sandbox's data failed").caused_by(error))?;
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(courier::deliver(Arc::clone(&state), stopped.clone()));
        let accepting = tokio::spawn(accept(listener, acceptor, Arc::clone(&state), stopped));
        Ok(Self {
            state,
            ready,
            stop,
            accepting,
        })
    }

    /// How to reach it.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Delivers WhatsApp's events to this address from now on.
    pub fn set_webhook(&self, url: &str) {
        self.state.sends().webhook = Some(url.to_owned());
    }

    /// Stops answering: open connections end, the port is free when this returns.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        // A task that was cancelled with its runtime has ended too.
        let _ended = (&mut self.accepting).await;
    }

    /// Waits until the server ends, which it does only when its runtime does.
    pub async fn wait(&mut self) {
        let _ended = (&mut self.accepting).await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(path) = &self.ready.certificate {
            certificate::remove(path);
        }
    }
}

fn announce(settings: &Settings, address: SocketAddr, certificate: Option<PathBuf>) -> Ready {
    let scheme = if settings.tls { "https" } else { "http" };
    let url = format!("{scheme}://{address}");
    let sessions = super::state::sessions(settings);
    let app = &sessions.apps()[0];
    Ready {
        salesforce_url: url.clone(),
        consumer_key: app.consumer_key.clone(),
        api_key: app.api_key.clone(),
        username: INTEGRATION_USERNAME.to_owned(),
        password: super::state::password(settings.seed),
        callback_url: CALLBACKS[0].to_owned(),
        whatsapp_url: url,
        whatsapp_token: graph::token(settings.seed),
        whatsapp_phone_number_id: graph::PHONE_NUMBER_ID.to_owned(),
        whatsapp_business_account_id: graph::BUSINESS_ACCOUNT_ID.to_owned(),
        whatsapp_app_secret: courier::app_secret(settings.seed),
        whatsapp_verify_token: courier::verify_token(settings.seed),
        certificate,
    }
}

async fn accept(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    state: Arc<State>,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|stopped| *stopped) => return,
        };
        match accepted {
            Ok((stream, _)) => {
                let serving = serve(stream, acceptor.clone(), state.clone());
                let mut stopped = stopped.clone();
                tokio::spawn(async move {
                    tokio::select! {
                        () = serving => {}
                        _ = stopped.wait_for(|stopped| *stopped) => {}
                    }
                });
            }
            // Out of file descriptors, most likely: wait until some are free.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve(stream: TcpStream, acceptor: Option<TlsAcceptor>, state: Arc<State>) {
    // A small answer must not wait for the acknowledgement of the one before.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let tls = acceptor.is_some();
    let stream = match acceptor {
        None => Stream::Plain(stream),
        Some(acceptor) => {
            match tokio::time::timeout(HEADERS_TIMEOUT, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => Stream::Tls(Box::new(stream)),
                // A client that does not trust the certificate, or speaks plain http.
                Ok(Err(_)) | Err(_) => return,
            }
        }
    };
    let reset = Arc::new(AtomicBool::new(false));
    let line = Line {
        stream,
        reset: reset.clone(),
    };
    let service = service_fn(move |request| {
        let (state, reset) = (state.clone(), reset.clone());
        async move { exchange(state, tls, request, &reset).await }
    });
    let served = http1::Builder::new()
        .title_case_headers(true)
        .auto_date_header(false)
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_TIMEOUT)
        .max_buf_size(HEADERS_MAX)
        .serve_connection(TokioIo::new(line), service)
        .await;
    // Clients that go away, and faults that end a connection, end here; there is nobody to tell.
    drop(served);
}

/// A connection that can end with a reset.
struct Line {
    stream: Stream,
    reset: Arc<AtomicBool>,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Acquire) {
            let stream = match &self.stream {
                Stream::Plain(stream) => stream,
                Stream::Tls(stream) => stream.get_ref().0,
            };
            // Where this fails, the peer sees an end instead of a reset.
            let _set = stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bytes),
        }
    }

    fn is_write_vectored(&self) -> bool {
        matches!(self.stream, Stream::Plain(_))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.reset.load(Ordering::Acquire) {
            // A shutdown would say goodbye, which a reset does not.
            return Poll::Ready(Ok(()));
        }
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
