//! What sells most in a scope: one list for everyone.

use crate::types::{Evidence, Item, Score, Scored, rank};
use crate::windows::{DAY_MS, Scope, WindowScratch, Windows};

#[cfg(test)]
mod tests;

/// What to rank by popularity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PopularQuery {
    /// Where.
    pub scope: Scope,
    /// As of when, Unix milliseconds; later days do not count.
    pub now: i64,
    /// How many days back, today included.
    pub window_days: u32,
    /// After how many days a count weighs half; 0 or less for no decay.
    pub half_life_days: f32,
    /// How many items at most.
    pub limit: usize,
}

impl PopularQuery {
    /// The days that count, from and until.
    fn span(&self) -> (i64, i64) {
        let today = self.now.div_euclid(DAY_MS);
        (today + 1 - i64::from(self.window_days), today + 1)
    }
}

/// Ranks items by the sum of their daily counts, each multiplied by 2^(-age in days / half-life).
///
/// Evidence: the undecayed count in the window.
pub fn popular(
    windows: &Windows,
    query: &PopularQuery,
    scratch: &mut WindowScratch,
) -> Vec<Scored> {
    let scored = demand(windows, query, scratch).map(|(item, sum)| Scored {
        item,
        score: Score::new(sum),
        evidence: Evidence::default(),
    });
    let mut ranked = rank(scored.collect(), query.limit);
    // Only the few that are returned need their plain count.
    for scored in &mut ranked {
        let days = windows.days(query.scope, query.span());
        let counts = days.filter_map(|(_, b)| b.get(&scored.item));
        scored.evidence.support = counts.sum::<i64>().clamp(0, i64::from(u32::MAX)) as u32;
    }
    ranked
}

/// Items with the same sums, all of them and in no order.
pub fn demand<'a>(
    windows: &Windows,
    query: &PopularQuery,
    scratch: &'a mut WindowScratch,
) -> impl Iterator<Item = (Item, f32)> + 'a {
    let today = query.now.div_euclid(DAY_MS);
    for (day, bucket) in windows.days(query.scope, query.span()) {
        let decay = if query.half_life_days > 0.0 {
            (-(today - day) as f32 / query.half_life_days).exp2()
        } else {
            1.0
        };
        for (&item, &sum) in bucket {
            scratch.add(item, sum as f32 * decay);
        }
    }
    scratch.drain().filter(|(_, sum)| *sum > 0.0)
}
