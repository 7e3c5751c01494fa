//! What sells more than it used to.

use crate::types::{Evidence, Score, Scored, rank};
use crate::windows::{DAY_MS, HOUR_MS, Scope, WindowScratch, Windows};

#[cfg(test)]
mod tests;

/// What to rank by its rise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrendQuery {
    /// Where.
    pub scope: Scope,
    /// As of when, Unix milliseconds; later hours do not count.
    pub now: i64,
    /// How many hours are "now", the current one included. At most what hours are retained for.
    pub recent_hours: u32,
    /// How many days before them are the normal state.
    pub baseline_days: u32,
    /// Items with fewer recent counts cannot trend.
    pub recent_min: u32,
    /// How many items at most.
    pub limit: usize,
}

impl TrendQuery {
    /// Two days against the four weeks before, five counts at least (chosen).
    pub fn new(scope: Scope, now: i64) -> TrendQuery {
        let (recent_hours, baseline_days) = (48, 28);
        TrendQuery { scope, now, recent_hours, baseline_days, recent_min: 5, limit: 20 }
    }
}

/// Pseudo-counts that are expected of every item, so that a handful of sales of an unknown item does
/// not beat a real rise (chosen).
const PRIOR: f32 = 5.0;

/// Ranks items by (r − e) / √(e + 5), where r is the recent count and e the count expected of it.
///
/// With B the item's share of all counts in the baseline and R all recent counts, e = B·R: a busy
/// weekend thus raises no item over another. This is Pearson's residual of a Poisson count, shrunk
/// by pseudo-counts in its variance. Only rising items (r > e) are returned. Evidence: r.
///
/// The baseline is whole days: it ends where the day begins in which the recent hours begin.
pub fn trending(windows: &Windows, query: &TrendQuery, scratch: &mut Trends) -> Vec<Scored> {
    let hour = query.now.div_euclid(HOUR_MS) + 1;
    let first_hour = hour - i64::from(query.recent_hours);
    let mut n_recent = 0.0;
    for bucket in windows.hours(query.scope, (first_hour, hour)) {
        for (&item, &sum) in bucket {
            scratch.recent.add(item, sum as f32);
            n_recent += sum as f64;
        }
    }
    let last_day = (first_hour * HOUR_MS).div_euclid(DAY_MS);
    let mut n_baseline = 0.0;
    for (_, bucket) in
        windows.days(query.scope, (last_day - i64::from(query.baseline_days), last_day))
    {
        for (&item, &sum) in bucket {
            scratch.baseline.add(item, sum as f32);
            n_baseline += sum as f64;
        }
    }
    // Without a baseline nothing is expected and the most frequent recent items trend.
    let scale = if n_baseline > 0.0 { (n_recent / n_baseline) as f32 } else { 0.0 };
    let Trends { recent, baseline } = scratch;
    let scored = recent.drain().filter(|&(_, recent)| recent >= query.recent_min as f32);
    let scored = scored.filter_map(|(item, recent)| {
        let expected = baseline.get(item).max(0.0) * scale;
        let score = (recent - expected) / (expected + PRIOR).sqrt();
        let evidence = Evidence { items: Vec::new(), support: recent as u32 };
        (score > 0.0).then_some(Scored { item, score: Score::new(score), evidence })
    });
    let scored = scored.collect();
    baseline.drain().for_each(drop);
    rank(scored, query.limit)
}

/// Working memory of [`trending`]; reused between queries, one per thread.
#[derive(Clone, Debug, Default)]
pub struct Trends {
    recent: WindowScratch,
    baseline: WindowScratch,
}
