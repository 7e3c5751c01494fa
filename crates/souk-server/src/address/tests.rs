#![allow(clippy::unwrap_used)]

use super::*;

fn allows(addresses: &Addresses, address: &str) -> bool {
    addresses.allow(address.parse().unwrap())
}

#[test]
fn only_public_addresses_are_public() {
    let public = Addresses::Public { allowed: Vec::new(), setting: "x" };
    for refused in [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.0.9",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "203.0.113.5",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "64:ff9b:1:7f00:1::",
        "100::1",
        "2001::1",
        "2001:1ff::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "5f00::1",
    ] {
        assert!(!allows(&public, refused), "{refused}");
    }
    for taken in [
        "1.1.1.1",
        "8.8.8.8",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.0.1",
        "172.32.0.1",
        "192.167.1.1",
        "198.17.0.1",
        "198.20.0.1",
        "168.63.129.17",
        "223.255.255.255",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2606:4700::1111",
        "2001:4860:4860::8888",
        "2a00:1450::1",
        "2001:200::1",
    ] {
        assert!(allows(&public, taken), "{taken}");
    }
}

#[test]
fn the_settings_allow_networks_of_the_shops_own() {
    let networks = ["10.1.0.0/16", "fd00:1::/32", "192.168.7.9", "0.0.0.0/32"];
    let own = networks.map(|text| Network::parse(text).unwrap());
    let own = Addresses::Public { allowed: own.to_vec(), setting: "x" };
    for taken in ["10.1.255.1", "::ffff:10.1.2.3", "fd00:1:2::3", "192.168.7.9", "8.8.8.8"] {
        assert!(allows(&own, taken), "{taken}");
    }
    for refused in ["10.2.0.1", "fd00:2::1", "192.168.7.8", "127.0.0.1", "0.0.0.1"] {
        assert!(!allows(&own, refused), "{refused}");
    }
    assert!(allows(&Addresses::Any, "127.0.0.1"));
    let all = Network::parse("0.0.0.0/0").unwrap();
    assert!(all.contains("9.9.9.9".parse().unwrap()) && !all.contains("::1".parse().unwrap()));
    for no_network in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "a/b", "10.0.0.0/"] {
        assert_eq!(Network::parse(no_network), None, "{no_network}");
    }
}
