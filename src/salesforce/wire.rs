//! One HTTP exchange: sent once, bounded in time and size, never redirected, its failure named.

use std::error::Error as StdError;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, DATE, HeaderValue, LOCATION};
use http::{HeaderMap, Method};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Certificate, Proxy, Request, Response};
use tokio::time::{Instant, timeout};
use tracing::Instrument as _;
use tracing::field::Empty;
use url::Url;
use zeroize::{Zeroize, Zeroizing};

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::event::Requests;
use crate::foundation::secret::Secret;
use crate::foundation::trace;

use super::refusal::{self, Failure, Scrub};
use super::resolver::{AddressRefused, CheckedResolver, Lookup};
use super::settings::Timeouts;

/// What a request is for, as the run's account counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Query,
    Write,
    Token,
    Other,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
}

/// The most bytes of an answer of the token endpoint; Salesforce's have about two thousand.
const TOKEN_BODY: usize = 64 << 10;

/// The bytes of an answer. Those that hold tokens are in one piece of memory from the start, which is zeroed when it goes.
///
/// What cannot be zeroed from here: the buffers of TLS and HTTP that the bytes passed through, and the pieces in which
/// they arrived.
pub(crate) struct Body {
    bytes: Vec<u8>,
    is_secret: bool,
}

impl Body {
    fn with_capacity(stated: usize, is_secret: bool) -> Self {
        Self {
            bytes: Vec::with_capacity(if is_secret { TOKEN_BODY } else { stated }),
            is_secret,
        }
    }
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if self.is_secret {
            self.bytes.zeroize();
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.bytes.len())
    }
}

/// A header that holds a secret: never logged, never indexed for compression, and zeroed when the request goes. Copies that
/// HTTP and TLS make in order to send it are theirs.
pub(crate) fn secret_header(scheme: &str, secret: &str) -> Result<HeaderValue, Failure> {
    let mut text = Zeroizing::new(Vec::with_capacity(scheme.len() + 1 + secret.len()));
    text.extend_from_slice(scheme.as_bytes());
    text.push(b' ');
    text.extend_from_slice(secret.as_bytes());
    let mut header = HeaderValue::from_maybe_shared(Bytes::from_owner(text))
        .map_err(|_| Error::bug("a credential does not fit a header"))?;
    header.set_sensitive(true);
    Ok(header)
}

impl Answer {
    /// A header's text; empty when it is missing or no text.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// A page that a browser would be shown, as far as it was looked at.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) status: u16,
    pub(super) location: Option<String>,
    pub(super) text: String,
}

/// What an exchange has to know of the network, whichever API it is with.
pub(crate) struct Network<'a> {
    pub(crate) timeouts: Timeouts,
    pub(crate) max_answer_bytes: usize,
    /// Certificate authorities to trust besides the system's, each a PEM bundle.
    pub(crate) extra_ca: &'a [Vec<u8>],
    pub(crate) proxy: Option<&'a Secret>,
    pub(crate) lookup: Arc<dyn Lookup>,
}

/// The HTTP client with everything that holds for each exchange.
pub(crate) struct Wire {
    http: reqwest::Client,
    timeouts: Timeouts,
    max_body: usize,
    query: AtomicU64,
    write: AtomicU64,
    token: AtomicU64,
    other: AtomicU64,
    server_clock: Mutex<Option<(Timestamp, Instant)>>,
}

