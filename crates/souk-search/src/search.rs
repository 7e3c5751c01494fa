//! A search from its request to its answer.

mod order;
mod page;

use crate::chunk::{Chunk, Place};
use crate::facets::Counter;
use crate::fusion::Nearness;
use crate::index::SearchIndex;
use crate::narrow::{Narrow, Verdict};
use crate::query::{Plan, words_of};
use crate::rank::{availability_factor, popularity_factor};
use crate::request::{
    MeaningUse, Relaxation, SearchAnswer, SearchError, SearchRequest, Structure, Tolerance, Typing,
};
use crate::retrieve::{Row, Scratch};
use crate::suggest::SuggestRequest;
use crate::text::Language;
use crate::understand::{Reading, read};

/// Hits below which words are also taken otherwise; chosen: the first page that a shopper sees.
pub(crate) const ENOUGH: usize = 10;

/// A row that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Match {
    pub(crate) place: Place,
    /// The score without what is looked at in the best ones alone.
    pub(crate) score: f32,
    /// See [`Row::missing`].
    pub(crate) missing: u8,
}

/// All that was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) matches: Vec<Match>,
    /// Rows that count in one facet alone.
    beside: Vec<(Place, usize)>,
}

/// How a query was looked for in the end.
struct Outcome<'a> {
    /// None without words.
    plan: Option<Plan<'a>>,
    reading: Reading,
    found: Found,
    relaxed: Vec<Relaxation>,
    corrected: Option<String>,
}

impl SearchIndex {
    /// Searches.
    ///
    /// # Errors
    ///
    /// [`SearchError`] names what of the request cannot be answered.
    pub fn search(&self, request: &SearchRequest) -> Result<SearchAnswer, SearchError> {
        if !(1..=SearchRequest::LIMIT_MAX).contains(&request.limit) {
            return Err(SearchError::OutOfRange {
                field: "limit",
                value: request.limit,
                min: 1,
                max: SearchRequest::LIMIT_MAX,
            });
        }
        let skip = page::skip(request)?;
        let mut counter = Counter::new(self, &request.facets)?;
        let sort = request.sort.as_ref().map(|sort| order::Key::new(self, sort)).transpose()?;
        let language = self.language_of(request.language);
        let mut outcome = self.look(request, language, &counter);
        let nearness = self.nearness(request, &mut outcome);
        self.count(&mut counter, &outcome.found);
        let total = outcome.found.matches.len();
        let order = order::Order { index: self, plan: outcome.plan.as_ref(), sort, nearness };
        let preferences = &outcome.reading.preferences;
        let hits = order.page(&mut outcome.found.matches, skip..skip + request.limit, preferences);
        let next = skip + hits.len();
        Ok(SearchAnswer {
            cursor: (next < total && !hits.is_empty()).then(|| page::cursor(request, next)),
            hits,
            total,
            facets: counter.into_facets(self, &request.facets),
            corrected: outcome.corrected,
            language: self.settings.languages[language],
            understood: outcome.reading.understood,
            relaxed: outcome.relaxed,
        })
    }

    /// Brings in what the query means; an order by number asks for words alone, unless meaning is all that is
    /// asked for, and so does a query without words.
    fn nearness(&self, request: &SearchRequest, outcome: &mut Outcome<'_>) -> Option<Nearness> {
        let meaning = request.meaning.as_ref()?;
        let is_sorted = request.sort.is_some() && meaning.used == MeaningUse::Beside;
        if is_sorted || outcome.plan.is_none() {
            return None;
        }
        let understood = &outcome.reading.filters;
        let filters: Vec<_> = request.filter.iter().chain(understood).collect();
        let narrow = Narrow::new(&filters, (&request.without, &request.exclude), self);
        let nearness = Nearness::new(self, &narrow, meaning)?;
        if meaning.used == MeaningUse::Alone {
            (outcome.plan, outcome.corrected) = (None, None);
        }
        let found = (&mut outcome.found.matches, &mut outcome.relaxed);
        Some(nearness.widen(self, meaning.used, found))
    }

