//! A search from its request to its answer.

mod order;
mod page;

use crate::chunk::{Chunk, Place};
use crate::facets::{Counter, find_field};
use crate::fusion::Nearness;
use crate::index::SearchIndex;
use crate::narrow::{Narrow, Verdict};
use crate::query::{Plan, split_unwanted, unwanted, words_of};
use crate::rank::{Demand, availability_factor, demand};
use crate::request::{
    Meaning, MeaningUse, Relaxation, SearchAnswer, SearchError, SearchRequest, Structure,
    Tolerance, Typing, Wanted,
};
use crate::retrieve::{Row, Scratch, Slot};
use crate::suggest::SuggestRequest;
use crate::text::Language;
use crate::understand::{Reading, Typed, read};

/// Hits below which words are also taken otherwise; chosen: the first page that a shopper sees.
const ENOUGH: usize = 10;

/// A row that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Match {
    pub(crate) place: Place,
    /// The score without what is looked at in the best ones alone.
    pub(crate) score: f32,
    /// See [`Row::missing`].
    pub(crate) missing: u8,
    /// See [`Row::n_missing`].
    pub(crate) n_missing: u8,
}

/// All that was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// By rising chunk.
    pub(crate) parts: Vec<Part>,
    /// Hits of all chunks.
    pub(crate) total: usize,
}

/// What was found in one chunk.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) chunk: u32,
    /// Rising rows; the score is without what is looked at in the best ones alone.
    pub(crate) hits: Vec<Row>,
    /// Rows that count in one facet alone, by that.
    beside: Vec<Vec<u16>>,
}

impl Part {
    /// Its hits, by row.
    pub(crate) fn matches(&self) -> impl Iterator<Item = Match> + '_ {
        self.hits.iter().map(|hit| Match {
            place: Place { chunk: self.chunk, row: hit.row },
            score: hit.score,
            missing: hit.missing,
            n_missing: hit.n_missing,
        })
    }
}

impl Found {
    /// All hits, by chunk and row.
    pub(crate) fn matches(&self) -> impl Iterator<Item = Match> + '_ {
        self.parts.iter().flat_map(Part::matches)
    }

    /// Keeps hits for which `keep` says so.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(Place) -> bool) {
        self.total = 0;
        for part in &mut self.parts {
            let chunk = part.chunk;
            part.hits.retain(|hit| keep(Place { chunk, row: hit.row }));
            self.total += part.hits.len();
        }
    }

    /// Adds hits that the words did not find; those that are there stay as they are. Returns how many came.
    pub(crate) fn bring(&mut self, places: impl Iterator<Item = Place>) -> usize {
        let before = self.total;
        for Place { chunk, row } in places {
            let at = self.parts.binary_search_by_key(&chunk, |part| part.chunk);
            let at = at.unwrap_or_else(|at| {
                self.parts.insert(at, Part { chunk, hits: Vec::new(), beside: Vec::new() });
                at
            });
            let hits = &mut self.parts[at].hits;
            if let Err(at) = hits.binary_search_by_key(&row, |hit| hit.row) {
                hits.insert(at, Row { row, score: 0.0, missing: 0, n_missing: 0 });
                self.total += 1;
            }
        }
        self.total - before
    }

    /// How many hits lack nothing but these parts, which all lack.
    fn n_whole(&self, lost: u8) -> usize {
        let hits = self.parts.iter().flat_map(|part| &part.hits);
        hits.filter(|hit| hit.missing <= lost).count()
    }

    /// Weighs the text scores with what being able to buy a hit, and its being wanted, are worth.
    fn weigh(&mut self, chunks: &[Chunk], demand: &Demand) {
        for part in &mut self.parts {
            let chunk = &chunks[part.chunk as usize];
            for hit in &mut part.hits {
                hit.score *= availability_factor(chunk.availability(hit.row))
                    * demand.factor(chunk.popularity[usize::from(hit.row)]);
            }
        }
    }

    /// Puts hits before all others, bringing them where they are not among them: the others lack half a word, for they
    /// have it otherwise than it was typed.
    fn put_first(&mut self, first: &Found) {
        if first.total == 0 {
            return;
        }
        self.bring(first.matches().map(|one| one.place));
        for part in &mut self.parts {
            let own = first.parts.iter().find(|own| own.chunk == part.chunk);
            let own = own.map_or(&[][..], |own| own.hits.as_slice());
            for hit in &mut part.hits {
                match own.binary_search_by_key(&hit.row, |own| own.row) {
                    Ok(at) => hit.score = hit.score.max(own[at].score),
                    Err(_) => hit.missing += Slot::PLAIN / 2,
                }
            }
        }
    }

    /// The text score of each hit, and how much it is wanted.
    fn weighed<'a>(&'a self, chunks: &'a [Chunk]) -> impl Iterator<Item = (f32, f32)> + 'a {
        self.parts.iter().flat_map(move |part| {
            let popularity = &chunks[part.chunk as usize].popularity;
            part.hits.iter().map(|hit| (hit.score, demand(popularity[usize::from(hit.row)])))
        })
    }
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

