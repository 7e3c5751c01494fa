//! Ranking by categories: what their names say, and which of them the best hits are of.

use rustc_hash::FxHashMap;

use super::TitleRank;
use crate::document::CATEGORY_TREE;
use crate::index::SearchIndex;
use crate::request::Hit;
use crate::retrieve::Slot;
use crate::search::Match;
use crate::settings::Ranking;
use crate::text::Tokens;

/// Hits that say which categories are meant; chosen: a few pages.
const CROWD: usize = 64;

/// What a step above the last one is worth, beside it; chosen.
const ABOVE_WORTH: f32 = 0.8;

/// How much more than the words that it lacks a hit lacks of which neither title nor category say that it is what is
/// looked for: half of a word, so bread comes before fish in bread. Chosen.
const BESIDE_PARTS: u8 = Slot::PLAIN / 2;

/// What is asked of the categories of hits.
pub(crate) struct CategoryRank<'a> {
    index: &'a SearchIndex,
    titles: &'a TitleRank<'a>,
    /// How well each category path fits the words, by the value's number.
    fits: FxHashMap<u32, Fit>,
    tokens: Tokens,
}

/// How a category path fits the words.
#[derive(Clone, Copy, Debug, Default)]
struct Fit {
    /// From 0 to 1.
    share: f32,
    /// Whether a step of it is what is looked for.
    is_head: bool,
}

impl Fit {
    /// The best of both.
    fn or(self, other: Fit) -> Fit {
        Fit { share: self.share.max(other.share), is_head: self.is_head || other.is_head }
    }
}

impl<'a> CategoryRank<'a> {
    pub(crate) fn new(index: &'a SearchIndex, titles: &'a TitleRank<'a>) -> CategoryRank<'a> {
        CategoryRank { index, titles, fits: FxHashMap::default(), tokens: Tokens::default() }
    }

    /// The highest factor that categories can make.
    pub(crate) fn factor_max(ranking: &Ranking) -> f32 {
        (1.0 + ranking.category) * (1.0 + ranking.crowd)
    }

    /// Lifts hits of categories whose names have the words, then those of the categories that most of the
    /// best hits are of. Of those that lack words which others have, what is not what is looked for falls behind before that.
    pub(crate) fn lift(&mut self, hits: &mut [(Hit, Match)]) {
        let ranking = &self.index.settings.ranking;
        let (by_name, by_crowd) = (f64::from(ranking.category), f64::from(ranking.crowd));
        let lexicon = &self.index.lexicon;
        if let Some(field) = lexicon.field("categories").filter(|_| by_name > 0.0) {
            for (hit, found) in hits.iter_mut() {
                let chunk = &self.index.chunks[found.place.chunk as usize];
                let paths = chunk.facts.of(found.place.row, field);
                let fit = paths.fold(Fit::default(), |fit, path| fit.or(self.fit(field, path)));
                multiply(hit, 1.0 + by_name * f64::from(fit.share));
                let title = chunk.title_words.get(found.place.row);
                if found.missing > self.titles.lost
                    && !fit.is_head
                    && !self.titles.names_head(title)
                {
                    found.missing += BESIDE_PARTS;
                    hit.n_missing = usize::from(found.missing);
                }
            }
        }
        if let Some(field) = lexicon.field(CATEGORY_TREE).filter(|_| by_crowd > 0.0) {
            let shares = self.crowd(field, hits);
            for ((hit, _), share) in hits.iter_mut().zip(shares) {
                multiply(hit, 1.0 + by_crowd * share);
            }
        }
    }

    /// How well a path fits: the share of the words that a step of it has, and whether the one that says what
    /// is looked for is what the step says. The last step says best what a thing is.
    fn fit(&mut self, field: u16, path: u32) -> Fit {
        if let Some(known) = self.fits.get(&path) {
            return *known;
        }
        let text = self.index.lexicon.values[usize::from(field)].text(path);
        let mut steps = text.rsplit('>');
        let last = steps.next().map(|step| self.step_fit(step)).unwrap_or_default();
        let fit = steps
            .map(|step| self.step_fit(step))
            .fold(last, |fit, above| fit.or(Fit { share: ABOVE_WORTH * above.share, ..above }));
        self.fits.insert(path, fit);
        fit
    }

    fn step_fit(&mut self, step: &str) -> Fit {
        let lexicon = &self.index.lexicon;
        self.tokens.read(step);
        let own: Vec<_> = self.tokens.all().iter().filter(|token| !token.is_extra).collect();
        let (mut covered, mut is_head) = (0u16, false);
        for (idx, token) in own.iter().enumerate() {
            let Some(word) = lexicon.words[0].get(self.tokens.text(token)) else { continue };
            let term = lexicon.words[0].term(word);
            let Some((bits, _)) = self.titles.slots.get(&term.0) else { continue };
            covered |= bits;
            let after = own.get(idx + 2).map(|next| next.gap);
            let closes = own.get(idx + 1).is_none_or(|next| next.gap.ends_phrase(after));
            is_head |= closes && (self.titles.head == 0 || bits & self.titles.head != 0);
        }
        let share = covered.count_ones() as f32 / self.titles.n_slots.max(1) as f32;
        Fit { share: if is_head { share } else { share / 2.0 }, is_head }
    }

    /// How much each hit is of the categories of the best hits, from 0 to 1: the mean over the steps of its
    /// paths, beside the hit that is most.
    fn crowd(&self, field: u16, hits: &[(Hit, Match)]) -> Vec<f64> {
        let steps = |found: &Match| {
            let chunk = &self.index.chunks[found.place.chunk as usize];
            chunk.facts.of(found.place.row, field)
        };
        let mut best: Vec<&(Hit, Match)> = hits.iter().collect();
        best.sort_by(|(left, left_found), (right, right_found)| {
            let by_missing = left_found.missing.cmp(&right_found.missing);
            by_missing.then_with(|| right.score.total_cmp(&left.score))
        });
        let mut mass: FxHashMap<u32, f64> = FxHashMap::default();
        for (hit, found) in best.into_iter().take(CROWD) {
            steps(found).for_each(|step| *mass.entry(step).or_default() += hit.score);
        }
        let share = |found: &Match| {
            let (sum, n_steps) = steps(found).fold((0.0, 0u32), |(sum, n_steps), step| {
                (sum + mass.get(&step).copied().unwrap_or(0.0), n_steps + 1)
            });
            sum / f64::from(n_steps.max(1))
        };
        let shares: Vec<f64> = hits.iter().map(|(_, found)| share(found)).collect();
        let most = shares.iter().copied().fold(0.0, f64::max);
        shares.iter().map(|share| if most > 0.0 { share / most } else { 0.0 }).collect()
    }
}

fn multiply(hit: &mut Hit, factor: f64) {
    hit.parts.category *= factor;
    hit.score *= factor;
}
