//! What rules cost one request: 10,000 rules, 300 candidates, a list of 20, on one core.
//!
//! The shop (seed 42) has 20,000 products of 800 brands and 400 categories. Of the rules 40 in 100 select a
//! brand, 25 a category, 20 up to five products by id, 13 a brand below a price, and 2 (200 rules) a
//! price, a tag's absence or everything, so that each of those is tried on every product. Nine actions take
//! turns; pins (one in nine) name up to five products. `conditions`: three in four rules ask for one of twelve placements, one in three for a channel, one
//! in four has hours. `unconditional`: all of the 10,000 hold for every request.
//!
//! `one request, rows at hand` asks for the same candidates again and again, so that nothing waits for
//! memory; `one request` takes other three hundred of 15,000 products each time. Both are which rules hold, what they do with 300 candidates, and the list; the schedules of the
//! minute and the candidates' rows are kept between requests, as the application keeps them; `in force` and
//! `row of a product` are what making them costs. The budget is 50 µs a request (issue 4, check 7).

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use souk_core::rules::{
    Candidate, Rule, RuleContext, RuleId, RuleRow, RuleSet, SegmentsOf, Shelf, arrange,
};
use souk_core::wire::json::rule_from_json;
use souk_core::{Channel, Currency, Money, Product, ProductId, SiteId, Timestamp};

const RULES: u64 = 10_000;
const PRODUCTS: u64 = 20_000;
const CANDIDATES: usize = 300;
const LIMIT: usize = 20;

fn mix(number: u64) -> u64 {
    let z = (number ^ 42).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z ^ z >> 31
}

fn product(number: u64) -> Product {
    let id = ProductId::new(format!("p{number}")).expect("not empty");
    let mut product = Product::new(id, SiteId::main(), format!("Product {number}"));
    let chance = mix(number);
    product.brand = Some(format!("Brand {}", chance % 800));
    let category = chance / 800 % 400;
    product.categories =
        vec![format!("Part {} > Aisle {} > Shelf {category}", category / 40, category / 8)];
    product.tags = vec![format!("tag{}", chance / 320_000 % 50)];
    product.price = Some(Money::from_minor((chance / 16_000_000 % 10_000) as i64, Currency::USD));
    product
}

fn selection(number: u64) -> Value {
    let chance = mix(number + 1_000_000);
    let brand = chance / 100 % 800;
    match chance % 100 {
        0..40 => json!({ "filter": format!("brand = 'Brand {brand}'") }),
        40..65 => json!({ "filter": format!("category = 'Shelf {}'", chance / 100 % 400) }),
        65..85 => {
            let ids =
                (0..=chance / 100 % 5).map(|n| format!("p{}", mix(number * 7 + n) % PRODUCTS));
            json!({ "product_ids": ids.collect::<Vec<_>>() })
        }
        85..98 => json!({ "filter": format!("brand = 'Brand {brand}' AND price < 50") }),
        98 if (chance / 100).is_multiple_of(2) => {
            json!({ "filter": format!("price < {}", chance / 200 % 100) })
        }
        98 => json!({ "filter": format!("NOT tags = 'tag{}'", chance / 100 % 50) }),
        _ => json!({}),
    }
}

fn action(number: u64) -> Value {
    match number % 9 {
        0 => json!({"type": "pin", "position": 1 + mix(number) % 20}),
        1 | 2 => json!({"type": "boost", "factor": 1.2}),
        3 => json!({"type": "bury"}),
        4 => json!({"type": "reserve", "share": 0.2}),
        5 => json!({"type": "cap_brand", "max": 3}),
        6 => json!({"type": "cap_category", "max": 3, "depth": 2}),
        7 => json!({"type": "exclude_bought", "days": 30}),
        _ => json!({"type": "margin", "weight": 0.2}),
    }
}

/// Whether rules ask for something of the request.
#[derive(Clone, Copy, PartialEq)]
enum Asking {
    Conditions,
    Nothing,
}

