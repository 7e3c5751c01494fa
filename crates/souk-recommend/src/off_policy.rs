//! What a policy that never served would have brought, from what another one logged.
//!
//! Each logged slot says which product stood there, how likely that was (its *propensity*), what came of
//! it, and how likely the policy in question would have put it there. A reward is weighed by how much more
//! often that policy would have earned it. Slots of one answer are judged each by itself (the
//! item-position model), and intervals take answers, not slots, as independent.
//!
//! Sources: Horvitz and Thompson, *JASA* 47, 1952 (IPS); Swaminathan and Joachims, "The self-normalized
//! estimator for counterfactual learning", NIPS 2015 (SNIPS); Dudík, Langford and Li, "Doubly robust
//! policy evaluation and learning", ICML 2011; for slots of a list Li, Abbasi-Yadkori, Kveton,
//! Muthukrishnan, Vinay and Wen, "Offline evaluation of ranking policies with click models", KDD 2018;
//! effective sample size: Kish, *Survey Sampling*, 1965.

/// What a reward model says of a slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Predicted {
    /// The reward expected of the product that stood there.
    pub of_action: f64,
    /// The reward expected of the policy in question, over all that it might have put there.
    pub of_target: f64,
}

/// One logged slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Logged {
    /// Which answer it belongs to: slots of one answer are not independent.
    pub answer: u32,
    /// How likely the logging policy put the product there, in (0, 1].
    pub propensity: f64,
    /// How likely the policy in question would have, in 0..=1.
    pub target: f64,
    /// What came of it.
    pub reward: f64,
    /// What a model expected, for the doubly robust estimate.
    pub predicted: Option<Predicted>,
}

/// An estimate of the mean reward of a slot, with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Mean reward of a slot.
    pub value: f64,
    /// Its standard error, answers taken as independent.
    pub error: f64,
}

impl Estimate {
    /// The lower end of the 95 % interval.
    pub fn low(&self) -> f64 {
        self.value - Z_95 * self.error
    }

    /// Its upper end.
    pub fn high(&self) -> f64 {
        self.value + Z_95 * self.error
    }
}

/// The 97.5 % quantile of the normal distribution.
const Z_95: f64 = 1.959_963_984_540_054;

/// What is bounded, and when nothing is said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Weights above it are cut down to it, which makes the estimate err towards what was logged;
    /// infinity cuts nothing.
    pub weight_max: f64,
    /// Effective slots below which nothing is said.
    pub effective_min: f64,
    /// Answers below which nothing is said.
    pub answers_min: usize,
    /// The share of all weight that one slot may have.
    pub largest_share_max: f64,
}

impl Default for Bounds {
    /// Chosen with `cargo bench --bench honesty`: at 200 effective slots and a twentieth of the weight on
    /// one of them, intervals still cover the truth as often as they say.
    fn default() -> Bounds {
        Bounds {
            weight_max: f64::INFINITY,
            effective_min: 200.0,
            answers_min: 100,
            largest_share_max: 0.05,
        }
    }
}

/// What the log says of the policy in question.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PolicyValue {
    /// What the logging policy brought.
    pub logged: Estimate,
    /// Inverse propensity scoring: unbiased, and unsteady where weights are large.
    pub ips: Estimate,
    /// Self-normalised: steadier, slightly biased in small logs.
    pub snips: Estimate,
    /// Doubly robust: right when either propensities or model are; `None` where a slot has no prediction.
    pub doubly_robust: Option<Estimate>,
    /// How the log bears it.
    pub support: Support,
}

/// How far a log can say anything of another policy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Support {
    /// Slots.
    pub slots: usize,
    /// Answers.
    pub answers: usize,
    /// How many slots of the policy in question the log is worth: (Σw)² / Σw².
    pub effective: f64,
    /// The largest weight.
    pub weight_largest: f64,
    /// The mean weight: 1 where propensities are true and every product of the policy in question had a
    /// chance to be logged.
    pub weight_mean: f64,
    /// Its standard error.
    pub weight_mean_error: f64,
    /// Slots whose weight was cut down.
    pub capped: usize,
}

impl Support {
    /// Whether the mean weight is further from 1 than chance explains: then propensities are wrong, or the
    /// log never shows some of what the policy in question would. Cut weights say nothing of it.
    pub fn is_odd(&self) -> bool {
        self.capped == 0 && (self.weight_mean - 1.0).abs() > 4.0 * self.weight_mean_error + 1e-9
    }
}

/// Why a log says nothing.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum PolicyError {
    /// A number is no probability, or not finite.
    #[error("slot {row}: {what} {value} is not {expected}")]
    Value {
        /// Which slot, from 0.
        row: usize,
        /// Which of its numbers.
        what: &'static str,
        /// What it is.
        value: f64,
        /// What it must be.
        expected: &'static str,
    },
    /// Too few answers.
    #[error("{have} answers are logged; at least {need} are needed")]
    Answers {
        /// How many there are.
        have: usize,
        /// How many are needed.
        need: usize,
    },
    /// The two policies are too far apart for so small a log.
    #[error(
        "the log is worth {have:.0} slots of the policy in question (effective sample size); at least \
         {need:.0} are needed: log more, or ask of a policy nearer to the one that served"
    )]
    Effective {
        /// What it is worth.
        have: f64,
        /// What is needed.
        need: f64,
    },
    /// One slot decides.
    #[error(
        "one slot has {percent:.1} % of all weight; at most {percent_max:.1} % is sound: cap weights, or \
         log more"
    )]
    OneSlot {
        /// Its share.
        percent: f64,
        /// What is borne.
        percent_max: f64,
    },
}

