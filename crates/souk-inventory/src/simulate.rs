//! What a policy would have done: one product at one place, day by day.
//!
//! Each day: deliveries arrive, the policy sees the stock and may order, demand is served from the lot that expires first
//! (FEFO), and lots on their last day are thrown away. A lot that can be sold for n days is thrown away at the end of the n-th.
//! The run is a pure function of its arguments: lead times are drawn from a seed, and a policy that sees only its
//! [`Sight`] cannot look ahead.

use std::collections::VecDeque;

use souk_math::Random;

use crate::demand::LeadTime;
use crate::{PolicyError, at_least_zero};

#[cfg(test)]
mod tests;

/// The product, its supply and its money.
#[derive(Clone, Debug, PartialEq)]
pub struct Shop {
    /// How long an order takes.
    pub lead_time: LeadTime,
    /// Days between two chances to order, from 1 on; the first day is one.
    pub review_days: usize,
    /// Days that a unit can be sold from its arrival on; `None` for what keeps.
    pub shelf_days: Option<usize>,
    /// What happens to demand that is not met.
    pub unmet: Unmet,
    /// Units in stock before the first day, fresh.
    pub opening: f64,
    /// Money.
    pub money: Money,
}

/// What happens to demand that is not met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmet {
    /// It goes elsewhere.
    Lost,
    /// It waits, and is served first.
    Waits,
}

/// Prices of a unit, and costs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Money {
    /// What a unit sells for.
    pub price: f64,
    /// What a unit costs to buy.
    pub cost: f64,
    /// Of holding a unit overnight.
    pub holding: f64,
    /// Of an order.
    pub per_order: f64,
    /// Of a unit of unmet demand, on top of the sale; for waiting demand of each night.
    pub unmet: f64,
    /// Of a unit thrown away, on top of its purchase.
    pub waste: f64,
}

/// What a policy sees when it may order.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// The day, from 0 on.
    pub day: usize,
    /// Lots in stock, the one that expires first in front: units and days left to sell it (`usize::MAX` for what keeps).
    pub lots: &'a [(f64, usize)],
    /// Units ordered and not yet here.
    pub on_way: f64,
    /// Units that wait.
    pub waiting: f64,
    /// Demand of the days before, as it was seen: what was lost was not.
    pub sold: &'a [f64],
}

impl Sight<'_> {
    /// Units in stock.
    pub fn stock(&self) -> f64 {
        self.lots.iter().map(|(units, _)| units).sum()
    }

    /// Stock and what is on its way, less what waits.
    pub fn position(&self) -> f64 {
        self.stock() + self.on_way - self.waiting
    }
}

/// An order policy: units to order, at what it sees. Closures are policies.
pub trait Orders {
    /// Units to order now; 0 for none.
    fn order(&mut self, sight: &Sight<'_>) -> f64;
}

impl<F: FnMut(&Sight<'_>) -> f64> Orders for F {
    fn order(&mut self, sight: &Sight<'_>) -> f64 {
        self(sight)
    }
}

/// A day, as it went.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Day {
    /// Units that arrived.
    pub arrived: f64,
    /// Units ordered.
    pub ordered: f64,
    /// Units asked for.
    pub demand: f64,
    /// Units sold, those that had waited included.
    pub sold: f64,
    /// Units asked for that were not there.
    pub unmet: f64,
    /// Units thrown away in the evening.
    pub wasted: f64,
    /// Units in stock overnight.
    pub stock: f64,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Day by day.
    pub days: Vec<Day>,
    /// Units in stock overnight, on average.
    pub stock: f64,
    /// The share of demand met from stock; 1 without demand.
    pub fill_rate: f64,
    /// The share of the times between two deliveries in which nothing was short; 1 without any.
    pub cycle_service: f64,
    /// Units of demand lost (or that had to wait).
    pub unmet: f64,
    /// Units thrown away.
    pub wasted: f64,
    /// Orders that went out.
    pub orders: usize,
    /// Sales less purchases, holding, orders, waste and unmet demand; stock at the end is worth its purchase.
    pub profit: f64,
    /// Holding, orders, waste (with its purchase) and unmet demand (with its margin where it is lost).
    pub cost: f64,
}

/// Replays a policy on the demand of each day.
///
/// # Errors
///
/// [`PolicyError::OutOfRange`] for demand, money or an order that is negative or no number, and for reviews or shelf lives of 0
/// days.
pub fn simulate(
    shop: &Shop,
    demand: &[f64],
    policy: &mut dyn Orders,
    seed: u64,
) -> Result<Outcome, PolicyError> {
    shop.checked()?;
    let mut run = Run {
        shop,
        lots: VecDeque::new(),
        on_way: Vec::new(),
        waiting: 0.0,
        random: Random::new(seed),
        sold: Vec::with_capacity(demand.len()),
    };
    run.stock_up(shop.opening);
    let mut days = Vec::with_capacity(demand.len());
    for (day, units) in demand.iter().enumerate() {
        at_least_zero("the demand of a day", *units)?;
        days.push(run.day(day, *units, policy)?);
    }
    Ok(outcome(shop, days, run.lots.iter().map(|(units, _)| units).sum()))
}

impl Shop {
    fn checked(&self) -> Result<(), PolicyError> {
        crate::positive("the days between two reviews", self.review_days as f64)?;
        crate::positive("the days that a unit can be sold", self.shelf_days.unwrap_or(1) as f64)?;
        at_least_zero("the opening stock", self.opening)?;
        let money = &self.money;
        for (name, value) in [
            ("the price", money.price),
            ("the cost of a unit", money.cost),
            ("the holding cost", money.holding),
            ("the cost of an order", money.per_order),
            ("the cost of unmet demand", money.unmet),
            ("the cost of waste", money.waste),
        ] {
            at_least_zero(name, value)?;
        }
        Ok(())
    }
}

