//! The access token: got in the way the credentials say, shared, and renewed by one caller at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use crate::foundation::code::Code;
use crate::foundation::error::{Context, Error, Result};
use crate::foundation::secret::Secret;

use super::credentials::Credentials;
use super::refusal::Scrub;
use super::retry::{Repeat, Retries};
use super::sign_in::client_credentials;
use super::sign_in::jwt_bearer::{self, Statement};
use super::sign_in::refresh::{Given, Refresh};
use super::sign_in::token_endpoint::Tokens;
use super::wire::Wire;

/// A token and its number: a later token has a higher one.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) access: Arc<Secret>,
    /// Whether a request of this session got it, rather than another process.
    pub(super) is_fetched: bool,
    /// The scopes that came with it, separated by blanks; empty where no answer named them.
    pub(super) scope: Arc<str>,
    number: u64,
}

/// Who signs in, and the token that came of it.
pub(super) struct Session {
    instance: Url,
    credentials: Credentials,
    /// How long to wait for another process that renews the tokens.
    renewal_patience: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    got: u64,
    // Whoever waited while a log-in was refused shares the refusal: fifty callers must not become fifty log-ins.
    refused: Option<(Instant, Refused)>,
}

#[derive(Clone)]
struct Refused {
    code: Code,
    message: String,
    help: Option<String>,
    context: Context,
}

impl Session {
    pub(super) fn new(instance: Url, credentials: Credentials, renewal_patience: Duration) -> Self {
        Self {
            instance,
            credentials,
            renewal_patience,
            state: Mutex::default(),
        }
    }

    /// Whether it signs in by these very credentials. Tokens that somebody else keeps are shared there, and not here.
    pub(super) fn signs_in_by(&self, credentials: &Credentials) -> bool {
        match (&self.credentials, credentials) {
            (
                Credentials::ApiKey {
                    consumer_key,
                    consumer_secret,
                },
                Credentials::ApiKey {
                    consumer_key: other_key,
                    consumer_secret: other_secret,
                },
            ) => consumer_key == other_key && consumer_secret == other_secret,
            (
                Credentials::Jwt {
                    consumer_key,
                    username,
                    private_key,
                    audience,
                },
                Credentials::Jwt {
                    consumer_key: other_key,
                    username: other_username,
                    private_key: other_private_key,
                    audience: other_audience,
                },
            ) => {
                (consumer_key, username, audience) == (other_key, other_username, other_audience)
                    && private_key.is_same(other_private_key)
            }
            _ => false,
        }
    }

    /// The texts an answer must not get repeated: the credentials and the token in use.
    pub(super) fn scrub<'a>(&'a self, token: Option<&'a Token>) -> Scrub<'a> {
        let token = token.map(|token| token.access.expose());
        let secret = self.credentials.consumer_secret().map(Secret::expose);
        Scrub::new(token.into_iter().chain(secret))
    }

    /// The token, got when there is none.
    pub(super) async fn token(&self, wire: &Arc<Wire>, retries: &Retries) -> Result<Token> {
        self.get_unless(wire, retries, None).await
    }

    /// A token younger than the refused one, got unless another caller did so meanwhile.
    pub(super) async fn renew(
        &self,
        wire: &Arc<Wire>,
        retries: &Retries,
        refused: &Token,
    ) -> Result<Token> {
        self.get_unless(wire, retries, Some(refused)).await
    }

    async fn get_unless(
        &self,
        wire: &Arc<Wire>,
        retries: &Retries,
        dead: Option<&Token>,
    ) -> Result<Token> {
        let asked_at = Instant::now();
        let mut state = self.state.lock().await;
        let is_good = |token: &&Token| dead.is_none_or(|dead| token.number > dead.number);
        if let Some(token) = state.token.as_ref().filter(is_good) {
            return Ok(token.clone());
        }
        if let Some((at, refused)) = &state.refused
            && *at >= asked_at
        {
            return Err(refused.again());
        }
        let given = match self.get(wire, retries, dead).await {
            Ok(given) => given,
            Err(error) => {
                state.refused = Some((Instant::now(), Refused::of(&error)));
                return Err(error);
            }
        };
        state.got += 1;
        let token = Token {
            access: Arc::new(given.access),
            is_fetched: given.is_fetched,
            scope: given.scope.into(),
            number: state.got,
        };
        state.token = Some(token.clone());
        state.refused = None;
        Ok(token)
    }

    async fn get(
        &self,
        wire: &Arc<Wire>,
        retries: &Retries,
        dead: Option<&Token>,
    ) -> Result<Given> {
        let breaker = retries.breaker();
        let fetched = |tokens: Tokens| Given {
            access: tokens.access,
            is_fetched: true,
            scope: tokens.scope,
        };
        match &self.credentials {
            Credentials::ApiKey {
                consumer_key,
                consumer_secret,
            } => {
                let once = || {
                    breaker.hold(client_credentials::sign_in(
                        wire,
                        &self.instance,
                        consumer_key,
                        consumer_secret,
                    ))
                };
                retries.run(Repeat::Read, once).await.map(fetched)
            }
            Credentials::Jwt {
                consumer_key,
                username,
                private_key,
                audience,
            } => {
                let statement = Statement {
                    consumer_key,
                    username,
                    private_key,
                    audience: audience.as_deref(),
                };
                let once = || breaker.hold(jwt_bearer::sign_in(wire, &self.instance, &statement));
                retries.run(Repeat::Read, once).await.map(fetched)
            }
            Credentials::Oauth {
                consumer_key,
                consumer_secret,
                keeper,
            } => {
                let refresh = Refresh {
                    wire: Arc::clone(wire),
                    instance: self.instance.clone(),
                    consumer_key: consumer_key.clone(),
                    consumer_secret: consumer_secret.clone(),
                    keeper: Arc::clone(keeper),
                    dead: dead.map(|token| Arc::clone(&token.access)),
                    patience: self.renewal_patience,
                };
                let given = async {
                    if let Some(given) = refresh.kept().await? {
                        return Ok(given);
                    }
                    // What is unclear is an error of its own already, unless repeating it does no harm.
                    retries
                        .run(Repeat::Same, || breaker.hold(refresh.once()))
                        .await
                };
                given.await.map_err(|error| match error.code() {
                    Code::NotConnected | Code::ReconnectNeeded => {
                        error.help(format!("run `bridged connect {}`", keeper.connection()))
                    }
                    _ => error,
                })
            }
        }
    }
}

impl Refused {
    fn of(error: &Error) -> Self {
        Self {
            code: error.code(),
            message: error.message().to_owned(),
            help: error.help_text().map(ToOwned::to_owned),
            context: error.context().clone(),
        }
    }

    fn again(&self) -> Error {
        let error = Error::new(self.code, self.message.clone());
        let error = match &self.help {
            Some(help) => error.help(help.clone()),
            None => error,
        };
        error.with(|empty| *empty = self.context.clone())
    }
}
