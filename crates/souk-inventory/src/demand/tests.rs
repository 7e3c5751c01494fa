use super::*;

fn days(mean: f64, dispersion: f64) -> Vec<DayDemand> {
    vec![DayDemand { mean, dispersion }; 60]
}

fn outlook(days: &[DayDemand], grain: Grain) -> Outlook<'_> {
    Outlook::Days { days, level_error: 0.0, grain }
}

/// Silver, Pyke and Thomas §6.10: the variance over a lead time that varies is E(L)·σ² + μ²·Var(L).
#[test]
fn lead_times_that_vary_widen_demand() {
    let days = days(4.0, 1.5);
    let lead = LeadTime::of_chances(vec![(2, 0.25), (4, 0.5), (6, 0.25)]).unwrap();
    let total = Total::over(&outlook(&days, Grain::Pieces), &lead, 0).unwrap();
    assert_eq!((lead.mean(), lead.longest()), (4.0, 6));
    assert!((total.mean() - 16.0).abs() < 1e-9);
    // 4 · 6 + 16 · 2.
    assert!((total.variance() - 56.0).abs() < 1e-6, "{}", total.variance());
    assert_eq!(lead.chance_beyond(4.0), 0.25);
    assert!((lead.deviation() - 2.0_f64.sqrt()).abs() < 1e-12);
}

/// Sums of Poisson days are Poisson: 4 days of 1.5 are scipy's poisson(6), with quantiles 6, 10 and 12 at .5, .95 and .99.
#[test]
fn sums_of_days_by_reference() {
    let days = days(1.5, 1.0);
    let total = Total::of_days(&outlook(&days, Grain::Pieces), 4).unwrap();
    let quantile = |chance| total.quantile(chance).unwrap();
    assert_eq!((quantile(0.5), quantile(0.95), quantile(0.99)), (6.0, 10.0, 12.0));
    // E (D − 6)⁺ of poisson(6) is 6 · P(D = 6): 0.963739.
    assert!((total.shortage(6.0) - 0.963_738_8).abs() < 1e-6, "{}", total.shortage(6.0));
    assert!((total.shortage(6.0) - total.leftover(6.0)).abs() < 1e-9);
    assert_eq!(total.shortage(-2.0), total.mean() + 2.0);
    // Between whole units the shortage is a straight line.
    let middle = (total.shortage(6.0) + total.shortage(7.0)) / 2.0;
    assert!((total.shortage(6.5) - middle).abs() < 1e-12);
}

/// An exponential distribution by hand: mean 3, deviation 3.
#[test]
fn measured_goods_are_gamma() {
    let days = [DayDemand { mean: 3.0, dispersion: 3.0 }];
    let total = Total::of_days(&outlook(&days, Grain::Measured), 1).unwrap();
    assert!((total.quantile(0.9).unwrap() - 3.0 * 10.0_f64.ln()).abs() < 1e-9);
    assert!((total.shortage(3.0) - 3.0 * (-1.0_f64).exp()).abs() < 1e-9);
}

/// At the border between counting and the gamma distribution, both say the same to a piece.
#[test]
fn many_pieces_are_counted_or_not() {
    let few = days(499.9 / 10.0, 2.0);
    let many = days(500.1 / 10.0, 2.0);
    for chance in [0.1, 0.5, 0.95, 0.99] {
        let quantile = |days: &[DayDemand]| {
            let total = Total::of_days(&outlook(days, Grain::Pieces), 10).unwrap();
            total.quantile(chance).unwrap()
        };
        assert!((quantile(&few) - quantile(&many)).abs() <= 2.0, "{chance}");
    }
}

/// The level's error adds (10 % of 400)² to 4 · 100 days' own variance.
#[test]
fn an_error_of_the_level_does_not_average_out() {
    let days = days(100.0, 1.0);
    let with = Outlook::Days { days: &days, level_error: 0.1, grain: Grain::Pieces };
    let total = Total::of_days(&with, 4).unwrap();
    assert!((total.variance() - 2_000.0).abs() < 1e-3, "{}", total.variance());
}

