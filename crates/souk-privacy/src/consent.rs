//! Which uses of a person's data are allowed, and why.
//!
//! A jurisdiction says what holds while a person has said nothing; what the person said wins over it;
//! a signal of the request at hand (Global Privacy Control, a banner's no) wins over both, for that
//! request. Where several ids are one person, the strictest of their choices counts. Nothing here
//! knows which data there is: it answers `allowed` or `not allowed`, with the reason.

mod jurisdiction;
mod notices;

use souk_core::{ConsentOrigin, LegalBasis, Purpose, Purposes, Timestamp};

pub use jurisdiction::{Mechanism, Regime, mechanism_of};
pub use notices::{Notice, Notices};

/// One choice of one person for one purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Yes or no.
    pub is_granted: bool,
    /// When it was made.
    pub at: Timestamp,
    /// The place of its record, which orders choices of one moment.
    pub seq: u64,
    /// Who said so.
    pub origin: ConsentOrigin,
    /// Whether the shop's notice has changed since so much that a yes must be asked for again.
    pub is_outdated: bool,
}

impl Choice {
    fn rank(&self) -> (Timestamp, u64) {
        (self.at, self.seq)
    }

    /// A yes that still holds; a no always does.
    fn verdict(&self) -> Option<bool> {
        match (self.is_granted, self.is_outdated) {
            (false, _) => Some(false),
            (true, false) => Some(true),
            (true, true) => None,
        }
    }
}

/// What one person said, by purpose, and on what ground the shop holds older data of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// The latest choice for each optional purpose, in the order of [`Purpose::ALL`].
    said: [Option<Choice>; N_OPTIONAL],
    /// What the shop stated with an import.
    pub basis: Option<LegalBasis>,
}

const N_OPTIONAL: usize = Purpose::ALL.len() - 1;

fn slot(purpose: Purpose) -> Option<usize> {
    (purpose as usize).checked_sub(1)
}

impl Choices {
    /// The latest choice for a purpose.
    pub fn of(&self, purpose: Purpose) -> Option<Choice> {
        slot(purpose).and_then(|idx| self.said[idx])
    }

    /// Takes a choice in, unless a later one is known. Essential uses have no choice.
    pub fn say(&mut self, purpose: Purpose, choice: Choice) {
        let Some(idx) = slot(purpose) else { return };
        if self.said[idx].is_none_or(|known| known.rank() <= choice.rank()) {
            self.said[idx] = Some(choice);
        }
    }

    /// Takes in what the shop states of older data. Of two statements the narrower one holds.
    pub fn state(&mut self, basis: LegalBasis) {
        let known = self.basis.get_or_insert(basis);
        if breadth(basis) < breadth(*known) {
            *known = basis;
        }
    }

    /// Whether the person said no, and has not taken it back.
    pub fn is_denied(&self, purpose: Purpose) -> bool {
        self.of(purpose).is_some_and(|choice| !choice.is_granted)
    }
}

/// How much a basis covers, compared with the others.
fn breadth(basis: LegalBasis) -> u8 {
    match basis {
        LegalBasis::Contract => 0,
        LegalBasis::LegitimateInterest => 1,
        LegalBasis::OptOutNotice => 2,
        LegalBasis::Consent => 3,
    }
}

/// Why a use is allowed or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The person asked for it, or the law does.
    Essential,
    /// The person said yes.
    Granted,
    /// The person said no.
    Denied,
    /// The request carries a signal that says no, for itself.
    Signal,
    /// Nothing was said, and the shop may state a basis for what it imported.
    Stated(LegalBasis),
    /// Nothing was said where a yes is needed.
    Unasked,
    /// A yes was given under a notice that has changed since, so it must be asked for again.
    AskAgain,
    /// Nothing was said where only a no counts.
    NotOptedOut,
    /// Nothing was said where a notice is enough.
    Noticed,
}

impl Reason {
    /// The name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Essential => "essential",
            Reason::Granted => "granted",
            Reason::Denied => "denied",
            Reason::Signal => "signal",
            Reason::Stated(_) => "stated_basis",
            Reason::Unasked => "unasked",
            Reason::AskAgain => "ask_again",
            Reason::NotOptedOut => "not_opted_out",
            Reason::Noticed => "noticed",
        }
    }
}

/// Whether a use is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is.
    pub is_allowed: bool,
    /// Why.
    pub reason: Reason,
}

impl Decision {
    fn yes(reason: Reason) -> Decision {
        Decision { is_allowed: true, reason }
    }

    fn no(reason: Reason) -> Decision {
        Decision { is_allowed: false, reason }
    }
}

/// Decides on one purpose for the ids of one person.
///
/// In this order: essential uses are always allowed; a signal of this request forbids; any id's no
/// forbids; any id's valid yes allows; then what the shop stated for imported data; then what the
/// jurisdiction says of silence. A no of one id binds them all and a yes of one never opens another
/// that said no: a wrong link between two people can then only hide, never show.
pub fn decide<'a>(
    regime: &Regime,
    persons: impl Iterator<Item = &'a Choices> + Clone,
    (purpose, signals): (Purpose, Purposes),
) -> Decision {
    if purpose == Purpose::Essential {
        return Decision::yes(Reason::Essential);
    }
    if signals.contains(purpose) {
        return Decision::no(Reason::Signal);
    }
    let said = persons.clone().filter_map(|choices| choices.of(purpose));
    let (mut has_yes, mut has_outdated) = (false, false);
    for choice in said {
        match choice.verdict() {
            Some(false) => return Decision::no(Reason::Denied),
            Some(true) => has_yes = true,
            None => has_outdated = true,
        }
    }
    if has_yes {
        return Decision::yes(Reason::Granted);
    }
    let mechanism = regime.of(purpose);
    let stated = persons.filter_map(|choices| choices.basis);
    let covering = stated.filter(|basis| covers(*basis, (purpose, mechanism)));
    if let Some(basis) = covering.min_by_key(|basis| breadth(*basis)) {
        return Decision::yes(Reason::Stated(basis));
    }
    match mechanism {
        Mechanism::OptIn if has_outdated => Decision::no(Reason::AskAgain),
        Mechanism::OptIn => Decision::no(Reason::Unasked),
        Mechanism::OptOut => Decision::yes(Reason::NotOptedOut),
        Mechanism::Notice => Decision::yes(Reason::Noticed),
    }
}

/// The purposes that a stated basis covers, where the jurisdiction asks for this mechanism.
///
/// A contract covers what the contract needs, which is essential anyway. An interest of the shop
/// covers statistics that single nobody out, not messages and not answers built on a person's past.
/// A notice that people could object to counts only where the law lets silence count.
pub fn covers(basis: LegalBasis, (purpose, mechanism): (Purpose, Mechanism)) -> bool {
    match basis {
        LegalBasis::Consent => true,
        LegalBasis::Contract => purpose == Purpose::Essential,
        LegalBasis::LegitimateInterest => {
            matches!(purpose, Purpose::Essential | Purpose::Analytics | Purpose::ModelTraining)
        }
        LegalBasis::OptOutNotice => purpose == Purpose::Essential || mechanism != Mechanism::OptIn,
    }
}

#[cfg(test)]
mod tests;
