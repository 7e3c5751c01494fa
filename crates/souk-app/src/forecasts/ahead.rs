//! Demand from a day on, as stock is planned with it.

use souk_core::Day;
use souk_inventory::demand::{DayDemand, Grain};

use super::outlook::Closely;
use super::{Outlook, Spread, over_days};
use crate::demand::TotalDemand;

/// Demand day by day from today on: the kept outlook, changed where a planner knows better.
///
/// Beyond its end its last week goes on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ahead {
    /// The mean of each day.
    pub(super) days: Vec<f64>,
    spread: Spread,
    is_count: bool,
}

impl Ahead {
    /// What an outlook says from a day on.
    pub(crate) fn of(outlook: &Outlook, from: Day) -> Ahead {
        let n = outlook.mean.len();
        let skip = usize::try_from(from.number() - outlook.first.number()).unwrap_or(0);
        let of_day = |idx: usize| f64::from(outlook.mean[idx]);
        let days = (skip..skip + n).map(|idx| over_days(n, (idx, 1.0), of_day)).collect();
        Ahead { days, spread: outlook.spread, is_count: outlook.is_count }
    }

    /// What one question's forecast says, its first days skipped.
    pub(super) fn of_question(closely: &Closely, skip: usize) -> Ahead {
        let mean = &closely.forecast.mean;
        let of_day = |idx: usize| over_days(mean.len(), (idx, 1.0), |idx| mean[idx]);
        let days = (skip..skip + mean.len()).map(of_day).collect();
        Ahead { days, spread: closely.spread, is_count: closely.is_count }
    }

    /// No demand at all: of what was never sold.
    pub(crate) fn none() -> Ahead {
        // What a planner expects all the same is spread as single pieces are.
        let spread = Spread { dispersion: 1.0, known_days: f64::INFINITY };
        Ahead { days: vec![0.0; 7], spread, is_count: true }
    }

    /// Makes the days at least so many, by its last week.
    pub(super) fn reach(&mut self, n: usize) {
        let known = self.days.len();
        for idx in known..n {
            let day = over_days(known, (idx, 1.0), |idx| self.days[idx]);
            self.days.push(day);
        }
    }

    /// Demand of so many days together, the last one in part.
    pub(crate) fn over(&self, days: f64) -> TotalDemand {
        let mean = over_days(self.days.len(), (0, days), |idx| self.days[idx]);
        TotalDemand { mean, variance: self.spread.variance(mean, days), is_count: self.is_count }
    }

    /// Demand of one day alone.
    pub(super) fn day(&self, idx: usize) -> TotalDemand {
        let mean = over_days(self.days.len(), (idx, 1.0), |idx| self.days[idx]);
        TotalDemand { mean, variance: self.spread.variance(mean, 1.0), is_count: self.is_count }
    }

    /// The mean of each of so many days.
    pub(crate) fn means(&self, n: usize) -> Vec<f64> {
        let known = self.days.len();
        (0..n).map(|idx| over_days(known, (idx, 1.0), |idx| self.days[idx])).collect()
    }

    /// The demand of each of so many days, as stock policies take it, and how far the level of all of them may be off, as
    /// a share of it. Together they spread as [`Ahead::over`] says.
    pub(crate) fn daily(&self, n: u32) -> (Vec<DayDemand>, f64) {
        let dispersion = self.spread.dispersion;
        let day = |mean: &f64| DayDemand { mean: mean.max(0.0), dispersion };
        let days: Vec<DayDemand> = self.days.iter().map(day).collect();
        let total = self.over(f64::from(n));
        let of_level = total.variance - dispersion * total.mean;
        let error = if total.mean > 0.0 { of_level.max(0.0).sqrt() / total.mean } else { 0.0 };
        (DayDemand::extended(&days, n as usize), error)
    }

    /// Whether it comes in pieces.
    pub(crate) fn grain(&self) -> Grain {
        if self.is_count { Grain::Pieces } else { Grain::Measured }
    }

    /// What is wanted still when so many units of the first day's demand are sold. What sells beyond its mean comes off no
    /// other day.
    pub(crate) fn after_sales(mut self, sold: f64) -> Ahead {
        if let Some(day) = self.days.first_mut() {
            *day = (*day - sold.max(0.0)).max(0.0);
        }
        self
    }

    /// The same with every day's mean so many times as large, its variance with it.
    pub(crate) fn times(&self, factor: f64) -> Ahead {
        Ahead { days: self.days.iter().map(|mean| mean * factor).collect(), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_the_outlook_says() {
        let first = Day::from_number(100);
        let outlook = Outlook {
            fingerprint: 0,
            first,
            mean: (0..14).map(|idx| idx as f32).collect(),
            spread: Spread { dispersion: 3.0, known_days: 50.0 },
            is_count: true,
            confidence: None,
            misses: None,
            peaks: (0.0, 0.0),
            lower_price: None,
            model: String::new(),
            fitted_at: souk_core::Timestamp::default(),
        };
        for skip in [0, 3, 15, 40] {
            let from = Day::from_number(first.number() + skip);
            let ahead = Ahead::of(&outlook, from);
            for days in [0.5, 1.0, 6.5, 30.0] {
                assert_eq!(ahead.over(days), outlook.over(from, days), "{skip} {days}");
            }
        }
        let (daily, error) = Ahead::of(&outlook, first).daily(16);
        assert_eq!((daily[3].mean, daily[3].dispersion), (3.0, 3.0));
        assert_eq!(daily[15].mean, 8.0);
        // 0 to 13, then 7 and 8 again: 106 units in 16 days, whose variance is 3 · 106 · (1 + 16/50).
        let variance = 3.0 * 106.0 + (error * 106.0).powi(2);
        assert!((variance - 3.0 * 106.0 * 1.32).abs() < 1e-9, "{variance}");
        assert_eq!(Ahead::of(&outlook, first).times(2.0).over(4.0).mean, 12.0);
    }
}
