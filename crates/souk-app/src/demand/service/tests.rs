use super::*;

fn poisson(this: f64, next: f64) -> Stretch {
    let total = |mean: f64| TotalDemand { mean, variance: mean, is_count: true };
    let left_over = LeftOver::default();
    Stretch { until_this: total(this), until_next: total(next), left_over }
}

/// Poisson demand of a week, of which this share of what stands there is lost each day.
fn lossy(mean: f64, lost_share: f64) -> Stretch {
    Stretch { left_over: LeftOver::of(lost_share, 7.0), ..poisson(0.0, mean) }
}

fn none_alone(of_all: f64) -> Share {
    Share { of_all, of_each: 0.0 }
}

/// Units that are short between two arrivals, straight from the definition.
fn short(one: &Stretch, chance: f64) -> f64 {
    let level = one.until_next.quantile(chance);
    one.until_next.expected_above(level) - one.until_this.expected_above(level)
}

fn served(all: &[Stretch], aimed: &[Aimed]) -> f64 {
    let wanted: f64 = all.iter().map(|one| one.between().mean).sum();
    let short: f64 = all.iter().zip(aimed).map(|(one, aimed)| short(one, aimed.chance)).sum();
    wanted / (wanted + short)
}

#[test]
fn one_product_by_hand() {
    // Poisson(2) within ten days of which three are the lead time: 1.4 wanted. With 3 pieces, E (D − 3)⁺ of Poisson(2) is
    // Σ (k − 3)⁺ p(k) = 0.218, that of Poisson(0.6) 0.004: 0.214 are short, so 1.4 / 1.614 = 0.867 are served; with 4, 0.949.
    let one = [poisson(0.6, 2.0)];
    let level = |share: f64| {
        let aimed = chances_to_serve(&one, none_alone(share));
        one[0].until_next.quantile(aimed[0].chance)
    };
    assert_eq!((level(0.867), level(0.869), level(0.948)), (3.0, 4.0, 4.0));
    let three = chances_to_serve(&one, none_alone(0.867));
    assert!((served(&one, &three) - 0.867).abs() < 2e-3, "{}", served(&one, &three));
}

/// Chances of 0, 1, … of a Poisson distribution, by its definition.
fn chances(mean: f64) -> Vec<f64> {
    let mut chance = (-mean).exp();
    let next = |k: usize| {
        let now = chance;
        chance *= mean / (k + 1) as f64;
        now
    };
    (0..60).map(next).collect()
}

#[test]
fn no_other_levels_serve_as_much_with_fewer_units() {
    let assortments: [&[f64]; 4] =
        [&[1.0, 6.0], &[5.0, 1.3, 0.2], &[3.0, 7.0, 2.1], &[1.1, 2.9, 4.6, 0.7]];
    for means in assortments {
        for lead in [0.0, 0.3] {
            let all: Vec<Stretch> = means.iter().map(|mean| poisson(lead * mean, *mean)).collect();
            let n: usize = 16;
            let beyond = |mean: f64, level: usize| -> f64 {
                let of = |(k, chance): (usize, f64)| chance * k.saturating_sub(level) as f64;
                chances(mean).into_iter().enumerate().map(of).sum()
            };
            let lost: Vec<Vec<f64>> = means
                .iter()
                .map(|mean| (0..n).map(|s| beyond(*mean, s) - beyond(lead * mean, s)).collect())
                .collect();
            let wanted: f64 = means.iter().map(|mean| (1.0 - lead) * mean).sum();
            // For each number of units in all, the least that is short.
            let mut least = vec![f64::INFINITY; n * means.len()];
            for number in 0..n.pow(means.len() as u32) {
                let of = |idx: usize| number / n.pow(idx as u32) % n;
                let units: usize = (0..means.len()).map(of).sum();
                let sum: f64 = (0..means.len()).map(|idx| lost[idx][of(idx)]).sum();
                least[units] = least[units].min(sum);
            }
            for aim in [0.8, 0.9, 0.95, 0.98] {
                let aimed = chances_to_serve(&all, none_alone(aim));
                let level =
                    |(one, aimed): (&Stretch, &Aimed)| one.until_next.quantile(aimed.chance);
                let units = all.iter().zip(&aimed).map(level).sum::<f64>() as usize;
                let enough = wanted * (1.0 / aim - 1.0);
                let fewest = least.iter().position(|short| *short <= enough).unwrap();
                // What was short before this order came is the same for all but a trifle: a piece more at most.
                let more = if lead > 0.0 { 1 } else { 0 };
                assert!(
                    (fewest..=fewest + more).contains(&units),
                    "{means:?} {lead} {aim}: {units} {fewest}"
                );
                assert!(served(&all, &aimed) >= aim);
            }
        }
    }
}

