//! The watch over what comes in: a feed that is missing, late, doubled or off by a factor must not order.
//!
//! What is usual is told from the feed's own past, robustly: the median of the same weekdays. A gate that is
//! shut costs a person's look; one that stands open costs a warehouse.

use souk_core::{LocationId, SiteId};

use crate::App;
use crate::config::ClosedOn;
use crate::demand::{is_closed, lines, years_before};
use crate::projections::{Feed, StockDay};

/// Days that are looked at.
const LOOK_DAYS: i32 = 7;
/// Weeks that tell what is usual on a weekday, and how many of them must be known.
const WEEKS: i32 = 8;
const WEEKS_MIN: usize = 3;
/// Times the usual from which on a factor is meant (a price in cents, a case for a piece).
const FACTOR_MIN: f64 = 20.0;
/// Standard deviations that are still usual, and the shares that are so in any case.
const SIGMAS: f64 = 4.0;
const HIGH: f64 = 1.6;
const LOW: f64 = 0.6;
/// The least relative spread that is believed: few weeks may agree by chance.
const SPREAD_MIN: f64 = 0.05;
/// Thousandths that must be believed to be there before a count is compared with it.
const BELIEVED_MIN: i64 = 10_000;
/// Days of sales that nobody receives or counts at once.
const DAYS_OF_SALES_MAX: f64 = 730.0;
const DAY_MS: i64 = 86_400_000;

/// Something is wrong with what comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedAlarm {
    /// `sales` or `stock`.
    pub feed: &'static str,
    /// Of which site.
    pub site: SiteId,
    /// Of which place.
    pub location: LocationId,
    /// `missing`, `late`, `doubled`, `short` or `factor`.
    pub kind: &'static str,
    /// What was found, and what to do.
    pub text: String,
}

impl FeedAlarm {
    /// What the feed is, in a sentence.
    pub(crate) fn word(&self) -> &'static str {
        if self.kind == "factor" { "off by a factor" } else { self.kind }
    }
}

impl App {
    /// Every alarm of places where planning is used: where a supplier is known and stock was ever told.
    pub fn feed_alarms(&self) -> Vec<FeedAlarm> {
        if self.purchasing.suppliers().is_empty() {
            return Vec::new();
        }
        let mut alarms: Vec<FeedAlarm> = self
            .places_with_stock()
            .iter()
            .flat_map(|(site, place)| self.alarms_at(site, place))
            .collect();
        alarms.sort_by(|a, b| (&a.location, &a.site, a.feed).cmp(&(&b.location, &b.site, b.feed)));
        alarms
    }

    /// The alarms of one site at a place.
    pub(crate) fn alarms_at(&self, site: &SiteId, location: &LocationId) -> Vec<FeedAlarm> {
        let now = self.clock.now();
        let today = self.place_clock(site, Some(location)).day(now).number();
        let settings = &self.config.inventory;
        let views = self.views.read();
        let (site_number, number) =
            (views.catalogue.find_site(site), views.catalogue.location_number(location));
        let empty = Feed::default();
        let feed = site_number.zip(number).and_then(|place| views.supply.feed(place));
        let feed = feed.unwrap_or(&empty);
        let watch = Watch { feed, closed: self.config.closed(location), today };
        let found = watch.sales(settings.sales_age_days_max as i32).into_iter().chain(stock(
            feed,
            (now.as_ms().div_euclid(DAY_MS) as i32, settings.stock_age_days_max as i32),
            usual_day(feed, today),
        ));
        found
            .map(|(feed, kind, text)| {
                let (site, location) = (site.clone(), location.clone());
                FeedAlarm { feed, site, location, kind, text }
            })
            .collect()
    }
}

type Found = (&'static str, &'static str, String);

fn day_text(day: i32) -> String {
    souk_core::Day::from_number(day).to_string()
}

/// Whether the place usually sells on such a weekday.
fn is_usual(feed: &Feed, day: i32) -> bool {
    (1..=4).any(|week| lines(feed, day - 7 * week) > 0)
}