    /// Products with all words of a text, as they are typed.
    pub(crate) fn n_with_all_words(&self, text: &str, request: &SuggestRequest<'_>) -> usize {
        let language = self.language_of(request.language);
        let narrow = Narrow::of_hidden(request, self);
        let sieve = Sieve { index: self, owners: narrow.owners(&[]), narrow };
        let plan = Plan::new(self, words_of(text), language);
        sieve.all_words(&plan, &mut Scratch::default()).matches.len()
    }

    /// The place of the query's language among those of the index.
    fn language_of(&self, wanted: Option<Language>) -> usize {
        let languages = &self.settings.languages;
        wanted.and_then(|wanted| languages.iter().position(|known| *known == wanted)).unwrap_or(0)
    }

    /// Looks for the words as they are understood, then as they stand.
    fn look(&self, request: &SearchRequest, language: usize, counter: &Counter) -> Outcome<'_> {
        let words = words_of(&request.query);
        let literal = |words| Reading { words, ..Reading::default() };
        if request.structure == Structure::Literal {
            return self.look_for(request, (literal(words), language), counter);
        }
        let reading = read(self, &words);
        let has_filters = !reading.filters.is_empty();
        let outcome = self.look_for(request, (reading, language), counter);
        if !has_filters || !outcome.found.matches.is_empty() {
            return outcome;
        }
        let mut again = self.look_for(request, (literal(words), language), counter);
        if again.found.matches.is_empty() {
            return outcome;
        }
        again.relaxed.insert(0, Relaxation::Understood);
        again
    }

    /// Looks for words, with less and less asked of them until there is enough: as typed, then with
    /// typing errors and as beginnings, then without some of them.
    fn look_for(
        &self,
        request: &SearchRequest,
        (reading, language): (Reading, usize),
        counter: &Counter,
    ) -> Outcome<'_> {
        let filters: Vec<_> = request.filter.iter().chain(&reading.filters).collect();
        let narrow = Narrow::new(&filters, (&request.without, &request.exclude), self);
        let sieve = Sieve { index: self, owners: narrow.owners(&counter.keys(self)), narrow };
        let mut scratch = Scratch::default();
        if reading.words.is_empty() {
            let found = sieve.everything();
            let relaxed = Vec::new();
            return Outcome { plan: None, reading, found, relaxed, corrected: None };
        }
        let mut plan = Plan::new(self, reading.words.clone(), language);
        if request.typing == Typing::Going {
            plan.complete();
        }
        let mut relaxed = Vec::new();
        let mut found = sieve.all_words(&plan, &mut scratch);
        if request.tolerance == Tolerance::Forgiving {
            let is_typing = request.typing == Typing::Going;
            if (!is_typing || found.matches.is_empty())
                && let Some((meant, better)) = sieve.as_meant((&plan, language), &mut scratch)
            {
                (plan, found) = (meant, better);
                relaxed.push(Relaxation::Spelling);
            }
            if found.matches.is_empty() {
                let typed = plan.clone();
                found = forgive(&mut plan, found, &mut |plan| sieve.all_words(plan, &mut scratch));
                if found.matches.is_empty() {
                    plan.forget_guesses(&typed);
                }
                if relaxed.is_empty() && (!found.matches.is_empty() || plan.corrected().is_some()) {
                    relaxed.push(Relaxation::Spelling);
                }
            }
        }
        let of = plan.slots.len();
        let mut needed = of;
        while found.matches.len() < ENOUGH && needed > 1 {
            needed -= 1;
            // Half of the words is not what was asked for any more; better than nothing, though.
            if needed < of.div_ceil(2) && !found.matches.is_empty() {
                break;
            }
            let wider = sieve.some_words(&plan, needed, &mut scratch);
            if wider.matches.len() > found.matches.len() {
                found = wider;
                relaxed.retain(|relaxation| *relaxation == Relaxation::Spelling);
                relaxed.push(Relaxation::Words { needed, of });
            }
        }
        let corrected = plan.corrected();
        Outcome { plan: Some(plan), reading, found, relaxed, corrected }
    }

    fn count(&self, counter: &mut Counter, found: &Found) {
        if counter.is_empty() {
            return;
        }
        if found.matches.len() == self.len() {
            counter.count_all(self);
            return;
        }
        for found in &found.matches {
            counter.count(&self.chunks[found.place.chunk as usize], found.place.row);
        }
        for (place, facet) in &found.beside {
            counter.count_in(*facet, &self.chunks[place.chunk as usize], place.row);
        }
    }
}

