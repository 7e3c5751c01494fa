use serde_json::{Map, Value, json};

use super::ForecastAnswer;

/// Models with their shares.
pub(super) fn model_text(models: &[(String, f64)]) -> String {
    let names = models.iter().map(|(name, weight)| format!("{name} {:.0} %", weight * 100.0));
    let names: Vec<String> = names.collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// A forecast as the contract writes it.
pub fn forecast_to_json(answer: &ForecastAnswer) -> Value {
    // Nothing missing is 0, not -0.
    let round = |value: f64| (value * 1_000.0).round() / 1_000.0 + 0.0;
    let daily: Vec<Value> = answer
        .daily
        .iter()
        .map(|day| {
            let pairs = answer.levels.iter().zip(&day.intervals);
            let intervals: Map<String, Value> = pairs
                .map(|(level, (low, high))| (level.to_string(), json!([round(*low), round(*high)])))
                .collect();
            json!({"date": day.date.to_string(), "mean": round(day.mean), "intervals": intervals})
        })
        .collect();
    let (level, (low, high)) = answer.total_interval;
    let factors = answer.key_factors.iter().map(|one| {
        json!({"factor": one.factor, "effect_units": round(one.effect_units), "text": one.text})
    });
    let advice = answer.recommendations.iter().map(|one| {
        let mut row = json!({"action": one.action, "text": one.text});
        if let Some(quantity) = one.quantity {
            row["quantity"] = json!(quantity);
        }
        row
    });
    let risks = answer.risks.iter().map(|one| {
        json!({
            "risk": one.risk,
            "probability": (one.probability * 10_000.0).round() / 10_000.0,
            "effect_units": round(one.effect_units),
            "text": one.text,
        })
    });
    let optimal = &answer.optimal;
    let backtest = answer.backtest.map(|figures| {
        let round = |value: Option<f64>| value.map(round);
        json!({
            "mase": round(figures.mase),
            "wape": round(figures.wape),
            "bias": round(figures.bias),
            "days": figures.days,
        })
    });
    json!({
        "product_id": answer.product.as_str(),
        "location_id": answer.location.as_ref().map(|id| id.as_str()),
        "forecast_period": answer.daily.len(),
        "predicted_demand": {"total": round(answer.total), "daily": daily},
        "confidence_interval": {"level": level, "total": [round(low), round(high)]},
        "key_factors": factors.collect::<Vec<_>>(),
        "recommendations": advice.collect::<Vec<_>>(),
        "risk_assessment": risks.collect::<Vec<_>>(),
        "optimal_inventory": {
            "reorder_point": round(optimal.reorder_point),
            "order_up_to": round(optimal.order_up_to),
            "safety_stock": round(optimal.safety_stock),
            "lead_time_days": round(optimal.lead_time_days),
            "protection_days": round(optimal.protection_days),
            "service_level": (optimal.service_level * 10_000.0).round() / 10_000.0,
        },
        "model": model_text(&answer.models),
        "backtest": backtest,
        "notes": answer.notes,
    })
}
