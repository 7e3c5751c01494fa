//! Differences between two groups of people, with intervals that stay true however often one looks.
//!
//! An interval of the usual kind is right once. Whoever looks every day and stops at the first day that
//! pleases is wrong far more often than one time in twenty. A *confidence sequence* holds at all looks
//! together, and is wider for it: about 3.1 standard errors in place of 1.96.
//!
//! Source: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and
//! asymptotic confidence sequences", arXiv:2103.06476 (Annals of Statistics 52, 2024), theorem 2.2: for
//! independent values with mean `m` and deviation `s` after `t` of them, with `r` > 0,
//!
//! ```text
//! m ± s · √( 2(t·r² + 1) / (t²·r²) · ln( √(t·r² + 1) / α ) )
//! ```
//!
//! The difference of two groups is the same with the influence function of a difference of means
//! (section 3 there): its variance is `t · (s₁²/n₁ + s₀²/n₀)` with `t = n₁ + n₀`. It rests on a central
//! limit theorem, so with few people, few buyers, or one whose spending outweighs all others', nothing is
//! said at all; [`compare`] names what is missing.

/// Values of independent people, in constant memory.
///
/// Source: Welford, *Technometrics* 4, 1962.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    n: u64,
    mean: f64,
    /// Sum of squared distances from the mean.
    spread: f64,
    n_nonzero: u64,
    largest: f64,
}

impl Moments {
    /// Takes in one person's value.
    pub fn push(&mut self, value: f64) {
        self.n += 1;
        let from_old = value - self.mean;
        self.mean += from_old / self.n as f64;
        self.spread += from_old * (value - self.mean);
        self.n_nonzero += u64::from(value != 0.0);
        self.largest = self.largest.max(value.abs());
    }

    /// How many people there are.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// How many of them have a value other than nothing.
    pub fn n_nonzero(&self) -> u64 {
        self.n_nonzero
    }

    /// Their mean; 0 without any.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Their variance; 0 with fewer than two.
    pub fn variance(&self) -> f64 {
        if self.n < 2 { 0.0 } else { self.spread / (self.n - 1) as f64 }
    }

    /// The share of the spread that one person alone makes.
    fn largest_share(&self) -> f64 {
        let distance = (self.largest - self.mean).powi(2);
        if self.spread > 0.0 { distance / self.spread } else { 1.0 }
    }
}

/// A ratio of two values of independent people, as revenue by orders, in constant memory.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RatioMoments {
    above: Moments,
    below: Moments,
    /// Sum of products of distances from the means.
    joint: f64,
}

impl RatioMoments {
    /// Takes in one person's values.
    pub fn push(&mut self, above: f64, below: f64) {
        let from_old = above - self.above.mean;
        self.above.push(above);
        self.below.push(below);
        self.joint += from_old * (below - self.below.mean);
    }

    /// The ratio; 0 where nothing is below.
    pub fn ratio(&self) -> f64 {
        if self.below.mean > 0.0 { self.above.mean / self.below.mean } else { 0.0 }
    }

    /// The moments of a mean that behaves as the ratio does among many people (delta method: the ratio's
    /// influence function is `(a - ratio · b) / mean of b`).
    fn linear(&self) -> Moments {
        let (ratio, below) = (self.ratio(), self.below.mean);
        if below <= 0.0 {
            return Moments { n: self.above.n, ..Moments::default() };
        }
        let spread =
            self.above.spread - 2.0 * ratio * self.joint + ratio * ratio * self.below.spread;
        Moments {
            n: self.above.n,
            mean: ratio,
            spread: spread.max(0.0) / (below * below),
            n_nonzero: self.below.n_nonzero,
            largest: 0.0,
        }
    }
}

/// A difference with an interval that holds at all looks together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The difference of the means.
    pub difference: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// Whether it leaves no difference out.
    pub fn excludes_zero(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

/// Why nothing is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Thin {
    /// A group is too small.
    #[error("{have} people in the smaller group; {need} are needed")]
    People {
        /// In the smaller group.
        have: u64,
        /// How many are needed.
        need: u64,
    },
    /// Too few did anything.
    #[error("{have} of the smaller group have a value other than 0; {need} are needed")]
    Active {
        /// In the group with fewer of them.
        have: u64,
        /// How many are needed.
        need: u64,
    },
    /// One person outweighs the others.
    #[error("one person makes {percent} % of the spread; at most {percent_max} % is sound")]
    OnePerson {
        /// Their share.
        percent: u64,
        /// What is borne.
        percent_max: u64,
    },
}

