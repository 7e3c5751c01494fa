//! What stood on a shelf on the evenings of the past, and what was written off of it, for figures that look back.
//!
//! Stock is kept as a sum for each week, four bytes of it, because evenings of each day would be many times as much; so a part of a
//! week counts with the mean of the whole. What was written off stands beside it day by day: [`Losses`](super::Losses) tells a share of
//! the last weeks and forgets them.

use std::collections::VecDeque;

use souk_core::Timestamp;
use souk_core::wire::{Reader, WireError, Writer};

use super::codec::read_i32;
use super::utc_day;

#[cfg(test)]
mod tests;

/// Weeks of stock that are kept, the latest ones (chosen: more than a year).
const WEEKS_MAX: usize = 54;
/// Days with a loss that are kept of one shelf, the latest ones (chosen: each day of a year and a month).
const DAYS_MAX: usize = 400;
const WEEK: i32 = 7;

/// Of one shelf; days in UTC.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Past {
    /// The first day on whose evening the stock is known.
    first: i32,
    /// Units of all evenings of a week, from the week of the first day on until the day before `last`.
    weeks: VecDeque<f32>,
    /// The last day that something was told of, and what stands there since, in thousandths.
    last: Option<(i32, i64)>,
    /// What was written off on a day, in thousandths; ascending.
    written_off: Vec<(i32, i64)>,
}

/// Days of a shelf on which its stock is known, and what stood there.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Stood {
    /// The first of the days that were asked about on whose evening the stock is known.
    pub(crate) first: Option<i32>,
    /// The mean of what stood there on the evenings since; below 0 counts as nothing.
    pub(crate) mean: Option<f64>,
}

/// Units that count: what is below 0 in the books is nothing.
fn units(milli: i64) -> f64 {
    milli.max(0) as f64 / 1_000.0
}

impl Past {
    /// Notes what stands there after something changed. What is told late of an earlier day than the last one became known on that
    /// last one: what stood there between the two is not told again.
    pub(super) fn note_level(&mut self, milli: i64, at: Timestamp) {
        let day = utc_day(at);
        let Some((last, stands)) = self.last else {
            (self.first, self.last) = (day, Some((day, milli)));
            return;
        };
        self.stood_until((last, day), units(stands));
        self.last = Some((day.max(last), milli));
    }

    /// Takes in that so many units stood there on the evenings from a day until before another one.
    fn stood_until(&mut self, (from, until): (i32, i32), units: f64) {
        let mut day = from;
        while day < until {
            let week = day.div_euclid(WEEK);
            let next = ((week + 1) * WEEK).min(until);
            let idx = (week - self.first.div_euclid(WEEK)) as usize;
            self.weeks.resize(self.weeks.len().max(idx + 1), 0.0);
            self.weeks[idx] += (f64::from(next - day) * units) as f32;
            if self.weeks.len() > WEEKS_MAX {
                self.weeks.pop_front();
                self.first = (self.first.div_euclid(WEEK) + 1) * WEEK;
            }
            day = next;
        }
    }

    /// Notes what was written off.
    pub(super) fn note_written_off(&mut self, milli: i64, at: Timestamp) {
        let day = utc_day(at);
        let place = self.written_off.partition_point(|(known, _)| *known < day);
        if self.written_off.get(place).is_some_and(|(known, _)| *known == day) {
            let sum = &mut self.written_off[place].1;
            *sum = sum.saturating_add(milli);
            return;
        }
        let is_full = self.written_off.len() >= DAYS_MAX;
        if is_full && place == 0 {
            return;
        }
        self.written_off.insert(place, (day, milli));
        if is_full {
            self.written_off.remove(0);
        }
    }

    /// Thousandths that were written off between two days, both included.
    pub(super) fn written_off(&self, (from, until): (i32, i32)) -> i64 {
        let days = self.written_off.iter().filter(|(day, _)| (from..=until).contains(day));
        days.map(|(_, milli)| *milli).fold(0, i64::saturating_add)
    }

    /// What stood there on the evenings between two days, both included.
    pub(super) fn stood(&self, (from, until): (i32, i32)) -> Stood {
        let Some((last, stands)) = self.last else { return Stood::default() };
        let begins = self.first.max(from);
        if begins > until {
            return Stood::default();
        }
        let mut sum = f64::from((until - last.max(begins) + 1).max(0)) * units(stands);
        let first_week = self.first.div_euclid(WEEK);
        for (week, held) in (first_week..).zip(&self.weeks) {
            // The days of the week that its sum is of, and those of them that are asked about.
            let days = ((week * WEEK).max(self.first), ((week + 1) * WEEK).min(last));
            let asked = (days.0.max(from), days.1.min(until + 1));
            let share = f64::from((asked.1 - asked.0).max(0)) / f64::from((days.1 - days.0).max(1));
            sum += share * f64::from(*held);
        }
        Stood { first: Some(begins), mean: Some(sum / f64::from(until - begins + 1)) }
    }

    pub(super) fn bytes(&self) -> usize {
        self.weeks.capacity() * 4 + self.written_off.capacity() * 16 + size_of::<Past>()
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.zigzag(i64::from(self.first));
        w.count(self.weeks.len());
        self.weeks.iter().for_each(|held| w.raw(&held.to_le_bytes()));
        w.u8(u8::from(self.last.is_some()));
        if let Some((day, milli)) = self.last {
            w.zigzag(i64::from(day));
            w.zigzag(milli);
        }
        w.count(self.written_off.len());
        for (day, milli) in &self.written_off {
            w.zigzag(i64::from(*day));
            w.zigzag(*milli);
        }
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Past, WireError> {
        let first = read_i32(r)?;
        let weeks: Vec<f32> =
            r.list(|r| Ok(f32::from_le_bytes(r.raw(4)?.try_into().expect("4 bytes were taken"))))?;
        let last = if r.u8()? == 0 { None } else { Some((read_i32(r)?, r.zigzag()?)) };
        let written_off = r.list(|r| Ok((read_i32(r)?, r.zigzag()?)))?;
        Ok(Past { first, weeks: weeks.into(), last, written_off })
    }
}
