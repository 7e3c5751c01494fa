//! Short lists of words with a part in names and addresses: streets, units, titles, firms.

mod roles;

use roles::ROLES;

/// The part that a word plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(super) enum Role {
    None,
    /// A kind of street: street, rue, calle, straße.
    Street,
    /// Ends like a street's name: Schillerstraße, Dorpsstraat.
    StreetLike,
    /// A part of a building: suite, apt, piso, étage.
    Unit,
    /// A post box.
    Box,
    /// Before a name: Mr, Frau, señora.
    Title,
    /// After a name: Jr, PhD.
    Suffix,
    /// Inside names: van, de, von.
    Particle,
    /// Behind a firm's name: Ltd, GmbH.
    Firm,
    /// What firms and offices call themselves: bank, institute.
    FirmWord,
    /// North, east …
    Direction,
    /// An American or Canadian state's two letters.
    State,
    /// Announces a name: name, named, Name, nombre.
    Naming,
    /// Announces an address: address, lives, ship to.
    Locating,
    /// Stands in a job's title: manager, engineer.
    Job,
    /// Family and friends: mother, wife, amigo.
    Kin,
    /// Greets: hello, hola, cher.
    Greeting,
    /// Says or does: said, asked, told.
    Saying,
    /// Of a country: Thai, American.
    People,
}

/// Endings of names of streets that are one word.
const STREET_ENDINGS: &[&str] = &[
    "strasse", "stasse", "str", "gasse", "weg", "platz", "allee", "ufer", "damm", "ring", "straat",
    "laan", "plein", "kade", "gracht", "dreef", "steenweg", "gata", "gatan", "gaten", "gate",
    "vej", "veien", "vegen", "vagen", "gade", "alle", "katu", "kuja", "polku", "utca", "singel",
    "wal", "pad", "dijk", "hof", "kamp", "stig", "stigen", "vei", "markt", "chaussee", "berg",
    "braut", "stigur",
];

/// The part that a folded word plays.
pub(super) fn role_of(folded: &str) -> Role {
    use std::sync::OnceLock;
    static ROLE_OF: OnceLock<hashbrown::HashMap<&'static str, Role, rustc_hash::FxBuildHasher>> =
        OnceLock::new();
    let map = ROLE_OF.get_or_init(|| {
        let mut map = hashbrown::HashMap::default();
        for (role, words) in ROLES {
            for word in words.split(' ') {
                map.entry(word).or_insert(*role);
            }
        }
        map
    });
    if let Some(role) = map.get(folded) {
        return *role;
    }
    let last = folded.as_bytes().last();
    // Most endings differ from the word's in the last letter already.
    let is_end = |ending: &&str| ending.as_bytes().last() == last && folded.ends_with(*ending);
    let is_street = folded.len() >= 7 && STREET_ENDINGS.iter().any(is_end);
    if is_street { Role::StreetLike } else { Role::None }
}