/// What is there when an order of so many has come, with its chance, case by case, and what is wanted after that.
fn cases(one: &Stretch, stock: Stock, ordered: usize) -> Vec<(f64, usize, usize)> {
    let second = chances(one.until_next.mean - one.until_this.mean);
    let mut cases = Vec::new();
    for (wanted, chance) in chances(one.until_this.mean).iter().enumerate() {
        let there = (stock.held as usize).saturating_sub(wanted) + stock.later as usize + ordered;
        cases.extend(second.iter().enumerate().map(|(next, of)| (chance * of, there, next)));
    }
    cases
}

#[test]
fn what_is_lost_before_an_order_comes_is_not_ordered() {
    // Poisson(10) until the next one is there exceeds 14 in fewer than a tenth, Poisson(7) from this one on 10.
    let one = poisson(3.0, 10.0);
    let spared = |held: f64, later: f64| one.spared(0.9, Stock { held, later }, 0.0);
    assert_eq!((one.until_next.quantile(0.9), spared(0.0, 0.0)), (14.0, 4.0));
    // Of a shelf that lasts until then nothing is lost, and where enough is there anyway, nothing is ordered.
    assert_eq!((spared(12.0, 0.0), spared(0.0, 30.0)), (0.0, 0.0));
    for (one, held, later) in
        [(one, 1, 0), (one, 3, 2), (poisson(0.4, 1.1), 0, 0), (poisson(2.0, 4.5), 1, 1)]
    {
        let stock = Stock { held: f64::from(held), later: f64::from(later) };
        for chance in [0.5, 0.7, 0.9, 0.97] {
            let suffices = |ordered: usize| -> f64 {
                let cases = cases(&one, stock, ordered);
                cases.iter().filter(|(_, there, next)| next <= there).map(|case| case.0).sum()
            };
            let fewest = (0..60).find(|ordered| suffices(*ordered) >= chance).unwrap();
            let asked = one.until_next.quantile(chance) - stock.held - stock.later;
            let ours = (asked - one.spared(chance, stock, 0.0)).max(0.0);
            // What is neither there nor on its way is ordered, though nothing may be wanted with that chance.
            let fewest = if held + later == 0 { fewest.max(1) } else { fewest };
            assert_eq!(ours, fewest as f64, "{one:?} {stock:?} {chance}");
            let lost: f64 = cases(&one, stock, fewest)
                .iter()
                .map(|(chance, there, next)| chance * next.saturating_sub(*there) as f64)
                .sum();
            let told = one.served(ours, stock).unwrap();
            assert!((told - (1.0 - lost / one.between().mean)).abs() < 1e-6, "{told} {lost}");
        }
    }
    // What is measured: of an empty shelf, normal(70, √(121 − 36)) between the two arrivals.
    let total = |mean, variance| TotalDemand { mean, variance, is_count: false };
    let litres = Stretch {
        until_this: total(30.0, 36.0),
        until_next: total(100.0, 121.0),
        left_over: LeftOver::default(),
    };
    let ordered =
        litres.until_next.quantile(0.9) - litres.spared(0.9, Stock { held: 0.0, later: 0.0 }, 0.5);
    let own = total(70.0, 121.0 - 36.0).quantile(0.9);
    assert!((ordered - own).abs() < 0.5, "{ordered} {own}");
    assert_eq!(poisson(1.4, 1.4).served(1.0, Stock { held: 0.0, later: 0.0 }), None);
}

