//! The United States, the United Kingdom, Canada.

use super::{EntityKind, Found, Groups, View, number, whole};
use crate::pii::checks::{luhn, weighted};

/// A social security or individual taxpayer number.
///
/// Source: Social Security Administration, *Social Security Number Randomization* (areas 000, 666
/// and from 900 are never given); IRS, *Individual Taxpayer Identification Number*.
pub(super) fn ssn(view: View<'_>, groups: &Groups) -> Option<Found> {
    let is_named =
        || view.follows(&["ssn", "social security", "social sec", "itin", "tin", "taxpayer"]);
    let (n, is_dashed) = match groups {
        groups if groups.has_sizes(&[3, 2, 4]) => {
            (3, groups.separator(0) == b'-' && groups.separator(1) == b'-')
        }
        groups if groups.has_sizes(&[9]) => (1, false),
        _ => return None,
    };
    let digits = groups.digits(n);
    let (area, group, serial) = (number(&digits[..3]), number(&digits[3..5]), number(&digits[5..]));
    let is_itin = area >= 900 && matches!(group, 50..=65 | 70..=88 | 90..=92 | 94..=99);
    let is_given = !matches!(area, 0 | 666 | 900..) && group != 0 && serial != 0;
    let score = match (is_given || is_itin, is_dashed, is_named()) {
        (true, true, _) => 0.92,
        (_, true, true) => 0.8,
        (true, false, true) => 0.85,
        (true, false, false) if n == 3 => 0.5,
        _ => return None,
    };
    let kind = if is_itin { EntityKind::UsItin } else { EntityKind::Ssn };
    whole(view, groups, (n, kind, score))
}

/// Two letters, six digits, a letter A to D; in one piece or in pairs.
///
/// Source: HMRC, *National Insurance Manual*, NIM39110.
pub(super) fn nino(view: View<'_>, _groups: &Groups) -> Option<Found> {
    let mut chars = [0u8; 9];
    let mut filled = 0;
    // With spaces the letters stand before the digits at which the search looks.
    let mut pos = match view.before(view.at) {
        b' ' if view.at >= 3 && view.byte(view.at).is_ascii_digit() => view.at - 3,
        _ => view.at,
    };
    let begin = pos;
    while filled < 9 {
        match view.byte(pos) {
            b' ' if filled % 2 == 0 && filled > 0 && view.before(pos) != b' ' => {}
            byte if byte.is_ascii_alphanumeric() => {
                chars[filled] = byte.to_ascii_uppercase();
                filled += 1;
            }
            _ => return None,
        }
        pos += 1;
    }
    let is_prefix = |byte: u8| byte.is_ascii_uppercase() && !b"DFIQUV".contains(&byte);
    let fits = is_prefix(chars[0])
        && is_prefix(chars[1])
        && chars[1] != b'O'
        && ![*b"BG", *b"GB", *b"KN", *b"NK", *b"NT", *b"TN", *b"ZZ"]
            .contains(&[chars[0], chars[1]])
        && chars[2..8].iter().all(u8::is_ascii_digit)
        && (b'A'..=b'D').contains(&chars[8]);
    if !fits || !view.begins_at(begin) || !view.ends_at(pos) {
        return None;
    }
    let is_named = view.follows(&["national insurance", "nino", "ni number", "insurance number"]);
    let score = if is_named { 0.95 } else { 0.7 };
    Some(Found::new(EntityKind::UkNino, begin..pos, score))
}

/// Ten digits, mod 11; also the taxpayer reference, which only a word tells.
///
/// Source: NHS Data Model and Dictionary, *NHS Number*.
pub(super) fn nhs(view: View<'_>, groups: &Groups) -> Option<Found> {
    let n = groups.reaching(10)?;
    if !(n == 1 || groups.has_sizes(&[3, 3, 4]) || groups.has_sizes(&[5, 5])) {
        return None;
    }
    if view.follows(&["utr", "taxpayer reference"]) {
        return whole(view, groups, (n, EntityKind::UkUtr, 0.9));
    }
    let digits = groups.digits(n);
    let rest = 11 - weighted(&digits[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2], 11);
    let is_valid = rest % 11 == u32::from(digits[9]) && rest != 10;
    let is_named = is_valid && view.follows(&["nhs", "national health"]);
    is_named.then(|| whole(view, groups, (n, EntityKind::UkNhs, 0.95)))?
}

/// Three groups of three, Luhn, not beginning with 0 or 8.
pub(super) fn sin(view: View<'_>, groups: &Groups) -> Option<Found> {
    let n = groups.reaching(9).filter(|n| *n == 1 || groups.has_sizes(&[3, 3, 3]))?;
    let digits = groups.digits(n);
    let is_named = luhn(digits)
        && !matches!(digits[0], 0 | 8)
        && view.follows(&["sin", "social insurance", "assurance sociale", "nas"]);
    is_named.then(|| whole(view, groups, (n, EntityKind::CaSin, 0.9)))?
}
