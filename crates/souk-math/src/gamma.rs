//! The gamma distribution: shape and scale, with mean shape · scale.
//!
//! Source: Press, Teukolsky, Vetterling and Flannery, *Numerical Recipes*, 3rd ed., §6.2 (the series and the continued
//! fraction of the incomplete gamma function); the continued fraction is evaluated by Lentz's method.

use crate::counts::ln_gamma;

/// Terms of a series or a fraction at most; both need about 6·√shape of them.
const TERMS_MAX: usize = 1_000_000;
/// Shapes beyond this are taken as normal by the cube root of Wilson and Hilferty (1931; error below 1e-6 there).
const SHAPE_MAX: f64 = 1e6;

/// The chance of a value up to `x`, for a shape above 0 and a scale of 1; 0 for x ≤ 0.
///
/// Good to about 1e-12 for shapes up to a million.
pub fn at_most(shape: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x.is_infinite() {
        return 1.0;
    }
    if shape > SHAPE_MAX {
        let ninth = 1.0 / (9.0 * shape);
        return crate::normal::at_most(((x / shape).cbrt() - 1.0 + ninth) / ninth.sqrt());
    }
    let front = (shape * x.ln() - x - ln_gamma(shape)).exp();
    if x < shape + 1.0 { front * series(shape, x) } else { 1.0 - front * fraction(shape, x) }
}

fn series(shape: f64, x: f64) -> f64 {
    let (mut term, mut sum) = (1.0 / shape, 1.0 / shape);
    for n in 1..TERMS_MAX {
        term *= x / (shape + n as f64);
        sum += term;
        if term < sum * 1e-17 {
            break;
        }
    }
    sum
}

fn fraction(shape: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let mut b = x + 1.0 - shape;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut value = d;
    for n in 1..TERMS_MAX {
        let a = -(n as f64) * (n as f64 - shape);
        b += 2.0;
        let or_tiny = |value: f64| if value.abs() < TINY { TINY } else { value };
        d = 1.0 / or_tiny(a * d + b);
        c = or_tiny(b + a / c);
        value *= c * d;
        if (c * d - 1.0).abs() < 1e-16 {
            break;
        }
    }
    value
}

/// The value that is not exceeded with chance `p`, for 0 < p < 1 and a scale of 1: by bisection from the guess of Wilson
/// and Hilferty, to 1e-13 relative.
pub fn quantile(shape: f64, p: f64) -> f64 {
    let ninth = 1.0 / (9.0 * shape);
    let root = 1.0 - ninth + crate::normal::quantile(p) * ninth.sqrt();
    let guess = shape * root.max(1e-3).powi(3);
    let (mut low, mut high) = (guess, guess);
    while low > 1e-300 && at_most(shape, low) > p {
        low /= 2.0;
    }
    while at_most(shape, high) < p {
        high *= 2.0;
    }
    for _ in 0..200 {
        // Far apart, the digits are halved.
        let is_far = low > 0.0 && high > 2.0 * low;
        let middle = if is_far { low.sqrt() * high.sqrt() } else { low + (high - low) / 2.0 };
        if high - low <= middle * 1e-14 {
            break;
        }
        if at_most(shape, middle) < p { low = middle } else { high = middle }
    }
    low + (high - low) / 2.0
}

/// The mean of what exceeds `x`, E (X − x)⁺, with a scale of 1.
pub fn excess(shape: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return shape - x;
    }
    let above = |shape: f64| 1.0 - at_most(shape, x);
    (shape * above(shape + 1.0) - x * above(shape)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: shape 1 is exponential, shape 2 the sum of two of them.
    #[test]
    fn exponentials_by_hand() {
        for x in [0.01, 0.5, 1.0, 3.0, 12.0_f64] {
            assert!((at_most(1.0, x) - (1.0 - (-x).exp())).abs() < 1e-12, "{x}");
            assert!((at_most(2.0, x) - (1.0 - (1.0 + x) * (-x).exp())).abs() < 1e-12, "{x}");
            assert!((excess(1.0, x) - (-x).exp()).abs() < 1e-12, "{x}");
        }
        assert_eq!(
            (at_most(3.0, 0.0), at_most(3.0, -1.0), at_most(3.0, f64::INFINITY)),
            (0.0, 0.0, 1.0)
        );
        assert_eq!(excess(3.0, -1.0), 4.0);
    }

    #[test]
    fn quantiles_undo_chances() {
        for shape in [0.02, 0.4, 1.0, 7.5, 250.0, 90_000.0, 4e6] {
            for p in [0.001, 0.3, 0.5, 0.9, 0.999] {
                let x = quantile(shape, p);
                assert!((at_most(shape, x) - p).abs() < 1e-9, "{shape} {p}: {x}");
            }
        }
        // ln 2 and ln 10.
        assert!((quantile(1.0, 0.5) - std::f64::consts::LN_2).abs() < 1e-12);
        assert!((quantile(1.0, 0.9) - std::f64::consts::LN_10).abs() < 1e-12);
    }
}
