//! What an audience is compared with, and how.

use super::SIGNALS;

/// How often, then how lately it was bought; then how busy somebody is. What most shops do by hand.
pub(crate) fn frequency_and_recency(signals: &[f64; SIGNALS]) -> f64 {
    // Counts are whole numbers under a logarithm, so that less than their steps breaks ties.
    signals[2].exp_m1().round() * 1e3 + signals[3] * 10.0 + signals[7].min(9.0) * 0.1
}

/// How busy somebody is, whatever is wanted.
pub(crate) fn activity(signals: &[f64; SIGNALS]) -> f64 {
    signals[6]
}

/// How many times as many of the `k` with the highest score are true as of all. Of equal scores each
/// counts with the share that is taken of them, so that the order of the list means nothing.
pub(crate) fn lift_at(mut scores: Vec<(f64, bool)>, k: usize) -> f64 {
    let n = scores.len();
    let n_true = scores.iter().filter(|(_, is)| *is).count();
    if n_true == 0 || k == 0 || n == 0 {
        return 0.0;
    }
    let k = k.min(n);
    scores.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let border = scores[k - 1].0;
    let above = scores.iter().take_while(|(score, _)| *score > border);
    let (n_above, hits) = above.fold((0, 0.0), |(n, hits), (_, is)| (n + 1, hits + f64::from(*is)));
    let equal = scores.iter().filter(|(score, _)| *score == border);
    let (n_equal, equal_hits) =
        equal.fold((0, 0.0), |(n, hits), (_, is)| (n + 1, hits + f64::from(*is)));
    let hits = hits + equal_hits * (k - n_above) as f64 / n_equal as f64;
    (hits / k as f64) / (n_true as f64 / n as f64)
}
