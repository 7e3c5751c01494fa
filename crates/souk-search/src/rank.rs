//! Ranking: what a score is made of beyond the words' own.

use rustc_hash::FxHashMap;
use souk_core::Availability;

mod category;

pub(crate) use category::CategoryRank;

use crate::chunk::Chunk;
use crate::index::SearchIndex;
use crate::query::Plan;
use crate::settings::{PopularityShares, Ranking};
use crate::title::TitleWord;

/// What a word of an aside is worth in a title, and a head that other words follow; chosen.
const ASIDE_WORTH: f32 = 0.4;
const OPEN_HEAD: f32 = 0.2;

/// What is asked of titles, ready for many rows.
pub(crate) struct TitleRank<'a> {
    index: &'a SearchIndex,
    /// The words that each term may stand for, as bits by the word's place, and how well.
    slots: FxHashMap<u32, (u16, f32)>,
    /// The words as typed, by their number; which of the query's it is.
    typed: FxHashMap<u32, usize>,
    n_slots: usize,
    /// The bit of the word that says what is looked for; 0 for none.
    head: u16,
    /// The parts of words that no product has.
    lost: u8,
    ranking: Ranking,
}

impl<'a> TitleRank<'a> {
    pub(crate) fn new(index: &'a SearchIndex, plan: &Plan<'_>) -> TitleRank<'a> {
        let mut slots: FxHashMap<u32, (u16, f32)> = FxHashMap::default();
        let mut typed = FxHashMap::default();
        let words = &index.lexicon.words[0];
        for (idx, (word, slot)) in plan.words.iter().zip(&plan.slots).enumerate() {
            for alternative in &slot.alternatives {
                for term in &alternative.terms {
                    let entry = slots.entry(term.0).or_insert((0, 0.0));
                    entry.0 |= 1 << idx;
                    entry.1 = entry.1.max(alternative.factor);
                }
            }
            if let Some(number) = words.get(&word.text) {
                typed.insert(number, idx);
            }
        }
        TitleRank {
            index,
            slots,
            typed,
            n_slots: plan.slots.len(),
            head: plan.head.map_or(0, |head| 1 << head),
            lost: plan.lost(),
            ranking: index.settings.ranking,
        }
    }

    /// The highest factor that a title can have.
    pub(crate) fn factor_max(ranking: &Ranking) -> f32 {
        1.0 + ranking.title
            + ranking.exact
            + ranking.near
            + ranking.filled
            + ranking.early
            + ranking.head
    }

    /// The factor for a row: 1 for a title that has none of the words.
    pub(crate) fn factor(&self, chunk: &Chunk, row: u16) -> f32 {
        let title = chunk.title_words.get(row);
        if self.n_slots == 0 || title.is_empty() {
            return 1.0;
        }
        let words = &self.index.lexicon.words[0];
        let head = self.head_fit(title);
        let (mut covered, mut exact, mut n_matched, mut n_near) = (0u16, 0u16, 0u32, 0u32);
        let (mut quality, mut before, mut first) = (0.0f32, 0u16, None);
        for (place, word) in title.iter().map(|word| TitleWord(*word)).enumerate() {
            let Some((bits, factor)) = self.slots.get(&words.term(word.number()).0) else {
                before = 0;
                continue;
            };
            if bits & !covered != 0 {
                // What a thing is for counts less, unless the thing itself is what is looked for.
                let worth = if word.is_aside() && head == 0.0 { ASIDE_WORTH } else { 1.0 };
                quality += worth * factor * (bits & !covered).count_ones() as f32;
            }
            covered |= bits;
            n_matched += 1;
            first = first.or(Some(place));
            if let Some(idx) = self.typed.get(&word.number()) {
                exact |= 1 << idx;
            }
            // The word before it in the query stands before it in the title.
            n_near += u32::from(before << 1 & bits != 0);
            before = *bits;
        }
        let n_slots = self.n_slots as f32;
        let share = (quality / n_slots).min(1.0);
        let exact = exact.count_ones() as f32 / n_slots;
        let near = if self.n_slots > 1 { (n_near as f32 / (n_slots - 1.0)).min(1.0) } else { 0.0 };
        let filled = (n_matched as f32 / title.len() as f32).min(1.0);
        let early = first.map_or(0.0, |place| 1.0 / (1.0 + place as f32));
        1.0 + self.ranking.title * share
            + self.ranking.exact * exact
            + self.ranking.near * near
            + self.ranking.filled * filled
            + self.ranking.early * early
            + self.ranking.head * head
    }

    /// Whether a title says that the thing is what is looked for; so do all where no word says what that is.
    fn names_head(&self, title: &[u32]) -> bool {
        let words = &self.index.lexicon.words[0];
        let mut own = title.iter().map(|word| TitleWord(*word));
        self.head == 0
            || own.any(|word| {
                let slot = self.slots.get(&words.term(word.number()).0);
                word.closes()
                    && !word.is_aside()
                    && slot.is_some_and(|(bits, _)| bits & self.head != 0)
            })
    }

    /// Whether the word that says what is looked for says what the thing is: 1 when it closes a phrase, less
    /// when other words follow it, 0 when it stands in an aside or nowhere.
    fn head_fit(&self, title: &[u32]) -> f32 {
        let words = &self.index.lexicon.words[0];
        let own = title.iter().map(|word| TitleWord(*word)).filter(|word| !word.is_aside());
        let fit = |word: TitleWord| match self.slots.get(&words.term(word.number()).0) {
            Some((bits, factor)) if bits & self.head != 0 => {
                factor * if word.closes() { 1.0 } else { OPEN_HEAD }
            }
            _ => 0.0,
        };
        own.map(fit).fold(0.0, f32::max)
    }
}

