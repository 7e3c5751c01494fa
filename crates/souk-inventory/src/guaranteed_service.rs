//! Where to hold safety stock in a chain of stages: makers, warehouses and shops that supply one another in a tree.
//!
//! Every stage promises its customers a time within which any demand up to a bound is served, and holds what it takes to
//! keep that promise while it waits for its own suppliers. With `SI` the longest promise that it waits for, `T` its own
//! time and `S` its promise, it covers `τ = SI + T − S` periods of demand and holds `zσ√τ`. Promises of least holding
//! cost are found exactly, by going through the tree from its leaves to one stage: what the stages beyond a link cost
//! depends on the one time that is promised over it.
//!
//! Not for demand beyond the bound: that is taken to be met by other means (overtime, another supplier).
//!
//! Source: Graves and Willems, *Optimizing strategic safety stock placement in supply chains*, Manufacturing & Service
//! Operations Management 2(1), 2000, with the erratum in 5(2), 2003; Snyder and Shen, *Fundamentals of Supply Chain
//! Theory*, 2nd ed., §6.3.

#[cfg(test)]
mod tests;

use crate::{PolicyError, at_least_zero};

/// Periods of the longest way through the chain: the time to solve it grows with their square.
const PERIODS_MAX: u32 = 2_000;

/// A place, a step of making or a product at a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// Money for holding a unit for a period, at least 0.
    pub holding: f64,
    /// Periods that its own work takes once everything for it is there.
    pub time: u32,
    /// Periods that suppliers outside the chain take.
    pub inbound: u32,
    /// The longest promise that its customers outside the chain accept, in periods; none when it has none.
    pub promise_max: Option<u32>,
    /// Demand of customers outside the chain: units of a period.
    pub mean: f64,
    /// Its standard deviation; demands of several stages are independent of each other and of earlier periods.
    pub deviation: f64,
    /// Standard deviations of demand that are served from stock.
    pub safety_factor: f64,
}

/// One stage supplies another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// The place of the supplier among the stages.
    pub from: usize,
    /// The place of the stage that is supplied.
    pub to: usize,
    /// Units of the supplier that a unit of the supplied takes, above 0.
    pub units: f64,
}

/// What one stage does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// Periods within which it serves its customers.
    pub promise: u32,
    /// Periods that it waits for its slowest supplier.
    pub wait: u32,
    /// Units held against demand above its mean.
    pub safety_stock: f64,
    /// The inventory position to order up to: mean demand of the covered periods and the safety stock.
    pub base_stock: f64,
}

/// What all stages do, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Placement {
    /// By stage.
    pub stages: Vec<Placed>,
    /// Money for each period for holding the safety stock.
    pub cost: f64,
}

/// Promises of least holding cost.
///
/// # Errors
///
/// [`PolicyError::OutOfRange`]; [`PolicyError::Chain`] unless links join all stages and make no circle, whichever way
/// they point.
pub fn place(stages: &[Stage], links: &[Link]) -> Result<Placement, PolicyError> {
    for stage in stages {
        at_least_zero("the holding cost", stage.holding)?;
        at_least_zero("the mean demand", stage.mean)?;
        at_least_zero("the deviation of demand", stage.deviation)?;
        at_least_zero("the safety factor", stage.safety_factor)?;
    }
    let tree = Tree::of(stages, links)?;
    let mut tables: Vec<Table> = stages.iter().map(|_| Table::default()).collect();
    for place in tree.order.iter().rev() {
        tables[*place] = tree.table(*place, &tables);
    }
    let mut promises = vec![0; stages.len()];
    // What is settled for a stage by the one that it was reached from.
    let mut settled = vec![Settled::Nothing; stages.len()];
    for place in &tree.order {
        let (promise, wait) = tree.best(*place, (settled[*place], &tables));
        promises[*place] = promise;
        for (child, side) in &tree.children[*place] {
            settled[*child] = match side {
                Side::Supplier => {
                    let costs = &tables[*child].costs;
                    let asked = (wait as usize + 1).min(costs.len());
                    Settled::Promise(first_least(&costs[..asked]))
                }
                Side::Customer => {
                    let from = promise as usize;
                    Settled::Wait(promise + first_least(&tables[*child].costs[from..]))
                }
            };
        }
    }
    Ok(tree.placed(&promises))
}