/// The sales of one site at a place.
struct Watch<'a> {
    feed: &'a Feed,
    /// Days on which the place is closed, as the settings name them.
    closed: &'a [ClosedOn],
    today: i32,
}

impl Watch<'_> {
    fn sales(&self, age_max: i32) -> Vec<Found> {
        let feed = self.feed;
        let alarm = |kind, text: String| ("sales", kind, text);
        let told = feed.sales.iter().rev().find(|(_, sums)| sums.lines > 0);
        let Some((last, _)) = told else {
            let text = "no sales were ever told of this place; send orders with its location";
            return vec![alarm("missing", text.to_owned())];
        };
        let newest = self.today - age_max.max(1);
        let since = newest - LOOK_DAYS + 1;
        let is_absent = |day: &i32| {
            lines(feed, *day) == 0 && is_usual(feed, *day) && !is_closed(feed, self.closed, *day)
        };
        let absent: Vec<i32> = (since..=newest).filter(is_absent).collect();
        let mut found = Vec::new();
        match absent.last() {
            Some(day) if *last < *day => found.push(alarm(
                "late",
                format!(
                    "the last sales are of {}, those of {} are missing; is the sender running?",
                    day_text(*last),
                    match absent.iter().find(|absent| *absent > last) {
                        Some(first) if first < day => {
                            format!("{} to {}", day_text(*first), day_text(*day))
                        }
                        _ => day_text(*day),
                    }
                ),
            )),
            Some(day) => found.push(alarm(
                "missing",
                format!(
                    "there are no sales of {}, though such days have some; send them again, or name the day in \
                     `locations[].closed`",
                    day_text(*day)
                ),
            )),
            None if *last < newest - LOOK_DAYS => found.push(alarm(
                "late",
                format!("the last sales are of {}; is the sender running?", day_text(*last)),
            )),
            None => {}
        }
        found.extend((since..self.today).rev().find_map(|day| odd_day(feed, day)));
        found
    }
}

/// How much was sold on a day beside what is usual.
#[derive(Clone, Copy, Debug)]
struct Beside {
    sold: f64,
    usual: f64,
    /// The standard deviation of usual days, as a share.
    spread: f64,
}

impl Beside {
    /// `None` without sales, and where too little is known of what is usual.
    fn of(feed: &Feed, day: i32) -> Option<Beside> {
        let sold = feed.sales.get(&day).filter(|sums| sums.lines > 0)?.milli as f64;
        let mut usual: Vec<f64> = (1..=WEEKS)
            .filter_map(|week| feed.sales.get(&(day - 7 * week)))
            .filter(|sums| sums.lines > 0 && sums.milli > 0)
            .map(|sums| sums.milli as f64)
            .collect();
        if usual.len() < WEEKS_MIN {
            // A young feed is compared with its other days.
            let others = feed.sales.range(day - 28..day).filter(|(_, sums)| sums.milli > 0);
            usual = others.map(|(_, sums)| sums.milli as f64).collect();
            if usual.len() < WEEKS_MIN {
                return None;
            }
        }
        let middle = median(&mut usual);
        let mut off: Vec<f64> = usual.iter().map(|value| (value - middle).abs() / middle).collect();
        // 1.4826 makes the median deviation of normal values their standard deviation.
        let spread = (1.4826 * median(&mut off)).max(SPREAD_MIN);
        Some(Beside { sold, usual: middle, spread })
    }

    fn ratio(&self) -> f64 {
        self.sold / self.usual
    }
}