impl Wire {
    /// A client for one instance; opens no connection yet.
    pub(crate) fn new(network: &Network<'_>, instance: &Url) -> Result<Self, Failure> {
        // Fails only when a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let timeouts = network.timeouts;
        let proxy = network.proxy.map(|url| proxy(url.expose()));
        let (proxy, proxy_host) = proxy.transpose()?.unzip();
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .tls_version_min(reqwest::tls::Version::TLS_1_2)
            .connect_timeout(timeouts.connect)
            .pool_idle_timeout(Duration::from_secs(50))
            .user_agent(concat!("bridged/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(CheckedResolver::new(
                network.lookup.clone(),
                proxy_host.flatten(),
            ));
        if let Some(proxy) = proxy {
            builder = builder.proxy(proxy);
        }
        let mut roots = Vec::new();
        for bundle in network.extra_ca {
            roots.extend(certificates(bundle)?);
        }
        let plain_loopback = instance.scheme() == "http";
        builder = if plain_loopback {
            // Nothing will be verified, so the system's authorities need not be read, nor be there; and between two
            // processes of one machine compressing costs more than it saves.
            builder.tls_certs_only(roots).gzip(false)
        } else {
            builder.https_only(true).tls_certs_merge(roots).gzip(true)
        };
        let http = builder.build().map_err(|error| {
            let cause = innermost(&error.without_url());
            Failure::new(
                Code::ConnectionSettings,
                format!("no HTTP client can be made: {cause}"),
            )
        })?;
        Ok(Self {
            http,
            timeouts,
            max_body: network.max_answer_bytes,
            query: AtomicU64::new(0),
            write: AtomicU64::new(0),
            token: AtomicU64::new(0),
            other: AtomicU64::new(0),
            server_clock: Mutex::new(None),
        })
    }

    /// A request with nothing but its method and address.
    pub(crate) fn request(&self, method: Method, url: Url) -> reqwest::RequestBuilder {
        self.http.request(method, url)
    }

    /// How many requests were sent, by purpose.
    pub(super) fn requests(&self) -> Requests {
        Requests {
            query: self.query.load(Ordering::Relaxed),
            write: self.write.load(Ordering::Relaxed),
            auth: self.token.load(Ordering::Relaxed),
            other: self.other.load(Ordering::Relaxed),
        }
    }

    /// The server's clock, from the last answer's date and the time since; `None` before the first answer.
    pub(super) fn server_time(&self) -> Option<Timestamp> {
        let (date, read_at) = (*self.clock())?;
        let since = SignedDuration::try_from(read_at.elapsed()).ok()?;
        date.checked_add(since).ok()
    }

