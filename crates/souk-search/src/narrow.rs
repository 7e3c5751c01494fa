//! Filters as an index works them out: a comparison of numbers as a span of them, any other once for every
//! distinct value, then by the value's number.

use rustc_hash::FxHashSet;
use souk_core::filter::{OrderTest, Sets};
use souk_core::{Field, FieldValue, Fields, Filter, ProductId};

use crate::chunk::{Chunk, Column, FieldFacts, Place};
use crate::distance::{ChunkDistances, Distances, square_of_radius};
use crate::index::SearchIndex;
use crate::lexicon::{Term, Texts, Values, field_key};
use crate::query::Unwanted;
use crate::request::Around;
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
    /// Rows with one of these terms in their texts.
    Words(Vec<Term>),
    /// Rows with a value of a field that passes.
    Field(u16, Test),
    /// Rows whose id or title fulfils a filter: no columns, so each row in question is asked.
    Text(Field, Filter),
    /// Rows whose id or title is one of these texts.
    Texts(Field, TextSet),
    /// These rows.
    Places(FxHashSet<Place>),
    /// Rows that are no farther off than a way of this [square](crate::distance::square_of_km).
    Near(Around, f64),
    Nothing,
    Not(Box<Node>),
    All(Vec<Node>),
    Any(Vec<Node>),
}

/// What a row's values of one field are asked.
#[derive(Debug)]
enum Test {
    /// Whether one of these is among them, as bits by the value's number.
    Values(Vec<u64>),
    /// Whether a number from the one to the other is among them.
    Numbers(f64, f64),
    Not(Box<Test>),
    All(Vec<Test>),
    Any(Vec<Test>),
}

impl Test {
    fn holds(&self, own: &[u32], values: &Values) -> bool {
        match self {
            Test::Values(accepted) => own.iter().any(|value| has_bit(accepted, *value as usize)),
            Test::Numbers(least, most) => {
                own.iter().any(|value| (*least..=*most).contains(&values.number(*value)))
            }
            Test::Not(inner) => !inner.holds(own, values),
            Test::All(parts) => parts.iter().all(|part| part.holds(own, values)),
            Test::Any(parts) => parts.iter().any(|part| part.holds(own, values)),
        }
    }
}

fn has_bit(bits: &[u64], place: usize) -> bool {
    bits[place / 64] >> (place % 64) & 1 == 1
}

/// Texts of which one is asked for, whatever the case of ASCII letters.
#[derive(Debug, Default)]
struct TextSet {
    lowered: FxHashSet<String>,
    /// Their lengths in bytes, as bits; longer ones share the last.
    lengths: u128,
}

impl TextSet {
    fn new(texts: &[&str]) -> TextSet {
        let lowered = texts.iter().map(|text| text.to_ascii_lowercase()).collect();
        let lengths = texts.iter().fold(0, |bits, text| bits | TextSet::length(text));
        TextSet { lowered, lengths }
    }

    fn length(text: &str) -> u128 {
        1 << text.len().min(127)
    }

    fn has(&self, text: &str, buffer: &mut String) -> bool {
        if self.lengths & TextSet::length(text) == 0 {
            return false;
        }
        buffer.clear();
        buffer.push_str(text);
        buffer.make_ascii_lowercase();
        self.lowered.contains(buffer.as_str())
    }
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
            let node = Compiler(index).none_of(node);
            narrow.conditions.push(Condition { node, only: None });
        };
        without.iter().for_each(|filter| not(filter.sets(&mut Compiler(index))));
        if !exclude.is_empty() {
            let places = exclude.iter().filter_map(|id| index.place(id.as_str()));
            not(Node::Places(places.collect()));
        }
        narrow
    }

    /// The same, and with no group of words that is not wanted.
    pub(crate) fn and_without(mut self, unwanted: &Unwanted) -> Narrow {
        for group in unwanted {
            let all = group.iter().map(|terms| Node::Words(terms.clone())).collect();
            let node = Node::Not(Box::new(Node::All(all)));
            self.conditions.push(Condition { node, only: None });
        }
        self
    }

    /// The same, and no farther off than is asked for. It comes last, because it costs most.
    pub(crate) fn and_around(mut self, around: Option<&Around>) -> Narrow {
        if let Some((around, radius)) = around.and_then(|of| Some((of, of.radius_km?))) {
            let node = Node::Near(around.clone(), square_of_radius(radius));
            self.conditions.push(Condition { node, only: None });
        }
        self
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

    /// The rows of a chunk that alone can fulfil it, rising, where that is known without asking each.
    pub(crate) fn only_rows(&self, index: &SearchIndex, chunk: &Chunk) -> Option<Vec<u16>> {
        self.conditions.iter().find_map(|condition| match &condition.node {
            Node::Near(around, square_max) => {
                Distances::new(index, around).within(chunk).rows_within(*square_max)
            }
            _ => None,
        })
    }

    /// Which facet, if any, each condition is about alone; `keys` are the facets' fields.
    pub(crate) fn owners(&self, keys: &[String]) -> Vec<Option<usize>> {
        let owner = |condition: &Condition| {
            condition.only.as_ref().and_then(|only| keys.iter().position(|key| key == only))
        };
        self.conditions.iter().map(owner).collect()
    }

    /// The conditions for the rows of one chunk, of which about `n_rows` will be judged.
    pub(crate) fn within<'a>(
        &'a self,
        index: &'a SearchIndex,
        chunk: (&'a Chunk, u32),
        n_rows: usize,
    ) -> Judge<'a> {
        let about = About { index, chunk, n_rows };
        let conditions = self.conditions.iter();
        Judge {
            conditions: conditions.map(|condition| about.bind(&condition.node)).collect(),
            buffer: String::new(),
        }
    }
}

