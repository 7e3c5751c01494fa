//! Spain, France, Germany, Italy.

use super::{EntityKind, Found, Groups, View, number, whole};
use crate::pii::checks::mod_11_10;

/// DNI/NIF (eight digits and a letter) and NIE (X, Y or Z, seven digits, a letter).
///
/// Source: Ministerio del Interior, *Cálculo del dígito de control del NIF-NIE*.
pub(super) fn spanish(view: View<'_>, _groups: &Groups) -> Option<Found> {
    let first = view.byte(view.at).to_ascii_uppercase();
    let (lead, is_nie) = match first {
        b'X' | b'Y' | b'Z' => (u64::from(first - b'X'), true),
        b'0'..=b'9' => (u64::from(first - b'0'), false),
        _ => return None,
    };
    let mut pos = view.at + 1 + usize::from(is_nie && view.byte(view.at + 1) == b'-');
    let mut value = lead;
    for place in 0..7 {
        // 12.345.678-Z is a common way to write it.
        if !is_nie && matches!(place, 1 | 4) && view.byte(pos) == b'.' {
            pos += 1;
        }
        let byte = view.byte(pos);
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value * 10 + u64::from(byte - b'0');
        pos += 1;
    }
    pos += usize::from(matches!(view.byte(pos), b'-' | b' '));
    let letter = view.byte(pos).to_ascii_uppercase();
    let is_whole = view.begins_at(view.at) && view.ends_at(pos + 1);
    if !is_whole || b"TRWAGMYFPDXBNJZSQVHLCKE"[(value % 23) as usize] != letter {
        return None;
    }
    let is_named = view.follows(&[
        "dni",
        "nif",
        "nie",
        "identidad",
        "documento",
        "identificación",
        "n.i.f",
        "d.n.i",
    ]);
    let kind = if is_nie { EntityKind::EsNie } else { EntityKind::EsNif };
    Some(Found::new(kind, view.at..pos + 1, if is_named { 0.97 } else { 0.7 }))
}

/// Sex, year, month, place of birth, order, key mod 97; Corsica's 2A and 2B count as 19 and 18.
///
/// Source: INSEE, *Numéro d'inscription au répertoire*.
pub(super) fn nir(view: View<'_>, _groups: &Groups) -> Option<Found> {
    if !matches!(view.byte(view.at), b'1' | b'2') {
        return None;
    }
    let mut digits = [0u8; 15];
    let (mut filled, mut pos) = (0, view.at);
    let mut corsica = 0;
    while filled < 15 {
        let byte = view.byte(pos);
        match byte {
            b'0'..=b'9' => digits[filled] = byte - b'0',
            b'A' | b'a' | b'B' | b'b' if filled == 6 && digits[5] == 2 => {
                corsica = if byte.eq_ignore_ascii_case(&b'a') { 1_000_000 } else { 2_000_000 };
            }
            b' ' | b'.' | b'-' if filled > 0 && view.before(pos).is_ascii_alphanumeric() => {
                pos += 1;
                continue;
            }
            _ => return None,
        }
        filled += 1;
        pos += 1;
    }
    // For Corsica the letter is read as 0 and one or two million are taken off.
    let value = number(&digits[..13]).checked_sub(corsica)?;
    let month = number(&digits[3..5]);
    let is_valid =
        97 - value % 97 == number(&digits[13..]) && matches!(month, 1..=12 | 20..=42 | 50..=99);
    if !is_valid || !view.begins_at(view.at) || !view.ends_at(pos) {
        return None;
    }
    let is_named = view.follows(&[
        "sécurité sociale",
        "securite sociale",
        "nir",
        "insee",
        "sécu",
        "numéro de sécu",
    ]);
    Some(Found::new(EntityKind::FrNir, view.at..pos, if is_named { 0.98 } else { 0.85 }))
}

