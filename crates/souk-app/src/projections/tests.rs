#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use souk_core::{
    Action, ArmMark, Channel, Currency, CustomerOrder, Day, Event, EventId, Fact, Impressions,
    Interaction, LinkBasis, LocationId, Marks, Money, OrderChange, OrderId, OrderLine, OrderRef,
    Product, ProductId, ProductMention, Quantity, Sale, SearchMark, SignalMark, SiteId, Source,
    StockChange, StockMovement, SubjectId, Timestamp, Unit,
};
use souk_ports::{Partition, Position, RecordKind};

use super::*;

mod kept_out;
mod model;
mod weight;

pub(crate) const MINUTE: i64 = 60_000;
const START: i64 = 1_700_000_000_000;

pub(crate) fn at(minutes: i64) -> Timestamp {
    Timestamp::from_ms(START + minutes * MINUTE).unwrap()
}

pub(crate) fn subject(number: u8) -> SubjectId {
    SubjectId([number + 1; 16])
}

pub(crate) fn product(number: u8) -> ProductId {
    ProductId::new(format!("p{number}")).unwrap()
}

pub(crate) fn location(number: u8) -> LocationId {
    LocationId::new(format!("shop {number}")).unwrap()
}

pub(crate) fn event(minutes: i64, fact: Fact) -> Event {
    Event {
        at: at(minutes),
        site: SiteId::main(),
        channel: Some(Channel::Web),
        source: Source::Server,
        message_id: None,
        withheld: souk_core::Purposes::NONE,
        fact,
    }
}

/// A record at `offset`; its event id follows from the offset.
pub(crate) fn record(offset: u64, subject: Option<SubjectId>, event: Event) -> Decoded {
    let mut event_id = [0; 16];
    event_id[..8].copy_from_slice(&offset.to_be_bytes());
    Decoded {
        position: Position { partition: Partition(0), offset },
        subject,
        event_id: EventId(event_id),
        received_at: at(300 + offset as i64),
        kind: RecordKind(souk_core::wire::record_kind(&event.fact)),
        event: Some(event),
    }
}

/// The rules of a jurisdiction; read once, because reading settings is slow beside a small fold.
pub(crate) fn rules(jurisdiction: &'static str) -> Arc<ConsentRules> {
    type Known = std::collections::BTreeMap<&'static str, Arc<ConsentRules>>;
    static KNOWN: parking_lot::Mutex<Known> = parking_lot::Mutex::new(Known::new());
    let read = || {
        let settings = format!("privacy: {{default_jurisdiction: {jurisdiction}}}");
        Arc::new(ConsentRules::of(&crate::Config::parse(&settings, []).unwrap()).unwrap())
    };
    Arc::clone(KNOWN.lock().entry(jurisdiction).or_insert_with(read))
}

pub(crate) fn fold<'a>(records: impl IntoIterator<Item = &'a Decoded>) -> Views {
    fold_with(rules("us"), records)
}

pub(crate) fn fold_with<'a>(
    rules: Arc<ConsentRules>,
    records: impl IntoIterator<Item = &'a Decoded>,
) -> Views {
    let mut views = Views::new(rules);
    records.into_iter().for_each(|record| views.apply(record.clone()));
    views
}

fn touched(minutes: i64, action: Action, products: &[u8]) -> Event {
    let mention = |number: &u8| ProductMention {
        product: product(*number),
        variant: None,
        quantity: None,
        price: None,
    };
    let products = products.iter().map(mention).collect();
    event(
        minutes,
        Fact::Interaction(Interaction { action, products, request_id: None, extra: None }),
    )
}

/// An answer on the home page, in a part of an experiment: held out where its name ends with an odd digit, else with the
/// signals of its products.
pub(crate) fn served(request: &str, products: &[u8]) -> Fact {
    let is_odd = request.as_bytes()[request.len() - 1] % 2 == 1;
    let arm = if is_odd { "holdout" } else { "personal" };
    let rows = (1..).zip(products).flat_map(|(place, number)| [place, number + 1]);
    let signals = SignalMark { codes: [1, 45].into(), rows: rows.collect() };
    Fact::Impressions(Impressions {
        request_id: request.into(),
        placement: Some("home".into()),
        strategy: "for_you".into(),
        products: products.iter().map(|number| product(*number)).collect(),
        marks: Marks {
            arms: vec![ArmMark { experiment: "holdout".into(), arm: arm.into() }],
            signals: (!is_odd).then_some(signals),
            ..Marks::default()
        },
    })
}

