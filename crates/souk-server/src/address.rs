//! Which addresses a message may be carried to: public ones, and networks that the settings allow. What
//! else a name resolves to (this machine, the shop's own network, a cloud's metadata) is refused.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use souk_app::config::Network;

/// Addresses that may be connected to.
#[derive(Clone, Debug)]
pub(crate) enum Addresses {
    /// Any: the settings name the host, and it is one of the shop's own.
    Any,
    /// Public ones and those of the networks that a setting allows.
    Public {
        /// What it allows.
        allowed: Vec<Network>,
        /// Its name, for whoever is refused.
        setting: &'static str,
    },
}

impl Addresses {
    /// Whether this one may be connected to.
    pub(crate) fn allow(&self, address: IpAddr) -> bool {
        match self {
            Addresses::Any => true,
            Addresses::Public { allowed, .. } => {
                is_public(address) || allowed.iter().any(|network| network.contains(address))
            }
        }
    }

    /// Why an address of `host` is refused.
    pub(crate) fn refusal(&self, host: &str, address: IpAddr) -> String {
        let remedy = match self {
            Addresses::Any => String::new(),
            Addresses::Public { setting, .. } => format!("; `{setting}` can allow it"),
        };
        format!("`{host}` is at {address}, which is no public address{remedy}")
    }
}

/// Networks of IPv4 that are not public, by the first address and how many bits count.
///
/// Source: IANA IPv4 Special-Purpose Address Registry (RFC 6890), and one address of a cloud's own.
const SPECIAL_V4: [([u8; 4], u32); 17] = [
    ([0, 0, 0, 0], 8),        // this network
    ([10, 0, 0, 0], 8),       // private
    ([100, 64, 0, 0], 10),    // behind a carrier's translator; some clouds' metadata
    ([127, 0, 0, 0], 8),      // this machine
    ([168, 63, 129, 16], 32), // Azure's own services for a machine
    ([169, 254, 0, 0], 16),   // link-local; most clouds' metadata
    ([172, 16, 0, 0], 12),    // private
    ([192, 0, 0, 0], 24),     // protocols
    ([192, 0, 2, 0], 24),     // documentation
    ([192, 31, 196, 0], 24),  // AS112
    ([192, 88, 99, 0], 24),   // 6to4 relays
    ([192, 168, 0, 0], 16),   // private
    ([198, 18, 0, 0], 15),    // benchmarks
    ([198, 51, 100, 0], 24),  // documentation
    ([203, 0, 113, 0], 24),   // documentation
    ([224, 0, 0, 0], 4),      // multicast
    ([240, 0, 0, 0], 4),      // reserved, broadcast
];

/// Networks inside of 2000::/3 that are not public or lead elsewhere.
///
/// Source: IANA IPv6 Special-Purpose Address Registry.
const SPECIAL_V6: [([u16; 2], u32); 4] = [
    ([0x2001, 0x0000], 23), // protocols, Teredo
    ([0x2001, 0x0db8], 32), // documentation
    ([0x2002, 0x0000], 16), // 6to4, which carries an IPv4 address
    ([0x3fff, 0x0000], 20), // documentation
];

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    !SPECIAL_V4.iter().any(|(first, n_bits)| {
        let differing = bits ^ Ipv4Addr::from(*first).to_bits();
        differing >> (32 - n_bits) == 0
    })
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    let last_v4 = Ipv4Addr::from_bits(u32::from(parts[6]) << 16 | u32::from(parts[7]));
    match parts {
        // IPv4-mapped, and the well-known prefix of NAT64 (RFC 6052): what counts is whom they mean.
        [0, 0, 0, 0, 0, 0xffff, _, _] | [0x64, 0xff9b, 0, 0, 0, 0, _, _] => is_public_v4(last_v4),
        // Only 2000::/3 is handed out as global unicast; loopback, unique local, link-local, multicast
        // and NAT64's local prefix (RFC 8215) lie outside of it.
        [first, ..] if first >> 13 == 1 => !SPECIAL_V6.iter().any(|(begin, n_bits)| {
            let head = |a: u16, b: u16| u32::from(a) << 16 | u32::from(b);
            let differing = head(parts[0], parts[1]) ^ head(begin[0], begin[1]);
            differing >> (32 - n_bits) == 0
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
