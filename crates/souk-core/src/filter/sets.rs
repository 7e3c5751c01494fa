//! Filters on many things at once: an index asks once for each distinct value, not once for each thing.

use std::cmp::Ordering;

use super::{Expr, Field, FieldValue, Filter, Literal, Op, contains, equals, order, starts};

/// What a filter becomes when it is worked out on sets of things.
pub trait Sets {
    /// A set, or a plan of one.
    type Set;

    /// Things of which some value of `field` passes `test`.
    fn some_value(&mut self, field: &Field, test: &dyn Fn(FieldValue<'_>) -> bool) -> Self::Set;

    /// Things of which some value of `field` equals one of `texts`, which is what `test` says of a value. For an
    /// index that can ask for many texts at once: a [`FieldValue::Text`] equals one that differs in the case of
    /// ASCII letters alone.
    fn some_text(
        &mut self,
        field: &Field,
        texts: &[&str],
        test: &dyn Fn(FieldValue<'_>) -> bool,
    ) -> Self::Set {
        let _ = texts;
        self.some_value(field, test)
    }

    /// Things of which some value of `field` stands as `wanted` to what `order` compares it with; `order`
    /// is none for a value that has no order with that. For an index that keeps numbers sorted: numbers
    /// that rise never fall in this order, and the same is true of times.
    fn some_ordered(&mut self, field: &Field, by: &OrderTest<'_>) -> Self::Set {
        self.some_value(field, &|value| by.holds(value))
    }

    /// Things that are not in `set`.
    fn none_of(&mut self, set: Self::Set) -> Self::Set;

    /// Things that fulfil a filter about one field alone, where that field is no column; `None` where it is one, as
    /// in most. Equality with texts is left to [`Sets::some_text`].
    fn asked_alone(&mut self, field: &Field, filter: &dyn Fn() -> Filter) -> Option<Self::Set> {
        let _ = (field, filter);
        None
    }

    /// Things in every set.
    fn all_of(&mut self, sets: Vec<Self::Set>) -> Self::Set;

    /// Things in some set.
    fn any_of(&mut self, sets: Vec<Self::Set>) -> Self::Set;
}

/// A comparison of values with one literal: `< 50`, `>= '2026-01-01'`.
#[derive(Clone, Copy, Debug)]
pub struct OrderTest<'a> {
    literal: &'a Literal,
    wanted: fn(Ordering) -> bool,
}

impl OrderTest<'_> {
    /// How a value stands to the literal, if the two have an order.
    pub fn order(&self, value: FieldValue<'_>) -> Option<Ordering> {
        order(value, self.literal)
    }

    /// Whether the comparison holds for values that stand so to the literal.
    pub fn wants(&self, order: Ordering) -> bool {
        (self.wanted)(order)
    }

    /// Whether it holds for a value.
    pub fn holds(&self, value: FieldValue<'_>) -> bool {
        self.order(value).is_some_and(self.wanted)
    }
}

impl Filter {
    /// The set of the things that fulfil it: those for which [`Filter::matches`] holds.
    pub fn sets<S: Sets>(&self, sets: &mut S) -> S::Set {
        sets_of(&self.root, sets)
    }

    /// The conditions that must all hold; one, when nothing at the top is joined by `AND`.
    pub fn conditions(&self) -> Vec<Filter> {
        match &self.root {
            Expr::And(parts) => parts.iter().map(|part| Filter { root: part.clone() }).collect(),
            _ => vec![self.clone()],
        }
    }

    /// The fields that it names, without repetition.
    pub fn fields(&self) -> Vec<&Field> {
        let mut fields = Vec::new();
        fields_of(&self.root, &mut fields);
        fields
    }
}

fn fields_of<'a>(expr: &'a Expr, fields: &mut Vec<&'a Field>) {
    match expr {
        Expr::Compare(field, ..) | Expr::In(field, _) | Expr::Exists(field) => {
            if !fields.contains(&field) {
                fields.push(field);
            }
        }
        Expr::Not(inner) => fields_of(inner, fields),
        Expr::And(parts) | Expr::Or(parts) => {
            parts.iter().for_each(|part| fields_of(part, fields));
        }
    }
}

