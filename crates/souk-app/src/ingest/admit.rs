//! From events to records: ids become subjects, orders are split, links are made, all is appended.

use souk_core::wire::{encode_event, record_kind};
use souk_core::{
    ConsentChange, ConsentOrigin, CustomerOrder, Day, Event, EventId, Fact, LinkBasis, LocationId,
    OrderLine, OrderRef, Purpose, Purposes, Sale, SiteId, SubjectId, Timestamp,
};
use souk_ports::{
    BATCH_BYTES_MAX, BATCH_RECORDS_MAX, IdHash, Partition, Position, RESOLVE_MAX, Record,
    RecordKind,
};

use rustc_hash::{FxHashMap, FxHashSet};
use souk_privacy::seal::SecretKey;

use super::impressions::Met;
use super::incoming::{IncomingEvent, IncomingFact, IncomingIds, IncomingOrder, Sender};
use super::{EFFORT_AT_ONCE, EVENTS_AT_ONCE, IdKind, MessagePart, Pass};
use crate::consent::LastWords;
use crate::door::Door;
use crate::sealing::{Nonces, fill_random, seal_record};
use crate::{App, AppError};

/// How far the sender's word on identities is taken.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trust<'a> {
    /// The shop's own systems.
    Server,
    /// A page: it speaks for an anonymous browser, or for the one shopper of its token.
    Browser { shopper: Option<&'a str> },
}

/// What became of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Where its record stands; for a repetition, where the first one stands.
    pub position: Position,
    /// Whether the log held it already.
    pub is_duplicate: bool,
}

/// The ids of a batch, each once, as numbers.
#[derive(Default)]
struct IdTable {
    numbers: FxHashMap<IdHash, usize>,
    ids: Vec<IdHash>,
}

impl IdTable {
    fn number(&mut self, id: IdHash) -> usize {
        *self.numbers.entry(id).or_insert_with(|| {
            self.ids.push(id);
            self.ids.len() - 1
        })
    }
}

/// Whom an event is about, by numbers of the table.
struct Persons {
    primary: Option<usize>,
    links: Vec<(usize, LinkBasis)>,
}

impl Persons {
    fn all(&self) -> impl Iterator<Item = usize> {
        self.primary.into_iter().chain(self.links.iter().map(|(number, _)| *number))
    }
}

/// Whether an event says that reports may not name its person.
fn refuses_reports(event: &IncomingEvent<'_>) -> bool {
    let refused = match &event.fact {
        IncomingFact::Consent(change) => change.denied,
        _ => Purposes::NONE,
    };
    event.consent.withheld().union(refused).contains(Purpose::Analytics)
}

/// The ids of the records that one event makes.
#[derive(Clone, Copy)]
struct RecordIds<'a> {
    door: &'a Door,
    site: &'a SiteId,
    message_id: &'a str,
    whole: MessagePart,
}

impl RecordIds<'_> {
    fn of(self, part: MessagePart) -> EventId {
        self.door.hasher.message(part, self.site, self.message_id)
    }

    fn whole(self) -> EventId {
        self.of(self.whole)
    }

    /// What an import states of a person is one fact, however many events bring it; everything else
    /// belongs to its message.
    fn consent(self, (number, change): (u8, &ConsentChange), subject: SubjectId) -> EventId {
        match change.origin {
            ConsentOrigin::Stated(basis) => {
                let text = format!("{subject} {}", basis.as_str());
                self.door.hasher.message(MessagePart::Consent(number), self.site, &text)
            }
            _ => {
                // The person is part of it: nobody can send another's message id ahead and have the
                // other's word taken for a repetition.
                let sender = if self.whole == MessagePart::Browser { "browser" } else { "server" };
                let text = format!("{subject} {sender} {}", self.message_id);
                self.door.hasher.message(MessagePart::Consent(number), self.site, &text)
            }
        }
    }
}

