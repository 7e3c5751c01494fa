//! A person's change of a draft: its quantities and lines, before it is approved.
//!
//! The supplier stays, and so does the place: another supplier is another order. What the supplier's terms say against the
//! quantities is told, not forbidden: whoever telephones with a supplier knows more than the offer.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};
use souk_core::Money;
use souk_ports::Condition;
use souk_privacy::audit::{TEXT_BYTES_MAX, is_plain};

use super::orders::{LINES_MAX, not_offered, twice};
use super::{
    MoneyText, Offer, PurchaseLine, PurchaseOrder, PurchaseState, StoredSupplier, act_on, conflict,
    cost_of, invalid, store,
};
use crate::audit::hashed;
use crate::threads::aside;
use crate::{App, AppError, Caller, Operation};

/// Texts of changed lines in one entry of the audit log, by their names there.
const TEXTS: [&str; 3] = ["changed", "changed_2", "changed_3"];

/// Lines of a draft as they are to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinesChange {
    /// The version of the order that was looked at; `None` is whichever it has.
    #[serde(default)]
    pub version: Option<u64>,
    /// The lines that are to be others; lines that are not named stay as they are.
    pub lines: Vec<LineChange>,
}

/// A line of a draft as it is to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineChange {
    /// Which product; a new line where the order has none of it.
    pub product_id: String,
    /// How many units; 0 takes the line away.
    pub quantity: f64,
    /// Of one unit. When left out a price that was agreed on stays, and one that the supplier's offer says is that of the new
    /// quantity.
    #[serde(default)]
    pub unit_price: Option<MoneyText>,
}

impl PurchaseOrder {
    /// That a change rests on what the order is now.
    pub(super) fn check_version(&self, version: Option<u64>) -> Result<(), AppError> {
        match version {
            Some(version) if version != self.version => Err(AppError::Stale(format!(
                "purchase order `{}` changed since its version {version} was read: it is {} and has version {} now; read \
                 it again, then change it",
                self.id,
                self.state.as_str(),
                self.version
            ))),
            _ => Ok(()),
        }
    }

    fn by_product(&self) -> FxHashMap<&str, &PurchaseLine> {
        self.lines.iter().map(|line| (line.product_id.as_str(), line)).collect()
    }

    /// Whether its lines are so already.
    fn has(&self, change: &LinesChange) -> bool {
        let known = self.by_product();
        change.lines.iter().all(|wanted| match known.get(wanted.product_id.as_str()) {
            None => wanted.quantity == 0.0,
            Some(line) => {
                let is_price = wanted.unit_price.as_ref().is_none_or(|one| *one == line.unit_price);
                line.quantity == wanted.quantity && is_price
            }
        })
    }

    /// The draft with other lines, and what they cost together.
    fn with_lines(
        &self,
        change: &LinesChange,
        supplier: Option<&StoredSupplier>,
    ) -> Result<PurchaseOrder, AppError> {
        let offers = supplier.map(offers_of).unwrap_or_default();
        let known = self.by_product();
        let mut lines = self.lines.clone();
        // Where each stands in `lines`; those with 0 units are taken away at the end.
        let mut places: FxHashMap<&str, usize> =
            self.lines.iter().enumerate().map(|(at, line)| (&*line.product_id, at)).collect();
        let mut named: FxHashSet<&str> = FxHashSet::default();
        for (idx, wanted) in change.lines.iter().enumerate() {
            let pointer = format!("/lines/{idx}");
            if !(0.0..=1e9).contains(&wanted.quantity) {
                let detail =
                    format!("{} must be at least 0 units; 0 takes the line away", wanted.quantity);
                return Err(invalid(&format!("{pointer}/quantity"), detail));
            }
            let product = wanted.product_id.as_str();
            if !named.insert(product) {
                return Err(twice(&pointer, product));
            }
            if wanted.quantity == 0.0 {
                if let Some(at) = places.get(product) {
                    lines[*at].quantity = 0.0;
                }
                continue;
            }
            let line = (known.get(product).copied(), offers.get(product).copied());
            let price = self.price(wanted, line, &pointer)?;
            let line = PurchaseLine {
                product_id: wanted.product_id.clone(),
                quantity: wanted.quantity,
                unit_price: MoneyText::of(price),
                received: None,
            };
            match places.get(product) {
                Some(at) => lines[*at] = line,
                None => {
                    places.insert(product, lines.len());
                    lines.push(line);
                }
            }
        }
        lines.retain(|line| line.quantity > 0.0);
        if lines.len() > LINES_MAX {
            let detail = format!("the order would have {} lines; {LINES_MAX} at most", lines.len());
            return Err(invalid("/lines", detail));
        }
        let mut total: Option<Money> = None;
        for line in &lines {
            let cost = cost_of(line.unit_price.checked("/lines")?, line.quantity);
            let sum = total.map_or(Ok(cost), |sum| sum.checked_add(cost));
            total = Some(sum.map_err(|error| invalid("/lines", error.to_string()))?);
        }
        let Some(total) = total else {
            let detail = "no line would be left; cancel the order instead";
            return Err(invalid("/lines", detail));
        };
        Ok(PurchaseOrder { lines, total: MoneyText::of(total), ..self.clone() })
    }

