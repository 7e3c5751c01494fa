//! Whatever the rules, products and requests: the compiled rules say what each rule says when it is
//! asked alone.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::AttributeValue;

fn one_of(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(words).prop_map(str::to_owned)
}

fn some_of(words: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    prop_oneof![
        3 => Just(Vec::new()),
        2 => prop::sample::subsequence(words, 1..=2)
            .prop_map(|words| words.into_iter().map(str::to_owned).collect()),
    ]
}

/// Filters with and without anchors, nested.
fn filter() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        one_of(&["Own", "own", "Kilo", "12"]).prop_map(|brand| format!("brand = '{brand}'")),
        one_of(&["Tea", "food", "Food > Tea", "Food > Te", "Food>Milk > Oat"])
            .prop_map(|path| format!("category = '{path}'")),
        one_of(&["new", "SALE"]).prop_map(|tag| format!("tags IN ['{tag}', 'x']")),
        one_of(&["red", "7", "07"]).prop_map(|value| format!("colour = '{value}'")),
        one_of(&["p1", "P2", "p3"]).prop_map(|id| format!("id = '{id}'")),
        (0..20_u32).prop_map(|price| format!("price < {price}")),
        Just("brand EXISTS".to_owned()),
        Just("brand != 'Own'".to_owned()),
        Just("brand = 12".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..=3)
                .prop_map(|parts| format!("({})", parts.join(" AND "))),
            prop::collection::vec(inner.clone(), 2..=3)
                .prop_map(|parts| format!("({})", parts.join(" OR "))),
            inner.prop_map(|part| format!("NOT ({part})")),
        ]
    })
}

fn selection() -> impl Strategy<Value = Value> {
    prop_oneof![
        1 => Just(json!({})),
        4 => filter().prop_map(|filter| json!({ "filter": filter })),
        2 => prop::collection::vec(one_of(&["p1", "p2", "P2", "p3", "gone"]), 1..4)
            .prop_map(|ids| json!({ "product_ids": ids })),
    ]
}

fn when() -> impl Strategy<Value = Value> {
    let schedule = prop_oneof![
        3 => Just(json!({})),
        1 => Just(json!({"days": ["thu"]})),
        1 => Just(json!({"hours": {"from": "23:00", "until": "11:00"}})),
        1 => Just(json!({"from": "2026-01-15T12:30:00", "until": "2026-02-01T00:00:00Z"})),
    ];
    let words = (
        some_of(&["home", "cart"]),
        some_of(&["popular", "similar"]),
        some_of(&["product", "home"]),
        some_of(&["p1", "p2"]),
        some_of(&["Food", "tea", "Food > Milk"]),
        some_of(&["tea", "^green tea", "tea$"]),
        some_of(&["web", "store"]),
        some_of(&["main", "other"]),
        some_of(&["vip", "lost"]),
    );
    (words, schedule).prop_map(|(words, mut when)| {
        let object = when.as_object_mut().unwrap();
        let names = [
            "placements",
            "strategies",
            "page_types",
            "product_ids",
            "categories",
            "queries",
            "channels",
            "sites",
            "segments",
        ];
        let lists =
            [words.0, words.1, words.2, words.3, words.4, words.5, words.6, words.7, words.8];
        object
            .extend(names.iter().zip(lists).map(|(name, list)| ((*name).to_owned(), list.into())));
        when
    })
}

fn action() -> impl Strategy<Value = Value> {
    prop_oneof![
        (1..5_u32).prop_map(|position| json!({"type": "pin", "position": position})),
        prop_oneof![Just(0.5), Just(2.0), Just(8.0)]
            .prop_map(|f: f64| json!({"type": "boost", "factor": f})),
        Just(json!({"type": "bury"})),
        Just(json!({"type": "hide"})),
        prop_oneof![Just(0.25), Just(0.5)]
            .prop_map(|s: f64| json!({"type": "reserve", "share": s})),
        (1..3_u32).prop_map(|max| json!({"type": "cap_brand", "max": max})),
        (1..3_u32).prop_map(|max| json!({"type": "cap_category", "max": max, "depth": 1})),
        (1..90_u32).prop_map(|days| json!({"type": "exclude_bought", "days": days})),
        Just(json!({"type": "margin", "weight": 0.5})),
    ]
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let one = (when(), selection(), action(), -2..3_i64, 0..3_i64, prop::bool::weighted(0.9));
    prop::collection::vec(one, 0..100).prop_map(|rules| {
        let rules = rules.into_iter().enumerate();
        rules
            .map(|(idx, (when, select, action, priority, age, is_on))| {
                // A pin must know its product.
                let is_pin = action["type"] == "pin" && select == json!({});
                let select = if is_pin { json!({"product_ids": ["p1"]}) } else { select };
                rule(
                    &format!("r{idx}"),
                    age,
                    &json!({"priority": priority, "enabled": is_on,
                    "when": when, "select": select, "action": action}),
                )
            })
            .collect()
    })
}

