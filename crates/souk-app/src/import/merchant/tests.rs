#![allow(clippy::unwrap_used)]

use std::io::Write as _;
use std::sync::Arc;

use souk_core::{AttributeValue, Availability, Currency, Money, Product, ProductId, SiteId};

use super::product::money;
use crate::import::tests::Desk;
use crate::import::{ImportKind, ImportOptions, Silent};

impl Desk {
    async fn refused_feed(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        self.refused(name, bytes, &ImportOptions::default()).await.to_string()
    }

    fn product(&self, id: &str) -> Arc<Product> {
        let id = ProductId::new(id).unwrap();
        self.shop.app.product(&SiteId::main(), &id).unwrap()
    }

    fn reasons(&self, name: &str) -> Vec<String> {
        self.rejected(name).iter().map(|row| row.join(" ")).collect()
    }
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::Text(text.to_owned())
}

fn usd(minor: i64) -> Option<Money> {
    Some(Money::from_minor(minor, Currency::USD))
}

/// A channel with these items.
fn rss(items: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<rss xmlns:g=\"http://base.google.com/ns/1.0\" version=\"2.0\">\n<channel>\
         <title>Shop</title><link>https://shop.example</link>\n{items}\n</channel></rss>\n"
    )
}

const KETTLE: &str = "<item>
<g:id>k1</g:id>
<title>Kettle &amp; Base, 1.7&#160;l</title>
<description><![CDATA[<p>Boils <b>fast</b></p>]]></description>
<link>https://shop.example/k1?a=1&amp;b=2</link>
<g:image_link>https://cdn.example/k1.jpg</g:image_link>
<g:additional_image_link>https://cdn.example/k1b.jpg</g:additional_image_link>
<g:additional_image_link>https://cdn.example/k1c.jpg</g:additional_image_link>
<g:condition>new</g:condition>
<g:availability>in stock</g:availability>
<g:price>49.90 USD</g:price>
<g:sale_price>39.90 USD</g:sale_price>
<g:sale_price_effective_date>2026-01-01T00:00-0800/2026-02-01T00:00-0800</g:sale_price_effective_date>
<g:cost_of_goods_sold>20 USD</g:cost_of_goods_sold>
<g:gtin>4006381333931</g:gtin>
<g:brand>Acme</g:brand>
<g:google_product_category>751</g:google_product_category>
<g:product_type>Kitchen &gt; Kettles</g:product_type>
<g:color>Silver/Black</g:color>
<g:custom_label_0>bestseller</g:custom_label_0>
<g:product_detail><g:section_name>General</g:section_name><g:attribute_name>Power Rating</g:attribute_name>\
<g:attribute_value>2200 W</g:attribute_value></g:product_detail>
<g:product_highlight>Keeps warm</g:product_highlight>
<g:shipping><g:country>US</g:country><g:price>5 USD</g:price></g:shipping>
</item>";

