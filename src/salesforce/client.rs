//! The calls bridged makes to read from an org. Nothing here can write.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, IF_MODIFIED_SINCE};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::Url;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::event::Requests;

use super::budget::{CallsLeft, DailyUsage, Meter};
use super::describe::{ObjectDescribe, ObjectSummary};
use super::host;
use super::outcome;
use super::refusal::{self, Failure, Scrub};
use super::retry::{Repeat, Retries};
use super::session::{Session, Token};
use super::settings::Settings;
use super::wire::{Answer, Purpose, Wire, secret_header};

/// A signed-in reader of one org; copies share the session, the budget and the counts.
#[derive(Clone)]
pub struct Client(Arc<Inner>, Spends);

/// Up to which share of the budget a client may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spends {
    /// Reads end at the share.
    AsRead,
    /// What was read may still be written, and what that takes may still be read.
    AsWrite,
}

struct Inner {
    instance: Url,
    api_version: String,
    /// The value of the `Sforce-Call-Options` header.
    call_options: String,
    wire: Arc<Wire>,
    session: Arc<Session>,
    meter: Arc<Meter>,
    retries: Retries,
    api_calls: AtomicU64,
}

/// What a client has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Requests sent, further tries included.
    pub requests: Requests,
    /// Answered requests that count against the org's daily limit.
    pub api_calls: u64,
    /// The org's usage, as the last answer told.
    pub daily: Option<DailyUsage>,
    /// How often a request was sent again.
    pub retries: u64,
}

/// A describe answer, with what it takes to ask only for a newer one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedDescribe {
    /// The object.
    pub object: Arc<ObjectDescribe>,
    /// The answer's `Last-Modified`.
    pub last_modified: Option<String>,
}

/// A version of the REST API that the org offers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Version {
    /// The release's name: `Summer '26`.
    pub label: String,
    /// The number: `67.0`.
    pub version: String,
}

/// Who the session belongs to (Salesforce Help, "The `UserInfo` Endpoint").
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Identity {
    /// The user's id.
    pub user_id: String,
    /// The org's id.
    pub organization_id: String,
    /// The log-in name.
    #[serde(default)]
    pub preferred_username: Option<String>,
    /// The person's or integration's name.
    #[serde(default)]
    pub name: Option<String>,
}

/// One of the org's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Limit {
    /// How much there is.
    pub max: i64,
    /// How much is left.
    pub remaining: i64,
}

/// One request under `/services`, before it is signed.
pub(super) struct Call<'a> {
    pub(super) purpose: Purpose,
    pub(super) path: String,
    /// The query string, encoded.
    pub(super) query: Option<String>,
    pub(super) headers: Vec<(&'static str, &'a str)>,
    pub(super) method: Method,
    /// A JSON body.
    pub(super) body: Option<String>,
    /// What a second try can do.
    pub(super) repeat: Repeat,
    /// The records in the body, whose values no failure may repeat.
    pub(super) records: &'a [Map<String, Value>],
    /// Whether it counts against the daily limit, and so may be refused by the budget.
    pub(super) counted: bool,
    /// Whether a try of it may have been carried out although it failed here.
    pub(super) maybe_done: AtomicBool,
}

/// I12: how often one request renewed the token, whatever its further tries: once by a request, and before that once by a
/// token that another process had got meanwhile, which may have died since.
#[derive(Default)]
struct Renewals {
    fetched: AtomicBool,
    taken_over: AtomicBool,
}

impl Renewals {
    fn may(&self) -> bool {
        !self.fetched.load(Ordering::Relaxed)
    }

    fn note(&self, token: &Token) {
        let again = self.taken_over.swap(true, Ordering::Relaxed);
        if token.is_fetched || again {
            self.fetched.store(true, Ordering::Relaxed);
        }
    }
}

impl Call<'_> {
    pub(super) fn get(path: String) -> Self {
        Self {
            purpose: Purpose::Other,
            path,
            query: None,
            headers: Vec::new(),
            method: Method::GET,
            body: None,
            repeat: Repeat::Read,
            records: &[],
            counted: true,
            maybe_done: AtomicBool::new(false),
        }
    }
}

impl Client {
    /// A client for one org. Nothing is sent yet; what is wrong with the settings is found here.
    pub fn new(settings: Settings) -> Result<Self> {
        Self::beside(settings, None)
    }