impl App {
    /// Hashes, splits, links and appends.
    pub(super) async fn admit(
        &self,
        mut events: Vec<IncomingEvent<'_>>,
        trust: Trust<'_>,
        received: Timestamp,
    ) -> Result<Vec<Admitted>, AppError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let mut table = IdTable::default();
        let mut persons = Vec::with_capacity(events.len());
        for (idx, event) in events.iter().enumerate() {
            if idx % EVENTS_AT_ONCE == EVENTS_AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
            persons.push(self.door.persons(event, trust, &mut table));
        }
        let (subjects, keys) = self.subjects_with_keys(&table.ids).await?;
        self.mark_staff(&mut events, &persons, (&table.ids, &subjects));
        self.meet_newcomers(&events, (&persons, &table.ids, &subjects));
        if self.do_answers_wait(&events, (&persons, &subjects)) {
            self.flush_impressions().await;
        }
        let nonce = nonce()?;
        let mut nonces = Nonces::for_records(events.len());
        let mut stated = FxHashSet::default();
        let mut words = LastWords::default();
        let mut batch = Batch::default();
        let mut admitted = Vec::with_capacity(events.len());
        let mut effort = 0;
        for (idx, (mut event, persons)) in events.into_iter().zip(persons).enumerate() {
            if idx % EVENTS_AT_ONCE == EVENTS_AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
            let whole = match trust {
                Trust::Server => MessagePart::Whole,
                Trust::Browser { .. } => MessagePart::Browser,
            };
            let fresh = event.message_id.is_none().then(|| format!("{nonce}{idx}"));
            let primary = persons.primary;
            let subject = primary.map(|number| subjects[number]);
            let mut said = subject
                .map_or_else(Vec::new, |of| self.consent_news(of, &event.consent, &mut words));
            // Of what an import states of a person, the first event of a batch is enough.
            said.retain(|change| {
                !matches!(change.origin, ConsentOrigin::Stated(_)) || stated.insert(subject)
            });
            effort += {
                let owner = primary.map(|number| (&keys[number], &mut nonces));
                let mut pass = Pass::new(owner);
                self.door.redactor.apply(&mut event.fact, &mut pass);
                pass.effort()
            };
            if effort >= EFFORT_AT_ONCE {
                effort = 0;
                tokio::task::yield_now().await;
            }
            let plan = Plan { persons, subjects: &subjects, whole, fresh, received, said };
            let (mut records, main_idx) = self.door.records(event, plan);
            if let Some(number) = primary {
                for record in &mut records {
                    seal_record(record, &keys[number], &mut nonces)?;
                }
            }
            if batch.is_full_with(&records) {
                self.append_batch(&mut batch, &mut admitted).await?;
            }
            batch.has_consents |= main_idx > 0;
            batch.push(records, main_idx);
        }
        self.append_batch(&mut batch, &mut admitted).await?;
        let duplicates = admitted.iter().filter(|one| one.is_duplicate).count();
        let accepted = admitted.len() - duplicates;
        self.door.counters.admit(accepted as u64, duplicates as u64);
        Ok(admitted)
    }

    /// Gives answers that waited for an event to those whom these events are about. Everybody whom an event joins is one
    /// person here already, before the link is folded: the refusal of one of them holds for all.
    fn meet_newcomers(
        &self,
        events: &[IncomingEvent<'_>],
        (persons, ids, subjects): (&[Persons], &[IdHash], &[SubjectId]),
    ) {
        let queue = &self.door.impressions;
        if !queue.has_newcomers() {
            return;
        }
        let refusing = events.iter().zip(persons).filter(|(event, _)| refuses_reports(event));
        let refusers: FxHashSet<SubjectId> = refusing
            .flat_map(|(_, persons)| persons.all())
            .map(|number| subjects[number])
            .collect();
        for (event, persons) in events.iter().zip(persons) {
            let joined: Vec<SubjectId> = persons.all().map(|number| subjects[number]).collect();
            let may = !joined.iter().any(|one| refusers.contains(one));
            let met = |number: usize| Met { subject: subjects[number], joined: &joined };
            for number in persons.all() {
                self.name_impressions(queue.of_id(ids[number]), Some(met(number)).filter(|_| may));
            }
            let IncomingFact::Interaction(one) = &event.fact else { continue };
            let shown = one.request_id.as_deref().and_then(|name| queue.of_request(name));
            let actor = persons.primary.map(met).filter(|_| may);
            self.name_impressions(shown.into_iter().collect(), actor);
        }
    }

    /// Whether answers to those who act in these events, or are joined by them, wait to be written: what follows an answer
    /// must not come into the log before it, and which part of an experiment was met first decides for all ids of a person.
    fn do_answers_wait(
        &self,
        events: &[IncomingEvent<'_>],
        (persons, subjects): (&[Persons], &[SubjectId]),
    ) -> bool {
        let queue = &self.door.impressions;
        if queue.is_empty() {
            return false;
        }
        let is_act = |(event, persons): &(&IncomingEvent<'_>, &Persons)| {
            matches!(event.fact, IncomingFact::Order(_) | IncomingFact::Interaction(_))
                || !persons.links.is_empty()
        };
        let acts = events.iter().zip(persons).filter(is_act);
        let who = acts.flat_map(|(_, persons)| persons.all());
        let mut who: FxHashSet<SubjectId> = who.map(|number| subjects[number]).collect();
        let views = self.views.read();
        let kin: Vec<SubjectId> = who.iter().flat_map(|one| views.joined(*one)).collect();
        drop(views);
        who.extend(kin);
        queue.holds_any(&who)
    }

    /// Marks what the shop's own people do: whom the settings name, and in orders also whom traits call so,
    /// because the person-free side of an order cannot be told later.
    fn mark_staff(
        &self,
        events: &mut [IncomingEvent<'_>],
        persons: &[Persons],
        (ids, subjects): (&[IdHash], &[SubjectId]),
    ) {
        let staff = &self.door.staff;
        let is_order = |event: &IncomingEvent<'_>| matches!(event.fact, IncomingFact::Order(_));
        let views = events.iter().any(is_order).then(|| self.views.read());
        let views = views.filter(|views| views.has_staff());
        for (event, persons) in events.iter_mut().zip(persons) {
            let is_named = !staff.is_empty() && persons.all().any(|id| staff.contains(&ids[id]));
            let is_known = || match (&views, persons.primary) {
                (Some(views), Some(number)) => views.is_staff(subjects[number]),
                _ => false,
            };
            if is_named || is_order(event) && is_known() {
                event.consent.sender = Sender::Staff;
            }
            self.door.counters.sent_by(event.consent.sender);
        }
    }

    /// The subjects of ids and their keys. A person who is erased at this very moment gets a new
    /// subject at the next try.
    async fn subjects_with_keys(
        &self,
        ids: &[IdHash],
    ) -> Result<(Vec<SubjectId>, Vec<SecretKey>), AppError> {
        let store = &self.parts.keys;
        let (mut subjects, mut keys) = (Vec::new(), Vec::new());
        for ids in ids.chunks(RESOLVE_MAX) {
            let (found, theirs) = loop {
                let found = store.resolve(ids).await?;
                let theirs: Option<Vec<_>> = store.keys(&found).await?.into_iter().collect();
                if let Some(theirs) = theirs {
                    break (found, theirs);
                }
            };
            subjects.extend(found);
            keys.extend(theirs);
        }
        Ok((subjects, keys))
    }

    async fn append_batch(
        &self,
        batch: &mut Batch,
        admitted: &mut Vec<Admitted>,
    ) -> Result<(), AppError> {
        if batch.records.is_empty() {
            return Ok(());
        }
        let Batch { records, mains, has_consents, .. } = std::mem::take(batch);
        let appended = self.append(records).await?;
        if has_consents {
            self.note_consents(&appended);
        }
        admitted.extend(mains.into_iter().map(|idx| Admitted {
            position: appended[idx].position,
            is_duplicate: appended[idx].is_duplicate,
        }));
        Ok(())
    }
}

/// 128 random bits as text: the beginning of the message ids of events that have none.
fn nonce() -> Result<String, AppError> {
    let mut random = [0u8; 16];
    fill_random(&mut random)?;
    Ok(format!("{:032x}-", u128::from_le_bytes(random)))
}

/// Records of one append. One record of each event stands for it.
#[derive(Default)]
struct Batch {
    records: Vec<Record>,
    mains: Vec<usize>,
    bytes: usize,
    /// Whether any of them says what a person allows.
    has_consents: bool,
}

impl Batch {
    fn is_full_with(&self, records: &[Record]) -> bool {
        self.records.len() + records.len() > BATCH_RECORDS_MAX
            || self.bytes + bytes_of(records) > BATCH_BYTES_MAX
    }

    fn push(&mut self, records: Vec<Record>, main_idx: usize) {
        self.mains.push(self.records.len() + main_idx);
        self.bytes += bytes_of(&records);
        self.records.extend(records);
    }
}

fn bytes_of(records: &[Record]) -> usize {
    records.iter().map(|record| record.body.len()).sum()
}

/// What is known of one event besides itself.
struct Plan<'a> {
    persons: Persons,
    subjects: &'a [SubjectId],
    whole: MessagePart,
    /// A message id for hashing only, for an event that has none.
    fresh: Option<String>,
    received: Timestamp,
    /// What it adds to the person's consents.
    said: Vec<ConsentChange>,
}

impl Door {
    /// Whom the event is about, and who is the same person by its word.
    fn persons(&self, event: &IncomingEvent<'_>, trust: Trust<'_>, table: &mut IdTable) -> Persons {
        let mut persons = Persons { primary: None, links: Vec::new() };
        let is_about_shop = matches!(
            event.fact,
            IncomingFact::Stock(_) | IncomingFact::Price(_) | IncomingFact::Promotion(_)
        );
        if is_about_shop {
            return persons;
        }
        let IncomingIds { user_id, anonymous_id, loyalty_card_id } = &event.ids;
        let mut number = |kind, id: &str| table.number(self.hasher.id(kind, id));
        let user = user_id.as_deref();
        let anonymous = anonymous_id.as_deref();
        if let Trust::Browser { shopper } = trust {
            persons.primary = match (user, anonymous) {
                (Some(user), _) if shopper == Some(user) => Some(number(IdKind::User, user)),
                (_, Some(anonymous)) => Some(number(IdKind::by_browser(anonymous), anonymous)),
                (Some(user), None) => Some(number(IdKind::Claimed, user)),
                (None, None) => None,
            };
            return persons;
        }
        let card = loyalty_card_id.as_deref().map(|card| number(IdKind::LoyaltyCard, card));
        persons.primary = match (user, anonymous) {
            (Some(user), _) => Some(number(IdKind::User, user)),
            (None, Some(anonymous)) => Some(number(IdKind::Anonymous, anonymous)),
            (None, None) => card,
        };
        match &event.fact {
            IncomingFact::Identified { .. } => {
                if let (Some(_), Some(anonymous)) = (user, anonymous) {
                    let other = number(IdKind::Anonymous, anonymous);
                    persons.links.push((other, LinkBasis::Identify));
                }
            }
            IncomingFact::Alias { previous_id } => {
                // Segment does not say of which kind the former id is, so both are joined; the one
                // that is not in use stays empty.
                for kind in [IdKind::Anonymous, IdKind::User] {
                    persons.links.push((number(kind, previous_id), LinkBasis::Alias));
                }
            }
            _ => {}
        }
        if let Some(card) = card {
            persons.links.push((card, LinkBasis::LoyaltyCard));
        }
        persons.links.retain(|(other, _)| Some(*other) != persons.primary);
        persons
    }

    /// The records of one event, and the place of the one that stands for it. What it says of consent
    /// comes first, so that it holds for the event itself.
    fn records(&self, event: IncomingEvent<'_>, plan: Plan<'_>) -> (Vec<Record>, usize) {
        let withheld = event.consent.withheld();
        // What is sold to nobody's shopper is sold all the same, and no demand of a shopper.
        let of_sender = event.consent.sender.withheld();
        let IncomingEvent { message_id, site, channel, source, at, fact, .. } = event;
        let hashed = plan.fresh.as_deref().or(message_id.as_deref()).unwrap_or_default();
        let ids = RecordIds { door: self, site: &site, message_id: hashed, whole: plan.whole };
        let subject = plan.persons.primary.map(|number| plan.subjects[number]);
        let said = |message_id: Option<&str>, fact: Fact| Event {
            at,
            site: site.clone(),
            channel,
            source,
            message_id: message_id.map(Box::from),
            withheld: match &fact {
                fact if fact.is_personal() => withheld,
                Fact::Sale(_) => of_sender,
                _ => Purposes::NONE,
            },
            fact,
        };
        let mut records = Vec::with_capacity(1 + plan.persons.links.len());
        let received = plan.received;
        let message_id = message_id.as_deref();
        match fact {
            IncomingFact::Alias { .. } => {}
            IncomingFact::Order(order) => {
                let (person_free, personal) = self.split(order, (&site, at), subject.is_some());
                let has_person = personal.is_some();
                if let Some(order) = personal {
                    let event = said(message_id, Fact::Order(order));
                    records.push(record(&event, (subject, ids.whole()), received));
                }
                let (id, message_id) = match has_person {
                    true => (ids.of(MessagePart::Sale), None),
                    false => (ids.whole(), message_id),
                };
                let event = said(message_id, Fact::Sale(person_free));
                records.push(record(&event, (None, id), received));
            }
            fact => {
                let fact = plain(fact);
                let of = subject.filter(|_| fact.is_personal());
                records.push(record(&said(message_id, fact), (of, ids.whole()), received));
            }
        }
        for (number, (other, basis)) in plan.persons.links.iter().enumerate() {
            let fact = Fact::Linked { other: plan.subjects[*other], basis: *basis };
            let (id, message_id) = match records.is_empty() {
                true => (ids.whole(), message_id),
                false => (ids.of(MessagePart::Link(number as u8)), None),
            };
            records.push(record(&said(message_id, fact), (subject, id), received));
        }
        let n_said = plan.said.len();
        let consents = plan.said.into_iter().enumerate().filter_map(|(number, change)| {
            let id = ids.consent((number as u8, &change), subject?);
            Some(record(&said(None, Fact::Consent(change)), (subject, id), received))
        });
        records.splice(0..0, consents);
        (records, n_said)
    }

    /// The person-free side of an order, and the personal one if there is a person.
    fn split(
        &self,
        order: IncomingOrder,
        (site, at): (&SiteId, Timestamp),
        has_person: bool,
    ) -> (Sale, Option<CustomerOrder>) {
        let joined: OrderRef = self.hasher.order(site, &order.order_id);
        let day = self.business_day(site, order.location.as_ref(), at);
        let lines: Vec<OrderLine> = order.lines.iter().map(|of| of.line.clone()).collect();
        let sale = Sale {
            order: joined,
            change: order.change,
            location: order.location.clone(),
            day,
            lines,
        };
        let personal = has_person.then(|| CustomerOrder {
            order: joined,
            order_id: order.order_id,
            change: order.change,
            location: order.location,
            total: order.total,
            lines: order
                .lines
                .into_iter()
                .map(|of| OrderLine { promotion: of.line.promotion.or(of.coupon), ..of.line })
                .collect(),
            extra: order.extra,
        });
        (sale, personal)
    }

    /// The business day where the sale was made; a location that is not configured follows its site.
    fn business_day(&self, site: &SiteId, at: Option<&LocationId>, time: Timestamp) -> Day {
        if let Some(location) = at.and_then(|id| self.locations.get(id)) {
            return location.day(time);
        }
        let site = self.sites.iter().find(|known| known.id == *site);
        site.unwrap_or(&self.sites[0]).day(time)
    }
}

/// The facts that go into the log as they came.
fn plain(fact: IncomingFact<'_>) -> Fact {
    match fact {
        IncomingFact::Interaction(interaction) => Fact::Interaction(interaction),
        IncomingFact::Searched { query } => Fact::Searched { query },
        IncomingFact::PageSeen { name, path } => Fact::PageSeen { name, path },
        IncomingFact::Custom { name, properties } => Fact::Custom { name, properties },
        IncomingFact::Identified { traits } => Fact::Identified { traits },
        IncomingFact::Grouped { group_id, traits } => Fact::Grouped { group_id, traits },
        IncomingFact::Consent(change) => Fact::Consent(change),
        IncomingFact::Stock(change) => Fact::Stock(change),
        IncomingFact::Price(change) => Fact::Price(change),
        IncomingFact::Promotion(promotion) => Fact::Promotion(promotion),
        IncomingFact::Alias { .. } | IncomingFact::Order(_) => {
            unreachable!("an alias makes links, an order is split")
        }
    }
}

/// A record of the one partition that the embedded log has, its body still plain.
pub(crate) fn record(
    event: &Event,
    (subject, event_id): (Option<SubjectId>, EventId),
    received_at: Timestamp,
) -> Record {
    Record {
        partition: Partition(0),
        subject,
        event_id,
        received_at,
        kind: RecordKind(record_kind(&event.fact)),
        body: encode_event(event),
    }
}
