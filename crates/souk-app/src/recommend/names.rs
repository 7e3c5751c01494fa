//! The names of strategies and reasons in requests and answers.

use super::{ReasonKind, Strategy};

impl Strategy {
    /// Every strategy.
    pub const ALL: [Strategy; 11] = [
        Strategy::Auto,
        Strategy::ForYou,
        Strategy::NextBasket,
        Strategy::Session,
        Strategy::Similar,
        Strategy::BoughtTogether,
        Strategy::BuyAgain,
        Strategy::RecentlyViewed,
        Strategy::Trending,
        Strategy::Popular,
        Strategy::New,
    ];

    /// The name in requests and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Strategy::Auto => "auto",
            Strategy::ForYou => "for_you",
            Strategy::NextBasket => "next_basket",
            Strategy::Session => "session",
            Strategy::Similar => "similar",
            Strategy::BoughtTogether => "bought_together",
            Strategy::BuyAgain => "buy_again",
            Strategy::RecentlyViewed => "recently_viewed",
            Strategy::Trending => "trending",
            Strategy::Popular => "popular",
            Strategy::New => "new",
        }
    }

    /// Reads the name in requests.
    pub fn parse(text: &str) -> Option<Strategy> {
        Strategy::ALL.into_iter().find(|strategy| strategy.as_str() == text)
    }
}

impl ReasonKind {
    /// The name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            ReasonKind::BoughtTogether => "bought_together",
            ReasonKind::BoughtBefore => "bought_before",
            ReasonKind::SimilarShoppers => "similar_shoppers",
            ReasonKind::SimilarProduct => "similar_product",
            ReasonKind::ViewedTogether => "viewed_together",
            ReasonKind::RecentlyViewed => "recently_viewed",
            ReasonKind::Trending => "trending",
            ReasonKind::Popular => "popular",
            ReasonKind::New => "new",
            ReasonKind::Range => "range",
            ReasonKind::Picked => "picked",
        }
    }
}
