//! Telephone numbers, international and as countries write them.

use super::EntityKind;
use super::checks::gtin;
use super::found::Found;
use super::view::{GROUPS_MAX, Groups, View};

const PHONE_WORDS: &[&str] = &[
    "phone",
    "call",
    "calling",
    "tel",
    "telephone",
    "mobile",
    "cell",
    "number",
    "hotline",
    "helpline",
    "voicemail",
    "landline",
    "pager",
    "ph",
    "office",
    "reach",
    "contact",
    "dial",
    "fax",
    "answer",
    "ring",
    "whatsapp",
    "sms",
    "text me",
    "teléfono",
    "telefono",
    "llama",
    "llám",
    "móvil",
    "movil",
    "mi número",
    "téléphone",
    "appel",
    "portable",
    "mon numéro",
    "joindre",
    "joignable",
    "telefon",
    "handy",
    "ruf",
    "anruf",
    "meine nummer",
    "erreich",
    "mobil",
];
/// How close such a word has to be, in bytes; chosen: "order number is ".
const OTHER_BYTES: usize = 20;

/// What is numbered too, and is no telephone.
const OTHER_WORDS: &[&str] = &[
    "order",
    "invoice",
    "item",
    "sku",
    "product",
    "ean",
    "gtin",
    "upc",
    "isbn",
    "tracking",
    "serial",
    "model",
    "article",
    "batch",
    "lot",
    "part number",
    "pedido",
    "factura",
    "artículo",
    "commande",
    "facture",
    "article",
    "bestell",
    "rechnung",
    "artikel",
    "seriennummer",
    "sendung",
    "account",
    "card",
    "ssn",
    "social security",
    "license",
    "licence",
    "passport",
    "iban",
    "version",
    "zip",
    "price",
    "size",
    "voucher",
    "coupon",
    "gutschein",
    "ref",
    "reference",
    "tracking number",
    "policy",
];

/// A number that begins here; a `+` or `(` right before belongs to it.
pub(super) fn phone(view: View<'_>, groups: &Groups) -> Option<Found> {
    if groups.len == 0 {
        return None;
    }
    let found = match view.before(view.at) {
        b'+' => international(view, view.at - 1),
        b'(' => bracketed(view),
        before if before.is_ascii_digit() || before == b'.' || before == b',' => None,
        _ => national(view, groups),
    }?;
    let end = with_extension(view, found.range.end);
    view.ends_at(end).then(|| Found::new(found.kind, found.range.start..end, found.score))
}

/// `+` country code and up to 15 digits (ITU-T E.164); `(0)` may stand inside.
fn international(view: View<'_>, begin: usize) -> Option<Found> {
    let (digits, end) = loose_digits(view, view.at)?;
    let is_plausible = (8..=15).contains(&digits) && view.byte(view.at) != b'0';
    (is_plausible && !super::view::is_word(view.before(begin)))
        .then(|| Found::new(EntityKind::Phone, begin..end, 0.95))
}

/// `(030) 1234567`, `(555) 123-4567`, `(+44) 20 …`.
fn bracketed(view: View<'_>) -> Option<Found> {
    let area = (0..6).take_while(|n| view.byte(view.at + n).is_ascii_digit()).count();
    if !(1..=5).contains(&area) || view.byte(view.at + area) != b')' {
        return None;
    }
    let mut rest = view.at + area + 1;
    while matches!(view.byte(rest), b' ' | b'-' | b'/') && rest < view.at + area + 3 {
        rest += 1;
    }
    let (digits, end) = loose_digits(view, rest)?;
    let fits = (7..=12).contains(&(digits + area)) && digits >= 4;
    fits.then(|| Found::new(EntityKind::Phone, view.at - 1..end, 0.85))
}

fn national(view: View<'_>, groups: &Groups) -> Option<Found> {
    // Groups beyond the longest number are another thing.
    let n = (1..=groups.len).rev().find(|n| groups.digits(*n).len() <= 15)?;
    let n = same_separator(groups, n);
    let digits = groups.digits(n);
    let end = groups.end(n);
    if !(6..=15).contains(&digits.len()) || !view.ends_at(end) || !view.begins_at(view.at) {
        return None;
    }
    let near = View { text: view.text, at: view.at };
    let is_named = near.near(end, PHONE_WORDS);
    // Six digits may as well be two numbers of an address; pairs and threes beside a word are not.
    let is_even = n > 1 && (0..n).all(|group| groups.size(group) == groups.size(0));
    if digits.len() < 7 && !(is_named && is_even) {
        return None;
    }
    let is_other = near.follows_closely(OTHER_WORDS, OTHER_BYTES);
    let shape = shape(groups, n);
    let score = match (is_named, is_other) {
        (true, false) => f32::max(shape, 0.85),
        (true, true) => shape,
        (false, true) => shape - 0.4,
        (false, false) => shape,
    };
    let is_article = n == 1 && gtin(digits) && digits.len() > 11;
    (!is_article || is_named).then(|| Found::new(EntityKind::Phone, view.at..end, score))
}

