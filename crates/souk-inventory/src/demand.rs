//! Demand over several days, and lead times: what stock has to last for.
//!
//! A [`Total`] is the distribution of demand over a stretch of days whose length is itself uncertain: a mixture over the
//! lead times of the distribution of each sum. Sums of pieces are negative binomial with the sum's own moments (exact where all
//! days have one dispersion), from a mean of 500 pieces on and for goods by weight a gamma distribution.
//!
//! Source: Silver, Pyke and Thomas, *Inventory and Production Management in Supply Chains*, 4th ed., §6.10 (lead times that
//! vary); Burgin, *The gamma distribution and inventory control*, Operational Research Quarterly 26(3), 1975.

use souk_math::counts::CountDistribution;
use souk_math::gamma;

use crate::{PolicyError, at_least_zero, positive};

#[cfg(test)]
mod tests;

/// Whether goods are counted or measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    /// Whole pieces: every level is a whole number.
    Pieces,
    /// Weight, length or volume.
    Measured,
}

/// Demand of one day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DayDemand {
    /// Units, at least 0.
    pub mean: f64,
    /// Variance over mean: 1 for a Poisson distribution. Pieces are never taken as less spread than that.
    pub dispersion: f64,
}

impl DayDemand {
    /// The demand that a forecast with these quantiles (`(share, units)`) and this mean tells of.
    ///
    /// The standard deviation is the least-squares slope of units over the normal quantiles of the shares; a single
    /// quantile is taken against the mean.
    ///
    /// # Errors
    ///
    /// [`PolicyError::OutOfRange`] for a share outside 0..1, or a mean or quantile that is negative or not a number.
    pub fn of_quantiles(mean: f64, quantiles: &[(f64, f64)]) -> Result<DayDemand, PolicyError> {
        at_least_zero("the mean demand of a day", mean)?;
        let mut points = vec![(0.0, mean)];
        for &(share, units) in quantiles {
            at_least_zero("a quantile of a day's demand", units)?;
            points.push((
                souk_math::normal::quantile(crate::share("a quantile's share", share)?),
                units,
            ));
        }
        let n = points.len() as f64;
        let centre = points.iter().map(|(z, _)| z).sum::<f64>() / n;
        let middle = points.iter().map(|(_, units)| units).sum::<f64>() / n;
        let cross: f64 = points.iter().map(|(z, units)| (z - centre) * (units - middle)).sum();
        let square: f64 = points.iter().map(|(z, _)| (z - centre).powi(2)).sum();
        let sd = if square > 0.0 { (cross / square).max(0.0) } else { 0.0 };
        Ok(DayDemand { mean, dispersion: if mean > 0.0 { sd * sd / mean } else { 1.0 } })
    }

    /// So many days: those given, and then their last week again and again.
    pub fn extended(days: &[DayDemand], n: usize) -> Vec<DayDemand> {
        let week = &days[days.len().saturating_sub(7)..];
        days.iter().chain(week.iter().cycle()).take(n).copied().collect()
    }

    fn checked(&self) -> Result<(), PolicyError> {
        at_least_zero("the mean demand of a day", self.mean)?;
        at_least_zero("the dispersion of a day's demand", self.dispersion).map(|_| ())
    }
}

/// What is known of the coming days; the first one is the day on which an order would go out.
#[derive(Clone, Copy, Debug)]
pub enum Outlook<'a> {
    /// A distribution for each day.
    Days {
        /// From the first day on.
        days: &'a [DayDemand],
        /// How far the level of all days together may be off: the standard deviation of one factor common to all of them (0.1:
        /// 10 %). With 0 the days' errors are independent, which makes weeks look more certain than forecasts are.
        level_error: f64,
        /// Counted or measured.
        grain: Grain,
    },
    /// Sampled futures, equally likely, each with units of each day.
    Paths {
        /// At least one, all of one length.
        paths: &'a [Vec<f64>],
        /// Counted or measured.
        grain: Grain,
    },
}

