#![allow(clippy::unwrap_used)]

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::*;
use crate::wire::json::{rule_from_json, rule_to_json};
use crate::{Product, Timestamp};

mod model;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// A rule of a JSON text; `age` orders rules of one priority, the smaller one being older.
fn rule(id: &str, age: i64, value: &Value) -> Rule {
    let id = RuleId::new(id).unwrap();
    rule_from_json(value, Some(&id), Timestamp::EPOCH.plus_ms(age)).unwrap()
}

fn id(text: &str) -> ProductId {
    ProductId::new(text).unwrap()
}

fn product(name: &str, brand: &str) -> Product {
    let mut product = Product::new(id(name), SiteId::main(), name);
    product.brand = Some(brand.to_owned());
    product.categories = vec![format!("Food > {brand} things > Small")];
    product
}

/// The products of some candidates, in their order.
struct Products<'a>(&'a [Product]);

impl Shelf for Products<'_> {
    fn id(&self, candidate: usize) -> &ProductId {
        &self.0[candidate].id
    }

    fn brand(&self, candidate: usize) -> Option<&str> {
        self.0[candidate].brand.as_deref()
    }

    fn category(&self, candidate: usize) -> Option<&str> {
        self.0[candidate].categories.first().map(String::as_str)
    }
}

fn context(site: &SiteId) -> RuleContext<'_> {
    RuleContext {
        placement: Some("home"),
        strategy: "popular",
        page_type: None,
        page_product: None,
        page_categories: &[],
        query: None,
        channel: Some(Channel::Web),
        site,
        segments: SegmentsOf::NONE,
    }
}

/// The list of ten products `a` to `j` under rules: brands A for the vowels, B for the others.
fn listed(rules: Vec<Rule>, limit: usize) -> Vec<String> {
    let (names, _) = arranged(rules, limit);
    names
}

fn arranged(rules: Vec<Rule>, limit: usize) -> (Vec<String>, Vec<Taken>) {
    let set = RuleSet::compile(rules);
    let site = SiteId::main();
    let active =
        set.active(&set.in_force(at("2026-01-15T12:00:00Z"), &TimeZone::UTC), &context(&site));
    let products: Vec<Product> = ('a'..='j')
        .map(|name| product(&name.to_string(), if "aei".contains(name) { "A" } else { "B" }))
        .collect();
    let (mut pins, mut candidates, mut shown) = (Vec::new(), Vec::new(), Vec::new());
    for product in &products {
        let row = set.row(product);
        let number = candidates.len() as u32;
        let mut own = Vec::new();
        let effect = set.effect((&active, &row), number, &mut own);
        if effect.hidden_by.is_some() {
            continue;
        }
        pins.extend(own);
        shown.push(product.clone());
        candidates.push(Candidate {
            effect,
            margin: Some(if product.id.as_str() == "j" { 0.9 } else { 0.3 }),
            stock: if product.id.as_str() == "a" { -1.0 } else { 0.0 },
            is_guest: false,
        });
    }
    let made = arrange((&set, &active), (&candidates, &Products(&shown)), &pins, limit);
    let names = made.placed.iter().map(|one| shown[one.candidate].id.to_string()).collect();
    (names, made.placed.iter().map(|one| one.taken).collect())
}

#[test]
fn without_rules_the_rank_stays() {
    assert_eq!(listed(Vec::new(), 4), ["a", "b", "c", "d"]);
}

#[test]
fn what_removes_beats_what_places() {
    let pin = rule(
        "pin",
        1,
        &json!({"priority": 1000, "select": {"product_ids": ["f"]},
        "action": {"type": "pin", "position": 1}}),
    );
    assert_eq!(listed(vec![pin.clone()], 3), ["f", "a", "b"]);
    let hide =
        rule("hide", 2, &json!({"select": {"filter": "id = 'f'"}, "action": {"type": "hide"}}));
    assert_eq!(listed(vec![pin, hide], 3), ["a", "b", "c"]);
}

