//! A keeper in memory that follows a script, and an org that rotates refresh tokens and punishes a second use.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bridged::foundation::code::Code;
use bridged::foundation::error::{Error, Result};
use bridged::foundation::secret::Secret;
use bridged::salesforce::client::Client;
use bridged::salesforce::credentials::Credentials;
use bridged::salesforce::keeper::{FreshTokens, KeptTokens, Lock, TokenKeeper};
use bridged::salesforce::settings::Settings;

use super::org::{KEY, SECRET, page, settings};
use crate::support::wire::{Reply, Request, Wire, json};

/// Every access token begins so.
pub(crate) const ACCESS: &str = "00Dxx0000000001!accessDontShow";
/// Every refresh token begins so.
pub(crate) const REFRESH: &str = "5Aep861refreshDontShow";

/// Keeps tokens as one process would, for all sessions that share it.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    tokens: Mutex<KeptTokens>,
    locked: Arc<AtomicBool>,
    calls: Mutex<Vec<&'static str>>,
    /// How many of the next calls of `keep` fail.
    pub(crate) keep_fails: AtomicUsize,
}

struct Guard(Arc<AtomicBool>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

impl Kept {
    /// With the first access and refresh token of [`rotating`].
    pub(crate) fn fresh() -> Arc<Self> {
        Self::with(|_| {})
    }

    /// With tokens changed from there.
    pub(crate) fn with(change: impl FnOnce(&mut KeptTokens)) -> Arc<Self> {
        let mut tokens = KeptTokens {
            access: Some(Secret::new(format!("{ACCESS}0"))),
            refresh: Some(Secret::new(format!("{REFRESH}0"))),
            ..KeptTokens::default()
        };
        change(&mut tokens);
        Arc::new(Self {
            tokens: Mutex::new(tokens),
            ..Self::default()
        })
    }

    pub(crate) fn tokens(&self) -> KeptTokens {
        self.tokens.lock().unwrap().clone()
    }

    /// The calls so far, without `load`.
    pub(crate) fn calls(&self) -> Vec<&'static str> {
        self.calls.lock().unwrap().clone()
    }

    /// Holds the lock as another process would.
    pub(crate) fn hold(&self) -> Lock {
        assert!(!self.locked.swap(true, Ordering::SeqCst));
        Box::new(Guard(Arc::clone(&self.locked)))
    }

    /// Changes the tokens as another process would.
    pub(crate) fn change(&self, change: impl FnOnce(&mut KeptTokens)) {
        change(&mut self.tokens.lock().unwrap());
    }

    fn note(&self, call: &'static str) {
        self.calls.lock().unwrap().push(call);
        assert!(self.locked.load(Ordering::SeqCst), "{call} under the lock");
    }
}

impl TokenKeeper for Kept {
    fn connection(&self) -> &'static str {
        "crm"
    }

    fn load(&self) -> Result<KeptTokens> {
        Ok(self.tokens())
    }

    fn lock(&self) -> Result<Option<Lock>> {
        if self.locked.swap(true, Ordering::SeqCst) {
            return Ok(None);
        }
        Ok(Some(Box::new(Guard(Arc::clone(&self.locked)))))
    }

    fn begin(&self) -> Result<()> {
        self.note("begin");
        self.change(|tokens| tokens.begun = true);
        Ok(())
    }

    fn keep(&self, fresh: &FreshTokens) -> Result<()> {
        self.note("keep");
        let fails = self
            .keep_fails
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        if fails.is_ok() {
            return Err(Error::new(Code::StoreFull, "no space is left"));
        }
        self.change(|tokens| {
            tokens.begun = false;
            tokens.rotates = Some(fresh.refresh.is_some());
            tokens.access = Some(fresh.access.clone());
            if let Some(refresh) = &fresh.refresh {
                tokens.refresh = Some(refresh.clone());
            }
        });
        Ok(())
    }

    fn unused(&self) -> Result<()> {
        self.note("unused");
        self.change(|tokens| tokens.begun = false);
        Ok(())
    }

    fn refused(&self) -> Result<()> {
        self.note("refused");
        self.change(|tokens| {
            tokens.begun = false;
            tokens.refused = true;
        });
        Ok(())
    }
}

/// Settings of a session whose tokens `kept` keeps, for an app with a secret.
pub(crate) fn kept_by(url: impl Into<String>, kept: &Arc<Kept>) -> Settings {
    let mut settings = settings(url);
    settings.credentials = Credentials::Oauth {
        consumer_key: KEY.to_owned(),
        consumer_secret: Some(Secret::new(SECRET)),
        keeper: Arc::clone(kept) as Arc<dyn TokenKeeper>,
    };
    settings
}

pub(crate) fn client_kept_by(wire: &Wire, kept: &Arc<Kept>) -> Client {
    Client::new(kept_by(wire.url("http"), kept)).unwrap()
}

/// What the org knows about the tokens it gave.
#[derive(Debug, Default)]
pub(crate) struct Family {
    /// The number of the newest access and refresh token; older ones are dead.
    newest: usize,
    /// Whether a dead refresh token was used, which ends them all.
    pub(crate) revoked: bool,
    /// How many refreshes were asked for.
    pub(crate) refreshes: usize,
}

/// An org in which access token 0 is expired and each refresh makes the next pair and kills the old one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rotating {
    family: Arc<Mutex<Family>>,
    /// Whether refresh tokens stay good.
    keeps: bool,
}

impl Rotating {
    pub(crate) fn without_rotation() -> Self {
        Self {
            keeps: true,
            ..Self::default()
        }
    }

    pub(crate) fn family(&self) -> std::sync::MutexGuard<'_, Family> {
        self.family.lock().unwrap()
    }

    /// Ends the access token in use, as a session policy does.
    pub(crate) fn expire(&self) {
        // The refresh token of the same number stays good.
        self.family().newest += 1;
    }

    pub(crate) fn answer(&self, request: &Request) -> Reply {
        if request.target == "/services/oauth2/token" {
            return self.refresh(request);
        }
        let family = self.family();
        let good = format!("Bearer {ACCESS}{}", family.newest);
        if family.newest > 0 && !family.revoked && request.header("authorization") == good {
            page(0, None, "")
        } else {
            json(
                401,
                r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#,
            )
        }
    }

    fn refresh(&self, request: &Request) -> Reply {
        let mut family = self.family();
        family.refreshes += 1;
        let current = if self.keeps { 0 } else { family.newest };
        let used = format!("grant_type=refresh_token&refresh_token={REFRESH}{current}");
        if family.revoked || request.body != used {
            family.revoked = true;
            return json(
                400,
                r#"{"error":"invalid_grant","error_description":"expired access/refresh token"}"#,
            );
        }
        family.newest += 1;
        let mut body = serde_json::json!({
            "access_token": format!("{ACCESS}{}", family.newest),
            "instance_url": format!("http://{}", request.header("host")),
            "id": "https://login.salesforce.com/id/00Dxx0000000001EAA/005xx0000000001AAA",
            "token_type": "Bearer",
            "scope": "refresh_token api",
        });
        if !self.keeps {
            body["refresh_token"] = format!("{REFRESH}{}", family.newest).into();
        }
        json(200, &body.to_string())
    }

    pub(crate) async fn start(&self) -> Wire {
        let org = self.clone();
        Wire::start(move |request| org.answer(request)).await
    }
}
