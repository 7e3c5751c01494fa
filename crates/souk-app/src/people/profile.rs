//! A person's profile: each statement with the figures that it rests on, or with the reason why there is none.

use souk_core::{Money, ProductId, SiteId, Timestamp};
use souk_privacy::consent::Decision;
use souk_recommend::lifetime::{bg_nbd, gamma_gamma, rfm};

use super::habits::{self, Most};
use super::person::{Lens, Person, days_between};
use super::taste::{self, Leaning};

/// A figure that a statement rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Figure {
    /// A number; units are in its name.
    Number(f64),
    /// A moment.
    Time(Timestamp),
}

/// A statement about a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding<T> {
    /// What is said; `None` where too little is known.
    pub value: Option<T>,
    /// Why nothing is said.
    pub reason: Option<String>,
    /// What it rests on, by name.
    pub evidence: Vec<(&'static str, Figure)>,
}

impl<T> Finding<T> {
    fn of(value: Option<T>, reason: impl FnOnce() -> String) -> Finding<T> {
        let reason = if value.is_some() { None } else { Some(reason()) };
        Finding { value, reason, evidence: Vec::new() }
    }

    fn on(mut self, name: &'static str, number: f64) -> Finding<T> {
        self.evidence.push((name, Figure::Number(number)));
        self
    }

    fn at(mut self, name: &'static str, time: Timestamp) -> Finding<T> {
        self.evidence.push((name, Figure::Time(time)));
        self
    }

    fn on_some(self, name: &'static str, number: Option<f64>) -> Finding<T> {
        match number {
            Some(number) => self.on(name, number),
            None => self,
        }
    }
}

/// A standing among the shoppers of the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rfm {
    /// Its name: `champions`, `at_risk`, ….
    pub segment: &'static str,
    /// 1 to 5, 5 for those who bought most recently.
    pub recency: u8,
    /// 1 to 5, 5 for those who bought most often.
    pub frequency: u8,
    /// 1 to 5, 5 for those who spent most.
    pub monetary: u8,
}

/// A brand or category that somebody leans to.
#[derive(Clone, Debug, PartialEq)]
pub struct Affinity {
    /// Its name, of a category the whole path.
    pub name: String,
    /// Of the decayed weight of everything, 0 to 1.
    pub share: f64,
    /// The share against that of the whole shop.
    pub lift: Option<f64>,
    /// Purchases of it.
    pub purchases: u32,
    /// Views, clicks and carts of it that are kept.
    pub views: u32,
    /// The last of both.
    pub last_at: Timestamp,
    /// Whether it counts as an affinity in segments: more than chance, and more than others.
    pub is_affinity: bool,
}

/// Where the prices that somebody pays stand in their categories, 0 the lowest, 1 the highest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PriceBand {
    /// `low`, `middle` or `high`: thirds of the middle one.
    pub name: &'static str,
    /// A quarter of the lines are below.
    pub p25: f64,
    /// Half are.
    pub p50: f64,
    /// Three quarters are.
    pub p75: f64,
}

/// Faithfulness to a brand.
#[derive(Clone, Debug, PartialEq)]
pub struct BrandLoyalty {
    /// The brand that is bought most.
    pub brand: String,
    /// Its share of all lines with a brand.
    pub share: f64,
    /// The sum of squared shares: 1 for one brand alone.
    pub concentration: f64,
    /// How many brands were bought.
    pub brands: usize,
}

/// A product that is bought in a rhythm.
#[derive(Clone, Debug, PartialEq)]
pub struct Replenishment {
    /// Which product.
    pub product_id: ProductId,
    /// What it is called, where the catalogue has it.
    pub title: Option<String>,
    /// The middle gap between two purchases.
    pub every_days: f64,
    /// How far gaps lie from it: the middle of their distances.
    pub spread_days: f64,
    /// Gaps that this rests on.
    pub gaps: usize,
    /// When it was bought last.
    pub last_at: Timestamp,
    /// When it is due.
    pub due_at: Timestamp,
}

/// When the next order is to be expected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NextOrder {
    /// With probability one half before.
    pub at: Timestamp,
    /// The same as days from now.
    pub in_days: f64,
}

/// What happens most.
#[derive(Clone, Debug, PartialEq)]
pub struct Habit {
    /// A channel, a day of the week, or an hour of the day.
    pub most: String,
    /// Of all orders.
    pub share: f64,
}

/// What was ordered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ordered {
    /// How many orders.
    pub count: u32,
    /// The first.
    pub first_at: Timestamp,
    /// The last.
    pub last_at: Timestamp,
    /// What was paid, where orders say it.
    pub spend: Option<Money>,
}

