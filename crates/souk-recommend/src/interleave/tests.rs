#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn items(numbers: &[u32]) -> Vec<Item> {
    numbers.iter().copied().map(Item).collect()
}

/// The list for each way in which the coins can fall.
fn all_drafts(a: &[Item], b: &[Item], limit: usize) -> Vec<Vec<Pick>> {
    (0..1u32 << limit)
        .map(|coins| {
            let mut left = coins;
            draft((a, b), limit, &mut || {
                left = left.rotate_right(1);
                left >> 31 == 1
            })
        })
        .collect()
}

/// Worked out by hand from the source's algorithm: A wins the first coin, B the second.
#[test]
fn follows_the_algorithm() {
    let mut coins = [true, false].into_iter();
    let (a, b) = (items(&[1, 2, 3, 4]), items(&[2, 1, 5, 6]));
    let picks = draft((&a, &b), 4, &mut || coins.next().unwrap());
    let expected = [(1, Team::A), (2, Team::B), (5, Team::B), (3, Team::A)];
    let expected = expected.map(|(item, team)| Pick { item: Item(item), team: Some(team) });
    assert_eq!(picks, expected);
}

/// Whatever place is clicked, however places are favoured: over the coins it speaks for either ranking
/// equally often. So clicks that know nothing of the products prefer neither.
#[test]
fn no_place_favours_a_ranking() {
    let cases = [
        (items(&[1, 2, 3, 4, 5, 6]), items(&[7, 8, 9, 10, 11, 12])),
        (items(&[1, 2, 3, 4, 5, 6]), items(&[1, 2, 3, 4, 5, 6])),
        (items(&[1, 2, 3, 4, 5, 6]), items(&[3, 1, 9, 2, 4, 12])),
    ];
    for (a, b) in cases {
        let drafts = all_drafts(&a, &b, 6);
        for place in 0..6 {
            let of_a = drafts.iter().filter(|list| list[place].team == Some(Team::A)).count();
            assert_eq!(of_a * 2, drafts.len(), "place {place}");
        }
        let mut score = Score::default();
        for list in &drafts {
            // Somebody who always clicks the first place, and the fourth.
            score.add(preference(list, &[list[0].item]));
            score.add(preference(list, &[list[3].item, list[3].item]));
        }
        assert_eq!((score.a, score.lead()), (score.b, 0.0));
    }
}

#[test]
fn the_better_ranking_wins() {
    // Shoppers click product 1, which one ranking has first and the other last.
    let (a, b) = (items(&[1, 2, 3, 4, 5, 6]), items(&[6, 5, 4, 3, 2, 1]));
    let mut score = Score::default();
    for seed in 0..400 {
        score.add(preference(&team_draft(&a, &b, (4, seed)), &[Item(1)]));
    }
    assert!(score.lead() > 0.4, "{score:?}");
    // Product 6 is the other's.
    let clicked = |seed| preference(&team_draft(&a, &b, (4, seed)), &[Item(6)]);
    assert!((0..50).all(|seed| clicked(seed) == Ordering::Less));
}

#[test]
fn what_is_nobody_s_pick_has_no_credit() {
    let picks = team_draft(&items(&[1]), &items(&[1, 2, 3]), (5, 1));
    let teams: Vec<bool> = picks.iter().map(|pick| pick.team.is_some()).collect();
    // Both want product 1; then only one ranking has anything left.
    assert_eq!(teams, [true, false, false]);
    assert_eq!(preference(&picks, &[Item(2), Item(3)]), Ordering::Equal);
    assert_eq!(team_draft(&[], &[], (5, 1)), []);
    assert_eq!(Score::default().lead(), 0.0);
}

proptest! {
    /// Every product once, the teams never more than one pick apart, each team's picks in its own order.
    #[test]
    fn teams_stay_level(
        a in proptest::collection::vec(0..30u32, 0..12),
        b in proptest::collection::vec(0..30u32, 0..12),
        limit in 0..20usize,
        seed in any::<u64>(),
    ) {
        let (a, b) = (items(&a), items(&b));
        let picks = team_draft(&a, &b, (limit, seed));
        let all: FxHashSet<Item> = a.iter().chain(&b).copied().collect();
        prop_assert_eq!(picks.len(), limit.min(all.len()));
        let once: FxHashSet<Item> = picks.iter().map(|pick| pick.item).collect();
        prop_assert_eq!(once.len(), picks.len());
        let (mut n_a, mut n_b) = (0i32, 0i32);
        for pick in &picks {
            n_a += i32::from(pick.team == Some(Team::A));
            n_b += i32::from(pick.team == Some(Team::B));
            prop_assert!((n_a - n_b).abs() <= 1);
        }
        for (team, list) in [(Team::A, &a), (Team::B, &b)] {
            let of_team = picks.iter().filter(|pick| pick.team == Some(team));
            let places: Vec<usize> =
                of_team.map(|p| list.iter().position(|item| *item == p.item).unwrap()).collect();
            prop_assert!(places.is_sorted());
        }
        prop_assert_eq!(&picks, &team_draft(&a, &b, (limit, seed)));
    }
}