/// What the random shop's people search for; the first two are one query.
const QUERIES: [&str; 3] = ["Green tea", "green  TEA!", "cup"];

/// The answer to a search.
pub(crate) fn answered(query: &str, request: &str, products: &[u8]) -> Fact {
    let Fact::Impressions(mut shown) = served(request, products) else { unreachable!() };
    let n_found = products.len() as u32;
    shown.marks.search =
        Some(SearchMark { query: query.into(), n_found, took_us: 700, places: Box::default() });
    Fact::Impressions(shown)
}

/// What a report of an order says, for both of its records.
#[derive(Clone, Debug)]
struct Said {
    order: u8,
    change: OrderChange,
    source: Source,
    minutes: i64,
    location: u8,
    lines: Vec<(u8, i64, i64)>,
}

impl Said {
    fn reference(&self) -> OrderRef {
        OrderRef([self.order + 1; 16])
    }

    fn lines(&self) -> Vec<OrderLine> {
        let line = |&(number, milli, minor): &(u8, i64, i64)| OrderLine {
            product: product(number),
            variant: None,
            quantity: Quantity::from_milli(milli, Unit::Each).unwrap(),
            amount: Some(Money::from_minor(minor, Currency::USD)),
            promotion: None,
        };
        self.lines.iter().map(line).collect()
    }

    fn sale(&self) -> Event {
        let day = Day::from_number((self.minutes / 1_440) as i32);
        let sale = Sale {
            order: self.reference(),
            change: self.change,
            location: Some(location(self.location)),
            day,
            lines: self.lines(),
        };
        Event { source: self.source, ..event(self.minutes, Fact::Sale(sale)) }
    }

    fn order(&self) -> Event {
        let order = CustomerOrder {
            order: self.reference(),
            order_id: OrderId::new(self.order.to_string()).unwrap(),
            change: self.change,
            location: None,
            total: None,
            lines: self.lines(),
            extra: None,
        };
        Event { source: self.source, ..event(self.minutes, Fact::Order(order)) }
    }
}

/// One thing that happens in the random shop.
#[derive(Clone, Debug)]
enum Step {
    Touch {
        who: u8,
        minutes: i64,
        action: Action,
        products: Vec<u8>,
    },
    /// An answer, to nobody known or to somebody; its number is unique among theirs.
    Serve {
        who: Option<u8>,
        minutes: i64,
        request: u8,
        products: Vec<u8>,
    },
    /// A search that another engine answered.
    Search {
        who: u8,
        minutes: i64,
        query: u8,
    },
    /// An act that may name an answer of somebody.
    Follow {
        who: u8,
        minutes: i64,
        action: Action,
        named: Option<(u8, u8)>,
        product: u8,
    },
    Order {
        who: u8,
        said: Said,
    },
    Sale {
        said: Said,
    },
    Link {
        a: u8,
        b: u8,
        basis: LinkBasis,
        is_undone: bool,
    },
    Put {
        number: u8,
        title: u8,
        minutes: i64,
    },
    Delete {
        number: u8,
    },
    Stock {
        number: u8,
        location: u8,
        movement: StockMovement,
        milli: i64,
        minutes: i64,
    },
    Forget {
        who: u8,
    },
}