fn assortment() -> Vec<Stretch> {
    let of = |idx: i32| {
        let mean = 0.05 * f64::from(idx) * f64::from(1 + idx % 7);
        let mut one = poisson(0.3 * mean, mean);
        one.until_next.variance *= 1.0 + f64::from(idx % 4);
        one
    };
    (1..120).map(of).collect()
}

#[test]
fn many_products_together_serve_what_is_asked_for() {
    let all = assortment();
    for aim in [0.8, 0.9, 0.95, 0.98, 0.995] {
        let got = served(&all, &chances_to_serve(&all, none_alone(aim)));
        assert!(got >= aim && got < aim + 0.004, "{aim}: {got}");
        // Each by itself would serve more than was asked for.
        let own = Share { of_all: aim, of_each: aim };
        assert!(served(&all, &chances_to_serve(&all, own)) > got, "{aim}");
    }
}

#[test]
fn a_slow_product_is_not_given_up() {
    // One that sells once in a hundred days, beside those that sell.
    let mut all = assortment();
    all.push(poisson(0.03, 0.1));
    let slow = all.len() - 1;
    let level = |aimed: &[Aimed], idx: usize| all[idx].until_next.quantile(aimed[idx].chance);
    let alike = chances_to_serve(&all, none_alone(0.9));
    assert_eq!((level(&alike, slow), alike[slow].reason), (0.0, Reason::Shared));
    let share = Share { of_all: 0.9, of_each: 0.5 };
    let kept = chances_to_serve(&all, share);
    assert_eq!((level(&kept, slow), kept[slow].reason), (1.0, Reason::OfEach));
    let text = ", because less would serve less than 50 % of what is wanted of it";
    assert_eq!(kept[slow].text(share), text);
    for (one, aimed) in all.iter().zip(&kept) {
        assert!(short(one, aimed.chance) <= 0.5 * one.between().mean + 1e-9, "{one:?}");
    }
    // What they serve beyond is not served by others.
    let got = served(&all, &kept);
    assert!((0.9..0.904).contains(&got), "{got}");
    let common =
        |all: &[Aimed]| all.iter().find(|one| one.reason == Reason::Shared).unwrap().chance;
    assert!(common(&kept) < common(&alike), "{} {}", common(&kept), common(&alike));
}

#[test]
fn measured_and_large_demand_has_levels_too() {
    let total = |mean: f64, is_count| TotalDemand { mean, variance: 4.0 * mean, is_count };
    let of = |is_count| Stretch {
        until_this: total(300.0, is_count),
        until_next: total(1_000.0, is_count),
        left_over: LeftOver::default(),
    };
    for all in [[of(true)], [of(false)]] {
        let got = served(&all, &chances_to_serve(&all, none_alone(0.98)));
        assert!((got - 0.98).abs() < 2e-3, "{got}");
    }
    // Nothing is wanted: any chance serves all of it.
    let none = TotalDemand { mean: 0.0, variance: 0.0, is_count: true };
    let nothing = Stretch { until_this: none, until_next: none, left_over: LeftOver::default() };
    assert!(chances_to_serve(&[nothing], none_alone(0.95))[0].chance < 0.21);
}

