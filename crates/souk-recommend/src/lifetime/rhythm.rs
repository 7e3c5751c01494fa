//! After how many days something is done again.

/// Gaps below which there is no rhythm; chosen: two gaps are three times.
pub const GAPS_MIN: usize = 2;

const DAY_MS: f64 = 86_400_000.0;
/// Times that lie nearer are one: a second till receipt of the same errand; chosen.
const SAME_MS: i64 = 12 * 3_600_000;

/// How regularly something was done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rhythm {
    /// Gaps between two times.
    pub n_gaps: usize,
    /// The middle gap.
    pub median_days: f64,
    /// How far gaps lie from it: the middle of their distances.
    pub spread_days: f64,
    /// The last time, in milliseconds since 1970.
    pub last_ms: i64,
}

impl Rhythm {
    /// The rhythm of times in milliseconds, in ascending order; `None` for fewer than [`GAPS_MIN`] gaps.
    pub fn of(times: &[i64]) -> Option<Rhythm> {
        let mut last = *times.first()?;
        let mut gaps: Vec<f64> = Vec::with_capacity(times.len());
        for &time in times {
            if time - last >= SAME_MS {
                gaps.push((time - last) as f64 / DAY_MS);
                last = time;
            }
        }
        if gaps.len() < GAPS_MIN {
            return None;
        }
        let median_days = median(&mut gaps);
        let mut distances: Vec<f64> = gaps.iter().map(|gap| (gap - median_days).abs()).collect();
        let spread_days = median(&mut distances);
        Some(Rhythm { n_gaps: gaps.len(), median_days, spread_days, last_ms: last })
    }

    /// When it is due next, in milliseconds since 1970.
    pub fn due_ms(&self) -> i64 {
        self.last_ms.saturating_add((self.median_days * DAY_MS) as i64)
    }
}

/// The middle value; of an even number the mean of the two. The values are reordered.
///
/// # Panics
///
/// For no values.
pub fn median(values: &mut [f64]) -> f64 {
    let (half, is_odd) = (values.len() / 2, !values.len().is_multiple_of(2));
    let (below, middle, _) = values.select_nth_unstable_by(half, f64::total_cmp);
    let middle = *middle;
    if is_odd {
        return middle;
    }
    let (_, lower, _) = below.select_nth_unstable_by(half - 1, f64::total_cmp);
    f64::midpoint(*lower, middle)
}
