//! When to order and how much, when demand of the coming periods is known and differs.
//!
//! Source: Wagner and Whitin, *Dynamic version of the economic lot size model*, Management Science 5(1), 1958.

/// What each period orders, and the least cost; `None` for a negative or undefined number.
///
/// `per_order` is paid in every period with an order, `holding` for each unit at the end of a period.
pub fn wagner_whitin(demand: &[f64], per_order: f64, holding: f64) -> Option<(Vec<f64>, f64)> {
    let is_sound = |value: &f64| value.is_finite() && *value >= 0.0;
    if !demand.iter().chain([&per_order, &holding]).all(is_sound) {
        return None;
    }
    let n = demand.len();
    // The least cost from each period on, and the period before which its order lasts.
    let mut least = vec![0.0; n + 1];
    let mut until = vec![n; n + 1];
    for from in (0..n).rev() {
        least[from] = f64::INFINITY;
        let mut held = 0.0;
        for to in from..n {
            held += holding * (to - from) as f64 * demand[to];
            let cost = per_order + held + least[to + 1];
            if cost < least[from] {
                (least[from], until[from]) = (cost, to + 1);
            }
        }
        // A period without demand need not order.
        if demand[from] == 0.0 && least[from + 1] <= least[from] {
            (least[from], until[from]) = (least[from + 1], from + 1);
        }
    }
    let mut orders = vec![0.0; n];
    let mut from = 0;
    while from < n {
        orders[from] = demand[from..until[from]].iter().sum();
        from = until[from];
    }
    Some((orders, least[0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Example 3.9 and problems 3.27 and 3.29 of Snyder and Shen, as stockpyl 1.0.2 solves them.
    #[test]
    fn matches_the_reference() {
        let cases = [
            (&[90.0, 120.0, 80.0, 70.0][..], 500.0, 2.0, &[210.0, 0.0, 150.0, 0.0][..], 1_380.0),
            (&[150.0, 100.0, 80.0, 200.0][..], 120.0, 0.8, &[150.0, 180.0, 0.0, 200.0][..], 424.0),
            (
                &[730.0, 580.0, 445.0, 650.0, 880.0][..],
                100.0,
                0.1,
                &[1_310.0, 0.0, 1_095.0, 0.0, 880.0][..],
                423.0,
            ),
        ];
        for (demand, per_order, holding, orders, cost) in cases {
            let found = wagner_whitin(demand, per_order, holding).unwrap();
            assert_eq!(found.0, orders);
            assert!((found.1 - cost).abs() < 1e-9);
        }
        assert_eq!(wagner_whitin(&[0.0, 0.0], 5.0, 1.0), Some((vec![0.0, 0.0], 0.0)));
        assert_eq!(wagner_whitin(&[], 5.0, 1.0), Some((vec![], 0.0)));
        assert_eq!(wagner_whitin(&[-1.0], 5.0, 1.0), None);
    }
}