/// Sums over the slots of one answer.
#[derive(Clone, Copy, Debug, Default)]
struct Answer {
    slots: f64,
    rewards: f64,
    weights: f64,
    weighed: f64,
    robust: f64,
}

/// What the policy in question would have brought.
///
/// # Errors
///
/// [`PolicyError`] for numbers that are no probabilities, and for a log that is too thin to say anything.
pub fn evaluate_policy(log: &[Logged], bounds: &Bounds) -> Result<PolicyValue, PolicyError> {
    check(log)?;
    let weight = |slot: &Logged| (slot.target / slot.propensity).min(bounds.weight_max);
    let answers = by_answer(log, &weight);
    let support = support(log, (&answers, bounds), &weight);
    if support.answers < bounds.answers_min {
        return Err(PolicyError::Answers { have: support.answers, need: bounds.answers_min });
    }
    if support.effective < bounds.effective_min {
        let (have, need) = (support.effective, bounds.effective_min);
        return Err(PolicyError::Effective { have, need });
    }
    let total: f64 = answers.iter().map(|answer| answer.weights).sum();
    let share = support.weight_largest / total;
    if share > bounds.largest_share_max {
        let (percent, percent_max) = (share * 100.0, bounds.largest_share_max * 100.0);
        return Err(PolicyError::OneSlot { percent, percent_max });
    }
    let is_predicted = log.iter().all(|slot| slot.predicted.is_some());
    Ok(PolicyValue {
        logged: ratio(&answers, |one| (one.rewards, one.slots)),
        ips: ratio(&answers, |one| (one.weighed, one.slots)),
        snips: ratio(&answers, |one| (one.weighed, one.weights)),
        doubly_robust: is_predicted.then(|| ratio(&answers, |one| (one.robust, one.slots))),
        support,
    })
}

fn check(log: &[Logged]) -> Result<(), PolicyError> {
    for (row, slot) in log.iter().enumerate() {
        let refuse = |what, value, expected| Err(PolicyError::Value { row, what, value, expected });
        if !(slot.propensity > 0.0 && slot.propensity <= 1.0) {
            let expected = "a probability above 0 and at most 1: what was logged had a chance";
            return refuse("propensity", slot.propensity, expected);
        }
        if !(0.0..=1.0).contains(&slot.target) {
            return refuse("target probability", slot.target, "a probability from 0 to 1");
        }
        if !slot.reward.is_finite() {
            return refuse("reward", slot.reward, "a finite number");
        }
        let predicted = slot.predicted.iter().flat_map(|one| [one.of_action, one.of_target]);
        if let Some(odd) = predicted.into_iter().find(|value| !value.is_finite()) {
            return refuse("predicted reward", odd, "a finite number");
        }
    }
    Ok(())
}

/// Sums by answer, in the order of first sight.
fn by_answer(log: &[Logged], weight: &dyn Fn(&Logged) -> f64) -> Vec<Answer> {
    let mut places: rustc_hash::FxHashMap<u32, usize> = rustc_hash::FxHashMap::default();
    let mut answers: Vec<Answer> = Vec::new();
    for slot in log {
        let place = *places.entry(slot.answer).or_insert_with(|| {
            answers.push(Answer::default());
            answers.len() - 1
        });
        let (weight, answer) = (weight(slot), &mut answers[place]);
        answer.slots += 1.0;
        answer.rewards += slot.reward;
        answer.weights += weight;
        answer.weighed += weight * slot.reward;
        if let Some(Predicted { of_action, of_target }) = slot.predicted {
            answer.robust += of_target + weight * (slot.reward - of_action);
        }
    }
    answers
}

fn support(
    log: &[Logged],
    (answers, bounds): (&[Answer], &Bounds),
    weight: &dyn Fn(&Logged) -> f64,
) -> Support {
    let (mut sum, mut squares, mut largest, mut capped) = (0.0, 0.0, 0.0_f64, 0);
    for slot in log {
        let cut = weight(slot);
        sum += cut;
        squares += cut * cut;
        largest = largest.max(cut);
        capped += usize::from(slot.target / slot.propensity > bounds.weight_max);
    }
    let mean = ratio(answers, |one| (one.weights, one.slots));
    Support {
        slots: log.len(),
        answers: answers.len(),
        effective: if squares > 0.0 { sum * sum / squares } else { 0.0 },
        weight_largest: largest,
        weight_mean: mean.value,
        weight_mean_error: mean.error,
        capped,
    }
}

/// A ratio of two sums over answers, with its standard error by the delta method; with one slot for each
/// answer and slots below, a mean and its own.
fn ratio(answers: &[Answer], parts: impl Fn(&Answer) -> (f64, f64)) -> Estimate {
    let n = answers.len() as f64;
    let (above, below) = answers
        .iter()
        .map(&parts)
        .fold((0.0, 0.0), |(a, b), (above, below)| (a + above, b + below));
    if below <= 0.0 || n < 2.0 {
        return Estimate { value: 0.0, error: f64::INFINITY };
    }
    let value = above / below;
    let squares: f64 = answers
        .iter()
        .map(|answer| {
            let (above, below) = parts(answer);
            (above - value * below).powi(2)
        })
        .sum();
    let error = (squares * n / (n - 1.0)).sqrt() / below;
    Estimate { value, error }
}

#[cfg(test)]
mod tests;