#[tokio::test]
async fn an_item_becomes_a_product_with_all_that_it_says() {
    let desk = Desk::open().await;
    let report = desk.import("feed.xml", rss(KETTLE).as_bytes()).await;
    assert_eq!((report.kind, report.accepted, report.rejected), (ImportKind::GoogleFeed, 1, 0));
    assert_eq!(report.notes, ["left out: shipping"]);
    let product = desk.product("k1");
    assert_eq!(product.title, "Kettle & Base, 1.7 l");
    assert_eq!(product.description.as_deref(), Some("Boils fast"));
    assert_eq!((product.price, product.list_price), (usd(3990), usd(4990)));
    assert_eq!(product.cost, usd(2000));
    assert_eq!(product.categories, ["Kitchen > Kettles"]);
    assert_eq!(product.image_urls.len(), 3);
    assert_eq!(
        (product.brand.as_deref(), product.gtin.as_deref()),
        (Some("Acme"), Some("4006381333931"))
    );
    let texts =
        |list: &[&str]| AttributeValue::Texts(list.iter().map(|t| (*t).to_owned()).collect());
    let expected = [
        ("color", texts(&["Silver", "Black"])),
        ("condition", text("new")),
        ("custom_label_0", text("bestseller")),
        ("google_product_category", text("751")),
        ("link", text("https://shop.example/k1?a=1&b=2")),
        ("power_rating", text("2200 W")),
        ("product_highlight", texts(&["Keeps warm"])),
    ];
    let found: Vec<_> = product.attributes.iter().map(|(n, v)| (n.as_str(), v.clone())).collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_sale_counts_only_while_it_lasts() {
    let desk = Desk::open().await;
    let over = KETTLE.replace("2026-02-01T00:00-0800", "2026-01-15T03:59-0800");
    desk.import("feed.xml", rss(&over).as_bytes()).await;
    assert_eq!((desk.product("k1").price, desk.product("k1").list_price), (usd(4990), None));
    let lasts = KETTLE.replace("2026-02-01T00:00-0800", "2026-01-15T04:01-0800");
    desk.import("feed.xml", rss(&lasts).as_bytes()).await;
    assert_eq!(desk.product("k1").price, usd(3990), "the clock shows 04:00 there");
}

const SHIRTS: &str = "\
id\ttitle\tdescription\tlink\timage_link\tavailability\tprice\titem_group_id\tcolor\tsize\tmaterial\tgtin
s-r-m\tCotton Shirt - Red / M\tSoft\thttps://shop.example/s\thttps://cdn.example/r.jpg\tout of stock\t10.00 USD\tshirt\tred\tM\tcotton\t4006381333931
hat\tHat\tWarm\thttps://shop.example/h\thttps://cdn.example/h.jpg\tbackorder\t5.00 USD\t\tblue\t\t\t
s-b-l\tCotton Shirt - Blue / L\tSoft\thttps://shop.example/s\thttps://cdn.example/b.jpg\tin_stock\t12.00 USD\tshirt\tblue\tL\tcotton\t4006381333948
";

#[tokio::test]
async fn items_of_a_group_become_one_product_wherever_they_stand() {
    let desk = Desk::open().await;
    let report = desk.import("feed.tsv", SHIRTS.as_bytes()).await;
    assert_eq!((report.kind, report.accepted, report.rejected), (ImportKind::GoogleFeed, 2, 0));
    let shirt = desk.product("shirt");
    assert_eq!(shirt.title, "Cotton Shirt");
    assert_eq!(shirt.availability, Availability::InStock);
    assert_eq!((shirt.price, shirt.gtin.as_deref()), (usd(1000), None));
    assert_eq!(shirt.image_urls, ["https://cdn.example/r.jpg", "https://cdn.example/b.jpg"]);
    assert_eq!(shirt.attributes["material"], text("cotton"), "what all share is the product's");
    let variants: Vec<_> = shirt
        .variants
        .iter()
        .map(|one| (one.id.as_str(), one.title.as_deref().unwrap(), one.price, one.availability))
        .collect();
    let (out, stocked) = (Availability::OutOfStock, Availability::InStock);
    assert_eq!(
        variants,
        [("s-r-m", "red / M", None, out), ("s-b-l", "blue / L", usd(1200), stocked)]
    );
    assert_eq!(shirt.variants[0].attributes["gtin"], text("4006381333931"));
    let hat = desk.product("hat");
    assert_eq!((hat.availability, hat.variants.len()), (Availability::Preorder, 0));
}

#[tokio::test]
async fn a_title_is_kept_where_items_share_no_words() {
    let desk = Desk::open().await;
    let text = SHIRTS.replace("Cotton Shirt - Blue / L", "Cottage Shirt Blue");
    desk.import("feed.tsv", text.as_bytes()).await;
    assert_eq!(desk.product("shirt").title, "Cotton Shirt - Red / M");
}

#[tokio::test]
async fn atom_reads_the_same_and_prefixed_names_go_first() {
    let desk = Desk::open().await;
    let atom = "<?xml version='1.0'?><feed xmlns='http://www.w3.org/2005/Atom' xmlns:g='x'><title>Shop</title>
<entry><id>tag:shop,2026:1</id><g:id>a1</g:id><title>Lamp</title><link href='https://shop.example/a1'/>
<summary>Bright</summary><g:price>USD 7.50</g:price></entry></feed>";
    let report = desk.import("feed.txt", atom.as_bytes()).await;
    assert_eq!((report.kind, report.accepted, report.rejected), (ImportKind::GoogleFeed, 1, 0));
    let lamp = desk.product("a1");
    assert_eq!((lamp.title.as_str(), lamp.description.as_deref()), ("Lamp", Some("Bright")));
    assert_eq!(lamp.price, usd(750));
    assert_eq!(lamp.attributes["link"], text("https://shop.example/a1"));
}

#[tokio::test]
async fn a_file_in_another_encoding_and_gzipped_is_read() {
    let desk = Desk::open().await;
    let item = KETTLE.replace("Kettle &amp; Base", "Théière");
    let whole = rss(&item).replace("version=\"1.0\"?", "version=\"1.0\" encoding=\"ISO-8859-1\"?");
    let (latin, _, _) = encoding_rs::WINDOWS_1252.encode(&whole);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&latin).unwrap();
    desk.import("feed.xml.gz", &packed.finish().unwrap()).await;
    assert!(desk.product("k1").title.starts_with("Théière"), "{}", desk.product("k1").title);
}

