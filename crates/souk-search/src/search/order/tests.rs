use proptest::prelude::*;

use super::*;

proptest! {
    /// Passing over what comes too late leaves the first that sorting all has.
    #[test]
    fn the_first_are_those_of_the_sorted(
        numbers in prop::collection::vec(0u32..40, 0..120),
        n_first in 0usize..130,
    ) {
        // With their places, no two are equal.
        let all: Vec<(u32, usize)> = numbers.into_iter().zip(0..).collect();
        let mut sorted = all.clone();
        sorted.sort_unstable();
        sorted.truncate(n_first);
        prop_assert_eq!(first_of(all.into_iter(), n_first, Ord::cmp), sorted);
    }
}