fn said() -> impl Strategy<Value = Said> {
    let change = prop_oneof![
        6 => Just(OrderChange::Placed),
        2 => Just(OrderChange::Refunded),
        1 => Just(OrderChange::Cancelled)
    ];
    let line = (0..6u8, prop_oneof![Just(1_000), -500..3_000i64], -200..5_000i64);
    let lines = proptest::collection::vec(line, 0..4);
    let source = proptest::sample::select(&Source::ALL[..]);
    (0..5u8, change, source, 0..20_000i64, 0..3u8, lines).prop_map(
        |(order, change, source, minutes, location, lines)| Said {
            order,
            change,
            source,
            minutes,
            location,
            lines,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    const ACTIONS: [Action; 4] =
        [Action::Viewed, Action::AddedToCart, Action::RemovedFromCart, Action::CartViewed];
    const FOLLOWS: [Action; 4] =
        [Action::ListViewed, Action::Viewed, Action::Clicked, Action::AddedToCart];
    let movements = proptest::sample::select(&StockMovement::ALL[..]);
    prop_oneof![
        12 => (0..4u8, 0..400i64, proptest::sample::select(&ACTIONS[..]),
              proptest::collection::vec(0..6u8, 1..3))
            .prop_map(|(who, minutes, action, products)| {
                Step::Touch { who, minutes, action, products }
            }),
        8 => (proptest::option::weighted(0.9, 0..4u8), 0..400i64, 0..6u8,
              proptest::collection::vec(0..6u8, 1..4))
            .prop_map(|(who, minutes, request, products)| {
                Step::Serve { who, minutes, request, products }
            }),
        3 => (0..4u8, 0..400i64, 0..3u8)
            .prop_map(|(who, minutes, query)| Step::Search { who, minutes, query }),
        8 => (0..4u8, 0..500i64, proptest::sample::select(&FOLLOWS[..]),
              proptest::option::of((0..4u8, 0..6u8)), 0..6u8)
            .prop_map(|(who, minutes, action, named, product)| {
                Step::Follow { who, minutes, action, named, product }
            }),
        6 => (0..4u8, said()).prop_map(|(who, said)| Step::Order { who, said }),
        2 => said().prop_map(|said| Step::Sale { said }),
        2 => (0..4u8, 0..4u8, proptest::sample::select(&LinkBasis::ALL[..]), any::<bool>())
            .prop_map(|(a, b, basis, is_undone)| Step::Link { a, b, basis, is_undone }),
        2 => (0..6u8, 0..3u8, 0..400i64)
            .prop_map(|(number, title, minutes)| Step::Put { number, title, minutes }),
        1 => (0..6u8).prop_map(|number| Step::Delete { number }),
        2 => (0..6u8, 0..3u8, movements, -1_000..5_000i64, 0..20_000i64)
            .prop_map(|(number, location, movement, milli, minutes)| {
                Step::Stock { number, location, movement, milli, minutes }
            }),
        1 => (0..4u8).prop_map(|who| Step::Forget { who }),
    ]
}

fn stock(number: u8, place: u8, movement: StockMovement, milli: i64) -> Fact {
    Fact::Stock(StockChange {
        movement,
        product: product(number),
        variant: None,
        location: location(place),
        to: (movement == StockMovement::Moved).then(|| location((place + 1) % 3)),
        quantity: Quantity::from_milli(milli, Unit::Each).unwrap(),
        lot: None,
        expires_on: None,
    })
}

/// The records of some steps. An order is two: without and with the person.
fn records(steps: &[Step]) -> Vec<Decoded> {
    let mut records: Vec<Decoded> = Vec::new();
    let mut push = |who: Option<u8>, event: Event| {
        let offset = records.len() as u64 + 1;
        records.push(record(offset, who.map(subject), event));
    };
    for step in steps {
        match step.clone() {
            Step::Touch { who, minutes, action, products } => {
                push(Some(who), touched(minutes, action, &products));
            }
            Step::Serve { who, minutes, request, products } => {
                let owner = who.map_or(99, u64::from);
                let name = format!("r{owner}-{request}");
                let fact = match request % 2 {
                    0 => answered(QUERIES[usize::from(request / 2)], &name, &products),
                    _ => served(&name, &products),
                };
                push(who, event(minutes, fact));
            }
            Step::Search { who, minutes, query } => {
                let query = QUERIES[usize::from(query)].into();
                push(Some(who), event(minutes, Fact::Searched { query }));
            }
            Step::Follow { who, minutes, action, named, product } => {
                let mut event = touched(minutes, action, &[product]);
                if let Fact::Interaction(interaction) = &mut event.fact {
                    let name = |(owner, request)| format!("r{owner}-{request}").into();
                    interaction.request_id = named.map(name);
                }
                push(Some(who), event);
            }
            Step::Order { who, said } => {
                push(None, said.sale());
                push(Some(who), said.order());
            }
            Step::Sale { said } => push(None, said.sale()),
            Step::Link { a, b, basis, is_undone } => {
                let other = subject(b);
                let fact = match is_undone {
                    false => Fact::Linked { other, basis },
                    true => Fact::Unlinked { other, basis },
                };
                push(Some(a), event(0, fact));
            }
            Step::Put { number, title, minutes } => {
                let product =
                    Product::new(product(number), SiteId::main(), format!("Title {title}"));
                push(None, event(minutes, Fact::ProductPut(Box::new(product))));
            }
            Step::Delete { number } => {
                push(None, event(0, Fact::ProductDeleted { product: product(number) }));
            }
            Step::Stock { number, location, movement, milli, minutes } => {
                push(None, event(minutes, stock(number, location, movement, milli)));
            }
            Step::Forget { who } => push(None, event(0, Fact::Forgotten { subject: subject(who) })),
        }
    }
    records
}

/// Whether a record says anything of a subject.
fn names(record: &Decoded, who: SubjectId) -> bool {
    let other = match &record.said().fact {
        Fact::Linked { other, .. } | Fact::Unlinked { other, .. } => Some(*other),
        Fact::Forgotten { subject } => Some(*subject),
        _ => None,
    };
    record.subject == Some(who) || other == Some(who)
}

fn restored(views: &Views) -> Views {
    let set = views.snapshot();
    let parts: Vec<Vec<u8>> = set.parts_for_test();
    Views::restore(parts, views.cursor.clone(), Arc::clone(&views.rules)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// A snapshot at any moment, read again and folded on, equals the fold that never stopped; and
    /// both equal what the models say of visits and sales.
    #[test]
    fn snapshots_and_models_agree(
        steps in proptest::collection::vec(step(), 0..120),
        cut in any::<prop::sample::Index>(),
    ) {
        let records = records(&steps);
        let cut = cut.index(records.len() + 1);
        let live = fold(&records);
        let mut resumed = restored(&fold(&records[..cut]));
        records[cut..].iter().for_each(|record| resumed.apply(record.clone()));
        prop_assert_eq!(live.fingerprints(), resumed.fingerprints());
        prop_assert_eq!(live.counters.records(), resumed.counters.records());
        model::check_visits(&live, &records);
        model::check_sales(&live, &records);
        model::check_members(&live, &records);
        model::check_baskets(&live, &records);
        attribution::tests::model::check_figures(&live, &model::remaining(&records));
    }

    /// Forgetting a person leaves what a log without them leaves, and never touches the books.
    #[test]
    fn forgetting_equals_never_having_seen(
        steps in proptest::collection::vec(step(), 0..120),
        who in 0..4u8,
    ) {
        let mut records = records(&steps);
        let before = fold(&records);
        let offset = records.len() as u64 + 1;
        let forgotten = event(0, Fact::Forgotten { subject: subject(who) });
        records.push(record(offset, None, forgotten));
        let live = fold(&records);
        let without = fold(records.iter().filter(|record| !names(record, subject(who))));
        prop_assert_eq!(live.fingerprints(), without.fingerprints());
        let sales = |views: &Views| {
            views.fingerprints().into_iter().filter(|(name, _)| name.starts_with("sale"))
                .collect::<Vec<_>>()
        };
        prop_assert_eq!(sales(&before), sales(&live));
        prop_assert!(live.shoppers.shopper(subject(who)).is_none());
    }

    /// Whatever order the reports of orders arrive in, the same counts.
    #[test]
    fn orders_commute(
        said in proptest::collection::vec((0..3u8, said()), 1..16),
        seed in any::<u64>(),
    ) {
        let steps: Vec<Step> =
            said.into_iter().map(|(who, said)| Step::Order { who, said }).collect();
        let records = records(&steps);
        let mut shuffled = records.clone();
        // A stable way to shuffle: by a hash of seed and event id.
        shuffled.sort_by_key(|record| {
            xxhash_rust::xxh3::xxh3_64_with_seed(&record.event_id.0, seed)
        });
        for (idx, record) in shuffled.iter_mut().enumerate() {
            record.position.offset = idx as u64 + 1;
        }
        // Every record comes twice, as after a week a retry may.
        let twice: Vec<Decoded> = shuffled.iter().chain(&shuffled).cloned().collect();
        let (straight, shuffled) = (fold(&records), fold(&twice));
        prop_assert_eq!(straight.fingerprints(), shuffled.fingerprints());
    }
}

/// A basket of exactly these lines, told by the shop's server and by the nightly file in cents.
#[test]
fn the_same_order_counts_once_to_the_cent() {
    let web = Said {
        order: 1,
        change: OrderChange::Placed,
        source: Source::Browser,
        minutes: 10,
        location: 0,
        lines: vec![(1, 2_000, 333), (2, 350, 129)],
    };
    let file = Said {
        source: Source::Ledger,
        minutes: 3_000,
        lines: vec![(1, 2_000, 333), (2, 355, 131)],
        ..web.clone()
    };
    let steps = [
        Step::Order { who: 0, said: file.clone() },
        Step::Order { who: 1, said: web.clone() },
        Step::Order { who: 0, said: file },
    ];
    let views = fold(&records(&steps));
    let all = (Day::from_number(0), Day::from_number(10));
    let total = views.sales.total(&SiteId::main(), all, &views.catalogue);
    let expected = SalesTotal {
        sold_milli: 2_355,
        sold_minor: 464,
        returned_milli: 0,
        returned_minor: 0,
        lines: 2,
    };
    assert_eq!(total, [(Some(Currency::USD), expected)]);
    assert_eq!(views.basket_vectors.n_baskets(), 1);
    let (web_day, file_day) = (Day::from_number(0), Day::from_number(2));
    let item = views.catalogue.item(&SiteId::main(), &product(2)).unwrap();
    let of = |day| views.sales.of(item, (day, day), &views.catalogue).count();
    assert_eq!((of(web_day), of(file_day)), (0, 1));
}

#[test]
fn a_refund_without_lines_takes_everything_back() {
    let placed = Said {
        order: 1,
        change: OrderChange::Placed,
        source: Source::Server,
        minutes: 10,
        location: 0,
        lines: vec![(1, 2_000, 333)],
    };
    let refund =
        Said { change: OrderChange::Refunded, minutes: 1_500, lines: vec![], ..placed.clone() };
    let views = fold(&records(&[Step::Sale { said: refund }, Step::Sale { said: placed }]));
    let item = views.catalogue.item(&SiteId::main(), &product(1)).unwrap();
    let all = (Day::from_number(0), Day::from_number(10));
    let sales: Vec<_> = views.sales.of(item, all, &views.catalogue).collect();
    let brief = |sale: &DaySale<'_>| (sale.day.number(), sale.is_return, sale.amount_minor);
    assert_eq!(sales.iter().map(brief).collect::<Vec<_>>(), [(0, false, 333), (1, true, 333)]);
}

#[test]
fn a_history_has_at_most_so_many_touches_and_visits_go_on() {
    let records: Vec<Decoded> = (0..300)
        .map(|n| record(n + 1, Some(subject(0)), touched(n as i64, Action::Viewed, &[1])))
        .collect();
    let views = fold(&records);
    let shopper = views.shoppers.shopper(subject(0)).unwrap();
    assert_eq!(views.histories.touches(shopper).len(), TOUCHES_MAX);
    // The touches come a minute apart, so all 300 are one visit, the dropped ones included.
    let lens: Vec<usize> = views.visits.visits().map(|visit| visit.len()).collect();
    assert_eq!(lens, [300]);
    let history = views.audit().history(&[subject(0)]);
    assert_eq!(history.current_visit(at(310)).len(), TOUCHES_MAX);
    assert_eq!(history.current_visit(at(330)).len(), 0);
}
