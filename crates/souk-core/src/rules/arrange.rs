//! The list that comes of candidates under rules. Which rule wins is written at [`super`].

use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};

use super::bits::numbers;
use super::effect::{Effect, PinHit};
use super::set::{ActiveRules, RuleNo, RuleSet};
use super::{CapBy, RuleAction};
use crate::ProductId;

/// How far a margin must lie from that of the middle candidate to count in full: a quarter of the price.
/// Chosen: the spread inside a grocer's or a fashion shop's assortment.
const MARGIN_SPAN: f32 = 0.25;

/// Weights are finite, so their bits are below this.
const BITS_MAX: u32 = 1 << 31;
/// Comes after every weight.
const BURIED: u64 = 1 << 63;

/// A product that may take a place. Its rank is its place among the candidates.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// What the rules that hold do with it. One that a rule takes out must not be a candidate.
    pub effect: Effect,
    /// The share of its price that the shop keeps, where it is known and asked for.
    pub margin: Option<f32>,
    /// Its stock from −1 (little) to 1 (much), likewise; 0 where it is not known.
    pub stock: f32,
    /// Whether nobody proposed it and only a pin can give it a place.
    pub is_guest: bool,
}

/// What is asked of a few candidates only, by their place among the candidates: products lie all over memory,
/// and a look at each of three hundred would be most of what rules cost.
pub trait Shelf {
    /// Which product; asked where a pin means several.
    fn id(&self, candidate: usize) -> &ProductId;

    /// Its brand; asked where a cap counts it.
    fn brand(&self, candidate: usize) -> Option<&str>;

    /// Its first category, likewise.
    fn category(&self, candidate: usize) -> Option<&str>;
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
    (candidates, shelf): (&[Candidate], &dyn Shelf),
    pins: &[PinHit],
    limit: usize,
) -> Arrangement {
    let mut work = Work::new((set, active), (candidates, shelf), limit);
    let pinned = work.pin(pins, limit);
    work.order = work.order();
    work.shares.fill(&work.order, candidates);
    let mut placed = Vec::with_capacity(limit);
    for (place, pin) in (1..).zip(pinned) {
        placed.extend(pin.or_else(|| work.next((place, limit))));
    }
    let mut capped = std::mem::take(&mut work.capped);
    capped.sort_unstable();
    capped.dedup_by_key(|(candidate, _)| *candidate);
    capped.retain(|(candidate, _)| !work.is_used[*candidate]);
    Arrangement { placed, capped }
}

struct Work<'a> {
    set: &'a RuleSet,
    active: &'a ActiveRules,
    candidates: &'a [Candidate],
    shelf: &'a dyn Shelf,
    is_used: Vec<bool>,
    /// Candidates that can take a place by weight, best first.
    order: Vec<u32>,
    /// How far the order holds nothing free. What a cap keeps out once, it keeps out for good, so this
    /// only grows.
    next_free: usize,
    shares: Shares,
    caps: Caps<'a>,
    /// Candidates that were passed over, and the cap that did it.
    capped: Vec<(usize, RuleNo)>,
}