impl Outlook<'_> {
    /// Counted or measured.
    pub fn grain(&self) -> Grain {
        match self {
            Outlook::Days { grain, .. } | Outlook::Paths { grain, .. } => *grain,
        }
    }

    fn n_days(&self) -> usize {
        match self {
            Outlook::Days { days, .. } => days.len(),
            Outlook::Paths { paths, .. } => paths.iter().map(Vec::len).min().unwrap_or(0),
        }
    }

    /// Demand of the first `days` days.
    fn over(&self, days: usize) -> Result<Piece, PolicyError> {
        if days > self.n_days() {
            return Err(PolicyError::ShortHorizon { have: self.n_days(), need: days });
        }
        match self {
            Outlook::Days { days: list, level_error, grain } => {
                at_least_zero("the error of the level", *level_error)?;
                let (mut mean, mut variance) = (0.0, 0.0);
                for day in &list[..days] {
                    day.checked()?;
                    mean += day.mean;
                    variance += day.mean * day.dispersion;
                }
                Piece::of_moments(mean, variance + (level_error * mean).powi(2), *grain)
            }
            Outlook::Paths { paths, .. } => {
                positive("the number of paths", paths.len() as f64)?;
                let mut sums = Vec::with_capacity(paths.len());
                for path in *paths {
                    let sum: f64 = path[..days].iter().sum();
                    sums.push(at_least_zero("the demand of a path", sum)?);
                }
                Ok(Piece::of_sample(sums))
            }
        }
    }
}

/// How long an order may take, in days: one that goes out before the first day's sales and takes `n` days can be sold from
/// day `n + 1` on.
#[derive(Clone, Debug, PartialEq)]
pub struct LeadTime {
    /// Days and their chances, ascending.
    chances: Vec<(u32, f64)>,
}

/// Days that an order may take at most.
pub const LEAD_DAYS_MAX: u32 = 1_000;

impl LeadTime {
    /// Always so many days.
    pub fn fixed(days: u32) -> LeadTime {
        LeadTime { chances: vec![(days.min(LEAD_DAYS_MAX), 1.0)] }
    }

    /// A gamma distribution with this mean and standard deviation in days, in whole days; what is rarer than 1 in 10,000 at the
    /// ends is left out. Below a deviation of 0.29 (that of rounding itself) the mean is kept by the two whole days beside it.
    ///
    /// # Errors
    ///
    /// [`PolicyError::OutOfRange`] for a negative number, or beyond [`LEAD_DAYS_MAX`].
    pub fn of_moments(mean: f64, sd: f64) -> Result<LeadTime, PolicyError> {
        at_least_zero("the mean lead time", mean)?;
        at_least_zero("the deviation of the lead time", sd)?;
        let top = f64::from(LEAD_DAYS_MAX);
        if mean > top || sd > top {
            return Err(PolicyError::OutOfRange {
                name: "the lead time",
                value: mean.max(sd),
                bound: "up to 1000 days",
            });
        }
        let mut chances = Vec::new();
        // Sheppard's correction: cutting into whole days adds a twelfth.
        let variance = sd * sd - 1.0 / 12.0;
        if variance < 1e-6 || mean < 1e-6 {
            let low = mean.floor();
            chances.push((low as u32, 1.0 - (mean - low)));
            chances.push((low as u32 + 1, mean - low));
        } else {
            let (shape, scale) = (mean * mean / variance, variance / mean);
            let mut before = 0.0;
            for day in 0..=LEAD_DAYS_MAX {
                let until = gamma::at_most(shape, (f64::from(day) + 0.5) / scale);
                let chance = until - before;
                before = until;
                let is_rare = until < 1e-4 || 1.0 - (until - chance) < 1e-4;
                chances.push((day, if is_rare { 0.0 } else { chance }));
                if 1.0 - until < 1e-4 {
                    break;
                }
            }
        }
        LeadTime::of_chances(chances)
    }

    /// As often as it was seen; at least one receipt.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Chances`] without any, [`PolicyError::OutOfRange`] beyond [`LEAD_DAYS_MAX`].
    pub fn of_seen(days: &[u32]) -> Result<LeadTime, PolicyError> {
        let each = 1.0 / days.len() as f64;
        LeadTime::of_chances(days.iter().map(|days| (*days, each)).collect())
    }

    /// Days with their chances, in any order.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Chances`] unless they add up to 1 (within 1 %: they are scaled), [`PolicyError::OutOfRange`] beyond
    /// [`LEAD_DAYS_MAX`].
    pub fn of_chances(mut chances: Vec<(u32, f64)>) -> Result<LeadTime, PolicyError> {
        let sum: f64 = chances.iter().map(|(_, chance)| chance).sum();
        let is_sound = chances.iter().all(|(_, chance)| *chance >= 0.0) && (sum - 1.0).abs() < 0.01;
        if !is_sound {
            return Err(PolicyError::Chances { sum });
        }
        chances.sort_by_key(|(days, _)| *days);
        chances.dedup_by(|next, kept| {
            let is_same = next.0 == kept.0;
            if is_same {
                kept.1 += next.1;
            }
            is_same
        });
        chances.retain(|(_, chance)| *chance > 0.0);
        if let Some((days, _)) = chances.last().filter(|(days, _)| *days > LEAD_DAYS_MAX) {
            let value = f64::from(*days);
            return Err(PolicyError::OutOfRange {
                name: "the lead time",
                value,
                bound: "up to 1000 days",
            });
        }
        for (_, chance) in &mut chances {
            *chance /= sum;
        }
        Ok(LeadTime { chances })
    }

