#![allow(clippy::unwrap_used)]

use expect_test::expect;
use souk_core::{Currency, Money};

use super::*;
use crate::Role;
use crate::test_shop::{Shop, caller};

fn id(text: &str) -> ProductId {
    ProductId::new(text).unwrap()
}

fn product(text: &str) -> Product {
    Product::new(id(text), SiteId::main(), format!("Product {text}"))
}

fn priced(text: &str, minor: i64) -> Product {
    let price = Some(Money::from_minor(minor, Currency::USD));
    Product { price, ..product(text) }
}

#[tokio::test]
async fn what_is_put_is_seen_at_once() {
    let shop = Shop::open().await;
    let merchandiser = caller(Role::Merchandiser);
    let products = vec![priced("a", 100), priced("b", 200), priced("a", 300)];
    let answer = shop.app.put_products(products, &merchandiser).await.unwrap();
    assert_eq!((answer.accepted, answer.rejected.len()), (3, 0));
    let seen = shop.app.product(&SiteId::main(), &id("a")).unwrap();
    assert_eq!(seen.price, Some(Money::from_minor(300, Currency::USD)), "the later one stays");

    let patch = ProductPatch { title: Some("New".to_owned()), ..ProductPatch::default() };
    let place = (SiteId::main(), id("a"));
    let patched = shop.app.patch_product(&place.0, &place.1, (patch, &merchandiser)).await.unwrap();
    assert_eq!((patched.title.as_str(), patched.price), ("New", seen.price));

    shop.app.delete_product(&place.0, &place.1, &merchandiser).await.unwrap();
    assert_eq!(shop.app.product(&place.0, &place.1), None);
    let error = shop.app.delete_product(&place.0, &place.1, &merchandiser).await.unwrap_err();
    expect!["product `a` does not exist"].assert_eq(&error.to_string());
    let patch = (ProductPatch::default(), &merchandiser);
    let error = shop.app.patch_product(&place.0, &place.1, patch).await.unwrap_err();
    assert_eq!(error.code(), "not_found");
}

#[tokio::test]
async fn a_bad_product_does_not_harm_the_others() {
    let shop = Shop::open().await;
    let elsewhere = Product { site: SiteId::new("mars").unwrap(), ..product("m") };
    let empty = Product { title: " ".to_owned(), ..priced("e", -5) };
    let products = vec![product("a"), elsewhere, empty, product("b")];
    let answer = shop.app.put_products(products, &caller(Role::Merchandiser)).await.unwrap();
    assert_eq!(answer.accepted, 2);
    let rejected: Vec<String> = answer
        .rejected
        .iter()
        .map(|r| format!("{} {}: {}", r.index, r.id.as_deref().unwrap(), r.detail))
        .collect();
    expect![[r#"
        1 m: site `mars` is not a site of this shop; add it to `sites` in souk.yaml, or leave it out
        2 e: title is empty; every product needs one; price is -5; it must be at least 0"#]]
    .assert_eq(&rejected.join("\n"));
}

#[tokio::test]
async fn a_patch_is_checked_as_a_whole() {
    let shop = Shop::open().await;
    let merchandiser = caller(Role::Merchandiser);
    shop.app.put_products(vec![product("a")], &merchandiser).await.unwrap();
    let patch = ProductPatch {
        price: Some(Some(Money::from_minor(-1, Currency::USD))),
        ..ProductPatch::default()
    };
    let error = shop
        .app
        .patch_product(&SiteId::main(), &id("a"), (patch, &merchandiser))
        .await
        .unwrap_err();
    let AppError::Invalid { code, errors, .. } = error else { panic!("{error:?}") };
    assert_eq!((code, errors[0].pointer.as_str()), ("invalid_product", "/price"));
    assert_eq!(shop.app.product(&SiteId::main(), &id("a")).unwrap().price, None);
}

#[tokio::test]
async fn only_some_roles_change_the_catalogue() {
    let shop = Shop::open().await;
    for role in Role::ALL {
        let may = matches!(role, Role::Merchandiser | Role::Admin);
        let put = shop.app.put_products(vec![product("a")], &caller(role)).await;
        assert_eq!(put.is_ok(), may, "{}", role.as_str());
        let patch = (ProductPatch::default(), &caller(role));
        let patch = shop.app.patch_product(&SiteId::main(), &id("a"), patch).await;
        assert_eq!(patch.err().is_none_or(|error| error.code() != "denied"), may);
    }
    let error = shop.app.delete_product(&SiteId::main(), &id("a"), &caller(Role::Planner)).await;
    assert_eq!(error.unwrap_err().code(), "denied");
    let many = vec![product("a"); PUT_PRODUCTS_MAX + 1];
    let error = shop.app.put_products(many, &caller(Role::Admin)).await.unwrap_err();
    expect!["5001 products; the limit is 5000; send them in several calls"]
        .assert_eq(&error.to_string());
}

#[tokio::test]
async fn pages_follow_each_other() {
    let shop = Shop::open().await;
    let all: Vec<Product> =
        (0..2_500).map(|number| priced(&format!("{number:04}"), number)).collect();
    shop.app.put_products(all, &caller(Role::Admin)).await.unwrap();
    let main = SiteId::main();
    let walk = |filter: Option<&Filter>, limit: usize| {
        let (mut seen, mut cursor, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = shop.app.list_products(&main, (filter, cursor.as_ref()), limit);
            assert!(page.products.len() <= limit);
            seen.extend(page.products.iter().map(|product| product.id.to_string()));
            pages += 1;
            cursor = page.cursor;
            if cursor.is_none() {
                return (seen, pages);
            }
        }
    };
    let expected: Vec<String> = (0..2_500).map(|number| format!("{number:04}")).collect();
    assert_eq!(walk(None, 700), (expected.clone(), 4));
    assert_eq!(walk(None, 500), (expected.clone(), 5));
    let filter = Filter::parse("price >= 10 AND price < 20").unwrap();
    assert_eq!(walk(Some(&filter), 300), (expected[1_000..2_000].to_vec(), 4));
    let nothing = Filter::parse("price > 1000").unwrap();
    assert_eq!(walk(Some(&nothing), 10), (Vec::new(), 1));
    let other = shop.app.list_products(&SiteId::new("eu").unwrap(), (None, None), 10);
    assert_eq!(other, ProductPage { products: Vec::new(), cursor: None });
}
