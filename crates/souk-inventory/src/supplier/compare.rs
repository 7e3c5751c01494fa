//! What each supplier would have cost alone, and why it was not taken.

use std::fmt;

use super::{Bill, Need, Terms, surplus};

/// A supplier, compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The supplier's place in the list of offers.
    pub supplier: usize,
    /// The cheapest order that covers the need alone; `None` where no order can.
    pub alone: Option<Bill>,
    /// The chance that its goods come too late.
    pub late_chance: f64,
    /// Whether it was taken, and if not, why.
    pub verdict: Verdict,
}

/// Whether a supplier was taken, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// It delivers so many units.
    Taken {
        /// Units.
        units: f64,
    },
    /// Alone it would cost more.
    Dearer {
        /// Money more than the choice.
        by: f64,
        /// In what it differs most.
        mostly: Cost,
    },
    /// It cannot cover the need alone, and no split with it is cheaper.
    TooLittle {
        /// Units that it can deliver at most.
        most: f64,
    },
    /// Its smallest order is more than may be ordered.
    TooMuch {
        /// Units of its smallest order.
        least: f64,
    },
    /// Alone it would be cheaper, but a contract gives others their share.
    Contract,
}

/// A part of a landed cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// The units.
    Goods,
    /// Order, pallets and trucks.
    Freight,
    /// Lateness.
    Late,
    /// Units that never come.
    Missing,
    /// Units beyond the need.
    Surplus,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cost::Goods => "goods",
            Cost::Freight => "freight",
            Cost::Late => "the risk of being late",
            Cost::Missing => "the risk of not delivering in full",
            Cost::Surplus => "units beyond the need",
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Taken { units } => write!(f, "delivers {units}"),
            Verdict::Dearer { by, mostly } => write!(f, "{by:.2} dearer, mostly by {mostly}"),
            Verdict::TooLittle { most } => {
                write!(f, "delivers at most {most}, and no split with it is cheaper")
            }
            Verdict::TooMuch { least } => {
                write!(f, "its smallest order of {least} is more than may be ordered")
            }
            Verdict::Contract => f.write_str("cheaper alone, but a contract gives others a share"),
        }
    }
}

pub(super) fn candidates(
    need: &Need,
    terms: &[Terms<'_>],
    (orders, cost): (&[Bill], f64),
) -> Vec<Candidate> {
    let of = |one: &Terms<'_>| {
        let alone = one.cheapest(need.units, need.most);
        let taken = orders.iter().find(|bill| bill.supplier == one.idx);
        let verdict = match (taken, alone) {
            (Some(bill), _) => Verdict::Taken { units: bill.units },
            (None, Some(bill)) => {
                let by = bill.cost() + surplus(need, &[bill]) - cost;
                let mostly = mostly(need, orders, bill);
                if by < -1e-9 * cost.abs() {
                    Verdict::Contract
                } else {
                    Verdict::Dearer { by, mostly }
                }
            }
            (None, None) if one.most < need.units => Verdict::TooLittle { most: one.most.max(0.0) },
            (None, None) => Verdict::TooMuch { least: one.least },
        };
        let late_chance = one.offer.lead_time.chance_beyond(need.by_days);
        Candidate { supplier: one.idx, alone, late_chance, verdict }
    };
    terms.iter().map(of).collect()
}

/// Reads a part of a bill.
type Read = fn(&Bill) -> f64;

/// The part in which a supplier alone exceeds the choice the most.
fn mostly(need: &Need, orders: &[Bill], alone: Bill) -> Cost {
    let parts: [(Cost, Read); 4] = [
        (Cost::Goods, |bill| bill.goods),
        (Cost::Freight, |bill| bill.freight),
        (Cost::Late, |bill| bill.late),
        (Cost::Missing, |bill| bill.missing),
    ];
    let more = |of: Read| of(&alone) - orders.iter().map(of).sum::<f64>();
    let beyond = surplus(need, &[alone]) - surplus(need, orders);
    let mut most = (Cost::Surplus, beyond);
    for (part, of) in parts {
        if more(of) > most.1 + 1e-9 {
            most = (part, more(of));
        }
    }
    most.0
}