impl Outcome<'_> {
    /// Weighs what was found with what being able to buy it and its being wanted are worth; returns the latter.
    fn weigh(&mut self, index: &SearchIndex, meaning: Option<&Meaning>) -> Demand {
        let is_beside = meaning.is_none_or(|meaning| meaning.used == MeaningUse::Beside);
        let lacks_words = |how: &Relaxation| matches!(how, Relaxation::Words { .. });
        let n_whole = match self.plan.as_ref().filter(|_| is_beside) {
            Some(plan) if self.relaxed.iter().any(lacks_words) => self.found.n_whole(plan.lost()),
            Some(_) => self.found.total,
            None => 0,
        };
        let demand = Demand::among(n_whole, &index.settings.ranking);
        self.found.weigh(&index.chunks, &demand);
        demand
    }
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
        if request.sort.len() > SearchRequest::SORTS_MAX {
            return Err(SearchError::OutOfRange {
                field: "sort",
                value: request.sort.len(),
                min: 0,
                max: SearchRequest::SORTS_MAX,
            });
        }
        let skip = page::skip(request)?;
        let mut counter = Counter::new(self, &request.facets)?;
        let sort = order::Key::of_request(self, request)?;
        let language = self.language_of(request.language);
        let mut outcome = self.look(request, language, &counter);
        let demand = outcome.weigh(self, request.meaning.as_ref());
        let nearness = self.nearness(request, &mut outcome);
        // Whoever searches for that instead does not want what was not wanted either.
        if let Some(corrected) = &mut outcome.corrected {
            *corrected = self.as_written(corrected, Some(self.settings.languages[language]));
            let (_, behind_minus) = split_unwanted(&request.query);
            behind_minus.iter().for_each(|word| corrected.push_str(&format!(" -{word}")));
        }
        let plan = outcome.plan.as_ref();
        let order = order::Order { index: self, plan, sort, nearness, demand };
        if let Some(field) = &request.distinct {
            order.keep_distinct(&mut outcome.found, find_field(self, field));
        }
        self.count(&mut counter, &outcome.found);
        let total = outcome.found.total;
        let unknown = request.filter.iter().flat_map(|filter| self.unknown_fields(filter));
        let notes = unknown.chain(outcome.reading.notes).collect();
        let preferences = &outcome.reading.preferences;
        let hits = order.page(&outcome.found, skip..skip + request.limit, preferences);
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
            notes,
        })
    }

    /// Brings in what the query means; an order by number asks for words alone, unless meaning is all that is
    /// asked for, and so does a query without words.
    fn nearness(&self, request: &SearchRequest, outcome: &mut Outcome<'_>) -> Option<Nearness> {
        let meaning = request.meaning.as_ref()?;
        let is_sorted = !request.sort.is_empty() && meaning.used == MeaningUse::Beside;
        if is_sorted || outcome.plan.is_none() {
            return None;
        }
        let understood = &outcome.reading.filters;
        let filters: Vec<_> = request.filter.iter().chain(understood).collect();
        let narrow = Narrow::new(&filters, (&request.without, &request.exclude), self)
            .and_without(&outcome.reading.unwanted)
            .and_around(request.around.as_ref());
        let nearness = Nearness::new(self, &narrow, meaning);
        if meaning.used == MeaningUse::Alone {
            (outcome.plan, outcome.corrected) = (None, None);
            outcome.found = Found::default();
            outcome.relaxed.clear();
        }
        let names_code = outcome.plan.as_ref().is_some_and(Plan::names_code);
        let n_enough = if names_code { 1 } else { ENOUGH };
        let found = (&mut outcome.found, &mut outcome.relaxed);
        Some(nearness?.widen(self, (meaning, n_enough), found))
    }

    /// Products with all words of a text, as they are typed.
    pub(crate) fn n_with_all_words(&self, text: &str, request: &SuggestRequest<'_>) -> usize {
        let language = self.language_of(request.language);
        let narrow = Narrow::of_hidden(request, self);
        let sieve = Sieve { index: self, owners: narrow.owners(&[]), narrow };
        let plan = Plan::new(self, words_of(text), language);
        sieve.all_words(&plan, &mut Scratch::default()).total
    }

    /// The place of the query's language among those of the index.
    fn language_of(&self, wanted: Option<Language>) -> usize {
        let languages = &self.settings.languages;
        wanted.and_then(|wanted| languages.iter().position(|known| *known == wanted)).unwrap_or(0)
    }

    /// Looks for the words as they are understood, then as they stand.
    fn look(&self, request: &SearchRequest, language: usize, counter: &Counter) -> Outcome<'_> {
        let (wanted, behind_minus) = split_unwanted(&request.query);
        let words = words_of(&wanted);
        let unwanted = unwanted(self, &behind_minus, language);
        let literal = |words| Reading { words, unwanted: unwanted.clone(), ..Reading::default() };
        if request.structure == Structure::Literal {
            return self.look_for(request, (literal(words), language), counter);
        }
        let typed = Typed { text: &request.query, currency: request.currency };
        let reading = read(self, &words, &typed, language);
        let reading = Reading { unwanted: unwanted.clone(), ..reading };
        // What is given up is a condition, and its words (`over`, `1000`) are looked for only where there are no others.
        let others = Some(reading.words.clone()).filter(|words| !words.is_empty());
        if request.structure == Structure::Undone {
            return self.look_for(request, (literal(others.unwrap_or(words)), language), counter);
        }
        let has_filters = !reading.filters.is_empty();
        let mut outcome = self.look_for(request, (reading, language), counter);
        if let Some(corrected) = &outcome.corrected {
            outcome.reading.read_names_again(self, corrected, language);
        }
        if !has_filters || outcome.found.total > 0 {
            return outcome;
        }
        let again = literal(others.unwrap_or(words));
        let mut again = self.look_for(request, (again, language), counter);
        if again.found.total == 0 {
            return outcome;
        }
        again.reading.notes = outcome.reading.notes;
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
        let narrow = Narrow::new(&filters, (&request.without, &request.exclude), self)
            .and_without(&reading.unwanted)
            .and_around(request.around.as_ref());
        let sieve = Sieve { index: self, owners: narrow.owners(&counter.keys(self)), narrow };
        let mut scratch = Scratch::default();
        if reading.words.is_empty() {
            // A smiley says nothing that products say; a star asks for everything.
            let is_unreadable =
                words_of(&request.query).is_empty() && !matches!(request.query.trim(), "" | "*");
            let found = if is_unreadable { Found::default() } else { sieve.everything() };
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
            if plan.split_rare() {
                found = sieve.all_words(&plan, &mut scratch);
            }
            let is_typing = request.typing == Typing::Going;
            if (!is_typing || found.total == 0)
                && let Some((meant, better)) =
                    sieve.as_meant((&plan, &found), language, &mut scratch)
            {
                (plan, found) = (meant, better);
                relaxed.push(Relaxation::Spelling);
            }
            if found.total == 0 {
                let typed = plan.clone();
                found = forgive(&mut plan, found, &mut |plan| sieve.all_words(plan, &mut scratch));
                if found.total == 0 {
                    plan.forget_guesses(&typed);
                }
                let corrected = plan.corrected();
                if relaxed.is_empty() && (found.total > 0 || corrected.is_some()) {
                    let mut begun = typed;
                    begun.complete();
                    let is_begun =
                        corrected.is_none() && sieve.all_words(&begun, &mut scratch).total > 0;
                    let how = if is_begun { Relaxation::Beginning } else { Relaxation::Spelling };
                    relaxed.push(how);
                }
            }
        }
        let of = plan.slots.len();
        if found.total < ENOUGH && of > 1 && request.wanted == Wanted::Most {
            plan.settle_head();
            let slots = plan.slots_with_head();
            let whole = Slot::whole(&slots);
            let mut needed = whole;
            // Less than half of the words is not what was asked for any more; better than nothing, though.
            let half = of.div_ceil(2);
            while found.total < ENOUGH && needed > usize::from(Slot::PLAIN) {
                needed -= usize::from(Slot::PLAIN).min(needed - usize::from(Slot::PLAIN));
                let mut n_words = half.max(fewest(&slots, needed));
                let mut wider = sieve.some_words(&slots, (needed, n_words), &mut scratch);
                if wider.total == 0 && found.total == 0 {
                    n_words = fewest(&slots, needed);
                    wider = sieve.some_words(&slots, (needed, n_words), &mut scratch);
                }
                if wider.total > found.total {
                    found = wider;
                    relaxed.retain(|relaxation| !matches!(relaxation, Relaxation::Words { .. }));
                    relaxed.push(Relaxation::Words { needed: n_words, of });
                }
            }
        }
        let corrected = plan.corrected();
        Outcome { plan: Some(plan), reading, found, relaxed, corrected }
    }

    fn count(&self, counter: &mut Counter, found: &Found) {
        if counter.is_empty() {
            return;
        }
        if found.total == self.len() {
            counter.count_all(self);
            return;
        }
        for part in &found.parts {
            let chunk = &self.chunks[part.chunk as usize];
            counter.count(chunk, &part.hits);
            for (facet, rows) in part.beside.iter().enumerate() {
                counter.count_in(facet, chunk, rows);
            }
        }
    }
}

