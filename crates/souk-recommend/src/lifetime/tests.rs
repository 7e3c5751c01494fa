#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::bg_nbd::{BgNbd, BgNbdFit, Visits};
use super::gamma_gamma::{GammaGamma, GammaGammaFit, Spending};
use super::rfm::{Rfm, RfmCuts, RfmName, RfmScores};
use super::rhythm::{Rhythm, median};
use super::special::{digamma, hypergeometric, ln_gamma};

/// The parameters of Fader, Hardie and Lee (2005), table 2.
const PAPER: BgNbd = BgNbd { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 };

fn customers() -> Vec<(Visits, f64)> {
    let text = include_str!("../../../../testdata/cdnow/customers.csv");
    let row = |line: &str| {
        let numbers: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
        let visits = Visits { repeats: numbers[1] as u32, last: numbers[2], age: numbers[3] };
        (visits, numbers[4])
    };
    text.lines().skip(1).map(row).collect()
}

fn visits(repeats: u32, last: f64, age: f64) -> Visits {
    Visits { repeats, last, age }
}

fn near(found: f64, wanted: f64, tolerance: f64) -> bool {
    (found - wanted).abs() <= tolerance * wanted.abs().max(1e-12)
}

#[test]
fn special_functions_match_mpmath() {
    let cases = [
        (0.001, 6.907_178_885_383_853, -1_000.575_571_931_810_3),
        (0.243, 1.318_043_584_699_67, -4.351_093_864_423_211),
        (1.5, -0.120_782_237_635_245_22, 0.036_489_973_978_576_52),
        (30.2, 71.934_602_968_394_99, 3.391_194_272_741_562_2),
        (1e5, 1_051_287.708_973_656_9, 11.512_920_464_961_895),
    ];
    for (x, ln, psi) in cases {
        assert!(near(ln_gamma(x), ln, 1e-13), "ln_gamma({x}) = {}", ln_gamma(x));
        assert!(near(digamma(x), psi, 1e-12), "digamma({x}) = {}", digamma(x));
    }
    let cases = [
        ((0.5, -0.3, 2.2), 0.4, 0.970_639_647_895_227),
        ((1.976, -0.207, 4.219), 39.0 / (4.414 + 38.86 + 39.0), 0.947_946_733_417_135),
        ((0.3, -0.9, 0.4), 0.95, 0.306_961_140_367_586),
    ];
    for (abc, z, wanted) in cases {
        let found = hypergeometric(abc, z).unwrap();
        assert!(near(found, wanted, 1e-12), "{abc:?} {z}: {found}");
    }
    assert_eq!(hypergeometric((1.0, 1.0, 2.0), 1.0), None);
    assert_eq!(hypergeometric((1.0, 1.0, -1.0), 0.5), None);
}

#[test]
fn bg_nbd_fits_the_paper() {
    let customers: Vec<Visits> = customers().into_iter().map(|(visits, _)| visits).collect();
    assert_eq!(customers.len(), 2_357);
    let fit = BgNbdFit::of(&customers).unwrap();
    let BgNbd { r, alpha, a, b } = fit.model;
    assert!((r - 0.243).abs() < 5e-4, "r = {r}");
    assert!((alpha - 4.414).abs() < 5e-4, "alpha = {alpha}");
    assert!((a - 0.793).abs() < 5e-4, "a = {a}");
    assert!((b - 2.426).abs() < 5e-4, "b = {b}");
    assert!((fit.ln_likelihood + 9_582.4).abs() < 0.05, "{}", fit.ln_likelihood);
    // In days it is the same model.
    let in_days: Vec<Visits> =
        customers.iter().map(|v| visits(v.repeats, v.last * 7.0, v.age * 7.0)).collect();
    let days = BgNbdFit::of(&in_days).unwrap().model;
    assert!(near(days.alpha, alpha * 7.0, 1e-4) && near(days.r, r, 1e-4), "{days:?}");
}

