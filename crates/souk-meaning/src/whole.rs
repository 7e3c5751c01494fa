//! Products of matrices in whole numbers.
//!
//! A weight takes a byte and a number of a row thirteen bits and its sign, each with a scale for its row, so that sums
//! are exact in 32 bits whatever the processor and the order. Weights are what a short text waits for: in a byte each they stay in
//! the processor's caches. What is lost is the rounding of the weights alone (some .4 % of the largest in a row); rows in a
//! byte too would lose more and, where products are of 16 bits, gain nothing.

use pulp::{Simd, WithSimd};

/// The largest number of a weight.
const WEIGHT_MAX: f32 = 127.0;
/// The largest number of a row: with [`INPUTS_MAX`] products of it and a weight a sum still fits in 32 bits.
const ROW_MAX: f32 = 8_191.0;
/// The widest row.
pub(crate) const INPUTS_MAX: usize = 2_048;
/// Numbers that are multiplied at once; rows are filled up to a multiple with zeros.
const LANES: usize = 16;
/// Rows that are multiplied together, so that they stay in the nearest cache.
const ROWS: usize = 32;

/// `rows · weightsᵀ + bias`: a layer's weights lie output by output, as they were trained.
pub(crate) struct Linear {
    weights: Vec<i8>,
    /// Of each output.
    scales: Vec<f32>,
    bias: Vec<f32>,
    inputs: usize,
}

/// Rows of one width, rounded.
#[derive(Default)]
pub(crate) struct Rounded {
    numbers: Vec<i16>,
    /// Of each row.
    scales: Vec<f32>,
}

fn stride(width: usize) -> usize {
    width.next_multiple_of(LANES)
}

/// What a row's numbers are multiplied by so that the largest is `most`.
fn scale(row: &[f32], most: f32) -> f32 {
    let largest = row.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
    if largest > 0.0 { largest / most } else { 1.0 }
}

impl Rounded {
    /// Takes rows in place of those that it had.
    pub(crate) fn set(&mut self, rows: &[f32], width: usize) {
        self.numbers.clear();
        self.numbers.resize(rows.len() / width * stride(width), 0);
        self.scales.clear();
        let own = self.numbers.chunks_exact_mut(stride(width));
        for (row, numbers) in rows.chunks_exact(width).zip(own) {
            let scale = scale(row, ROW_MAX);
            let by = 1.0 / scale;
            for (number, x) in numbers.iter_mut().zip(row) {
                *number = round(x * by) as i16;
            }
            self.scales.push(scale);
        }
    }
}

/// To the nearest, of two the even one; for numbers below 2²².
#[inline(always)]
fn round(x: f32) -> f32 {
    /// Adding it leaves no room for a fraction.
    const ROUNDER: f32 = 12_582_912.0;
    (x + ROUNDER) - ROUNDER
}

impl Linear {
    /// Rounds weights, output by output.
    ///
    /// # Panics
    ///
    /// Where a row is wider than [`INPUTS_MAX`].
    pub(crate) fn new(weights: &[f32], bias: Vec<f32>) -> Linear {
        let inputs = weights.len() / bias.len();
        assert!(inputs <= INPUTS_MAX, "{inputs} inputs");
        let mut rounded = vec![0; bias.len() * stride(inputs)];
        let mut scales = Vec::with_capacity(bias.len());
        let own = rounded.chunks_exact_mut(stride(inputs));
        for (row, numbers) in weights.chunks_exact(inputs).zip(own) {
            let scale = scale(row, WEIGHT_MAX);
            for (number, x) in numbers.iter_mut().zip(row) {
                *number = (x / scale).round() as i8;
            }
            scales.push(scale);
        }
        Linear { weights: rounded, scales, bias, inputs }
    }

    /// Puts the outputs of all rows into `out`.
    pub(crate) fn apply(&self, rows: &Rounded, out: &mut Vec<f32>) {
        // Each number is written below.
        out.resize(rows.scales.len() * self.bias.len(), 0.0);
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = pulp::x86::V3::try_new() {
            return Simd::vectorize(simd, Product { linear: self, rows, out, kernel: Avx2(simd) });
        }
        Product { linear: self, rows, out, kernel: Portable }.work();
    }
}

