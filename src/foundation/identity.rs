//! Who a message reaches: a phone number or a business-scoped user id, and the keyed hash under which they are remembered.

use std::fmt;

use ring::hmac;

use super::secret::Secret;

/// What WhatsApp knows a person by.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Identity {
    /// A phone number in the form of E.164: `+`, and 7 to 15 digits.
    Phone(String),
    /// A business-scoped user id, as Meta gives it.
    User(String),
}

/// The longest business-scoped user id: two letters, a dot, `ENT.`, and 128 letters and digits.
const MAX_USER_ID: usize = 2 + 1 + 4 + 128;

impl Identity {
    /// A phone number, of its digits with or without a `+` before them; `None` where it cannot be one.
    pub fn phone(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        let fits = (7..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        fits.then(|| Self::Phone(format!("+{digits}")))
    }

    /// A business-scoped user id (`US.1349…`, `US.ENT.…`); `None` where it cannot be one.
    pub fn user(text: &str) -> Option<Self> {
        let (country, rest) = text.split_once('.')?;
        let fits = country.len() == 2
            && country.bytes().all(|byte| byte.is_ascii_uppercase())
            && text.len() <= MAX_USER_ID
            && !rest.is_empty()
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
        fits.then(|| Self::User(text.to_owned()))
    }

    /// The number or the id itself.
    pub fn expose(&self) -> &str {
        match self {
            Self::Phone(text) | Self::User(text) => text,
        }
    }

    /// What may be shown of it: the last two characters.
    pub fn masked(&self) -> String {
        let text = self.expose();
        let end = text.char_indices().rev().nth(1).map_or(0, |(at, _)| at);
        match self {
            Self::Phone(_) => format!("+…{}", &text[end..]),
            Self::User(_) => format!("user …{}", &text[end..]),
        }
    }
}

/// Shows no more than its end: it goes into logs.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

/// The keyed hash of an identity: what is remembered of somebody who must not be written to, also when nothing else is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdentityHash([u8; 32]);

impl IdentityHash {
    /// The hash as it is stored.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash itself.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for IdentityHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, ..] = self.0;
        write!(f, "IdentityHash({first:02x}{second:02x}…)")
    }
}

/// The key of those hashes. Without it nobody can be looked up, and so nobody is written to.
#[derive(Clone)]
pub struct IdentityKey(hmac::Key);

impl IdentityKey {
    /// The key that is made of a secret.
    pub fn new(secret: &Secret) -> Self {
        Self(hmac::Key::new(
            hmac::HMAC_SHA256,
            secret.expose().as_bytes(),
        ))
    }

    /// The hash of one identity. A number and a user id of the same letters differ.
    pub fn hash(&self, identity: &Identity) -> IdentityHash {
        let kind: &[u8] = match identity {
            Identity::Phone(_) => b"phone\0",
            Identity::User(_) => b"user\0",
        };
        self.sign(kind, identity.expose())
    }

    /// The hash of the name of a record: a profile's key, a Salesforce Id, an outcome's id. None of an identity is like it.
    pub fn name(&self, text: &str) -> IdentityHash {
        self.sign(b"name\0", text)
    }

    /// What tells this key from another without telling it: kept beside the hashes.
    pub fn check(&self) -> IdentityHash {
        self.sign(b"check\0", "bridged identity key 1")
    }

    fn sign(&self, kind: &[u8], text: &str) -> IdentityHash {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(kind);
        context.update(text.as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(context.sign().as_ref());
        IdentityHash(bytes)
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_has_one_hash_however_it_is_written_and_another_under_another_key() {
        let key = IdentityKey::new(&Secret::new("one"));
        let number = |text| Identity::phone(text).map(|identity| key.hash(&identity));
        assert_eq!(number("+14155550100"), number("14155550100"));
        assert_ne!(number("+14155550100"), number("+14155550101"));
        let other = IdentityKey::new(&Secret::new("two"));
        assert_ne!(key.check(), other.check());
        let phone = Identity::phone("+14155550100").map(|phone| key.hash(&phone));
        assert_ne!(Some(key.name("+14155550100")), phone);
        for wrong in ["", "+", "123", "0415555010", "+1415555010012345", "+1 415"] {
            assert_eq!(Identity::phone(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_user_id_is_none_of_anything_else() {
        assert!(Identity::user("US.13491208655302741918").is_some());
        assert!(Identity::user("US.ENT.11815799212886844830").is_some());
        for wrong in ["", "US", "us.1", "US.", "USA.1", "US.1/2", "+14155550100"] {
            assert!(Identity::user(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn an_identity_is_shown_by_its_end_alone() {
        let phone = Identity::phone("+14155550100").unwrap();
        assert_eq!(format!("{phone:?}"), "+…00");
        let user = Identity::user("US.13491208655302741918").unwrap();
        assert_eq!(format!("{user:?}"), "user …18");
    }
}
