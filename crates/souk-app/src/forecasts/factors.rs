//! What a forecast says in words: every number is read off the series, the forecast or the stock.

use std::sync::Arc;

use souk_core::rules::Weekday;
use souk_core::{Day, ProductId};

use super::going::Going;
use super::outlook::{Closely, has_drivers};
use super::{
    Advice, Ahead, DayAhead, ForecastAnswer, ForecastRequest, KeyFactor, OptimalStock, Risk,
};
use crate::demand::DemandSeries;
use crate::replenishment::{Advised, Held, Position, shelf};
use crate::{App, AppError};

/// Days that the level is told from.
const LEVEL_DAYS: usize = 28;
/// By how much a level is multiplied at least where that is said.
const TAUGHT_WORTH_SAYING: f64 = 0.02;
/// Effects below this share of the total are not worth a word (chosen).
const WORTH_SAYING: f64 = 0.01;

/// Everything about one question.
struct Told<'a> {
    series: &'a DemandSeries,
    closely: &'a Closely,
    /// The mean of each day before planners changed any.
    model: Vec<f64>,
    /// Demand from now on.
    ahead: Ahead,
    /// What planners changed.
    said: Vec<KeyFactor>,
    horizon: usize,
    total: f64,
    /// What there is and is waited for, less what is past its last day.
    held: Option<Held>,
    /// With what is there before an order of the next chance.
    position: Option<Position>,
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
    let location = request.location.as_ref();
    let key = app.series_key(ids, location)?;
    if location.is_some() {
        app.refresh_some(&[(key, request.site.clone())], 1);
        let planned = app.forecasts.get(key).filter(|outlook| outlook.first == from);
        planned.iter().for_each(|outlook| closely.follow(outlook));
    }
    let model = closely.forecast.mean.clone();
    let heard = app.heard(ids, location, today);
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
    let all = Ahead::of_question(&closely, 0).over(horizon as f64);
    let level = request.levels.iter().copied().fold(0.0, f64::max);
    let bounds = (all.quantile(0.5 - level / 2.0), all.quantile(0.5 + level / 2.0));
    let bounds = (bounds.0.min(total), bounds.1.max(total));
    let bounds = if closely.is_count { in_pieces(bounds) } else { bounds };
    // Days that are over already wait for no stock.
    let skip = usize::try_from(today.number() - from.number()).unwrap_or(0);
    let held = app.held(ids, location);
    let advised = match (&request.location, &held) {
        (Some(location), Some(_)) => Some(app.advised(ids, (location, today))?),
        _ => None,
    };
    // What of today is sold is neither expected again nor in stock.
    let ahead = Ahead::of_question(&closely, skip).after_sales(app.sold_on(key, today));
    let optimal = app.optimal_stock((ids, today), advised.as_ref(), |days| ahead.over(days));
    let going = Going::of(app, &request, (today, &ahead));
    // What is past its last day is no stock.
    let expired = going.map_or(0.0, |going| going.expired);
    let held = held.map(|held| Held { on_hand: held.on_hand - expired, ..held });
    let in_time = |held: &Held| held.coming.position(held.on_hand, optimal.protection_days);
    let position = held.as_ref().map(in_time);
    let (series, closely) = (&series, &closely);
    let told = Told {
        series,
        closely,
        model,
        ahead,
        said,
        horizon,
        total,
        held,
        position,
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

/// The least interval of whole pieces around one that went with its mean by a part of a piece.
pub(super) fn in_pieces((low, high): (f64, f64)) -> (f64, f64) {
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

    /// The effect of promotions, where they ever were.
    fn effect_of_promotions(&self) -> Option<f64> {
        let (has_promotions, _) = has_drivers(self.series);
        self.closely.forecast.effects.first().copied().filter(|_| has_promotions)
    }

    /// What was wanted, or is expected, with the promotions' effect taken out.
    fn unpromoted(&self, days: &[f64], promotion: &[f64]) -> Vec<f64> {
        let beta = self.effect_of_promotions().unwrap_or(0.0);
        let depths = promotion.iter().copied().chain(std::iter::repeat(0.0));
        days.iter().zip(depths).map(|(units, depth)| units * (-beta * depth).exp()).collect()
    }

    /// So many days of the forecast as they would be without promotions and planners' words; `None` for closed ones.
    fn usual_ahead(&self, n: usize) -> Vec<Option<f64>> {
        let days =
            self.unpromoted(&self.model[..n.min(self.model.len())], &self.series.promotion_ahead);
        let closed = self.series.closed_ahead.iter().copied().chain(std::iter::repeat(false));
        days.into_iter().zip(closed).map(|(mean, is_closed)| (!is_closed).then_some(mean)).collect()
    }

    /// The level that the forecast goes by, against that of eight weeks.
    fn level(&self) -> Option<KeyFactor> {
        let before = self.closely.wanted.len().checked_sub(2 * LEVEL_DAYS)?;
        let promotion = &self.series.promotion[before..];
        let usual = self.unpromoted(&self.closely.wanted[before..], promotion);
        let (early, late) = (mean_of(&usual[..LEVEL_DAYS]), mean_of(&usual[LEVEL_DAYS..]));
        let both = mean_of(&usual);
        let ahead: Vec<f64> = self.usual_ahead(self.horizon).into_iter().flatten().collect();
        let expected = mean_of(&ahead);
        let effect = (expected - both) * ahead.len() as f64;
        let share = if both > 0.0 {
            format!(" ({:+.0} %)", (expected / both - 1.0) * 100.0)
        } else {
            String::new()
        };
        let freed = match promotion.iter().any(|depth| *depth > 0.0) {
            true => ", what promotions add taken out",
            false => "",
        };
        let text = format!(
            "{expected:.2} units a day are expected where the last {} days wanted {both:.2}{share}: {late:.2} in the last \
             {LEVEL_DAYS} and {early:.2} in the {LEVEL_DAYS} before{freed}",
            2 * LEVEL_DAYS
        );
        Some(KeyFactor { factor: "trend", effect_units: effect, text })
    }

    /// The forecast's strongest weekday.
    fn weekday(&self) -> Option<KeyFactor> {
        // Of whole weeks, so that no weekday stands in more of the days than another.
        let usual = self.usual_ahead(self.horizon.next_multiple_of(7));
        let overall = mean_of(&usual.iter().copied().flatten().collect::<Vec<_>>());
        let by_weekday = (0..7).filter_map(|shift| {
            let values: Vec<f64> = usual.iter().skip(shift).step_by(7).copied().flatten().collect();
            (!values.is_empty()).then(|| (shift, mean_of(&values)))
        });
        let (shift, peak) = by_weekday.max_by(|a, b| a.1.total_cmp(&b.1))?;
        let weekday = Weekday::of(Day::from_number(self.series.last().number() + 1 + shift as i32));
        let within = usual.iter().take(self.horizon).skip(shift).step_by(7);
        let n_ahead = within.filter(|day| day.is_some()).count();
        let above = peak - overall;
        let text = format!(
            "{} is the strongest day: {peak:.2} units are expected where an average day has {overall:.2}; the horizon has \
             {n_ahead} of them",
            name_of(weekday)
        );
        (above > 0.0).then_some(KeyFactor {
            factor: "weekday",
            effect_units: above * n_ahead as f64,
            text,
        })
    }

    fn promotion(&self) -> Option<KeyFactor> {
        let beta = self.effect_of_promotions()?;
        let ahead =
            &self.series.promotion_ahead[..self.horizon.min(self.series.promotion_ahead.len())];
        let n_ahead = ahead.iter().filter(|depth| **depth > 0.0).count();
        let n_past = self.series.promotion.iter().filter(|depth| **depth > 0.0).count();
        let effect: f64 = ahead
            .iter()
            .zip(&self.closely.forecast.mean)
            .map(|(depth, mean)| mean * (1.0 - (-beta * depth).exp()))
            .sum();
        // A promotion without a discount counts as a tenth, and is not told as one.
        let what = match self.series.discount.iter().any(|off| *off > 0.0) {
            true => "a discount of 10 %",
            false => "such a promotion, of which no discount is told,",
        };
        let text = format!(
            "{n_ahead} days of the horizon are promoted; {n_past} promoted days of the past say that {what} changes demand \
             by {:+.0} %",
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
        let wanted: f64 = self.closely.wanted.iter().sum();
        let share = if wanted > 0.0 { self.closely.added / wanted } else { 0.0 };
        let text = format!(
            "the shelf was empty on {n} of {} days; counting what is usual on such weekdays adds {:.1} units to \
             the history",
            self.series.len(),
            self.closely.added
        );
        (n > 0).then_some(KeyFactor {
            factor: "stock_outs",
            effect_units: share * self.total,
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

    /// What is missing until an order made now is there, or before anything that is on its way: whichever is more.
    fn stock_out(&self, held: &Held) -> Risk {
        let lead_days = self.optimal.lead_time_days;
        let waits = held.coming.waits(held.on_hand.max(0.0), lead_days);
        let short = waits.into_iter().map(|(days, there)| {
            let wanted = self.ahead.over(days);
            (wanted.expected_above(there), wanted.chance_above(there), (days, wanted.mean, there))
        });
        // The last of equal ones: until the order itself.
        let most = short.max_by(|a, b| a.0.total_cmp(&b.0));
        let (short, chance, (days, wanted, there)) = most.expect("it is waited for the order");
        let until = if days < lead_days { "more is there" } else { "an order made now is there" };
        Risk {
            risk: "stock_out",
            probability: chance,
            effect_units: -short,
            text: format!(
                "{wanted:.1} units are expected in the {days:.1} days until {until}; {there:.0} are on hand or there \
                 before{}, {short:.1} would be missing on average",
                held.coming.position(held.on_hand, lead_days).not_counted()
            ),
        }
    }

    fn risks(&self, keeps_days: Option<u32>) -> Vec<Risk> {
        let mut risks = Vec::new();
        if let (Some(position), Some(held)) = (self.position, &self.held) {
            risks.push(self.stock_out(held));
            if let Some(going) = self.going {
                risks.push(going.risk());
            } else if let Some(days) = keeps_days {
                let life = self.ahead.over(f64::from(days));
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
            let all = self.ahead.over(self.horizon as f64);
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
        if (self.closely.taught - 1.0).abs() >= TAUGHT_WORTH_SAYING {
            notes.push(format!(
                "its level counts {:.2} times, because so levels of such a size, age and course went on at this site's places",
                self.closely.taught
            ));
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
