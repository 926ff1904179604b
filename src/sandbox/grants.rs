//! What users granted to apps: authorization codes, refresh tokens and their families, consents.
//!
//! A *grant* is one consent carried to tokens: the family of every access and refresh token that came from one code.
//! A code that comes twice, and a refresh token that was rotated away and comes again, are signs of theft: they end
//! the whole family.

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::apps::is_offline;
use super::ids::RecordId;
use super::sessions::letters;

/// How long a code can be redeemed. *Unconfirmed* number.
const CODE_LIFETIME: SignedDuration = SignedDuration::from_mins(15);

/// Which grant.
pub(super) type GrantId = u64;

/// Every code, grant and consent.
#[derive(Debug)]
pub(super) struct Grants {
    secret: String,
    issued: u64,
    codes: HashMap<String, Code>,
    families: HashMap<GrantId, Grant>,
    /// Every refresh token that was ever given out; the grant knows which of them is good.
    refresh_tokens: HashMap<String, GrantId>,
    consents: HashMap<(String, RecordId), BTreeSet<String>>,
}

/// What stands behind an authorization code.
#[derive(Debug, Clone)]
pub(super) struct Code {
    /// The Consumer Key of the app it was made for.
    pub(super) app: String,
    pub(super) user: RecordId,
    pub(super) redirect_uri: String,
    /// The S256 challenge of PKCE, where the request had one.
    pub(super) challenge: Option<String>,
    pub(super) scopes: Vec<String>,
    pub(super) issued: Timestamp,
    /// It was presented before.
    presented: bool,
    /// It was presented more than once.
    replayed: bool,
    /// The grant that it gave.
    given: Option<GrantId>,
}

impl Code {
    /// A code that nobody presented yet.
    pub(super) fn new(
        app: &str,
        user: RecordId,
        redirect_uri: &str,
        challenge: Option<String>,
        scopes: Vec<String>,
        issued: Timestamp,
    ) -> Self {
        Self {
            app: app.to_owned(),
            user,
            redirect_uri: redirect_uri.to_owned(),
            challenge,
            scopes,
            issued,
            presented: false,
            replayed: false,
            given: None,
        }
    }
}

/// Why a code cannot be redeemed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CodeFault {
    /// No such code, or another app's.
    Unknown,
    /// It waited too long.
    Expired,
    /// It was presented before; the grant that it gave then, if any.
    Presented(Option<GrantId>),
}

/// A family of tokens.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) app: String,
    pub(super) user: RecordId,
    pub(super) scopes: Vec<String>,
    pub(super) begun: Timestamp,
    pub(super) used: Timestamp,
    /// The refresh token that is good; none where the scopes hold none.
    live: Option<String>,
}

/// What a refresh token is.
#[derive(Debug, Clone)]
pub(super) enum Refresh {
    /// Good, for this grant.
    Live(GrantId, Grant),
    /// It was good once, and another took its place.
    Rotated(GrantId, Grant),
    /// Unknown, revoked, or of a family that ended.
    Dead,
}

impl Grants {
    /// No grants; tokens follow from the secret.
    pub(super) fn new(secret: &str) -> Self {
        Self {
            secret: secret.to_owned(),
            issued: 0,
            codes: HashMap::new(),
            families: HashMap::new(),
            refresh_tokens: HashMap::new(),
            consents: HashMap::new(),
        }
    }

    /// Keeps a code; returns it as text. The equal signs at its end are what clients forget to decode.
    pub(super) fn offer(&mut self, code: Code) -> String {
        self.issued += 1;
        let random = letters(&format!("{} code {}", self.secret, self.issued), 80);
        let text = format!("aPrx{random}==");
        self.codes.insert(text.clone(), code);
        text
    }

    /// Takes a code that an app presents. It can be presented once, whatever comes of it: a wrong verifier does not get
    /// a second guess.
    pub(super) fn take(
        &mut self,
        text: &str,
        app: &str,
        now: Timestamp,
    ) -> Result<Code, CodeFault> {
        let code = self
            .codes
            .get_mut(text)
            .filter(|code| code.app == app)
            .ok_or(CodeFault::Unknown)?;
        if code.presented {
            code.replayed = true;
            return Err(CodeFault::Presented(code.given));
        }
        code.presented = true;
        if now.duration_since(code.issued) > CODE_LIFETIME {
            return Err(CodeFault::Expired);
        }
        Ok(code.clone())
    }

