//! What a forecast says in words: every number is read off the series, the forecast or the stock.

use std::sync::Arc;

use souk_core::rules::Weekday;
use souk_core::{Day, ProductId};

use super::going::Going;
use super::outlook::{Closely, has_drivers};
use super::{
    Advice, DayAhead, ForecastAnswer, ForecastRequest, KeyFactor, OptimalStock, Risk, over_days,
};
use crate::demand::{DemandSeries, TotalDemand};
use crate::replenishment::{Advised, Position, shelf};
use crate::{App, AppError};

/// Days that the level is told from.
const LEVEL_DAYS: usize = 28;
/// Effects below this share of the total are not worth a word (chosen).
const WORTH_SAYING: f64 = 0.01;

/// Everything about one question.
struct Told<'a> {
    series: &'a DemandSeries,
    closely: &'a Closely,
    /// What planners changed.
    said: Vec<KeyFactor>,
    horizon: usize,
    /// Days of the forecast that are over already.
    skip: usize,
    total: f64,
    /// With what is there before an order of the next chance.
    position: Option<Position>,
    /// The same with what is there before an order of today.
    soon: Option<Position>,
    /// What the plan of the place says; `None` for all places together.
    advised: Option<Advised>,
    /// What goes off at the place.
    going: Option<Going>,
    optimal: OptimalStock,
}

pub(super) fn answer(
    app: &Arc<App>,
    (request, series): (ForecastRequest, DemandSeries),
    mut closely: Closely,
) -> Result<ForecastAnswer, AppError> {
    let horizon = request.horizon_days as usize;
    let clock = app.place_clock(&request.site, request.location.as_ref());
    let today = clock.day(app.clock.now());
    let from = match series.is_empty() {
        true => today,
        false => Day::from_number(series.last().number() + 1),
    };
    let ids = (&request.site, &request.product);
    let heard = app.heard(ids, request.location.as_ref(), today);
    let said = closely.hear((from, horizon), &request.levels, &heard);
    let mean = &closely.forecast.mean;
    let daily = (0..horizon).map(|idx| DayAhead {
        date: Day::from_number(from.number() + idx as i32),
        mean: mean[idx],
        intervals: closely
            .forecast
            .intervals
            .iter()
            .map(|(low, high)| (low[idx].min(mean[idx]), high[idx].max(mean[idx])))
            .map(|bounds| if closely.is_count { in_pieces(bounds) } else { bounds })
            .collect(),
    });
    let daily: Vec<DayAhead> = daily.collect();
    let total = mean.iter().take(horizon).sum::<f64>();
    let all = over(&closely, (0, horizon as f64));
    let level = request.levels.iter().copied().fold(0.0, f64::max);
    let bounds = (all.quantile(0.5 - level / 2.0), all.quantile(0.5 + level / 2.0));
    let bounds = (bounds.0.min(total), bounds.1.max(total));
    let bounds = if closely.is_count { in_pieces(bounds) } else { bounds };
    // Days that are over already wait for no stock.
    let skip = usize::try_from(today.number() - from.number()).unwrap_or(0);
    let position_in = |days: f64| app.position(ids, request.location.as_ref(), days);
    let advised = match (&request.location, position_in(0.0)) {
        (Some(location), Some(_)) => Some(app.advised(ids, (location, today))?),
        _ => None,
    };
    let optimal =
        app.optimal_stock((ids, today), advised.as_ref(), |days| over(&closely, (skip, days)));
    let position = position_in(optimal.protection_days);
    let soon = position_in(optimal.lead_time_days);
    let going = Going::of(app, &request, today);
    // What is past its last day is no stock.
    let expired = going.map_or(0.0, |going| going.expired);
    let sound = |position: Position| Position { on_hand: position.on_hand - expired, ..position };
    let (position, soon) = (position.map(sound), soon.map(sound));
    let (series, closely) = (&series, &closely);
    let told = Told {
        series,
        closely,
        said,
        horizon,
        skip,
        total,
        position,
        soon,
        advised,
        going,
        optimal,
    };
    let product = app.product(&request.site, &request.product);
    let keeps_days = product.and_then(|product| shelf::keeps_days(&product));
    Ok(ForecastAnswer {
        key_factors: told.key_factors(),
        recommendations: told.recommendations(),
        risks: told.risks(keeps_days),
        notes: told.notes(&request.product),
        product: request.product,
        location: request.location,
        from,
        levels: request.levels,
        daily,
        total,
        total_interval: (level, bounds),
        optimal,
        models: closely.forecast.models.clone(),
        backtest: closely.backtest,
    })
}

