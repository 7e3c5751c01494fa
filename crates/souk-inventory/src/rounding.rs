//! From the units that a policy wants to the units that can be ordered: cases, minimum, capacity, shelf life, each step with
//! its reason.
//!
//! Nothing is ordered that cannot be sold before it expires: goods of a shelf life of n days are capped at a quantile of the
//! demand of the n days after they arrive, less what is there already.

use std::fmt;

use crate::demand::Total;
use crate::{PolicyError, at_least_zero, positive};

#[cfg(test)]
mod tests;

/// What an order has to keep to; [`Rounding::FREE`] is any quantity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rounding {
    /// Units of a case: an order is a whole number of them. Above 0.
    pub multiple: f64,
    /// Units that an order has at least, if there is one.
    pub minimum: f64,
    /// Units that an order has at most; infinite without a limit.
    pub maximum: f64,
    /// Units that can be sold before they expire ([`sellable`]); infinite for what keeps.
    pub sellable: f64,
}

impl Rounding {
    /// Any whole number of units.
    pub const FREE: Rounding =
        Rounding { multiple: 1.0, minimum: 0.0, maximum: f64::INFINITY, sellable: f64::INFINITY };
}

/// One step from what is wanted to what is ordered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// Rounded up to whole cases.
    Cases {
        /// Before.
        from: f64,
        /// After.
        to: f64,
        /// Units of a case.
        multiple: f64,
    },
    /// Raised to the smallest order.
    Minimum {
        /// Before.
        from: f64,
        /// After: the minimum in whole cases.
        to: f64,
    },
    /// Lowered to what can be delivered or stored.
    Maximum {
        /// Before.
        from: f64,
        /// After: the limit in whole cases.
        to: f64,
    },
    /// Lowered to what can be sold before it expires.
    ShelfLife {
        /// Before.
        from: f64,
        /// After: in whole cases.
        to: f64,
        /// Units that can be sold.
        sellable: f64,
    },
    /// The smallest order is more than a limit allows: nothing is ordered.
    Nothing {
        /// Units of the smallest order.
        smallest: f64,
        /// Units that the limit allows.
        limit: f64,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of what is measured, a thousandth is enough.
        let short = |units: &f64| (units * 1_000.0).round() / 1_000.0;
        match self {
            Step::Cases { from, to, multiple } => {
                write!(f, "{} up to {}: whole cases of {}", short(from), short(to), short(multiple))
            }
            Step::Minimum { from, to } => {
                write!(f, "{} up to {}: the smallest order", short(from), short(to))
            }
            Step::Maximum { from, to } => {
                write!(f, "{} down to {}: the most that is possible", short(from), short(to))
            }
            Step::ShelfLife { from, to, sellable } => {
                write!(
                    f,
                    "{} down to {}: {} can be sold before they expire",
                    short(from),
                    short(to),
                    short(sellable)
                )
            }
            Step::Nothing { smallest, limit } => {
                write!(
                    f,
                    "nothing: the smallest order is {}, and {} are possible",
                    short(smallest),
                    short(limit)
                )
            }
        }
    }
}

/// What to order, and how it came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Rounded {
    /// Units.
    pub units: f64,
    /// The steps that changed something, in order.
    pub steps: Vec<Step>,
}

/// Rounds what is wanted. A limit goes before a minimum: where the smallest order does not fit, nothing is ordered. Nothing
/// wanted is nothing ordered.
///
/// # Errors
///
/// [`PolicyError::OutOfRange`] for a case of 0 units, or a number that is negative or none.
pub fn round(wanted: f64, rounding: &Rounding) -> Result<Rounded, PolicyError> {
    at_least_zero("the units wanted", wanted)?;
    let case = positive("the units of a case", rounding.multiple)?;
    at_least_zero("the smallest order", rounding.minimum)?;
    for (name, value) in
        [("the largest order", rounding.maximum), ("the units that can be sold", rounding.sellable)]
    {
        if value.is_nan() || value < 0.0 {
            return Err(PolicyError::OutOfRange { name, value, bound: "of 0 or more" });
        }
    }
    let mut units = wanted;
    let mut steps = Vec::new();
    if wanted == 0.0 {
        return Ok(Rounded { units, steps });
    }
    let smallest = up(rounding.minimum, case).max(case);
    if units < smallest && rounding.minimum > units {
        steps.push(Step::Minimum { from: units, to: smallest });
        units = smallest;
    }
    let whole = up(units, case);
    if (whole - units).abs() > 1e-9 * whole {
        steps.push(Step::Cases { from: units, to: whole, multiple: case });
        units = whole;
    }
    if units > rounding.maximum {
        let to = down(rounding.maximum, case);
        steps.push(Step::Maximum { from: units, to });
        units = to;
    }
    if units > rounding.sellable {
        let (to, sellable) = (down(rounding.sellable, case), rounding.sellable);
        steps.push(Step::ShelfLife { from: units, to, sellable });
        units = to;
    }
    if units < smallest {
        let limit = rounding.maximum.min(rounding.sellable);
        steps.push(Step::Nothing { smallest, limit });
        units = 0.0;
    }
    Ok(Rounded { units, steps })
}

/// The units of an order that can be sold before they expire, with at least this chance for the last of them.
///
/// `demand` is that of all days until the new goods expire (lead time and shelf life), `position` what is there and on its
/// way, of which all is sold first (FEFO).
///
/// # Errors
///
/// [`PolicyError::OutOfRange`] unless the chance is above 0 and below 1 and the position a number.
pub fn sellable(demand: &Total, position: f64, chance: f64) -> Result<f64, PolicyError> {
    crate::share("the chance to be sold", chance)?;
    if !position.is_finite() {
        let name = "the position";
        return Err(PolicyError::OutOfRange { name, value: position, bound: "that is finite" });
    }
    // The last unit is sold when demand reaches it, so the bound is the quantile at what may go wrong.
    Ok((demand.quantile(1.0 - chance)? - position).max(0.0))
}

/// Up to a whole number of cases; a millionth of a case more is none.
pub(crate) fn up(units: f64, case: f64) -> f64 {
    (units / case - 1e-6).ceil().max(0.0) * case
}

/// Down to a whole number of cases.
pub(crate) fn down(units: f64, case: f64) -> f64 {
    if units.is_infinite() { units } else { (units / case + 1e-6).floor().max(0.0) * case }
}