/// Eleven digits, ISO 7064 mod 11,10; of the first ten exactly one digit occurs twice or thrice.
///
/// Source: Bundeszentralamt für Steuern, *Steueridentifikationsnummer*, § 139b AO.
pub(super) fn steuer_id(view: View<'_>, groups: &Groups) -> Option<Found> {
    let n = groups.reaching(11).filter(|n| *n == 1 || groups.has_sizes(&[2, 3, 3, 3]))?;
    let digits = groups.digits(n);
    let mut counts = [0u8; 10];
    digits[..10].iter().for_each(|digit| counts[usize::from(*digit)] += 1);
    let repeated = counts.iter().filter(|count| **count > 1).count();
    let is_valid = digits[0] != 0
        && repeated == 1
        && counts.iter().all(|count| *count <= 3)
        && mod_11_10(digits);
    if !is_valid {
        return None;
    }
    let is_named = view.follows(&["steuer", "idnr", "tax id", "identifikationsnummer", "tin"]);
    whole(
        view,
        groups,
        (
            n,
            EntityKind::DeTaxId,
            if is_named {
                0.97
            } else if n == 4 {
                0.8
            } else {
                0.4
            },
        ),
    )
}

/// Nine letters and digits and a check digit with the weights 7, 3, 1.
///
/// Source: BSI TR-03127, annex on the serial number; ICAO Doc 9303-3, 4.9.
pub(super) fn ausweis(view: View<'_>, _groups: &Groups) -> Option<Found> {
    let end = view.run_end(view.at);
    let run = &view.text.as_bytes()[view.at..end];
    if !(9..=10).contains(&run.len())
        || !b"CFGHJKLMNPRTVWXYZ".contains(&run[0])
        || !view.ends_at(end)
    {
        return None;
    }
    let value = |byte: u8| match byte {
        b'0'..=b'9' => u32::from(byte - b'0'),
        _ => u32::from(byte.to_ascii_uppercase() - b'A') + 10,
    };
    let sum: u32 =
        run[..9].iter().zip([7, 3, 1].into_iter().cycle()).map(|(byte, w)| value(*byte) * w).sum();
    let is_valid = run.len() == 9 || (run[9].is_ascii_digit() && sum % 10 == value(run[9]));
    let has_digits = run[1..].iter().any(u8::is_ascii_digit);
    let is_named =
        view.follows(&["ausweis", "personalausweis", "ausweisnummer", "id card", "identity card"]);
    (is_valid && has_digits && is_named)
        .then(|| Found::new(EntityKind::DeIdCard, view.at..end, 0.92))
}

/// Sixteen letters and digits: names, birth, place, a letter mod 26.
///
/// Source: Decreto ministeriale 23 dicembre 1976, *Codice fiscale*.
pub(super) fn codice_fiscale(view: View<'_>, _groups: &Groups) -> Option<Found> {
    let end = view.run_end(view.at);
    if end - view.at != 16 || !view.ends_at(end) || !view.begins_at(view.at) {
        return None;
    }
    let run = view.text[view.at..end].to_ascii_uppercase();
    let run = run.as_bytes();
    // Where two people would have the same code, digits are replaced by these letters.
    let is_digit = |byte: u8| byte.is_ascii_digit() || b"LMNPQRSTUV".contains(&byte);
    let fits = run[..6].iter().all(u8::is_ascii_uppercase)
        && [6, 7, 9, 10, 12, 13, 14].iter().all(|place| is_digit(run[*place]))
        && b"ABCDEHLMPRST".contains(&run[8])
        && run[11].is_ascii_uppercase();
    if !fits {
        return None;
    }
    let rank =
        |byte: u8| usize::from(if byte.is_ascii_digit() { byte - b'0' } else { byte - b'A' });
    const ODD: [u32; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ];
    let sum: u32 = run[..15]
        .iter()
        .enumerate()
        .map(|(place, byte)| if place % 2 == 0 { ODD[rank(*byte)] } else { rank(*byte) as u32 })
        .sum();
    let is_valid = u32::from(run[15].wrapping_sub(b'A')) == sum % 26;
    is_valid.then(|| Found::new(EntityKind::ItFiscalCode, view.at..end, 0.97))
}
