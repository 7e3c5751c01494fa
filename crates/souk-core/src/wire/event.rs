//! Events as bytes: version, kind, a head byte, time, then what the kind needs.
//!
//! The head byte holds the channel (3 bits, 0 for none), the source (2 bits) and three flags: the site
//! is not `main`, a message id follows, and some purposes are withheld (one byte more, after the id). An amount's currency is written only where it differs
//! from the one before in the same event.

use super::bytes::{Reader, WireError, Writer};
use super::marks::{
    has_places, read_impressions, read_marked, read_merged, read_searched, read_signalled,
    write_impressions, write_marked, write_merged, write_searched, write_signalled,
};
use super::order::{read_order, read_sale, write_order, write_sale};
use super::product::{read_patch, read_product, write_patch, write_product};
use crate::{
    Action, Channel, ConsentChange, ConsentOrigin, Currency, Event, Fact, Interaction, LinkBasis,
    LocationId, Money, PriceChange, ProductId, ProductMention, Promotion, PromotionPhase, Purposes,
    SiteId, Source, StockChange, StockMovement, SubjectId, VariantId,
};

/// Wire codes of facts. Personal ones lie below [`kind::PERSON_FREE`]; a code is never used again.
mod kind {
    pub(super) const INTERACTION: u16 = 1;
    pub(super) const SEARCHED: u16 = 2;
    pub(super) const PAGE_SEEN: u16 = 3;
    pub(super) const CUSTOM: u16 = 4;
    pub(super) const IDENTIFIED: u16 = 5;
    pub(super) const LINKED: u16 = 6;
    pub(super) const UNLINKED: u16 = 7;
    pub(super) const GROUPED: u16 = 8;
    pub(super) const ORDER: u16 = 9;
    pub(super) const IMPRESSIONS: u16 = 10;
    pub(super) const CONSENT: u16 = 11;
    /// What was shown, with what chance and experiments did to it.
    pub(super) const IMPRESSIONS_MARKED: u16 = 12;
    /// The same of the answer to a search, with the search.
    pub(super) const IMPRESSIONS_SEARCHED: u16 = 13;
    /// The same of any answer, with what was known of its products.
    pub(super) const IMPRESSIONS_SIGNALLED: u16 = 14;
    /// What was shown of a search in a list of several, with the places there.
    pub(super) const IMPRESSIONS_MERGED: u16 = 15;
    /// The first code of facts about no person.
    pub(super) const PERSON_FREE: u16 = 64;
    pub(super) const SALE: u16 = 64;
    pub(super) const PRODUCT_PUT: u16 = 65;
    pub(super) const PRODUCT_PATCHED: u16 = 66;
    pub(super) const PRODUCT_DELETED: u16 = 67;
    pub(super) const STOCK: u16 = 68;
    pub(super) const PRICE: u16 = 69;
    pub(super) const PROMOTION: u16 = 70;
    pub(super) const FORGOTTEN: u16 = 71;
}

/// The stable code of a fact's kind, so that a reader can skip records without opening them.
pub fn record_kind(fact: &Fact) -> u16 {
    match fact {
        Fact::Interaction(_) => kind::INTERACTION,
        Fact::Searched { .. } => kind::SEARCHED,
        Fact::PageSeen { .. } => kind::PAGE_SEEN,
        Fact::Custom { .. } => kind::CUSTOM,
        Fact::Identified { .. } => kind::IDENTIFIED,
        Fact::Linked { .. } => kind::LINKED,
        Fact::Unlinked { .. } => kind::UNLINKED,
        Fact::Grouped { .. } => kind::GROUPED,
        Fact::Order(_) => kind::ORDER,
        Fact::Impressions(shown) if shown.marks.is_empty() => kind::IMPRESSIONS,
        Fact::Impressions(shown) if shown.marks.signals.is_some() => kind::IMPRESSIONS_SIGNALLED,
        Fact::Impressions(shown) if has_places(shown) => kind::IMPRESSIONS_MERGED,
        Fact::Impressions(shown) if shown.marks.search.is_some() => kind::IMPRESSIONS_SEARCHED,
        Fact::Impressions(_) => kind::IMPRESSIONS_MARKED,
        Fact::Consent(_) => kind::CONSENT,
        Fact::Sale(_) => kind::SALE,
        Fact::ProductPut(_) => kind::PRODUCT_PUT,
        Fact::ProductPatched { .. } => kind::PRODUCT_PATCHED,
        Fact::ProductDeleted { .. } => kind::PRODUCT_DELETED,
        Fact::Stock(_) => kind::STOCK,
        Fact::Price(_) => kind::PRICE,
        Fact::Promotion(_) => kind::PROMOTION,
        Fact::Forgotten { .. } => kind::FORGOTTEN,
    }
}

