//! Whether a difference is more than luck: the paired bootstrap over queries (Sakai 2006, "Evaluating
//! evaluation metrics based on the bootstrap").

/// A difference of two means with the interval that it lies in with 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The difference.
    pub mean: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
}

const SAMPLES: usize = 10_000;

/// The mean of `ours - theirs`, query by query, which must be as many.
///
/// # Panics
///
/// When there are not as many.
pub fn paired_difference(ours: &[f64], theirs: &[f64], seed: u64) -> Interval {
    assert_eq!(ours.len(), theirs.len(), "both were measured on the same queries");
    let differences: Vec<f64> = ours.iter().zip(theirs).map(|(our, their)| our - their).collect();
    let n = differences.len();
    if n == 0 {
        return Interval { mean: 0.0, low: 0.0, high: 0.0 };
    }
    let mean = differences.iter().sum::<f64>() / n as f64;
    let mut state = seed | 1;
    let mut means: Vec<f64> = (0..SAMPLES)
        .map(|_| (0..n).map(|_| differences[below(&mut state, n)]).sum::<f64>() / n as f64)
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    Interval { mean, low: means[SAMPLES / 40], high: means[SAMPLES - 1 - SAMPLES / 40] }
}

/// A number below `bound` (xorshift64*, Vigna 2016).
fn below(state: &mut u64, bound: usize) -> usize {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    let bits = state.wrapping_mul(0x2545_f491_4f6c_dd1d);
    ((u128::from(bits) * bound as u128) >> 64) as usize
}
