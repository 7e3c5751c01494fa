#![allow(clippy::unwrap_used)]

use souk_core::{
    Action, Currency, CustomerOrder, Day, Event, Fact, Interaction, LinkBasis, Money, OrderChange,
    OrderId, OrderLine, OrderRef, Product, ProductMention, Purpose, Purposes, Quantity, Sale,
    SiteId, Source, Unit,
};

use super::super::tests::{at, event, fold, fold_with, product, record, rules, served, subject};
use super::super::{Decoded, Views};
use super::report::Figures;
use super::*;

mod lessons;
pub(crate) mod model;

/// Minutes of a day.
const DAY: i64 = 1_440;
/// 2023-11-14, the day of the tests' first minute.
const FIRST: i32 = 19_675;

pub(crate) fn did(minutes: i64, action: Action, number: u8, request: Option<&str>) -> Event {
    let mention =
        ProductMention { product: product(number), variant: None, quantity: None, price: None };
    let request_id = request.map(Into::into);
    let products = vec![mention];
    event(minutes, Fact::Interaction(Interaction { action, products, request_id, extra: None }))
}

/// The two records of an order: of a piece each of some products at so many cents.
fn bought(minutes: i64, order: u8, change: OrderChange, lines: &[(u8, i64)]) -> [Event; 2] {
    let reference = OrderRef([order + 1; 16]);
    let lines: Vec<OrderLine> = lines
        .iter()
        .map(|(number, cents)| OrderLine {
            product: product(*number),
            variant: None,
            quantity: Quantity::from_milli(1_000, Unit::Each).unwrap(),
            amount: Some(Money::from_minor(*cents, Currency::USD)),
            promotion: None,
        })
        .collect();
    let sale = Sale {
        order: reference,
        change,
        location: None,
        day: Day::from_number(FIRST),
        lines: lines.clone(),
    };
    let order = CustomerOrder {
        order: reference,
        order_id: OrderId::new(order.to_string()).unwrap(),
        change,
        location: None,
        total: None,
        lines,
        extra: None,
    };
    [event(minutes, Fact::Sale(sale)), event(minutes, Fact::Order(order))]
}

/// Records of some events in turn, each received a little after it happened.
pub(crate) fn log(events: Vec<(Option<u8>, Event)>) -> Vec<Decoded> {
    let numbered = (1..).zip(events);
    numbered
        .map(|(offset, (who, event))| {
            let at = event.at;
            let mut record = record(offset, who.map(subject), event);
            record.received_at = at.plus_ms(1_000);
            record
        })
        .collect()
}

pub(crate) fn order_of(
    who: u8,
    (minutes, order, change): (i64, u8, OrderChange),
    lines: &[(u8, i64)],
) -> Vec<(Option<u8>, Event)> {
    let [sale, order] = bought(minutes, order, change, lines);
    vec![(None, sale), (Some(who), order)]
}

fn query() -> FigureQuery {
    FigureQuery {
        days: (Day::from_number(FIRST), Day::from_number(FIRST + 40)),
        days_around: (Day::from_number(FIRST), Day::from_number(FIRST + 40)),
        people_min: 0,
        click_days: 1,
        order_days: 7,
        sites: Vec::new(),
    }
}

fn counted(sum: i64, people: u32) -> Counted {
    Counted { sum, people, few: Vec::new() }
}

/// The figures of all days in one place.
fn total(views: &Views) -> Figures {
    let rows = views.recommendation_figures(&query());
    let mut totals = rows.into_iter().filter(|row| row.day.is_none());
    let only = totals.next().map(|row| row.figures).unwrap_or_default();
    assert!(totals.next().is_none(), "one place was asked for");
    only
}

/// (answers, seen, clicks, named clicks, carts, orders, orders after a click)
fn brief(figures: &Figures) -> [i64; 7] {
    [
        &figures.answers,
        &figures.seen,
        &figures.clicks,
        &figures.named_clicks,
        &figures.carts,
        &figures.orders,
        &figures.clicked_orders,
    ]
    .map(|counted| counted.sum)
}

fn revenue(figures: &Figures) -> (i64, i64) {
    let of = figures.money.iter().find(|(currency, _)| *currency == Currency::USD);
    of.map_or((0, 0), |(_, sums)| (sums.revenue.sum, sums.clicked_revenue.sum))
}

