//! Training the weights. Pure: the same examples and seed give the same bytes.

use super::super::gazetteer::{Gazetteer, Listed};
use super::super::scan::forms;
use super::super::words::{Token, tokens};
use super::decode::{Margin, Scores, Weights, labels};
use super::model::{ALL_ROWS, TaggerModel};
use super::signals::{
    Forgotten, OUTSIDE_ROW, atoms_of, forget, live_tokens, rows, step_blocks, step_row,
};
use super::{LABELS, Label, SpanClass};

/// A span that somebody marked; offsets in bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct MarkedSpan {
    /// What it is.
    pub class: SpanClass,
    /// Its first byte.
    pub begin: usize,
    /// The byte behind its last.
    pub end: usize,
}

/// A marked text.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// The text.
    pub text: String,
    /// What is marked in it; no two overlap.
    pub spans: Vec<MarkedSpan>,
    /// How many of a hundred listed words are treated as unlisted, so that a text made from the lists does not teach
    /// that every name is listed.
    pub forget_percent: u8,
    /// Examples of one group were made from one pattern; see [`TrainSettings::groups_min`].
    pub group: u64,
}

/// How to train.
#[derive(Clone, Copy, Debug)]
pub struct TrainSettings {
    /// Passes over the examples.
    pub passes: u32,
    /// Order of the examples and what is forgotten.
    pub seed: u64,
    /// Rows that changed in examples of fewer groups are dropped: what only one pattern teaches is that
    /// pattern, not the language. At most 64, counted by hash.
    pub groups_min: u32,
    /// By how much the right labels have to win, in updates of one signal.
    pub margin: f32,
    /// The same for tokens outside of any span; more than `margin` favours precision.
    pub margin_outside: f32,
    /// How many of a hundred tokens lose their word, their ending or the words around their run while an example is
    /// learned (each drawn for itself).
    pub drop_percent: u8,
    /// What a token outside gains in the end, in updates of one signal: more finds less, and less falsely.
    pub outside_gain: f32,
}

struct Prepared {
    tokens: Vec<Token>,
    /// Which tokens may be part of a span at all.
    live: Vec<bool>,
    gold: Vec<Label>,
    forget_percent: u8,
    group: u64,
}

/// Weights in training: current values, their running sums, and in which groups a row changed.
struct Table {
    now: Vec<Scores>,
    sums: Vec<Scores>,
    /// A bit for the hash of each group.
    groups: Vec<u64>,
}

impl Weights for Table {
    fn add_token(&self, rows: &[u32], scores: &mut Scores) {
        for row in rows {
            add(scores, &self.now[*row as usize]);
        }
    }

    fn add_step(&self, blocks: &[u32], before: u8, scores: &mut Scores) {
        for block in blocks {
            add(scores, &self.now[step_row(*block, before)]);
        }
    }
}

fn add(scores: &mut Scores, row: &Scores) {
    scores.iter_mut().zip(row).for_each(|(score, weight)| *score += weight);
}

impl Table {
    fn change(&mut self, row: usize, label: Label, (by, step, group): (f32, f32, u64)) {
        self.now[row][usize::from(label.0)] += by;
        self.sums[row][usize::from(label.0)] += by * step;
        self.groups[row] |= 1 << (group.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58);
    }
}

/// Trains an averaged structured perceptron.
pub fn train(examples: &[Example], settings: TrainSettings) -> TaggerModel {
    let lists = Gazetteer::builtin();
    let prepared: Vec<Prepared> = examples.iter().map(|example| prepare(example, lists)).collect();
    let mut table = Table {
        now: vec![[0.0; LABELS]; ALL_ROWS],
        sums: vec![[0.0; LABELS]; ALL_ROWS],
        groups: vec![0; ALL_ROWS],
    };
    let mut random = settings.seed | 1;
    let mut order: Vec<usize> = (0..prepared.len()).collect();
    let mut step = 1.0f32;
    for _ in 0..settings.passes {
        for idx in (1..order.len()).rev() {
            order.swap(idx, (next(&mut random) % (idx as u64 + 1)) as usize);
        }
        for number in &order {
            learn(&prepared[*number], &mut table, (step, &mut random, settings));
            step += 1.0;
        }
    }
    let averaged = |row: usize| match table.groups[row].count_ones() {
        groups if groups < settings.groups_min => [0.0; LABELS],
        _ => std::array::from_fn(|label| table.now[row][label] - table.sums[row][label] / step),
    };
    let mut weights: Vec<Scores> = (0..ALL_ROWS).map(averaged).collect();
    weights[OUTSIDE_ROW as usize][0] += settings.outside_gain;
    TaggerModel::quantise(&weights)
}

