//! Whether a rule may approve what is proposed, and what happens then.

use std::collections::BTreeMap;
use std::sync::Arc;

use souk_core::{Day, LocationId, Money, ProductId, SiteId};

use super::{Automatic, PlanLine, Proposal, ReplenishmentPlan};
use crate::purchasing::{
    MoneyText, NewPurchaseLine, NewPurchaseOrder, OrderChangeRequest, PurchaseOrder, PurchaseState,
    Receipt, StoredSupplier, cost_of,
};
use crate::{App, AppError, Caller, Role};

/// Who approves by rule, in orders and in the audit log.
pub(crate) const RULE: &str = "rule";
/// The least confidence where the settings name none.
const CONFIDENCE_MIN: f64 = 0.8;

/// What a rule says of a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It approves.
    Approve,
    /// A person must look at it; why.
    Ask(Vec<String>),
}

impl ReplenishmentPlan {
    /// The order that is proposed at a supplier; `None` without a line. Goods that were received and are in no book yet may be on
    /// the shelf already, so they are not in it.
    pub fn order_at(&self, supplier_id: &str) -> Option<NewPurchaseOrder> {
        let chosen = |line: &PlanLine| {
            line.supplier().filter(|chosen| chosen.supplier_id == supplier_id).cloned()
        };
        let booked = self.lines.iter().filter(|line| !line.is_unbooked);
        let lines = booked.filter_map(|line| {
            Some(NewPurchaseLine {
                product_id: line.product.to_string(),
                quantity: line.quantity,
                // What was looked at is what is ordered, whatever the offers say by now.
                unit_price: Some(MoneyText::of(chosen(line)?.unit_price)),
            })
        });
        let lines: Vec<NewPurchaseLine> = lines.collect();
        (!lines.is_empty()).then(|| NewPurchaseOrder {
            id: None,
            supplier_id: supplier_id.to_owned(),
            site: Some(self.site.to_string()),
            location_id: self.location.to_string(),
            lines,
            expected_on: None,
        })
    }

    /// Products that are proposed at a supplier and left out of every order, because some of them were received and are in no
    /// book yet.
    pub fn left_out(&self) -> impl Iterator<Item = &ProductId> {
        let proposed = self.lines.iter().filter(|line| line.supplier().is_some());
        proposed.filter(|line| line.is_unbooked).map(|line| &line.product)
    }
}

impl App {
    /// Whether rules may approve.
    pub(crate) fn automatic(&self) -> Automatic {
        let settings = &self.config.inventory;
        Automatic {
            is_on: settings.auto_reorder.unwrap_or(false),
            is_shadow: settings.shadow,
            stopped_since: self.purchasing.stopped_since(),
        }
    }

    /// What would be ordered at each supplier, and what a rule says of it.
    pub(super) fn proposals(
        &self,
        plan: &ReplenishmentPlan,
        suppliers: &BTreeMap<String, StoredSupplier>,
    ) -> Vec<Proposal> {
        let mut by_supplier: BTreeMap<&str, Vec<&PlanLine>> = BTreeMap::new();
        for line in &plan.lines {
            if let Some(chosen) = line.supplier() {
                by_supplier.entry(&chosen.supplier_id).or_default().push(line);
            }
        }
        let made = by_supplier.into_iter().filter_map(|(id, lines)| {
            let mut costs = lines.iter().filter_map(|line| line.cost);
            let first = costs.next()?;
            let amount = costs.try_fold(first, |sum, cost| sum.checked_add(cost).ok())?;
            let decision = match self.objections(plan, &lines, (suppliers.get(id)?, amount)) {
                reasons if reasons.is_empty() => Decision::Approve,
                reasons => Decision::Ask(reasons),
            };
            let (supplier_id, n_lines) = (id.to_owned(), lines.len());
            // The lines of an order are in one currency.
            let wasted = lines
                .iter()
                .filter_map(|line| Some(cost_of(line.supplier()?.unit_price, line.waste)));
            let wasted = wasted.map(Money::minor).fold(0, i64::saturating_add);
            let waste = Money::from_minor(wasted, amount.currency());
            Some(Proposal { supplier_id, n_lines, amount, waste, decision })
        });
        made.collect()
    }