    fn price(
        &self,
        wanted: &LineChange,
        (line, offer): (Option<&PurchaseLine>, Option<&Offer>),
        pointer: &str,
    ) -> Result<Money, AppError> {
        if let Some(price) = &wanted.unit_price {
            return price.checked(&format!("{pointer}/unit_price"));
        }
        let offered = |quantity: f64| offer.and_then(|offer| offer.unit_price(quantity));
        let Some(known) = line else {
            let none = || not_offered(pointer, &self.supplier_id, &wanted.product_id);
            return offered(wanted.quantity).ok_or_else(none);
        };
        let own = known.unit_price.checked(&format!("{pointer}/unit_price"))?;
        match offered(known.quantity) == Some(own) {
            true => Ok(offered(wanted.quantity).unwrap_or(own)),
            false => Ok(own),
        }
    }

    /// Its changed lines as `PRODUCT=BEFORE:NOW`, each of both as units and, where there are any, the price of one in minor
    /// units (`tea=12/200:12/900`), as many in a text as an entry of the audit log takes.
    fn changes_since(&self, before: &PurchaseOrder) -> Vec<String> {
        let (old, new) = (before.by_product(), self.by_product());
        let now = self.lines.iter().map(|line| {
            let was = old.get(line.product_id.as_str()).copied();
            let is_same = was.is_some_and(|was| {
                was.quantity == line.quantity && was.unit_price == line.unit_price
            });
            (!is_same).then_some((&line.product_id, was, Some(line)))
        });
        let gone = before.lines.iter().filter(|line| !new.contains_key(line.product_id.as_str()));
        let gone = gone.map(|line| Some((&line.product_id, Some(line), None)));
        let told = |line: Option<&PurchaseLine>| match line {
            Some(line) => format!("{}/{}", line.quantity, line.unit_price.amount),
            None => "0".to_owned(),
        };
        let mut texts: Vec<String> = Vec::new();
        for (product, was, is) in now.chain(gone).flatten() {
            let (was, is) = (told(was), told(is));
            let is_safe =
                product.len() <= 64 && is_plain(product) && !product.contains([',', ':', '=']);
            let name = if is_safe { product.clone() } else { hashed(product) };
            let text = format!("{name}={was}:{is}");
            match texts.last_mut() {
                Some(last) if last.len() + 1 + text.len() <= TEXT_BYTES_MAX => {
                    last.push(',');
                    last.push_str(&text);
                }
                _ => texts.push(text),
            }
        }
        texts
    }
}

fn offers_of(stored: &StoredSupplier) -> FxHashMap<&str, &Offer> {
    stored.supplier.offers.iter().map(|offer| (offer.product_id.as_str(), offer)).collect()
}

/// An amount, with its currency only where the other one's differs.
fn shown_beside(money: Money, other: Money) -> String {
    let text = money.to_string();
    match money.currency() == other.currency() {
        true => text.split(' ').next().unwrap_or(&text).to_owned(),
        false => text,
    }
}

