use super::*;
use crate::poisson;

/// All states of a lead time from 1 on: stock, then what arrives next, and orders of up to `ORDER_MAX`.
struct Chain {
    lead: usize,
    stock_max: usize,
    chances: Vec<f64>,
}

const ORDER_MAX: usize = 11;

impl Chain {
    fn n_states(&self) -> usize {
        (self.stock_max + 1) * (ORDER_MAX + 1).pow(self.lead as u32 - 1)
    }

    fn state(&self, mut code: usize) -> Vec<usize> {
        let mut state = vec![code % (self.stock_max + 1)];
        code /= self.stock_max + 1;
        for _ in 1..self.lead {
            state.push(code % (ORDER_MAX + 1));
            code /= ORDER_MAX + 1;
        }
        state
    }

    /// The cost of a period and the value after it, for an order in a state.
    fn value(&self, (code, state): (usize, &[usize]), ordered: usize, values: &[f64]) -> f64 {
        // What stands behind the stock moves one place ahead; the stock itself takes in what is next.
        let place = (ORDER_MAX + 1).pow(self.lead as u32 - 1);
        let behind = code / (self.stock_max + 1);
        let (next, rest) = if self.lead == 1 {
            (ordered, 0)
        } else {
            (state[1], behind / (ORDER_MAX + 1) + ordered * (place / (ORDER_MAX + 1)))
        };
        let base = rest * (self.stock_max + 1);
        let (mut sum, mut left) = (0.0, 1.0);
        for (demand, chance) in self.chances.iter().enumerate().take(state[0]) {
            sum += chance * values[base + (state[0] - demand + next).min(self.stock_max)];
            left -= chance;
        }
        sum + left.max(0.0) * values[base + next.min(self.stock_max)]
    }

    fn period_cost(&self, costs: &LossCosts, stock: usize) -> f64 {
        let of = |(demand, chance): (usize, &f64)| {
            let (left, lost) = (stock.saturating_sub(demand), demand.saturating_sub(stock));
            chance * (costs.holding * left as f64 + costs.lost * lost as f64)
        };
        self.chances.iter().enumerate().map(of).sum()
    }

    /// The mean cost of a period, between bounds that are 0.01 % apart: of a policy, or of the best one.
    fn mean_cost(&self, costs: &LossCosts, policy: Option<Policy>) -> f64 {
        let states: Vec<Vec<usize>> = (0..self.n_states()).map(|code| self.state(code)).collect();
        let at_once: Vec<f64> =
            (0..=self.stock_max).map(|stock| self.period_cost(costs, stock)).collect();
        let fixed: Option<Vec<usize>> = policy.map(|policy| {
            let order = |state: &Vec<usize>| policy.order(state[0], &state[1..], &self.chances);
            states.iter().map(|state| order(state).min(ORDER_MAX)).collect()
        });
        let mut values = vec![0.0; states.len()];
        loop {
            let mut next = vec![0.0; states.len()];
            for (code, state) in states.iter().enumerate() {
                let of = |ordered| self.value((code, state), ordered, &values);
                let ahead = match &fixed {
                    Some(fixed) => of(fixed[code]),
                    None => (0..=ORDER_MAX).map(of).fold(f64::INFINITY, f64::min),
                };
                next[code] = at_once[state[0]] + ahead;
            }
            let change = values.iter().zip(&next).map(|(old, new)| new - old);
            let (low, high) = change
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), change| {
                    (low.min(change), high.max(change))
                });
            if high - low < 1e-4 * high {
                return (low + high) / 2.0;
            }
            let shift = next[0];
            values = next.into_iter().map(|value| value - shift).collect();
        }
    }
}

fn check(lead: usize, least: [f64; 4]) {
    let chances = poisson(5.0).unwrap();
    let chances: Vec<f64> = chances[..22].to_vec();
    let sum: f64 = chances.iter().sum();
    let chances: Vec<f64> = chances.iter().map(|chance| chance / sum).collect();
    for (lost, published) in [4.0, 9.0, 19.0, 39.0].into_iter().zip(least) {
        let costs = LossCosts { holding: 1.0, lost };
        let stock_max = 20 + 2 * lead;
        let chain = Chain { lead, stock_max, chances: chances.clone() };
        let least = chain.mean_cost(&costs, None);
        assert!((least - published).abs() < 0.02, "{lead} {lost}: {least} {published}");
        let [(base, _), (protecting, promised)] = best(&costs, lead, &chances).unwrap();
        let (base, protecting) =
            (chain.mean_cost(&costs, Some(base)), chain.mean_cost(&costs, Some(protecting)));
        assert!(protecting <= 1.003 * least, "{lead} {lost}: {protecting} {least}");
        assert!(base >= protecting && base < 1.2 * least, "{lead} {lost}: {base} {least}");
        assert!((promised / protecting - 1.0).abs() < 0.03, "{promised} {protecting}");
    }
}

/// Poisson(5), h = 1, p = 4, 9, 19, 39: at most 1 % above the least cost by value iteration, which is the one that Zipkin
/// (2008, table 1) prints.
#[test]
fn a_lead_time_of_one() {
    check(1, [4.04, 5.44, 6.68, 7.84]);
}

#[test]
fn a_lead_time_of_two() {
    check(2, [4.40, 6.09, 7.66, 9.11]);
}

#[test]
fn a_lead_time_of_three() {
    check(3, [4.60, 6.53, 8.36, 10.04]);
}

#[test]
fn a_lead_time_of_four() {
    check(4, [4.73, 6.84, 8.89, 10.79]);
}

/// By hand: 2 in stock, demand 0 or 3 with equal chance: 2 or 0 are left; with 1 that arrives, 3, 0, 1 or 0.
#[test]
fn orders_by_hand() {
    let chances = [0.5, 0.0, 0.0, 0.5];
    assert_eq!(on_arrival(2, &[], &chances), [0.5, 0.0, 0.5]);
    assert_eq!(on_arrival(2, &[1], &chances), [0.5, 0.25, 0.0, 0.25]);
    // 3 more suffice for certain.
    assert_eq!(Policy::Protecting { service: 0.9 }.order(2, &[1], &chances), 3);
    // With 2 more: 2 with chance 1/2 serves half, 3 or 5 all: 3/4.
    assert_eq!(Policy::Protecting { service: 0.75 }.order(2, &[1], &chances), 2);
    assert_eq!(Policy::BaseStock { level: 4.0 }.order(2, &[1], &chances), 1);
}

/// Without a lead time nothing is on its way, and base stock is the newsvendor's.
#[test]
fn without_a_lead_time() {
    let costs = LossCosts { holding: 1.0, lost: 4.0 };
    let [(base, cost), _] = best(&costs, 0, &poisson(6.0).unwrap()).unwrap();
    assert_eq!(base, Policy::BaseStock { level: 8.0 });
    assert!((cost / 3.570_106_9 - 1.0).abs() < 0.02, "{cost}");
}

#[test]
fn bad_numbers_are_named() {
    let good = LossCosts { holding: 1.0, lost: 4.0 };
    for bad in [f64::NAN, 0.0, -1.0, f64::INFINITY] {
        assert!(best(&LossCosts { holding: bad, ..good }, 1, &[0.5, 0.5]).is_err());
        assert!(best(&LossCosts { lost: bad, ..good }, 1, &[0.5, 0.5]).is_err());
    }
    assert!(best(&good, 1, &[1.0]).is_err() && best(&good, 1, &[]).is_err());
    assert!(best(&good, 61, &[0.5, 0.5]).is_err());
}
