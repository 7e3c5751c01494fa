//! `souk evaluate pii`: found against marked personal data.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};
use souk_app::AppError;
use souk_privacy::pii::score::{KindSpan, Score, Tally, join_neighbours};
use souk_privacy::pii::{Detector, Reading, kind_of_label};

use super::super::pii::{entities, for_each_line, text_of};
use super::four;
use crate::cli::{Output, PiiArgs};
use crate::term;

pub(super) fn run(args: &PiiArgs, output: Output) -> Result<()> {
    let texts = lines(&args.input)?;
    let marked = lines(&args.expected)?;
    let found = match &args.found {
        Some(file) => lines(file)?,
        None => {
            let detector = Detector::builtin();
            let find = |line: &Value| -> Result<Value> {
                Ok(json!({"entities": entities(&detector, text_of(line)?, Reading::Prose)}))
            };
            texts.iter().map(find).collect::<Result<Vec<Value>>>()?
        }
    };
    for (name, other) in [("expected", marked.len()), ("found", found.len())] {
        if other != texts.len() {
            let detail =
                format!("{} texts, but {other} lines in `{name}`; give one for each", texts.len());
            return Err(AppError::invalid("bad_file", name, detail).into());
        }
    }
    let (mut whole, mut joined) = (Score::default(), Score::default());
    for ((line, marked), found) in texts.iter().zip(&marked).zip(&found) {
        let text: Vec<char> = text_of(line)?.chars().collect();
        let mut marked = spans(&marked["spans"], "spans")?;
        let mut found = spans(&found["entities"], "entities")?;
        whole.add(&marked, &found);
        let is_gap = |from: usize, to: usize| {
            !text[from.min(text.len())..to.max(from).min(text.len())]
                .iter()
                .any(|c| c.is_alphanumeric())
        };
        join_neighbours(&mut marked, is_gap);
        join_neighbours(&mut found, is_gap);
        joined.add(&marked, &found);
    }
    let result = json!({
        "texts": texts.len(),
        "as_marked": json_of(&whole),
        "neighbours_joined": json_of(&joined),
    });
    Ok(term::print_result(output, &result, text)?)
}

fn lines(path: &Path) -> Result<Vec<Value>> {
    let mut lines = Vec::new();
    for_each_line(path, &mut |line| {
        lines.push(line);
        Ok(())
    })?;
    Ok(lines)
}

/// The spans whose label counts.
fn spans(value: &Value, name: &'static str) -> Result<Vec<KindSpan>> {
    let bad = |detail: String| AppError::invalid("bad_file", name, detail);
    let list = value.as_array().ok_or_else(|| bad(format!("a line needs `{name}`, a list")))?;
    let mut spans = Vec::with_capacity(list.len());
    for span in list {
        let label = span["type"].as_str().ok_or_else(|| bad("a span needs a `type`".to_owned()))?;
        let offset = |key: &str| {
            let number = span[key].as_u64().and_then(|number| usize::try_from(number).ok());
            number.ok_or_else(|| bad(format!("a span needs `{key}`, a number of characters")))
        };
        let (begin, end) = (offset("begin_offset")?, offset("end_offset")?);
        if end < begin {
            return Err(
                bad(format!("`end_offset` {end} lies before `begin_offset` {begin}")).into()
            );
        }
        if let Some(kind) = kind_of_label(label).map_err(|error| bad(error.to_string()))? {
            spans.push(KindSpan { kind, begin, end });
        }
    }
    Ok(spans)
}

fn json_of(score: &Score) -> Value {
    let one = |tally: Tally| {
        json!({
            "precision": tally.precision(),
            "recall": tally.recall(),
            "hits": tally.hits,
            "false_alarms": tally.false_alarms,
            "misses": tally.misses,
        })
    };
    let kinds: serde_json::Map<String, Value> =
        score.kinds().map(|(kind, tally)| (kind.as_str().to_owned(), one(tally))).collect();
    json!({"all": one(score.total()), "kinds": kinds})
}

fn text(result: &Value) -> String {
    let mut out = format!("{} texts\n", result["texts"]);
    for (part, title) in
        [("as_marked", "spans as marked"), ("neighbours_joined", "neighbours of one kind joined")]
    {
        let head = [title, "precision", "recall", "hits", "false", "missed"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        let kinds = result[part]["kinds"].as_object().into_iter().flatten();
        for (name, one) in
            kinds.map(|(name, one)| (name.as_str(), one)).chain([("all", &result[part]["all"])])
        {
            let mut row = vec![name.to_owned()];
            row.extend(["precision", "recall"].map(|m| four(one[m].as_f64().unwrap_or(0.0))));
            row.extend(["hits", "false_alarms", "misses"].map(|count| one[count].to_string()));
            rows.push(row);
        }
        out.push('\n');
        out.push_str(&term::columns(&rows));
    }
    out
}
