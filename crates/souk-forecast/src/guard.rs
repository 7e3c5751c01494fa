//! Sane bounds: no forecast may leave them without a reason.

/// What a series' history allows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    low: f64,
    high: f64,
    /// No value is below 0, so that no forecast may be.
    is_nonnegative: bool,
    largest: f64,
}

/// Widths of the history's range that a forecast may leave it by (chosen: growth of a whole range beyond
/// the highest value happens, two ranges within one horizon are a runaway model).
const RANGES: f64 = 2.0;
/// Times the largest absolute value that no forecast may pass.
const TIMES_MAX: f64 = 10.0;

impl Bounds {
    /// The bounds that a history gives.
    pub fn of(y: &[f64]) -> Bounds {
        let low = y.iter().copied().fold(f64::INFINITY, f64::min);
        let high = y.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if low > high {
            return Bounds { low: 0.0, high: 0.0, is_nonnegative: true, largest: 0.0 };
        }
        let range = high - low;
        let largest = low.abs().max(high.abs());
        let (low, high) = (low - RANGES * range, high + RANGES * range);
        let is_nonnegative = y.iter().all(|value| *value >= 0.0);
        Bounds { low, high, is_nonnegative, largest }
    }

    /// True when all means stay within the bounds; a negative one is not judged here, see [`Bounds::floor`].
    pub fn admit(&self, mean: &[f64]) -> bool {
        let slack = 1e-9 * self.largest;
        mean.iter().all(|value| {
            value.is_finite() && *value >= self.low - slack && *value <= self.high + slack
        })
    }

    /// Lifts negative forecasts of what is never negative to 0.
    pub fn floor(&self, mean: &mut [f64]) {
        if self.is_nonnegative {
            for value in mean {
                *value = value.max(0.0);
            }
        }
    }

    /// Cuts anything off that is beyond ten times the largest value; true when something was.
    pub fn cut(&self, values: &mut [f64]) -> bool {
        let most = TIMES_MAX * self.largest;
        let mut is_cut = false;
        for value in values {
            let inside = if value.is_nan() { 0.0 } else { value.clamp(-most, most) };
            is_cut |= inside != *value;
            *value = inside;
        }
        is_cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_by_hand() {
        let bounds = Bounds::of(&[10.0, 20.0]);
        assert!(bounds.admit(&[-10.0, 40.0]));
        assert!(!bounds.admit(&[40.1]) && !bounds.admit(&[-10.1]) && !bounds.admit(&[f64::NAN]));
        let mut values = [250.0, -1e9, f64::NAN, 7.0];
        assert!(bounds.cut(&mut values));
        assert_eq!(values, [200.0, -200.0, 0.0, 7.0]);
        let mut values = [-1.0, 3.0];
        bounds.floor(&mut values);
        assert_eq!(values, [0.0, 3.0]);
        let mut values = [-1.0];
        Bounds::of(&[-1.0, 3.0]).floor(&mut values);
        assert_eq!(values, [-1.0]);
        assert!(Bounds::of(&[]).admit(&[0.0]));
    }
}
