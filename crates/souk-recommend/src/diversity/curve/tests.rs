use souk_math::Random;

use super::*;

/// The curves that were met: of toys left out one by one, of a grocer's list, of films, and one that falls at once.
const CURVES: [(f64, f64); 4] = [(0.5, 0.75), (5.0, 1.0), (20.0, 1.0), (1.0, 2.0)];
/// A list of ten and those who may enter it.
const RANKS: usize = 30;

fn curve((shift, power): (f64, f64)) -> RelevanceCurve {
    RelevanceCurve { shift, power }
}

/// `n` hits that fall on ranks as a curve has it.
fn drawn(curve: RelevanceCurve, (n, seed): (usize, u64)) -> Vec<RankHits> {
    let all: f64 = (0..RANKS).map(|rank| curve.at(rank as f64)).sum();
    let mut ranks = vec![RankHits { looks: n as f64, hits: 0.0 }; RANKS];
    let mut random = Random::new(seed);
    for _ in 0..n {
        let mut left = random.below(1 << 30) as f64 / f64::from(1 << 30) * all;
        let at = (0..RANKS).find(|rank| {
            left -= curve.at(*rank as f64);
            left < 0.0
        });
        ranks[at.unwrap_or(RANKS - 1)].hits += 1.0;
    }
    ranks
}

/// What it costs that a candidate from the middle of those behind the list takes its last place.
fn cost(curve: RelevanceCurve) -> f64 {
    curve.cost((10, 20))
}

#[test]
fn many_hits_tell_the_curve() {
    for of in CURVES.map(curve) {
        let all: f64 = (0..RANKS).map(|rank| of.at(rank as f64)).sum();
        let expected = |rank: usize| RankHits { looks: 1e6, hits: 1e6 * of.at(rank as f64) / all };
        let found = RelevanceCurve::fit(&(0..RANKS).map(expected).collect::<Vec<_>>());
        assert!((found.shift / of.shift).ln().abs() < 0.05, "{found:?} of {of:?}");
        assert!((found.power / of.power).ln().abs() < 0.05, "{found:?} of {of:?}");
    }
}

/// The numbers make up for each other; what an exchange costs is what lists are made by.
#[test]
fn four_hundred_hits_tell_what_an_exchange_costs() {
    for of in CURVES.map(curve) {
        let costs = (0..20).map(|seed| cost(RelevanceCurve::fit(&drawn(of, (400, seed)))));
        let costs: Vec<f64> = costs.collect();
        let off = costs.iter().map(|found| (found - cost(of)).abs());
        let mean = off.sum::<f64>() / costs.len() as f64;
        assert!(mean < 0.003, "of costs from 0.002 to 0.015: {mean} for {of:?}, {costs:?}");
    }
    // What is assumed is off by a factor of two and more where relevance falls at once.
    let [of_toys, .., at_once] = CURVES.map(curve);
    assert!(cost(RelevanceCurve::default()) > 1.9 * cost(of_toys));
    assert!(cost(RelevanceCurve::default()) > 1.9 * cost(at_once));
}

#[test]
fn without_hits_it_falls_as_is_assumed_and_ten_hits_move_it_little() {
    let assumed = RelevanceCurve::default();
    assert_eq!(RelevanceCurve::fit(&[]), assumed);
    assert_eq!(RelevanceCurve::fit(&[RankHits::default(); 3]), assumed);
    let none = RelevanceCurve::fit(&[RankHits { looks: 9.0, hits: 0.0 }; RANKS]);
    assert!((cost(none) / cost(assumed) - 1.0).abs() < 0.02, "{none:?}");
    // Ten hits, all of the first rank, alone would say that nothing else is ever wanted.
    let mut ranks = [RankHits { looks: 10.0, hits: 0.0 }; RANKS];
    ranks[0].hits = 10.0;
    let few = RelevanceCurve::fit(&ranks);
    assert!(cost(few) > 0.3 * cost(assumed), "{few:?}");
}

/// Lists that are cut off say nothing of what would have stood behind: ranks count by how often something was there.
#[test]
fn ranks_count_by_how_often_they_were_there() {
    let of = curve((20.0, 1.0));
    let mut counts = RankCounts::default();
    let mut random = Random::new(5);
    for list in 0..40_000 {
        let n = if list % 4 == 0 { RANKS } else { 10 };
        let is_hit = |rank| random.below(1_000) as f64 / 1_000.0 < 0.2 * of.at(rank as f64);
        let hits: Vec<bool> = (0..n).map(is_hit).collect();
        counts.add(hits.into_iter().map(|is_hit| if is_hit { 1.0 } else { 0.0 }));
    }
    let found = counts.curve();
    assert!((found.at(29.0) / of.at(29.0)).ln().abs() < 0.1, "{found:?}");
}