fn products() -> impl Strategy<Value = Vec<Product>> {
    let one = (
        prop::option::of(one_of(&["Own", "OWN", "kilo", "12", "12.0"])),
        some_of(&["Food > Tea", "Food > Milk > Oat", "Tea"]),
        some_of(&["new", "Sale"]),
        prop_oneof![
            Just(None),
            Just(Some(AttributeValue::Text("Red".into()))),
            Just(Some(AttributeValue::Number(7.0))),
            Just(Some(AttributeValue::Texts(vec!["blue".into(), "7".into()]))),
        ],
        0..2_000_i64,
    );
    prop::collection::vec(one, 1..8).prop_map(|products| {
        let ids = ["p1", "p2", "P2", "p3", "p4", "p5", "p6", "p7"];
        let products = products.into_iter().zip(ids);
        products
            .map(|((brand, categories, tags, colour, price), name)| {
                let mut product = Product::new(id(name), SiteId::main(), name);
                (product.brand, product.categories, product.tags) = (brand, categories, tags);
                product.attributes.extend(colour.map(|colour| ("colour".to_owned(), colour)));
                product.price = Some(crate::Money::from_minor(price, crate::Currency::USD));
                product
            })
            .collect()
    })
}

fn zone() -> TimeZone {
    TimeZone::get("America/New_York").unwrap()
}

/// What the rules say of a product when each is asked alone.
fn asked_alone(rules: &[Rule], product: &Product, context: &RuleContext<'_>) -> BTreeSet<RuleId> {
    let holds = |rule: &&Rule| {
        rule.is_on
            && rule.when.unmet(context).is_none()
            && rule.when.schedule.holds(at("2026-01-15T12:00:00Z"), &zone())
            && rule.selection.selects(product)
    };
    rules.iter().filter(holds).map(|rule| rule.id.clone()).collect()
}

