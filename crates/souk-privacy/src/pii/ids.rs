//! Numbers that states give to people. One file for each state or group of states.
//!
//! A checksum of one digit passes one number in ten, so that a plain run of digits counts only with
//! a word beside it; a distinctive way of writing, or a checksum with letters, stands alone.

mod anglo;
mod europe;
mod others;

use super::EntityKind;
use super::found::Found;
use super::view::{Groups, View};

/// Whatever identity number begins here.
pub(super) fn id(view: View<'_>, groups: &Groups) -> Option<Found> {
    const ALL: &[fn(View<'_>, &Groups) -> Option<Found>] = &[
        anglo::ssn,
        anglo::nino,
        anglo::nhs,
        anglo::sin,
        europe::spanish,
        europe::nir,
        europe::steuer_id,
        europe::ausweis,
        europe::codice_fiscale,
        others::aadhaar,
        others::pan,
        others::cpf,
        others::bsn_and_pesel,
        others::vin,
        licence_or_passport,
    ];
    let mut best: Option<Found> = None;
    for recognise in ALL {
        if let Some(found) = recognise(view, groups)
            && best.as_ref().is_none_or(|best| found.beats(best))
        {
            best = Some(found);
        }
    }
    best
}

/// What only the words before it tell: letters and digits in one piece.
fn licence_or_passport(view: View<'_>, _groups: &Groups) -> Option<Found> {
    let end = view.run_end(view.at);
    let run = &view.text[view.at..end];
    let digits = run.bytes().filter(u8::is_ascii_digit).count();
    if !(5..=20).contains(&run.len()) || digits < 3 || !view.ends_at(end) {
        return None;
    }
    let is_licence = view.follows(&[
        "driver's license",
        "drivers license",
        "driver license",
        "driver's licence",
        "driving licence",
        "driving license",
        "dl number",
        "license number",
        "licence number",
        "permiso de conducir",
        "carnet de conducir",
        "permis de conduire",
        "führerschein",
        "driver’s license",
    ]);
    if is_licence {
        return Some(Found::new(EntityKind::DriverId, view.at..end, 0.9));
    }
    let is_passport = view.follows(&["passport", "pasaporte", "passeport", "reisepass"]);
    is_passport.then(|| Found::new(EntityKind::PassportNumber, view.at..end, 0.9))
}

/// The number of a run of digits, for ranges.
fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |value, digit| value * 10 + u64::from(*digit))
}

/// The found kind over the first `n` groups if a word may end there.
fn whole(
    view: View<'_>,
    groups: &Groups,
    (n, kind, score): (usize, EntityKind, f32),
) -> Option<Found> {
    let end = groups.end(n);
    (view.ends_at(end) && view.begins_at(view.at)).then(|| Found::new(kind, view.at..end, score))
}
