#![allow(clippy::unwrap_used)]

use souk_core::{
    Currency, Interaction, Money, OrderId, OrderLine, Product, ProductMention, Quantity, SiteId,
};

use super::*;
use crate::test_shop::noon;
use crate::{Config, Sufficiency, Weight};

fn tally() -> Tally {
    let site = Config::default().sites().next().unwrap();
    let mut tally = Tally::new(site, noon().plus_ms(86_400_000));
    tally.begin(Path::new("f.csv"), "orders");
    tally
}

/// Now, in a shop of the United States, where silence counts as a yes.
fn judged() -> (Timestamp, &'static Place, Option<LegalBasis>) {
    static PLACE: std::sync::LazyLock<Place> = std::sync::LazyLock::new(|| place("us"));
    (noon(), &PLACE, None)
}

fn place(jurisdiction: &'static str) -> Place {
    crate::projections::tests::rules(jurisdiction).place(&SiteId::main()).clone()
}

fn order(day: i64, user: &str, products: &[&str]) -> Draft {
    let lines = products.iter().map(|id| OrderLine {
        product: ProductId::new(*id).unwrap(),
        variant: None,
        quantity: Quantity::each(1),
        amount: Money::from_major(2.0, Currency::USD).ok(),
        promotion: None,
    });
    let order_id = OrderId::new(format!("{user}-{day}")).unwrap();
    let (change, lines) = (OrderChange::Placed, lines.collect());
    let fact = DraftFact::Order { order_id, change, location: None, lines };
    let mut draft = Draft::new(noon().plus_ms((day - 40) * 86_400_000), fact);
    draft.user_id = Some(user.into());
    draft
}

fn view(minute: i64, user: &str, product: &str) -> Draft {
    let mention = ProductMention {
        product: ProductId::new(product).unwrap(),
        variant: None,
        quantity: None,
        price: None,
    };
    let (action, products) = (Action::Viewed, vec![mention]);
    let act = Interaction { action, products, request_id: None, extra: None };
    let mut draft = Draft::new(noon().plus_ms(minute * 60_000), DraftFact::Interaction(act));
    draft.anonymous_id = Some(user.into());
    draft
}

#[test]
fn gaps_repeats_and_unknown_products_are_counted() {
    let mut tally = tally();
    let shop = SiteId::main();
    for id in ["a", "b"] {
        let product = Product::new(ProductId::new(id).unwrap(), shop.clone(), id);
        let fact = DraftFact::Product(Box::new(product));
        tally.take(&Draft::new(noon(), fact));
    }
    for day in [0, 1, 2, 7, 8] {
        tally.take(&order(day, "u", &["a", "gone"]));
    }
    tally.take(&order(8, "u", &["a", "gone"]));
    tally.take(&order(8, "v", &["old"]));
    let report = tally.report(judged(), |id| ["a", "b"].contains(&id.as_str()));
    let orders = &report.orders;
    assert_eq!((orders.count, orders.twice, orders.with_several_products), (6, 1, 5));
    assert_eq!(orders.days_without_sales, 4);
    let (first, last) = orders.longest_gap.unwrap();
    assert_eq!(
        (first.number() - orders.first_day.unwrap().number(), last.number() - first.number()),
        (3, 3)
    );
    assert_eq!(orders.unknown_products, 2);
    let named: Vec<&str> = orders.unknown_named.iter().map(ProductId::as_str).collect();
    assert_eq!(named, ["gone", "old"], "what was sold most comes first");
    assert_eq!(
        (report.people.active, report.people.with_two_orders, report.people.with_five_orders),
        (2, 1, 1)
    );
    assert_eq!((report.products.count, report.products.without_price), (2, 2));
    let text = format!("{:?}", report.findings);
    for part in ["no price", "no row in the catalogue", "nothing was sold on 4 days", "32 days old"]
    {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
}

#[test]
fn views_count_once_and_only_of_different_products() {
    let mut tally = tally();
    for (minute, user, product) in
        [(-9, "x", "a"), (-9, "x", "a"), (-8, "x", "a"), (-7, "y", "a"), (-6, "y", "b")]
    {
        tally.take(&view(minute, user, product));
    }
    let report = tally.report(judged(), |_| true);
    assert_eq!((report.events.count, report.events.views, report.events.twice), (4, 4, 1));
    assert_eq!((report.people.active, report.people.with_views), (2, 1));
    let verdict = |name| report.parts.iter().find(|part| part.part == name).unwrap().verdict;
    assert_eq!(verdict("session"), Sufficiency::Thin);
    assert_eq!(verdict("trending"), Sufficiency::Ready);
    assert_eq!(verdict("bought_together"), Sufficiency::Missing);
}

#[test]
fn faults_are_told_without_values_and_weigh_by_their_share() {
    let mut tally = tally();
    for line in 0..3 {
        let reason = format!("`person-{line}@example.com` is no time; write 2026-01-31");
        tally.fault(&RowFault { line, column: "timestamp".to_owned(), reason });
    }
    tally.take(&order(3, "u", &["a"]));
    // The future is refused at the door, and here for the same reason.
    tally.take(&order(90, "u", &["a"]));
    let report = tally.report(judged(), |_| true);
    let text = format!("{report:?}");
    assert!(!text.contains("person-"), "{text}");
    assert_eq!(report.files[0].n_rejected(), 4);
    assert_eq!(report.files[0].facts, 1);
    assert_eq!(report.findings[0].weight, Weight::Trouble);
    assert!(report.findings[0].detail.contains("4 rows were left out"), "{text}");
}

#[test]
fn what_a_basis_does_not_cover_is_the_first_thing_told() {
    let mut tally = tally();
    tally.take(&order(3, "u", &["a"]));
    let told = |jurisdiction: &'static str, basis: Option<LegalBasis>| {
        let report = tally.report((noon(), &place(jurisdiction), basis), |_| true);
        let first = report.findings.into_iter().next().unwrap();
        (first.subject == "consent").then_some(first.detail)
    };
    let detail = told("eu", Some(LegalBasis::Contract)).unwrap();
    for part in ["of 1 people", "what strangers see, and teach nothing", "`contract`", "`eu`"] {
        assert!(detail.contains(part), "{part} is missing in {detail}");
    }
    assert!(told("eu", None).unwrap().contains("no stated basis"));
    assert!(told("eu", Some(LegalBasis::OptOutNotice)).is_some());
    let detail = told("eu", Some(LegalBasis::LegitimateInterest)).unwrap();
    assert!(detail.contains("what strangers see, with"), "{detail}");
    assert_eq!(told("eu", Some(LegalBasis::Consent)), None);
    assert_eq!(told("us", None), None, "where silence counts");
    let nobody = self::tally().report((noon(), &place("eu"), None), |_| true);
    assert!(nobody.findings.iter().all(|finding| finding.subject != "consent"));
}

