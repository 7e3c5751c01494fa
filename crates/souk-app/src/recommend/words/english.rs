//! English.

use std::borrow::Cow;

use super::{Phrase, Summary};
use crate::recommend::ReasonKind;

pub(super) fn say(phrase: Phrase<'_>) -> Cow<'static, str> {
    match phrase {
        Phrase::BoughtWith(name) => format!("Bought with {name}").into(),
        Phrase::BoughtTogether => "Bought together".into(),
        Phrase::GoesWithPage => "Goes with this product".into(),
        Phrase::GoesWithCart => "Goes with what is in your cart".into(),
        Phrase::GoesWithSeen => "Goes with what you looked at".into(),
        Phrase::BoughtByBuyersOf(name) => format!("Bought by shoppers who also buy {name}").into(),
        Phrase::BoughtByShoppersLikeYou => "Bought by shoppers like you".into(),
        Phrase::SeenWith(name) => format!("Seen together with {name}").into(),
        Phrase::SeenTogether => "Seen together".into(),
        Phrase::SeenByShoppersLikeYou => "Seen by shoppers like you".into(),
        Phrase::BoughtBefore => "You bought it before".into(),
        Phrase::BoughtTimes(times) => format!("You bought it {times} times").into(),
        Phrase::LookedAtLately => "You looked at it recently".into(),
        Phrase::SimilarTo(title) => format!("Similar to {title}").into(),
        Phrase::SimilarToKnown => "Similar to products you know".into(),
        Phrase::InDemand => "In demand right now".into(),
        Phrase::Popular => "Popular in this shop".into(),
        Phrase::New => "New in this shop".into(),
        Phrase::FromRange => "From this shop’s range".into(),
        Phrase::Picked => "Picked by the shop".into(),
        Phrase::OrderedByChoices => "in the order that shoppers’ choices taught".into(),
    }
}

pub(super) fn kind_name(kind: ReasonKind) -> &'static str {
    match kind {
        ReasonKind::BoughtTogether => "bought together",
        ReasonKind::BoughtBefore => "bought before",
        ReasonKind::SimilarShoppers => "bought by similar shoppers",
        ReasonKind::SimilarProduct => "similar to known products",
        ReasonKind::ViewedTogether => "seen together",
        ReasonKind::RecentlyViewed => "recently viewed",
        ReasonKind::Trending => "in demand now",
        ReasonKind::Popular => "popular",
        ReasonKind::New => "new",
        ReasonKind::Range => "from the range",
        ReasonKind::Picked => "picked by the shop",
    }
}

pub(super) fn sum_up(summary: &Summary<'_>, reasons: Option<&str>) -> String {
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let (baskets, seen) = (summary.n_baskets, summary.n_seen);
    let past = match summary.is_allowed {
        true => "personalization is allowed",
        false => "nothing that was done before is used",
    };
    format!(
        "strategy {}: {baskets} basket{} and {seen} product{} of this visit are known; reasons: {}; \
         {past} ({})",
        summary.strategy.as_str(),
        plural(baskets),
        plural(seen),
        reasons.unwrap_or("none"),
        summary.because,
    )
}
