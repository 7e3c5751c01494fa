//! Addresses of machines: IPv4, IPv6, MAC.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::EntityKind;
use super::found::Found;
use super::view::View;

/// The longest text of an IPv6 address, with an embedded IPv4 one.
const IPV6_MAX: usize = 45;

/// Four numbers below 256 with dots, unless a version is meant.
pub(super) fn ipv4(view: View<'_>) -> Option<Found> {
    let mut end = view.at;
    for part in 0..4 {
        if part > 0 {
            if view.byte(end) != b'.' {
                return None;
            }
            end += 1;
        }
        let run = (0..3).take_while(|n| view.byte(end + n).is_ascii_digit()).count();
        if run == 0 || view.byte(end + run).is_ascii_digit() {
            return None;
        }
        end += run;
    }
    let goes_on = view.byte(end) == b'.' && view.byte(end + 1).is_ascii_digit();
    if !view.ends_at(end) || goes_on || view.before(view.at) == b'.' {
        return None;
    }
    let address: Ipv4Addr = view.text.get(view.at..end)?.parse().ok()?;
    let is_named =
        view.near(end, &["ip", "ipv4", "address", "host", "server", "dirección", "adresse"]);
    let is_version =
        view.follows(&["version", "v", "ver", "release", "firmware", "update", "build"]);
    // A house's own network and the documentation's examples name nobody.
    let score = match (is_version, is_named) {
        (true, false) => 0.3,
        _ if address.is_unspecified() => 0.3,
        _ if address.is_private() || address.is_loopback() || address.is_link_local() => 0.6,
        _ => 0.95,
    };
    Some(Found::new(EntityKind::IpAddress, view.at..end, score))
}

/// An IPv6 or a MAC address around the `:` (or, for a MAC, the `-`) at the view.
pub(super) fn with_colons(view: View<'_>) -> Option<Found> {
    let bytes = view.text.as_bytes();
    let head = bytes[..view.at].iter().rev().take(5).take_while(|b| b.is_ascii_hexdigit()).count();
    let begin = view.at - head;
    if head > 4 || !view.begins_at(begin) || view.before(begin) == b':' {
        return None;
    }
    mac(view, begin).or_else(|| ipv6(view, begin))
}

fn mac(view: View<'_>, begin: usize) -> Option<Found> {
    let end = begin + 17;
    let separator = view.byte(begin + 2);
    let fits = (0..17).all(|n| match n % 3 {
        2 => view.byte(begin + n) == separator,
        _ => view.byte(begin + n).is_ascii_hexdigit(),
    });
    let is_whole =
        matches!(separator, b':' | b'-') && view.ends_at(end) && view.byte(end) != separator;
    (fits && is_whole).then(|| Found::new(EntityKind::MacAddress, begin..end, 0.95))
}

fn ipv6(view: View<'_>, begin: usize) -> Option<Found> {
    let run = view.text.as_bytes()[begin..]
        .iter()
        .take(IPV6_MAX)
        .take_while(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
        .count();
    let mut end = begin + run;
    while end > begin && matches!(view.before(end), b'.') {
        end -= 1;
    }
    if view.before(end) == b':' && !view.text[begin..end].ends_with("::") {
        end -= 1;
    }
    let text = view.text.get(begin..end)?;
    // "::" alone is punctuation, and a time of day has too few parts.
    if !view.ends_at(end) || text.len() < 6 {
        return None;
    }
    let address: Ipv6Addr = text.parse().ok()?;
    let score = if address.is_loopback() || address.is_unspecified() { 0.3 } else { 0.95 };
    Some(Found::new(EntityKind::IpAddress, begin..end, score))
}