#[test]
fn of_two_pins_the_higher_then_the_older_wins() {
    let pin = |name: &str, age: i64, priority: i64, product: &str| {
        rule(
            name,
            age,
            &json!({"priority": priority, "select": {"product_ids": [product]},
            "action": {"type": "pin", "position": 1}}),
        )
    };
    assert_eq!(listed(vec![pin("x", 9, 5, "e"), pin("y", 1, 0, "g")], 2), ["e", "a"]);
    assert_eq!(listed(vec![pin("x", 9, 0, "e"), pin("y", 1, 0, "g")], 2), ["g", "a"]);
    assert_eq!(listed(vec![pin("x", 1, 0, "e"), pin("y", 1, 0, "g")], 2), ["e", "a"]);
}

#[test]
fn a_pin_takes_the_first_of_its_list_and_the_best_of_its_filter() {
    let of_list = json!({"select": {"product_ids": ["z", "h", "d"]}, "action": {"type": "pin", "position": 2}});
    assert_eq!(listed(vec![rule("p", 1, &of_list)], 3), ["a", "h", "b"]);
    let of_filter =
        json!({"select": {"filter": "brand = 'b'"}, "action": {"type": "pin", "position": 1}});
    assert_eq!(listed(vec![rule("p", 1, &of_filter)], 3), ["b", "a", "c"]);
    let (_, taken) = arranged(vec![rule("p", 1, &of_filter)], 3);
    assert!(matches!(taken[..], [Taken::ByPin(_), Taken::ByWeight, Taken::ByWeight]));
}

#[test]
fn a_boost_moves_by_rank_and_bury_beats_it() {
    let boost = rule(
        "boost",
        1,
        &json!({"select": {"filter": "id = 'j'"}, "action": {"type": "boost", "factor": 1.5}}),
    );
    let place = |rules| listed(rules, 10).iter().position(|name| name == "j").unwrap() + 1;
    assert_eq!(place(vec![boost.clone()]), 4, "as the documentation of `Boost` says");
    let back = rule(
        "back",
        1,
        &json!({"select": {"filter": "id = 'a'"}, "action": {"type": "boost", "factor": 0.5}}),
    );
    assert_eq!(listed(vec![back], 10)[..3], ["b", "a", "c"]);
    let bury =
        rule("bury", 1, &json!({"select": {"filter": "brand = 'A'"}, "action": {"type": "bury"}}));
    let loud = rule(
        "loud",
        1,
        &json!({"select": {"filter": "id = 'e'"}, "action": {"type": "boost", "factor": 10}}),
    );
    let list = listed(vec![bury, loud], 10);
    assert_eq!(list[7..], ["a", "e", "i"], "the buried keep their order: {list:?}");
}

#[test]
fn a_share_of_the_places_is_kept_and_spread() {
    let reserve = rule(
        "own",
        1,
        &json!({"select": {"filter": "brand = 'A' AND id != 'a'"}, "action": {"type": "reserve", "share": 0.4}}),
    );
    let (list, taken) = arranged(vec![reserve.clone()], 5);
    assert_eq!(list, ["a", "b", "e", "c", "i"]);
    assert!(matches!(taken[2], Taken::ByReserve(_)) && matches!(taken[3], Taken::ByWeight));
    // What a pin brings counts, and places that nothing can fill go to others.
    let pin = rule(
        "pin",
        1,
        &json!({"select": {"product_ids": ["i"]}, "action": {"type": "pin", "position": 1}}),
    );
    assert_eq!(listed(vec![reserve, pin], 5), ["i", "a", "b", "c", "e"]);
    let much = rule(
        "own",
        1,
        &json!({"select": {"filter": "brand = 'none'"}, "action": {"type": "reserve", "share": 1}}),
    );
    assert_eq!(listed(vec![much], 3), ["a", "b", "c"]);
}