/// Whether facts of this code are about a person; agrees with [`Fact::is_personal`].
pub fn is_personal_kind(kind: u16) -> bool {
    (1..kind::PERSON_FREE).contains(&kind)
}

/// An event as bytes.
pub fn encode_event(event: &Event) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    encode_event_into(event, &mut out);
    out
}

/// Appends an event's bytes to `out`.
pub fn encode_event_into(event: &Event, out: &mut Vec<u8>) {
    let mut w = Writer::over(std::mem::take(out));
    w.u8(super::VERSION);
    w.varint(u64::from(record_kind(&event.fact)));
    write_head(event, &mut w);
    write_fact(&event.fact, &mut w);
    *out = w.into_bytes();
}

/// Reads what [`encode_event`] wrote, of any version that was ever released.
///
/// # Errors
///
/// [`WireError`] for any other bytes, also when some are left at the end.
pub fn decode_event(bytes: &[u8]) -> Result<Event, WireError> {
    let mut r = Reader::new(bytes);
    r.version()?;
    let kind_at = r.position();
    let kind = u16::try_from(r.varint()?)
        .map_err(|_| WireError::Malformed { at: kind_at, expected: "a kind of fact" })?;
    let mut event = read_head(&mut r)?;
    event.fact = read_fact(kind, kind_at, &mut r)?;
    r.end()?;
    Ok(event)
}

const HEAD_SOURCE_SHIFT: u8 = 3;
const HEAD_OTHER_SITE: u8 = 1 << 5;
const HEAD_MESSAGE_ID: u8 = 1 << 6;
const HEAD_WITHHELD: u8 = 1 << 7;

fn write_head(event: &Event, w: &mut Writer) {
    let other_site = event.site.as_str() != "main";
    let channel = event.channel.map_or(0, |channel| channel as u8 + 1);
    let head = channel
        | (event.source as u8) << HEAD_SOURCE_SHIFT
        | flag(other_site, HEAD_OTHER_SITE)
        | flag(event.message_id.is_some(), HEAD_MESSAGE_ID)
        | flag(!event.withheld.is_empty(), HEAD_WITHHELD);
    w.u8(head);
    w.timestamp(event.at);
    if other_site {
        w.id(event.site.as_str());
    }
    if let Some(message_id) = &event.message_id {
        w.id(message_id);
    }
    if !event.withheld.is_empty() {
        w.u8(event.withheld.bits());
    }
}

/// Reads all but the fact, in whose place stands an empty one.
fn read_head(r: &mut Reader<'_>) -> Result<Event, WireError> {
    let at = r.position();
    let head = r.u8()?;
    let channel = match head & 7 {
        0 => Some(None),
        code => Channel::ALL.get(usize::from(code) - 1).map(|channel| Some(*channel)),
    };
    let channel =
        channel.ok_or(WireError::Malformed { at, expected: "a head byte with a known channel" })?;
    let source = Source::ALL[usize::from(head >> HEAD_SOURCE_SHIFT & 3)];
    let time = r.timestamp()?;
    let site = if head & HEAD_OTHER_SITE == 0 { SiteId::main() } else { read_site(r)? };
    let message_id = if head & HEAD_MESSAGE_ID == 0 { None } else { Some(r.id()?) };
    let withheld = if head & HEAD_WITHHELD == 0 { Purposes::NONE } else { read_withheld(r)? };
    let fact = Fact::Identified { traits: None };
    Ok(Event { at: time, site, channel, source, message_id, withheld, fact })
}