#[test]
fn litres_have_no_say_in_what_share_of_the_pieces_is_served() {
    let fuel = Stretch {
        until_this: TotalDemand { mean: 30_000.0, variance: 9e6, is_count: false },
        until_next: TotalDemand { mean: 100_000.0, variance: 9e7, is_count: false },
        left_over: LeftOver::default(),
    };
    let goods: Vec<Stretch> = (1..20).map(|idx| poisson(0.3, f64::from(idx))).collect();
    let both: Vec<Stretch> = goods.iter().copied().chain([fuel]).collect();
    let of = |all: &[Stretch]| chances_to_serve(all, none_alone(0.95))[0].chance;
    assert_eq!(of(&both), of(&goods));
    // Where all is measured, it is what is served.
    assert_ne!(of(&[fuel]), of(&goods));
}

#[test]
fn an_empty_shelf_of_a_slow_product_does_not_stay_empty() {
    // Looked at each day, and an order takes two weeks: what sells once in 25 to 50 days beside what sells each day.
    let daily = |mean: f64| poisson(14.0 * mean, 15.0 * mean);
    let mut all: Vec<Stretch> = (0..120).map(|idx| daily(1.0 + 0.1 * f64::from(idx))).collect();
    let slow = [0.02, 0.025, 0.03, 0.04];
    all.extend(slow.map(daily));
    for of_each in [0.5, 0.0] {
        let aimed = chances_to_serve(&all, Share { of_all: 0.95, of_each });
        for idx in 120..all.len() {
            let (one, chance) = (&all[idx], aimed[idx].chance);
            // Between two arrivals nothing is wanted with a greater chance than that.
            assert!((-one.between().mean).exp() > chance, "{one:?} {chance}");
            let ordered = |held: f64, later: f64| {
                let stock = Stock { held, later };
                let asked = one.until_next.quantile(chance) - held - later;
                (asked - one.spared(chance, stock, of_each)).max(0.0)
            };
            assert_eq!(ordered(0.0, 0.0), one.until_next.quantile(chance).min(1.0), "{one:?}");
            // One on its way is enough.
            assert_eq!(ordered(0.0, 1.0), 0.0, "{one:?}");
        }
    }
    // What is left serves the least share of its own, whatever the chance spares.
    let (one, stock) = (poisson(14.0, 14.5), Stock { held: 1.0, later: 0.0 });
    let left =
        |of_each: f64| one.until_next.quantile(0.5) - stock.held - one.spared(0.5, stock, of_each);
    assert_eq!((left(0.0), left(0.5)), (0.0, 1.0));
    assert!(one.served(1.0, stock).unwrap() >= 0.5);
}

#[test]
fn what_an_empty_shelf_loses_is_sold_from_no_order() {
    // Five wanted on average before it is there, and five after that.
    let one = poisson(5.0, 10.0);
    // P(X ≤ 4) = 0.4405 and P(X ≤ 5) = 0.6160 of a Poisson variable with mean 5.
    let empty = Stock { held: 0.0, later: 0.0 };
    assert_eq!(one.sellable(0.5, empty), Some(5.0));
    assert_eq!(one.sellable(0.5, Stock { held: 0.0, later: 3.0 }), Some(2.0));
    // Of ten five are sold on average, less what is wanted beyond ten: E (X − 10)⁺ = 0.0222.
    let unsold = one.unsold(10.0, empty).unwrap();
    assert!((unsold - 5.0222).abs() < 1e-3, "{unsold}");
    // Where there is enough, all of what is wanted comes off what is there.
    let full = Stock { held: 40.0, later: 0.0 };
    assert_eq!((one.sellable(0.5, full), one.unsold(10.0, full)), (None, None));
}

