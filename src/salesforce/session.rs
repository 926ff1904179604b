//! The access token: fetched by the client credentials flow, shared, and renewed by one caller at a time.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;
use zeroize::Zeroize;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::secret::Secret;

use super::refusal::{self, Failure, Scrub};
use super::retry::{Repeat, Retries};
use super::wire::{Answer, Purpose, Wire};

/// A token and its number: a later token has a higher one.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) access: Arc<Secret>,
    number: u64,
}

/// Who signs in, and the token that came of it.
pub(super) struct Session {
    instance: Url,
    consumer_key: String,
    consumer_secret: Secret,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    fetched: u64,
    // Whoever waited while a log-in was refused shares the refusal: fifty callers must not become fifty log-ins.
    refused: Option<(Instant, Refused)>,
}

#[derive(Clone)]
struct Refused {
    code: Code,
    message: String,
    context: crate::foundation::error::Context,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    instance_url: String,
    #[serde(default)]
    token_type: Option<String>,
}

impl Session {
    pub(super) fn new(instance: Url, consumer_key: String, consumer_secret: Secret) -> Self {
        Self {
            instance,
            consumer_key,
            consumer_secret,
            state: Mutex::default(),
        }
    }

    /// The texts an answer must not get repeated: the credentials and the token in use.
    pub(super) fn scrub<'a>(&'a self, token: Option<&'a Token>) -> Scrub<'a> {
        let token = token.map(|token| token.access.expose());
        Scrub::new(token.into_iter().chain([self.consumer_secret.expose()]))
    }

    /// The token, fetched when there is none.
    pub(super) async fn token(&self, wire: &Wire, retries: &Retries) -> Result<Token> {
        self.fetch_unless(wire, retries, |_| true).await
    }

    /// A token younger than the refused one, fetched unless another caller did so meanwhile.
    pub(super) async fn renew(
        &self,
        wire: &Wire,
        retries: &Retries,
        refused: &Token,
    ) -> Result<Token> {
        self.fetch_unless(wire, retries, |token| token.number > refused.number)
            .await
    }

    async fn fetch_unless(
        &self,
        wire: &Wire,
        retries: &Retries,
        good: impl Fn(&Token) -> bool,
    ) -> Result<Token> {
        let asked_at = Instant::now();
        let mut state = self.state.lock().await;
        if let Some(token) = state.token.as_ref().filter(|token| good(token)) {
            return Ok(token.clone());
        }
        if let Some((at, refused)) = &state.refused
            && *at >= asked_at
        {
            return Err(refused.again());
        }
        let sign_in = || retries.breaker().hold(self.sign_in(wire));
        let access = match retries.run(Repeat::Read, sign_in).await {
            Ok(access) => Arc::new(access),
            Err(error) => {
                state.refused = Some((Instant::now(), Refused::of(&error)));
                return Err(error);
            }
        };
        state.fetched += 1;
        let token = Token {
            access,
            number: state.fetched,
        };
        state.token = Some(token.clone());
        state.refused = None;
        Ok(token)
    }

    /// One token request (Salesforce Help, "OAuth 2.0 Client Credentials Flow for Server-to-Server Integration").
    async fn sign_in(&self, wire: &Wire) -> Result<Secret, Failure> {
        let mut url = self.instance.clone();
        url.set_path("/services/oauth2/token");
        let pair = Secret::new(format!(
            "{}:{}",
            self.consumer_key,
            self.consumer_secret.expose()
        ));
        let basic = Secret::new(format!("Basic {}", STANDARD.encode(pair.expose())));
        let mut header = HeaderValue::from_str(basic.expose())
            .map_err(|_| Error::bug("base64 does not fit a header"))?;
        header.set_sensitive(true);
        let request = wire
            .request(Method::POST, url)
            .header(AUTHORIZATION, header)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .body("grant_type=client_credentials");
        let scrub = Scrub::new([self.consumer_secret.expose(), &basic.expose()[6..]]);
        let mut answer = wire.send(request, Purpose::Token, &scrub).await?;
        if answer.status != 200 {
            return Err(refusal::refusal(
                answer.status,
                &answer.headers,
                &answer.body,
                &scrub,
            ));
        }
        let accepted = self.accept(&answer);
        answer.body.zeroize();
        accepted
    }

    /// Takes a token only for the instance it was asked for.
    fn accept(&self, answer: &Answer) -> Result<Secret, Failure> {
        let unreadable = |what: &str| {
            Failure::new(
                Code::AnswerUnreadable,
                format!("the token endpoint's answer {what}"),
            )
        };
        // The parser's own words may quote the body, which holds the token.
        let token: TokenAnswer = serde_json::from_slice(&answer.body)
            .map_err(|_| unreadable("is not the JSON it documents"))?;
        let access = Secret::new(token.access_token);
        let same = Url::parse(&token.instance_url)
            .is_ok_and(|url| url.origin() == self.instance.origin() && url.username().is_empty());
        if !same {
            let named = Url::parse(&token.instance_url).ok();
            let named = named.as_ref().and_then(Url::host_str).unwrap_or("another");
            return Err(Failure::new(
                Code::HostRefused,
                format!(
                    "the token is for host `{}`, and `instance_url` names `{}`",
                    named.chars().take(100).collect::<String>(),
                    self.instance.host_str().unwrap_or_default()
                ),
            ));
        }
        let bearer = token
            .token_type
            .is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
        if !bearer || access.is_empty() || !access.expose().bytes().all(|b| b.is_ascii_graphic()) {
            return Err(unreadable("holds no usable bearer token"));
        }
        Ok(access)
    }
}

impl Refused {
    fn of(error: &Error) -> Self {
        Self {
            code: error.code(),
            message: error.message().to_owned(),
            context: error.context().clone(),
        }
    }

    fn again(&self) -> Error {
        let context = self.context.clone();
        Failure::new(self.code, self.message.clone())
            .error
            .with(|empty| *empty = context)
    }
}
