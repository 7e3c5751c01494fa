use super::*;
use crate::demand::{DayDemand, Grain, Outlook};
use crate::protection::{Plan, Target, levels};

fn shop(lead: u32, shelf_days: Option<usize>, unmet: Unmet) -> Shop {
    Shop {
        lead_time: LeadTime::fixed(lead),
        review_days: 1,
        shelf_days,
        unmet,
        opening: 5.0,
        money: Money {
            price: 3.0,
            cost: 2.0,
            holding: 0.1,
            per_order: 1.0,
            unmet: 0.5,
            waste: 0.2,
        },
    }
}

fn stocks(found: &Outcome) -> Vec<f64> {
    found.days.iter().map(|day| day.stock).collect()
}

/// By hand: 5 in stock, base stock 5, a day of lead time. Day 0 sells 4; day 1 orders 4 (position 1), asks for 3: 1 sold, 2 lost;
/// day 2 receives 4, orders 1 to be at 5, sells 2; day 3 receives 1, orders 2, and asks for nothing.
#[test]
fn lost_sales_by_hand() {
    let mut policy = |sight: &Sight<'_>| (5.0 - sight.position()).max(0.0);
    let shop = shop(1, None, Unmet::Lost);
    let found = simulate(&shop, &[4.0, 3.0, 2.0, 0.0], &mut policy, 1).unwrap();
    assert_eq!(stocks(&found), [1.0, 0.0, 2.0, 3.0]);
    let ordered: Vec<f64> = found.days.iter().map(|day| day.ordered).collect();
    assert_eq!(ordered, [0.0, 4.0, 1.0, 2.0]);
    assert_eq!((found.unmet, found.orders, found.stock, found.wasted), (2.0, 3, 1.5, 0.0));
    assert!((found.fill_rate - 7.0 / 9.0).abs() < 1e-12);
    // Days 0 and 1; 2; 3.
    assert!((found.cycle_service - 2.0 / 3.0).abs() < 1e-12);
    // Holding 0.6, orders 3, unmet 1; 21 of sales; 5 + 5 − 3 units bought and used for 14.
    assert!((found.profit - (21.0 - 14.0 - 4.6)).abs() < 1e-12, "{}", found.profit);
    // The lost margin is 2 more.
    assert!((found.cost - 6.6).abs() < 1e-12, "{}", found.cost);
}

/// The same demand, but it waits: the position counts what waits.
#[test]
fn waiting_demand_by_hand() {
    let mut policy = |sight: &Sight<'_>| (5.0 - sight.position()).max(0.0);
    let found =
        simulate(&shop(1, None, Unmet::Waits), &[4.0, 3.0, 2.0, 0.0], &mut policy, 1).unwrap();
    // Day 2: 4 arrive, of which 2 go to those who waited; it orders 5 − (4 − 2); then sells 2.
    assert_eq!(stocks(&found), [1.0, 0.0, 0.0, 3.0]);
    assert_eq!((found.unmet, found.days[2].sold, found.days[2].ordered), (2.0, 4.0, 3.0));
    // One night of two waiting units, 0.4 of holding, orders on the days 1 to 3.
    assert!((found.cost - (1.0 + 0.4 + 3.0)).abs() < 1e-12, "{}", found.cost);
}

/// Two days of shelf life, oldest first: 5 on day 0, of which 1 sells on each of two days, 3 are thrown away; the fresh ones stay.
#[test]
fn the_oldest_goes_first_and_expires_first() {
    let mut policy = |sight: &Sight<'_>| if sight.day == 0 { 4.0 } else { 0.0 };
    let found = simulate(&shop(1, Some(2), Unmet::Lost), &[1.0; 4], &mut policy, 1).unwrap();
    assert_eq!(stocks(&found), [4.0, 4.0, 0.0, 0.0]);
    let wasted: Vec<f64> = found.days.iter().map(|day| day.wasted).collect();
    assert_eq!(wasted, [0.0, 3.0, 3.0, 0.0]);
    assert_eq!((found.wasted, found.unmet), (6.0, 1.0));
    let mut seen = Vec::new();
    let mut policy = |sight: &Sight<'_>| {
        seen.push(sight.lots.to_vec());
        if sight.day == 0 { 4.0 } else { 0.0 }
    };
    simulate(&shop(1, Some(3), Unmet::Lost), &[1.0; 2], &mut policy, 1).unwrap();
    assert_eq!(seen, [vec![(5.0, 3)], vec![(4.0, 2), (4.0, 3)]]);
}

