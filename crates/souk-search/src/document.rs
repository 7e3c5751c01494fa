//! A product as the index takes it: terms with their impact, values, title words.

use std::borrow::Borrow;

use souk_core::{AttributeValue, Availability, Field, FieldValue, Fields, Product};

use crate::lexicon::{Lexicon, Term, field_key};
use crate::names::is_colour;
use crate::settings::{FieldWeight, Settings, TextField};
use crate::text::{Language, Tokens, each_accented};
use crate::title::TitleReader;

/// The field under which categories are counted with all the steps above them.
pub(crate) const CATEGORY_TREE: &str = "categories.tree";

/// Average lengths of the fields in tokens, by [`TextField::ALL`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Lengths(pub(crate) [f32; TextField::ALL.len()]);

impl Default for Lengths {
    /// Of a shop with short descriptions; for an index that begins with nothing.
    fn default() -> Lengths {
        Lengths([9.0, 1.5, 4.0, 20.0, 20.0, 1.0])
    }
}

/// What a title says after `for` and the like counts as much of the title's weight as this; chosen.
const ASIDE_WEIGHT: f32 = 0.7;
/// The place of that part beside the fields.
const ASIDE: u8 = TextField::ALL.len() as u8;

/// What goes into a chunk for one product.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) postings: Vec<(Term, u8)>,
    /// Field and value, sorted.
    pub(crate) facts: Vec<(u16, u32)>,
    /// [`TitleWord`](crate::title::TitleWord)s.
    pub(crate) title_words: Vec<u32>,
    pub(crate) availability: Availability,
    pub(crate) popularity: u8,
}

/// A word's occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Occurrence {
    term: Term,
    language: u8,
    field: u8,
}

/// Takes products apart; kept, because products are many.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    tokens: Tokens,
    occurrences: Vec<Occurrence>,
    words: Vec<(u8, u32)>,
    /// Words that are not written as they are folded.
    spellings: Vec<(u8, u32, Box<str>)>,
    title: TitleReader,
    colours: Vec<u32>,
    text: String,
    draft: Draft,
}

impl Reader {
    /// Takes a product apart, in place of the last one.
    pub(crate) fn read(
        &mut self,
        product: &Product,
        lexicon: &mut Lexicon,
        (settings, lengths): (&Settings, &Lengths),
    ) -> &Draft {
        self.occurrences.clear();
        self.words.clear();
        self.spellings.clear();
        self.title.clear();
        self.draft = Draft {
            postings: std::mem::take(&mut self.draft.postings),
            facts: std::mem::take(&mut self.draft.facts),
            title_words: std::mem::take(&mut self.draft.title_words),
            availability: product.availability,
            popularity: 0,
        };
        self.draft.postings.clear();
        self.draft.facts.clear();
        self.draft.title_words.clear();
        let mut counts = vec![[0u32; TextField::ALL.len()]; settings.languages.len()];
        each_text(product, &settings.languages, &mut self.text, &mut |language, field, text| {
            self.tokens.read(text);
            for token in self.tokens.all() {
                let (word, term) = lexicon.intern_word(language, self.tokens.text(token));
                let is_title = language == 0 && field == TextField::Title;
                let is_aside = is_title && self.title.is_aside_after(token.gap);
                self.occurrences.push(Occurrence {
                    term,
                    language: language as u8,
                    field: if is_aside { ASIDE } else { field as u8 },
                });
                self.words.push((language as u8, word));
                if !token.is_extra {
                    counts[language][field as usize] += 1;
                    if is_title {
                        let text = self.tokens.text(token);
                        let about = (token.kind, token.gap);
                        self.title.push((text, word), about, settings.languages[0]);
                    }
                }
            }
            each_accented(text, &mut |folded, written| {
                if let Some(word) = lexicon.words[language].get(folded) {
                    self.spellings.push((language as u8, word, written.into()));
                }
            });
        });
        self.colours(product, lexicon);
        self.title.finish(&self.colours, &mut self.draft.title_words);
        self.count_words(lexicon);
        self.weigh(&counts, (settings, lengths));
        for (term, _) in &self.draft.postings {
            lexicon.term_docs[term.0 as usize] += 1;
        }
        facts(product, lexicon, &mut self.draft.facts);
        &self.draft
    }

    /// The words of the product's colours.
    fn colours(&mut self, product: &Product, lexicon: &Lexicon) {
        self.colours.clear();
        let own = product.attributes.iter();
        let all = own.chain(product.variants.iter().flat_map(|variant| &variant.attributes));
        for (_, value) in all.filter(|(name, _)| is_colour(name)) {
            attribute_text(value, &mut self.text, &mut |text| {
                self.tokens.read(text);
                let words = self.tokens.all().iter().map(|token| self.tokens.text(token));
                self.colours.extend(words.filter_map(|word| lexicon.words[0].get(word)));
            });
        }
    }

    fn count_words(&mut self, lexicon: &mut Lexicon) {
        self.words.sort_unstable();
        self.words.dedup();
        for (language, word) in &self.words {
            lexicon.words[usize::from(*language)].add_count(*word);
        }
        self.spellings.sort_unstable();
        self.spellings.dedup();
        for (language, word, written) in &self.spellings {
            lexicon.words[usize::from(*language)].add_spelling(*word, (written, 1));
        }
    }

