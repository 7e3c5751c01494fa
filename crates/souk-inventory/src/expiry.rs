//! What will not be sold before it expires, and what to do about it.
//!
//! Lots are sold in the order in which they expire (FEFO). What is left of all lots until one expires, less what is left without
//! it, is its loss: exact for the first lot. For later ones, what earlier ones are expected to lose is taken off beforehand by its
//! mean, which is near (a test compares with counting).
//!
//! Source: Nahmias, *Perishable Inventory Systems*, Springer 2011, ch. 2 (outdating of the oldest lots under FIFO issue).

use crate::demand::{Outlook, Total};
use crate::{PolicyError, at_least_zero, positive};

mod gone;
#[cfg(test)]
mod tests;

pub use gone::{Gone, Stretch};

/// A lot in stock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lot {
    /// Units.
    pub units: f64,
    /// Days on which it can still be sold, today included; 0 for what has expired.
    pub days_left: u32,
}

/// What is to be expected of a lot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Risk {
    /// Units of it that are expected not to be sold in time.
    pub wasted: f64,
    /// The chance that any of it is not.
    pub chance: f64,
}

/// What each lot is expected to lose, in the order given. `lots` may come in any order; equal days share one loss by units.
///
/// # Errors
///
/// [`PolicyError::ShortHorizon`] when the outlook ends before the last lot, [`PolicyError::OutOfRange`] for units that are negative
/// or no number.
pub fn risks(outlook: &Outlook<'_>, lots: &[Lot]) -> Result<Vec<Risk>, PolicyError> {
    let mut order: Vec<usize> = (0..lots.len()).collect();
    order.sort_by_key(|idx| lots[*idx].days_left);
    let mut found = vec![Risk { wasted: 0.0, chance: 0.0 }; lots.len()];
    // Units of this lot and all before it that were not wasted, and what is lost of them.
    let (mut before, mut next) = (0.0, 0);
    while next < order.len() {
        let days = lots[order[next]].days_left;
        let mut end = next;
        let mut units = 0.0;
        while end < order.len() && lots[order[end]].days_left == days {
            units += at_least_zero("the units of a lot", lots[order[end]].units)?;
            end += 1;
        }
        let demand = Total::of_days(outlook, days)?;
        // Of the lots until here, those that demand does not reach.
        let left = demand.leftover(before + units) - demand.leftover(before);
        let wasted = left.clamp(0.0, units);
        let chance =
            if units > 0.0 { demand.at_most(before + units - whole(outlook)) } else { 0.0 };
        for idx in &order[next..end] {
            let share = if units > 0.0 { lots[*idx].units / units } else { 0.0 };
            found[*idx] = Risk { wasted: wasted * share, chance };
        }
        before += units - wasted;
        next = end;
    }
    Ok(found)
}

/// The step below which demand leaves something: a piece; nothing where goods are measured.
fn whole(outlook: &Outlook<'_>) -> f64 {
    match outlook.grain() {
        crate::demand::Grain::Pieces => 1.0,
        crate::demand::Grain::Measured => 0.0,
    }
}

/// What could be done with units that will not be sold here in time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Units at risk.
    pub units: f64,
    /// Price of a unit today.
    pub price: f64,
    /// Money that a unit brings when it is thrown away; negative where that costs something.
    pub salvage: f64,
    /// A lower price, and the share of the units at risk that sell at it; a price is marked down for all units that sell anyway too.
    pub markdown: Option<Markdown>,
    /// Another place that would sell them.
    pub transfer: Option<Transfer>,
}

/// A lower price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Markdown {
    /// Share taken off, above 0 and below 1.
    pub off: f64,
    /// Share of the units at risk that sell because of it, in 0..=1.
    pub sold: f64,
    /// Units that would have sold at the full price in that time and get the lower one as well.
    pub anyway: f64,
}

/// Another place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transfer {
    /// Units that it would sell in time.
    pub room: f64,
    /// Money for a unit moved.
    pub per_unit: f64,
    /// Money for the trip.
    pub per_trip: f64,
}

/// What brings the most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Proposal {
    /// Leave them.
    Keep,
    /// Lower the price by this share; `gain` is money more than keeping.
    MarkDown {
        /// Share taken off.
        off: f64,
        /// Money more than keeping.
        gain: f64,
    },
    /// Send so many units elsewhere.
    Move {
        /// Units.
        units: f64,
        /// Money more than keeping.
        gain: f64,
    },
}

/// The proposal of the largest gain; keeping, where nothing gains.
///
/// # Errors
///
/// [`PolicyError::OutOfRange`] for numbers that make no sense.
pub fn propose(options: &Options) -> Result<Proposal, PolicyError> {
    let units = at_least_zero("the units at risk", options.units)?;
    let price = positive("the price", options.price)?;
    if !options.salvage.is_finite() {
        let (name, value) = ("the worth of a unit thrown away", options.salvage);
        return Err(PolicyError::OutOfRange { name, value, bound: "that is finite" });
    }
    let (mut best, mut most) = (Proposal::Keep, 0.0);
    if let Some(markdown) = options.markdown {
        let off = crate::share("the share taken off", markdown.off)?;
        let sold =
            at_least_zero("the share that a markdown sells", markdown.sold)?.min(1.0) * units;
        let anyway = at_least_zero("the units that sell anyway", markdown.anyway)?;
        let gain = sold * (price * (1.0 - off) - options.salvage) - anyway * price * off;
        if gain > most {
            (best, most) = (Proposal::MarkDown { off, gain }, gain);
        }
    }
    if let Some(transfer) = options.transfer {
        let units = at_least_zero("the units another place sells", transfer.room)?.min(units);
        let per_unit = at_least_zero("the cost of moving a unit", transfer.per_unit)?;
        let per_trip = at_least_zero("the cost of a trip", transfer.per_trip)?;
        let gain = units * (price - options.salvage - per_unit) - per_trip;
        if gain > most {
            best = Proposal::Move { units, gain };
        }
    }
    Ok(best)
}
