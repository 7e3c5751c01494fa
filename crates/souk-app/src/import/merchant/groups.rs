//! Items that are one product: what they share becomes the product's, what sets them apart the variants'.

use rustc_hash::FxHashMap;
use souk_core::{AttributeValue, Availability, Product, ProductId};

use super::fault;
use super::product::{VARIED, variant};
use crate::import::orders::Fault;

/// Groups under collection, in the order of their first items.
#[derive(Default)]
pub(super) struct Groups {
    open: Vec<Group>,
    places: FxHashMap<ProductId, usize>,
    n_bytes: usize,
}

struct Group {
    /// Where its first item stands.
    line: u64,
    product: Product,
    /// How many bytes of the title all items begin with.
    shared_title: usize,
}

impl Groups {
    /// About how much memory they take.
    pub(super) fn bytes(&self) -> usize {
        self.n_bytes
    }

    /// Adds an item to its group.
    pub(super) fn add(
        &mut self,
        line: u64,
        (group, mut product): (ProductId, Product),
    ) -> Result<(), Fault> {
        let variant = variant(&mut product)?;
        self.n_bytes += 200 + variant.id.as_str().len();
        let Some(place) = self.places.get(&group) else {
            self.n_bytes += 1_000 + product.description.as_ref().map_or(0, String::len);
            let shared_title = product.title.len();
            product.id = group.clone();
            product.variants.push(variant);
            self.places.insert(group, self.open.len());
            self.open.push(Group { line, product, shared_title });
            return Ok(());
        };
        let open = &mut self.open[*place];
        if open.product.variants.iter().any(|known| known.id == variant.id) {
            return Err(fault("id", "stands twice in its group; keep one"));
        }
        if open.product.variants.len() == Product::LIST_MAX {
            let most = Product::LIST_MAX;
            return Err(fault(
                "item_group_id",
                format!("has over {most} items; the limit is {most}"),
            ));
        }
        open.shared_title = shared(&open.product.title[..open.shared_title], &product.title);
        for url in product.image_urls {
            if open.product.image_urls.len() < Product::LIST_MAX
                && !open.product.image_urls.contains(&url)
            {
                open.product.image_urls.push(url);
            }
        }
        for (name, value) in product.attributes {
            if open.product.attributes.len() < Product::ATTRIBUTES_MAX {
                open.product.attributes.entry(name).or_insert(value);
            }
        }
        open.product.variants.push(variant);
        Ok(())
    }

    /// The products, each with the line of its first item.
    pub(super) fn finish(self) -> impl Iterator<Item = (u64, Product)> {
        self.open.into_iter().map(|mut group| {
            settle(&mut group);
            (group.line, group.product)
        })
    }
}

/// Bytes of the beginning that two titles share, up to the end of a word.
fn shared(left: &str, right: &str) -> usize {
    let pairs = left.char_indices().zip(right.chars());
    let differing = pairs.into_iter().find(|((_, left), right)| left != right);
    let end = differing.map_or(left.len().min(right.len()), |((at, _), _)| at);
    let is_end = |text: &str| text[end..].chars().next().is_none_or(|next| !next.is_alphanumeric());
    if is_end(left) && is_end(right) {
        return end;
    }
    left[..end].rfind(|letter: char| !letter.is_alphanumeric()).unwrap_or(0)
}

fn settle(group: &mut Group) {
    let product = &mut group.product;
    let title = product.title[..group.shared_title].trim_end_matches(|letter: char| {
        letter.is_whitespace()
            || matches!(letter, '-' | '–' | '—' | '|' | ',' | ':' | '/' | '(' | '[')
    });
    // What is left of titles that begin alike by chance would name nothing.
    if title.split_whitespace().nth(1).is_some() {
        product.title = title.to_owned();
    }
    let variants = &mut product.variants;
    // What every item says alike is the product's own.
    for name in VARIED.iter().chain(&["mpn", "gtin"]) {
        let first = variants[0].attributes.get(*name).cloned();
        if let Some(value) = first
            && variants.iter().all(|one| one.attributes.get(*name) == Some(&value))
            && product.attributes.len() < Product::ATTRIBUTES_MAX
        {
            variants.iter_mut().for_each(|one| {
                one.attributes.remove(*name);
            });
            match (*name, value) {
                ("gtin", AttributeValue::Text(gtin)) => product.gtin = Some(gtin),
                (name, value) => {
                    product.attributes.insert(name.to_owned(), value);
                }
            }
        }
    }
    for one in variants.iter_mut() {
        let values = VARIED.iter().filter_map(|name| Some(word(one.attributes.get(*name)?)));
        let values: Vec<String> = values.collect();
        one.title = (!values.is_empty()).then(|| values.join(" / "));
    }
    let states = |state| move |one: &souk_core::Variant| one.availability == state;
    let wanted = [Availability::InStock, Availability::Preorder, Availability::OutOfStock];
    let best = wanted.into_iter().find(|state| variants.iter().any(states(*state)));
    product.availability = best.unwrap_or(Availability::Discontinued);
    // A price that is the product's own need not be told again.
    let price = product.price;
    variants.iter_mut().filter(|one| one.price == price).for_each(|one| one.price = None);
}

fn word(value: &AttributeValue) -> String {
    match value {
        AttributeValue::Text(text) => text.clone(),
        AttributeValue::Number(number) => number.to_string(),
        AttributeValue::Texts(texts) => texts.join("/"),
    }
}
