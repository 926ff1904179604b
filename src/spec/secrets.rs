//! Credentials in plain text: found by the name of their key and by their looks, and blotted out before anything is shown.

use std::ops::Range;
use std::sync::Arc;

use crate::foundation::code::Code;
use crate::foundation::diagnostic::{Diagnostic, Place, SourceFile};

use super::text::{EnvPart, EnvText, FILE_REFERENCE};
use super::tree::{Entry, Kind, Node};

/// Stretches of a text that look like credentials, whatever key they stand behind, comments included.
pub(super) fn in_text(text: &str) -> Vec<(Range<usize>, &'static str)> {
    let mut found = Vec::new();
    for looks in LOOKS {
        let mut from = 0;
        while let Some(offset) = text[from..].find(looks.begins) {
            let start = from + offset;
            from = start + looks.begins.len();
            let inside_word = || text[..start].chars().next_back().is_some_and(is_word_char);
            if !looks.inside && inside_word() {
                continue;
            }
            if let Some(length) = (looks.end)(&text[start..]) {
                from = start + length;
                found.push((start + looks.keep..from, looks.what));
            } else if !looks.inside {
                // A run is looked at once: texts made of beginnings take no longer than others.
                from += token_length(&text[from..]);
            }
        }
    }
    found.sort_by_key(|(span, _)| span.start);
    found.dedup_by(|later, earlier| later.0.start < earlier.0.end);
    found
}

/// How a kind of credential looks.
struct Looks {
    what: &'static str,
    begins: &'static str,
    /// Whether it may begin inside a word.
    inside: bool,
    /// How many bytes at its beginning may be shown.
    keep: usize,
    /// Its length, where the text that begins with `begins` is one.
    end: fn(&str) -> Option<usize>,
}

const LOOKS: &[Looks] = &[
    Looks {
        what: "a signed token",
        begins: "eyJ",
        inside: false,
        keep: 0,
        end: signed_token,
    },
    Looks {
        what: "a Salesforce session",
        begins: "00D",
        inside: false,
        keep: 0,
        end: session,
    },
    Looks {
        what: "a Salesforce refresh token",
        begins: "5Aep",
        inside: false,
        keep: 0,
        end: |text| run(text, 40),
    },
    Looks {
        what: "a Consumer Key",
        begins: "3MVG9",
        inside: false,
        keep: 0,
        end: |text| run(text, 50),
    },
    Looks {
        what: "a WhatsApp token",
        begins: "EAA",
        inside: false,
        keep: 0,
        end: |text| run(text, 60),
    },
    Looks {
        what: "a key of the vault",
        begins: "bk1_",
        inside: false,
        keep: 0,
        end: |text| run(text, 48),
    },
    Looks {
        what: "a private key",
        begins: "-----BEGIN ",
        inside: true,
        keep: 0,
        end: private_key,
    },
    Looks {
        what: "a password in an address",
        begins: "://",
        inside: true,
        keep: 3,
        end: password,
    },
];

fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '=' | '+' | '/')
}

fn is_word_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// The length of the run of token characters.
fn token_length(text: &str) -> usize {
    text.find(|c| !is_token_char(c)).unwrap_or(text.len())
}

/// The length of the run of token characters, where it is at least `least` and holds a digit: words do not.
fn run(text: &str, least: usize) -> Option<usize> {
    let length = token_length(text);
    let token = &text[..length];
    (length >= least && token.bytes().any(|byte| byte.is_ascii_digit())).then_some(length)
}

/// Three parts in base64url (RFC 7519, section 3).
fn signed_token(text: &str) -> Option<usize> {
    let length = run(text, 30)?;
    let mut parts = text[..length].split('.');
    let long = |part: Option<&str>, least: usize| part.is_some_and(|part| part.len() >= least);
    (long(parts.next(), 10) && long(parts.next(), 10) && long(parts.next(), 5)).then_some(length)
}

/// The id of an org, `!`, and a long run.
fn session(text: &str) -> Option<usize> {
    let id = text.find(|c: char| !c.is_ascii_alphanumeric())?;
    let rest = text[id..]
        .strip_prefix('!')
        .filter(|_| matches!(id, 15 | 18))?;
    let length = token_length(rest);
    (length >= 20).then_some(id + 1 + length)
}

