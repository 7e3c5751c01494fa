//! Random suppliers, compared with going through everything.

use souk_math::Random;

use super::*;

/// A supplier of small quantities.
fn any(random: &mut Random, units: f64) -> Offer {
    let price = 2.0 + random.below(80) as f64 / 10.0;
    let mut prices = vec![Break { from: 0.0, price }];
    for k in 1..=random.below(3) {
        let from = prices[k - 1].from + 1.0 + random.below(units as usize) as f64;
        prices.push(Break { from, price: prices[k - 1].price * 0.93 });
    }
    let chance = |random: &mut Random, in_: usize| random.below(in_) == 0;
    let load = |random: &mut Random, size: usize, cost: usize| Load {
        units: 4.0 + random.below(size) as f64,
        cost: random.below(cost) as f64,
    };
    Offer {
        prices,
        minimum: if chance(random, 2) { random.below(units as usize) as f64 / 1.5 } else { 0.0 },
        multiple: [1.0, 2.0, 5.0, 6.0][random.below(4)],
        pallet: chance(random, 2).then(|| load(random, 12, 12)),
        truck: chance(random, 3).then(|| load(random, 40, 40)),
        per_order: random.below(8) as f64,
        lead_time: LeadTime::of_moments(1.0 + random.below(9) as f64, 2.0).unwrap(),
        reliability: 0.8 + random.below(21) as f64 / 100.0,
        capacity: if chance(random, 2) {
            random.below(2 * units as usize) as f64
        } else {
            f64::INFINITY
        },
        contract: if chance(random, 5) { (0.2, 0.7) } else { (0.0, 1.0) },
    }
}

/// The least cost by going through all quantities of all suppliers.
fn least(need: &Need, terms: &[Terms<'_>]) -> Option<f64> {
    fn go(need: &Need, terms: &[Terms<'_>], (ordered, used): (f64, usize)) -> Option<f64> {
        let Some((one, rest)) = terms.split_first() else {
            let is_enough = ordered >= need.units && ordered <= need.most && used <= need.splits;
            return is_enough.then_some(need.surplus * (ordered - need.units));
        };
        let without =
            if one.offer.contract.0 > 0.0 { None } else { go(need, rest, (ordered, used)) };
        let mut best = without.unwrap_or(f64::INFINITY);
        let mut units = one.least;
        while units <= one.most.min(3.0 * need.units) && used < need.splits {
            let more = go(need, rest, (ordered + units, used + 1));
            best = best.min(more.unwrap_or(f64::INFINITY) + one.bill(units).cost());
            units += one.offer.multiple;
        }
        best.is_finite().then_some(best)
    }
    go(need, terms, (0.0, 0))
}

#[test]
fn is_the_least_of_all() {
    let mut random = Random::new(3);
    let mut n_split = 0;
    for case in 0..300 {
        let units = 5.0 + random.below(30) as f64;
        let need = Need {
            most: if case % 3 == 0 { units + 12.0 } else { f64::INFINITY },
            late: 2.0,
            missing: 3.0,
            surplus: [0.0, 0.3, 4.0][random.below(3)],
            ..need(units, 1 + case % 3)
        };
        let offers: Vec<Offer> = (0..3).map(|_| any(&mut random, units)).collect();
        let terms = offers.iter().enumerate().map(|each| Terms::new(&need, each).unwrap());
        let terms: Vec<Terms<'_>> = terms.collect();
        match (choose(&need, &offers), least(&need, &terms)) {
            (Ok(found), Some(least)) => {
                assert!(
                    (found.cost - least).abs() < 1e-6 * least,
                    "{case}: {} {least}",
                    found.cost
                );
                n_split += usize::from(found.orders.len() == 3);
            }
            (Err(PolicyError::NoSupply { .. }), None) => {}
            (found, least) => panic!("{case}: {found:?} {least:?}"),
        }
    }
    assert!(n_split > 3, "{n_split} splits among three");
}
