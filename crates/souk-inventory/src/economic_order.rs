//! How much to order at once when demand is steady: the economic order quantity, with finite production, planned
//! backorders and price breaks.
//!
//! Source: Snyder and Shen, *Fundamentals of Supply Chain Theory*, 2nd ed., ch. 3 (eq. 3.4, 3.9, 3.22 and 3.32);
//! Harris 1913.

use crate::{PolicyError, positive};

/// Costs of steady demand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steady {
    /// Of an order, whatever its size.
    pub per_order: f64,
    /// Of holding a unit for a period.
    pub holding: f64,
    /// Units for each period.
    pub demand: f64,
}

/// How much to order, and what that costs each period (without the units themselves unless said otherwise).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lot {
    /// Units of an order.
    pub quantity: f64,
    /// Money for each period.
    pub cost: f64,
}

impl Steady {
    fn checked(&self) -> Result<(), PolicyError> {
        positive("the cost of an order", self.per_order)?;
        positive("the holding cost", self.holding)?;
        positive("the demand", self.demand).map(|_| ())
    }

    /// The economic order quantity √(2KD/h).
    ///
    /// # Errors
    ///
    /// [`PolicyError::OutOfRange`].
    pub fn economic_lot(&self) -> Result<Lot, PolicyError> {
        self.checked()?;
        let quantity = (2.0 * self.per_order * self.demand / self.holding).sqrt();
        Ok(Lot { quantity, cost: self.cost_of(quantity) })
    }

    /// What ordering so many units at once costs each period.
    pub fn cost_of(&self, quantity: f64) -> f64 {
        self.per_order * self.demand / quantity + self.holding * quantity / 2.0
    }

    /// The lot when a producer makes `rate` units each period while others are used up.
    ///
    /// # Errors
    ///
    /// [`PolicyError::OutOfRange`], also when the rate does not exceed the demand.
    pub fn production_lot(&self, rate: f64) -> Result<Lot, PolicyError> {
        positive("the rate above the demand", rate - self.demand)?;
        let left = 1.0 - self.demand / rate;
        Steady { holding: self.holding * left, ..*self }.economic_lot()
    }

    /// The lot and the share of demand that waits, when a waiting unit costs `waiting` each period.
    ///
    /// # Errors
    ///
    /// [`PolicyError::OutOfRange`].
    pub fn lot_with_backorders(&self, waiting: f64) -> Result<(Lot, f64), PolicyError> {
        self.checked()?;
        positive("the cost of waiting", waiting)?;
        let both = self.holding + waiting;
        let quantity =
            (2.0 * self.per_order * self.demand * both / (self.holding * waiting)).sqrt();
        let cost = (2.0 * self.per_order * self.demand * self.holding * waiting / both).sqrt();
        Ok((Lot { quantity, cost }, self.holding / both))
    }
}

/// A price that counts from a quantity on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Break {
    /// Units from which it counts.
    pub from: f64,
    /// Price of a unit.
    pub price: f64,
}

/// What a price break counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discount {
    /// Every unit of the order.
    AllUnits,
    /// The units beyond the break.
    Incremental,
}

