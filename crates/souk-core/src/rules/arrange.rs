//! The list that comes of candidates under rules. Which rule wins is written at [`super`].

use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};

use super::effect::{Effect, PinHit};
use super::set::{ActiveRules, RuleNo, RuleSet};
use super::{CapBy, RuleAction};
use crate::ProductId;

/// How far a margin must lie from that of the middle candidate to count in full: a quarter of the price.
/// Chosen: the spread inside a grocer's or a fashion shop's assortment.
const MARGIN_SPAN: f32 = 0.25;

/// A product that may take a place. Its rank is its place among the candidates.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// Which product.
    pub id: &'a ProductId,
    /// What the rules that hold do with it. One that a rule takes out must not be a candidate.
    pub effect: Effect,
    /// Its brand, where caps ask for it.
    pub brand: Option<&'a str>,
    /// Its first category, likewise.
    pub category: Option<&'a str>,
    /// The share of its price that the shop keeps, where it is known and asked for.
    pub margin: Option<f32>,
    /// Its stock from −1 (little) to 1 (much), likewise; 0 where it is not known.
    pub stock: f32,
    /// Whether nobody proposed it and only a pin can give it a place.
    pub is_guest: bool,
}

/// Why a product stands where it stands, where its weight alone does not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was next by its weight.
    ByWeight,
    /// A pin put it there.
    ByPin(RuleNo),
    /// A reserved share was to be filled.
    ByReserve(RuleNo),
}

/// A product in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its place among the candidates, from 0.
    pub candidate: usize,
    /// Why it stands there.
    pub taken: Taken,
}

/// The list that comes of candidates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrangement {
    /// Best first.
    pub placed: Vec<Placed>,
    /// Candidates that a cap kept out although places were given to worse ones, or were left.
    pub capped: Vec<(usize, RuleNo)>,
}

/// Makes a list of at most `limit` products.
pub fn arrange(
    (set, active): (&RuleSet, &ActiveRules),
    candidates: &[Candidate<'_>],
    pins: &[PinHit],
    limit: usize,
) -> Arrangement {
    let mut work = Work {
        set,
        active,
        candidates,
        is_used: vec![false; candidates.len()],
        filled: vec![0; active.reserves.len()],
        counts: FxHashMap::default(),
        capped: Vec::new(),
    };
    let pinned = work.pin(pins, limit);
    let order = work.order();
    let mut placed = Vec::with_capacity(limit);
    for place in 0..limit {
        if let Some(pin) = pinned[place] {
            placed.push(pin);
        } else if let Some(next) = work.next(&order, (place + 1, limit)) {
            placed.push(next);
        }
    }
    let is_placed = |candidate: usize| placed.iter().any(|one| one.candidate == candidate);
    let mut capped = std::mem::take(&mut work.capped);
    capped.sort_unstable();
    capped.dedup_by_key(|(candidate, _)| *candidate);
    capped.retain(|(candidate, _)| !is_placed(*candidate));
    Arrangement { placed, capped }
}

struct Work<'a> {
    set: &'a RuleSet,
    active: &'a ActiveRules,
    candidates: &'a [Candidate<'a>],
    is_used: Vec<bool>,
    /// Places that each reserved share has.
    filled: Vec<usize>,
    /// Products in the list by cap and by the hash of their brand or category.
    counts: FxHashMap<(usize, u64), u16>,
    /// Candidates that were passed over, and the cap that did it.
    capped: Vec<(usize, RuleNo)>,
}