#[test]
fn acts_that_name_an_answer_are_its_own() {
    let records = log(vec![
        (Some(0), event(0, served("r1", &[1, 2]))),
        (Some(0), event(5, served("r2", &[1, 3]))),
        (Some(0), did(10, Action::ListViewed, 1, Some("r2"))),
        (Some(0), did(11, Action::Clicked, 1, Some("r1"))),
        // Twice is once, and what was not shown is no click.
        (Some(0), did(12, Action::Clicked, 1, Some("r1"))),
        (Some(0), did(13, Action::Clicked, 5, Some("r1"))),
        (Some(0), did(14, Action::AddedToCart, 1, Some("r1"))),
        // Nobody was answered so.
        (Some(0), did(15, Action::Clicked, 1, Some("r9"))),
    ]);
    let figures = total(&fold(&records));
    assert_eq!(brief(&figures), [2, 2, 1, 1, 1, 0, 0]);
    assert_eq!(figures.answers, counted(2, 1));
}

/// Answers are written once a second, so a quick click is in the log before its answer is.
#[test]
fn a_click_may_be_told_before_its_answer() {
    let records = log(vec![
        (Some(0), did(1, Action::Clicked, 1, Some("r1"))),
        (Some(0), event(0, served("r1", &[1, 2]))),
    ]);
    assert_eq!(brief(&total(&fold(&records))), [1, 1, 1, 1, 0, 0, 0]);
}

#[test]
fn acts_without_a_name_follow_the_last_answer_that_showed_the_product_within_the_window() {
    let records = log(vec![
        (Some(0), event(0, served("r1", &[1]))),
        (Some(0), event(DAY, served("r2", &[2]))),
        // A day and a minute after product 1 was shown, an hour after product 2 was.
        (Some(0), did(DAY + 1, Action::Viewed, 1, None)),
        (Some(0), did(DAY + 60, Action::Viewed, 2, None)),
        (Some(0), did(DAY + 60, Action::Viewed, 3, None)),
        // Somebody else was shown nothing.
        (Some(1), did(DAY + 60, Action::Viewed, 2, None)),
    ]);
    let views = fold(&records);
    assert_eq!(brief(&total(&views)), [2, 0, 1, 0, 0, 0, 0]);
    let rows = views.recommendation_figures(&FigureQuery { click_days: 2, ..query() });
    let by_day: Vec<(Option<i32>, i64)> =
        rows.iter().map(|row| (row.day.map(Day::number), row.figures.clicks.sum)).collect();
    assert_eq!(by_day, [(None, 2), (Some(FIRST), 1), (Some(FIRST + 1), 1)]);
}

#[test]
fn an_order_line_counts_once_and_what_comes_back_is_taken_back() {
    use OrderChange::{Cancelled, Placed, Refunded};
    let mut events = vec![
        (Some(0), event(0, served("r1", &[1, 2]))),
        (Some(0), did(3, Action::Clicked, 1, Some("r1"))),
        (Some(0), event(10, served("r2", &[1, 2, 3]))),
    ];
    // Product 1 was clicked in r1, product 2 was shown last in r2, product 4 never.
    events.extend(order_of(0, (20, 1, Placed), &[(1, 333), (2, 129), (4, 77)]));
    let figures = total(&fold(&log(events.clone())));
    assert_eq!(brief(&figures), [2, 1, 1, 1, 0, 1, 1]);
    assert_eq!(revenue(&figures), (333 + 129, 333));
    assert_eq!(figures.units_milli, counted(2_000, 1));
    // The nightly file tells the same order again, later in the day and after another answer.
    events.push((Some(0), event(60, served("r3", &[1, 2, 4]))));
    let mut again = order_of(0, (700, 1, Placed), &[(1, 333), (2, 130), (4, 77)]);
    again.iter_mut().for_each(|(_, event)| event.source = Source::Ledger);
    events.extend(again);
    let figures = total(&fold(&log(events.clone())));
    assert_eq!(revenue(&figures), (333 + 130, 333), "product 4 was shown after it was bought");
    let mut back = order_of(0, (DAY, 1, Refunded), &[(1, 333)]);
    back.iter_mut().for_each(|(_, event)| event.source = Source::Ledger);
    events.extend(back);
    let figures = total(&fold(&log(events.clone())));
    assert_eq!(revenue(&figures), (130, 0));
    assert_eq!(brief(&figures)[5..], [1, 0]);
    events.extend(order_of(0, (2 * DAY, 1, Cancelled), &[]));
    let figures = total(&fold(&log(events)));
    assert_eq!((revenue(&figures), figures.orders), ((0, 0), Counted::default()));
}

