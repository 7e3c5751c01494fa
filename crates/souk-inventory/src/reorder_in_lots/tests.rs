use super::*;
use crate::poisson;

/// Example 5.1 of Snyder and Shen: h = .225, p = 7.5, K = 8, 1300 a year with deviation 150, a month of lead time.
fn candy() -> (NormalDemand, Costs) {
    let month = 1.0 / 12.0_f64;
    let lead_deviation = 150.0 * month.sqrt();
    let demand = NormalDemand { rate: 1_300.0, lead_mean: 1_300.0 * month, lead_deviation };
    (demand, Costs { per_order: 8.0, holding: 0.225, waiting: 7.5 })
}

fn near(found: f64, wanted: f64) {
    assert!((found / wanted - 1.0).abs() < 1e-6, "{found} {wanted}");
}

/// As stockpyl 1.0.2 solves it.
#[test]
fn matches_the_reference() {
    let (demand, costs) = candy();
    near(demand.cost(&costs, (126.8, 328.5)).unwrap(), 78.071_162_5);
    let found = demand.by_mean_stock(&costs).unwrap();
    near(found.reorder_point, 213.970_442);
    near(found.lot, 318.590_181);
    near(found.cost, 95.451_140_2);
    let found = demand.by_certain_demand(&costs).unwrap();
    near(found.reorder_point, 128.637_814);
    near(found.lot, 308.573_780);
    let found = demand.by_safety_stock(&costs).unwrap();
    near(found.reorder_point, 190.336_997);
    near(found.lot, 304.046_780);
    let found = demand.by_loss(&costs).unwrap();
    near(found.reorder_point, 126.867_063);
    near(found.lot, 328.449_142);
}

#[test]
fn the_best_is_the_least() {
    let (demand, costs) = candy();
    let best = demand.best(&costs).unwrap();
    for (r, lot) in [(126.8, 328.5), (128.6, 308.6), (190.3, 304.0)] {
        assert!(demand.cost(&costs, (r, lot)).unwrap() >= best.cost);
    }
    for step in [-1.0, -0.01, 0.01, 1.0] {
        let at = |r, lot| demand.cost(&costs, (best.reorder_point + r, best.lot + lot)).unwrap();
        assert!(at(step, 0.0) > best.cost && at(0.0, step) > best.cost);
    }
}

/// Example 5.8 and problem 5.2, as stockpyl solves them: pieces, Poisson.
#[test]
fn pieces_match_the_reference() {
    let cases = [
        ((20.0, 150.0, 100.0, 1.5, 2.0), (3.0, 5.0, 107.923_580_6)),
        ((4.0, 28.0, 4.0, 12.0, 0.5), (6.0, 7.0, 28.241_312_8)),
    ];
    for ((holding, waiting, per_order, rate, lead), (r, lot, cost)) in cases {
        let chances = poisson(rate * lead).unwrap();
        let found = best_lot(&Costs { per_order, holding, waiting }, rate, &chances).unwrap();
        assert_eq!((found.reorder_point, found.lot), (r, lot));
        near(found.cost, cost);
    }
}

#[test]
fn bad_numbers_are_named() {
    let (demand, costs) = candy();
    for bad in [f64::NAN, f64::INFINITY, -1.0, 0.0] {
        assert!(NormalDemand { rate: bad, ..demand }.best(&costs).is_err());
        assert!(demand.best(&Costs { holding: bad, ..costs }).is_err());
        assert!(best_lot(&costs, bad, &[1.0]).is_err());
        assert!(demand.cost(&costs, (1.0, bad)).is_err());
    }
    let cheap = Costs { waiting: 1e-6, ..costs };
    assert!(demand.by_mean_stock(&cheap).is_err());
}