/// The effect of rules, written as plainly as it can be said.
fn plain_effect(touching: &[&Rule]) -> (Option<RuleId>, Option<u16>, bool, f32) {
    let first = |kind: &str| {
        let those = touching.iter().filter(|rule| rule.action.as_str() == kind);
        those.min_by(|a, b| a.precedence().cmp(&b.precedence())).map(|rule| rule.id.clone())
    };
    let days = touching.iter().filter_map(|rule| match rule.action {
        RuleAction::ExcludeBought { days } => Some(days),
        _ => None,
    });
    let boosts = touching.iter().filter_map(|rule| match rule.action {
        RuleAction::Boost { factor } => Some(factor),
        _ => None,
    });
    (first("hide"), days.max(), first("bury").is_some(), boosts.product())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn compiled_rules_say_what_each_says_alone(
        rules in rules(),
        products in products(),
        placement in prop::option::of(one_of(&["home", "cart", "foot"])),
        page in prop::option::of(one_of(&["p1", "p9"])),
        search in prop::option::of(one_of(&["green tea", "tea pot", "milk"])),
        categories in some_of(&["Food > Tea", "Food > Milk > Oat"]),
        channel in prop::option::of(prop::sample::select(&[Channel::Web, Channel::Email][..])),
        segments in some_of(&["vip", "lost"]),
    ) {
        let (site, page) = (SiteId::main(), page.map(|page| id(&page)));
        let is_in = |key: &str| segments.iter().any(|one| one == key);
        let context = RuleContext {
            placement: placement.as_deref(),
            page_type: Some("product"),
            page_product: page.as_ref(),
            page_categories: &categories,
            query: search.as_deref(),
            channel,
            segments: SegmentsOf::by(&is_in),
            ..context(&site)
        };
        let set = RuleSet::compile(rules.clone());
        let active = set.active(&set.in_force(at("2026-01-15T12:00:00Z"), &zone()), &context);
        for product in &products {
            let row = set.row(product);
            let mut found = BTreeSet::new();
            set.each_touching(&active, &row, |rule| {
                assert!(found.insert(set.rule(rule).id.clone()), "a rule is named twice");
            });
            let alone = asked_alone(&rules, product, &context);
            prop_assert_eq!(&found, &alone, "product {}", product.id);
            let touching: Vec<&Rule> = rules.iter().filter(|rule| alone.contains(&rule.id)).collect();
            let effect = set.effect((&active, &row), 0, &mut Vec::new());
            let (hidden_by, days, is_buried, boost) = plain_effect(&touching);
            prop_assert_eq!(effect.hidden_by.map(|rule| set.rule(rule).id.clone()), hidden_by);
            prop_assert_eq!(effect.bought.map(|(days, _)| days), days);
            prop_assert_eq!(effect.buried_by.is_some(), is_buried);
            prop_assert!((effect.boost / boost - 1.0).abs() < 1e-4, "{} and {}", effect.boost, boost);
        }
    }

    /// Whatever the rules, a list has no product twice, honours its caps, gives buried products no place
    /// before others that could have it, and is as long as caps allow.
    #[test]
    fn a_list_keeps_its_promises(rules in rules(), products in products(), limit in 1..8_usize) {
        let (site, set) = (SiteId::main(), RuleSet::compile(rules));
        let context = context(&site);
        let active = set.active(&set.in_force(at("2026-01-15T12:00:00Z"), &zone()), &context);
        let (mut pins, mut candidates) = (Vec::new(), Vec::new());
        for product in &products {
            let effect = set.effect((&active, &set.row(product)), candidates.len() as u32, &mut pins);
            candidates.push(Candidate {
                effect,
                margin: None,
                stock: 0.0,
                is_guest: false,
            });
        }
        let made = arrange((&set, &active), (&candidates, &Products(&products)), &pins, limit);
        let mut seen = BTreeSet::new();
        prop_assert!(made.placed.iter().all(|one| seen.insert(one.candidate)));
        prop_assert!(made.placed.len() <= limit);
        if made.capped.is_empty() {
            prop_assert_eq!(made.placed.len(), limit.min(candidates.len()));
        }
        let free: Vec<bool> = made.placed.iter()
            .filter(|one| one.taken == Taken::ByWeight && active.reserves().is_empty())
            .map(|one| candidates[one.candidate].effect.buried_by.is_some())
            .collect();
        prop_assert!(free.is_sorted(), "buried before others: {:?}", made);
        for (rule, cap) in set.iter().filter(|(rule, _)| set.holds(&active, *rule)) {
            let RuleAction::Cap { by: CapBy::Brand, max } = cap.action else { continue };
            let mut counts = std::collections::BTreeMap::<String, (u16, bool)>::new();
            for one in &made.placed {
                let Some(brand) = &products[one.candidate].brand else { continue };
                if cap.selection.selects(&products[one.candidate]) {
                    let count = counts.entry(brand.to_ascii_lowercase()).or_default();
                    count.0 += 1;
                    count.1 |= matches!(one.taken, Taken::ByPin(_));
                }
            }
            // Only pins may break a cap.
            for (brand, (count, has_pin)) in counts {
                prop_assert!(count <= max || has_pin, "{} of {brand} under {:?}", count, rule);
            }
        }
    }
}

/// What caps count a product as, spelled out.
fn counted_as(product: &Product, by: CapBy) -> Option<String> {
    match by {
        CapBy::Brand => product.brand.as_ref().map(|brand| brand.to_ascii_lowercase()),
        CapBy::Category { depth } => product.categories.first().map(|path| {
            let steps = path.split('>').map(|step| step.trim().to_ascii_lowercase());
            steps.take(depth.map_or(usize::MAX, usize::from)).collect::<Vec<_>>().join(">")
        }),
    }
}

/// The list as the rules are told to people, looked through from the beginning for every place.
struct PlainList<'a> {
    set: &'a RuleSet,
    active: &'a ActiveRules,
    candidates: &'a [Candidate],
    products: &'a [Product],
    placed: Vec<Placed>,
}