/// The fewest slots that make up so many parts.
fn fewest(slots: &[Slot], needed: usize) -> usize {
    let mut parts: Vec<usize> = slots.iter().map(|slot| usize::from(slot.part)).collect();
    parts.sort_unstable_by(|left, right| right.cmp(left));
    let mut sum = 0;
    let short = parts.iter().take_while(|part| {
        sum += **part;
        sum < needed
    });
    short.count() + 1
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
    if found.total < ENOUGH && doubtful.len() < plan.words.len() {
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
    /// The query as it was probably meant, with what it finds, given what it finds as typed.
    fn as_meant(
        &self,
        (typed, found): (&Plan<'a>, &Found),
        language: usize,
        scratch: &mut Scratch,
    ) -> Option<(Plan<'a>, Found)> {
        let index = self.index;
        let text = typed.meant(found.total, &mut |words| {
            let plan = Plan::new(index, words.to_vec(), language);
            plan.evidence(self.all_words(&plan, scratch).weighed(&index.chunks))
        })?;
        let mut plan = Plan::new(index, words_of(&text), language);
        plan.keep_typed(typed);
        let mut meant = self.all_words(&plan, scratch);
        // Of two words that were one, products may have both by chance.
        if plan.words.len() >= typed.words.len() {
            meant.put_first(found);
        }
        plan.read_as(text);
        Some((plan, meant))
    }

    fn all_words(&self, plan: &Plan<'_>, scratch: &mut Scratch) -> Found {
        if !plan.is_found() {
            return Found::default();
        }
        self.each_chunk(&mut |chunk| scratch.all(chunk, &plan.slots))
    }

    fn some_words(&self, slots: &[Slot], least: (usize, usize), scratch: &mut Scratch) -> Found {
        self.each_chunk(&mut |chunk| scratch.some(chunk, slots, least))
    }

    fn everything(&self) -> Found {
        let row = |row| Row { row, score: 1.0, missing: 0, n_missing: 0 };
        self.each_chunk(&mut |chunk| match self.narrow.only_rows(self.index, chunk) {
            Some(only) => only.into_iter().map(row).collect(),
            None => (0..chunk.len()).map(|at| row(at as u16)).collect(),
        })
    }

    fn each_chunk(&self, look: &mut dyn FnMut(&Chunk) -> Vec<Row>) -> Found {
        let mut found = Found::default();
        for (number, chunk) in (0..).zip(&self.index.chunks) {
            let part = self.sift((chunk, number), look(chunk));
            found.total += part.hits.len();
            if !part.hits.is_empty() || !part.beside.is_empty() {
                found.parts.push(part);
            }
        }
        found
    }

    /// Keeps what is alive and fulfils the filters.
    fn sift(&self, (chunk, number): (&Chunk, u32), mut hits: Vec<Row>) -> Part {
        if chunk.n_live() < chunk.len() {
            hits.retain(|hit| chunk.live.get(usize::from(hit.row)));
        }
        let mut beside: Vec<Vec<u16>> = Vec::new();
        if !self.narrow.is_all() && !hits.is_empty() {
            let mut judge = self.narrow.within(self.index, (chunk, number), hits.len());
            hits.retain(|hit| match judge.verdict(hit.row, &self.owners) {
                Verdict::Hit => true,
                Verdict::Miss => false,
                Verdict::HitButFor(facet) => {
                    if beside.len() <= facet {
                        beside.resize(facet + 1, Vec::new());
                    }
                    beside[facet].push(hit.row);
                    false
                }
            });
        }
        Part { chunk: number, hits, beside }
    }
}

#[cfg(test)]
mod tests;