#[test]
fn paths_are_counted() {
    let paths = [vec![1.0, 2.0], vec![3.0, 4.0], vec![0.0, 1.0], vec![5.0, 0.0]];
    let with = Outlook::Paths { paths: &paths, grain: Grain::Pieces };
    let total = Total::of_days(&with, 2).unwrap();
    // Sums 3, 7, 1, 5.
    assert_eq!((total.mean(), total.at_most(3.0), total.at_most(2.9)), (4.0, 0.5, 0.25));
    assert_eq!((total.shortage(4.0), total.quantile(0.75).unwrap()), (1.0, 5.0));
    assert_eq!(total.quantile(0.9).unwrap(), 7.0);
}

#[test]
fn quantiles_give_the_dispersion() {
    // Normal with mean 100 and deviation 20.
    let z = 1.281_551_565_544_6;
    let quantiles = [(0.1, 100.0 - 20.0 * z), (0.5, 100.0), (0.9, 100.0 + 20.0 * z)];
    let found = DayDemand::of_quantiles(100.0, &quantiles).unwrap();
    assert!((found.dispersion - 4.0).abs() < 1e-9);
    assert_eq!(DayDemand::of_quantiles(0.0, &[(0.9, 0.0)]).unwrap().dispersion, 1.0);
    assert!(DayDemand::of_quantiles(1.0, &[(1.0, 2.0)]).is_err());
    let week: Vec<DayDemand> =
        (1..=8).map(|k| DayDemand { mean: f64::from(k), dispersion: 1.0 }).collect();
    let means: Vec<f64> = DayDemand::extended(&week, 10).iter().map(|day| day.mean).collect();
    assert_eq!(means, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 2.0, 3.0]);
}

#[test]
fn lead_times_keep_their_moments() {
    for (mean, sd) in [(1.0, 0.5), (3.5, 0.0), (7.0, 2.0), (21.0, 6.0)] {
        let lead = LeadTime::of_moments(mean, sd).unwrap();
        assert!((lead.mean() - mean).abs() < 0.04 * mean, "{mean} {sd}: {}", lead.mean());
        let whole = if sd == 0.0 { 0.5 } else { sd };
        assert!(
            (lead.deviation() - whole).abs() < 0.1 * whole,
            "{mean} {sd}: {}",
            lead.deviation()
        );
    }
    assert_eq!(
        LeadTime::of_seen(&[2, 3, 2, 5]).unwrap().chances(),
        [(2, 0.5), (3, 0.25), (5, 0.25)]
    );
    assert_eq!(LeadTime::of_moments(0.0, 0.0).unwrap(), LeadTime::fixed(0));
}

#[test]
fn bad_numbers_are_named() {
    let days = days(1.0, 1.0);
    let short = Total::of_days(&outlook(&days[..3], Grain::Pieces), 5).unwrap_err();
    assert_eq!(short.to_string(), "demand is known for 3 days, 5 are needed: forecast 5 days");
    for bad in [f64::NAN, f64::INFINITY, -1.0] {
        let day = [DayDemand { mean: bad, dispersion: 1.0 }];
        assert!(Total::of_days(&outlook(&day, Grain::Pieces), 1).is_err());
        let day = [DayDemand { mean: 1.0, dispersion: bad }];
        assert!(Total::of_days(&outlook(&day, Grain::Measured), 1).is_err());
        assert!(LeadTime::of_moments(bad, 1.0).is_err() && LeadTime::of_moments(1.0, bad).is_err());
        assert!(LeadTime::of_chances(vec![(1, bad)]).is_err());
        let path = [vec![bad]];
        let with = Outlook::Paths { paths: &path, grain: Grain::Pieces };
        assert!(Total::of_days(&with, 1).is_err());
    }
    assert!(LeadTime::of_seen(&[]).is_err() && LeadTime::of_seen(&[5_000]).is_err());
    let none = Outlook::Paths { paths: &[], grain: Grain::Pieces };
    assert!(Total::of_days(&none, 0).is_err());
}
