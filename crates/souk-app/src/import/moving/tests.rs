#![allow(clippy::unwrap_used)]

mod algolia;
mod ga4;
mod personalize;

use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};
use souk_core::{Availability, Fact, Money, ProductId, SiteId};
use tempfile::TempDir;

use super::text;
use super::{MoveMode, MoveReport, System};
use crate::import::{ImportOptions, Silent};
use crate::test_shop::{Shop, rejected_rows};
use crate::{ReadinessReport, Weight};

/// A shop and copies of the files, beside which lists of rejected rows may be written.
struct Desk {
    shop: Shop,
    folder: TempDir,
    system: System,
}

impl Desk {
    async fn open(system: System) -> Desk {
        Desk { shop: Shop::open().await, folder: TempDir::new().unwrap(), system }
    }

    fn file(&self, name: &str) -> PathBuf {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/moving");
        let from = root.join(self.system.as_str()).join(name);
        let to = self.folder.path().join(name);
        if !to.exists() {
            std::fs::copy(from, &to).unwrap();
        }
        to
    }

    fn options(&self) -> ImportOptions {
        let channel = souk_core::Channel::Web;
        ImportOptions { from: Some(self.system), channel, ..ImportOptions::default() }
    }

    async fn move_in(&self, names: &[&str], mode: MoveMode) -> MoveReport {
        let paths: Vec<PathBuf> = names.iter().map(|name| self.file(name)).collect();
        let options = self.options();
        let report = self.shop.app.move_in(&paths, (&options, mode), &Silent).await.unwrap();
        self.shop.app.wait_for(&self.shop.app.parts.log.end().await.unwrap()).await.unwrap();
        report
    }

    fn product(&self, id: &str) -> std::sync::Arc<souk_core::Product> {
        let id = ProductId::new(id).unwrap();
        self.shop.app.product(&SiteId::main(), &id).unwrap()
    }

    fn rejected(&self, name: &str) -> Vec<String> {
        rejected_rows(self.folder.path(), name).iter().map(|row| row.join(" | ")).collect()
    }

    /// Everything in the log that names products or people, one fact a line.
    async fn facts(&self) -> String {
        let log = self.shop.log().await;
        let mut lines: Vec<String> = log
            .iter()
            .filter_map(|(subject, event)| {
                let who = if subject.is_some() { "somebody" } else { "nobody" };
                let text = match &event.fact {
                    Fact::Order(order) => {
                        let lines = order.lines.iter().map(|line| {
                            let variant = line.variant.as_ref().map_or("-", |v| v.as_str());
                            let paid = line.amount.map_or(-1, Money::minor);
                            format!("{}/{variant} x{} {paid}", line.product, line.quantity.as_f64())
                        });
                        let lines: Vec<String> = lines.collect();
                        format!("{:?} {} [{}]", order.change, order.order_id, lines.join(", "))
                    }
                    Fact::Sale(sale) if subject.is_none() => {
                        format!("sale {:?} of {} lines", sale.change, sale.lines.len())
                    }
                    Fact::Interaction(act) => {
                        let products = act.products.iter().map(|m| m.product.to_string());
                        format!(
                            "{} {}",
                            act.action.as_str(),
                            products.collect::<Vec<_>>().join(",")
                        )
                    }
                    Fact::Searched { query } => format!("searched {query}"),
                    Fact::Linked { .. } => "linked".to_owned(),
                    Fact::Consent(change) => {
                        format!("allows {:?}, refuses {:?}", change.granted, change.denied)
                    }
                    Fact::Stock(change) => {
                        format!("stock {} {}", change.product, change.quantity.as_f64())
                    }
                    Fact::Identified { traits } => {
                        format!("is {}", traits.as_deref().unwrap_or(""))
                    }
                    _ => return None,
                };
                let channel = event.channel.map_or("-", |channel| channel.as_str());
                Some(format!("{} {channel} {who}: {text}", event.at))
            })
            .collect();
        lines.sort_unstable();
        lines.join("\n") + "\n"
    }
}

fn check(text: &str, expected: Expect) {
    expected.assert_eq(text);
}

