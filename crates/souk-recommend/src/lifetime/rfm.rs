//! Recency, frequency and amount: where a shopper stands among the others of the shop.
//!
//! Each of the three is scored from 1 to 5 by fifths of the shop, and the scores have names that shops
//! use. Source of the method: Bult and Wansbeek, "Optimal Selection for Direct Mail", *Marketing Science*
//! 14 (1995); Hughes, *Strategic Database Marketing*. The names and their borders are common usage (chosen).

/// Shoppers below whom there are no fifths to speak of; chosen: twenty in each.
pub const SHOPPERS_MIN: usize = 100;

/// A shopper's three figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rfm {
    /// Days since the last purchase.
    pub recency_days: f64,
    /// Purchases.
    pub orders: f64,
    /// What was spent, in any unit.
    pub spend: f64,
}

/// Scores from 1 to 5, the best 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RfmScores {
    /// 5 for those who bought most recently.
    pub recency: u8,
    /// 5 for those who bought most often.
    pub frequency: u8,
    /// 5 for those who spent most.
    pub monetary: u8,
}

/// The borders of the fifths.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RfmCuts {
    /// Of days, ascending.
    pub recency_days: [f64; 4],
    /// Of purchases, ascending.
    pub orders: [f64; 4],
    /// Of amounts, ascending.
    pub spend: [f64; 4],
    /// Shoppers behind them.
    pub n_shoppers: usize,
}

/// The name of a standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "`RfmName::of` says what each means")]
pub enum RfmName {
    Champions,
    Loyal,
    PotentialLoyalists,
    NewCustomers,
    Promising,
    NeedAttention,
    AboutToSleep,
    AtRisk,
    CannotLoseThem,
    Hibernating,
    Lost,
}

impl RfmName {
    /// Every name.
    pub const ALL: [RfmName; 11] = [
        RfmName::Champions,
        RfmName::Loyal,
        RfmName::PotentialLoyalists,
        RfmName::NewCustomers,
        RfmName::Promising,
        RfmName::NeedAttention,
        RfmName::AboutToSleep,
        RfmName::AtRisk,
        RfmName::CannotLoseThem,
        RfmName::Hibernating,
        RfmName::Lost,
    ];

    /// The name of a pair of scores: recency, and the mean of frequency and amount, rounded up.
    pub fn of(scores: RfmScores) -> RfmName {
        let value = (scores.frequency + scores.monetary).div_ceil(2);
        match (scores.recency, value) {
            (5, 4..) | (4, 5..) => RfmName::Champions,
            (3.., 4..) => RfmName::Loyal,
            (5, 2..) | (4, 2..) => RfmName::PotentialLoyalists,
            (5, _) => RfmName::NewCustomers,
            (4, _) => RfmName::Promising,
            (3, 3) => RfmName::NeedAttention,
            (3, _) => RfmName::AboutToSleep,
            (_, 5..) => RfmName::CannotLoseThem,
            (_, 3..) => RfmName::AtRisk,
            (2, _) => RfmName::Hibernating,
            _ => RfmName::Lost,
        }
    }

    /// The name in answers and filters.
    pub fn as_str(self) -> &'static str {
        match self {
            RfmName::Champions => "champions",
            RfmName::Loyal => "loyal",
            RfmName::PotentialLoyalists => "potential_loyalists",
            RfmName::NewCustomers => "new_customers",
            RfmName::Promising => "promising",
            RfmName::NeedAttention => "need_attention",
            RfmName::AboutToSleep => "about_to_sleep",
            RfmName::AtRisk => "at_risk",
            RfmName::CannotLoseThem => "cannot_lose_them",
            RfmName::Hibernating => "hibernating",
            RfmName::Lost => "lost",
        }
    }
}

impl RfmCuts {
    /// Cuts the shop into fifths; `None` for fewer than [`SHOPPERS_MIN`].
    pub fn of(shoppers: &[Rfm]) -> Option<RfmCuts> {
        if shoppers.len() < SHOPPERS_MIN {
            return None;
        }
        let fifths = |of: fn(&Rfm) -> f64| {
            let mut values: Vec<f64> = shoppers.iter().map(of).collect();
            values.sort_unstable_by(f64::total_cmp);
            [1, 2, 3, 4].map(|fifth| values[values.len() * fifth / 5 - 1])
        };
        Some(RfmCuts {
            recency_days: fifths(|one| one.recency_days),
            orders: fifths(|one| one.orders),
            spend: fifths(|one| one.spend),
            n_shoppers: shoppers.len(),
        })
    }

    /// A shopper's scores. Equal figures have equal scores, so a fifth can be larger than others where
    /// many are alike: of many who bought once, all have 1.
    pub fn scores(&self, one: &Rfm) -> RfmScores {
        let score =
            |cuts: &[f64; 4], value: f64| 1 + cuts.iter().filter(|cut| value > **cut).count() as u8;
        RfmScores {
            // Fewer days are better.
            recency: 5 - self.recency_days.iter().filter(|cut| one.recency_days > **cut).count()
                as u8,
            frequency: score(&self.orders, one.orders),
            monetary: score(&self.spend, one.spend),
        }
    }
}
