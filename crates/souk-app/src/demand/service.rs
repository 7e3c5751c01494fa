//! One chance to suffice for all products of a place, so that together they serve a share of what is wanted.
//!
//! A level is a whole number of pieces, so a share that each product is to serve by itself is exceeded by nearly
//! all of them. With one chance for all, the next piece of each is as likely to be sold as that of any other, which is the
//! least stock for a share that is served together (marginal analysis: Sherbrooke, Operations Research 16(1), 1968), and a
//! piece more or less is nothing beside them all. The chance does not move with what stands there today: a share that is served
//! anew between each two orders costs more stock than one that is served in the long run.
//!
//! What is short between two arrivals is `E (D(L+R) − S)⁺ − E (D(L) − S)⁺` (Hadley and Whitin, *Analysis of Inventory
//! Systems*, 1963, §5-3). What is short is lost and not ordered again, so of `demand` and `short` units it is the share
//! `short / (demand + short)` (Silver, Pyke and Thomas, *Inventory and Production Management in Supply Chains*, 4th ed., §6.7).
//!
//! What will be lost before an order comes is not wanted when it is there, so an order is that much smaller than level less
//! position (the protecting policy of [`souk_inventory::lost_sales`]: Morton, Operations Research 19(7), 1971). The chance is
//! that of a level for all days until the next order is there, and between two arrivals alone nothing may be wanted of what
//! sells slowly with a greater one. So an order is no smaller than what serves the least share of the product's own, nor than
//! a piece of what is neither there nor on its way: else an empty shelf would stay so for ever.
//!
//! A piece that is left over costs what it costs to keep it, and what of it is lost until the next order comes. So where a shelf
//! loses what stands there (written off without a last day), the chance not to suffice is greater by as much as a piece costs more there than
//! one that only stands: the next piece of each then serves as much for what it costs as that of any other (Sherbrooke's
//! analysis with the costs that it has).

use souk_math::normal;

use super::TotalDemand;

#[cfg(test)]
mod tests;

/// Log-odds of the chances that are tried: 0.2 to 0.9999.
const ODDS: std::ops::RangeInclusive<f64> = -1.4..=9.21;
/// Between two of them (chosen: a quarter of a percent of chance at most).
const STEP: f64 = 0.01;
/// A chance below which none goes because what is left over is lost: the least that is tried.
const CHANCE_MIN: f64 = 0.2;
/// Points that stand for demand which has no chance for each number of pieces.
const POINTS: usize = 33;
/// Steps of such demand: parts of its standard deviation.
const STEPS_PER_DEVIATION: f64 = 100.0;
/// A share of a product's own that is looked for at most: all of it takes stock without end.
const SERVED_MAX: f64 = 0.9999;
/// A chance of an empty shelf before the order comes, below which nothing is lost (chosen).
const RARE: f64 = 1e-3;
/// What a piece costs that stands there for a day, in parts of what it costs to buy (chosen: 36 % a year for money, room and handling).
const KEEPING: f64 = 1e-3;
/// Goods that are lost on the shelf miss of their own at most so many times the share that all together miss (chosen).
const MISSES_MAX: f64 = 3.0;

/// The demand that one product's stock must last for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stretch {
    /// Until an order of today is there.
    pub(crate) until_this: TotalDemand,
    /// Until an order of the next chance is there.
    pub(crate) until_next: TotalDemand,
    /// What becomes of a piece that is left over between the two.
    pub(crate) left_over: LeftOver,
}

/// What becomes of a piece that nobody wants until the next order comes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct LeftOver {
    /// The days that it stands there.
    days: f64,
    /// The part of it that is lost in them.
    lost: f64,
}

impl LeftOver {
    /// Of a shelf that loses a share of what stands there each day.
    pub(crate) fn of(lost_share: f64, days: f64) -> LeftOver {
        LeftOver { days: days.max(0.0), lost: 1.0 - (1.0 - lost_share).powf(days.max(0.0)) }
    }

    /// How many times what it costs it would cost if nothing of it were lost.
    fn times_dearer(&self) -> f64 {
        let keeping = KEEPING * self.days.max(1.0);
        1.0 + self.lost / keeping
    }
}

/// What there is without an order of today.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stock {
    /// Units that can be sold before an order of today is there.
    pub(crate) held: f64,
    /// Units of earlier orders that come in the days that it serves.
    pub(crate) later: f64,
}

impl Stretch {
    /// Of goods of which nothing is lost while they stand there.
    pub(crate) fn keeping(until_this: TotalDemand, until_next: TotalDemand) -> Stretch {
        Stretch { until_this, until_next, left_over: LeftOver::default() }
    }

