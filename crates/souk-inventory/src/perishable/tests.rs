use super::*;
use crate::poisson;

/// Orders, and so lots, are at most this.
const MOST: usize = 10;

/// All states of a product that expires.
struct Chain {
    lead: usize,
    shelf: usize,
    chances: Vec<f64>,
    costs: AgeCosts,
}

impl Chain {
    fn n_places(&self) -> usize {
        self.shelf + self.lead.saturating_sub(1)
    }

    fn state(&self, mut code: usize) -> Vec<usize> {
        let digit = |_| {
            let digit = code % (MOST + 1);
            code /= MOST + 1;
            digit
        };
        (0..self.n_places()).map(digit).collect()
    }

    fn code(state: &[usize]) -> usize {
        state.iter().rev().fold(0, |code, digit| code * (MOST + 1) + digit)
    }

    /// The mean cost of a period, between bounds 0.02 % apart: of a policy, or of the best one.
    fn mean_cost(&self, policy: Option<AgePolicy>) -> f64 {
        let n = (MOST + 1).pow(self.n_places() as u32);
        let mut moves: Vec<Vec<(f64, Vec<usize>)>> = Vec::with_capacity(n);
        for code in 0..n {
            let state = self.state(code);
            let (lots, on_way) = state.split_at(self.shelf);
            let orders: Vec<usize> = match policy {
                Some(policy) => {
                    let sight = Aged { lots, on_way, lead: self.lead };
                    vec![policy.order(sight, &self.chances).min(MOST)]
                }
                None => (0..=MOST).collect(),
            };
            let of_order = |ordered: usize| {
                let mut cost = 0.0;
                let next = |(demand, chance): (usize, &f64)| {
                    let mut after = state.clone();
                    // The fresh lot of a product that comes at once is empty until the order is made.
                    if self.lead == 0 {
                        after[self.shelf - 1] = 0;
                    }
                    let times = (self.lead, self.shelf);
                    cost += chance * pass(&mut after, times, (ordered, demand), &self.costs);
                    Chain::code(&after)
                };
                let next = self.chances.iter().enumerate().map(next).collect();
                (cost, next)
            };
            moves.push(orders.into_iter().map(of_order).collect());
        }
        let mut values = vec![0.0; n];
        loop {
            let ahead = |(cost, next): &(f64, Vec<usize>)| {
                let pairs = next.iter().zip(&self.chances);
                cost + pairs.map(|(code, chance)| chance * values[*code]).sum::<f64>()
            };
            let next: Vec<f64> = moves
                .iter()
                .map(|moves| moves.iter().map(ahead).fold(f64::INFINITY, f64::min))
                .collect();
            let change = values.iter().zip(&next).map(|(old, new)| new - old);
            let (low, high) = change
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), change| {
                    (low.min(change), high.max(change))
                });
            if high - low < 2e-4 * high {
                return (low + high) / 2.0;
            }
            let floor = next[0];
            values = next.into_iter().map(|value| value - floor).collect();
        }
    }
}

/// Chances of a small demand, cut where less than 1e-6 is left.
fn demand(mean: f64) -> Vec<f64> {
    let mut chances = poisson(mean).unwrap();
    let mut left = 1.0;
    let n = chances.iter().position(|chance| {
        left -= chance;
        left < 1e-6
    });
    chances.truncate(n.unwrap_or(chances.len()).max(1) + 1);
    let sum: f64 = chances.iter().sum();
    chances.iter().map(|chance| chance / sum).collect()
}

/// Against value iteration: protecting is within half a percent of the best there is, on average over the grid, estimated waste behind
/// it and base stock behind both.
#[test]
fn close_to_the_best_there_is() {
    let chances = demand(2.5);
    let mut gaps: Vec<[f64; 3]> = Vec::new();
    for (lead, shelf) in [(0, 2), (0, 3), (1, 2), (1, 3), (2, 2)] {
        for (lost, waste) in [(5.0, 2.0), (5.0, 8.0), (20.0, 2.0), (20.0, 8.0)] {
            let costs = AgeCosts { holding: 0.5, lost, waste };
            let chain = Chain { lead, shelf, chances: chances.clone(), costs };
            let least = chain.mean_cost(None);
            let found = best(&costs, (lead, shelf), &chances).unwrap();
            gaps.push(found.map(|(policy, _)| chain.mean_cost(Some(policy)) / least - 1.0));
        }
    }
    let mean = |of: fn(&[f64; 3]) -> f64| gaps.iter().map(of).sum::<f64>() / gaps.len() as f64;
    let protecting = mean(|gap| gap[2]);
    let said = format!("{} {} {}", mean(|gap| gap[0]), mean(|gap| gap[1]), mean(|gap| gap[2]));
    println!("mean gaps of base stock, estimated waste, protecting: {said}; {gaps:.4?}");
    assert!(protecting <= 0.005, "{said}");
    assert!(mean(|gap| gap[0]) > mean(|gap| gap[1]) && mean(|gap| gap[1]) > protecting, "{said}");
    assert!(gaps.iter().flatten().all(|gap| *gap > -5e-4), "{gaps:?}");
}

/// Five units of which three expire tonight, two on their way, demand of one a day, an order that takes two days: today one
/// is sold and two are thrown away; tomorrow one of four is sold.
#[test]
fn waste_by_hand() {
    let sight = Aged { lots: &[3, 2], on_way: &[2], lead: 2 };
    let always_one = [0.0, 1.0];
    assert_eq!(sight.flow().take(3).collect::<Vec<_>>(), [(5, 3), (7, 5), (7, 7)]);
    // Tomorrow one of the two old ones is sold, the other one expires.
    assert_eq!(sight.estimated_waste(1.0), 3.0);
    let left = sight.left_on_arrival(&always_one);
    assert_eq!(left.iter().position(|chance| *chance == 1.0), Some(2));
    assert_eq!(AgePolicy::BaseStock { level: 9.0 }.order(sight, &always_one), 2);
    assert_eq!(AgePolicy::EstimatedWaste { level: 9.0 }.order(sight, &always_one), 5);
    assert_eq!(AgePolicy::Protecting { service: 0.9 }.order(sight, &always_one), 0);
}

#[test]
fn what_keeps_long_is_ordered_as_lost_sales_are() {
    let chances = poisson(4.0).unwrap();
    let aged = AgePolicy::Protecting { service: 0.9 };
    let ageless = crate::lost_sales::Policy::Protecting { service: 0.9 };
    let lots = [0, 0, 0, 0, 0, 3, 0, 0, 5];
    let sight = Aged { lots: &lots, on_way: &[4, 0], lead: 3 };
    assert_eq!(aged.order(sight, &chances), ageless.order(8, &[4, 0], &chances));
}

#[test]
fn bad_numbers_are_refused() {
    let costs = AgeCosts { holding: 1.0, lost: 5.0, waste: -1.0 };
    let text = best(&costs, (1, 3), &[0.5, 0.5]).unwrap_err().to_string();
    assert_eq!(text, "the cost of waste is -1; give a number of 0 or more");
    let costs = AgeCosts { waste: 1.0, ..costs };
    let text = best(&costs, (1, 0), &[0.5, 0.5]).unwrap_err().to_string();
    assert_eq!(text, "the shelf life is 0; give a number above 0");
    assert!(best(&costs, (61, 3), &[0.5, 0.5]).is_err());
}