/// Without a lead time an order is there the same day; reviews come every so many days.
#[test]
fn reviews_and_no_lead_time() {
    let mut asked = Vec::new();
    let mut policy = |sight: &Sight<'_>| {
        asked.push(sight.day);
        2.0
    };
    let shop = Shop { review_days: 3, opening: 0.0, ..shop(0, None, Unmet::Lost) };
    let found = simulate(&shop, &[1.0; 5], &mut policy, 1).unwrap();
    assert_eq!(asked, [0, 3]);
    assert_eq!(stocks(&found), [1.0, 0.0, 0.0, 1.0, 0.0]);
}

/// Levels that promise a fill rate keep it; where lead times vary, orders overtake one another and it turns out better. The same
/// seed gives the same days.
#[test]
fn promises_are_kept() {
    let days = [DayDemand { mean: 3.0, dispersion: 1.0 }; 40];
    let outlook = Outlook::Days { days: &days, level_error: 0.0, grain: Grain::Pieces };
    let chances = crate::poisson(3.0).unwrap();
    let mut random = Random::new(9);
    let mut draw = || {
        let mut left = random.unit64();
        let reach = |chance: &f64| {
            left -= chance;
            left < 0.0
        };
        chances.iter().position(reach).unwrap_or(0) as f64
    };
    let demand: Vec<f64> = (0..50_000).map(|_| draw()).collect();
    for (sd, better) in [(0.0, 0.003), (1.0, 0.02)] {
        let lead = LeadTime::of_moments(4.0, sd).unwrap();
        let plan = Plan { lead_time: &lead, review_days: 1, lot: 0.0 };
        let promised = levels(&outlook, &plan, Target::Fill(0.95)).unwrap();
        let shop = Shop { lead_time: lead.clone(), ..shop(0, None, Unmet::Waits) };
        let mut policy = |sight: &Sight<'_>| (promised.order_up_to - sight.position()).max(0.0);
        let found = simulate(&shop, &demand, &mut policy, 4).unwrap();
        let more = found.fill_rate - promised.fill_rate;
        assert!(more > -0.003 && more < better, "{} {}", found.fill_rate, promised.fill_rate);
        assert_eq!(simulate(&shop, &demand, &mut policy, 4).unwrap(), found);
    }
}

#[test]
fn bad_numbers_are_named() {
    let good = shop(1, None, Unmet::Lost);
    for bad in [f64::NAN, -1.0, f64::INFINITY] {
        assert!(simulate(&good, &[bad], &mut |_: &Sight<'_>| 0.0, 1).is_err());
        let refused = simulate(&good, &[1.0], &mut |_: &Sight<'_>| bad, 1).unwrap_err();
        assert!(refused.to_string().starts_with("the units that the policy orders is"));
        assert!(
            simulate(&Shop { opening: bad, ..good.clone() }, &[], &mut |_: &Sight<'_>| 0.0, 1)
                .is_err()
        );
    }
    assert!(
        simulate(&Shop { review_days: 0, ..good.clone() }, &[], &mut |_: &Sight<'_>| 0.0, 1)
            .is_err()
    );
    assert!(
        simulate(&Shop { shelf_days: Some(0), ..good }, &[], &mut |_: &Sight<'_>| 0.0, 1).is_err()
    );
}
