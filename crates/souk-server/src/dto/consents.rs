use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use souk_app::{ConsentState, ConsentStatement, ConsentUpdate};
use souk_core::{Purpose, Purposes};
use utoipa::{IntoParams, ToSchema};

/// What a person allows and refuses from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsentsBody {
    /// By purpose; at least one. What is left out stays as it is.
    purposes: ChoicesBody,
    /// The version of the notice that the person saw; the one in force when left out.
    #[serde(default)]
    notice_version: Option<String>,
    /// On which site; the first one when left out.
    #[serde(default)]
    pub(crate) site: Option<String>,
}

/// Yes or no to each purpose.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChoicesBody {
    /// Answers to this person that rest on what the person did before.
    #[serde(default)]
    personalization: Option<bool>,
    /// Reports of what shoppers do.
    #[serde(default)]
    analytics: Option<bool>,
    /// Messages that nobody asked for, and everything that data is sold or shared for.
    #[serde(default)]
    marketing: Option<bool>,
    /// What everybody's answers are made of.
    #[serde(default)]
    model_training: Option<bool>,
}

impl ConsentsBody {
    pub(crate) fn into_update(self) -> ConsentUpdate {
        let choices = [
            (Purpose::Personalization, self.purposes.personalization),
            (Purpose::Analytics, self.purposes.analytics),
            (Purpose::Marketing, self.purposes.marketing),
            (Purpose::ModelTraining, self.purposes.model_training),
        ];
        let chosen = |wanted: bool| -> Purposes {
            let those = choices.iter().filter(|(_, choice)| *choice == Some(wanted));
            those.map(|(purpose, _)| *purpose).collect()
        };
        ConsentUpdate { granted: chosen(true), denied: chosen(false), notice: self.notice_version }
    }
}

/// Which site's rules.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ConsentsQuery {
    /// Whose law decides on silence; the first site when left out.
    #[param(required = false)]
    pub(crate) site: Option<String>,
}

/// What a person allows, and what that rests on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConsentsAnswer {
    /// The id that was asked for.
    user_id: String,
    /// Whose law applies; `null` where the settings name none, which means that only a yes allows.
    #[schema(required)]
    jurisdiction: Option<String>,
    /// The version of the notice in force.
    #[schema(required)]
    notice_version: Option<String>,
    /// Every purpose by its name.
    purposes: BTreeMap<&'static str, PurposeAnswer>,
    /// The newest statements, oldest first.
    history: Vec<StatementAnswer>,
}

/// One purpose.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PurposeAnswer {
    /// Whether it is allowed now.
    allowed: bool,
    /// What that rests on: `essential`, `granted`, `denied`, `stated_basis`, `unasked`, `ask_again`,
    /// `not_opted_out` or `noticed`.
    reason: &'static str,
    /// What silence means here: `opt_in`, `opt_out` or `notice`.
    mechanism: &'static str,
}

/// Something that was said.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatementAnswer {
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// What was allowed.
    granted: Vec<&'static str>,
    /// What was refused.
    denied: Vec<&'static str>,
    /// Who said so: `shopper`, `shop`, `banner`, `gpc`, `file` or `stated_basis`.
    origin: &'static str,
    /// Under which version of the notice.
    #[schema(required)]
    notice_version: Option<String>,
    /// On what ground, where the shop stated one with an import.
    #[schema(required)]
    basis: Option<&'static str>,
}

impl ConsentsAnswer {
    pub(crate) fn new(user_id: String, state: ConsentState) -> ConsentsAnswer {
        let purposes = state.purposes.into_iter().map(|one| {
            let answer = PurposeAnswer {
                allowed: one.decision.is_allowed,
                reason: one.decision.reason.as_str(),
                mechanism: one.mechanism.as_str(),
            };
            (one.purpose.as_str(), answer)
        });
        ConsentsAnswer {
            user_id,
            jurisdiction: state.jurisdiction,
            notice_version: state.notice,
            purposes: purposes.collect(),
            history: state.history.into_iter().map(StatementAnswer::from).collect(),
        }
    }
}

impl From<ConsentStatement> for StatementAnswer {
    fn from(said: ConsentStatement) -> StatementAnswer {
        let names = |set: Purposes| set.iter().map(Purpose::as_str).collect();
        StatementAnswer {
            at: said.at.to_string(),
            granted: names(said.granted),
            denied: names(said.denied),
            origin: said.origin.as_str(),
            notice_version: said.notice,
            basis: said.basis.map(souk_core::LegalBasis::as_str),
        }
    }
}

/// Support for Global Privacy Control, as its specification describes it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GpcSupport {
    /// Always true: `Sec-GPC: 1` is honoured for the request that carries it.
    pub(crate) gpc: bool,
    /// When this was last changed.
    #[serde(rename = "lastUpdate")]
    #[schema(format = Date)]
    pub(crate) last_update: &'static str,
}
