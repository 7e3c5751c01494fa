//! Suggestions while a shopper types: queries, categories, brands and products.

use rustc_hash::FxHashMap;
use souk_core::{Filter, ProductId};

use crate::document::CATEGORY_TREE;
use crate::facets::has_word;
use crate::index::SearchIndex;
use crate::lexicon::{Term, Words};
use crate::narrow::{Narrow, Verdict};
use crate::query::{QueryWord, words_of};
use crate::rank::demand;
use crate::request::{Hit, SearchError, SearchRequest, Structure, Typing};
use crate::text::{Language, fold};
use crate::title::TitleWord;

/// What is suggested for.
#[derive(Clone, Debug)]
pub struct SuggestRequest<'a> {
    /// What stands in the box so far.
    pub text: &'a str,
    /// Suggestions of each kind, up to [`SuggestRequest::LIMIT_MAX`].
    pub limit: usize,
    /// The language of the text, where it is known.
    pub language: Option<Language>,
    /// Queries of other shoppers, most frequent first; those that begin with the text come first. The
    /// caller sees to it that enough people asked each of them.
    pub popular: &'a [String],
    /// As [`SearchRequest::without`].
    pub without: &'a [Filter],
    /// As [`SearchRequest::exclude`].
    pub exclude: &'a [ProductId],
}

impl SuggestRequest<'_> {
    /// Suggestions of each kind.
    pub const LIMIT_MAX: usize = 20;
}

/// What a shopper may want to go on with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Suggestions {
    /// Whole queries.
    pub queries: Vec<Suggestion>,
    /// Category paths.
    pub categories: Vec<Suggestion>,
    /// Brands.
    pub brands: Vec<Suggestion>,
    /// Products.
    pub products: Vec<Hit>,
}

/// Something to go on with, and how many products it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// What it says.
    pub text: String,
    /// Products.
    pub count: usize,
}

/// Hits whose titles are looked at for what may follow.
const TITLES_READ: usize = 500;

impl SearchIndex {
    /// Suggests what a shopper may be about to type.
    ///
    /// # Errors
    ///
    /// [`SearchError::OutOfRange`] for a limit beyond [`SuggestRequest::LIMIT_MAX`].
    pub fn suggest(&self, request: &SuggestRequest<'_>) -> Result<Suggestions, SearchError> {
        if !(1..=SuggestRequest::LIMIT_MAX).contains(&request.limit) {
            return Err(SearchError::OutOfRange {
                field: "limit",
                value: request.limit,
                min: 1,
                max: SuggestRequest::LIMIT_MAX,
            });
        }
        let words = words_of(request.text);
        if words.is_empty() {
            return Ok(Suggestions::default());
        }
        let mut search = SearchRequest::new(request.text);
        search.language = request.language;
        search.structure = Structure::Literal;
        search.typing = Typing::Going;
        search.limit = TITLES_READ;
        search.without = request.without.to_vec();
        search.exclude = request.exclude.to_vec();
        let mut products = self.search(&search)?.hits;
        let queries = self.queries(request, &products);
        products.truncate(request.limit);
        let mut folded = String::new();
        fold(request.text.trim(), &mut folded);
        Ok(Suggestions {
            queries,
            categories: self.named(CATEGORY_TREE, &folded, request),
            brands: self.named("brand", &folded, request),
            products,
        })
    }

    /// Popular queries that begin so, then what titles go on with.
    fn queries(&self, request: &SuggestRequest<'_>, hits: &[Hit]) -> Vec<Suggestion> {
        let typed = folded(request.text);
        let popular = request.popular.iter().map(|query| folded(query));
        let popular = popular.filter(|query| query.starts_with(typed.trim_start()));
        let completed = self.completions(request.text, hits);
        let mut suggestions: Vec<Suggestion> = Vec::new();
        let mut known: Vec<Vec<Term>> = Vec::new();
        for text in popular.chain(completed) {
            if suggestions.len() == request.limit {
                break;
            }
            // `shoe` and `shoes` are one suggestion.
            let terms = self.terms_of(&text);
            if known.contains(&terms) {
                continue;
            }
            let count = self.n_with_all_words(&text, request);
            if count > 0 {
                known.push(terms);
                let text = self.as_written(&text, request.language);
                suggestions.push(Suggestion { text, count });
            }
        }
        suggestions
    }

