//! Joining chunks, without their dead rows.

use super::postings::Flat;
use super::{Chunk, Facts, List, Postings};
use crate::lexicon::Term;

/// Joins the live rows of some chunks, which must fit one; also tells how many rows each term lost.
pub(crate) fn merge(chunks: &[&Chunk]) -> (Chunk, Vec<(Term, u32)>) {
    let mut merged = Chunk::default();
    // Each old row's new number.
    let mut moved: Vec<Vec<Option<u16>>> = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        let rows = 0..chunk.len();
        moved.push(
            rows.map(|row| chunk.live.get(row).then(|| copy_row(chunk, row, &mut merged)))
                .collect(),
        );
    }
    let parts = chunks.iter().zip(&moved).map(|(chunk, moved)| (&chunk.facts, moved.as_slice()));
    merged.facts = Facts::join(&parts.collect::<Vec<_>>(), merged.len());
    let mut all: Vec<(Term, usize)> = Vec::new();
    for (number, chunk) in chunks.iter().enumerate() {
        chunk.postings.each(&mut |term, _| all.push((term, number)));
    }
    all.sort_unstable();
    let mut flat = Flat::default();
    let mut lost = Vec::new();
    for same in all.chunk_by(|left, right| left.0 == right.0) {
        let term = same[0].0;
        let before = flat.rows.len();
        let mut n_old = 0;
        for (_, number) in same {
            let list = chunks[*number].list(term).expect("the term came from this chunk");
            n_old += list.rows.len();
            copy_list(list, &moved[*number], &mut flat);
        }
        let kept = flat.rows.len() - before;
        if kept < n_old {
            lost.push((term, (n_old - kept) as u32));
        }
        if kept > 0 {
            flat.terms.push(term);
            flat.close();
        }
    }
    merged.postings = Postings::Sealed(flat);
    (merged, lost)
}

fn copy_row(from: &Chunk, row: usize, to: &mut Chunk) -> u16 {
    let number = u16::try_from(to.len()).expect("the caller joins what fits one chunk");
    let old = row as u16;
    to.ids.push(from.ids.get(row as u32));
    to.titles.push(from.titles.get(row as u32));
    to.title_words.push(from.title_words.get(old).iter().copied());
    to.availability.push(from.availability[row]);
    to.popularity.push(from.popularity[row]);
    to.coming.push(from.coming[row]);
    to.live.push_one();
    to.n_live += 1;
    number
}

fn copy_list(list: List<'_>, moved: &[Option<u16>], flat: &mut Flat) {
    for (row, impact) in list.rows.iter().zip(list.impacts) {
        if let Some(row) = moved[usize::from(*row)] {
            flat.rows.push(row);
            flat.impacts.push(*impact);
        }
    }
}
