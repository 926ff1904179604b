//! Record ids: 15 characters that identify, three more that protect them from case-blind systems.

/// The letters of the checksum, by the value of five bits.
const CHECKSUM: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// The 18 characters of an id, as every answer spells it; `None` for a text that is no id.
///
/// Of an 18-character id the last three must fit the others, in any case: the first 15 decide (SOQL and SOSL Reference,
/// section on record ids; the checksum is the documented 15-to-18 rule).
pub fn long(text: &str) -> Option<String> {
    let is_shaped =
        matches!(text.len(), 15 | 18) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_shaped {
        return None;
    }
    let (short, given) = text.split_at(15);
    let sum: String = short
        .as_bytes()
        .chunks(5)
        .map(|group| {
            // The group's upper-case letters as bits, lowest first.
            let bits = group.iter().enumerate().fold(0, |bits, (at, byte)| {
                bits | (usize::from(byte.is_ascii_uppercase()) << at)
            });
            char::from(CHECKSUM[bits])
        })
        .collect();
    (given.is_empty() || given.eq_ignore_ascii_case(&sum)).then(|| format!("{short}{sum}"))
}

/// The part of an id that identifies: its first 15 characters. A shorter text is left as it is.
pub fn short(id: &str) -> &str {
    id.get(..15).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_follows_the_documented_rule() {
        for (given, expected) in [
            ("00Q5g00000ABCde", Some("00Q5g00000ABCdeEAH")),
            ("00Q5g00000ABCdeEAH", Some("00Q5g00000ABCdeEAH")),
            ("00Q5g00000ABCdeeah", Some("00Q5g00000ABCdeEAH")),
            ("00Q5g00000ABCdeEAG", None),
            ("00q5g00000abcdeEAH", None),
            ("000000000000000", Some("000000000000000AAA")),
            ("ZZZZZZZZZZZZZZZ", Some("ZZZZZZZZZZZZZZZ555")),
            ("00Q5g00000ABCd", None),
            ("00Q5g00000ABCdeEA", None),
            ("00Q5g00000ABC-e", None),
            ("00Q5g00000ABCdé", None),
            ("", None),
        ] {
            assert_eq!(long(given).as_deref(), expected, "{given}");
        }
    }
}
