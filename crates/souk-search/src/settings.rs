//! What an index is made with.

use crate::text::Language;

/// A part of a product that words are looked for in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextField {
    /// The title.
    Title,
    /// The brand.
    Brand,
    /// Category paths.
    Category,
    /// The description.
    Description,
    /// Text attributes and tags, those of variants among them, and variants' titles.
    Attribute,
    /// The product's id and its trade item number.
    Code,
}

impl TextField {
    /// Every field, in the order of settings and snapshots.
    pub const ALL: [TextField; 6] = [
        TextField::Title,
        TextField::Brand,
        TextField::Category,
        TextField::Description,
        TextField::Attribute,
        TextField::Code,
    ];
}

/// How a field counts in the text score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FieldWeight {
    /// What one occurrence in a text of average length is worth.
    pub weight: f32,
    /// How much longer texts count less, from 0 (not) to 1 (in proportion).
    pub length: f32,
}

/// What stands beside the words' own score: each is what its full measure adds to a factor of 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranking {
    /// All words stand in the title.
    pub title: f32,
    /// They stand there as typed, not in another number or spelling.
    pub exact: f32,
    /// They stand there side by side and in the order typed.
    pub near: f32,
    /// The title says nothing else.
    pub filled: f32,
    /// The first of them opens the title.
    pub early: f32,
    /// The word that says what is looked for is what the title says that the thing is.
    pub head: f32,
    /// The name of its category has all words.
    pub category: f32,
    /// It is of the category that most of the best hits are of.
    pub crowd: f32,
    /// The product is wanted as much as any.
    pub popularity: PopularityShares,
    /// It has a brand or colour that the words name, or is cheap when `cheap` is asked for.
    pub preference: f32,
    /// The share of meaning in the score.
    pub meaning: MeaningShares,
}

/// What being wanted as much as any adds to a factor of 1, by how many hits have all the words that any product has.
///
/// Where few do, the words tell them apart. Where many do, the words say hardly more than a kind (`milk`), and what is wanted
/// of that kind is what sells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PopularityShares {
    /// Among a page of hits or less.
    pub few: f32,
    /// Among very many.
    pub many: f32,
}

/// The share of meaning in the score, from 0 (none) to 1 (nothing else counts).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeaningShares {
    /// Where the words found a page of hits.
    pub full: f32,
    /// Where they found less.
    pub thin: f32,
}

impl Default for MeaningShares {
    /// Chosen on rated queries: docs/decisions/0036-meaning-in-search.md.
    fn default() -> MeaningShares {
        MeaningShares { full: 0.15, thin: 0.6 }
    }
}

/// What an index is made with. Changing any of it takes effect when the index is built anew.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The language that products are written in, and those of translations that are indexed.
    pub languages: Vec<Language>,
    /// By [`TextField::ALL`].
    pub weights: [FieldWeight; TextField::ALL.len()],
    /// How soon more occurrences stop saying more: BM25's k1.
    pub saturation: f32,
    /// What counts beside the words.
    pub ranking: Ranking,
}

impl Default for Settings {
    /// English. The weights were chosen on rated queries: docs/decisions/0030-search-engine.md.
    fn default() -> Settings {
        let field = |weight, length| FieldWeight { weight, length };
        Settings {
            languages: vec![Language::English],
            weights: [
                field(1.0, 0.5),
                field(0.5, 0.0),
                field(0.6, 0.3),
                field(0.5, 0.6),
                field(0.1, 0.6),
                field(0.2, 0.0),
            ],
            saturation: 1.2,
            ranking: Ranking {
                title: 0.4,
                exact: 0.05,
                near: 0.2,
                filled: 0.2,
                early: 0.0,
                head: 0.2,
                category: 0.5,
                crowd: 0.15,
                popularity: PopularityShares { few: 0.3, many: 3.0 },
                preference: 0.3,
                meaning: MeaningShares::default(),
            },
        }
    }
}

impl Settings {
    /// For a shop whose products are written in `main` and translated into `others`.
    pub fn new(main: Language, others: &[Language]) -> Settings {
        let mut languages = vec![main];
        languages.extend(others.iter().copied().filter(|other| *other != main));
        languages.dedup();
        Settings { languages, ..Settings::default() }
    }
}
