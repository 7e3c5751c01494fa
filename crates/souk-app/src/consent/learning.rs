//! Whose acts no statistic is made of: crawlers, floods, the shop's own people, bulk orders.
//!
//! Like a person's no, this is decided when an act is folded, from the act and the settings alone: so a
//! rebuild gives the same, and whoever leaves can be taken out exactly.

use crate::config::LearningSettings;

/// The settings in a form that is quick to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Learning {
    views_per_hour_max: usize,
    views_per_day_max: usize,
    order_milli_max: i64,
    order_products_max: usize,
    staff_trait: String,
    /// The trait's name as it stands in JSON, to pass over texts that cannot hold it.
    staff_key: String,
}

/// Milliseconds of an hour and of a day.
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

impl Learning {
    pub(crate) fn of(settings: &LearningSettings) -> Learning {
        let count = |limit: Option<u64>| {
            limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
        };
        let units = settings.order_units_max.and_then(|units| i64::try_from(units).ok());
        Learning {
            views_per_hour_max: count(settings.views_per_hour_max),
            views_per_day_max: count(settings.views_per_day_max),
            order_milli_max: units.map_or(i64::MAX, |units| units.saturating_mul(1_000)),
            order_products_max: count(settings.order_products_max),
            staff_trait: settings.staff_trait.clone(),
            staff_key: serde_json::Value::from(settings.staff_trait.as_str()).to_string(),
        }
    }

    /// Spans of time with how many different products one visitor looks at within each.
    pub(crate) fn paces(&self) -> [(i64, usize); 2] {
        [(HOUR_MS, self.views_per_hour_max), (DAY_MS, self.views_per_day_max)]
    }

    /// Whether an order of these products, with thousandths of units each, is more than a household's.
    pub(crate) fn is_bulk(&self, lines: impl Iterator<Item = i64>) -> bool {
        let mut n_products = 0;
        for milli in lines {
            n_products += 1;
            if milli > self.order_milli_max || n_products > self.order_products_max {
                return true;
            }
        }
        false
    }

    /// What traits, as JSON text, say of whether somebody is one of the shop's own people; `None` when
    /// they say nothing of it.
    pub(crate) fn staff_word(&self, traits: &str) -> Option<bool> {
        if self.staff_trait.is_empty() || !traits.contains(&self.staff_key) {
            return None;
        }
        let traits: serde_json::Value = serde_json::from_str(traits).ok()?;
        match traits.get(&self.staff_trait)? {
            serde_json::Value::Bool(flag) => Some(*flag),
            serde_json::Value::Number(number) => Some(number.as_f64() != Some(0.0)),
            serde_json::Value::String(text) => {
                Some(matches!(&*text.to_lowercase(), "true" | "yes" | "1" | "staff"))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod pollution;
#[cfg(test)]
mod tests;
