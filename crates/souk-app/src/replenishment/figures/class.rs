//! Classes of products: by their share of the money, and by how steady they are wanted.

use souk_inventory::measures::{Steadiness, Worth};

/// The class of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StockClass {
    /// By its share of the place's revenue.
    pub worth: Worth,
    /// By how its weeks vary.
    pub steadiness: Steadiness,
}

const WORTHS: [(Worth, &str); 3] = [(Worth::A, "A"), (Worth::B, "B"), (Worth::C, "C")];
const STEADINESSES: [(Steadiness, &str); 3] =
    [(Steadiness::X, "X"), (Steadiness::Y, "Y"), (Steadiness::Z, "Z")];

impl StockClass {
    /// All of them, from AX to CZ.
    pub fn all() -> impl Iterator<Item = StockClass> {
        WORTHS.into_iter().flat_map(|(worth, _)| {
            STEADINESSES.map(|(steadiness, _)| StockClass { worth, steadiness })
        })
    }

    /// Its letters, such as `AX`.
    pub fn as_text(self) -> String {
        let [worth, steadiness] = self.letters();
        format!("{worth}{steadiness}")
    }

    /// Each letter by itself.
    pub(super) fn letters(self) -> [&'static str; 2] {
        let worth = WORTHS.iter().find(|(worth, _)| *worth == self.worth);
        let steadiness = STEADINESSES.iter().find(|(one, _)| *one == self.steadiness);
        [worth.map_or("", |(_, text)| text), steadiness.map_or("", |(_, text)| text)]
    }
}

/// Which classes are meant; what is left out is any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassFilter {
    worth: Option<Worth>,
    steadiness: Option<Steadiness>,
}

impl From<StockClass> for ClassFilter {
    fn from(class: StockClass) -> ClassFilter {
        ClassFilter { worth: Some(class.worth), steadiness: Some(class.steadiness) }
    }
}

impl ClassFilter {
    /// Reads `AX`, `A` or `X`; `None` for anything else.
    pub fn parse(text: &str) -> Option<ClassFilter> {
        let worth = WORTHS.iter().find(|(_, letter)| text.starts_with(letter));
        let rest = if worth.is_some() { &text[1..] } else { text };
        let steadiness = STEADINESSES.iter().find(|(_, letter)| rest == *letter);
        let is_known = !text.is_empty() && (rest.is_empty() || steadiness.is_some());
        is_known.then(|| ClassFilter {
            worth: worth.map(|(worth, _)| *worth),
            steadiness: steadiness.map(|(steadiness, _)| *steadiness),
        })
    }

    /// Whether a class is meant.
    pub fn has(self, class: StockClass) -> bool {
        self.worth.is_none_or(|worth| worth == class.worth)
            && self.steadiness.is_none_or(|steadiness| steadiness == class.steadiness)
    }
}
