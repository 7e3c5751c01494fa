//! Brands, colours and categories by what shoppers call them.

use rustc_hash::FxHashMap;

use crate::document::CATEGORY_TREE;
use crate::lexicon::Lexicon;
use crate::text::{Language, Tokens};

/// Values of one field that are names; a field with more is no list of names. Chosen.
const NAMES_MAX: usize = 50_000;

/// Values of fields that shoppers name without saying which field they mean.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// By field and folded words, those of categories without their endings: a shop has one kind of apples.
    of: FxHashMap<(u16, String), Vec<u32>>,
    /// Values of each field looked at so far.
    n_seen: Vec<usize>,
    /// The fields whose values are names.
    fields: Vec<u16>,
    /// The field of categories, and the language that they are called in.
    categories: Option<(u16, Language)>,
}

/// Whether an attribute of this name says a colour.
pub(crate) fn is_colour(name: &str) -> bool {
    ["color", "colour", "farbe", "couleur"].iter().any(|word| name.contains(word))
}

/// Whether the values of a field are names: brands, categories, colours.
fn is_name_field(key: &str) -> bool {
    matches!(key, "brand" | CATEGORY_TREE) || key.strip_prefix("attributes.").is_some_and(is_colour)
}

impl Names {
    /// Looks at values that are new since the last time.
    pub(crate) fn learn(&mut self, lexicon: &Lexicon) {
        self.n_seen.resize(lexicon.values.len(), 0);
        let mut tokens = Tokens::default();
        let language = lexicon.words[0].language();
        for field in 0..lexicon.values.len() {
            let values = &lexicon.values[field];
            let new = std::mem::replace(&mut self.n_seen[field], values.len())..values.len();
            let key = lexicon.fields.text(field as u32);
            if new.is_empty() || !is_name_field(key) {
                continue;
            }
            if !self.fields.contains(&(field as u16)) {
                self.fields.push(field as u16);
            }
            if values.len() > NAMES_MAX {
                continue;
            }
            if key == CATEGORY_TREE {
                self.categories = Some((field as u16, language));
            }
            for value in new.map(|value| value as u32) {
                let text = values.text(value);
                let name = if key == CATEGORY_TREE {
                    text.rsplit('>').next().unwrap_or(text)
                } else {
                    text
                };
                tokens.read(name);
                let own = tokens.all().iter().filter(|token| !token.is_extra);
                let words: Vec<&str> = own.map(|token| tokens.text(token)).collect();
                if !words.is_empty() {
                    let name = words.join(" ");
                    let name = if key == CATEGORY_TREE { stems(language, &name) } else { name };
                    self.of.entry((field as u16, name)).or_default().push(value);
                }
            }
        }
    }

    /// The fields whose values are names.
    pub(crate) fn fields(&self) -> &[u16] {
        &self.fields
    }

    /// The values of a field with a name; categories in whichever number it is.
    pub(crate) fn find(&self, field: u16, name: &str) -> &[u32] {
        let language = self.categories.filter(|(categories, _)| *categories == field);
        let name = language.map_or_else(|| name.to_owned(), |(_, language)| stems(language, name));
        self.of.get(&(field, name)).map_or(&[], Vec::as_slice)
    }
}

fn stems(language: Language, name: &str) -> String {
    name.split(' ').map(|word| language.stem(word)).collect::<Vec<_>>().join(" ")
}
