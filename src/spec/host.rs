//! Which addresses may receive credentials, judged from the text alone, before any name is looked up.

use std::net::IpAddr;

use url::{Host, Url};

use crate::foundation::code::Code;
use crate::foundation::diagnostic::nearest;

/// Where an org's My Domain lives (Salesforce Help, "My Domain URL Formats"): one label in front, or two where a
/// partition such as `sandbox` or `develop` stands between.
const MY_DOMAINS: [&str; 3] = [
    ".my.salesforce.com",
    ".my.salesforce.mil",
    ".my.sfcrmproducts.cn",
];

/// Hosts that all orgs share for signing in.
const LOGIN_HOSTS: [&str; 3] = [
    "login.salesforce.com",
    "test.salesforce.com",
    "welcome.salesforce.com",
];

/// Endings of an org's other addresses, which lead to pages and not to the API.
const PAGES: [&str; 4] = [
    ".lightning.force.com",
    ".my.salesforce-setup.com",
    ".my.site.com",
    ".visualforce.com",
];

/// Why an address may not receive credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// `host-refused`, or `login-host` for the hosts that all orgs share.
    pub code: Code,
    /// The reason, as the rest of a sentence: `it names a user, which hides the host behind it`.
    pub why: String,
    /// What to write instead.
    pub help: String,
}

/// The address of an org, where credentials may be sent there.
///
/// https on port 443 to a My Domain host, or to one of `allowed` (each a `host` or a `host:port`, compared whole);
/// http and other ports to loopback only. No user, path, query or fragment, no IP address, and no spelling that a
/// reader and a URL parser take for different hosts.
pub fn instance(text: &str, allowed: &[String]) -> Result<Url, Refusal> {
    let url = strict(text)?;
    let Some(host) = url.host() else {
        return Err(refused("it has no host"));
    };
    if is_loopback(&host) {
        return Ok(url);
    }
    if url.scheme() == "http" {
        return Err(refused("http is possible to this machine only")
            .or_write(&format!("write `https://{}`", authority(&url))));
    }
    if is_listed(&url, allowed) {
        return Ok(url);
    }
    let Host::Domain(name) = host else {
        return Err(refused("an IP address is possible for this machine only"));
    };
    if LOGIN_HOSTS.contains(&name) {
        return Err(Refusal {
            code: Code::LoginHost,
            why: "it is shared by all orgs, and an org's credentials work on its own host only".to_owned(),
            help: "write the org's My Domain address, as Salesforce shows it under Setup, My Domain: `https://NAME.my.salesforce.com`".to_owned(),
        });
    }
    if url.port().is_some() {
        return Err(refused("Salesforce answers on port 443 only").or_write("remove the port"));
    }
    if is_my_domain(name) {
        return Ok(url);
    }
    let refusal = refused("it is neither a Salesforce My Domain host nor one of `allowed_hosts`");
    Err(match suggestion(name, allowed) {
        Some(host) => refusal.or_write(&format!("did you mean `https://{host}`?")),
        None => refusal,
    })
}

/// The address of Meta's Graph API.
pub const GRAPH: &str = "https://graph.facebook.com";

/// The address of the Graph API, where a WhatsApp token may be sent there: Meta's own, or this machine.
pub fn graph(text: &str) -> Result<Url, Refusal> {
    const HELP: &str =
        "leave `api_url` out for Meta's own address, or name this machine: `http://127.0.0.1:8900`";
    let url = strict(text).map_err(|refusal| refusal.or_write(HELP))?;
    let is_own = url.host().is_some_and(|host| is_loopback(&host));
    if is_own || url.as_str().trim_end_matches('/') == GRAPH {
        return Ok(url);
    }
    Err(refused("it is neither Meta's own address nor this machine").or_write(HELP))
}

/// Whether a text is a host that `allowed_hosts` may name: a plain name, with a port where it is not 443.
pub fn is_host_entry(text: &str) -> bool {
    let is_plain = |url: &Url| match url.host() {
        Some(Host::Domain(name)) => name.split('.').all(is_label) && authority(url) == text,
        _ => false,
    };
    strict(&format!("https://{text}")).is_ok_and(|url| is_plain(&url))
}

/// Whether a host is this machine.
pub fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => IpAddr::V4(*address).is_loopback(),
        Host::Ipv6(address) => IpAddr::V6(*address).is_loopback(),
    }
}

/// An address of http or https that is written as it is understood, with nothing behind the host.
fn strict(text: &str) -> Result<Url, Refusal> {
    let Ok(url) = Url::parse(text) else {
        return Err(refused("it is not a URL"));
    };
    if !matches!(url.scheme(), "https" | "http") {
        return Err(refused("only `https://` is possible"));
    }
    if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
        return Err(refused("it names a user, which hides the host behind it"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(refused("nothing may follow the host"));
    }
    // A parser turns `0x7f.1` and `2130706433` into 127.0.0.1: what is written must be what is reached.
    let understood = format!("{}://{}", url.scheme(), authority(&url));
    let written = text.strip_suffix('/').unwrap_or(text);
    let same = |form: &str| written.eq_ignore_ascii_case(form);
    let default_port = url.scheme() == "https" && same(&format!("{understood}:443"));
    if !same(&understood) && !default_port {
        return Err(refused("its spelling hides the host").or_write(&format!(
            "write `{}`, if that is meant",
            printable(&understood)
        )));
    }
    let odd = |label: &str| label.is_empty() || label.starts_with("xn--");
    if let Some(Host::Domain(name)) = url.host()
        && name.split('.').any(odd)
    {
        return Err(refused("its host is spelled in an unusual way"));
    }
    Ok(url)
}

fn refused(why: &str) -> Refusal {
    Refusal {
        code: Code::HostRefused,
        why: why.to_owned(),
        help: "write the org's My Domain address, such as `https://acme.my.salesforce.com`, or add the host to `allowed_hosts`".to_owned(),
    }
}

impl Refusal {
    fn or_write(self, help: &str) -> Self {
        Self {
            help: help.to_owned(),
            ..self
        }
    }
}

fn is_my_domain(name: &str) -> bool {
    MY_DOMAINS
        .iter()
        .filter_map(|suffix| name.strip_suffix(suffix))
        .any(|prefix| {
            let labels: Vec<&str> = prefix.split('.').collect();
            labels.len() <= 2 && labels.iter().all(|label| is_label(label))
        })
}

/// A label of a host name (RFC 1123, section 2.1).
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The host that was probably meant: the org behind one of its pages, or an allowed one with a slip.
fn suggestion(name: &str, allowed: &[String]) -> Option<String> {
    let org = PAGES.iter().find_map(|suffix| name.strip_suffix(suffix));
    if let Some(org) = org.filter(|org| org.split('.').all(is_label)) {
        return Some(format!("{org}.my.salesforce.com"));
    }
    nearest(name, allowed.iter().map(String::as_str)).map(str::to_owned)
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

/// An address as it may be shown: short, without a user, without a query, nothing invisible.
pub fn printable(text: &str) -> String {
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let visible = match text.rsplit_once('@') {
        Some((_, host)) => format!("…@{host}"),
        None => text.to_owned(),
    };
    visible
        .chars()
        .take(120)
        .flat_map(char::escape_debug)
        .collect()
}
