//! Names to addresses, with the check that a public name does not lead to a private place.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The addresses a look-up found.
pub type Found = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Turns a host name into addresses.
pub trait Lookup: Send + Sync {
    /// Looks one name up; each connection asks again, so that an answer that changes is checked again.
    fn lookup(&self, host: &str) -> Found;
}

/// The machine's own name service.
#[derive(Debug, Clone, Copy)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, host: &str) -> Found {
        let host = host.to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Why a name was not connected to.
#[derive(Debug)]
pub struct AddressRefused {
    host: String,
    address: IpAddr,
}

impl fmt::Display for AddressRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` resolves to {}", self.host, self.address)
    }
}

impl std::error::Error for AddressRefused {}

/// Looks names up and refuses addresses that do not fit the name, at every connection.
pub struct CheckedResolver {
    lookup: Arc<dyn Lookup>,
    // The proxy's address is the operator's choice, and usually private.
    proxy: Option<String>,
}

impl CheckedResolver {
    /// A resolver over `lookup`; the proxy, where there is one, may have any address.
    pub fn new(lookup: Arc<dyn Lookup>, proxy: Option<String>) -> Self {
        Self { lookup, proxy }
    }
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let found = self.lookup.lookup(&host);
        let is_proxy = self.proxy.as_deref() == Some(host.as_str());
        Box::pin(async move {
            let addresses = found.await?;
            if !is_proxy {
                check(&host, &addresses)?;
            }
            let addresses = addresses.into_iter().map(|ip| SocketAddr::new(ip, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

/// One unfit address refuses the whole answer: a mixed answer is how a rebinding attack begins.
fn check(host: &str, addresses: &[IpAddr]) -> Result<(), AddressRefused> {
    let local = host.eq_ignore_ascii_case("localhost");
    let unfit = |address: &&IpAddr| {
        if local {
            !address.is_loopback()
        } else {
            !is_public(**address)
        }
    };
    addresses.iter().find(unfit).map_or(Ok(()), |address| {
        Err(AddressRefused {
            host: host.to_owned(),
            address: *address,
        })
    })
}

/// Whether an address can be a host on the public internet.
///
/// Source of the ranges: IANA IPv4 and IPv6 Special-Purpose Address Registries.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || a == 0
        || a >= 224
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b)))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    // Forms that carry an IPv4 address are judged by it: mapped, NAT64, 6to4.
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            embedded(high, low)
        }
        [0x2002, high, low, ..] => embedded(high, low),
        [0x2001, 0x0db8 | 0, ..] => false,
        // Only 2000::/3 is handed out for the public internet.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(addresses: &[&str]) -> Vec<IpAddr> {
        addresses.iter().map(|a| a.parse().unwrap()).collect()
    }

    #[test]
    fn x10_private_addresses_are_refused_for_public_names() {
        for address in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.8",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "::",
            "::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "::127.0.0.1",
        ] {
            assert!(
                check("acme.my.salesforce.com", &all(&[address])).is_err(),
                "{address}"
            );
            assert!(
                check("acme.my.salesforce.com", &all(&["13.108.0.1", address])).is_err(),
                "beside a public one: {address}"
            );
        }
    }

    #[test]
    fn x10_localhost_means_loopback_only() {
        assert!(check("localhost", &all(&["127.0.0.1", "::1"])).is_ok());
        for address in ["10.0.0.1", "13.108.0.1", "fe80::1"] {
            assert!(check("localhost", &all(&[address])).is_err(), "{address}");
        }
    }

    #[test]
    fn public_addresses_pass() {
        for address in [
            "13.108.0.1",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(
                check("acme.my.salesforce.com", &all(&[address])).is_ok(),
                "{address}"
            );
        }
    }
}
