//! How two values compare: text without regard to case, nothing else converted.

use std::cmp::Ordering;

use crate::sandbox::value::Value;

/// Lower-case text, the form in which literals and sort keys are kept.
pub(super) fn fold(text: &str) -> String {
    if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        text.to_lowercase()
    }
}

/// Compares a text with a folded one, without making a copy.
pub(super) fn text_to_folded(text: &str, folded: &str) -> Ordering {
    if text.is_ascii() {
        let lower = text.bytes().map(|byte| byte.to_ascii_lowercase());
        lower.cmp(folded.bytes())
    } else {
        text.chars()
            .flat_map(char::to_lowercase)
            .cmp(folded.chars())
    }
}

/// The order of two values of one type, neither of them null; values of different types count as equal.
///
/// With `exact`, case matters; else `right` must be folded where it is a text.
pub(super) fn order(left: &Value, right: &Value, exact: bool) -> Ordering {
    match (left, right) {
        (Value::Text(a), Value::Text(b)) if exact => a.as_str().cmp(b.as_str()),
        (Value::Text(a), Value::Text(b)) => text_to_folded(a.as_str(), b.as_str()),
        (Value::Number(a), Value::Number(b)) => a.cmp(b),
        (Value::Id(a), Value::Id(b)) => a.cmp(b),
        (Value::DateTime(a), Value::DateTime(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Time(a), Value::Time(b)) => a.cmp(b),
        _ => Ordering::Equal,
    }
}

/// A value with its text folded.
pub(super) fn folded(value: &Value) -> Value {
    match value {
        Value::Text(text) => Value::text(&fold(text.as_str())),
        other => other.clone(),
    }
}

/// One step of a `LIKE` pattern, folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Char(char),
    One,
    Any,
}

/// Whether a text matches a pattern as a whole, without regard to case.
pub(super) fn like(text: &str, pattern: &[Step]) -> bool {
    let mut rest = text.chars();
    let mut at = 0;
    // Where to go on when a step fails: behind the last `%`, with one more character given to it.
    let mut retry: Option<(std::str::Chars<'_>, usize)> = None;
    loop {
        let matched = match pattern.get(at) {
            Some(Step::Any) => {
                retry = Some((rest.clone(), at + 1));
                at += 1;
                continue;
            }
            Some(step) => {
                let mut ahead = rest.clone();
                let matched = match (step, ahead.next()) {
                    (_, None) => return false,
                    (Step::Char(wanted), Some(c)) => same_letter(c, *wanted),
                    (_, Some(_)) => true,
                };
                if matched {
                    rest = ahead;
                    at += 1;
                }
                matched
            }
            None if rest.as_str().is_empty() => return true,
            None => false,
        };
        if !matched {
            let Some((from, behind)) = &mut retry else {
                return false;
            };
            if from.next().is_none() {
                return false;
            }
            rest = from.clone();
            at = *behind;
        }
    }
}

fn same_letter(c: char, folded: char) -> bool {
    if c.is_ascii() {
        c.to_ascii_lowercase() == folded
    } else {
        c == folded || c.to_lowercase().eq(folded.to_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(pattern: &str) -> Vec<Step> {
        pattern
            .chars()
            .map(|c| match c {
                '%' => Step::Any,
                '_' => Step::One,
                c => Step::Char(c.to_ascii_lowercase()),
            })
            .collect()
    }

    #[test]
    fn patterns_match_whole_texts_without_regard_to_case() {
        for (text, pattern, matches) in [
            ("Apple", "appl%", true),
            ("Apple", "appl", false),
            ("Apple", "%PL%", true),
            ("Apple", "a_p_e", true),
            ("Apple", "a_p_", false),
            ("", "%", true),
            ("", "_", false),
            ("", "", true),
            ("aXbXc", "a%x%c", true),
            ("aaab", "%ab", true),
            ("aaab", "%aab%", true),
            ("ÅNGSTRÖM", "ång%", true),
            ("🦊x", "_x", true),
            ("mississippi", "%iss%ip%", true),
            ("mississippi", "%iss%ipx%", false),
        ] {
            assert_eq!(like(text, &steps(pattern)), matches, "{text} {pattern}");
        }
    }

    #[test]
    fn texts_compare_without_regard_to_case() {
        assert_eq!(text_to_folded("ABC", "abc"), Ordering::Equal);
        assert_eq!(text_to_folded("ÀB", "àb"), Ordering::Equal);
        assert_eq!(text_to_folded("B", "abc"), Ordering::Greater);
    }
}
