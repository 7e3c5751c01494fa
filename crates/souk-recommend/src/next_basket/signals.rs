//! The signals of an item for a shopper's next basket, each a logarithm or a mark, and their weights.

use super::baskets::Basket;
use super::market::{DAY_MS, Market};
use super::neighbours::{NeighbourItem, Neighbourhood};
use super::{BasketQuery, Scratch};
use crate::types::Item;

/// How many signals there are.
pub const N_SIGNALS: usize = 24;

/// What each signal is, in the order of [`Weights::values`].
pub const SIGNAL_NAMES: [&str; N_SIGNALS] = [
    "bought_before",
    "decayed_7_days",
    "decayed_30_days",
    "decayed_120_days",
    "purchases",
    "decayed_80_percent_per_basket",
    "decayed_95_percent_per_basket",
    "small_baskets",
    "shoppers_7_days",
    "shoppers_7_days_own",
    "shoppers_28_days",
    "shoppers_28_days_own",
    "shoppers_365_days",
    "shoppers_365_days_own",
    "repeat_rate",
    "repeat_rate_own",
    "neighbours",
    "neighbours_own",
    "days_since",
    "days_since_squared",
    "baskets_since",
    "in_last_basket",
    "due",
    "due_squared",
];

/// The signals of one candidate.
pub(crate) type Signals = [f32; N_SIGNALS];

/// How much each signal counts: the score of an item is the weighted sum of its signals.
///
/// As the signals are logarithms, a score is the logarithm of a product of powers: decayed
/// frequencies × popularity × neighbours × how due the item is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    values: [f32; N_SIGNALS],
}

impl Weights {
    /// Takes weights in the order of [`SIGNAL_NAMES`]; one that is not finite becomes zero.
    pub fn new(values: [f32; N_SIGNALS]) -> Weights {
        Weights { values: values.map(|value| if value.is_finite() { value } else { 0.0 }) }
    }

    /// The weights in the order of [`SIGNAL_NAMES`].
    pub fn values(&self) -> &[f32; N_SIGNALS] {
        &self.values
    }

    pub(crate) fn score(&self, signals: &Signals) -> f32 {
        self.values.iter().zip(signals).map(|(weight, signal)| weight * signal).sum()
    }
}

/// A candidate while a query runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(crate) item: Item,
    pub(crate) history: History,
    /// Its place in the neighbourhood, or `u32::MAX`.
    neighbour_idx: u32,
}

impl Candidate {
    fn new(item: Item, history: History) -> Candidate {
        Candidate { item, history, neighbour_idx: u32::MAX }
    }

    /// What the neighbours say of it.
    pub(crate) fn neighbour(self, neighbourhood: &Neighbourhood) -> Option<&NeighbourItem> {
        neighbourhood.items().get(self.neighbour_idx as usize)
    }
}

/// The shopper's own history of one item.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct History {
    /// Sums over the purchases of 2^(-age / 7, 30, 120 days).
    pub(crate) decayed_days: [f32; 3],
    /// Sums over the purchases of 0.8 and 0.95 to the number of baskets since.
    pub(crate) decayed_baskets: [f32; 2],
    /// Sum of 2^(-age / 60 days) / √(size of the basket): small baskets are deliberate.
    pub(crate) small_baskets: f32,
    /// In how many baskets it was.
    pub(crate) n: u32,
    /// Days since the last and since the first purchase.
    pub(crate) last_days: f32,
    pub(crate) first_days: f32,
    /// Baskets since the last purchase.
    pub(crate) last_baskets: u32,
}

/// Collects the candidates in `scratch`: own items first, then what neighbours and all buy.
pub(crate) fn collect(query: &BasketQuery<'_>, scratch: &mut Scratch) {
    let BasketQuery { own, now, market, neighbourhood } = *query;
    scratch.numbering.clear();
    scratch.candidates.clear();
    own_history(own, now, scratch);
    for (idx, neighbour) in (0_u32..).zip(neighbourhood.items()) {
        let at = candidate(neighbour.item, scratch);
        scratch.candidates[at].neighbour_idx = idx;
    }
    for &item in market.popular() {
        candidate(item, scratch);
    }
}

/// The number of an item's candidate, made when it is new.
fn candidate(item: Item, scratch: &mut Scratch) -> usize {
    let at = scratch.numbering.number(item.0);
    if at == scratch.candidates.len() {
        scratch.candidates.push(Candidate::new(item, History::default()));
    }
    at
}

/// One pass over the shopper's baskets, the newest first.
fn own_history(own: &[Basket], now: i64, scratch: &mut Scratch) {
    let newest_first = own.iter().rev().skip_while(|basket| basket.time > now);
    for (ago, basket) in (0_u32..).zip(newest_first) {
        let days = now.saturating_sub(basket.time) as f32 / DAY_MS as f32;
        let by_days = [7.0, 30.0, 120.0].map(|half_life: f32| (-days / half_life).exp2());
        let by_baskets = [0.8_f32, 0.95].map(|kept| kept.powf(ago as f32));
        let small = (-days / 60.0).exp2() / (basket.items().len() as f32).sqrt();
        for &item in basket.items() {
            let at = scratch.numbering.number(item.0);
            if at == scratch.candidates.len() {
                let history = History { last_days: days, last_baskets: ago, ..History::default() };
                scratch.candidates.push(Candidate::new(item, history));
            }
            let history = &mut scratch.candidates[at].history;
            for (sum, weight) in history.decayed_days.iter_mut().zip(by_days) {
                *sum += weight;
            }
            for (sum, weight) in history.decayed_baskets.iter_mut().zip(by_baskets) {
                *sum += weight;
            }
            history.small_baskets += small;
            history.n += 1;
            history.first_days = days;
        }
    }
}