fn read_purposes(r: &mut Reader<'_>) -> Result<Purposes, WireError> {
    let at = r.position();
    Purposes::from_bits(r.u8()?)
        .ok_or(WireError::Malformed { at, expected: "a set of known purposes" })
}

/// A set that is there is not empty, so that an event has one form only.
fn read_withheld(r: &mut Reader<'_>) -> Result<Purposes, WireError> {
    let at = r.position();
    let set = read_purposes(r)?;
    if set.is_empty() {
        return Err(WireError::Malformed { at, expected: "at least one purpose" });
    }
    Ok(set)
}

fn write_consent(change: &ConsentChange, w: &mut Writer) {
    w.u8(change.granted.bits());
    w.u8(change.denied.bits());
    w.u8(change.origin.code());
    write_rest(change.notice.as_deref(), w);
}

fn read_consent(r: &mut Reader<'_>) -> Result<ConsentChange, WireError> {
    let (granted, denied) = (read_purposes(r)?, read_purposes(r)?);
    let at = r.position();
    let origin = ConsentOrigin::from_code(r.u8()?)
        .ok_or(WireError::Malformed { at, expected: "a known origin of a consent" })?;
    Ok(ConsentChange { granted, denied, origin, notice: read_rest(r)? })
}

fn write_fact(fact: &Fact, w: &mut Writer) {
    match fact {
        Fact::Interaction(interaction) => write_interaction(interaction, w),
        Fact::Searched { query } => w.text(query),
        Fact::PageSeen { name, path } => write_page(name.as_deref(), path.as_deref(), w),
        Fact::Custom { name, properties } => {
            w.text(name);
            write_rest(properties.as_deref(), w);
        }
        Fact::Identified { traits } => write_rest(traits.as_deref(), w),
        Fact::Linked { other, basis } | Fact::Unlinked { other, basis } => {
            w.raw(&other.0);
            w.u8(*basis as u8);
        }
        Fact::Grouped { group_id, traits } => {
            w.id(group_id);
            write_rest(traits.as_deref(), w);
        }
        Fact::Order(order) => write_order(order, w),
        Fact::Sale(sale) => write_sale(sale, w),
        Fact::Impressions(shown) if shown.marks.is_empty() => write_impressions(shown, w),
        Fact::Impressions(shown) => match (&shown.marks.signals, &shown.marks.search) {
            (Some(signals), _) => write_signalled((shown, signals), w),
            (None, Some(search)) if has_places(shown) => write_merged((shown, search), w),
            (None, Some(search)) => write_searched((shown, search), w),
            (None, None) => write_marked(shown, w),
        },
        Fact::Consent(change) => write_consent(change, w),
        Fact::ProductPut(product) => write_product(product, w),
        Fact::ProductPatched { product, patch } => {
            w.id(product.as_str());
            write_patch(patch, w);
        }
        Fact::ProductDeleted { product } => w.id(product.as_str()),
        Fact::Stock(change) => write_stock(change, w),
        Fact::Price(change) => write_price(change, w),
        Fact::Promotion(promotion) => write_promotion(promotion, w),
        Fact::Forgotten { subject } => w.raw(&subject.0),
    }
}

