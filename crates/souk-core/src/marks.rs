//! What chance and experiments did to an answer, so that what came of it can be judged later.

/// How likely a product was to stand where it stood, in millionths: 1 to 1,000,000.
///
/// An integer, so that the same answer is the same bytes everywhere; a millionth is finer than any
/// estimate that divides by it can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Propensity(u32);

impl Propensity {
    /// Certainty: no other product could have stood there.
    pub const ONE: Propensity = Propensity(1_000_000);

    /// Takes a probability, rounded to millionths and at least one of them; `None` outside of (0, 1].
    pub fn new(probability: f64) -> Option<Propensity> {
        let is_one = probability > 0.0 && probability <= 1.0;
        is_one.then(|| Propensity(((probability * 1e6).round() as u32).max(1)))
    }

    /// Takes millionths; `None` outside of 1 to 1,000,000.
    pub fn from_millionths(millionths: u32) -> Option<Propensity> {
        (1..=1_000_000).contains(&millionths).then_some(Propensity(millionths))
    }

    /// Millionths.
    pub fn millionths(self) -> u32 {
        self.0
    }

    /// The probability.
    pub fn probability(self) -> f64 {
        f64::from(self.0) / 1e6
    }
}

/// The part of an experiment that a shopper is in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ArmMark {
    /// Which experiment.
    pub experiment: Box<str>,
    /// Which part of it.
    pub arm: Box<str>,
}

/// How one product came to its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProductMark {
    /// How likely it was to stand there; `None` where chance had no part.
    pub propensity: Option<Propensity>,
    /// Whether it was tried out, rather than chosen for being the best known.
    pub is_explored: bool,
    /// Which of two interleaved rankings put it there.
    pub team: Option<Team>,
}

/// One of two rankings whose lists were interleaved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Team {
    /// The first.
    A,
    /// The second.
    B,
}

impl Team {
    /// Both, in the order of their wire codes.
    pub const ALL: [Team; 2] = [Team::A, Team::B];
}

/// What a search was asked for, and how it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchMark {
    /// The words as typed, without personal data; empty where nobody is known who could take them back.
    pub query: Box<str>,
    /// Products found, all pages together.
    pub n_found: u32,
    /// How long the answer took, in microseconds.
    pub took_us: u32,
    /// The place of each product, from 0, in the list of several searches that it was shown in, in the order of the
    /// products; those from 255 on as 255. None at all where the products are a list of their own.
    pub places: Box<[u8]>,
}

impl SearchMark {
    /// The place, from 0, in which the product was shown that stands `idx`th among the products.
    pub fn place(&self, idx: usize) -> usize {
        self.places.get(idx).map_or(idx, |place| usize::from(*place))
    }
}

/// What was known of the products of an answer when it was made, one row of signals for each product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalMark {
    /// What each signal of a row is, by codes that are never used again for anything else.
    pub codes: Box<[u8]>,
    /// Row after row in the order of the products; 0 for what is not known.
    pub rows: Box<[u8]>,
}

/// What chance and experiments did to an answer, and which search it answers; mostly nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The experiments that the shopper was in.
    pub arms: Vec<ArmMark>,
    /// One for each product of the answer, in its order, or none at all.
    pub products: Vec<ProductMark>,
    /// The search, where it answers one.
    pub search: Option<SearchMark>,
    /// What was known of the products, of a sample of the answers.
    pub signals: Option<SignalMark>,
}

impl Marks {
    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.arms.is_empty()
            && self.products.is_empty()
            && self.search.is_none()
            && self.signals.is_none()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_propensity_is_a_probability_above_nothing() {
        assert_eq!(Propensity::new(0.25).unwrap().millionths(), 250_000);
        assert_eq!(Propensity::new(1e-12).unwrap().millionths(), 1);
        assert_eq!(Propensity::new(1.0), Some(Propensity::ONE));
        for odd in [0.0, -0.1, 1.000_001, f64::NAN, f64::INFINITY] {
            assert_eq!(Propensity::new(odd), None);
        }
        assert_eq!(Propensity::from_millionths(0), None);
        assert_eq!(Propensity::from_millionths(1_000_001), None);
        assert!(
            (Propensity::from_millionths(125_000).unwrap().probability() - 0.125).abs() < 1e-12
        );
    }
}
