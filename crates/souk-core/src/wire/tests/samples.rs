//! One event of each kind, and the corners of the format, as they lie frozen in `testdata/wire/v1`.

use std::collections::BTreeMap;

use crate::*;

pub(super) fn product_id(text: &str) -> ProductId {
    ProductId::new(text).unwrap()
}

fn usd(minor: i64) -> Money {
    Money::from_minor(minor, Currency::USD)
}

fn yen(minor: i64) -> Money {
    Money::from_minor(minor, Currency::parse("JPY").unwrap())
}

fn at() -> Timestamp {
    Timestamp::parse("2026-01-31T18:30:00.123Z").unwrap()
}

fn by_shopper(fact: Fact) -> Event {
    Event {
        at: at(),
        site: SiteId::main(),
        channel: Some(Channel::Web),
        source: Source::Server,
        message_id: Some("1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed".into()),
        withheld: Purposes::NONE,
        fact,
    }
}

fn by_shop(fact: Fact) -> Event {
    let site = SiteId::new("läden").unwrap();
    Event {
        at: at(),
        site,
        channel: None,
        source: Source::Ledger,
        message_id: None,
        withheld: Purposes::NONE,
        fact,
    }
}

fn mention(product: &str) -> ProductMention {
    ProductMention { product: product_id(product), variant: None, quantity: None, price: None }
}

fn lines() -> Vec<OrderLine> {
    let line = |product: &str| OrderLine {
        product: product_id(product),
        variant: None,
        quantity: Quantity::each(1),
        amount: Some(usd(199)),
        promotion: None,
    };
    vec![
        line("905334"),
        OrderLine { quantity: Quantity::each(-3), amount: Some(yen(500)), ..line("18000000") },
        OrderLine {
            variant: Some(VariantId::new("XL").unwrap()),
            quantity: Quantity::from_milli(350, Unit::Kilogram).unwrap(),
            promotion: Some("SUMMER-10".into()),
            amount: Some(yen(-1)),
            ..line("rye bread")
        },
        OrderLine { amount: None, ..line("0") },
    ]
}

fn attributes() -> BTreeMap<String, AttributeValue> {
    let entries = [
        ("size", AttributeValue::Text("M".into())),
        ("weight", AttributeValue::Number(0.5)),
        ("count", AttributeValue::Number(-42.0)),
        ("diets", AttributeValue::Texts(vec!["vegan".into(), "halal".into()])),
    ];
    entries.map(|(name, value)| (name.to_owned(), value)).into()
}

fn full_product() -> Product {
    let id = product_id("p1");
    let mut product = Product::new(id, SiteId::new("de").unwrap(), "Rye Bread");
    product.description = Some("Dark and sour.".into());
    product.brand = Some("Private".into());
    product.categories = vec!["Grocery > Bakery > Bread".into()];
    product.price = Some(usd(1_299));
    product.list_price = Some(usd(1_499));
    product.cost = Some(usd(700));
    product.availability = Availability::Preorder;
    product.image_urls = vec!["https://shop.example/rye.jpg".into()];
    product.attributes = attributes();
    product.tags = vec!["new".into()];
    product.gtin = Some("4012345600012".into());
    product.variants = vec![Variant {
        id: VariantId::new("half").unwrap(),
        title: Some("Half".into()),
        attributes: attributes(),
        price: Some(usd(700)),
        availability: Availability::Discontinued,
    }];
    let spanish = Translation { title: Some("Pan de centeno".into()), description: None };
    product.translations = BTreeMap::from([("es".to_owned(), spanish)]);
    product.published_at = Some(at());
    product.perishable_days = Some(3);
    product
}

fn patch() -> ProductPatch {
    ProductPatch {
        title: Some("New".into()),
        brand: Some(None),
        price: Some(Some(usd(5))),
        tags: Some(Vec::new()),
        availability: Some(Availability::InStock),
        ..ProductPatch::default()
    }
}