struct Run<'a> {
    shop: &'a Shop,
    /// Units and the days left to sell them, today included; the first expires first.
    lots: VecDeque<(f64, usize)>,
    /// The day of arrival, and units.
    on_way: Vec<(usize, f64)>,
    waiting: f64,
    random: Random,
    sold: Vec<f64>,
}

impl Run<'_> {
    fn stock_up(&mut self, units: f64) {
        if units > 0.0 {
            // All lots live equally long, so the newest expires last.
            self.lots.push_back((units, self.shop.shelf_days.unwrap_or(usize::MAX)));
        }
    }

    fn day(
        &mut self,
        day: usize,
        demand: f64,
        policy: &mut dyn Orders,
    ) -> Result<Day, PolicyError> {
        let mut told = Day { demand, ..Day::default() };
        told.arrived = self.receive(day);
        if day.is_multiple_of(self.shop.review_days) {
            let sight = Sight {
                day,
                lots: self.lots.make_contiguous(),
                on_way: self.on_way.iter().map(|(_, units)| units).sum(),
                waiting: self.waiting,
                sold: &self.sold,
            };
            told.ordered = at_least_zero("the units that the policy orders", policy.order(&sight))?;
            if told.ordered > 0.0 {
                let days = self.draw_lead_time();
                self.on_way.push((day + days, told.ordered));
                told.arrived += self.receive(day);
            }
        }
        let served_late = self.take(self.waiting);
        self.waiting -= served_late;
        let served = self.take(demand);
        told.sold = served_late + served;
        told.unmet = demand - served;
        if self.shop.unmet == Unmet::Waits {
            self.waiting += told.unmet;
        }
        self.sold.push(told.sold);
        self.lots.retain_mut(|(units, left)| {
            if *left != usize::MAX {
                *left -= 1;
            }
            if *left == 0 {
                told.wasted += *units;
            }
            *left > 0
        });
        told.stock = self.lots.iter().map(|(units, _)| units).sum();
        Ok(told)
    }

    fn receive(&mut self, day: usize) -> f64 {
        let mut arrived = 0.0;
        self.on_way.retain(|(when, units)| {
            if *when <= day {
                arrived += units;
            }
            *when > day
        });
        self.stock_up(arrived);
        arrived
    }

    fn draw_lead_time(&mut self) -> usize {
        let mut left = self.random.unit64();
        for (days, chance) in self.shop.lead_time.chances() {
            left -= chance;
            if left < 0.0 {
                return *days as usize;
            }
        }
        self.shop.lead_time.longest() as usize
    }

    /// Takes up to so many units from the lots, the first to expire first.
    fn take(&mut self, units: f64) -> f64 {
        let mut taken = 0.0;
        while taken < units {
            let Some((here, _)) = self.lots.front_mut() else { break };
            let from_lot = here.min(units - taken);
            *here -= from_lot;
            taken += from_lot;
            if *here > 0.0 {
                break;
            }
            self.lots.pop_front();
        }
        taken
    }
}

fn outcome(shop: &Shop, days: Vec<Day>, closing: f64) -> Outcome {
    let sum = |of: fn(&Day) -> f64| -> f64 { days.iter().map(of).sum() };
    let (demand, unmet, wasted) =
        (sum(|day| day.demand), sum(|day| day.unmet), sum(|day| day.wasted));
    let (nights, sold, ordered) =
        (sum(|day| day.stock), sum(|day| day.sold), sum(|day| day.arrived));
    let orders = days.iter().filter(|day| day.ordered > 0.0).count();
    let money = &shop.money;
    let waited: f64 = match shop.unmet {
        Unmet::Lost => unmet,
        Unmet::Waits => {
            let mut waiting = 0.0;
            let nightly = |day: &Day| {
                waiting += day.demand - day.sold;
                waiting
            };
            days.iter().map(nightly).sum()
        }
    };
    let running = money.holding * nights
        + money.per_order * orders as f64
        + money.waste * wasted
        + money.unmet * waited;
    let margin = if shop.unmet == Unmet::Lost { (money.price - money.cost) * unmet } else { 0.0 };
    let (cycles, clean) = cycles(&days);
    Outcome {
        stock: nights / days.len().max(1) as f64,
        fill_rate: if demand > 0.0 { 1.0 - unmet / demand } else { 1.0 },
        cycle_service: if cycles > 0 { clean as f64 / cycles as f64 } else { 1.0 },
        unmet,
        wasted,
        orders,
        profit: money.price * sold - money.cost * (ordered + shop.opening - closing) - running,
        cost: running + money.cost * wasted + margin,
        days,
    }
}

/// Times between two deliveries, and those in which nothing was short; the last one, which no delivery ends, counts too.
fn cycles(days: &[Day]) -> (usize, usize) {
    let (mut cycles, mut clean) = (0, 0);
    let (mut is_begun, mut is_clean) = (false, true);
    for day in days {
        if day.arrived > 0.0 && is_begun {
            cycles += 1;
            clean += usize::from(is_clean);
            is_clean = true;
        }
        is_begun = true;
        is_clean &= day.unmet <= 0.0;
    }
    (cycles + usize::from(is_begun), clean + usize::from(is_begun && is_clean))
}
