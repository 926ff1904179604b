//! Vaults to test with.

use std::sync::Arc;

use bridged::foundation::secret::Secret;
use bridged::store::Store;
use bridged::vault::key::generate;
use bridged::vault::{Change, Field, KeyRing, Vault};

use crate::store::sample::at;

/// A new key as text.
pub(crate) fn key() -> String {
    generate().expect("random numbers").expose().to_owned()
}

pub(crate) fn ring(keys: &[&str]) -> KeyRing {
    KeyRing::parse(&keys.join("\n")).expect("keys")
}

/// The project's vault with these keys; without any where there are none.
pub(crate) fn vault(store: &Arc<dyn Store>, keys: &[&str]) -> Vault {
    of_project("acme", store, keys)
}

pub(crate) fn of_project(project: &str, store: &Arc<dyn Store>, keys: &[&str]) -> Vault {
    let ring = (!keys.is_empty()).then(|| ring(keys));
    Vault::new(Arc::clone(store), project, ring)
}

#[track_caller]
pub(crate) fn put(vault: &Vault, connection: &str, secrets: &[(Field, &str)]) {
    let secrets: Vec<(Field, Secret)> = secrets
        .iter()
        .map(|(field, text)| (*field, Secret::new(*text)))
        .collect();
    let put: Vec<(Field, &Secret)> = secrets.iter().map(|(field, one)| (*field, one)).collect();
    let change = Change {
        connection,
        put: &put,
        ..Change::default()
    };
    vault.change(&change, at(1)).expect("put");
}

/// The text of a secret; `None` where none is kept.
#[track_caller]
pub(crate) fn get(vault: &Vault, connection: &str, field: Field) -> Option<String> {
    let secret = vault.get(connection, field).expect("it opens");
    secret.map(|secret| secret.expose().to_owned())
}
