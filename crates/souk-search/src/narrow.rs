//! Filters as an index works them out: a comparison of numbers as a span of them, any other once for every
//! distinct value, then by the value's number.

use rustc_hash::FxHashSet;
use souk_core::filter::{OrderTest, Sets};
use souk_core::{Field, FieldValue, Fields, Filter, ProductId};

use crate::chunk::{Chunk, Place};
use crate::index::SearchIndex;
use crate::lexicon::field_key;
use crate::suggest::SuggestRequest;

/// A filter, ready to be asked about rows.
#[derive(Debug, Default)]
pub(crate) struct Narrow {
    conditions: Vec<Condition>,
}

/// One of the conditions that must all hold.
#[derive(Debug)]
struct Condition {
    node: Node,
    /// The field that it is about, if that is one alone.
    only: Option<String>,
}

#[derive(Debug)]
enum Node {
    /// Rows with one of these values of a field, as bits by the value's number.
    Values {
        field: u16,
        accepted: Vec<u64>,
    },
    /// Rows with a number of a field from the one to the other.
    Numbers {
        field: u16,
        least: f64,
        most: f64,
    },
    /// Rows whose id or title fulfils a filter: no columns, so each row in question is asked.
    Text(Field, Filter),
    /// These rows.
    Places(FxHashSet<Place>),
    Nothing,
    Not(Box<Node>),
    All(Vec<Node>),
    Any(Vec<Node>),
}

/// What a row fulfils.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All.
    Hit,
    /// All but conditions about the field of one facet: it counts there.
    HitButFor(usize),
    Miss,
}

impl Narrow {
    /// What fulfils all of `filters`, none of `without` and is none of `exclude`.
    pub(crate) fn new(
        filters: &[&Filter],
        (without, exclude): (&[Filter], &[ProductId]),
        index: &SearchIndex,
    ) -> Narrow {
        let mut narrow = Narrow::of(filters, index);
        let mut not = |node| {
            narrow.conditions.push(Condition { node: Node::Not(Box::new(node)), only: None });
        };
        without.iter().for_each(|filter| not(filter.sets(&mut Compiler(index))));
        if !exclude.is_empty() {
            let places = exclude.iter().filter_map(|id| index.place(id.as_str()));
            not(Node::Places(places.collect()));
        }
        narrow
    }

    /// What the shop does not hide from suggestions.
    pub(crate) fn of_hidden(request: &SuggestRequest<'_>, index: &SearchIndex) -> Narrow {
        Narrow::new(&[], (request.without, request.exclude), index)
    }

    fn of(filters: &[&Filter], index: &SearchIndex) -> Narrow {
        let conditions = filters.iter().flat_map(|filter| filter.conditions());
        let conditions = conditions
            .map(|condition| {
                let node = condition.sets(&mut Compiler(index));
                let fields = condition.fields();
                let only = match fields.as_slice() {
                    [field] => Some(field_key(field)),
                    _ => None,
                };
                Condition { node, only }
            })
            .collect();
        Narrow { conditions }
    }

    pub(crate) fn is_all(&self) -> bool {
        self.conditions.is_empty()
    }

    /// Which facet, if any, each condition is about alone; `keys` are the facets' fields.
    pub(crate) fn owners(&self, keys: &[String]) -> Vec<Option<usize>> {
        let owner = |condition: &Condition| {
            condition.only.as_ref().and_then(|only| keys.iter().position(|key| key == only))
        };
        self.conditions.iter().map(owner).collect()
    }

    /// What a row fulfils, given [`Narrow::owners`].
    #[inline]
    pub(crate) fn judge(
        &self,
        chunk: (&SearchIndex, (&Chunk, u32)),
        row: u16,
        owners: &[Option<usize>],
    ) -> Verdict {
        let mut verdict = Verdict::Hit;
        for (condition, owner) in self.conditions.iter().zip(owners) {
            if condition.node.holds(chunk, row) {
                continue;
            }
            verdict = match (verdict, owner) {
                (Verdict::Hit, Some(facet)) => Verdict::HitButFor(*facet),
                (Verdict::HitButFor(before), Some(facet)) if before == *facet => verdict,
                _ => return Verdict::Miss,
            };
        }
        verdict
    }
}

impl Node {
    fn holds(&self, (index, chunk): (&SearchIndex, (&Chunk, u32)), row: u16) -> bool {
        match self {
            Node::Numbers { field, least, most } => {
                let values = &index.lexicon.values[usize::from(*field)];
                let mut own = chunk.0.facts.of(row, *field);
                own.any(|value| (*least..=*most).contains(&values.number(value)))
            }
            Node::Values { field, accepted } => chunk
                .0
                .facts
                .of(row, *field)
                .any(|value| accepted[value as usize / 64] >> (value % 64) & 1 == 1),
            Node::Text(field, filter) => {
                let texts = if *field == Field::Id { &chunk.0.ids } else { &chunk.0.titles };
                filter.matches(&OneText(field, texts.get(u32::from(row))))
            }
            Node::Places(places) => places.contains(&Place { chunk: chunk.1, row }),
            Node::Nothing => false,
            Node::Not(inner) => !inner.holds((index, chunk), row),
            Node::All(parts) => parts.iter().all(|part| part.holds((index, chunk), row)),
            Node::Any(parts) => parts.iter().any(|part| part.holds((index, chunk), row)),
        }
    }
}

struct Compiler<'a>(&'a SearchIndex);

impl Sets for Compiler<'_> {
    type Set = Node;

    fn some_value(&mut self, field: &Field, test: &dyn Fn(FieldValue<'_>) -> bool) -> Node {
        let lexicon = &self.0.lexicon;
        let Some(field) = lexicon.field(&field_key(field)) else { return Node::Nothing };
        let values = &lexicon.values[usize::from(field)];
        let mut accepted = vec![0u64; values.len().div_ceil(64)];
        for value in 0..values.len() as u32 {
            if test(values.get(value)) {
                accepted[value as usize / 64] |= 1 << (value % 64);
            }
        }
        Node::Values { field, accepted }
    }

    fn some_ordered(&mut self, field: &Field, by: &OrderTest<'_>) -> Node {
        let lexicon = &self.0.lexicon;
        let number = lexicon.field(&field_key(field));
        let span = number.map(|number| (number, lexicon.values[usize::from(number)].span(by)));
        match span {
            Some((field, Ok(Some((least, most))))) => Node::Numbers { field, least, most },
            Some((_, Ok(None))) => Node::Nothing,
            _ => self.some_value(field, &|value| by.holds(value)),
        }
    }

    fn asked_alone(&mut self, field: &Field, filter: &dyn Fn() -> Filter) -> Option<Node> {
        let is_column = !matches!(field, Field::Id | Field::Title);
        (!is_column).then(|| Node::Text(field.clone(), filter()))
    }

    fn none_of(&mut self, set: Node) -> Node {
        Node::Not(Box::new(set))
    }

    fn all_of(&mut self, sets: Vec<Node>) -> Node {
        Node::All(sets)
    }

    fn any_of(&mut self, sets: Vec<Node>) -> Node {
        Node::Any(sets)
    }
}

/// A product of which one field alone is known.
struct OneText<'a>(&'a Field, &'a str);

impl Fields for OneText<'_> {
    fn any_value(&self, field: &Field, test: &mut dyn FnMut(FieldValue<'_>) -> bool) -> bool {
        field == self.0 && test(FieldValue::Text(self.1))
    }
}
