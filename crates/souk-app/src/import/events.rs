use souk_core::{
    Action, Interaction, Money, OrderChange, OrderId, OrderLine, ProductId, ProductMention,
    Quantity, Unit, VariantId,
};

use super::kind::names;
use super::orders::{Fault, channel_of, check_person, currency_of, fault, id_text};
use super::{Draft, DraftFact, ImportOptions, Mapper, each_row};
use crate::AppError;
use crate::sheet::{Block, Cell, Columns, RowFault};

/// Rows of behaviour: who did what with which product, and when.
pub(crate) struct EventMapper {
    options: ImportOptions,
    time: usize,
    action: Option<usize>,
    user: Option<usize>,
    anonymous: Option<usize>,
    product: Option<usize>,
    variant: Option<usize>,
    quantity: Option<usize>,
    price: Option<usize>,
    currency: Option<usize>,
    query: Option<usize>,
    channel: Option<usize>,
    message: Option<usize>,
}

impl EventMapper {
    pub(crate) fn new(columns: &Columns, options: &ImportOptions) -> Result<EventMapper, AppError> {
        let product: Vec<&str> = names::PRODUCT.iter().copied().filter(|n| *n != "id").collect();
        let (user, anonymous) = (columns.find(names::USER), columns.find(names::ANONYMOUS));
        if user.is_none() && anonymous.is_none() {
            columns.need(names::USER)?;
        }
        Ok(EventMapper {
            options: options.clone(),
            time: columns.need(names::TIME)?,
            action: columns.find(names::ACTION),
            user,
            anonymous,
            product: columns.find(&product),
            variant: columns.find(names::VARIANT),
            quantity: columns.find(names::QUANTITY),
            price: columns.find(names::PRICE),
            currency: columns.find(names::CURRENCY),
            query: columns.find(names::QUERY),
            channel: columns.find(names::CHANNEL),
            message: columns.find(names::MESSAGE),
        })
    }

    fn draft(&self, block: &Block, row: usize) -> Result<Draft, Fault> {
        let cell = |column: Option<usize>| column.map_or(Cell::Empty, |idx| block.cell(row, idx));
        let at = block.cell(row, self.time).time().map_err(|error| fault("timestamp", error))?;
        let at = at.ok_or_else(|| fault("timestamp", "is empty; every event has a time"))?;
        let (user, anonymous) = (cell(self.user).text(), cell(self.anonymous).text());
        check_person("user_id", user.as_deref())?;
        check_person("anonymous_id", anonymous.as_deref())?;
        if user.is_none() && anonymous.is_none() {
            return Err(fault(
                "user_id",
                "is empty, and so is anonymous_id; an event has a shopper",
            ));
        }
        let action = cell(self.action).text().unwrap_or("Product Viewed".into());
        let fact = self.fact(&action, block, row)?;
        let mut draft = Draft::new(at, fact);
        draft.user_id = user.map(|id| id.as_ref().into());
        draft.anonymous_id = anonymous.map(|id| id.as_ref().into());
        draft.channel = Some(channel_of(cell(self.channel))?.unwrap_or(self.options.event_channel));
        draft.message_id = cell(self.message).text().map(|id| id.as_ref().into());
        Ok(draft)
    }