/// A [`Narrow`] for the rows of one chunk.
#[derive(Debug)]
pub(crate) struct Judge<'a> {
    conditions: Vec<Bound<'a>>,
    buffer: String,
}

impl Judge<'_> {
    /// What a row fulfils, given [`Narrow::owners`].
    #[inline]
    pub(crate) fn verdict(&mut self, row: u16, owners: &[Option<usize>]) -> Verdict {
        let mut verdict = Verdict::Hit;
        for (condition, owner) in self.conditions.iter().zip(owners) {
            if condition.holds(row, &mut self.buffer) {
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

/// A [`Node`] for the rows of one chunk.
#[derive(Debug)]
enum Bound<'a> {
    /// Rising rows of each term.
    Words(Vec<&'a [u16]>),
    /// A test asked once for each list of values, as bits by the list's code; and what it says of rows that the
    /// column does not know.
    Codes {
        column: &'a Column,
        accepted: Vec<u64>,
        without: bool,
    },
    Field {
        facts: FieldFacts<'a>,
        values: &'a Values,
        test: &'a Test,
    },
    Text {
        field: &'a Field,
        texts: &'a Texts,
        filter: &'a Filter,
    },
    Texts {
        texts: &'a Texts,
        wanted: &'a TextSet,
    },
    Places {
        places: &'a FxHashSet<Place>,
        chunk: u32,
    },
    Near(ChunkDistances<'a>, f64),
    Nothing,
    Not(Box<Bound<'a>>),
    All(Vec<Bound<'a>>),
    Any(Vec<Bound<'a>>),
}

/// The rows that nodes are bound to.
struct About<'a> {
    index: &'a SearchIndex,
    chunk: (&'a Chunk, u32),
    n_rows: usize,
}

impl<'a> About<'a> {
    fn bind(&self, node: &'a Node) -> Bound<'a> {
        let each = |parts: &'a [Node]| parts.iter().map(|part| self.bind(part)).collect();
        match node {
            Node::Words(terms) => {
                let lists = terms.iter().filter_map(|term| self.chunk.0.list(*term));
                Bound::Words(lists.map(|list| list.rows).collect())
            }
            Node::Field(field, test) => self.bind_field(*field, test),
            Node::Text(field, filter) => Bound::Text { field, texts: self.texts(field), filter },
            Node::Texts(field, wanted) => Bound::Texts { texts: self.texts(field), wanted },
            Node::Places(places) => Bound::Places { places, chunk: self.chunk.1 },
            Node::Near(around, square_max) => {
                let distances = Distances::new(self.index, around);
                Bound::Near(distances.within(self.chunk.0), *square_max)
            }
            Node::Nothing => Bound::Nothing,
            Node::Not(inner) => Bound::Not(Box::new(self.bind(inner))),
            Node::All(parts) => Bound::All(each(parts)),
            Node::Any(parts) => Bound::Any(each(parts)),
        }
    }

    fn bind_field(&self, field: u16, test: &'a Test) -> Bound<'a> {
        let values = &self.index.lexicon.values[usize::from(field)];
        let facts = self.chunk.0.facts.field(field);
        match facts {
            FieldFacts::Sealed(column) if column.n_lists() <= self.n_rows => {
                let mut accepted = vec![0u64; column.n_lists().div_ceil(64)];
                for code in 0..column.n_lists() {
                    if test.holds(column.lists.get(code as u16), values) {
                        accepted[code / 64] |= 1 << (code % 64);
                    }
                }
                Bound::Codes { column, accepted, without: test.holds(&[], values) }
            }
            facts => Bound::Field { facts, values, test },
        }
    }

    fn texts(&self, field: &Field) -> &'a Texts {
        if *field == Field::Id { &self.chunk.0.ids } else { &self.chunk.0.titles }
    }
}

impl Bound<'_> {
    fn holds(&self, row: u16, buffer: &mut String) -> bool {
        match self {
            Bound::Words(lists) => lists.iter().any(|rows| rows.binary_search(&row).is_ok()),
            Bound::Codes { column, accepted, without } => {
                column.code(row).map_or(*without, |code| has_bit(accepted, usize::from(code)))
            }
            Bound::Field { facts, values, test } => test.holds(facts.get(row), values),
            Bound::Text { field, texts, filter } => {
                filter.matches(&OneText(field, texts.get(u32::from(row))))
            }
            Bound::Texts { texts, wanted } => wanted.has(texts.get(u32::from(row)), buffer),
            Bound::Places { places, chunk } => places.contains(&Place { chunk: *chunk, row }),
            Bound::Near(distances, square_max) => distances.is_within(row, *square_max),
            Bound::Nothing => false,
            Bound::Not(inner) => !inner.holds(row, buffer),
            Bound::All(parts) => parts.iter().all(|part| part.holds(row, buffer)),
            Bound::Any(parts) => parts.iter().any(|part| part.holds(row, buffer)),
        }
    }
}

/// Joins tests of one field, so that each list of values is asked all of them at once, where that changes
/// nothing: `join` says how.
fn by_field(nodes: Vec<Node>, join: fn(Vec<Test>) -> Test) -> Vec<Node> {
    let mut tests: Vec<(u16, Vec<Test>)> = Vec::new();
    let mut others = Vec::new();
    for node in nodes {
        match node {
            Node::Field(field, test) => match tests.iter_mut().find(|(known, _)| *known == field) {
                Some((_, tests)) => tests.push(test),
                None => tests.push((field, vec![test])),
            },
            other => others.push(other),
        }
    }
    let joined = tests.into_iter().map(|(field, mut tests)| match tests.len() {
        1 => Node::Field(field, tests.remove(0)),
        _ => Node::Field(field, join(tests)),
    });
    joined.chain(others).collect()
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
        Node::Field(field, Test::Values(accepted))
    }

    fn some_text(
        &mut self,
        field: &Field,
        texts: &[&str],
        test: &dyn Fn(FieldValue<'_>) -> bool,
    ) -> Node {
        let wanted = TextSet::new(texts);
        if matches!(field, Field::Id | Field::Title) {
            return Node::Texts(field.clone(), wanted);
        }
        let buffer = std::cell::RefCell::new(String::new());
        self.some_value(field, &|value| match value {
            FieldValue::Text(text) => wanted.has(text, &mut buffer.borrow_mut()),
            other => test(other),
        })
    }

    fn some_ordered(&mut self, field: &Field, by: &OrderTest<'_>) -> Node {
        let lexicon = &self.0.lexicon;
        let number = lexicon.field(&field_key(field));
        let span = number.map(|number| (number, lexicon.values[usize::from(number)].span(by)));
        match span {
            Some((field, Ok(Some((least, most))))) => {
                Node::Field(field, Test::Numbers(least, most))
            }
            Some((_, Ok(None))) => Node::Nothing,
            _ => self.some_value(field, &|value| by.holds(value)),
        }
    }

    fn asked_alone(&mut self, field: &Field, filter: &dyn Fn() -> Filter) -> Option<Node> {
        let is_column = !matches!(field, Field::Id | Field::Title);
        (!is_column).then(|| Node::Text(field.clone(), filter()))
    }

    fn none_of(&mut self, set: Node) -> Node {
        match set {
            Node::Field(field, test) => Node::Field(field, Test::Not(Box::new(test))),
            other => Node::Not(Box::new(other)),
        }
    }

    fn all_of(&mut self, sets: Vec<Node>) -> Node {
        Node::All(by_field(sets, Test::All))
    }

    fn any_of(&mut self, sets: Vec<Node>) -> Node {
        Node::Any(by_field(sets, Test::Any))
    }
}

/// A product of which one field alone is known.
struct OneText<'a>(&'a Field, &'a str);

impl Fields for OneText<'_> {
    fn any_value(&self, field: &Field, test: &mut dyn FnMut(FieldValue<'_>) -> bool) -> bool {
        field == self.0 && test(FieldValue::Text(self.1))
    }
}