    fn terms_of(&self, text: &str) -> Vec<Term> {
        let mut terms = typed_terms(&self.lexicon.words[0], &words_of(text));
        terms.sort_unstable();
        terms
    }

    /// The text with its last word completed from the titles of its hits, alone and with the word that
    /// follows there in the same phrase; no word that says nothing, and none twice; first what a category is called, then what stands in the most titles, one of a product that is wanted counting
    /// for [many](demand).
    fn completions(&self, text: &str, hits: &[Hit]) -> Vec<String> {
        let typed = words_of(text);
        let Some((last, before)) = typed.split_last() else { return Vec::new() };
        let before: String = before.iter().map(|word| format!("{} ", word.text)).collect();
        let words = &self.lexicon.words[0];
        let typed_before: Vec<Term> = typed_terms(words, &typed[..typed.len() - 1]);
        let is_typed = |word: TitleWord| typed_before.contains(&words.term(word.number()));
        let mut counts: FxHashMap<(u32, Option<u32>), Completion> = FxHashMap::default();
        for hit in hits {
            let Some(place) = self.place(hit.id.as_str()) else { continue };
            let chunk = &self.chunks[place.chunk as usize];
            let demand = demand(chunk.popularity[usize::from(place.row)]);
            let title = chunk.title_words.get(place.row);
            let title: Vec<TitleWord> = title.iter().map(|word| TitleWord(*word)).collect();
            let last_typed = typed_before.last();
            let is_last = |word: &TitleWord| Some(&words.term(word.number())) == last_typed;
            let follows_from =
                if last_typed.is_none() { Some(0) } else { title.iter().position(is_last) };
            let mut count = |idx: usize, next: Option<TitleWord>| {
                let key = (title[idx].number(), next.map(TitleWord::number));
                let known = counts.entry(key).or_default();
                known.n_titles += 1;
                known.n_following += usize::from(follows_from.is_some_and(|from| from <= idx));
                known.wanted += demand;
            };
            for (idx, word) in title.iter().enumerate() {
                let text = words.text(word.number());
                // A word that was typed already is not what comes next, and one that says nothing ends no query.
                let may_follow = !is_typed(*word) && !words.language().is_stop_word(text);
                if text.starts_with(&last.text) && may_follow {
                    count(idx, None);
                    // `Fuel, no. 12` is no `fuel no`.
                    let next = title.get(idx + 1).filter(|_| !word.closes()).filter(|next| {
                        !is_typed(**next) && words.term(next.number()) != words.term(word.number())
                    });
                    if let Some(next) = next {
                        count(idx, Some(*next));
                    }
                }
            }
        }
        let is_telling = |next: &u32| {
            let text = words.text(*next);
            !words.language().is_stop_word(text) && text.chars().all(char::is_alphabetic)
        };
        // Two words are worth a place where many titles have both.
        counts.retain(|(_, next), found| {
            next.is_none() || (found.n_titles >= 3 && next.as_ref().is_some_and(is_telling))
        });
        // Words in an order that titles do not have are no query that people type: `galaxy samsung`.
        let mut ranked: Vec<((bool, bool), f32, String)> = counts
            .into_iter()
            .map(|((word, next), found)| {
                let next = next.map(|next| format!(" {}", words.text(next))).unwrap_or_default();
                let text = format!("{before}{}{next}", words.text(word));
                let is_in_order = 2 * found.n_following >= found.n_titles;
                ((self.is_category(&text), is_in_order), found.wanted, text)
            })
            .collect();
        ranked.sort_by(|left, right| {
            let by_demand = right.1.total_cmp(&left.1);
            right.0.cmp(&left.0).then(by_demand).then(left.2.cmp(&right.2))
        });
        ranked.into_iter().map(|(.., text)| text).collect()
    }

