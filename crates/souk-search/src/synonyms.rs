//! Words that mean the same, as a shop says.

use rustc_hash::FxHashMap;

use crate::text::Tokens;

/// Words or short phrases that mean the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Synonym {
    /// Each finds what the others find.
    TwoWay(Vec<String>),
    /// `from` also finds what `to` find, not the other way round: `phone` finds `iphone`.
    OneWay {
        /// What is typed.
        from: String,
        /// What it also finds.
        to: Vec<String>,
    },
}

/// Phrases by what is typed, each as folded words.
#[derive(Clone, Debug, Default)]
pub(crate) struct Synonyms {
    of: FxHashMap<Vec<String>, Vec<Vec<String>>>,
    /// Words of the longest phrase that can be typed.
    longest: usize,
}

/// Phrases that one word can stand for; chosen, as Meilisearch has it.
const MEANINGS_MAX: usize = 50;

impl Synonyms {
    pub(crate) fn new(synonyms: &[Synonym]) -> Synonyms {
        let mut known = Synonyms::default();
        let mut tokens = Tokens::default();
        for synonym in synonyms {
            match synonym {
                Synonym::TwoWay(phrases) => {
                    let phrases: Vec<_> = phrases.iter().map(|p| words(p, &mut tokens)).collect();
                    for from in &phrases {
                        for to in phrases.iter().filter(|to| *to != from) {
                            known.add(from, to);
                        }
                    }
                }
                Synonym::OneWay { from, to } => {
                    let from = words(from, &mut tokens);
                    to.iter().for_each(|to| known.add(&from, &words(to, &mut tokens)));
                }
            }
        }
        known
    }

    fn add(&mut self, from: &[String], to: &[String]) {
        if from.is_empty() || to.is_empty() {
            return;
        }
        self.longest = self.longest.max(from.len());
        let meanings = self.of.entry(from.to_vec()).or_default();
        if meanings.len() < MEANINGS_MAX && !meanings.iter().any(|known| known == to) {
            meanings.push(to.to_vec());
        }
    }

    /// What the words that begin at `words[0]` also mean, with how many words they are.
    pub(crate) fn at<'a>(
        &'a self,
        words: &'a [&str],
    ) -> impl Iterator<Item = (usize, &'a Vec<String>)> {
        (1..=self.longest.min(words.len())).flat_map(|length| {
            let typed: Vec<String> =
                words[..length].iter().map(|word| (*word).to_owned()).collect();
            let found = self.of.get(&typed).into_iter().flatten();
            found.map(move |meaning| (length, meaning))
        })
    }
}

fn words(phrase: &str, tokens: &mut Tokens) -> Vec<String> {
    tokens.read(phrase);
    let own = tokens.all().iter().filter(|token| !token.is_extra);
    own.map(|token| tokens.text(token).to_owned()).collect()
}
