//! Dates, times of day, days of the week, ages, in four languages.

use super::EntityKind;
use super::found::Found;
use super::view::{Groups, View, is_word};

/// Months, folded, by any name a text may use; abbreviations have three letters or more.
const MONTHS: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "jan",
    "feb",
    "mar",
    "apr",
    "jun",
    "jul",
    "aug",
    "sep",
    "sept",
    "oct",
    "nov",
    "dec",
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "setiembre",
    "octubre",
    "noviembre",
    "diciembre",
    "janvier",
    "février",
    "fevrier",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "aout",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
    "decembre",
    "januar",
    "februar",
    "märz",
    "maerz",
    "juni",
    "juli",
    "oktober",
    "dezember",
    "okt",
    "dez",
];

/// Days of the week in full; abbreviations are words of their own in too many places.
const WEEKDAYS: &[&str] = &[
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "lunes",
    "martes",
    "miércoles",
    "jueves",
    "viernes",
    "sábado",
    "domingo",
    "lundi",
    "mardi",
    "mercredi",
    "jeudi",
    "vendredi",
    "samedi",
    "dimanche",
    "montag",
    "dienstag",
    "mittwoch",
    "donnerstag",
    "freitag",
    "samstag",
    "sonntag",
    "sonnabend",
];

/// Whether a word is a day of the week, in any case of letters.
pub(super) fn is_weekday(word: &str) -> bool {
    (5..=11).contains(&word.len()) && is_among(WEEKDAYS, word)
}

fn is_month(word: &str) -> bool {
    (3..=10).contains(&word.len()) && is_among(MONTHS, word)
}

/// Whether a list in lower case has a word, in any case of letters.
fn is_among(list: &[&str], word: &str) -> bool {
    let first = word.as_bytes()[0].to_ascii_lowercase();
    let is_plain = word.is_ascii();
    list.iter().any(|known| {
        known.as_bytes()[0] == first
            && if is_plain {
                known.eq_ignore_ascii_case(word)
            } else {
                *known == word.to_lowercase()
            }
    })
}

/// A date or a time that begins with digits.
pub(super) fn date(view: View<'_>, groups: &Groups) -> Option<Found> {
    if groups.len == 0 || !view.begins_at(view.at) {
        return None;
    }
    let (begin, end, score) = year_first(view, groups)
        .or_else(|| year_last(view, groups))
        .or_else(|| day_and_month(view, groups))
        .or_else(|| month_before(view, groups))
        .or_else(|| time(view, view.at).map(|end| (view.at, end, 0.7)))?;
    let end = with_time(view, end);
    Some(Found::new(EntityKind::DateTime, begin..end, score))
}

fn value(groups: &Groups, group: usize) -> u32 {
    let from = if group == 0 { 0 } else { groups.digits(group).len() };
    groups.digits(group + 1)[from..].iter().fold(0, |value, digit| value * 10 + u32::from(*digit))
}

fn is_day_and_month(a: u32, b: u32) -> bool {
    (1..=31).contains(&a) && (1..=31).contains(&b) && a.min(b) <= 12
}

fn is_year(year: u32) -> bool {
    (1900..=2100).contains(&year)
}

/// `2007-03-23`, `2007/03/23`.
fn year_first(view: View<'_>, groups: &Groups) -> Option<(usize, usize, f32)> {
    let fits = groups.len >= 3
        && groups.size(0) == 4
        && (1..=2).contains(&groups.size(1))
        && (1..=2).contains(&groups.size(2))
        && matches!(groups.separator(0), b'-' | b'/' | b'.')
        && groups.separator(0) == groups.separator(1)
        && is_year(value(groups, 0))
        && (1..=12).contains(&value(groups, 1))
        && (1..=31).contains(&value(groups, 2));
    let end = groups.end(3.min(groups.len));
    (fits && (view.ends_at(end) || view.byte(end) == b'T')).then_some((view.at, end, 0.95))
}