fn read_fact(kind: u16, kind_at: usize, r: &mut Reader<'_>) -> Result<Fact, WireError> {
    Ok(match kind {
        kind::INTERACTION => Fact::Interaction(read_interaction(r)?),
        kind::SEARCHED => Fact::Searched { query: r.text()?.into() },
        kind::PAGE_SEEN => read_page(r)?,
        kind::CUSTOM => Fact::Custom { name: r.text()?.into(), properties: read_rest(r)? },
        kind::IDENTIFIED => Fact::Identified { traits: read_rest(r)? },
        kind::LINKED => Fact::Linked { other: SubjectId(r.array16()?), basis: read_basis(r)? },
        kind::UNLINKED => Fact::Unlinked { other: SubjectId(r.array16()?), basis: read_basis(r)? },
        kind::GROUPED => Fact::Grouped { group_id: r.id()?, traits: read_rest(r)? },
        kind::ORDER => Fact::Order(read_order(r)?),
        kind::SALE => Fact::Sale(read_sale(r)?),
        kind::IMPRESSIONS => Fact::Impressions(read_impressions(r)?),
        kind::IMPRESSIONS_MARKED => Fact::Impressions(read_marked(r)?),
        kind::IMPRESSIONS_SEARCHED => Fact::Impressions(read_searched(r)?),
        kind::IMPRESSIONS_SIGNALLED => Fact::Impressions(read_signalled(r)?),
        kind::IMPRESSIONS_MERGED => Fact::Impressions(read_merged(r)?),
        kind::CONSENT => Fact::Consent(read_consent(r)?),
        kind::PRODUCT_PUT => Fact::ProductPut(Box::new(read_product(r)?)),
        kind::PRODUCT_PATCHED => {
            Fact::ProductPatched { product: read_product_id(r)?, patch: Box::new(read_patch(r)?) }
        }
        kind::PRODUCT_DELETED => Fact::ProductDeleted { product: read_product_id(r)? },
        kind::STOCK => Fact::Stock(read_stock(r)?),
        kind::PRICE => Fact::Price(read_price(r)?),
        kind::PROMOTION => Fact::Promotion(read_promotion(r)?),
        kind::FORGOTTEN => Fact::Forgotten { subject: SubjectId(r.array16()?) },
        _ => return Err(WireError::Malformed { at: kind_at, expected: "a known kind of fact" }),
    })
}

/// `bit` where `condition` holds, for assembling flag bytes.
#[inline]
pub(super) fn flag(condition: bool, bit: u8) -> u8 {
    if condition { bit } else { 0 }
}

/// The currency last written in one event, so that the next amount need not repeat it.
#[derive(Default)]
pub(super) struct LastCurrency(Option<Currency>);

impl LastCurrency {
    pub(super) fn is_of(&self, money: Money) -> bool {
        self.0 == Some(money.currency())
    }

    pub(super) fn write(&mut self, money: Money, w: &mut Writer) {
        if self.is_of(money) {
            w.zigzag(money.minor());
        } else {
            w.money(money);
            self.0 = Some(money.currency());
        }
    }

    /// Reads an amount whose flags said with `repeats` whether the currency was left out.
    pub(super) fn read(
        &mut self,
        flags: u8,
        repeats: u8,
        r: &mut Reader<'_>,
    ) -> Result<Money, WireError> {
        if flags & repeats == 0 {
            let money = r.money()?;
            self.0 = Some(money.currency());
            return Ok(money);
        }
        match self.0 {
            Some(currency) => r.minor(currency),
            None => Err(r.fault("an amount after one that names a currency")),
        }
    }
}

const MENTION_VARIANT: u8 = 1;
const MENTION_QUANTITY: u8 = 2;
const MENTION_PRICE: u8 = 4;
const MENTION_SAME_CURRENCY: u8 = 8;

fn write_interaction(interaction: &Interaction, w: &mut Writer) {
    w.u8(interaction.action as u8);
    let flags = flag(interaction.request_id.is_some(), 1) | flag(interaction.extra.is_some(), 2);
    w.varint((interaction.products.len() as u64) << 2 | u64::from(flags));
    let mut last = LastCurrency::default();
    for mention in &interaction.products {
        let same = mention.price.is_some_and(|price| last.is_of(price));
        w.u8(flag(mention.variant.is_some(), MENTION_VARIANT)
            | flag(mention.quantity.is_some(), MENTION_QUANTITY)
            | flag(mention.price.is_some(), MENTION_PRICE)
            | flag(same, MENTION_SAME_CURRENCY));
        w.id(mention.product.as_str());
        if let Some(variant) = &mention.variant {
            w.id(variant.as_str());
        }
        if let Some(quantity) = mention.quantity {
            w.quantity(quantity);
        }
        if let Some(price) = mention.price {
            last.write(price, w);
        }
    }
    if let Some(request_id) = &interaction.request_id {
        w.id(request_id);
    }
    if let Some(extra) = &interaction.extra {
        w.text(extra);
    }
}