impl App {
    /// Changes quantities and lines of a draft; its supplier and place stay. Lines that are so already change nothing.
    ///
    /// # Errors
    ///
    /// [`AppError::NotFound`], [`AppError::Denied`]; [`AppError::Stale`] where it changed since the named version,
    /// [`AppError::Conflict`] where it is no draft any more, [`AppError::Invalid`] for a quantity, price or product that
    /// cannot be, or when no line would be left.
    pub async fn change_purchase_lines(
        &self,
        id: &str,
        change: LinesChange,
        caller: &Caller,
    ) -> Result<PurchaseOrder, AppError> {
        caller.check(Operation::WritePlanning)?;
        if change.lines.is_empty() || change.lines.len() > LINES_MAX {
            let detail = format!("{} lines; must be 1 to {LINES_MAX}", change.lines.len());
            return Err(invalid("/lines", detail));
        }
        let (before, order) = {
            let _changing = self.purchasing.changing.lock().await;
            let now = self.clock.now();
            let known = self.purchase_order(id, caller).await?;
            let (site, _) = known.place()?;
            // What the order has can be changed or taken away, whatever became of the product.
            let old = known.by_product();
            let named = change.lines.iter().map(|line| line.product_id.as_str()).enumerate();
            self.check_products(&site, named.filter(|(_, product)| !old.contains_key(product)))?;
            if known.has(&change) {
                return Ok(known);
            }
            known.check_version(change.version)?;
            if known.state != PurchaseState::Draft {
                return Err(AppError::Conflict(format!(
                    "purchase order `{id}` is {}, and only a draft can be changed; cancel it and make another one",
                    known.state.as_str()
                )));
            }
            let book = self.purchasing.suppliers();
            let order = PurchaseOrder {
                changed_by: Some(caller.key_id.clone()),
                changed_at: Some(now.to_string()),
                version: known.version + 1,
                ..known.with_lines(&change, book.get(&known.supplier_id))?
            };
            let writes = store::write_order(&order, Condition::Any);
            self.parts.tables.write(&writes, now).await.map_err(conflict)?;
            self.purchasing.open.write().insert(order.id.clone(), order.clone());
            (known, order)
        };
        for texts in order.changes_since(&before).chunks(TEXTS.len()) {
            let act = act_on(&order)
                .with("amount_before", before.total.amount)
                .with("lines", order.lines.len())
                .with("version", order.version);
            let named = TEXTS.into_iter().zip(texts);
            let act = named.fold(act, |act, (name, text)| act.with(name, text));
            self.audit(caller, act).await?;
        }
        Ok(order)
    }

    /// What the supplier's terms, the caps of rules and what goes off before it sells say against a draft; a person may
    /// approve it all the same.
    pub async fn purchase_order_warnings(self: &Arc<App>, order: &PurchaseOrder) -> Vec<String> {
        if order.state != PurchaseState::Draft {
            return Vec::new();
        }
        let mut said = self.against_terms(order);
        // Forecasts may have to be made, which must not hold up others.
        let (app, order) = (Arc::clone(self), order.clone());
        // A fault in what is only said must not look as if the order itself had failed.
        let spoiling = aside("looking at what goes off", move || app.spoiling(&order)).await;
        said.extend(spoiling.unwrap_or_else(|error| vec![error.to_string()]));
        said
    }

    /// What the supplier's terms and the caps of rules say against a draft.
    fn against_terms(&self, order: &PurchaseOrder) -> Vec<String> {
        let book = self.purchasing.suppliers();
        let Some(stored) = book.get(&order.supplier_id) else { return Vec::new() };
        let Ok(total) = order.total.checked("/total") else { return Vec::new() };
        let supplier = &stored.supplier;
        let offers = offers_of(stored);
        let mut said = Vec::new();
        for line in &order.lines {
            let (product, quantity) = (&line.product_id, line.quantity);
            let Some(offer) = offers.get(product.as_str()) else {
                said.push(format!("`{}` offers no `{product}`", supplier.id));
                continue;
            };
            let price = line.unit_price.checked("/unit_price").ok();
            let differs =
                offer.unit_price(quantity).zip(price).filter(|(offered, own)| offered != own);
            if let Some((offered, own)) = differs {
                let (offered, own) = (shown_beside(offered, own), shown_beside(own, offered));
                said.push(format!("`{product}` costs {offered} by the offer, {own} here"));
            }
            if quantity < offer.minimum {
                let least = offer.minimum;
                said.push(format!(
                    "{quantity} of `{product}` is below the least quantity, {least}"
                ));
            }
            let multiples = quantity / offer.multiple;
            if (multiples - multiples.round()).abs() > 1e-6 {
                let multiple = offer.multiple;
                said.push(format!(
                    "{quantity} of `{product}` is no whole multiple of {multiple}; {} or {} are",
                    multiples.floor() * multiple,
                    multiples.ceil() * multiple
                ));
            }
        }
        said.extend(crate::replenishment::below_minimum(stored, total));
        let settings = &self.config.inventory;
        let site = self.config.sites().find(|site| site.id.as_str() == order.site);
        let is_own = site.is_some_and(|site| site.currency == total.currency());
        let caps = [
            ("approval_amount_max", settings.approval_amount_max),
            ("amount_per_supplier_day_max", settings.amount_per_supplier_day_max),
        ];
        for (name, most) in caps {
            let Some(most) = most.and_then(|most| i64::try_from(most).ok()) else { continue };
            if is_own && total.minor() > most {
                let most = Money::from_minor(most, total.currency());
                said.push(format!(
                    "{total} is above `inventory.{name}` ({most}), the cap of rules"
                ));
            }
        }
        said
    }
}

#[cfg(test)]
mod tests;