fn rules(asking: Asking) -> Vec<Rule> {
    let one = |number: u64| {
        let chance = mix(number + 2_000_000);
        let mut when = json!({});
        if asking == Asking::Conditions {
            if !chance.is_multiple_of(4) {
                when["placements"] = json!([format!("place{}", chance / 4 % 12)]);
            }
            if (chance / 48).is_multiple_of(3) {
                let channel = ["web", "mobile", "store"][(chance / 144 % 3) as usize];
                when["channels"] = json!([channel]);
            }
            if (chance / 432).is_multiple_of(4) {
                when["hours"] = json!({"from": "08:00", "until": "20:00"});
            }
        }
        let select = match selection(number) {
            _ if number.is_multiple_of(9) => {
                let ids =
                    (0..=mix(number) % 5).map(|n| format!("p{}", mix(number * 7 + n) % PRODUCTS));
                json!({ "product_ids": ids.collect::<Vec<_>>() })
            }
            select => select,
        };
        let rule = json!({"priority": chance % 10, "when": when, "select": select, "action": action(number)});
        let id = RuleId::new(&format!("r{number}")).expect("a plain id");
        rule_from_json(&rule, Some(&id), Timestamp::EPOCH.plus_ms(number as i64)).expect("a rule")
    };
    (0..RULES).map(one).collect()
}

/// Candidates with their products, which lie all over memory.
struct Rows<'a>(&'a [(&'a Product, &'a RuleRow)]);

impl Shelf for Rows<'_> {
    fn id(&self, candidate: usize) -> &ProductId {
        &self.0[candidate].0.id
    }

    fn brand(&self, candidate: usize) -> Option<&str> {
        self.0[candidate].0.brand.as_deref()
    }

    fn category(&self, candidate: usize) -> Option<&str> {
        self.0[candidate].0.categories.first().map(String::as_str)
    }
}

/// One request; returns how many products it placed.
fn answer(
    set: &RuleSet,
    in_force: &souk_core::rules::InForce,
    shelf: &[(&Product, &RuleRow)],
) -> usize {
    let site = SiteId::main();
    let context = RuleContext {
        placement: Some("place3"),
        strategy: "popular",
        page_type: Some("home"),
        page_product: None,
        page_categories: &[],
        query: None,
        channel: Some(Channel::Web),
        site: &site,
        segments: SegmentsOf::NONE,
    };
    let active = set.active(in_force, &context);
    let mut pins = Vec::new();
    let rows: Vec<&RuleRow> = shelf.iter().map(|(_, row)| *row).collect();
    let effects = set.effects((&active, &rows), &mut pins).into_iter();
    let candidate = |effect| Candidate { effect, margin: Some(0.3), stock: 0.0, is_guest: false };
    let candidates: Vec<Candidate> = effects.map(candidate).collect();
    arrange((set, &active), (&candidates, &Rows(shelf)), &pins, LIMIT).placed.len()
}

fn bench(c: &mut Criterion) {
    let products: Vec<Product> = (0..PRODUCTS).map(product).collect();
    let noon = Timestamp::parse("2026-01-15T12:00:00Z").expect("a time");
    let mut group = c.benchmark_group("rules");
    for (name, asking) in [("conditions", Asking::Conditions), ("unconditional", Asking::Nothing)] {
        let rules = rules(asking);
        let set = RuleSet::compile(rules.clone());
        let rows: Vec<RuleRow> = products.iter().map(|product| set.row(product)).collect();
        let in_force = set.in_force(noon, &TimeZone::UTC);
        // Another three hundred each time, so that not always the same rows are at hand.
        let shelves: Vec<Vec<(&Product, &RuleRow)>> = (0..50)
            .map(|shelf| {
                let numbers = (0..CANDIDATES as u64).map(|n| mix(shelf * 1_000 + n) % PRODUCTS);
                numbers.map(|n| (&products[n as usize], &rows[n as usize])).collect()
            })
            .collect();
        let mut turn = 0;
        group.bench_function(format!("one request, {name}"), |b| {
            b.iter(|| {
                turn = (turn + 1) % shelves.len();
                black_box(answer(&set, &in_force, &shelves[turn]))
            });
        });
        group.bench_function(format!("one request, rows at hand, {name}"), |b| {
            b.iter(|| black_box(answer(&set, &in_force, &shelves[0])));
        });
        group.bench_function(format!("in force, {name}"), |b| {
            b.iter(|| black_box(set.in_force(noon, &TimeZone::UTC)));
        });
        let mut turn = 0;
        group.bench_function(format!("row of a product, {name}"), |b| {
            b.iter(|| {
                turn = (turn + 1) % products.len();
                black_box(set.row(&products[turn]))
            });
        });
        group.sample_size(10);
        group.bench_function(format!("compile, {name}"), |b| {
            b.iter_batched(|| rules.clone(), RuleSet::compile, BatchSize::LargeInput);
        });
        group.sample_size(100);
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
