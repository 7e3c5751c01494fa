//! Random interleavings of consents, signals, links, acts and reads, against a model that says what may
//! be used: no answer rests on what is withheld, and what is allowed does change the answers.
//!
//! Time of the acts stays within one visit, so that the model need not know how visits are cut.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeSet;

use souk_core::{
    Action, ConsentChange, ConsentOrigin, CustomerOrder, Event, Fact, Interaction, LinkBasis,
    OrderChange, OrderId, OrderLine, OrderRef, Product, ProductMention, Quantity,
};

use super::*;
use crate::projections::tests::{at, event, fold_with, product, record, rules, subject};
use crate::projections::{Decoded, Views};

/// Interleavings in a usual run, and the variable that asks for more.
const RUNS: u64 = 10_000;
const RUNS_VARIABLE: &str = "SOUK_CONSENT_RUNS";
const STEPS: u64 = 12;
const PRODUCTS: u8 = 5;
const PEOPLE: u8 = 4;

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// An act that the model remembers.
struct Act {
    who: u8,
    record: Decoded,
    is_personal: bool,
    is_shared: bool,
}

/// What may be used, by hand: no types of the program's own rules.
#[derive(Default)]
struct Model {
    is_opt_in: bool,
    acts: Vec<Act>,
    /// The latest word of each person on personalization and on model training.
    personal: [Option<bool>; PEOPLE as usize],
    shared: [Option<bool>; PEOPLE as usize],
    /// Users, and browsers in which they were identified.
    links: BTreeSet<(u8, u8)>,
}

impl Model {
    /// Whether an identification joins two ids: not in a browser of two users.
    fn joins(&self, (_, browser): (u8, u8)) -> bool {
        self.links.iter().filter(|(_, other)| *other == browser).count() == 1
    }

    /// Whose no counts: the person's, and that of those whom a browser of two users stands between.
    fn circle(&self, who: u8) -> BTreeSet<u8> {
        let own = self.same_person(who);
        let mut circle = own.clone();
        for &(a, b) in self.links.iter().filter(|link| !self.joins(**link)) {
            if own.contains(&a) {
                circle.extend(self.same_person(b));
            }
            if own.contains(&b) {
                circle.extend(self.same_person(a));
            }
        }
        circle
    }

    fn same_person(&self, who: u8) -> BTreeSet<u8> {
        let mut found = BTreeSet::from([who]);
        loop {
            let before = found.len();
            for &(a, b) in self.links.iter().filter(|link| self.joins(**link)) {
                if found.contains(&a) || found.contains(&b) {
                    found.extend([a, b]);
                }
            }
            if found.len() == before {
                return found;
            }
        }
    }

    fn may_train(&self, who: u8) -> bool {
        self.shared[usize::from(who)].unwrap_or(!self.is_opt_in)
    }

    fn may_personalize(&self, who: u8) -> bool {
        let says = |id: &u8| self.personal[usize::from(*id)];
        let has_yes = self.same_person(who).iter().any(|id| says(id) == Some(true));
        let has_no = self.circle(who).iter().any(|id| says(id) == Some(false));
        !has_no && (has_yes || !self.is_opt_in)
    }

    /// The acts that everybody's answers may rest on now.
    fn crowd(&self) -> Vec<&Decoded> {
        let is_hidden = |who: u8| {
            self.circle(who).iter().any(|&id| self.shared[usize::from(id)] == Some(false))
        };
        let acts = self.acts.iter().filter(|act| act.is_shared && !is_hidden(act.who));
        acts.map(|act| &act.record).collect()
    }

    /// The products that a person's own answer may rest on now: seen, and bought.
    fn own(&self, who: u8, signal: bool) -> (BTreeSet<ProductId>, BTreeSet<ProductId>) {
        let (mut seen, mut bought) = (BTreeSet::new(), BTreeSet::new());
        if signal || !self.may_personalize(who) {
            return (seen, bought);
        }
        let members = self.same_person(who);
        for act in self.acts.iter().filter(|act| act.is_personal && members.contains(&act.who)) {
            match &act.record.event.as_ref().unwrap().fact {
                Fact::Interaction(it) => seen.extend(it.products.iter().map(|m| m.product.clone())),
                Fact::Order(order) => bought.extend(order.lines.iter().map(|l| l.product.clone())),
                _ => unreachable!("acts are views and orders"),
            }
        }
        (seen, bought)
    }
}

