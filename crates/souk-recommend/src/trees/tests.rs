#![allow(clippy::unwrap_used)]

use super::*;

const NAMES: [&str; 3] = ["taste", "noise", "price"];

/// Groups of 20 in which the candidate with the largest `taste`, but not too large a `price`, is wanted: no
/// line through the signals says so.
fn groups(n: usize, seed: u64) -> Groups {
    let mut random = Random::new(seed);
    let mut groups = Groups::new(3);
    for _ in 0..n {
        let rows: Vec<[f32; 3]> =
            (0..20).map(|_| [random.unit(), random.unit(), random.unit()]).collect();
        let worth = |row: &[f32; 3]| if row[2] < 0.5 { row[0] } else { -1.0 };
        let best = rows.iter().map(worth).fold(f32::MIN, f32::max);
        let gains: Vec<f32> =
            rows.iter().map(|row| if worth(row) == best { 1.0 } else { 0.0 }).collect();
        groups.push(&rows.concat(), &gains, &[]);
    }
    groups
}

fn lesson<'a>(groups: &'a Groups, threads: usize) -> Lesson<'a> {
    Lesson { names: &NAMES, groups, valid: None, threads, rests: Rests::NONE }
}

fn params() -> TreeParams {
    TreeParams { n_trees: 60, learning_rate: 0.2, rows_min: 20, ..TreeParams::default() }
}

fn quality(trees: &Trees, groups: &Groups) -> f64 {
    let mut scores = vec![0.0; groups.n_rows()];
    trees.add_to(&groups.signals, &mut scores);
    groups.ndcg(&scores, 10)
}

#[test]
fn learn_what_no_line_can_say() {
    let (train, test) = (groups(400, 1), groups(200, 2));
    for objective in [Objective::Ndcg { places: 20 }, Objective::Softmax] {
        let trees = Trees::fit(&lesson(&train, 1), &TreeParams { objective, ..params() });
        let found = quality(&trees, &test);
        assert!(found > 0.93, "{objective:?}: {found}");
    }
    // By taste alone, what is too dear stands in front half of the time.
    let by_taste: Vec<f32> = test.signals.iter().step_by(3).copied().collect();
    assert!(test.ndcg(&by_taste, 10) < 0.8);
}

#[test]
fn importances_name_what_counts() {
    let train = groups(400, 1);
    let trees = Trees::fit(&lesson(&train, 1), &params());
    let found: Vec<(&str, f64)> = trees.importances().collect();
    assert!((found.iter().map(|(_, share)| share).sum::<f64>() - 1.0).abs() < 1e-9);
    assert!(found[0].1 > 0.2 && found[2].1 > 0.2 && found[1].1 < 0.1, "{found:?}");
}

#[test]
fn threads_change_no_byte() {
    // Enough rows for the root to be counted on several threads.
    let train = groups(600, 3);
    assert!(train.n_rows() > 8_192);
    let bytes = [1, 2, 3].map(|threads| Trees::fit(&lesson(&train, threads), &params()).encode());
    assert_eq!(bytes[0], bytes[1]);
    assert_eq!(bytes[0], bytes[2]);
    let other = Trees::fit(&lesson(&train, 1), &TreeParams { seed: 1, ..params() });
    assert_ne!(other.encode(), bytes[0], "the seed draws other rows");
}

#[test]
fn growing_ends_when_it_does_not_help() {
    let (train, valid) = (groups(60, 1), groups(100, 2));
    let all = TreeParams { n_trees: 400, patience: 20, ..params() };
    let trees = Trees::fit(&Lesson { valid: Some(&valid), ..lesson(&train, 1) }, &all);
    assert!(trees.n_trees() < 380, "{}", trees.n_trees());
    let fixed = TreeParams { n_trees: trees.n_trees(), ..all };
    let again = Trees::fit(&lesson(&train, 1), &fixed);
    assert_eq!(quality(&trees, &valid), quality(&again, &valid), "the same trees to there");
}

/// A base that is right already leaves nothing to pull at; one that is wrong is corrected.
#[test]
fn trees_start_from_the_base() {
    let plain = groups(300, 5);
    let mut with_base = Groups::new(3);
    for range in plain.ranges() {
        let rows = &plain.signals[3 * range.start..3 * range.end];
        let base: Vec<f32> = rows.chunks(3).map(|row| 4.0 * row[0]).collect();
        with_base.push(rows, &plain.gains[range], &base);
    }
    let few = TreeParams { n_trees: 20, ..params() };
    let trees = Trees::fit(&lesson(&with_base, 1), &few);
    let mut scores = with_base.base.clone();
    let before = with_base.ndcg(&scores, 10);
    trees.add_to(&with_base.signals, &mut scores);
    assert!(with_base.ndcg(&scores, 10) > before + 0.1);
}

#[test]
fn what_is_no_number_is_smallest() {
    let mut train = Groups::new(1);
    for _ in 0..200 {
        train.push(&[f32::NAN, 1.0, 2.0], &[1.0, 0.0, 0.0], &[]);
    }
    let names = ["age"];
    let rests = Rests::NONE;
    let lesson = Lesson { names: &names, groups: &train, valid: None, threads: 1, rests };
    let trees = Trees::fit(&lesson, &TreeParams { group_share: 1.0, ..params() });
    let mut scores = [0.0; 3];
    trees.add_to(&[2.0, f32::NAN, -1e9], &mut scores);
    assert!(scores[1] > scores[0] && scores[2] == scores[0], "{scores:?}");
}