    /// A client that counts for itself and shares with one from before what belongs to the connection: the session, where both sign
    /// in to the same org by the same credentials, and the pace and the last reading of the org's usage, where both have the same
    /// budget there.
    pub(super) fn beside(settings: Settings, before: Option<&Self>) -> Result<Self> {
        let instance = host::instance(&settings.instance_url, &settings.allowed_hosts)?;
        if !host::is_version(&settings.api_version) {
            let message = format!("`{}` is no API version", settings.api_version);
            return Err(Failure::new(Code::ConnectionSettings, message)
                .error
                .help("write the version as `67.0`"));
        }
        let wire = Wire::new(&settings.network(), &instance).map_err(|failure| failure.error)?;
        let wire = Arc::new(wire);
        let before = before
            .map(|client| &client.0)
            .filter(|before| before.instance == instance);
        let meter = before.map(|before| &before.meter);
        let meter = meter.filter(|meter| meter.is_of(settings.budget)).cloned();
        let session = before.map(|before| &before.session);
        let session = session
            .filter(|session| session.signs_in_by(&settings.credentials))
            .cloned();
        Ok(Self(
            Arc::new(Inner {
                wire,
                meter: meter.unwrap_or_else(|| Arc::new(Meter::new(settings.budget))),
                retries: Retries::new(&settings),
                session: session.unwrap_or_else(|| {
                    Arc::new(Session::new(
                        instance.clone(),
                        settings.credentials,
                        settings.timeouts.renewal,
                    ))
                }),
                instance,
                call_options: format!("client={}", settings.client_name),
                api_version: settings.api_version,
                api_calls: AtomicU64::new(0),
            }),
            Spends::AsRead,
        ))
    }

    /// The same session, for reads that writing needs: the budget lets them go on as long as writes.
    pub(super) fn for_writing(self) -> Self {
        Self(self.0, Spends::AsWrite)
    }

    /// The API calls that are left of the org's day under the budget, as the last answer told; `None` before any told.
    pub fn calls_left(&self) -> Option<CallsLeft> {
        self.0.meter.left()
    }

    /// The org's address, as it is asked.
    pub fn instance_url(&self) -> &str {
        self.0.instance.as_str()
    }

    /// How long to wait before rows that were locked are sent again: full jitter, behind the try of this number.
    pub fn backoff(&self, attempt: u32) -> Duration {
        self.0.retries.backoff(attempt)
    }

    /// What was sent so far.
    pub fn usage(&self) -> Usage {
        Usage {
            requests: self.0.wire.requests(),
            api_calls: self.0.api_calls.load(Ordering::Relaxed),
            daily: self.0.meter.daily(),
            retries: self.0.retries.count(),
        }
    }

    /// Salesforce's clock, to the second: the last answer's date and the time passed since.
    ///
    /// Before the first answer it asks for the list of versions, which costs no API call.
    pub async fn server_time(&self) -> Result<Timestamp> {
        if self.0.wire.server_time().is_none() {
            self.versions().await?;
        }
        self.0.wire.server_time().ok_or_else(|| {
            let message = "the server's answers carry no readable `Date`";
            Failure::new(Code::AnswerUnreadable, message).error
        })
    }

    /// The API versions the org offers; needs no log-in and costs no API call.
    pub async fn versions(&self) -> Result<Vec<Version>> {
        let url = self.0.url("/services/data/", None);
        let once = || async {
            self.0.meter.pace().await;
            let request = self.0.wire.request(Method::GET, url.clone());
            let request = request.header(ACCEPT, "application/json");
            let scrub = Scrub::default();
            let answer = self.0.wire.send(request, Purpose::Other, &scrub).await?;
            if !is_success(&answer) {
                return Err(refused(&answer, &scrub));
            }
            json(&answer, &scrub)
        };
        let held = || self.0.retries.breaker().hold(once());
        self.0.retries.run(Repeat::Read, held).await
    }

    /// Signs in, when that has not happened yet; the scopes that were granted, as far as the answer names them.
    pub async fn sign_in(&self) -> Result<Vec<String>> {
        let token = self.0.token().await?;
        Ok(token.scope.split_whitespace().map(str::to_owned).collect())
    }