/// One example: where the best labels are wrong, the right ones gain and the wrong ones lose.
fn learn(
    example: &Prepared,
    table: &mut Table,
    (step, random, settings): (f32, &mut u64, TrainSettings),
) {
    let mut tokens = example.tokens.clone();
    for token in &mut tokens {
        if next(random) % 100 < u64::from(example.forget_percent)
            && !token.listed.is(Listed::COMMON)
        {
            token.listed = Listed::default();
        }
    }
    let mut atoms = atoms_of(&tokens, &example.live);
    for atom in &mut atoms {
        for what in Forgotten::ALL {
            if next(random) % 100 < u64::from(settings.drop_percent) {
                forget(atom, what);
            }
        }
    }
    let mut local = vec![[0.0; LABELS]; tokens.len()];
    let margin = Margin {
        gold: &example.gold,
        lead: settings.margin,
        lead_outside: settings.margin_outside,
    };
    let said = labels(&atoms, (&*table, &mut local), Some(margin));
    if said == example.gold {
        return;
    }
    let mut signal_rows = Vec::new();
    let before = |labels: &[Label], idx: usize| {
        idx.checked_sub(1).map_or(Label::OUTSIDE, |prev| labels[prev])
    };
    for idx in (0..tokens.len()).filter(|idx| example.live[*idx]) {
        let (right, wrong) = (example.gold[idx], said[idx]);
        if right != wrong {
            rows(&atoms, idx, &mut signal_rows);
            for row in &signal_rows {
                table.change(*row as usize, right, (1.0, step, example.group));
                table.change(*row as usize, wrong, (-1.0, step, example.group));
            }
        }
        let (right_before, wrong_before) = (before(&example.gold, idx), before(&said, idx));
        if (right, right_before) != (wrong, wrong_before) {
            for block in step_blocks(&atoms, idx) {
                let (gains, loses) =
                    (step_row(block, right_before.0), step_row(block, wrong_before.0));
                table.change(gains, right, (1.0, step, example.group));
                table.change(loses, wrong, (-1.0, step, example.group));
            }
        }
    }
}

/// The tokens and their labels. A token belongs to the span in which it begins.
fn prepare(example: &Example, lists: &Gazetteer) -> Prepared {
    let forms = forms(&example.text);
    let tokens = tokens(&example.text, &forms, lists);
    let live = live_tokens(&tokens);
    let mut gold = vec![Label::OUTSIDE; tokens.len()];
    for span in &example.spans {
        let mut is_first = true;
        for (idx, token) in tokens.iter().enumerate() {
            let is_in = token.begin >= span.begin && token.begin < span.end;
            if !is_in || !live[idx] {
                continue;
            }
            gold[idx] = if is_first { Label::begin(span.class) } else { Label::inside(span.class) };
            is_first = false;
        }
    }
    // A form inside a span cuts it in two, and the second part begins anew.
    for idx in 0..gold.len() {
        let before = idx.checked_sub(1).map_or(Label::OUTSIDE, |prev| gold[prev]);
        if !gold[idx].may_follow(before) {
            gold[idx] = Label(gold[idx].0 - 1);
        }
    }
    Prepared { tokens, live, gold, forget_percent: example.forget_percent, group: example.group }
}

/// Xorshift64*: Vigna, *An experimental exploration of Marsaglia's xorshift generators*, 2016.
fn next(state: &mut u64) -> u64 {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
}