/// How whole numbers are multiplied and summed.
trait Kernel: Copy {
    /// The products of `R` rows with the weights of `C` outputs.
    fn dots<const R: usize, const C: usize>(
        self,
        rows: [&[i16]; R],
        weights: [&[i8]; C],
    ) -> [[i32; C]; R];
}

/// Any processor.
#[derive(Clone, Copy)]
struct Portable;

impl Kernel for Portable {
    #[inline(always)]
    fn dots<const R: usize, const C: usize>(
        self,
        rows: [&[i16]; R],
        weights: [&[i8]; C],
    ) -> [[i32; C]; R] {
        rows.map(|row| {
            weights.map(|weights| {
                let pairs = row.iter().zip(weights);
                pairs.map(|(x, weight)| i32::from(*x) * i32::from(*weight)).sum()
            })
        })
    }
}

/// Those that multiply sixteen numbers at once.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
struct Avx2(pulp::x86::V3);

#[cfg(target_arch = "x86_64")]
impl Kernel for Avx2 {
    #[inline(always)]
    fn dots<const R: usize, const C: usize>(
        self,
        rows: [&[i16]; R],
        weights: [&[i8]; C],
    ) -> [[i32; C]; R] {
        use pulp::bytemuck::cast;
        use std::arch::x86_64::__m256i;
        let (avx, avx2) = (self.0.avx, self.0.avx2);
        let weights = weights.map(|weights| weights.as_chunks::<LANES>().0);
        let n = weights[0].len();
        let weights = weights.map(|weights| &weights[..n]);
        let rows = rows.map(|row| &row.as_chunks::<LANES>().0[..n]);
        let mut sums = [[avx._mm256_setzero_si256(); C]; R];
        for at in 0..n {
            let weights = weights.map(|weights| avx2._mm256_cvtepi8_epi16(cast(weights[at])));
            for (sums, row) in sums.iter_mut().zip(rows) {
                let row: __m256i = cast(row[at]);
                for (sum, weights) in sums.iter_mut().zip(weights) {
                    *sum = avx2._mm256_add_epi32(*sum, avx2._mm256_madd_epi16(row, weights));
                }
            }
        }
        sums.map(|sums| sums.map(|sum| cast::<__m256i, [i32; 8]>(sum).into_iter().sum()))
    }
}

struct Product<'a, K> {
    linear: &'a Linear,
    rows: &'a Rounded,
    out: &'a mut [f32],
    kernel: K,
}

impl<K: Kernel> WithSimd for Product<'_, K> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.work();
    }
}

impl<K: Kernel> Product<'_, K> {
    /// A block of rows after the other, with two outputs at a time and four rows: the weights are then widened once
    /// for four, and all sums stay in registers.
    #[inline(always)]
    fn work(self) {
        let Product { linear, rows, out, kernel } = self;
        let (n_outputs, stride) = (linear.bias.len(), stride(linear.inputs));
        let blocks = rows.numbers.chunks(ROWS * stride).zip(rows.scales.chunks(ROWS));
        for ((numbers, scales), out) in blocks.zip(out.chunks_mut(ROWS * n_outputs)) {
            let row = |at: usize| &numbers[at * stride..(at + 1) * stride];
            for first in (0..n_outputs).step_by(2) {
                // The last one of an odd number is multiplied twice.
                let outputs = [first, (first + 1).min(n_outputs - 1)];
                let weights = outputs.map(|at| &linear.weights[at * stride..(at + 1) * stride]);
                let mut put = |at: usize, sums: [i32; 2]| {
                    for (output, sum) in outputs.into_iter().zip(sums) {
                        let scale = scales[at] * linear.scales[output];
                        out[at * n_outputs + output] = sum as f32 * scale + linear.bias[output];
                    }
                };
                let mut at = 0;
                while at + 4 <= scales.len() {
                    let four = [row(at), row(at + 1), row(at + 2), row(at + 3)];
                    let sums = kernel.dots(four, weights);
                    (at..).zip(sums).for_each(|(at, sums)| put(at, sums));
                    at += 4;
                }
                if at + 2 <= scales.len() {
                    let sums = kernel.dots([row(at), row(at + 1)], weights);
                    (at..).zip(sums).for_each(|(at, sums)| put(at, sums));
                    at += 2;
                }
                if at < scales.len() {
                    put(at, kernel.dots([row(at)], weights)[0]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
