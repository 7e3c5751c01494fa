//! The vocabulary of Souk: what every other crate means by a product, an event, an amount, a day.
//!
//! Pure data and rules. No clock, no storage, no network, no logging; serialised forms live in
//! [`wire`] alone, so that a renamed field never changes a stored byte.

mod channel;
mod consent;
mod error;
mod event;
pub mod filter;
mod hexadecimal;
mod ids;
mod marks;
mod money;
mod place;
mod product;
mod quantity;
pub mod rules;
mod time;
pub mod wire;

pub use channel::{Channel, Source};
pub use consent::{ConsentChange, ConsentOrigin, LegalBasis, Purpose, Purposes};
pub use error::ErrorKind;
pub use event::{
    Action, CustomerOrder, Event, Fact, Impressions, Interaction, LinkBasis, OrderChange,
    OrderLine, PriceChange, ProductMention, Promotion, PromotionPhase, Sale, StockChange,
    StockMovement,
};
pub use filter::{Field, FieldKind, FieldValue, Fields, Filter, FilterError};
pub use hexadecimal::hexadecimal;
pub use ids::{
    EventId, ID_BYTES_MAX, IdError, LocationId, OrderId, OrderRef, ProductId, SiteId, SubjectId,
    VariantId,
};
pub use marks::{ArmMark, Marks, ProductMark, Propensity, SearchMark, SignalMark, Team};
pub use money::{Currency, Money, MoneyError};
pub use place::{GeoPoint, GeoPointError, Location, Site};
pub use product::{
    AttributeValue, Availability, Product, ProductError, ProductPatch, Translation, Variant,
};
pub use quantity::{Quantity, QuantityError, Unit};
pub use time::{Day, TimeError, Timestamp};