    /// Everything that speaks against approving by rule.
    fn objections(
        &self,
        plan: &ReplenishmentPlan,
        lines: &[&PlanLine],
        (stored, amount): (&StoredSupplier, Money),
    ) -> Vec<String> {
        let settings = &self.config.inventory;
        let mut reasons = Vec::new();
        if !plan.automatic.is_on {
            reasons.push("`inventory.auto_reorder` is off".to_owned());
        }
        if let Some(since) = plan.automatic.stopped_since {
            reasons.push(format!("the stop switch is set since {since}"));
        }
        for alarm in &plan.alarms {
            let (feed, kind, text) = (alarm.feed, alarm.word(), &alarm.text);
            reasons.push(format!("feed `{feed}` of `{}` is {kind}: {text}", alarm.location));
        }
        let unbooked = self.unbooked_receipt(&plan.site, &plan.location);
        reasons.extend(unbooked.map(|receipt| receipt.text()));
        reasons.extend(self.overdue_orders(|order| {
            let is_here =
                order.site == plan.site.as_str() && order.location_id == plan.location.as_str();
            is_here && order.supplier_id == stored.supplier.id
        }));
        reasons.extend(self.out_of_turn(plan, stored));
        let is_foreign = self.is_foreign(plan, amount);
        if is_foreign {
            let reason =
                format!("{amount} is in another currency than the site's, in which limits are set");
            reasons.push(reason);
        }
        match settings.approval_amount_max {
            None => reasons.push(
                "`inventory.approval_amount_max` is not set, so no amount is small enough"
                    .to_owned(),
            ),
            Some(most) => {
                let most = i64::try_from(most).unwrap_or(i64::MAX);
                if !is_foreign && amount.minor() > most {
                    let most = Money::from_minor(most, amount.currency());
                    let reason =
                        format!("{amount} is above `inventory.approval_amount_max` ({most})");
                    reasons.push(reason);
                }
            }
        }
        let least = settings.confidence_threshold.unwrap_or(CONFIDENCE_MIN);
        let doubtful =
            |line: &&&PlanLine| line.confidence.is_none_or(|confidence| confidence < least);
        let n_doubtful = lines.iter().filter(doubtful).count();
        if let Some(line) = lines.iter().find(doubtful) {
            let confidence =
                line.confidence.map_or("unknown".to_owned(), |one| format!("{one:.2}"));
            let lines = if n_doubtful == 1 { "line" } else { "lines" };
            reasons.push(format!(
                "the confidence of {n_doubtful} {lines} is below {least} (`{}`: {confidence})",
                line.product
            ));
        }
        if let Some(line) = lines.iter().find(|line| !line.warnings.is_empty()) {
            reasons.push(format!("`{}`: {}", line.product, line.warnings.join("; ")));
        }
        reasons.extend(below_minimum(stored, amount));
        reasons.extend(self.over_caps(plan, stored, amount));
        reasons
    }

    /// Whether an amount is in another currency than the site's, in which limits are set.
    fn is_foreign(&self, plan: &ReplenishmentPlan, amount: Money) -> bool {
        self.config.site(&plan.site).is_some_and(|site| site.currency != amount.currency())
    }

    /// Goods that came in and are not in the books yet are nowhere: neither on order nor on hand.
    pub(crate) fn unbooked_receipt(&self, site: &SiteId, location: &LocationId) -> Option<Receipt> {
        let receipt = self.purchasing.last_receipt(location)?;
        let views = self.views.read();
        let place = views.catalogue.find_site(site).zip(views.catalogue.location_number(location));
        let told_at = place.and_then(|place| views.supply.feed(place)?.stock_at);
        told_at.is_none_or(|told_at| told_at < receipt.at()).then_some(receipt)
    }

    /// Whether the supplier's turn has not come: levels are made for an order at each of its order days, or every
    /// `inventory.review_days`.
    fn out_of_turn(&self, plan: &ReplenishmentPlan, stored: &StoredSupplier) -> Option<String> {
        let (supplier, today) = (&stored.supplier, plan.today);
        let next = supplier.order_day(today);
        if next != today {
            return Some(format!("`{}` takes the next orders on {next}", supplier.id));
        }
        if !supplier.order_weekdays.is_empty() {
            return None;
        }
        let clock = self.place_clock(&plan.site, Some(&plan.location));
        let mut last = None;
        // What came already was ordered all the same.
        self.purchasing.each_of_rules(|order| {
            let is_here =
                order.location_id == plan.location.as_str() && order.site == plan.site.as_str();
            let counts = is_here && order.state != PurchaseState::Cancelled;
            if counts && order.supplier_id == supplier.id {
                last = last.max(order.approved().map(|at| clock.day(at).number()));
            }
        });
        let due = last? + i32::try_from(self.config.inventory.review_days).unwrap_or(i32::MAX);
        (today.number() < due).then(|| {
            format!(
                "`{}` was asked on {}; the next order is due on {}, unless a person thinks otherwise",
                supplier.id,
                Day::from_number(last.unwrap_or_default()),
                Day::from_number(due)
            )
        })
    }

