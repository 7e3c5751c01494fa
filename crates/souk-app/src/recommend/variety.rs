//! Variety among the candidates of a list, before the merchant's rules: what is much like the rest, or what
//! everybody is shown anyway, makes way for near equals that are not. docs/variety.md.

use std::num::NonZeroU32;

use souk_recommend::Item;
use souk_recommend::diversity::{Candidates, Mix, RelevanceCurve, VarietyParams, vary};
use souk_recommend::next_basket::Basket;
use souk_recommend::sources::ListCurves;

use crate::projections::{Catalogue, CrowdView, Kind};
use crate::recommend::candidates::Proposal;
use crate::recommend::plan::{Plan, Source};
use crate::recommend::state::with_scratches;
use crate::recommend::{ReasonKind, Strategy};

/// Candidates that are looked at at most, however long the list: exchanges take the square of it.
const DEPTH_MAX: usize = 100;
/// Levels of a category that are compared, from the top (chosen: taxonomies have three to five).
const LEVELS: usize = 6;
/// Products with the same words in their titles that a list may have (chosen: two are a choice, three a
/// repetition).
const SAME_WORDS_MAX: usize = 2;
/// A shopper's own mix is that of so many last baskets (chosen).
const MIX_BASKETS: usize = 20;
/// What remains of a distance between products of one brand (chosen).
const SAME_BRAND: f32 = 0.8;

/// How fast relevance falls in a list that sources take turns in. The scores of several sources cannot be compared, so
/// the rank is what is known of a candidate.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Turns {
    /// In the list of the source of which it was learned; as is assumed where it was of none.
    learned: RelevanceCurve,
    /// Sources that take turns.
    n_sources: usize,
}

impl Turns {
    /// As the model learned it of the source that it was asked about; nobody knows it of the others.
    fn of(plan: &Plan, curves: Option<ListCurves>) -> Turns {
        let learned = match (plan.strategy, curves) {
            (Strategy::ForYou, Some(curves)) if plan.first.contains(&Source::Model) => {
                Some(curves.blend)
            }
            (Strategy::Popular, Some(curves)) => Some(curves.popular),
            _ => None,
        };
        match learned {
            Some(learned) => Turns { learned, n_sources: plan.first.len().max(1) },
            None => Turns { learned: RelevanceCurve::default(), n_sources: 1 },
        }
    }

    /// The relevance of a rank: the mean over the sources. In n turns a source comes to its r-th candidate at rank r · n of the list;
    /// those of whom nothing is known make the list fall as is assumed.
    fn at(self, rank: usize) -> f32 {
        let (rank, n) = (rank as f64, self.n_sources as f64);
        let unknown = (n - 1.0) * RelevanceCurve::default().at(rank);
        ((self.learned.at(rank / n) + unknown) / n) as f32
    }
}

/// Variety in the lists of one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variety {
    /// The share of its expected NDCG that a list may give up.
    price: f32,
    /// Whether products with the same words in their titles make way for others.
    is_thinned: bool,
    relevance: Turns,
}

impl Variety {
    /// What a setting asks for in lists of this plan, with what the model in service knows of them. Those that answer a plain question (what will be bought
    /// next, what goes with it, what is like it, what was there before) stay as they are, but what goes with
    /// something should not be ten times the same.
    pub(crate) fn of(plan: &Plan, price: f64, curves: Option<ListCurves>) -> Variety {
        let strategy = plan.strategy;
        let is_varied =
            matches!(strategy, Strategy::ForYou | Strategy::Popular | Strategy::Trending);
        let is_thinned = price > 0.0 && (is_varied || strategy == Strategy::BoughtTogether);
        let price = if is_varied { price as f32 } else { 0.0 };
        Variety { price, is_thinned, relevance: Turns::of(plan, curves) }
    }

    /// Whether it can move anything.
    pub(crate) fn is_at_work(self) -> bool {
        self.is_thinned
    }

    /// How many candidates are wanted for so many places.
    pub(crate) fn pool(self, limit: usize) -> usize {
        match self.is_thinned {
            true => (limit + VarietyParams::default().behind).min(DEPTH_MAX.max(limit)),
            false => limit,
        }
    }