fn findings(readiness: &ReadinessReport, folder: &Path) -> String {
    let folder = format!("{}/", folder.display());
    let lines = readiness.findings.iter().map(|one| {
        format!("{:?} {}: {}", one.weight, one.subject, one.detail.replace(&folder, ""))
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

const SHOPIFY: [&str; 4] =
    ["orders_export.csv", "inventory_export.csv", "customers_export.csv", "products_export.csv"];

#[tokio::test]
async fn shopify_products_keep_their_sizes_prices_and_words() {
    let desk = Desk::open(System::Shopify).await;
    desk.move_in(&["products_export.csv", "products_2025.csv"], MoveMode::Import).await;
    let shirt = desk.product("linen-shirt");
    assert_eq!(shirt.title, "Linen Shirt");
    assert_eq!(shirt.description.as_deref(), Some("Airy & light, washed linen. Made in Porto"));
    assert_eq!(shirt.brand.as_deref(), Some("Norte"));
    assert_eq!(shirt.categories, ["Apparel & Accessories > Clothing > Shirts & Tops"]);
    assert_eq!(shirt.price.map(Money::minor), Some(5_900));
    assert_eq!(shirt.list_price.map(Money::minor), Some(7_900));
    assert_eq!(shirt.cost.map(Money::minor), Some(2_150));
    assert_eq!(shirt.image_urls.len(), 3);
    assert_eq!(shirt.tags, ["linen", "summer"]);
    let sizes: Vec<_> = shirt
        .variants
        .iter()
        .map(|one| {
            let title = one.title.as_deref().unwrap_or_default();
            (one.id.as_str(), title, one.price.map(Money::minor), one.availability)
        })
        .collect();
    assert_eq!(
        sizes,
        [
            ("LS-S-WH", "S / White", None, Availability::InStock),
            ("LS-M-WH", "M / White", None, Availability::OutOfStock),
            ("LS-L-WH", "L / White", Some(6_400), Availability::InStock),
        ]
    );
    assert!(shirt.attributes.contains_key("material"), "{:?}", shirt.attributes);
    // Type serves where the taxonomy is empty; oversold is out of stock; archived will not come back.
    assert_eq!(desk.product("canvas-belt").categories, ["Belts"]);
    assert_eq!(desk.product("canvas-belt").availability, Availability::OutOfStock);
    assert_eq!(desk.product("old-cap").availability, Availability::Discontinued);
    assert_eq!(desk.product("wool-scarf").availability, Availability::InStock);
    // The columns of 2025: sold on when out of stock.
    let wallet = desk.product("cork-wallet");
    assert_eq!(
        (wallet.title.as_str(), wallet.availability),
        ("Cork Wallet", Availability::InStock)
    );
    assert_eq!(wallet.price.map(Money::minor), Some(3_500));
}

#[tokio::test]
async fn a_size_with_a_fault_is_left_out_at_its_own_line() {
    let desk = Desk::open(System::Shopify).await;
    let head = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price";
    let rows = "tee,Tee,Size,S,TEE-S,19.90\ntee,,,M,TEE-M,\"21,90\"\ntee,,,L,TEE-L,-19.90\n\
                cap,Cap,Size,S,CAP-S,free\nbag,Bag,,,BAG,5.00\n";
    let path = desk.folder.path().join("sizes.csv");
    std::fs::write(&path, format!("{head}\n{rows}")).unwrap();
    let report = desk.move_in(&["sizes.csv"], MoveMode::Import).await;
    let tee = desk.product("tee");
    let sizes: Vec<&str> = tee.variants.iter().map(|one| one.id.as_str()).collect();
    assert_eq!((sizes, tee.price.map(Money::minor)), (vec!["TEE-S"], Some(1_990)));
    assert_eq!(report.readiness.products.count, 2, "of the cap nothing is known");
    let lines: Vec<String> = desk.rejected("sizes.csv");
    let of_lines: Vec<&str> = lines.iter().map(|line| &line[..1]).collect();
    assert_eq!(of_lines, ["3", "4", "5"], "{lines:?}");
    assert!(lines[1].contains("is below 0"), "{lines:?}");
}

#[tokio::test]
async fn shopify_orders_and_customers_find_products_and_each_other() {
    let desk = Desk::open(System::Shopify).await;
    let report = desk.move_in(&SHOPIFY, MoveMode::Import).await;
    let read: Vec<&str> = report.readiness.files.iter().map(|file| file.label).collect();
    assert_eq!(
        read,
        ["Shopify products", "Shopify inventory", "Shopify customers", "Shopify orders"],
        "products first, whatever the order of the paths"
    );
    check(
        &desk.facts().await,
        expect![[r#"
        2026-01-02T09:14:05.000Z web nobody: sale Placed of 2 lines
        2026-01-02T09:14:05.000Z web somebody: Placed 5550001001 [linen-shirt/LS-S-WH x1 5900, canvas-belt/CB-1 x1 2400]
        2026-01-03T16:59:10.000Z web nobody: sale Placed of 1 lines
        2026-01-03T16:59:10.000Z web nobody: sale Refunded of 0 lines
        2026-01-03T16:59:10.000Z web somebody: Placed 5550001002 [canvas-belt/CB-1 x1 2400]
        2026-01-03T16:59:10.000Z web somebody: Refunded 5550001002 []
        2026-01-09T10:30:00.000Z store nobody: sale Placed of 1 lines
        2026-01-10T11:00:00.000Z web nobody: sale Cancelled of 1 lines
        2026-01-10T11:00:00.000Z web somebody: Cancelled 5550001004 [canvas-belt/CB-1 x1 2400]
        2026-01-11T10:59:00.000Z web nobody: sale Placed of 2 lines
        2026-01-11T10:59:00.000Z web somebody: Placed 5550001005 [linen-shirt/LS-L-WH x2 12000, RH-9/- x1 1000]
        2026-01-15T12:00:00.000Z - nobody: stock linen-shirt 4
        2026-01-15T12:00:00.000Z - somebody: allows {Marketing}, refuses {}
        2026-01-15T12:00:00.000Z - somebody: allows {}, refuses {Marketing}
        2026-01-15T12:00:00.000Z - somebody: allows {}, refuses {Marketing}
        2026-01-15T12:00:00.000Z - somebody: is {"country":"GB","total_orders":"1","total_spent":"0.00","tax_exempt":"no"}
        2026-01-15T12:00:00.000Z - somebody: is {"country":"PT","total_orders":"0","total_spent":"0.00","tax_exempt":"no","tags":"Staff, newsletter","staff":true}
        2026-01-15T12:00:00.000Z - somebody: is {"country":"PT","total_orders":"3","total_spent":"203.00","tax_exempt":"no","tags":"vip"}
        2026-01-15T12:00:00.000Z - somebody: linked
        2026-01-15T12:00:00.000Z - somebody: linked
        2026-01-15T12:00:00.000Z - somebody: linked
    "#]],
    );
    check(
        &desk.rejected("orders_export.csv").join("\n"),
        expect![
            "9 | lineitem_sku | is empty, and no one product of the catalogue has the line's title; import the products first, or fill in the SKU"
        ],
    );
    check(
        &desk.rejected("customers_export.csv").join("\n"),
        expect!["5 | customer_id | is empty, and so is email; a customer needs one"],
    );
    check(
        &desk.rejected("inventory_export.csv").join("\n"),
        expect!["4 | on_hand | is below 0; count the shelf and correct it in Shopify"],
    );
    check(
        &findings(&report.readiness, desk.folder.path()),
        expect![[r#"
        Trouble currency: 6 of 6 order lines have amounts in EUR, and the site's currency is USD: they do not count for what was spent; set `currency` of the site in souk.yaml to it, or import them to a site that has it
        Trouble files: inventory_export.csv: 1 rows were left out, most (1): on_hand: is below 0; count the shelf and correct it in Shopify
        Trouble files: customers_export.csv: 1 rows were left out, most (1): customer_id: is empty, and so is email; a customer needs one
        Trouble files: orders_export.csv: 1 rows were left out, most (1): lineitem_sku: is empty, and no one product of the catalogue has the line's title; import the products first, or fill in the SKU
        Notice products: 1 of 4 products have no price: filters by price pass them over; fill it in
        Notice products: 1 products have a stock below 0 (canvas-belt): count them and correct the number, or the shop oversells
        Notice products: 2 of 4 products cannot be sold now (out of stock, hidden or discontinued) and are not recommended until they can
        Notice orders: 1 sold products have no row in the catalogue (RH-9): they are kept in the history and not recommended; import them too, also those that are no longer sold
        Notice orders: nothing was sold on 6 days, the longest time from 2026-01-04 to 2026-01-08: was the shop closed, or is a part of the export missing?
        Notice orders: 1 of 4 orders name nobody: they count for demand, and teach no habits
        Notice people: 2 people said no to marketing: they get no such messages, and recommendations in the shop are another purpose
        Notice freshness: the newest fact is 4 days old: trends and recency begin with the live events; connect the shop before the export is older still
    "#]],
    );
    check(
        &format!("{:#?}\n", report.readiness.orders),
        expect![[r#"
        OrdersRead {
            count: 4,
            lines: 6,
            with_several_products: 2,
            cancelled: 1,
            refunds: 1,
            without_person: 1,
            twice: 0,
            lines_without_price: 0,
            foreign_lines: {
                "EUR": 6,
            },
            first_day: Some(
                Day(
                    20455,
                ),
            ),
            last_day: Some(
                Day(
                    20464,
                ),
            ),
            days_without_sales: 6,
            longest_gap: Some(
                (
                    Day(
                        20457,
                    ),
                    Day(
                        20461,
                    ),
                ),
            ),
            unknown_products: 1,
            unknown_named: [
                ProductId(
                    "RH-9",
                ),
            ],
        }
    "#]],
    );
    check(
        &format!("{:#?}\n", report.readiness.people),
        expect![[r#"
        PeopleRead {
            active: 2,
            with_one_order: 2,
            with_two_orders: 1,
            with_five_orders: 0,
            with_views: 0,
            described: 3,
            said_yes_to_marketing: 1,
            said_no_to_marketing: 2,
        }
    "#]],
    );
}

/// A customer's id and the address under which orders came are one person: the history is joined.
#[tokio::test]
async fn orders_by_address_belong_to_the_customer_of_that_address() {
    let desk = Desk::open(System::Shopify).await;
    desk.move_in(&["orders_export.csv"], MoveMode::Import).await;
    // The customers come later, and the join holds all the same.
    desk.move_in(&["products_export.csv", "customers_export.csv"], MoveMode::Import).await;
    let hash = desk.shop.app.door.hasher.id(crate::IdKind::User, "7000000000001");
    let subject = desk.shop.app.parts.keys.find(&[hash]).await.unwrap()[0].unwrap();
    let views = desk.shop.app.views.read();
    let members = views.audit().members(subject);
    assert_eq!(members.len(), 2);
    assert_eq!(views.audit().history(&members).baskets.len(), 2, "the cancelled one is none");
}

#[tokio::test]
async fn a_dry_run_writes_nothing_and_reports_the_same() {
    let desk = Desk::open(System::Shopify).await;
    let dry = desk.move_in(&SHOPIFY, MoveMode::DryRun).await;
    assert!(dry.files.is_empty());
    assert_eq!(desk.shop.log().await.len(), 0);
    assert!(!desk.rejected("orders_export.csv").is_empty(), "rows with faults are listed");
    let real = desk.move_in(&SHOPIFY, MoveMode::Import).await;
    assert_eq!(dry.readiness, real.readiness);
    let n_records = desk.shop.log().await.len();
    assert!(n_records > 20);
    // Once more: known by content, nothing is added, and the report is the same.
    let again = desk.move_in(&SHOPIFY, MoveMode::Import).await;
    assert!(again.files.iter().all(|file| file.was_known));
    assert_eq!(desk.shop.log().await.len(), n_records);
    let unlisted = |mut readiness: ReadinessReport| {
        readiness.files.iter_mut().for_each(|file| file.listed = None);
        readiness
    };
    assert_eq!(unlisted(again.readiness), unlisted(real.readiness));
}

#[tokio::test]
async fn magento_sizes_join_their_product_and_store_views_translate_it() {
    let desk = Desk::open(System::Magento).await;
    let report = desk.move_in(&["catalog_product.csv"], MoveMode::Import).await;
    let jacket = desk.product("WJ01");
    assert_eq!(jacket.title, "Rain Jacket");
    assert_eq!(jacket.categories, ["Women > Jackets"]);
    assert_eq!(jacket.brand.as_deref(), Some("Orla"));
    assert_eq!(jacket.price.map(Money::minor), Some(7_200), "what the cheapest size costs");
    assert_eq!(jacket.translations["de"].title.as_deref(), Some("Regenjacke"));
    let sizes: Vec<_> =
        jacket.variants.iter().map(|one| (one.id.as_str(), one.availability)).collect();
    assert_eq!(
        sizes,
        [("WJ01-S-Blue", Availability::InStock), ("WJ01-M-Blue", Availability::OutOfStock)]
    );
    check(
        &format!("{:?}\n", jacket.attributes),
        expect![[r#"
        {"climate": Texts(["Rainy", "Cool"]), "features": Texts(["Hood", "Taped seams, light"])}
    "#]],
    );
    let missing = ProductId::new("WJ01-S-Blue").unwrap();
    assert!(desk.shop.app.product(&SiteId::main(), &missing).is_none(), "a size is no product");
    let bag = desk.product("BAG7");
    assert_eq!((bag.price, bag.list_price).0.map(Money::minor), Some(3_200), "the special price");
    assert_eq!(bag.list_price.map(Money::minor), Some(4_000));
    assert_eq!(bag.cost.map(Money::minor), Some(1_150));
    assert_eq!(desk.product("GONE").availability, Availability::OutOfStock);
    check(
        &findings(&report.readiness, desk.folder.path()),
        expect![[r#"
        Notice products: 1 of 3 products have no price: filters by price pass them over; fill it in
        Notice products: 1 products have a stock below 0 (WJ01-M-Blue): count them and correct the number, or the shop oversells
        Notice products: 1 of 3 products are in no category: similar products and reasons by kind need one
        Notice products: 1 of 3 products cannot be sold now (out of stock, hidden or discontinued) and are not recommended until they can
    "#]],
    );
}

#[tokio::test]
async fn magento_sales_come_from_order_items_and_the_grid_says_what_became_of_them() {
    let desk = Desk::open(System::Magento).await;
    let names = [
        "sales_order_grid.csv",
        "order_items.csv",
        "customer_listing.csv",
        "newsletter_subscribers.csv",
        "catalog_product.csv",
    ];
    let report = desk.move_in(&names, MoveMode::Import).await;
    check(
        &desk.facts().await,
        expect![[r#"
        2026-01-05T09:00:00.000Z web nobody: sale Placed of 2 lines
        2026-01-05T09:00:00.000Z web nobody: sale Refunded of 1 lines
        2026-01-05T09:00:00.000Z web somebody: Placed 000000101 [WJ01/WJ01-S-Blue x1 7200, BAG7/- x2 8000]
        2026-01-05T09:00:00.000Z web somebody: Refunded 000000101 [BAG7/- x1 4000]
        2026-01-08T20:30:00.000Z web nobody: sale Cancelled of 1 lines
        2026-01-08T20:30:00.000Z web somebody: Cancelled 000000102 [BAG7/- x1 4000]
        2026-01-09T08:00:00.000Z web nobody: sale Cancelled of 0 lines
        2026-01-09T08:00:00.000Z web somebody: Cancelled 000000104 []
        2026-01-15T12:00:00.000Z - somebody: allows {Marketing}, refuses {}
        2026-01-15T12:00:00.000Z - somebody: allows {}, refuses {Marketing}
        2026-01-15T12:00:00.000Z - somebody: is {"group":"General","country":"Belgium","store_view":"Default Store View","web_site":"Main Website"}
        2026-01-15T12:00:00.000Z - somebody: linked
    "#]],
    );
    check(
        &desk.rejected("order_items.csv").join("\n"),
        expect![
            "6 | created_at | … is no time that such an export writes, for example 2026-01-31 18:30:00"
        ],
    );
    let passed: Vec<String> = report
        .readiness
        .files
        .iter()
        .flat_map(|file| {
            file.passed_over.iter().map(|(why, n)| format!("{}: {n} {why}", file.label))
        })
        .collect();
    check(
        &(passed.join("\n") + "\n"),
        expect![[r#"
        Magento products: 1 texts of store views whose code names no language, such as `en` or `de_ch`
        Magento newsletter subscribers: 1 subscriptions that were never confirmed
        Magento orders (the grid, without products): 1 orders without products: this export names none
        Magento order items: 1 rows that repeat the line above as what is shipped
    "#]],
    );
    // The grid alone names no product, and the report says so first.
    let alone = Desk::open(System::Magento).await;
    let report = alone.move_in(&["sales_order_grid.csv"], MoveMode::DryRun).await;
    let first = &report.readiness.findings[0];
    assert_eq!(first.weight, Weight::Trouble);
    assert!(first.detail.contains("export the order items too"), "{}", first.detail);
}

#[tokio::test]
async fn ga4_events_are_read_nested_and_flat() {
    let desk = Desk::open(System::Ga4).await;
    let report = desk.move_in(&["events_20260110.json"], MoveMode::Import).await;
    check(
        &desk.facts().await,
        expect![[r#"
        2026-01-10T08:02:00.123Z web somebody: Product Viewed sku-1
        2026-01-10T08:03:00.000Z web somebody: searched blue mug
        2026-01-10T08:04:00.000Z web somebody: Product Added sku-2
        2026-01-10T08:04:00.000Z web somebody: is {}
        2026-01-10T08:04:00.000Z web somebody: linked
        2026-01-10T08:05:00.000Z web nobody: sale Placed of 2 lines
        2026-01-10T08:05:00.000Z web somebody: Placed T-1 [sku-1/- x1 1250, sku-2/- x2 1600]
        2026-01-10T09:05:00.000Z web nobody: sale Refunded of 0 lines
        2026-01-10T09:05:00.000Z web somebody: Refunded T-1 []
        2026-01-10T09:07:40.000Z mobile somebody: Product Viewed sku-3
    "#]],
    );
    check(
        &desk.rejected("events_20260110.json").join("\n"),
        expect![[r#"
        11 | event_timestamp | is no number of microseconds
        12 |  | the line is no JSON: fault at column 0"#]],
    );
    let file = &report.readiness.files[0];
    check(
        &format!("{:#?}\n", file.passed_over),
        expect![[r#"
        {
            "events of nobody: consent mode sent them without an id": 1,
            "events without a product or a search (page_view, scroll, session_start, …)": 1,
            "lists of products that were on a page (view_item_list and the like)": 1,
            "products that events name by their id alone": 2,
        }
    "#]],
    );
    check(
        &format!("{:#?}\n", report.readiness.events),
        expect![[r#"
            EventsRead {
                count: 4,
                views: 2,
                carts: 1,
                searches: 1,
                twice: 1,
                unknown_products: 2,
                unknown_kinds: {},
            }
        "#]],
    );
    let flat = Desk::open(System::Ga4).await;
    flat.move_in(&["flat.csv"], MoveMode::Import).await;
    check(
        &flat.facts().await,
        expect![[r#"
        2026-01-10T08:02:00.123Z web somebody: Product Viewed sku-1
        2026-01-10T08:05:00.000Z web nobody: sale Placed of 2 lines
        2026-01-10T08:05:00.000Z web somebody: Placed T-1 [sku-1/- x1 1250, sku-2/- x2 1600]
        2026-01-10T08:05:00.000Z web somebody: is {}
        2026-01-10T08:05:00.000Z web somebody: linked
    "#]],
    );
}

#[tokio::test]
async fn a_file_of_another_system_is_refused_with_what_would_be_read() {
    let desk = Desk::open(System::Shopify).await;
    let wrong = desk.folder.path().join("x.csv");
    std::fs::write(&wrong, "USER_ID,ITEM_ID,TIMESTAMP\nu,i,1\n").unwrap();
    let options = desk.options();
    let mode = MoveMode::DryRun;
    let error = desk.shop.app.move_in(&[wrong], (&options, mode), &Silent).await.unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("user_id, item_id, timestamp") && error.contains("Lineitem name"),
        "{error}"
    );
    assert!(System::parse("woo").unwrap_err().to_string().contains("shopify, magento, ga4"));
}

#[test]
fn times_of_these_exports_are_read() {
    let read = |form: &str| text::time(form);
    let at = |form: &str| Ok(souk_core::Timestamp::parse(form).unwrap());
    assert_eq!(read("2025-10-07 09:50:26 +0200"), at("2025-10-07T07:50:26Z"));
    assert_eq!(read("2026-01-05 09:00:00"), at("2026-01-05T09:00:00Z"));
    assert_eq!(read("2026-01-05T09:00:00Z"), at("2026-01-05T09:00:00Z"));
    assert_eq!(read("3/21/25, 9:30 PM"), at("2025-03-21T21:30:00Z"));
    assert_eq!(read("3/21/25, 9:30\u{202f}PM"), at("2025-03-21T21:30:00Z"));
    assert_eq!(read("Mar 21, 2025 9:30:00 AM"), at("2025-03-21T09:30:00Z"));
    assert_eq!(read("1/31/26"), at("2026-01-31T00:00:00Z"));
    assert!(read("yesterday").unwrap_err().contains("2026-01-31 18:30:00"));
}

#[test]
fn html_becomes_words() {
    let read = |html: &str| text::plain(html).unwrap_or_default();
    assert_eq!(read("<p>One</p><p>two &amp;&nbsp;three</p>"), "One two & three");
    assert_eq!(read("a<style>p { color: red }</style>b<script>x < y</script>c"), "a b c");
    assert_eq!(read("5 &lt; 6"), "5 < 6");
    assert_eq!(
        read("Dynex&#8482; 6&#39; &#x2122; A&amp;#39;B AT&T &#146;s &#xA0;&unknown; &#; &"),
        "Dynex™ 6' ™ A&#39;B AT&T ’s &unknown; &#; &"
    );
    assert_eq!(read("&#153;&#160;&#0;&#1234567890;é&é;"), "™ &#1234567890;é&é;");
    assert_eq!(read("cut <b"), "cut");
    assert_eq!(read("<br>"), "");
}