#[test]
fn an_order_after_the_window_is_nobody_s() {
    let mut events = vec![(Some(0), event(0, served("r1", &[1])))];
    events.extend(order_of(0, (8 * DAY, 1, OrderChange::Placed), &[(1, 100)]));
    let views = fold(&log(events));
    assert_eq!(total(&views).orders.sum, 0);
    // A longer window holds for the past as well.
    let rows = views.recommendation_figures(&FigureQuery { order_days: 9, ..query() });
    assert_eq!(rows[0].figures.orders, counted(1, 1));
}

#[test]
fn margin_is_of_products_whose_cost_is_known() {
    let mut known = Product::new(product(1), SiteId::main(), "Known".to_owned());
    known.cost = Some(Money::from_minor(201, Currency::USD));
    let mut events = vec![
        (None, event(0, Fact::ProductPut(Box::new(known)))),
        (Some(0), event(1, served("r1", &[1, 2]))),
    ];
    events.extend(order_of(0, (20, 1, OrderChange::Placed), &[(1, 333), (2, 129)]));
    let figures = total(&fold(&log(events)));
    let sums = &figures.money[0].1;
    let found = [&sums.revenue, &sums.margin, &sums.costed_revenue].map(|counted| counted.sum);
    assert_eq!(found, [462, 132, 333]);
}

/// Answers to a browser that had not signed in, and to the account behind it, are one person's.
#[test]
fn joined_ids_are_one_person() {
    let link = event(5, Fact::Linked { other: subject(1), basis: LinkBasis::Identify });
    let mut events = vec![
        (Some(1), event(0, served("r1", &[1, 2]))),
        (Some(1), did(1, Action::Clicked, 1, Some("r1"))),
        (Some(0), link),
        (Some(0), event(6, served("r2", &[3]))),
    ];
    events.extend(order_of(0, (20, 1, OrderChange::Placed), &[(1, 100), (2, 10), (3, 1)]));
    let views = fold(&log(events.clone()));
    let figures = total(&views);
    assert_eq!(brief(&figures), [2, 1, 1, 1, 0, 1, 1]);
    assert_eq!(revenue(&figures), (111, 100));
    assert_eq!(figures.answers, counted(2, 1));
    // Without the browser's own record its answer is gone, and with it what was owed to it.
    events.push((None, event(30, Fact::Forgotten { subject: subject(1) })));
    let figures = total(&fold(&log(events)));
    assert_eq!(brief(&figures), [1, 0, 0, 0, 0, 1, 0]);
    assert_eq!(revenue(&figures), (1, 0));
}

#[test]
fn whoever_refuses_reports_is_left_out() {
    let shown = |who| (Some(who), event(0, served(&format!("r{who}"), &[1])));
    let clicked = |who: u8| {
        let name = format!("r{who}");
        (Some(who), did(1, Action::Clicked, 1, Some(&name)))
    };
    let events = vec![shown(0), shown(1), clicked(0), clicked(1)];
    let mut silent = log(events.clone());
    assert_eq!(total(&fold(&silent)).clicks, counted(2, 2));
    // Where a yes is needed, silence is none.
    assert_eq!(total(&fold_with(rules("eu"), &silent)), Figures::default());
    // One says no, and is left out of what was before as well.
    let no = souk_core::ConsentChange {
        granted: Purposes::NONE,
        denied: Purposes::NONE.with(Purpose::Analytics),
        origin: souk_core::ConsentOrigin::Shopper,
        notice: None,
    };
    let mut refused = events;
    refused.push((Some(1), event(9, Fact::Consent(no))));
    let figures = total(&fold(&log(refused)));
    assert_eq!((figures.answers.sum, figures.clicks.sum), (1, 1));
    // An act and an answer that came with a no are not of that person.
    for record in &mut silent {
        if record.subject == Some(subject(1)) {
            record.event.as_mut().unwrap().withheld = Purposes::NONE.with(Purpose::Analytics);
        }
    }
    let figures = total(&fold(&silent));
    assert_eq!((figures.answers.sum, figures.unnamed, figures.clicks.sum), (1, 1, 1));
}

