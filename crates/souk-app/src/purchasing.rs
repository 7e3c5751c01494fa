//! Suppliers and purchase orders: stored in the tables, read from memory, changed with an entry in the audit log.
//!
//! Neither is a fold of the log, because nothing else is derived from them. The process that owns the data
//! folder reads both at its start and changes tables and memory together. Nothing here is about shoppers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::RwLock;
use souk_core::{Day, LocationId, SiteId, Timestamp};
use souk_ports::{Condition, TableError, TableStore, WRITES_MAX};

use crate::{App, AppError, AuditAct, AuditObject, AuditOperation, Caller, Operation};

mod calendar;
mod change;
mod list;
mod money;
mod orders;
mod receipt;
mod store;
mod suppliers;
#[cfg(test)]
pub(crate) mod tests;

pub use orders::{
    NewPurchaseLine, NewPurchaseOrder, OrderChangeRequest, PurchaseLine, PurchaseOrder,
    PurchaseState, ReceivedLine,
};
pub use suppliers::{Offer, PriceBreak, StoredSupplier, Supplier, SupplierRecord};

pub use change::{LineChange, LinesChange};
pub use list::{ORDERS_PAGE_MAX, OrdersAsked, OrdersPage};
pub use money::MoneyText;

pub(crate) use orders::cost_of;
pub(crate) use receipt::Receipt;

/// Suppliers of one installation (chosen).
const SUPPLIERS_MAX: usize = 10_000;
/// Suppliers in one call (chosen).
pub const PUT_SUPPLIERS_MAX: usize = 1_000;
/// Purchase orders that are neither received nor cancelled (chosen: a chain's month).
const OPEN_ORDERS_MAX: usize = 100_000;
/// Closed orders of rules that are kept at hand; chosen: more than any caps let through in a day.
const CLOSED_KEPT: usize = 10_000;

/// The suppliers and open purchase orders of the running application.
#[derive(Debug)]
pub(crate) struct Purchasing {
    suppliers: ArcSwap<BTreeMap<String, StoredSupplier>>,
    open: RwLock<BTreeMap<String, PurchaseOrder>>,
    /// Whether nothing may be approved by rule until somebody says otherwise.
    stopped: RwLock<Option<Timestamp>>,
    /// By place: what was received there last.
    receipts: RwLock<BTreeMap<String, Receipt>>,
    /// Orders that a rule approved and that are closed since, for the caps of a day; the last ones, and none of before
    /// a start.
    closed_of_rules: RwLock<VecDeque<PurchaseOrder>>,
    /// Held while anything changes, so that tables and memory change in one order.
    changing: tokio::sync::Mutex<()>,
}

impl Purchasing {
    pub(crate) async fn open(
        tables: &dyn TableStore,
        now: Timestamp,
    ) -> Result<Purchasing, AppError> {
        let suppliers = store::load_suppliers(tables, now).await?;
        let open = store::load_open(tables, now).await?;
        Ok(Purchasing {
            suppliers: ArcSwap::from_pointee(suppliers),
            open: RwLock::new(open),
            stopped: RwLock::new(store::load_stop(tables, now).await?),
            receipts: RwLock::new(store::load_receipts(tables, now).await?),
            closed_of_rules: RwLock::default(),
            changing: tokio::sync::Mutex::default(),
        })
    }

    /// The suppliers of this moment.
    pub(crate) fn suppliers(&self) -> Arc<BTreeMap<String, StoredSupplier>> {
        self.suppliers.load_full()
    }

    /// Looks at every open purchase order.
    pub(crate) fn each_open(&self, mut look: impl FnMut(&PurchaseOrder)) {
        self.open.read().values().for_each(&mut look);
    }

    /// Looks at the open orders and at the latest closed ones that a rule approved.
    pub(crate) fn each_of_rules(&self, mut look: impl FnMut(&PurchaseOrder)) {
        self.each_open(&mut look);
        self.closed_of_rules.read().iter().for_each(look);
    }

