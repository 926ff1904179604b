//! Keys of the vault: their text, their ids, and the ring in which the newest seals and all of them open.

use std::fmt;
use std::io::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use ring::digest::{Context, SHA256};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::{Zeroize, Zeroizing};

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::secret::Secret;

use super::private_file::{self, PrivateFile};

/// The variable that holds keys.
pub const KEY_VARIABLE: &str = "BRIDGED_KEY";
/// The variable that names a file with keys.
pub const KEY_FILE_VARIABLE: &str = "BRIDGED_KEY_FILE";
/// What every key begins with, so that people and secret scanners know one when they see it.
pub const PREFIX: &str = "bk1_";
/// The most keys in a ring.
pub const MAX_KEYS: usize = 64;

const KEY_BYTES: usize = 32;
/// A mistyped key is told from a wrong one.
const CHECK_BYTES: usize = 4;
/// 36 bytes in base64.
const ENCODED: usize = 48;

/// What a key is known by: it tells nothing of the key itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; 4]);

impl KeyId {
    fn of(key: &[u8]) -> Self {
        let hash = hash(b"bridged vault key id 1", key);
        Self([hash[0], hash[1], hash[2], hash[3]])
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn hash(domain: &[u8], key: &[u8]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(&(domain.len() as u64).to_be_bytes());
    context.update(domain);
    context.update(key);
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

fn check_bytes(key: &[u8]) -> [u8; CHECK_BYTES] {
    let hash = hash(b"bridged vault key check 1", key);
    [hash[0], hash[1], hash[2], hash[3]]
}

/// One key, ready to use. It stays in one place on the heap and is zeroed when it is dropped.
struct Key {
    id: KeyId,
    cipher: Box<XChaCha20Poly1305>,
}

/// The keys of a vault, the newest first. It never shows a key.
pub struct KeyRing {
    newest: Key,
    older: Vec<Key>,
}

impl KeyRing {
    /// Reads keys, the newest first, apart by blanks, line ends or commas; a line that begins with `#` is a comment. A key
    /// that comes twice counts where it comes first.
    ///
    /// # Errors
    /// `vault-key-invalid`, which names the place of the word that is no key, and never the word.
    pub fn parse(text: &str) -> Result<Self> {
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'));
        let words = lines.flat_map(|line| {
            line.split(|c: char| c.is_whitespace() || c == ',')
                .filter(|word| !word.is_empty())
        });
        let mut keys: Vec<Key> = Vec::new();
        for (place, word) in words.enumerate() {
            let key = decode(word).map_err(|why| {
                invalid(format!(
                    "word {} of the vault's keys is no key: it {why}",
                    place + 1
                ))
            })?;
            if keys.iter().all(|other| other.id != key.id) {
                keys.push(key);
            }
            if keys.len() > MAX_KEYS {
                return Err(invalid(format!("the vault takes at most {MAX_KEYS} keys")));
            }
        }
        let mut keys = keys.into_iter();
        let newest = keys
            .next()
            .ok_or_else(|| invalid("there is no key where the vault's keys should be"))?;
        Ok(Self {
            newest,
            older: keys.collect(),
        })
    }

    /// The keys that the environment gives, in `BRIDGED_KEY` or in the file that `BRIDGED_KEY_FILE` names; `None` where
    /// neither is set. A variable of blanks alone counts as not set.
    ///
    /// # Errors
    /// `vault-key-invalid` where both are set, and as [`KeyRing::parse`] says; `vault-key-file-refused`.
    pub fn load(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>> {
        let set = |name: &str| {
            let value = lookup(name).map(Zeroizing::new);
            value.filter(|value| !value.trim().is_empty())
        };
        match (set(KEY_VARIABLE), set(KEY_FILE_VARIABLE)) {
            (None, None) => Ok(None),
            (Some(keys), None) => Self::parse(&keys).map(Some),
            (None, Some(path)) => {
                let file = PrivateFile {
                    path: path.as_str().as_ref(),
                    what: "key file",
                    named_in: "`BRIDGED_KEY_FILE`",
                    another: "Make another one with `bridged vault key --out FILE`, or restore it from where you keep it",
                    code: Code::VaultKeyFileRefused,
                };
                Self::parse(&file.read()?).map(Some)
            }
            (Some(_), Some(_)) => Err(Error::new(
                Code::VaultKeyInvalid,
                format!("`{KEY_VARIABLE}` and `{KEY_FILE_VARIABLE}` are both set"),
            )
            .help("Keep one of them; a file is the safer one, because programs started later do not inherit it")),
        }
    }

    /// The key that seals.
    pub const fn newest(&self) -> KeyId {
        self.newest.id
    }

    /// All keys, the newest first.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.all().map(|key| key.id)
    }

    /// What seals.
    pub(super) fn sealing(&self) -> &XChaCha20Poly1305 {
        &self.newest.cipher
    }

    /// What opens a secret that the key with this id sealed.
    pub(super) fn opening(&self, id: &str) -> Option<&XChaCha20Poly1305> {
        let mut all = self.all();
        let found = all.find(|key| key.id.to_string() == id)?;
        Some(&found.cipher)
    }

    fn all(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.newest).chain(&self.older)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<String> = self.ids().map(|id| id.to_string()).collect();
        write!(f, "KeyRing({})", ids.join(", "))
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(Code::VaultKeyInvalid, message)
        .help("Make a key with `bridged vault key`, and keep every letter of it")
}

/// Why it is none, in words, where it is not one.
fn decode(word: &str) -> Result<Key, &'static str> {
    let encoded = word
        .strip_prefix(PREFIX)
        .ok_or("does not begin with `bk1_`")?;
    if encoded.len() != ENCODED {
        return Err("is cut off, or longer than a key");
    }
    let mut bytes = Zeroizing::new([0; KEY_BYTES + CHECK_BYTES]);
    // The slice has room for what 48 letters hold, so only the letters can be wrong.
    URL_SAFE_NO_PAD
        .decode_slice(encoded, bytes.as_mut_slice())
        .map_err(|_| "holds a letter that no key has")?;
    let (key, check) = bytes.split_at(KEY_BYTES);
    if check_bytes(key) != check {
        return Err("is mistyped");
    }
    let cipher = XChaCha20Poly1305::new_from_slice(key).map_err(|_| "has the wrong length")?;
    Ok(Key {
        id: KeyId::of(key),
        cipher: Box::new(cipher),
    })
}

/// A new key as text: `bk1_` and 48 letters, which hold 32 random bytes and 4 that tell a mistyped key.
///
/// # Errors
/// `bug`, where the system has no random numbers.
pub fn generate() -> Result<Secret> {
    let mut bytes = Zeroizing::new([0_u8; KEY_BYTES + CHECK_BYTES]);
    fill_random(&mut bytes[..KEY_BYTES])?;
    let check = check_bytes(&bytes[..KEY_BYTES]);
    bytes[KEY_BYTES..].copy_from_slice(&check);
    let mut letters = Zeroizing::new([0; ENCODED]);
    URL_SAFE_NO_PAD
        .encode_slice(bytes.as_slice(), letters.as_mut_slice())
        .map_err(|cause| Error::bug("a key has no text").caused_by(cause))?;
    let mut text = String::with_capacity(PREFIX.len() + ENCODED);
    text.push_str(PREFIX);
    text.extend(letters.iter().copied().map(char::from));
    letters.zeroize();
    Ok(Secret::new(text))
}

/// Fills with random bytes of the operating system.
pub(super) fn fill_random(bytes: &mut [u8]) -> Result<()> {
    SystemRandom::new()
        .fill(bytes)
        .map_err(|_| Error::bug("the operating system has no random numbers"))
}

/// Writes a key into a new file, for its owner alone whatever the umask says, with a comment that names it. When it returns the
/// file survives a loss of power: a secret may be sealed with the key at once.
///
/// # Errors
/// What the system says, and there is no file then; `AlreadyExists` where there was one, which stays as it is.
pub fn write(path: &Path, key: &Secret) -> std::io::Result<()> {
    private_file::create(path, |file| {
        if let Ok(ring) = KeyRing::parse(key.expose()) {
            writeln!(file, "# key {}", ring.newest())?;
        }
        file.write_all(key.expose().as_bytes())?;
        file.write_all(b"\n")
    })
}
