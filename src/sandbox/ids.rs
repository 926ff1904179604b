//! Record ids: 15 characters that identify, three more that protect them from case-blind systems.

use std::fmt;

/// A record id. Kept as its 15 identifying characters, so ids sort as Salesforce sorts them: by byte.
///
/// Source: "SOQL and SOSL Reference", section on record ids; the checksum is the documented 15-to-18 rule.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId([u8; 15]);

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECKSUM: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

impl RecordId {
    /// The smallest id there can be; with [`RecordId::MAX`] the ends of a range over a table.
    pub const MIN: RecordId = RecordId([b'0'; 15]);
    /// The largest id there can be.
    pub const MAX: RecordId = RecordId([b'z'; 15]);

    /// The `serial`-th id of an object, with the org's pod (`instance`, two characters) in the middle.
    pub fn from_serial(prefix: [u8; 3], instance: [u8; 2], serial: u64) -> Self {
        let mut text = [b'0'; 15];
        text[..3].copy_from_slice(&prefix);
        text[3..5].copy_from_slice(&instance);
        let mut rest = serial;
        for slot in text[6..].iter_mut().rev() {
            *slot = BASE62[(rest % 62) as usize];
            rest /= 62;
        }
        Self(text)
    }

    /// Reads an id of 15 or 18 characters.
    ///
    /// An 18-character id must carry the right checksum, in any case: the first 15 characters decide.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let fits =
            (bytes.len() == 15 || bytes.len() == 18) && bytes.iter().all(u8::is_ascii_alphanumeric);
        if !fits {
            return None;
        }
        let mut id = [0; 15];
        id.copy_from_slice(&bytes[..15]);
        let id = Self(id);
        (bytes.len() == 15 || id.checksum().eq_ignore_ascii_case(&bytes[15..])).then_some(id)
    }

    /// The three characters that tell the object.
    pub fn prefix(&self) -> [u8; 3] {
        [self.0[0], self.0[1], self.0[2]]
    }

    /// The 15-character form.
    pub fn short(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The 18 characters as bytes, as every answer spells an id.
    pub fn bytes(&self) -> [u8; 18] {
        let mut text = [0; 18];
        text[..15].copy_from_slice(&self.0);
        text[15..].copy_from_slice(&self.checksum());
        text
    }

    /// One character for each group of five: the group's upper-case letters as bits, lowest first.
    fn checksum(&self) -> [u8; 3] {
        let mut sum = [0; 3];
        for (group, slot) in self.0.chunks_exact(5).zip(&mut sum) {
            let bits = group.iter().enumerate().fold(0, |bits, (at, byte)| {
                bits | (usize::from(byte.is_ascii_uppercase()) << at)
            });
            *slot = CHECKSUM[bits];
        }
        sum
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.bytes()).unwrap_or_default())
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_follows_the_documented_rule() {
        for (short, long) in [
            ("00Q000000000001", "00Q000000000001EAA"),
            ("001D000000IRFma", "001D000000IRFmaIAH"),
            ("a0A0000000000zz", "a0A0000000000zzEAA"),
        ] {
            let id = RecordId::parse(short).unwrap();
            assert_eq!(id.to_string(), long);
            assert_eq!(RecordId::parse(long), Some(id));
        }
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in [
            "",
            "00Q",
            "00Q00000000000",
            "00Q00000000000!",
            "00Q000000000001EAB",
        ] {
            assert_eq!(RecordId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn serials_sort_as_they_were_given() {
        let ids: Vec<_> = [0, 1, 61, 62, 4_000, 1_000_000]
            .map(|serial| RecordId::from_serial(*b"00Q", *b"bg", serial))
            .into();
        assert!(ids.is_sorted());
        assert_eq!(ids[3].short(), "00Qbg0000000010");
    }
}
