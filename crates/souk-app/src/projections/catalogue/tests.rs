#![allow(clippy::unwrap_used)]

use souk_core::{Availability, Currency, Day, Money, Quantity, StockMovement, Unit};

use super::*;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_ms(1_700_000_000_000 + minute * 60_000).unwrap()
}

fn id(text: &str) -> ProductId {
    ProductId::new(text).unwrap()
}

fn place(text: &str) -> LocationId {
    LocationId::new(text).unwrap()
}

fn with(products: &[(&str, &str)]) -> Catalogue {
    let mut catalogue = Catalogue::default();
    for (minute, (product, title)) in products.iter().enumerate() {
        catalogue.put(Product::new(id(product), SiteId::main(), *title), at(minute as i64));
    }
    catalogue
}

fn change(movement: StockMovement, location: &str, pieces: i64) -> StockChange {
    StockChange {
        movement,
        product: id("a"),
        variant: None,
        location: place(location),
        to: None,
        quantity: Quantity::from_milli(pieces * 1_000, Unit::Each).unwrap(),
        lot: None,
        expires_on: None,
    }
}

/// Stock of product `a` in pieces, here and in total, and whether it is served here.
fn state(catalogue: &Catalogue, location: &str) -> (Option<i64>, Option<i64>, bool) {
    let item = catalogue.item(&SiteId::main(), &id("a")).unwrap();
    let pieces = |milli: i64| milli / 1_000;
    let here = place(location);
    (
        catalogue.stock_milli(item, Some(&here)).map(pieces),
        catalogue.stock_milli(item, None).map(pieces),
        catalogue.is_servable(item, Some(&here)),
    )
}

#[test]
fn stock_follows_counts_and_movements() {
    use StockMovement::{Counted, Moved, Received, WrittenOff};
    let mut catalogue = with(&[("a", "A"), ("b", "B")]);
    assert_eq!(state(&catalogue, "x"), (None, None, true), "never counted");
    let steps = [
        // What left an unknown place says nothing of what is still there.
        (change(WrittenOff, "x", 3), 1, (None, None, true)),
        (change(Counted, "x", 5), 10, (Some(5), Some(5), true)),
        (change(WrittenOff, "x", 5), 11, (Some(0), Some(0), false)),
        // Both were before the last count, which has seen them.
        (change(Received, "x", 9), 9, (Some(0), Some(0), false)),
        (change(Counted, "x", 9), 9, (Some(0), Some(0), false)),
        (change(Received, "x", 2), 12, (Some(2), Some(2), true)),
        (change(Counted, "x", 0), 13, (Some(0), Some(0), false)),
        // A place that was never counted knows what it received; another shop's stock is not here.
        (change(Received, "y", 4), 14, (Some(0), Some(4), false)),
    ];
    for (step, minute, expected) in steps {
        catalogue.change_stock(0, &step, at(minute));
        assert_eq!(state(&catalogue, "x"), expected, "{step:?} at {minute}");
    }
    assert_eq!(state(&catalogue, "z"), (None, Some(4), true), "total stock serves unknown places");
    let moved = StockChange { to: Some(place("x")), ..change(Moved, "y", 3) };
    catalogue.change_stock(0, &moved, at(20));
    assert_eq!(state(&catalogue, "x"), (Some(3), Some(4), true));
    assert_eq!(state(&catalogue, "y"), (Some(1), Some(4), true));
    let other = catalogue.item(&SiteId::main(), &id("b")).unwrap();
    assert!(catalogue.is_servable(other, Some(&place("x"))), "b was never counted");
}

