//! `souk evaluate policy`: what another policy would have brought, from a log with propensities.

use std::path::Path;

use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use souk_app::Names;
use souk_app::sheet::{self, Columns};
use souk_recommend::off_policy::{
    Bounds, Estimate, Logged, PolicyError, PolicyValue, Predicted, evaluate_policy,
};

use super::four;
use crate::cli::{Output, PolicyArgs};
use crate::failure::Failure;
use crate::term::{self, columns};

/// The names of columns; the first of each is our own.
const ANSWER: &[&str] = &["answer_id", "request_id", "context_id", "context", "impression_id"];
const PROPENSITY: &[&str] = &["propensity", "logging_probability", "pscore"];
const TARGET: &[&str] = &["target_probability", "evaluation_probability", "target"];
const REWARD: &[&str] = &["reward", "click", "clicked"];
const OF_ACTION: &[&str] = &["predicted_reward"];
const OF_TARGET: &[&str] = &["predicted_target_reward"];

pub(super) fn run(args: &PolicyArgs, output: Output) -> Result<()> {
    let (log, lines) = read(&args.log)?;
    let bounds = Bounds {
        weight_max: args.weight_max.unwrap_or(f64::INFINITY),
        effective_min: args.effective_min,
        ..Bounds::default()
    };
    let value = evaluate_policy(&log, &bounds).map_err(|error| match error {
        PolicyError::Value { row, what, value, expected } => {
            wrong(&args.log, lines[row], &format!("{what} {value} is not {expected}"))
        }
        thin => anyhow!(Failure::usage(format!("{}: {thin}", args.log.display()))),
    })?;
    term::print_result(output, &json_of(&value, &bounds), text)?;
    Ok(())
}

/// The slots of a log with the lines that they stand in.
fn read(path: &Path) -> Result<(Vec<Logged>, Vec<u64>)> {
    let mut file = sheet::open(path)?;
    let found = Columns::new(file.columns());
    let need = |names| found.need(names);
    let places = [need(PROPENSITY)?, need(TARGET)?, need(REWARD)?];
    let answer = found.find(ANSWER);
    let predicted = match (found.find(OF_ACTION), found.find(OF_TARGET)) {
        (Some(action), Some(target)) => Some([action, target]),
        (None, None) => None,
        _ => {
            let why = "`predicted_reward` and `predicted_target_reward` belong together; give both, or \
                       neither";
            return Err(anyhow!(Failure::usage(format!("{}: {why}", path.display()))));
        }
    };
    let mut ids = Names::default();
    let (mut log, mut lines) = (Vec::new(), Vec::new());
    while let Some(block) = file.next_block()? {
        if let Some(fault) = block.faults.first() {
            return Err(wrong(path, fault.line, &fault.reason));
        }
        for row in 0..block.len() {
            let line = block.line(row);
            let number = |place: usize, name: &str| {
                let text = block.cell(row, place).text().unwrap_or_default();
                let number = text.trim().parse::<f64>().ok();
                let shown: String = text.chars().take(40).collect();
                number.ok_or_else(|| {
                    wrong(path, line, &format!("column `{name}`: `{shown}` is not a number"))
                })
            };
            let predicted = match predicted {
                Some([action, target]) => Some(Predicted {
                    of_action: number(action, OF_ACTION[0])?,
                    of_target: number(target, OF_TARGET[0])?,
                }),
                None => None,
            };
            let answer = match answer {
                Some(place) => ids.intern(&block.cell(row, place).text().unwrap_or_default()),
                // Without answers each slot is one of its own.
                None => u32::try_from(log.len()).unwrap_or(u32::MAX),
            };
            log.push(Logged {
                answer,
                propensity: number(places[0], PROPENSITY[0])?,
                target: number(places[1], TARGET[0])?,
                reward: number(places[2], REWARD[0])?,
                predicted,
            });
            lines.push(line);
        }
    }
    for note in file.notes() {
        term::say(&note);
    }
    Ok((log, lines))
}

fn wrong(path: &Path, line: u64, reason: &str) -> anyhow::Error {
    anyhow!(Failure::usage(format!("{} line {line}: {reason}", path.display())))
}

fn json_of(value: &PolicyValue, bounds: &Bounds) -> Value {
    let of = |name: &str, one: &Estimate| {
        json!({
            "estimate": name,
            "value": one.value,
            "low": one.low(),
            "high": one.high(),
            "standard_error": one.error,
        })
    };
    let mut estimates =
        vec![of("logged", &value.logged), of("ips", &value.ips), of("snips", &value.snips)];
    estimates.extend(value.doubly_robust.iter().map(|one| of("doubly_robust", one)));
    let support = &value.support;
    json!({
        "estimates": estimates,
        "slots": support.slots,
        "answers": support.answers,
        "effective_slots": support.effective,
        "weight_mean": support.weight_mean,
        "weight_mean_error": support.weight_mean_error,
        "weight_largest": support.weight_largest,
        "weight_max": Some(bounds.weight_max).filter(|max| max.is_finite()),
        "capped_slots": support.capped,
        "is_odd": support.is_odd(),
    })
}

fn text(result: &Value) -> String {
    let number = |value: &Value| value.as_f64().unwrap_or(0.0);
    let labels = [
        ("logged", "what was logged"),
        ("ips", "inverse propensity"),
        ("snips", "self-normalised"),
        ("doubly_robust", "doubly robust"),
    ];
    let mut rows = vec![["reward of a slot", "value", "from", "to"].map(str::to_owned).to_vec()];
    for one in result["estimates"].as_array().into_iter().flatten() {
        let label = labels.iter().find(|(name, _)| one["estimate"] == *name);
        let mut row = vec![label.map_or("", |(_, label)| label).to_owned()];
        row.extend(["value", "low", "high"].map(|name| four(number(&one[name]))));
        rows.push(row);
    }
    let mut text = columns(&rows);
    text.push_str(&format!(
        "95 % intervals; {} slots of {} answers, worth {:.0} of the policy in question; weights {:.3} in the \
         mean, {:.1} at most\n",
        result["slots"],
        result["answers"],
        number(&result["effective_slots"]),
        number(&result["weight_mean"]),
        number(&result["weight_largest"]),
    ));
    if result["capped_slots"] != 0 {
        text.push_str(&format!(
            "{} weights were cut down to {}: estimates err towards what was logged\n",
            result["capped_slots"], result["weight_max"]
        ));
    }
    if result["is_odd"] == true {
        text.push_str(
            "the mean weight is not 1: propensities are wrong, or the log never shows some of what the \
             policy in question would; do not rely on these figures\n",
        );
    }
    text
}