    /// Days and their chances, ascending; they add up to 1.
    pub fn chances(&self) -> &[(u32, f64)] {
        &self.chances
    }

    /// The mean, in days.
    pub fn mean(&self) -> f64 {
        self.chances.iter().map(|(days, chance)| f64::from(*days) * chance).sum()
    }

    /// The standard deviation, in days.
    pub fn deviation(&self) -> f64 {
        let centre = self.mean();
        let square = |(days, chance): &(u32, f64)| (f64::from(*days) - centre).powi(2) * chance;
        self.chances.iter().map(square).sum::<f64>().sqrt()
    }

    /// The longest that is reckoned with, in days.
    pub fn longest(&self) -> u32 {
        self.chances.last().map_or(0, |(days, _)| *days)
    }

    /// The chance that an order takes more than so many days.
    pub fn chance_beyond(&self, days: f64) -> f64 {
        let late = self.chances.iter().filter(|(took, _)| f64::from(*took) > days);
        late.map(|(_, chance)| chance).sum::<f64>().min(1.0)
    }
}

/// The distribution of demand over a stretch of days.
#[derive(Clone, Debug)]
pub struct Total {
    parts: Vec<(f64, Piece)>,
    grain: Grain,
}

impl Total {
    /// Demand of the first days: the lead time and `more` days.
    ///
    /// # Errors
    ///
    /// [`PolicyError::ShortHorizon`] when days are missing, [`PolicyError::OutOfRange`] for numbers that are no demand.
    pub fn over(
        outlook: &Outlook<'_>,
        lead_time: &LeadTime,
        more: u32,
    ) -> Result<Total, PolicyError> {
        let mut parts = Vec::with_capacity(lead_time.chances.len());
        // The longest first: an outlook that is too short is told how long it must be.
        for (days, chance) in lead_time.chances.iter().rev() {
            parts.push((*chance, outlook.over((days + more) as usize)?));
        }
        Ok(Total { parts, grain: outlook.grain() })
    }

    /// Demand of exactly so many days.
    ///
    /// # Errors
    ///
    /// As [`Total::over`].
    pub fn of_days(outlook: &Outlook<'_>, days: u32) -> Result<Total, PolicyError> {
        Total::over(outlook, &LeadTime::fixed(0), days)
    }

    /// Counted or measured.
    pub fn grain(&self) -> Grain {
        self.grain
    }

    /// The mean, in units.
    pub fn mean(&self) -> f64 {
        self.parts.iter().map(|(chance, part)| chance * part.moments().0).sum()
    }

    /// The variance.
    pub fn variance(&self) -> f64 {
        let centre = self.mean();
        let of = |(chance, part): &(f64, Piece)| {
            let (mean, variance) = part.moments();
            chance * (variance + (mean - centre).powi(2))
        };
        self.parts.iter().map(of).sum()
    }

    /// The chance that so many units suffice.
    pub fn at_most(&self, units: f64) -> f64 {
        let sum: f64 = self.parts.iter().map(|(chance, part)| chance * part.at_most(units)).sum();
        sum.min(1.0)
    }

    /// Units missing on average when there are so many: E (D − units)⁺.
    pub fn shortage(&self, units: f64) -> f64 {
        self.parts.iter().map(|(chance, part)| chance * part.excess(units)).sum()
    }

    /// Units left on average when there are so many: E (units − D)⁺.
    pub fn leftover(&self, units: f64) -> f64 {
        (units - self.mean() + self.shortage(units)).max(0.0)
    }

    /// The fewest units that suffice with at least this chance (whole ones for pieces).
    ///
    /// # Errors
    ///
    /// [`PolicyError::OutOfRange`] unless the chance is above 0 and below 1.
    pub fn quantile(&self, chance: f64) -> Result<f64, PolicyError> {
        crate::share("the chance to suffice", chance)?;
        Ok(self.least(0.0, |units| self.at_most(units) >= chance - 1e-12))
    }

    /// The least level from `low` on that is enough, where being enough never ends once it begins.
    pub(crate) fn least(&self, low: f64, is_enough: impl Fn(f64) -> bool) -> f64 {
        if is_enough(low) {
            return low;
        }
        let (mut low, mut step) = (low, 1.0);
        while !is_enough(low + step) && step < 1e15 {
            low += step;
            step *= 2.0;
        }
        let mut high = low + step;
        let is_close = |low: f64, high: f64| match self.grain {
            Grain::Pieces => high - low <= 1.0,
            Grain::Measured => high - low <= 1e-12 * high.abs().max(1.0),
        };
        while !is_close(low, high) {
            let middle = low + (high - low) / 2.0;
            let middle = if self.grain == Grain::Pieces { middle.floor() } else { middle };
            if is_enough(middle) { high = middle } else { low = middle }
        }
        high
    }
}