#[tokio::test]
async fn bad_items_are_listed_and_good_ones_go_in() {
    let desk = Desk::open().await;
    let items = [
        KETTLE.to_owned(),
        KETTLE.replace("k1</g:id>", "k2</g:id>").replace("49.90 USD", "49,90 USD"),
        KETTLE.replace("k1</g:id>", "k3</g:id>").replace("in stock", "soon"),
        KETTLE.replace("<g:id>k1</g:id>", ""),
        KETTLE.replace("k1</g:id>", "k5</g:id>").replace("&#160;", "&nbsp;"),
    ];
    let report = desk.import("feed.xml", rss(&items.join("\n")).as_bytes()).await;
    assert_eq!((report.accepted, report.rejected), (1, 4));
    assert_eq!(
        desk.reasons("feed.xml"),
        [
            "28 price `49,90 USD` is no price; write for example 15.00 USD",
            "52 availability `soon` is none; write in_stock, out_of_stock, preorder or backorder",
            "76 id is empty; every item needs one",
            "100  `&nbsp;` is none of XML's five; write the character itself",
        ]
    );
}

#[tokio::test]
async fn declared_entities_are_never_looked_at() {
    let desk = Desk::open().await;
    let bomb = "<?xml version='1.0'?><!DOCTYPE rss [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>\
        <!ENTITY f SYSTEM 'file:///etc/passwd'>]><rss><channel><item><id>x</id><title>&b;&f;</title></item>\
        <item><id>y</id><title>Fine</title></item></channel></rss>";
    let report = desk.import("feed.xml", bomb.as_bytes()).await;
    assert_eq!((report.accepted, report.rejected), (1, 1));
    assert_eq!(desk.product("y").title, "Fine");
}

#[tokio::test]
async fn what_is_no_feed_or_broken_is_refused_with_its_place() {
    let desk = Desk::open().await;
    let html = desk.refused_feed("a.xml", b"<!doctype html><html><body></body></html>").await;
    assert!(html.contains("XML of `html`; a product feed is RSS 2.0"), "{html}");
    let whole = rss(KETTLE);
    let inside = whole.split_once("<g:gtin>").unwrap().0;
    let cut = desk.refused_feed("b.xml", inside.as_bytes()).await;
    assert!(cut.contains("line 18: it ends inside of an item"), "{cut}");
    let before = whole.split_once("</channel>").unwrap().0;
    let cut = desk.refused_feed("c.xml", before.as_bytes()).await;
    assert!(cut.contains("it ends before its last tag"), "{cut}");
    let crossed = desk.refused_feed("d.xml", b"<rss>\n<channel>\n<a></b></channel></rss>").await;
    assert!(crossed.contains("line 3"), "{crossed}");
    let empty = desk.refused_feed("e.xml", b"").await;
    assert!(empty.contains("before its last tag"), "{empty}");
    let kind = ImportOptions { kind: Some(ImportKind::Orders), ..ImportOptions::default() };
    let path = desk.file("f.xml", whole.as_bytes());
    let refused = desk.shop.app.import(&path, &kind, &Silent).await.unwrap_err().to_string();
    assert!(refused.contains("is XML, which can be a product feed and not orders"), "{refused}");
}

#[tokio::test]
async fn hostile_sizes_end_early() {
    let desk = Desk::open().await;
    let long = rss(&KETTLE.replace("Boils", &"x".repeat(3 << 20)));
    let error = desk.refused_feed("a.xml", long.as_bytes()).await;
    assert!(error.contains("over 1048576 bytes"), "{error}");
    let deep = rss(&"<a>".repeat(100_000));
    let error = desk.refused_feed("b.xml", deep.as_bytes()).await;
    assert!(error.contains("over 32 deep"), "{error}");
    let wide = rss(&KETTLE
        .replace("<g:brand>", &"<g:x>1</g:x>".repeat(5_000))
        .replace("Acme</g:brand>", ""));
    let error = desk.refused_feed("c.xml", wide.as_bytes()).await;
    assert!(error.contains("none of its 1 rows"), "{error}");
}

#[test]
fn prices_are_read_as_the_specification_writes_them() {
    let read = |text: &str| money(text, Currency::USD).map(|money| money.minor()).ok();
    assert_eq!(read("15.00 USD"), Some(1500));
    assert_eq!(read("15 usd"), Some(1500));
    assert_eq!(read("EUR 15.5"), Some(1550));
    assert_eq!(read("15.00USD"), Some(1500));
    assert_eq!(read("15"), Some(1500));
    for wrong in ["", "USD", "15,00 EUR", "-3 USD", "1e999 USD", "15 XYZW", "nan", "$15"] {
        assert_eq!(read(wrong), None, "{wrong}");
    }
}
