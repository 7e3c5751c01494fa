use souk_core::wire::{Reader, Writer};
use souk_core::{Action, Channel, Timestamp};
use souk_recommend::popular::{PopularQuery, demand, popular};
use souk_recommend::trending::{TrendQuery, Trends, trending};
use souk_recommend::windows::{Count, Scope, WindowScratch, Windows};
use souk_recommend::{Item, Scored, SnapshotError};

use super::histories::Touch;
use super::orders::Report;

/// How much a purchase, an addition to a cart or wish list, and a view say of demand.
///
/// Chosen: with the usual funnel of one purchase in three carts and one cart in ten views, no step
/// drowns the others.
const BOUGHT: i64 = 5;
const ADDED: i64 = 3;
const VIEWED: i64 = 1;

/// Days that popularity looks back, and after how many of them a count weighs half (chosen: a
/// month, so that each weekday counts four times; half after two weeks).
const POPULAR_DAYS: u32 = 28;
const POPULAR_HALF_LIFE_DAYS: f32 = 14.0;

pub(crate) const HOUR_MS: i64 = 3_600_000;
/// Hours and days kept: what trends and popularity look back on, with some to spare.
const HOURS_KEPT: i64 = 72;
const DAYS_KEPT: i64 = 35;

/// What is in demand, in each site as a whole and in each of its channels.
///
/// Purchases come from sales, so they name nobody, and count once for each product of an order, and once a
/// day for a person who is known and lets others learn from them (`repeats.rs`).
/// Views and additions to carts come from the touches that histories keep, and leave with them: so
/// a shopper can be forgotten exactly. One shopper counts once for a product, kind of act and hour, and
/// weighs no more than so many touches. How far back is
/// kept follows the time of receipt, which a client cannot set.
#[derive(Clone, Debug, Default)]
pub struct Popularity {
    windows: Windows,
    /// The last whole hour in which anything came in.
    hour: i64,
    /// Orders that are no demand of shoppers: those of bulk and of the shop's own people.
    n_kept_out: i64,
}

/// What a touch says of demand; `None` when it says nothing.
pub(crate) fn weight_of(action: Action) -> Option<i64> {
    match action {
        Action::Viewed | Action::Clicked => Some(VIEWED),
        Action::AddedToCart | Action::AddedToWishlist | Action::WishlistAddedToCart => Some(ADDED),
        _ => None,
    }
}

fn channel_of(placed: &Report) -> Option<Channel> {
    usize::from(placed.channel).checked_sub(1).and_then(|code| Channel::ALL.get(code).copied())
}

/// Scopes of one site: one for the site as a whole, one for each channel.
const SCOPES_PER_SITE: u32 = 1 + Channel::ALL.len() as u32;

impl Popularity {
    /// The number of a site (see `Catalogue::find_site`) as a whole, or of one of its channels.
    pub fn scope(&self, site: u32, channel: Option<Channel>) -> u32 {
        site * SCOPES_PER_SITE + channel.map_or(0, |channel| channel as u32 + 1)
    }

    /// The products in most demand; evidence is the weighted count of the last four weeks.
    pub fn popular(&self, scope: u32, now: Timestamp, limit: usize) -> Vec<Scored> {
        popular(&self.windows, &in_demand(scope, now, limit), &mut WindowScratch::default())
    }