    fn fact(&self, name: &str, block: &Block, row: usize) -> Result<DraftFact, Fault> {
        let cell = |column: Option<usize>| column.map_or(Cell::Empty, |idx| block.cell(row, idx));
        if is_search(name)
            && let Some(query) = cell(self.query).text()
        {
            return Ok(DraftFact::Searched(query.as_ref().into()));
        }
        let mentions = self.mentions(block, row)?;
        if let Some(action) = action_of(name) {
            let extra = None;
            let interaction = Interaction { action, products: mentions, request_id: None, extra };
            return Ok(DraftFact::Interaction(interaction));
        }
        if !is_purchase(name) {
            return Ok(DraftFact::Custom(name.chars().take(200).collect::<String>().into()));
        }
        // A purchase row that names no order is an order of its own.
        let mention = mentions.into_iter().next();
        let mention = mention.ok_or_else(|| fault("product_id", "is empty for a purchase"))?;
        let id = format!("{}-{}", self.time_text(block, row), mention.product.as_str());
        let id: String = id.chars().take(60).collect();
        let quantity = mention.quantity.unwrap_or(Quantity::each(1));
        let amount = mention.price.and_then(|price| {
            Money::from_major(price.as_major() * quantity.as_f64(), price.currency()).ok()
        });
        let line = OrderLine {
            product: mention.product,
            variant: mention.variant,
            quantity,
            amount,
            promotion: None,
        };
        let who = cell(self.user).text().or_else(|| cell(self.anonymous).text());
        let order_id =
            format!("{id}-{:016x}", xxhash_rust::xxh3::xxh3_64(who.unwrap_or_default().as_bytes()));
        Ok(DraftFact::Order {
            order_id: OrderId::new(order_id).map_err(|error| fault("order_id", error))?,
            change: OrderChange::Placed,
            location: None,
            lines: vec![line],
        })
    }

    fn time_text(&self, block: &Block, row: usize) -> String {
        let at = block.cell(row, self.time).time().ok().flatten();
        at.map_or_else(String::new, |at| at.as_ms().to_string())
    }

    fn mentions(&self, block: &Block, row: usize) -> Result<Vec<ProductMention>, Fault> {
        let cell = |column: Option<usize>| column.map_or(Cell::Empty, |idx| block.cell(row, idx));
        if cell(self.product).is_empty() {
            return Ok(Vec::new());
        }
        let product = id_text(cell(self.product), "product_id")?;
        let product = ProductId::new(product.as_ref()).map_err(|e| fault("product_id", e))?;
        let variant = cell(self.variant).text().map(|id| VariantId::new(id.as_ref()));
        let quantity = cell(self.quantity).number().map_err(|e| fault("quantity", e))?;
        let quantity = quantity.map(|count| Quantity::from_f64(count, Unit::Each)).transpose();
        let currency = currency_of(cell(self.currency), self.options.currency)?;
        let price = cell(self.price).number().map_err(|e| fault("price", e))?;
        let price = price.map(|price| Money::from_major(price, currency)).transpose();
        let mention = ProductMention {
            product,
            variant: variant.transpose().map_err(|e| fault("variant_id", e))?,
            quantity: quantity.map_err(|e| fault("quantity", e))?,
            price: price.map_err(|e| fault("price", e))?,
        };
        Ok(vec![mention])
    }
}

impl Mapper for EventMapper {
    fn take(&mut self, block: &Block, faults: &mut Vec<RowFault>) -> Vec<(u64, Draft)> {
        each_row(block, faults, |row| self.draft(block, row).map(Some))
    }
}

/// The action by Segment's name or by the short names of public data sets (Retailrocket, RecSys
/// challenges, Amazon Personalize's examples).
pub(super) fn action_of(name: &str) -> Option<Action> {
    if let Some(action) = Action::parse(name) {
        return Some(action);
    }
    Some(match name.to_lowercase().replace([' ', '-', '_'], "").as_str() {
        "view" | "pageview" | "itemview" | "productviewed" | "productview" => Action::Viewed,
        "click" | "clickout" | "productclicked" => Action::Clicked,
        "addtocart" | "cart" | "addcart" | "basket" | "productadded" => Action::AddedToCart,
        "removefromcart" | "removecart" | "productremoved" => Action::RemovedFromCart,
        "wishlist" | "favorite" | "addtowishlist" | "favourite" => Action::AddedToWishlist,
        "review" | "rating" => Action::Reviewed,
        "share" => Action::Shared,
        _ => return None,
    })
}

pub(super) fn is_purchase(name: &str) -> bool {
    let name = name.to_lowercase().replace([' ', '-', '_'], "");
    matches!(
        name.as_str(),
        "purchase" | "purchased" | "transaction" | "buy" | "bought" | "order" | "ordercompleted"
    )
}

fn is_search(name: &str) -> bool {
    matches!(name.to_lowercase().as_str(), "search" | "products searched" | "searched")
}
