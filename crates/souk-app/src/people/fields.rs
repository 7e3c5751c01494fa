//! What a segment's filter can ask about a person.

use souk_core::{Field, FieldKind, FieldValue, Fields};

use super::person::{Person, days_between};
use super::taste::{Leaning, Tastes};

const NUMBER: FieldKind = FieldKind::Number;
const OTHER: FieldKind = FieldKind::Other;

/// Each field with what its values are and what it means, as `docs/profiles.md` tells it; a test compares the two.
pub(crate) const FIELDS: [(&str, FieldKind, &str); 33] = [
    ("orders", NUMBER, "orders"),
    ("orders_30d", NUMBER, "orders of the last 30 days"),
    ("orders_90d", NUMBER, "orders of the last 90 days"),
    ("orders_365d", NUMBER, "orders of the last 365 days"),
    ("spend", NUMBER, "what was spent, in the currency of the site (19.99)"),
    ("spend_365d", NUMBER, "what was spent in the last 365 days"),
    ("average_order", NUMBER, "the mean amount of an order"),
    ("days_since_order", NUMBER, "days since the last order"),
    ("days_since_first_order", NUMBER, "days since the first order"),
    ("days_since_visit", NUMBER, "days since anything was looked at, put in a cart or bought"),
    ("probability_alive", NUMBER, "the probability of still being a customer, 0 to 1"),
    ("expected_orders", NUMBER, "orders to be expected within the horizon"),
    ("order_value", NUMBER, "the amount to be expected of the next order"),
    ("expected_value", NUMBER, "what is expected to be spent within the horizon"),
    ("churn_risk", NUMBER, "the probability of no order within the horizon, 0 to 1"),
    (
        "days_to_next_order",
        NUMBER,
        "days within which the next order comes with probability one half",
    ),
    ("high_value", OTHER, "whether the expected value is among the highest of the shop"),
    ("rfm", OTHER, "the name of the standing: 'champions', 'at_risk', …"),
    ("rfm.recency", NUMBER, "1 to 5"),
    ("rfm.frequency", NUMBER, "1 to 5"),
    ("rfm.monetary", NUMBER, "1 to 5"),
    ("affinity.brand", OTHER, "brands that are liked more than others like them"),
    ("affinity.category", OTHER, "categories, likewise: a path, its beginning, or one step"),
    ("top_brand", OTHER, "the brand with the highest share"),
    ("brand_loyalty", NUMBER, "the share of the most bought brand, 0 to 1"),
    ("brand_concentration", NUMBER, "how much few brands take, 0 to 1"),
    ("price_level", NUMBER, "where the usual price stands in its categories, 0 the lowest to 1"),
    ("bought", OTHER, "ids of products that were bought"),
    ("bought.brand", OTHER, "their brands"),
    ("bought.category", OTHER, "their categories"),
    ("due", OTHER, "ids of products that are due to be bought again"),
    ("channel", OTHER, "where most orders are made: 'web', 'store', …"),
    ("weekday", OTHER, "on which day most are made: 'mon' to 'sun'"),
];

