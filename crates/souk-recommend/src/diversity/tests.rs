use super::*;
use proptest::prelude::*;

/// Candidates of one tens are alike.
fn apart(a: usize, b: usize) -> f32 {
    if a / 10 == b / 10 { 0.0 } else { 1.0 }
}

fn made(relevance: &[f32], (limit, params): (usize, VarietyParams)) -> Vec<usize> {
    let rarity = vec![0.0; relevance.len()];
    let candidates = Candidates { relevance, rarity: &rarity, distance: &apart, mix: None };
    vary(&candidates, (limit, &params), &mut VarietyScratch::default()).to_vec()
}

fn paying(price: f32) -> VarietyParams {
    VarietyParams { price, rarity_weight: 0.0, mix_weight: 1.0, depth: 100 }
}

/// `n` candidates of which each is worth a bit less than the one before.
fn sliding(n: usize, step: f32) -> Vec<f32> {
    (0..n).map(|rank| (-step * rank as f32).exp()).collect()
}

#[test]
fn what_is_alike_makes_way_for_near_equals() {
    // Ranks 0 to 9 are alike, 10 to 19 too, 20 to 29 too.
    let even = sliding(30, 0.001);
    assert_eq!(made(&even, (4, paying(0.0))), [0, 1, 2, 3]);
    // All that variety can be: two of one kind and one each of the others; the first stays the first.
    assert_eq!(made(&even, (4, paying(0.05))), [0, 1, 10, 20]);
    assert_eq!(made(&even, (3, paying(0.05))), [0, 10, 20]);
}

#[test]
fn a_list_that_is_sure_of_itself_stays() {
    let sure = sliding(30, 1.0);
    assert_eq!(made(&sure, (4, paying(0.01))), [0, 1, 2, 3]);
    // For half of it, it gives its last places.
    assert_ne!(made(&sure, (4, paying(0.5))), [0, 1, 2, 3]);
}

#[test]
fn what_everybody_is_shown_makes_way_for_what_few_are() {
    let relevance = sliding(12, 0.002);
    let rarity: Vec<f32> = (0..12).map(|rank| if rank == 8 { 1.0 } else { 0.0 }).collect();
    let all_alike = |_: usize, _: usize| 0.0;
    let candidates =
        Candidates { relevance: &relevance, rarity: &rarity, distance: &all_alike, mix: None };
    let mut scratch = VarietyScratch::default();
    let params = VarietyParams { rarity_weight: 0.5, ..paying(0.02) };
    assert_eq!(vary(&candidates, (3, &params), &mut scratch), [0, 1, 8]);
    assert_eq!(vary(&candidates, (3, &paying(0.02)), &mut scratch), [0, 1, 2]);
}

#[test]
fn the_depth_bounds_what_may_enter_and_small_lists_stay_whole() {
    let even = sliding(30, 0.0);
    let shallow = VarietyParams { depth: 12, ..paying(1.0) };
    assert!(made(&even, (4, shallow)).iter().all(|rank| *rank < 12));
    assert_eq!(made(&even[..3], (5, paying(1.0))), [0, 1, 2]);
    assert_eq!(made(&even, (1, paying(1.0))), [0]);
    assert_eq!(made(&[], (5, paying(1.0))), Vec::<usize>::new());
}

#[test]
fn a_list_comes_near_to_the_own_mix() {
    let relevance = sliding(12, 0.002);
    let rarity = vec![0.0; 12];
    let all_alike = |_: usize, _: usize| 0.0;
    // The first six are of group 0, then two of each of the groups 1 and 2, and two of none.
    let groups = [0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 3, 3];
    let list = |shares: &[f32]| {
        let mix = Some(Mix { groups: &groups, shares });
        let candidates =
            Candidates { relevance: &relevance, rarity: &rarity, distance: &all_alike, mix };
        vary(&candidates, (4, &paying(0.05)), &mut VarietyScratch::default()).to_vec()
    };
    assert_eq!(list(&[1.0, 0.0, 0.0]), [0, 1, 2, 3], "it is there already");
    assert_eq!(list(&[0.5, 0.25, 0.25]), [0, 1, 6, 8]);
    assert_eq!(list(&[0.5, 0.5, 0.0]), [0, 1, 6, 7]);
}

fn expected_of(list: &[usize], relevance: &[f32]) -> f32 {
    list.iter().enumerate().map(|(place, rank)| discount(place) * relevance[*rank]).sum()
}

proptest! {
    /// No list loses more than the price, none becomes less varied, and all are as long as before.
    #[test]
    fn the_price_is_never_exceeded(
        steps in prop::collection::vec(0.0..0.4_f32, 1..60),
        kinds in prop::collection::vec(0..5_u8, 60),
        (limit, price) in (1..12_usize, 0.0..0.3_f32),
    ) {
        let mut worth = 1.0;
        let relevance: Vec<f32> = steps
            .iter()
            .map(|step| {
                worth *= 1.0 - step;
                worth
            })
            .collect();
        let distance = |a: usize, b: usize| f32::from(u8::from(kinds[a] != kinds[b]));
        let rarity = vec![0.0; relevance.len()];
        let candidates = Candidates { relevance: &relevance, rarity: &rarity, distance: &distance, mix: None };
        let params = paying(price);
        let list = vary(&candidates, (limit, &params), &mut VarietyScratch::default()).to_vec();
        let ranked: Vec<usize> = (0..limit.min(relevance.len())).collect();
        prop_assert_eq!(list.len(), ranked.len());
        prop_assert!(list.windows(2).all(|two| two[0] < two[1]), "each once, by rank: {:?}", list);
        let (before, after) = (expected_of(&ranked, &relevance), expected_of(&list, &relevance));
        prop_assert!(after >= before * (1.0 - price) - 1e-4, "{before} {after}");
        let spread = |list: &[usize]| -> f32 {
            list.iter().flat_map(|a| list.iter().map(|b| distance(*a, *b))).sum()
        };
        prop_assert!(spread(&list) >= spread(&ranked));
    }
}
