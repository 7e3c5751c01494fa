//! Does the application know what the model knows?

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use souk_app::Views;
use souk_core::{Day, LocationId, SubjectId};

use super::acts::{Acts, money, names};
use super::model::{Basket, Model, SaleKey, SaleSum, Sku, Who};
use super::world::PRODUCTS;
use super::{PLACES, SITES};

impl Acts {
    /// Compares the whole state with the model, and with a rebuild from the log.
    pub(crate) fn audit(&mut self) -> Result<()> {
        self.shop.settle()?;
        self.report.audits += 1;
        let check = self.shop.run(self.shop.app().check_views())?;
        ensure!(check.differing.is_empty(), "a rebuild differs in {:?}", check.differing);
        let mut people = BTreeMap::new();
        for who in self.everybody() {
            if let Some(subject) = self.shop.subject(who)? {
                people.insert(who, subject);
            }
        }
        let model = &self.model;
        self.shop.app().with_views(|views| {
            check_sales(views, model).context("sales")?;
            check_catalogue(views, model).context("catalogue")?;
            check_forgotten(views)?;
            people.iter().try_for_each(|(who, subject)| {
                check_person((views, model), (*who, *subject), &people)
                    .with_context(|| format!("{who:?}"))
            })
        })
    }

    fn everybody(&self) -> BTreeSet<Who> {
        let users = (0..20).map(Who::User);
        users.chain((0..20).map(Who::Browser)).chain((0..20).map(Who::Card)).collect()
    }
}

/// Every product id that anything may have named.
pub(crate) fn all_skus() -> impl Iterator<Item = Sku> {
    (0..SITES.len()).flat_map(|site| (0..PRODUCTS + 10).map(move |number| Sku { site, number }))
}

fn check_sales(views: &Views, model: &Model) -> Result<()> {
    let ever = (Day::from_number(0), Day::from_number(100_000));
    let mut found: BTreeMap<SaleKey, SaleSum> = BTreeMap::new();
    for sku in all_skus() {
        let (site, id) = names(sku);
        let Some(item) = views.catalogue.item(&site, &id) else { continue };
        for sale in views.sales.of(item, ever, &views.catalogue) {
            let place = sale.location.map(|name| {
                PLACES.iter().position(|place| place.id == name).expect("a place of the plan")
            });
            let currency = sale.currency.map(|currency| currency.as_str().to_owned());
            let wanted = SITES[sku.site].currency;
            ensure!(currency.as_deref() == Some(wanted), "{sku:?} was sold in {currency:?}");
            let day = i64::from(sale.day.number());
            let key = SaleKey { sku, place, day, is_return: sale.is_return };
            let sum = (sale.quantity_milli, sale.amount_minor, sale.orders);
            ensure!(found.insert(key, sum).is_none(), "{key:?} twice");
        }
    }
    same(&found, &model.sales())
}

/// Compares two maps and names the first entry that differs.
fn same<K: Ord + std::fmt::Debug, V: PartialEq + std::fmt::Debug>(
    found: &BTreeMap<K, V>,
    wanted: &BTreeMap<K, V>,
) -> Result<()> {
    for (key, value) in wanted {
        let is = found.get(key);
        ensure!(is == Some(value), "{key:?} is {is:?} and should be {value:?}");
    }
    let odd = found.iter().find(|(key, _)| !wanted.contains_key(key));
    ensure!(odd.is_none(), "{odd:?} should not be");
    Ok(())
}

