//! What a ranking should be good at, as the slope of each candidate's score.

use super::Groups;
use souk_math::parallel::for_chunks;

/// What trees lower.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Objective {
    /// LambdaMART: every pair of candidates of different gain pulls by what its exchange would change of
    /// the NDCG, where at least one of the two stands within the first `places`.
    Ndcg {
        /// Above the length of the lists that matter, so that what stands just behind is pulled too.
        places: usize,
    },
    /// The same of the DCG: a group weighs as much as was wanted in it, so that gains which make up for how seldom a
    /// place is looked at are not divided out again.
    Dcg {
        /// As of the NDCG.
        places: usize,
    },
    /// The listwise softmax: what was wanted should be likeliest.
    ///
    /// Source: Cao et al., *Learning to Rank: From Pairwise Approach to Listwise Approach*, ICML 2007.
    Softmax,
}

impl Default for Objective {
    /// Lists of ten to twenty places, and some behind.
    fn default() -> Objective {
        Objective::Ndcg { places: 30 }
    }
}

impl Objective {
    /// Puts the first and second derivative of the loss at each row's score into `slopes`.
    pub(super) fn slopes(
        self,
        (groups, scores): (&Groups, &[f32]),
        slopes: &mut [[f32; 2]],
        threads: usize,
    ) {
        let mut rest = slopes;
        let mut parts = Vec::with_capacity(groups.len());
        for range in groups.ranges() {
            let (part, others) = rest.split_at_mut(range.len());
            parts.push((range, part));
            rest = others;
        }
        let work = |order: &mut Vec<u32>,
                    _: usize,
                    parts: &mut [(std::ops::Range<usize>, &mut [[f32; 2]])]| {
            for (range, slopes) in parts {
                let group = (&scores[range.clone()], &groups.gains[range.clone()]);
                match self {
                    Objective::Ndcg { places } => {
                        lambdas(group, slopes, (places, order, Weighing::Alike));
                    }
                    Objective::Dcg { places } => {
                        lambdas(group, slopes, (places, order, Weighing::ByGain));
                    }
                    Objective::Softmax => softmax(group, slopes),
                }
            }
        };
        for_chunks(&mut parts, (threads, 64), Vec::new, work);
    }

    /// How good orders of groups are, each given as its DCG and the best possible one; `None` without any group in
    /// which anything was wanted.
    pub(super) fn quality(self, values: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
        let values: Vec<(f64, f64)> = values.collect();
        let (gained, ideal) = match self {
            Objective::Dcg { .. } => values.iter().fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1)),
            _ => (values.iter().map(|(gained, ideal)| gained / ideal).sum(), values.len() as f64),
        };
        (ideal > 0.0).then(|| gained / ideal)
    }
}

/// How much groups count beside each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weighing {
    Alike,
    ByGain,
}

/// What a place is worth; from 0.
fn discount(place: usize) -> f32 {
    1.0 / ((place + 2) as f32).log2()
}

/// The candidates of a group, best first; of equal scores the earlier one.
fn ordered(scores: &[f32], order: &mut Vec<u32>) {
    order.clear();
    order.extend(0..scores.len() as u32);
    let best_first =
        |a: &u32, b: &u32| scores[*b as usize].total_cmp(&scores[*a as usize]).then(a.cmp(b));
    order.sort_unstable_by(best_first);
}

/// The sum of discounted gains in the best possible order.
fn ideal(gains: &[f32], places: usize) -> f32 {
    let mut wanted: Vec<f32> = gains.iter().copied().filter(|&gain| gain > 0.0).collect();
    wanted.sort_unstable_by(|a, b| b.total_cmp(a));
    wanted.iter().take(places).enumerate().map(|(place, gain)| gain * discount(place)).sum()
}

/// None where nothing was wanted.
pub(super) fn ndcg(group: (&[f32], &[f32]), places: usize) -> Option<f64> {
    dcg(group, places).map(|(gained, ideal)| gained / ideal)
}

/// The discounted gains of an order, and of the best possible one; none where nothing was wanted.
pub(super) fn dcg((scores, gains): (&[f32], &[f32]), places: usize) -> Option<(f64, f64)> {
    let ideal = ideal(gains, places);
    if ideal <= 0.0 {
        return None;
    }
    let mut order = Vec::new();
    ordered(scores, &mut order);
    let first = order.iter().take(places).enumerate();
    let gained: f32 = first.map(|(place, &row)| gains[row as usize] * discount(place)).sum();
    Some((f64::from(gained), f64::from(ideal)))
}

