//! The second order of a next basket: trees over many signals of the best candidates.
//!
//! The weighted sum of logarithms finds the candidates; trees see what it cannot: that a signal
//! counts differently for a daily and for a monthly item, for a large and for a small basket.

use super::baskets::{Basket, BasketVectors};
use super::cycles::wait_of;
use super::fit::Lesson;
use super::market::{DAY_MS, Market};
use super::neighbours::NeighbourItem;
use super::signals::{Candidate, Weights};
use super::{BasketQuery, BasketRanker, Params, Scratch, first_order};
use crate::parallel::Rests;
use crate::trees::{Groups, Lesson as TreeLesson, TreeParams, Trees};
use crate::types::{Item, Score};
use souk_math::Random;

/// How many candidates the trees put in order (chosen: ten times a short list).
pub const N_RANKED: usize = 100;

/// What each signal of the trees is called.
pub const RANK_SIGNALS: [&str; N_RANK_SIGNALS] = [
    "first_score",
    "behind_first",
    "first_rank",
    "purchases",
    "decayed_7_days",
    "decayed_30_days",
    "decayed_120_days",
    "decayed_80_percent_per_basket",
    "decayed_95_percent_per_basket",
    "small_baskets",
    "shoppers_7_days",
    "shoppers_28_days",
    "shoppers_365_days",
    "week_over_month",
    "month_over_year",
    "repeat_rate",
    "neighbours",
    "neighbours_who_bought",
    "days_since",
    "baskets_since",
    "in_last_3_baskets",
    "in_last_5_baskets",
    "in_last_10_baskets",
    "in_last_20_baskets",
    "share_of_baskets_since_first",
    "days_between",
    "last_days_between",
    "days_since_over_days_between",
    "days_since_over_last_days_between",
    "regularity",
    "due_at_next_visit",
    "baskets_since_over_baskets_between",
    "item_days_between",
    "days_since_over_item_days_between",
    "item_in_next_basket",
    "item_again_after_such_a_wait",
    "own_in_next_basket",
    "recent_days_between",
    "days_since_over_recent_days_between",
    "last_baskets_between",
    "baskets_since_over_last_baskets_between",
    "days_since_first",
    "share_of_30_days",
    "share_of_120_days",
    "shopper_baskets",
    "shopper_basket_size",
    "shopper_last_basket_size",
    "shopper_days_between",
    "shopper_days_since",
    "shopper_repeat_share",
    "share_of_most_bought",
    "shopper_items",
];
const N_RANK_SIGNALS: usize = 52;

/// Baskets that the counts of the last baskets reach back.
const LAST_BASKETS: [u32; 4] = [3, 5, 10, 20];
/// Baskets that a shopper's present habits are read from.
const RECENT_BASKETS: usize = 10;

/// Working memory of one order.
#[derive(Clone, Debug, Default)]
pub(crate) struct RankScratch {
    /// Which ranked candidate a candidate is, or `u32::MAX`.
    places: Vec<u32>,
    returns: Vec<Returns>,
    rows: Vec<f32>,
    scores: Vec<f32>,
}

/// When a shopper bought one item.
#[derive(Clone, Copy, Debug, Default)]
struct Returns {
    in_last: [f32; LAST_BASKETS.len()],
    n: u32,
    /// Days from the last purchase backwards, as the pass goes.
    previous_days: f32,
    last_gap: f32,
    gaps: f32,
    squared_gaps: f32,
    /// Baskets since the first purchase, that one included.
    n_baskets: u32,
    /// Purchases that the next basket followed.
    n_next: u32,
    /// Baskets between the last two purchases.
    last_baskets: u32,
    /// A mean of the days between purchases in which each weighs half of the one after it, and its weight.
    recent_gap: f32,
    gap_weight: f32,
}

/// What a shopper is like at present.
#[derive(Clone, Copy, Debug, Default)]
struct Habits {
    n_baskets: f32,
    basket_size: f32,
    last_size: f32,
    days_between: f32,
    days_since: f32,
    repeat_share: f32,
    /// Sums over the baskets of 2^(-age / 30, 120 days).
    decayed: [f32; 2],
    /// The largest such sum, of 30 days, over the baskets of one item.
    most_decayed: f32,
    n_items: f32,
}

/// The best candidates in their second order, or in their first without trees, with their scores; as many as
/// trees put in order.
pub(super) fn order_again<'a>(
    query: &BasketQuery<'_>,
    ranker: &BasketRanker,
    scratch: &'a mut Scratch,
) -> impl Iterator<Item = (Score, Item)> + use<'a> {
    first_order(query, (&ranker.weights, N_RANKED), scratch);
    if let Some(trees) = &ranker.trees {
        rank_again(query, trees, scratch);
    }
    let Scratch { scores, candidates, .. } = scratch;
    scores.iter().map(|&(score, number)| (score, candidates[number as usize].item))
}