    /// What rules approved at the supplier today already, against the caps.
    fn over_caps(
        &self,
        plan: &ReplenishmentPlan,
        stored: &StoredSupplier,
        amount: Money,
    ) -> Vec<String> {
        let settings = &self.config.inventory;
        let now = self.clock.now();
        let (mut n, mut sum) = (0u64, 0i64);
        self.purchasing.each_of_rules(|order| {
            let is_ours = order.supplier_id == stored.supplier.id
                && order.approved_by.as_deref() == Some(RULE);
            let at = order.approved();
            let place = LocationId::new(order.location_id.as_str()).ok();
            let is_today = at.is_some_and(|at| {
                let clock = self.place_clock(&plan.site, place.as_ref());
                clock.day(at) == clock.day(now)
            });
            if is_ours && is_today {
                n += 1;
                if order.total.currency == amount.currency().as_str() {
                    sum = sum.saturating_add(order.total.amount);
                }
            }
        });
        let mut reasons = Vec::new();
        if n >= settings.orders_per_supplier_day_max {
            reasons.push(format!(
                "{n} orders at `{}` were approved by rule today; `inventory.orders_per_supplier_day_max` is {}",
                stored.supplier.id, settings.orders_per_supplier_day_max
            ));
        }
        if let Some(most) = settings.amount_per_supplier_day_max {
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            if !self.is_foreign(plan, amount) && sum.saturating_add(amount.minor()) > most {
                reasons.push(format!(
                    "with {amount} the day's orders at `{}` pass `inventory.amount_per_supplier_day_max` ({})",
                    stored.supplier.id,
                    Money::from_minor(most, amount.currency())
                ));
            }
        }
        reasons
    }

    /// Makes and approves purchase orders at every place, where the rule says so. Nothing is sent.
    ///
    /// # Errors
    ///
    /// As the tables.
    pub async fn reorder_by_rule(self: &Arc<App>) -> Result<Vec<PurchaseOrder>, AppError> {
        let automatic = self.automatic();
        if !automatic.is_on || automatic.is_shadow || automatic.stopped_since.is_some() {
            return Ok(Vec::new());
        }
        let mut made = Vec::new();
        for (site, location) in self.places_with_stock() {
            let plan = self.replenishment((&site, &location), &Caller::local_admin()).await?;
            for proposal in &plan.proposals {
                if proposal.decision != Decision::Approve {
                    continue;
                }
                // The first orders of this round count against the caps of the next.
                let suppliers = self.purchasing.suppliers();
                let Some(stored) = suppliers.get(&proposal.supplier_id) else { continue };
                if !self.over_caps(&plan, stored, proposal.amount).is_empty() {
                    continue;
                }
                made.extend(self.approve_proposal(&plan, &proposal.supplier_id).await?);
            }
        }
        Ok(made)
    }

    async fn approve_proposal(
        &self,
        plan: &ReplenishmentPlan,
        supplier_id: &str,
    ) -> Result<Option<PurchaseOrder>, AppError> {
        let Some(new) = plan.order_at(supplier_id) else { return Ok(None) };
        let caller = Caller::new(RULE.to_owned(), Role::Planner);
        let text = format!("{}\u{0}{}\u{0}{supplier_id}", plan.site, plan.location);
        let hash = xxhash_rust::xxh3::xxh3_64(text.as_bytes());
        // The same day's second try meets the first one's order.
        let new = NewPurchaseOrder { id: Some(format!("rule-{}-{hash:016x}", plan.today)), ..new };
        let order = match self.create_purchase_order(new, &caller).await {
            Ok(order) => order,
            Err(AppError::Conflict(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        self.approve_made(order, &caller).await
    }

    /// Approves an order that the rule made, unless somebody changed it, moved it on or stopped all meanwhile: that is theirs,
    /// and other orders do not wait for it.
    pub(super) async fn approve_made(
        &self,
        order: PurchaseOrder,
        caller: &Caller,
    ) -> Result<Option<PurchaseOrder>, AppError> {
        if order.state != PurchaseState::Draft || self.purchasing.stopped_since().is_some() {
            return Ok(None);
        }
        let approve = OrderChangeRequest {
            state: PurchaseState::Approved,
            version: Some(order.version),
            on: None,
            received: None,
        };
        match self.change_purchase_order(&order.id, approve, caller).await {
            Err(AppError::Conflict(_) | AppError::Stale(_)) => Ok(None),
            approved => approved.map(Some),
        }
    }

    /// Every place of every site where stock was ever told.
    pub(super) fn places_with_stock(&self) -> Vec<(SiteId, LocationId)> {
        let views = self.views.read();
        let told = views.supply.places().filter(|place| {
            place.1 != crate::projections::NO_LOCATION
                && views.supply.feed(*place).is_some_and(|feed| feed.stock_at.is_some())
        });
        let places = told.filter_map(|(site, number)| {
            let site = SiteId::new(views.catalogue.site_name(site)).ok()?;
            let id = LocationId::new(views.catalogue.location(number)).ok()?;
            self.config.site(&site).map(|_| (site, id))
        });
        let mut places: Vec<(SiteId, LocationId)> = places.collect();
        places.sort();
        places
    }
}

pub(crate) fn below_minimum(stored: &StoredSupplier, amount: Money) -> Option<String> {
    let minimum = stored.supplier.minimum_order.as_ref()?.checked("").ok()?;
    let is_below = minimum.currency() == amount.currency() && amount.minor() < minimum.minor();
    is_below.then(|| {
        format!("{amount} is below the least order of `{}`, {minimum}", stored.supplier.id)
    })
}
