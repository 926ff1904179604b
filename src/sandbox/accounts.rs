//! What stands around a user's rights: password, locks, login hours, IP restriction, and the state of the whole org.

use std::collections::HashMap;

use jiff::civil::Time;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::ids::RecordId;

/// Wrong passwords in a row that lock a user, and for how long.
///
/// Source: "Set Password Policies" in Salesforce Help (the defaults).
const FAILURES_MAX: u32 = 10;
const LOCKOUT: SignedDuration = SignedDuration::from_mins(15);

/// The users' accounts and the org's state.
#[derive(Debug)]
pub(super) struct Accounts {
    by_user: HashMap<RecordId, Account>,
    password: String,
    pub(super) org: OrgState,
}

/// What an administrator can set on a user, beside the row and the rights.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a checkbox of its own in Setup"
)]
pub(super) struct Account {
    /// What the log-in page asks for.
    pub(super) password: String,
    /// Locked or frozen by an administrator.
    pub(super) locked: bool,
    /// When they may sign in, in UTC; always where nothing is set.
    pub(super) login_hours: Option<LoginHours>,
    /// Their login IP ranges do not hold the caller's address.
    pub(super) ip_restricted: bool,
    /// The permission `API Enabled`.
    pub(super) api_enabled: bool,
    /// Their password is too old for anything but another one.
    pub(super) password_expired: bool,
    failures: u32,
    locked_until: Option<Timestamp>,
}

/// A span of every day, in UTC; one that ends before it begins goes over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginHours {
    from: Time,
    to: Time,
}

/// The state of the whole org.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OrgState {
    /// It is neither locked nor suspended.
    pub(super) active: bool,
    /// Its edition has the API.
    pub(super) api: bool,
    pub(super) maintenance: Maintenance,
}

/// What maintenance does to requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Maintenance {
    /// There is none.
    Off,
    /// Every request gets the page of a gateway.
    Page,
    /// Every request gets a JSON error.
    Json,
    /// Rows can be read and not written.
    ReadOnly,
}

impl LoginHours {
    fn hold(self, now: Timestamp) -> bool {
        let time = TimeZone::UTC.to_datetime(now).time();
        if self.from <= self.to {
            (self.from..self.to).contains(&time)
        } else {
            time >= self.from || time < self.to
        }
    }
}

impl Account {
    /// Whether now is one of their login hours.
    pub(super) fn is_in_hours(&self, now: Timestamp) -> bool {
        self.login_hours.is_none_or(|hours| hours.hold(now))
    }

    /// Whether an administrator locked them, or they are locked out by wrong passwords.
    pub(super) fn is_locked(&self, now: Timestamp) -> bool {
        self.locked || self.locked_until.is_some_and(|until| now < until)
    }

    /// Compares a password and counts wrong ones. A lock does not tell whether the password was right.
    pub(super) fn try_password(&mut self, password: &str, now: Timestamp) -> bool {
        if self.locked_until.is_some_and(|until| now >= until) {
            self.unlock();
        }
        if self.password == password {
            if !self.is_locked(now) {
                self.failures = 0;
            }
            return true;
        }
        self.failures += 1;
        if self.failures >= FAILURES_MAX {
            self.locked_until = now.checked_add(LOCKOUT).ok();
        }
        false
    }

    /// Forgets wrong passwords.
    pub(super) fn unlock(&mut self) {
        self.failures = 0;
        self.locked_until = None;
    }
}

impl Accounts {
    /// Accounts that all have one password, in an org that is in order.
    pub(super) fn new(password: String) -> Self {
        Self {
            by_user: HashMap::new(),
            password,
            org: OrgState {
                active: true,
                api: true,
                maintenance: Maintenance::Off,
            },
        }
    }

    /// A user's account.
    pub(super) fn of(&mut self, user: RecordId) -> &mut Account {
        let password = &self.password;
        self.by_user.entry(user).or_insert_with(|| Account {
            password: password.clone(),
            locked: false,
            login_hours: None,
            ip_restricted: false,
            api_enabled: true,
            password_expired: false,
            failures: 0,
            locked_until: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Timestamp {
        format!("2026-03-01T{time}:00Z").parse().unwrap()
    }

    #[test]
    fn ten_wrong_passwords_lock_for_a_quarter_of_an_hour() {
        let mut accounts = Accounts::new("right".to_owned());
        let account = accounts.of(RecordId::MIN);
        for _ in 0..9 {
            assert!(!account.try_password("wrong", at("10:00")));
        }
        assert!(!account.is_locked(at("10:00")));
        assert!(!account.try_password("wrong", at("10:00")));
        assert!(account.try_password("right", at("10:14")) && account.is_locked(at("10:14")));
        assert!(account.try_password("right", at("10:15")) && !account.is_locked(at("10:15")));
        assert!(!account.try_password("wrong", at("10:16")) && !account.is_locked(at("10:16")));
    }

    #[test]
    fn login_hours_may_go_over_midnight() {
        let hours = |from: &str, to: &str| LoginHours {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
        };
        for (from, to, time, holds) in [
            ("09:00", "17:00", "09:00", true),
            ("09:00", "17:00", "17:00", false),
            ("22:00", "06:00", "23:30", true),
            ("22:00", "06:00", "05:59", true),
            ("22:00", "06:00", "12:00", false),
        ] {
            assert_eq!(hours(from, to).hold(at(time)), holds, "{from} {to} {time}");
        }
    }
}