#[test]
fn caps_count_brands_and_parts_of_categories() {
    let cap = rule("cap", 1, &json!({"action": {"type": "cap_brand", "max": 2}}));
    assert_eq!(listed(vec![cap.clone()], 10), ["a", "b", "c", "e"]);
    let all_food =
        rule("cap", 1, &json!({"action": {"type": "cap_category", "max": 3, "depth": 1}}));
    assert_eq!(listed(vec![all_food], 10), ["a", "b", "c"]);
    let whole = rule("cap", 1, &json!({"action": {"type": "cap_category", "max": 1}}));
    assert_eq!(listed(vec![whole], 10), ["a", "b"]);
    // A pinned product counts, and is not itself bound.
    let pin = rule(
        "pin",
        1,
        &json!({"select": {"product_ids": ["j"]}, "action": {"type": "pin", "position": 2}}),
    );
    assert_eq!(listed(vec![cap, pin], 10), ["a", "j", "b", "e"]);
    let some = rule(
        "cap",
        1,
        &json!({"select": {"filter": "brand = 'A'"}, "action": {"type": "cap_brand", "max": 1}}),
    );
    assert_eq!(listed(vec![some], 4), ["a", "b", "c", "d"]);
}

#[test]
fn margin_and_stock_weigh_within_bounds() {
    let margin = rule("m", 1, &json!({"action": {"type": "margin", "weight": 1}}));
    let list = listed(vec![margin], 10);
    assert_eq!(
        list.iter().position(|name| name == "j"),
        Some(2),
        "twice the weight of rank 10: {list:?}"
    );
    let stock = rule("s", 1, &json!({"action": {"type": "stock", "weight": 1}}));
    assert_eq!(listed(vec![stock], 3), ["b", "a", "c"]);
}

#[test]
fn a_rule_that_is_off_or_does_not_hold_does_nothing() {
    let hide = |more: Value| {
        let mut value = json!({"action": {"type": "hide"}});
        value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        listed(vec![rule("h", 1, &value)], 1).is_empty()
    };
    assert!(hide(json!({})));
    assert!(!hide(json!({"enabled": false})));
    assert!(hide(json!({"when": {"placements": ["cart", "home"]}})));
    assert!(!hide(json!({"when": {"placements": ["cart"]}})));
    assert!(!hide(json!({"when": {"page_types": ["product"]}})), "the request names no page type");
    assert!(hide(
        json!({"when": {"strategies": ["popular"], "channels": ["web"], "sites": ["main"]}})
    ));
    assert!(!hide(json!({"when": {"strategies": ["popular"], "channels": ["store"]}})));
    assert!(!hide(json!({"when": {"from": "2026-01-15T12:00:01Z"}})));
    assert!(hide(json!({"when": {"from": "2026-01-15", "until": "2026-01-16", "days": ["thu"]}})));
}

#[test]
fn a_page_fits_by_its_product_and_by_each_step_of_its_category() {
    let site = SiteId::main();
    let holds = |when: Value| {
        let rule = rule("r", 1, &json!({"when": when, "action": {"type": "bury"}}));
        let set = RuleSet::compile([rule.clone()]);
        let (page, categories) = (id("p9"), ["Grocery > Bakery > Bread".to_owned()]);
        let context = RuleContext {
            page_product: Some(&page),
            page_categories: &categories,
            ..context(&site)
        };
        let in_force = set.in_force(Timestamp::EPOCH, &TimeZone::UTC);
        let is_active = !set.active(&in_force, &context).is_empty();
        assert_eq!(rule.when.unmet(&context).is_none(), is_active, "asked alone and compiled");
        is_active
    };
    assert!(holds(json!({"product_ids": ["p1", "p9"]})) && !holds(json!({"product_ids": ["P9"]})));
    for category in ["grocery", "Grocery>Bakery", "Grocery > Bakery > Bread", "bread"] {
        assert!(holds(json!({"categories": [category]})), "{category}");
    }
    assert!(
        !holds(json!({"categories": ["Bakery > Bread"]})) && !holds(json!({"categories": ["Bre"]}))
    );
}

