use souk_core::{Purpose, Purposes};

/// What a stored act may be used for, decided when it was folded: an act keeps what it came with,
/// and can only lose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Uses(u8);

const PERSONAL: u8 = 1;
const SHARED: u8 = 2;

impl Uses {
    /// Everything that the person's choices allow at the time of the question.
    pub(crate) const ALL: Uses = Uses(PERSONAL | SHARED);

    /// By what the act itself withholds, and whether its person lets others learn from it.
    pub(crate) fn of(withheld: Purposes, may_train: bool) -> Uses {
        let personal = if withheld.contains(Purpose::Personalization) { 0 } else { PERSONAL };
        let is_shared = may_train && !withheld.contains(Purpose::ModelTraining);
        Uses(personal | if is_shared { SHARED } else { 0 })
    }

    /// Whether it may speak in its own person's answers.
    #[inline]
    pub(crate) fn is_personal(self) -> bool {
        self.0 & PERSONAL != 0
    }

    /// Whether it is part of what everybody's answers are made of.
    #[inline]
    pub(crate) fn is_shared(self) -> bool {
        self.0 & SHARED != 0
    }

    /// The same without the part in everybody's answers.
    pub(crate) fn unshared(self) -> Uses {
        Uses(self.0 & !SHARED)
    }

    /// What both allow.
    pub(crate) fn and(self, other: Uses) -> Uses {
        Uses(self.0 & other.0)
    }

    pub(crate) fn bits(self) -> u8 {
        self.0
    }

    /// Reads the bits; `None` for unknown ones.
    pub(crate) fn from_bits(bits: u8) -> Option<Uses> {
        (bits & !Uses::ALL.0 == 0).then_some(Uses(bits))
    }
}
