//! Which sources with which parameters make a blend: what is chosen on validation data and written
//! to configuration.

use crate::diversity::RelevanceCurve;

use super::{
    Als, AlsParams, Blend, Company, CompanyParams, Content, ContentParams, Ease, EaseParams,
    Histories, Popularity, Rules, RulesParams, Source, Tokens, Weights,
};
use serde::{Deserialize, Serialize};

/// One source with its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceParams {
    /// [`Company`].
    Company(CompanyParams),
    /// [`Rules`].
    Rules(RulesParams),
    /// [`Content`].
    Content(ContentParams),
    /// [`Ease`].
    Ease(EaseParams),
    /// [`Als`].
    Als(AlsParams),
    /// [`Popularity`].
    Popularity,
}

impl SourceParams {
    /// Fits the source.
    pub fn fit(&self, histories: &Histories, tokens: &Tokens, threads: usize) -> Box<dyn Source> {
        match *self {
            SourceParams::Company(params) => Box::new(Company::fit(histories, params, threads)),
            SourceParams::Rules(params) => Box::new(Rules::fit(histories, params, threads)),
            SourceParams::Content(params) => Box::new(Content::fit(tokens, params)),
            SourceParams::Ease(params) => Box::new(Ease::fit(histories, params, threads)),
            SourceParams::Als(params) => Box::new(Als::fit(histories, params, threads)),
            SourceParams::Popularity => Box::new(Popularity::fit(histories)),
        }
    }

    /// What people call it, as [`Source::name`].
    pub fn name(&self) -> &'static str {
        match self {
            SourceParams::Company(_) => "company",
            SourceParams::Rules(_) => "rules",
            SourceParams::Content(_) => "content",
            SourceParams::Ease(_) => "ease",
            SourceParams::Als(_) => "als",
            SourceParams::Popularity => "popularity",
        }
    }

    /// The sources that data of this size feeds at a bearable cost, with the parameters from which a search
    /// begins.
    pub fn affordable(n_items: usize, n_rows: usize, has_tokens: bool) -> Vec<SourceParams> {
        let mut sources = vec![
            SourceParams::Company(CompanyParams::default()),
            SourceParams::Rules(RulesParams::default()),
        ];
        if has_tokens {
            sources.push(SourceParams::Content(ContentParams::default()));
        }
        if n_items <= DENSE_ITEMS_MAX && n_rows <= DENSE_ROWS_MAX {
            sources.push(SourceParams::Ease(EaseParams::default()));
            sources.push(SourceParams::Als(AlsParams::default()));
        }
        sources.push(SourceParams::Popularity);
        sources
    }

    /// Other parameters to try, one group for each parameter: the best of a group is kept before the
    /// next group is asked for.
    ///
    /// The values are chosen; those of ALS after one look at a hold-out of MovieLens in a separate script.
    pub fn variants(&self, parameter: usize) -> Option<Vec<SourceParams>> {
        fn each<P: Copy>(
            params: P,
            values: &[f32],
            set: impl Fn(&mut P, f32),
            wrap: impl Fn(P) -> SourceParams,
        ) -> Option<Vec<SourceParams>> {
            let with = |&value: &f32| {
                let mut changed = params;
                set(&mut changed, value);
                wrap(changed)
            };
            Some(values.iter().map(with).collect())
        }
        match *self {
            SourceParams::Company(params) => {
                let wrap = SourceParams::Company;
                match parameter {
                    0 => each(params, RECENCY, |p, v| p.recency = v, wrap),
                    1 => each(params, POWERS, |p, v| p.to_power = v, wrap),
                    2 => each(params, POWERS, |p, v| p.from_power = v, wrap),
                    3 => each(params, &[0.0, 0.5, 1.0], |p, v| p.length_power = v, wrap),
                    4 => each(params, &[0.6, 0.8, 0.9, 1.0], |p, v| p.distance = v, wrap),
                    5 => each(params, &[0.3, 0.6, 0.8, 1.0], |p, v| p.backward = v, wrap),
                    _ => None,
                }
            }
            SourceParams::Rules(params) => {
                let wrap = SourceParams::Rules;
                match parameter {
                    0 => each(params, RECENCY, |p, v| p.recency = v, wrap),
                    1 => each(params, &[0.3, 0.5, 0.7, 0.85, 1.0], |p, v| p.distance = v, wrap),
                    2 => each(params, POWERS, |p, v| p.to_power = v, wrap),
                    3 => each(params, POWERS, |p, v| p.from_power = v, wrap),
                    _ => None,
                }
            }
            SourceParams::Content(params) => {
                let wrap = SourceParams::Content;
                match parameter {
                    0 => each(params, RECENCY, |p, v| p.recency = v, wrap),
                    1 => each(params, &[0.5, 1.0, 1.5, 2.0], |p, v| p.rarity = v, wrap),
                    2 => each(params, &[0.3, 0.6, 1.0], |p, v| p.length_power = v, wrap),
                    _ => None,
                }
            }
            SourceParams::Ease(params) => {
                let wrap = SourceParams::Ease;
                match parameter {
                    0 => each(params, PENALTIES, |p, v| p.penalty = v, wrap),
                    1 => each(params, &[0.0, 0.3, 0.5, 0.7], |p, v| p.length_power = v, wrap),
                    2 => each(params, &[-0.1, 0.0, 0.1, 0.2], |p, v| p.to_power = v, wrap),
                    3 => each(params, &[0.7, 0.9, 0.98, 1.0], |p, v| p.recency = v, wrap),
                    4 => each(params, &[0.0, 1.0, 2.0, 4.0, 8.0], |p, v| p.nearness = v, wrap),
                    5 if params.nearness > 0.0 => {
                        each(params, &[1.5, 3.0, 6.0], |p, v| p.reach = v, wrap)
                    }
                    6 if params.nearness > 0.0 => {
                        each(params, PENALTIES, |p, v| p.penalty = v, wrap)
                    }
                    _ => None,
                }
            }
            SourceParams::Als(params) => {
                let wrap = SourceParams::Als;
                match parameter {
                    0 => each(params, &[0.1, 0.3, 1.0, 3.0], |p, v| p.unobserved = v, wrap),
                    1 => each(params, &[0.003, 0.01, 0.03], |p, v| p.penalty = v, wrap),
                    2 => each(params, &[32.0, 64.0], |p, v| p.n_factors = v as usize, wrap),
                    _ => None,
                }
            }
            SourceParams::Popularity => None,
        }
    }
}

