//! Slots of answers with what came of them, as `souk evaluate policy` reads them.
//!
//! The log is read once, in its order. An answer waits until a day of the log has passed: its clicks may come before it (what was
//! shown is written in handfuls) and after it.

use std::collections::VecDeque;

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::json;
use souk_core::{Event, Fact, Impressions, Interaction, Propensity, SubjectId, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

use super::file::{ExportFile, Field};
use crate::AppError;
use crate::projections::Did;

pub(super) const FIELDS: &[Field] = &[
    Field::text("answer_id"),
    Field::time("timestamp"),
    Field::text("user_id"),
    Field::text("site"),
    Field::text("channel"),
    Field::text("placement"),
    Field::text("strategy"),
    Field::number("place"),
    Field::text("product_id"),
    Field::number("propensity"),
    Field::boolean("explored"),
    Field::number("reward"),
];

/// How long after an answer a click is owed to it, and how long both wait for each other.
const WINDOW_MS: i64 = 86_400_000;

/// A product of a site, as a hash.
type ProductKey = u64;

/// Answers and acts of the last day of the log.
#[derive(Debug, Default)]
pub(super) struct Slots {
    answers: VecDeque<Waiting>,
    /// When each answer that showed a product to somebody was given.
    shown: FxHashMap<(SubjectId, ProductKey), Vec<Timestamp>>,
    /// What was opened or put into a cart, by the answer's name.
    named: FxHashSet<(u64, ProductKey)>,
    /// The same without a name.
    unnamed: FxHashMap<(SubjectId, ProductKey), Vec<Timestamp>>,
    /// By receipt: what is to be forgotten.
    acts: VecDeque<(Timestamp, Act)>,
}

#[derive(Debug)]
struct Waiting {
    received_at: Timestamp,
    subject: SubjectId,
    event: Event,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Named(u64, ProductKey),
    Unnamed(SubjectId, ProductKey),
}

impl Slots {
    /// Takes in a record of somebody known, and writes the answers that nothing can come of any more.
    pub(super) fn take(
        &mut self,
        (subject, received_at): (SubjectId, Timestamp),
        event: &Event,
        file: &mut ExportFile,
    ) -> Result<(), AppError> {
        match &event.fact {
            Fact::Impressions(impressions) => {
                for product in &impressions.products {
                    let key = (subject, product_key(event, product.as_str()));
                    self.shown.entry(key).or_default().push(event.at);
                }
                let event = event.clone();
                self.answers.push_back(Waiting { received_at, subject, event });
            }
            Fact::Interaction(interaction) => self.note((subject, received_at), event, interaction),
            _ => return Ok(()),
        }
        self.write_until(received_at.plus_ms(-WINDOW_MS), file)
    }

    /// Writes what still waits.
    pub(super) fn finish(&mut self, file: &mut ExportFile) -> Result<(), AppError> {
        self.write_until(Timestamp::LAST, file)
    }

    fn note(
        &mut self,
        (subject, received_at): (SubjectId, Timestamp),
        event: &Event,
        interaction: &Interaction,
    ) {
        // What a file brings days later is owed to answers that are written by then, and there may be years of it.
        let is_late = received_at.ms_since(event.at) > WINDOW_MS;
        if is_late || !Did::of(interaction.action).is_some_and(Did::is_touch) {
            return;
        }
        let request = interaction.request_id.as_ref().map(|id| xxh3_64(id.as_bytes()));
        for mention in &interaction.products {
            let key = product_key(event, mention.product.as_str());
            let act = match request {
                Some(request) => {
                    self.named.insert((request, key));
                    Act::Named(request, key)
                }
                None => {
                    self.unnamed.entry((subject, key)).or_default().push(event.at);
                    Act::Unnamed(subject, key)
                }
            };
            self.acts.push_back((received_at, act));
        }
    }

    /// Writes the answers that were received before a moment, and forgets acts that none of the others can be owed.
    fn write_until(&mut self, end: Timestamp, file: &mut ExportFile) -> Result<(), AppError> {
        while self.answers.front().is_some_and(|answer| answer.received_at <= end) {
            let Some(answer) = self.answers.pop_front() else { break };
            let Fact::Impressions(impressions) = &answer.event.fact else { continue };
            self.write(&answer, impressions, file)?;
            for product in &impressions.products {
                let key = (answer.subject, product_key(&answer.event, product.as_str()));
                // The answers of one person are written in their order.
                drop_first(&mut self.shown, &key);
            }
        }
        let oldest = self.answers.front().map_or(end, |answer| answer.received_at);
        let end = oldest.min(end).plus_ms(-WINDOW_MS);
        while self.acts.front().is_some_and(|(received_at, _)| *received_at <= end) {
            let Some((_, act)) = self.acts.pop_front() else { break };
            match act {
                Act::Named(request, key) => drop(self.named.remove(&(request, key))),
                Act::Unnamed(subject, key) => drop_first(&mut self.unnamed, &(subject, key)),
            }
        }
        Ok(())
    }

    fn write(
        &self,
        answer: &Waiting,
        impressions: &Impressions,
        file: &mut ExportFile,
    ) -> Result<(), AppError> {
        let Waiting { subject, event, .. } = answer;
        let request = xxh3_64(impressions.request_id.as_bytes());
        for (idx, product) in impressions.products.iter().enumerate() {
            let key = product_key(event, product.as_str());
            let place = impressions.marks.search.as_ref().map_or(idx, |search| search.place(idx));
            let mark = impressions.marks.products.get(idx).copied().unwrap_or_default();
            let is_clicked =
                self.named.contains(&(request, key)) || self.is_owed(event.at, &(*subject, key));
            let row = json!({
                "answer_id": impressions.request_id,
                "timestamp": event.at.to_string(),
                "user_id": subject.to_string(),
                "site": event.site.as_str(),
                "channel": event.channel.map(|channel| channel.as_str()),
                "placement": impressions.placement,
                "strategy": impressions.strategy,
                "place": place + 1,
                "product_id": product.as_str(),
                "propensity": mark.propensity.map_or(1.0, Propensity::probability),
                "explored": mark.is_explored,
                "reward": u8::from(is_clicked),
            });
            file.write(&row, || row.clone())?;
        }
        Ok(())
    }

    /// Whether an act without a name followed an answer within the window, with no later answer in between that
    /// showed the product.
    fn is_owed(&self, answered: Timestamp, key: &(SubjectId, ProductKey)) -> bool {
        let (Some(acts), Some(shown)) = (self.unnamed.get(key), self.shown.get(key)) else {
            return false;
        };
        acts.iter().any(|act| {
            let last = shown.iter().filter(|at| *at <= act).max();
            last == Some(&answered) && act.ms_since(answered) <= WINDOW_MS
        })
    }
}

/// Drops the first of somebody's times with a product.
fn drop_first(
    times: &mut FxHashMap<(SubjectId, ProductKey), Vec<Timestamp>>,
    key: &(SubjectId, ProductKey),
) {
    let Some(known) = times.get_mut(key) else { return };
    known.remove(0);
    if known.is_empty() {
        times.remove(key);
    }
}

fn product_key(event: &Event, product: &str) -> ProductKey {
    xxh3_64(format!("{}\0{product}", event.site.as_str()).as_bytes())
}

#[cfg(test)]
mod tests;
