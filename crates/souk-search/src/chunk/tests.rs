#![allow(clippy::unwrap_used)]
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
    assert_eq!(sealed.facts.get(1), (&[0u16, 1][..], &[6u32, 7][..]));
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
    assert_eq!(chunk.facts.get(1), (&[4u16][..], &[60u32][..]));
    assert_eq!(chunk.title_words.get(1), [12, 13]);
}
