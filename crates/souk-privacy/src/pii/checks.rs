//! Check digits. Each function takes the digits as values 0 to 9.

/// Luhn (ISO/IEC 7812-1, annex B): cards, Canadian SIN.
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(idx, digit)| {
            let value = u32::from(*digit) << (idx % 2);
            value / 10 + value % 10
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The check digit of GTIN-8, -12, -13 and -14 (GS1 General Specifications): an article, no person.
pub(super) fn gtin(digits: &[u8]) -> bool {
    let weighted = |(idx, digit): (usize, &u8)| u32::from(*digit) * (1 + 2 * (idx as u32 % 2));
    let sum: u32 = digits.iter().rev().enumerate().map(weighted).sum();
    matches!(digits.len(), 8 | 12..=14) && sum.is_multiple_of(10)
}

/// The remainder of a weighted sum.
pub(super) fn weighted(digits: &[u8], weights: &[u32], modulus: u32) -> u32 {
    let sum: u32 = digits.iter().zip(weights).map(|(digit, w)| u32::from(*digit) * w).sum();
    sum % modulus
}

/// ISO 7064 mod 11,10: the German tax number.
pub(super) fn mod_11_10(digits: &[u8]) -> bool {
    let Some((check, head)) = digits.split_last() else { return false };
    let product = head.iter().fold(10u32, |product, digit| {
        let sum = (u32::from(*digit) + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == u32::from(*check)
}

/// Verhoeff (J. Verhoeff, *Error Detecting Decimal Codes*, 1969): Aadhaar.
pub(super) fn verhoeff(digits: &[u8]) -> bool {
    let mut check = 0u8;
    for (idx, digit) in digits.iter().rev().enumerate() {
        let mut permuted = *digit;
        for _ in 0..idx % 8 {
            permuted = PERMUTATION[usize::from(permuted)];
        }
        check = dihedral(check, permuted);
    }
    check == 0
}

const PERMUTATION: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

/// The product in the dihedral group of order ten.
fn dihedral(a: u8, b: u8) -> u8 {
    match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => 5 + (a + b - 5) % 5,
        (false, true) => 5 + (a - 5 + 5 - b) % 5,
        (false, false) => (5 + a - b) % 5,
    }
}

/// ISO 7064 mod 97,10 of letters and digits as they stand (letters count 10 to 35).
pub(super) fn mod_97(chars: impl Iterator<Item = u8>) -> u32 {
    chars.fold(0, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        _ => (rest * 100 + u32::from(byte.to_ascii_uppercase() - b'A') + 10) % 97,
    })
}
