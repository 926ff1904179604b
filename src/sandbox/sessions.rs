//! Who is signed in: access tokens and their lifetime, beside the apps, grants and browsers they came from.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use ring::digest::{SHA256, digest};

use super::apps::App;
use super::browsers::Browsers;
use super::grants::{GrantId, Grants};
use super::ids::RecordId;

/// The apps of the org and what they got.
#[derive(Debug)]
pub(super) struct Sessions {
    secret: String,
    apps: Vec<App>,
    tokens: HashMap<String, Session>,
    issued: u64,
    lifetime: SignedDuration,
    /// Codes, refresh tokens and consents.
    pub(super) grants: Grants,
    /// Who is logged in on the pages.
    pub(super) browsers: Browsers,
}

/// One signed-in user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) user: RecordId,
    /// The Consumer Key of the app that the token was given to.
    pub(super) app: String,
    /// What the token may be used for.
    pub(super) scopes: Vec<String>,
    /// The family that the token belongs to, where it came from a user's consent.
    pub(super) grant: Option<GrantId>,
    pub(super) issued: Timestamp,
    used: Timestamp,
}

impl Session {
    /// The session of a user in an app that begins now.
    pub(super) fn new(
        user: RecordId,
        app: &App,
        scopes: Vec<String>,
        grant: Option<GrantId>,
        now: Timestamp,
    ) -> Self {
        Self {
            user,
            app: app.consumer_key.clone(),
            scopes,
            grant,
            issued: now,
            used: now,
        }
    }
}

impl Sessions {
    /// The apps of a seed: the first acts as `run_as[0]`, the next as `run_as[1]` and so on; the last as nobody.
    pub(super) fn new(seed: u64, run_as: &[&str], lifetime: SignedDuration) -> Self {
        let secret = format!("bridged sandbox {seed}");
        let mut apps: Vec<App> = run_as
            .iter()
            .enumerate()
            .map(|(number, user)| App::of_seed(&secret, number, Some(user)))
            .collect();
        apps.push(App::of_seed(&secret, apps.len(), None));
        Self {
            apps,
            tokens: HashMap::new(),
            issued: 0,
            lifetime,
            grants: Grants::new(&secret),
            browsers: Browsers::default(),
            secret,
        }
    }

    /// Every app; the first is the one that the sandbox announces.
    pub(super) fn apps(&self) -> &[App] {
        &self.apps
    }

    /// The app with a Consumer Key, if it is switched on.
    pub(super) fn app(&self, consumer_key: &str) -> Option<&App> {
        self.apps
            .iter()
            .find(|app| app.consumer_key == consumer_key && app.enabled)
    }

    /// The app with a Consumer Key, to change it; the first app where none is given.
    pub(super) fn app_mut(&mut self, consumer_key: Option<&str>) -> Option<&mut App> {
        self.apps
            .iter_mut()
            .find(|app| consumer_key.is_none_or(|key| app.consumer_key == key))
    }

    /// A secret for the app that was never given out before.
    pub(super) fn fresh_secret(&mut self) -> String {
        self.issued += 1;
        letters(&format!("{} new secret {}", self.secret, self.issued), 64)
    }

    /// Begins a session; returns the access token.
    pub(super) fn open(&mut self, org: RecordId, session: Session) -> String {
        self.issued += 1;
        let text = format!("{} token {} {}", self.secret, self.issued, session.user);
        let token = format!("{}!AQ.{}", org.short(), letters(&text, 86));
        self.tokens.insert(token.clone(), session);
        token
    }

    /// The session of a token that is still good; using it makes it live longer.
    pub(super) fn touch(&mut self, token: &str, now: Timestamp) -> Option<Session> {
        self.look(token, now)?;
        let session = self.tokens.get_mut(token)?;
        session.used = now;
        Some(session.clone())
    }

    /// The session of a token that is still good, and when it ends unless it is used.
    pub(super) fn look(&mut self, token: &str, now: Timestamp) -> Option<(Session, Timestamp)> {
        let session = self.tokens.get(token)?;
        if now.duration_since(session.used) > self.lifetime {
            self.tokens.remove(token);
            return None;
        }
        let ends = session.used.checked_add(self.lifetime);
        Some((session.clone(), ends.unwrap_or(Timestamp::MAX)))
    }

    /// Signs a token out; false where there is none.
    pub(super) fn close(&mut self, token: &str) -> bool {
        self.tokens.remove(token).is_some()
    }

    /// Ends a family: its refresh tokens and every access token that came from it.
    pub(super) fn end(&mut self, grant: GrantId) {
        self.tokens
            .retain(|_, session| session.grant != Some(grant));
        self.grants.end(grant);
    }

    /// Signs a user out, in programs and in browsers. Refresh tokens stay as they are.
    pub(super) fn close_user(&mut self, user: RecordId) {
        self.tokens.retain(|_, session| session.user != user);
        self.browsers.close_user(user);
    }

    /// Signs everyone out. Refresh tokens stay good.
    pub(super) fn close_all(&mut self) {
        self.tokens.clear();
    }

    /// How long an unused session lives.
    pub(super) fn set_lifetime(&mut self, lifetime: SignedDuration) {
        self.lifetime = lifetime;
    }
}

/// Letters and digits that follow from a text.
pub(super) fn letters(text: &str, count: usize) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut out = String::with_capacity(count);
    let mut block = digest(&SHA256, text.as_bytes());
    while out.len() < count {
        let room = count - out.len();
        let letter = |byte: &u8| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]);
        out.extend(block.as_ref().iter().take(room).map(letter));
        block = digest(&SHA256, block.as_ref());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lives_as_long_as_it_is_used() {
        let start: Timestamp = "2026-03-01T10:00:00Z".parse().unwrap();
        let hours = |n| start + SignedDuration::from_hours(n);
        let mut sessions = Sessions::new(1, &["a@b.c"], SignedDuration::from_hours(2));
        let app = sessions.apps()[0].clone();
        let session = Session::new(RecordId::MAX, &app, vec![], None, start);
        let token = sessions.open(RecordId::MIN, session);
        for hour in [1, 3, 5] {
            assert!(sessions.touch(&token, hours(hour)).is_some(), "{hour}");
        }
        let (_, ends) = sessions.look(&token, hours(6)).unwrap();
        assert_eq!(ends, hours(7));
        assert!(sessions.touch(&token, hours(8)).is_none());
        assert!(sessions.touch(&token, hours(6)).is_none());
    }

    #[test]
    fn the_apps_of_a_seed_are_always_the_same() {
        let apps = |seed| Sessions::new(seed, &["a@b.c"], SignedDuration::ZERO).apps()[0].clone();
        assert_eq!(apps(1).api_key, apps(1).api_key);
        assert_ne!(apps(1).api_key, apps(2).api_key);
        assert_eq!(apps(1).consumer_key.len(), 85);
    }
}
