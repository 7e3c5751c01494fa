use serde_json::{Value, json};
use souk_core::Money;

use super::{Candidate, Decision, PlanException, PlanLine, Proposal, ReplenishmentPlan};

pub(super) fn money(money: Money) -> Value {
    json!({"amount": money.minor(), "currency": money.currency().as_str()})
}

fn round(value: f64) -> f64 {
    // Nothing is 0, not -0.
    (value * 1_000.0).round() / 1_000.0 + 0.0
}

/// A plan as the contract writes it.
pub fn plan_to_json(plan: &ReplenishmentPlan) -> Value {
    let alarms = plan.alarms.iter().map(|alarm| {
        json!({
            "feed": alarm.feed,
            "location_id": alarm.location.as_str(),
            "kind": alarm.kind,
            "text": alarm.text,
        })
    });
    let exceptions = plan.exceptions.iter().map(PlanException::to_json);
    json!({
        "site": plan.site.as_str(),
        "location_id": plan.location.as_str(),
        "today": plan.today.to_string(),
        "considered": plan.n_considered,
        "unknown": plan.n_unknown,
        "pending": plan.n_pending,
        "lines": plan.lines.iter().map(line).collect::<Vec<_>>(),
        "exceptions": exceptions.collect::<Vec<_>>(),
        "more_exceptions": plan.n_more_exceptions,
        "alarms": alarms.collect::<Vec<_>>(),
        "so_far": {"sold": round(plan.so_far.sold), "expected": round(plan.so_far.expected)},
        "proposals": plan.proposals.iter().map(proposal).collect::<Vec<_>>(),
        "automatic": {
            "auto_reorder": plan.automatic.is_on,
            "shadow": plan.automatic.is_shadow,
            "stopped_since": plan.automatic.stopped_since.map(|at| at.to_string()),
        },
    })
}

fn line(line: &PlanLine) -> Value {
    let chosen = line.supplier();
    json!({
        "product_id": line.product.as_str(),
        "title": line.title,
        "position": {
            "on_hand": round(line.position.on_hand),
            "on_order": round(line.position.on_order),
            "later": round(line.position.later),
            "overdue": round(line.position.overdue),
            "reserved": round(line.position.reserved),
            "total": round(line.position.total()),
        },
        "lead_time_days": round(line.lead_time_days),
        "protection_days": round(line.protection_days),
        "forecast_from": line.forecast_from.to_string(),
        "demand_mean": round(line.demand_mean),
        "service_level": line.service_level,
        "demand_quantile": round(line.order_up_to),
        "order_up_to": round(line.order_up_to),
        "expiring": round(line.expiring),
        "shelf_life_days": line.keeps_days,
        "most": line.most.map(round),
        "waste": round(line.waste),
        "waste_chance": line.waste_chance.map(round),
        "spared": round(line.spared),
        "need": round(line.need),
        "serves": line.serves.map(round),
        "supplier_id": chosen.map(|one| one.supplier_id.as_str()),
        "quantity": round(line.quantity),
        "unit_price": chosen.map(|one| money(one.unit_price)),
        "cost": line.cost.map(money),
        "expected_on": chosen.map(|one| one.arrives_on.to_string()),
        "confidence": line.confidence.map(round),
        "suppliers": line.candidates.iter().map(candidate).collect::<Vec<_>>(),
        "warnings": line.warnings,
        "notes": line.notes,
        "overrides": line.overrides,
        "text": line.text,
    })
}

fn candidate(one: &Candidate) -> Value {
    json!({
        "supplier_id": one.supplier_id,
        "chosen": one.is_chosen,
        "lead_time_days": round(one.days.0),
        "protection_days": round(one.days.1),
        "order_up_to": round(one.order_up_to),
        "expiring": round(one.expiring),
        "most": one.most.map(round),
        "spared": round(one.spared),
        "need": round(one.need),
        "serves": one.serves.map(round),
        "quantity": round(one.quantity),
        "unit_price": money(one.unit_price),
        "landed_cost": money(one.landed_cost),
        "missing": round(one.missing),
        "lost_margin": money(one.lost_margin),
        "cost_per_unit": round(one.cost_per_unit),
        "reliability": round(one.reliability),
        "arrives_on": one.arrives_on.to_string(),
        "rounding": one.rounding,
    })
}

fn proposal(one: &Proposal) -> Value {
    let (is_approved, reasons) = match &one.decision {
        Decision::Approve => (true, &[][..]),
        Decision::Ask(reasons) => (false, &reasons[..]),
    };
    json!({
        "supplier_id": one.supplier_id,
        "lines": one.n_lines,
        "amount": money(one.amount),
        "waste": money(one.waste),
        "approved_by_rule": is_approved,
        "reasons": reasons,
    })
}