#[test]
fn lots_add_up_and_a_count_of_the_place_replaces_them() {
    use StockMovement::{Counted, Received};
    let mut catalogue = with(&[("a", "A")]);
    let lot = |name: &str, step: StockChange| StockChange { lot: Some(name.into()), ..step };
    catalogue.change_stock(0, &lot("one", change(Counted, "x", 5)), at(1));
    catalogue.change_stock(0, &lot("two", change(Received, "x", 3)), at(2));
    assert_eq!(state(&catalogue, "x").0, Some(8));
    catalogue.change_stock(0, &lot("one", change(Counted, "x", 1)), at(3));
    assert_eq!(state(&catalogue, "x").0, Some(4));
    catalogue.change_stock(0, &change(Counted, "x", 2), at(4));
    assert_eq!(state(&catalogue, "x").0, Some(2));
    // The count of the whole place has seen what the lot received before it.
    catalogue.change_stock(0, &lot("two", change(Received, "x", 3)), at(2));
    assert_eq!(state(&catalogue, "x").0, Some(2));
}

#[test]
fn a_count_of_lots_says_which_of_the_counted_units_they_are() {
    use StockMovement::{Counted, Received, WrittenOff};
    let lot = |name: &str, step: StockChange| StockChange { lot: Some(name.into()), ..step };
    let rows = |steps: &[(StockChange, i64)]| {
        let mut catalogue = with(&[("a", "A")]);
        for (step, minute) in steps {
            catalogue.change_stock(0, step, at(*minute));
        }
        let item = catalogue.item(&SiteId::main(), &id("a")).unwrap();
        let last_day =
            |row: &StockRow| row.lot.as_deref().map(|lot| Day::from_number(lot.len() as i32));
        let rows = catalogue.stock().split(item, last_day).into_iter();
        let mut rows: Vec<(Option<String>, i64)> =
            rows.map(|row| (row.lot.as_deref().map(str::to_owned), row.milli / 1_000)).collect();
        let sum: i64 = rows.iter().map(|row| row.1).sum();
        assert_eq!(catalogue.stock().at(item, 0), Some(sum * 1_000));
        rows.sort();
        rows
    };
    let row = |lot: Option<&str>, units| (lot.map(str::to_owned), units);
    let all = |units: i64| change(Counted, "x", units);
    let (early, late) = (lot("early", all(60)), lot("late", all(50)));
    let split = vec![row(None, 40), row(Some("early"), 60), row(Some("late"), 50)];
    // Whichever is heard first, of the same moment or the lots later.
    for minute in [1, 2] {
        let told = [(all(150), 1), (early.clone(), minute), (late.clone(), 2)];
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let told: Vec<_> = order.iter().map(|idx: &usize| told[*idx].clone()).collect();
            assert_eq!(rows(&told), split, "{order:?} {minute}");
        }
    }
    // Another count of a lot is about that lot; more than there were are there.
    let again = (lot("early", all(10)), 3);
    let counted = rows(&[(all(150), 1), (early.clone(), 2), again, (lot("more", all(120)), 4)]);
    assert_eq!(counted, [row(None, 0), row(Some("early"), 10), row(Some("more"), 120)]);
    // A count of all lots that is later says how many there are, and theirs how it divides, whichever is heard first: what is
    // more is of no lot, and what is missing was of the lot that ends first, which `late` is here.
    for (count, divided) in [
        (150, &split[..]),
        (110, &[row(None, 0), row(Some("early"), 60), row(Some("late"), 50)]),
        (80, &[row(None, 0), row(Some("early"), 60), row(Some("late"), 20)]),
        (60, &[row(None, 0), row(Some("early"), 60)]),
        (10, &[row(None, 0), row(Some("early"), 10)]),
        (0, &[row(None, 0)]),
    ] {
        let told = [(early.clone(), 1), (late.clone(), 1), (all(count), 2)];
        for order in [[0, 1, 2], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0], [0, 2, 1]] {
            let told: Vec<_> = order.iter().map(|idx: &usize| told[*idx].clone()).collect();
            assert_eq!(rows(&told), divided, "{count} {order:?}");
        }
    }
    // What comes, leaves and is counted of a lot after it is so of all of them.
    let known = [(early.clone(), 1), (late.clone(), 1), (all(80), 2)];
    let after = |step: StockChange| rows(&[&known[..], &[(step, 3)]].concat());
    let of_early = |movement, units| lot("early", change(movement, "x", units));
    assert_eq!(
        after(of_early(Received, 5)),
        [row(None, 0), row(Some("early"), 65), row(Some("late"), 20)]
    );
    assert_eq!(
        after(of_early(WrittenOff, 7)),
        [row(None, 0), row(Some("early"), 53), row(Some("late"), 20)]
    );
    assert_eq!(
        after(of_early(Counted, 30)),
        [row(None, 0), row(Some("early"), 30), row(Some("late"), 50)]
    );
    // What comes without a lot is of none of them.
    assert_eq!(
        after(change(Received, "x", 50)),
        [row(None, 50), row(Some("early"), 60), row(Some("late"), 20)]
    );
    assert_eq!(
        after(lot("new", change(Received, "x", 9)))[0..2],
        [row(None, 0), row(Some("early"), 60)]
    );
    // What comes is more than was counted, and stays so when it is counted.
    let (came, gone) =
        (lot("new", change(Received, "x", 7)), lot("new", change(WrittenOff, "x", 2)));
    let told = [(all(150), 1), (came, 2), (gone, 3), (lot("new", all(6)), 4)];
    assert_eq!(rows(&told), [row(None, 150), row(Some("new"), 6)]);
    // Variants are counted each by itself.
    let other = StockChange { variant: Some(souk_core::VariantId::new("v").unwrap()), ..early };
    assert_eq!(rows(&[(all(150), 1), (other, 2)]), [row(None, 150), row(Some("early"), 60)]);
}