/// The best lot under price breaks, with the units' own cost; holding costs `holding_rate` of the price.
///
/// # Errors
///
/// [`PolicyError::OutOfRange`] and [`PolicyError::Breaks`].
pub fn discounted_lot(
    (per_order, demand): (f64, f64),
    holding_rate: f64,
    breaks: &[Break],
    discount: Discount,
) -> Result<Lot, PolicyError> {
    let ascends = breaks.windows(2).all(|pair| pair[0].from < pair[1].from);
    if !ascends || breaks.first().is_none_or(|first| first.from != 0.0) {
        return Err(PolicyError::Breaks);
    }
    let mut best: Option<Lot> = None;
    // What the units before each break cost more than at its price.
    let mut surplus = 0.0;
    for (idx, one) in breaks.iter().enumerate() {
        positive("the price", one.price)?;
        if idx > 0 {
            surplus += one.from * (breaks[idx - 1].price - one.price);
        }
        let fixed = if discount == Discount::Incremental { surplus } else { 0.0 };
        let holding = holding_rate * one.price;
        let steady = Steady { per_order: per_order + fixed, holding, demand };
        let end = breaks.get(idx + 1).map_or(f64::INFINITY, |next| next.from);
        let quantity = steady.economic_lot()?.quantity.clamp(one.from.max(1e-12), end);
        let of_surplus = holding_rate * fixed / 2.0;
        let cost = steady.cost_of(quantity) + one.price * demand + of_surplus;
        if quantity < end && best.is_none_or(|best| cost < best.cost) {
            best = Some(Lot { quantity, cost });
        }
    }
    best.ok_or(PolicyError::Breaks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(found: Lot, quantity: f64, cost: f64) {
        assert!((found.quantity / quantity - 1.0).abs() < 1e-6, "{found:?}");
        assert!((found.cost / cost - 1.0).abs() < 1e-6, "{found:?}");
    }

    fn steady(per_order: f64, holding: f64, demand: f64) -> Steady {
        Steady { per_order, holding, demand }
    }

    /// Examples 3.1 and 3.8 and problems 3.1 and 3.22 of Snyder and Shen, as stockpyl 1.0.2 solves them.
    #[test]
    fn lots_match_the_reference() {
        let candy = steady(8.0, 0.225, 1_300.0);
        check(candy.economic_lot().unwrap(), 304.046_780_026_4, 68.410_525_505_9);
        assert!((candy.cost_of(250.0) - 69.725).abs() < 1e-9);
        let lot = steady(2_250.0, 275.0, 182_500.0).economic_lot().unwrap();
        check(lot, 1_728.109_845, 475_230.207_4);
        check(steady(8.0, 0.225, 1_300.0).production_lot(2_000.0).unwrap(), 513.932_86, 40.472_21);
        check(steady(4.0, 0.08, 80.0).production_lot(110.0).unwrap(), 171.269_77, 3.736_795);
        let (lot, share) = candy.lot_with_backorders(5.0).unwrap();
        check(lot, 310.812_555, 66.921_363_6);
        assert!((share - 0.043_062_2).abs() < 1e-7);
    }

    /// Examples 3.6 and 3.7 and problem 3.12 of the same.
    #[test]
    fn discounts_match_the_reference() {
        let breaks = |list: [(f64, f64); 3]| list.map(|(from, price)| Break { from, price });
        let candy = breaks([(0.0, 0.75), (400.0, 0.72), (800.0, 0.68)]);
        let trucks = breaks([(0.0, 1_490.0), (1_200.0, 1_220.0), (2_400.0, 1_100.0)]);
        let cases = [
            ((8.0, 1_300.0), 0.3, candy, Discount::AllUnits, (800.0, 978.60)),
            ((8.0, 1_300.0), 0.3, candy, Discount::Incremental, (304.046_78, 1_043.410_526)),
            ((2_250.0, 182_500.0), 0.25, trucks, Discount::AllUnits, (2_400.0, 201_251_093.75)),
            (
                (2_250.0, 182_500.0),
                0.25,
                trucks,
                Discount::Incremental,
                (28_553.060_654, 208_678_591.679_928),
            ),
        ];
        for (fixed, rate, breaks, discount, (quantity, cost)) in cases {
            check(discounted_lot(fixed, rate, &breaks, discount).unwrap(), quantity, cost);
        }
        assert_eq!(
            discounted_lot((1.0, 1.0), 0.1, &trucks[1..], Discount::AllUnits),
            Err(PolicyError::Breaks)
        );
    }

    #[test]
    fn bad_numbers_are_named() {
        let error = steady(0.0, 1.0, 1.0).economic_lot().unwrap_err();
        assert_eq!(error.to_string(), "the cost of an order is 0; give a number above 0");
        assert!(steady(1.0, 1.0, 5.0).production_lot(5.0).is_err());
    }
}
