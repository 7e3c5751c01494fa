//! Which products have a term, and how much it says about each.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use crate::lexicon::Term;

/// The rows of one term, rising, each with its impact.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List<'a> {
    pub(crate) rows: &'a [u16],
    pub(crate) impacts: &'a [u8],
}

/// Lists by term.
#[derive(Clone, Debug)]
pub(crate) enum Postings {
    /// Still growing.
    Open(FxHashMap<Term, (Vec<u16>, Vec<u8>)>),
    /// Flat.
    Sealed(Flat),
}

/// All lists one after another, by rising term.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flat {
    pub(crate) terms: Vec<Term>,
    /// Where each term's list ends.
    pub(crate) ends: Vec<u32>,
    pub(crate) rows: Vec<u16>,
    pub(crate) impacts: Vec<u8>,
}

impl Default for Postings {
    fn default() -> Postings {
        Postings::Open(FxHashMap::default())
    }
}

impl Flat {
    /// The lists of postings that come by rising row, of `n_terms` terms.
    pub(crate) fn of(postings: &[(Term, u16, u8)], n_terms: usize) -> Flat {
        // Counting how long each list is says where it begins.
        let mut at = vec![0u32; n_terms + 1];
        for (term, ..) in postings {
            at[term.0 as usize + 1] += 1;
        }
        for term in 0..n_terms {
            at[term + 1] += at[term];
        }
        let mut flat = Flat::default();
        for term in (0..n_terms).filter(|term| at[*term] < at[term + 1]) {
            flat.terms.push(Term(term as u32));
            flat.ends.push(at[term + 1]);
        }
        (flat.rows, flat.impacts) = (vec![0; postings.len()], vec![0; postings.len()]);
        for (term, row, impact) in postings {
            let place = at[term.0 as usize] as usize;
            (flat.rows[place], flat.impacts[place]) = (*row, *impact);
            at[term.0 as usize] += 1;
        }
        flat
    }

    fn get(&self, idx: usize) -> List<'_> {
        let start = if idx == 0 { 0 } else { self.ends[idx - 1] as usize };
        let end = self.ends[idx] as usize;
        List { rows: &self.rows[start..end], impacts: &self.impacts[start..end] }
    }

    /// Appends the list of a term above all others.
    pub(crate) fn push(&mut self, term: Term, list: List<'_>) {
        self.terms.push(term);
        self.rows.extend_from_slice(list.rows);
        self.impacts.extend_from_slice(list.impacts);
        self.close();
    }

    /// Ends the list of the last term.
    pub(crate) fn close(&mut self) {
        self.ends.push(self.rows.len() as u32);
    }

    fn shrink(mut self) -> Flat {
        self.terms.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.rows.shrink_to_fit();
        self.impacts.shrink_to_fit();
        self
    }
}

impl Postings {
    pub(crate) fn push(&mut self, term: Term, row: u16, impact: u8) {
        let Postings::Open(lists) = self else {
            unreachable!("sealed chunks are full, and a full chunk takes no more");
        };
        let (rows, impacts) = lists.entry(term).or_default();
        rows.push(row);
        impacts.push(impact);
    }

    #[inline]
    pub(crate) fn list(&self, term: Term) -> Option<List<'_>> {
        match self {
            Postings::Open(lists) => lists.get(&term).map(|(rows, impacts)| List { rows, impacts }),
            Postings::Sealed(flat) => flat.terms.binary_search(&term).ok().map(|idx| flat.get(idx)),
        }
    }

    /// Calls `take` with every list, by rising term.
    pub(crate) fn each(&self, take: &mut dyn FnMut(Term, List<'_>)) {
        match self {
            Postings::Open(lists) => {
                let mut terms: Vec<&Term> = lists.keys().collect();
                terms.sort_unstable();
                for term in terms {
                    let (rows, impacts) = &lists[term];
                    take(*term, List { rows, impacts });
                }
            }
            Postings::Sealed(flat) => {
                for (idx, term) in flat.terms.iter().enumerate() {
                    take(*term, flat.get(idx));
                }
            }
        }
    }

    pub(crate) fn seal(&mut self) {
        if matches!(self, Postings::Open(_)) {
            *self = Postings::Sealed(self.flat().into_owned().shrink());
        }
    }

    /// The flat lists, made now where there are none yet.
    pub(crate) fn flat(&self) -> Cow<'_, Flat> {
        match self {
            Postings::Open(_) => {
                let mut flat = Flat::default();
                self.each(&mut |term, list| flat.push(term, list));
                Cow::Owned(flat)
            }
            Postings::Sealed(flat) => Cow::Borrowed(flat),
        }
    }

    /// Gives every term another number, and seals.
    pub(crate) fn renumber(&mut self, terms: &[u32]) {
        self.seal();
        let Postings::Sealed(old) = &*self else { unreachable!("it was sealed just now") };
        let mut order: Vec<usize> = (0..old.terms.len()).collect();
        let number = |idx: &usize| terms[old.terms[*idx].0 as usize];
        order.sort_unstable_by_key(number);
        let mut flat = Flat {
            terms: Vec::with_capacity(old.terms.len()),
            ends: Vec::with_capacity(old.terms.len()),
            rows: Vec::with_capacity(old.rows.len()),
            impacts: Vec::with_capacity(old.rows.len()),
        };
        for idx in &order {
            flat.push(Term(number(idx)), old.get(*idx));
        }
        *self = Postings::Sealed(flat);
    }

    pub(crate) fn bytes(&self) -> usize {
        match self {
            Postings::Open(lists) => {
                lists.values().map(|(rows, _)| 56 + rows.capacity() * 3).sum::<usize>()
            }
            Postings::Sealed(flat) => flat.terms.len() * 8 + flat.rows.len() * 3,
        }
    }
}
