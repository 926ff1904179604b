//! Everything a running sandbox knows, shared by its connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use jiff::SignedDuration;

use super::accounts::Accounts;
use super::clock::SandboxClock;
use super::faults::Faults;
use super::graph::Business;
use super::graph::sends::Sends;
use super::ids::RecordId;
use super::ledger::RequestLedger;
use super::limits::Limits;
use super::org::Org;
use super::rest::locators::Locators;
use super::rules::Rules;
use super::seed::setup::{INTEGRATION_USERNAME, LIMITED_USERNAME};
use super::seed::{Recipe, grow};
use super::sessions::{Session, Sessions, letters};
use super::settings::Settings;
use super::user::{Permissions, User};
use super::value::Stamp;

/// The state of one sandbox. Locks are held for one step each, never across a wait.
#[derive(Debug)]
pub(super) struct State {
    pub(super) settings: Settings,
    pub(super) clock: SandboxClock,
    recipe: Recipe,
    org: RwLock<Org>,
    users: RwLock<HashMap<RecordId, User>>,
    sessions: Mutex<Sessions>,
    accounts: Mutex<Accounts>,
    limits: Mutex<Limits>,
    faults: Mutex<Faults>,
    ledger: Mutex<RequestLedger>,
    locators: Mutex<Locators>,
    rules: Mutex<Arc<Rules>>,
    business: Mutex<Business>,
    sends: Mutex<Sends>,
    gate: RwLock<()>,
}

