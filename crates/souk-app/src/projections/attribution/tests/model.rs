//! What figures of answers should be, worked out the slow and obvious way from all records at once.

use std::collections::{BTreeMap, BTreeSet};

use souk_core::{Fact, OrderChange, OrderRef, ProductId, SubjectId, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

use super::super::super::{Decoded, Views};
use super::super::{DAY_MS, Did, FigureQuery, day_of};
use super::query;

struct Served {
    owner: SubjectId,
    at: Timestamp,
    /// How many came before it: of two answers of one moment the later one is the last.
    seq: usize,
    items: Vec<ProductId>,
}

/// An act that names its answer.
struct Named {
    actor: SubjectId,
    did: Did,
    item: Option<ProductId>,
    request: String,
    at: Timestamp,
    is_joined: bool,
}

/// An act that follows an answer without naming it.
#[derive(Clone)]
struct Followed {
    actor: SubjectId,
    did: Did,
    item: ProductId,
    request: String,
    at: Timestamp,
    /// Of an order: which, and whether it follows a click; when that, or the answer, was.
    order: Option<OrderRef>,
    is_clicked: bool,
    touched: Timestamp,
}

#[derive(Default)]
struct Story {
    answers: BTreeMap<String, Served>,
    unnamed: u64,
    named: Vec<Named>,
    followed: Vec<Followed>,
    placed: BTreeMap<(SubjectId, OrderRef), Timestamp>,
    links: BTreeSet<(SubjectId, SubjectId, u8)>,
}

fn is_near(earlier: Timestamp, later: Timestamp, days: i64) -> bool {
    earlier <= later && later.ms_since(earlier) <= days * DAY_MS
}

impl Story {
    fn is_kin(&self, a: SubjectId, b: SubjectId) -> bool {
        a == b || self.links.iter().any(|(x, y, _)| (*x, *y) == (a.min(b), a.max(b)))
    }

    fn join(&mut self, actor: SubjectId, request: &str) {
        let Some(answer) = self.answers.get(request) else { return };
        if !self.is_kin(actor, answer.owner) {
            return;
        }
        let waiting = self.named.iter_mut().filter(|one| one.actor == actor);
        waiting.filter(|one| one.request == request).for_each(|one| one.is_joined = true);
    }

    fn act(&mut self, actor: SubjectId, (did, at): (Did, Timestamp), item: &ProductId) {
        for (request, answered) in self.last_shown(actor, at, item) {
            let (actor, item) = (actor, item.clone());
            let (order, is_clicked, touched) = (None, false, answered);
            self.push(Followed { actor, did, item, request, at, order, is_clicked, touched });
        }
    }

    /// Of each owner the last answer that showed a product: its name and time.
    fn last_shown(
        &self,
        actor: SubjectId,
        at: Timestamp,
        item: &ProductId,
    ) -> Vec<(String, Timestamp)> {
        let mut best: BTreeMap<SubjectId, (Timestamp, usize, String)> = BTreeMap::new();
        for (name, answer) in &self.answers {
            let is_shown = answer.items.contains(item) && is_near(answer.at, at, 14);
            if !is_shown || !self.is_kin(actor, answer.owner) {
                continue;
            }
            let found = (answer.at, answer.seq, name.clone());
            let known = best.entry(answer.owner).or_insert_with(|| found.clone());
            if *known < found {
                *known = found;
            }
        }
        best.into_values().map(|(at, _, name)| (name, at)).collect()
    }

    /// Of each owner the last click of theirs or the actor's on a product of an answer.
    fn last_clicked(
        &self,
        actor: SubjectId,
        at: Timestamp,
        item: &ProductId,
    ) -> Vec<(String, Timestamp)> {
        let mut best: BTreeMap<SubjectId, (Timestamp, Timestamp, u64, String)> = BTreeMap::new();
        let named = self.named.iter().filter(|one| one.is_joined && one.did.is_touch());
        let named = named
            .filter(|one| one.item.as_ref() == Some(item))
            .map(|one| (one.actor, &one.request, one.at));
        let followed = self.followed.iter().filter(|one| one.did.is_touch() && one.item == *item);
        let followed = followed.map(|one| (one.actor, &one.request, one.at));
        for (who, request, when) in named.chain(followed) {
            let Some(answer) = self.answers.get(request) else { continue };
            let is_theirs = who == actor || who == answer.owner;
            let counts = is_theirs && answer.items.contains(item) && is_near(when, at, 14);
            if counts && self.is_kin(actor, answer.owner) {
                let found = (when, answer.at, xxh3_64(request.as_bytes()), request.clone());
                let known = best.entry(answer.owner).or_insert_with(|| found.clone());
                if *known < found {
                    *known = found;
                }
            }
        }
        best.into_values().map(|(at, _, _, name)| (name, at)).collect()
    }

    fn push(&mut self, new: Followed) {
        let owner = |one: &Followed| self.answers[&one.request].owner;
        let is_same = |one: &Followed| {
            (one.actor, one.did, &one.item, one.order, one.is_clicked)
                == (new.actor, new.did, &new.item, new.order, new.is_clicked)
                && owner(one) == owner(&new)
                && (new.order.is_some() || one.request == new.request)
        };
        if !self.followed.iter().any(is_same) {
            self.followed.push(new);
        }
    }

    fn take(&mut self, record: &Decoded) {
        let event = record.said();
        let link = |a: SubjectId, b: SubjectId, basis| (a.min(b), a.max(b), basis as u8);
        match (&event.fact, record.subject) {
            (Fact::Linked { other, basis }, Some(who)) if *other != who => {
                self.links.insert(link(who, *other, *basis));
            }
            (Fact::Unlinked { other, basis }, Some(who)) => {
                self.links.remove(&link(who, *other, *basis));
            }
            (Fact::Impressions(_), None) => self.unnamed += 1,
            (Fact::Impressions(shown), Some(owner)) => {
                let name = shown.request_id.to_string();
                if self.answers.contains_key(&name) {
                    return;
                }
                let items = shown.products.clone();
                let (at, seq) = (event.at, self.answers.len());
                self.answers.insert(name.clone(), Served { owner, at, seq, items });
                let actors: BTreeSet<SubjectId> = self.named.iter().map(|one| one.actor).collect();
                actors.into_iter().for_each(|actor| self.join(actor, &name));
            }
            (Fact::Interaction(interaction), Some(actor)) => {
                let Some(did) = Did::of(interaction.action) else { return };
                let Some(request) = &interaction.request_id else {
                    if did != Did::Saw {
                        for mention in &interaction.products {
                            self.act(actor, (did, event.at), &mention.product);
                        }
                    }
                    return;
                };
                let products = interaction.products.iter().map(|one| Some(one.product.clone()));
                let items: Vec<_> = if did == Did::Saw { vec![None] } else { products.collect() };
                for item in items {
                    let (at, request) = (event.at, request.to_string());
                    let is_same = |one: &Named| {
                        (one.actor, one.did, &one.item, &one.request)
                            == (actor, did, &item, &request)
                    };
                    if !self.named.iter().any(is_same) {
                        let is_joined = false;
                        let request = request.clone();
                        self.named.push(Named { actor, did, item, request, at, is_joined });
                    }
                    self.join(actor, &request);
                }
            }
            (Fact::Order(order), Some(actor)) => {
                if order.change == OrderChange::Placed {
                    let at = self.placed.entry((actor, order.order)).or_insert(event.at);
                    *at = event.at.min(*at);
                }
                let Some(at) = self.placed.get(&(actor, order.order)).copied() else { return };
                for line in &order.lines {
                    let clicked = self.last_clicked(actor, at, &line.product);
                    let shown = self.last_shown(actor, at, &line.product);
                    for (is_clicked, found) in [(true, clicked), (false, shown)] {
                        for (request, touched) in found {
                            self.push(Followed {
                                actor,
                                did: Did::Ordered,
                                item: line.product.clone(),
                                request,
                                at,
                                order: Some(order.order),
                                is_clicked,
                                touched,
                            });
                        }
                    }
                }
            }
            _ => {}
        }
    }
}

/// Sums and people: answers, seen, clicks, named clicks, carts, orders, orders after a click, units,
/// revenue, revenue after a click.
type Sums = [(i64, u32); 10];

/// What each person adds, on one day or over all.
fn expected(story: &Story, views: &Views, day: Option<i32>) -> Sums {
    let FigureQuery { click_days, order_days, .. } = query();
    let person = |subject: SubjectId| views.identity.members(subject).into_iter().min().unwrap();
    let is_asked = |request: &str| {
        story.answers.get(request).is_some_and(|one| day.is_none_or(|day| day_of(one.at) == day))
    };
    let mut own: BTreeMap<SubjectId, [i64; 10]> = BTreeMap::new();
    for (name, answer) in story.answers.iter().filter(|(name, _)| is_asked(name)) {
        let sums = own.entry(person(answer.owner)).or_default();
        sums[0] += 1;
        let is_own = |one: &&Named| one.is_joined && one.request == *name;
        sums[1] += i64::from(story.named.iter().filter(is_own).any(|n| n.actor == answer.owner));
    }
    let mut seen: BTreeSet<(SubjectId, &str)> = BTreeSet::new();
    let mut done: BTreeMap<(SubjectId, Did, &str, &ProductId), bool> = BTreeMap::new();
    for one in story.named.iter().filter(|one| one.is_joined && is_asked(&one.request)) {
        let answer = &story.answers[&one.request];
        let who = person(one.actor);
        if one.actor != answer.owner && seen.insert((who, &one.request)) {
            own.entry(who).or_default()[1] += 1;
        }
        if let Some(item) = one.item.as_ref().filter(|item| answer.items.contains(item)) {
            done.insert((who, one.did, &one.request, item), true);
        }
    }
    let acts = story.followed.iter().filter(|one| one.order.is_none() && is_asked(&one.request));
    for one in acts.filter(|one| is_near(one.touched, one.at, click_days)) {
        done.entry((person(one.actor), one.did, &one.request, &one.item)).or_insert(false);
    }
    for ((who, did, ..), is_named) in done {
        let sums = own.entry(who).or_default();
        match did {
            Did::Carted => sums[4] += 1,
            _ => {
                sums[2] += 1;
                sums[3] += i64::from(is_named);
            }
        }
    }
    add_orders(story, (views, order_days), &mut own, &is_asked);
    let mut sums = Sums::default();
    for mut parts in own.into_values() {
        parts[1] = parts[1].min(parts[0]);
        for (sum, part) in sums.iter_mut().zip(parts) {
            *sum = (sum.0 + part, sum.1 + u32::from(part != 0));
        }
    }
    sums
}

fn add_orders(
    story: &Story,
    (views, order_days): (&Views, i64),
    own: &mut BTreeMap<SubjectId, [i64; 10]>,
    is_asked: &dyn Fn(&str) -> bool,
) {
    let mut best: BTreeMap<(SubjectId, [u8; 16], &ProductId), &Followed> = BTreeMap::new();
    let rank = |one: &Followed| {
        let answered = story.answers[&one.request].at;
        (one.is_clicked, one.touched, answered, xxh3_64(one.request.as_bytes()))
    };
    for one in story.followed.iter().filter(|one| is_near(one.touched, one.at, order_days)) {
        let Some(order) = one.order else { continue };
        let known = best.entry((one.actor, order.0, &one.item)).or_insert(one);
        if rank(one) > rank(known) {
            *known = one;
        }
    }
    let mut orders: BTreeSet<(SubjectId, [u8; 16], bool)> = BTreeSet::new();
    for ((actor, order, item), one) in best {
        if !is_asked(&one.request) || views.buyer(OrderRef(order)) != Some(actor) {
            continue;
        }
        let item = views.catalogue.item(&souk_core::SiteId::main(), item);
        let sold = views.sold(OrderRef(order), Some(item.unwrap()));
        let who = views.identity.members(actor).into_iter().min().unwrap();
        let sums = own.entry(who).or_default();
        sums[7] += sold.milli;
        let minor: i64 = sold.money.iter().map(|(_, parts)| parts[0]).sum();
        sums[8] += minor;
        sums[9] += if one.is_clicked { minor } else { 0 };
        if sold.milli > 0 {
            sums[5] += i64::from(orders.insert((who, order, false)));
            sums[6] += i64::from(one.is_clicked && orders.insert((who, order, true)));
        }
    }
}

/// Compares the figures of a fold with those of the model, each day and all days.
pub(crate) fn check_figures(views: &Views, records: &[&Decoded]) {
    let mut story = Story::default();
    records.iter().for_each(|record| story.take(record));
    let rows = views.recommendation_figures(&query());
    let mut keys: Vec<Option<i32>> =
        story.answers.values().map(|answer| Some(day_of(answer.at))).collect();
    keys.push(None);
    keys.extend(rows.iter().map(|row| row.day.map(souk_core::Day::number)));
    keys.sort_unstable();
    keys.dedup();
    for day in keys {
        let row = rows.iter().find(|row| row.day.map(souk_core::Day::number) == day);
        let figures = row.map(|row| row.figures.clone()).unwrap_or_default();
        let money = figures.money.first().map(|(_, sums)| sums.clone()).unwrap_or_default();
        let found = [
            figures.answers,
            figures.seen,
            figures.clicks,
            figures.named_clicks,
            figures.carts,
            figures.orders,
            figures.clicked_orders,
            figures.units_milli,
            money.revenue,
            money.clicked_revenue,
        ]
        .map(|counted| (counted.sum, counted.people));
        assert_eq!(found, expected(&story, views, day), "on {day:?}");
        if day.is_none() {
            assert_eq!(figures.unnamed, story.unnamed);
        }
    }
}