/// Burges 2010, sec. 4 and 7; where groups count alike with the two normalisations of LightGBM's `lambdarank_norm`: a
/// pair's pull is divided by how far apart its scores are, and a group's by the logarithm of all its pulls.
fn lambdas(
    (scores, gains): (&[f32], &[f32]),
    slopes: &mut [[f32; 2]],
    (places, order, weighing): (usize, &mut Vec<u32>, Weighing),
) {
    slopes.fill([0.0; 2]);
    let best = ideal(gains, places);
    if best <= 0.0 {
        return;
    }
    ordered(scores, order);
    let at = |place: usize| order[place] as usize;
    let is_alike = weighing == Weighing::Alike;
    let is_spread = is_alike && scores[at(0)] != scores[at(order.len() - 1)];
    let ideal = if is_alike { best } else { 1.0 };
    let discounts: Vec<f32> = (0..order.len()).map(discount).collect();
    let mut pulls = 0.0_f32;
    for first in 0..order.len().min(places) {
        let (a, gain_a) = (at(first), gains[at(first)]);
        for second in first + 1..order.len() {
            let (b, gain_b) = (at(second), gains[at(second)]);
            if gain_a == gain_b {
                continue;
            }
            let (high, low) = if gain_a > gain_b { (a, b) } else { (b, a) };
            let apart = scores[high] - scores[low];
            let change = (gain_a - gain_b).abs() * (discounts[first] - discounts[second]) / ideal;
            let change = if is_spread { change / (0.01 + apart.abs()) } else { change };
            let wrong = 1.0 / (1.0 + apart.exp());
            let (pull, bend) = (wrong * change, wrong * (1.0 - wrong) * change);
            slopes[high][0] -= pull;
            slopes[low][0] += pull;
            slopes[high][1] += bend;
            slopes[low][1] += bend;
            pulls += 2.0 * pull;
        }
    }
    if is_alike && pulls > 0.0 {
        let scale = (1.0 + pulls).log2() / pulls;
        slopes.iter_mut().flatten().for_each(|slope| *slope *= scale);
    }
}

/// Every group weighs the square root of what was wanted in it, between counting groups alike and counting
/// wanted candidates alike.
fn softmax((scores, gains): (&[f32], &[f32]), slopes: &mut [[f32; 2]]) {
    let wanted: f32 = gains.iter().sum();
    if wanted <= 0.0 {
        return slopes.fill([0.0; 2]);
    }
    let largest = scores.iter().copied().fold(f32::MIN, f32::max);
    let all: f32 = scores.iter().map(|score| (score - largest).exp()).sum();
    let weight = wanted.sqrt();
    for ((slope, score), gain) in slopes.iter_mut().zip(scores).zip(gains) {
        let chance = (score - largest).exp() / all;
        *slope = [weight * (chance - gain / wanted), weight * chance * (1.0 - chance)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slopes_of(objective: Objective, scores: &[f32], gains: &[f32]) -> Vec<[f32; 2]> {
        let mut groups = Groups::new(1);
        groups.push(&vec![0.0; gains.len()], gains, &[]);
        let mut slopes = vec![[9.0; 2]; gains.len()];
        objective.slopes((&groups, scores), &mut slopes, 1);
        slopes
    }

    /// Two candidates at equal scores, the second is wanted: an exchange changes 1 - 1/log₂3 of the NDCG, half
    /// of which pulls at each.
    #[test]
    fn a_pair_by_hand() {
        let found = slopes_of(Objective::Ndcg { places: 10 }, &[0.0, 0.0], &[0.0, 1.0]);
        let pull = 0.5 * (1.0 - 1.0 / 3.0_f32.log2());
        let scale = (1.0 + 2.0 * pull).log2() / (2.0 * pull);
        assert!((found[0][0] - scale * pull).abs() < 1e-6 && found[0][0] == -found[1][0]);
        assert!((found[0][1] - 0.5 * scale * pull).abs() < 1e-6 && found[0][1] == found[1][1]);
    }

    /// A click that was wanted ten times as much pulls ten times as much, and only where groups weigh by gain.
    #[test]
    fn groups_weigh_alike_or_by_their_gain() {
        let pull = |objective, gain| slopes_of(objective, &[0.0, 0.0], &[0.0, gain])[0][0];
        let dcg = Objective::Dcg { places: 10 };
        let one = 0.5 * (1.0 - 1.0 / 3.0_f32.log2());
        assert!((pull(dcg, 1.0) - one).abs() < 1e-6 && (pull(dcg, 10.0) - 10.0 * one).abs() < 1e-5);
        let ndcg = Objective::Ndcg { places: 10 };
        assert_eq!(pull(ndcg, 1.0), pull(ndcg, 10.0));
        let values = [(1.0, 2.0), (10.0, 10.0)];
        assert_eq!(ndcg.quality(values.into_iter()), Some(0.75));
        assert_eq!(dcg.quality(values.into_iter()), Some(11.0 / 12.0));
        assert_eq!(dcg.quality(std::iter::empty()), None);
    }

    /// The slopes are those of the loss: a difference quotient agrees.
    #[test]
    fn softmax_is_the_slope_of_its_loss() {
        let (scores, gains) = ([0.3, -0.2, 0.9], [1.0, 0.0, 1.0]);
        let loss = |scores: &[f32]| {
            let all: f64 = scores.iter().map(|&score| f64::from(score).exp()).sum();
            let wanted = f64::from(scores[0]) + f64::from(scores[2]);
            2.0_f64.sqrt() * (all.ln() - 0.5 * wanted)
        };
        let found = slopes_of(Objective::Softmax, &scores, &gains);
        for (at, slope) in found.iter().enumerate() {
            let (mut up, mut down) = (scores, scores);
            up[at] += 0.01;
            down[at] -= 0.01;
            let quotient = (loss(&up) - loss(&down)) / 0.02;
            assert!((quotient - f64::from(slope[0])).abs() < 1e-4, "{at}: {quotient} {slope:?}");
        }
    }

    #[test]
    fn nothing_wanted_pulls_at_nothing() {
        for objective in [Objective::default(), Objective::Softmax] {
            assert_eq!(slopes_of(objective, &[0.5, 0.1], &[0.0, 0.0]), [[0.0; 2]; 2]);
        }
        assert_eq!(ndcg((&[0.5, 0.1], &[0.0, 0.0]), 10), None);
        assert_eq!(ndcg((&[0.5, 0.1], &[1.0, 0.0]), 10), Some(1.0));
    }
}
