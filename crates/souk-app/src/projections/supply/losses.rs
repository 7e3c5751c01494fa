//! What a shelf loses without a sale: what was written off there, beside what stood there.
//!
//! Goods without a last day go off too, break and are stolen. How much does so goes by how much there is, so what is told is the
//! share of a shelf that is lost in a day.

use std::collections::VecDeque;

use souk_core::Timestamp;
use souk_core::wire::{Reader, WireError, Writer};

use super::codec::read_i32;
use super::utc_day;

#[cfg(test)]
mod tests;

/// Days that are kept, the latest ones (chosen: eight weeks).
const DAYS_MAX: usize = 56;
/// Days with a loss below which nothing is told of those to come (chosen).
const LOSSES_MIN: usize = 3;
/// The share that is lost in a day at most: more is an accident (chosen).
const SHARE_MAX: f64 = 0.1;

/// Of one shelf, from its first loss on; days in UTC, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Losses {
    days: VecDeque<Held>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    day: i32,
    /// The latest moment of the day that something was told of, and what stood there then, in thousandths.
    level: Option<(Timestamp, i64)>,
    /// What was written off, in thousandths.
    lost_milli: i64,
}

impl Losses {
    /// The entry of a day; a full list forgets its first day, and takes none before it.
    fn entry(&mut self, day: i32) -> Option<&mut Held> {
        let place = self.days.partition_point(|held| held.day < day);
        if self.days.get(place).is_some_and(|held| held.day == day) {
            return self.days.get_mut(place);
        }
        let is_full = self.days.len() >= DAYS_MAX;
        if is_full && place == 0 {
            return None;
        }
        self.days.insert(place, Held { day, level: None, lost_milli: 0 });
        if is_full {
            self.days.pop_front();
        }
        self.days.get_mut(place - usize::from(is_full))
    }

    /// Notes what stands there after something changed.
    pub(super) fn note_level(&mut self, milli: i64, at: Timestamp) {
        let Some(held) = self.entry(utc_day(at)) else { return };
        if held.level.is_none_or(|(before, _)| before <= at) {
            held.level = Some((at, milli));
        }
    }

    /// Notes what was written off.
    pub(super) fn note_loss(&mut self, milli: i64, at: Timestamp) {
        if let Some(held) = self.entry(utc_day(at)) {
            held.lost_milli = held.lost_milli.saturating_add(milli);
        }
    }

    /// The share of what stands there that is lost by the next day; 0 where too little was lost to tell.
    pub(super) fn share(&self) -> f64 {
        let (mut stands, mut held_milli, mut lost_milli) = (None, 0.0, 0.0);
        let mut n_losses = 0;
        let mut last = None;
        for held in &self.days {
            if let (Some(milli), Some(last)) = (stands, last) {
                // Nothing was told of the days between, so it stood there.
                held_milli += f64::from(held.day - last) * milli;
                lost_milli += held.lost_milli as f64;
                n_losses += usize::from(held.lost_milli > 0);
            }
            stands = held.level.map(|(_, milli)| milli.max(0) as f64).or(stands);
            last = Some(held.day);
        }
        if n_losses < LOSSES_MIN || held_milli <= 0.0 {
            return 0.0;
        }
        (lost_milli / held_milli).clamp(0.0, SHARE_MAX)
    }

    pub(super) fn bytes(&self) -> usize {
        self.days.capacity() * size_of::<Held>() + size_of::<Losses>()
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.count(self.days.len());
        for held in &self.days {
            w.zigzag(i64::from(held.day));
            w.zigzag(held.lost_milli);
            w.u8(u8::from(held.level.is_some()));
            if let Some((at, milli)) = held.level {
                w.timestamp(at);
                w.zigzag(milli);
            }
        }
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Losses, WireError> {
        let days = r.list(|r| {
            let (day, lost_milli) = (read_i32(r)?, r.zigzag()?);
            let level = if r.u8()? == 0 { None } else { Some((r.timestamp()?, r.zigzag()?)) };
            Ok(Held { day, level, lost_milli })
        })?;
        Ok(Losses { days: days.into() })
    }
}