#[test]
fn rows_are_scored_one_by_one_or_together_alike() {
    let train = groups(100, 1);
    let trees = Trees::fit(&lesson(&train, 1), &params());
    let mut together = vec![0.0; 37];
    trees.add_to(&train.signals[..37 * 3], &mut together);
    for (at, row) in train.signals[..37 * 3].chunks(3).enumerate() {
        let mut alone = [0.0];
        trees.add_to(row, &mut alone);
        assert_eq!(alone[0], together[at]);
    }
}

#[test]
fn no_groups_make_no_trees() {
    let trees = Trees::fit(&lesson(&Groups::new(3), 1), &params());
    assert_eq!(trees.n_trees(), 0);
    assert!(trees.importances().all(|(_, share)| share == 0.0));
}

#[test]
fn a_snapshot_round_trips_and_damage_is_noticed() {
    let trees = Trees::fit(&lesson(&groups(60, 1), 1), &params());
    let bytes = trees.encode();
    assert_eq!(Trees::decode(&bytes).unwrap(), trees);
    let mut damaged = bytes.clone();
    damaged[40] ^= 1;
    assert_eq!(Trees::decode(&damaged), Err(SnapshotError::Damaged));
    // A whole snapshot of a tree that leads out of itself.
    let mut astray = trees.clone();
    astray.trees[0].nodes[0].next[1] = 10_000;
    assert_eq!(Trees::decode(&astray.encode()), Err(SnapshotError::Damaged));
    astray = trees;
    astray.trees[0].nodes[0].signal = 3;
    assert_eq!(Trees::decode(&astray.encode()), Err(SnapshotError::Damaged));
}

/// Half of the groups say the opposite of the others: what one half teaches the other refuses.
#[test]
fn parts_judge_each_other() {
    let train = groups(400, 1);
    let (lesson, test) = (lesson(&train, 1), groups(200, 2));
    let by_turns: Vec<u8> = (0..400).map(|group| (group % 3) as u8).collect();
    let one = Trees::fit(&lesson, &params());
    let joined = Trees::fit_in_parts(&lesson, (&by_turns, 3), &params());
    assert!(quality(&joined, &test) > quality(&one, &test), "a mean of three is surer");
    assert!(joined.n_trees() > 60 && joined.n_trees() <= 180, "{}", joined.n_trees());
    let again = Trees::fit_in_parts(&self::lesson(&train, 2), (&by_turns, 3), &params());
    assert_eq!(joined, again, "on any number of threads");

    let mut torn = groups(200, 3);
    let flip = |gains: &[f32]| gains.iter().map(|gain| 1.0 - gain).collect::<Vec<f32>>();
    let opposite = groups(200, 4);
    for rows in opposite.ranges() {
        let signals = &opposite.signals[rows.start * 3..rows.end * 3];
        torn.push(signals, &flip(&opposite.gains[rows.clone()]), &[]);
    }
    let halves: Vec<u8> = (0..400).map(|group| u8::from(group >= 200)).collect();
    let none = Trees::fit_in_parts(&self::lesson(&torn, 1), (&halves, 2), &params());
    assert!(none.n_trees() < 10, "{}", none.n_trees());
}

/// Laid out for answering, trees say to the bit what a walk down them says.
#[test]
fn trees_laid_out_answer_as_a_walk_does() {
    let train = groups(400, 1);
    let mut random = Random::new(9);
    for leaves_max in [2, 5, 16] {
        let trees = Trees::fit(&lesson(&train, 1), &TreeParams { leaves_max, ..params() });
        assert!(trees.flat.is_some() && trees.n_trees() == 60);
        let shapes: Vec<usize> = trees.trees.iter().map(|tree| tree.nodes.len()).collect();
        assert!(shapes.contains(&(2 * leaves_max - 1)), "{leaves_max}: {shapes:?}");
        // Also where a block of candidates is not full.
        for n in [0, 1, 31, 32, 33, 300] {
            let mut value = || if random.below(20) == 0 { f32::NAN } else { random.unit() };
            let signals: Vec<f32> = (0..3 * n).map(|_| value()).collect();
            let (mut walked, mut laid) = (vec![0.5; n], vec![0.5; n]);
            trees.walk((&signals, 3), &mut walked);
            trees.add_to(&signals, &mut laid);
            assert_eq!(laid, walked, "{n} candidates");
        }
        let read = Trees::decode(&trees.encode()).unwrap();
        assert_eq!(read, trees, "laid out again when read");
    }
    let many = Trees::fit(&lesson(&train, 1), &TreeParams { leaves_max: 17, ..params() });
    assert!(many.flat.is_none(), "these are walked");
    // A tree that leads back to itself.
    let node = Node { signal: 0, threshold: 0.5, next: [1, 0] };
    let leaf = Node { signal: 0, threshold: f32::INFINITY, next: [1; 2] };
    let round = Tree { nodes: vec![node, leaf], values: vec![0.0; 2], depth: 2 };
    assert!(flat::Flat::of(&[round], 3).is_none());
}
