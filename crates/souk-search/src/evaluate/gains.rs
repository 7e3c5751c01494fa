//! NDCG with gains of 2^grade − 1 (Burges et al. 2005, "Learning to rank using gradient descent").

use std::collections::HashMap;

/// How good one ranking is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quality {
    /// NDCG with unrated products worth nothing.
    pub full: f64,
    /// NDCG of the rated products in their order.
    pub condensed: f64,
    /// What share of the first `k` places has a rated product; places that are empty count as unrated.
    pub judged: f64,
}

/// Measures a ranking, best first, at depth `k`.
pub fn quality(ranking: &[String], grades: &HashMap<String, u32>, k: usize) -> Quality {
    let mut ideal: Vec<u32> = grades.values().copied().collect();
    ideal.sort_unstable_by(|left, right| right.cmp(left));
    let ideal = discounted(ideal.into_iter().take(k));
    let share = |gained: f64| if ideal > 0.0 { gained / ideal } else { 0.0 };
    let grade = |id: &String| grades.get(id).copied();
    let first = || ranking.iter().take(k).map(grade);
    Quality {
        full: share(discounted(first().map(|grade| grade.unwrap_or(0)))),
        condensed: share(discounted(ranking.iter().filter_map(grade).take(k))),
        judged: first().flatten().count() as f64 / k.max(1) as f64,
    }
}

fn discounted(grades: impl Iterator<Item = u32>) -> f64 {
    let gain = |grade: u32| 2f64.powi(grade.min(30) as i32) - 1.0;
    grades.enumerate().map(|(place, grade)| gain(grade) / (place as f64 + 2.0).log2()).sum()
}
