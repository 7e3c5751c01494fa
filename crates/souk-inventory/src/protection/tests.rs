use super::*;
use crate::demand::DayDemand;

fn steady(mean: f64, dispersion: f64) -> Vec<DayDemand> {
    vec![DayDemand { mean, dispersion }; 60]
}

fn outlook(days: &[DayDemand], grain: Grain) -> Outlook<'_> {
    Outlook::Days { days, level_error: 0.0, grain }
}

/// By hand: Poisson days of 1.5, lead time 3, review every day: poisson(6) over the protection interval, whose 95 % quantile is
/// 10. Base stock 10: an order goes out as soon as the position is 9.
#[test]
fn base_stock_of_pieces() {
    let (days, lead) = (steady(1.5, 1.0), LeadTime::fixed(3));
    let plan = Plan { lead_time: &lead, review_days: 1, lot: 0.0 };
    let found = levels(&outlook(&days, Grain::Pieces), &plan, Target::Cycle(0.95)).unwrap();
    assert_eq!((found.reorder_point, found.order_up_to), (9.0, 10.0));
    assert!((found.safety_stock - 4.0).abs() < 1e-9);
    assert!((found.mean_demand - 6.0).abs() < 1e-9 && found.protection_days == 4.0);
    // scipy: poisson(6).cdf(10) = 0.957379.
    assert!((found.cycle_service - 0.957_379).abs() < 1e-6);
    // E (D₄ − 10)⁺ − E (D₃ − 10)⁺ with poisson(6) and poisson(4.5), summed up: 0.077335 − 0.010231.
    assert!((found.shortage - 0.067_104_289).abs() < 1e-8, "{}", found.shortage);
    assert!((found.fill_rate - (1.0 - found.shortage / 1.5)).abs() < 1e-12);
}

/// The textbook's s = μL + zσ√L for goods by weight, where the gamma distribution is nearly normal: μ = 1000, σ = 10 a day, 9
/// days: 9000 + 1.644854 · 30.
#[test]
fn reorder_point_of_the_textbook() {
    let (days, lead) = (steady(1_000.0, 0.1), LeadTime::fixed(8));
    let plan = Plan { lead_time: &lead, review_days: 1, lot: 500.0 };
    let found = levels(&outlook(&days, Grain::Measured), &plan, Target::Cycle(0.95)).unwrap();
    assert!((found.reorder_point - 9_049.35).abs() < 0.1, "{}", found.reorder_point);
    assert!((found.safety_stock - 49.35).abs() < 0.1);
    assert_eq!(found.order_up_to, found.reorder_point + 500.0);
}

/// Every target is met, and one piece less would not meet it.
#[test]
fn levels_are_the_least_that_do() {
    let lead = LeadTime::of_moments(4.0, 1.5).unwrap();
    for (mean, dispersion) in [(0.05, 1.0), (0.7, 2.5), (30.0, 4.0), (200.0, 3.0)] {
        let days = steady(mean, dispersion);
        let outlook = outlook(&days, Grain::Pieces);
        for lot in [0.0, 6.0, 100.0] {
            let plan = Plan { lead_time: &lead, review_days: 2, lot };
            for share in [0.8, 0.98] {
                let found = levels(&outlook, &plan, Target::Cycle(share)).unwrap();
                let less = levels_at(&outlook, &plan, found.reorder_point - 1.0).unwrap();
                assert!(found.cycle_service >= share && less.cycle_service < share);
                let found = levels(&outlook, &plan, Target::Fill(share)).unwrap();
                let less = levels_at(&outlook, &plan, found.reorder_point - 1.0).unwrap();
                assert!(found.fill_rate >= share - 1e-9, "{mean} {lot} {share}: {found:?}");
                assert!(less.fill_rate < share || found.reorder_point == -1.0);
                assert_eq!(levels_at(&outlook, &plan, found.reorder_point).unwrap(), found);
            }
        }
    }
}

/// The newsvendor of Snyder and Shen (stockpyl: `newsvendor_poisson(1, 4, 6)` is 8), as base stock over one day.
#[test]
fn cost_is_the_newsvendor() {
    let (days, lead) = (steady(6.0, 1.0), LeadTime::fixed(0));
    let plan = Plan { lead_time: &lead, review_days: 1, lot: 0.0 };
    let target = Target::Cost { over: 1.0, under: 4.0 };
    let found = levels(&outlook(&days, Grain::Pieces), &plan, target).unwrap();
    assert_eq!((found.order_up_to, found.reorder_point), (8.0, 7.0));
    // stockpyl's cost is 3.5701069 = 1 · left + 4 · short.
    assert!((found.leftover + 4.0 * found.shortage - 3.570_106_9).abs() < 1e-6);
}

