//! The order of lists, learned from what people took up of the lists they were shown.
//!
//! What stands first is looked at most, so a click further down says more: each act weighs the inverse of how far its
//! place is looked at (see [`crate::clicks`]). How far that is, is learned from products that are alike in what is known
//! of them and stood in different places. Trees then learn which of the products that were shown together were wanted, from
//! the signals that were recorded when they were shown.
//!
//! Some people never teach: they judge (`judging`), by the later half of the time, of which nothing taught at the end.
//!
//! Sources: Joachims, Swaminathan and Schnabel, "Unbiased learning-to-rank with biased feedback", WSDM 2017 (inverse
//! propensities); examination from alike
//! products in several places: Agarwal et al., WSDM 2019, and Wang et al., WSDM 2018, who model what is alike; LambdaMART:
//! [`crate::trees`]. *Not* here: who may be learned from, and what is shown at all.

use rustc_hash::FxHashMap;

use crate::clicks::{Examination, Shown};
use crate::evaluate::verdict::OrderVerdict;
use crate::next_basket::drawn;
use crate::parallel::Rests;
use crate::trees::{Groups, Lesson, Objective, TreeParams, Trees};
use crate::types::Item;
use crate::wire::SnapshotError;

mod judging;
pub mod signals;
pub mod simulated;
pub mod simulated_search;
#[cfg(test)]
mod tests;

use judging::Judges;
use signals::{ListKind, SignalRow};

/// One in so many people judges and never teaches, always the same.
const JUDGES_SHARE: u64 = 3;
/// Of all lists by time, from where on people judge, and from where on nobody teaches (chosen).
const JUDGE_FROM: f64 = 0.5;
const TEACH_UNTIL: f64 = 0.9;
/// Lists that teach at most, the latest (about 150 MB while it lasts); and at least, below which nothing is learned (chosen).
const LISTS_MAX: usize = 20_000;
const LISTS_MIN: usize = 300;
/// Judges without whom nothing is said (chosen).
const JUDGES_MIN: usize = 100;
/// Into how many parts people are drawn, each the judge of trees grown on the others.
const N_PARTS: u8 = 3;
const JUDGES_SEED: u64 = 0x7368_6f77;
const PARTS_SEED: u64 = 0x7061_7274;
/// How much the order that sources gave counts before anything is learned, in scores of trees (chosen: acts of some
/// hundred people outweigh it).
const RANK_PULL: f32 = 0.3;

/// Small trees, for some hundred to some thousand lists with an act. Chosen on the simulated shops of seeds 1 to 3.
fn tree_params() -> TreeParams {
    TreeParams {
        objective: Objective::Dcg { places: 30 },
        n_trees: 60,
        learning_rate: 0.1,
        leaves_max: 8,
        depth_max: 4,
        rows_min: 50,
        ..TreeParams::default()
    }
}

/// A product in its place.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ShownProduct {
    /// What was known of it; without a rank where it was no candidate of the order, but picked or tried out.
    pub row: SignalRow,
    /// What came of it, in clicks; 0 for nothing.
    pub worth: f32,
}

/// A list that somebody was shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShownList {
    /// Whose it was, by a number that stays the same.
    pub person: u64,
    /// When, in Unix milliseconds.
    pub time: i64,
    /// Whether it is known that it was looked at, not only served.
    pub is_seen: bool,
    /// First place first.
    pub products: Vec<ShownProduct>,
}

impl ShownList {
    fn is_taken_up(&self) -> bool {
        self.products.iter().any(|product| product.worth > 0.0 && product.row.rank().is_some())
    }

    /// Recommendations or hits.
    pub fn kind(&self) -> ListKind {
        let of_first = self.products.iter().map(|product| product.row);
        of_first.filter(|row| row.rank().is_some()).map(|row| row.kind()).next().unwrap_or_default()
    }

