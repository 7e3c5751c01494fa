//! What the law makes of silence, by jurisdiction. Engineering defaults, not legal advice.

use souk_core::Purpose;

/// How a purpose comes to be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// Only a yes allows.
    OptIn,
    /// Only a no forbids.
    OptOut,
    /// Telling is enough; a no forbids all the same.
    Notice,
}

impl Mechanism {
    /// Every mechanism, the strictest first.
    pub const ALL: [Mechanism; 3] = [Mechanism::OptIn, Mechanism::OptOut, Mechanism::Notice];

    /// The name in settings and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Mechanism::OptIn => "opt_in",
            Mechanism::OptOut => "opt_out",
            Mechanism::Notice => "notice",
        }
    }

    /// Reads the name in settings.
    pub fn parse(name: &str) -> Option<Mechanism> {
        Mechanism::ALL.into_iter().find(|mechanism| mechanism.as_str() == name)
    }
}

/// The mechanism of each purpose in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Regime([Mechanism; Purpose::ALL.len()]);

impl Regime {
    /// The same mechanism for every optional purpose.
    pub fn all(mechanism: Mechanism) -> Regime {
        Regime([mechanism; Purpose::ALL.len()])
    }

    /// The mechanism of a purpose.
    pub fn of(&self, purpose: Purpose) -> Mechanism {
        self.0[purpose as usize]
    }

    /// Replaces the mechanism of a purpose.
    pub fn set(&mut self, purpose: Purpose, mechanism: Mechanism) {
        self.0[purpose as usize] = mechanism;
    }
}

/// Members of the European Economic Area, ISO 3166-1 alpha-2.
const EEA: [&str; 30] = [
    "at", "be", "bg", "cy", "cz", "de", "dk", "ee", "es", "fi", "fr", "gr", "hr", "hu", "ie", "is",
    "it", "li", "lt", "lu", "lv", "mt", "nl", "no", "pl", "pt", "ro", "se", "si", "sk",
];

/// What silence means in a jurisdiction: `eu`, `eea`, `uk`, `ch` and the member states by their
/// ISO codes need a yes (GDPR articles 6 and 7, UK GDPR, the Swiss act as most shops read it);
/// `us` and its states (`us-ca`) count a no (CCPA section 1798.120 and its sisters). `None` for a
/// name that is not known here: the settings have to say what holds there.
pub fn mechanism_of(jurisdiction: &str) -> Option<Mechanism> {
    let name = jurisdiction.to_ascii_lowercase();
    if matches!(name.as_str(), "eu" | "eea" | "uk" | "gb" | "ch") || EEA.contains(&name.as_str()) {
        return Some(Mechanism::OptIn);
    }
    let state = name.strip_prefix("us-");
    let is_state =
        state.is_some_and(|code| code.len() == 2 && code.bytes().all(|b| b.is_ascii_lowercase()));
    (name == "us" || is_state).then_some(Mechanism::OptOut)
}