    /// The scores of the products in most demand, without evidence: it takes longer than they do.
    pub fn demand(&self, scope: u32, now: Timestamp, limit: usize) -> Vec<(Item, f32)> {
        let mut scratch = WindowScratch::default();
        let query = in_demand(scope, now, limit);
        let mut all: Vec<(Item, f32)> = demand(&self.windows, &query, &mut scratch).collect();
        let by_demand = |a: &(Item, f32), b: &(Item, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if all.len() > limit {
            all.select_nth_unstable_by(limit, by_demand);
            all.truncate(limit);
        }
        all
    }

    /// The products whose demand grows most; evidence is the weighted count of the last two days.
    pub fn trending(&self, scope: u32, now: Timestamp, limit: usize) -> Vec<Scored> {
        let query = TrendQuery { limit, ..TrendQuery::new(Scope(scope), now.as_ms()) };
        trending(&self.windows, &query, &mut Trends::default())
    }

    /// The counts by themselves.
    pub fn windows(&self) -> &Windows {
        &self.windows
    }

    /// Drops what has grown too old by the time of a receipt.
    pub(crate) fn advance(&mut self, received_at: Timestamp) {
        let hour = received_at.as_ms().div_euclid(HOUR_MS);
        if hour <= self.hour {
            return;
        }
        self.hour = hour;
        let now = hour * HOUR_MS;
        self.windows.retain_from(now - HOURS_KEPT * HOUR_MS, now - DAYS_KEPT * 24 * HOUR_MS);
    }

    /// Orders that are kept and not counted here.
    pub(crate) fn n_kept_out(&self) -> usize {
        usize::try_from(self.n_kept_out).unwrap_or(0)
    }

    /// Counts a touch, or with −1 takes it back.
    pub(crate) fn touched(&mut self, touch: &Touch, site: u32, sign: i64) {
        let Some(weight) = weight_of(touch.action) else { return };
        self.count((site, touch.channel), (touch.item, touch.at), weight * sign);
    }

    /// Counts the products of an order, or with −1 takes them back.
    pub(crate) fn sold(&mut self, placed: &Report, site: u32, sign: i64) {
        if !placed.uses.is_shared() {
            self.n_kept_out += sign;
            return;
        }
        if !self.counts(placed) {
            return;
        }
        for (item, _) in placed.lines.bought() {
            self.count((site, channel_of(placed)), (item, placed.first.0), BOUGHT * sign);
        }
    }

    /// Takes out what [`Popularity::sold`] counted of a product of an order, with −1, or puts it back.
    pub(crate) fn sold_again(&mut self, (item, placed): (Item, &Report), site: u32, sign: i64) {
        if placed.lines.bought().iter().any(|(bought, _)| *bought == item) {
            self.count((site, channel_of(placed)), (item, placed.first.0), BOUGHT * sign);
        }
    }

    /// Whether an order counts here. Old orders are imported by the million, and none of them does.
    pub(crate) fn counts(&self, placed: &Report) -> bool {
        placed.uses.is_shared() && placed.first.0.as_ms() >= self.sales_from()
    }

    /// Sales from before this moment count no more, Unix milliseconds.
    pub(crate) fn sales_from(&self) -> i64 {
        (self.hour - DAYS_KEPT * 24 - 24) * HOUR_MS
    }

    fn count(
        &mut self,
        (site, channel): (u32, Option<Channel>),
        at: (Item, Timestamp),
        weight: i64,
    ) {
        let (item, time) = (at.0, at.1.as_ms());
        let whole = Scope(self.scope(site, None));
        self.windows.add(Count { scope: whole, item, time, weight });
        if channel.is_some() {
            let scope = Scope(self.scope(site, channel));
            self.windows.add(Count { scope, item, time, weight });
        }
    }

    /// Site number and channel code of a scope.
    pub(crate) fn parts_of(scope: Scope) -> (u32, u32) {
        (scope.0 / SCOPES_PER_SITE, scope.0 % SCOPES_PER_SITE)
    }
}

impl Popularity {
    pub(crate) const NAME: &'static str = "popularity";
    pub(crate) const VERSION: u16 = 5;

    pub(crate) fn snapshot(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.zigzag(self.hour);
        w.zigzag(self.n_kept_out);
        w.raw(&self.windows.encode());
        w.into_bytes()
    }

    pub(crate) fn restore(bytes: &[u8]) -> Result<Popularity, SnapshotError> {
        let mut r = Reader::new(bytes);
        let hour = r.zigzag().map_err(|_| SnapshotError::Damaged)?;
        let n_kept_out = r.zigzag().map_err(|_| SnapshotError::Damaged)?;
        Ok(Popularity { windows: Windows::decode(&bytes[r.position()..])?, hour, n_kept_out })
    }
}

fn in_demand(scope: u32, now: Timestamp, limit: usize) -> PopularQuery {
    PopularQuery {
        scope: Scope(scope),
        now: now.as_ms(),
        window_days: POPULAR_DAYS,
        half_life_days: POPULAR_HALF_LIFE_DAYS,
        limit,
    }
}