    /// Who the session belongs to.
    pub async fn identity(&self) -> Result<Identity> {
        let mut call = Call::get("/services/oauth2/userinfo".to_owned());
        call.counted = false;
        self.call(&call, json).await
    }

    /// The org's limits by name (`DailyApiRequests`); needs the permission `View Setup`.
    pub async fn limits(&self) -> Result<BTreeMap<String, Limit>> {
        let call = Call::get(self.0.data("limits"));
        match self.call(&call, json).await {
            Err(error) => Err(self.explain_missing(error, None).await),
            limits => limits,
        }
    }

    /// Every object the signed-in user can see.
    pub async fn describe_global(&self) -> Result<Vec<ObjectSummary>> {
        #[derive(Deserialize)]
        struct Global {
            sobjects: Vec<ObjectSummary>,
        }
        let call = Call::get(self.0.data("sobjects"));
        match self.call::<Global>(&call, json).await {
            Err(error) => Err(self.explain_missing(error, None).await),
            Ok(global) => Ok(global.sobjects),
        }
    }

    /// One object with its fields; `known` itself when it has not changed since.
    pub async fn describe(
        &self,
        object: &str,
        known: Option<&CachedDescribe>,
    ) -> Result<CachedDescribe> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if object.is_empty() || !object.chars().all(is_name) {
            return Err(no_such_object(object, None));
        }
        let mut call = Call::get(self.0.data(&format!("sobjects/{object}/describe")));
        let since = known.and_then(|known| known.last_modified.as_deref());
        call.headers
            .extend(since.map(|since| (IF_MODIFIED_SINCE.as_str(), since)));
        let read = |answer: &Answer, scrub: &Scrub<'_>| match (answer.status, known) {
            (304, Some(known)) => Ok(known.clone()),
            (304, None) => Err(Failure::new(
                Code::AnswerUnreadable,
                "the answer says that nothing changed, and nothing was known",
            )),
            _ => Ok(CachedDescribe {
                object: Arc::new(json(answer, scrub)?),
                last_modified: Some(answer.header("last-modified"))
                    .filter(|date| !date.is_empty())
                    .map(ToOwned::to_owned),
            }),
        };
        match self.call(&call, read).await {
            Err(error) => Err(self.explain_missing(error, Some(object)).await),
            describe => describe,
        }
    }

    /// Says what is missing behind a plain "not found": the API's version, or the object that was asked for.
    ///
    /// Salesforce answers both alike, so the list of versions is asked, which costs no API call.
    pub(super) async fn explain_missing(&self, error: Error, object: Option<&str>) -> Error {
        if error.code() != Code::NotFound {
            return error;
        }
        let version = &self.0.api_version;
        if let Ok(offered) = self.versions().await
            && !offered.iter().any(|offer| offer.version == *version)
        {
            let newest = offered.last().map_or("none", |offer| &offer.version);
            let context = error.context().clone();
            return Failure::new(
                Code::ApiVersionUnavailable,
                format!("the org does not offer API version `{version}`; its newest is `{newest}`"),
            )
            .error
            .with(|empty| *empty = context);
        }
        match object {
            Some(object) => no_such_object(object, Some(&error)),
            None => error,
        }
    }

    /// Signs a call, sends it until it succeeds or fails for good, and reads the answer.
    pub(super) async fn call<T>(
        &self,
        call: &Call<'_>,
        read: impl Fn(&Answer, &Scrub<'_>) -> Result<T, Failure>,
    ) -> Result<T> {
        let renewals = Renewals::default();
        let read = &read;
        let once = || async {
            let mut token = self.0.token().await?;
            if call.counted {
                self.0.meter.admit(match self.1 {
                    Spends::AsRead => call.purpose,
                    Spends::AsWrite => Purpose::Write,
                })?;
            }
            let breaker = self.0.retries.breaker();
            let mut answer = breaker.hold(self.0.once(call, &token, read)).await;
            while is_expired(&answer) && renewals.may() {
                token = self.0.renew(&token).await?;
                renewals.note(&token);
                answer = breaker.hold(self.0.once(call, &token, read)).await;
            }
            answer.inspect_err(|failure| {
                call.maybe_done
                    .fetch_or(failure.maybe_done, Ordering::Relaxed);
            })
        };
        self.0.retries.run(call.repeat, once).await
    }

    /// The path of a resource of the API's version.
    pub(super) fn data_path(&self, resource: &str) -> String {
        self.0.data(resource)
    }

    pub(super) fn api_version(&self) -> &str {
        &self.0.api_version
    }

    pub(super) fn instance(&self) -> &Url {
        &self.0.instance
    }

    /// How many bytes the token adds to a request's header.
    pub(super) async fn token_len(&self) -> Result<usize> {
        Ok(self.0.token().await?.access.expose().len())
    }
}