#[test]
fn sites_are_apart_and_can_be_asked_for() {
    let elsewhere = SiteId::new("elsewhere").unwrap();
    let mut other = event(0, served("r2", &[1]));
    other.site = elsewhere.clone();
    let records = log(vec![(Some(0), event(0, served("r1", &[1]))), (Some(0), other)]);
    let views = fold(&records);
    assert_eq!(views.recommendation_figures(&query()).len(), 4);
    let rows = views.recommendation_figures(&FigureQuery { sites: vec![elsewhere], ..query() });
    assert_eq!(rows.iter().map(|row| &*row.site).collect::<Vec<_>>(), ["elsewhere"; 2]);
}

/// Lists stay within their bounds whatever a shopper does, and the newest stay.
#[test]
fn lists_are_bounded() {
    let mut events = Vec::new();
    for n in 0..400 {
        let name = format!("r{n}");
        events.push((Some(0), event(n * 2, served(&name, &[1, 2]))));
        events.push((Some(0), did(n * 2 + 1, Action::Clicked, 1, Some(&name))));
        events.push((Some(0), did(n * 2 + 1, Action::Viewed, 2, None)));
    }
    let views = fold(&log(events));
    let person = views.attribution.person(subject(0)).unwrap();
    assert_eq!(person.answers.len(), ANSWERS_MAX);
    assert_eq!(person.credits.len(), 2 * CREDITS_MAX);
    assert_eq!(person.answers.last().unwrap().at, at(798));
    assert_eq!(total(&views).answers.sum, 400, "counts by day stay when products go");
}

/// What has grown old is swept away, and nothing that is said depends on whether it was already.
#[test]
fn what_has_grown_old_goes() {
    let mut events = vec![
        (Some(0), event(0, served("r1", &[1]))),
        (Some(0), did(1, Action::Clicked, 1, Some("r1"))),
        (None, event(0, served("r-nobody", &[1]))),
    ];
    let late = i64::from(KEPT_DAYS + 1) * DAY;
    events.push((Some(1), event(late, served("r2", &[1]))));
    let mut views = fold(&log(events));
    let entries = |views: &Views| {
        let mut count = 0;
        views.attribution.entries(&mut |_, _| count += 1);
        count
    };
    // The second one's answer with its signals, its row, and both exposures: who is in an experiment stays in it.
    assert_eq!(entries(&views), 5);
    let before = views.fingerprints();
    for _ in 0..4 {
        views.attribution.advance(at(late));
    }
    assert!(views.attribution.person(subject(0)).unwrap().rows.is_empty());
    assert_eq!(views.fingerprints(), before);
}

/// A subject of whom nothing is left goes only when nobody owes it anything.
#[test]
fn a_swept_subject_can_still_be_forgotten() {
    let without_arm = |name: &str, minutes| {
        let mut served = event(minutes, served(name, &[1]));
        if let Fact::Impressions(shown) = &mut served.fact {
            shown.marks = souk_core::Marks::default();
        }
        served
    };
    let link = event(0, Fact::Linked { other: subject(1), basis: LinkBasis::Identify });
    let mut views = fold(&log(vec![
        (Some(0), link),
        (Some(1), without_arm("r1", 0)),
        (Some(0), did(12 * DAY, Action::AddedToCart, 1, None)),
        // The answer and its count have grown old now, the act has not.
        (Some(2), without_arm("r2", i64::from(KEPT_DAYS + 1) * DAY)),
    ]));
    for _ in 0..6 {
        views.attribution.advance(at(i64::from(KEPT_DAYS + 1) * DAY));
    }
    assert!(views.attribution.person(subject(1)).is_some(), "somebody owes it an act");
    views.attribution.forget(subject(1));
    assert!(views.attribution.person(subject(0)).unwrap().credits.is_empty());
    for _ in 0..6 {
        views.attribution.advance(at(i64::from(KEPT_DAYS + 1) * DAY));
    }
    assert!(views.attribution.person(subject(0)).is_none());
}

