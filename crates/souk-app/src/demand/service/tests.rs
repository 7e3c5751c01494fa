use super::*;

fn poisson(this: f64, next: f64) -> Stretch {
    let total = |mean: f64| TotalDemand { mean, variance: mean, is_count: true };
    Stretch { until_this: total(this), until_next: total(next) }
}

/// Units that are short between two arrivals, straight from the definition.
fn short(one: &Stretch, chance: f64) -> f64 {
    let level = one.until_next.quantile(chance);
    one.until_next.expected_above(level) - one.until_this.expected_above(level)
}

fn served(all: &[Stretch], chance: f64) -> f64 {
    let wanted: f64 = all.iter().map(Stretch::wanted).sum();
    let short: f64 = all.iter().map(|one| short(one, chance)).sum();
    wanted / (wanted + short)
}

#[test]
fn one_product_by_hand() {
    // Poisson(2) within ten days of which three are the lead time: 1.4 wanted. With 3 pieces, E (D − 3)⁺ of Poisson(2) is
    // Σ (k − 3)⁺ p(k) = 0.218, that of Poisson(0.6) 0.004: 0.214 are short, so 1.4 / 1.614 = 0.867 are served; with 4, 0.949.
    let one = [poisson(0.6, 2.0)];
    let three = common_chance(&one, 0.867);
    assert_eq!(one[0].until_next.quantile(three), 3.0);
    assert!((served(&one, three) - 0.867).abs() < 2e-3, "{}", served(&one, three));
    let four = common_chance(&one, 0.88);
    assert_eq!(one[0].until_next.quantile(four), 4.0);
}

#[test]
fn many_products_together_serve_what_is_asked_for() {
    let all: Vec<Stretch> = (1..120)
        .map(|idx| {
            let mean = 0.05 * f64::from(idx) * f64::from(1 + idx % 7);
            let mut one = poisson(0.3 * mean, mean);
            one.until_next.variance *= 1.0 + f64::from(idx % 4);
            one
        })
        .collect();
    for aim in [0.8, 0.9, 0.95, 0.98, 0.995] {
        let chance = common_chance(&all, aim);
        let got = served(&all, chance);
        assert!(got >= aim && got < aim + 0.004, "{aim}: {got} at {chance}");
        // Each by itself would serve more than was asked for.
        let alone = all.iter().map(|one| short(one, common_chance(&[*one], aim))).sum::<f64>();
        let wanted: f64 = all.iter().map(Stretch::wanted).sum();
        assert!(wanted / (wanted + alone) > got, "{aim}");
    }
}

#[test]
fn measured_and_large_demand_has_levels_too() {
    let total = |mean: f64, is_count| TotalDemand { mean, variance: 4.0 * mean, is_count };
    let of = |is_count| Stretch {
        until_this: total(300.0, is_count),
        until_next: total(1_000.0, is_count),
    };
    for all in [[of(true)], [of(false)]] {
        let chance = common_chance(&all, 0.98);
        assert!((served(&all, chance) - 0.98).abs() < 2e-3, "{}", served(&all, chance));
    }
    // Nothing is wanted: any chance serves all of it.
    let none = TotalDemand { mean: 0.0, variance: 0.0, is_count: true };
    let nothing = Stretch { until_this: none, until_next: none };
    assert!(common_chance(&[nothing], 0.95) < 0.21);
}

#[test]
fn litres_have_no_say_in_what_share_of_the_pieces_is_served() {
    let fuel = Stretch {
        until_this: TotalDemand { mean: 30_000.0, variance: 9e6, is_count: false },
        until_next: TotalDemand { mean: 100_000.0, variance: 9e7, is_count: false },
    };
    let goods: Vec<Stretch> = (1..20).map(|idx| poisson(0.3, f64::from(idx))).collect();
    let both: Vec<Stretch> = goods.iter().copied().chain([fuel]).collect();
    assert_eq!(common_chance(&both, 0.95), common_chance(&goods, 0.95));
    // Where all is measured, it is what is served.
    assert_ne!(common_chance(&[fuel], 0.95), common_chance(&goods, 0.95));
}