/// The first place of the least number.
fn first_least(costs: &[f64]) -> u32 {
    let mut best = 0;
    for (place, cost) in costs.iter().enumerate() {
        if *cost < costs[best] {
            best = place;
        }
    }
    best as u32
}

/// What a neighbour is to a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Supplier,
    Customer,
}

/// What is given of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Settled {
    Nothing,
    Promise(u32),
    Wait(u32),
}

/// The least cost of a stage and all beyond it, by the time over the link towards the first stage: its promise where that
/// neighbour is its customer, its wait where it is its supplier.
#[derive(Clone, Debug, Default)]
struct Table {
    costs: Vec<f64>,
    /// The least of `costs` up to each time where it supplies, or from each time on where it is supplied: a supplier may
    /// be sooner than what is waited for.
    eased: Vec<f64>,
}

/// Stages as seen from the first one.
struct Tree<'a> {
    stages: &'a [Stage],
    suppliers: Vec<Vec<usize>>,
    /// From the first stage outwards.
    order: Vec<usize>,
    /// What the stage that one was reached from is to it.
    towards: Vec<Option<Side>>,
    children: Vec<Vec<(usize, Side)>>,
    mean: Vec<f64>,
    /// Units held for each square root of a period that is covered.
    spread: Vec<f64>,
    /// The longest that each can take, suppliers' times included.
    longest: Vec<u32>,
}

