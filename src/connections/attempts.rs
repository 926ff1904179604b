//! Sign-ins that were begun in a browser and have not come back: each for one browser, once, and for a short time.

use std::time::Duration;

use tokio::time::Instant;

use crate::foundation::secret::Secret;

/// How long a sign-in may take (OWASP ASVS 5.0, 10.4.3 allows an authorization code ten minutes; its attempt gets no more).
pub const LIFETIME: Duration = Duration::from_mins(10);

/// How many sign-ins may be open at once; one more lets go of the oldest.
const MOST_OPEN: usize = 16;

/// One sign-in on its way.
#[derive(Debug)]
pub(super) struct Attempt {
    /// What Salesforce repeats on the way back.
    pub(super) state: Secret,
    /// What proves at the token endpoint that the same program began it (RFC 7636).
    pub(super) verifier: Secret,
    /// The value of the cookie of the browser that began it.
    pub(super) browser: Secret,
}

/// Why a browser that came back is sent away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stray {
    /// It brought no state, or more than one.
    NoState,
    /// Its state was never given out, or came back before.
    UnknownState,
    /// Its sign-in began too long ago.
    Expired,
    /// Another browser began the sign-in.
    OtherBrowser,
}

impl Stray {
    /// The reason as a sentence.
    pub(super) const fn why(self) -> &'static str {
        match self {
            Stray::NoState => "the address brings no state, or more than one",
            Stray::UnknownState => "its state was not given out here, or has come back before",
            Stray::Expired => "the sign-in was begun more than ten minutes ago",
            Stray::OtherBrowser => "the sign-in was begun in another browser",
        }
    }
}

/// The sign-ins that are on their way.
#[derive(Debug)]
pub(super) struct Attempts {
    lifetime: Duration,
    open: Vec<(Instant, Attempt)>,
}

impl Attempts {
    pub(super) fn new(lifetime: Duration) -> Self {
        Self {
            lifetime,
            open: Vec::new(),
        }
    }

    /// Remembers a sign-in that begins now.
    pub(super) fn begin(&mut self, attempt: Attempt) {
        if self.open.len() >= MOST_OPEN {
            self.open.remove(0);
        }
        self.open.push((Instant::now(), attempt));
    }

    /// Whether this state was given out here, and has not come back.
    pub(super) fn holds(&self, state: &str) -> bool {
        let mut open = self.open.iter();
        open.any(|(_, attempt)| attempt.state.matches(state))
    }

    /// I20: the sign-in that comes back. Whatever the answer, its state is spent.
    pub(super) fn take(&mut self, state: &str, browser: Option<&str>) -> Result<Attempt, Stray> {
        let at = self
            .open
            .iter()
            .position(|(_, attempt)| attempt.state.matches(state))
            .ok_or(Stray::UnknownState)?;
        let (began, attempt) = self.open.remove(at);
        if began.elapsed() > self.lifetime {
            return Err(Stray::Expired);
        }
        if !browser.is_some_and(|browser| attempt.browser.matches(browser)) {
            return Err(Stray::OtherBrowser);
        }
        Ok(attempt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(number: usize) -> Attempt {
        Attempt {
            state: Secret::new(format!("state {number}")),
            verifier: Secret::new(format!("verifier {number}")),
            browser: Secret::new(format!("browser {number}")),
        }
    }

    #[test]
    fn i20_x13_a_state_is_good_once_for_its_browser_and_for_ten_minutes() {
        let mut attempts = Attempts::new(LIFETIME);
        let mut take = |state: &str, browser: Option<&str>| {
            attempts.begin(attempt(1));
            let taken = attempts.take(state, browser);
            taken.map(|attempt| attempt.verifier.expose().to_owned())
        };
        assert_eq!(
            take("state 1", Some("browser 1")),
            Ok("verifier 1".to_owned())
        );
        assert_eq!(take("state 2", Some("browser 1")), Err(Stray::UnknownState));
        assert_eq!(take("", Some("browser 1")), Err(Stray::UnknownState));
        for browser in [None, Some(""), Some("browser 2")] {
            assert_eq!(
                take("state 1", browser),
                Err(Stray::OtherBrowser),
                "{browser:?}"
            );
        }
        let mut attempts = Attempts::new(LIFETIME);
        attempts.begin(attempt(1));
        assert!(attempts.take("state 1", Some("browser 1")).is_ok());
        assert_eq!(
            attempts.take("state 1", Some("browser 1")).err(),
            Some(Stray::UnknownState)
        );
        let mut attempts = Attempts::new(Duration::ZERO);
        attempts.begin(attempt(1));
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(
            attempts.take("state 1", Some("browser 1")).err(),
            Some(Stray::Expired)
        );
    }

    #[test]
    fn the_oldest_attempt_makes_room() {
        let mut attempts = Attempts::new(LIFETIME);
        for number in 0..=MOST_OPEN {
            attempts.begin(attempt(number));
        }
        assert_eq!(
            attempts.take("state 0", Some("browser 0")).err(),
            Some(Stray::UnknownState)
        );
        assert!(attempts.take("state 1", Some("browser 1")).is_ok());
    }
}