#[test]
fn sales_after_the_count_come_off() {
    let mut catalogue = with(&[("a", "A")]);
    catalogue.change_stock(0, &change(StockMovement::Counted, "x", 5), at(10));
    let item = catalogue.item(&SiteId::main(), &id("a")).unwrap();
    catalogue.sell((item, 0), (2_000, at(9)), |_| 0);
    assert_eq!(state(&catalogue, "x").0, Some(5), "the count has seen it");
    catalogue.sell((item, 0), (2_000, at(11)), |_| 0);
    assert_eq!(state(&catalogue, "x").0, Some(3));
    catalogue.sell((item, 0), (-2_000, at(11)), |_| 0);
    assert_eq!(state(&catalogue, "x").0, Some(5));
}

#[test]
fn sales_take_the_lots_in_their_order() {
    let mut catalogue = with(&[("a", "A")]);
    let item = catalogue.item(&SiteId::main(), &id("a")).unwrap();
    let lot = |name: &str, units: i64| StockChange {
        lot: Some(name.into()),
        ..change(StockMovement::Received, "x", units)
    };
    for (name, units) in [("late", 5), ("early", 3), ("gone", 9)] {
        catalogue.change_stock(0, &lot(name, units), at(1));
    }
    let rank = |row: &StockRow| match row.lot.as_deref() {
        Some("early") => 1,
        Some("late") => 2,
        _ => 3,
    };
    let left = |catalogue: &Catalogue| {
        let rows = catalogue.stock().rows(item).iter();
        rows.map(|row| row.milli / 1_000).collect::<Vec<_>>()
    };
    catalogue.sell((item, 0), (4_000, at(5)), rank);
    assert_eq!(left(&catalogue), [4, 0, 9]);
    // More than there is goes below nothing at the first that would be sold.
    catalogue.sell((item, 0), (15_000, at(6)), rank);
    assert_eq!(left(&catalogue), [0, -2, 0]);
    // What comes back is there again.
    catalogue.sell((item, 0), (-2_000, at(7)), rank);
    assert_eq!(left(&catalogue), [0, 0, 0]);
}

