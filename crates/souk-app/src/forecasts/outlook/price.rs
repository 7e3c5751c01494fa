//! What lower prices did to demand.

use super::{Cut, has_drivers};

/// What a lower price did to demand in the past, by promotions or, without any, by prices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LowerPrice {
    pub(super) beta: f64,
    pub(super) lever: Lever,
    /// The largest share off that was tried.
    pub(crate) deepest: f64,
    /// Days on which some share was off.
    pub(crate) days: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lever {
    /// Demand moves by exp(β·share off).
    Promotion,
    /// Demand moves by (price over the usual one)^β.
    Price,
}

impl LowerPrice {
    /// How many times as much is wanted with this share off.
    pub(crate) fn factor(&self, off: f64) -> f64 {
        match self.lever {
            Lever::Promotion => (self.beta * off).exp(),
            Lever::Price => (1.0 - off).powf(self.beta),
        }
    }

    /// What the effects of a forecast say of a series, where promotions or prices stand among them as `has_drivers`
    /// of all series of the call says.
    pub(super) fn of(
        cut: &Cut<'_>,
        effects: &[f64],
        (promotions, prices): (bool, bool),
    ) -> Option<LowerPrice> {
        let (own_promotions, own_prices) = has_drivers(cut.series);
        // A promotion that says no discount may have been a page in a leaflet.
        let is_told = cut.series.discount.iter().any(|off| *off > 0.0);
        let (beta, lever, off): (f64, Lever, Vec<f64>) = if promotions && own_promotions && is_told
        {
            (*effects.first()?, Lever::Promotion, cut.series.discount.clone())
        } else if prices && own_prices {
            let beta = *effects.get(usize::from(promotions))?;
            let off = super::prices(cut).iter().map(|log| 1.0 - log.exp()).collect();
            (beta, Lever::Price, off)
        } else {
            return None;
        };
        let deepest = off.iter().copied().fold(0.0, f64::max);
        let days = off.iter().filter(|off| **off > 0.005).count();
        (days > 0).then_some(LowerPrice { beta, lever, deepest, days })
    }
}
