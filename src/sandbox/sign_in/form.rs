//! A form, in the body or in the query.

use crate::sandbox::call::{Call, form_pairs};
use crate::sandbox::texts::oauth::{Fault, missing_parameter};

/// The pairs of a form, decoded.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// The body's pairs, then the query's.
    pub(super) fn of(call: &Call) -> Self {
        let mut form = Self::of_body(call);
        form.0.extend(Self::of_query(call).0);
        form
    }

    /// The body's pairs; none where the body is no form.
    pub(super) fn of_body(call: &Call) -> Self {
        let is_form = call
            .header("content-type")
            .to_ascii_lowercase()
            .starts_with("application/x-www-form-urlencoded");
        Self::of_bytes(if is_form { &call.body } else { &[] })
    }

    /// The query's pairs.
    pub(super) fn of_query(call: &Call) -> Self {
        Self::of_bytes(call.query.as_bytes())
    }

    fn of_bytes(bytes: &[u8]) -> Self {
        Self(
            form_pairs(bytes)
                .map(|(key, value)| (key.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// The first value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The first value of a name, which must be there and not be empty.
    pub(super) fn need(&self, name: &str) -> Result<&str, Fault> {
        self.get(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| missing_parameter(name))
    }

    /// The first of some names that comes more than once.
    pub(super) fn duplicate<'n>(&self, names: &[&'n str]) -> Option<&'n str> {
        let count = |name: &str| self.0.iter().filter(|(key, _)| key == name).count();
        names.iter().find(|name| count(name) > 1).copied()
    }
}