impl Fields for Person<'_> {
    fn any_value(&self, field: &Field, test: &mut dyn FnMut(FieldValue<'_>) -> bool) -> bool {
        let Field::Attribute(name) = field else { return false };
        if let Some(number) = self.number(name) {
            return number.is_some_and(|number| test(FieldValue::Number(number)));
        }
        let catalogue = &self.lens.views.catalogue;
        match &**name {
            "high_value" => self.is_high_value().is_some_and(|is| test(FieldValue::Bool(is))),
            "rfm" => self.rfm().is_some_and(|(_, name)| test(FieldValue::Text(name.as_str()))),
            "affinity.brand" => any_affinity(&self.tastes().brands, FieldValue::Text, test),
            "affinity.category" => any_affinity(&self.tastes().categories, FieldValue::Path, test),
            "top_brand" => {
                let top = self.tastes().brands.first();
                top.is_some_and(|top| test(FieldValue::Text(top.name)))
            }
            "bought" => self
                .lines
                .iter()
                .any(|line| test(FieldValue::Text(catalogue.product_id(line.item).as_str()))),
            "bought.brand" => self.lines.iter().any(|line| {
                let brand = catalogue.product(line.item).and_then(|product| product.brand.as_ref());
                brand.is_some_and(|brand| test(FieldValue::Text(brand)))
            }),
            "bought.category" => self.lines.iter().any(|line| {
                let product = catalogue.product(line.item);
                let mut paths = product.into_iter().flat_map(|product| &product.categories);
                paths.any(|path| test(FieldValue::Path(path)))
            }),
            "due" => {
                let is_due = |due_ms: i64| due_ms <= self.lens.now.as_ms();
                let due = self.tastes().cycles.iter().filter(|one| is_due(one.rhythm.due_ms()));
                let mut ids = due.map(|one| catalogue.product_id(one.item).as_str());
                ids.any(|id| test(FieldValue::Text(id)))
            }
            "channel" => {
                let channel = self.habits().channel();
                channel.is_some_and(|(channel, _)| test(FieldValue::Text(channel.as_str())))
            }
            "weekday" => {
                let weekday = self.habits().weekday();
                weekday.is_some_and(|(weekday, _)| test(FieldValue::Text(weekday.as_str())))
            }
            _ => false,
        }
    }
}

fn any_affinity<'n>(
    leanings: &[Leaning<'n>],
    value: fn(&'n str) -> FieldValue<'n>,
    test: &mut dyn FnMut(FieldValue<'_>) -> bool,
) -> bool {
    leanings.iter().filter(|one| one.is_affinity()).any(|one| test(value(one.name)))
}

impl Person<'_> {
    /// The number behind a field; `None` for a field that is no number, `Some(None)` where it is not known.
    fn number(&self, name: &str) -> Option<Option<f64>> {
        let now = self.lens.now;
        let major =
            |minor: f64| minor / 10_f64.powi(self.lens.currency.minor_digits().cast_signed());
        let of = self.basics;
        let paid = of.filter(|basics| basics.paid.0 > 0).map(|basics| basics.paid);
        let scores = || self.rfm().map(|(scores, _)| scores);
        let loyalty = |tastes: &Tastes<'_>| tastes.loyalty.map(|loyalty| loyalty.share);
        Some(match name {
            "orders" => Some(of.map_or(0.0, |basics| f64::from(basics.orders))),
            "orders_30d" => Some(self.orders_within(30.0) as f64),
            "orders_90d" => Some(self.orders_within(90.0) as f64),
            "orders_365d" => Some(self.orders_within(365.0) as f64),
            "spend" => paid.map(|(_, minor)| major(minor)),
            "spend_365d" => paid.map(|_| major(self.spent_within(365.0) as f64)),
            "average_order" => paid.map(|(n, minor)| major(minor / f64::from(n))),
            "days_since_order" => of.map(|basics| days_between(basics.last, now)),
            "days_since_first_order" => of.map(|basics| days_between(basics.first, now)),
            "days_since_visit" => {
                let touched = self.touches().iter().map(|touch| touch.at);
                let last = touched.chain(of.map(|basics| basics.last)).max();
                last.map(|last| days_between(last, now))
            }
            "probability_alive" => self.outlook().alive,
            "expected_orders" => self.outlook().orders,
            "order_value" => self.outlook().order_value.map(major),
            "expected_value" => self.outlook().value.map(major),
            "churn_risk" => self.outlook().churn_risk,
            "days_to_next_order" => self.outlook().next_days,
            "rfm.recency" => scores().map(|scores| f64::from(scores.recency)),
            "rfm.frequency" => scores().map(|scores| f64::from(scores.frequency)),
            "rfm.monetary" => scores().map(|scores| f64::from(scores.monetary)),
            "brand_loyalty" => loyalty(self.tastes()),
            "brand_concentration" => self.tastes().loyalty.map(|loyalty| loyalty.concentration),
            "price_level" => self.tastes().price_band.map(|band| band.middle),
            _ => return None,
        })
    }
}