fn read_interaction(r: &mut Reader<'_>) -> Result<Interaction, WireError> {
    let action = r.one_of(&Action::ALL, "a known action")?;
    let at = r.position();
    let head = r.varint()?;
    let count = usize::try_from(head >> 2).ok().filter(|count| *count <= r.remaining());
    let count = count
        .ok_or(WireError::Malformed { at, expected: "a count within the bytes that follow" })?;
    let mut last = LastCurrency::default();
    let products = r.items(count, |r| read_mention(&mut last, r))?;
    let request_id = if head & 1 == 0 { None } else { Some(r.id()?) };
    let extra = if head & 2 == 0 { None } else { Some(r.text()?.into()) };
    Ok(Interaction { action, products, request_id, extra })
}

fn read_mention(last: &mut LastCurrency, r: &mut Reader<'_>) -> Result<ProductMention, WireError> {
    let flags = read_flags(r, 15, "flags of a mention")?;
    let has = |bit: u8| flags & bit != 0;
    Ok(ProductMention {
        product: read_product_id(r)?,
        variant: if has(MENTION_VARIANT) { Some(read_variant_id(r)?) } else { None },
        quantity: if has(MENTION_QUANTITY) { Some(r.quantity()?) } else { None },
        price: if has(MENTION_PRICE) {
            Some(last.read(flags, MENTION_SAME_CURRENCY, r)?)
        } else {
            None
        },
    })
}

/// Reads a flag byte and refuses flags beyond `known`: a later version's meaning must not be lost.
pub(super) fn read_flags(
    r: &mut Reader<'_>,
    known: u8,
    expected: &'static str,
) -> Result<u8, WireError> {
    let at = r.position();
    let flags = r.u8()?;
    if flags & !known == 0 { Ok(flags) } else { Err(WireError::Malformed { at, expected }) }
}

fn write_page(name: Option<&str>, path: Option<&str>, w: &mut Writer) {
    w.u8(flag(name.is_some(), 1) | flag(path.is_some(), 2));
    for text in [name, path].into_iter().flatten() {
        w.text(text);
    }
}

fn read_page(r: &mut Reader<'_>) -> Result<Fact, WireError> {
    let flags = read_flags(r, 3, "flags of a page")?;
    let name = if flags & 1 == 0 { None } else { Some(r.text()?.into()) };
    let path = if flags & 2 == 0 { None } else { Some(r.text()?.into()) };
    Ok(Fact::PageSeen { name, path })
}

/// An optional text: 0, or its length plus one and the text.
pub(super) fn write_rest(text: Option<&str>, w: &mut Writer) {
    match text {
        None => w.u8(0),
        Some(text) => {
            w.count(text.len() + 1);
            w.raw(text.as_bytes());
        }
    }
}

pub(super) fn read_rest(r: &mut Reader<'_>) -> Result<Option<Box<str>>, WireError> {
    let at = r.position();
    let fault = || WireError::Malformed { at, expected: "an optional text in UTF-8" };
    match usize::try_from(r.varint()?).map_err(|_| fault())? {
        0 => Ok(None),
        count => {
            let bytes = r.raw(count - 1)?;
            Ok(Some(std::str::from_utf8(bytes).map_err(|_| fault())?.into()))
        }
    }
}

fn read_basis(r: &mut Reader<'_>) -> Result<LinkBasis, WireError> {
    r.one_of(&LinkBasis::ALL, "a known basis of a link")
}

macro_rules! read_text_id {
    ($name:ident, $type:ident, $expected:literal) => {
        pub(super) fn $name(r: &mut Reader<'_>) -> Result<$type, WireError> {
            let at = r.position();
            $type::new(r.id()?).map_err(|_| WireError::Malformed { at, expected: $expected })
        }
    };
}

read_text_id!(read_product_id, ProductId, "a product id");
read_text_id!(read_variant_id, VariantId, "a variant id");
read_text_id!(read_site, SiteId, "a site id");
read_text_id!(read_location, LocationId, "a location id");