    /// BM25F: the weighted occurrences of all fields, saturated together (Robertson, Zaragoza and
    /// Taylor 2004, "Simple BM25 extension to multiple weighted fields"). Of several languages the
    /// one that says most counts.
    fn weigh(
        &mut self,
        counts: &[[u32; TextField::ALL.len()]],
        (settings, lengths): (&Settings, &Lengths),
    ) {
        self.occurrences.sort_unstable();
        for same in self.occurrences.chunk_by(|left, right| left.term == right.term) {
            let mut most = 0.0f32;
            for group in same.chunk_by(|left, right| left.language == right.language) {
                let language = usize::from(group[0].language);
                let mut sum = 0.0;
                for fields in group.chunk_by(|left, right| left.field == right.field) {
                    let is_aside = fields[0].field == ASIDE;
                    let field = if is_aside { TextField::Title as u8 } else { fields[0].field };
                    let field = usize::from(field);
                    let FieldWeight { weight, length } = settings.weights[field];
                    let weight = if is_aside { weight * ASIDE_WEIGHT } else { weight };
                    let share = counts[language][field] as f32 / lengths.0[field].max(0.1);
                    sum += weight * fields.len() as f32 / (1.0 - length + length * share);
                }
                most = most.max(sum);
            }
            let impact = most / (most + settings.saturation);
            let impact = (impact * 255.0).round().clamp(1.0, 255.0) as u8;
            self.draft.postings.push((same[0].term, impact));
        }
    }
}

/// Calls `take` with every text of a product: its language's place, its field, the text.
fn each_text(
    product: &Product,
    languages: &[Language],
    buffer: &mut String,
    take: &mut dyn FnMut(usize, TextField, &str),
) {
    take(0, TextField::Title, &product.title);
    if let Some(brand) = &product.brand {
        take(0, TextField::Brand, brand);
    }
    if let Some(description) = &product.description {
        take(0, TextField::Description, description);
    }
    product.categories.iter().for_each(|path| take(0, TextField::Category, path));
    take(0, TextField::Code, product.id.as_str());
    if let Some(gtin) = &product.gtin {
        take(0, TextField::Code, gtin);
    }
    for tag in &product.tags {
        take(0, TextField::Attribute, tag);
    }
    for value in product.attributes.values() {
        attribute_text(value, buffer, &mut |text| take(0, TextField::Attribute, text));
    }
    for variant in &product.variants {
        if let Some(title) = &variant.title {
            take(0, TextField::Attribute, title);
        }
        for value in variant.attributes.values() {
            attribute_text(value, buffer, &mut |text| take(0, TextField::Attribute, text));
        }
    }
    for (tag, translation) in &product.translations {
        let language = Language::from_tag(tag);
        let Some(place) = languages.iter().position(|other| *other == language) else { continue };
        if place == 0 {
            continue;
        }
        if let Some(title) = &translation.title {
            take(place, TextField::Title, title);
        }
        if let Some(description) = &translation.description {
            take(place, TextField::Description, description);
        }
    }
}

fn attribute_text(value: &AttributeValue, buffer: &mut String, take: &mut dyn FnMut(&str)) {
    use std::fmt::Write as _;

    match value {
        AttributeValue::Text(text) => take(text),
        AttributeValue::Texts(texts) => texts.iter().for_each(|text| take(text)),
        AttributeValue::Number(number) => {
            buffer.clear();
            if write!(buffer, "{number}").is_ok() {
                take(buffer);
            }
        }
    }
}

/// Fields that are the same for all products; `id` and `title` are kept as texts.
const OWN: [Field; 10] = [
    Field::Brand,
    Field::Categories,
    Field::Price,
    Field::ListPrice,
    Field::Availability,
    Field::InStock,
    Field::Tags,
    Field::Gtin,
    Field::PublishedAt,
    Field::PerishableDays,
];

/// The values that filters would see.
fn facts(product: &Product, lexicon: &mut Lexicon, facts: &mut Vec<(u16, u32)>) {
    let mut add = |field: &Field, key: &str| {
        let Some(number) = lexicon.intern_field(key) else { return };
        let values = &mut lexicon.values[usize::from(number)];
        product.any_value(field, &mut |value| {
            facts.push((number, values.intern(value)));
            false
        });
    };
    for field in &OWN {
        add(field, field.name());
    }
    let own = product.attributes.keys();
    for name in own.chain(product.variants.iter().flat_map(|variant| variant.attributes.keys())) {
        let field = Field::Attribute(name.as_str().into());
        add(&field, &field_key(&field));
    }
    if let Some(tree) = lexicon.intern_field(CATEGORY_TREE) {
        let values = &mut lexicon.values[usize::from(tree)];
        for path in &product.categories {
            for (end, _) in path.match_indices('>').chain([(path.len(), "")]) {
                let step = FieldValue::Path(path[..end].trim());
                facts.push((tree, values.intern(step)));
            }
        }
    }
    facts.sort_unstable();
    facts.dedup();
    for (field, value) in facts {
        lexicon.values[usize::from(*field)].count(*value, 1);
    }
}

/// Average lengths in a sample of products.
pub(crate) fn lengths<P: Borrow<Product>>(products: &[P], settings: &Settings) -> Lengths {
    /// Chosen: the error of a mean of so many is under 2 %.
    const SAMPLE: usize = 4_096;
    if products.is_empty() {
        return Lengths::default();
    }
    let step = products.len().div_ceil(SAMPLE);
    let mut sums = [0u64; TextField::ALL.len()];
    let (mut tokens, mut buffer, mut n_read) = (Tokens::default(), String::new(), 0u64);
    for product in products.iter().step_by(step) {
        n_read += 1;
        each_text(
            product.borrow(),
            &settings.languages[..1],
            &mut buffer,
            &mut |_, field, text| {
                let own = tokens.read(text).iter().filter(|token| !token.is_extra).count();
                sums[field as usize] += own as u64;
            },
        );
    }
    Lengths(sums.map(|sum| (sum as f32 / n_read as f32).max(0.5)))
}

#[cfg(test)]
mod tests;
