//! Numbers for tests.

/// Numbers from -1 to 1 that look like nothing in particular.
pub(crate) fn numbers(n: usize, seed: usize) -> Vec<f32> {
    (0..n).map(|idx| ((idx * 7_919 + seed * 104_729) % 2_003) as f32 / 1_001.5 - 1.0).collect()
}