    /// What was received last at a place.
    pub(crate) fn last_receipt(&self, location: &LocationId) -> Option<Receipt> {
        self.receipts.read().get(location.as_str()).cloned()
    }

    /// Since when nothing may be approved by rule.
    pub(crate) fn stopped_since(&self) -> Option<Timestamp> {
        *self.stopped.read()
    }
}

impl App {
    /// Every supplier, in the order of their ids.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role.
    pub fn suppliers(&self, caller: &Caller) -> Result<Vec<StoredSupplier>, AppError> {
        caller.check(Operation::ReadPlanning)?;
        Ok(self.purchasing.suppliers().values().cloned().collect())
    }

    /// Stores suppliers, replacing those of the same ids; what was learned of them stays.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role, [`AppError::Invalid`] for a supplier that contradicts itself or
    /// too many, in which case none is stored.
    pub async fn put_suppliers(
        &self,
        suppliers: Vec<Supplier>,
        caller: &Caller,
    ) -> Result<usize, AppError> {
        caller.check(Operation::WritePlanning)?;
        self.check_everywhere(caller)?;
        if suppliers.len() > PUT_SUPPLIERS_MAX {
            let detail = format!(
                "{} suppliers; the limit is {PUT_SUPPLIERS_MAX}; send them in several calls",
                suppliers.len()
            );
            return Err(AppError::invalid("too_many_suppliers", "/suppliers", detail));
        }
        for (idx, supplier) in suppliers.iter().enumerate() {
            supplier.check(&format!("/suppliers/{idx}"))?;
        }
        let n = suppliers.len();
        {
            let _changing = self.purchasing.changing.lock().await;
            let now = self.clock.now();
            let mut book = BTreeMap::clone(&self.purchasing.suppliers());
            // Of one that is there twice, the later one stays.
            let latest: BTreeMap<String, Supplier> =
                suppliers.into_iter().map(|one| (one.id.clone(), one)).collect();
            let latest: Vec<Supplier> = latest.into_values().collect();
            let n_new = latest.iter().filter(|one| !book.contains_key(&one.id)).count();
            if book.len() + n_new > SUPPLIERS_MAX {
                let detail = format!(
                    "{} suppliers and {n_new} new ones; the limit is {SUPPLIERS_MAX}",
                    book.len()
                );
                return Err(AppError::Conflict(detail));
            }
            for some in latest.chunks(WRITES_MAX) {
                let writes: Vec<_> = some.iter().map(store::write_supplier).collect();
                self.parts.tables.write(&writes, now).await?;
                for supplier in some {
                    let record = book.get(&supplier.id).map(|known| known.record);
                    let stored = StoredSupplier {
                        supplier: supplier.clone(),
                        record: record.unwrap_or_default(),
                    };
                    book.insert(supplier.id.clone(), stored);
                }
                self.purchasing.suppliers.store(Arc::new(book.clone()));
            }
        }
        let act = AuditAct::new(AuditOperation::SupplierChange).on(AuditObject::data("suppliers"));
        self.audit(caller, act.with("rows", n)).await?;
        Ok(n)
    }

    /// Open purchase orders that the caller may see, in the order of their ids; with `Some(location)` only
    /// those for this place.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role or for a place that is not the caller's.
    pub(crate) fn open_purchase_orders(
        &self,
        location: Option<&LocationId>,
        caller: &Caller,
    ) -> Result<Vec<PurchaseOrder>, AppError> {
        caller.check(Operation::ReadPlanning)?;
        self.noted(caller, caller.check_location(location))?;
        let mut found = Vec::new();
        self.purchasing.each_open(|order| {
            let is_asked = location.is_none_or(|location| order.location_id == location.as_str());
            if is_asked && self.is_in_place(order, caller) {
                found.push(order.clone());
            }
        });
        Ok(found)
    }

