//! Names and addresses in running text: a linear sequence tagger over the words.
//!
//! A first-order model, decoded exactly (Viterbi) and trained as an averaged structured perceptron
//! (Collins, *Discriminative Training Methods for Hidden Markov Models*, EMNLP 2002). Its signals are
//! shapes, endings, lists, the parts of lexicon, the common words around and what those are used like;
//! rare words are no signal, so that a name seen in training is not learned by heart. Words far from any capital,
//! number or listed name are outside without a look: most of a shop's messages.

mod decode;
mod model;
mod signals;
mod train;

pub use model::{ModelError, TaggerModel};
pub use train::{Example, MarkedSpan, TrainSettings, train};

pub(super) use decode::{TaggedSpan, tag};

/// How many labels there are.
const LABELS: usize = 9;

/// A label of a token: outside, or the beginning or inside of a kind of span.
///
/// Firms and jobs are told apart only so that they are not taken for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Label(u8);

impl Label {
    const OUTSIDE: Label = Label(0);

    fn begin(class: SpanClass) -> Label {
        Label(1 + 2 * class as u8)
    }

    fn inside(class: SpanClass) -> Label {
        Label(2 + 2 * class as u8)
    }

    fn class(self) -> Option<SpanClass> {
        Some(match self.0 {
            1 | 2 => SpanClass::Name,
            3 | 4 => SpanClass::Address,
            5 | 6 => SpanClass::Firm,
            7 | 8 => SpanClass::Job,
            _ => return None,
        })
    }

    fn is_inside(self) -> bool {
        self.0 != 0 && self.0.is_multiple_of(2)
    }

    /// Whether it may stand behind the other: an inside follows its own beginning or inside.
    fn may_follow(self, before: Label) -> bool {
        !self.is_inside() || before.0 == self.0 || before.0 + 1 == self.0
    }
}

/// What the tagger marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SpanClass {
    /// A person.
    Name,
    /// An address or place.
    Address,
    /// A firm or office.
    Firm,
    /// A job's title.
    Job,
}

#[cfg(test)]
mod tests;
