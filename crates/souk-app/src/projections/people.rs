//! How many different people stand behind what is said of all of them.

use souk_recommend::visits::{Visit, VisitIndex};
use souk_recommend::{Item, Shopper};

use super::gate::CrowdView;

/// Visits or baskets that are looked at for one question; chosen: a pair that is common enough to be
/// spoken of shows within them, and what does not show is not spoken of.
const LOOKED_AT_MAX: usize = 128;
/// The same for a kind of product, in visits for each person wanted: every product of a visit has to be
/// looked up, which at 128 visits took a third of an answer's time. A kind is met often or not worth naming.
const LOOKED_AT_FOR_KIND: usize = 4;

/// What makes two products belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
        let looked_at = LOOKED_AT_MAX.max(wanted);
        match bond {
            Bond::SamePeople => self.any_enough((index, rare, looked_at), wanted, |visit| {
                let bought = |shopper| self.vectors.n_bought(shopper, common) > 0;
                visit.shopper().is_some_and(bought)
            }),
            Bond::Viewed | Bond::Bought => {
                self.any_enough((index, rare, looked_at), wanted, |visit| {
                    visit.items().any(|item| item == common)
                })
            }
        }
    }

    /// Whether at least `wanted` different people joined a product with any of a kind.
    pub(crate) fn is_joined_with_kind(
        &self,
        (bond, item): (Bond, Item),
        wanted: usize,
        is_of_kind: impl Fn(Item) -> bool,
    ) -> bool {
        let looked_at = LOOKED_AT_FOR_KIND.saturating_mul(wanted);
        self.any_enough((self.index(bond), item, looked_at), wanted, |visit| {
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
        (index, item, looked_at): (&VisitIndex, Item, usize),
        wanted: usize,
        counts: impl Fn(&Visit<'_>) -> bool,
    ) -> bool {
        let mut people = People { seen: Vec::with_capacity(wanted.min(64)), wanted };
        let visits = index.visits_with(item).take(looked_at);
        visits.filter(counts).any(|visit| people.count(visit.shopper()))
    }
}
