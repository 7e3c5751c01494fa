use std::cmp::Ordering;

/// A product as a dense number that the caller assigns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Item(pub u32);

/// A shopper as a dense number that the caller assigns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shopper(pub u32);

/// A ranking score: finite by construction, so that it has a total order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score(f32);

impl Score {
    /// Takes a finite value; anything else becomes zero, which ranks behind every real candidate.
    pub fn new(value: f32) -> Score {
        Score(if value.is_finite() { value } else { 0.0 })
    }

    /// The value, always finite.
    pub fn get(self) -> f32 {
        self.0
    }
}

impl Eq for Score {}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Score) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Score {
    fn cmp(&self, other: &Score) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Why an item was proposed: facts that were counted, never prose.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// The items that spoke for this one, the strongest first; empty when it rests on no other item.
    pub items: Vec<Item>,
    /// How many baskets, visits or purchases support it.
    pub support: u32,
}

/// A proposed item with its score and evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// What is proposed.
    pub item: Item,
    /// How strongly; comparable only within one list.
    pub score: Score,
    /// What it rests on.
    pub evidence: Evidence,
}

/// Sorts best first and keeps `limit`; ties go to the smaller item number, so that lists are stable.
pub fn rank(mut scored: Vec<Scored>, limit: usize) -> Vec<Scored> {
    let order = |a: &Scored, b: &Scored| b.score.cmp(&a.score).then(a.item.cmp(&b.item));
    if scored.len() > limit && limit > 0 {
        scored.select_nth_unstable_by(limit - 1, order);
    }
    scored.truncate(limit);
    scored.sort_unstable_by(order);
    scored
}
