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
///
/// **Conflict.** A browser in which more than one user was identified is *shared*: those links of it join nobody, or
/// everybody who ever logged in at a kiosk would be one person. What was done in it before a login is its own.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// Each link stands in both directions.
    links: FxHashMap<SubjectId, Vec<Link>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Link {
    other: SubjectId,
    /// One bit for each basis, and who of the two is the browser.
    bits: u8,
}

/// The other one is a browser in which this user was identified.
const TO_BROWSER: u8 = 1 << 6;
/// The other one is a user that was identified in this browser.
const TO_USER: u8 = 1 << 7;

fn bit(basis: LinkBasis) -> u8 {
    1 << basis as u8
}

/// What a link of a basis sets at the one who states it, and at the other.
fn bits_of(basis: LinkBasis) -> [u8; 2] {
    match basis {
        LinkBasis::Identify => [bit(basis) | TO_BROWSER, bit(basis) | TO_USER],
        LinkBasis::Alias | LinkBasis::LoyaltyCard => [bit(basis); 2],
    }
}

impl Link {
    /// Whether it holds on another basis than that a user was identified.
    fn is_plain(self) -> bool {
        self.bits & !(TO_BROWSER | TO_USER | bit(LinkBasis::Identify)) != 0
    }
}

impl Identity {
    fn links_of(&self, subject: SubjectId) -> &[Link] {
        self.links.get(&subject).map_or(&[], Vec::as_slice)
    }

    /// Whether several users were identified in this browser.
    fn is_shared(&self, subject: SubjectId) -> bool {
        self.links_of(subject).iter().filter(|link| link.bits & TO_USER != 0).nth(1).is_some()
    }

    /// Whether a link of `from` joins two subjects to one person.
    fn joins(&self, from: SubjectId, link: Link) -> bool {
        link.is_plain()
            || link.bits & TO_USER != 0 && !self.is_shared(from)
            || link.bits & TO_BROWSER != 0 && !self.is_shared(link.other)
    }

    /// All subjects that chains of links join to `subject`, itself first; at most `limit`.
    fn walk(&self, subject: SubjectId, limit: usize) -> Vec<SubjectId> {
        let mut found = vec![subject];
        if !self.links.contains_key(&subject) {
            return found;
        }
        let mut seen: FxHashSet<SubjectId> = found.iter().copied().collect();
        let mut next_idx = 0;
        while let Some(&member) = found.get(next_idx) {
            next_idx += 1;
            for &link in self.links_of(member) {
                if found.len() < limit && self.joins(member, link) && seen.insert(link.other) {
                    found.push(link.other);
                }
            }
        }
        found
    }

    /// All subjects of the person that `subject` belongs to, itself first, the others in order.
    ///
    /// At most 64: those that the fewest links away.
    pub fn members(&self, subject: SubjectId) -> Vec<SubjectId> {
        let mut members = self.walk(subject, MEMBERS_MAX);
        members[1..].sort_unstable();
        members
    }

    /// All subjects that any chain of links joins to `subject`, itself first; at most `limit`.
    ///
    /// Unlike [`Identity::members`], which bounds what an answer looks at, nobody is left out below
    /// the limit: an erasure must reach all.
    pub fn union(&self, subject: SubjectId, limit: usize) -> Vec<SubjectId> {
        self.walk(subject, limit)
    }

    /// Those that only a shared browser stands between and these members of one person, with all that is the same person.
    ///
    /// Their no counts for these too: somebody may have said it in a browser before others used it, or in their own name
    /// while they used it, and nobody can tell. Whoever is two such steps away is not among them. At most 64 of each.
    pub(crate) fn beside(&self, members: &[SubjectId]) -> Vec<SubjectId> {
        let mut seen: FxHashSet<SubjectId> = members.iter().copied().collect();
        let mut beside = Vec::new();
        for &member in members {
            let void = self.links_of(member).iter().filter(|link| !self.joins(member, **link));
            for link in void.take(MEMBERS_MAX) {
                if !seen.contains(&link.other) {
                    let all = self.members(link.other).into_iter();
                    beside.extend(all.filter(|one| seen.insert(*one)));
                }
            }
        }
        beside
    }