#[test]
fn bg_nbd_answers_as_lifetimes_does() {
    let cases = [
        (visits(2, 30.43, 38.86), 0.726_578_570_080_673, 1.226_028_174_767_135),
        (visits(0, 0.0, 38.86), 1.0, 0.195_098_052_011_253_96),
        (visits(1, 1.71, 38.86), 0.212_100_985_377_379_1, 0.203_186_987_079_751_83),
        (visits(7, 29.43, 38.86), 0.641_756_345_946_107_2, 3.337_053_274_851_357_7),
        (visits(26, 30.86, 31.0), 0.968_915_649_717_525, 20.749_726_140_857_7),
        (visits(29, 3.0, 38.0), 2.714_356_254_087_081e-21, 5.616_467_817_198_506e-20),
    ];
    for (customer, alive, expected) in cases {
        assert!(near(PAPER.alive(&customer), alive, 1e-9), "{customer:?}");
        let found = PAPER.expected(&customer, 39.0).unwrap();
        assert!(near(found, expected, 1e-8), "{customer:?}: {found}");
    }
    // Somebody who has just come: E[X(t)] of equation (9).
    for (time, wanted) in [(5.0, 0.239_288_200_280_531_38), (39.0, 1.196_723_193_320_798_5)] {
        let found = PAPER.expected(&visits(0, 0.0, 0.0), time).unwrap();
        assert!(near(found, wanted, 1e-9), "{time}: {found}");
    }
    // a = 1 is no special case.
    let at_one = BgNbd { a: 1.0, ..PAPER }.expected(&visits(3, 20.0, 30.0), 10.0).unwrap();
    let beside = BgNbd { a: 1.0001, ..PAPER }.expected(&visits(3, 20.0, 30.0), 10.0).unwrap();
    assert!(near(at_one, beside, 1e-3), "{at_one} {beside}");
}

#[test]
fn half_time_is_where_half_have_bought() {
    let customer = visits(2, 30.43, 38.86);
    let half = PAPER.half_time(&customer).unwrap();
    assert!(near(PAPER.buys_within(&customer, half), 0.5, 1e-9), "{half}");
    assert_eq!(PAPER.half_time(&visits(29, 3.0, 38.0)), None);
}

#[test]
fn gamma_gamma_fits_the_note() {
    let spent: Vec<Spending> = customers()
        .into_iter()
        .map(|(visits, mean)| Spending { purchases: visits.repeats, mean })
        .collect();
    let fit = GammaGammaFit::of(&spent).unwrap();
    assert_eq!(fit.n_shoppers, 946);
    let GammaGamma { p, q, gamma } = fit.model;
    assert!((p - 6.25).abs() < 0.005, "p = {p}");
    assert!((q - 3.74).abs() < 0.01, "q = {q}");
    assert!((gamma - 15.44).abs() < 0.02, "gamma = {gamma}");
    assert!(fit.correlation.abs() < 0.2, "{}", fit.correlation);
    let note = GammaGamma { p: 6.25, q: 3.74, gamma: 15.44 };
    let cases = [
        (1, 10.0, 17.686_318_131_256_954),
        (1, 35.0, 35.066_740_823_136_82),
        (2, 22.35, 24.663_713_910_761_157),
        (7, 73.74, 71.469_670_896_967_07),
        (29, 40.0, 39.928_800_478_286_71),
    ];
    for (purchases, mean, wanted) in cases {
        let found = note.expected(&Spending { purchases, mean }).unwrap();
        assert!(near(found, wanted, 1e-12), "{purchases} {mean}: {found}");
    }
}

#[test]
fn too_little_gives_no_model() {
    let few = vec![visits(1, 1.0, 2.0); 49];
    assert_eq!(BgNbdFit::of(&few), None);
    assert_eq!(BgNbdFit::of(&vec![visits(0, 0.0, 5.0); 500]), None);
    assert_eq!(GammaGammaFit::of(&vec![Spending { purchases: 1, mean: 0.0 }; 500]), None);
    assert_eq!(RfmCuts::of(&vec![Rfm { recency_days: 1.0, orders: 1.0, spend: 1.0 }; 99]), None);
}

/// Shops that bend the parameters to their ends still get an answer, not a crash or a nonsense.
#[test]
fn shops_of_one_kind_get_a_finite_model() {
    let regulars: Vec<Visits> = (0..200).map(|n| visits(50 + n % 3, 364.0, 365.0)).collect();
    let alike = vec![visits(1, 10.0, 20.0); 200];
    for shop in [regulars, alike] {
        let Some(fit) = BgNbdFit::of(&shop) else { continue };
        let alive = fit.model.alive(&shop[0]);
        assert!((0.0..=1.0).contains(&alive), "{fit:?}");
        let expected = fit.model.expected(&shop[0], 30.0);
        assert!(expected.is_none_or(|expected| (0.0..100.0).contains(&expected)), "{fit:?}");
    }
    let same = vec![Spending { purchases: 5, mean: 20.0 }; 200];
    if let Some(fit) = GammaGammaFit::of(&same) {
        let expected = fit.model.expected(&same[0]).unwrap();
        assert!(near(expected, 20.0, 0.05), "{expected} {fit:?}");
    }
}

