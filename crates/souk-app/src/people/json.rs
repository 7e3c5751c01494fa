//! Profiles as JSON, the same for HTTP and the command line.

use serde_json::{Map, Value, json};
use souk_core::Money;

use super::profile::{
    Affinity, BrandLoyalty, Figure, Finding, Habit, NextOrder, PriceBand, Profile, Replenishment,
    Rfm,
};

/// Writes a profile.
pub fn profile_to_json(profile: &Profile, id: &str) -> Value {
    let orders = profile.orders.map(|orders| {
        json!({
            "count": orders.count,
            "first_at": orders.first_at.to_string(),
            "last_at": orders.last_at.to_string(),
            "spend": orders.spend.map(money),
        })
    });
    json!({
        "id": id,
        "as_of": profile.as_of.to_string(),
        "site": profile.site.as_str(),
        "allowed": profile.consent.is_allowed,
        "consent": profile.consent.reason.as_str(),
        "horizon_days": profile.horizon_days,
        "fitted_at": profile.fitted_at.map(|at| at.to_string()),
        "orders": orders,
        "rfm": finding(&profile.rfm, rfm),
        "probability_alive": finding(&profile.probability_alive, number),
        "expected_orders": finding(&profile.expected_orders, number),
        "order_value": finding(&profile.order_value, |value| money(*value)),
        "expected_value": finding(&profile.expected_value, |value| money(*value)),
        "churn_risk": finding(&profile.churn_risk, number),
        "next_order": finding(&profile.next_order, next_order),
        "brands": finding(&profile.brands, |all| all.iter().map(affinity).collect()),
        "categories": finding(&profile.categories, |all| all.iter().map(affinity).collect()),
        "price_band": finding(&profile.price_band, price_band),
        "brand_loyalty": finding(&profile.brand_loyalty, loyalty),
        "replenishment": finding(&profile.replenishment, |all| all.iter().map(cycle).collect()),
        "channel": finding(&profile.channel, habit),
        "weekday": finding(&profile.weekday, habit),
        "hour": finding(&profile.hour, habit),
        "segments": profile.segments,
    })
}

fn finding<T>(finding: &Finding<T>, value: impl Fn(&T) -> Value) -> Value {
    let evidence: Map<String, Value> = finding
        .evidence
        .iter()
        .map(|(name, figure)| {
            let figure = match figure {
                Figure::Number(value) => number(value),
                Figure::Time(at) => at.to_string().into(),
            };
            ((*name).to_owned(), figure)
        })
        .collect();
    json!({
        "value": finding.value.as_ref().map(value),
        "reason": finding.reason,
        "evidence": evidence,
    })
}

/// Six digits are more than any of these figures is sure of.
fn number(value: &f64) -> Value {
    let rounded = (value * 1e6).round() / 1e6;
    if rounded.fract() == 0.0 && rounded.abs() < 1e15 {
        return Value::from(rounded as i64);
    }
    Value::from(rounded)
}

fn money(value: Money) -> Value {
    json!({"amount": value.minor(), "currency": value.currency().as_str()})
}

fn rfm(value: &Rfm) -> Value {
    json!({
        "segment": value.segment,
        "recency": value.recency,
        "frequency": value.frequency,
        "monetary": value.monetary,
    })
}

fn next_order(value: &NextOrder) -> Value {
    json!({"at": value.at.to_string(), "in_days": number(&value.in_days)})
}

fn affinity(value: &Affinity) -> Value {
    json!({
        "name": value.name,
        "share": number(&value.share),
        "lift": value.lift.as_ref().map(number),
        "purchases": value.purchases,
        "views": value.views,
        "last_at": value.last_at.to_string(),
        "is_affinity": value.is_affinity,
    })
}

fn price_band(value: &PriceBand) -> Value {
    json!({
        "name": value.name,
        "p25": number(&value.p25),
        "p50": number(&value.p50),
        "p75": number(&value.p75),
    })
}

fn loyalty(value: &BrandLoyalty) -> Value {
    json!({
        "brand": value.brand,
        "share": number(&value.share),
        "concentration": number(&value.concentration),
        "brands": value.brands,
    })
}

fn cycle(value: &Replenishment) -> Value {
    json!({
        "product_id": value.product_id.as_str(),
        "title": value.title,
        "every_days": number(&value.every_days),
        "spread_days": number(&value.spread_days),
        "gaps": value.gaps,
        "last_at": value.last_at.to_string(),
        "due_at": value.due_at.to_string(),
    })
}

fn habit(value: &Habit) -> Value {
    json!({"most": value.most, "share": number(&value.share)})
}
