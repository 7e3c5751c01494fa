//! The best labels of a text under the weights.

use std::ops::Range;

use super::super::words::Token;
use super::model::TaggerModel;
use super::signals::{Atom, SIGNALS_MAX, atoms, rows, step_blocks};
use super::{LABELS, Label, SpanClass};

/// Tokens that are decoded together; chosen: longer than any letter, and memory stays small.
const STRETCH: usize = 4_096;

/// A span of tokens.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::pii) struct TaggedSpan {
    pub(in crate::pii) class: SpanClass,
    pub(in crate::pii) tokens: Range<usize>,
    /// How much better than outside it is, squeezed into 0 to 1.
    pub(in crate::pii) score: f32,
}

/// A score for each label.
pub(super) type Scores = [f32; LABELS];

/// The weights as the decoder asks for them; training has its own.
pub(super) trait Weights {
    /// Adds the scores of a token's rows.
    fn add_token(&self, rows: &[u32], scores: &mut Scores);

    /// Adds the scores of the step from a label to a token.
    fn add_step(&self, blocks: &[u32], before: u8, scores: &mut Scores);
}

/// The spans of a text.
pub(in crate::pii) fn tag(tokens: &[Token], model: &TaggerModel) -> Vec<TaggedSpan> {
    let mut spans = Vec::new();
    for (number, stretch) in tokens.chunks(STRETCH).enumerate() {
        let atoms = atoms(stretch);
        let mut local = vec![[0.0; LABELS]; stretch.len()];
        let labels = labels(&atoms, (model, &mut local), None);
        for mut span in spans_of(&labels) {
            span.score = confidence(&span, &local);
            let offset = number * STRETCH;
            span.tokens = span.tokens.start + offset..span.tokens.end + offset;
            spans.push(span);
        }
    }
    spans
}

/// The mean lead over outside, as a share; a rough measure, for ordering.
fn confidence(span: &TaggedSpan, local: &[Scores]) -> f32 {
    let inside = Label::inside(span.class).0 as usize;
    let lead = |scores: &Scores| scores[inside].max(scores[inside - 1]) - scores[0];
    let total: f32 = local[span.tokens.clone()].iter().map(lead).sum();
    let mean = total / span.tokens.len() as f32;
    0.5 + 0.5 / (1.0 + (-mean / 60.0).exp())
}

/// What wrong labels gain in training, so that the right ones have to win by a margin.
pub(super) struct Margin<'a> {
    pub(super) gold: &'a [Label],
    pub(super) lead: f32,
    /// The same where nothing is marked.
    pub(super) lead_outside: f32,
}

/// Viterbi. `local` receives the scores of each token without steps.
pub(super) fn labels(
    atoms: &[Atom],
    (weights, local): (&impl Weights, &mut [Scores]),
    margin: Option<Margin<'_>>,
) -> Vec<Label> {
    let mut from: Vec<[u8; LABELS]> = Vec::with_capacity(atoms.len());
    let mut best = [f32::NEG_INFINITY; LABELS];
    best[0] = 0.0;
    let mut signal_rows = Vec::with_capacity(SIGNALS_MAX);
    for (idx, atom) in atoms.iter().enumerate() {
        if !atom.is_live {
            // Outside, whatever came before.
            let top = top_of(&best);
            let reached = best[top];
            best = [f32::NEG_INFINITY; LABELS];
            best[0] = reached;
            from.push([top as u8; LABELS]);
            continue;
        }
        let mut scores = [0.0; LABELS];
        rows(atoms, idx, &mut signal_rows);
        weights.add_token(&signal_rows, &mut scores);
        if let Some(margin) = &margin {
            let gold = margin.gold[idx];
            let lead = if gold == Label::OUTSIDE { margin.lead_outside } else { margin.lead };
            scores.iter_mut().for_each(|score| *score += lead);
            scores[usize::from(gold.0)] -= lead;
        }
        local[idx] = scores;
        let mut next = [f32::NEG_INFINITY; LABELS];
        let mut back = [0u8; LABELS];
        let blocks = step_blocks(atoms, idx);
        for before in 0..LABELS as u8 {
            let reached = best[usize::from(before)];
            if reached == f32::NEG_INFINITY {
                continue;
            }
            let mut steps = scores;
            weights.add_step(&blocks, before, &mut steps);
            for label in 0..LABELS as u8 {
                let score = reached + steps[usize::from(label)];
                if score > next[usize::from(label)] && Label(label).may_follow(Label(before)) {
                    next[usize::from(label)] = score;
                    back[usize::from(label)] = before;
                }
            }
        }
        best = next;
        from.push(back);
    }
    follow_back(&from, top_of(&best))
}

/// The best label; of equals the first.
fn top_of(best: &Scores) -> usize {
    (0..LABELS).fold(0, |top, label| if best[label] > best[top] { label } else { top })
}

fn follow_back(from: &[[u8; LABELS]], last: usize) -> Vec<Label> {
    let mut label = last;
    let mut labels = vec![Label::OUTSIDE; from.len()];
    for (idx, back) in from.iter().enumerate().rev() {
        labels[idx] = Label(label as u8);
        label = usize::from(back[label]);
    }
    labels
}

/// Runs of labels as spans.
pub(super) fn spans_of(labels: &[Label]) -> Vec<TaggedSpan> {
    let mut spans: Vec<TaggedSpan> = Vec::new();
    for (idx, label) in labels.iter().enumerate() {
        let Some(class) = label.class() else { continue };
        match spans.last_mut() {
            Some(last) if label.is_inside() && last.tokens.end == idx => last.tokens.end = idx + 1,
            _ => spans.push(TaggedSpan { class, tokens: idx..idx + 1, score: 0.0 }),
        }
    }
    spans
}
