//! Payment: cards, bank accounts, what is printed beside a card's number.

use super::EntityKind;
use super::checks::{gtin, luhn, mod_97};
use super::found::Found;
use super::view::{Groups, View};

const CARD_WORDS: &[&str] = &[
    "card",
    "credit",
    "debit",
    "visa",
    "mastercard",
    "amex",
    "cc",
    "maestro",
    "tarjeta",
    "crédito",
    "débito",
    "carte",
    "crédit",
    "débit",
    "karte",
    "kreditkarte",
];

/// Lengths of IBANs by country (SWIFT, IBAN Registry).
const IBAN_LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HN", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"SO", 23),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
    (b"YE", 30),
];

/// A card's number: Luhn, a length and beginning that an issuer uses.
pub(super) fn card(view: View<'_>, groups: &Groups) -> Option<Found> {
    for total in [16, 15, 19, 18, 17, 14, 13, 12] {
        let Some(n) = groups.reaching(total) else { continue };
        let digits = groups.digits(n);
        let end = groups.end(n);
        let is_split = n > 1;
        let is_even = !is_split || (0..n - 1).all(|group| (3..=6).contains(&groups.size(group)));
        if !luhn(digits) || !view.ends_at(end) || !is_even {
            continue;
        }
        let score = match (issuer(digits), view.near(end, CARD_WORDS)) {
            (Issuer::Known, true) => 0.99,
            // Article numbers have 12 to 14 digits.
            (Issuer::Known, false) if total <= 14 || gtin(digits) => 0.4,
            (Issuer::Known, false) => 0.9,
            (Issuer::Other, true) => 0.8,
            (Issuer::Other, false) => 0.2,
        };
        return Some(Found::new(EntityKind::CreditDebitNumber, view.at..end, score));
    }
    None
}

enum Issuer {
    Known,
    Other,
}

/// Who issues cards of this beginning and length (ISO/IEC 7812 ranges as the schemes publish them).
fn issuer(digits: &[u8]) -> Issuer {
    let head = digits[..4].iter().fold(0u32, |head, digit| head * 10 + u32::from(*digit));
    let fits = match digits.len() {
        13 | 19 => head / 1000 == 4,
        14 => matches!(head / 10, 300..=305 | 309) || matches!(head / 100, 36 | 38 | 39),
        15 => matches!(head / 100, 34 | 37) || matches!(head, 2131 | 1800),
        16 => {
            head / 1000 == 4
                || matches!(head / 100, 51..=55 | 62 | 65 | 35 | 36 | 81 | 50)
                || matches!(head, 2221..=2720 | 6011 | 6440..=6499 | 6759 | 6304)
        }
        _ => false,
    };
    if fits { Issuer::Known } else { Issuer::Other }
}

/// An IBAN, in one piece or in groups of four.
pub(super) fn iban(view: View<'_>) -> Option<Found> {
    let (a, b) = (view.byte(view.at), view.byte(view.at + 1));
    let is_start = a.is_ascii_alphabetic() && b.is_ascii_alphabetic();
    if !is_start
        || !view.byte(view.at + 2).is_ascii_digit()
        || !view.byte(view.at + 3).is_ascii_digit()
    {
        return None;
    }
    let country = [a.to_ascii_uppercase(), b.to_ascii_uppercase()];
    let length = IBAN_LENGTHS.iter().find(|(code, _)| **code == country)?.1;
    let mut chars = Vec::with_capacity(length);
    let mut pos = view.at;
    while chars.len() < length {
        let byte = view.byte(pos);
        match byte {
            b' ' | b'-'
                if chars.len().is_multiple_of(4)
                    && !chars.is_empty()
                    && view.before(pos) != byte => {}
            byte if byte.is_ascii_alphanumeric() => chars.push(byte),
            _ => return None,
        }
        pos += 1;
    }
    if !view.ends_at(pos) {
        return None;
    }
    let is_valid = mod_97(chars[4..].iter().chain(&chars[..4]).copied()) == 1;
    let score = match (is_valid, view.follows(&["iban", "account", "cuenta", "compte", "konto"])) {
        (true, _) => 0.99,
        (false, true) => 0.7,
        (false, false) => return None,
    };
    Some(Found::new(EntityKind::InternationalBankAccountNumber, view.at..pos, score))
}

/// What only the words before it tell: security code, expiry, account, routing number, BIC, PIN.
pub(super) fn by_context(view: View<'_>, groups: &Groups) -> Option<Found> {
    use EntityKind::{BankAccountNumber, BankRouting, CreditDebitCvv, CreditDebitExpiry, Pin};
    let end = view.run_end(view.at);
    if groups.len == 0 || !view.ends_at(groups.end(1)) {
        return None;
    }
    let found = |kind, end, score| Some(Found::new(kind, view.at..end, score));
    match groups.size(0) {
        3 | 4
            if view.follows(&[
                "cvv",
                "cvc",
                "cvv2",
                "cvc2",
                "csc",
                "security code",
                "prüfziffer",
                "cryptogramme",
            ]) =>
        {
            found(CreditDebitCvv, end, 0.9)
        }
        4..=6 if view.follows(&["pin", "pin code", "código pin"]) => found(Pin, end, 0.8),
        1 | 2
            if groups.len >= 2
                && groups.separator(0) == b'/'
                && matches!(groups.size(1), 2 | 4)
                && view.follows(&[
                    "exp",
                    "expir",
                    "valid thru",
                    "caduc",
                    "expiration",
                    "gültig bis",
                    "ablauf",
                ]) =>
        {
            found(CreditDebitExpiry, groups.end(2), 0.85)
        }
        9 if view.follows(&["routing", "aba", "rtn"]) && is_aba(groups.digits(1)) => {
            found(BankRouting, end, 0.9)
        }
        7..=17
            if view.follows(&[
                "account number",
                "account no",
                "account #",
                "acct",
                "bank account",
                "número de cuenta",
                "cuenta bancaria",
                "numéro de compte",
                "compte bancaire",
                "kontonummer",
                "konto-nr",
            ]) =>
        {
            found(BankAccountNumber, end, 0.75)
        }
        _ => None,
    }
}

/// The checksum of the American Bankers Association: 3, 7, 1.
fn is_aba(digits: &[u8]) -> bool {
    super::checks::weighted(digits, &[3, 7, 1, 3, 7, 1, 3, 7, 1], 10) == 0
}