/// One interleaving with its model.
struct Run {
    random: Random,
    views: Views,
    model: Model,
    ranking: Ranking,
    offset: u64,
    log: Vec<Decoded>,
    /// Answers that were rightly personal, and rightly not although the person did something.
    n_used: u64,
    n_withheld: u64,
}

impl Run {
    fn new(seed: u64) -> Run {
        let is_opt_in = seed.is_multiple_of(3);
        let mut run = Run {
            random: Random(seed),
            views: Views::new(rules(if is_opt_in { "eu" } else { "us" })),
            model: Model { is_opt_in, ..Model::default() },
            ranking: Ranking::default(),
            offset: 0,
            log: Vec::new(),
            n_used: 0,
            n_withheld: 0,
        };
        for number in 0..PRODUCTS {
            let put = Product::new(product(number), SiteId::main(), format!("Title {number}"));
            run.fold(None, event(0, Fact::ProductPut(Box::new(put))));
        }
        run
    }

    fn fold(&mut self, who: Option<u8>, event: Event) -> Decoded {
        self.offset += 1;
        let folded = record(self.offset, who.map(subject), event);
        self.views.apply(folded.clone());
        self.log.push(folded.clone());
        folded
    }

    fn step(&mut self) {
        let who = self.random.below(u64::from(PEOPLE)) as u8;
        match self.random.below(12) {
            0..=3 => self.act(who, Kind::View),
            4 | 5 => self.act(who, Kind::Order),
            6..=8 => self.choose(who),
            9 => self.link(who),
            _ => self.read(who),
        }
    }

    fn act(&mut self, who: u8, kind: Kind) {
        let number = self.random.below(u64::from(PRODUCTS)) as u8;
        let fact = match kind {
            Kind::View => viewed(number),
            Kind::Order => ordered(number, self.offset),
        };
        // One in four comes with the browser's signal.
        let is_signalled = self.random.below(4) == 0;
        let mut event = event(self.random.below(20) as i64, fact);
        if is_signalled {
            event.withheld =
                [Purpose::Personalization, Purpose::ModelTraining].into_iter().collect();
        }
        let record = self.fold(Some(who), event);
        let is_shared = !is_signalled && self.model.may_train(who);
        self.model.acts.push(Act { who, record, is_personal: !is_signalled, is_shared });
    }

    fn choose(&mut self, who: u8) {
        let is_granted = self.random.below(2) == 0;
        let is_personal = self.random.below(2) == 0;
        let purpose = if is_personal { Purpose::Personalization } else { Purpose::ModelTraining };
        let set = Purposes::NONE.with(purpose);
        let (granted, denied) = match is_granted {
            true => (set, Purposes::NONE),
            false => (Purposes::NONE, set),
        };
        let origin = ConsentOrigin::Shopper;
        let change = ConsentChange { granted, denied, origin, notice: None };
        // Later than all before: a person's latest word is the last one here.
        self.fold(Some(who), event(21 + self.offset as i64, Fact::Consent(change)));
        let words = if is_personal { &mut self.model.personal } else { &mut self.model.shared };
        words[usize::from(who)] = Some(is_granted);
        if !is_personal && !is_granted {
            let own = self.model.acts.iter_mut().filter(|act| act.who == who);
            own.for_each(|act| act.is_shared = false);
        }
    }

    fn link(&mut self, who: u8) {
        let other = self.random.below(u64::from(PEOPLE)) as u8;
        let pair = (who, other);
        let basis = LinkBasis::Identify;
        let of = subject(other);
        if self.random.below(3) == 0 {
            self.fold(Some(who), event(0, Fact::Unlinked { other: of, basis }));
            self.model.links.remove(&pair);
            self.model.links.remove(&(other, who));
        } else if who != other {
            self.fold(Some(who), event(0, Fact::Linked { other: of, basis }));
            self.model.links.insert(pair);
        }
    }

    /// Asks as the person and as everybody, and compares with what may be used.
    fn read(&mut self, who: u8) {
        let signal = self.random.below(4) == 0;
        let (seen, bought) = self.model.own(who, signal);
        assert_eq!(self.answer(who, Strategy::RecentlyViewed, signal), seen, "seen by {who}");
        assert_eq!(self.answer(who, Strategy::BuyAgain, signal), bought, "bought by {who}");
        let is_used = !seen.is_empty() || !bought.is_empty();
        let did_anything = self.model.acts.iter().any(|act| act.who == who);
        self.n_used += u64::from(is_used);
        self.n_withheld += u64::from(!is_used && did_anything);
        if self.random.below(3) == 0 {
            self.check_crowd();
        }
    }

