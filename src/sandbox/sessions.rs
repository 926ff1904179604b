//! Who is signed in: connected apps, access tokens and their lifetime.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use ring::digest::{SHA256, digest};

use super::ids::RecordId;

/// An app with a Consumer Key and Secret.
#[derive(Debug, Clone, serde::Serialize)]
pub(super) struct App {
    pub(super) consumer_key: String,
    pub(super) api_key: String,
    /// As whom client credentials act; an app without anyone refuses them.
    pub(super) run_as: Option<String>,
}

/// The apps of the org and the tokens they got.
#[derive(Debug)]
pub(super) struct Sessions {
    secret: String,
    apps: Vec<App>,
    tokens: HashMap<String, Session>,
    issued: u64,
    lifetime: SignedDuration,
}

/// One signed-in user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) user: RecordId,
    used: Timestamp,
}

impl Sessions {
    /// The apps of a seed: the first acts as `run_as[0]`, the next as `run_as[1]` and so on; the last as nobody.
    pub(super) fn new(seed: u64, run_as: &[&str], lifetime: SignedDuration) -> Self {
        let secret = format!("bridged sandbox {seed}");
        let app = |number: usize, run_as: Option<&str>| App {
            consumer_key: format!("3MVG9{}", letters(&format!("{secret} key {number}"), 80)),
            api_key: letters(&format!("{secret} secret {number}"), 64),
            run_as: run_as.map(str::to_owned),
        };
        let mut apps: Vec<App> = run_as
            .iter()
            .enumerate()
            .map(|(number, user)| app(number, Some(user)))
            .collect();
        apps.push(app(apps.len(), None));
        Self {
            secret,
            apps,
            tokens: HashMap::new(),
            issued: 0,
            lifetime,
        }
    }

    /// Every app; the first is the one that the sandbox announces.
    pub(super) fn apps(&self) -> &[App] {
        &self.apps
    }

    /// The app with a Consumer Key.
    pub(super) fn app(&self, consumer_key: &str) -> Option<&App> {
        self.apps
            .iter()
            .find(|app| app.consumer_key == consumer_key)
    }

    /// Signs a user in; returns the access token.
    pub(super) fn open(&mut self, org: RecordId, user: RecordId, now: Timestamp) -> String {
        self.issued += 1;
        let random = letters(&format!("{} token {} {user}", self.secret, self.issued), 86);
        let token = format!("{}!AQ.{random}", org.short());
        self.tokens
            .insert(token.clone(), Session { user, used: now });
        token
    }

    /// The session of a token that is still good; using it makes it live longer.
    pub(super) fn touch(&mut self, token: &str, now: Timestamp) -> Option<Session> {
        let session = self.tokens.get_mut(token)?;
        if now.duration_since(session.used) > self.lifetime {
            self.tokens.remove(token);
            return None;
        }
        session.used = now;
        Some(*session)
    }

    /// Signs a token out; false where there is none.
    pub(super) fn close(&mut self, token: &str) -> bool {
        self.tokens.remove(token).is_some()
    }

    /// Signs everyone out.
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
        let token = sessions.open(RecordId::MIN, RecordId::MAX, start);
        for hour in [1, 3, 5] {
            assert!(sessions.touch(&token, hours(hour)).is_some(), "{hour}");
        }
        assert!(sessions.touch(&token, hours(8)).is_none());
    }

    #[test]
    fn the_apps_of_a_seed_are_always_the_same() {
        let apps = |seed| Sessions::new(seed, &["a@b.c"], SignedDuration::ZERO).apps()[0].clone();
        assert_eq!(apps(1).api_key, apps(1).api_key);
        assert_ne!(apps(1).api_key, apps(2).api_key);
        assert_eq!(apps(1).consumer_key.len(), 85);
    }
}