/// `2/7/1961`, `12.03.85`.
fn year_last(view: View<'_>, groups: &Groups) -> Option<(usize, usize, f32)> {
    let fits = groups.len >= 3
        && (1..=2).contains(&groups.size(0))
        && (1..=2).contains(&groups.size(1))
        && matches!(groups.separator(0), b'-' | b'/' | b'.')
        && groups.separator(0) == groups.separator(1)
        && is_day_and_month(value(groups, 0), value(groups, 1));
    let end = groups.end(3.min(groups.len));
    if !fits || !view.ends_at(end) {
        return None;
    }
    match groups.size(2) {
        4 if is_year(value(groups, 2)) => Some((view.at, end, 0.95)),
        2 if groups.separator(0) != b'-' => Some((view.at, end, 0.6)),
        _ => None,
    }
}

/// `3 March 1990`, `3rd of March`, `3. März 1990`, `3 de marzo de 1990`.
fn day_and_month(view: View<'_>, groups: &Groups) -> Option<(usize, usize, f32)> {
    if groups.size(0) > 2 || !(1..=31).contains(&value(groups, 0)) {
        return None;
    }
    let mut pos = groups.end(1);
    for suffix in ["st", "nd", "rd", "th", "er", "."] {
        if view.text[pos..].starts_with(suffix) {
            pos += suffix.len();
            break;
        }
    }
    pos = skip_spaces(view, pos);
    for filler in ["of ", "de "] {
        if view.text[pos..].starts_with(filler) {
            pos += filler.len();
        }
    }
    let end = word_end(view, pos);
    if pos == groups.end(1) || !is_month(&view.text[pos..end]) {
        return None;
    }
    Some((view.at, year_after(view, end), 0.9))
}

/// `March 3, 1990`, `March 1990`: the month stands before the digits.
fn month_before(view: View<'_>, groups: &Groups) -> Option<(usize, usize, f32)> {
    if view.before(view.at) != b' ' {
        return None;
    }
    let bytes = view.text.as_bytes();
    let word_end = view.at - 1 - usize::from(view.before(view.at - 1) == b'.');
    let letters = bytes[..word_end]
        .iter()
        .rev()
        .take(12)
        .take_while(|b| b.is_ascii_alphabetic() || **b >= 0x80)
        .count();
    let begin = word_end - letters;
    if !is_month(view.text.get(begin..word_end)?) {
        return None;
    }
    if groups.size(0) == 4 && is_year(value(groups, 0)) {
        return Some((begin, groups.end(1), 0.8));
    }
    let is_day = groups.size(0) <= 2 && (1..=31).contains(&value(groups, 0));
    // "may 5" is a verb with a number more often than not.
    let is_verb = matches!(&view.text[begin..word_end], "may" | "mar");
    let mut end = groups.end(1);
    for suffix in ["st", "nd", "rd", "th"] {
        if view.text[end..].starts_with(suffix) {
            end += suffix.len();
            break;
        }
    }
    (is_day && view.ends_at(end))
        .then(|| (begin, year_after(view, end), if is_verb { 0.4 } else { 0.85 }))
}

/// The end of a year behind a position, or the position itself.
fn year_after(view: View<'_>, end: usize) -> usize {
    let mut pos = end + usize::from(matches!(view.byte(end), b',' | b'.'));
    pos = skip_spaces(view, pos);
    for filler in ["de ", "del "] {
        if view.text.get(pos..).is_some_and(|rest| rest.starts_with(filler)) {
            pos += filler.len();
        }
    }
    let year = view.text.get(pos..pos + 4).and_then(|year| year.parse().ok()).unwrap_or(0);
    if pos > end && is_year(year) && view.ends_at(pos + 4) { pos + 4 } else { end }
}

/// The end of a time of day behind a date, or the position itself.
fn with_time(view: View<'_>, end: usize) -> usize {
    let mut pos = end + usize::from(matches!(view.byte(end), b'T' | b','));
    pos = skip_spaces(view, pos);
    if pos == end {
        return end;
    }
    for filler in ["at ", "um ", "a las ", "à "] {
        if view.text.get(pos..).is_some_and(|rest| rest.starts_with(filler)) {
            pos += filler.len();
        }
    }
    time(view, pos).unwrap_or(end)
}