impl<'a> Work<'a> {
    fn new(
        (set, active): (&'a RuleSet, &'a ActiveRules),
        (candidates, shelf): (&'a [Candidate], &'a dyn Shelf),
        limit: usize,
    ) -> Work<'a> {
        Work {
            set,
            active,
            candidates,
            shelf,
            is_used: vec![false; candidates.len()],
            order: Vec::new(),
            next_free: 0,
            shares: Shares::new((set, active), limit),
            caps: Caps::new((set, active), (candidates, shelf)),
            capped: Vec::new(),
        }
    }

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
                (selection.order_of(self.shelf.id(*candidate)), *candidate)
            });
            if let Some(candidate) = best {
                pinned[place] = Some(Placed { candidate, taken: Taken::ByPin(rule) });
                self.take(candidate);
            }
        }
        pinned
    }

    /// The candidates that can take a place by weight, best first, the buried ones last.
    fn order(&self) -> Vec<u32> {
        let neutral = self.neutral_margin();
        let ranked = (0_u64..).zip(self.candidates).filter(|(_, candidate)| !candidate.is_guest);
        // One number says all: buried or not, then the weight, then the rank.
        let keys = ranked.map(|(rank, candidate)| {
            if candidate.effect.buried_by.is_some() {
                return BURIED | rank;
            }
            let weight = weight(candidate, neutral) / ((rank + 2) as f32).log2();
            // Weights are above 0, so that their bits have their order.
            u64::from(BITS_MAX - weight.to_bits()) << 32 | rank
        });
        let mut keys: Vec<u64> = keys.collect();
        keys.sort_unstable();
        keys.into_iter().map(|key| key as u32).collect()
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
    fn next(&mut self, (place, limit): (usize, usize)) -> Option<Placed> {
        let by_weight = self.first_free();
        for share in 0..self.shares.quotas.len() {
            if !self.shares.wants(share, (place, limit)) {
                continue;
            }
            if let Some(candidate) = self.first_reserved(share) {
                self.take(candidate);
                let is_next = by_weight == Some(candidate);
                let rule = self.active.reserves[share];
                let taken = if is_next { Taken::ByWeight } else { Taken::ByReserve(rule) };
                return Some(Placed { candidate, taken });
            }
        }
        let candidate = by_weight?;
        self.take(candidate);
        Some(Placed { candidate, taken: Taken::ByWeight })
    }

    /// The best candidate that is free and breaks no cap.
    fn first_free(&mut self) -> Option<usize> {
        while let Some(&candidate) = self.order.get(self.next_free) {
            let candidate = candidate as usize;
            if !self.is_used[candidate] {
                match self.caps.broken(candidate) {
                    None => return Some(candidate),
                    Some(cap) => self.capped.push((candidate, self.active.caps[cap])),
                }
            }
            self.next_free += 1;
        }
        None
    }

    /// The same of those that fill a reserved share.
    fn first_reserved(&mut self, share: usize) -> Option<usize> {
        while let Some(place) = self.shares.next(share) {
            let candidate = self.order[place] as usize;
            if !self.is_used[candidate] && self.caps.broken(candidate).is_none() {
                return Some(candidate);
            }
            self.shares.pass(share, place);
        }
        None
    }

    fn take(&mut self, candidate: usize) {
        self.is_used[candidate] = true;
        self.shares.count(self.candidates[candidate].effect.reserves);
        self.caps.count(candidate);
    }
}

/// The reserved shares: how many places each is to have and has, and what can fill it.
struct Shares {
    quotas: Vec<usize>,
    filled: Vec<usize>,
    /// By share: the places in the order of candidates that can fill it and are still in question.
    /// A candidate that is used or that a cap keeps out stays so, and is struck off.
    fitting: Vec<u64>,
    /// Words of `fitting` for one share.
    n_words: usize,
    /// The first word of each share that may have anything left.
    first: Vec<usize>,
}

impl Shares {
    fn new((set, active): (&RuleSet, &ActiveRules), limit: usize) -> Shares {
        // Rounded, but at least one place; evenly spread over the list.
        let quota = |rule: &RuleNo| match set.action(*rule) {
            RuleAction::Reserve { share } => {
                ((share * limit as f32).round() as usize).clamp(1, limit.max(1))
            }
            _ => 0,
        };
        let quotas: Vec<usize> = active.reserves.iter().map(quota).collect();
        let (filled, first) = (vec![0; quotas.len()], vec![0; quotas.len()]);
        Shares { quotas, filled, fitting: Vec::new(), n_words: 0, first }
    }

    /// Notes which candidates can fill which share.
    fn fill(&mut self, order: &[u32], candidates: &[Candidate]) {
        if self.quotas.is_empty() {
            return;
        }
        self.n_words = order.len().div_ceil(64);
        self.fitting = vec![0; self.n_words * self.quotas.len()];
        for (place, candidate) in order.iter().enumerate() {
            for share in numbers(0, candidates[*candidate as usize].effect.reserves) {
                self.fitting[share as usize * self.n_words + place / 64] |= 1 << (place % 64);
            }
        }
    }

    /// Whether a share has less than its part of the list up to this place: `filled < ⌊place · quota / limit⌋`.
    fn wants(&self, share: usize, (place, limit): (usize, usize)) -> bool {
        (self.filled[share] + 1) * limit <= place * self.quotas[share]
    }

    /// The first place in the order that can fill a share.
    fn next(&mut self, share: usize) -> Option<usize> {
        let words = &self.fitting[share * self.n_words..][..self.n_words];
        while let Some(word) = words.get(self.first[share]) {
            if *word != 0 {
                return Some(self.first[share] * 64 + word.trailing_zeros() as usize);
            }
            self.first[share] += 1;
        }
        None
    }

    /// Strikes a place off.
    fn pass(&mut self, share: usize, place: usize) {
        self.fitting[share * self.n_words + place / 64] &= !(1 << (place % 64));
    }

