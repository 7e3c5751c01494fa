//! Which sources make an answer: by strategy, by page, and by what is known of the shopper.

use crate::recommend::{RecommendRequest, Strategy};

#[cfg(test)]
mod tests;

/// A recommender that proposes products.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Source {
    NextBasket,
    BuyAgain,
    Session,
    Similar,
    BoughtTogether,
    RecentlyViewed,
    Trending,
    Popular,
    /// The shop's own model: what the shopper does not have yet.
    Model,
    New,
    /// What the shop has, by its own figures.
    Range,
}

/// What is known when the choice is made.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Known {
    /// Baskets of the shopper.
    pub baskets: usize,
    /// Products seen in this visit, explicit or stored.
    pub seen: usize,
    /// Whether the request names a product.
    pub has_product: bool,
    /// Whether the request names a cart.
    pub has_cart: bool,
    /// Whether the shop has a model of its own.
    pub has_model: bool,
    /// Of the products in everybody's last baskets, the share that had been bought before; `None` while
    /// that was not counted.
    pub again_share: Option<f64>,
    /// Whether the list stands in an order that was learned from lists; known once it is made.
    pub is_ordered: bool,
}

impl Known {
    /// Whether the shopper has habits, in a shop where people buy again.
    fn has_habit(self) -> bool {
        self.baskets > 0 && self.again_share.is_none_or(|share| share >= AGAIN_SHARE_MIN)
    }
}

/// Sources in two rounds: the first are taken in turn, the second only fill what is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// What the plan carries out; never `Auto`.
    pub strategy: Strategy,
    /// Taken in turn, one product each.
    pub first: Vec<Source>,
    /// Taken one after the other while places are free.
    pub fill: Vec<Source>,
}

/// Personal baskets from which a habit can be read; below it, buying again is guesswork (chosen).
const HABIT_BASKETS: usize = 2;

/// Share of repeats below which what was bought is done with, as in a shop of furniture or toys (chosen: one
/// place in ten would be right).
const AGAIN_SHARE_MIN: f64 = 0.1;

/// Chooses the sources.
pub(crate) fn plan(request: &RecommendRequest, known: Known) -> Plan {
    let strategy = match request.strategy {
        Strategy::Auto => automatic(request, known),
        named => named,
    };
    let (first, fill): (&[Source], &[Source]) = match strategy {
        Strategy::Auto | Strategy::Popular => (&[Source::Popular], &[Source::Range]),
        Strategy::ForYou => return for_you(known),
        Strategy::NextBasket => (&[Source::NextBasket], &[Source::Popular, Source::Range]),
        Strategy::Session => {
            (&[Source::Session], &[Source::Similar, Source::Popular, Source::Range])
        }
        Strategy::Similar => {
            (&[Source::Similar], &[Source::BoughtTogether, Source::Popular, Source::Range])
        }
        Strategy::BoughtTogether => (&[Source::BoughtTogether], &[Source::Similar]),
        // These two say something about the shopper: a filler would make it untrue.
        Strategy::BuyAgain => (&[Source::BuyAgain], &[]),
        Strategy::RecentlyViewed => (&[Source::RecentlyViewed], &[]),
        Strategy::Trending => (&[Source::Trending], &[Source::Popular, Source::Range]),
        Strategy::New => (&[Source::New], &[]),
    };
    Plan { strategy, first: first.to_vec(), fill: fill.to_vec() }
}

/// The strategy that fits the page and the shopper.
fn automatic(request: &RecommendRequest, known: Known) -> Strategy {
    let page = request.context.page_type.as_deref().or(request.placement.as_deref()).unwrap_or("");
    match page {
        "cart" | "basket" | "checkout" if known.has_cart || known.has_product => {
            Strategy::BoughtTogether
        }
        "account" | "orders" if known.baskets > 0 => Strategy::BuyAgain,
        _ if known.has_product => Strategy::Similar,
        _ if known.has_cart => Strategy::BoughtTogether,
        _ if known.seen > 0 && known.baskets < HABIT_BASKETS => Strategy::Session,
        _ if known.seen > 0 => Strategy::ForYou,
        _ if known.has_habit() => Strategy::NextBasket,
        _ if known.baskets > 0 => Strategy::ForYou,
        _ => Strategy::Popular,
    }
}

/// Present visit, habit and discovery in turn, as far as there is any of them.
fn for_you(known: Known) -> Plan {
    let mut first = Vec::new();
    if known.seen > 0 {
        first.push(Source::Session);
    }
    if known.has_habit() {
        first.push(Source::NextBasket);
    }
    if known.has_model {
        first.push(Source::Model);
    }
    let mut fill = vec![Source::Popular, Source::Range];
    if known.has_habit() {
        fill.insert(0, Source::BuyAgain);
    }
    Plan { strategy: Strategy::ForYou, first, fill }
}
