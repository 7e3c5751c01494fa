//! Which calendar rows lie on.

use super::SeriesError;
use crate::calendar::{Frequency, Loose, Moment, Phase};

/// Rows with their places on a calendar.
pub(super) struct OnCalendar {
    pub(super) frequency: Frequency,
    pub(super) phase: Phase,
    pub(super) numbers: Vec<i64>,
    /// Seconds by which moments go on before their place is told.
    pub(super) shift: i64,
    pub(super) note: Option<String>,
}

pub(super) fn on_calendar(
    known: &[(Moment, f64)],
    missing: &[Moment],
    frequency: Option<Frequency>,
) -> Result<OnCalendar, SeriesError> {
    let moments: Vec<Moment> = known.iter().map(|(at, _)| *at).collect();
    // Rows without a value still tell the calendar.
    let mut all: Vec<Moment> = moments.iter().chain(missing).copied().collect();
    all.sort_unstable();
    all.dedup();
    if let Some(frequency) = frequency {
        return strictly(&moments, frequency)
            .or_else(|| loosely(&moments, Some(frequency)))
            .ok_or_else(|| mixed(&moments, Some(frequency)));
    }
    let told = Frequency::of(&all).or_else(|| Frequency::of(&moments));
    let Some(on) = told.and_then(|frequency| strictly(&moments, frequency)) else {
        return loosely(&moments, Frequency::loosely_of(&all)).ok_or_else(|| mixed(&moments, None));
    };
    let numbers = strictly(&all, on.frequency).map(|on| on.numbers);
    let Some((shortest, longest)) = alike(numbers.as_deref().unwrap_or(&on.numbers)) else {
        return Ok(on);
    };
    let calendar = on.frequency.letter();
    loosely(&moments, Frequency::loosely_of(&all)).ok_or(SeriesError::Irregular {
        shortest,
        longest,
        calendar,
    })
}

/// The places of moments that are alike in all steps.
fn strictly(moments: &[Moment], frequency: Frequency) -> Option<OnCalendar> {
    let slots: Vec<_> = moments.iter().map(|at| frequency.slot(*at)).collect::<Option<_>>()?;
    let phase = Phase::common(&slots)?;
    let numbers = slots.iter().map(|slot| slot.number).collect();
    Some(OnCalendar { frequency, phase, numbers, shift: 0, note: None })
}

/// The places of moments of which each has a step for itself.
fn loosely(moments: &[Moment], frequency: Option<Frequency>) -> Option<OnCalendar> {
    let frequency = frequency?;
    let Loose { phase, numbers, shift } = frequency.loose(moments)?;
    let note = format!(
        "its rows lie at different places of their steps, one in each of {}; what is ahead lies at the usual one",
        frequency.letter()
    );
    Some(OnCalendar { frequency, phase, numbers, shift, note: Some(note) })
}

fn gaps(numbers: &[i64]) -> Vec<i64> {
    numbers.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect()
}

/// Rows from which on gaps may be called alike, and steps between them at least (chosen).
const ALIKE_MIN: usize = 10;
const ALIKE_STEPS_MIN: i64 = 3;

/// The usual shortest and longest gap of rows that are far apart and nearly equally so, as fiscal months are in weeks. What
/// sells seldom has gaps of all lengths.
fn alike(numbers: &[i64]) -> Option<(i64, i64)> {
    let mut gaps = gaps(numbers);
    gaps.sort_unstable();
    let median = *gaps.get(gaps.len() / 2)?;
    if numbers.len() < ALIKE_MIN || median < ALIKE_STEPS_MIN {
        return None;
    }
    let (low, high) = (median as f64 / 1.3, median as f64 * 1.3);
    let n_alike = gaps.iter().filter(|gap| (low..=high).contains(&(**gap as f64))).count();
    let tenth = gaps.len() / 10;
    (5 * n_alike >= 4 * gaps.len()).then(|| (gaps[tenth], gaps[gaps.len() - 1 - tenth]))
}

/// Why moments lie on no calendar, with two that do not fit.
fn mixed(moments: &[Moment], frequency: Option<Frequency>) -> SeriesError {
    let remedy = match frequency {
        Some(_) => "split it, name a shorter --freq, or cut the time of day off `ds`",
        None => "split it, or name --freq",
    };
    let error = |calendar: &'static str, b: Moment| {
        let a = moments[0];
        SeriesError::Mixed { a, b, calendar, remedy }
    };
    let is_step = |at: &Moment| matches!(at, Moment::Step(_));
    let odd_kind = moments.iter().find(|at| is_step(at) != is_step(&moments[0]));
    let last = moments[moments.len() - 1];
    let Some(frequency) = frequency else { return error("regular", *odd_kind.unwrap_or(&last)) };
    let slot = |at: &Moment| frequency.slot(*at);
    let first = slot(&moments[0]);
    let is_odd = |at: &&Moment| match (first, slot(at)) {
        (Some(first), Some(other)) => Phase::common(&[first, other]).is_none(),
        _ => true,
    };
    let odd = odd_kind.or_else(|| moments.iter().find(is_odd));
    error(frequency.letter(), *odd.unwrap_or(&last))
}
