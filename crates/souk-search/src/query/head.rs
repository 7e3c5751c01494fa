//! Which word of a query says what is looked for: `case` in `iphone 7 case` and in `case for iphone 7`.

use super::QueryWord;
use crate::chunk::Chunk;
use crate::document::CATEGORY_TREE;
use crate::index::SearchIndex;
use crate::lexicon::Term;
use crate::retrieve::rows_with;
use crate::text::{HeadSide, Language, TokenKind, Tokens};
use crate::title::TitleWord;

/// Products that are looked at to learn how the catalogue uses a word; chosen.
const SAMPLE_SIZE: usize = 32;

/// The place of the word that says what is looked for; none in a language whose order is not known.
///
/// It is the last word of the first phrase (the first one in Spanish and French) that is no number, no
/// brand and no colour, unless there are only such.
pub(crate) fn head_of(index: &SearchIndex, words: &[QueryWord], language: usize) -> Option<usize> {
    let language = index.lexicon.words[language].language();
    let side = language.head_side()?;
    let end = aside_from(words, language);
    let is_telling = |place: &usize| {
        let word = &words[*place];
        word.kind == TokenKind::Word
            && word.text.chars().nth(1).is_some()
            && !language.is_stop_word(&word.text)
    };
    let telling: Vec<usize> = (0..end).filter(is_telling).collect();
    let things = telling.iter().copied().filter(|place| !is_name(index, &words[*place].text));
    let things: Vec<usize> = things.collect();
    let among = if things.is_empty() { &telling } else { &things };
    match side {
        HeadSide::Last => among.last(),
        HeadSide::First => among.first(),
    }
    .copied()
}

/// Where the first aside of a query begins: what stands there says what the thing is for.
pub(super) fn aside_from(words: &[QueryWord], language: Language) -> usize {
    let opens = |place: &usize| language.opens_aside(&words[*place].text);
    (1..words.len()).find(opens).unwrap_or(words.len())
}

/// The share of a word's titles in which it closes a phrase, so that it says what the thing is: high for
/// `spinach` of `Salad Spinach`, low for `frozen`. What comes in packs is what it is: `Yogurt Multi-Packs`.
pub(super) fn closing_share(index: &SearchIndex, terms: &[Term]) -> f32 {
    let words = &index.lexicon.words[0];
    let (mut n_titles, mut n_closing) = (0u32, 0u32);
    each_product(index, (terms, Sample::AllOver), &mut |chunk, row| {
        let title = chunk.title_words.get(row);
        let is_own = |word: TitleWord| terms.contains(&words.term(word.number()));
        let is_packing =
            |word: &&u32| words.language().is_packing(words.text(TitleWord(**word).number()));
        let closes = |place: usize| {
            let packing = title[place + 1..].iter().take_while(is_packing);
            let phrase = title[place..place + 1].iter().chain(packing);
            phrase.map(|word| TitleWord(*word)).any(TitleWord::closes)
        };
        let own = (0..title.len()).filter(|place| is_own(TitleWord(title[*place])));
        let own: Vec<usize> = own.collect();
        let is_said = |place: &usize| !TitleWord(title[*place]).is_aside() && closes(*place);
        n_titles += u32::from(!own.is_empty());
        n_closing += u32::from(own.iter().any(is_said));
        true
    });
    n_closing as f32 / n_titles.max(1) as f32
}

/// Whether a product's title, brand or category has the word. What only descriptions say by the way (`done`,
/// `makes`) is not what a shopper looks for.
pub(super) fn names_a_thing(index: &SearchIndex, terms: &[Term]) -> bool {
    let lexicon = &index.lexicon;
    let fields: Vec<u16> =
        ["brand", "categories"].iter().filter_map(|key| lexicon.field(key)).collect();
    let (mut is_found, mut tokens) = (false, Tokens::default());
    each_product(index, (terms, Sample::First), &mut |chunk, row| {
        let words = &lexicon.words[0];
        let title = chunk.title_words.get(row);
        is_found = title.iter().any(|word| terms.contains(&words.term(TitleWord(*word).number())));
        for field in &fields {
            for value in chunk.facts.of(row, *field) {
                tokens.read(lexicon.values[usize::from(*field)].text(value));
                is_found |= tokens.all().iter().any(|token| {
                    let word = words.get(tokens.text(token));
                    word.is_some_and(|word| terms.contains(&words.term(word)))
                });
            }
        }
        !is_found
    });
    is_found
}

/// Titles in which one word follows another, in the same phrase.
pub(super) fn n_side_by_side(index: &SearchIndex, parts: [Term; 2]) -> usize {
    let words = &index.lexicon.words[0];
    let is = |word: u32, term: Term| words.term(TitleWord(word).number()) == term;
    let has = |title: &[u32]| {
        title.windows(2).any(|pair| {
            is(pair[0], parts[0]) && is(pair[1], parts[1]) && !TitleWord(pair[0]).closes()
        })
    };
    let of_chunk = |chunk: &Chunk| {
        let rows = rows_with(chunk, &parts).into_iter();
        let live = rows.filter(|row| chunk.live.get(usize::from(*row)));
        live.filter(|row| has(chunk.title_words.get(*row))).count()
    };
    index.chunks.iter().map(of_chunk).sum()
}

/// Which of the products that have a word are looked at.
#[derive(Clone, Copy, PartialEq)]
enum Sample {
    /// Those that came first: enough to tell whether any is called so.
    First,
    /// Some from all over the catalogue: those that came first are often of one kind, telephones before what belongs to them.
    AllOver,
}

/// Calls `look` with some products that have one of the terms, until it has seen enough.
fn each_product(
    index: &SearchIndex,
    (terms, sample): (&[Term], Sample),
    look: &mut dyn FnMut(&Chunk, u16) -> bool,
) {
    let lists = index.chunks.iter().flat_map(|chunk| {
        terms.iter().filter_map(move |term| Some((chunk, chunk.list(*term)?.rows)))
    });
    let lists: Vec<(&Chunk, &[u16])> = lists.collect();
    let n_rows: usize = lists.iter().map(|(_, rows)| rows.len()).sum();
    let step = if sample == Sample::First { 1 } else { (n_rows / SAMPLE_SIZE).max(1) };
    let (mut next, mut n_left) = (0, SAMPLE_SIZE + 1);
    for (chunk, rows) in lists {
        while let Some(row) = rows.get(next) {
            if chunk.live.get(usize::from(*row)) {
                n_left -= usize::from(sample == Sample::First);
                if n_left == 0 || !look(chunk, *row) {
                    return;
                }
            }
            next += step;
        }
        next -= rows.len();
    }
}

/// Whether a word is a brand or a colour.
fn is_name(index: &SearchIndex, word: &str) -> bool {
    let is_category = |field: u16| index.lexicon.fields.text(u32::from(field)) == CATEGORY_TREE;
    let fields = index.names.fields().iter().copied().filter(|field| !is_category(*field));
    fields.into_iter().any(|field| !index.names.find(field, word).is_empty())
}
