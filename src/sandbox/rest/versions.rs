//! Which versions there are, and what a version offers.

use http::Method;
use serde_json::{Value, json};

use super::Context;
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::texts;

/// The oldest version that still answers. Source: "REST API Developer Guide", API End-of-Life Policy.
const OLDEST: u32 = 31;
/// The newest version.
const NEWEST: u32 = 68;

/// Whether a path segment (`v67.0`) names a version that answers.
pub(in crate::sandbox) fn is_known(segment: &str) -> bool {
    let version = segment
        .strip_prefix('v')
        .and_then(|text| text.strip_suffix(".0"));
    let number = version
        .filter(|text| !text.starts_with('0'))
        .and_then(|text| text.parse().ok());
    number.is_some_and(|number: u32| (OLDEST..=NEWEST).contains(&number))
}

/// The list of versions, which needs no session and counts against no limit.
pub(in crate::sandbox) fn list(call: &Call) -> Answer {
    if call.method != Method::GET && call.method != Method::HEAD {
        return texts::method_not_allowed(call.method.as_str(), "GET,HEAD").into();
    }
    let entry = |version: u32| {
        json!({
            "label": label(version),
            "url": format!("/services/data/v{version}.0"),
            "version": format!("{version}.0"),
        })
    };
    Answer::ok((OLDEST..=NEWEST).map(entry).collect::<Vec<Value>>())
}

/// Three releases a year; version 31 came with Summer '14.
fn label(version: u32) -> String {
    let since = version - OLDEST + 1;
    let season = ["Spring", "Summer", "Winter"][(since % 3) as usize];
    // The winter release comes in autumn and carries the coming year's number.
    let year = 14 + since / 3 + u32::from(since % 3 == 2);
    format!("{season} '{year}")
}

/// The resources of a version, and the identity URL.
pub(super) fn resources(cx: &Context<'_>) -> Answer {
    let base = format!("/services/data/{}", cx.version);
    let org = cx.state.org().id;
    let mut resources = serde_json::Map::new();
    for name in [
        "composite",
        "limits",
        "query",
        "queryAll",
        "sobjects",
        "tooling",
    ] {
        resources.insert(name.to_owned(), format!("{base}/{name}").into());
    }
    let identity = format!("{}/id/{org}/{}", cx.call.origin, cx.user.id);
    resources.insert("identity".to_owned(), identity.into());
    Answer::ok(resources)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_carry_the_names_of_their_releases() {
        for (version, name) in [
            (31, "Summer '14"),
            (32, "Winter '15"),
            (33, "Spring '15"),
            (65, "Winter '26"),
            (66, "Spring '26"),
            (67, "Summer '26"),
            (68, "Winter '27"),
        ] {
            assert_eq!(label(version), name);
        }
    }

    #[test]
    fn only_whole_versions_in_range_answer() {
        for (segment, known) in [
            ("v31.0", true),
            ("v68.0", true),
            ("v30.0", false),
            ("v69.0", false),
            ("v067.0", false),
            ("v67", false),
            ("67.0", false),
            ("v67.1", false),
        ] {
            assert_eq!(is_known(segment), known, "{segment}");
        }
    }
}