fn order() -> CustomerOrder {
    CustomerOrder {
        order: OrderRef([7; 16]),
        order_id: OrderId::new("31198452223").unwrap(),
        change: OrderChange::Refunded,
        location: Some(LocationId::new("store-367").unwrap()),
        total: Some(usd(12_345)),
        lines: lines(),
        extra: Some(r#"{"coupon":"x"}"#.into()),
    }
}

fn shopper_samples() -> Vec<(&'static str, Event)> {
    let full = Interaction {
        action: Action::Reviewed,
        products: vec![
            ProductMention {
                variant: Some(VariantId::new("XL").unwrap()),
                quantity: Some(Quantity::each(2)),
                price: Some(usd(1_999)),
                ..mention("905334")
            },
            ProductMention { price: Some(usd(0)), ..mention("日本") },
            ProductMention { price: Some(yen(7)), ..mention("007") },
        ],
        request_id: Some("r-1".into()),
        extra: Some(r#"{"rating":5}"#.into()),
    };
    let products = vec![mention("905334")];
    let view = Interaction { action: Action::Viewed, products, request_id: None, extra: None };
    let other = SubjectId([0xab; 16]);
    vec![
        ("interaction_view", by_shopper(Fact::Interaction(view))),
        ("interaction_full", by_shopper(Fact::Interaction(full))),
        ("searched", by_shopper(Fact::Searched { query: "rye bread".into() })),
        (
            "page_seen",
            by_shopper(Fact::PageSeen { name: Some("Home".into()), path: Some("/".into()) }),
        ),
        ("page_unnamed", by_shopper(Fact::PageSeen { name: None, path: None })),
        ("custom", by_shopper(Fact::Custom { name: "Quiz".into(), properties: Some("{}".into()) })),
        ("identified", by_shopper(Fact::Identified { traits: Some(r#"{"plan":"a"}"#.into()) })),
        ("linked", by_shopper(Fact::Linked { other, basis: LinkBasis::LoyaltyCard })),
        ("unlinked", by_shopper(Fact::Unlinked { other, basis: LinkBasis::Identify })),
        ("grouped", by_shopper(Fact::Grouped { group_id: "home-1".into(), traits: None })),
        ("order", by_shopper(Fact::Order(order()))),
        (
            "order_cancelled",
            by_shopper(Fact::Order(CustomerOrder {
                change: OrderChange::Cancelled,
                location: None,
                total: None,
                lines: Vec::new(),
                extra: None,
                ..order()
            })),
        ),
        (
            "impressions",
            by_shopper(Fact::Impressions(Impressions {
                request_id: "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed".into(),
                placement: Some("home".into()),
                strategy: "next_basket".into(),
                products: ["905334", "1", "rye"].map(product_id).into(),
                marks: Marks::default(),
            })),
        ),
        ("impressions_marked", by_shopper(Fact::Impressions(marked()))),
        (
            "impressions_of_an_arm",
            by_shopper(Fact::Impressions(Impressions {
                marks: Marks { products: Vec::new(), ..marked().marks },
                ..marked()
            })),
        ),
        ("impressions_searched", by_shopper(Fact::Impressions(searched(Box::default())))),
        ("impressions_merged", by_shopper(Fact::Impressions(searched([1, 2, 255].into())))),
        (
            "impressions_signalled",
            by_shopper(Fact::Impressions(Impressions {
                marks: Marks {
                    signals: Some(SignalMark {
                        codes: [1, 2, 40].into(),
                        rows: [1, 255, 0, 2, 255, 17, 3, 1, 0].into(),
                    }),
                    ..marked().marks
                },
                ..marked()
            })),
        ),
    ]
}

/// Impressions of a search, at these places of a merged list.
fn searched(places: Box<[u8]>) -> Impressions {
    let search = SearchMark { query: "rye bread".into(), n_found: 12, took_us: 840, places };
    let marks = Marks { search: Some(search), ..Marks::default() };
    Impressions { strategy: "search".into(), marks, ..marked() }
}

fn marked() -> Impressions {
    let propensity = Propensity::new(0.125);
    Impressions {
        request_id: "5a0c1e2f9b7d4c3388aa11bb22cc33dd".into(),
        placement: None,
        strategy: "for_you".into(),
        products: ["905334", "1", "rye"].map(product_id).into(),
        marks: Marks {
            arms: vec![ArmMark { experiment: "holdout/0.05".into(), arm: "personal".into() }],
            products: vec![
                ProductMark::default(),
                ProductMark { propensity, is_explored: true, team: None },
                ProductMark { propensity: None, is_explored: false, team: Some(Team::B) },
            ],
            ..Marks::default()
        },
    }
}

fn consent_samples() -> Vec<(&'static str, Event)> {
    let said = ConsentChange {
        granted: Purposes::NONE.with(Purpose::Personalization),
        denied: Purposes::NONE.with(Purpose::Marketing).with(Purpose::ModelTraining),
        origin: ConsentOrigin::Shopper,
        notice: Some("2026-01".into()),
    };
    let stated = ConsentChange {
        granted: Purposes::NONE,
        denied: Purposes::NONE,
        origin: ConsentOrigin::Stated(LegalBasis::OptOutNotice),
        notice: None,
    };
    let signalled = Event {
        message_id: None,
        withheld: Purposes::OPTIONAL,
        ..by_shopper(Fact::PageSeen { name: None, path: None })
    };
    vec![
        ("consent", by_shopper(Fact::Consent(said))),
        ("consent_stated", by_shopper(Fact::Consent(stated))),
        ("page_withheld", signalled),
    ]
}

fn shop_samples() -> Vec<(&'static str, Event)> {
    let location = |text: &str| LocationId::new(text).unwrap();
    let small = Product::new(product_id("905334"), SiteId::main(), "Bread");
    vec![
        (
            "sale",
            by_shop(Fact::Sale(Sale {
                order: OrderRef([7; 16]),
                change: OrderChange::Placed,
                location: Some(location("367")),
                day: Day::from_number(17_531),
                lines: lines(),
            })),
        ),
        ("product_put_small", by_shop(Fact::ProductPut(Box::new(small)))),
        ("product_put_full", by_shop(Fact::ProductPut(Box::new(full_product())))),
        (
            "product_patched",
            by_shop(Fact::ProductPatched { product: product_id("p1"), patch: Box::new(patch()) }),
        ),
        ("product_deleted", by_shop(Fact::ProductDeleted { product: product_id("p1") })),
        (
            "stock",
            by_shop(Fact::Stock(StockChange {
                movement: StockMovement::Moved,
                product: product_id("p1"),
                variant: Some(VariantId::new("half").unwrap()),
                location: location("367"),
                to: Some(location("368")),
                quantity: Quantity::from_milli(12_500, Unit::Litre).unwrap(),
                lot: Some("L-77".into()),
                expires_on: Some(Day::from_number(20_500)),
            })),
        ),
        (
            "price",
            by_shop(Fact::Price(PriceChange {
                product: product_id("p1"),
                variant: Some(VariantId::new("half").unwrap()),
                price: usd(999),
                list_price: Some(usd(1_299)),
            })),
        ),
        (
            "promotion",
            by_shop(Fact::Promotion(Promotion {
                promotion_id: "summer".into(),
                phase: PromotionPhase::Started,
                products: vec![product_id("905334")],
                from: Some(Day::from_number(20_400)),
                until: Some(Day::from_number(20_414)),
                discount_bp: Some(1_250),
            })),
        ),
        ("forgotten", by_shop(Fact::Forgotten { subject: SubjectId([0xcd; 16]) })),
    ]
}

/// Names are file names; never change a sample, add another.
pub(super) fn samples() -> Vec<(&'static str, Event)> {
    let mut samples = shopper_samples();
    samples.extend(consent_samples());
    samples.extend(shop_samples());
    samples
}
