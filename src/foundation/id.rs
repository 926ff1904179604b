//! Names and ids as types of their own, so that one cannot be handed over for another.

use std::fmt;

use uuid::Uuid;

/// The name of a pipeline: lowercase letters, digits, `-` and `_`, at most 64 characters; a letter or digit at both ends.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PipelineName(String);

impl PipelineName {
    /// The name, when it is well-formed.
    pub fn parse(text: &str) -> Option<Self> {
        let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let well_formed = (1..=64).contains(&text.len())
            && text.starts_with(letters)
            && text.ends_with(letters)
            && text.chars().all(|c| letters(c) || matches!(c, '-' | '_'));
        well_formed.then(|| Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PipelineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A Salesforce Id in its form of 18 characters, of one that has 15 or 18 letters and digits; `None` when it is no Id.
///
/// Each of the last three characters tells the upper-case letters among five of the first fifteen, as the page "SOQL and
/// SOSL Reference: Record IDs" has it. Of 18 characters they must agree, in any case.
pub fn salesforce_id(text: &str) -> Option<String> {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    let well_formed =
        matches!(text.len(), 15 | 18) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !well_formed {
        return None;
    }
    let (id, given) = text.split_at(15);
    let mut full = id.to_owned();
    for group in id.as_bytes().chunks_exact(5) {
        let bits = group.iter().enumerate().fold(0, |bits, (at, byte)| {
            bits | (usize::from(byte.is_ascii_uppercase()) << at)
        });
        full.push(char::from(LETTERS[bits]));
    }
    (given.is_empty() || given.eq_ignore_ascii_case(&full[15..])).then_some(full)
}

/// The id of one run: a version 7 UUID, so that ids sort by the time their runs began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(Uuid);

impl RunId {
    /// A fresh id.
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// Reads an id as it is shown.
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::parse_str(text).ok().map(Self)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The id of one message: a version 7 UUID, so that ids sort by the time they were planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(Uuid);

impl MessageId {
    /// A fresh id.
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// Reads an id as it is shown.
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::parse_str(text).ok().map(Self)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A SHA-256 over everything that decides what a plan does: what was shown under it is what runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a canonical text.
    pub fn of(text: &str) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Self(bytes)
    }

    /// The hash itself.
    pub const fn bytes(&self) -> [u8; 32] {
        self.0
    }

    /// Reads a fingerprint as it is shown: 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let value = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = value(pair[0])? << 4 | value(pair[1])?;
        }
        Some(Self(bytes))
    }

    /// The first twelve hexadecimal digits, for people.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
