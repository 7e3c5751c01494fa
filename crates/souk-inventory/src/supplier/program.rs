//! The choice of suppliers as a mixed-integer program, for three suppliers and more.
//!
//! For each supplier and price tier a switch and whole cases; for each supplier whole pallets and trucks:
//!
//! ```text
//! least   Σ price·units + risk·units + order·switch + pallet·pallets + truck·trucks + surplus·(Σ units − need)
//! with    tier's bounds where its switch is on, one tier for each supplier, at most so many suppliers,
//!         need ≤ Σ units ≤ most, units ≤ pallets · units of a pallet
//! ```

use good_lp::{
    Expression, ProblemVariables, Solution, SolverModel, Variable, constraint, microlp, variable,
};

use super::{Bill, Need, Terms};
use crate::rounding::up;

/// A supplier's part of the program.
struct Part {
    /// The switch and the cases of each tier that can be used.
    tiers: Vec<(Variable, Variable)>,
    units: Expression,
}

/// The cheapest orders, or `None` when no split is possible or the solver gives up. `start` are orders that are possible.
pub(super) fn solve(need: &Need, terms: &[Terms<'_>], start: Option<&[Bill]>) -> Option<Vec<Bill>> {
    let mut variables = ProblemVariables::new();
    let mut cost = Expression::from(0.0);
    let mut rules = Vec::new();
    let (mut used, mut ordered) = (Expression::from(0.0), Expression::from(0.0));
    let mut parts = Vec::new();
    for one in terms {
        let part = part(need, one, (&mut variables, &mut cost, &mut rules), start);
        let switches: Expression = part.tiers.iter().map(|(switch, _)| switch).sum();
        let is_forced = one.offer.contract.0 > 0.0;
        rules.push(if is_forced {
            constraint!(switches.clone() == 1.0)
        } else {
            constraint!(switches.clone() <= 1.0)
        });
        used += switches;
        ordered += part.units.clone();
        parts.push(part);
    }
    rules.push(constraint!(used <= need.splits as f64));
    rules.push(constraint!(ordered.clone() >= need.units));
    if need.most.is_finite() {
        rules.push(constraint!(ordered.clone() <= need.most));
    }
    cost += (ordered - need.units) * need.surplus;
    let mut model = variables.minimise(cost).using(microlp);
    for rule in rules {
        model.add_constraint(rule);
    }
    let solution = model.solve().ok()?;
    let units = |one: &Terms<'_>, part: &Part| {
        let cases: f64 = part.tiers.iter().map(|(_, cases)| solution.value(*cases).round()).sum();
        cases * one.offer.multiple
    };
    let found = terms.iter().zip(&parts).map(|(one, part)| (one, units(one, part)));
    let orders: Vec<Bill> =
        found.filter(|(_, units)| *units > 0.0).map(|(one, units)| one.bill(units)).collect();
    is_possible(need, terms, &orders).then_some(orders)
}

fn part(
    need: &Need,
    one: &Terms<'_>,
    (variables, cost, rules): (
        &mut ProblemVariables,
        &mut Expression,
        &mut Vec<good_lp::Constraint>,
    ),
    start: Option<&[Bill]>,
) -> Part {
    let offer = one.offer;
    let case = offer.multiple;
    let begun = start.map(|start| start.iter().find(|bill| bill.supplier == one.idx));
    let begun = begun.map(|bill| bill.map_or(0.0, |bill| bill.units));
    let horizon = one.horizon(need);
    let mut part = Part { tiers: Vec::new(), units: Expression::from(0.0) };
    for (idx, tier) in offer.prices.iter().enumerate() {
        let low = up(tier.from, case).max(one.least);
        let end =
            offer.prices.get(idx + 1).map_or(f64::INFINITY, |next| up(next.from, case) - case);
        let high = horizon.min(end);
        if low > high + 1e-9 {
            continue;
        }
        let is_begun = begun.map(|units| units >= low - 1e-9 && units <= high + 1e-9);
        let mut switch = variable().binary();
        let mut cases = variable().integer().min(0.0).max((high / case).round());
        if let (Some(is_begun), Some(units)) = (is_begun, begun) {
            switch = switch.initial(f64::from(u8::from(is_begun)));
            cases = cases.initial(if is_begun { (units / case).round() } else { 0.0 });
        }
        let (switch, cases) = (variables.add(switch), variables.add(cases));
        rules.push(constraint!((low / case).round() * switch <= cases));
        rules.push(constraint!(cases <= (high / case).round() * switch));
        *cost += (tier.price + one.late + one.missing) * case * cases + offer.per_order * switch;
        part.units += case * cases;
        part.tiers.push((switch, cases));
    }
    for load in offer.pallet.iter().chain(&offer.truck).filter(|load| load.cost > 0.0) {
        let most = (up(horizon.max(0.0), load.units) / load.units).round();
        let mut loads = variable().integer().min(0.0).max(most);
        if let Some(units) = begun {
            loads = loads.initial((up(units, load.units) / load.units).round());
        }
        let loads = variables.add(loads);
        rules.push(constraint!(part.units.clone() <= load.units * loads));
        *cost += load.cost * loads;
    }
    part
}

/// The solver works with floats: what it found is checked before it is believed.
fn is_possible(need: &Need, terms: &[Terms<'_>], orders: &[Bill]) -> bool {
    let ordered: f64 = orders.iter().map(|bill| bill.units).sum();
    let fits = |bill: &Bill| {
        let one = &terms[bill.supplier];
        bill.units >= one.least - 1e-9 && bill.units <= one.most + 1e-9
    };
    let is_covered = ordered >= need.units - 1e-9 && ordered <= need.most + 1e-9;
    is_covered && orders.len() <= need.splits && orders.iter().all(fits)
}