/// Held for the length of a request: others may run beside it, or none.
#[derive(Debug)]
#[expect(dead_code, reason = "a guard works by being held")]
pub(super) enum Pass<'a> {
    /// Others run too.
    Shared(RwLockReadGuard<'a, ()>),
    /// Nobody else reads or writes.
    Alone(RwLockWriteGuard<'a, ()>),
}

impl State {
    /// The state of a sandbox that was never used.
    pub(super) fn new(settings: Settings) -> Self {
        let clock = SandboxClock::new(settings.clock);
        let now = clock.stamp();
        let recipe = Recipe {
            seed: settings.seed,
            leads: settings.leads,
            anchor: Stamp(now.0 - now.0.rem_euclid(86_400)),
        };
        let org = grow(recipe);
        Self {
            users: RwLock::new(users(&org)),
            org: RwLock::new(org),
            sessions: Mutex::new(sessions(&settings)),
            accounts: Mutex::new(Accounts::new(password(settings.seed))),
            limits: Mutex::new(Limits::new(settings.api_limit)),
            faults: Mutex::new(Faults::new(settings.faults.clone(), settings.seed)),
            ledger: Mutex::new(RequestLedger::default()),
            locators: Mutex::new(Locators::default()),
            rules: Mutex::default(),
            business: Mutex::new(Business::new(settings.seed)),
            sends: Mutex::new(sends(&settings)),
            gate: RwLock::default(),
            clock,
            recipe,
            settings,
        }
    }

    /// Puts everything but the clock back to the start.
    pub(super) fn reset(&self) {
        let org = grow(self.recipe);
        *write(&self.users) = users(&org);
        *write(&self.org) = org;
        *self.sessions() = sessions(&self.settings);
        *self.accounts() = Accounts::new(password(self.settings.seed));
        *self.limits() = Limits::new(self.settings.api_limit);
        *self.faults() = Faults::new(self.settings.faults.clone(), self.settings.seed);
        *self.ledger() = RequestLedger::default();
        *self.locators() = Locators::default();
        *lock(&self.rules) = Arc::default();
        *self.business() = Business::new(self.settings.seed);
        *self.sends() = sends(&self.settings);
    }

    /// Lets a request in. One of several steps that stand or fall together must be `alone`.
    pub(super) fn pass(&self, alone: bool) -> Pass<'_> {
        if alone {
            Pass::Alone(write(&self.gate))
        } else {
            Pass::Shared(read(&self.gate))
        }
    }

    /// The org's rules in force.
    pub(super) fn rules(&self) -> Arc<Rules> {
        lock(&self.rules).clone()
    }

    /// Puts other rules in force.
    pub(super) fn set_rules(&self, rules: Rules) {
        rules.index(&mut self.org_mut());
        *lock(&self.rules) = Arc::new(rules);
    }

    /// The data, with every commit that is due.
    pub(super) fn org(&self) -> RwLockReadGuard<'_, Org> {
        let org = read(&self.org);
        let now = self.clock.stamp();
        if org.next_commit().is_none_or(|due| due > now) {
            return org;
        }
        drop(org);
        write(&self.org).settle(now);
        read(&self.org)
    }

    /// The data, to change it.
    pub(super) fn org_mut(&self) -> RwLockWriteGuard<'_, Org> {
        let mut org = write(&self.org);
        org.settle(self.clock.stamp());
        org
    }

    /// The user behind a session.
    pub(super) fn user(&self, session: &Session) -> Option<User> {
        read(&self.users).get(&session.user).cloned()
    }

    /// A user by name.
    pub(super) fn user_named(&self, username: &str) -> Option<User> {
        let users = read(&self.users);
        users
            .values()
            .find(|user| user.username.eq_ignore_ascii_case(username))
            .cloned()
    }

    /// Changes the permissions of a user; false where there is none of that name.
    pub(super) fn permit(&self, username: &str, change: impl FnOnce(&mut Permissions)) -> bool {
        let mut users = write(&self.users);
        let user = users
            .values_mut()
            .find(|user| user.username.eq_ignore_ascii_case(username));
        user.map(|user| change(&mut user.permissions)).is_some()
    }

    /// Who is signed in.
    pub(super) fn sessions(&self) -> MutexGuard<'_, Sessions> {
        lock(&self.sessions)
    }

    /// What stands around the users' rights.
    pub(super) fn accounts(&self) -> MutexGuard<'_, Accounts> {
        lock(&self.accounts)
    }

    /// What is left of the daily calls.
    pub(super) fn limits(&self) -> MutexGuard<'_, Limits> {
        lock(&self.limits)
    }

    /// The faults in force.
    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    /// The requests so far.
    pub(super) fn ledger(&self) -> MutexGuard<'_, RequestLedger> {
        lock(&self.ledger)
    }

    /// The WhatsApp number, its account and its templates.
    pub(super) fn business(&self) -> MutexGuard<'_, Business> {
        lock(&self.business)
    }

    /// The messages that were posted, and what comes of them.
    pub(super) fn sends(&self) -> MutexGuard<'_, Sends> {
        lock(&self.sends)
    }

    /// The queries that have more pages.
    pub(super) fn locators(&self) -> MutexGuard<'_, Locators> {
        lock(&self.locators)
    }

    /// The instant at which the objects were last changed: a fresh org's.
    pub(super) fn objects_changed(&self) -> Stamp {
        Stamp(self.recipe.anchor.0 - 730 * 86_400)
    }
}

pub(super) fn sessions(settings: &Settings) -> Sessions {
    let lifetime =
        SignedDuration::try_from(settings.session_lifetime).unwrap_or(SignedDuration::MAX);
    Sessions::new(
        settings.seed,
        &[INTEGRATION_USERNAME, LIMITED_USERNAME],
        lifetime,
    )
}

fn sends(settings: &Settings) -> Sends {
    let mut sends = Sends::new(settings.seed);
    sends.webhook.clone_from(&settings.webhook);
    sends
}

/// The password that every user of a seed has.
pub(super) fn password(seed: u64) -> String {
    letters(&format!("password {seed}"), 16)
}

fn users(org: &Org) -> HashMap<RecordId, User> {
    let Some(table) = org.table("User") else {
        return HashMap::new();
    };
    let text = |row: &super::table::Row, name: &str| {
        let at = table.object().index_of(name)?;
        row.get(at).as_text().map(str::to_owned)
    };
    let user = |row: &super::table::Row| {
        let user = User {
            id: row.id(),
            username: text(row, "Username").unwrap_or_default(),
            timezone: text(row, "TimeZoneSidKey").unwrap_or_default(),
            permissions: Permissions::default(),
        };
        (row.id(), user)
    };
    table.rows().map(|(_, row)| user(row)).collect()
}

// A thread that panics while it holds a lock leaves the data as it was before or after one step: still usable.

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
