//! What of a request was passed over, said to whoever asked.

use souk_core::{Currency, Field, Filter};

use crate::document::CATEGORY_TREE;
use crate::index::SearchIndex;
use crate::spelling::typos;

/// Something of a request that was passed over, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Note {
    /// The filter asks for a field that no product has.
    #[error("no product has a field `{field}`, which the filter asks for{}", meant(nearest))]
    UnknownField {
        /// Its name.
        field: String,
        /// The field that was probably meant.
        nearest: Option<String>,
    },
    /// A price in the words is in another currency than prices are.
    #[error("`{words}` is no limit, for prices here are in {own} and not in {named}")]
    OtherCurrency {
        /// The words.
        words: String,
        /// The currency that they name.
        named: &'static str,
        /// The currency of prices.
        own: Currency,
    },
}

fn meant(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|nearest| format!("; `{nearest}` is one")).unwrap_or_default()
}

/// Typing errors in the name of a field; chosen.
const TYPOS_MAX: u8 = 2;

impl SearchIndex {
    /// Attributes that a filter asks for and no product has. A product's own fields are known whether or not any has
    /// them.
    pub fn unknown_fields(&self, filter: &Filter) -> Vec<Note> {
        let mut notes = Vec::new();
        for field in filter.fields() {
            let Field::Attribute(name) = field else { continue };
            if self.has_field(name) || self.has_field(&format!("attributes.{name}")) {
                continue;
            }
            let note =
                Note::UnknownField { field: name.to_string(), nearest: self.nearest_field(name) };
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        notes
    }

    /// The field of products whose name is most like this one.
    fn nearest_field(&self, name: &str) -> Option<String> {
        let typed: Vec<char> = name.to_lowercase().chars().collect();
        let fields = &self.lexicon.fields;
        let keys = (0..fields.len() as u32).map(|number| fields.text(number));
        let own = keys.filter(|key| *key != CATEGORY_TREE);
        let names = own.map(|key| key.strip_prefix("attributes.").unwrap_or(key));
        // Titles stand in no column.
        let near = names.chain(["title"]).filter_map(|known| {
            let typos = typos(&typed, &known.to_lowercase(), TYPOS_MAX)?;
            Some((typos, known))
        });
        near.min().map(|(_, known)| known.to_owned())
    }
}

#[cfg(test)]
mod tests;
