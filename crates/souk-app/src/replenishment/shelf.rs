//! What goes off before it is sold.
//!
//! Lots are sold in the order of their last days. What demand leaves of them within the protection interval serves nobody
//! after that, so it does not count in the position; but until its last day a lot serves like any other, and only the days
//! after it are open. Nothing is ordered that would not be sold in its own shelf life.
//!
//! Source: Broekmeulen and van Donselaar, *A heuristic to manage perishable inventory with batch ordering, positive
//! lead-times, and time-varying demand*, Computers & Operations Research 36(11), 2009 (the position less what is
//! expected to outdate until the next order; here with expected outdating of uncertain demand).

use souk_core::{Day, Product};
use souk_inventory::demand::Grain;
use souk_inventory::demand::Outlook as Days;
use souk_inventory::expiry::{Gone, Lot, Risk, Stretch, risks};
use souk_recommend::Item;

use crate::demand::{LeftOver, TotalDemand};
use crate::forecasts::Ahead;
use crate::projections::Views;

/// Days that are looked ahead at most: what keeps longer does not go off for planning (chosen).
const DAYS_MAX: u32 = 730;

/// Days that a fresh unit of a product may be sold, the day on which it comes among them; `None` for what does not go off.
///
/// All of planning asks here, so a number of days that no shelf sees the end of is one for ever everywhere.
pub(crate) fn keeps_days(product: &Product) -> Option<u32> {
    product.perishable_days.map(|days| days.max(1)).filter(|days| *days < DAYS_MAX)
}

/// Units of one lot at a place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ShelfLot {
    /// Its name; `None` for units that no lot was told of.
    pub(crate) lot: Option<String>,
    pub(crate) units: f64,
    /// The last day it may be sold. Where none was told, the one of a fresh unit.
    pub(crate) expires_on: Day,
    /// Whether that day was told.
    pub(crate) is_told: bool,
    /// Days on which it may be sold, today included.
    pub(crate) days_left: u32,
}

/// Lots of a product at a place that go off, the first to do so first; what keeps for ever is not among them.
///
/// Where more was sold than lots had, the first lots are taken to be gone.
pub(crate) fn lots(
    views: &Views,
    (item, location): (Item, u32),
    (today, product): (Day, &Product),
) -> Vec<ShelfLot> {
    let rows = views.stock_rows(item).into_iter().filter(|row| row.location == location);
    let keeps_days = keeps_days(product);
    let mut found = Vec::new();
    let mut short = 0.0;
    for row in rows {
        let units = row.milli as f64 / 1_000.0;
        if units <= 0.0 {
            short -= units;
            continue;
        }
        let told = row.lot.as_deref().and_then(|lot| views.supply.expires((item, location), lot));
        // A unit of unknown age is at most as fresh as a new one.
        let fresh = keeps_days.map(|days| Day::from_number(today.number() + days as i32 - 1));
        let Some(expires_on) = told.or(fresh) else { continue };
        found.push(ShelfLot {
            lot: row.lot.as_deref().map(str::to_owned),
            units,
            expires_on,
            is_told: told.is_some(),
            days_left: u32::try_from(expires_on.number() - today.number() + 1).unwrap_or(0),
        });
    }
    found.sort_by(|a, b| a.expires_on.cmp(&b.expires_on).then(a.lot.cmp(&b.lot)));
    for lot in &mut found {
        let gone = lot.units.min(short);
        lot.units -= gone;
        short -= gone;
    }
    found.retain(|lot| lot.units > 0.0 && lot.days_left < DAYS_MAX);
    found
}

/// What is expected of each lot, in their order.
pub(crate) fn expected(ahead: &Ahead, lots: &[ShelfLot]) -> Vec<Risk> {
    let lots: Vec<Lot> =
        lots.iter().map(|lot| Lot { units: lot.units, days_left: lot.days_left }).collect();
    let last = lots.iter().map(|lot| lot.days_left).max().unwrap_or(0);
    let (days, level_error) = ahead.daily(last);
    let outlook = Days::Days { days: &days, level_error, grain: ahead.grain() };
    // Units are above 0 and the outlook reaches to the last lot.
    risks(&outlook, &lots).expect("lots and days fit")
}

/// The share of what stands on a shelf that is lost each day without being sold. What has last days goes off by them, and
/// is written off for that.
pub(crate) fn lost_share(views: &Views, place: (Item, u32), product: &Product) -> f64 {
    let (item, location) = place;
    let has_last_day = |lot: &str| views.supply.expires(place, lot).is_some();
    let rows = views.catalogue.stock().rows(item);
    let mut lots =
        rows.iter().filter(|row| row.location == location).filter_map(|row| row.lot.as_deref());
    if keeps_days(product).is_some() || lots.any(has_last_day) {
        return 0.0;
    }
    views.supply.lost_share(place)
}