    /// Counts a product of the list for each share that it fills.
    fn count(&mut self, reserves: u64) {
        numbers(0, reserves).for_each(|share| self.filled[share as usize] += 1);
    }
}

/// What caps count. All caps that count by the same thing share its groups: the products of one brand, or
/// of one beginning of a category.
struct Caps<'a> {
    candidates: &'a [Candidate],
    shelf: &'a dyn Shelf,
    /// The caps that hold: the most that each allows, and its place among the ways to count.
    caps: Vec<(u16, usize)>,
    ways: Vec<CapBy>,
    /// By way and the hash of a brand or category.
    names: FxHashMap<(usize, u64), u32>,
    /// By candidate and way: its group, found when it is asked for.
    groups: Vec<Option<Option<u32>>>,
    /// By group: which caps are full for it.
    full: Vec<u64>,
    /// By group and cap: how many the list has.
    counts: Vec<u16>,
}

impl<'a> Caps<'a> {
    fn new(
        (set, active): (&RuleSet, &ActiveRules),
        (candidates, shelf): (&'a [Candidate], &'a dyn Shelf),
    ) -> Caps<'a> {
        let mut ways: Vec<CapBy> = Vec::new();
        let caps = active.caps.iter().map(|rule| {
            let RuleAction::Cap { by, max } = set.action(*rule) else { return (u16::MAX, 0) };
            let way = ways.iter().position(|way| *way == by).unwrap_or_else(|| {
                ways.push(by);
                ways.len() - 1
            });
            (max, way)
        });
        let caps: Vec<(u16, usize)> = caps.collect();
        let groups = vec![None; candidates.len() * ways.len()];
        let (names, full, counts) = (FxHashMap::default(), Vec::new(), Vec::new());
        Caps { candidates, shelf, caps, ways, names, groups, full, counts }
    }

    /// The group of a candidate by one way to count; `None` when it has no brand or category.
    fn group(&mut self, candidate: usize, way: usize) -> Option<u32> {
        let slot = candidate * self.ways.len() + way;
        if let Some(known) = self.groups[slot] {
            return known;
        }
        let group = self.key_of(candidate, self.ways[way]).map(|key| {
            let next = self.full.len() as u32;
            let group = *self.names.entry((way, key)).or_insert(next);
            if group == next {
                self.full.push(0);
                self.counts.resize(self.counts.len() + self.caps.len(), 0);
            }
            group
        });
        self.groups[slot] = Some(group);
        group
    }

    /// What a cap counts a candidate as; `None` when it has no brand or category.
    fn key_of(&self, candidate: usize, by: CapBy) -> Option<u64> {
        match by {
            CapBy::Brand => Some(hash(std::iter::once(self.shelf.brand(candidate)?))),
            CapBy::Category { depth } => {
                let depth = depth.map_or(usize::MAX, usize::from);
                let path = self.shelf.category(candidate)?;
                Some(hash(path.split('>').map(str::trim).take(depth)))
            }
        }
    }

    /// The first cap that another product like this one would break.
    fn broken(&mut self, candidate: usize) -> Option<usize> {
        let caps = self.candidates[candidate].effect.caps;
        if caps == 0 {
            return None;
        }
        let mut full = 0;
        for way in 0..self.ways.len() {
            let group = self.group(candidate, way);
            full |= group.map_or(0, |group| self.full[group as usize]);
        }
        let broken = full & caps;
        (broken != 0).then(|| broken.trailing_zeros() as usize)
    }

    /// Counts a product of the list.
    fn count(&mut self, candidate: usize) {
        for cap in numbers(0, self.candidates[candidate].effect.caps).map(|cap| cap as usize) {
            let (max, way) = self.caps[cap];
            let Some(group) = self.group(candidate, way) else { continue };
            let count = &mut self.counts[group as usize * self.caps.len() + cap];
            *count += 1;
            if *count >= max {
                self.full[group as usize] |= 1 << cap;
            }
        }
    }
}

/// By what the rules multiply a candidate's weight.
fn weight(candidate: &Candidate, neutral_margin: f32) -> f32 {
    let effect = &candidate.effect;
    let margin = candidate.margin.map_or(0.0, |margin| {
        effect.margin * ((margin - neutral_margin) / MARGIN_SPAN).clamp(-1.0, 1.0)
    });
    let stock = effect.stock * candidate.stock.clamp(-1.0, 1.0);
    let soft = margin + stock;
    effect.bounded_boost() * if soft == 0.0 { 1.0 } else { soft.exp2() }
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