    fn answer(&self, who: u8, strategy: Strategy, signal: bool) -> BTreeSet<ProductId> {
        self.ranking.keep_up(&self.views);
        let site = SiteId::main();
        let withheld = if signal { Purposes::OPTIONAL } else { Purposes::NONE };
        let whom = Whom::known(subject(who));
        let now = at(30);
        let (views, ranking) = (&self.views, &self.ranking);
        let (book, detail) = (&RuleBook::default(), Detail::Shop);
        let asker = Asker {
            people: None,
            views,
            ranking,
            model: None,
            now,
            whom,
            site: &site,
            withheld,
            people_min: 5,
            book,
            rules_at: now,
            detail,
            tongue: super::Tongue::choose(None, &[]),
            settings: &RecommendationSettings::default(),
            aim: Aim::Compare,
            arm: None,
        };
        let answer = asker.answer(&RecommendRequest::new(strategy, 10));
        answer.answer.recommendations.into_iter().map(|one| one.product_id).collect()
    }

    /// What everybody's answers are made of is what a shop would hold that saw the allowed acts only.
    fn check_crowd(&self) {
        let catalogue = &self.log[..usize::from(PRODUCTS)];
        let allowed = catalogue.iter().chain(self.model.crowd());
        let wanted = fold_with(rules("us"), allowed);
        assert_eq!(self.views.crowd_fingerprints(), wanted.crowd_fingerprints());
    }
}

#[derive(Clone, Copy)]
enum Kind {
    View,
    Order,
}

fn viewed(number: u8) -> Fact {
    let mention =
        ProductMention { product: product(number), variant: None, quantity: None, price: None };
    let products = vec![mention];
    Fact::Interaction(Interaction {
        action: Action::Viewed,
        products,
        request_id: None,
        extra: None,
    })
}

fn ordered(number: u8, offset: u64) -> Fact {
    let line = OrderLine {
        product: product(number),
        variant: None,
        quantity: Quantity::each(1),
        amount: None,
        promotion: None,
    };
    let mut name = [7; 16];
    name[..8].copy_from_slice(&offset.to_le_bytes());
    Fact::Order(CustomerOrder {
        order: OrderRef(name),
        order_id: OrderId::new(offset.to_string()).unwrap(),
        change: OrderChange::Placed,
        location: None,
        total: None,
        lines: vec![line],
        extra: None,
    })
}

fn n_runs() -> u64 {
    let set = std::env::var(RUNS_VARIABLE).ok();
    set.map_or(RUNS, |text| text.parse().expect("SOUK_CONSENT_RUNS is a whole number"))
}

/// How often permitted uses showed, and how often uses were withheld, over these seeds.
fn live_through(seeds: impl Iterator<Item = u64>) -> (u64, u64) {
    let (mut n_used, mut n_withheld) = (0, 0);
    for seed in seeds {
        let outcome = std::panic::catch_unwind(|| {
            let mut run = Run::new(seed);
            (0..STEPS).for_each(|_| run.step());
            (0..PEOPLE).for_each(|who| run.read(who));
            run.check_crowd();
            // Live state and rebuild agree, whatever was withdrawn in between.
            let rebuilt = fold_with(run.views.rules_for_test(), &run.log);
            assert_eq!(run.views.fingerprints(), rebuilt.fingerprints());
            (run.n_used, run.n_withheld)
        });
        let (used, withheld) = outcome.unwrap_or_else(|panic| {
            println!("seed {seed} failed");
            std::panic::resume_unwind(panic)
        });
        n_used += used;
        n_withheld += withheld;
    }
    (n_used, n_withheld)
}

#[test]
fn no_answer_rests_on_what_is_withheld_and_what_is_allowed_changes_answers() {
    // Each thread takes every other seed: a failure names its own.
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let (n_used, n_withheld) = std::thread::scope(|scope| {
        let live = |first: u64| {
            scope.spawn(move || live_through((first..n_runs()).step_by(threads as usize)))
        };
        let lives: Vec<_> = (0..threads).map(live).collect();
        lives.into_iter().fold((0, 0), |sum, life| {
            let (used, withheld) =
                life.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            (sum.0 + used, sum.1 + withheld)
        })
    });
    println!("{} interleavings: {n_used} permitted uses, {n_withheld} withheld", n_runs());
    assert!(n_used > n_runs() / 2, "only {n_used} permitted uses showed");
    assert!(n_withheld > n_runs() / 2, "only {n_withheld} uses were withheld");
}