fn private_key(text: &str) -> Option<usize> {
    // The longest label is `ENCRYPTED PRIVATE KEY` (RFC 7468, section 4).
    let header = &text[..text.floor_char_boundary(48)];
    if !header.lines().next()?.contains("PRIVATE KEY-----") {
        return None;
    }
    Some(text.find("-----END ").unwrap_or(text.len()))
}

/// `user:password@` behind `://`, where the password is not a variable.
fn password(text: &str) -> Option<usize> {
    let rest = &text[3..];
    let authority = &rest[..rest
        .find(|c: char| c.is_whitespace() || "/?#\"'".contains(c))
        .unwrap_or(rest.len())];
    let (user, _) = authority.rsplit_once('@')?;
    let (_, password) = user.split_once(':')?;
    (!password.is_empty() && !password.starts_with("${")).then_some(3 + user.len())
}

/// Credentials that the tree gives away by the name of their key, as places of values.
///
/// In a project file a key that holds a credential takes nothing but a reference; in a pipeline such a key may well
/// be a field of an object, so that its value must look like a credential, too.
pub(super) fn by_key(root: &Node, project: bool) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    walk(root, project, &mut found);
    found
}

fn walk(node: &Node, project: bool, found: &mut Vec<Range<usize>>) {
    match &node.kind {
        Kind::Map(entries) => {
            for entry in entries {
                if names_secret(&entry.key) && holds_secret(entry, project) {
                    found.push(entry.value.extent.range());
                } else {
                    walk(&entry.value, project, found);
                }
            }
        }
        Kind::List(items) => items.iter().for_each(|item| walk(item, project, found)),
        _ => {}
    }
}

/// Whether a key says that its value is a credential.
fn names_secret(key: &str) -> bool {
    const WORDS: [&str; 13] = [
        "password",
        "passwd",
        "secret",
        "apikey",
        "accesstoken",
        "refreshtoken",
        "verifytoken",
        "privatekey",
        "consumerkey",
        "authtoken",
        "apitoken",
        "passphrase",
        "credential",
    ];
    // Every word has one of these stems: most keys are let go by at a glance.
    const STEMS: [&[u8]; 5] = [b"pass", b"secret", b"key", b"token", b"cred"];
    let has = |stem: &&[u8]| {
        key.as_bytes()
            .windows(stem.len())
            .any(|window| window.eq_ignore_ascii_case(stem))
    };
    if !STEMS.iter().any(has) {
        return false;
    }
    let plain: String = key
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    plain == "token" || WORDS.iter().any(|word| plain.contains(word))
}

fn holds_secret(entry: &Entry, project: bool) -> bool {
    let text = match &entry.value.kind {
        Kind::Text(text) => text.value.as_str(),
        Kind::Number(_) => return project,
        _ => return false,
    };
    is_secret(text, project)
}

