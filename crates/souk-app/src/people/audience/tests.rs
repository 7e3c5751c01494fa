use souk_recommend::next_basket::{Basket, BasketVectors};
use souk_recommend::{Item, Shopper};

use super::*;

fn buyers(numbers: impl Iterator<Item = u32>) -> BasketVectors {
    let basket = |number| (Shopper(number), Basket::new(1, 0, &[Item(0)]));
    BasketVectors::build(numbers.map(basket).collect())
}

#[test]
fn buyers_are_looked_at_and_not_numbers() {
    // Few of many numbers bought anything, and all of these are looked at.
    let few = Sample::of(&buyers((0..1_000).map(|n| 1_000 * n + 1)));
    assert!((0..1_000).all(|n| few.has(1_000 * n + 1)));
    // Of many each kind gives its share: odd and even, and the halves that judge each other.
    let many = Sample::of(&buyers(0..80_000));
    let taken: Vec<u32> = (0..80_000).filter(|number| many.has(*number)).collect();
    let half = |number: &&u32| number.wrapping_mul(0x9e37_79b9) >> 31 == 0;
    let odd = taken.iter().filter(|number| *number % 2 == 1).count();
    // Ten standard deviations of a binomial.
    for (n, around) in
        [(taken.len(), 20_000_usize), (odd, 10_000), (taken.iter().filter(half).count(), 10_000)]
    {
        assert!(n.abs_diff(around) < 1_300, "{n}, about {around} are expected");
    }
}