#[test]
fn schedules_go_by_the_clock_of_the_site() {
    let new_york = TimeZone::get("America/New_York").unwrap();
    let holds = |when: Value, now: &str| {
        let rule = rule("r", 1, &json!({"when": when, "action": {"type": "hide"}}));
        rule.when.schedule.holds(at(now), &new_york)
    };
    let friday = json!({"from": "2026-11-27T00:00:00", "until": "2026-11-28"});
    assert!(
        !holds(friday.clone(), "2026-11-27T04:59:59Z")
            && holds(friday.clone(), "2026-11-27T05:00:00Z")
    );
    assert!(
        holds(friday.clone(), "2026-11-28T04:59:59Z") && !holds(friday, "2026-11-28T05:00:00Z")
    );
    let exact = json!({"from": "2026-11-27T00:00:00Z"});
    assert!(holds(exact, "2026-11-27T00:00:00Z"));
    let night = json!({"days": ["fri"], "hours": {"from": "22:00", "until": "02:00"}});
    // Friday 22:30 there, Saturday 01:30 there, Friday 01:30 there, Saturday 02:00 there.
    for (now, expected) in [
        ("2026-11-28T03:30:00Z", true),
        ("2026-11-28T06:30:00Z", true),
        ("2026-11-27T06:30:00Z", false),
        ("2026-11-28T07:00:00Z", false),
    ] {
        assert_eq!(holds(night.clone(), now), expected, "{now}");
    }
    // In summer the same hour is another one in UTC.
    let morning = json!({"hours": {"from": "08:00", "until": "09:00"}});
    assert!(
        holds(morning.clone(), "2026-07-01T12:30:00Z") && !holds(morning, "2026-07-01T13:30:00Z")
    );
    assert!(holds(json!({"hours": {"from": "23:00", "until": "00:00"}}), "2026-07-02T03:59:00Z"));
}

/// Minute by minute over the night in which clocks go forward: what is kept says what a fresh look says.
#[test]
fn what_is_kept_of_schedules_is_true_while_it_is_kept() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let whens = [
        json!({"from": "2026-03-29T03:10:00"}),
        json!({"until": "2026-03-29T00:30:30Z"}),
        json!({"hours": {"from": "01:30", "until": "03:30"}}),
        json!({"days": ["sun"]}),
        json!({}),
    ];
    let rules = whens.iter().zip(1..).map(|(when, age)| {
        rule(&format!("r{age}"), age, &json!({"when": when, "action": {"type": "hide"}}))
    });
    let rules: Vec<Rule> = rules.collect();
    let set = RuleSet::compile(rules.clone());
    let site = SiteId::main();
    let mut now = at("2026-03-28T22:00:00Z");
    let (mut kept, mut made) = (set.in_force(now, &zone), 1);
    for _ in 0..6 * 120 {
        now = now.plus_ms(30_000);
        if !kept.covers(now) {
            (kept, made) = (set.in_force(now, &zone), made + 1);
        }
        let active = set.active(&kept, &context(&site));
        for rule in &rules {
            let holds = set.holds(&active, set.number(&rule.id).unwrap());
            assert_eq!(holds, rule.when.schedule.holds(now, &zone), "{} at {now}", rule.id);
        }
    }
    assert!(made < 400, "made anew {made} times");
}