    /// A purchase order in whatever state.
    ///
    /// # Errors
    ///
    /// [`AppError::NotFound`], [`AppError::Denied`]; as the tables.
    pub async fn purchase_order(
        &self,
        id: &str,
        caller: &Caller,
    ) -> Result<PurchaseOrder, AppError> {
        caller.check(Operation::ReadPlanning)?;
        let open = self.purchasing.open.read().get(id).cloned();
        let found = match open {
            Some(order) => Some(order),
            None => store::closed(&*self.parts.tables, (id, self.clock.now())).await?,
        };
        let order = found.filter(|order| self.is_in_place(order, caller));
        order.ok_or_else(|| not_found(id))
    }

    /// Makes a purchase order, as a draft: nothing is ordered by it. One of the same id and content is there
    /// already and answered as it is.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`], [`AppError::Invalid`] for an unknown supplier, product, price or quantity,
    /// [`AppError::Conflict`] for another order of the same id.
    pub async fn create_purchase_order(
        &self,
        new: NewPurchaseOrder,
        caller: &Caller,
    ) -> Result<PurchaseOrder, AppError> {
        caller.check(Operation::WritePlanning)?;
        let order = self.drafted(new, caller)?;
        self.store_new_order(order, caller).await
    }

    /// As [`App::create_purchase_order`], in a state that the order has elsewhere already.
    pub(crate) async fn take_over_purchase_order(
        &self,
        order: PurchaseOrder,
        caller: &Caller,
    ) -> Result<PurchaseOrder, AppError> {
        caller.check(Operation::WritePlanning)?;
        self.store_new_order(order, caller).await
    }

    async fn store_new_order(
        &self,
        order: PurchaseOrder,
        caller: &Caller,
    ) -> Result<PurchaseOrder, AppError> {
        let now = self.clock.now();
        {
            let _changing = self.purchasing.changing.lock().await;
            let known = self.purchasing.open.read().get(&order.id).cloned();
            let known = match known {
                Some(known) => Some(known),
                None => store::closed(&*self.parts.tables, (&order.id, now)).await?,
            };
            if let Some(known) = known {
                return match known.is_same_wish(&order) {
                    true => Ok(known),
                    false => Err(AppError::Conflict(format!(
                        "there is another purchase order `{}`; give this one an id of its own",
                        order.id
                    ))),
                };
            }
            if self.purchasing.open.read().len() >= OPEN_ORDERS_MAX {
                return Err(AppError::Conflict(format!(
                    "{OPEN_ORDERS_MAX} purchase orders are open, which is the limit; receive or cancel some"
                )));
            }
            let writes = store::write_order(&order, Condition::Absent);
            self.parts.tables.write(&writes, now).await.map_err(conflict)?;
            if order.state.is_open() {
                self.purchasing.open.write().insert(order.id.clone(), order.clone());
            }
        }
        self.audit(caller, act_on(&order).with("lines", order.lines.len())).await?;
        Ok(order)
    }