    /// The candidates with their places, in the order that sources gave.
    fn candidates(&self) -> Vec<(u8, &ShownProduct)> {
        let placed = (0..=u8::MAX).zip(&self.products);
        let mut candidates: Vec<_> = placed.filter(|(_, one)| one.row.rank().is_some()).collect();
        candidates.sort_by_key(|(place, one)| (one.row.tier(), one.row.rank(), *place));
        candidates
    }

    /// Whether the candidates stood as sources gave them. Their ranks tell.
    fn is_as_given(&self) -> bool {
        self.products.iter().filter_map(|product| product.row.rank()).is_sorted()
    }

    fn is_of_judge(&self) -> bool {
        drawn(JUDGES_SEED, self.person, JUDGES_SHARE) == 0
    }
}

/// An order of lists of one kind by trees over signals.
#[derive(Clone, Debug, PartialEq)]
pub struct ImpressionOrder {
    kind: ListKind,
    trees: Trees,
}

impl ImpressionOrder {
    /// In which order candidates should stand, given in that of sources: their numbers, best first. What only fills the
    /// list up stays behind what was found, and what lacks words behind what has them, whatever trees say.
    pub fn order(&self, rows: &[SignalRow]) -> Vec<usize> {
        let mut scores: Vec<f32> = rows.iter().map(base).collect();
        let mut signals = Vec::with_capacity(rows.len() * self.kind.signals().len());
        rows.iter().for_each(|row| row.extend(self.kind, &mut signals));
        self.trees.add_to(&signals, &mut scores);
        let mut order: Vec<usize> = (0..rows.len()).collect();
        // A stable sort: what trees do not tell apart stays as it was.
        order.sort_by(|a, b| {
            rows[*a].tier().cmp(&rows[*b].tier()).then(scores[*b].total_cmp(&scores[*a]))
        });
        order
    }

    /// The trees, for what they rest on.
    pub fn trees(&self) -> &Trees {
        &self.trees
    }

    /// Writes it; equal orders give equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        self.trees.encode()
    }

    /// Reads what [`ImpressionOrder::encode`] wrote of an order of this kind, also when it knew fewer signals.
    ///
    /// # Errors
    ///
    /// Any [`SnapshotError`], also for trees over signals that this program does not know; the remedy is to learn again.
    pub fn decode(bytes: &[u8], kind: ListKind) -> Result<ImpressionOrder, SnapshotError> {
        let trees = Trees::decode(bytes)?.over(&kind.names()).ok_or(SnapshotError::OtherKind)?;
        Ok(ImpressionOrder { kind, trees })
    }
}

/// How much places behind the first `n_before` are apart in worth, as a share of what they were if they were the first.
fn span_behind(n_before: usize, n: usize) -> f32 {
    let worth = |place: usize| 1.0 / ((place + 2) as f32).log2();
    (worth(n_before) - worth(n_before + n)) / (worth(0) - worth(n))
}

/// The score that a candidate has before anything is learned.
fn base(row: &SignalRow) -> f32 {
    let rank = f32::from(row.rank().unwrap_or(u8::MAX));
    -RANK_PULL * rank.ln_1p()
}

/// What is learned from, and how.
#[derive(Clone, Copy, Debug)]
pub struct ImpressionTeaching<'a> {
    /// Lists of one kind, in any order.
    pub lists: &'a [ShownList],
    /// Of which kind.
    pub kind: ListKind,
    /// How many threads; the result does not depend on it.
    pub threads: usize,
    /// Called after each tree.
    pub rests: Rests<'a>,
}