/// ln 0.001, ln 0.02, ln 0.05 and ln 0.1: what the signals are where nothing was bought.
const LN_RATE_NONE: f32 = -6.907_755_4;
const LN_0_02: f32 = -3.912_023;
const LN_0_05: f32 = -2.995_732_3;
const LN_0_1: f32 = -std::f32::consts::LN_10;
/// The signals of an item that the shopper never bought and nobody buys: seven logarithms less, for
/// a third of all candidates.
const NEVER_BOUGHT: Signals = {
    let mut signals = [0.0; N_SIGNALS];
    (signals[1], signals[2], signals[3]) = (LN_0_05, LN_0_05, LN_0_05);
    (signals[4], signals[5], signals[6], signals[7]) = (LN_0_1, LN_0_05, LN_0_05, LN_0_02);
    signals
};

/// The signals of one candidate. The small constants keep the logarithms finite (chosen).
pub(crate) fn signals(
    candidate: &Candidate,
    market: &Market,
    neighbour: Option<&NeighbourItem>,
) -> Signals {
    let history = &candidate.history;
    let item = market.item(candidate.item);
    let neighbours = neighbour.map_or(LN_RATE_NONE, |neighbour| neighbour.ln_rate);
    if history.n == 0 {
        let mut signals = NEVER_BOUGHT;
        [signals[8], signals[10], signals[12]] = item.ln_share;
        (signals[14], signals[16]) = (item.ln_repeat, neighbours);
        return signals;
    }
    let own = 1.0;
    let [days_7, days_30, days_120] = history.decayed_days.map(|sum| (sum + 0.05).ln());
    let [baskets_80, baskets_95] = history.decayed_baskets.map(|sum| (sum + 0.05).ln());
    let [share_7, share_28, share_365] = item.ln_share;
    let days = own * (history.last_days + 0.5).ln();
    // Elapsed time over the mean interval, one interval of 60 days assumed beforehand.
    let interval = (history.first_days - history.last_days + 60.0) / (history.n as f32).max(1.0);
    let due = own * (history.last_days / interval + 0.1).ln();
    [
        own,
        days_7,
        days_30,
        days_120,
        (history.n as f32 + 0.1).ln(),
        baskets_80,
        baskets_95,
        (history.small_baskets + 0.02).ln(),
        share_7,
        own * share_7,
        share_28,
        own * share_28,
        share_365,
        own * share_365,
        item.ln_repeat,
        own * item.ln_repeat,
        neighbours,
        own * neighbours,
        days,
        days * days,
        own * (history.last_baskets as f32 + 1.0).ln(),
        if history.last_baskets == 0 { 1.0 } else { 0.0 },
        due,
        due * due,
    ]
}

impl Default for Weights {
    /// Fitted by [`Lessons::fit`](super::Lessons::fit) on a grocer's baskets of 2017 (Complete
    /// Journey), the part before December; another shop fits its own.
    fn default() -> Weights {
        Weights::new([
            -2.9516, 0.1471, -0.1256, -0.1348, 0.5351, 0.1605, 0.2396, 0.4635, 0.1268, -0.1052,
            0.2056, -0.0611, 0.0736, -0.2581, -0.0607, 0.4978, 0.3232, -0.1677, 0.0848, -0.0097,
            0.1288, 0.0338, -0.0689, -0.0401,
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The constants are what the formulas of bought items give for nothing bought.
    #[test]
    fn nothing_bought_is_zero_purchases() {
        let logarithms = [(LN_RATE_NONE, 1e-3), (LN_0_02, 0.02), (LN_0_05, 0.05), (LN_0_1, 0.1)];
        for (constant, of) in logarithms {
            assert!((constant - f32::ln(of)).abs() < 1e-6, "ln {of}");
        }
        let market = Market::at(&super::super::BasketVectors::default(), 0);
        let never = Candidate::new(Item(3), History::default());
        // An item of so long ago that its purchase has decayed to nothing.
        let once = Candidate::new(Item(3), History { n: 1, ..History::default() });
        let (never, once) = (signals(&never, &market, None), signals(&once, &market, None));
        for idx in [1, 2, 3, 5, 6, 7, 8, 10, 12, 14, 16] {
            assert!((never[idx] - once[idx]).abs() < 1e-6, "{}", SIGNAL_NAMES[idx]);
        }
        let own = [0, 9, 11, 13, 15, 17, 18, 19, 20, 21, 22, 23];
        assert!(own.iter().all(|&idx| never[idx] == 0.0));
    }
}