    /// Begins the family of a code; returns it with its refresh token, if the scopes hold one. None where the code came
    /// again while it was being looked at.
    pub(super) fn begin(
        &mut self,
        text: &str,
        now: Timestamp,
    ) -> Option<(GrantId, Option<String>)> {
        let id = self.issued + 1;
        let kept = self.codes.get_mut(text).filter(|code| !code.replayed)?;
        kept.given = Some(id);
        let code = kept.clone();
        self.issued = id;
        let offline = code.scopes.iter().any(|scope| is_offline(scope));
        let live = offline.then(|| self.next_refresh_token(id));
        let grant = Grant {
            app: code.app,
            user: code.user,
            scopes: code.scopes,
            begun: now,
            used: now,
            live: live.clone(),
        };
        self.families.insert(id, grant);
        Some((id, live))
    }

    fn next_refresh_token(&mut self, grant: GrantId) -> String {
        self.issued += 1;
        let random = letters(&format!("{} refresh {}", self.secret, self.issued), 80);
        let token = format!("5Aep861{random}");
        self.refresh_tokens.insert(token.clone(), grant);
        token
    }

    /// What a refresh token is.
    pub(super) fn refresh(&self, token: &str) -> Refresh {
        let found = self.refresh_tokens.get(token);
        match found.and_then(|id| Some((*id, self.families.get(id)?))) {
            Some((id, grant)) if grant.live.as_deref() == Some(token) => {
                Refresh::Live(id, grant.clone())
            }
            Some((id, grant)) => Refresh::Rotated(id, grant.clone()),
            None => Refresh::Dead,
        }
    }

    /// Notes that a grant's refresh token was used.
    pub(super) fn touch(&mut self, id: GrantId, now: Timestamp) {
        if let Some(grant) = self.families.get_mut(&id) {
            grant.used = now;
        }
    }

    /// Puts another refresh token in the place of a grant's.
    pub(super) fn rotate(&mut self, id: GrantId) -> Option<String> {
        self.families.get(&id)?;
        let token = self.next_refresh_token(id);
        self.families.get_mut(&id)?.live = Some(token.clone());
        Some(token)
    }

    /// Ends a family. With the last one of an app and a user the consent ends too. *Unconfirmed.*
    pub(super) fn end(&mut self, id: GrantId) {
        let Some(grant) = self.families.remove(&id) else {
            return;
        };
        let others = self.families.values();
        let is_last = !others
            .into_iter()
            .any(|other| other.app == grant.app && other.user == grant.user);
        if is_last {
            self.consents.remove(&(grant.app, grant.user));
        }
    }

    /// Ends every family and every consent.
    pub(super) fn end_all(&mut self) {
        self.families.clear();
        self.consents.clear();
    }

    /// Notes what a user allowed an app.
    pub(super) fn consent(&mut self, app: &str, user: RecordId, scopes: &[String]) {
        let key = (app.to_owned(), user);
        self.consents
            .entry(key)
            .or_default()
            .extend(scopes.iter().cloned());
    }

    /// Whether a user allowed an app all of these before.
    pub(super) fn consented(&self, app: &str, user: RecordId, scopes: &[String]) -> bool {
        self.consents
            .get(&(app.to_owned(), user))
            .is_some_and(|given| scopes.iter().all(|scope| given.contains(scope)))
    }

    /// What a user allowed an app; nothing where they never did.
    pub(super) fn consented_scopes(&self, app: &str, user: RecordId) -> Vec<String> {
        self.consents
            .get(&(app.to_owned(), user))
            .map(|given| given.iter().cloned().collect())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_comes_again_while_it_is_looked_at_gives_nothing() {
        let now = Timestamp::UNIX_EPOCH;
        let mut grants = Grants::new("x");
        let scopes = vec!["refresh_token".to_owned()];
        let code = Code::new("app", RecordId::MIN, "http://localhost/", None, scopes, now);
        let text = grants.offer(code.clone());
        assert!(grants.take(&text, "app", now).is_ok());
        let again = grants.take(&text, "app", now).unwrap_err();
        assert_eq!(again, CodeFault::Presented(None));
        assert!(grants.begin(&text, now).is_none());
        let text = grants.offer(code);
        assert!(grants.take(&text, "app", now).is_ok());
        let (id, token) = grants.begin(&text, now).unwrap();
        assert!(token.is_some());
        let again = grants.take(&text, "app", now).unwrap_err();
        assert_eq!(again, CodeFault::Presented(Some(id)));
    }
}