    /// Puts varied candidates into the first `limit` places; the others stay behind them in their order. What
    /// only fills the list up, behind the first `n_found`, pushes nothing out.
    pub(crate) fn reorder(
        self,
        (mut pool, n_found): (Vec<Proposal>, usize),
        limit: usize,
        (catalogue, crowd, own): (&Catalogue, CrowdView<'_>, &[Basket]),
    ) -> Vec<Proposal> {
        let depth = n_found.min(pool.len());
        if depth <= limit || !self.is_thinned {
            return pool;
        }
        thin_out(&mut pool[..depth], catalogue);
        if self.price <= 0.0 {
            return pool;
        }
        let shown = &pool[..depth];
        let traits: Vec<Traits> = shown.iter().map(|one| Traits::of(one.item, catalogue)).collect();
        let takers = shown.iter().map(|one| takers(one.item, crowd));
        let mut rarity: Vec<f32> = takers.map(|n| (1.0 + n as f32).ln()).collect();
        let most = rarity.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
        rarity.iter_mut().for_each(|one| *one = 1.0 - *one / most);
        let relevance: Vec<f32> = (0..depth).map(|rank| self.relevance.at(rank)).collect();
        let distance = |a: usize, b: usize| traits[a].distance(&traits[b]);
        let (tops, shares) = own_mix(own, catalogue);
        let group = |one: &Traits| {
            tops.iter().position(|top| Some(*top) == one.path[0]).unwrap_or(tops.len())
        };
        let groups: Vec<usize> = traits.iter().map(group).collect();
        let mix = (!tops.is_empty()).then_some(Mix { groups: &groups, shares: &shares });
        let candidates =
            Candidates { relevance: &relevance, rarity: &rarity, distance: &distance, mix };
        let params = VarietyParams { price: self.price, ..VarietyParams::default() };
        with_scratches(|scratches| {
            let list = vary(&candidates, (limit, &params), &mut scratches.variety);
            in_front(pool, list)
        })
    }
}

/// Moves products of which a reader sees the same words twice already behind all others. What the shopper
/// bought before stays where it is: it is known to be what is meant.
fn thin_out(shown: &mut [Proposal], catalogue: &Catalogue) {
    let words: Vec<_> = shown.iter().map(|one| catalogue.title_words(one.item)).collect();
    // There are a hundred at most: looking back is faster than a table.
    let n_before = |place: usize| words[..place].iter().filter(|one| **one == words[place]).count();
    let is_crowding = |(place, one): (usize, &Proposal)| {
        words[place].is_some()
            && one.kind != ReasonKind::BoughtBefore
            && n_before(place) >= SAME_WORDS_MAX
    };
    let crowding: Vec<bool> = shown.iter().enumerate().map(is_crowding).collect();
    if crowding.contains(&true) {
        // Keys are asked for once each, in the order of the places, and equals keep it.
        let mut crowding = crowding.into_iter();
        shown.sort_by_cached_key(|_| crowding.next());
    }
}

/// The categories at the top that a shopper's last baskets hold, and the share of each.
fn own_mix(own: &[Basket], catalogue: &Catalogue) -> (Vec<Kind>, Vec<f32>) {
    let kinds = catalogue.kinds();
    let (mut tops, mut counts): (Vec<Kind>, Vec<f32>) = (Vec::new(), Vec::new());
    let last = own[own.len().saturating_sub(MIX_BASKETS)..].iter();
    for top in last
        .flat_map(|basket| basket.items())
        .filter_map(|item| std::iter::successors(kinds.of(*item), |&kind| kinds.above(kind)).last())
    {
        match tops.iter().position(|known| *known == top) {
            Some(place) => counts[place] += 1.0,
            None => {
                tops.push(top);
                counts.push(1.0);
            }
        }
    }
    let sum: f32 = counts.iter().sum();
    counts.iter_mut().for_each(|count| *count /= sum);
    (tops, counts)
}

/// Puts the candidates of these places, ascending, in front of all others.
fn in_front(pool: Vec<Proposal>, list: &[usize]) -> Vec<Proposal> {
    if list.last().is_none_or(|last| last + 1 == list.len()) {
        return pool;
    }
    let (mut front, mut behind) = (Vec::with_capacity(pool.len()), Vec::new());
    for (place, one) in pool.into_iter().enumerate() {
        match list.binary_search(&place) {
            Ok(_) => front.push(one),
            Err(_) => behind.push(one),
        }
    }
    front.append(&mut behind);
    front
}

/// Baskets and visits that a product was in.
fn takers(item: Item, crowd: CrowdView<'_>) -> u32 {
    crowd.baskets.n_visits_with(item) + crowd.visits.n_visits_with(item)
}

/// What products are compared by.
#[derive(Clone, Copy, Debug)]
struct Traits {
    /// The categories from the top, the own one last.
    path: [Option<Kind>; LEVELS],
    n_levels: usize,
    brand: Option<NonZeroU32>,
}

impl Traits {
    fn of(item: Item, catalogue: &Catalogue) -> Traits {
        let kinds = catalogue.kinds();
        let up = || std::iter::successors(kinds.of(item), |&kind| kinds.above(kind));
        let n = up().count();
        let mut path = [None; LEVELS];
        for (level, kind) in up().enumerate() {
            // Of a deeper tree the levels below are not told apart.
            if let Some(slot) = path.get_mut(n - 1 - level) {
                *slot = Some(kind);
            }
        }
        Traits { path, n_levels: n.min(LEVELS), brand: catalogue.brand_key(item) }
    }

    /// How far apart two products are in the tree of categories: `1 − 2 · common levels / levels of both`,
    /// and a fifth less for those of one brand. Without a category nothing is known to be alike but brands.
    ///
    /// Source: Wu and Palmer, "Verb semantics and lexical selection", ACL 1994.
    fn distance(&self, other: &Traits) -> f32 {
        let same = self.path.iter().zip(&other.path);
        let common = same.take_while(|(a, b)| a.is_some() && a == b).count();
        let levels = self.n_levels + other.n_levels;
        let apart = match levels {
            0 => 1.0,
            levels => 1.0 - (2 * common) as f32 / levels as f32,
        };
        let is_one_brand = self.brand.is_some() && self.brand == other.brand;
        if is_one_brand { apart * SAME_BRAND } else { apart }
    }
}

#[cfg(test)]
mod tests;
