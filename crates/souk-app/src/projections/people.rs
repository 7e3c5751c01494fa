//! How many different people stand behind what is said of all of them.

use souk_recommend::visits::{Visit, VisitIndex};
use souk_recommend::{Item, Shopper};

use super::gate::CrowdView;

/// Visits or baskets that are looked at for one question; chosen: a pair that is common enough to be
/// spoken of shows within them, and what does not show is not spoken of.
const LOOKED_AT_MAX: usize = 128;

/// What makes two products belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bond {
    /// They were looked at in one visit.
    Viewed,
    /// They were bought in one basket.
    Bought,
    /// The same people bought them, at whatever time.
    SamePeople,
}

/// Different people, counted up to what is asked for.
struct People {
    seen: Vec<Shopper>,
    wanted: usize,
}

impl People {
    /// Counts one; true once there are enough.
    fn count(&mut self, shopper: Option<Shopper>) -> bool {
        if let Some(shopper) = shopper
            && !self.seen.contains(&shopper)
        {
            self.seen.push(shopper);
        }
        self.seen.len() >= self.wanted
    }
}

impl CrowdView<'_> {
    /// Whether at least `wanted` different people joined two products.
    pub(crate) fn is_joined_by(&self, bond: Bond, (a, b): (Item, Item), wanted: usize) -> bool {
        let index = self.index(bond);
        let (rare, common) = match index.n_visits_with(a) <= index.n_visits_with(b) {
            true => (a, b),
            false => (b, a),
        };
        match bond {
            Bond::SamePeople => self.any_enough((index, rare), wanted, |visit| {
                let bought = |shopper| self.vectors.n_bought(shopper, common) > 0;
                visit.shopper().is_some_and(bought)
            }),
            Bond::Viewed | Bond::Bought => self.any_enough((index, rare), wanted, |visit| {
                visit.items().any(|item| item == common)
            }),
        }
    }

    /// Whether at least `wanted` different people joined a product with any of a kind.
    pub(crate) fn is_joined_with_kind(
        &self,
        (bond, item): (Bond, Item),
        wanted: usize,
        is_of_kind: impl Fn(Item) -> bool,
    ) -> bool {
        self.any_enough((self.index(bond), item), wanted, |visit| {
            visit.items().any(|other| other != item && is_of_kind(other))
        })
    }

    fn index(&self, bond: Bond) -> &VisitIndex {
        match bond {
            Bond::Viewed => self.visits,
            Bond::Bought | Bond::SamePeople => self.baskets,
        }
    }

    fn any_enough(
        &self,
        (index, item): (&VisitIndex, Item),
        wanted: usize,
        counts: impl Fn(&Visit<'_>) -> bool,
    ) -> bool {
        let mut people = People { seen: Vec::with_capacity(wanted.min(64)), wanted };
        let looked_at = index.visits_with(item).take(LOOKED_AT_MAX.max(wanted));
        looked_at.filter(counts).any(|visit| people.count(visit.shopper()))
    }
}
