//! What lists are worth: accuracy, for parts of what was wanted, and what else a shop looks at.

use super::Wanted;
use crate::evaluate::bootstrap::{Difference, paired_bootstrap};
use crate::evaluate::metrics::{hit, mean, ndcg, recall};
use crate::sources::Histories;
use crate::types::{Item, Shopper};
use rustc_hash::FxHashSet;

/// Means over the shoppers who wanted any item of a part.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Accuracy {
    /// Hits / items wanted.
    pub recall: f64,
    /// Normalised discounted cumulative gain, binary.
    pub ndcg: f64,
    /// The share of shoppers with at least one hit.
    pub hit_rate: f64,
    /// How many shoppers these are means over.
    pub n_shoppers: usize,
}

/// Measures at one list length.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RatingMeasures {
    /// The list length.
    pub k: usize,
    /// All items that were wanted.
    pub all: Accuracy,
    /// Only items of the shopper's own history.
    pub repeat: Accuracy,
    /// Only items that are new to the shopper.
    pub new: Accuracy,
    /// Only items that nobody took in the training part.
    pub cold: Accuracy,
    /// The share of all training items that stand in any list.
    pub coverage: f64,
    /// Mean self-information of the places, `-log₂(takers / shoppers)` in bits: how far from what
    /// everybody takes (Zhou et al., PNAS 107(10), 2010). An item without takers counts as one.
    pub novelty: f64,
    /// Mean distance of the pairs of a list: 1 - Jaccard of attributes where the catalogue is known,
    /// else 1 - cosine of takers (intra-list diversity, Ziegler et al., WWW 2005).
    pub diversity: f64,
}

/// Lists whose pairs are compared for diversity, at most (chosen).
const DIVERSITY_LISTS_MAX: usize = 2_000;

/// What lists are judged by.
pub(super) struct Judge<'a> {
    pub(super) wanted: &'a Wanted,
    pub(super) histories: &'a Histories,
    pub(super) attributes: &'a [Vec<u32>],
}

pub(super) type Lists = [(Shopper, Vec<Item>)];

impl Judge<'_> {
    /// Measures lists, one for each shopper of `wanted` in the same order.
    pub(super) fn measure(&self, lists: &Lists, k: usize) -> RatingMeasures {
        let shown: Vec<&[Item]> =
            lists.iter().map(|(_, list)| &list[..list.len().min(k)]).collect();
        let n_takers = |item: Item| self.histories.takers(item).len();
        let n_items =
            (0..self.histories.n_items() as u32).filter(|&i| n_takers(Item(i)) > 0).count();
        let known = shown.iter().flat_map(|list| list.iter()).filter(|item| n_takers(**item) > 0);
        let covered = known.collect::<FxHashSet<_>>().len();
        let n_shoppers = self.histories.n_shoppers().max(1) as f64;
        let bits = |item: &Item| -(n_takers(*item).max(1) as f64 / n_shoppers).log2();
        let all: Vec<f64> = shown.iter().flat_map(|list| list.iter()).map(bits).collect();
        let own = |shopper, item: Item| self.histories.items(shopper).contains(&item);
        RatingMeasures {
            k,
            all: self.accuracy((lists, k), &|_, _| true),
            repeat: self.accuracy((lists, k), &|shopper, item| own(shopper, item)),
            new: self.accuracy((lists, k), &|shopper, item| !own(shopper, item)),
            cold: self.accuracy((lists, k), &|_, item| n_takers(item) == 0),
            coverage: covered as f64 / n_items.max(1) as f64,
            novelty: mean(&all),
            diversity: self.diversity(&shown),
        }
    }

    fn accuracy(
        &self,
        (lists, k): (&Lists, usize),
        is_part: &dyn Fn(Shopper, Item) -> bool,
    ) -> Accuracy {
        let mut values: [Vec<f64>; 3] = Default::default();
        for ((shopper, wanted), (_, list)) in self.wanted.iter().zip(lists) {
            let part = wanted.iter().copied().filter(|&item| is_part(*shopper, item));
            let part: FxHashSet<Item> = part.collect();
            if !part.is_empty() {
                values[0].push(recall(list, &part, k));
                values[1].push(ndcg(list, &part, k));
                values[2].push(hit(list, &part, k));
            }
        }
        // Adding zero turns the -0.0 of an empty sum into a plain zero.
        let [recall, ndcg, hit_rate] = values.each_ref().map(|values| mean(values) + 0.0);
        Accuracy { recall, ndcg, hit_rate, n_shoppers: values[0].len() }
    }

    fn diversity(&self, lists: &[&[Item]]) -> f64 {
        let every = lists.len().div_ceil(DIVERSITY_LISTS_MAX).max(1);
        let mut distances = Vec::new();
        for list in lists.iter().step_by(every).filter(|list| list.len() > 1) {
            let pairs = list.iter().enumerate().flat_map(|(at, a)| {
                list[at + 1..].iter().map(move |b| {
                    1.0 - f64::from(likeness((self.histories, self.attributes), *a, *b))
                })
            });
            distances.push(mean(&pairs.collect::<Vec<_>>()));
        }
        mean(&distances)
    }

    /// How the NDCG of lists differs from that of others.
    pub(super) fn difference(&self, lists: &Lists, others: &Lists, k: usize) -> Difference {
        let values = |lists: &Lists| -> Vec<f64> {
            let pairs = self.wanted.iter().zip(lists);
            pairs.map(|((_, wanted), (_, list))| ndcg(list, wanted, k)).collect()
        };
        paired_bootstrap(&values(lists), &values(others), 0)
    }
}

/// How alike two items are: Jaccard of attributes where the catalogue is known, else cosine of takers.
pub(super) fn likeness(
    (histories, attributes): (&Histories, &[Vec<u32>]),
    a: Item,
    b: Item,
) -> f32 {
    if attributes.is_empty() {
        let (a, b) = (histories.takers(a), histories.takers(b));
        match common(a, b) {
            0 => 0.0,
            common => common as f32 / ((a.len() * b.len()) as f32).sqrt(),
        }
    } else {
        let of = |item: Item| attributes.get(item.0 as usize).map_or(&[][..], Vec::as_slice);
        match common(of(a), of(b)) {
            0 => 0.0,
            common => common as f32 / (of(a).len() + of(b).len() - common) as f32,
        }
    }
}

/// How many elements two ascending lists share.
fn common<T: Ord>(mut a: &[T], mut b: &[T]) -> usize {
    let mut n = 0;
    while let (Some(first_a), Some(first_b)) = (a.first(), b.first()) {
        n += usize::from(first_a == first_b);
        let (skip_a, skip_b) = (first_a <= first_b, first_b <= first_a);
        a = &a[usize::from(skip_a)..];
        b = &b[usize::from(skip_b)..];
    }
    n
}