impl<'a> Tree<'a> {
    fn of(stages: &'a [Stage], links: &[Link]) -> Result<Tree<'a>, PolicyError> {
        let n = stages.len();
        let broken = || PolicyError::Chain { stages: n, links: links.len() };
        if n == 0 || links.len() + 1 != n {
            return Err(broken());
        }
        let mut neighbours: Vec<Vec<(usize, Side)>> = vec![Vec::new(); n];
        let mut suppliers = vec![Vec::new(); n];
        let mut customers: Vec<Vec<(usize, f64)>> = vec![Vec::new(); n];
        for link in links {
            crate::positive("the units of a link", link.units)?;
            if link.from >= n || link.to >= n {
                return Err(broken());
            }
            neighbours[link.to].push((link.from, Side::Supplier));
            neighbours[link.from].push((link.to, Side::Customer));
            suppliers[link.to].push(link.from);
            customers[link.from].push((link.to, link.units));
        }
        let (mut order, mut towards) = (vec![0], vec![None; n]);
        let mut children: Vec<Vec<(usize, Side)>> = vec![Vec::new(); n];
        let mut is_reached = vec![false; n];
        is_reached[0] = true;
        let mut next = 0;
        while let Some(place) = order.get(next).copied() {
            next += 1;
            for (other, side) in &neighbours[place] {
                if !is_reached[*other] {
                    is_reached[*other] = true;
                    order.push(*other);
                    children[place].push((*other, *side));
                    towards[*other] = Some(match side {
                        Side::Supplier => Side::Customer,
                        Side::Customer => Side::Supplier,
                    });
                }
            }
        }
        if order.len() < n {
            return Err(broken());
        }
        let downstream = sorted(&suppliers);
        let mut longest = vec![0; n];
        for place in &downstream {
            let wait = suppliers[*place].iter().map(|one| longest[*one]).max().unwrap_or(0);
            longest[*place] = stages[*place].time.saturating_add(wait.max(stages[*place].inbound));
            if longest[*place] > PERIODS_MAX {
                let (name, value) = ("the longest way through the chain", longest[*place].into());
                return Err(PolicyError::OutOfRange { name, value, bound: "up to 2,000 periods" });
            }
        }
        let mut mean: Vec<f64> = stages.iter().map(|stage| stage.mean).collect();
        let mut variance: Vec<f64> = stages.iter().map(|stage| stage.deviation.powi(2)).collect();
        for place in downstream.iter().rev() {
            for (customer, units) in &customers[*place] {
                mean[*place] += units * mean[*customer];
                variance[*place] += units * units * variance[*customer];
            }
        }
        let pairs = stages.iter().zip(&variance);
        let spread = pairs.map(|(stage, variance)| stage.safety_factor * variance.sqrt()).collect();
        Ok(Tree { stages, suppliers, order, towards, children, mean, spread, longest })
    }

    /// The promises that a stage may make, and the waits that it may have.
    fn ranges(
        &self,
        place: usize,
    ) -> (std::ops::RangeInclusive<u32>, std::ops::RangeInclusive<u32>) {
        let (stage, longest) = (&self.stages[place], self.longest[place]);
        let most = stage.promise_max.map_or(longest, |most| most.min(longest));
        (0..=most, stage.inbound..=longest - stage.time)
    }

    /// The cost of a stage and of all that was reached from it; infinite for a promise that cannot be kept.
    fn cost(&self, place: usize, (promise, wait): (u32, u32), tables: &[Table]) -> f64 {
        let stage = &self.stages[place];
        let Some(covered) = (wait + stage.time).checked_sub(promise) else { return f64::INFINITY };
        let own = stage.holding * self.spread[place] * f64::from(covered).sqrt();
        let beyond = |(child, side): &(usize, Side)| {
            let time = match side {
                Side::Supplier => wait,
                Side::Customer => promise,
            };
            let eased = &tables[*child].eased;
            // No supplier takes longer than its table, so beyond it nothing changes.
            eased[(time as usize).min(eased.len() - 1)]
        };
        own + self.children[place].iter().map(beyond).sum::<f64>()
    }

    fn table(&self, place: usize, tables: &[Table]) -> Table {
        let Some(towards) = self.towards[place] else { return Table::default() };
        let (promises, waits) = self.ranges(place);
        // As long as the neighbour may ask for.
        let n = match towards {
            Side::Customer => self.longest[place] + 1,
            Side::Supplier => self.longest[place] - self.stages[place].time + 1,
        } as usize;
        let mut costs = vec![f64::INFINITY; n];
        for promise in promises {
            for wait in waits.clone() {
                let cost = self.cost(place, (promise, wait), tables);
                let time = match towards {
                    Side::Customer => promise,
                    Side::Supplier => wait,
                } as usize;
                costs[time] = costs[time].min(cost);
            }
        }
        let mut eased = costs.clone();
        match towards {
            Side::Customer => {
                (1..n).for_each(|time| eased[time] = eased[time].min(eased[time - 1]));
            }
            Side::Supplier => {
                let down = (0..n - 1).rev();
                down.for_each(|time| eased[time] = eased[time].min(eased[time + 1]));
            }
        }
        Table { costs, eased }
    }

    /// The best promise and wait of a stage, one of which may be settled.
    fn best(&self, place: usize, (settled, tables): (Settled, &[Table])) -> (u32, u32) {
        let (mut promises, mut waits) = self.ranges(place);
        match settled {
            Settled::Nothing => {}
            Settled::Promise(promise) => promises = promise..=promise,
            Settled::Wait(wait) => waits = wait..=wait,
        }
        let mut best = ((*promises.start(), *waits.start()), f64::INFINITY);
        for promise in promises {
            for wait in waits.clone() {
                let cost = self.cost(place, (promise, wait), tables);
                if cost < best.1 {
                    best = ((promise, wait), cost);
                }
            }
        }
        best.0
    }

    fn placed(&self, promises: &[u32]) -> Placement {
        let mut cost = 0.0;
        let one = |(place, stage): (usize, &Stage)| {
            let suppliers = self.suppliers[place].iter().map(|one| promises[*one]);
            let wait = suppliers.max().unwrap_or(0).max(stage.inbound);
            let covered = f64::from(wait + stage.time - promises[place]);
            let safety_stock = self.spread[place] * covered.sqrt();
            cost += stage.holding * safety_stock;
            let base_stock = self.mean[place] * covered + safety_stock;
            Placed { promise: promises[place], wait, safety_stock, base_stock }
        };
        let stages = self.stages.iter().enumerate().map(one).collect();
        Placement { stages, cost }
    }
}

/// Suppliers before those that they supply. Links make no circle, so every stage comes.
fn sorted(suppliers: &[Vec<usize>]) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::with_capacity(suppliers.len());
    let mut missing: Vec<usize> = suppliers.iter().map(Vec::len).collect();
    let mut customers: Vec<Vec<usize>> = vec![Vec::new(); suppliers.len()];
    for (place, own) in suppliers.iter().enumerate() {
        own.iter().for_each(|one| customers[*one].push(place));
        if own.is_empty() {
            order.push(place);
        }
    }
    let mut next = 0;
    while let Some(place) = order.get(next).copied() {
        next += 1;
        for customer in &customers[place] {
            missing[*customer] -= 1;
            if missing[*customer] == 0 {
                order.push(*customer);
            }
        }
    }
    order
}
