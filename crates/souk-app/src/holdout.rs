//! A share of the shoppers gets the shop without personalization, so that what it brings is known.

use souk_core::{ArmMark, Purpose, Purposes, SiteId};
use souk_ports::IdHash;
use xxhash_rust::xxh3::xxh3_64;

use crate::App;
use crate::config::HoldoutSettings;
use crate::ingest::AskedIds;
use crate::projections::{Use, Views, Whom};
use crate::recommend::RecommendRequest;

/// Which part of the holdout a shopper is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldoutArm {
    /// Gets personal answers, as nearly everybody.
    Personal,
    /// Gets what somebody unknown would get.
    Holdout,
}

impl HoldoutArm {
    /// Both.
    pub const ALL: [HoldoutArm; 2] = [HoldoutArm::Personal, HoldoutArm::Holdout];

    /// The name in records and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            HoldoutArm::Personal => "personal",
            HoldoutArm::Holdout => "holdout",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<HoldoutArm> {
        HoldoutArm::ALL.into_iter().find(|arm| arm.as_str() == text)
    }

    /// What records say of it.
    pub(crate) fn mark(self, settings: &HoldoutSettings) -> ArmMark {
        ArmMark { experiment: settings.experiment().into(), arm: self.as_str().into() }
    }
}

/// Draws by the keyed hash of an id: always alike, on every server, and evenly, whoever it is. Whoever is held out under a share is so under every larger one.
fn draw(settings: &HoldoutSettings, id: IdHash) -> HoldoutArm {
    let text = [settings.name.as_bytes(), &[0], &id.0].concat();
    // 53 bits, which a float holds exactly.
    let point = (xxh3_64(&text) >> 11) as f64 / (1u64 << 53) as f64;
    if point < settings.share { HoldoutArm::Holdout } else { HoldoutArm::Personal }
}

impl App {
    /// The part of the holdout that these persons are in; `None` when there is no holdout, nobody is named,
    /// or they allow no personal answers or no reports: then they are outside of it.
    ///
    /// Nor does it begin before an event has named the id: whether somebody new ever acts must not hang on the part that
    /// they are in, else the parts would keep different people. Until then everybody gets the same, ordinary answer.
    ///
    /// Whoever was met once stays where they were. Of several ids that were joined later the one that was
    /// met first decides. Whoever was not met yet is drawn by the id that is asked under.
    pub(crate) fn holdout_arm(
        &self,
        views: &Views,
        (whom, asked): (Whom, AskedIds),
        (site, withheld): (&SiteId, Purposes),
    ) -> Option<HoldoutArm> {
        let settings = &self.config.holdout;
        if settings.share <= 0.0 {
            return None;
        }
        whom.known.or(whom.alone)?;
        let id = asked.first()?;
        let may = |purpose| views.allows(whom, Use { purpose, site, withheld });
        if !may(Purpose::Analytics) || !may(Purpose::Personalization) {
            return None;
        }
        let met = views.arm_of(whom, &settings.experiment()).and_then(HoldoutArm::parse);
        Some(met.unwrap_or_else(|| draw(settings, id)))
    }

    /// How an answer to somebody who is held out came about.
    pub(crate) fn explain_holdout(&self, strategy: &str) -> String {
        format!(
            "strategy {strategy}: this shopper is held out of personalization (`{}`, `holdout.share` {}), \
             so that what it brings can be measured: nothing of theirs is used, only the page they are on",
            self.config.holdout.name, self.config.holdout.share
        )
    }
}

/// The request as somebody unknown would make it from the same page: what was looked at before says who it
/// is, the product and the cart say where they are.
pub(crate) fn impersonal(request: &RecommendRequest) -> RecommendRequest {
    let mut request = request.clone();
    request.context.session = Some(Vec::new());
    request
}

#[cfg(test)]
mod tests;