impl PlainList<'_> {
    fn has(&self, candidate: usize) -> bool {
        self.placed.iter().any(|one| one.candidate == candidate)
    }

    /// Whether another product like this one would break a cap that counts it.
    fn is_capped(&self, candidate: usize) -> bool {
        (0..).zip(self.active.caps.iter()).any(|(slot, cap)| {
            let RuleAction::Cap { by, max } = self.set.action(*cap) else { return false };
            let counts = |one: usize| self.candidates[one].effect.caps >> slot & 1 == 1;
            let Some(key) = counted_as(&self.products[candidate], by) else { return false };
            let alike = self.placed.iter().filter(|one| {
                counts(one.candidate)
                    && counted_as(&self.products[one.candidate], by).as_ref() == Some(&key)
            });
            counts(candidate) && alike.count() >= usize::from(max)
        })
    }

    fn best(&self, order: &[usize], fits: impl Fn(&Candidate) -> bool) -> Option<usize> {
        let free = order.iter().filter(|&&one| !self.has(one) && fits(&self.candidates[one]));
        free.copied().find(|&one| !self.is_capped(one))
    }

    fn make(mut self, pins: &[PinHit], limit: usize) -> Vec<Placed> {
        let mut pinned: Vec<Option<Placed>> = vec![None; limit];
        for &rule in &self.active.pins {
            let RuleAction::Pin { position } = self.set.action(rule) else { continue };
            let place = usize::from(position) - 1;
            if place >= limit || pinned[place].is_some() {
                continue;
            }
            let hits = pins.iter().filter(|hit| hit.rule == rule).map(|hit| hit.candidate as usize);
            let selection = &self.set.rule(rule).selection;
            let free = hits.filter(|one| !self.has(*one));
            let best = free.min_by_key(|one| (selection.order_of(&self.products[*one].id), *one));
            if let Some(candidate) = best {
                pinned[place] = Some(Placed { candidate, taken: Taken::ByPin(rule) });
                self.placed.extend(pinned[place]);
            }
        }
        let mut order: Vec<usize> = (0..self.candidates.len()).collect();
        let weight =
            |one: usize| self.candidates[one].effect.bounded_boost() / ((one + 2) as f32).log2();
        let is_buried = |one: usize| self.candidates[one].effect.buried_by.is_some();
        order.sort_by(|&a, &b| {
            let by_weight = if is_buried(a) { a.cmp(&b) } else { weight(b).total_cmp(&weight(a)) };
            is_buried(a).cmp(&is_buried(b)).then(by_weight)
        });
        let mut list = Vec::new();
        for place in 1..=limit {
            if let Some(pin) = pinned[place - 1] {
                list.push(pin);
                continue;
            }
            let next = self.best(&order, |_| true);
            let mut found = next.map(|candidate| Placed { candidate, taken: Taken::ByWeight });
            for (slot, rule) in self.active.reserves.iter().enumerate() {
                let RuleAction::Reserve { share } = self.set.action(*rule) else { continue };
                let fills = |one: &Candidate| one.effect.reserves >> slot & 1 == 1;
                let quota = ((share * limit as f32).round() as usize).clamp(1, limit);
                let taken = &self.placed;
                let filled = taken.iter().filter(|one| fills(&self.candidates[one.candidate]));
                if filled.count() >= place * quota / limit {
                    continue;
                }
                if let Some(candidate) = self.best(&order, fills) {
                    let is_next = next == Some(candidate);
                    let taken = if is_next { Taken::ByWeight } else { Taken::ByReserve(*rule) };
                    found = Some(Placed { candidate, taken });
                    break;
                }
            }
            self.placed.extend(found);
            list.extend(found);
        }
        list
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// The quick way to a list gives the list of the plain way, place by place.
    #[test]
    fn a_list_is_the_one_that_is_told(
        rules in rules(),
        products in products(),
        repeated in 1..9_usize,
        limit in 1..12_usize,
    ) {
        let (site, set) = (SiteId::main(), RuleSet::compile(rules));
        let context = context(&site);
        let active = set.active(&set.in_force(at("2026-01-15T12:00:00Z"), &zone()), &context);
        // The same products again and again, so that there are more candidates than a word has bits.
        let products: Vec<Product> =
            std::iter::repeat_n(&products, repeated).flatten().cloned().collect();
        let (mut pins, mut candidates) = (Vec::new(), Vec::new());
        for product in &products {
            let effect = set.effect((&active, &set.row(product)), candidates.len() as u32, &mut pins);
            candidates.push(Candidate { effect, margin: None, stock: 0.0, is_guest: false });
        }
        let made = arrange((&set, &active), (&candidates, &Products(&products)), &pins, limit);
        let plain = PlainList {
            set: &set, active: &active, candidates: &candidates, products: &products, placed: Vec::new(),
        };
        prop_assert_eq!(made.placed, plain.make(&pins, limit));
    }
}