/// Orders the first [`N_RANKED`] of `scratch.scores` anew; the others stay behind them.
pub(super) fn rank_again(query: &BasketQuery<'_>, trees: &Trees, scratch: &mut Scratch) {
    fill_rows(query, scratch);
    let Scratch { rank, scores, candidates, .. } = scratch;
    let n = scores.len().min(N_RANKED);
    rank.scores.clear();
    rank.scores.extend(scores[..n].iter().map(|(score, _)| score.get()));
    trees.add_to(&rank.rows, &mut rank.scores);
    let lowest = rank.scores.iter().copied().fold(f32::INFINITY, f32::min);
    let first_behind = scores.get(n).map_or(0.0, |(score, _)| score.get());
    for ((score, _), again) in scores.iter_mut().zip(&rank.scores) {
        *score = Score::new(*again);
    }
    for (score, _) in scores.iter_mut().skip(n) {
        *score = Score::new(lowest - (first_behind - score.get()));
    }
    scores[..n].sort_unstable_by(|a, b| {
        let item = |number: u32| candidates[number as usize].item;
        b.0.cmp(&a.0).then_with(|| item(a.1).cmp(&item(b.1)))
    });
}

/// Puts the signals of the first [`N_RANKED`] of `scratch.scores` into `scratch.rank.rows`.
fn fill_rows(query: &BasketQuery<'_>, scratch: &mut Scratch) {
    let Scratch { numbering, candidates, scores, rank, .. } = scratch;
    let ranked = &scores[..scores.len().min(N_RANKED)];
    rank.places.clear();
    rank.places.resize(candidates.len(), u32::MAX);
    rank.returns.clear();
    rank.returns.resize(ranked.len(), Returns::default());
    for (place, &(_, number)) in (0_u32..).zip(ranked) {
        rank.places[number as usize] = place;
    }
    let past = query.own.iter().rev().skip_while(|basket| basket.time > query.now);
    for (ago, basket) in (0_u32..).zip(past) {
        let days = days_before(query.now, basket);
        for item in basket.items() {
            let number = numbering.get(item.0).expect("every own item is a candidate");
            if let Some(returns) = rank.returns.get_mut(rank.places[number] as usize) {
                returns.add(days, ago);
            }
        }
    }
    let habits = habits(query, candidates, numbering);
    let best = ranked.first().map_or(0.0, |(score, _)| score.get());
    rank.rows.clear();
    // Candidates of one score have one rank: which of them comes first is decided by their numbers.
    let mut rank_of = (f32::INFINITY, 0);
    for (place, (&(score, number), returns)) in ranked.iter().zip(&rank.returns).enumerate() {
        let candidate = &candidates[number as usize];
        let neighbour = candidate.neighbour(query.neighbourhood);
        if score.get() < rank_of.0 {
            rank_of = (score.get(), place);
        }
        let first = [score.get(), score.get() - best, rank_of.1 as f32];
        rank.rows.extend_from_slice(&first);
        rank.rows.extend_from_slice(&item_signals(candidate, query.market, neighbour));
        rank.rows.extend_from_slice(&return_signals(candidate, (returns, &habits), query.market));
        rank.rows.extend_from_slice(&habit_signals(candidate, &habits));
    }
}

fn days_before(now: i64, basket: &Basket) -> f32 {
    now.saturating_sub(basket.time) as f32 / DAY_MS as f32
}

impl Returns {
    /// Counts an older purchase than those before.
    fn add(&mut self, days: f32, ago: u32) {
        for (count, reach) in self.in_last.iter_mut().zip(LAST_BASKETS) {
            *count += if ago < reach { 1.0 } else { 0.0 };
        }
        if self.n > 0 {
            let (gap, baskets) = (days - self.previous_days, ago + 1 - self.n_baskets);
            if self.n == 1 {
                (self.last_gap, self.last_baskets, self.gap_weight) = (gap, baskets, 2.0);
            }
            self.gap_weight /= 2.0;
            self.recent_gap += self.gap_weight * gap;
            self.n_next += u32::from(baskets == 1);
            self.gaps += gap;
            self.squared_gaps += gap * gap;
        }
        self.n += 1;
        self.previous_days = days;
        self.n_baskets = ago + 1;
    }
}

