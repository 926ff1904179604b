//! Browsers on the log-in and consent pages: a cookie, a token against forged forms, and who is logged in.

use std::collections::VecDeque;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};

use super::ids::RecordId;

/// Browsers that are remembered; the one that came first is forgotten first.
const KEPT_MAX: usize = 1_000;

/// Every browser that is remembered.
#[derive(Debug, Default)]
pub(super) struct Browsers(VecDeque<Browser>);

/// One browser. What it carries is random and does not follow from the seed: a page elsewhere must not guess it.
#[derive(Debug, Clone)]
pub(super) struct Browser {
    /// The value of its cookie.
    pub(super) id: String,
    /// What its forms carry.
    pub(super) form_token: String,
    /// Who is logged in.
    pub(super) user: Option<RecordId>,
}

impl Browsers {
    /// The browser with a cookie.
    pub(super) fn find(&self, id: &str) -> Option<Browser> {
        self.0.iter().find(|browser| browser.id == id).cloned()
    }

    /// A browser that was not here before. Logging in makes one too: a cookie from before must not become a session.
    pub(super) fn open(&mut self, user: Option<RecordId>) -> Browser {
        let browser = Browser {
            id: random(),
            form_token: random(),
            user,
        };
        if self.0.len() == KEPT_MAX {
            self.0.pop_front();
        }
        self.0.push_back(browser.clone());
        browser
    }

    /// Forgets a browser.
    pub(super) fn close(&mut self, id: &str) {
        self.0.retain(|browser| browser.id != id);
    }

    /// Forgets every browser in which a user is logged in.
    pub(super) fn close_user(&mut self, user: RecordId) {
        self.0.retain(|browser| browser.user != Some(user));
    }
}

/// 32 random bytes as text.
fn random() -> String {
    let mut bytes = [0; 32];
    // Without randomness the sandbox has no forms: the empty token fits none.
    match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => URL_SAFE_NO_PAD.encode(bytes),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_browser_is_forgotten_first() {
        let mut browsers = Browsers::default();
        let first = browsers.open(None);
        let second = browsers.open(Some(RecordId::MIN));
        for _ in 2..=KEPT_MAX {
            browsers.open(None);
        }
        assert!(browsers.find(&first.id).is_none());
        assert_eq!(browsers.find(&second.id).unwrap().user, Some(RecordId::MIN));
        browsers.close_user(RecordId::MIN);
        assert!(browsers.find(&second.id).is_none());
        assert_ne!(first.id, first.form_token);
    }
}