/// Whether the value of a key that names a credential is one.
fn is_secret(text: &str, project: bool) -> bool {
    if project {
        return !text.is_empty() && !is_reference(text);
    }
    text.len() >= 16
        && text.chars().all(is_token_char)
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Whether a text names a file, or is made of variables alone; a malformed one is another finding's matter.
fn is_reference(text: &str) -> bool {
    if let Some(path) = text.strip_prefix(FILE_REFERENCE) {
        return !path.is_empty();
    }
    match EnvText::new(text).parts() {
        Ok(parts) => parts
            .iter()
            .all(|part| matches!(part, EnvPart::Variable(..))),
        Err(_) => text.starts_with("${"),
    }
}

/// Credentials behind the names of keys in a text that is no YAML, as far as single lines give them away.
pub(super) fn by_key_in_text(text: &str, project: bool) -> Vec<Range<usize>> {
    /// The longest line that is looked at, in bytes.
    const REACH: usize = 4096;
    let mut found: Vec<Range<usize>> = Vec::new();
    for (colon, _) in text.match_indices(':') {
        if found.last().is_some_and(|last| colon < last.end) {
            continue;
        }
        let before = text[..colon].trim_end_matches(['"', '\'', ' ']);
        let key_start = before
            .rfind(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-'))
            .map_or(0, |index| index + 1);
        if !names_secret(&before[key_start..]) {
            continue;
        }
        let rest = &text[colon + 1..text.floor_char_boundary(colon + REACH)];
        let value = rest.trim_start_matches([' ', '"', '\'']);
        let start = colon + 1 + (rest.len() - value.len());
        let end = value
            .find(['\n', '\r', ',', '}', '"', '\''])
            .unwrap_or(value.len());
        let value = value[..end].trim_end();
        if is_secret(value, project) {
            found.push(start..start + value.len());
        }
    }
    found
}

/// The finding for one credential.
pub(super) fn finding(file: &Arc<SourceFile>, span: Range<usize>, what: &str) -> Diagnostic {
    Diagnostic::error(Code::SecretInFile, format!("{what} stands here in plain text"))
        .at(Place {
            file: Arc::clone(file),
            span,
        })
        .help("write `${NAME}` or `file:PATH` in `bridged.yaml`, or leave the key out and enter it with `bridged connect`; revoke a credential that was ever committed")
}

/// The text with every byte of the stretches blotted out; places in it stay where they are.
pub(super) fn blot(text: &str, stretches: &[Range<usize>]) -> String {
    let mut blotted = String::with_capacity(text.len());
    let mut at = 0;
    for stretch in stretches {
        let (start, end) = (stretch.start.max(at), stretch.end.max(at));
        blotted.push_str(&text[at..start]);
        for c in text[start..end].chars() {
            match c {
                '\n' | '\r' | ' ' | '\'' | '"' => blotted.push(c),
                _ => blotted.extend(std::iter::repeat_n('*', c.len_utf8())),
            }
        }
        at = end;
    }
    blotted.push_str(&text[at..]);
    blotted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x29_credentials_are_known_by_their_looks() {
        let digits = "0123456789".repeat(10);
        for (text, what) in [
            (
                format!(
                    "a: eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.{}",
                    &digits[..20]
                ),
                "a signed token",
            ),
            (
                format!("a: 00D5f000000abcd!{}", &digits[..40]),
                "a Salesforce session",
            ),
            (
                format!("# old: 5Aep861{}", &digits[..60]),
                "a Salesforce refresh token",
            ),
            (format!("a: \"3MVG9{}\"", &digits[..80]), "a Consumer Key"),
            (format!("a: EAA{}", &digits[..80]), "a WhatsApp token"),
            (
                "link: https://x.example/?access=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.01234567"
                    .to_owned(),
                "a signed token",
            ),
            (
                "k: |\n  -----BEGIN RSA PRIVATE KEY-----\n  MIIE\n".to_owned(),
                "a private key",
            ),
            (
                "store: postgres://bridged:hunter2@db/x".to_owned(),
                "a password in an address",
            ),
        ] {
            let found = in_text(&text);
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!(found[0].1, what, "{text}");
            let blotted = blot(&text, &[found[0].0.clone()]);
            assert_eq!(blotted.len(), text.len());
            assert!(
                !blotted.contains("hunter2") && !blotted.contains("01234567"),
                "{blotted}"
            );
        }
    }

    #[test]
    fn ordinary_texts_are_no_credentials() {
        for text in [
            "where: \"Id = '00Q5f000000abcdEAA'\"",
            "org: 00D5f000000abcd",
            "url: https://acme.my.salesforce.com/services",
            "store: postgres://bridged:${DB_PASSWORD}@db/x",
            "store: postgres://db/x",
            "note: eyJ is how such tokens begin, see a.b.c",
            "EAAT and EAAB are prefixes",
            "-----BEGIN CERTIFICATE-----",
            "mail: mailto://ada@example.com",
        ] {
            assert_eq!(in_text(text), [], "{text}");
        }
    }

    #[test]
    fn names_of_keys_tell() {
        for key in [
            "password",
            "api_key",
            "Client-Secret",
            "accessToken",
            "TOKEN",
            "consumer_key",
        ] {
            assert!(names_secret(key), "{key}");
        }
        for key in [
            "name",
            "profile_key",
            "key",
            "Token_Count__c",
            "pass",
            "match",
        ] {
            assert!(!names_secret(key), "{key}");
        }
    }
}
