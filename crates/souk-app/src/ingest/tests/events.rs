//! What each kind of event becomes.

use super::*;

fn usd(minor: i64) -> Option<Money> {
    Some(Money::from_minor(minor, Currency::USD))
}

fn check(name: &str, properties: Value, expected: Expect) {
    expected.assert_debug_eq(&track(name, properties).unwrap());
}

#[test]
fn every_interaction_of_the_spec() {
    for action in Action::ALL {
        let properties = json!({
            "product_id": "p1", "quantity": "2", "price": "19.99", "position": 3, "list_id": "l",
            "products": [{"product_id": "p2", "price": 1}, "p3", 4],
        });
        let fact = track(action.as_str(), properties).unwrap();
        let IncomingFact::Interaction(it) = fact else { panic!("{action:?}") };
        assert_eq!(it.action, action);
        let ids: Vec<&str> = it.products.iter().map(|mention| mention.product.as_str()).collect();
        assert_eq!(ids, ["p1", "p2", "p3", "4"]);
        assert_eq!(it.products[0].price, usd(1999));
        assert_eq!(it.products[0].quantity, Some(Quantity::each(2)));
        assert_eq!(it.extra.as_deref(), Some(r#"{"position":3,"list_id":"l"}"#));
    }
}

#[test]
fn an_interaction_keeps_what_it_does_not_understand() {
    check(
        "Product Added",
        json!({
            "sku": "S-1", "variant": "red", "price": 5, "currency": "eur", "request_id": "r-9",
            "brand": "Acme \"A\"", "odd \"key\"": {"a": [1, 2]}, "cart_id": null,
        }),
        expect![[r#"
            Interaction(
                Interaction {
                    action: AddedToCart,
                    products: [
                        ProductMention {
                            product: ProductId(
                                "S-1",
                            ),
                            variant: Some(
                                VariantId(
                                    "red",
                                ),
                            ),
                            quantity: None,
                            price: Some(
                                Money {
                                    minor: 500,
                                    currency: EUR,
                                },
                            ),
                        },
                    ],
                    request_id: Some(
                        "r-9",
                    ),
                    extra: Some(
                        "{\"brand\":\"Acme \\\"A\\\"\",\"odd \\\"key\\\"\":{\"a\":[1,2]},\"cart_id\":null}",
                    ),
                },
            )
        "#]],
    );
}

#[test]
fn an_order_keeps_lines_to_the_cent() {
    check(
        "Order Completed",
        json!({
            "order_id": 50314, "total": 27.5, "revenue": 25, "shipping": 3, "currency": "USD",
            "location_id": "s1", "coupon": "hasbros",
            "products": [
                {"product_id": "p1", "price": 19.99, "quantity": 3, "coupon": "OWN"},
                {"product_id": "p2", "price": "3.99", "quantity": 0.35, "unit": "kg"},
                {"product_id": "p3", "price": 0.0299, "quantity": 1000, "unit": "l"},
                {"sku": "p4", "quantity": 0, "price": 2, "promotion_id": "week"},
                {"product_id": "p5", "amount": 1.01, "quantity": 3, "price": 99},
                {"product_id": "p6"},
            ],
        }),
        expect![[r#"
            Order(
                IncomingOrder {
                    order_id: OrderId(
                        "50314",
                    ),
                    change: Placed,
                    location: Some(
                        LocationId(
                            "s1",
                        ),
                    ),
                    total: Some(
                        Money {
                            minor: 2750,
                            currency: USD,
                        },
                    ),
                    lines: [
                        IncomingLine {
                            line: OrderLine {
                                product: ProductId(
                                    "p1",
                                ),
                                variant: None,
                                quantity: Quantity {
                                    milli: 3000,
                                    unit: Each,
                                },
                                amount: Some(
                                    Money {
                                        minor: 5997,
                                        currency: USD,
                                    },
                                ),
                                promotion: None,
                            },
                            coupon: Some(
                                "OWN",
                            ),
                        },
                        IncomingLine {
                            line: OrderLine {
                                product: ProductId(
                                    "p2",
                                ),
                                variant: None,
                                quantity: Quantity {
                                    milli: 350,
                                    unit: Kilogram,
                                },
                                amount: Some(
                                    Money {
                                        minor: 140,
                                        currency: USD,
                                    },
                                ),
                                promotion: None,
                            },
                            coupon: None,
                        },
                        IncomingLine {
                            line: OrderLine {
                                product: ProductId(
                                    "p3",
                                ),
                                variant: None,
                                quantity: Quantity {
                                    milli: 1000000,
                                    unit: Litre,
                                },
                                amount: Some(
                                    Money {
                                        minor: 2990,
                                        currency: USD,
                                    },
                                ),
                                promotion: None,
                            },
                            coupon: None,
                        },
                        IncomingLine {
                            line: OrderLine {
                                product: ProductId(
                                    "p4",
                                ),
                                variant: None,
                                quantity: Quantity {
                                    milli: 0,
                                    unit: Each,
                                },
                                amount: Some(
                                    Money {
                                        minor: 0,
                                        currency: USD,
                                    },
                                ),
                                promotion: Some(
                                    "week",
                                ),
                            },
                            coupon: None,
                        },
                        IncomingLine {
                            line: OrderLine {
                                product: ProductId(
                                    "p5",
                                ),
                                variant: None,
                                quantity: Quantity {
                                    milli: 3000,
                                    unit: Each,
                                },
                                amount: Some(
                                    Money {
                                        minor: 101,
                                        currency: USD,
                                    },
                                ),
                                promotion: None,
                            },
                            coupon: None,
                        },
                        IncomingLine {
                            line: OrderLine {
                                product: ProductId(
                                    "p6",
                                ),
                                variant: None,
                                quantity: Quantity {
                                    milli: 1000,
                                    unit: Each,
                                },
                                amount: None,
                                promotion: None,
                            },
                            coupon: None,
                        },
                    ],
                    extra: Some(
                        "{\"revenue\":25,\"shipping\":3,\"coupon\":\"hasbros\"}",
                    ),
                },
            )
        "#]],
    );
}

#[test]
fn a_price_times_a_quantity_is_rounded_once() {
    let line = |price: f64, quantity: f64| {
        let products = json!([{"product_id": "p", "price": price, "quantity": quantity}]);
        let order = track("Order Completed", json!({"order_id": "o", "products": products}));
        let IncomingFact::Order(order) = order.unwrap() else { panic!() };
        order.lines[0].line.amount.unwrap().minor()
    };
    assert_eq!(line(0.1, 3.0), 30);
    assert_eq!(line(1.005, 1.0), 101);
    assert_eq!(line(0.01, 0.5), 1);
    assert_eq!(line(19.99, 3.0), 5997);
    assert_eq!(line(2.675, 2.0), 535);
    assert_eq!(line(0.001, 89_638.0), 8964);
    assert_eq!(line(99_999.99, 1_000.0), 9_999_999_000);
}

#[test]
fn a_refund_without_lines_takes_everything_back() {
    for (name, change) in
        [("Order Refunded", OrderChange::Refunded), ("Order Cancelled", OrderChange::Cancelled)]
    {
        let fact = track(name, json!({"order_id": "o1"})).unwrap();
        let IncomingFact::Order(order) = fact else { panic!() };
        assert_eq!((order.change, order.lines), (change, Vec::new()));
    }
}

#[test]
fn facts_of_the_shop() {
    check(
        "Stock Moved",
        json!({"product_id": "p1", "location_id": "s1", "to_location_id": "s2", "quantity": 12,
               "lot": "L1", "expires_on": "2026-02-01"}),
        expect![[r#"
            Stock(
                StockChange {
                    movement: Moved,
                    product: ProductId(
                        "p1",
                    ),
                    variant: None,
                    location: LocationId(
                        "s1",
                    ),
                    to: Some(
                        LocationId(
                            "s2",
                        ),
                    ),
                    quantity: Quantity {
                        milli: 12000,
                        unit: Each,
                    },
                    lot: Some(
                        "L1",
                    ),
                    expires_on: Some(
                        Day(
                            20485,
                        ),
                    ),
                },
            )
        "#]],
    );
    check(
        "Price Changed",
        json!({"product_id": "p1", "price": {"amount": 1299, "currency": "EUR"}, "list_price": 15}),
        expect![[r#"
            Price(
                PriceChange {
                    product: ProductId(
                        "p1",
                    ),
                    variant: None,
                    price: Money {
                        minor: 1299,
                        currency: EUR,
                    },
                    list_price: Some(
                        Money {
                            minor: 1500,
                            currency: USD,
                        },
                    ),
                },
            )
        "#]],
    );
    check(
        "Promotion Started",
        json!({"promotion_id": 7, "product_ids": ["p1", 2], "starts_on": "2026-01-15",
               "ends_on": "2026-01-21", "discount_percent": 12.5}),
        expect![[r#"
            Promotion(
                Promotion {
                    promotion_id: "7",
                    phase: Started,
                    products: [
                        ProductId(
                            "p1",
                        ),
                        ProductId(
                            "2",
                        ),
                    ],
                    from: Some(
                        Day(
                            20468,
                        ),
                    ),
                    until: Some(
                        Day(
                            20474,
                        ),
                    ),
                    discount_bp: Some(
                        1250,
                    ),
                },
            )
        "#]],
    );
    // Books may run ahead of the shelf.
    assert!(
        track("Stock Counted", json!({"product_id": "p", "location_id": "s", "quantity": -3}))
            .is_ok()
    );
}

#[test]
fn searches_and_custom_events() {
    check(
        "Products Searched",
        json!({"query": "rye bread"}),
        expect![[r#"
        Searched {
            query: "rye bread",
        }
    "#]],
    );
    check(
        "Lamp Rubbed",
        json!({"wishes": 3, "genie": {"name": "G"}}),
        expect![[r#"
        Custom {
            name: "Lamp Rubbed",
            properties: Some(
                "{\"wishes\":3,\"genie\":{\"name\":\"G\"}}",
            ),
        }
    "#]],
    );
    assert_eq!(
        track("Lamp Rubbed", Value::Null).unwrap(),
        IncomingFact::Custom { name: "Lamp Rubbed".into(), properties: None }
    );
}

#[test]
fn pages_keep_no_query() {
    let page = |event: Value| {
        let IncomingFact::PageSeen { name, path } = server(IngestCall::Page, &event).unwrap()
        else {
            panic!()
        };
        (name.map(String::from), path.map(String::from))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        page(json!({"userId": "u", "name": "Home", "properties": {"path": "/a?mail=x@y.z"}})),
        (some("Home"), some("/a"))
    );
    assert_eq!(
        page(
            json!({"userId": "u", "properties": {"title": "T", "url": "https://s.example/b/c#d"}})
        ),
        (some("T"), some("/b/c"))
    );
    assert_eq!(
        page(json!({"userId": "u", "properties": {"url": "https://s.example"}})),
        (None, some("/"))
    );
    assert_eq!(
        page(json!({"userId": "u", "context": {"page": {"path": "/ctx"}}})),
        (None, some("/ctx"))
    );
}

#[test]
fn times_follow_segments_rule() {
    let at = |extra: Value| {
        let mut event = json!({"event": "x", "userId": "u"});
        event.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        with_event(Role::IngestServer, IngestCall::Track, &event.to_string(), |event| {
            event.unwrap().at.to_string()
        })
    };
    // The shop's clock shows 12:00.
    assert_eq!(at(json!({})), "2026-01-15T12:00:00.000Z");
    // The client's clock is an hour slow; the event happened five minutes before it was sent.
    let slow =
        json!({"originalTimestamp": "2026-01-15T10:55:00Z", "sentAt": "2026-01-15T11:00:00Z"});
    assert_eq!(at(slow), "2026-01-15T11:55:00.000Z");
    let slow = json!({"timestamp": "2026-01-15T10:55:00Z", "sentAt": "2026-01-15T11:00:00Z"});
    assert_eq!(at(slow), "2026-01-15T11:55:00.000Z");
    // A right clock leaves a given time as it is, however old.
    let old = json!({"timestamp": "2017-03-01T10:00:00+01:00", "sentAt": "2026-01-15T11:59:58Z"});
    assert_eq!(at(old), "2017-03-01T09:00:00.000Z");
    assert_eq!(at(json!({"timestamp": "1970-01-01T00:00:00Z"})), "1970-01-01T00:00:00.000Z");
    assert_eq!(at(json!({"timestamp": 1_500_000_000_000i64})), "2017-07-14T02:40:00.000Z");
    // Up to a day ahead is taken for a time zone that was left out.
    assert_eq!(at(json!({"timestamp": "2026-01-16T12:00:00Z"})), "2026-01-16T12:00:00.000Z");
}

#[test]
fn sites_channels_and_sources() {
    let read = |event: Value| {
        with_event(Role::IngestServer, IngestCall::Track, &event.to_string(), |event| {
            let event = event.unwrap();
            (event.site.to_string(), event.channel, event.source)
        })
    };
    let plain = json!({"event": "x", "userId": "u"});
    assert_eq!(read(plain), ("main".to_owned(), Some(Channel::Web), Source::Server));
    let full = json!({"event": "x", "userId": "u",
        "context": {"site": "eu", "channel": "store", "source": "pos", "ip": "10.0.0.1"}});
    assert_eq!(read(full), ("eu".to_owned(), Some(Channel::Store), Source::PointOfSale));
    let price = json!({"event": "Price Changed", "properties": {"product_id": "p", "price": 1}});
    assert_eq!(read(price).1, None);
    // Amounts are of the site's currency.
    let yen = json!({"event": "Price Changed", "context": {"site": "jp"},
        "properties": {"product_id": "p", "price": 120}});
    let IncomingFact::Price(change) = server(IngestCall::Track, &yen).unwrap() else { panic!() };
    assert_eq!(change.price, Money::from_minor(120, Currency::parse("JPY").unwrap()));
}
