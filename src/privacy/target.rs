//! Who is meant: everything that a store knows a person by.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::foundation::error::Result;
use crate::foundation::id;
use crate::foundation::identity::{Identity, IdentityKey};
use crate::foundation::record::Outcome;
use crate::store::Store;
use crate::store::model::{Listed, StoredProfile};

/// A text shorter than this may stand in records of others too, so free text is not searched for it. The shortest phone
/// number has seven digits.
const TELLING: usize = 7;

/// The most outcomes of one profile that are looked at together.
const EVERY: u32 = u32::MAX;

/// A person, by everything that they are kept under.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// Their profiles, those of deleted rows too.
    pub profiles: Vec<StoredProfile>,
    /// The keys of these profiles, and keys without a profile that records name.
    pub keys: Vec<String>,
    /// Their outcomes.
    pub outcomes: Vec<Outcome>,
    /// Their numbers and user ids.
    pub identities: Vec<Identity>,
    names: BTreeSet<String>,
    texts: BTreeSet<String>,
}

/// Several profiles fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ambiguous(pub Vec<String>);

impl Target {
    /// Finds a person by a profile's key, a Salesforce Id, a phone number, an email or a user id, in this order. Nobody has to
    /// be there: who was never met can be erased too, and is then never taken in.
    ///
    /// # Errors
    /// What the store says; several profiles where `all` does not allow them.
    pub fn find(
        store: &dyn Store,
        key: &IdentityKey,
        text: &str,
        all: bool,
    ) -> Result<std::result::Result<Self, Ambiguous>> {
        let text = text.trim();
        let identity = Identity::phone(text).filter(|_| text.starts_with('+'));
        let identity = identity.or_else(|| Identity::user(text));
        let mut profiles: Vec<StoredProfile> = store.profile(text)?.into_iter().collect();
        if profiles.is_empty()
            && let Some(id) = id::salesforce_id(text)
        {
            profiles = store.profiles_by_salesforce_id(&id)?;
        }
        if profiles.is_empty() {
            profiles = store.profiles_by_phone(text)?;
        }
        if profiles.is_empty() {
            profiles = store.profiles_by_email(text)?;
        }
        let mut keys: BTreeSet<String> = profiles
            .iter()
            .map(|stored| stored.profile.key.clone())
            .collect();
        if let Some(identity) = &identity {
            for known in store.people_of(&[key.hash(identity)])? {
                if keys.insert(known.clone()) {
                    profiles.extend(store.profile(&known)?);
                }
            }
        }
        if keys.len() > 1 && !all {
            return Ok(Err(Ambiguous(keys.into_iter().collect())));
        }
        let mut target = Self {
            identities: identity.into_iter().collect(),
            ..Self::default()
        };
        target.call(text);
        for stored in profiles {
            target.add(stored);
        }
        keys.insert(text.to_owned());
        for key in keys {
            target.call(&key);
            for outcome in store.outcomes_of(&key, EVERY)? {
                target.names.insert(outcome.id.clone());
                target.outcomes.push(outcome);
            }
            target.keys.push(key);
        }
        Ok(Ok(target))
    }

    /// A name that records of the person stand under.
    fn call(&mut self, name: &str) {
        self.names.insert(name.to_owned());
        self.tell(name);
        if let Some(id) = id::salesforce_id(name) {
            // An Id is given with 15 characters or with 18, and both are the same row's.
            self.tell(&id[..15]);
            self.names.insert(id[..15].to_owned());
            self.names.insert(id);
        }
    }

    fn tell(&mut self, text: &str) {
        if text.len() >= TELLING {
            self.texts.insert(text.to_owned());
        }
    }

    fn add(&mut self, stored: StoredProfile) {
        let profile = &stored.profile;
        self.call(&profile.key);
        if let Some(id) = &profile.salesforce_id {
            self.call(id);
        }
        let attribute = |name: &str| profile.attributes.get(name).and_then(Value::as_str);
        let (phone, email) = (attribute("phone"), attribute("email"));
        let number = phone.and_then(Identity::phone);
        for text in [phone, email].into_iter().flatten() {
            self.tell(text);
        }
        if let Some(number) = number {
            // Meta writes numbers without the sign before them.
            self.tell(number.expose().trim_start_matches('+'));
            if !self.identities.contains(&number) {
                self.identities.push(number);
            }
        }
        self.profiles.push(stored);
    }

    /// All names of the person's records.
    pub fn names(&self) -> Vec<String> {
        self.names.iter().cloned().collect()
    }

    /// What tells of the person in free text.
    pub fn texts(&self) -> Vec<String> {
        let mut texts = self.texts.clone();
        for identity in &self.identities {
            let text = identity.expose().trim_start_matches('+');
            texts.insert(text.to_owned());
        }
        texts.into_iter().collect()
    }

    /// What goes on the erasure list.
    pub fn listed(&self, key: &IdentityKey) -> Vec<Listed> {
        let names = self.names.iter().map(|name| Listed::Name(key.name(name)));
        let people = self
            .identities
            .iter()
            .map(|one| Listed::Person(key.hash(one)));
        names.chain(people).collect()
    }
}