#[test]
fn a_list_that_rules_emptied_gets_back_what_nobody_named() {
    let rules = vec![
        rule("all", 1, &json!({"action": {"type": "hide"}})),
        rule("one", 2, &json!({"select": {"product_ids": ["a"]}, "action": {"type": "hide"}})),
        rule("own", 3, &json!({"action": {"type": "exclude_bought", "days": 30}})),
        rule("bury", 4, &json!({"select": {"filter": "id = 'b'"}, "action": {"type": "bury"}})),
    ];
    let set = RuleSet::compile(rules);
    let site = SiteId::main();
    let active = set.active(&set.in_force(Timestamp::EPOCH, &TimeZone::UTC), &context(&site));
    let spared = set.without_broad_removals(&active);
    let effect = |active: &ActiveRules, name: &str| {
        set.effect((active, &set.row(&product(name, "A"))), 0, &mut Vec::new())
    };
    assert!(effect(&active, "b").hidden_by.is_some() && effect(&active, "b").bought.is_some());
    assert_eq!(effect(&spared, "b").hidden_by, None);
    assert_eq!(effect(&spared, "b").bought, None);
    assert!(effect(&spared, "b").buried_by.is_some());
    assert_eq!(effect(&spared, "a").hidden_by, set.number(&RuleId::new("one").unwrap()));
}

#[test]
fn a_search_fits_by_its_words() {
    let site = SiteId::main();
    let holds = |entry: &str, search: Option<&str>| {
        let when = json!({"queries": ["elsewhere", entry]});
        let rule = rule("r", 1, &json!({"when": when, "action": {"type": "bury"}}));
        let set = RuleSet::compile([rule.clone()]);
        let context = RuleContext { query: search, ..context(&site) };
        let in_force = set.in_force(Timestamp::EPOCH, &TimeZone::UTC);
        let is_active = !set.active(&in_force, &context).is_empty();
        assert_eq!(rule.when.unmet(&context).is_none(), is_active, "asked alone and compiled");
        is_active
    };
    let search = Some("Red  GARDEN-chair, cheap");
    for entry in ["garden chair", "red", "^red", "cheap$", "^red garden chair cheap$", "Chair"] {
        assert!(holds(entry, search), "{entry}");
    }
    for entry in ["chair garden", "^garden", "chair$", "^red$", "gard", "hair"] {
        assert!(!holds(entry, search), "{entry}");
    }
    assert!(!holds("red", None), "nothing is searched for");
    let nine = "a b c d e f g h i";
    assert!(holds(&format!("^{nine}$"), Some(nine)), "a long entry is the whole search");
    let error = rule_from_json(
        &json!({"id": "r", "when": {"queries": ["^$"]}, "action": {"type": "bury"}}),
        None,
        Timestamp::EPOCH,
    );
    assert_eq!(error.unwrap_err()[0].detail, "has `^$`, which has no letter or digit");
}

#[test]
fn a_rule_comes_back_from_its_json_shape() {
    let whole = json!({
        "id": "own-brand", "name": "Own brand", "enabled": false, "priority": -5,
        "when": {
            "placements": ["home"], "strategies": ["popular"], "page_types": ["product"], "product_ids": ["p1"],
            "queries": ["^garden chair$"],
            "categories": ["Food > Tea"], "channels": ["web", "store"], "sites": ["main"], "days": ["mon", "sun"],
            "from": "2026-11-27T00:00:00.000", "until": "2026-12-01T00:00:00.000Z",
            "hours": {"from": "08:30", "until": "24:00"}
        },
        "select": {"filter": "brand = 'Own'"},
        "action": {"type": "boost", "factor": 1.1}
    });
    let read = rule_from_json(&whole, None, Timestamp::EPOCH).unwrap();
    assert_eq!(rule_to_json(&read), whole);
    for action in [
        json!({"type": "pin", "position": 3}),
        json!({"type": "bury"}),
        json!({"type": "hide"}),
        json!({"type": "reserve", "share": 0.2}),
        json!({"type": "cap_brand", "max": 2}),
        json!({"type": "cap_category", "max": 2}),
        json!({"type": "cap_category", "max": 2, "depth": 1}),
        json!({"type": "exclude_bought", "days": 30}),
        json!({"type": "margin", "weight": 0.3}),
        json!({"type": "stock", "weight": 1.0}),
    ] {
        let value = json!({"select": {"product_ids": ["b", "a"]}, "action": action});
        let read = rule("r", 1, &value);
        assert_eq!(rule("r", 1, &rule_to_json(&read)), read, "{action}");
        assert_eq!(rule_to_json(&read)["action"]["type"], action["type"]);
    }
}

