use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use rustc_hash::FxHashSet;
use souk_core::{LegalBasis, Product, ProductId};
use tokio::task::JoinHandle;

use super::rejected::RejectedRows;
use super::{Draft, DraftFact, ImportOptions};
use crate::sheet::RowFault;
use crate::{
    App, AppError, BATCH_EVENTS_MAX, BODY_BYTES_MAX, Caller, IncomingConsent, IncomingEvent,
    IncomingFact, IncomingIds, IncomingLine, IncomingOrder, IngestCall, IngestRequest,
};

/// Appends that are on their way at once: enough that the next batch is made while one is synced.
const IN_FLIGHT_MAX: usize = 6;

/// What became of the drafts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fed {
    /// New and durable.
    pub accepted: u64,
    /// Known before.
    pub duplicates: u64,
    /// Refused at the door.
    pub rejected: u64,
}

/// Brings drafts to the door in batches, several of them on their way at once, and knows how many
/// are durable without a gap.
pub(crate) struct Feeder {
    app: Arc<App>,
    options: ImportOptions,
    in_flight: VecDeque<(u64, JoinHandle<Result<Outcome, AppError>>)>,
    fed: Fed,
    units_done: u64,
    /// Products that were seen so far: of one that comes twice, the second is never passed over,
    /// because the first may still be on its way.
    products_seen: FxHashSet<ProductId>,
}

/// What became of one batch.
pub(crate) struct Outcome {
    pub(crate) accepted: u64,
    pub(crate) duplicates: u64,
    pub(crate) faults: Vec<RowFault>,
}

impl Feeder {
    pub(crate) fn new(app: &Arc<App>, options: &ImportOptions) -> Feeder {
        Feeder {
            app: Arc::clone(app),
            options: options.clone(),
            in_flight: VecDeque::new(),
            fed: Fed::default(),
            units_done: 0,
            products_seen: FxHashSet::default(),
        }
    }

    /// Sends a batch on its way; waits while too many are.
    pub(crate) async fn feed(
        &mut self,
        mut drafts: Vec<(u64, Draft)>,
        rejected: &mut RejectedRows,
    ) -> Result<(), AppError> {
        if drafts.is_empty() {
            return Ok(());
        }
        while self.in_flight.len() >= IN_FLIGHT_MAX {
            self.settle(rejected).await?;
        }
        let (app, options, count) =
            (Arc::clone(&self.app), self.options.clone(), drafts.len() as u64);
        drafts.retain(|(_, draft)| !self.is_known_product(draft));
        self.fed.duplicates += count - drafts.len() as u64;
        let task = tokio::spawn(async move { take_in(&app, drafts, &options).await });
        self.in_flight.push_back((count, task));
        Ok(())
    }

    /// Whether the catalogue has exactly this product: putting it again would only grow the log.
    fn is_known_product(&mut self, draft: &Draft) -> bool {
        let DraftFact::Product(product) = &draft.fact else { return false };
        let is_first = self.products_seen.insert(product.id.clone());
        let known = || self.app.product(&product.site, &product.id);
        is_first && known().is_some_and(|known| *known == **product)
    }

    /// Waits for the oldest batch.
    async fn settle(&mut self, rejected: &mut RejectedRows) -> Result<(), AppError> {
        let Some((count, task)) = self.in_flight.pop_front() else { return Ok(()) };
        let outcome = task.await.map_err(|error| AppError::Bug(error.to_string()))??;
        self.fed.accepted += outcome.accepted;
        self.fed.duplicates += outcome.duplicates;
        self.fed.rejected += outcome.faults.len() as u64;
        self.units_done += count;
        rejected.add(outcome.faults)
    }

    /// How many drafts are durable, from the first on without a gap.
    pub(crate) fn units_done(&self) -> u64 {
        self.units_done
    }

    /// Waits for every batch.
    pub(crate) async fn finish(mut self, rejected: &mut RejectedRows) -> Result<Fed, AppError> {
        while !self.in_flight.is_empty() {
            self.settle(rejected).await?;
        }
        Ok(self.fed)
    }
}