    /// Its own chance to suffice where that of what is not lost is this one.
    fn own_chance(&self, chance: f64) -> f64 {
        let misses = (1.0 - chance) * self.left_over.times_dearer();
        (1.0 - misses).max(CHANCE_MIN.min(chance))
    }

    /// Demand between the two arrivals. Its variance is what the first days leave of that of all, so that both together spread
    /// as all do.
    fn between(&self) -> TotalDemand {
        let mean = (self.until_next.mean - self.until_this.mean).max(0.0);
        let variance = (self.until_next.variance - self.until_this.variance).max(0.0);
        TotalDemand { mean, variance, is_count: self.until_next.is_count }
    }

    /// The chances to suffice, and what is short between the two arrivals, of levels that ascend.
    fn levels(&self, chances: &[f64]) -> Vec<(f64, f64)> {
        let Some(next) = Shortages::of(&self.until_next) else {
            let sd = self.until_next.variance.max(0.0).sqrt();
            let of = |chance: &f64| {
                let level = (self.until_next.mean + normal::quantile(*chance) * sd).max(0.0);
                let level = if self.until_next.is_count { level.ceil() } else { level };
                let at_end = self.until_next.expected_above(level);
                (*chance, (at_end - self.until_this.expected_above(level)).max(0.0))
            };
            return chances.iter().map(of).collect();
        };
        let this = Shortages::of(&self.until_this);
        let of = |level: usize| {
            let before = match &this {
                Some(this) => this.at(level),
                None => self.until_this.expected_above(level as f64),
            };
            (next.covered[level], (next.at(level) - before).max(0.0))
        };
        (0..next.covered.len()).map(of).collect()
    }

    /// Of the units that level less position asks for, those that are wanted before the order is there, when the shelf is
    /// empty: nobody waits for them. What is left serves this share of the product's own at least, as far as all that is
    /// asked for does, and an empty shelf gets a piece.
    pub(crate) fn spared(&self, chance: f64, stock: Stock, of_each: f64) -> f64 {
        let asked = self.until_next.quantile(chance) - stock.held - stock.later;
        if asked <= 0.0 || !self.may_lose(stock) {
            return 0.0;
        }
        let odds = Odds::of(self, stock);
        let waiting = odds.fewest(|units| odds.suffices(units, Missing::Waits) >= chance);
        let lost = odds.fewest(|units| odds.suffices(units, Missing::Lost) >= chance);
        let enough = (1.0 - of_each.min(SERVED_MAX)) * self.between().mean * (1.0 + 1e-6);
        let least = odds.fewest(|units| odds.lost(units) <= enough);
        let is_empty = stock.held + stock.later < odds.step;
        let least = if is_empty { least.max(odds.step) } else { least };
        (waiting - lost).clamp(0.0, (asked - least).max(0.0))
    }

    /// Whether something may be wanted from an empty shelf before the order is there, so that nobody waits for it.
    fn may_lose(&self, stock: Stock) -> bool {
        self.until_this.chance_above(stock.held) >= RARE
    }

    /// Units of an order of which all are sold between the two arrivals but for this chance, where what is wanted from an empty
    /// shelf before it is there is lost; `None` where nothing is.
    pub(crate) fn sellable(&self, chance: f64, stock: Stock) -> Option<f64> {
        self.may_lose(stock).then(|| {
            let odds = Odds::of(self, stock);
            odds.fewest(|units| odds.suffices(units, Missing::Lost) >= chance)
        })
    }

    /// Units of an order that are not sold between the two arrivals, on average; `None` where nothing is lost before.
    pub(crate) fn unsold(&self, ordered: f64, stock: Stock) -> Option<f64> {
        self.may_lose(stock).then(|| {
            let odds = Odds::of(self, stock);
            (ordered - odds.lost(0.0) + odds.lost(ordered)).clamp(0.0, ordered)
        })
    }

    /// The share of what is wanted between the two arrivals that is served, with so many units ordered; `None` where nothing is.
    pub(crate) fn served(&self, ordered: f64, stock: Stock) -> Option<f64> {
        let wanted = self.between().mean;
        let lost = || Odds::of(self, stock).lost(ordered);
        (wanted > 0.0).then(|| (1.0 - lost() / wanted).clamp(0.0, 1.0))
    }
}

/// The share that all products of a place are to serve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Share {
    /// Of all that is wanted of them together.
    pub(crate) of_all: f64,
    /// Of each one's own, at least.
    pub(crate) of_each: f64,
}

