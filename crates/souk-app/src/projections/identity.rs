use rustc_hash::{FxHashMap, FxHashSet};
use souk_core::wire::{Reader, WireError, Writer};
use souk_core::{LinkBasis, SubjectId};

use super::Projection;

/// Subjects of one person that a request looks at; chosen: more than any person has browsers, so
/// that a shared kiosk that links thousands cannot slow every answer.
const MEMBERS_MAX: usize = 64;

/// Which subjects are one person: a reversible union.
///
/// Links are kept as they were stated, one bit for each basis, and the union is computed when it is
/// asked for. So nothing has to be undone when a link is taken back or a subject is forgotten: a
/// pair stays joined for as long as any basis joins it.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// Each link stands in both directions.
    links: FxHashMap<SubjectId, Vec<Link>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Link {
    other: SubjectId,
    bases: u8,
}

fn bit(basis: LinkBasis) -> u8 {
    1 << basis as u8
}

impl Identity {
    /// All subjects of the person that `subject` belongs to, itself first, the others in order.
    ///
    /// At most 64: those that the fewest links away.
    pub fn members(&self, subject: SubjectId) -> Vec<SubjectId> {
        let mut members = vec![subject];
        if !self.links.contains_key(&subject) {
            return members;
        }
        let mut seen: FxHashSet<SubjectId> = members.iter().copied().collect();
        let mut next_idx = 0;
        while let Some(&member) = members.get(next_idx) {
            next_idx += 1;
            for link in self.links.get(&member).map_or(&[][..], Vec::as_slice) {
                if members.len() < MEMBERS_MAX && seen.insert(link.other) {
                    members.push(link.other);
                }
            }
        }
        members[1..].sort_unstable();
        members
    }

    /// All subjects that any chain of links joins to `subject`, itself first; at most `limit`.
    ///
    /// Unlike [`Identity::members`], which bounds what an answer looks at, nobody is left out below
    /// the limit: an erasure must reach all.
    pub fn union(&self, subject: SubjectId, limit: usize) -> Vec<SubjectId> {
        let mut union = vec![subject];
        let mut seen: FxHashSet<SubjectId> = union.iter().copied().collect();
        let mut next_idx = 0;
        while let Some(&member) = union.get(next_idx) {
            next_idx += 1;
            for link in self.links.get(&member).map_or(&[][..], Vec::as_slice) {
                if union.len() < limit && seen.insert(link.other) {
                    union.push(link.other);
                }
            }
        }
        union
    }

    /// The subjects that a link joins with `subject` directly, in order; at most 64.
    pub(crate) fn neighbours(&self, subject: SubjectId) -> Vec<SubjectId> {
        let links = self.links.get(&subject).map_or(&[][..], Vec::as_slice);
        links.iter().take(MEMBERS_MAX).map(|link| link.other).collect()
    }

    /// How many pairs are linked.
    pub fn n_links(&self) -> usize {
        self.links.values().map(Vec::len).sum::<usize>() / 2
    }

    pub(crate) fn link(&mut self, a: SubjectId, b: SubjectId, basis: LinkBasis) {
        if a == b {
            return;
        }
        for (from, other) in [(a, b), (b, a)] {
            let links = self.links.entry(from).or_default();
            match links.binary_search_by_key(&other, |link| link.other) {
                Ok(idx) => links[idx].bases |= bit(basis),
                Err(idx) => links.insert(idx, Link { other, bases: bit(basis) }),
            }
        }
    }

    pub(crate) fn unlink(&mut self, a: SubjectId, b: SubjectId, basis: LinkBasis) {
        for (from, other) in [(a, b), (b, a)] {
            let Some(links) = self.links.get_mut(&from) else { return };
            let Ok(idx) = links.binary_search_by_key(&other, |link| link.other) else { return };
            links[idx].bases &= !bit(basis);
            if links[idx].bases == 0 {
                links.remove(idx);
            }
            if links.is_empty() {
                self.links.remove(&from);
            }
        }
    }

    /// Drops a subject and all its links.
    pub(crate) fn forget(&mut self, subject: SubjectId) {
        for Link { other, .. } in self.links.remove(&subject).unwrap_or_default() {
            let Some(links) = self.links.get_mut(&other) else { continue };
            links.retain(|link| link.other != subject);
            if links.is_empty() {
                self.links.remove(&other);
            }
        }
    }

    /// Each pair once, the smaller subject first, with its bases as bits.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (SubjectId, SubjectId, u8)> + '_ {
        self.links.iter().flat_map(|(&from, links)| {
            let later = links.iter().filter(move |link| from < link.other);
            later.map(move |link| (from, link.other, link.bases))
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        let links: usize = self.links.values().map(|links| links.capacity()).sum();
        links * size_of::<Link>() + self.links.capacity() * (16 + size_of::<Vec<Link>>() + 1)
    }
}

impl Projection for Identity {
    const NAME: &'static str = "identity";
    const VERSION: u16 = 1;

    fn snapshot(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.count(self.n_links());
        for (a, b, bases) in self.pairs() {
            w.raw(&a.0);
            w.raw(&b.0);
            w.u8(bases);
        }
        w.into_bytes()
    }

    fn restore(bytes: &[u8]) -> Result<Identity, WireError> {
        let mut r = Reader::new(bytes);
        let mut identity = Identity::default();
        for _ in 0..r.count()? {
            let (a, b) = (SubjectId(r.array16()?), SubjectId(r.array16()?));
            let bases = r.u8()?;
            for basis in LinkBasis::ALL {
                if bases & bit(basis) != 0 {
                    identity.link(a, b, basis);
                }
            }
        }
        r.end()?;
        Ok(identity)
    }
}