/// Hands a batch to the door: products, messages and events by the way that each has.
async fn take_in(
    app: &App,
    drafts: Vec<(u64, Draft)>,
    options: &ImportOptions,
) -> Result<Outcome, AppError> {
    let mut outcome = Outcome { accepted: 0, duplicates: 0, faults: Vec::new() };
    let (mut products, mut messages, mut events) = (Vec::new(), Vec::new(), Vec::new());
    for (line, draft) in drafts {
        if !app.is_time_acceptable(draft.at) {
            let reason = format!("{} is more than a day ahead of the shop's clock", draft.at);
            outcome.faults.push(RowFault { line, column: "timestamp".to_owned(), reason });
            continue;
        }
        match draft.fact {
            DraftFact::Product(product) => products.push((line, *product)),
            DraftFact::Message(text) => messages.push((line, text)),
            _ => events.push(incoming(draft, options)),
        }
    }
    put_products(app, products, &mut outcome).await?;
    send_messages(app, (messages, options.basis), &mut outcome).await?;
    for admitted in app.ingest_events(events).await? {
        if admitted.is_duplicate {
            outcome.duplicates += 1;
        } else {
            outcome.accepted += 1;
        }
    }
    Ok(outcome)
}

async fn put_products(
    app: &App,
    products: Vec<(u64, Product)>,
    outcome: &mut Outcome,
) -> Result<(), AppError> {
    if products.is_empty() {
        return Ok(());
    }
    let (lines, products): (Vec<u64>, Vec<Product>) = products.into_iter().unzip();
    let answer = app.put_products(products, &Caller::local_admin()).await?;
    outcome.accepted += answer.accepted as u64;
    outcome.faults.extend(answer.rejected.into_iter().map(|rejection| RowFault {
        line: lines[rejection.index],
        column: String::new(),
        reason: rejection.detail,
    }));
    Ok(())
}

/// Sends events in Segment's shape as the batches in which its clients send them.
async fn send_messages(
    app: &App,
    (messages, basis): (Vec<(u64, Box<str>)>, Option<LegalBasis>),
    outcome: &mut Outcome,
) -> Result<(), AppError> {
    let mut rest = messages.as_slice();
    while !rest.is_empty() {
        let mut body = String::from("{\"batch\":[");
        let mut n_taken = 0;
        for (_, text) in rest {
            let is_full =
                body.len() + text.len() + 3 > BODY_BYTES_MAX || n_taken == BATCH_EVENTS_MAX;
            if n_taken > 0 && is_full {
                break;
            }
            if n_taken > 0 {
                body.push(',');
            }
            body.push_str(text);
            n_taken += 1;
        }
        body.push_str("]}");
        let (taken, left) = rest.split_at(n_taken);
        let caller = Caller::local_admin();
        let request = IngestRequest {
            call: IngestCall::Batch,
            body: body.as_bytes(),
            caller: &caller,
            is_gpc: false,
            basis,
        };
        let answer = app.ingest(request).await?;
        outcome.accepted += answer.accepted as u64;
        outcome.duplicates += answer.duplicates as u64;
        outcome.faults.extend(answer.rejected.into_iter().map(|rejection| RowFault {
            line: taken[rejection.index].0,
            column: String::new(),
            reason: rejection.detail,
        }));
        rest = left;
    }
    Ok(())
}

/// A draft in the door's own terms.
fn incoming(draft: Draft, options: &ImportOptions) -> IncomingEvent<'static> {
    let id = match &draft.message_id {
        Some(id) => id.to_string(),
        None => draft.content_id(&options.site),
    };
    let owned = |id: Option<Box<str>>| id.map(|id| Cow::Owned(id.into_string()));
    let fact = match draft.fact {
        DraftFact::Interaction(interaction) => IncomingFact::Interaction(interaction),
        DraftFact::Searched(query) => IncomingFact::Searched { query },
        DraftFact::Custom(name) => IncomingFact::Custom { name, properties: None },
        DraftFact::Identified(traits) => IncomingFact::Identified { traits: Some(traits) },
        DraftFact::Order { order_id, change, location, lines } => {
            IncomingFact::Order(IncomingOrder {
                order_id,
                change,
                location,
                total: None,
                lines: lines.into_iter().map(IncomingLine::from).collect(),
                extra: None,
            })
        }
        DraftFact::Consent(change) => IncomingFact::Consent(change),
        DraftFact::Stock(change) => IncomingFact::Stock(change),
        DraftFact::Price(change) => IncomingFact::Price(change),
        DraftFact::Promotion(promotion) => IncomingFact::Promotion(promotion),
        DraftFact::Product(_) | DraftFact::Message(_) => {
            unreachable!("products and messages take their own way")
        }
    };
    IncomingEvent {
        message_id: Some(Cow::Owned(id)),
        ids: IncomingIds {
            user_id: owned(draft.user_id),
            anonymous_id: owned(draft.anonymous_id),
            loyalty_card_id: owned(draft.loyalty_card),
        },
        site: options.site.clone(),
        channel: draft.channel,
        source: options.source,
        at: draft.at,
        consent: IncomingConsent { basis: options.basis, ..IncomingConsent::default() },
        fact,
    }
}