impl Share {
    /// Of its own where what is left over is lost, at least; but never for more than others get.
    fn of_lost(&self, one: &Stretch) -> Option<f64> {
        (one.left_over.lost > 0.0).then_some(1.0 - MISSES_MAX * (1.0 - self.of_all))
    }
}

/// The chance to suffice that a product is ordered by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Aimed {
    pub(crate) chance: f64,
    /// The share of its own demand that it serves at least.
    pub(crate) of_each: f64,
    pub(crate) reason: Reason,
}

/// Where a chance to suffice comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Reason {
    /// With it all products of the place together serve the share.
    Shared,
    /// The product would serve too little of its own.
    OfEach,
    /// This part of what is left over is lost, so less is kept of it than of others.
    Lost(f64),
}

impl Aimed {
    /// Why, in words that follow it.
    pub(crate) fn text(&self, share: Share) -> String {
        let of_all = share.of_all * 100.0;
        match self.reason {
            Reason::OfEach => format!(
                ", because less would serve less than {:.0} % of what is wanted of it",
                self.of_each * 100.0
            ),
            Reason::Shared => {
                format!(", with which all products here together serve {of_all:.1} %")
            }
            Reason::Lost(lost) => format!(
                ", less than of others because {:.0} % of what is left is lost until the next order is there; all products \
                 here together serve {of_all:.1} %",
                lost * 100.0
            ),
        }
    }
}

/// What becomes of what is wanted from an empty shelf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missing {
    Lost,
    Waits,
}

/// What may come of an order.
struct Odds {
    /// Units wanted until it is there, each with its chance.
    first: Vec<(f64, f64)>,
    second: Second,
    stock: Stock,
    /// Between two quantities that are looked at: a piece, or a small part of what is measured.
    step: f64,
}

/// Demand between the two arrivals.
enum Second {
    Counted(Shortages),
    Measured(TotalDemand),
}

impl Odds {
    fn of(stretch: &Stretch, stock: Stock) -> Odds {
        let this = &stretch.until_this;
        let first = if this.mean <= 0.0 {
            vec![(0.0, 1.0)]
        } else if let Some(chances) = this.chances() {
            chances.iter().enumerate().map(|(units, chance)| (units as f64, *chance)).collect()
        } else {
            let sd = this.variance.max(0.0).sqrt();
            let point = |idx: usize| {
                let z = normal::quantile((idx as f64 + 0.5) / POINTS as f64);
                ((this.mean + z * sd).max(0.0), 1.0 / POINTS as f64)
            };
            (0..POINTS).map(point).collect()
        };
        let between = stretch.between();
        let second = match Shortages::of(&between) {
            Some(counted) => Second::Counted(counted),
            None => Second::Measured(between),
        };
        let step = match between.is_count {
            true => 1.0,
            false => (between.variance.sqrt() / STEPS_PER_DEVIATION).max(1e-6),
        };
        Odds { first, second, stock, step }
    }

    /// The mean of a function over what may be there when the order has come.
    fn mean_of(&self, ordered: f64, missing: Missing, of: impl Fn(f64) -> f64) -> f64 {
        let there = |wanted: f64| match missing {
            Missing::Lost => (self.stock.held - wanted).max(0.0),
            Missing::Waits => self.stock.held - wanted,
        };
        let of = |(wanted, chance): &(f64, f64)| {
            chance * of(there(*wanted) + self.stock.later + ordered)
        };
        self.first.iter().map(of).sum()
    }

    fn suffices(&self, ordered: f64, missing: Missing) -> f64 {
        self.mean_of(ordered, missing, |there| self.second.suffices(there))
    }

    /// Units that are lost between the two arrivals, on average.
    fn lost(&self, ordered: f64) -> f64 {
        self.mean_of(ordered, Missing::Lost, |there| self.second.beyond(there))
    }

    /// The fewest units with which something holds that holds for all more.
    fn fewest(&self, holds: impl Fn(f64) -> bool) -> f64 {
        let (mut low, mut high) = (0u64, 1u64);
        let at = |steps: u64| holds(steps as f64 * self.step);
        if at(0) {
            return 0.0;
        }
        while !at(high) && high < 1 << 40 {
            (low, high) = (high, 2 * high);
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if at(middle) { high = middle } else { low = middle }
        }
        high as f64 * self.step
    }
}

impl Second {
    fn suffices(&self, there: f64) -> f64 {
        match self {
            _ if there < 0.0 => 0.0,
            Second::Counted(counted) => counted.covered.get(there as usize).copied().unwrap_or(1.0),
            Second::Measured(demand) => 1.0 - demand.chance_above(there),
        }
    }

