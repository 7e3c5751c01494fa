//! Functions that the standard library lacks, as precise as `f64` allows where they are used here.

/// From here on the asymptotic series are exact to the last digits; smaller arguments are shifted up.
const SERIES_FROM: f64 = 12.0;
/// Terms of a power series at most; one that needs more has an argument too near to 1.
const TERMS_MAX: usize = 20_000;

/// ln Γ(x) for x > 0.
///
/// Stirling's series after shifting the argument up. Source: Abramowitz and Stegun, *Handbook of
/// Mathematical Functions*, 6.1.41 and 6.1.15.
pub(super) fn ln_gamma(x: f64) -> f64 {
    debug_assert!(x > 0.0, "ln_gamma({x})");
    let (mut shifted, mut product, mut logs) = (x, 1.0_f64, 0.0);
    while shifted < SERIES_FROM {
        product *= shifted;
        shifted += 1.0;
        if product > 1e250 {
            logs += product.ln();
            product = 1.0;
        }
    }
    let inverse = 1.0 / shifted;
    let square = inverse * inverse;
    let series = inverse
        * (1.0 / 12.0
            + square
                * (-1.0 / 360.0
                    + square
                        * (1.0 / 1_260.0 + square * (-1.0 / 1_680.0 + square * (1.0 / 1_188.0)))));
    let half_ln_two_pi = 0.918_938_533_204_672_8;
    (shifted - 0.5) * shifted.ln() - shifted + half_ln_two_pi + series - product.ln() - logs
}

/// ψ(x), the derivative of ln Γ, for x > 0.
///
/// Source: Abramowitz and Stegun, 6.3.18 and 6.3.5.
pub(super) fn digamma(x: f64) -> f64 {
    debug_assert!(x > 0.0, "digamma({x})");
    let (mut shifted, mut below) = (x, 0.0);
    while shifted < SERIES_FROM {
        below += 1.0 / shifted;
        shifted += 1.0;
    }
    let square = 1.0 / (shifted * shifted);
    let series = square
        * (1.0 / 12.0
            - square
                * (1.0 / 120.0 - square * (1.0 / 252.0 - square * (1.0 / 240.0 - square / 132.0))));
    shifted.ln() - 0.5 / shifted - series - below
}

/// Gauss's hypergeometric function ₂F₁(a, b; c; z) for 0 ≤ z < 1, by its power series.
///
/// `None` where the series does not come to an end: z too near to 1, or c a whole number below 1.
pub(super) fn hypergeometric((a, b, c): (f64, f64, f64), z: f64) -> Option<f64> {
    if !(0.0..1.0).contains(&z) || c <= 0.0 && c.fract().abs() < 1e-9 {
        return None;
    }
    let (mut term, mut sum) = (1.0_f64, 1.0_f64);
    for n in 0..TERMS_MAX {
        let n = n as f64;
        term *= (a + n) * (b + n) / ((c + n) * (n + 1.0)) * z;
        sum += term;
        // Beyond the turning point terms fall by about z each, so what is left is a geometric series.
        let is_falling = n > -c && n > (a * b).abs();
        if term.abs() <= sum.abs() * 1e-16 * (1.0 - z) && is_falling || term == 0.0 {
            return Some(sum).filter(|sum| sum.is_finite());
        }
    }
    None
}