/// What holding rules do with a product, said rule by rule. Of reserved shares and caps the first 64 count.
fn plain_sums(rules: &[&Rule], product: &Product) -> (f32, f32, [Vec<RuleId>; 2]) {
    let those = |kind: &str| -> Vec<&Rule> {
        let of_kind = |rule: &&&Rule| rule.action.as_str().starts_with(kind);
        let mut those: Vec<&Rule> = rules.iter().filter(of_kind).copied().collect();
        those.sort_by(|a, b| a.precedence().cmp(&b.precedence()));
        those.into_iter().take(64).filter(|rule| rule.selection.selects(product)).collect()
    };
    let ids = |kind: &str| those(kind).into_iter().map(|rule| rule.id.clone()).collect();
    let amount = |rule: &&Rule| match rule.action {
        RuleAction::Margin { weight } => weight,
        RuleAction::Boost { factor } => factor,
        _ => panic!("only these have an amount"),
    };
    let of = |kind: &str| -> Vec<f32> {
        let of_kind = rules.iter().filter(|rule| rule.action.as_str() == kind);
        of_kind.filter(|rule| rule.selection.selects(product)).map(amount).collect()
    };
    (
        of("boost").iter().product(),
        of("margin").iter().sum::<f32>().min(1.0),
        [ids("reserve"), ids("cap")],
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Hundreds of rules, most of them looked at by bits: each product gets what the rules say one by one, together
    /// with others or alone.
    #[test]
    fn many_rules_do_what_each_does_alone(
        wanted in prop::collection::vec((selection(), action(), -2..3_i64), 300..340),
        products in products(),
        repeated in 1..7_usize,
    ) {
        let rules = wanted.into_iter().enumerate().map(|(idx, (select, action, priority))| {
            let is_pin = action["type"] == "pin" && select == json!({});
            let select = if is_pin { json!({"product_ids": ["p1"]}) } else { select };
            let action = match action["type"] == "margin" {
                true => json!({"type": "margin", "weight": 0.001}),
                false => action,
            };
            let value = json!({"priority": priority, "select": select, "action": action});
            rule(&format!("r{idx}"), idx as i64 % 7, &value)
        });
        let rules: Vec<Rule> = rules.collect();
        let (site, set) = (SiteId::main(), RuleSet::compile(rules.clone()));
        let active = set.active(&set.in_force(at("2026-01-15T12:00:00Z"), &zone()), &context(&site));
        let products: Vec<&Product> = std::iter::repeat_n(&products, repeated).flatten().collect();
        let rows: Vec<RuleRow> = products.iter().map(|product| set.row(*product)).collect();
        let (mut pins, mut pins_alone) = (Vec::new(), Vec::new());
        let effects = set.effects((&active, &rows.iter().collect::<Vec<_>>()), &mut pins);
        prop_assert_eq!(effects.len(), products.len());
        let all: Vec<&Rule> = rules.iter().collect();
        for ((number, product), effect) in (0..).zip(products).zip(effects) {
            let row = &rows[number as usize];
            prop_assert_eq!(effect, set.effect((&active, row), number, &mut pins_alone));
            let (boost, margin, [reserves, caps]) = plain_sums(&all, product);
            prop_assert!((effect.boost / boost - 1.0).abs() < 1e-3, "{} and {}", effect.boost, boost);
            prop_assert!((effect.margin - margin).abs() < 1e-4, "{} and {}", effect.margin, margin);
            let named = |list: &[RuleNo], bits: u64| -> Vec<RuleId> {
                let those = list.iter().enumerate().filter(|(slot, _)| bits >> slot & 1 == 1);
                those.map(|(_, rule)| set.rule(*rule).id.clone()).collect()
            };
            prop_assert_eq!(named(&active.reserves, effect.reserves), reserves);
            prop_assert_eq!(named(&active.caps, effect.caps), caps);
        }
        let sorted = |pins: &[PinHit]| pins.iter().map(|hit| (hit.candidate, hit.rule)).collect::<BTreeSet<_>>();
        prop_assert_eq!(pins.len(), pins_alone.len());
        prop_assert_eq!(sorted(&pins), sorted(&pins_alone));
    }
}