/// First forgives words that are found nowhere or hardly; if that brings too little, all.
fn forgive(
    plan: &mut Plan<'_>,
    mut found: Found,
    look: &mut dyn FnMut(&Plan<'_>) -> Found,
) -> Found {
    let doubtful: Vec<usize> = (0..plan.words.len()).filter(|idx| plan.is_doubtful(*idx)).collect();
    if let Some(last) = doubtful.last()
        && last + 1 == plan.words.len()
    {
        plan.complete();
    }
    for idx in &doubtful {
        plan.forgive(*idx);
    }
    if !doubtful.is_empty() {
        found = look(plan);
    }
    if found.matches.len() < ENOUGH && doubtful.len() < plan.words.len() {
        plan.complete();
        for idx in (0..plan.words.len()).filter(|idx| !doubtful.contains(idx)) {
            plan.forgive(idx);
        }
        found = look(plan);
    }
    found
}

/// Lets through what is alive and fulfils the filters.
struct Sieve<'a> {
    index: &'a SearchIndex,
    narrow: Narrow,
    owners: Vec<Option<usize>>,
}

impl<'a> Sieve<'a> {
    /// The query as it was probably meant, with what it finds.
    fn as_meant(
        &self,
        (typed, language): (&Plan<'a>, usize),
        scratch: &mut Scratch,
    ) -> Option<(Plan<'a>, Found)> {
        let index = self.index;
        let text = typed.meant(&mut |words| {
            let plan = Plan::new(index, words.to_vec(), language);
            let found = self.all_words(&plan, scratch);
            plan.evidence(found.matches.iter().map(|found| found.score))
        })?;
        let mut plan = Plan::new(index, words_of(&text), language);
        plan.keep_typed(typed);
        let found = self.all_words(&plan, scratch);
        plan.read_as(text);
        Some((plan, found))
    }

    fn all_words(&self, plan: &Plan<'_>, scratch: &mut Scratch) -> Found {
        if !plan.is_found() {
            return Found::default();
        }
        let mut all = Vec::new();
        self.each_chunk(&mut |chunk, rows| {
            scratch.all(chunk, &plan.slots, &mut all);
            rows.extend(all.drain(..).map(|(row, score)| Row { row, score, missing: 0 }));
        })
    }

    fn some_words(&self, plan: &Plan<'_>, needed: usize, scratch: &mut Scratch) -> Found {
        let slots = plan.slots_with_head();
        self.each_chunk(&mut |chunk, rows| scratch.some(chunk, (&slots, needed), rows))
    }

    fn everything(&self) -> Found {
        self.each_chunk(&mut |chunk, rows| {
            let all = 0..chunk.len();
            rows.extend(all.map(|row| Row { row: row as u16, score: 1.0, missing: 0 }));
        })
    }

    fn each_chunk(&self, look: &mut dyn FnMut(&Chunk, &mut Vec<Row>)) -> Found {
        let mut found = Found::default();
        let mut rows = Vec::new();
        for (number, chunk) in self.index.chunks.iter().enumerate() {
            rows.clear();
            look(chunk, &mut rows);
            for row in rows.drain(..) {
                self.take((chunk, number as u32), row, &mut found);
            }
        }
        found
    }

    #[inline]
    fn take(&self, chunk: (&Chunk, u32), this: Row, found: &mut Found) {
        let Row { row, score, missing } = this;
        if !chunk.0.live.get(usize::from(row)) {
            return;
        }
        let place = Place { chunk: chunk.1, row };
        let verdict = if self.narrow.is_all() {
            Verdict::Hit
        } else {
            self.narrow.judge((self.index, chunk), row, &self.owners)
        };
        match verdict {
            Verdict::Hit => {
                let ranking = &self.index.settings.ranking;
                let score = score
                    * availability_factor(chunk.0.availability(row))
                    * popularity_factor(ranking, chunk.0.popularity[usize::from(row)]);
                found.matches.push(Match { place, score, missing });
            }
            Verdict::HitButFor(facet) => found.beside.push((place, facet)),
            Verdict::Miss => {}
        }
    }
}

#[cfg(test)]
mod tests;
