#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;
use crate::document::Draft;

/// A chunk whose rows have these terms, all with the impact 255.
fn chunk(rows: &[Vec<u32>]) -> Chunk {
    let mut chunk = Chunk::default();
    for (idx, terms) in rows.iter().enumerate() {
        let postings = terms.iter().map(|term| (Term(*term), 255)).collect();
        chunk.push(&idx.to_string(), "", &Draft { postings, ..Draft::default() });
    }
    chunk
}

fn slot(alternatives: &[(&[u32], f32)]) -> Slot {
    let alternative = |(terms, factor): &(&[u32], f32)| Alternative {
        terms: terms.iter().map(|term| Term(*term)).collect(),
        factor: *factor,
    };
    Slot {
        alternatives: alternatives.iter().map(alternative).collect(),
        weight: 1.0,
        ..Slot::default()
    }
}

#[test]
fn gallop_finds_the_first_row_not_below() {
    let rows = [1, 4, 4, 9, 12, 40, 41, 77];
    for from in 0..rows.len() {
        for row in 0..80 {
            let plain = (from..rows.len()).find(|idx| rows[*idx] >= row).unwrap_or(rows.len());
            assert_eq!(gallop(&rows, from, row), plain, "{row} from {from}");
        }
    }
}

#[test]
fn the_best_alternative_counts_once() {
    let chunk = chunk(&[vec![1, 2], vec![2], vec![1], vec![3]]);
    let found = Scratch::default().all(&chunk, &[slot(&[(&[1], 1.0), (&[2], 0.5)])]);
    let scored: Vec<(u16, f32)> = found.iter().map(|found| (found.row, found.score)).collect();
    assert_eq!(scored, [(0, 1.0), (1, 0.5), (2, 1.0)]);
}

#[test]
fn a_split_word_needs_both_parts() {
    let chunk = chunk(&[vec![1, 2], vec![2], vec![1], vec![2, 1]]);
    let found = Scratch::default().all(&chunk, &[slot(&[(&[1, 2], 1.0)])]);
    assert_eq!(found.iter().map(|found| found.row).collect::<Vec<_>>(), [0, 3]);
}

proptest! {
    /// Leaping, laying out and counting find what the definition says, and leave nothing behind.
    #[test]
    fn finds_what_has_the_words(
        rows in prop::collection::vec(prop::collection::btree_set(0u32..6, 0..5), 1..120),
        slots in prop::collection::vec(prop::collection::vec((0u32..7, 1u8..4), 1..4), 1..4),
    ) {
        let rows: Vec<Vec<u32>> = rows.into_iter().map(|row| row.into_iter().collect()).collect();
        let chunk = chunk(&rows);
        let slots: Vec<Slot> = slots
            .iter()
            .map(|alternatives| Slot {
                alternatives: alternatives
                    .iter()
                    .map(|(term, factor)| Alternative {
                        terms: vec![Term(*term)],
                        factor: f32::from(*factor),
                    })
                    .collect(),
                weight: 1.0,
                ..Slot::default()
            })
            .collect();
        let best = |row: &Vec<u32>, slot: &Slot| {
            let fits = slot.alternatives.iter().filter(|a| row.contains(&a.terms[0].0));
            fits.map(|a| a.factor).fold(0.0f32, f32::max)
        };
        let mut scratch = Scratch::default();
        for needed in 1..=slots.len() {
            let expected: Vec<u16> = rows
                .iter()
                .enumerate()
                .filter(|(_, row)| slots.iter().filter(|s| best(row, s) > 0.0).count() >= needed)
                .map(|(idx, _)| idx as u16)
                .collect();
            let out = scratch.some(&chunk, &slots, (usize::from(Slot::PLAIN) * needed, 1));
            prop_assert_eq!(out.iter().map(|found| found.row).collect::<Vec<_>>(), &expected[..]);
            let by_slots = scratch.some(&chunk, &slots, (0, needed));
            prop_assert_eq!(by_slots, out);
        }
        let all = scratch.all(&chunk, &slots);
        let expected: Vec<(u16, f32)> = rows
            .iter()
            .enumerate()
            .filter(|(_, row)| slots.iter().all(|slot| best(row, slot) > 0.0))
            .map(|(idx, row)| (idx as u16, slots.iter().map(|slot| best(row, slot)).sum()))
            .collect();
        prop_assert_eq!(all.len(), expected.len());
        for (found, expected) in all.iter().zip(&expected) {
            prop_assert_eq!(found.row, expected.0);
            prop_assert!((found.score - expected.1).abs() < 1e-4);
        }
    }
}
