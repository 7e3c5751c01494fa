use serde::{Deserialize, Serialize};

/// How a session is read and neighbours are weighed. Distances are in steps of a session.
///
/// The defaults are the best of some 4,000 configurations on the last tenth of the training part and
/// on the validation part of the shop clicks; none was tried on the test part.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionParams {
    /// The last events of the session that are read, 1 to [`EVENTS_MAX`].
    pub events_max: usize,
    /// The most recent visits of each session item that may become neighbours (`m` of VMIS-kNN).
    pub visits_per_item: usize,
    /// The best of those visits that are read (`k` of VMIS-kNN).
    pub neighbours: usize,
    /// An event `n` steps before the last weighs `exp(-n / position_decay)` (`λ_spw` of VSTAN).
    pub position_decay: f32,
    /// A visit of `d` days ago weighs `exp(-d / recency_days)` (`λ_snh`).
    pub recency_days: f32,
    /// A neighbour of `n` events weighs `n^-length_exponent`: 0.5 is the cosine's part of it.
    pub length_exponent: f32,
    /// A matching item in `v` of `n` visits weighs `ln(n/v)^rarity_exponent`.
    pub rarity_exponent: f32,
    /// In a neighbour, an item `n` steps after the match weighs `exp(-n / ahead_decay)` (`λ_inh`).
    pub ahead_decay: f32,
    /// And one `n` steps before it weighs `behind_weight · exp(-n / behind_decay)`.
    pub behind_decay: f32,
    /// See `behind_decay`; below 1 makes the order of visits count.
    pub behind_weight: f32,
    /// An item in `v` visits has its score multiplied by `v^-popularity_exponent`.
    pub popularity_exponent: f32,
    /// The step from found items to those that share visits with them.
    pub second_step: SecondStep,
    /// Items that are in the session already.
    pub repeats: RepeatParams,
}

/// Reaches items that no neighbour holds, over the best items found so far: two steps of a random
/// walk over items and visits instead of one (the idea of P3: Cooper et al., WWW 2014).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecondStep {
    /// How many of the best items go on; 0 switches the step off.
    pub items: usize,
    /// The most recent visits of each that are read.
    pub visits: usize,
    /// Weight of the step, shared by the visits read.
    pub weight: f32,
}

/// What brings shoppers back to an item of the session, beside the neighbours.
///
/// A third of all next clicks on the shop clicks are such returns, mostly to the item before, and
/// some sessions go back and forth all the time. The score of an item of the session is
/// `kept · s + prior · top · exp(-(n - 1) / decay) · (1 + lead_gain · leads) · exp(habit · share)`, with `s` its score
/// from neighbours, `top` the best score of items that are not in the session, `n` its distance from
/// the last event in different items, `leads` how often (at most twice) it came directly before the current
/// item, and `share` the part of the session's events that were returns. Chosen by counting
/// returns on the training part; only the exponential decay is usual in the literature.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepeatParams {
    /// How much of the neighbours' score is kept.
    pub kept: f32,
    /// Score of the item before the current one, in units of the best new item.
    pub prior: f32,
    /// How fast the prior falls with distance.
    pub decay: f32,
    /// What each step from the item to the current one adds.
    pub lead_gain: f32,
    /// How much a session's own share of returns counts.
    pub habit: f32,
}

/// The most events that are ever read of a session.
pub const EVENTS_MAX: usize = 32;

impl Default for SessionParams {
    fn default() -> SessionParams {
        SessionParams {
            events_max: 20,
            visits_per_item: 500,
            neighbours: 100,
            position_decay: 0.86,
            recency_days: 70.0,
            length_exponent: 0.5,
            rarity_exponent: 1.0,
            ahead_decay: 1.06,
            behind_decay: 3.3,
            behind_weight: 0.5,
            popularity_exponent: 0.1,
            second_step: SecondStep { items: 10, visits: 30, weight: 1.0 },
            repeats: RepeatParams {
                kept: 0.5,
                prior: 0.57,
                decay: 6.0,
                lead_gain: 2.0,
                habit: 3.0,
            },
        }
    }
}