    /// Moves a purchase order on: `draft → approved → sent → received`, or `cancelled` before it is received.
    /// The state that it has already is answered as it is. A receipt teaches the supplier's lead time and
    /// reliability.
    ///
    /// # Errors
    ///
    /// [`AppError::Conflict`] for a step that is none and for other quantities than were received, [`AppError::NotFound`], [`AppError::Denied`],
    /// [`AppError::Invalid`] for a day before the one of sending or lines that the order does not have.
    pub async fn change_purchase_order(
        &self,
        id: &str,
        change: OrderChangeRequest,
        caller: &Caller,
    ) -> Result<PurchaseOrder, AppError> {
        caller.check(Operation::WritePlanning)?;
        let order = {
            let _changing = self.purchasing.changing.lock().await;
            let now = self.clock.now();
            let known = self.purchase_order(id, caller).await?;
            if known.says(&change) {
                return Ok(known);
            }
            known.check_version(change.version)?;
            if known.state == PurchaseState::Received && change.state == known.state {
                return Err(AppError::Conflict(format!(
                    "purchase order `{id}` was received with other quantities; correct the stock with a count, the \
                     order stays as it is"
                )));
            }
            if caller.key_id == crate::replenishment::RULE
                && self.purchasing.stopped_since().is_some()
            {
                return Err(AppError::Conflict("the stop switch is set".to_owned()));
            }
            if caller.key_id == crate::replenishment::RULE && known.changed_by.is_some() {
                return Err(AppError::Conflict(format!(
                    "a person changed purchase order `{id}`; a person approves it"
                )));
            }
            let (site, location) = known.place()?;
            let today = self.place_clock(&site, Some(&location)).day(now);
            let who = caller.key_id.clone();
            let book = self.purchasing.suppliers();
            let supplier = book.get(&known.supplier_id);
            let order = known.moved(&change, (today, now, &who), supplier)?;
            let mut writes = store::write_order(&order, Condition::Any);
            let learned = match order.state {
                PurchaseState::Received => supplier.map(|known| known.after(&order)),
                _ => None,
            };
            writes.extend(learned.as_ref().map(store::write_record));
            let receipt = (order.state == PurchaseState::Received).then(|| {
                let before = self.unbooked_receipt(&site, &location);
                Receipt::of(&order, now, before)
            });
            writes.extend(receipt.iter().map(|one| store::write_receipt(location.as_str(), one)));
            self.parts.tables.write(&writes, now).await.map_err(conflict)?;
            if let Some(receipt) = receipt {
                // Before the order leaves the position, so that no rule sees the goods nowhere.
                self.purchasing.receipts.write().insert(location.to_string(), receipt);
            }
            let mut open = self.purchasing.open.write();
            if order.state.is_open() {
                open.insert(order.id.clone(), order.clone());
            } else {
                open.remove(&order.id);
                if order.approved_by.as_deref() == Some(crate::replenishment::RULE) {
                    let mut closed = self.purchasing.closed_of_rules.write();
                    if closed.len() == CLOSED_KEPT {
                        closed.pop_front();
                    }
                    closed.push_back(order.clone());
                }
            }
            drop(open);
            if let Some(learned) = learned {
                let mut book = BTreeMap::clone(&book);
                book.insert(learned.supplier.id.clone(), learned);
                self.purchasing.suppliers.store(Arc::new(book));
            }
            order
        };
        self.audit(caller, act_on(&order)).await?;
        Ok(order)
    }

    /// Forbids or allows approvals by rule, over restarts. Orders by persons are not touched by it.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role; as the tables.
    pub async fn stop_replenishment(
        &self,
        switch: StopSwitch,
        caller: &Caller,
    ) -> Result<(), AppError> {
        caller.check(Operation::WritePlanning)?;
        if switch == StopSwitch::Running {
            // Whoever sees danger may stop everything; to let it go on is for who answers for all of it.
            self.check_everywhere(caller)?;
        }
        let now = self.clock.now();
        {
            let _changing = self.purchasing.changing.lock().await;
            let since = (switch == StopSwitch::Stopped).then_some(now);
            // In memory first: nothing may slip through while the tables are written.
            if since.is_some() {
                *self.purchasing.stopped.write() = since;
            }
            self.parts.tables.write(&[store::write_stop(since)], now).await?;
            *self.purchasing.stopped.write() = since;
        }
        let act = AuditAct::new(AuditOperation::ReplenishmentSwitch)
            .on(AuditObject::data("replenishment"))
            .with("state", switch.as_str());
        self.audit(caller, act).await.map(drop)
    }

    /// A key that is bound to places changes nothing that concerns all of them.
    fn check_everywhere(&self, caller: &Caller) -> Result<(), AppError> {
        let is_bound = !caller.places.sites.is_empty() || !caller.places.locations.is_empty();
        let what = "change what concerns every place with this key, which is bound to some";
        let denied = AppError::Denied { role: caller.role.as_str(), what };
        self.noted(caller, if is_bound { Err(denied) } else { Ok(()) })
    }

    fn is_in_place(&self, order: &PurchaseOrder, caller: &Caller) -> bool {
        let place = order.place();
        place.is_ok_and(|(site, location)| {
            caller.check_site(&site).is_ok() && caller.check_location(Some(&location)).is_ok()
        })
    }

