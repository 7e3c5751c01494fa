#![allow(clippy::unwrap_used)]
use super::{Happening, Shop, ShopPlan};

fn shop(seed: u64) -> Shop {
    Shop::generate(ShopPlan { seed, products: 500, shoppers: 40 })
}

fn all(shop: &Shop) -> Vec<Happening> {
    (0..40).flat_map(|shopper| shop.happenings(shopper)).collect()
}

#[test]
fn one_seed_makes_one_shop() {
    let (a, b, c) = (shop(7), shop(7), shop(8));
    assert_eq!(a.products, b.products);
    assert_eq!(all(&a), all(&b));
    assert_ne!(all(&a), all(&c));
}

#[test]
fn products_are_valid_and_differ() {
    let shop = shop(1);
    let mut titles: Vec<&str> = shop.products.iter().map(|product| &*product.title).collect();
    shop.products.iter().for_each(|product| product.validate().unwrap());
    titles.sort_unstable();
    titles.dedup();
    assert!(titles.len() > 450, "only {} titles over 500 products", titles.len());
}

#[test]
fn shoppers_come_back_for_the_same_things() {
    let shop = shop(3);
    let orders = shop.happenings(5).into_iter().filter_map(|happening| match happening {
        Happening::Ordered { lines, .. } => Some(lines),
        Happening::Viewed { .. } => None,
    });
    let bought: Vec<u32> = orders.flatten().map(|(product, _)| product).collect();
    let mut distinct = bought.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert!(distinct.len() * 2 < bought.len(), "{} of {}", distinct.len(), bought.len());
}
