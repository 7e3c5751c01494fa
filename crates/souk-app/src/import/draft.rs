use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use souk_core::wire::Writer;
use souk_core::{
    Channel, ConsentChange, Interaction, LocationId, Money, OrderChange, OrderId, OrderLine,
    PriceChange, Product, Promotion, SiteId, StockChange, Timestamp,
};

/// An event of a file, with people by their own ids: the door turns those into subjects.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The file's own message id; without one it is made from the content.
    pub message_id: Option<Box<str>>,
    /// When it happened.
    pub at: Timestamp,
    /// Whose, by the shop's id.
    pub user_id: Option<Box<str>>,
    /// Whose, by the browser's id.
    pub anonymous_id: Option<Box<str>>,
    /// Whose, by the card that was shown.
    pub loyalty_card: Option<Box<str>>,
    /// Where the shopper met the shop.
    pub channel: Option<Channel>,
    /// What happened.
    pub fact: DraftFact,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum DraftFact {
    /// A product is new or replaced.
    Product(Box<Product>),
    /// A shopper did something with products.
    Interaction(Interaction),
    /// A shopper searched.
    Searched(Box<str>),
    /// Something that Souk has no meaning for.
    Custom(Box<str>),
    /// What the shop knows of the shopper, as JSON text.
    Identified(Box<str>),
    /// An order, a return or a cancellation.
    Order {
        /// The shop's own name for it.
        order_id: OrderId,
        /// What the rows say of it.
        change: OrderChange,
        /// Where it was bought.
        location: Option<LocationId>,
        /// What was bought or came back.
        lines: Vec<OrderLine>,
    },
    /// A shopper allowed or refused uses of their data.
    Consent(ConsentChange),
    /// Stock was counted or moved.
    Stock(StockChange),
    /// A price changed.
    Price(PriceChange),
    /// A promotion was planned.
    Promotion(Promotion),
    /// An event in the shape of Segment's spec, as JSON text.
    Message(Box<str>),
}

impl Draft {
    /// An event of nobody known.
    pub fn new(at: Timestamp, fact: DraftFact) -> Draft {
        Draft {
            message_id: None,
            at,
            user_id: None,
            anonymous_id: None,
            loyalty_card: None,
            channel: None,
            fact,
        }
    }

    /// A message id made from all that the event says, so that the same row is the same event in
    /// whatever file and place it stands. Two rows that agree in everything are one event.
    pub fn content_id(&self, site: &SiteId) -> String {
        let mut w = Writer::new();
        w.text(site.as_str());
        w.timestamp(self.at);
        for person in [&self.user_id, &self.anonymous_id, &self.loyalty_card] {
            w.text(person.as_deref().unwrap_or_default());
        }
        match &self.fact {
            DraftFact::Order { order_id, change, location, lines } => {
                w.text(order_id.as_str());
                w.u8(*change as u8);
                w.text(location.as_ref().map_or("", LocationId::as_str));
                for line in lines {
                    w.text(line.product.as_str());
                    w.quantity(line.quantity);
                    w.zigzag(line.amount.map_or(i64::MIN, Money::minor));
                    w.text(line.promotion.as_deref().unwrap_or_default());
                }
            }
            // The debug form shows every field; it may change with the program, and then the file
            // ledger still knows the file.
            fact => w.text(&format!("{fact:?}")),
        }
        let hash = xxhash_rust::xxh3::xxh3_128(&w.into_bytes());
        format!("file-{}", URL_SAFE_NO_PAD.encode(hash.to_be_bytes()))
    }
}
