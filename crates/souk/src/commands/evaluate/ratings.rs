//! `souk evaluate ratings`.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use serde_json::{Value, json};
use souk_app::Names;
use souk_recommend::diversity::VarietyParams;
use souk_recommend::evaluate::bootstrap::Difference;
use souk_recommend::evaluate::metrics::percentile;
use souk_recommend::evaluate::ratings::{
    Accuracy, RatingMeasures, RatingReport, RatingRow, RatingTask, RatingTuning, Seen as SeenItems,
    evaluate_ratings, newest_items, split_at_time,
};
use souk_recommend::sources::{Recipe, SourceParams};
use souk_recommend::{Item, Shopper};

use super::table::{ITEM, USER, read, read_untimed};
use super::{four, nanoseconds, write_predictions};
use crate::cli::{Output, RatingArgs, Seen, SourceName};
use crate::term::{self, columns};

pub(super) fn run(args: &RatingArgs, output: Output) -> Result<()> {
    let (mut users, mut items) = (Names::default(), Names::default());
    let mut load = |path: &Path| rows(path, (&mut users, &mut items));
    let files = &args.files;
    let mut train = load(&files.train)?;
    let valid = files.valid.as_deref().map(&mut load).transpose()?;
    let mut test = load(&files.test)?;
    if let Some(share) = args.global_time {
        train.append(&mut test);
        (train, test) = split_at_time(&train, share);
    }
    if let Some(share) = args.cold {
        let cold = newest_items(&train, share);
        train.retain(|row| !cold.contains(&row.item));
    }
    let tokens = match &args.items {
        Some(path) => read_tokens(path, &mut items)?,
        None => Vec::new(),
    };
    let against = args.against.as_deref().map(|path| lists(path, (&mut users, &mut items)));
    let against = against.transpose()?;
    let ks: Vec<usize> = files.k.iter().map(|k| *k as usize).collect();
    let tuning = match &valid {
        _ if files.no_tune => RatingTuning::Fixed,
        Some(valid) => RatingTuning::Valid(valid),
        // A hold-out that was made as the test was made tells the most about it.
        None => RatingTuning::like_the_test(&train, &test),
    };
    let task = RatingTask {
        train: &train,
        test: &test,
        ks: &ks,
        seen: match args.seen {
            Seen::Exclude => SeenItems::Exclude,
            Seen::Include => SeenItems::Include,
        },
        tuning,
        attributes: &tokens,
        recipe: &recipe(args, &train, &tokens),
        diversity: args.diversity.map(|price| VarietyParams { price, ..Default::default() }),
        threads: usize::from(args.threads),
        against: against.as_deref(),
    };
    let start = Instant::now();
    let report = evaluate_ratings(&task, &|| nanoseconds(start));
    if let Some(out) = &files.out {
        let rows = report.predictions.iter().flat_map(|(shopper, list)| {
            (1..).zip(list).map(|(rank, item): (u32, _)| {
                let user = users.text(shopper.0).into();
                vec![user, rank.to_string().into(), items.text(item.0).into()]
            })
        });
        write_predictions(out, "user_id,rank,item_id", rows)?;
    }
    term::print_result(output, &json_of(&report, start.elapsed().as_secs_f64()), text)?;
    Ok(())
}

/// The sources asked for, or those that this data feeds at a bearable cost.
fn recipe(args: &RatingArgs, train: &[RatingRow], tokens: &[Vec<u32>]) -> Recipe {
    if args.sources.is_empty() {
        let n_items = train.iter().map(|row| row.item).collect::<HashSet<_>>().len();
        return Recipe::new(SourceParams::affordable(n_items, train.len(), !tokens.is_empty()));
    }
    let params = |name: SourceName| match name {
        SourceName::Company => SourceParams::Company(Default::default()),
        SourceName::Rules => SourceParams::Rules(Default::default()),
        SourceName::Content => SourceParams::Content(Default::default()),
        SourceName::Ease => SourceParams::Ease(Default::default()),
        SourceName::Als => SourceParams::Als(Default::default()),
        SourceName::Popularity => SourceParams::Popularity,
    };
    Recipe::new(args.sources.iter().copied().map(params).collect())
}

/// The lists of a predictions file, by user.
fn lists(
    path: &Path,
    (users, items): (&mut Names, &mut Names),
) -> Result<Vec<(Shopper, Vec<Item>)>> {
    let mut lists: BTreeMap<u32, Vec<Item>> = BTreeMap::new();
    // Rows stand in the order of their ranks, as `--out` writes them.
    read_untimed(path, [USER, ITEM], &mut |[user, item]| {
        let list = lists.entry(users.intern(user)).or_default();
        list.push(Item(items.intern(item)));
    })?;
    Ok(lists.into_iter().map(|(user, list)| (Shopper(user), list)).collect())
}

fn rows(path: &Path, (users, items): (&mut Names, &mut Names)) -> Result<Vec<RatingRow>> {
    let mut rows = Vec::new();
    read(path, [USER, ITEM], &mut |[user, item], at| {
        rows.push(RatingRow {
            shopper: Shopper(users.intern(user)),
            item: Item(items.intern(item)),
            time: at.as_ms(),
        });
    })?;
    Ok(rows)
}

