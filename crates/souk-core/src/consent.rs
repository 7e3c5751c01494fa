/// What a person's data may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    /// What the person asked for: the order, the answer to this request, the law's own duties.
    Essential,
    /// Answers to this person that rest on what the person did before.
    Personalization,
    /// Reports of what shoppers do.
    Analytics,
    /// Messages that nobody asked for, and everything that data is sold or shared for.
    Marketing,
    /// What everybody's answers are made of: neighbours, visits, trends.
    ModelTraining,
}

impl Purpose {
    /// Every purpose, in the order of their wire codes.
    pub const ALL: [Purpose; 5] = [
        Purpose::Essential,
        Purpose::Personalization,
        Purpose::Analytics,
        Purpose::Marketing,
        Purpose::ModelTraining,
    ];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::Essential => "essential",
            Purpose::Personalization => "personalization",
            Purpose::Analytics => "analytics",
            Purpose::Marketing => "marketing",
            Purpose::ModelTraining => "model_training",
        }
    }

    /// Reads the name in the contract.
    pub fn parse(name: &str) -> Option<Purpose> {
        Purpose::ALL.into_iter().find(|purpose| purpose.as_str() == name)
    }
}

/// A set of purposes.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Purposes(u8);

impl Purposes {
    /// No purpose.
    pub const NONE: Purposes = Purposes(0);
    /// Every purpose that a person can say no to: all but [`Purpose::Essential`].
    pub const OPTIONAL: Purposes = Purposes(0b1_1110);
    /// Every purpose.
    pub const ALL: Purposes = Purposes(0b1_1111);

    /// The set as bits, one for each purpose in the order of [`Purpose::ALL`].
    pub fn bits(self) -> u8 {
        self.0
    }

    /// Reads the bits; `None` when one of them stands for no purpose.
    pub fn from_bits(bits: u8) -> Option<Purposes> {
        (bits & !Purposes::ALL.0 == 0).then_some(Purposes(bits))
    }

    /// Whether the purpose is in the set.
    #[inline]
    pub fn contains(self, purpose: Purpose) -> bool {
        self.0 & 1 << purpose as u8 != 0
    }

    /// Whether no purpose is in the set.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The set with the purpose.
    pub fn with(self, purpose: Purpose) -> Purposes {
        Purposes(self.0 | 1 << purpose as u8)
    }

    /// What is in either set.
    pub fn union(self, other: Purposes) -> Purposes {
        Purposes(self.0 | other.0)
    }

    /// What is in this set and not in the other.
    pub fn without(self, other: Purposes) -> Purposes {
        Purposes(self.0 & !other.0)
    }

    /// What is in both sets.
    pub fn intersection(self, other: Purposes) -> Purposes {
        Purposes(self.0 & other.0)
    }

    /// The purposes in the order of [`Purpose::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Purpose> {
        Purpose::ALL.into_iter().filter(move |purpose| self.contains(*purpose))
    }
}

impl FromIterator<Purpose> for Purposes {
    fn from_iter<T: IntoIterator<Item = Purpose>>(purposes: T) -> Purposes {
        purposes.into_iter().fold(Purposes::NONE, Purposes::with)
    }
}

impl std::fmt::Debug for Purposes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// On what ground a shop says that it may use what it held before it had Souk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LegalBasis {
    /// The persons consented, elsewhere and provably.
    Consent,
    /// The contract with the person needs it.
    Contract,
    /// The shop's interest outweighs the person's, as a written balance shows.
    LegitimateInterest,
    /// The persons were told, could say no, and did not.
    OptOutNotice,
}

impl LegalBasis {
    /// Every basis, in the order of their wire codes.
    pub const ALL: [LegalBasis; 4] = [
        LegalBasis::Consent,
        LegalBasis::Contract,
        LegalBasis::LegitimateInterest,
        LegalBasis::OptOutNotice,
    ];

    /// The name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            LegalBasis::Consent => "consent",
            LegalBasis::Contract => "contract",
            LegalBasis::LegitimateInterest => "legitimate_interest",
            LegalBasis::OptOutNotice => "opt_out_notice",
        }
    }

    /// Reads the name on the command line.
    pub fn parse(name: &str) -> Option<LegalBasis> {
        LegalBasis::ALL.into_iter().find(|basis| basis.as_str() == name)
    }
}

/// Where a statement about consent comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConsentOrigin {
    /// The person, known by a shopper token or by the browser's own id.
    Shopper,
    /// The shop's own systems, on the person's word.
    Shop,
    /// A consent banner, in `context.consent` of an event.
    Banner,
    /// Global Privacy Control: the browser's `Sec-GPC: 1`.
    Gpc,
    /// An imported file of consents.
    File,
    /// No word of the person: the shop states why it may use what it imports.
    Stated(LegalBasis),
}

impl ConsentOrigin {
    /// The name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            ConsentOrigin::Shopper => "shopper",
            ConsentOrigin::Shop => "shop",
            ConsentOrigin::Banner => "banner",
            ConsentOrigin::Gpc => "gpc",
            ConsentOrigin::File => "file",
            ConsentOrigin::Stated(_) => "stated_basis",
        }
    }

    /// The wire code.
    pub(crate) fn code(self) -> u8 {
        match self {
            ConsentOrigin::Shopper => 0,
            ConsentOrigin::Shop => 1,
            ConsentOrigin::Banner => 2,
            ConsentOrigin::Gpc => 3,
            ConsentOrigin::File => 4,
            ConsentOrigin::Stated(basis) => 16 + basis as u8,
        }
    }

    /// Reads the wire code.
    pub(crate) fn from_code(code: u8) -> Option<ConsentOrigin> {
        Some(match code {
            0 => ConsentOrigin::Shopper,
            1 => ConsentOrigin::Shop,
            2 => ConsentOrigin::Banner,
            3 => ConsentOrigin::Gpc,
            4 => ConsentOrigin::File,
            code => {
                let basis = LegalBasis::ALL.get(usize::from(code.checked_sub(16)?));
                ConsentOrigin::Stated(*basis?)
            }
        })
    }
}

/// What was said about the use of a person's data. A purpose that is in neither set was not spoken of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentChange {
    /// What was allowed.
    pub granted: Purposes,
    /// What was refused or withdrawn; wins over `granted`.
    pub denied: Purposes,
    /// Who said so.
    pub origin: ConsentOrigin,
    /// Under which version of the shop's notice.
    pub notice: Option<Box<str>>,
}

#[cfg(test)]
mod tests;