/// A rule that says something to searches for tea.
fn says(id: &str, age: i64, action: Value) -> Rule {
    rule(id, age, &json!({"when": {"queries": ["tea"]}, "action": action}))
}

#[test]
fn what_is_said_beside_a_list_comes_back_and_changes_no_list() {
    let to = json!({"type": "redirect", "url": "/tea"});
    let whole = json!({"type": "banner", "title": "Tea", "text": "week", "url": "https://example.org",
        "image_url": "/tea.png"});
    for action in [to.clone(), whole.clone()] {
        assert_eq!(rule_to_json(&says("r", 1, action.clone()))["action"], action);
    }
    let set = RuleSet::compile([
        says("late", 2, whole.clone()),
        says("early", 1, to),
        rule("hides", 3, &json!({"select": {"product_ids": ["f"]}, "action": {"type": "hide"}})),
    ]);
    let site = SiteId::main();
    let active_for = |query| {
        let asked = RuleContext { query, ..context(&site) };
        set.active(&set.in_force(Timestamp::EPOCH, &TimeZone::UTC), &asked)
    };
    let said = |active: &ActiveRules| -> Vec<String> {
        active.messages().iter().map(|rule| set.rule(*rule).id.to_string()).collect()
    };
    let active = active_for(Some("green tea"));
    assert_eq!(said(&active), ["early", "late"], "the older one wins");
    assert!(active.removes() && !active.reorders());
    assert!(said(&active_for(Some("coffee"))).is_empty());
    let row = set.row(&product("a", "A"));
    assert_eq!(set.effect((&active, &row), 0, &mut Vec::new()), Effect::NONE);
}

#[test]
fn links_that_run_something_or_lead_elsewhere_are_refused() {
    let faults = |when: Value, action: Value| -> Vec<String> {
        let value = json!({"id": "r", "when": when, "action": action});
        let faults = rule_from_json(&value, None, Timestamp::EPOCH).err().unwrap_or_default();
        faults.into_iter().map(|fault| fault.pointer).collect()
    };
    let tea = || json!({"queries": ["tea"]});
    let to = |url: &str| json!({"type": "redirect", "url": url});
    for good in ["/", "/tea?x=1#y", "https://example.org/tea", "http://example.org"] {
        assert!(faults(tea(), to(good)).is_empty(), "{good}");
    }
    for bad in [
        "",
        "tea",
        "javascript:alert(1)",
        "//example.org",
        "/\\example.org",
        "https://",
        "https:///tea",
        "data:text/html,x",
        "/a b",
        "/a\nb",
    ] {
        assert_eq!(faults(tea(), to(bad)), ["/action/url"], "{bad}");
    }
    assert_eq!(faults(json!({}), to("/tea")), ["/when/queries"], "not every search");
    assert_eq!(faults(tea(), json!({"type": "redirect"})), ["/action/url"]);
    assert_eq!(faults(tea(), json!({"type": "banner", "text": "x"})), ["/action/title"]);
    assert_eq!(faults(tea(), json!({"type": "banner", "title": ""})), ["/action/title"]);
    assert_eq!(
        faults(tea(), json!({"type": "redirect", "url": "/", "title": "x"})),
        ["/action/title"]
    );
    let chosen =
        json!({"id": "r", "when": tea(), "select": {"filter": "price < 1"}, "action": to("/")});
    assert_eq!(rule_from_json(&chosen, None, Timestamp::EPOCH).unwrap_err()[0].pointer, "/select");
}