/// A distribution of one sum of days.
#[derive(Clone, Debug)]
enum Piece {
    /// Whole numbers from 0 on.
    Counts {
        at_most: Vec<f64>,
        excess: Vec<f64>,
        variance: f64,
    },
    Gamma {
        shape: f64,
        scale: f64,
    },
    /// Ascending values, equally likely, and the sum of each and all after it.
    Sample {
        sorted: Vec<f64>,
        sums: Vec<f64>,
    },
}

/// Means beyond this are no longer counted piece by piece.
const COUNTED_MAX: f64 = 500.0;
/// Nor are deviations beyond this.
const DEVIATION_MAX: f64 = 10_000.0;

impl Piece {
    fn of_moments(mean: f64, variance: f64, grain: Grain) -> Result<Piece, PolicyError> {
        at_least_zero("the mean demand", mean)?;
        at_least_zero("the variance of demand", variance)?;
        if mean <= 1e-12 {
            return Ok(Piece::Counts { at_most: vec![1.0], excess: vec![0.0], variance: 0.0 });
        }
        let is_counted = mean <= COUNTED_MAX && variance.sqrt() <= DEVIATION_MAX;
        if grain == Grain::Pieces && is_counted {
            let counts = CountDistribution::of_moments(mean, variance / mean);
            return Ok(Piece::of_chances(&counts.chances(1e-13)));
        }
        if variance <= mean * mean * 1e-16 {
            return Ok(Piece::of_sample(vec![mean]));
        }
        Ok(Piece::Gamma { shape: mean * mean / variance, scale: variance / mean })
    }

    fn of_chances(chances: &[f64]) -> Piece {
        let total: f64 = chances.iter().sum();
        let mut sum = 0.0;
        let at_most: Vec<f64> = chances
            .iter()
            .map(|chance| {
                sum += chance / total;
                sum
            })
            .collect();
        let mut excess = vec![0.0; chances.len()];
        for k in (0..chances.len().saturating_sub(1)).rev() {
            excess[k] = excess[k + 1] + (1.0 - at_most[k]).max(0.0);
        }
        let moment = |power: i32| -> f64 {
            let of = |(k, chance): (usize, &f64)| (k as f64).powi(power) * chance / total;
            chances.iter().enumerate().map(of).sum()
        };
        Piece::Counts { variance: moment(2) - moment(1).powi(2), at_most, excess }
    }

    fn of_sample(mut values: Vec<f64>) -> Piece {
        values.sort_unstable_by(f64::total_cmp);
        let mut sum = 0.0;
        let mut sums: Vec<f64> = values
            .iter()
            .rev()
            .map(|value| {
                sum += value;
                sum
            })
            .collect();
        sums.reverse();
        Piece::Sample { sorted: values, sums }
    }

    fn moments(&self) -> (f64, f64) {
        match self {
            Piece::Counts { excess, variance, .. } => (excess[0], *variance),
            Piece::Gamma { shape, scale } => (shape * scale, shape * scale * scale),
            Piece::Sample { sorted, .. } => {
                let mean = souk_math::mean(sorted);
                let square = sorted.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
                (mean, square / sorted.len() as f64)
            }
        }
    }

    fn at_most(&self, units: f64) -> f64 {
        if units < 0.0 {
            return 0.0;
        }
        match self {
            Piece::Counts { at_most, .. } => {
                at_most[(units.floor() as usize).min(at_most.len() - 1)]
            }
            Piece::Gamma { shape, scale } => gamma::at_most(*shape, units / scale),
            Piece::Sample { sorted, .. } => {
                sorted.partition_point(|value| *value <= units) as f64 / sorted.len() as f64
            }
        }
    }

    fn excess(&self, units: f64) -> f64 {
        if units <= 0.0 {
            return self.moments().0 - units;
        }
        match self {
            Piece::Counts { excess, .. } => {
                let last = excess.len() - 1;
                let low = (units.floor() as usize).min(last);
                let high = (low + 1).min(last);
                excess[low] + (units - units.floor()) * (excess[high] - excess[low])
            }
            Piece::Gamma { shape, scale } => scale * gamma::excess(*shape, units / scale),
            Piece::Sample { sorted, sums } => {
                let first = sorted.partition_point(|value| *value <= units);
                let n_above = (sorted.len() - first) as f64;
                sums.get(first).map_or(0.0, |sum| (sum - units * n_above) / sorted.len() as f64)
            }
        }
    }
}
