//! The refresh of tokens that a keeper shares among processes: once at a time, kept before use, and never repeated where
//! the refresh token may be spent (I19).
//!
//! ```text
//! lock ─▶ load ─▶ begin ─▶ request ─┬─ tokens ─────────▶ keep ─▶ use
//!          │                        ├─ never left ─────▶ unused, tried again
//!          │                        ├─ refused ────────▶ refused, ends
//!          └─ another's token: use  └─ no clear answer ─▶ stays begun, ends
//! ```

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use url::Url;

use super::token_endpoint::{self, ClientId, Form, Tokens};
use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::secret::Secret;
use crate::salesforce::keeper::{FreshTokens, KeptTokens, Lock, TokenKeeper};
use crate::salesforce::refusal::Failure;
use crate::salesforce::wire::Wire;

/// How often keeping new tokens is tried: losing them costs a person a sign-in.
const KEEP_TRIES: u32 = 3;

/// How long to wait between two of those tries.
const KEEP_PAUSE: Duration = Duration::from_millis(200);

/// The least and the longest wait between two looks at a lock that another process holds, in milliseconds.
const LOOK_MS: std::ops::RangeInclusive<u64> = 50..=250;

/// One renewal, for as many tries as it takes.
#[derive(Clone)]
pub(in crate::salesforce) struct Refresh {
    pub(in crate::salesforce) wire: Arc<Wire>,
    pub(in crate::salesforce) instance: Url,
    pub(in crate::salesforce) consumer_key: String,
    pub(in crate::salesforce) consumer_secret: Option<Secret>,
    pub(in crate::salesforce) keeper: Arc<dyn TokenKeeper>,
    /// The access token that Salesforce refused, where that is why.
    pub(in crate::salesforce) dead: Option<Arc<Secret>>,
    /// How long to wait for another process that does the same.
    pub(in crate::salesforce) patience: Duration,
}

/// An access token, and whether a request got it.
#[derive(Debug)]
pub(in crate::salesforce) struct Given {
    pub(in crate::salesforce) access: Secret,
    pub(in crate::salesforce) is_fetched: bool,
    /// Separated by blanks; empty where no answer named them.
    pub(in crate::salesforce) scope: String,
}

impl Refresh {
    /// The kept access token, when it is one to try and no refresh is under way.
    pub(in crate::salesforce) async fn kept(&self) -> Result<Option<Given>> {
        let kept = self.keeper(|keeper| keeper.load()).await?;
        if kept.begun || kept.refused {
            // Only under the lock is it clear whether another process is at work or was stopped.
            return Ok(None);
        }
        Ok(self.alive(kept))
    }

    /// One try. It goes on to its end even when nobody waits for it any more, since the tokens would be lost.
    pub(in crate::salesforce) async fn once(&self) -> Result<Given, Failure> {
        let refresh = self.clone();
        let task = tokio::spawn(async move { refresh.locked().await });
        task.await
            .map_err(|_| Error::bug("the refresh of a token did not end"))?
    }

    async fn locked(&self) -> Result<Given, Failure> {
        let lock = self.lock().await?;
        let outcome = self.under_lock().await;
        drop(lock);
        outcome
    }

    async fn under_lock(&self) -> Result<Given, Failure> {
        let kept = self.keeper(|keeper| keeper.load()).await?;
        let rotates = kept.rotates != Some(false);
        if kept.refused {
            return Err(ended("Salesforce refused the refresh token"));
        }
        if kept.begun && rotates {
            return Err(ended(
                "the answer to an earlier refresh was never kept, so the refresh token may be spent",
            ));
        }
        let Some(token) = kept.refresh.clone() else {
            return match self.alive(kept) {
                Some(given) => Ok(given),
                None => Err(self.without_refresh_token()),
            };
        };
        if let Some(given) = self.alive(kept) {
            return Ok(given);
        }
        self.keeper(|keeper| keeper.begin()).await?;
        let fresh = match self.ask(&token).await {
            Ok(tokens) => tokens.replacing(&token),
            Err(failure) => return Err(self.failed(failure, rotates).await),
        };
        let access = fresh.access.clone();
        let scope = fresh.scope.clone().unwrap_or_default();
        self.keep(fresh).await?;
        Ok(Given {
            access,
            is_fetched: true,
            scope,
        })
    }

    /// One refresh request (Salesforce Help, "OAuth 2.0 Refresh Token Flow for Renewed Sessions").
    async fn ask(&self, token: &Secret) -> Result<Tokens, Failure> {
        let client = ClientId {
            consumer_key: &self.consumer_key,
            consumer_secret: self.consumer_secret.as_ref(),
        };
        let form = Form::grant("refresh_token").and("refresh_token", token.expose());
        let secrets = [token.expose()];
        token_endpoint::ask(&self.wire, &self.instance, Some(client), form, &secrets).await
    }