#[test]
fn only_known_sellable_products_are_served() {
    let mut catalogue = with(&[("a", "A")]);
    let item = catalogue.item(&SiteId::main(), &id("a")).unwrap();
    assert!(catalogue.is_servable(item, None));
    let patch =
        ProductPatch { availability: Some(Availability::OutOfStock), ..ProductPatch::default() };
    catalogue.patch((0, &id("a")), patch, at(5));
    assert!(!catalogue.is_servable(item, None));
    catalogue.put(Product::new(id("a"), SiteId::main(), "A"), at(6));
    assert!(catalogue.is_servable(item, None));
    catalogue.delete(0, &id("a"));
    assert!(!catalogue.is_servable(item, None));
    assert_eq!((catalogue.len(), catalogue.n_items()), (0, 1));
    assert_eq!(catalogue.product_id(item), &id("a"));
    assert_eq!(&*catalogue.product_json(item), "");
    let unknown = catalogue.intern(0, &id("never put"));
    assert!(!catalogue.is_servable(unknown, None));
}

#[test]
fn titles_group_but_for_case_and_punctuation() {
    let catalogue = with(&[
        ("a", "Whole Milk, 1 L"),
        ("b", "whole milk 1 l"),
        ("c", "WHOLE  MILK - 1 L."),
        ("d", "Whole Milk 11"),
    ]);
    let group = |product: &str| {
        catalogue.title_group(catalogue.item(&SiteId::main(), &id(product)).unwrap())
    };
    assert_eq!(group("a"), group("b"));
    assert_eq!(group("a"), group("c"));
    assert_ne!(group("a"), group("d"));
}

#[test]
fn a_late_price_changes_nothing() {
    let mut catalogue = with(&[("a", "A")]);
    let price = |minor| PriceChange {
        product: id("a"),
        variant: None,
        price: Money::from_minor(minor, Currency::USD),
        list_price: None,
    };
    let item = catalogue.item(&SiteId::main(), &id("a")).unwrap();
    for (minor, minute, expected) in [(100, 10, 100), (90, 5, 100), (80, 11, 80)] {
        catalogue.price(0, &price(minor), at(minute));
        assert_eq!(catalogue.product(item).unwrap().price.unwrap().minor(), expected);
        assert!(catalogue.product_json(item).contains(&expected.to_string()));
    }
}

#[test]
fn lists_are_by_id_and_by_age() {
    let mut catalogue = with(&[("c", "C"), ("a", "A"), ("b", "B")]);
    let name = |item: Item, catalogue: &Catalogue| catalogue.product_id(item).to_string();
    let main = SiteId::main();
    let ids: Vec<_> = catalogue.iter_site(&main).map(|item| name(item, &catalogue)).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    let after: Vec<_> = catalogue.iter_site_after(&main, Some(&id("a"))).collect();
    assert_eq!(after.len(), 2);
    let newest = |catalogue: &Catalogue| {
        let items = catalogue.newest(&main, 2);
        items.into_iter().map(|item| name(item, catalogue)).collect::<Vec<_>>()
    };
    assert_eq!(newest(&catalogue), ["b", "a"]);
    let mut product = Product::new(id("c"), main.clone(), "C");
    product.published_at = Some(at(60));
    catalogue.put(product, at(9));
    assert_eq!(newest(&catalogue), ["c", "b"]);
    catalogue.delete(0, &id("c"));
    assert_eq!(newest(&catalogue), ["b", "a"]);
    assert_eq!(catalogue.iter_site(&SiteId::new("other").unwrap()).count(), 0);
}

#[test]
fn titles_that_differ_in_sizes_have_the_same_words() {
    let key = super::words::words_key;
    assert_eq!(key("Oat Milk, 1 l"), key("OAT MILK 6 x 330ml"));
    assert_eq!(key("Fluid Milk, 1 gal, no. 1029743"), key("Fluid Milk"));
    assert_ne!(key("Oat Milk"), key("Oat Drink"));
    assert_ne!(key("Milk Oat"), key("Oat Milk"));
    // Titles without words say nothing that could be said twice.
    assert_eq!([key("501"), key("4711"), key("RTX4090"), key("2 x 1 l")], [None; 4]);
}