    /// A person's subjects, `subject` first, and those beside: each counts for the other where one of them says no.
    pub(crate) fn circle(&self, subject: SubjectId) -> Vec<SubjectId> {
        let mut circle = self.members(subject);
        circle.extend(self.beside(&circle));
        circle
    }

    /// The subjects that a link names beside `subject`, in order, those of shared browsers among them; at most 64. So
    /// it follows from the links of `subject` alone, whoever else is identified or forgotten.
    pub(crate) fn neighbours(&self, subject: SubjectId) -> Vec<SubjectId> {
        self.links_of(subject).iter().take(MEMBERS_MAX).map(|link| link.other).collect()
    }

    /// Browsers that several users were identified in.
    pub(crate) fn n_shared(&self) -> usize {
        self.links.keys().filter(|subject| self.is_shared(**subject)).count()
    }

    /// How many pairs are linked.
    pub fn n_links(&self) -> usize {
        self.links.values().map(Vec::len).sum::<usize>() / 2
    }

    /// Joins what `a` says of itself and `b`: as a user of a browser, where the basis is that it was identified.
    pub(crate) fn link(&mut self, a: SubjectId, b: SubjectId, basis: LinkBasis) {
        if a == b {
            return;
        }
        let [here, there] = bits_of(basis);
        for (from, other, bits) in [(a, b, here), (b, a, there)] {
            let links = self.links.entry(from).or_default();
            match links.binary_search_by_key(&other, |link| link.other) {
                Ok(idx) => links[idx].bits |= bits,
                Err(idx) => links.insert(idx, Link { other, bits }),
            }
        }
    }

    pub(crate) fn unlink(&mut self, a: SubjectId, b: SubjectId, basis: LinkBasis) {
        // Whoever states it, both directions of an identification end.
        let gone = bits_of(basis).into_iter().fold(0, |gone, bits| gone | bits);
        for (from, other) in [(a, b), (b, a)] {
            let Some(links) = self.links.get_mut(&from) else { return };
            let Ok(idx) = links.binary_search_by_key(&other, |link| link.other) else { return };
            links[idx].bits &= !gone;
            if links[idx].bits == 0 {
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

    /// Each pair once, the smaller subject first, with its bits there.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (SubjectId, SubjectId, u8)> + '_ {
        self.links.iter().flat_map(|(&from, links)| {
            let later = links.iter().filter(move |link| from < link.other);
            later.map(move |link| (from, link.other, link.bits))
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        let links: usize = self.links.values().map(|links| links.capacity()).sum();
        links * size_of::<Link>() + self.links.capacity() * (16 + size_of::<Vec<Link>>() + 1)
    }
}

impl Projection for Identity {
    const NAME: &'static str = "identity";
    const VERSION: u16 = 2;

    fn snapshot(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.count(self.n_links());
        for (a, b, bits) in self.pairs() {
            w.raw(&a.0);
            w.raw(&b.0);
            w.u8(bits);
        }
        w.into_bytes()
    }

    fn restore(bytes: &[u8]) -> Result<Identity, WireError> {
        let mut r = Reader::new(bytes);
        let mut identity = Identity::default();
        for _ in 0..r.count()? {
            let (a, b) = (SubjectId(r.array16()?), SubjectId(r.array16()?));
            let bits = r.u8()?;
            for basis in [LinkBasis::Alias, LinkBasis::LoyaltyCard] {
                if bits & bit(basis) != 0 {
                    identity.link(a, b, basis);
                }
            }
            for (flag, user, browser) in [(TO_BROWSER, a, b), (TO_USER, b, a)] {
                if bits & flag != 0 {
                    identity.link(user, browser, LinkBasis::Identify);
                }
            }
        }
        r.end()?;
        Ok(identity)
    }
}
