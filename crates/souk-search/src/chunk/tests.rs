#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::postings::Flat;
use super::*;

fn draft(terms: &[u32], facts: &[(u16, u32)]) -> Draft {
    Draft {
        postings: terms.iter().map(|term| (Term(*term), *term as u8 + 1)).collect(),
        facts: facts.to_vec(),
        title_words: terms.to_vec(),
        ..Draft::default()
    }
}

fn rows(chunk: &Chunk, term: u32) -> Vec<(u16, u8)> {
    let list = chunk.list(Term(term));
    list.map_or(Vec::new(), |l| l.rows.iter().copied().zip(l.impacts.iter().copied()).collect())
}

fn facts(chunk: &Chunk, row: u16) -> Vec<(u16, u32)> {
    let mut facts = Vec::new();
    chunk.facts.each(row, &mut |field, value| facts.push((field, value)));
    facts
}

fn chunk() -> Chunk {
    let mut chunk = Chunk::default();
    chunk.push("a", "A", &draft(&[1, 2], &[(0, 5)]));
    chunk.push("b", "B", &draft(&[2, 3], &[(0, 6), (1, 7)]));
    chunk.push("c", "C", &draft(&[1], &[]));
    chunk
}

#[test]
fn sealing_changes_nothing_that_is_found() {
    let open = chunk();
    let mut sealed = chunk();
    sealed.seal();
    for term in 0..5 {
        assert_eq!(rows(&open, term), rows(&sealed, term));
    }
    assert_eq!(rows(&sealed, 2), [(0, 3), (1, 3)]);
    assert_eq!(facts(&open, 1), [(0, 6), (1, 7)]);
    assert_eq!(facts(&sealed, 1), [(0, 6), (1, 7)]);
}

#[test]
fn a_row_is_struck_out_once() {
    let mut chunk = chunk();
    assert!(chunk.strike(1));
    assert!(!chunk.strike(1));
    assert_eq!(chunk.n_live(), 2);
}

#[test]
fn joining_leaves_the_dead_behind() {
    let (mut first, second) = (chunk(), chunk());
    first.strike(0);
    let (merged, lost) = merge(&[&first, &second]);
    let ids: Vec<&str> = (0..merged.len() as u32).map(|row| merged.ids.get(row)).collect();
    assert_eq!(ids, ["b", "c", "a", "b", "c"]);
    assert_eq!(rows(&merged, 1), [(1, 2), (2, 2), (4, 2)]);
    assert_eq!(rows(&merged, 3), [(0, 4), (3, 4)]);
    assert_eq!(merged.facts.of(3, 0).collect::<Vec<_>>(), [6]);
    assert_eq!(merged.title_words.get(2), [1, 2]);
    assert_eq!(lost, [(Term(1), 1), (Term(2), 1)]);
    assert_eq!(merged.n_live(), 5);
}

#[test]
fn other_numbers_say_the_same() {
    let mut chunk = chunk();
    let numbers = Renumbered {
        terms: vec![9, 8, 7, 6],
        words: vec![vec![10, 11, 12, 13]],
        fields: vec![Some(4), None],
        values: vec![vec![0, 1, 2, 3, 4, 50, 60], vec![0; 8]],
    };
    chunk.renumber(&numbers);
    assert_eq!(rows(&chunk, 8), [(0, 2), (2, 2)]);
    assert_eq!(rows(&chunk, 6), [(1, 4)]);
    assert_eq!(facts(&chunk, 1), [(4, 60)]);
    assert_eq!(chunk.title_words.get(1), [12, 13]);
}

/// A chunk of rows with these facts.
fn of_facts(rows: &[Vec<(u16, u32)>]) -> Chunk {
    let mut chunk = Chunk::default();
    for (row, facts) in rows.iter().enumerate() {
        chunk.push(&row.to_string(), "", &draft(&[], facts));
    }
    chunk
}

proptest! {
    /// Columns say what rows said: each value, the counts of any rows, what is left after joining and under
    /// other numbers.
    #[test]
    fn columns_say_what_rows_said(
        rows in prop::collection::vec(prop::collection::btree_set((0u16..6, 0u32..9), 0..7), 1..60),
        rare in 0usize..60,
        asked in prop::collection::btree_set(0u16..60, 0..60),
    ) {
        let mut rows: Vec<Vec<(u16, u32)>> =
            rows.into_iter().map(|row| row.into_iter().collect()).collect();
        // A field that one row alone has is kept by its rows.
        let rare = rare % rows.len();
        rows[rare].push((9, 4));
        let open = of_facts(&rows);
        let mut sealed = of_facts(&rows);
        sealed.seal();
        let asked: Vec<u16> = asked.into_iter().filter(|r| usize::from(*r) < rows.len()).collect();
        for (row, expected) in rows.iter().enumerate() {
            prop_assert_eq!(&facts(&sealed, row as u16), expected);
        }
        for field in 0..10 {
            let count = |chunk: &Chunk| {
                let (mut counts, mut buffer) = (vec![0; 9], Vec::new());
                let into = (&mut counts[..], &mut buffer);
                chunk.facts.field(field).count(asked.iter().copied(), into);
                counts
            };
            let of_row = |row: &u16| rows[usize::from(*row)].iter().copied();
            let mut expected = vec![0u32; 9];
            for (_, value) in asked.iter().flat_map(of_row).filter(|(own, _)| *own == field) {
                expected[value as usize] += 1;
            }
            prop_assert_eq!(count(&open), expected.clone());
            prop_assert_eq!(count(&sealed), expected);
        }
        sealed.strike(rare as u16);
        let (joined, _) = merge(&[&sealed, &open]);
        let kept = rows.iter().enumerate().filter(|(row, _)| *row != rare).map(|(_, row)| row);
        for (row, expected) in kept.chain(&rows).enumerate() {
            prop_assert_eq!(&facts(&joined, row as u16), expected);
        }
        // Fields turned round but for one that goes; values turned round too.
        let fields: Vec<Option<u16>> = (0..10).map(|n| (n != 2).then_some(9 - n)).collect();
        let values: Vec<Vec<u32>> = vec![(0..9).map(|value| 8 - value).collect(); 10];
        let mut turned = of_facts(&rows);
        turned.facts.renumber(&fields, &values);
        for (row, own) in rows.iter().enumerate() {
            let mut expected: Vec<(u16, u32)> = own
                .iter()
                .filter(|(field, _)| *field != 2)
                .map(|(field, value)| (9 - field, 8 - value))
                .collect();
            expected.sort_unstable();
            prop_assert_eq!(facts(&turned, row as u16), expected);
        }
    }

    /// Postings of all rows at once become the lists that they become one by one.
    #[test]
    fn postings_at_once_are_those_one_by_one(
        terms in prop::collection::vec(prop::collection::btree_set(0u32..12, 0..5), 0..40),
    ) {
        let mut one_by_one = Postings::default();
        let mut at_once = Vec::new();
        for (row, terms) in terms.iter().enumerate() {
            for term in terms {
                let impact = (*term * 7 + row as u32) as u8;
                one_by_one.push(Term(*term), row as u16, impact);
                at_once.push((Term(*term), row as u16, impact));
            }
        }
        one_by_one.seal();
        let lists = |postings: &Postings| {
            let mut lists = Vec::new();
            postings.each(&mut |term, list| {
                lists.push((term, list.rows.to_vec(), list.impacts.to_vec()));
            });
            lists
        };
        let at_once = Postings::Sealed(Flat::of(&at_once, 12));
        prop_assert_eq!(lists(&at_once), lists(&one_by_one));
    }
}