/// The words and attributes of each item, as numbers; items that no row names are passed over.
fn read_tokens(path: &Path, items: &mut Names) -> Result<Vec<Vec<u32>>> {
    let mut words = Names::default();
    let mut tokens: Vec<Vec<u32>> = Vec::new();
    let text = std::fs::read_to_string(path)
        .map_err(|source| souk_app::AppError::File { path: path.display().to_string(), source })?;
    for (line, text) in (1u64..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
        let product: Value = serde_json::from_str(text).map_err(|error| {
            souk_app::AppError::invalid(
                "bad_file",
                "items",
                format!("{} line {line}: {error}", path.display()),
            )
        })?;
        let Some(id) = product["id"].as_str() else { continue };
        let number = items.intern(id) as usize;
        if tokens.len() <= number {
            tokens.resize(number + 1, Vec::new());
        }
        let mut found = Vec::new();
        collect(&product, "", &mut |word| found.push(words.intern(word)));
        found.sort_unstable();
        found.dedup();
        tokens[number] = found;
    }
    Ok(tokens)
}

/// Calls `take` with each word of titles, brands and categories, and each attribute's value.
fn collect(value: &Value, name: &str, take: &mut dyn FnMut(&str)) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields.iter().filter(|(key, _)| *key != "id") {
                collect(value, key, take);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, name, take)),
        Value::String(text) if matches!(name, "title" | "description") => {
            text.split(|c: char| !c.is_alphanumeric())
                .filter(|word| word.chars().count() > 1)
                .for_each(|word| take(&word.to_lowercase()));
        }
        Value::String(text) => take(&format!("{name}={}", text.to_lowercase())),
        _ => {}
    }
}

fn json_of(report: &RatingReport, seconds: f64) -> Value {
    let part = |part: &Accuracy| json!({"recall": part.recall, "ndcg": part.ndcg, "hit_rate": part.hit_rate, "users": part.n_shoppers});
    let measures = |list: &[RatingMeasures]| -> Vec<Value> {
        let at = |one: &RatingMeasures| {
            json!({
                "k": one.k,
                "recall": one.all.recall,
                "ndcg": one.all.ndcg,
                "hit_rate": one.all.hit_rate,
                "repeat": part(&one.repeat),
                "new": part(&one.new),
                "cold": part(&one.cold),
                "coverage": one.coverage,
                "novelty_bits": one.novelty,
                "diversity": one.diversity,
            })
        };
        list.iter().map(at).collect()
    };
    let differences = |list: &[Difference]| -> Vec<Value> {
        let at = |(one, k): (&Difference, usize)| json!({"k": k, "ndcg": one.mean, "low": one.low, "high": one.high});
        list.iter().zip(report.model.iter().map(|one| one.k)).map(at).collect()
    };
    let us = |percent: f64| percentile(&report.latencies, percent) as f64 / 1_000.0;
    json!({
        "model": measures(&report.model),
        "as_ranked": measures(&report.as_ranked),
        "popularity": measures(&report.popularity),
        "over_as_ranked": differences(&report.over_as_ranked),
        "over_popularity": differences(&report.over_popularity),
        "over_other": differences(&report.over_other),
        "users": report.predictions.len(),
        "seconds": seconds,
        "latency_us": {"p50": us(50.0), "p90": us(90.0), "p99": us(99.0)},
        "parameters": format!("{:?}", report.recipe),
    })
}

fn text(result: &Value) -> String {
    let number = |value: &Value| value.as_f64().unwrap_or(0.0);
    let heading = ["", "recall", "NDCG", "HR", "coverage", "novelty", "diversity"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    let lists = [("model", "souk"), ("as_ranked", "without variety"), ("popularity", "popularity")];
    for (name, label) in lists {
        for one in result[name].as_array().into_iter().flatten() {
            let mut row = vec![format!("{label} at {}", one["k"])];
            let names = ["recall", "ndcg", "hit_rate", "coverage", "novelty_bits", "diversity"];
            row.extend(names.map(|name| four(number(&one[name]))));
            rows.push(row);
            for (name, label) in [("repeat", "repeated"), ("new", "new"), ("cold", "never taken")] {
                let part = &one[name];
                let is_all = part["users"] == result["users"];
                if part["users"] == 0 || (name == "new" && is_all) {
                    continue;
                }
                let mut row = vec![format!("  {label}, {} users", part["users"])];
                row.extend(["recall", "ndcg", "hit_rate"].map(|name| four(number(&part[name]))));
                row.extend([const { String::new() }; 3]);
                rows.push(row);
            }
        }
    }
    let mut text = columns(&rows);
    let others = [
        ("over_as_ranked", "the lists without variety"),
        ("over_popularity", "popularity"),
        ("over_other", "the other run"),
    ];
    for (name, label) in others {
        for one in result[name].as_array().into_iter().flatten() {
            text.push_str(&format!(
                "NDCG at {} above {label} by {} (95 % interval {} to {})\n",
                one["k"],
                four(number(&one["ndcg"])),
                four(number(&one["low"])),
                four(number(&one["high"])),
            ));
        }
    }
    let parameters = result["parameters"].as_str().unwrap_or_default();
    let seconds = number(&result["seconds"]);
    text.push_str(&format!("{} users in {seconds:.1} s; {parameters}\n", result["users"]));
    text
}