/// What being able to buy it is worth.
#[inline]
pub(crate) fn availability_factor(availability: Availability) -> f32 {
    match availability {
        Availability::InStock | Availability::Preorder => 1.0,
        Availability::OutOfStock => 0.8,
        Availability::Discontinued => 0.5,
    }
}

/// For how many products that nobody wants the one that is wanted most counts, where products vouch for a word;
/// chosen.
const MOST_WANTED: f32 = 100.0;

/// For how many products that nobody wants one counts, 1 for one of these. Popularity grows with the logarithm of what
/// is sold, so this is a power.
#[inline]
pub(crate) fn demand(popularity: u8) -> f32 {
    MOST_WANTED.powf(f32::from(popularity) / 255.0)
}

/// Hits up to which their words tell them apart, and from which they say no more than a kind; chosen.
const FEW: f32 = 10.0;
const MANY: f32 = 1_000.0;

/// What being wanted is worth to the hits of one query: the more of them have all its words, the more.
#[derive(Clone, Debug)]
pub(crate) struct Demand {
    /// By popularity. Popularity grows with the logarithm of what is sold, so these are powers of it: the same step in
    /// sales is worth the same however much is sold.
    factors: [f32; 256],
}

impl Demand {
    /// Among so many hits that have all words that any product has.
    pub(crate) fn among(n_whole: usize, ranking: &Ranking) -> Demand {
        let PopularityShares { few, many } = ranking.popularity;
        let breadth = ((n_whole as f32 / FEW).ln() / (MANY / FEW).ln()).clamp(0.0, 1.0);
        let most = 1.0 + few + (many - few) * breadth;
        let factor = |popularity: usize| most.powf(popularity as f32 / 255.0);
        Demand { factors: std::array::from_fn(factor) }
    }

    #[inline]
    pub(crate) fn factor(&self, popularity: u8) -> f32 {
        self.factors[usize::from(popularity)]
    }

    /// The highest factor.
    pub(crate) fn factor_max(&self) -> f32 {
        self.factors[255]
    }
}
