use crate::{
    Channel, ConsentChange, Day, LocationId, Marks, Money, OrderId, OrderRef, Product, ProductId,
    ProductPatch, Purposes, Quantity, SiteId, Source, SubjectId, Timestamp, VariantId,
};

/// A fact in the log, with where and when it happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When it happened, by the client's clock corrected for skew.
    pub at: Timestamp,
    /// Whose site.
    pub site: SiteId,
    /// Where the shopper met the shop; `None` for facts about the shop itself.
    pub channel: Option<Channel>,
    /// Which system reported it.
    pub source: Source,
    /// The client's own message id, so that an export can give it back.
    pub message_id: Option<Box<str>>,
    /// What this very event must not be used for, whatever the person says elsewhere: it came with
    /// `Sec-GPC: 1`, or with a consent banner's no.
    pub withheld: Purposes,
    /// What happened.
    pub fact: Fact,
}

/// Everything that can happen. Closed: a new kind is a new wire code and a new decision everywhere.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A shopper did something with products.
    Interaction(Interaction),
    /// A shopper searched.
    Searched {
        /// The words as typed.
        query: Box<str>,
    },
    /// A shopper saw a page or screen.
    PageSeen {
        /// Its name or title.
        name: Option<Box<str>>,
        /// Its path, without host and query.
        path: Option<Box<str>>,
    },
    /// An event that Souk has no meaning for, kept as it came.
    Custom {
        /// The client's name for it.
        name: Box<str>,
        /// Its properties as JSON text.
        properties: Option<Box<str>>,
    },
    /// What the shop knows of the shopper.
    Identified {
        /// Traits as JSON text.
        traits: Option<Box<str>>,
    },
    /// The record's subject and `other` are one person.
    Linked {
        /// The other subject.
        other: SubjectId,
        /// What says so.
        basis: LinkBasis,
    },
    /// Takes a link back: the two are no longer taken for one person.
    Unlinked {
        /// The other subject.
        other: SubjectId,
        /// Which statement is taken back.
        basis: LinkBasis,
    },
    /// The shopper belongs to a group, for example a household or company.
    Grouped {
        /// The client's name for it.
        group_id: Box<str>,
        /// Traits as JSON text.
        traits: Option<Box<str>>,
    },
    /// What a known shopper ordered, or a change of it.
    Order(CustomerOrder),
    /// What was sold, without the person: demand and stock fold only this.
    Sale(Sale),
    /// What was shown to a shopper.
    Impressions(Impressions),
    /// A shopper allowed or refused uses of their data.
    Consent(ConsentChange),
    /// A product is new or replaced as a whole.
    ProductPut(Box<Product>),
    /// Some fields of a product changed.
    ProductPatched {
        /// Which product.
        product: ProductId,
        /// What changed.
        patch: Box<ProductPatch>,
    },
    /// A product is gone.
    ProductDeleted {
        /// Which product.
        product: ProductId,
    },
    /// Stock was counted or moved.
    Stock(StockChange),
    /// A price changed.
    Price(PriceChange),
    /// A promotion was planned, started or ended.
    Promotion(Promotion),
    /// A person is to be forgotten: every projection drops the subject at this point.
    Forgotten {
        /// Whom.
        subject: SubjectId,
    },
}

/// What a shopper did with products; the e-commerce events of Segment's spec v2 that name products.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// `Product Viewed`.
    Viewed,
    /// `Product Clicked`.
    Clicked,
    /// `Product Added`.
    AddedToCart,
    /// `Product Removed`.
    RemovedFromCart,
    /// `Cart Viewed`.
    CartViewed,
    /// `Product List Viewed`.
    ListViewed,
    /// `Product List Filtered`.
    ListFiltered,
    /// `Promotion Viewed`.
    PromotionViewed,
    /// `Promotion Clicked`.
    PromotionClicked,
    /// `Checkout Started`.
    CheckoutStarted,
    /// `Checkout Step Viewed`.
    CheckoutStepViewed,
    /// `Checkout Step Completed`.
    CheckoutStepCompleted,
    /// `Payment Info Entered`.
    PaymentInfoEntered,
    /// `Coupon Entered`.
    CouponEntered,
    /// `Coupon Applied`.
    CouponApplied,
    /// `Coupon Denied`.
    CouponDenied,
    /// `Coupon Removed`.
    CouponRemoved,
    /// `Product Added to Wishlist`.
    AddedToWishlist,
    /// `Product Removed from Wishlist`.
    RemovedFromWishlist,
    /// `Wishlist Product Added to Cart`.
    WishlistAddedToCart,
    /// `Product Shared`.
    Shared,
    /// `Cart Shared`.
    CartShared,
    /// `Product Reviewed`.
    Reviewed,
}

