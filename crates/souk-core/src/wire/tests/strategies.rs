//! Any event that the types allow.

use proptest::prelude::*;

use crate::*;

fn any_of<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(all)
}

fn id_text() -> BoxedStrategy<Box<str>> {
    prop_oneof![
        any::<u64>().prop_map(|number| number.to_string().into()),
        any::<u32>().prop_map(|number| number.to_string().into()),
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}".prop_map(Box::from),
        ".{1,20}".prop_map(Box::from),
    ]
    .boxed()
}

fn text() -> BoxedStrategy<Box<str>> {
    ".{0,12}".prop_map(Box::from).boxed()
}

fn string() -> BoxedStrategy<String> {
    ".{1,12}".prop_map(|text| text).boxed()
}

fn product_id() -> BoxedStrategy<ProductId> {
    id_text().prop_map(|text| ProductId::new(text).unwrap()).boxed()
}

fn variant_id() -> BoxedStrategy<VariantId> {
    id_text().prop_map(|text| VariantId::new(text).unwrap()).boxed()
}

fn location() -> BoxedStrategy<LocationId> {
    id_text().prop_map(|text| LocationId::new(text).unwrap()).boxed()
}

fn site() -> BoxedStrategy<SiteId> {
    prop_oneof![Just(SiteId::main()), id_text().prop_map(|text| SiteId::new(text).unwrap()),]
        .boxed()
}

fn time() -> BoxedStrategy<Timestamp> {
    (0..253_402_207_200_000i64).prop_map(|ms| Timestamp::from_ms(ms).unwrap()).boxed()
}

fn day() -> BoxedStrategy<Day> {
    any::<i32>().prop_map(Day::from_number).boxed()
}

fn currency() -> BoxedStrategy<Currency> {
    any_of(&["USD", "EUR", "JPY"]).prop_map(|code| Currency::parse(code).unwrap()).boxed()
}

fn money() -> BoxedStrategy<Money> {
    let minor = prop_oneof![-1_000..100_000i64, any::<i64>()];
    (minor, currency()).prop_map(|(minor, currency)| Money::from_minor(minor, currency)).boxed()
}

fn quantity() -> BoxedStrategy<Quantity> {
    let milli = prop_oneof![
        Just(1_000),
        (-9i64..9).prop_map(|count| count * 1_000),
        -Quantity::MILLI_MAX..Quantity::MILLI_MAX,
    ];
    (milli, any_of(&Unit::ALL))
        .prop_map(|(milli, unit)| Quantity::from_milli(milli, unit).unwrap())
        .boxed()
}

fn subject() -> BoxedStrategy<SubjectId> {
    any::<[u8; 16]>().prop_map(SubjectId).boxed()
}

fn maybe<T: std::fmt::Debug>(some: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    prop::option::of(some)
}

