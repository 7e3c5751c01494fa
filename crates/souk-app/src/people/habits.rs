//! When and where somebody buys.

use souk_core::Channel;
use souk_core::rules::Weekday;

use super::person::Person;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Orders below which a habit is not spoken of; chosen.
pub(super) const ORDERS_MIN: u32 = 5;

/// Orders by where and when, by the clock of the site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Habits {
    /// In the order of [`Channel::ALL`].
    channels: [u32; 5],
    weekdays: [u32; 7],
    hours: [u32; 24],
}

/// What happens most, and how often of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Most {
    pub(super) place: usize,
    pub(super) n: u32,
    pub(super) of: u32,
}

impl Habits {
    pub(super) fn of(person: &Person<'_>) -> Habits {
        let mut habits = Habits::default();
        for purchase in &person.purchases {
            if let Some(channel) = purchase.channel {
                habits.channels[channel as usize] += 1;
            }
            let local = purchase.at.local_ms(person.lens.zone);
            // 1970-01-01 was a Thursday, the fourth day of the week.
            habits.weekdays[(local.div_euclid(DAY_MS) + 3).rem_euclid(7) as usize] += 1;
            habits.hours[local.rem_euclid(DAY_MS).div_euclid(HOUR_MS) as usize] += 1;
        }
        habits
    }

    /// Where most orders are made; `None` for too few, or none that says.
    pub(super) fn channel(&self) -> Option<(Channel, Most)> {
        let most = most(&self.channels)?;
        Some((Channel::ALL[most.place], most))
    }

    /// On which day of the week.
    pub(super) fn weekday(&self) -> Option<(Weekday, Most)> {
        let most = most(&self.weekdays)?;
        Some((Weekday::ALL[most.place], most))
    }

    /// In which hour of the day, 0 to 23.
    pub(super) fn hour(&self) -> Option<Most> {
        most(&self.hours)
    }
}

fn most(counts: &[u32]) -> Option<Most> {
    let of = counts.iter().sum();
    // Of equal ones the first.
    let (place, &n) = counts.iter().enumerate().rev().max_by_key(|(_, n)| **n)?;
    (of >= ORDERS_MIN).then_some(Most { place, n, of })
}