/// What is odd about how much was sold on a day.
fn odd_day(feed: &Feed, day: i32) -> Option<Found> {
    let beside = Beside::of(feed, day)?;
    let ratio = beside.ratio();
    let (kind, words) = if ratio >= FACTOR_MIN {
        ("factor", "are quantities in another unit?")
    } else if ratio > HIGH.max(1.0 + SIGMAS * beside.spread) {
        ("doubled", "did a file come twice?")
    } else if ratio < LOW.min(1.0 - SIGMAS * beside.spread) {
        ("short", "is a file incomplete?")
    } else {
        return None;
    };
    // The days before Christmas sell so every year.
    let a_year_ago = years_before(day, 1).and_then(|then| Beside::of(feed, then));
    if a_year_ago.is_some_and(|then| (LOW..=HIGH).contains(&(ratio / then.ratio()))) {
        return None;
    }
    let text = format!(
        "{:.0} units were sold on {}, {ratio:.1} times the usual {:.0}; {words}",
        beside.sold / 1e3,
        day_text(day),
        beside.usual / 1e3
    );
    Some(("sales", kind, text))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Thousandths that are sold on a usual day of the last four weeks.
fn usual_day(feed: &Feed, today: i32) -> f64 {
    let mut sold: Vec<f64> =
        feed.sales.range(today - 28..today).map(|(_, sums)| sums.milli as f64).collect();
    median(&mut sold)
}

fn stock(feed: &Feed, (today, age_max): (i32, i32), per_day: f64) -> Vec<Found> {
    let alarm = |kind, text: String| ("stock", kind, text);
    let Some(at) = feed.stock_at else {
        let text =
            "no stock was ever told of this place; send `Stock Counted` or import a stock file";
        return vec![alarm("missing", text.to_owned())];
    };
    let age = today - at.as_ms().div_euclid(DAY_MS) as i32;
    let mut found = Vec::new();
    if age > age_max {
        let text =
            format!("the last fact about stock is {age} days old ({at}); is the sender running?");
        found.push(alarm("late", text));
    }
    let odd = feed.stock.range(today - LOOK_DAYS..).rev().find_map(|(day, sums)| {
        let usual: Vec<f64> = feed
            .stock
            .iter()
            .filter(|(other, sums)| **other != *day && sums.received_milli > 0)
            .map(|(_, sums)| sums.received_milli as f64)
            .collect();
        odd_stock((*day, sums), usual, per_day)
    });
    found.extend(odd);
    found
}

fn odd_stock((day, sums): (i32, &StockDay), mut usual: Vec<f64>, per_day: f64) -> Option<Found> {
    let alarm = |kind, text: String| Some(("stock", kind, text));
    let on = day_text(day);
    let (counted, believed) = (sums.counted_milli as f64, sums.believed_milli as f64);
    let all = counted + sums.fresh_milli as f64;
    let days_of = |milli: f64| if per_day > 0.0 { milli / per_day } else { 0.0 };
    if sums.believed_milli >= BELIEVED_MIN {
        let ratio = counted / believed;
        let text = |words: &str| {
            format!(
                "{:.0} units were counted on {on} where {:.0} were believed to be, {ratio:.1} times as many; {words}",
                counted / 1e3,
                believed / 1e3
            )
        };
        if ratio >= FACTOR_MIN {
            return alarm("factor", text("are quantities in another unit?"));
        }
        if ratio > HIGH {
            return alarm("doubled", text("was a shelf counted twice?"));
        }
        if ratio < LOW {
            return alarm("short", text("is the count incomplete?"));
        }
    }
    for (what, milli) in [("counted", all), ("received", sums.received_milli as f64)] {
        if days_of(milli) > DAYS_OF_SALES_MAX {
            let text = format!(
                "{:.0} units were {what} on {on}, which is what {:.0} days sell; are quantities in another unit?",
                milli / 1e3,
                days_of(milli)
            );
            return alarm("factor", text);
        }
    }
    if sums.repeats > 0 && sums.repeats * 2 >= sums.receipts {
        let text = format!(
            "{} of {} receipts of {on} repeat another of the same product and quantity; did a file come twice?",
            sums.repeats, sums.receipts
        );
        return alarm("doubled", text);
    }
    if usual.len() >= WEEKS_MIN {
        let ratio = sums.received_milli as f64 / median(&mut usual).max(1.0);
        if ratio >= FACTOR_MIN {
            let text = format!(
                "{:.0} units were received on {on}, {ratio:.0} times the usual; are quantities in another unit?",
                sums.received_milli as f64 / 1e3
            );
            return alarm("factor", text);
        }
    }
    None
}

#[cfg(test)]
mod tests;