/// People in each group below which nothing is said. Chosen with `cargo bench --bench honesty`: from here
/// on the limit theorem holds for what shops see.
pub const PEOPLE_MIN: u64 = 200;
/// People in each group with a value other than nothing, for the same reason.
pub const ACTIVE_MIN: u64 = 30;
/// The share of a group's spread that one person may make (chosen: a mean that hangs on one order says
/// nothing about the next people).
pub const ONE_PERSON_MAX: f64 = 0.25;

/// The number of people at which intervals are tightest, compared with the tightest that is possible
/// (chosen: some weeks of a middle-sized shop; ten times more or fewer cost a tenth of the width).
const TIGHTEST_AT: f64 = 10_000.0;

/// Half the width of the interval of a mean of `n` values with this variance, at level `1 - alpha`.
///
/// `r² = (-2 ln α + ln(1 - 2 ln α)) / n*` makes it tightest at `n*` (appendix of the paper).
pub fn half_width(n: f64, variance: f64, alpha: f64) -> f64 {
    let log = -2.0 * alpha.ln();
    let r2 = (log + log.ln_1p()) / TIGHTEST_AT;
    let grown = n * r2 + 1.0;
    (variance * 2.0 * grown / (n * n * r2) * (grown.sqrt() / alpha).ln()).sqrt()
}

/// `shown` less `held`, with an interval that covers the true difference at every look with probability
/// `1 - alpha`.
///
/// # Errors
///
/// [`Thin`] when the groups say too little for any interval to be sound.
pub fn compare(held: &Moments, shown: &Moments, alpha: f64) -> Result<Interval, Thin> {
    check(held, shown)?;
    let share = held.largest_share().max(shown.largest_share());
    if share > ONE_PERSON_MAX {
        let percent = |share: f64| (share * 100.0).round() as u64;
        let (percent, percent_max) = (percent(share), percent(ONE_PERSON_MAX));
        return Err(Thin::OnePerson { percent, percent_max });
    }
    Ok(interval(held, shown, alpha))
}

/// As [`compare`], of two ratios.
///
/// # Errors
///
/// As [`compare`].
pub fn compare_ratios(
    held: &RatioMoments,
    shown: &RatioMoments,
    alpha: f64,
) -> Result<Interval, Thin> {
    compare(&held.above, &shown.above, alpha)?;
    check(&held.below, &shown.below)?;
    Ok(interval(&held.linear(), &shown.linear(), alpha))
}

fn check(held: &Moments, shown: &Moments) -> Result<(), Thin> {
    let have = held.n.min(shown.n);
    if have < PEOPLE_MIN {
        return Err(Thin::People { have, need: PEOPLE_MIN });
    }
    let have = held.n_nonzero.min(shown.n_nonzero);
    if have < ACTIVE_MIN {
        return Err(Thin::Active { have, need: ACTIVE_MIN });
    }
    Ok(())
}

fn interval(held: &Moments, shown: &Moments, alpha: f64) -> Interval {
    let all = (held.n + shown.n) as f64;
    let of_mean = |one: &Moments| one.variance() / one.n as f64;
    let half = half_width(all, all * (of_mean(held) + of_mean(shown)), alpha);
    let difference = shown.mean - held.mean;
    Interval { difference, low: difference - half, high: difference + half }
}

/// Whether the smaller group is larger or smaller than its share of all people can explain, at every look
/// with probability `1 - alpha`: then people were lost, and no comparison is fair.
pub fn is_share_odd(n_held: u64, n_all: u64, (share, alpha): (f64, f64)) -> bool {
    if n_all == 0 {
        return false;
    }
    let all = n_all as f64;
    let found = n_held as f64 / all;
    (found - share).abs() > half_width(all, share * (1.0 - share), alpha)
}

#[cfg(test)]
mod tests;