/// Demand over some days of a forecast, the first ones skipped.
fn over(closely: &Closely, span: (usize, f64)) -> TotalDemand {
    let mean = over_days(closely.forecast.mean.len(), span, |idx| closely.forecast.mean[idx]);
    let variance = closely.spread.variance(mean, span.1);
    TotalDemand { mean, variance, is_count: closely.is_count }
}

/// The least interval of whole pieces around one that went with its mean by a part of a piece.
fn in_pieces((low, high): (f64, f64)) -> (f64, f64) {
    // What rounding of the shift leaves is no piece.
    ((low + 1e-9).floor(), (high - 1e-9).ceil())
}

fn mean_of(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

impl Told<'_> {
    fn key_factors(&self) -> Vec<KeyFactor> {
        let mut found = Vec::new();
        found.extend(self.level());
        found.extend(self.weekday());
        found.extend(self.promotion());
        found.extend(self.price());
        found.extend(self.empty_shelf());
        let mean = &self.closely.forecast.mean;
        let heard = self.closely.heard.iter();
        found.extend(heard.filter_map(|signal| signal.factor(mean, self.horizon)));
        let least = WORTH_SAYING * self.total.abs();
        found.retain(|factor: &KeyFactor| factor.effect_units.abs() > least);
        found.extend(self.said.iter().cloned());
        found.sort_by(|a, b| b.effect_units.abs().total_cmp(&a.effect_units.abs()));
        found
    }

    /// What was wanted with the promotions' effect taken out, from a day on.
    fn unpromoted(&self, from: usize) -> Vec<f64> {
        let (has_promotions, _) = has_drivers(self.series);
        let beta = self.closely.forecast.effects.first().filter(|_| has_promotions);
        let beta = beta.copied().unwrap_or(0.0);
        let days = self.closely.wanted[from..].iter().zip(&self.series.promotion[from..]);
        days.map(|(wanted, depth)| wanted * (-beta * depth).exp()).collect()
    }

    fn level(&self) -> Option<KeyFactor> {
        let wanted = &self.closely.wanted;
        let before = wanted.len().checked_sub(2 * LEVEL_DAYS)?;
        let usual = self.unpromoted(before);
        let (early, late) = (mean_of(&usual[..LEVEL_DAYS]), mean_of(&usual[LEVEL_DAYS..]));
        let effect = (late - early) * self.horizon as f64;
        let share = if early > 0.0 {
            format!(" ({:+.0} %)", (late / early - 1.0) * 100.0)
        } else {
            String::new()
        };
        let freed = match self.series.promotion[before..].iter().any(|depth| *depth > 0.0) {
            true => ", what promotions added taken out",
            false => "",
        };
        let text = format!(
            "the last {LEVEL_DAYS} days wanted {late:.2} units a day, the {LEVEL_DAYS} before {early:.2}{share}{freed}"
        );
        Some(KeyFactor { factor: "trend", effect_units: effect, text })
    }

    fn weekday(&self) -> Option<KeyFactor> {
        let wanted = &self.closely.wanted;
        let recent = wanted.len().checked_sub(8 * 7)?;
        let overall = mean_of(&wanted[recent..]);
        let by_weekday = (0..7).map(|shift| {
            let values: Vec<f64> =
                (recent + shift..wanted.len()).step_by(7).map(|i| wanted[i]).collect();
            (shift, mean_of(&values))
        });
        let (shift, peak) = by_weekday.max_by(|a, b| a.1.total_cmp(&b.1))?;
        let day = Day::from_number(self.series.first.number() + (recent + shift) as i32);
        let weekday = Weekday::of(day);
        let ahead = Day::from_number(self.series.last().number() + 1);
        let n_ahead = (0..self.horizon)
            .filter(|idx| Weekday::of(Day::from_number(ahead.number() + *idx as i32)) == weekday)
            .count();
        let above = peak - overall;
        let text = format!(
            "{} is the strongest day: {peak:.2} units where an average day of the last 8 weeks has {overall:.2}; \
             the horizon has {n_ahead} of them",
            name_of(weekday)
        );
        (above > 0.0).then_some(KeyFactor {
            factor: "weekday",
            effect_units: above * n_ahead as f64,
            text,
        })
    }

    fn promotion(&self) -> Option<KeyFactor> {
        let (has_promotions, _) = has_drivers(self.series);
        let beta = *self.closely.forecast.effects.first().filter(|_| has_promotions)?;
        let ahead =
            &self.series.promotion_ahead[..self.horizon.min(self.series.promotion_ahead.len())];
        let n_ahead = ahead.iter().filter(|depth| **depth > 0.0).count();
        let n_past = self.series.promotion.iter().filter(|depth| **depth > 0.0).count();
        let effect: f64 = ahead
            .iter()
            .zip(&self.closely.forecast.mean)
            .map(|(depth, mean)| mean * (1.0 - (-beta * depth).exp()))
            .sum();
        let text = format!(
            "{n_ahead} days of the horizon are promoted; {n_past} promoted days of the past say that a discount \
             of 10 % changes demand by {:+.0} %",
            ((beta * 0.1).exp() - 1.0) * 100.0
        );
        Some(KeyFactor { factor: "promotion", effect_units: effect, text })
    }

    fn price(&self) -> Option<KeyFactor> {
        let (has_promotions, has_prices) = has_drivers(self.series);
        let idx = usize::from(has_promotions);
        let beta = *self.closely.forecast.effects.get(idx).filter(|_| has_prices)?;
        let known: Vec<f64> =
            self.series.price.iter().copied().filter(|price| *price > 0.0).collect();
        let (usual, last) = (mean_of(&known), *known.last()?);
        let change = (last / usual).ln();
        let text = format!(
            "the price is {:+.1} % off its mean of the history; a price 1 % higher changed demand by {beta:+.2} %",
            (last / usual - 1.0) * 100.0
        );
        let effect = self.total * (1.0 - (-beta * change).exp());
        Some(KeyFactor { factor: "price", effect_units: effect, text })
    }

    fn empty_shelf(&self) -> Option<KeyFactor> {
        let n = self.series.is_censored.iter().filter(|flag| **flag).count();
        let per_day = self.closely.added / self.series.len().max(1) as f64;
        let text = format!(
            "the shelf was empty on {n} of {} days; counting what is usual on such weekdays adds {:.1} units to \
             the history",
            self.series.len(),
            self.closely.added
        );
        (n > 0).then_some(KeyFactor {
            factor: "stock_outs",
            effect_units: per_day * self.horizon as f64,
            text,
        })
    }

    fn recommendations(&self) -> Vec<Advice> {
        let optimal = &self.optimal;
        let Some(position) = self.position else {
            return vec![Advice {
                action: "count_stock",
                quantity: None,
                text: format!(
                    "no stock is known here, so nothing can be proposed; send `Stock Counted`. To hold: order at \
                     {:.0}, up to {:.0}",
                    optimal.reorder_point, optimal.order_up_to
                ),
            }];
        };
        let held = position.total();
        let words = format!(
            "{:.0} on hand and {:.0} on order{} make {held:.0}",
            position.on_hand,
            position.on_order,
            position.not_counted()
        );
        let is_too_much = held > 2.0 * optimal.order_up_to && optimal.order_up_to > 0.0;
        let mut advice = Vec::new();
        match &self.advised {
            Some(Advised::Order(line)) => {
                let (quantity, text) = (Some(line.quantity), line.text.clone());
                advice.push(Advice { action: "order", quantity, text });
            }
            Some(Advised::Look(text)) => {
                advice.push(Advice { action: "check", quantity: None, text: text.clone() });
            }
            None if held <= optimal.reorder_point && optimal.order_up_to > held => {
                let quantity = (optimal.order_up_to - held).ceil();
                let text = format!(
                    "{words}, at or below the reorder point of {:.0}: order {quantity:.0} to reach {:.0}",
                    optimal.reorder_point, optimal.order_up_to
                );
                advice.push(Advice { action: "order", quantity: Some(quantity), text });
            }
            Some(Advised::Nothing) | None if is_too_much => {
                advice.extend(too_much(&position, optimal.order_up_to, &words));
            }
            Some(Advised::Nothing) => {
                let text =
                    format!("{words}, enough until an order of the next chance could be there");
                advice.push(Advice { action: "hold", quantity: None, text });
            }
            None => {
                let text =
                    format!("{words}, above the reorder point of {:.0}", optimal.reorder_point);
                advice.push(Advice { action: "hold", quantity: None, text });
            }
        }
        advice.extend(self.going.and_then(|going| going.advice()));
        let recent = self.series.len().saturating_sub(56);
        let n_out = self.series.is_censored[recent..].iter().filter(|flag| **flag).count();
        if n_out * 20 > self.series.len() - recent {
            let text = format!(
                "the shelf was empty on {n_out} of the last {} days: check the service level or the supplier",
                self.series.len() - recent
            );
            advice.push(Advice { action: "prevent_stock_outs", quantity: None, text });
        }
        advice
    }

    fn risks(&self, keeps_days: Option<u32>) -> Vec<Risk> {
        let mut risks = Vec::new();
        if let (Some(position), Some(soon)) = (self.position, self.soon) {
            let held = soon.total();
            let lead = over(self.closely, (self.skip, self.optimal.lead_time_days));
            let short = lead.expected_above(held);
            risks.push(Risk {
                risk: "stock_out",
                probability: lead.chance_above(held),
                effect_units: -short,
                text: format!(
                    "{:.1} units are expected in the {:.1} days until an order made now is there; {held:.0} are \
                     on hand or there by then{}, {short:.1} would be missing on average",
                    lead.mean,
                    self.optimal.lead_time_days,
                    soon.not_counted()
                ),
            });
            if let Some(going) = self.going {
                risks.push(going.risk());
            } else if let Some(days) = keeps_days {
                let life = over(self.closely, (self.skip, f64::from(days)));
                let left =
                    (position.on_hand - life.mean + life.expected_above(position.on_hand)).max(0.0);
                risks.push(Risk {
                    risk: "expiry",
                    probability: 1.0 - life.chance_above(position.on_hand - 1.0),
                    effect_units: left,
                    text: format!(
                        "it keeps {days} days; {:.1} units are expected in them and {:.0} are on hand: {left:.1} \
                         would be left on average",
                        life.mean, position.on_hand
                    ),
                });
            }
            let held = position.total();
            let all = over(self.closely, (self.skip, self.horizon as f64));
            let left = (held - all.mean + all.expected_above(held)).max(0.0);
            risks.push(Risk {
                risk: "overstock",
                probability: 1.0 - all.chance_above(held - 1.0),
                effect_units: left,
                text: format!(
                    "{left:.1} units of what is on hand or on order would be left after {} days on average",
                    self.horizon
                ),
            });
        }
        risks.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        risks
    }

    fn notes(&self, product: &ProductId) -> Vec<String> {
        let mut notes = self.closely.forecast.reasons.clone();
        notes.extend(self.closely.heard.iter().filter_map(|signal| signal.note(self.horizon)));
        let is_heard = |name: &str| self.closely.heard.iter().any(|signal| signal.name() == name);
        let others = self.series.signals.iter().map(|signal| signal.name.as_str());
        let others: Vec<String> =
            others.filter(|name| !is_heard(name)).map(|name| format!("`{name}`")).collect();
        if !others.is_empty() {
            notes.push(format!(
                "not listened to, because earlier days do not bear them out or too few are known: {}",
                others.join(", ")
            ));
        }
        if self.series.is_empty() {
            notes.push(format!("`{product}` was never sold here, so nothing is expected"));
        } else if self.series.len() < LEVEL_DAYS {
            notes.push(format!("there are only {} days of history", self.series.len()));
        }
        let n = self.series.is_censored.iter().filter(|flag| **flag).count();
        if n > 0 {
            notes.push(format!("{n} days with an empty shelf count as censored, not as 0"));
        }
        let closed = self.series.closed_ahead.iter().take(self.horizon).enumerate();
        let closed: Vec<String> = closed
            .filter(|(_, is_closed)| **is_closed)
            .map(|(idx, _)| Day::from_number(self.series.last().number() + 1 + idx as i32))
            .map(|day| day.to_string())
            .collect();
        if !closed.is_empty() {
            notes.push(format!("closed on {}, so nothing is expected then", closed.join(", ")));
        }
        let returned: f64 = self.series.returned.iter().sum();
        if returned > 0.0 {
            notes.push(format!("{returned:.0} units came back; they are not taken off demand"));
        }
        notes
    }
}

/// What to do with more than twice the level that is needed: only what is on hand can be moved or marked down.
fn too_much(position: &Position, level: f64, words: &str) -> Vec<Advice> {
    let beyond = format!("{words}, more than twice the {level:.0} that are needed");
    let surplus = (position.total() - level).floor();
    let here = (position.on_hand - level).floor().max(0.0);
    let coming = surplus - here;
    let mut advice = Vec::new();
    if here > 0.0 {
        let text = format!("{beyond}: {here:.0} on hand could be moved or marked down");
        advice.push(Advice { action: "reduce_stock", quantity: Some(here), text });
    }
    if coming > 0.0 {
        let text = format!(
            "{beyond}: {coming:.0} of those on order are too many; an order may be cancelled"
        );
        advice.push(Advice { action: "cancel_order", quantity: Some(coming), text });
    }
    advice
}

fn name_of(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "Monday",
        Weekday::Tue => "Tuesday",
        Weekday::Wed => "Wednesday",
        Weekday::Thu => "Thursday",
        Weekday::Fri => "Friday",
        Weekday::Sat => "Saturday",
        Weekday::Sun => "Sunday",
    }
}
