//! What titles say without their sizes.

use std::num::NonZeroU64;

use xxhash_rust::xxh3::Xxh3;

/// What sizes are counted in; titles that differ in sizes alone are of one product.
const UNITS: [&str; 22] = [
    "cl", "cm", "count", "ct", "dz", "fl", "g", "gal", "in", "kg", "l", "lb", "lbs", "liter",
    "litre", "m", "ml", "no", "oz", "pack", "pk", "x",
];
/// A hash of the words of a title without numbers, sizes and units; `None` where none are left.
pub(super) fn words_key(title: &str) -> Option<NonZeroU64> {
    let (mut hasher, mut buffer) = (Xxh3::new(), [0; 4]);
    let words = title.split(|letter: char| !letter.is_alphanumeric());
    let is_word = |word: &&str| {
        word.chars().all(char::is_alphabetic)
            && !UNITS.iter().any(|unit| word.eq_ignore_ascii_case(unit))
    };
    let mut has_words = false;
    for word in words.filter(|word| !word.is_empty()).filter(is_word) {
        has_words = true;
        for letter in word.chars().flat_map(char::to_lowercase) {
            hasher.update(letter.encode_utf8(&mut buffer).as_bytes());
        }
        hasher.update(b" ");
    }
    has_words.then(|| NonZeroU64::new(hasher.digest()).unwrap_or(NonZeroU64::MIN))
}
