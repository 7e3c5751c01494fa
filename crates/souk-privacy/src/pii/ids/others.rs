//! India, Brazil, the Netherlands, Poland, and the number of a vehicle.

use super::{EntityKind, Found, Groups, View, whole};
use crate::pii::checks::{verhoeff, weighted};

/// Twelve digits, Verhoeff, not beginning with 0 or 1.
///
/// Source: UIDAI, *A UID Numbering Scheme*.
pub(super) fn aadhaar(view: View<'_>, groups: &Groups) -> Option<Found> {
    let n = groups.reaching(12).filter(|n| *n == 1 || groups.has_sizes(&[4, 4, 4]))?;
    let digits = groups.digits(n);
    if digits[0] < 2 || !verhoeff(digits) {
        return None;
    }
    let is_named = view.follows(&["aadhaar", "aadhar", "uidai", "uid"]);
    whole(
        view,
        groups,
        (
            n,
            EntityKind::InAadhaar,
            if is_named {
                0.97
            } else if n == 3 {
                0.7
            } else {
                0.3
            },
        ),
    )
}

/// Five letters of which the fourth is P for a person, four digits, a letter.
///
/// Source: Income Tax Department of India, *Permanent Account Number*.
pub(super) fn pan(view: View<'_>, _groups: &Groups) -> Option<Found> {
    let end = view.run_end(view.at);
    let run = &view.text.as_bytes()[view.at..end];
    let fits = run.len() == 10
        && run[..5].iter().all(u8::is_ascii_alphabetic)
        && b"PCHABGJLFTpchabgjlft".contains(&run[3])
        && run[5..9].iter().all(u8::is_ascii_digit)
        && run[9].is_ascii_alphabetic();
    let is_named = fits && view.follows(&["pan", "permanent account"]);
    let is_person = fits && run[3] == b'P' && run.iter().all(|byte| !byte.is_ascii_lowercase());
    let score = if is_named {
        0.95
    } else if is_person {
        0.55
    } else {
        return None;
    };
    (view.ends_at(end) && view.begins_at(view.at))
        .then(|| Found::new(EntityKind::InPan, view.at..end, score))
}

/// Eleven digits with two check digits mod 11, often written 123.456.789-09.
///
/// Source: Receita Federal, *Cadastro de Pessoas Físicas*.
pub(super) fn cpf(view: View<'_>, groups: &Groups) -> Option<Found> {
    let n = groups.reaching(11).filter(|n| *n == 1 || groups.has_sizes(&[3, 3, 3, 2]))?;
    let digits = groups.digits(n);
    let is_valid = digits.iter().any(|digit| *digit != digits[0])
        && check_of(digits, 9) == digits[9]
        && check_of(digits, 10) == digits[10];
    if !is_valid {
        return None;
    }
    let score = if view.follows(&["cpf"]) {
        0.97
    } else if n == 4 {
        0.9
    } else {
        0.3
    };
    whole(view, groups, (n, EntityKind::BrCpf, score))
}

fn check_of(digits: &[u8], length: usize) -> u8 {
    let sum: u32 = digits[..length]
        .iter()
        .enumerate()
        .map(|(idx, digit)| u32::from(*digit) * (length as u32 + 1 - idx as u32))
        .sum();
    (sum * 10 % 11 % 10) as u8
}

/// The Dutch number (mod 11, last weight −1) and the Polish one (mod 10), both by a word beside them.
///
/// Source: Rijksdienst voor Identiteitsgegevens, *elfproef*; Ministerstwo Cyfryzacji, *PESEL*.
pub(super) fn bsn_and_pesel(view: View<'_>, groups: &Groups) -> Option<Found> {
    if groups.len == 0 {
        return None;
    }
    match groups.size(0) {
        9 if view.follows(&["bsn", "burgerservicenummer", "sofinummer"]) => {
            let digits = groups.digits(1);
            let sum = weighted(&digits[..8], &[9, 8, 7, 6, 5, 4, 3, 2], 11);
            let is_valid = (sum + 11 - u32::from(digits[8])).is_multiple_of(11);
            is_valid.then(|| whole(view, groups, (1, EntityKind::NlBsn, 0.95)))?
        }
        11 if view.follows(&["pesel"]) => {
            let is_valid = weighted(groups.digits(1), &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1], 10) == 0;
            is_valid.then(|| whole(view, groups, (1, EntityKind::PlPesel, 0.95)))?
        }
        _ => None,
    }
}

/// Seventeen letters and digits without I, O and Q; the ninth is a check digit mod 11.
///
/// Source: ISO 3779; 49 CFR 565.15.
pub(super) fn vin(view: View<'_>, _groups: &Groups) -> Option<Found> {
    let end = view.run_end(view.at);
    if end - view.at != 17 || !view.ends_at(end) || !view.begins_at(view.at) {
        return None;
    }
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    const LETTERS: [u32; 26] =
        [1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2, 3, 4, 5, 0, 7, 0, 9, 2, 3, 4, 5, 6, 7, 8, 9];
    let run = view.text[view.at..end].to_ascii_uppercase();
    let has_both =
        run.bytes().any(|b| b.is_ascii_alphabetic()) && run.bytes().any(|b| b.is_ascii_digit());
    if !has_both || run.bytes().any(|byte| b"IOQ".contains(&byte)) {
        return None;
    }
    let value = |byte: u8| match byte {
        b'0'..=b'9' => u32::from(byte - b'0'),
        _ => LETTERS[usize::from(byte - b'A')],
    };
    let rest =
        run.bytes().zip(WEIGHTS).map(|(byte, weight)| value(byte) * weight).sum::<u32>() % 11;
    let check = if rest == 10 { b'X' } else { b'0' + rest as u8 };
    let is_valid = run.as_bytes()[8] == check;
    is_valid.then(|| Found::new(EntityKind::VehicleIdentificationNumber, view.at..end, 0.8))
}