impl ImpressionTeaching<'_> {
    /// Learns an order and judges it beside the one that sources gave and the one in service; `None` where there is too
    /// little to learn from. What the verdict's figures are: the module `judging`.
    pub fn learn(
        &self,
        serving: Option<&ImpressionOrder>,
    ) -> Option<(ImpressionOrder, OrderVerdict)> {
        let examination = self.examination();
        let mut times: Vec<i64> = self.lists.iter().map(|list| list.time).collect();
        times.sort_unstable();
        let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied();
        let (judge_from, teach_until) = (at(JUDGE_FROM)?, at(TEACH_UNTIL)?);
        let teaches = |list: &&ShownList| !list.is_of_judge() && list.time < teach_until;
        let teaching: Vec<&ShownList> = self.lists.iter().filter(teaches).collect();
        let order = self.fit(teaching, &examination)?;
        let judges =
            |list: &&ShownList| list.is_of_judge() && list.time >= judge_from && list.is_as_given();
        let judges = Judges::of(self.lists.iter().filter(judges), &examination);
        let verdict = judges.verdict(&order, serving);
        (verdict.n_judges >= JUDGES_MIN).then_some((order, verdict))
    }

    /// How far places are looked at, by what stood in several of them and is alike. Where the shop tells which lists were
    /// looked at, the others say nothing.
    fn examination(&self) -> Examination {
        let tells = self.lists.iter().any(|list| list.is_seen && !list.is_taken_up());
        let is_seen = |list: &&ShownList| !tells || list.is_seen || list.is_taken_up();
        let mut counts: FxHashMap<(u32, u8), [f64; 2]> = FxHashMap::default();
        for list in self.lists.iter().filter(is_seen) {
            for (place, product) in list.candidates() {
                let count = counts.entry((product.row.stratum(), place)).or_default();
                count[0] += 1.0;
                count[1] += if product.worth > 0.0 { 1.0 } else { 0.0 };
            }
        }
        let shown = counts.into_iter().map(|((query, place), [shown, clicks])| Shown {
            query,
            item: Item(0),
            place,
            shown,
            clicks,
            worth: clicks,
        });
        let mut shown: Vec<Shown> = shown.collect();
        // Sums of floats come out the same whatever the order of the map.
        shown.sort_unstable_by_key(|one| (one.query, one.place));
        Examination::estimated(&shown)
    }

    fn fit(
        &self,
        mut lists: Vec<&ShownList>,
        examination: &Examination,
    ) -> Option<ImpressionOrder> {
        lists.retain(|list| list.is_taken_up());
        if lists.len() < LISTS_MIN {
            return None;
        }
        lists.sort_by_key(|list| (std::cmp::Reverse(list.time), list.person));
        lists.truncate(LISTS_MAX);
        let gain = |place: u8, product: &ShownProduct| product.worth / examination.at(place) as f32;
        let weights = lists.iter().map(|list| {
            list.candidates().iter().map(|(place, one)| f64::from(gain(*place, one))).sum::<f64>()
        });
        // So that penalties mean the same however often things are taken up.
        let scale = (lists.len() as f64 / weights.sum::<f64>()) as f32;
        let names = self.kind.names();
        let (mut groups, mut parts) = (Groups::new(names.len()), Vec::with_capacity(lists.len()));
        let (mut rows, mut gains, mut bases) = (Vec::new(), Vec::new(), Vec::new());
        for list in lists {
            let candidates = list.candidates();
            let mut n_before = 0;
            // No tier ever stands before the one in front of it, so there is nothing to learn between the two.
            for group in candidates.chunk_by(|a, b| a.1.row.tier() == b.1.row.tier()) {
                let scale = scale * span_behind(n_before, group.len());
                n_before += group.len();
                if group.iter().all(|(_, product)| product.worth <= 0.0) {
                    continue;
                }
                rows.clear();
                gains.clear();
                bases.clear();
                for (place, product) in group {
                    product.row.extend(self.kind, &mut rows);
                    gains.push(scale * gain(*place, product));
                    bases.push(base(&product.row));
                }
                groups.push(&rows, &gains, &bases);
                parts.push(drawn(PARTS_SEED, list.person, u64::from(N_PARTS)) as u8);
            }
        }
        let (threads, rests) = (self.threads, self.rests);
        let lesson = Lesson { names: &names, groups: &groups, valid: None, threads, rests };
        let trees = Trees::fit_in_parts(&lesson, (&parts, N_PARTS), &tree_params());
        Some(ImpressionOrder { kind: self.kind, trees })
    }
}