impl Inner {
    fn url(&self, path: &str, query: Option<&str>) -> Url {
        let mut url = self.instance.clone();
        url.set_path(path);
        url.set_query(query);
        url
    }

    fn data(&self, resource: &str) -> String {
        format!("/services/data/v{}/{resource}", self.api_version)
    }

    async fn token(&self) -> Result<Token> {
        self.session.token(&self.wire, &self.retries).await
    }

    async fn renew(&self, refused: &Token) -> Result<Token> {
        self.session.renew(&self.wire, &self.retries, refused).await
    }

    async fn once<T>(
        &self,
        call: &Call<'_>,
        token: &Token,
        read: &impl Fn(&Answer, &Scrub<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.meter.pace().await;
        let url = self.url(&call.path, call.query.as_deref());
        let bearer = secret_header("Bearer", token.access.expose())?;
        let mut request = self
            .wire
            .request(call.method.clone(), url)
            .header(AUTHORIZATION, bearer)
            .header(ACCEPT, "application/json")
            .header("Sforce-Call-Options", &self.call_options);
        for (name, value) in &call.headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = &call.body {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.clone());
        }
        let scrub = self.session.scrub(Some(token));
        let answer = self.wire.send(request, call.purpose, &scrub).await?;
        if call.counted {
            self.api_calls.fetch_add(1, Ordering::Relaxed);
        }
        self.meter.note(answer.header("sforce-limit-info"));
        if !is_success(&answer) {
            let values = outcome::values(call.records);
            return Err(refused(&answer, &scrub.and(&values)));
        }
        read(&answer, &scrub)
    }
}

/// Whether a call was refused because its token is dead.
fn is_expired<T>(answer: &Result<T, Failure>) -> bool {
    let failed = answer.as_ref().err();
    failed.is_some_and(|failure| failure.error.code() == Code::SessionExpired)
}

/// Whether an answer is a success or says that nothing changed.
const fn is_success(answer: &Answer) -> bool {
    matches!(answer.status, 200..300 | 304)
}

fn refused(answer: &Answer, scrub: &Scrub<'_>) -> Failure {
    refusal::refusal(answer.status, &answer.headers, &answer.body, scrub)
}

/// Reads a body that is JSON of a known shape.
pub(super) fn json<T: DeserializeOwned>(answer: &Answer, _: &Scrub<'_>) -> Result<T, Failure> {
    serde_json::from_slice(&answer.body).map_err(|error| unreadable(answer.status, &error))
}

/// Names a body that is not the JSON it should be; one that ends too early is worth another try.
pub(super) fn unreadable(status: u16, error: &serde_json::Error) -> Failure {
    let place = format!("line {}, column {}", error.line(), error.column());
    // The parser's words may quote values of records, so only their kind is told.
    let (code, message) = match error.classify() {
        serde_json::error::Category::Eof => (
            Code::AnswerCutOff,
            format!("the answer ends in the middle of its JSON, at {place}"),
        ),
        serde_json::error::Category::Syntax => (
            Code::AnswerUnreadable,
            format!("the answer is not JSON, at {place}"),
        ),
        _ => (
            Code::AnswerUnreadable,
            format!("the answer is not what this call documents, at {place}"),
        ),
    };
    // The answer is there and says nothing: the request may well have been carried out.
    let mut failure = Failure::unclear(code, message);
    failure.error = failure
        .error
        .with(|context| context.http_status = Some(status));
    failure
}

fn no_such_object(object: &str, cause: Option<&Error>) -> Error {
    let shown: String = object
        .chars()
        .filter(|c| !c.is_control())
        .take(80)
        .collect();
    let error = Failure::new(
        Code::ObjectUnavailable,
        format!("Salesforce has no object `{shown}` that the signed-in user may see"),
    )
    .error;
    match cause {
        Some(cause) => error.with(|context| *context = cause.context().clone()),
        None => error,
    }
}