fn few<T: std::fmt::Debug>(item: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>> {
    prop::collection::vec(item, 0..4)
}

fn interaction() -> BoxedStrategy<Interaction> {
    let mention = (product_id(), maybe(variant_id()), maybe(quantity()), maybe(money())).prop_map(
        |(product, variant, quantity, price)| ProductMention { product, variant, quantity, price },
    );
    (any_of(&Action::ALL), few(mention), maybe(id_text()), maybe(text()))
        .prop_map(|(action, products, request_id, extra)| Interaction {
            action,
            products,
            request_id,
            extra,
        })
        .boxed()
}

fn line() -> BoxedStrategy<OrderLine> {
    (product_id(), maybe(variant_id()), quantity(), maybe(money()), maybe(id_text()))
        .prop_map(|(product, variant, quantity, amount, promotion)| OrderLine {
            product,
            variant,
            quantity,
            amount,
            promotion,
        })
        .boxed()
}

fn order_and_sale() -> BoxedStrategy<(CustomerOrder, Sale)> {
    let joined = (any::<[u8; 16]>().prop_map(OrderRef), any_of(&OrderChange::ALL));
    let own = (id_text(), maybe(money()), maybe(text()), day());
    (joined, maybe(location()), few(line()), own)
        .prop_map(|((order, change), location, lines, (order_id, total, extra, day))| {
            let order_id = OrderId::new(order_id).unwrap();
            let sale =
                Sale { order, change, location: location.clone(), day, lines: lines.clone() };
            let order = CustomerOrder { order, order_id, change, location, total, lines, extra };
            (order, sale)
        })
        .boxed()
}

fn attributes() -> BoxedStrategy<std::collections::BTreeMap<String, AttributeValue>> {
    let value = prop_oneof![
        string().prop_map(AttributeValue::Text),
        (-1e300..1e300f64).prop_map(AttributeValue::Number),
        (-1000..1000i64).prop_map(|whole| AttributeValue::Number(whole as f64)),
        any::<i64>().prop_map(|whole| AttributeValue::Number(whole as f64)),
        few(string()).prop_map(AttributeValue::Texts),
    ];
    prop::collection::btree_map(string(), value, 0..4).boxed()
}

fn variants() -> BoxedStrategy<Vec<Variant>> {
    let variant =
        (variant_id(), maybe(string()), attributes(), maybe(money()), any_of(&Availability::ALL));
    let variant = variant.prop_map(|(id, title, attributes, price, availability)| Variant {
        id,
        title,
        attributes,
        price,
        availability,
    });
    few(variant)
        .prop_map(|mut variants| {
            variants.sort_by(|left, right| left.id.cmp(&right.id));
            variants.dedup_by(|left, right| left.id == right.id);
            variants
        })
        .boxed()
}

fn translations() -> BoxedStrategy<std::collections::BTreeMap<String, Translation>> {
    let translation = (maybe(string()), maybe(string()))
        .prop_map(|(title, description)| Translation { title, description });
    prop::collection::btree_map(string(), translation, 0..3).boxed()
}

/// A field that a change leaves, clears or sets.
fn change<T: std::fmt::Debug>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Option<Option<T>>> {
    maybe(maybe(value))
}

pub(super) fn patch() -> BoxedStrategy<ProductPatch> {
    let texts = (maybe(string()), change(string()), change(string()), change(id_text()));
    let lists = (maybe(few(string())), maybe(few(string())), maybe(few(string())));
    let amounts = (change(money()), change(money()), change(money()));
    let maps = (maybe(attributes()), maybe(variants()), maybe(translations()));
    let rest = (maybe(any_of(&Availability::ALL)), change(time()), change(any::<u32>()));
    (texts, lists, amounts, maps, rest)
        .prop_map(|(texts, lists, amounts, maps, rest)| ProductPatch {
            title: texts.0,
            description: texts.1,
            brand: texts.2,
            gtin: texts.3.map(|gtin| gtin.map(str::into_string)),
            categories: lists.0,
            image_urls: lists.1,
            tags: lists.2,
            price: amounts.0,
            list_price: amounts.1,
            cost: amounts.2,
            attributes: maps.0,
            variants: maps.1,
            translations: maps.2,
            availability: rest.0,
            published_at: rest.1,
            perishable_days: rest.2,
        })
        .boxed()
}

pub(super) fn product() -> BoxedStrategy<Product> {
    (product_id(), site(), patch())
        .prop_map(|(id, site, patch)| {
            let mut product = Product::new(id, site, "Bread");
            product.apply(patch);
            product
        })
        .boxed()
}

fn shop_fact() -> BoxedStrategy<Fact> {
    let stock = (
        (any_of(&StockMovement::ALL), product_id(), maybe(variant_id()), location()),
        (maybe(location()), quantity(), maybe(id_text()), maybe(day())),
    );
    let stock = stock.prop_map(
        |((movement, product, variant, location), (to, quantity, lot, expires_on))| {
            Fact::Stock(StockChange {
                movement,
                product,
                variant,
                location,
                to,
                quantity,
                lot,
                expires_on,
            })
        },
    );
    let price = (product_id(), maybe(variant_id()), money(), maybe(money())).prop_map(
        |(product, variant, price, list_price)| {
            Fact::Price(PriceChange { product, variant, price, list_price })
        },
    );
    let promotion = (
        (id_text(), any_of(&PromotionPhase::ALL), few(product_id())),
        (maybe(day()), maybe(day()), maybe(any::<u32>())),
    );
    let promotion =
        promotion.prop_map(|((promotion_id, phase, products), (from, until, discount_bp))| {
            Fact::Promotion(Promotion { promotion_id, phase, products, from, until, discount_bp })
        });
    prop_oneof![
        order_and_sale().prop_map(|(_, sale)| Fact::Sale(sale)),
        product().prop_map(|product| Fact::ProductPut(Box::new(product))),
        (product_id(), patch())
            .prop_map(|(product, patch)| Fact::ProductPatched { product, patch: Box::new(patch) }),
        product_id().prop_map(|product| Fact::ProductDeleted { product }),
        stock,
        price,
        promotion,
        subject().prop_map(|subject| Fact::Forgotten { subject }),
    ]
    .boxed()
}

fn purposes() -> BoxedStrategy<Purposes> {
    (0..32u8).prop_map(|bits| Purposes::from_bits(bits).unwrap()).boxed()
}

fn origin() -> BoxedStrategy<ConsentOrigin> {
    use ConsentOrigin::{Banner, File, Gpc, Shop, Shopper, Stated};
    prop_oneof![
        any_of(&[Shopper, Shop, Banner, Gpc, File]),
        any_of(&LegalBasis::ALL).prop_map(Stated)
    ]
    .boxed()
}

fn arm() -> BoxedStrategy<ArmMark> {
    (text(), text()).prop_map(|(experiment, arm)| ArmMark { experiment, arm }).boxed()
}

fn mark() -> BoxedStrategy<ProductMark> {
    let propensity =
        maybe((1..=1_000_000u32).prop_map(|n| Propensity::from_millionths(n).unwrap()));
    (propensity, any::<bool>(), maybe(any_of(&Team::ALL)))
        .prop_map(|(propensity, is_explored, team)| ProductMark { propensity, is_explored, team })
        .boxed()
}

fn shopper_fact() -> BoxedStrategy<Fact> {
    let shown = few((product_id(), mark()));
    let search = maybe((text(), any::<u32>(), any::<u32>(), any::<bool>()));
    let codes = maybe(prop::collection::vec(any::<u8>(), 0..5));
    let marks = (few(arm()), any::<bool>(), search, codes);
    let impressions = (id_text(), maybe(text()), text(), shown, marks).prop_map(
        |(request_id, placement, strategy, shown, (arms, is_marked, search, codes))| {
            let (products, marks): (Vec<_>, Vec<_>) = shown.into_iter().unzip();
            let products_marks = if is_marked { marks } else { Vec::new() };
            let signals = codes.map(|codes| {
                let rows: Vec<u8> = codes.repeat(products.len());
                SignalMark { codes: codes.into(), rows: rows.into() }
            });
            let search = search.map(|(query, n_found, took_us, is_merged)| {
                let n_places = if is_merged { products.len() } else { 0 };
                let places = (0..n_places).map(|idx| 3 * idx as u8).collect();
                SearchMark { query, n_found, took_us, places }
            });
            let marks = Marks { arms, products: products_marks, search, signals };
            Fact::Impressions(Impressions { request_id, placement, strategy, products, marks })
        },
    );
    prop_oneof![
        interaction().prop_map(Fact::Interaction),
        text().prop_map(|query| Fact::Searched { query }),
        (maybe(text()), maybe(text())).prop_map(|(name, path)| Fact::PageSeen { name, path }),
        (text(), maybe(text())).prop_map(|(name, properties)| Fact::Custom { name, properties }),
        maybe(text()).prop_map(|traits| Fact::Identified { traits }),
        (subject(), any_of(&LinkBasis::ALL))
            .prop_map(|(other, basis)| Fact::Linked { other, basis }),
        (subject(), any_of(&LinkBasis::ALL))
            .prop_map(|(other, basis)| Fact::Unlinked { other, basis }),
        (id_text(), maybe(text()))
            .prop_map(|(group_id, traits)| Fact::Grouped { group_id, traits }),
        order_and_sale().prop_map(|(order, _)| Fact::Order(order)),
        impressions,
        (purposes(), purposes(), origin(), maybe(text())).prop_map(
            |(granted, denied, origin, notice)| {
                Fact::Consent(ConsentChange { granted, denied, origin, notice })
            }
        ),
    ]
    .boxed()
}

pub(super) fn event() -> BoxedStrategy<Event> {
    let head = (time(), site(), maybe(any_of(&Channel::ALL)), any_of(&Source::ALL));
    (head, maybe(id_text()), purposes(), prop_oneof![shopper_fact(), shop_fact()])
        .prop_map(|((at, site, channel, source), message_id, withheld, fact)| Event {
            at,
            site,
            channel,
            source,
            message_id,
            withheld,
            fact,
        })
        .boxed()
}