/// With a lot, the mean cost over its positions is least: compared with every other reorder point.
#[test]
fn cost_with_a_lot_is_least() {
    let (days, lead) = (steady(3.0, 2.0), LeadTime::fixed(2));
    let outlook = outlook(&days, Grain::Pieces);
    let plan = Plan { lead_time: &lead, review_days: 1, lot: 12.0 };
    let (over, under) = (1.0, 6.0);
    let cycle = Cycle::new(&outlook, &plan).unwrap();
    let cost = |s: f64| {
        let of =
            |y: f64| over * cycle.until_next.leftover(y) + under * cycle.until_next.shortage(y);
        cycle.mean_of(s, of)
    };
    let found = levels(&outlook, &plan, Target::Cost { over, under }).unwrap().reorder_point;
    for other in -1..60 {
        assert!(cost(f64::from(other)) >= cost(found) - 1e-9, "{other} beats {found}");
    }
}

/// A fill rate found here is the one that a plain simulation of the same policy has.
#[test]
fn fill_rate_is_what_happens() {
    let (days, lead) = (steady(2.0, 1.0), LeadTime::fixed(3));
    let plan = Plan { lead_time: &lead, review_days: 1, lot: 8.0 };
    let promised = levels(&outlook(&days, Grain::Pieces), &plan, Target::Fill(0.9)).unwrap();
    let chances = crate::poisson(2.0).unwrap();
    let mut random = souk_math::Random::new(7);
    let (mut stock, mut on_way, mut short, mut sold) = (10.0_f64, vec![0.0; 3], 0.0, 0.0);
    for day in 0..200_000 {
        let position = stock + on_way.iter().sum::<f64>();
        let lots = ((promised.reorder_point - position) / 8.0).floor() + 1.0;
        on_way.push(8.0 * lots.max(0.0));
        stock += on_way.remove(0);
        let (mut demand, mut left) = (0.0, random.unit64());
        for chance in &chances {
            left -= chance;
            if left < 0.0 {
                break;
            }
            demand += 1.0;
        }
        if day >= 100 {
            short += (demand - stock.max(0.0)).clamp(0.0, demand);
            sold += demand;
        }
        stock -= demand;
    }
    let found = 1.0 - short / sold;
    assert!((found - promised.fill_rate).abs() < 0.004, "{found} {}", promised.fill_rate);
}

#[test]
fn bad_numbers_are_named() {
    let (days, lead) = (steady(1.0, 1.0), LeadTime::fixed(70));
    let outlook = outlook(&days, Grain::Pieces);
    let plan = Plan { lead_time: &lead, review_days: 7, lot: 0.0 };
    let short = levels(&outlook, &plan, Target::Fill(0.9)).unwrap_err();
    assert_eq!(short, PolicyError::ShortHorizon { have: 60, need: 77 });
    let lead = LeadTime::fixed(1);
    let plan = Plan { lead_time: &lead, ..plan };
    for bad in [f64::NAN, 0.0, 1.0, -0.5, f64::INFINITY] {
        assert!(levels(&outlook, &plan, Target::Fill(bad)).is_err());
        assert!(levels(&outlook, &plan, Target::Cycle(bad)).is_err());
    }
    for bad in [f64::NAN, -1.0, f64::INFINITY] {
        assert!(levels(&outlook, &plan, Target::Cost { over: bad, under: 1.0 }).is_err());
        assert!(levels(&outlook, &Plan { lot: bad, ..plan }, Target::Fill(0.9)).is_err());
    }
    assert!(levels(&outlook, &Plan { review_days: 0, ..plan }, Target::Fill(0.9)).is_err());
    assert!(levels_at(&outlook, &plan, f64::NAN).is_err());
    // Nothing sells: nothing is kept.
    let none = steady(0.0, 1.0);
    let outlook = Outlook::Days { days: &none, level_error: 0.0, grain: Grain::Pieces };
    let found = levels(&outlook, &plan, Target::Cycle(0.99)).unwrap();
    assert_eq!((found.reorder_point, found.order_up_to), (-1.0, 0.0));
}