    /// That the settings name a place or a fact was told of it; else what to do.
    pub(crate) fn check_place(&self, location: &LocationId) -> Result<(), String> {
        let views = self.views.read();
        // Where no place is known yet, orders and signals may be the first that is told of them.
        let is_first = self.config.locations.is_empty() && !views.catalogue.has_locations();
        let is_known = is_first
            || self.config.location(location).is_some()
            || views.catalogue.location_number(location).is_some();
        is_known.then_some(()).ok_or_else(|| {
            format!(
                "`{location}` is no place that the settings name or any fact was told of; add it to `locations` in \
                 souk.yaml, or import its stock first"
            )
        })
    }

    /// The draft of a wish; nothing is stored.
    pub(crate) fn drafted(
        &self,
        new: NewPurchaseOrder,
        caller: &Caller,
    ) -> Result<PurchaseOrder, AppError> {
        let site = match &new.site {
            Some(site) => {
                SiteId::new(site.as_str()).map_err(|error| invalid("/site", error.to_string()))?
            }
            None => self.config.main_site(),
        };
        if self.config.site(&site).is_none() {
            let detail =
                format!("`{site}` is not a site of this shop; add it to `sites` in souk.yaml");
            return Err(invalid("/site", detail));
        }
        let location = LocationId::new(new.location_id.as_str())
            .map_err(|error| invalid("/location_id", error.to_string()))?;
        let places = caller.check_site(&site).and_then(|()| caller.check_location(Some(&location)));
        self.noted(caller, places)?;
        let book = self.purchasing.suppliers();
        let supplier = book.get(&new.supplier_id).ok_or_else(|| {
            let detail = format!(
                "there is no supplier `{}`; make it with PUT /v1/suppliers first",
                shown(&new.supplier_id)
            );
            invalid("/supplier_id", detail)
        })?;
        let now = self.clock.now();
        let today: Day = self.place_clock(&site, Some(&location)).day(now);
        let draft = PurchaseOrder::draft(new, (&site, supplier), (today, now))?;
        self.check_place(&location).map_err(|detail| invalid("/location_id", detail))?;
        let products = draft.lines.iter().map(|line| line.product_id.as_str());
        self.check_products(&site, products.enumerate())?;
        Ok(draft)
    }

    /// That the products of lines, each with its line's place, are in the catalogue.
    fn check_products<'a>(
        &self,
        site: &SiteId,
        products: impl Iterator<Item = (usize, &'a str)>,
    ) -> Result<(), AppError> {
        let views = self.views.read();
        for (idx, product) in products {
            let known = souk_core::ProductId::new(product).ok();
            if known.and_then(|id| views.catalogue.item(site, &id)).is_none() {
                let detail = format!(
                    "product `{}` does not exist; put it into the catalogue first",
                    shown(product)
                );
                return Err(invalid(&format!("/lines/{idx}/product_id"), detail));
            }
        }
        Ok(())
    }
}

/// Whether approvals by rule are forbidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSwitch {
    /// Nothing is approved by rule.
    Stopped,
    /// The settings decide.
    Running,
}

impl StopSwitch {
    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            StopSwitch::Stopped => "stopped",
            StopSwitch::Running => "running",
        }
    }
}

pub(crate) fn invalid(pointer: &str, detail: impl Into<String>) -> AppError {
    AppError::invalid("invalid_input", pointer, detail)
}

/// What a client wrote, short enough to repeat.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

fn not_found(id: &str) -> AppError {
    AppError::NotFound { what: "purchase order", id: shown(id) }
}

fn conflict(error: TableError) -> AppError {
    match error {
        TableError::Conflict { .. } => AppError::Conflict(
            "the purchase order changed meanwhile; read it again, then change it".to_owned(),
        ),
        error => error.into(),
    }
}

fn act_on(order: &PurchaseOrder) -> AuditAct {
    AuditAct::new(AuditOperation::PurchaseOrderChange)
        .on(AuditObject::of("purchase_order", &order.id))
        .with("state", order.state.as_str())
        .with("amount", order.total.amount)
}