pub(super) fn write_product_ids(products: &[ProductId], w: &mut Writer) {
    w.count(products.len());
    for product in products {
        w.id(product.as_str());
    }
}

fn write_stock(change: &StockChange, w: &mut Writer) {
    w.u8(change.movement as u8);
    w.u8(flag(change.variant.is_some(), 1)
        | flag(change.to.is_some(), 2)
        | flag(change.lot.is_some(), 4)
        | flag(change.expires_on.is_some(), 8));
    w.id(change.product.as_str());
    w.id(change.location.as_str());
    w.quantity(change.quantity);
    if let Some(variant) = &change.variant {
        w.id(variant.as_str());
    }
    if let Some(to) = &change.to {
        w.id(to.as_str());
    }
    if let Some(lot) = &change.lot {
        w.id(lot);
    }
    if let Some(day) = change.expires_on {
        w.day(day);
    }
}

fn read_stock(r: &mut Reader<'_>) -> Result<StockChange, WireError> {
    let movement = r.one_of(&StockMovement::ALL, "a known movement of stock")?;
    let flags = read_flags(r, 15, "flags of a stock change")?;
    Ok(StockChange {
        movement,
        product: read_product_id(r)?,
        location: read_location(r)?,
        quantity: r.quantity()?,
        variant: if flags & 1 == 0 { None } else { Some(read_variant_id(r)?) },
        to: if flags & 2 == 0 { None } else { Some(read_location(r)?) },
        lot: if flags & 4 == 0 { None } else { Some(r.id()?) },
        expires_on: if flags & 8 == 0 { None } else { Some(r.day()?) },
    })
}

fn write_price(change: &PriceChange, w: &mut Writer) {
    let mut last = LastCurrency::default();
    let same = change.list_price.is_some_and(|list| list.currency() == change.price.currency());
    w.u8(flag(change.variant.is_some(), 1) | flag(change.list_price.is_some(), 2) | flag(same, 4));
    w.id(change.product.as_str());
    if let Some(variant) = &change.variant {
        w.id(variant.as_str());
    }
    last.write(change.price, w);
    if let Some(list_price) = change.list_price {
        last.write(list_price, w);
    }
}

fn read_price(r: &mut Reader<'_>) -> Result<PriceChange, WireError> {
    let mut last = LastCurrency::default();
    let flags = read_flags(r, 7, "flags of a price change")?;
    Ok(PriceChange {
        product: read_product_id(r)?,
        variant: if flags & 1 == 0 { None } else { Some(read_variant_id(r)?) },
        price: last.read(0, 4, r)?,
        list_price: if flags & 2 == 0 { None } else { Some(last.read(flags, 4, r)?) },
    })
}

fn write_promotion(promotion: &Promotion, w: &mut Writer) {
    w.u8(promotion.phase as u8);
    w.u8(flag(promotion.from.is_some(), 1)
        | flag(promotion.until.is_some(), 2)
        | flag(promotion.discount_bp.is_some(), 4));
    w.id(&promotion.promotion_id);
    write_product_ids(&promotion.products, w);
    for day in [promotion.from, promotion.until].into_iter().flatten() {
        w.day(day);
    }
    if let Some(discount) = promotion.discount_bp {
        w.varint(u64::from(discount));
    }
}

fn read_promotion(r: &mut Reader<'_>) -> Result<Promotion, WireError> {
    let phase = r.one_of(&PromotionPhase::ALL, "a known phase of a promotion")?;
    let flags = read_flags(r, 7, "flags of a promotion")?;
    Ok(Promotion {
        phase,
        promotion_id: r.id()?,
        products: r.list(read_product_id)?,
        from: if flags & 1 == 0 { None } else { Some(r.day()?) },
        until: if flags & 2 == 0 { None } else { Some(r.day()?) },
        discount_bp: if flags & 4 == 0 { None } else { Some(read_u32(r)?) },
    })
}

pub(super) fn read_u32(r: &mut Reader<'_>) -> Result<u32, WireError> {
    let at = r.position();
    u32::try_from(r.varint()?)
        .map_err(|_| WireError::Malformed { at, expected: "an integer of at most 32 bits" })
}