fn item_signals(
    candidate: &Candidate,
    market: &Market,
    neighbour: Option<&NeighbourItem>,
) -> [f32; 17] {
    let history = &candidate.history;
    let item = market.item(candidate.item);
    let [week, month, year] = item.ln_share;
    let [days_7, days_30, days_120] = history.decayed_days;
    let [baskets_80, baskets_95] = history.decayed_baskets;
    let is_own = history.n > 0;
    [
        history.n as f32,
        days_7,
        days_30,
        days_120,
        baskets_80,
        baskets_95,
        history.small_baskets,
        week,
        month,
        year,
        week - month,
        month - year,
        item.ln_repeat,
        neighbour.map_or(f32::NAN, |neighbour| neighbour.ln_rate),
        neighbour.map_or(0.0, |neighbour| neighbour.support as f32),
        if is_own { history.last_days } else { f32::NAN },
        if is_own { history.last_baskets as f32 } else { f32::NAN },
    ]
}

/// What is not known is no number.
fn return_signals(
    candidate: &Candidate,
    (returns, habits): (&Returns, &Habits),
    market: &Market,
) -> [f32; 22] {
    let cycle = market.item(candidate.item).cycle;
    let since = candidate.history.last_days;
    let is_own = returns.n > 0;
    let n_gaps = returns.n.saturating_sub(1) as f32;
    let or_unknown = |is_known: bool, value: f32| if is_known { value } else { f32::NAN };
    let mean = returns.gaps / n_gaps;
    let spread = (returns.squared_gaps / n_gaps - mean * mean).max(0.0).sqrt();
    let [last_3, last_5, last_10, last_20] = returns.in_last;
    // A shopper who is overdue may come today.
    let until_visit = (habits.days_between - habits.days_since).max(0.0);
    let baskets_between = returns.n_baskets as f32 / returns.n as f32;
    // The weights of the gaps are 1, 1/2, 1/4, …, the last of which is `gap_weight`.
    let recent = returns.recent_gap / (2.0 - returns.gap_weight);
    let since_baskets = candidate.history.last_baskets;
    // Purchases that any basket followed; the very last one may have had none yet.
    let n_followed = returns.n as f32 - if since_baskets == 0 { 1.0 } else { 0.0 };
    let own_next =
        (returns.n_next as f32 + NEXT_PRIOR * cycle.next_rate) / (n_followed + NEXT_PRIOR);
    [
        last_3,
        last_5,
        last_10,
        last_20,
        or_unknown(is_own, returns.n as f32 / returns.n_baskets as f32),
        or_unknown(n_gaps > 0.0, mean),
        or_unknown(n_gaps > 0.0, returns.last_gap),
        or_unknown(n_gaps > 0.0, since / (mean + 1.0)),
        or_unknown(n_gaps > 0.0, since / (returns.last_gap + 1.0)),
        or_unknown(n_gaps > 1.0, spread / (mean + 1.0)),
        or_unknown(n_gaps > 0.0, (since + until_visit) / (mean + 1.0)),
        or_unknown(is_own, candidate.history.last_baskets as f32 / baskets_between),
        cycle.ln_gap,
        or_unknown(is_own, since.ln_1p() - cycle.ln_gap),
        cycle.next_rate,
        or_unknown(is_own, cycle.again[wait_of(since_baskets)]),
        or_unknown(is_own, own_next),
        or_unknown(n_gaps > 0.0, recent),
        or_unknown(n_gaps > 0.0, since / (recent + 1.0)),
        or_unknown(n_gaps > 0.0, returns.last_baskets as f32),
        or_unknown(n_gaps > 0.0, (since_baskets + 1) as f32 / returns.last_baskets as f32),
        or_unknown(is_own, candidate.history.first_days),
    ]
}

/// How many purchases the item's usual chance to be in the very next basket weighs (chosen).
const NEXT_PRIOR: f32 = 3.0;

fn habit_signals(candidate: &Candidate, habits: &Habits) -> [f32; 10] {
    let [_, days_30, days_120] = candidate.history.decayed_days;
    [
        days_30 / habits.decayed[0].max(1e-6),
        days_120 / habits.decayed[1].max(1e-6),
        habits.n_baskets,
        habits.basket_size,
        habits.last_size,
        habits.days_between,
        habits.days_since,
        habits.repeat_share,
        days_30 / habits.most_decayed.max(1e-6),
        habits.n_items,
    ]
}