impl Work<'_> {
    /// Gives pinned products their places.
    fn pin(&mut self, hits: &[PinHit], limit: usize) -> Vec<Option<Placed>> {
        let mut pinned = vec![None; limit];
        if hits.is_empty() {
            return pinned;
        }
        let mut by_rule: FxHashMap<RuleNo, Vec<usize>> = FxHashMap::default();
        for hit in hits {
            by_rule.entry(hit.rule).or_default().push(hit.candidate as usize);
        }
        for &rule in &self.active.pins {
            let RuleAction::Pin { position } = self.set.action(rule) else { continue };
            let place = usize::from(position) - 1;
            if place >= limit || pinned[place].is_some() {
                continue;
            }
            let selection = &self.set.rule(rule).selection;
            let meant = by_rule.get(&rule).into_iter().flatten().copied();
            let free = meant.filter(|candidate| !self.is_used[*candidate]);
            let best = free.min_by_key(|candidate| {
                (selection.order_of(self.candidates[*candidate].id), *candidate)
            });
            if let Some(candidate) = best {
                pinned[place] = Some(Placed { candidate, taken: Taken::ByPin(rule) });
                self.take(candidate);
            }
        }
        pinned
    }

    /// The candidates that can take a place by weight, best first, the buried ones last.
    fn order(&self) -> Vec<usize> {
        let neutral = self.neutral_margin();
        let mut order: Vec<(bool, f32, usize)> = self
            .candidates
            .iter()
            .enumerate()
            .filter(|(_, candidate)| !candidate.is_guest)
            .map(|(rank, candidate)| {
                let weight = weight(candidate, neutral) / ((rank + 2) as f32).log2();
                (candidate.effect.buried_by.is_some(), weight, rank)
            })
            .collect();
        let by_rank = |a: &(bool, f32, usize), b: &(bool, f32, usize)| a.2.cmp(&b.2);
        order.sort_by(|a, b| match a.0 {
            // Among the buried, rank alone decides.
            true if b.0 => by_rank(a, b),
            _ => a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)).then_with(|| by_rank(a, b)),
        });
        order.into_iter().map(|(_, _, rank)| rank).collect()
    }

    /// The margin of the middle candidate of those whose margin is known.
    fn neutral_margin(&self) -> f32 {
        if !self.active.asks_margins() {
            return 0.0;
        }
        let mut known: Vec<f32> = self.candidates.iter().filter_map(|one| one.margin).collect();
        known.sort_by(f32::total_cmp);
        known.get(known.len() / 2).copied().unwrap_or(0.0)
    }

    /// The product for one place, counted from 1.
    fn next(&mut self, order: &[usize], (place, limit): (usize, usize)) -> Option<Placed> {
        let owed = self.active.reserves.iter().enumerate().filter(|(idx, rule)| {
            let RuleAction::Reserve { share } = self.set.action(**rule) else { return false };
            // Rounded, but at least one place; evenly spread over the list.
            let quota = ((share * limit as f32).round() as usize).clamp(1, limit);
            self.filled[*idx] < place * quota / limit
        });
        let owed: Vec<(usize, RuleNo)> = owed.map(|(idx, rule)| (idx, *rule)).collect();
        for (idx, rule) in owed {
            if let Some(candidate) = self.first_free(order, 1 << idx) {
                let by_weight = self.first_free(order, u64::MAX);
                self.take(candidate);
                let is_next = by_weight == Some(candidate);
                let taken = if is_next { Taken::ByWeight } else { Taken::ByReserve(rule) };
                return Some(Placed { candidate, taken });
            }
        }
        let candidate = self.first_free(order, u64::MAX)?;
        self.take(candidate);
        Some(Placed { candidate, taken: Taken::ByWeight })
    }

    /// The best candidate that is free, fills one of these reserved shares and breaks no cap.
    fn first_free(&mut self, order: &[usize], reserves: u64) -> Option<usize> {
        for &candidate in order {
            let effect = &self.candidates[candidate].effect;
            if self.is_used[candidate] || reserves != u64::MAX && effect.reserves & reserves == 0 {
                continue;
            }
            match self.broken_cap(candidate) {
                None => return Some(candidate),
                Some(rule) => self.capped.push((candidate, rule)),
            }
        }
        None
    }

    fn take(&mut self, candidate: usize) {
        self.is_used[candidate] = true;
        let effect = &self.candidates[candidate].effect;
        for (idx, filled) in self.filled.iter_mut().enumerate() {
            *filled += usize::from(effect.reserves >> idx & 1 == 1);
        }
        for idx in 0..self.active.caps.len() {
            if let Some((key, _)) = self.counted(candidate, idx) {
                *self.counts.entry((idx, key)).or_default() += 1;
            }
        }
    }

    fn broken_cap(&self, candidate: usize) -> Option<RuleNo> {
        if self.candidates[candidate].effect.caps == 0 {
            return None;
        }
        let is_full = |idx: &usize| {
            self.counted(candidate, *idx).is_some_and(|(key, max)| {
                self.counts.get(&(*idx, key)).is_some_and(|count| *count >= max)
            })
        };
        (0..self.active.caps.len()).find(is_full).map(|idx| self.active.caps[idx])
    }

    /// What a cap counts the candidate as, and how many of it are allowed; `None` when it does not count it.
    fn counted(&self, candidate: usize, idx: usize) -> Option<(u64, u16)> {
        let candidate = &self.candidates[candidate];
        if candidate.effect.caps >> idx & 1 == 0 {
            return None;
        }
        let RuleAction::Cap { by, max } = self.set.action(self.active.caps[idx]) else {
            return None;
        };
        let key = match by {
            CapBy::Brand => hash(std::iter::once(candidate.brand?)),
            CapBy::Category { depth } => {
                let depth = depth.map_or(usize::MAX, usize::from);
                hash(candidate.category?.split('>').map(str::trim).take(depth))
            }
        };
        Some((key, max))
    }
}

/// By what the rules multiply a candidate's weight.
fn weight(candidate: &Candidate<'_>, neutral_margin: f32) -> f32 {
    let effect = &candidate.effect;
    let margin = candidate.margin.map_or(0.0, |margin| {
        effect.margin * ((margin - neutral_margin) / MARGIN_SPAN).clamp(-1.0, 1.0)
    });
    let stock = effect.stock * candidate.stock.clamp(-1.0, 1.0);
    effect.bounded_boost() * (margin + stock).exp2()
}

/// A hash of texts without regard to case.
fn hash<'t>(texts: impl Iterator<Item = &'t str>) -> u64 {
    let mut hasher = FxHasher::default();
    for text in texts {
        text.bytes().for_each(|byte| hasher.write_u8(byte.to_ascii_lowercase()));
        0xFF_u8.hash(&mut hasher);
    }
    hasher.finish()
}