    /// Sends a request once. An answer of any status but a redirect is a success here.
    pub(crate) async fn send(
        &self,
        request: reqwest::RequestBuilder,
        purpose: Purpose,
        scrub: &Scrub<'_>,
    ) -> Result<Answer, Failure> {
        let request = request
            .build()
            .map_err(|error| lost(&error.without_url()))?;
        let counter = match purpose {
            Purpose::Query => &self.query,
            Purpose::Write => &self.write,
            Purpose::Token => &self.token,
            Purpose::Other => &self.other,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        let started = Instant::now();
        let shown = (request.method().clone(), request.url().path().to_owned());
        let span = tracing::info_span!(
            target: trace::TARGET,
            "request",
            otel.name = format!("{} {}", shown.0, shown.1),
            otel.kind = "client",
            http.request.method = %shown.0,
            url.path = shown.1,
            http.response.status_code = Empty,
            error.type = Empty,
        );
        let outcome = timeout(self.timeouts.total, self.exchange(request, purpose))
            .instrument(span.clone())
            .await
            .unwrap_or_else(|_| Err(late("in full", self.timeouts.total)));
        let (method, path) = shown;
        let took_ms = started.elapsed().as_millis() as u64;
        match &outcome {
            Ok(answer) => span.record("http.response.status_code", answer.status),
            Err(failure) => span.record("error.type", failure.error.code().as_str()),
        };
        match &outcome {
            Ok(answer) => tracing::debug!(
                %method,
                path,
                status = answer.status,
                bytes = answer.body.len(),
                took_ms,
                request_id = refusal::request_id(&answer.headers, scrub),
                "answered"
            ),
            Err(failure) => {
                tracing::debug!(%method, path, took_ms, code = %failure.error.code(), "failed");
            }
        }
        outcome
    }

    /// Asks for a page, once, and goes nowhere that it leads: its status, where it points, and the beginning of its text.
    pub(super) async fn look(&self, url: Url) -> Result<Page, Failure> {
        /// What error pages say stands in their first kilobytes.
        const ENOUGH: usize = 256 * 1024;
        let request = self.request(Method::GET, url).build();
        let request = request.map_err(|error| lost(&error.without_url()))?;
        self.other.fetch_add(1, Ordering::Relaxed);
        let look = async {
            let response = self.http.execute(request).await;
            let mut response = response.map_err(|error| lost(&error.without_url()))?;
            self.note_date(response.headers());
            let location = response.headers().get(LOCATION);
            let location = location.and_then(|to| to.to_str().ok()).map(str::to_owned);
            let mut text = Vec::new();
            while text.len() < ENOUGH {
                let chunk = response.chunk().await;
                match chunk.map_err(|error| lost(&error.without_url()))? {
                    Some(chunk) => text.extend_from_slice(&chunk),
                    None => break,
                }
            }
            Ok(Page {
                status: response.status().as_u16(),
                location,
                text: String::from_utf8_lossy(&text).into_owned(),
            })
        };
        timeout(self.timeouts.answer, look)
            .await
            .unwrap_or_else(|_| Err(late("in full", self.timeouts.answer)))
    }

    async fn exchange(&self, request: Request, purpose: Purpose) -> Result<Answer, Failure> {
        let asked = request.url().clone();
        let response = timeout(self.timeouts.answer, self.http.execute(request))
            .await
            .map_err(|_| late("begin", self.timeouts.answer))?
            .map_err(|error| lost(&error.without_url()))?;
        self.note_date(response.headers());
        let status = response.status().as_u16();
        if matches!(status, 301 | 302 | 303 | 307 | 308) {
            return Err(redirected(status, response.headers(), &asked));
        }
        let headers = response.headers().clone();
        let body = self.body(response, purpose).await?;
        Ok(Answer {
            status,
            headers,
            body,
        })
    }

    async fn body(&self, mut response: Response, purpose: Purpose) -> Result<Body, Failure> {
        let is_secret = purpose == Purpose::Token;
        let most = if is_secret {
            self.max_body.min(TOKEN_BODY)
        } else {
            self.max_body
        };
        let too_large = || {
            Failure::unclear(
                Code::AnswerTooLarge,
                format!("an answer has more than {most} bytes"),
            )
        };
        let stated = response
            .headers()
            .get(CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<usize>().ok())
            .unwrap_or(0);
        if stated > most {
            return Err(too_large());
        }
        let mut body = Body::with_capacity(stated, is_secret);
        loop {
            let chunk = timeout(self.timeouts.read, response.chunk())
                .await
                .map_err(|_| late("go on", self.timeouts.read))?
                .map_err(|error| lost(&error.without_url()))?;
            let Some(chunk) = chunk else {
                return Ok(body);
            };
            if body.len() + chunk.len() > most {
                return Err(too_large());
            }
            body.bytes.extend_from_slice(&chunk);
        }
    }

    fn note_date(&self, headers: &HeaderMap) {
        let date = headers
            .get(DATE)
            .and_then(|text| httpdate::parse_http_date(text.to_str().ok()?).ok())
            .and_then(|date| Timestamp::try_from(date).ok());
        if let Some(date) = date {
            *self.clock() = Some((date, Instant::now()));
        }
    }

    fn clock(&self) -> std::sync::MutexGuard<'_, Option<(Timestamp, Instant)>> {
        self.server_clock
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The proxy for every request, and its host when that is a name.
fn proxy(text: &str) -> Result<(Proxy, Option<String>), Failure> {
    let unusable = || {
        Failure::new(
            Code::ConnectionSettings,
            "the proxy is not an `http://` or `https://` address",
        )
    };
    let url = Url::parse(text).map_err(|_| unusable())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(unusable());
    }
    let name = url.domain().map(ToOwned::to_owned);
    let proxy = Proxy::all(url).map_err(|_| unusable())?;
    Ok((proxy, name))
}

fn certificates(bundle: &[u8]) -> Result<Vec<Certificate>, Failure> {
    match Certificate::from_pem_bundle(bundle) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(Failure::new(
            Code::ConnectionSettings,
            "the extra CA bundle holds no PEM certificate that can be read",
        )),
    }
}