fn check_catalogue(views: &Views, model: &Model) -> Result<()> {
    let catalogue = &views.catalogue;
    for sku in all_skus() {
        let (site, id) = names(sku);
        let item = catalogue.item(&site, &id);
        let product = item.and_then(|item| catalogue.product(item));
        match (product, model.products.get(&sku)) {
            (None, None) => {}
            (Some(product), Some(known)) => {
                let price = Some(money(sku.site, known.price_minor));
                ensure!(product.price == price, "{sku:?} costs {:?}: {known:?}", product.price);
                ensure!(product.title == known.title, "{sku:?}: {product:?}");
                ensure!(product.brand.as_ref() == Some(&known.brand), "{sku:?}: {product:?}");
                let availability = product.availability.as_str();
                ensure!(availability == known.availability, "{sku:?} is {availability}: {known:?}");
            }
            (product, known) => anyhow::bail!("{sku:?} is {product:?} and should be {known:?}"),
        }
        let Some(item) = item else { continue };
        let total = catalogue.stock_milli(item, None);
        ensure!(total == model.stock.total(sku), "{sku:?} stands at {total:?} in total");
        for (number, place) in PLACES.iter().enumerate().filter(|(_, p)| p.site == sku.site) {
            let id = LocationId::new(place.id)?;
            let (is, wanted) =
                (catalogue.stock_milli(item, Some(&id)), model.stock.at(sku, number));
            ensure!(is == wanted, "{sku:?} stands at {is:?} in {}, should be {wanted:?}", place.id);
            let is_servable = catalogue.is_servable(item, Some(&id));
            ensure!(
                is_servable == model.is_servable(sku, Some(number)),
                "{sku:?} for {}",
                place.id
            );
        }
    }
    ensure!(catalogue.len() == model.products.len(), "{} products are known", catalogue.len());
    Ok(())
}

/// What everybody did together holds nothing of anybody who was forgotten.
fn check_forgotten(views: &Views) -> Result<()> {
    for visit in views.audit().visits().chain(views.audit().baskets()) {
        let is_of_nobody =
            visit.shopper().is_some_and(|shopper| views.audit().subject(shopper).is_none());
        ensure!(!is_of_nobody, "visit {:?} is of somebody who was forgotten", visit.id());
    }
    Ok(())
}

fn check_person(
    (views, model): (&Views, &Model),
    (who, subject): (Who, SubjectId),
    people: &BTreeMap<Who, SubjectId>,
) -> Result<()> {
    let members = model.members(who);
    let found: BTreeSet<SubjectId> = views.audit().members(subject).into_iter().collect();
    // Names that nobody ever did anything under have subjects too, but not in `people`.
    let wanted: BTreeSet<SubjectId> =
        members.iter().filter_map(|member| people.get(member)).copied().collect();
    ensure!(found.is_superset(&wanted), "is {found:?} and should be {members:?}");
    let strangers: Vec<&Who> = people
        .iter()
        .filter(|(other, subject)| found.contains(subject) && !members.contains(other))
        .map(|(other, _)| other)
        .collect();
    ensure!(strangers.is_empty(), "is joined with {strangers:?}");
    let history = views.audit().history(&found.into_iter().collect::<Vec<_>>());
    let sku_of = |item| sku_of(views, item);
    let baskets: Vec<Basket> = history
        .baskets
        .iter()
        .map(|past| {
            let items = past.items.iter().map(|(item, milli)| (sku_of(*item), *milli));
            (past.at.as_ms(), items.collect())
        })
        .collect();
    let baskets = sorted(baskets);
    let wanted = model.baskets(&members);
    ensure!(baskets == wanted, "baskets are {baskets:?} and should be {wanted:?}");
    let touches = history.touches.iter();
    let touches =
        touches.map(|touch| (touch.at.as_ms(), sku_of(touch.item), touch.action.as_str()));
    let touches = sorted(touches.collect());
    let wanted = model.touches(&members);
    ensure!(touches == wanted, "touches are {touches:?} and should be {wanted:?}");
    Ok(())
}

fn sorted<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort();
    list
}

fn sku_of(views: &Views, item: souk_recommend::Item) -> Sku {
    let id = views.catalogue.product_id(item).as_str();
    let number = id[1..].parse().expect("ids of the simulation are p and a number");
    let site = views.catalogue.site(item).as_str();
    let site = SITES.iter().position(|plan| plan.id == site).expect("a site of the plan");
    Sku { site, number }
}
