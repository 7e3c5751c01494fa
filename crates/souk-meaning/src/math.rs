//! The arithmetic of a transformer, as fast as a processor does it without being told which it is.

use pulp::{Arch, Simd, WithSimd};

/// Rows that are multiplied together, so that they stay in the nearest cache.
const ROWS: usize = 32;

/// `rows · weightsᵀ + bias`: a layer's weights lie output by output, as they were trained.
pub(crate) struct Linear {
    pub(crate) weights: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

impl Linear {
    /// Puts the outputs of all rows into `out`.
    pub(crate) fn apply(&self, rows: &[f32], out: &mut Vec<f32>) {
        let inputs = self.weights.len() / self.bias.len();
        let n_rows = rows.len() / inputs;
        out.clear();
        out.reserve(n_rows * self.bias.len());
        (0..n_rows).for_each(|_| out.extend_from_slice(&self.bias));
        Arch::new().dispatch(Product { rows, weights: &self.weights, inputs, out });
    }
}

/// Adds `rows · weightsᵀ` to `out`.
struct Product<'a> {
    rows: &'a [f32],
    weights: &'a [f32],
    inputs: usize,
    out: &'a mut [f32],
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Product { rows, weights, inputs, out } = self;
        let outputs = weights.len() / inputs;
        let blocks = rows.chunks(ROWS * inputs).zip(out.chunks_mut(ROWS * outputs));
        for (rows, out) in blocks {
            for (pair, two) in weights.chunks(2 * inputs).enumerate() {
                let (first, second) = two.split_at(inputs);
                let second = if second.is_empty() { first } else { second };
                let mut tiles = rows.chunks_exact(4 * inputs).enumerate();
                for (tile, four) in &mut tiles {
                    let sums = dots(simd, four, [first, second]);
                    for (row, sums) in sums.iter().enumerate() {
                        put(&mut out[(tile * 4 + row) * outputs + pair * 2..], sums, two, inputs);
                    }
                }
                let done = rows.len() / (4 * inputs) * 4;
                for (row, one) in rows[done * inputs..].chunks_exact(inputs).enumerate() {
                    let sums = dots_of_one(simd, one, [first, second]);
                    put(&mut out[(done + row) * outputs + pair * 2..], &sums, two, inputs);
                }
            }
        }
    }
}

/// Adds one or two sums where they belong.
#[inline(always)]
fn put(out: &mut [f32], sums: &[f32; 2], weights: &[f32], inputs: usize) {
    for (out, sum) in out.iter_mut().zip(sums).take(weights.len() / inputs) {
        *out += sum;
    }
}

/// The products of four rows with two others: eight sums at once, since one must wait for the last.
#[inline(always)]
fn dots<S: Simd>(simd: S, four: &[f32], [first, second]: [&[f32]; 2]) -> [[f32; 2]; 4] {
    let length = first.len();
    let (first, first_rest) = S::as_simd_f32s(first);
    let (second, second_rest) = S::as_simd_f32s(&second[..length]);
    let row = |number: usize| S::as_simd_f32s(&four[number * length..(number + 1) * length]);
    let rows = [row(0), row(1), row(2), row(3)];
    let zero = simd.splat_f32s(0.0);
    let mut sums = [[zero; 2]; 4];
    let n = first.len();
    let [a, b, c, d] = [&rows[0].0[..n], &rows[1].0[..n], &rows[2].0[..n], &rows[3].0[..n]];
    let second = &second[..n];
    for at in 0..n {
        let (x, y) = (first[at], second[at]);
        let four = [a[at], b[at], c[at], d[at]];
        for (sum, row) in sums.iter_mut().zip(four) {
            sum[0] = simd.mul_add_e_f32s(row, x, sum[0]);
            sum[1] = simd.mul_add_e_f32s(row, y, sum[1]);
        }
    }
    let mut out = [[0.0; 2]; 4];
    for ((out, sum), (_, rest)) in out.iter_mut().zip(sums).zip(rows) {
        out[0] = simd.reduce_sum_f32s(sum[0]) + plain(rest, first_rest);
        out[1] = simd.reduce_sum_f32s(sum[1]) + plain(rest, second_rest);
    }
    out
}