/// Items and rows up to which EASE^R and ALS are fitted in seconds.
const DENSE_ITEMS_MAX: usize = 3_000;
const DENSE_ROWS_MAX: usize = 1_000_000;
const RECENCY: &[f32] = &[0.3, 0.5, 0.7, 0.85, 0.95, 1.0];
const POWERS: &[f32] = &[0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8];
const PENALTIES: &[f32] = &[30.0, 100.0, 200.0, 350.0, 500.0, 800.0];

/// Sources with their parameters and the weights that join them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// In the order of their weights.
    pub sources: Vec<SourceParams>,
    /// See [`Weights`].
    pub weights: Weights,
    /// The share of a list, its last places, in which items that nobody took may stand.
    pub new_share: f32,
    /// How fast the relevance of its lists falls, and that of others; absent in what older programs wrote.
    #[serde(default)]
    pub curves: ListCurves,
}

/// How fast relevance falls with the rank, by kind of list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ListCurves {
    /// In lists of the blend.
    pub blend: RelevanceCurve,
    /// In lists of the most popular items.
    pub popular: RelevanceCurve,
}

impl Recipe {
    /// These sources under equal weights, new items anywhere, curves as assumed: a beginning, until something was learned.
    pub fn new(sources: Vec<SourceParams>) -> Recipe {
        let (weights, curves) = (Weights::equal(sources.len()), ListCurves::default());
        Recipe { sources, weights, new_share: 1.0, curves }
    }

    /// Fits all sources.
    pub fn fit(&self, histories: &Histories, tokens: &Tokens, threads: usize) -> Blend {
        let fit = |params: &SourceParams| params.fit(histories, tokens, threads);
        let sources = self.sources.iter().map(fit).collect();
        let mut blend = Blend::new(sources, self.weights.clone(), histories);
        blend.set_new_share(self.new_share);
        blend
    }
}