/// What is known of a person, as far as personalization is allowed.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// When it was made.
    pub as_of: Timestamp,
    /// On which site.
    pub site: SiteId,
    /// Whether anything may be said, and why.
    pub consent: Decision,
    /// Days that expectations look ahead.
    pub horizon_days: u64,
    /// Days after which an act weighs half in affinities.
    pub half_life_days: u64,
    /// When the shop's figures were fitted; `None` before the first fit.
    pub fitted_at: Option<Timestamp>,
    /// What was ordered; `None` where nothing was.
    pub orders: Option<Ordered>,
    /// The standing.
    pub rfm: Finding<Rfm>,
    /// The probability of still being a customer.
    pub probability_alive: Finding<f64>,
    /// Orders within the horizon.
    pub expected_orders: Finding<f64>,
    /// The amount of the next order.
    pub order_value: Finding<Money>,
    /// What is spent within the horizon.
    pub expected_value: Finding<Money>,
    /// The probability of no order within the horizon.
    pub churn_risk: Finding<f64>,
    /// When the next order comes.
    pub next_order: Finding<NextOrder>,
    /// Brands, the highest share first.
    pub brands: Finding<Vec<Affinity>>,
    /// Categories, likewise.
    pub categories: Finding<Vec<Affinity>>,
    /// Prices.
    pub price_band: Finding<PriceBand>,
    /// Faithfulness to a brand.
    pub brand_loyalty: Finding<BrandLoyalty>,
    /// Products bought in a rhythm, those first that are due nearest to now.
    pub replenishment: Finding<Vec<Replenishment>>,
    /// Where.
    pub channel: Finding<Habit>,
    /// On which day.
    pub weekday: Finding<Habit>,
    /// In which hour.
    pub hour: Finding<Habit>,
    /// Segments that the person is in, by their keys.
    pub segments: Vec<String>,
}

/// Why an expectation of the shop's model is missing.
fn no_outlook(person: &Person<'_>, (has_model, what): (bool, &str)) -> String {
    match (person.basics, person.lens.standing, has_model) {
        (None, ..) => "no order is known".to_owned(),
        (_, None, _) => "the shop's figures are not fitted yet; the first fit comes twenty seconds after the start".to_owned(),
        (_, Some(standing), false) => format!(
            "{what} needs {} shoppers who let others learn from them, some of whom came back; there are {}",
            bg_nbd::SHOPPERS_MIN.max(gamma_gamma::SHOPPERS_MIN),
            standing.n_people
        ),
        _ => format!("{what} gives no finite figure for this shopper"),
    }
}

impl Profile {
    /// Says all that there is to say.
    pub(super) fn of(
        person: &Person<'_>,
        (site, consent): (SiteId, Decision),
        segments: Vec<String>,
    ) -> Profile {
        let Lens { standing, settings, now, .. } = person.lens;
        let money = |minor: f64| Money::from_minor(minor.round() as i64, person.lens.currency);
        let orders = person.basics.map(|basics| Ordered {
            count: basics.orders,
            first_at: basics.first,
            last_at: basics.last,
            spend: (basics.paid.0 > 0).then(|| money(basics.paid.1)),
        });
        let mut profile = Profile {
            as_of: now,
            site,
            consent,
            horizon_days: settings.horizon_days,
            half_life_days: settings.affinity_half_life_days,
            fitted_at: standing.map(|standing| standing.made_at),
            orders,
            rfm: rfm_of(person),
            probability_alive: coming_back(person, person.outlook().alive),
            expected_orders: coming_back(person, person.outlook().orders),
            order_value: order_value(person, money),
            expected_value: expected_value(person, money),
            churn_risk: coming_back(person, person.outlook().churn_risk),
            next_order: next_order(person),
            brands: affinities(person, (&person.tastes().brands, "brand")),
            categories: affinities(person, (&person.tastes().categories, "category")),
            price_band: price_band(person),
            brand_loyalty: brand_loyalty(person),
            replenishment: replenishment(person),
            channel: habit(
                person
                    .habits()
                    .channel()
                    .map(|(channel, most)| (channel.as_str().to_owned(), most)),
                person,
            ),
            weekday: habit(
                person.habits().weekday().map(|(day, most)| (day.as_str().to_owned(), most)),
                person,
            ),
            hour: habit(
                person.habits().hour().map(|most| (format!("{:02}:00", most.place), most)),
                person,
            ),
            segments,
        };
        if !consent.is_allowed {
            profile.withhold();
        }
        profile
    }

