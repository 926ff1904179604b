//! Which addresses may receive credentials, judged from the text before any name is looked up.

use std::net::IpAddr;

use url::{Host, Url};

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};

use super::errors;

/// Where an org's My Domain lives (Salesforce Help, "My Domain URL Formats"): one label, or one behind a partition
/// such as `sandbox` or `develop`.
const MY_DOMAINS: &[&str] = &[
    ".my.salesforce.com",
    ".my.salesforce.mil",
    ".my.sfcrmproducts.cn",
];

/// The address of an org, when credentials may be sent there; `allowed` lists further hosts as `host` or `host:port`.
///
/// https only, except on loopback; no user, path, query, unusual port, IP address, or odd spelling of a host.
pub(super) fn instance(text: &str, allowed: &[String]) -> Result<Url> {
    let refuse = |why: &str| {
        let error = Error::new(
            Code::HostRefused,
            format!("`{}` is not an address for credentials: {why}", shown(text)),
        );
        Err(match errors::meaning(Code::HostRefused) {
            Some((_, help)) => error.help(help),
            None => error,
        })
    };
    let Ok(url) = Url::parse(text) else {
        return refuse("it is not a URL");
    };
    let Some(host) = url.host() else {
        return refuse("it has no host");
    };
    let loopback = is_loopback(&host);
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        "http" => return refuse("http is allowed on loopback only, so write `https://`"),
        _ => return refuse("only `https://` is possible"),
    }
    if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
        return refuse("it names a user, which hides the host behind it");
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return refuse("nothing may follow the host");
    }
    // The parser turns `0x7f.1` and `2130706433` into 127.0.0.1: what is written must be what is reached.
    let written = format!("{}://{}", url.scheme(), authority(&url));
    if !text.trim_end_matches('/').eq_ignore_ascii_case(&written)
        && !text
            .trim_end_matches('/')
            .eq_ignore_ascii_case(&format!("{written}:443"))
    {
        return refuse(&format!("write it as `{written}`"));
    }
    if loopback || is_listed(&url, allowed) {
        return Ok(url);
    }
    let Host::Domain(name) = host else {
        return refuse("an IP address is possible on loopback only");
    };
    if url.port().is_some() {
        return refuse("Salesforce answers on port 443 only");
    }
    if matches!(name, "login.salesforce.com" | "test.salesforce.com") {
        return refuse("the client credentials flow needs the org's My Domain");
    }
    if !is_my_domain(name) {
        return refuse("it is neither a Salesforce My Domain nor a host allowed by name");
    }
    Ok(url)
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

/// Whether an address is this machine.
pub(super) fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => name.eq_ignore_ascii_case("localhost"),
        Host::Ipv4(address) => IpAddr::V4(*address).is_loopback(),
        Host::Ipv6(address) => IpAddr::V6(*address).is_loopback(),
    }
}

fn is_my_domain(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with(['-', '.'])
            && !label.ends_with('-')
            && !label.starts_with("xn--")
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    MY_DOMAINS
        .iter()
        .filter_map(|suffix| name.strip_suffix(suffix))
        .any(|prefix| prefix.split('.').count() <= 2 && prefix.split('.').all(label))
}

fn is_listed(url: &Url, allowed: &[String]) -> bool {
    let authority = authority(url);
    allowed
        .iter()
        .any(|entry| entry.eq_ignore_ascii_case(&authority))
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// The part of an address that may be shown: no user, no password, no query.
fn shown(text: &str) -> String {
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let shown = match text.rsplit_once('@') {
        Some((_, host)) => format!("…@{host}"),
        None => text.to_owned(),
    };
    shown
        .chars()
        .filter(|c| !c.is_control())
        .take(120)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x09_disguised_addresses_are_refused_before_any_look_up() {
        for text in [
            "",
            "acme",
            "acme.my.salesforce.com",
            "ftp://acme.my.salesforce.com",
            "http://acme.my.salesforce.com",
            "https://acme.my.salesforce.com.evil.test",
            "https://evilmy.salesforce.com",
            "https://my.salesforce.com",
            "https://salesforce.com",
            "https://.my.salesforce.com",
            "https://a.b.c.my.salesforce.com",
            "https://acme.my.salesforce.com@127.0.0.1",
            "https://user:pw@acme.my.salesforce.com",
            "https://@acme.my.salesforce.com",
            "https://xn--acm-epa.my.salesforce.com",
            "https://acmé.my.salesforce.com",
            "https://acme.my.salesforce.com.",
            "https://acme.my.salesforce.com:22",
            "https://acme.my.salesforce.com:8443",
            "https://acme.my.salesforce.com/services",
            "https://acme.my.salesforce.com?x=1",
            "https://acme.my.salesforce.com#x",
            "https://acme.my.salesforce.com\\@evil.test",
            "https://acme.my.salesforce.com%2eevil.test",
            "https://acme.my.salesforce.com%00.evil.test",
            "https://[::ffff:127.0.0.1]",
            "https://2130706433",
            "http://2130706433",
            "http://0x7f.1",
            "http://0177.0.0.1",
            "http://127.1",
            "https://10.0.0.1",
            "https://169.254.169.254",
            "http://[::ffff:127.0.0.1]",
            "http://0.0.0.0",
            "http://localhost.evil.test",
            "http://localhost.",
            "https://13.108.0.1",
            "https://[2606:4700::1]",
            "https://login.salesforce.com",
            "https://test.salesforce.com",
            "https:/acme.my.salesforce.com",
            "https:acme.my.salesforce.com",
            " https://acme.my.salesforce.com",
            "javascript:alert(1)",
            "https://acme.my.salesforce.com\t.evil.test",
            "https://ACME.my.salesforce.com.evil.test",
            "https://acme。my。salesforce。com",
            "https://-acme.my.salesforce.com",
        ] {
            let error = instance(text, &[]).expect_err(text);
            assert_eq!(error.code(), Code::HostRefused, "{text}");
            assert!(!error.message().contains("user:pw"), "{error}");
        }
    }

    #[test]
    fn the_org_s_own_forms_and_loopback_pass() {
        for text in [
            "https://acme.my.salesforce.com",
            "https://acme.my.salesforce.com/",
            "https://Acme-Corp.my.salesforce.com",
            "https://acme.my.salesforce.com:443",
            "https://acme--uat.sandbox.my.salesforce.com",
            "https://acme-dev-ed.develop.my.salesforce.com",
            "https://acme.my.salesforce.mil",
            "http://127.0.0.1:8900",
            "https://127.0.0.1:8900",
            "http://localhost:8900",
            "http://[::1]:8900",
        ] {
            instance(text, &[]).unwrap_or_else(|error| panic!("{text}: {error}"));
        }
    }

    #[test]
    fn a_host_allowed_by_name_passes_with_its_port_alone() {
        let allowed = ["gateway.example".to_owned(), "crm.example:8443".to_owned()];
        assert!(instance("https://gateway.example", &allowed).is_ok());
        assert!(instance("https://crm.example:8443", &allowed).is_ok());
        for text in [
            "https://gateway.example:8443",
            "https://crm.example",
            "http://gateway.example",
            "https://x.gateway.example",
        ] {
            assert!(instance(text, &allowed).is_err(), "{text}");
        }
    }

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