#[test]
fn kinds_of_events_without_a_meaning_are_named() {
    let mut tally = tally();
    for minute in 1..30 {
        tally.take(&view(-minute, "x", "a"));
    }
    let odd = |name: &str, minute: i64| {
        Draft::new(noon().plus_ms(-minute * 60_000), DraftFact::Custom(name.into()))
    };
    tally.take(&odd("checkout_done", 1));
    tally.take(&odd("checkout_done", 1));
    let told = |tally: &Tally| {
        let report = tally.report(judged(), |_| true);
        report.findings.into_iter().find(|finding| finding.subject == "events").unwrap()
    };
    let few = told(&tally);
    assert!(few.detail.contains("1 of 30 events") && few.detail.contains("`checkout_done` 1"));
    assert_eq!(few.weight, Weight::Notice);
    (2..9).for_each(|minute| tally.take(&odd("weird", minute)));
    let many = told(&tally);
    assert!(many.detail.contains("(`weird` 7, `checkout_done` 1)"), "{}", many.detail);
    assert_eq!(many.weight, Weight::Trouble);
}

#[test]
fn one_person_under_two_ids_counts_once() {
    let mut tally = tally();
    tally.take(&view(-9, "browser", "a"));
    tally.take(&view(-8, "other", "a"));
    let mut joining = view(-7, "browser", "b");
    joining.user_id = Some("u".into());
    tally.take(&joining);
    tally.take(&order(8, "u", &["a"]));
    let people = tally.report(judged(), |_| true).people;
    assert_eq!((people.active, people.with_one_order, people.with_views), (2, 1, 1));
}

#[test]
fn one_product_under_two_ids_is_one() {
    let mut tally = tally();
    tally.take(&view(-9, "browser", "a"));
    let mut joining = view(-7, "browser", "a");
    joining.user_id = Some("u".into());
    tally.take(&joining);
    let people = tally.report(judged(), |_| true).people;
    assert_eq!((people.active, people.with_views), (1, 0));
}

#[test]
fn nothing_can_be_shown_without_a_catalogue() {
    let mut tally = tally();
    (0..5).for_each(|minute| tally.take(&view(-minute, "u", ["a", "b"][minute as usize % 2])));
    tally.take(&order(8, "u", &["a"]));
    for (has_products, expected) in
        [(false, [Sufficiency::Missing; 3]), (true, [Sufficiency::Ready; 3])]
    {
        let report = tally.report(judged(), |_| has_products);
        let of = |name| report.parts.iter().find(|part| part.part == name).unwrap();
        assert_eq!(["popular", "trending", "similar"].map(|name| of(name).verdict), expected);
    }
}

#[test]
fn amounts_in_another_currency_than_the_sites_are_trouble() {
    let mut tally = tally();
    tally.take(&order(1, "u", &["a"]));
    assert!(tally.report(judged(), |_| true).findings.iter().all(|one| one.subject != "currency"));
    let mut foreign = order(2, "u", &["a", "b"]);
    if let DraftFact::Order { lines, .. } = &mut foreign.fact {
        lines[0].amount = Money::from_major(2.0, Currency::parse("EUR").unwrap()).ok();
    }
    tally.take(&foreign);
    let report = tally.report(judged(), |_| true);
    let found = report.findings.iter().find(|one| one.subject == "currency").unwrap();
    assert_eq!(found.weight, Weight::Trouble);
    assert!(found.detail.starts_with("1 of 3 order lines have amounts in EUR"), "{}", found.detail);
    assert!(found.detail.contains("the site's currency is USD"), "{}", found.detail);
}
