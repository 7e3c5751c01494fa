//! What of a record concerns answers.

use souk_core::{CustomerOrder, Impressions, Interaction, OrderRef, Purpose, SubjectId};
use souk_privacy::consent::decide;
use souk_recommend::{Item, Shopper};
use xxhash_rust::xxh3::xxh3_64;

use super::super::{Head, MENTIONS_MAX, Views};
use super::{Act, Did, SHOWN_MAX, Served};

const NO_ORDER: OrderRef = OrderRef([0; 16]);

impl Views {
    /// Takes in an answer. One that must not be used for reports is counted as one to nobody known, as
    /// it would have been recorded.
    pub(in super::super) fn fold_impressions(
        &mut self,
        head: &Head<'_>,
        (subject, shown): (Option<SubjectId>, &Impressions),
    ) {
        let subject = subject.filter(|_| !head.event.withheld.contains(Purpose::Analytics));
        if let Some(subject) = subject {
            self.attribution.expose(subject, (head.at, &shown.marks.arms));
        }
        if let Some(search) = &shown.marks.search {
            self.fold_answered(head, (subject, shown, search));
        }
        if shown.products.is_empty() {
            // Nothing to say was said: whoever is held out was met all the same.
            return;
        }
        let cell = self.attribution.cell(head.site, shown.placement.as_deref(), &shown.strategy);
        let Some(subject) = subject else {
            self.attribution.serve_unnamed(head.at, cell);
            return;
        };
        let products = shown.products.iter().take(SHOWN_MAX);
        let items = products.map(|id| self.catalogue.intern(head.site, id)).collect();
        let request = xxh3_64(shown.request_id.as_bytes());
        // Answers wait before they are written: a no may have come meanwhile, and what it drops must not come after it.
        let refuses = self.refuses_learning(subject).contains(&true);
        let signals = shown.marks.signals.clone().filter(|_| !refuses);
        let served = Served { at: head.at, request, cell, items, signals };
        let kin = self.identity.neighbours(subject);
        self.attribution.serve(subject, served, &kin);
    }

    /// Joins what somebody did with the answers that it may be owed to.
    pub(in super::super) fn attribute(
        &mut self,
        head: &Head<'_>,
        (subject, interaction): (SubjectId, &Interaction),
    ) {
        let Some(did) = Did::of(interaction.action) else { return };
        let request = interaction.request_id.as_ref().map(|id| xxh3_64(id.as_bytes()));
        let kin = self.identity.neighbours(subject);
        let is_named = request.is_some();
        if !is_named && (did == Did::Saw || !self.attribution.knows_any(subject, &kin)) {
            return;
        }
        if !self.may_analyse(head, subject) {
            return;
        }
        let (at, received_at) = (head.at, head.received_at);
        let mut act = |item: Option<Item>| {
            let act = Act { did, at, received_at, item, order: NO_ORDER, request };
            self.attribution.act(subject, &act, &kin);
        };
        if did == Did::Saw {
            act(None);
            return;
        }
        for mention in interaction.products.iter().take(MENTIONS_MAX) {
            let item = self.catalogue.intern(head.site, &mention.product);
            act(Some(item));
        }
    }

    /// Joins the lines of an order with the answers that they may be owed to.
    pub(in super::super) fn attribute_order(
        &mut self,
        head: &Head<'_>,
        (subject, order): (SubjectId, &CustomerOrder),
    ) {
        let kin = self.identity.neighbours(subject);
        if !self.attribution.knows_any(subject, &kin)
            || !self.may_analyse(head, subject)
            || self.is_order_of_bulk(order)
        {
            return;
        }
        let shopper = self.shoppers.shopper(subject).unwrap_or(Shopper(super::super::NONE));
        // A file of the night must not be owed to what was shown after the purchase.
        let first = self.histories.orders.first_placed(order.order, shopper.0);
        let Some(at) = first else { return };
        self.attribution.note_order(subject, (order.order, at), &kin);
        for line in order.lines.iter().take(MENTIONS_MAX) {
            let item = Some(self.catalogue.intern(head.site, &line.product));
            let (did, received_at) = (Did::Ordered, head.received_at);
            let act = Act { did, at, received_at, item, order: order.order, request: None };
            self.attribution.act(subject, &act, &kin);
        }
    }

    /// Whether an act may be used for reports, by what it withholds and its own subject said.
    pub(in super::super) fn may_analyse(&self, head: &Head<'_>, subject: SubjectId) -> bool {
        let regime = &self.rules.place(&head.event.site).regime;
        let choices = self.consents.choices(subject);
        let asked = (Purpose::Analytics, head.event.withheld);
        decide(regime, choices.into_iter(), asked).is_allowed
    }
}