    /// Whether a category is called so, in whichever number.
    fn is_category(&self, text: &str) -> bool {
        let Some(field) = self.lexicon.field(CATEGORY_TREE) else { return false };
        let values = &self.lexicon.values[usize::from(field)];
        let named = self.names.find(field, text);
        named.iter().any(|value| values.live(*value) > 0)
    }

    /// Values of a field with a word that begins so; first those whose whole name does, then by what sells of them.
    fn named(&self, key: &str, folded: &str, request: &SuggestRequest<'_>) -> Vec<Suggestion> {
        let Some(field) = self.lexicon.field(key) else { return Vec::new() };
        let values = &self.lexicon.values[usize::from(field)];
        let counts = self.counts_of(field, &Narrow::of_hidden(request, self));
        let mut buffer = String::new();
        let mut found: Vec<(bool, u32)> = (0..values.len() as u32)
            .filter(|value| counts[*value as usize] > 0)
            .filter_map(|value| {
                let name = values.text(value).rsplit('>').next().unwrap_or_default().trim();
                let is_found = has_word(name, folded, &mut buffer);
                is_found.then(|| (self::folded(name).starts_with(folded), value))
            })
            .collect();
        let wanted = self.wanted_of(field, &counts);
        found.sort_by(|(begins, value), (other_begins, other)| {
            let by_demand = wanted[*other as usize].total_cmp(&wanted[*value as usize]);
            let by_text = values.text(*value).cmp(values.text(*other));
            other_begins.cmp(begins).then(by_demand).then(by_text)
        });
        let suggestion = |(_, value): (bool, u32)| Suggestion {
            text: values.text(value).to_owned(),
            count: counts[value as usize] as usize,
        };
        found.into_iter().take(request.limit).map(suggestion).collect()
    }

    /// How much is wanted of each value of a field: its products, one that sells counting for [many](demand).
    fn wanted_of(&self, field: u16, counts: &[u32]) -> Vec<f32> {
        let more: [f32; 256] = std::array::from_fn(|popularity| demand(popularity as u8) - 1.0);
        let mut wanted: Vec<f32> = counts.iter().map(|count| *count as f32).collect();
        for chunk in &self.chunks {
            let rows = (0..).zip(&chunk.popularity).filter(|(_, popularity)| **popularity > 0);
            for (row, popularity) in rows.filter(|(row, _)| chunk.live.get(usize::from(*row))) {
                for value in chunk.facts.of(row, field) {
                    wanted[value as usize] += more[usize::from(*popularity)];
                }
            }
        }
        wanted
    }

    /// Products by value of a field.
    fn counts_of(&self, field: u16, narrow: &Narrow) -> Vec<u32> {
        let values = &self.lexicon.values[usize::from(field)];
        if narrow.is_all() {
            return (0..values.len() as u32).map(|value| values.live(value)).collect();
        }
        let owners = narrow.owners(&[]);
        let (mut counts, mut buffer) = (vec![0; values.len()], Vec::new());
        for (number, chunk) in (0..).zip(&self.chunks) {
            let mut judge = narrow.within(self, (chunk, number), chunk.n_live());
            let live = (0..chunk.len()).filter(|row| chunk.live.get(*row)).map(|row| row as u16);
            let shown: Vec<u16> =
                live.filter(|row| judge.verdict(*row, &owners) == Verdict::Hit).collect();
            chunk.facts.field(field).count(shown.into_iter(), (&mut counts[..], &mut buffer));
        }
        counts
    }
}

/// What titles say of one way to go on.
#[derive(Clone, Copy, Debug, Default)]
struct Completion {
    n_titles: usize,
    /// Of those, the ones in which it stands behind the word that was typed before it.
    n_following: usize,
    wanted: f32,
}

fn typed_terms(words: &Words, typed: &[QueryWord]) -> Vec<Term> {
    let known = typed.iter().filter_map(|word| words.get(&word.text));
    known.map(|word| words.term(word)).collect()
}

fn folded(text: &str) -> String {
    let mut folded = String::new();
    fold(text.trim(), &mut folded);
    folded
}

#[cfg(test)]
mod tests;
