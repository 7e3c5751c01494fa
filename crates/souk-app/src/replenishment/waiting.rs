//! What is missing until a supplier delivers, and what that costs.
//!
//! Who is cheap and comes late leaves the shelf empty until then. The margin of what is missing meanwhile is a cost of asking
//! that supplier rather than one who is there before, so it stands beside the price where suppliers are compared. What is missing
//! with all of them speaks for none.

use souk_core::Money;

use super::choice::{Candidate, Need, Times};

/// Units below which nothing is said of them.
const WORTH_SAYING: f64 = 0.5;

impl Need {
    /// Units that are missing on average until an order of today is there, and the chance that any are: the most that are before
    /// any delivery.
    pub(super) fn short_until(&self, times: &Times) -> (f64, f64) {
        let total = |days: f64| times.total(|days| self.ahead.over(days), days);
        let waits = self.coming.waits(self.on_hand.max(0.0), times.lead_days);
        let short = waits.into_iter().map(|(days, there)| {
            let leaving = self.shelf.leaving(total, days);
            leaving.short_of(there)
        });
        short.fold((0.0, 0.0), |most, one| (f64::max(most.0, one.0), f64::max(most.1, one.1)))
    }

    /// Sets the lost margin of each beyond the least of all: price less what a unit costs there, for what is missing.
    pub(super) fn weigh(&self, candidates: &mut [Candidate]) {
        let least = candidates.iter().map(|one| one.missing).fold(f64::INFINITY, f64::min);
        for one in candidates {
            let currency = one.unit_price.currency();
            let price = self.product.price.filter(|price| price.currency() == currency);
            let margin = price.map_or(0, |price| (price.minor() - one.unit_price.minor()).max(0));
            let lost = ((one.missing - least) * margin as f64).round() as i64;
            one.lost_margin = Money::from_minor(lost, currency);
        }
    }

    /// Says what is missing until the chosen one delivers, where that is likelier than is aimed at. Where another one is there
    /// before, a person should look at it.
    pub(super) fn tell_of_waiting(&mut self, candidates: &[Candidate]) {
        let Some(chosen) = candidates.first() else { return };
        if chosen.chance_missing <= 1.0 - self.service || chosen.missing < WORTH_SAYING {
            return;
        }
        let words = format!(
            "{:.1} units are missing on average until `{}` delivers on {}",
            chosen.missing, chosen.supplier_id, chosen.arrives_on
        );
        let is_better = |one: &&Candidate| {
            one.arrives_on < chosen.arrives_on && one.missing + WORTH_SAYING < chosen.missing
        };
        let sooner = candidates
            .iter()
            .filter(is_better)
            .min_by(|a, b| a.missing.total_cmp(&b.missing).then(a.supplier_id.cmp(&b.supplier_id)));
        match sooner {
            Some(one) => self.warnings.push(format!(
                "{words}; `{}` would be there on {}, {:.1} missing",
                one.supplier_id, one.arrives_on, one.missing
            )),
            None => self.notes.push(format!("{words}, and nobody who offers it is there before")),
        }
    }
}

#[cfg(test)]
mod tests;