impl Action {
    /// Every action, in the order of their wire codes.
    pub const ALL: [Action; 23] = [
        Action::Viewed,
        Action::Clicked,
        Action::AddedToCart,
        Action::RemovedFromCart,
        Action::CartViewed,
        Action::ListViewed,
        Action::ListFiltered,
        Action::PromotionViewed,
        Action::PromotionClicked,
        Action::CheckoutStarted,
        Action::CheckoutStepViewed,
        Action::CheckoutStepCompleted,
        Action::PaymentInfoEntered,
        Action::CouponEntered,
        Action::CouponApplied,
        Action::CouponDenied,
        Action::CouponRemoved,
        Action::AddedToWishlist,
        Action::RemovedFromWishlist,
        Action::WishlistAddedToCart,
        Action::Shared,
        Action::CartShared,
        Action::Reviewed,
    ];

    /// The event name in Segment's spec.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Viewed => "Product Viewed",
            Action::Clicked => "Product Clicked",
            Action::AddedToCart => "Product Added",
            Action::RemovedFromCart => "Product Removed",
            Action::CartViewed => "Cart Viewed",
            Action::ListViewed => "Product List Viewed",
            Action::ListFiltered => "Product List Filtered",
            Action::PromotionViewed => "Promotion Viewed",
            Action::PromotionClicked => "Promotion Clicked",
            Action::CheckoutStarted => "Checkout Started",
            Action::CheckoutStepViewed => "Checkout Step Viewed",
            Action::CheckoutStepCompleted => "Checkout Step Completed",
            Action::PaymentInfoEntered => "Payment Info Entered",
            Action::CouponEntered => "Coupon Entered",
            Action::CouponApplied => "Coupon Applied",
            Action::CouponDenied => "Coupon Denied",
            Action::CouponRemoved => "Coupon Removed",
            Action::AddedToWishlist => "Product Added to Wishlist",
            Action::RemovedFromWishlist => "Product Removed from Wishlist",
            Action::WishlistAddedToCart => "Wishlist Product Added to Cart",
            Action::Shared => "Product Shared",
            Action::CartShared => "Cart Shared",
            Action::Reviewed => "Product Reviewed",
        }
    }

    /// Reads the event name in Segment's spec.
    pub fn parse(name: &str) -> Option<Action> {
        Action::ALL.into_iter().find(|action| action.as_str() == name)
    }

    /// Whether it shows interest in the product itself: such actions make up a visit.
    pub fn is_visit(self) -> bool {
        matches!(
            self,
            Action::Viewed
                | Action::Clicked
                | Action::AddedToCart
                | Action::AddedToWishlist
                | Action::WishlistAddedToCart
        )
    }
}

/// What a shopper did with which products.
#[derive(Clone, Debug, PartialEq)]
pub struct Interaction {
    /// What was done.
    pub action: Action,
    /// With which products; may be empty (a checkout step names none).
    pub products: Vec<ProductMention>,
    /// The answer that showed the product, where the client says so.
    pub request_id: Option<Box<str>>,
    /// Further properties as JSON text, kept for export.
    pub extra: Option<Box<str>>,
}

/// A product named in an interaction.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductMention {
    /// Which product.
    pub product: ProductId,
    /// Which size or colour.
    pub variant: Option<VariantId>,
    /// How much of it, where said.
    pub quantity: Option<Quantity>,
    /// At which price, where said.
    pub price: Option<Money>,
}

/// Why two subjects are taken for one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LinkBasis {
    /// An `identify` named both an anonymous and a user id.
    Identify,
    /// An `alias` said so.
    Alias,
    /// A loyalty card was shown.
    LoyaltyCard,
}

impl LinkBasis {
    /// Every basis, in the order of their wire codes.
    pub const ALL: [LinkBasis; 3] = [LinkBasis::Identify, LinkBasis::Alias, LinkBasis::LoyaltyCard];
}

/// What a report says of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OrderChange {
    /// These are the order's lines (`Order Completed`, `Order Updated`).
    Placed,
    /// These lines came back (`Order Refunded`).
    Refunded,
    /// The whole order is void (`Order Cancelled`).
    Cancelled,
}

impl OrderChange {
    /// Every change, in the order of their wire codes.
    pub const ALL: [OrderChange; 3] =
        [OrderChange::Placed, OrderChange::Refunded, OrderChange::Cancelled];
}