    /// Gives the one true reason for saying nothing of somebody who does not allow it.
    fn withhold(&mut self) {
        fn silence<T>(finding: &mut Finding<T>) {
            *finding = Finding::of(None, || "personalization is not allowed".to_owned());
        }
        self.segments.clear();
        silence(&mut self.rfm);
        silence(&mut self.probability_alive);
        silence(&mut self.expected_orders);
        silence(&mut self.order_value);
        silence(&mut self.expected_value);
        silence(&mut self.churn_risk);
        silence(&mut self.next_order);
        silence(&mut self.brands);
        silence(&mut self.categories);
        silence(&mut self.price_band);
        silence(&mut self.brand_loyalty);
        silence(&mut self.replenishment);
        silence(&mut self.channel);
        silence(&mut self.weekday);
        silence(&mut self.hour);
    }
}

fn rfm_of(person: &Person<'_>) -> Finding<Rfm> {
    let value = person.rfm().map(|(scores, name)| Rfm {
        segment: name.as_str(),
        recency: scores.recency,
        frequency: scores.frequency,
        monetary: scores.monetary,
    });
    let standing = person.lens.standing;
    let why = || match (person.basics, standing) {
        (None, _) => "no order is known".to_owned(),
        (_, None) => no_outlook(person, (true, "")),
        (_, Some(standing)) => format!(
            "fifths need {} shoppers who let others learn from them; there are {}",
            rfm::SHOPPERS_MIN,
            standing.n_people
        ),
    };
    let mut finding = Finding::of(value, why);
    if let Some(basics) = person.basics {
        finding = finding
            .on("days_since_order", days_between(basics.last, person.lens.now))
            .on("orders", f64::from(basics.orders))
            .on("spend_minor", basics.paid.1);
    }
    finding.on_some("shoppers", standing.and_then(|one| one.rfm).map(|cuts| cuts.n_shoppers as f64))
}

/// What the model of coming back says, with what it knows of the person.
fn coming_back(person: &Person<'_>, value: Option<f64>) -> Finding<f64> {
    let fit = person.lens.standing.and_then(|standing| standing.buying);
    let finding =
        Finding::of(value, || no_outlook(person, (fit.is_some(), "the model of coming back")));
    with_visits(finding, person)
}

fn with_visits<T>(mut finding: Finding<T>, person: &Person<'_>) -> Finding<T> {
    if let Some(visits) = person.basics.map(|basics| basics.visits()) {
        finding = finding
            .on("repeat_days", f64::from(visits.repeats))
            .on("days_from_first_to_last", visits.last)
            .on("days_since_first", visits.age);
    }
    let fit = person.lens.standing.and_then(|standing| standing.buying);
    finding.on_some("shoppers", fit.map(|fit| fit.n_shoppers as f64))
}

fn order_value(person: &Person<'_>, money: impl Fn(f64) -> Money) -> Finding<Money> {
    let fit = person.lens.standing.and_then(|standing| standing.spending);
    let why = || match person.basics {
        Some(basics) if basics.paid.0 == 0 => {
            "no order says what was paid in the currency of the site".to_owned()
        }
        _ => no_outlook(person, (fit.is_some(), "the model of spending")),
    };
    let mut finding = Finding::of(person.outlook().order_value.map(money), why);
    if let Some((orders, minor)) = person.basics.map(|basics| basics.paid).filter(|paid| paid.0 > 0)
    {
        finding = finding
            .on("orders_with_amount", f64::from(orders))
            .on("mean_minor", minor / f64::from(orders));
    }
    finding.on_some("shoppers", fit.map(|fit| fit.n_shoppers as f64))
}

fn expected_value(person: &Person<'_>, money: impl Fn(f64) -> Money) -> Finding<Money> {
    let outlook = person.outlook();
    let why = || "expected orders or the value of an order is not known".to_owned();
    Finding::of(outlook.value.map(money), why)
        .on_some("expected_orders", outlook.orders)
        .on_some("order_value_minor", outlook.order_value)
        .on_some("high_value_from_minor", person.lens.standing.and_then(|one| one.high_value_from))
}