#[test]
fn what_is_lost_on_the_shelf_is_kept_less_of() {
    // Tins, bread of which 2.8 % is lost a day, and cheese of which 1 % is.
    for shares in [[0.0, 0.0, 0.028], [0.0, 0.028, 0.01], [0.01, 0.0, 0.028]] {
        let means = [3.0, 7.0, 4.6];
        let all: Vec<Stretch> =
            means.iter().zip(shares).map(|(mean, share)| lossy(*mean, share)).collect();
        let n: usize = 24;
        let lost: Vec<Vec<f64>> = means
            .iter()
            .map(|mean| {
                (0..n)
                    .map(|level| poisson(0.0, *mean).until_next.expected_above(level as f64))
                    .collect()
            })
            .collect();
        // What a piece that is left over costs in a week, in parts of what it costs to buy.
        let cost = shares.map(|share| 0.007 + 1.0 - f64::powi(1.0 - share, 7));
        for of_all in [0.9, 0.95, 0.97] {
            let aimed = chances_to_serve(&all, none_alone(of_all));
            let level = |(one, aimed): (&Stretch, &Aimed)| one.until_next.quantile(aimed.chance);
            let ours: Vec<usize> = all.iter().zip(&aimed).map(|one| level(one) as usize).collect();
            let short: f64 = (0..3).map(|idx| lost[idx][ours[idx]]).sum();
            let costs = |levels: &[usize]| -> f64 {
                (0..3).map(|idx| cost[idx] * levels[idx] as f64).sum()
            };
            assert!(short <= means.iter().sum::<f64>() * (1.0 / of_all - 1.0), "{short}");
            for number in 0..n.pow(3) {
                let levels = [number % n, number / n % n, number / n / n];
                let of_own = |idx: usize| lost[idx][levels[idx]] / means[idx];
                let is_kept =
                    |idx: usize| shares[idx] == 0.0 || of_own(idx) <= 3.0 * (1.0 - of_all);
                let others: f64 = (0..3).map(|idx| lost[idx][levels[idx]]).sum();
                if others <= short && (0..3).all(is_kept) {
                    assert!(
                        costs(&levels) > costs(&ours) - 1e-9,
                        "{shares:?} {of_all}: {levels:?} cost less than {ours:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn what_is_lost_on_the_shelf_is_not_given_up() {
    let mut all = assortment();
    all.push(lossy(20.0, 0.09));
    let bread = all.len() - 1;
    for of_all in [0.9, 0.95, 0.99, 0.998] {
        let aimed = chances_to_serve(&all, none_alone(of_all));
        let got = 1.0 - short(&all[bread], aimed[bread].chance) / 20.0;
        let least = 1.0 - 3.0 * (1.0 - of_all);
        assert!(got >= least && got < of_all, "{of_all}: {got}");
        if of_all > 0.9 {
            assert_eq!((aimed[bread].reason, aimed[bread].of_each), (Reason::OfEach, least));
        }
        // Others serve what it does not.
        assert!(served(&all, &aimed) >= of_all);
    }
    // What sells slowly gets no more because some of it is lost.
    for (mean, of_all) in [(0.02, 0.998), (0.05, 0.998), (0.2, 0.998), (0.1, 0.99), (3.0, 0.95)] {
        let with = |lost_share: f64| {
            let mut all = assortment();
            all.push(lossy(mean, lost_share));
            let aimed = chances_to_serve(&all, Share { of_all, of_each: 0.5 });
            lossy(mean, 0.0).until_next.quantile(aimed[all.len() - 1].chance)
        };
        assert!(with(0.001) <= with(0.0), "{mean} {of_all}: {} {}", with(0.001), with(0.0));
    }
    // Where little is lost, the costs decide.
    all[bread] = lossy(20.0, 0.001);
    let share = none_alone(0.95);
    let aimed = chances_to_serve(&all, share);
    let common = aimed[0].chance;
    let misses = (1.0 - aimed[bread].chance) / (1.0 - common);
    assert!((misses - all[bread].left_over.times_dearer()).abs() < 1e-9, "{misses}");
    assert!((1.99..2.0).contains(&misses), "{misses}");
    let text = ", less than of others because 1 % of what is left is lost until the next order is there; all products here \
                together serve 95.0 %";
    assert_eq!(aimed[bread].text(share), text);
}
