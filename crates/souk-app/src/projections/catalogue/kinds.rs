//! Kinds of products: the paths of their categories as a tree of numbers, so that asking whether a
//! product is of a kind reads two numbers and compares no text.

use std::collections::BTreeSet;

use souk_recommend::Item;

use crate::names::Names;

/// What stands between the levels of a category.
const LEVEL: &str = " > ";
/// No kind: a product without a category, a kind without one above it.
const NONE: u32 = u32::MAX;

/// A category, with everything below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Kind(u32);

/// The kinds that products have, and which product has which.
#[derive(Debug, Default)]
pub(crate) struct Kinds {
    /// Whole paths from the top.
    paths: Names,
    /// By kind: the one above it.
    above: Vec<u32>,
    /// By kind: those right below it.
    below: Vec<Vec<u32>>,
    /// By kind: the products that have just it.
    members: Vec<BTreeSet<Item>>,
    /// By item number.
    of_item: Vec<u32>,
}

impl Kinds {
    /// The product's own kind: the whole path of its first category.
    pub(crate) fn of(&self, item: Item) -> Option<Kind> {
        self.of_item.get(item.0 as usize).and_then(|&kind| known(kind))
    }

    /// The kind that this one is part of.
    pub(crate) fn above(&self, kind: Kind) -> Option<Kind> {
        known(self.above[kind.0 as usize])
    }

    /// Whether a product is of this kind or of one below it.
    pub(crate) fn is_of(&self, item: Item, kind: Kind) -> bool {
        std::iter::successors(self.of(item), |&own| self.above(own)).any(|own| own == kind)
    }

    /// The products of this kind and of those below it, its own first.
    pub(crate) fn members(&self, kind: Kind) -> impl Iterator<Item = Item> + '_ {
        let mut open = vec![kind.0];
        let kinds = std::iter::from_fn(move || {
            let next = open.pop()? as usize;
            open.extend(self.below[next].iter().rev());
            Some(next)
        });
        kinds.flat_map(move |kind| self.members[kind].iter().copied())
    }

    /// How many levels of categories two products share, from the top.
    pub(crate) fn n_common(&self, a: Item, b: Item) -> usize {
        let all = std::iter::successors(self.of(a), |&own| self.above(own));
        all.filter(|&kind| self.is_of(b, kind)).count()
    }

    /// What the kind is called, without what stands above it.
    pub(crate) fn name(&self, kind: Kind) -> &str {
        let path = self.paths.text(kind.0);
        path.rsplit(LEVEL).next().unwrap_or(path)
    }

    /// The whole path of a kind.
    pub(crate) fn path(&self, kind: Kind) -> &str {
        self.paths.text(kind.0)
    }

    /// Gives a product the kind of this path, or none.
    pub(crate) fn set(&mut self, item: Item, path: Option<&str>) {
        let kind = path.map_or(NONE, |path| self.intern(path));
        let place = item.0 as usize;
        if self.of_item.len() <= place {
            self.of_item.resize(place + 1, NONE);
        }
        let before = std::mem::replace(&mut self.of_item[place], kind);
        if before == kind {
            return;
        }
        if before != NONE {
            self.members[before as usize].remove(&item);
        }
        if kind != NONE {
            self.members[kind as usize].insert(item);
        }
    }

    /// Memory held, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        const PATH_BYTES: usize = 128;
        // A number by item, and the item in a set that is mostly two thirds full.
        let of_items = self.of_item.capacity() * (4 + 6);
        of_items + 8 * self.above.capacity() + self.paths.len() * PATH_BYTES
    }

    fn intern(&mut self, path: &str) -> u32 {
        if let Some(kind) = self.paths.find(path) {
            return kind;
        }
        let above = path.rfind(LEVEL).map_or(NONE, |end| self.intern(&path[..end]));
        let kind = self.paths.intern(path);
        self.above.push(above);
        self.below.push(Vec::new());
        self.members.push(BTreeSet::new());
        if above != NONE {
            self.below[above as usize].push(kind);
        }
        kind
    }
}

fn known(kind: u32) -> Option<Kind> {
    (kind != NONE).then_some(Kind(kind))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_product_is_of_its_kind_and_of_all_above() {
        let mut kinds = Kinds::default();
        kinds.set(Item(3), Some("Dairy > Milk > Oat"));
        kinds.set(Item(1), Some("Dairy > Milk"));
        kinds.set(Item(2), Some("Dairy > Milkshake"));
        let milk = kinds.of(Item(1)).unwrap();
        assert_eq!(kinds.name(milk), "Milk");
        assert!(kinds.is_of(Item(3), milk) && kinds.is_of(Item(1), milk));
        assert!(!kinds.is_of(Item(2), milk) && !kinds.is_of(Item(0), milk));
        let dairy = kinds.above(milk).unwrap();
        assert_eq!((kinds.name(dairy), kinds.above(dairy)), ("Dairy", None));
        assert!([1, 2, 3].iter().all(|&item| kinds.is_of(Item(item), dairy)));
        assert_eq!([kinds.of(Item(0)), kinds.of(Item(9))], [None, None]);
        let common = [1, 2, 3, 9].map(|other| kinds.n_common(Item(3), Item(other)));
        assert_eq!(common, [2, 1, 3, 0]);
        let members = |kinds: &Kinds, kind| kinds.members(kind).collect::<Vec<_>>();
        assert_eq!(members(&kinds, milk), [1, 3].map(Item));
        assert_eq!(members(&kinds, dairy), [1, 3, 2].map(Item));
        kinds.set(Item(1), None);
        assert!(!kinds.is_of(Item(1), milk));
        assert_eq!(members(&kinds, milk), [Item(3)]);
        kinds.set(Item(3), Some("Drinks"));
        assert_eq!(members(&kinds, dairy), [Item(2)]);
    }
}