/// The end of `18:43`, `18:43:36.5Z`, `6:43 pm` at a position.
fn time(view: View<'_>, at: usize) -> Option<usize> {
    let two = |pos: usize, max: u32| -> Option<usize> {
        let run = (0..3).take_while(|n| view.byte(pos + n).is_ascii_digit()).count();
        let value: u32 = view.text.get(pos..pos + run)?.parse().ok()?;
        (run <= 2 && value <= max).then_some(pos + run)
    };
    let hour = two(at, 24)?;
    if view.byte(hour) != b':' {
        return None;
    }
    let mut end = two(hour + 1, 59).filter(|end| *end == hour + 3)?;
    if view.byte(end) == b':' {
        end = two(end + 1, 60).filter(|second| *second == end + 3)?;
        if view.byte(end) == b'.' {
            let digits = (0..9).take_while(|n| view.byte(end + 1 + n).is_ascii_digit()).count();
            end += if digits > 0 { digits + 1 } else { 0 };
        }
    }
    let rest = view.text.get(end..)?;
    for half in [" am", " pm", " AM", " PM", " a.m.", " p.m.", "am", "pm", "AM", "PM", "Z", " Uhr"]
    {
        if rest.starts_with(half) && view.ends_at(end + half.len()) {
            return Some(end + half.len());
        }
    }
    (view.ends_at(end) && view.byte(end) != b':').then_some(end)
}

/// A number of years that somebody has lived.
pub(super) fn age(view: View<'_>, groups: &Groups) -> Option<Found> {
    if groups.len == 0 || groups.size(0) > 3 || !(1..=120).contains(&value(groups, 0)) {
        return None;
    }
    let end = groups.end(1);
    let rest = view.text.get(end..end + 14).or_else(|| view.text.get(end..)).unwrap_or_default();
    let found = |end, score| Some(Found::new(EntityKind::Age, view.at..end, score));
    for phrase in [
        " years old",
        "-year-old",
        " year-old",
        " year old",
        " yrs old",
        " yo ",
        " y/o",
        " Jahre alt",
        " años de edad",
    ] {
        if rest.starts_with(phrase) {
            return found(end + phrase.trim_end().len(), 0.8);
        }
    }
    let has_years =
        [" años", " ans", " Jahre", " years"].iter().any(|years| rest.starts_with(years));
    if has_years && view.ends_at(end) && view.follows(PERSON_WORDS) {
        return found(word_end(view, end + 1), 0.8);
    }
    let before = view.text.as_bytes()[..view.at].trim_ascii_end();
    let may_be_labelled = before.ends_with(b":") || before.ends_with(b"d");
    let is_labelled =
        may_be_labelled && view.follows(&["age:", "aged", "edad:", "âge :", "âge:", "alter:"]);
    (is_labelled && view.ends_at(end)).then(|| Found::new(EntityKind::Age, view.at..end, 0.75))
}

/// What stands before somebody's years.
const PERSON_WORDS: &[&str] = &[
    "i am", "i'm", "he is", "she is", "aged", "my age", "tengo", "tiene", "edad", "cumpl", "j'ai",
    "âgé", "âgée", "elle a", "il a", "ich bin", "er ist", "sie ist", "alter",
];

fn skip_spaces(view: View<'_>, pos: usize) -> usize {
    pos + usize::from(view.byte(pos) == b' ')
}

/// The end of the word at a position, on a character boundary.
fn word_end(view: View<'_>, from: usize) -> usize {
    let bytes = view.text.as_bytes();
    let word = bytes[from..].iter().take(24).take_while(|byte| is_word(**byte) || **byte >= 0x80);
    let mut end = from + word.count();
    while !view.text.is_char_boundary(end) {
        end -= 1;
    }
    end
}
