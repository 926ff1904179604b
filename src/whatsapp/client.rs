//! The calls bridged makes to read from the Graph API. Nothing here can write.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http::header::{ACCEPT, AUTHORIZATION};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::salesforce::refusal::{Failure, Scrub};
use crate::salesforce::settings::doubled;
use crate::salesforce::wire::{Purpose, Wire, secret_header};
use crate::spec::host::{self, Refusal};

use super::errors::{self, Class};
use super::sender::Sender;
use super::settings::Settings;
use super::template::{Described, Template};

/// A reader of one WhatsApp number and of its account's templates; copies share the connection.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    base: Url,
    settings: Settings,
    wire: Wire,
}

/// One page of a list.
#[derive(Deserialize)]
struct Page<T> {
    data: Vec<T>,
    #[serde(default)]
    paging: Paging,
}

/// Where a list goes on. The address of the next page is not used: Meta puts the token into it.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Paging {
    cursors: Cursors,
    next: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Cursors {
    after: Option<String>,
}

/// Templates in one answer.
const PAGE: &str = "100";

/// The most pages of templates that are asked for. An account has at most 6,000 names (Meta, "Create and Manage Message
/// Templates"), each in several languages: of an account that is fuller, a list of all templates is cut short.
const MOST_PAGES: usize = 60;

impl Client {
    /// A client that has not asked for anything.
    ///
    /// # Errors
    /// `host-refused` for an address that may not receive the token; `connection-settings` for an id that is no id.
    pub fn new(settings: Settings) -> Result<Self> {
        let base = host::graph(&settings.api_url).map_err(|Refusal { code, why, help }| {
            let shown = host::printable(&settings.api_url);
            Error::new(
                code,
                format!("`{shown}` is not an address for credentials: {why}"),
            )
            .help(help)
        })?;
        check_id("phone_number_id", &settings.phone_number_id)?;
        if let Some(account) = &settings.business_account_id {
            check_id("business_account_id", account)?;
        }
        let wire = Wire::new(&settings.network(), &base).map_err(error)?;
        Ok(Self(Arc::new(Inner {
            base,
            settings,
            wire,
        })))
    }

    /// What it was made with.
    pub(super) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// What makes its exchanges.
    pub(super) fn wire(&self) -> &Wire {
        &self.0.wire
    }

    /// Where its requests go.
    pub fn address(&self) -> &str {
        self.0.base.as_str().trim_end_matches('/')
    }

    /// Whether templates can be looked up: they belong to the business account.
    pub fn knows_account(&self) -> bool {
        self.0.settings.business_account_id.is_some()
    }

    /// The number that sends.
    ///
    /// # Errors
    /// What the Graph API refuses with, by the table of [`errors`]; what keeps an answer from coming.
    pub async fn sender(&self) -> Result<Sender> {
        let id = &self.0.settings.phone_number_id;
        let what = format!("phone number {id}");
        let newer = self.get(&what, &[id], &[("fields", Sender::FIELDS)]).await;
        match newer {
            // A field that the version does not know spoils the whole question.
            Err(error) if is_unknown_field(&error) => {
                let older = [("fields", Sender::OLDER_FIELDS)];
                self.get(&what, &[id], &older).await
            }
            answered => answered,
        }
    }

