//! Known items that stand for new ones: what is said of them holds for those like them.

use crate::types::Item;
use rustc_hash::FxHashMap;

/// Which new items each known item stands for.
///
/// A new item's score is the mean of the scores of the items most like it, weighted by likeness. So what
/// is known of people's taste beyond likeness (that who buys a train buys rails) reaches items that nobody
/// has taken: the nearest-neighbour form of mapping attributes to collaborative factors.
///
/// Source of the idea: Gantner, Drumond, Freudenthaler, Rendle and Schmidt-Thieme, *Learning
/// Attribute-to-Feature Mappings for Cold-Start Recommendations*, ICDM 2010, sec. III.A (kNN mapping).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kin {
    /// By known item: new items and the share of their score that comes from it.
    new: FxHashMap<Item, Vec<(Item, f32)>>,
}

impl Kin {
    /// How many known items stand for a new one at most (chosen).
    pub const KEPT_MAX: usize = 50;

    /// Takes new items, each with the known items most like it and how much they are.
    pub fn new(rows: impl Iterator<Item = (Item, Vec<(Item, f32)>)>) -> Kin {
        let mut kin = Kin::default();
        for (new, nearest) in rows {
            let all: f32 = nearest.iter().map(|(_, likeness)| likeness).sum();
            for (known, likeness) in nearest {
                kin.new.entry(known).or_default().push((new, likeness / all));
            }
        }
        kin
    }

    /// The new items that a known one stands for.
    pub fn of(&self, known: Item) -> &[(Item, f32)] {
        self.new.get(&known).map_or(&[], Vec::as_slice)
    }

    /// True when no item stands for a new one.
    pub fn is_empty(&self) -> bool {
        self.new.is_empty()
    }
}
