//! Demand from a day on, as stock is planned with it.

use souk_core::Day;
use souk_inventory::demand::{DayDemand, Grain};

use super::{Outlook, over_days};
use crate::demand::TotalDemand;

/// Demand day by day from today on: the kept outlook, changed where a planner knows better.
///
/// Beyond its end its last week goes on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ahead {
    /// Mean and variance of each day by itself.
    pub(super) days: Vec<(f64, f64)>,
    inflation: f64,
    is_count: bool,
}

impl Ahead {
    /// What an outlook says from a day on.
    pub(crate) fn of(outlook: &Outlook, from: Day) -> Ahead {
        let n = outlook.mean.len();
        let skip = usize::try_from(from.number() - outlook.first.number()).unwrap_or(0);
        let of_day = |idx: usize| (f64::from(outlook.mean[idx]), f64::from(outlook.variance[idx]));
        let days = (skip..skip + n).map(|idx| over_days(n, (idx, 1.0), of_day)).collect();
        Ahead { days, inflation: outlook.inflation, is_count: outlook.is_count }
    }

    /// No demand at all: of what was never sold.
    pub(crate) fn none() -> Ahead {
        Ahead { days: vec![(0.0, 0.0); 7], inflation: 1.0, is_count: true }
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
        let (mean, variance) = over_days(self.days.len(), (0, days), |idx| self.days[idx]);
        TotalDemand { mean, variance: variance * self.inflation, is_count: self.is_count }
    }

    /// The demand of each of so many days, as stock policies take it.
    pub(crate) fn daily(&self, n: u32) -> Vec<DayDemand> {
        let days: Vec<DayDemand> = self
            .days
            .iter()
            .map(|(mean, variance)| DayDemand {
                mean: mean.max(0.0),
                dispersion: if *mean > 0.0 { variance * self.inflation / mean } else { 1.0 },
            })
            .collect();
        DayDemand::extended(&days, n as usize)
    }

    /// Whether it comes in pieces.
    pub(crate) fn grain(&self) -> Grain {
        if self.is_count { Grain::Pieces } else { Grain::Measured }
    }

    /// The same with every day's mean so many times as large, its variance with it.
    pub(crate) fn times(&self, factor: f64) -> Ahead {
        let days = self.days.iter().map(|(mean, variance)| (mean * factor, variance * factor));
        Ahead { days: days.collect(), ..self.clone() }
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
            variance: (0..14).map(|idx| 2.0 * idx as f32).collect(),
            inflation: 1.5,
            is_count: true,
            confidence: None,
            peaks: (0.0, 0.0),
            lower_price: None,
        };
        for skip in [0, 3, 15, 40] {
            let from = Day::from_number(first.number() + skip);
            let ahead = Ahead::of(&outlook, from);
            for days in [0.5, 1.0, 6.5, 30.0] {
                assert_eq!(ahead.over(days), outlook.over(from, days), "{skip} {days}");
            }
        }
        let daily = Ahead::of(&outlook, first).daily(16);
        assert_eq!((daily[3].mean, daily[3].dispersion), (3.0, 3.0));
        assert_eq!(daily[15].mean, 8.0);
        assert_eq!(Ahead::of(&outlook, first).times(2.0).over(4.0).mean, 12.0);
    }
}
