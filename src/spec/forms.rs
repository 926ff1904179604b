//! What each pattern of the schema means in words.

use crate::foundation::code::Code;

use super::amount::{ClockTime, Percent, Period, Rate};
use super::name::{ApiName, AttributeName, FieldPath, LanguageCode, SlugName, TemplateName};
use super::project::{ApiVersion, GraphVersion};
use super::target::AssignmentRule;

/// The form of a text.
pub(super) struct Form {
    /// The code of a text that does not have it.
    pub(super) code: Code,
    /// Behind "is not": `a duration`.
    pub(super) what: &'static str,
    /// What to write.
    pub(super) help: &'static str,
}

/// The form behind a pattern of our schemas.
pub(super) fn of(pattern: &str) -> Form {
    if let Some((what, help)) = name(pattern) {
        return Form {
            code: Code::BadName,
            what,
            help,
        };
    }
    let (what, help) = amount(pattern).unwrap_or((
        "of the form it needs",
        "`bridged schema` describes every key",
    ));
    Form {
        code: Code::BadForm,
        what,
        help,
    }
}

fn amount(pattern: &str) -> Option<(&'static str, &'static str)> {
    Some(match pattern {
        Period::PATTERN => (
            "a duration",
            "write a whole number and one unit, such as `30s`, `10m`, `24h` or `7d`",
        ),
        Percent::PATTERN => (
            "a percentage",
            "write a share from 0% to 100%, such as `5%`",
        ),
        Rate::PATTERN => (
            "a rate",
            "write how many in which time, such as `80/s`, `600/m` or `1000/h`",
        ),
        ClockTime::PATTERN => (
            "a time of day",
            "write hours and minutes with two digits each, such as `\"21:00\"`",
        ),
        ApiVersion::PATTERN => (
            "a version of the Salesforce API",
            "write it in quotes with its decimal, such as `\"67.0\"`",
        ),
        GraphVersion::PATTERN => (
            "a version of the Graph API",
            "write it with its `v` and its decimal, such as `v25.0`",
        ),
        AssignmentRule::PATTERN => (
            "the id of an assignment rule",
            "write `true`, `false`, or an id of 15 or 18 letters and digits",
        ),
        LanguageCode::PATTERN => (
            "a language",
            "write it as WhatsApp does, such as `en` or `en_US`",
        ),
        _ => return None,
    })
}

fn name(pattern: &str) -> Option<(&'static str, &'static str)> {
    Some(match pattern {
        SlugName::PATTERN => (
            "a name of lowercase letters, digits, `-` and `_`",
            "rename it, such as `lead-sync`; it begins and ends with a letter or a digit, and has at most 64 characters",
        ),
        AttributeName::PATTERN => (
            "a name that templates can say",
            "use letters, digits and `_`, and begin with a letter, such as `full_name`",
        ),
        ApiName::PATTERN => (
            "a Salesforce API name",
            "use the API name, such as `Lead` or `Conversation__c`, not the label",
        ),
        FieldPath::PATTERN => (
            "a Salesforce field",
            "use the API name, such as `Lead_Score__c`, or `Account.Bridged_Id__c` to point at a parent",
        ),
        TemplateName::PATTERN => (
            "the name of a message template",
            "use the name under which WhatsApp approved it: lowercase letters, digits and `_`",
        ),
        _ => return None,
    })
}

/// A text as a message shows it: at most 60 characters, none of them invisible.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 60;
    let mut shown: String = text.chars().take(MOST).flat_map(visible).collect();
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}

/// A path as a message shows it: whole, none of its characters invisible.
pub(super) fn shown_path(path: &str) -> String {
    path.chars().flat_map(visible).collect()
}

/// The character, or its escape where nobody would see it.
fn visible(c: char) -> impl Iterator<Item = char> {
    let hidden = c.is_control() || is_hidden(c);
    let escaped = hidden.then(|| c.escape_default());
    escaped.into_iter().flatten().chain((!hidden).then_some(c))
}

/// Characters that turn the direction of writing or mark the order of bytes: text with them can look different from
/// what it says.
pub(super) fn is_hidden(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A sentence as the rest of another one.
pub(super) fn lowercase_first(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_text_is_short_and_visible() {
        assert_eq!(shown("it's \"so\""), "it's \"so\"");
        assert_eq!(shown("a\nb\u{202e}"), "a\\nb\\u{202e}");
        assert_eq!(shown(&"x".repeat(61)), format!("{}…", "x".repeat(60)));
    }
}
