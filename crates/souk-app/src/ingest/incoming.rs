//! An event between parsing and the log: valid by type, its ids not hashed yet.

use std::borrow::Cow;

use souk_core::{
    Channel, ConsentChange, Interaction, LegalBasis, LocationId, Money, OrderChange, OrderId,
    OrderLine, PriceChange, Promotion, Purpose, Purposes, SiteId, Source, StockChange, Timestamp,
};

use crate::Operation;

/// An event on its way in, from whichever door.
#[derive(Clone, Debug, PartialEq)]
pub struct IncomingEvent<'a> {
    /// The sender's name for the event, by which a repetition is recognised; without one the event
    /// is always new.
    pub message_id: Option<Cow<'a, str>>,
    /// Who it is about.
    pub ids: IncomingIds<'a>,
    /// Whose site.
    pub site: SiteId,
    /// Where the shopper met the shop.
    pub channel: Option<Channel>,
    /// Which system reports.
    pub source: Source,
    /// When it happened.
    pub at: Timestamp,
    /// What it says, besides, of the use of the person's data.
    pub consent: IncomingConsent,
    /// What happened.
    pub fact: IncomingFact<'a>,
}

/// What comes with an event about the use of its person's data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IncomingConsent {
    /// What a consent banner says is allowed.
    pub granted: Purposes,
    /// What a consent banner says is refused: this event itself is not used for it either.
    pub denied: Purposes,
    /// What Global Privacy Control withholds; `None` without the signal.
    pub signal: Option<Purposes>,
    /// Why the shop may use what it imports.
    pub basis: Option<LegalBasis>,
    /// Who acted, as far as it can be told.
    pub sender: Sender,
}

/// Who acted. What somebody else than a shopper does is kept, and no statistic is made of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sender {
    /// A shopper, or nobody who could be told from one.
    #[default]
    Shopper,
    /// A program that gives itself a crawler's name.
    Crawler,
    /// One of the shop's own people.
    Staff,
}

impl Sender {
    /// What such an act must not be used for, whoever reads it.
    pub(crate) fn withheld(self) -> Purposes {
        match self {
            Sender::Shopper => Purposes::NONE,
            Sender::Crawler | Sender::Staff => {
                Purposes::NONE.with(Purpose::Analytics).with(Purpose::ModelTraining)
            }
        }
    }
}

impl IncomingConsent {
    /// What the event itself must not be used for.
    pub(crate) fn withheld(&self) -> Purposes {
        let said = self.denied.union(self.signal.unwrap_or(Purposes::NONE));
        said.union(self.sender.withheld())
    }
}

/// The names that a sender has for a person.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IncomingIds<'a> {
    /// The shop's name for the shopper.
    pub user_id: Option<Cow<'a, str>>,
    /// The browser's name for the shopper.
    pub anonymous_id: Option<Cow<'a, str>>,
    /// The card that was shown.
    pub loyalty_card_id: Option<Cow<'a, str>>,
}

impl IncomingIds<'_> {
    /// Whether anybody is named.
    pub fn is_empty(&self) -> bool {
        self.user_id.is_none() && self.anonymous_id.is_none() && self.loyalty_card_id.is_none()
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the variants mean what they mean in `Fact`")]
pub enum IncomingFact<'a> {
    Interaction(Interaction),
    Searched {
        query: Box<str>,
    },
    PageSeen {
        name: Option<Box<str>>,
        path: Option<Box<str>>,
    },
    Custom {
        name: Box<str>,
        properties: Option<Box<str>>,
    },
    Identified {
        traits: Option<Box<str>>,
    },
    Grouped {
        group_id: Box<str>,
        traits: Option<Box<str>>,
    },
    /// The event's user and `previous_id`, a user or anonymous id, are one person.
    Alias {
        previous_id: Cow<'a, str>,
    },
    Order(IncomingOrder),
    Consent(ConsentChange),
    Stock(StockChange),
    Price(PriceChange),
    Promotion(Promotion),
}

/// A report of an order, before it is split into its personal and its person-free side.
#[derive(Clone, Debug, PartialEq)]
pub struct IncomingOrder {
    /// The shop's name for the order.
    pub order_id: OrderId,
    /// What the report says.
    pub change: OrderChange,
    /// Where it was bought.
    pub location: Option<LocationId>,
    /// What the shopper paid.
    pub total: Option<Money>,
    /// What was bought or came back. A refund without lines takes everything back.
    pub lines: Vec<IncomingLine>,
    /// Further properties as JSON text; they stay on the personal side.
    pub extra: Option<Box<str>>,
}

/// A line of an order.
#[derive(Clone, Debug, PartialEq)]
pub struct IncomingLine {
    /// The line; its promotion is the shop's, the same for everybody.
    pub line: OrderLine,
    /// The coupon under which it was sold. It may be one person's own, so it stays on the personal
    /// side, where it counts as the promotion if there is no other.
    pub coupon: Option<Box<str>>,
}

impl From<OrderLine> for IncomingLine {
    fn from(line: OrderLine) -> IncomingLine {
        IncomingLine { line, coupon: None }
    }
}

impl IncomingFact<'_> {
    /// What a caller must be allowed to do to send this.
    pub fn operation(&self) -> Operation {
        match self {
            IncomingFact::Interaction(_)
            | IncomingFact::Searched { .. }
            | IncomingFact::PageSeen { .. }
            | IncomingFact::Custom { .. }
            | IncomingFact::Identified { .. }
            | IncomingFact::Grouped { .. } => Operation::SendBehaviour,
            IncomingFact::Alias { .. } => Operation::MergeIdentities,
            IncomingFact::Order(_) => Operation::SendOrders,
            IncomingFact::Consent(_) => Operation::Consents,
            IncomingFact::Stock(_) => Operation::SendStock,
            IncomingFact::Price(_) | IncomingFact::Promotion(_) => Operation::SendPrices,
        }
    }

    /// Whether it is about a person, whom the event then has to name.
    pub(crate) fn needs_person(&self) -> bool {
        matches!(
            self.operation(),
            Operation::SendBehaviour | Operation::MergeIdentities | Operation::Consents
        )
    }
}