    /// Keeps the tokens before they are used, so that no other process meets the old ones.
    async fn keep(&self, fresh: FreshTokens) -> Result<()> {
        let fresh = Arc::new(fresh);
        let mut attempt = 1;
        loop {
            let fresh = Arc::clone(&fresh);
            match self.keeper(move |keeper| keeper.keep(&fresh)).await {
                Err(_) if attempt < KEEP_TRIES => {
                    attempt += 1;
                    sleep(KEEP_PAUSE).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// Marks what a failed request means for the refresh token, and names it.
    async fn failed(&self, mut failure: Failure, rotates: bool) -> Failure {
        let mark = match fate(&failure) {
            Fate::Unused => self.keeper(|keeper| keeper.unused()).await,
            Fate::Refused => self.keeper(|keeper| keeper.refused()).await,
            Fate::Unclear => Ok(()),
        };
        if let Err(error) = mark {
            return error.into();
        }
        if failure.error.code() == Code::HostRefused {
            // The answer is clear, and asking again would only fetch it again.
            failure.settled = true;
            return failure;
        }
        match fate(&failure) {
            Fate::Refused => renamed(failure, "Salesforce refused the refresh token"),
            Fate::Unclear if rotates => renamed(
                failure,
                "a refresh ended without a clear answer, so the refresh token may be spent",
            ),
            _ => failure,
        }
    }

    /// Waits for the connection's lock.
    async fn lock(&self) -> Result<Lock> {
        let until = Instant::now() + self.patience;
        loop {
            if let Some(lock) = self.keeper(|keeper| keeper.lock()).await? {
                return Ok(lock);
            }
            if Instant::now() >= until {
                let message = format!(
                    "another process has been renewing this connection's tokens for {} s",
                    self.patience.as_secs_f64()
                );
                return Err(Failure::new(Code::ConnectionBusy, message).error);
            }
            sleep(Duration::from_millis(fastrand::u64(LOOK_MS))).await;
        }
    }

    /// The kept access token, unless it is the one that was refused.
    fn alive(&self, kept: KeptTokens) -> Option<Given> {
        let is_dead = |access: &Secret| self.dead.as_deref().is_some_and(|dead| dead == access);
        let access = kept.access.filter(|access| !is_dead(access))?;
        Some(Given {
            access,
            is_fetched: false,
            scope: String::new(),
        })
    }

    fn without_refresh_token(&self) -> Failure {
        if self.dead.is_some() {
            ended("the session ended, and the app gave no refresh token to begin another")
        } else {
            Failure::new(Code::NotConnected, "nobody signed in with this connection")
        }
    }

    /// Calls the keeper where it may block.
    async fn keeper<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn TokenKeeper) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let keeper = Arc::clone(&self.keeper);
        tokio::task::spawn_blocking(move || call(&*keeper))
            .await
            .map_err(|_| Error::bug("the keeper of the tokens panicked"))?
    }
}

/// What a failed request means for the refresh token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It was not used: the request never left, or was refused for another reason.
    Unused,
    /// It is dead.
    Refused,
    /// It may be used up.
    Unclear,
}

fn fate(failure: &Failure) -> Fate {
    let context = failure.error.context();
    let remote = context.remote_code.as_deref();
    match failure.error.code() {
        // An edge or a gateway that counts requests did not pass this one on.
        _ if matches!(context.http_status, Some(420 | 425 | 429)) => Fate::Unused,
        _ if failure.maybe_done => Fate::Unclear,
        _ if matches!(context.http_status, Some(406 | 408 | 500..=599)) => Fate::Unclear,
        // `unknown_error`, which comes as 400 too.
        Code::SalesforceUnavailable => Fate::Unclear,
        Code::ReconnectNeeded => Fate::Refused,
        Code::SignInRefused if remote == Some("invalid_grant") => Fate::Refused,
        _ => Fate::Unused,
    }
}

/// The end of a session that only a person can begin again.
fn ended(why: &str) -> Failure {
    Failure::new(
        Code::ReconnectNeeded,
        format!("the connection must be signed in to again: {why}"),
    )
}

/// The same, with what happened beneath it.
fn renamed(failure: Failure, why: &str) -> Failure {
    let context = failure.error.context().clone();
    let message = failure.error.message().to_owned();
    let mut renamed = ended(&format!("{why} ({message})"));
    renamed.error = renamed
        .error
        .with(|empty| *empty = context)
        .caused_by(failure.error);
    renamed
}