#[inline(always)]
fn dots_of_one<S: Simd>(simd: S, row: &[f32], [first, second]: [&[f32]; 2]) -> [f32; 2] {
    let (row, row_rest) = S::as_simd_f32s(row);
    let zero = simd.splat_f32s(0.0);
    [first, second].map(|other| {
        let (other, other_rest) = S::as_simd_f32s(other);
        let mut sums = [zero; 4];
        let (fours, rest) = row.as_chunks::<4>();
        let (other_fours, other_last) = other.as_chunks::<4>();
        for (four, other) in fours.iter().zip(other_fours) {
            for idx in 0..4 {
                sums[idx] = simd.mul_add_e_f32s(four[idx], other[idx], sums[idx]);
            }
        }
        for (left, right) in rest.iter().zip(other_last) {
            sums[0] = simd.mul_add_e_f32s(*left, *right, sums[0]);
        }
        let sum = simd.add_f32s(simd.add_f32s(sums[0], sums[1]), simd.add_f32s(sums[2], sums[3]));
        simd.reduce_sum_f32s(sum) + plain(row_rest, other_rest)
    })
}

#[inline(always)]
fn plain(left: &[f32], right: &[f32]) -> f32 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

/// Brings each row to mean 0 and variance 1, then by `gain` and `shift` (Ba, Kiros and Hinton 2016, "Layer
/// normalization").
pub(crate) struct Normaliser {
    pub(crate) gain: Vec<f32>,
    pub(crate) shift: Vec<f32>,
    pub(crate) epsilon: f32,
}

impl Normaliser {
    pub(crate) fn apply(&self, rows: &mut [f32]) {
        let width = self.gain.len();
        for row in rows.chunks_exact_mut(width) {
            let mean = row.iter().sum::<f32>() / width as f32;
            let variance = row.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / width as f32;
            let scale = 1.0 / (variance + self.epsilon).sqrt();
            for ((x, gain), shift) in row.iter_mut().zip(&self.gain).zip(&self.shift) {
                *x = (*x - mean) * scale * gain + shift;
            }
        }
    }
}

/// `x Φ(x)`, exactly to 2e-7 (Hendrycks and Gimpel 2016, "Gaussian error linear units").
pub(crate) fn gelu(all: &mut [f32]) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for x in all.iter_mut() {
                *x *= 0.5 * (1.0 + erf(*x * std::f32::consts::FRAC_1_SQRT_2));
            }
        },
    );
}

/// The error function (Abramowitz and Stegun, *Handbook of Mathematical Functions*, 7.1.26: within 1.5e-7).
#[inline(always)]
fn erf(x: f32) -> f32 {
    let positive = x.abs().min(6.0);
    let t = 1.0 / (1.0 + 0.327_591_1 * positive);
    let series = ((((1.061_405_4 * t - 1.453_152) * t + 1.421_413_7) * t - 0.284_496_74) * t
        + 0.254_829_6)
        * t;
    (1.0 - series * exp(-positive * positive)).copysign(x)
}

/// `eˣ` for x from -87 to 0: two to a whole power by the exponent's bits, the rest by its series.
#[inline(always)]
fn exp(x: f32) -> f32 {
    /// Adding it leaves the nearest whole number in the lowest bits.
    const ROUNDER: f32 = 12_582_912.0;
    let x = x.max(-87.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUNDER;
    let whole = shifted - ROUNDER;
    // The logarithm of 2 in two parts, so that nothing is lost.
    let rest = (x - whole * 0.693_359_4) + whole * 2.121_944_4e-4;
    let series = 1.0
        + rest
            * (1.0
                + rest
                    * (0.5
                        + rest
                            * (1.0 / 6.0
                                + rest * (1.0 / 24.0 + rest * (1.0 / 120.0 + rest / 720.0)))));
    series * f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000))
}

/// Turns numbers into shares of their exponentials.
pub(crate) fn softmax(all: &mut [f32]) {
    let most = all.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    all.iter_mut().for_each(|x| *x = exp(*x - most));
    let sum: f32 = all.iter().sum();
    all.iter_mut().for_each(|x| *x /= sum);
}

/// Gives a vector the length 1; one without any length stays.
pub(crate) fn to_unit(vector: &mut [f32]) {
    let length = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x = (f64::from(*x) / length) as f32);
    }
}

/// Adds `all · weightsᵀ` to `out`, both row by row, `inputs` wide.
pub(crate) fn add_product(rows: &[f32], weights: &[f32], inputs: usize, out: &mut [f32]) {
    Arch::new().dispatch(Product { rows, weights, inputs, out });
}

#[cfg(test)]
mod tests;