#[test]
fn every_fault_is_named_with_its_place() {
    let faults = |value: Value| -> Vec<String> {
        let faults = rule_from_json(&value, None, Timestamp::EPOCH).unwrap_err();
        faults.into_iter().map(|fault| fault.pointer).collect()
    };
    let wrong = json!({"id": "no spaces", "priority": 5_000, "odd": 1,
        "when": {"days": ["monday"], "hours": {"from": "8", "until": "09:00"}, "from": "soon"},
        "select": {"filter": "price <"}, "action": {"type": "boost", "factor": "much"}});
    assert_eq!(
        faults(wrong),
        [
            "/odd",
            "/id",
            "/priority",
            "/when/days/0",
            "/when/from",
            "/when/hours/from",
            "/select/filter",
            "/action/factor"
        ]
    );
    assert_eq!(faults(json!({})), ["/id", "/action"]);
    let of = |more: Value| {
        let mut value = json!({"id": "r", "action": {"type": "hide"}});
        value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        faults(value)
    };
    assert_eq!(of(json!({"action": {"type": "pin", "position": 1}})), ["/select"]);
    assert_eq!(
        of(json!({"action": {"type": "pin", "position": 0}, "select": {"product_ids": ["a"]}})),
        ["/action/position"]
    );
    assert_eq!(of(json!({"action": {"type": "boost", "factor": 11}})), ["/action/factor"]);
    assert_eq!(of(json!({"action": {"type": "reserve", "share": 0}})), ["/action/share"]);
    assert_eq!(of(json!({"action": {"type": "explode"}})), ["/action/type"]);
    assert_eq!(of(json!({"action": {"type": "hide", "position": 1}})), ["/action/position"]);
    assert_eq!(of(json!({"select": {"product_ids": []}})), ["/select/product_ids"]);
    assert_eq!(of(json!({"select": {"product_ids": ["a"], "filter": "price < 1"}})), ["/select"]);
    assert_eq!(of(json!({"when": {"from": "2026-01-02", "until": "2026-01-01"}})), ["/when"]);
    assert_eq!(of(json!({"when": {"placements": [""]}})), ["/when/placements"]);
}

#[test]
fn groups_of_people_are_asked_for_last_and_only_where_it_matters() {
    let site = SiteId::main();
    let when = |when: Value| json!({"when": when, "action": {"type": "bury"}});
    let rules = [
        rule("everybody", 0, &when(json!({}))),
        rule("vips", 0, &when(json!({"segments": ["vip", "champions"]}))),
        rule("elsewhere", 0, &when(json!({"segments": ["lost"], "placements": ["cart"]}))),
    ];
    let set = RuleSet::compile(rules.clone());
    let holding = |context: &RuleContext<'_>| -> Vec<String> {
        let active = set.active(&set.in_force(Timestamp::EPOCH, &TimeZone::UTC), context);
        let holds = |rule: &&Rule| set.holds(&active, set.number(&rule.id).unwrap());
        let found: Vec<String> =
            rules.iter().filter(holds).map(|rule| rule.id.to_string()).collect();
        let alone = rules.iter().filter(|rule| rule.when.unmet(context).is_none());
        assert_eq!(found, alone.map(|rule| rule.id.to_string()).collect::<Vec<_>>());
        found
    };
    assert_eq!(holding(&context(&site)), ["everybody"]);
    let asked = std::cell::RefCell::new(Vec::new());
    let is_in = |key: &str| {
        asked.borrow_mut().push(key.to_owned());
        key == "champions" || key == "lost"
    };
    let known = RuleContext { segments: SegmentsOf::by(&is_in), ..context(&site) };
    let active = set.active(&set.in_force(Timestamp::EPOCH, &TimeZone::UTC), &known);
    assert!(set.holds(&active, set.number(&rules[1].id).unwrap()));
    // The rule of the cart does not hold here, so nobody asks who is lost.
    assert!(!asked.borrow().iter().any(|key| key == "lost"), "{:?}", asked.borrow());
    assert_eq!(holding(&known), ["everybody", "vips"]);
    assert_eq!(rules[1].when.unmet(&context(&site)), Some("segments"));
    let mut keys: Vec<&str> = set.segments().collect();
    keys.sort_unstable();
    assert_eq!(keys, ["champions", "lost", "vip"]);
}