    /// The templates of the business account with this name, in each of their languages; without a name all of them, 6,000 at
    /// most.
    ///
    /// # Errors
    /// As [`Client::sender`]; `connection-settings` where the account is not known.
    pub async fn templates(&self, name: Option<&str>) -> Result<Vec<Template>> {
        let Some(account) = &self.0.settings.business_account_id else {
            let message = "templates belong to a business account, and the connection has no `business_account_id`";
            return Err(errors::error(Code::ConnectionSettings, message));
        };
        let what = format!("business account {account}");
        let mut templates: Vec<Template> = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let mut query = vec![("fields", Template::FIELDS), ("limit", PAGE)];
            query.extend(name.map(|name| ("name", name)));
            query.extend(after.as_deref().map(|cursor| ("after", cursor)));
            let page: Page<Described> = self
                .get(&what, &[account, "message_templates"], &query)
                .await?;
            templates.extend(page.data.into_iter().map(Template::from));
            after = page.paging.next.and(page.paging.cursors.after);
            if after.is_none() {
                break;
            }
        }
        // Meta's `name` finds a part of a name too.
        templates.retain(|template| name.is_none_or(|name| template.name == name));
        Ok(templates)
    }

    /// Reads a resource, again where it failed for a passing reason.
    async fn get<T: DeserializeOwned>(
        &self,
        what: &str,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T> {
        let url = self.url(path, query)?;
        let mut attempt = 1;
        loop {
            let failure = match self.once(url.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => errors::helped(failure),
            };
            let wait = self.wait(attempt, &failure);
            let error = failure
                .error
                .with(|context| context.attempt = Some(attempt));
            let Some(wait) = wait else {
                return Err(about(what, error));
            };
            tracing::debug!(code = %error.code(), wait_ms = wait.as_millis() as u64, "the request is sent again");
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    async fn once<T: DeserializeOwned>(&self, url: Url) -> Result<T, Failure> {
        let Inner { settings, wire, .. } = &*self.0;
        let token = settings.access_token.expose();
        let request = wire
            .request(Method::GET, url)
            .header(ACCEPT, "application/json")
            .header(AUTHORIZATION, secret_header("Bearer", token)?);
        let scrub = Scrub::new([token]);
        let answer = wire.send(request, Purpose::Other, &scrub).await?;
        if !matches!(answer.status, 200..300) {
            return Err(errors::refusal(
                answer.status,
                &answer.headers,
                &answer.body,
                &scrub,
            ));
        }
        serde_json::from_slice(&answer.body).map_err(|error| unreadable(answer.status, &error))
    }

    pub(super) fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Url> {
        let mut url = self.0.base.clone();
        url.path_segments_mut()
            .map_err(|()| Error::bug("the address of the Graph API takes no path"))?
            .pop_if_empty()
            .push(self.0.settings.graph_version.as_str())
            .extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    /// How long to wait before the try behind this one; `None` when there is none.
    fn wait(&self, attempt: u32, failure: &Failure) -> Option<Duration> {
        let retry = self.0.settings.retry;
        let is_passing = errors::meaning(failure.error.code())
            .is_some_and(|(class, _)| class == Class::Transient);
        if !is_passing || failure.settled || attempt >= retry.attempts {
            return None;
        }
        let longest = doubled(retry.base, retry.cap, attempt);
        let asked = failure.retry_after.unwrap_or_default();
        (asked <= retry.cap).then(|| longest.mul_f64(fastrand::f64()).max(asked))
    }
}

/// An id goes into a path, so nothing but digits may be in it.
fn check_id(key: &str, id: &str) -> Result<()> {
    let fits = (1..=32).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
    if fits {
        return Ok(());
    }
    let message = format!("`{key}` is not an id of Meta's: those are digits and nothing else");
    let help = "copy the id from WhatsApp Manager → Account tools → Phone numbers, or from the app's dashboard";
    Err(Error::new(Code::ConnectionSettings, message).help(help))
}

/// Says which id is unknown: the answer may be about either.
fn about(what: &str, error: Error) -> Error {
    if error.code() != Code::WhatsappIdUnknown {
        return error;
    }
    let (context, turn) = (error.context().clone(), error.turn());
    let message = format!("{what}: {}", error.message());
    errors::error(Code::WhatsappIdUnknown, message)
        .with(|empty| *empty = context)
        .with_turn(turn)
}

/// Whether a question was refused for one of its fields. The sentence is that of recorded answers.
fn is_unknown_field(error: &Error) -> bool {
    error.code() == Code::WhatsappRequestRefused
        && error.context().remote_code.as_deref() == Some("100")
        && error.message().contains("nonexisting field")
}

fn unreadable(status: u16, error: &serde_json::Error) -> Failure {
    // The parser's words may quote values, so only the kind and the place are told.
    let (code, what) = if error.is_eof() {
        (Code::AnswerCutOff, "ends in the middle of its JSON")
    } else {
        (
            Code::AnswerUnreadable,
            "is not the JSON that this call documents",
        )
    };
    let message = format!("the answer {what}, at line {}", error.line());
    let mut failure = errors::failure(code, message);
    failure.error = failure
        .error
        .with(|context| context.http_status = Some(status));
    failure
}

fn error(failure: Failure) -> Error {
    errors::helped(failure).error
}