    fn beyond(&self, there: f64) -> f64 {
        match self {
            Second::Counted(counted) => counted.at(there as usize),
            Second::Measured(demand) => demand.expected_above(there),
        }
    }
}

/// Of counted demand, by pieces in stock.
struct Shortages {
    /// The chance that so many suffice.
    covered: Vec<f64>,
    /// Pieces that are wanted beyond them, on average.
    beyond: Vec<f64>,
}

impl Shortages {
    /// `None` where demand has no chance for each number of pieces.
    fn of(total: &TotalDemand) -> Option<Shortages> {
        let mut covered = total.chances()?;
        let mut sum = 0.0;
        for chance in &mut covered {
            sum += *chance;
            *chance = sum;
        }
        // One piece more serves who wants more than there is.
        let mut beyond = vec![0.0; covered.len()];
        for level in (0..covered.len().saturating_sub(1)).rev() {
            beyond[level] = beyond[level + 1] + (1.0 - covered[level]).max(0.0);
        }
        Some(Shortages { covered, beyond })
    }

    fn at(&self, level: usize) -> f64 {
        self.beyond.get(level).copied().unwrap_or(0.0)
    }
}

/// For each product the chance to suffice that it is ordered by: the least one, the same for all, at which they serve this
/// share of what is wanted of them together; less where what is left over is lost, and more for those that would serve too
/// little of their own. Pieces count alike. Litres and kilograms are no pieces, so what is measured has no say where anything is
/// counted.
pub(crate) fn chances_to_serve(all: &[Stretch], share: Share) -> Vec<Aimed> {
    let is_any_counted = all.iter().any(|one| one.until_next.is_count);
    let n = ((ODDS.end() - ODDS.start()) / STEP).round() as usize;
    let odds = (0..=n).map(|idx| (ODDS.start() + idx as f64 * STEP).exp());
    let chances: Vec<f64> = odds.map(|odds| odds / (1.0 + odds)).collect();
    let (mut short, mut wanted) = (vec![0.0; chances.len()], 0.0);
    let least = all.iter().map(|one| {
        let own = one.between().mean;
        if own <= 0.0 {
            return Least::default();
        }
        let levels = one.levels(&chances);
        let last = levels.len() - 1;
        // Without any stock all is lost, and nothing more is ordered for it; the least level is no one's choice.
        let first = |of_own: f64| {
            let enough = (1.0 - of_own) * own * (1.0 + 1e-6);
            levels.iter().position(|(_, short)| *short <= enough).unwrap_or(last)
        };
        let chance = |first: usize| if first > 0 { levels[first].0 } else { 0.0 };
        let of_each = first(share.of_each);
        let of_lost = share.of_lost(one).map_or(0.0, |of_lost| chance(first(of_lost)));
        let least = Least { of_each: chance(of_each), of_lost };
        if one.until_next.is_count || !is_any_counted {
            wanted += own;
            let mut at = of_each;
            for (short, common) in short.iter_mut().zip(&chances) {
                while at < last && levels[at].0 < least.beside(one, *common) {
                    at += 1;
                }
                *short += levels[at].1;
            }
        }
        least
    });
    let least: Vec<Least> = least.collect();
    let serves = |short: &f64| wanted >= share.of_all * (wanted + short);
    let found = short.iter().position(serves);
    let common = chances[found.unwrap_or(n)];
    let aimed = |(least, one): (Least, &Stretch)| {
        let beside = least.beside(one, common);
        let bound = share.of_lost(one).filter(|_| least.of_lost < common);
        let of_each = bound.map_or(share.of_each, |bound| bound.max(share.of_each));
        let (is_bound, is_less) = (beside > one.own_chance(common), beside < common);
        let reason = match least.of_each > beside || is_bound && is_less {
            true => Reason::OfEach,
            false if is_less => Reason::Lost(one.left_over.lost),
            false => Reason::Shared,
        };
        Aimed { chance: f64::max(least.of_each, beside), of_each, reason }
    };
    least.into_iter().zip(all).map(aimed).collect()
}

/// The chances to suffice that a product has at least.
#[derive(Clone, Copy, Debug, Default)]
struct Least {
    /// So that it serves the least share of its own.
    of_each: f64,
    /// So that it is not given up because what is left of it is lost.
    of_lost: f64,
}

impl Least {
    /// Its chance where that of others is this one, whatever each serves at least.
    fn beside(&self, one: &Stretch, common: f64) -> f64 {
        one.own_chance(common).max(self.of_lost.min(common))
    }
}