fn next_order(person: &Person<'_>) -> Finding<NextOrder> {
    let outlook = person.outlook();
    let now = person.lens.now;
    let value = outlook.next_days.map(|in_days| NextOrder {
        at: now.plus_ms((in_days * 86_400_000.0).min(1e15) as i64),
        in_days,
    });
    let why = || match outlook.alive {
        Some(_) => "it is more likely that no order comes any more".to_owned(),
        None => no_outlook(person, (true, "the model of coming back")),
    };
    let times: Vec<i64> = person.purchases.iter().map(|purchase| purchase.at.as_ms()).collect();
    let mut finding = with_visits(Finding::of(value, why), person);
    // The person's own rhythm, beside what the shop's model says.
    if let Some(own) = souk_recommend::lifetime::rhythm::Rhythm::of(&times) {
        let due = now.plus_ms(own.due_ms().saturating_sub(now.as_ms()));
        finding = finding
            .on("own_gap_days", own.median_days)
            .on("own_gap_spread_days", own.spread_days)
            .at("own_due_at", due);
    }
    finding
}

fn affinities(
    person: &Person<'_>,
    (leanings, what): (&[Leaning<'_>], &str),
) -> Finding<Vec<Affinity>> {
    let of = |one: &Leaning<'_>| Affinity {
        name: one.name.to_owned(),
        share: one.share,
        lift: one.lift,
        purchases: one.purchases,
        views: one.views,
        last_at: one.last,
        is_affinity: one.is_affinity(),
    };
    let acts: u32 = leanings.iter().map(|one| one.purchases + one.views).sum();
    let is_enough = acts >= taste::ACTS_MIN;
    let value = is_enough.then(|| leanings.iter().take(taste::NAMED_MAX).map(of).collect());
    let why = || format!("fewer than {} acts on products with a {what} are known", taste::ACTS_MIN);
    Finding::of(value, why)
        .on("acts", f64::from(acts))
        .on("half_life_days", person.lens.settings.affinity_half_life_days as f64)
}

fn price_band(person: &Person<'_>) -> Finding<PriceBand> {
    let tastes = person.tastes();
    let value = tastes.price_band.map(|band| PriceBand {
        name: match band.middle {
            middle if middle < 1.0 / 3.0 => "low",
            middle if middle > 2.0 / 3.0 => "high",
            _ => "middle",
        },
        p25: band.low,
        p50: band.middle,
        p75: band.high,
    });
    let why = || match person.lens.standing {
        None => no_outlook(person, (true, "")),
        Some(_) => format!(
            "{} lines have a price that can be compared; {} are needed",
            tastes.priced,
            taste::PRICED_MIN
        ),
    };
    Finding::of(value, why).on("lines", tastes.priced as f64)
}

fn brand_loyalty(person: &Person<'_>) -> Finding<BrandLoyalty> {
    let tastes = person.tastes();
    let value = tastes.loyalty.map(|one| BrandLoyalty {
        brand: one.brand.to_owned(),
        share: one.share,
        concentration: one.concentration,
        brands: one.brands,
    });
    let why = || {
        format!("fewer than {} purchases of products with a brand are known", taste::BRANDED_MIN)
    };
    Finding::of(value, why).on("lines", f64::from(tastes.branded))
}

fn replenishment(person: &Person<'_>) -> Finding<Vec<Replenishment>> {
    let catalogue = &person.lens.views.catalogue;
    let time = |ms: i64| Timestamp::EPOCH.plus_ms(ms);
    let cycles = &person.tastes().cycles;
    let named: Vec<Replenishment> = cycles
        .iter()
        .take(taste::CYCLES_MAX)
        .map(|cycle| Replenishment {
            product_id: catalogue.product_id(cycle.item).clone(),
            title: catalogue.product(cycle.item).map(|product| product.title.clone()),
            every_days: cycle.rhythm.median_days,
            spread_days: cycle.rhythm.spread_days,
            gaps: cycle.rhythm.n_gaps,
            last_at: time(cycle.rhythm.last_ms),
            due_at: time(cycle.rhythm.due_ms()),
        })
        .collect();
    let why = || "no product was bought on three days, the last of them lately".to_owned();
    Finding::of((!named.is_empty()).then_some(named), why)
        .on("products_in_rhythm", cycles.len() as f64)
        .on("purchases", person.lines.len() as f64)
}

fn habit(most: Option<(String, Most)>, person: &Person<'_>) -> Finding<Habit> {
    let evidence = most.as_ref().map(|(_, most)| *most);
    let value = most
        .map(|(name, most)| Habit { most: name, share: f64::from(most.n) / f64::from(most.of) });
    let n = person.basics.map_or(0, |basics| basics.orders);
    let why = || format!("{n} orders say it; {} are needed", habits::ORDERS_MIN);
    match evidence {
        Some(most) => {
            Finding::of(value, why).on("orders", f64::from(most.n)).on("of", f64::from(most.of))
        }
        None => Finding::of(value, why).on("orders", f64::from(n)),
    }
}
