//! Asks for recommendations and checks every product and every reason of the answers.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use souk_app::{Reason, ReasonKind, RecommendContext, RecommendRequest, Strategy};
use souk_core::{Filter, LocationId, ProductId};

use super::acts::{Acts, names};
use super::model::{KnownProduct, Model, Sku, Who};
use super::{DAY_MS, PLACES};

type Admits = fn(&KnownProduct) -> bool;

/// What an answer's products must satisfy, in the filter language and in plain code.
const FILTERS: [(&str, Admits); 4] = [
    ("price <= 15", |product| product.price_minor <= 1_500),
    ("brand = 'Private'", |product| product.brand == "Private"),
    ("price > 10 AND NOT brand = 'Acme'", |product| {
        product.price_minor > 1_000 && product.brand != "Acme"
    }),
    ("brand IN ['Acme', 'Nordwind'] OR price < 5", |product| {
        product.brand != "Private" || product.price_minor < 500
    }),
];

/// A request, and what the model needs to judge the answer.
struct Question {
    site: usize,
    who: Option<Who>,
    place: Option<usize>,
    filter: Option<usize>,
    exclude: Vec<Sku>,
    session: Vec<Sku>,
    request: RecommendRequest,
}

impl Acts {
    pub(crate) fn ask(&mut self) -> Result<()> {
        self.shop.settle()?;
        for _ in 0..4 {
            let question = self.question()?;
            let call = self.shop.app().recommend(&question.request, &self.shop.caller);
            let answer = self.shop.run(call)?;
            let mut seen = BTreeSet::new();
            let mut titles = BTreeSet::new();
            ensure!(answer.recommendations.len() <= question.request.limit, "too many: {answer:?}");
            for (idx, one) in answer.recommendations.iter().enumerate() {
                let about = || format!("{one:?} of {:?}", question.request);
                let id = one.product_id.as_str();
                let sku = Sku { site: question.site, number: id[1..].parse()? };
                ensure!(one.rank as usize == idx + 1, "rank of {}", about());
                ensure!(seen.insert(sku), "twice: {}", about());
                self.check_product(&question, sku).with_context(about)?;
                let title = self.model.products[&sku].title.clone();
                ensure!(titles.insert(title), "its title is there twice: {}", about());
                self.check_reason(&question, sku, &one.reason).with_context(about)?;
                self.report.recommended += 1;
            }
        }
        Ok(())
    }

    fn question(&mut self) -> Result<Question> {
        let world = &mut self.world;
        let site = world.site();
        let who =
            world.chance(80).then(|| world.anybody()).filter(|who| !matches!(who, Who::Card(_)));
        let place = world.chance(40).then(|| world.place_of(site));
        let filter = world.chance(50).then(|| world.random.below(FILTERS.len() as u64) as usize);
        let some = |world: &mut super::World, max: u64| -> Vec<Sku> {
            let count = world.random.below(max);
            (0..count).map(|_| Sku { site, ..world.sku() }).collect()
        };
        let exclude = some(world, 4);
        let session = if world.chance(30) { some(world, 5) } else { Vec::new() };
        let cart = if world.chance(30) { some(world, 4) } else { Vec::new() };
        let product = world.chance(30).then(|| Sku { site, ..world.sku() });
        let id = |sku: &Sku| -> ProductId { names(*sku).1 };
        let context = RecommendContext {
            product_id: product.as_ref().map(id),
            cart: cart.iter().map(id).collect(),
            session: (!session.is_empty()).then(|| session.iter().map(id).collect()),
            site: Some(names(Sku { site, number: 0 }).0),
            location_id: place.map(|place| LocationId::new(PLACES[place].id)).transpose()?,
            ..RecommendContext::default()
        };
        let request = RecommendRequest {
            is_gpc: false,
            user_id: who.filter(|who| matches!(who, Who::User(_))).map(Who::id),
            anonymous_id: who.filter(|who| matches!(who, Who::Browser(_))).map(Who::id),
            placement: world
                .chance(50)
                .then(|| world.one_in(&["home", "cart", "product"]).to_owned()),
            strategy: world.one_in(&Strategy::ALL),
            limit: 1 + world.random.below(12) as usize,
            context,
            filter: filter.map(|idx| Filter::parse(FILTERS[idx].0)).transpose()?,
            exclude: exclude.iter().map(id).collect(),
            explain: world.chance(30),
            ..RecommendRequest::new(Strategy::Auto, 1)
        };
        Ok(Question { site, who, place, filter, exclude, session, request })
    }

    fn check_product(&self, question: &Question, sku: Sku) -> Result<()> {
        ensure!(!question.exclude.contains(&sku), "it is excluded");
        ensure!(self.model.is_servable(sku, question.place), "it cannot be sold");
        if let Some(idx) = question.filter {
            let is_admitted = FILTERS[idx].1(&self.model.products[&sku]);
            ensure!(is_admitted, "the filter `{}` keeps it out", FILTERS[idx].0);
        }
        Ok(())
    }

    /// Every statement of a reason, against the model.
    fn check_reason(&self, question: &Question, sku: Sku, reason: &Reason) -> Result<()> {
        let model = &self.model;
        let members = question.who.map(|who| model.members(who)).unwrap_or_default();
        let evidence: Vec<Sku> = reason
            .evidence
            .iter()
            .map(|id| Ok(Sku { site: question.site, number: id.as_str()[1..].parse()? }))
            .collect::<Result<_>>()?;
        match reason.kind {
            ReasonKind::BoughtBefore => {
                let times = n_bought(model, &members, sku);
                ensure!(times > 0, "it was never bought");
                let told = number_in(&reason.text);
                ensure!(told.is_none_or(|told| told == times), "it was bought {times} times");
            }
            ReasonKind::RecentlyViewed => {
                let now = self.shop.now();
                let touches = model.touches(&members);
                let is_met =
                    touches.iter().any(|(at, other, _)| *other == sku && *at > now - 31 * DAY_MS);
                ensure!(is_met || question.session.contains(&sku), "it was not looked at");
            }
            ReasonKind::SimilarShoppers => {
                for other in evidence {
                    let elsewhere = Sku { site: 1 - other.site, ..other };
                    let is_foreign = model.has_common_buyer(sku, elsewhere);
                    let is_true = model.has_common_buyer(sku, other);
                    ensure!(
                        is_true,
                        "nobody bought {other:?} too (its namesake elsewhere: {is_foreign})"
                    );
                }
            }
            ReasonKind::BoughtTogether | ReasonKind::ViewedTogether => {
                for other in evidence {
                    let is_true = model.were_together(sku, other) || other == sku;
                    ensure!(is_true, "never met together with {other:?}");
                }
                ensure!(model.was_wanted(sku), "nobody ever met it");
            }
            ReasonKind::Popular | ReasonKind::Trending => {
                ensure!(model.was_wanted(sku), "nobody ever wanted it");
            }
            // These only say what the catalogue says.
            ReasonKind::SimilarProduct | ReasonKind::New | ReasonKind::Range => {}
            ReasonKind::Picked => bail!("no rule picks anything here"),
        }
        Ok(())
    }
}

/// In how many of the baskets it lay.
fn n_bought(model: &Model, members: &BTreeSet<Who>, sku: Sku) -> u64 {
    let baskets = model.baskets(members);
    baskets.iter().filter(|(_, items)| items.contains_key(&sku)).count() as u64
}

/// The number in a sentence such as "You bought it 3 times".
fn number_in(text: &str) -> Option<u64> {
    text.split(' ').find_map(|word| word.parse().ok())
}
