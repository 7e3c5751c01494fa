#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;

fn between(typed: &str, other: &str, max: u8) -> Option<u8> {
    typos(&typed.chars().collect::<Vec<_>>(), other, max)
}

#[test]
fn counts_errors_as_people_make_them() {
    assert_eq!(between("banana", "banana", 2), Some(0));
    assert_eq!(between("banna", "banana", 2), Some(1));
    assert_eq!(between("bananna", "banana", 2), Some(1));
    assert_eq!(between("banama", "banana", 2), Some(1));
    assert_eq!(between("abnana", "banana", 2), Some(2), "an exchange at the first letter");
    assert_eq!(between("bnaana", "banana", 2), Some(1), "an exchange further on");
    assert_eq!(between("canana", "banana", 1), None, "the first letter counts twice");
    assert_eq!(between("canana", "banana", 2), Some(2));
    assert_eq!(between("wirless headset", "wireless", 2), None);
}

#[test]
fn doubt_about_doubled_letters_is_one_error() {
    assert_eq!(between("brocolli", "broccoli", 1), Some(1));
    assert_eq!(between("acommodattion", "accommodation", 2), Some(1), "however many they are");
    assert_eq!(between("baloon", "balloon", 1), Some(1));
    assert_eq!(between("brocolli", "broccoli", 0), None);
    assert_eq!(between("brocoli", "broccolo", 1), None, "another letter besides");
    assert_eq!(between("aappell", "apple", 1), None, "other letters in another order");
}

#[test]
fn limits_go_by_letters_and_kind() {
    let limit = |word| Limit::of(word, TokenKind::Word).typos();
    assert_eq!(
        [limit("milk"), limit("bread"), limit("crackers"), limit("chocolate")],
        [0, 1, 1, 2]
    );
    assert_eq!(limit("créme"), 1, "letters, not bytes");
    for kind in [TokenKind::Number, TokenKind::Code, TokenKind::Measure] {
        assert_eq!(Limit::of("202420242", kind).typos(), 0);
    }
}

/// The plainest form of the same distance.
fn plain(left: &[char], right: &[char]) -> usize {
    let mut table = vec![vec![0; right.len() + 1]; left.len() + 1];
    for (i, row) in table.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in table[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=left.len() {
        for j in 1..=right.len() {
            let differs = usize::from(left[i - 1] != right[j - 1]);
            table[i][j] =
                (table[i - 1][j - 1] + differs).min(table[i - 1][j] + 1).min(table[i][j - 1] + 1);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                table[i][j] = table[i][j].min(table[i - 2][j - 2] + 1);
            }
        }
    }
    table[left.len()][right.len()]
}

proptest! {
    #[test]
    fn equals_the_plain_table(left in "[abc]{1,9}", right in "[abc]{1,9}", max in 0u8..4) {
        let left: Vec<char> = left.chars().collect();
        let chars: Vec<char> = right.chars().collect();
        let distance = plain(&left, &chars) + usize::from(left[0] != chars[0]);
        let single = |chars: &[char]| {
            let mut chars = chars.to_vec();
            chars.dedup();
            chars
        };
        let distance = if single(&left) == single(&chars) { distance.min(1) } else { distance };
        let expected = u8::try_from(distance).ok().filter(|distance| *distance <= max);
        prop_assert_eq!(typos(&left, &right, max), expected);
    }

    /// The sieve by letters lets every word through that is near enough.
    #[test]
    fn letters_never_hide_a_near_word(left in "[a-fé]{2,8}", right in "[a-fé]{2,8}") {
        let chars: Vec<char> = left.chars().collect();
        if let Some(typos) = typos(&chars, &right, 2) {
            prop_assert!((letters(&left) ^ letters(&right)).count_ones() <= 2 * u32::from(typos));
        }
    }
}