#[test]
fn fifths_and_their_names() {
    let shoppers: Vec<Rfm> = (0..100)
        .map(|n| Rfm { recency_days: f64::from(n), orders: f64::from(n), spend: f64::from(n) })
        .collect();
    let cuts = RfmCuts::of(&shoppers).unwrap();
    for score in 1..=5_u8 {
        let of_frequency =
            shoppers.iter().filter(|one| cuts.scores(one).frequency == score).count();
        let of_recency = shoppers.iter().filter(|one| cuts.scores(one).recency == score).count();
        assert_eq!((of_frequency, of_recency), (20, 20), "score {score}");
    }
    assert_eq!(cuts.scores(&shoppers[0]), RfmScores { recency: 5, frequency: 1, monetary: 1 });
    // Where most bought once, these share the lowest score.
    let once: Vec<Rfm> =
        (0..100).map(|n| Rfm { orders: if n < 70 { 1.0 } else { 2.0 }, ..shoppers[n] }).collect();
    let cuts = RfmCuts::of(&once).unwrap();
    assert_eq!(cuts.scores(&once[0]).frequency, 1);
    assert_eq!(cuts.scores(&once[99]).frequency, 4);
    let name = |recency, frequency, monetary| {
        RfmName::of(RfmScores { recency, frequency, monetary }).as_str()
    };
    assert_eq!(name(5, 5, 5), "champions");
    assert_eq!(name(3, 4, 5), "loyal");
    assert_eq!(name(5, 1, 1), "new_customers");
    assert_eq!(name(3, 3, 3), "need_attention");
    assert_eq!(name(1, 5, 5), "cannot_lose_them");
    assert_eq!(name(2, 3, 3), "at_risk");
    assert_eq!(name(1, 1, 1), "lost");
}

#[test]
fn rhythm_by_hand() {
    let day = |days: f64| (days * 86_400_000.0) as i64;
    // Two visits of one day are one; gaps 7, 9, 14.
    let times = [day(0.0), day(0.1), day(7.0), day(16.0), day(30.0)];
    let rhythm = Rhythm::of(&times).unwrap();
    assert_eq!((rhythm.n_gaps, rhythm.median_days, rhythm.spread_days), (3, 9.0, 2.0));
    assert_eq!(rhythm.due_ms(), day(39.0));
    assert_eq!(Rhythm::of(&times[..3]), None);
    assert_eq!(Rhythm::of(&[]), None);
    assert_eq!(median(&mut [4.0, 1.0, 3.0, 2.0]), 2.5);
}

proptest! {
    /// Whoever has just bought is more likely to be alive than whoever bought as often long ago, and more
    /// time never brings fewer purchases.
    #[test]
    fn later_is_livelier_and_longer_is_more(
        (r, alpha, a, b) in (0.05..5.0_f64, 0.5..50.0_f64, 0.05..3.0_f64, 0.1..20.0_f64),
        repeats in 1..400_u32,
        (age, earlier, later) in (10.0..500.0_f64, 0.0..0.5_f64, 0.5..1.0_f64),
        time in 1.0..200.0_f64,
    ) {
        let model = BgNbd { r, alpha, a, b };
        let (early, late) = (visits(repeats, age * earlier, age), visits(repeats, age * later, age));
        prop_assert!(model.alive(&early) <= model.alive(&late) + 1e-12);
        let (short, long) = (model.expected(&late, time), model.expected(&late, time * 2.0));
        let (short, long) = (short.unwrap(), long.unwrap());
        prop_assert!(short <= long * (1.0 + 1e-6) + 1e-9, "{short} {long}");
        // Nobody can buy on average less often than at least once.
        let once = model.buys_within(&late, time);
        prop_assert!((0.0..=1.0).contains(&once));
        prop_assert!(once <= short * (1.0 + 1e-6) + 1e-9, "{once} {short}");
    }
}