fn late(what: &str, allowed: Duration) -> Failure {
    Failure::unclear(
        Code::AnswerLate,
        format!(
            "the answer did not {what} within {} s",
            allowed.as_secs_f64()
        ),
    )
}

/// A redirect would hand the token to another host, so only that host's name is told.
fn redirected(status: u16, headers: &HeaderMap, asked: &Url) -> Failure {
    let target = headers
        .get(LOCATION)
        .and_then(|location| asked.join(location.to_str().ok()?).ok());
    let place = match target.as_ref().and_then(Url::host_str) {
        Some(name) if Some(name) == asked.host_str() => "another address of the same host".into(),
        Some(name) => format!("host `{}`", name.chars().take(100).collect::<String>()),
        None => "an address that cannot be read".to_owned(),
    };
    let mut failure = Failure::new(
        Code::RedirectRefused,
        format!("the answer redirects to {place}, and redirects are not followed"),
    );
    failure.error = failure
        .error
        .with(|context| context.http_status = Some(status));
    failure
}

/// Names why no whole answer came, and whether the request may have left.
fn lost(error: &reqwest::Error) -> Failure {
    let mut failure = named(error);
    failure.maybe_done =
        !(error.is_connect() || error.is_builder() || failure.error.code() == Code::AddressRefused);
    failure
}

fn named(error: &reqwest::Error) -> Failure {
    let cause = innermost(error);
    if let Some(refused) = find::<AddressRefused>(error) {
        return Failure::new(
            Code::AddressRefused,
            format!("{refused}, which is no address of a public host"),
        );
    }
    if let Some(tls) = find::<rustls::Error>(error) {
        return Failure::new(Code::TlsFailed, format!("TLS failed: {}", in_words(tls)));
    }
    if error.is_connect() {
        let what = if error.is_timeout() {
            "no connection in time".to_owned()
        } else {
            format!("no connection: {cause}")
        };
        return Failure::new(Code::ConnectionFailed, what);
    }
    if let Some(http) = find::<hyper::Error>(error)
        && http.is_parse()
    {
        if http.is_parse_too_large() {
            return Failure::new(
                Code::AnswerTooLarge,
                "the header of an answer is larger than accepted",
            );
        }
        return Failure::new(
            Code::AnswerUnreadable,
            format!("the answer is not HTTP: {cause}"),
        );
    }
    if error.is_builder() {
        return Failure::new(
            Code::ConnectionSettings,
            format!("the request cannot be made: {cause}"),
        );
    }
    Failure::new(
        Code::AnswerCutOff,
        format!("the connection broke before the answer was complete: {cause}"),
    )
}

/// The commonest reasons in plain words; rustls's own words for the rest.
fn in_words(error: &rustls::Error) -> String {
    use rustls::{AlertDescription, CertificateError as Certificate, Error as Tls};
    match error {
        Tls::InvalidCertificate(Certificate::Expired | Certificate::ExpiredContext { .. }) => {
            "the server's certificate is expired".to_owned()
        }
        Tls::InvalidCertificate(
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. },
        ) => "the server's certificate is for another host".to_owned(),
        Tls::InvalidCertificate(Certificate::UnknownIssuer) => {
            "the server's certificate is signed by an authority this machine does not trust"
                .to_owned()
        }
        Tls::PeerIncompatible(_) | Tls::AlertReceived(AlertDescription::ProtocolVersion) => {
            "the server offers no TLS 1.2 or 1.3 that this client accepts".to_owned()
        }
        Tls::InvalidMessage(_) => "what answers there does not speak TLS".to_owned(),
        other => other.to_string(),
    }
}

/// Looks for a kind of error down the chain of causes, inside `io::Error` too.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        let inside = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            .map(|inner| inner as &(dyn StdError + 'static));
        next = inside.or_else(|| error.source());
    }
    None
}

/// The words of the last cause: the others only repeat that a request failed.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