/// The personal side of an order: who bought what.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomerOrder {
    /// Joins the reports of one order.
    pub order: OrderRef,
    /// The shop's own name for it.
    pub order_id: OrderId,
    /// What this report says.
    pub change: OrderChange,
    /// Where it was bought.
    pub location: Option<LocationId>,
    /// What the shopper paid, where said.
    pub total: Option<Money>,
    /// What was bought or came back.
    pub lines: Vec<OrderLine>,
    /// Further properties as JSON text, kept for export.
    pub extra: Option<Box<str>>,
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderLine {
    /// Which product.
    pub product: ProductId,
    /// Which size or colour.
    pub variant: Option<VariantId>,
    /// How much.
    pub quantity: Quantity,
    /// What the whole line cost; unit price is amount by quantity, so that the books add up exactly.
    pub amount: Option<Money>,
    /// Under which coupon or promotion.
    pub promotion: Option<Box<str>>,
}

/// The person-free side of an order: what left the shop, where and on which business day.
#[derive(Clone, Debug, PartialEq)]
pub struct Sale {
    /// Joins the reports of one order.
    pub order: OrderRef,
    /// What this report says.
    pub change: OrderChange,
    /// Where it was sold.
    pub location: Option<LocationId>,
    /// The business day there.
    pub day: Day,
    /// What was sold or came back.
    pub lines: Vec<OrderLine>,
}

/// What was shown to a shopper: compact, batched, and the only events that a crash may lose.
#[derive(Clone, Debug, PartialEq)]
pub struct Impressions {
    /// The answer that showed them.
    pub request_id: Box<str>,
    /// Where on the page.
    pub placement: Option<Box<str>>,
    /// Which strategy chose them.
    pub strategy: Box<str>,
    /// What was shown, first place first.
    pub products: Vec<ProductId>,
    /// What chance and experiments did to it.
    pub marks: Marks,
}

/// How stock changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StockMovement {
    /// The quantity that is there now, whatever was believed before.
    Counted,
    /// The quantity came in.
    Received,
    /// The quantity left for another place (`to`).
    Moved,
    /// The quantity was lost, broken or spoiled.
    WrittenOff,
}

impl StockMovement {
    /// Every movement, in the order of their wire codes.
    pub const ALL: [StockMovement; 4] = [
        StockMovement::Counted,
        StockMovement::Received,
        StockMovement::Moved,
        StockMovement::WrittenOff,
    ];
}

/// Stock was counted or moved.
#[derive(Clone, Debug, PartialEq)]
pub struct StockChange {
    /// What happened.
    pub movement: StockMovement,
    /// Which product.
    pub product: ProductId,
    /// Which size or colour.
    pub variant: Option<VariantId>,
    /// Where.
    pub location: LocationId,
    /// Where to, for a move.
    pub to: Option<LocationId>,
    /// How much.
    pub quantity: Quantity,
    /// Which lot.
    pub lot: Option<Box<str>>,
    /// The last day it may be sold.
    pub expires_on: Option<Day>,
}

/// A price changed.
#[derive(Clone, Debug, PartialEq)]
pub struct PriceChange {
    /// Which product.
    pub product: ProductId,
    /// Which size or colour.
    pub variant: Option<VariantId>,
    /// What it costs now.
    pub price: Money,
    /// What it cost before a reduction.
    pub list_price: Option<Money>,
}

/// Where a promotion stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PromotionPhase {
    /// It will come.
    Planned,
    /// It runs.
    Started,
    /// It is over.
    Ended,
}

impl PromotionPhase {
    /// Every phase, in the order of their wire codes.
    pub const ALL: [PromotionPhase; 3] =
        [PromotionPhase::Planned, PromotionPhase::Started, PromotionPhase::Ended];
}

/// A promotion was planned, started or ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Promotion {
    /// The shop's own name for it.
    pub promotion_id: Box<str>,
    /// Where it stands.
    pub phase: PromotionPhase,
    /// Which products; empty means all.
    pub products: Vec<ProductId>,
    /// Its first day.
    pub from: Option<Day>,
    /// Its last day.
    pub until: Option<Day>,
    /// The reduction in hundredths of a percent of the price.
    pub discount_bp: Option<u32>,
}

impl Fact {
    /// Whether the fact is about a person, so that its record carries a subject.
    pub fn is_personal(&self) -> bool {
        match self {
            Fact::Interaction(_)
            | Fact::Searched { .. }
            | Fact::PageSeen { .. }
            | Fact::Custom { .. }
            | Fact::Identified { .. }
            | Fact::Linked { .. }
            | Fact::Unlinked { .. }
            | Fact::Grouped { .. }
            | Fact::Order(_)
            | Fact::Impressions(_)
            | Fact::Consent(_) => true,
            Fact::Sale(_)
            | Fact::ProductPut(_)
            | Fact::ProductPatched { .. }
            | Fact::ProductDeleted { .. }
            | Fact::Stock(_)
            | Fact::Price(_)
            | Fact::Promotion(_)
            | Fact::Forgotten { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests;
