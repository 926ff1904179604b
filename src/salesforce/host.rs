//! Which addresses may receive the token: the instance, and what an answer names as a result's next page.

use url::Url;

use crate::foundation::error::{Error, Result};
use crate::spec::host::{self, Refusal};

/// I9: the address of an org, when credentials may be sent there; `allowed` lists further hosts as `host` or `host:port`.
pub(super) fn instance(text: &str, allowed: &[String]) -> Result<Url> {
    host::instance(text, allowed).map_err(|Refusal { code, why, help }| {
        let shown = host::printable(text);
        Error::new(
            code,
            format!("`{shown}` is not an address for credentials: {why}"),
        )
        .help(help)
    })
}

/// The path of a result's next page, when `next` points at a query result of the same org; `None` otherwise.
pub(super) fn next_page(next: &str, base: &Url) -> Option<String> {
    let url = base.join(next).ok()?;
    let same_place = url.origin() == base.origin()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    let mut parts = url.path().strip_prefix("/services/data/v")?.split('/');
    let (version, resource, locator) = (parts.next()?, parts.next()?, parts.next()?);
    let well_formed = is_version(version)
        && matches!(resource, "query" | "queryAll")
        && !locator.is_empty()
        && locator.len() <= 255
        && locator
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        && parts.next().is_none();
    (same_place && well_formed).then(|| url.path().to_owned())
}

/// Whether a text is an API version: `67.0`.
pub(super) fn is_version(text: &str) -> bool {
    text.split_once('.').is_some_and(|(major, minor)| {
        let digits = |part: &str, most| {
            (1..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
        };
        digits(major, 3) && digits(minor, 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x11_a_next_page_stays_in_the_org_and_under_query() {
        let base = Url::parse("https://acme.my.salesforce.com").unwrap();
        for good in [
            "/services/data/v67.0/query/01gD0000002HU6KIAW-2000",
            "/services/data/v67.0/queryAll/01g-4000",
            "https://acme.my.salesforce.com/services/data/v60.0/query/01g-1",
        ] {
            assert!(next_page(good, &base).is_some(), "{good}");
        }
        for evil in [
            "https://evil.test/services/data/v67.0/query/01g-1",
            "//evil.test/services/data/v67.0/query/01g-1",
            "http://acme.my.salesforce.com/services/data/v67.0/query/01g-1",
            "https://u@acme.my.salesforce.com/services/data/v67.0/query/01g-1",
            "https://acme.my.salesforce.com:444/services/data/v67.0/query/01g-1",
            "/services/data/v67.0/query/../sobjects/User",
            "/services/data/v67.0/query/",
            "/services/data/v67.0/query/01g?x=1",
            "/services/data/v67.0/query/01g/2",
            "/services/data/v67.0/sobjects/Lead",
            "/services/apexrest/x",
            "\\\\evil.test\\x",
            "",
            "/services/data/v67.0/query/01g%2f..",
            "/services/data/vx/query/01g-1",
        ] {
            assert_eq!(next_page(evil, &base), None, "{evil}");
        }
    }
}