/// What stands on the shelf, and how long a fresh unit of it keeps.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shelf {
    pub(super) lots: Vec<ShelfLot>,
    /// As [`keeps_days`] says.
    pub(super) keeps_days: Option<u32>,
    /// The greatest chance that the last unit of an order goes off unsold.
    pub(super) chance: f64,
    /// The share of what stands there that is lost each day, of what has no last day.
    pub(super) lost_share: f64,
}

impl Shelf {
    /// What becomes of a piece that is left over for so many days.
    pub(super) fn left_over(&self, days: f64) -> LeftOver {
        LeftOver::of(self.lost_share, days)
    }

    /// Days from today on in which what is ordered today can be sold.
    pub(super) fn life(&self, lead_days: f64) -> Option<f64> {
        self.keeps_days.map(|keeps| lead_days + f64::from(keeps))
    }

    /// What leaves the shelf in so many days while there is enough, by the demand of the first days.
    pub(super) fn leaving(&self, demand: impl Fn(f64) -> TotalDemand, days: f64) -> Leaving {
        let all = demand(days);
        let ending: Vec<&ShelfLot> =
            self.lots.iter().filter(|lot| f64::from(lot.days_left) < days).collect();
        if ending.is_empty() {
            return Leaving::Sold(all);
        }
        let expired = ending.iter().filter(|lot| lot.days_left == 0).map(|lot| lot.units).sum();
        let (mut ended, mut sold, mut stretches) = (expired, 0.0, Vec::new());
        for of_day in ending.chunk_by(|a, b| a.days_left == b.days_left) {
            let days_left = of_day[0].days_left;
            if days_left == 0 {
                continue;
            }
            ended += of_day.iter().map(|lot| lot.units).sum::<f64>();
            let until = demand(f64::from(days_left)).mean.clamp(sold, all.mean.max(sold));
            stretches.push(Stretch { demand: until - sold, ended });
            sold = until;
        }
        stretches.push(Stretch { demand: (all.mean - sold).max(0.0), ended });
        let dispersion = if all.mean > 0.0 { all.variance.max(0.0) / all.mean } else { 1.0 };
        let grain = if all.is_count { Grain::Pieces } else { Grain::Measured };
        // Means ascend, and units are above 0.
        let gone = Gone::after(expired, &stretches, (dispersion, grain));
        Leaving::Gone(all, gone.expect("lots and demand fit"))
    }

    /// Units that are lost until an order of the next chance is there, by the mean demand of each day until then: of what is on
    /// hand until one of today comes, and then of what must be there so that the spare units of the level are left at the end.
    pub(super) fn lost(&self, days: &[f64], (on_hand, level): (f64, f64), lead_days: f64) -> f64 {
        if self.lost_share <= 0.0 {
            return 0.0;
        }
        let kept = 1.0 - self.lost_share;
        let n = lead_days.max(0.0).round() as usize;
        let (until_this, until_next) = days.split_at(n.min(days.len()));
        let (mut stands, mut lost) = (on_hand.max(0.0), 0.0);
        for wanted in until_this {
            stands = (stands - wanted).max(0.0);
            lost += stands * self.lost_share;
            stands *= kept;
        }
        let spare = (level - days.iter().sum::<f64>()).max(0.0);
        let needed = until_next.iter().rev().fold(spare, |needed, wanted| needed / kept + wanted);
        lost + needed - spare - until_next.iter().sum::<f64>()
    }
}

/// Units that leave a shelf in some days.
#[derive(Clone, Debug)]
pub(super) enum Leaving {
    /// No lot ends in them.
    Sold(TotalDemand),
    /// Those that are wanted, and those that are gone, sold or gone off.
    Gone(TotalDemand, Gone),
}

impl Leaving {
    /// Units that are wanted with this chance at most, and how many more must be there because others go off.
    pub(super) fn quantile(&self, chance: f64) -> (f64, f64) {
        match self {
            Leaving::Sold(demand) => (demand.quantile(chance), 0.0),
            Leaving::Gone(demand, gone) => {
                let wanted = demand.quantile(chance);
                (wanted, (gone.quantile(chance) - wanted).max(0.0))
            }
        }
    }

    /// Units that are missing of what leaves where there are so many, on average, and the chance that any are.
    pub(super) fn short_of(&self, units: f64) -> (f64, f64) {
        match self {
            Leaving::Sold(demand) => (demand.expected_above(units), demand.chance_above(units)),
            Leaving::Gone(_, gone) => (gone.short_of(units), gone.chance_above(units)),
        }
    }

    /// Units that so many leave on average.
    pub(super) fn left_of(&self, units: f64) -> f64 {
        match self {
            Leaving::Sold(demand) => {
                (units - demand.mean + demand.expected_above(units)).clamp(0.0, units.max(0.0))
            }
            Leaving::Gone(_, gone) => gone.left_of(units),
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