fn sets_of<S: Sets>(expr: &Expr, sets: &mut S) -> S::Set {
    if let Some((field, literals)) = equality(expr)
        && let Some(texts) = texts_of(literals)
    {
        return sets.some_text(field, &texts, &|value| equals_any(value, literals));
    }
    if let Expr::Compare(field, ..) | Expr::In(field, _) | Expr::Exists(field) = expr
        && let Some(set) = sets.asked_alone(field, &|| Filter { root: expr.clone() })
    {
        return set;
    }
    match expr {
        Expr::Compare(field, op, literal) => match op {
            Op::Eq => sets.some_value(field, &|value| equals(value, literal)),
            Op::Ne => {
                let equal = Expr::Compare(field.clone(), Op::Eq, literal.clone());
                let equal = sets_of(&equal, sets);
                sets.none_of(equal)
            }
            Op::Lt => some_ordered(sets, (field, literal), Ordering::is_lt),
            Op::Le => some_ordered(sets, (field, literal), Ordering::is_le),
            Op::Gt => some_ordered(sets, (field, literal), Ordering::is_gt),
            Op::Ge => some_ordered(sets, (field, literal), Ordering::is_ge),
            Op::Contains => sets.some_value(field, &|value| contains(value, literal)),
            Op::Starts => sets.some_value(field, &|value| starts(value, literal)),
        },
        Expr::In(field, literals) => sets.some_value(field, &|value| equals_any(value, literals)),
        Expr::Exists(field) => sets.some_value(field, &|_| true),
        Expr::Not(inner) => {
            let inner = sets_of(inner, sets);
            sets.none_of(inner)
        }
        Expr::And(parts) => {
            let parts = parts.iter().map(|part| sets_of(part, sets)).collect();
            sets.all_of(parts)
        }
        Expr::Or(parts) => {
            let parts = in_lists(parts).iter().map(|part| sets_of(part, sets)).collect();
            sets.any_of(parts)
        }
    }
}

/// The field and the literals of `a = 1` or `a IN [1, 2]`.
fn equality(expr: &Expr) -> Option<(&Field, &[Literal])> {
    match expr {
        Expr::Compare(field, Op::Eq, literal) => Some((field, std::slice::from_ref(literal))),
        Expr::In(field, literals) => Some((field, literals)),
        _ => None,
    }
}

fn equals_any(value: FieldValue<'_>, literals: &[Literal]) -> bool {
    literals.iter().any(|literal| equals(value, literal))
}

/// The literals' texts, if all are texts.
fn texts_of(literals: &[Literal]) -> Option<Vec<&str>> {
    let texts = literals.iter().map(|literal| match literal {
        Literal::Text { text, .. } => Some(&**text),
        Literal::Number(_) | Literal::Bool(_) => None,
    });
    texts.collect()
}

/// Alternatives with equalities of one field as one list: `a = 1 OR a = 2` is `a IN [1, 2]`.
fn in_lists(parts: &[Expr]) -> Vec<Expr> {
    let mut out: Vec<Expr> = Vec::with_capacity(parts.len());
    for part in parts {
        let Some((field, literals)) = equality(part) else {
            out.push(part.clone());
            continue;
        };
        let known = out.iter_mut().find_map(|known| match known {
            Expr::In(other, list) if other == field => Some(list),
            _ => None,
        });
        match known {
            Some(list) => list.extend_from_slice(literals),
            None => out.push(Expr::In(field.clone(), literals.to_vec())),
        }
    }
    out
}

fn some_ordered<S: Sets>(
    sets: &mut S,
    (field, literal): (&Field, &Literal),
    wanted: fn(Ordering) -> bool,
) -> S::Set {
    sets.some_ordered(field, &OrderTest { literal, wanted })
}