/// How a shopper buys at present.
fn habits(
    query: &BasketQuery<'_>,
    candidates: &[Candidate],
    numbering: &crate::numbering::Numbering,
) -> Habits {
    let past = || query.own.iter().rev().skip_while(|basket| basket.time > query.now);
    let mut habits = Habits { n_baskets: past().count() as f32, ..Habits::default() };
    let Some(last) = past().next() else { return habits };
    habits.days_since = days_before(query.now, last);
    habits.last_size = last.items().len() as f32;
    for basket in past() {
        let days = days_before(query.now, basket);
        let decay = [30.0, 120.0].map(|half_life: f32| (-days / half_life).exp2());
        habits.decayed.iter_mut().zip(decay).for_each(|(sum, decay)| *sum += decay);
    }
    for candidate in candidates.iter().take_while(|candidate| candidate.history.n > 0) {
        habits.most_decayed = habits.most_decayed.max(candidate.history.decayed_days[1]);
        habits.n_items += 1.0;
    }
    let (mut n_lines, mut n_repeated, mut n_recent, mut oldest) = (0, 0, 0, last);
    for basket in past().take(RECENT_BASKETS) {
        let days = days_before(query.now, basket);
        let is_repeated = |item: &&Item| {
            let number = numbering.get(item.0).expect("every own item is a candidate");
            candidates[number].history.first_days > days
        };
        n_repeated += basket.items().iter().filter(is_repeated).count();
        n_lines += basket.items().len();
        n_recent += 1;
        oldest = basket;
    }
    habits.basket_size = n_lines as f32 / n_recent as f32;
    habits.repeat_share = n_repeated as f32 / n_lines.max(1) as f32;
    let between = days_before(query.now, oldest) - habits.days_since;
    habits.days_between = if n_recent > 1 { between / (n_recent - 1) as f32 } else { f32::NAN };
    habits
}

/// What trees learn the second order from: candidates in their first order, and what was bought.
#[derive(Clone, Debug)]
pub(super) struct RankLessons {
    weights: Weights,
    pub(super) groups: Groups,
    /// Whose lesson each group is, by the key of a person.
    pub(super) people: Vec<u64>,
}

/// One shopper's candidates.
#[derive(Clone, Debug, Default)]
pub(super) struct RankLesson {
    rows: Vec<f32>,
    gains: Vec<f32>,
    base: Vec<f32>,
}

impl RankLesson {
    /// A shopper's next basket, as it would have been predicted from `baskets`, which must end before it;
    /// none where no candidate of these weights was bought.
    pub(super) fn of(
        weights: &Weights,
        (baskets, lesson): (&BasketVectors, &Lesson<'_>),
        scratch: &mut Scratch,
    ) -> Option<RankLesson> {
        let Lesson { shopper, now, own, market, next } = *lesson;
        let neighbourhood = &baskets.neighbourhood((shopper, now), &Params::default(), scratch);
        let query = BasketQuery { own, now, market, neighbourhood };
        first_order(&query, (weights, N_RANKED), scratch);
        let is_bought = |number: u32| next.contains(&scratch.candidates[number as usize].item);
        let gain = |&(_, number): &(Score, u32)| if is_bought(number) { 1.0 } else { 0.0 };
        let gains: Vec<f32> = scratch.scores.iter().map(gain).collect();
        if gains.iter().all(|&gain| gain == 0.0) {
            return None;
        }
        let base = scratch.scores.iter().map(|(score, _)| score.get()).collect();
        fill_rows(&query, scratch);
        Some(RankLesson { rows: scratch.rank.rows.clone(), gains, base })
    }
}

impl RankLessons {
    /// No lessons yet, on candidates that these weights find.
    pub(super) fn new(weights: Weights) -> RankLessons {
        RankLessons { weights, groups: Groups::new(N_RANK_SIGNALS), people: Vec::new() }
    }

    pub(super) fn push(&mut self, person: u64, lesson: &RankLesson) {
        self.groups.push(&lesson.rows, &lesson.gains, &lesson.base);
        self.people.push(person);
    }

    /// The weights that find the candidates.
    pub(super) fn weights(&self) -> Weights {
        self.weights
    }

    /// Grows trees that all lessons teach and judge by turns: people are drawn into `n_parts` parts.
    pub(super) fn fit(
        &self,
        (params, n_parts): (&TreeParams, u8),
        (threads, rests): (usize, Rests<'_>),
    ) -> Trees {
        let part = |person: &u64| drawn(params.seed, *person, u64::from(n_parts)) as u8;
        let parts: Vec<u8> = self.people.iter().map(part).collect();
        let groups = &self.groups;
        let lesson = TreeLesson { names: &RANK_SIGNALS, groups, valid: None, threads, rests };
        Trees::fit_in_parts(&lesson, (&parts, n_parts), params)
    }
}

/// A number below `n` for a person, the same for the same seed.
pub(crate) fn drawn(seed: u64, person: u64, n: u64) -> u64 {
    Random::new(Random::new(seed).bits() ^ person).bits() % n
}
