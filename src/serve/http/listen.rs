//! Listening: where, with which limits, and under which protection.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use url::Url;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};

use super::App;
use super::routes;

/// Connections at once; a further one waits until one ends.
const CONNECTIONS: usize = 1_000;

/// How long a client may take to send the headers of a request, the time before it included.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);

/// The most bytes of a request's line and headers.
const HEADERS_MAX: usize = 16 << 10;

/// How long TLS may take to begin.
const TLS_WITHIN: Duration = Duration::from_secs(10);

/// How long open requests may take to end when the server stops.
const LAST: Duration = Duration::from_secs(5);

/// Where a server listens, and how.
#[derive(Debug, Clone)]
pub struct Listen {
    /// The address; port 0 takes a free one.
    pub address: SocketAddr,
    /// A PEM file of the certificate chain, and one of its key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// The address under which others reach it, through a proxy.
    pub public_url: Option<Url>,
    /// Whether plain http may leave this machine.
    pub allow_plain_http: bool,
}

impl Listen {
    /// Binds the address.
    ///
    /// # Errors
    /// `public-address-refused` where others could read along; `connection-settings` where the address or the certificate
    /// cannot be used.
    pub async fn bind(&self) -> Result<Bound> {
        let is_public = !self.address.ip().is_loopback();
        if is_public && self.tls.is_none() && !self.allow_plain_http {
            let message = format!(
                "`{}` can be reached from other machines, and what comes in would cross the network in clear",
                self.address
            );
            return Err(Error::new(Code::PublicAddressRefused, message).help(
                "listen on 127.0.0.1 behind a proxy that ends TLS, give `--tls-certificate` and `--tls-key`, or say \
                 `--allow-plain-http`",
            ));
        }
        let acceptor = self
            .tls
            .as_ref()
            .map(|(certificate, key)| acceptor(certificate, key))
            .transpose()?;
        let listener = TcpListener::bind(self.address).await.map_err(|cause| {
            let message = format!("the server cannot listen on `{}`", self.address);
            Error::new(Code::ConnectionSettings, message)
                .help("see which program has it, or name another with `--listen`")
                .caused_by(cause)
        })?;
        let address = listener
            .local_addr()
            .map_err(|cause| Error::bug("a socket has no address").caused_by(cause))?;
        let mut hosts = vec![address.to_string()];
        hosts.extend(
            ["localhost", "127.0.0.1", "[::1]"].map(|name| format!("{name}:{}", address.port())),
        );
        if let Some(url) = &self.public_url
            && let Some(host) = url.host_str()
        {
            hosts.push(match url.port() {
                Some(port) => format!("{host}:{port}"),
                None => host.to_owned(),
            });
        }
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        Ok(Bound {
            listener,
            acceptor,
            url: format!("{scheme}://{address}"),
            hosts,
        })
    }
}

/// An address that is bound.
pub struct Bound {
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    /// Its own address.
    pub url: String,
    /// The names and ports under which it may be asked.
    pub hosts: Vec<String>,
}

fn acceptor(certificate: &PathBuf, key: &PathBuf) -> Result<TlsAcceptor> {
    let unusable = |path: &PathBuf, cause: String| {
        let message = format!("`{}` cannot be used for TLS: {cause}", path.display());
        Error::new(Code::ConnectionSettings, message)
            .help("give PEM files: the certificate chain, and its private key")
    };
    let chain: std::result::Result<Vec<_>, _> = CertificateDer::pem_file_iter(certificate)
        .map_err(|cause| unusable(certificate, cause.to_string()))?
        .collect();
    let chain = chain.map_err(|cause| unusable(certificate, cause.to_string()))?;
    let private =
        PrivateKeyDer::from_pem_file(key).map_err(|cause| unusable(key, cause.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|cause| unusable(certificate, cause.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|cause| unusable(certificate, cause.to_string()))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Serves until `stop` shows true, then lets open requests end.
pub async fn serve(bound: Bound, app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let router = routes::router(app);
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let open = open::Open::default();
    loop {
        let permit = tokio::select! {
            permit = Arc::clone(&room).acquire_owned() => permit,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Ok(permit) = permit else { break };
        let accepted = tokio::select! {
            accepted = bound.listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let (router, acceptor, stop) =
                    (router.clone(), bound.acceptor.clone(), stop.clone());
                let guard = open.enter();
                tokio::spawn(async move {
                    connection(stream, acceptor, router, stop).await;
                    drop((permit, guard));
                });
            }
            // Out of file descriptors, most likely: wait until some are free.
            Err(cause) => {
                tracing::warn!("a connection could not be accepted: {cause}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    // Requests that do not end are cut off.
    let _ = tokio::time::timeout(LAST, open.all_left()).await;
}

async fn connection(
    stream: TcpStream,
    acceptor: Option<TlsAcceptor>,
    router: axum::Router,
    stop: watch::Receiver<bool>,
) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    match acceptor {
        None => exchange(stream, router, stop).await,
        Some(acceptor) => {
            let accepted = tokio::time::timeout(TLS_WITHIN, acceptor.accept(stream)).await;
            if let Ok(Ok(stream)) = accepted {
                exchange(stream, router, stop).await;
            }
        }
    }
}

async fn exchange<S>(stream: S, router: axum::Router, mut stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = TowerToHyperService::new(router);
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_buf_size(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(served);
    // An end of the wait that is an error means that nobody stops the server any more.
    let stopped = async { drop(stop.wait_for(|stop| *stop).await) };
    let ended: std::result::Result<(), hyper::Error> = tokio::select! {
        ended = served.as_mut() => ended,
        () = stopped => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(cause) = ended {
        // Clients that go away end here; there is nobody to tell.
        tracing::debug!("a connection ended early: {cause}");
    }
}

/// An address as it is typed: `127.0.0.1:8910`.
///
/// # Errors
/// In words, where it is none.
pub fn address(text: &str) -> std::result::Result<SocketAddr, String> {
    text.parse().map_err(|_: std::net::AddrParseError| {
        "write an address and a port, as `127.0.0.1:8910`".to_owned()
    })
}

/// Counting what is open, without a dependency for it.
mod open {
    use std::sync::Arc;

    use tokio::sync::watch;

    /// Everything that was entered and not left so far.
    #[derive(Default)]
    pub(super) struct Open(Arc<watch::Sender<usize>>);

    /// Left when it is dropped.
    pub(super) struct Entered(Arc<watch::Sender<usize>>);

    impl Open {
        pub(super) fn enter(&self) -> Entered {
            self.0.send_modify(|count| *count += 1);
            Entered(Arc::clone(&self.0))
        }

        pub(super) async fn all_left(&self) {
            // An error means that nobody is left to leave.
            let _ = self.0.subscribe().wait_for(|count| *count == 0).await;
        }
    }

    impl Drop for Entered {
        fn drop(&mut self) {
            self.0.send_modify(|count| *count -= 1);
        }
    }
}