/// How much a grouping looks like a telephone number without any word beside it.
fn shape(groups: &Groups, n: usize) -> f32 {
    let digits = groups.digits(n);
    let separator = groups.separator(0);
    let mut sizes = [0; GROUPS_MAX];
    (0..n).for_each(|group| sizes[group] = groups.size(group));
    let starts = digits[0];
    match &sizes[..n] {
        // North America: area codes and exchanges begin with 2 to 9.
        [3, 3, 4] if starts >= 2 && digits[3] >= 2 && separator == b' ' => 0.7,
        [3, 3, 4] if starts >= 2 && digits[3] >= 2 => 0.85,
        [1, 3, 3, 4] if starts == 1 => 0.85,
        // France writes pairs, Spain begins with 6 to 9.
        [2, 2, 2, 2, 2] if starts == 0 && (1..=9).contains(&digits[1]) => 0.9,
        [3, 2, 2, 2] | [3, 3, 3] if (6..=9).contains(&starts) && separator == b' ' => 0.6,
        [2, 2 | 4, 2 | 4] | [3, 3 | 4, 2..=4] if starts == 0 => 0.75,
        [2..=5, 5..=8] if starts == 0 && matches!(separator, b'/' | b'-') => 0.82,
        [_, _, ..] if starts == 0 && digits.len() >= 9 => 0.7,
        sizes if is_bare(groups, n) => bare_shape(sizes, digits, separator),
        [_] if digits.starts_with(&[0, 0]) && digits.len() >= 11 => 0.6,
        [_] if starts == 0 && (10..=11).contains(&digits.len()) => 0.55,
        _ => 0.4,
    }
}

/// The same for small groups with nothing behind them that do not begin with 0.
fn bare_shape(sizes: &[usize], digits: &[u8], separator: u8) -> f32 {
    match sizes {
        // Years, a social security number, an American code with four more digits, a card, a CPF, a book.
        [4, 4] if is_year(&digits[..4]) && is_year(&digits[4..]) => 0.3,
        [3, 2, 4] | [5, 4] if separator == b'-' => 0.3,
        [4, 4, 4, ..] | [3, 3, 3, 2] => 0.3,
        _ if digits.starts_with(&[9, 7, 8]) || digits.starts_with(&[9, 7, 9]) => 0.4,
        [2..=4, 2..=4] | [2 | 3, 3, 2..=4] | [2..=4, 2, 2] => 0.55,
        // Denmark, Norway, Poland, Portugal and others: pairs and threes, eight digits at least.
        [2, 2, 2, 2] | [3, 2, 3] | [2, 3, 2, 2] | [2, 3, 3, 3] | [2, 4, 4] => 0.6,
        [1, 3..=4, 2..=4, ..] | [2..=4, 2..=4, 2..=4, ..] if (8..=12).contains(&digits.len()) => {
            0.52
        }
        // Cyprus writes the six digits in one piece.
        [2, 6] => 0.55,
        _ => 0.4,
    }
}

fn is_year(digits: &[u8]) -> bool {
    matches!(digits, [1, 8 | 9, ..] | [2, 0, ..])
}

/// Whether the groups are all there is, seven digits at least, and no amount: those end in zeros.
fn is_bare(groups: &Groups, n: usize) -> bool {
    let digits = groups.digits(n);
    n == groups.len && n > 1 && digits.len() >= 7 && !digits.ends_with(&[0, 0])
}

/// The groups up to where the manner of writing changes: "555-1234 2 times" ends before the 2.
fn same_separator(groups: &Groups, n: usize) -> usize {
    let mut kept = 1;
    while kept < n {
        let changes = kept >= 2 && groups.separator(kept - 1) != groups.separator(kept - 2);
        if groups.size(kept) < 2 || (changes && groups.separator(kept - 1) == b' ') {
            break;
        }
        kept += 1;
    }
    kept
}

/// Digits with the separators of telephone numbers between: how many, and where they end.
fn loose_digits(view: View<'_>, from: usize) -> Option<(usize, usize)> {
    let (mut digits, mut end, mut pos) = (0, from, from);
    while pos < from + 32 {
        match view.byte(pos) {
            byte if byte.is_ascii_digit() => {
                digits += 1;
                end = pos + 1;
            }
            b' ' | b'-' | b'.' | b'/' | b'(' | b')' if pos > from => {
                let next = view.byte(pos + 1);
                if !next.is_ascii_digit() && !matches!(next, b'(' | b' ' | b'-') {
                    break;
                }
                if next == view.byte(pos) {
                    break;
                }
            }
            _ => break,
        }
        if digits > 15 {
            return None;
        }
        pos += 1;
    }
    (digits > 0).then_some((digits, end))
}

/// An extension: `x123`, ` ext. 123`.
fn with_extension(view: View<'_>, end: usize) -> usize {
    let tail = &view.text.as_bytes()[end..];
    let skip = [&b"x"[..], b" x", b" ext. ", b" ext ", b" ext.", b"ext"]
        .into_iter()
        .find(|mark| tail.starts_with(mark))
        .map_or(0, <[u8]>::len);
    let digits = (0..6).take_while(|n| view.byte(end + skip + n).is_ascii_digit()).count();
    if skip > 0 && (1..=5).contains(&digits) && view.ends_at(end + skip + digits) {
        end + skip + digits
    } else {
        end
    }
}
