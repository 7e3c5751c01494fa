#![allow(clippy::unwrap_used)]
use super::*;
use crate::Currency;

fn bread() -> Product {
    Product::new(ProductId::new("p1").unwrap(), SiteId::main(), "Bread")
}

fn faults(product: &Product) -> Vec<String> {
    product.validate().err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

#[test]
fn every_broken_rule_is_named() {
    assert_eq!(bread().validate(), Ok(()));
    let mut product = bread();
    product.title = " \n".into();
    product.description = Some("x".repeat(20_001));
    product.tags = vec!["t".into(); 501];
    product.price = Some(Money::from_minor(-1, Currency::USD));
    product.cost = Some(Money::from_minor(-2, Currency::USD));
    product.attributes.insert("weight".into(), AttributeValue::Number(f64::NAN));
    product.variants.push(Variant {
        id: VariantId::new("v").unwrap(),
        title: None,
        attributes: BTreeMap::from([("w".to_owned(), AttributeValue::Number(f64::INFINITY))]),
        price: Some(Money::from_minor(-3, Currency::USD)),
        availability: Availability::InStock,
    });
    let expected = [
        "title is empty; every product needs one",
        "description has 20001; the limit is 20000",
        "tags has 501; the limit is 500",
        "price is -1; it must be at least 0",
        "cost is -2; it must be at least 0",
        "variants/price is -3; it must be at least 0",
        "attribute `weight` is not a finite number",
        "attribute `w` is not a finite number",
    ];
    assert_eq!(faults(&product), expected);
}

#[test]
fn the_limits_themselves_are_allowed() {
    let mut product = bread();
    product.title = "x".repeat(1_000);
    product.description = Some("x".repeat(20_000));
    product.categories = vec!["c".into(); 500];
    product.price = Some(Money::from_minor(0, Currency::USD));
    let attributes = (0..200).map(|n| (n.to_string(), AttributeValue::Number(0.0)));
    product.attributes = attributes.collect();
    assert_eq!(product.validate(), Ok(()));
    product.attributes.insert("one more".into(), AttributeValue::Number(0.0));
    assert_eq!(faults(&product), ["attributes has 201; the limit is 200"]);
}

#[test]
fn a_change_sets_clears_and_leaves() {
    let mut product = bread();
    product.brand = Some("Private".into());
    product.gtin = Some("1".into());
    product.tags = vec!["new".into()];
    let patch = ProductPatch {
        title: Some("Rye".into()),
        brand: Some(None),
        perishable_days: Some(Some(3)),
        availability: Some(Availability::Discontinued),
        ..ProductPatch::default()
    };
    let mut expected = product.clone();
    expected.title = "Rye".into();
    expected.brand = None;
    expected.perishable_days = Some(3);
    expected.availability = Availability::Discontinued;
    product.apply(patch);
    assert_eq!(product, expected);
    product.apply(ProductPatch::default());
    assert_eq!(product, expected);
}

#[test]
fn only_what_can_be_bought_is_sellable() {
    let sellable = Availability::ALL.map(Availability::is_sellable);
    assert_eq!(sellable, [true, false, true, false]);
    for state in Availability::ALL {
        assert_eq!(Availability::parse(state.as_str()), Some(state));
    }
    assert_eq!(Availability::parse("In_Stock"), None);
}
