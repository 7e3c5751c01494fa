//! Coordinate ascent on NDCG@10: the last step in choosing a blend's weights.
//!
//! A likelihood cares for all candidates alike; a list only for its first places. Ascent on the measure
//! itself starts from the best of several weights, so it never ends below any of them on its cases.
//!
//! Source: Metzler and Croft, *Linear feature-based models for information retrieval*, Information
//! Retrieval 10(3), 2007, sec. 4.3.

use super::logit::Cases;

/// Places that count.
const PLACES: usize = 10;
/// How often all weights are gone through at most.
const ROUNDS: usize = 2;
/// What is tried of a weight, as a share of its size.
const STEPS: [f32; 6] = [-1.0, -0.4, -0.1, 0.1, 0.4, 1.0];
/// Weights smaller than this are moved as if they had this size (chosen).
const SIZE_MIN: f32 = 0.3;
/// A smaller gain is chance (chosen).
const GAIN_MIN: f64 = 1e-5;
/// Cases that are looked at, evenly spread: enough to tell weights apart.
const CASES_MAX: usize = 3_000;

/// The best of `starts` by mean NDCG@10, improved weight by weight. `starts` is not empty.
pub(super) fn ascend(cases: &Cases, starts: &[Vec<f32>]) -> Vec<f32> {
    let mut best: Option<(f64, Vec<f32>)> = None;
    for start in starts {
        let found = quality(cases, &scores(cases, start));
        if best.as_ref().is_none_or(|(quality, _)| found > *quality) {
            best = Some((found, start.clone()));
        }
    }
    let (mut quality_now, mut weights) = best.expect("there is a start");
    let mut scored = scores(cases, &weights);
    for _ in 0..ROUNDS {
        let before = quality_now;
        for (signal, weight) in weights.iter_mut().enumerate() {
            let size = weight.abs().max(SIZE_MIN);
            for step in STEPS.map(|step| step * size) {
                let tried = moved(cases, &scored, (signal, step));
                let found = quality(cases, &tried);
                if found > quality_now + GAIN_MIN {
                    (quality_now, scored) = (found, tried);
                    *weight += step;
                }
            }
        }
        if quality_now <= before {
            break;
        }
    }
    weights
}

pub(super) fn scores(cases: &Cases, weights: &[f32]) -> Vec<f32> {
    let rows = cases.signals.chunks_exact(cases.n_signals);
    rows.map(|row| row.iter().zip(weights).map(|(a, b)| a * b).sum()).collect()
}

/// The scores when one weight is changed by `step`.
pub(super) fn moved(cases: &Cases, scored: &[f32], (signal, step): (usize, f32)) -> Vec<f32> {
    let rows = cases.signals.chunks_exact(cases.n_signals);
    scored.iter().zip(rows).map(|(score, row)| score + step * row[signal]).collect()
}

/// Mean NDCG@10 of the cases, out of what could be gained among the candidates.
fn quality(cases: &Cases, scored: &[f32]) -> f64 {
    let every = cases.ends.len().div_ceil(CASES_MAX).max(1);
    let (mut sum, mut n) = (0.0, 0_u32);
    for case in (0..cases.ends.len()).step_by(every) {
        let begin = if case == 0 { 0 } else { cases.ends[case - 1] };
        let range = begin..cases.ends[case];
        sum += gain(&scored[range.clone()], &cases.chosen[range]);
        n += 1;
    }
    sum / f64::from(n.max(1))
}

fn gain(scored: &[f32], chosen: &[f32]) -> f64 {
    // Of equal scores the earlier candidate stays in front.
    let mut top: [(f32, bool); PLACES] = [(f32::NEG_INFINITY, false); PLACES];
    for (&score, &weight) in scored.iter().zip(chosen) {
        if score > top[PLACES - 1].0 {
            let place = top.partition_point(|&(held, _)| held >= score);
            top[place..].rotate_right(1);
            top[place] = (score, weight > 0.0);
        }
    }
    let discount = |place: usize| 1.0 / ((place + 2) as f64).log2();
    let n_chosen = chosen.iter().filter(|&&weight| weight > 0.0).count();
    let ideal: f64 = (0..n_chosen.min(PLACES)).map(discount).sum();
    let hits = top.iter().enumerate().filter(|(_, (_, is_chosen))| *is_chosen);
    hits.map(|(place, _)| discount(place)).sum::<f64>() / ideal.max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gains_are_those_of_the_first_places() {
        assert_eq!(gain(&[0.1, 0.9, 0.5], &[0.0, 1.0, 0.0]), 1.0);
        let second = 1.0 / 3.0_f64.log2();
        assert!((gain(&[0.1, 0.9, 0.5], &[0.0, 0.0, 0.7]) - second).abs() < 1e-12);
        let scored: Vec<f32> = (0..20).map(|at| at as f32).collect();
        let mut chosen = vec![0.0; 20];
        chosen[9] = 1.0;
        assert_eq!(gain(&scored, &chosen), 0.0, "the eleventh place does not count");
    }

    #[test]
    fn never_ends_below_a_start() {
        // The second signal is right, the first is noise that a bad start believes in.
        let mut random = souk_math::Random::new(1);
        let mut cases = Cases { n_signals: 2, ..Cases::default() };
        for case in 1..=50 {
            for candidate in 0..30 {
                cases.signals.extend([random.unit(), if candidate == 7 { 0.4 } else { 0.0 }]);
                cases.chosen.push(if candidate == 7 { 1.0 } else { 0.0 });
            }
            cases.ends.push(30 * case);
        }
        let of = |weights: &[f32]| quality(&cases, &scores(&cases, weights));
        assert!(of(&[1.0, 0.0]) < 0.3);
        assert_eq!(of(&ascend(&cases, &[vec![1.0, 0.0], vec![0.0, 1.0]])), 1.0);
        assert!(of(&ascend(&cases, &[vec![1.0, 0.0]])) > 0.9);
    }
}
