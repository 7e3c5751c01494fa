//! Signals as small numbers: which of at most 255 ranges a value lies in.

use super::Groups;
use souk_math::parallel::for_chunks;

/// Ranges of one signal at most, so that a range is one byte.
pub(super) const BINS_MAX: usize = 255;
/// Values that ranges are chosen from, evenly spread over the rows: enough to place 255 borders.
const SAMPLE_MAX: usize = 200_000;

/// All signals of all rows as ranges.
pub(super) struct Binned {
    pub(super) signals: Vec<Column>,
}

/// One signal.
#[derive(Clone, Default)]
pub(super) struct Column {
    /// Range `b` ends with the value `borders[b]`; what is larger than all lies in the last range.
    pub(super) borders: Vec<f32>,
    /// By row.
    pub(super) bins: Vec<u8>,
}

impl Binned {
    pub(super) fn of(groups: &Groups, threads: usize) -> Binned {
        let mut signals = vec![Column::default(); groups.n_signals];
        let bin = |_: &mut (), first: usize, columns: &mut [Column]| {
            for (idx, column) in columns.iter_mut().enumerate() {
                *column = Column::of(groups, first + idx);
            }
        };
        for_chunks(&mut signals, (threads, 1), || (), bin);
        Binned { signals }
    }
}

impl Column {
    fn of(groups: &Groups, signal: usize) -> Column {
        let values = || groups.signals.iter().skip(signal).step_by(groups.n_signals).copied();
        let every = groups.n_rows().div_ceil(SAMPLE_MAX).max(1);
        let borders = borders(values().step_by(every).map(ordered).collect());
        let bin = |value: f32| borders.partition_point(|&border| border < ordered(value)) as u8;
        Column { bins: values().map(bin).collect(), borders }
    }
}

/// What is no number is smaller than all numbers.
fn ordered(value: f32) -> f32 {
    if value.is_nan() { f32::NEG_INFINITY } else { value }
}

/// Borders between values such that ranges hold about as many values each; every value has a range of
/// its own where there are few.
fn borders(mut values: Vec<f32>) -> Vec<f32> {
    values.sort_unstable_by(f32::total_cmp);
    let mut counted: Vec<(f32, usize)> = Vec::new();
    for value in values.iter().copied() {
        match counted.last_mut() {
            Some((last, n)) if *last == value => *n += 1,
            _ => counted.push((value, 1)),
        }
    }
    let is_few = counted.len() <= BINS_MAX;
    let per_range = values.len() as f64 / BINS_MAX as f64;
    let (mut borders, mut seen) = (Vec::new(), 0_usize);
    for pair in counted.windows(2) {
        seen += pair[0].1;
        if is_few || seen as f64 >= per_range * (borders.len() + 1) as f64 {
            borders.push(between(pair[0].0, pair[1].0));
        }
    }
    borders.truncate(BINS_MAX - 1);
    borders
}

/// A number that is at least `low` and less than `high`: halfway where that can be told.
fn between(low: f32, high: f32) -> f32 {
    let middle = low + (high - low) / 2.0;
    if middle.is_finite() && middle >= low && middle < high { middle } else { low }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_have_a_range_each() {
        assert_eq!(borders(vec![3.0, 1.0, 1.0, 2.0]), [1.5, 2.5]);
        assert_eq!(borders(vec![f32::NEG_INFINITY, 4.0]), [f32::NEG_INFINITY]);
        assert_eq!(borders(vec![1.0; 9]), [0.0; 0]);
        let next = f32::from_bits(1.0_f32.to_bits() + 1);
        assert_eq!(borders(vec![1.0, next]), [1.0]);
    }

    #[test]
    fn many_values_share_ranges_evenly() {
        let found = borders((0..10_000).map(|value| value as f32).collect());
        assert_eq!(found.len(), BINS_MAX - 1);
        assert!(found.windows(2).all(|pair| (30.0..50.0).contains(&(pair[1] - pair[0]))));
    }
}