fn outcomes(views: &Views, days: i64) -> Outcomes {
    views.outcomes(&OutcomeQuery {
        experiment: "holdout".to_owned(),
        now: at(30 * DAY),
        window_ms: days * DAY_MS,
        sites: vec![SiteId::main()],
    })
}

#[test]
fn outcomes_are_what_people_did_in_their_days() {
    // Names that end with an odd digit are held out; see `served`.
    let mut events = vec![
        (Some(0), event(0, served("r2", &[1]))),
        (Some(1), event(0, served("r1", &[1]))),
        (Some(2), event(29 * DAY, served("r4", &[1]))),
    ];
    // Before it was met, within its days, and after them.
    for (order, minutes) in [(1, -10), (2, 2 * DAY), (3, 20 * DAY)] {
        events.extend(order_of(0, (minutes, order, OrderChange::Placed), &[(1, 100), (5, 11)]));
    }
    events.extend(order_of(1, (DAY, 4, OrderChange::Placed), &[(5, 40)]));
    events.extend(order_of(1, (2 * DAY, 5, OrderChange::Placed), &[(5, 60)]));
    events.extend(order_of(1, (3 * DAY, 5, OrderChange::Cancelled), &[]));
    let views = fold(&log(events));
    let found = outcomes(&views, 14);
    let person = |arm: &str, orders, minor| PersonOutcome {
        arm: arm.into(),
        orders,
        money: vec![(Currency::USD, [minor, 0, 0])],
    };
    let mut people = found.people.clone();
    people.sort_by(|a, b| a.arm.cmp(&b.arm));
    assert_eq!(people, [person("holdout", 1, 40), person("personal", 1, 111)]);
    assert_eq!(found.met.values().sum::<u64>(), 3);
    assert_eq!((found.n_mixed, found.since), (0, Some(at(0))));
}

/// An order that is noted because another id of the buyer is in an experiment leaves with that id.
#[test]
fn an_order_is_noted_only_while_who_was_met_is_there() {
    let link = event(0, Fact::Linked { other: subject(1), basis: LinkBasis::Identify });
    let mut events = vec![(Some(0), link), (Some(1), event(0, served("r2", &[1])))];
    events.extend(order_of(0, (5, 1, OrderChange::Placed), &[(1, 100)]));
    let views = fold(&log(events.clone()));
    assert_eq!(outcomes(&views, 14).people[0].orders, 1);
    events.push((None, event(9, Fact::Forgotten { subject: subject(1) })));
    let views = fold(&log(events));
    assert!(outcomes(&views, 14).people.is_empty());
    assert!(views.attribution.person(subject(0)).unwrap().orders.is_empty());
}

/// A list that has nothing for those who are held out still meets them, or else they would be missing.
#[test]
fn an_empty_answer_meets_and_is_not_counted() {
    let views = fold(&log(vec![(Some(0), event(0, served("r1", &[])))]));
    assert_eq!(outcomes(&views, 14).people.len(), 1);
    assert!(views.recommendation_figures(&query()).is_empty());
}

/// Two ids of one person met different parts before they were joined: the first meeting counts.
#[test]
fn the_first_meeting_decides_when_ids_are_joined() {
    let link = event(50, Fact::Linked { other: subject(1), basis: LinkBasis::Identify });
    let views = fold(&log(vec![
        (Some(1), event(0, served("r2", &[1]))),
        (Some(0), event(10, served("r1", &[1]))),
        (Some(0), link),
    ]));
    let whom = super::super::Whom::known(subject(0));
    assert_eq!(views.arm_of(whom, "holdout"), Some("personal"));
    assert_eq!(views.arm_of(whom, "another"), None);
    // By itself the account was met second, so alone it would be the other part.
    let alone = super::super::Whom { alone: Some(subject(0)), ..Default::default() };
    assert_eq!(views.arm_of(alone, "holdout"), Some("holdout"));
    let found = outcomes(&views, 14);
    assert_eq!((found.people.len(), found.n_mixed), (1, 1));
    assert_eq!(&*found.people[0].arm, "personal");
}
