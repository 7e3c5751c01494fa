use souk_core::{
    Channel, Interaction, LocationId, OrderChange, OrderId, OrderLine, PriceChange, Product,
    Promotion, SiteId, StockChange, Timestamp,
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
        // The debug form shows every field and is stable within a version of the program; across
        // versions the file ledger still knows the file.
        let mut hash = xxhash_rust::xxh3::Xxh3::new();
        let mut text = String::with_capacity(512);
        use std::fmt::Write as _;
        write!(text, "{}\u{1f}{self:?}", site.as_str()).expect("writing to a string cannot fail");
        hash.update(text.as_bytes());
        format!("import-{:032x}", hash.digest128())
    }
}
