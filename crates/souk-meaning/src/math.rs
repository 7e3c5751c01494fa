//! The arithmetic of a transformer, as fast as a processor does it without being told which it is.

use pulp::Arch;

/// Sums that are worked out side by side, since one must wait for the last; always as many, so that a sum is the same on every
/// processor.
const SUMS: usize = 8;

/// Sums what is made of each number.
#[inline(always)]
fn sum_of(all: &[f32], make: impl Fn(f32) -> f32) -> f32 {
    let (eights, rest) = all.as_chunks::<SUMS>();
    let mut sums = [0.0; SUMS];
    for eight in eights {
        sums.iter_mut().zip(eight).for_each(|(sum, x)| *sum += make(*x));
    }
    sums.into_iter().chain(rest.iter().map(|x| make(*x))).sum()
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
        Arch::new().dispatch(
            #[inline(always)]
            || rows.chunks_exact_mut(self.gain.len()).for_each(|row| self.apply_to(row)),
        );
    }

    #[inline(always)]
    fn apply_to(&self, row: &mut [f32]) {
        let width = row.len() as f32;
        let mean = sum_of(row, |x| x) / width;
        let variance = sum_of(row, |x| (x - mean) * (x - mean)) / width;
        let scale = 1.0 / (variance + self.epsilon).sqrt();
        for ((x, gain), shift) in row.iter_mut().zip(&self.gain).zip(&self.shift) {
            *x = (*x - mean) * scale * gain + shift;
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
#[inline(always)]
pub(crate) fn softmax(all: &mut [f32]) {
    let most = all.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    all.iter_mut().for_each(|x| *x = exp(*x - most));
    let sum = sum_of(all, |x| x);
    all.iter_mut().for_each(|x| *x /= sum);
}

/// Gives a vector the length 1; one without any length stays.
pub(crate) fn to_unit(vector: &mut [f32]) {
    let length = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x = (f64::from(*x) / length) as f32);
    }
}

#[cfg(test)]
mod tests;
