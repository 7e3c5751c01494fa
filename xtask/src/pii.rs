//! `cargo xtask pii-train`: the weights by which names and addresses are found.
//!
//! usage: `pii-train [--folds N [--all]] [--out FILE] [--held FILE] [--groups N] [--passes N] [--margin N]
//! [--margin-outside N] [--drop PERCENT] [--outside GAIN] MARKED.json…`
//!
//! A file is a JSON array of `{"full_text", "spans": [{"entity_type", "start_position",
//! "end_position"}], "template_id", "is_generated"?}`. With `--folds` nothing is written: texts that are not generated are
//! split by template, each fold is scored by weights that saw neither its templates nor its texts, nor generated texts whose
//! `near` (scripts/pii-near.py) names one of its templates; with `--all`, generated texts are scored likewise.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use souk_privacy::pii::score::{KindSpan, Score, join_neighbours};
use souk_privacy::pii::tagger::{
    Example, MarkedSpan, SpanClass, TaggerModel, TrainSettings, train as fit,
};
use souk_privacy::pii::{Detector, Reading, kind_of_label};

/// Chosen on the development part, across templates.
const SETTINGS: TrainSettings = TrainSettings {
    passes: 8,
    seed: 20_251,
    groups_min: 2,
    margin: 4.0,
    margin_outside: 4.0,
    drop_percent: 30,
    outside_gain: 0.0,
};

/// A marked text as it is read.
struct Text {
    example: Example,
    /// Labels as the file has them, offsets in bytes.
    marked: Vec<(String, usize, usize)>,
    template: u64,
    is_generated: bool,
    /// Templates of texts that it resembles and may have been written after.
    near: Vec<u64>,
}

pub(crate) fn train(args: impl Iterator<Item = String>) -> Result<ExitCode> {
    let (mut folds, mut out, mut texts) = (0, None, Vec::new());
    let mut settings = SETTINGS;
    let mut held = Vec::new();
    let mut measured = Measured::Marked;
    let mut args = args;
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--held" => held.extend(read(&args.next().context("--held needs a file")?)?),
            "--groups" => {
                settings.groups_min = args.next().context("--groups needs a number")?.parse()?
            }
            "--passes" => {
                settings.passes = args.next().context("--passes needs a number")?.parse()?
            }
            "--margin" => {
                settings.margin = args.next().context("--margin needs a number")?.parse()?
            }
            "--margin-outside" => {
                settings.margin_outside =
                    args.next().context("--margin-outside needs a number")?.parse()?
            }
            "--drop" => {
                settings.drop_percent = args.next().context("--drop needs a number")?.parse()?
            }
            "--all" => measured = Measured::All,
            "--outside" => {
                settings.outside_gain = args.next().context("--outside needs a number")?.parse()?
            }
            "--folds" => folds = args.next().context("--folds needs a number")?.parse()?,
            "--out" => out = Some(args.next().context("--out needs a file")?),
            file => texts.extend(read(file)?),
        }
    }
    match (folds, out) {
        (0, Some(out)) => {
            let examples: Vec<Example> = texts.into_iter().map(|text| text.example).collect();
            let packed = fit(&examples, settings).encode()?;
            println!("{} texts, {} bytes written to {out}", examples.len(), packed.len());
            let model = TaggerModel::decode(&packed)?;
            std::fs::write(out, packed)?;
            report(&held, &model)?;
        }
        (2.., None) => across(&texts, (folds, measured), settings)?,
        _ => bail!("give either --out FILE or --folds N with N of at least 2"),
    }
    Ok(ExitCode::SUCCESS)
}

fn read(file: &str) -> Result<Vec<Text>> {
    let json: Vec<Value> =
        serde_json::from_slice(&std::fs::read(file).with_context(|| file.to_owned())?)?;
    json.iter().map(|value| text_of(value).with_context(|| format!("{file}: {value}"))).collect()
}

fn text_of(value: &Value) -> Result<Text> {
    let text = value["full_text"].as_str().context("no full_text")?.to_owned();
    // Offsets count characters.
    let mut bytes: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    bytes.push(text.len());
    let is_generated = value["is_generated"].as_bool().unwrap_or(false);
    let mut marked = Vec::new();
    for span in value["spans"].as_array().context("no spans")? {
        let at = |key: &str| {
            span[key].as_u64().and_then(|n| bytes.get(n as usize)).copied().context("offset")
        };
        let label = span["entity_type"].as_str().context("entity_type")?.to_owned();
        marked.push((label, at("start_position")?, at("end_position")?));
    }
    marked.sort_by_key(|span| span.1);
    let spans = marked.iter().filter_map(|(label, begin, end)| {
        let class = match label.as_str() {
            "PERSON" | "NAME" => SpanClass::Name,
            "ADDRESS" | "STREET_ADDRESS" | "LOCATION" | "GPE" => SpanClass::Address,
            "ORGANIZATION" => SpanClass::Firm,
            "TITLE" => SpanClass::Job,
            _ => return None,
        };
        // A title is no part of the name and is told by its own list, so that neither is learned.
        let begin =
            begin + if class == SpanClass::Name { title_bytes(&text[*begin..*end]) } else { 0 };
        (begin < *end).then_some(MarkedSpan { class, begin, end: *end })
    });
    let forget_percent = if is_generated { 30 } else { 0 };
    let template = value["template_id"].as_u64().unwrap_or(0);
    let near = value["near"].as_array().map(Vec::as_slice).unwrap_or_default();
    let near = near.iter().filter_map(Value::as_u64).collect();
    let example = Example { spans: spans.collect(), text, forget_percent, group: template };
    Ok(Text { example, marked, template, is_generated, near })
}

/// The length of a title at the beginning of a marked name, with the space behind it.
fn title_bytes(name: &str) -> usize {
    let word = name.split(' ').next().unwrap_or_default();
    let is_title = ["mr", "mrs", "ms", "dr", "miss", "mx"]
        .contains(&word.trim_end_matches('.').to_lowercase().as_str());
    if is_title { name.len().min(word.len() + 1) } else { 0 }
}

fn report(held: &[Text], model: &TaggerModel) -> Result<()> {
    let (mut whole, mut joined) = (Score::default(), Score::default());
    for text in held {
        score(text, model, (&mut whole, &mut joined))?;
    }
    print("as marked", &whole);
    print("neighbours joined", &joined);
    Ok(())
}

/// Which texts are scored across folds.
#[derive(Clone, Copy, PartialEq)]
enum Measured {
    /// Those that are not generated.
    Marked,
    /// Generated ones too: more patterns, but of the hand that wrote those that teach.
    All,
}

fn across(
    texts: &[Text],
    (folds, measured): (u64, Measured),
    settings: TrainSettings,
) -> Result<()> {
    let (mut whole, mut joined) = (Score::default(), Score::default());
    for fold in 0..folds {
        let is_in_fold = |template: u64| (template / 2) % folds == fold;
        let is_measured = |text: &Text| measured == Measured::All || !text.is_generated;
        let is_held = |text: &Text| is_measured(text) && is_in_fold(text.template);
        let may_teach =
            |text: &Text| !is_held(text) && !text.near.iter().any(|template| is_in_fold(*template));
        let examples: Vec<Example> =
            texts.iter().filter(|text| may_teach(text)).map(|text| text.example.clone()).collect();
        let model = fit(&examples, settings);
        for text in texts.iter().filter(|text| is_held(text)) {
            score(text, &model, (&mut whole, &mut joined))?;
        }
    }
    print("as marked", &whole);
    print("neighbours joined", &joined);
    Ok(())
}

fn score(
    text: &Text,
    model: &TaggerModel,
    (whole, joined): (&mut Score, &mut Score),
) -> Result<()> {
    let mut marked = Vec::new();
    for (label, begin, end) in &text.marked {
        if let Some(kind) = kind_of_label(label)? {
            marked.push(KindSpan { kind, begin: *begin, end: *end });
        }
    }
    let source = &text.example.text;
    let entities = Detector::with_model(model).detect(source, Reading::Prose);
    let mut found: Vec<KindSpan> =
        entities.iter().map(|e| KindSpan { kind: e.kind, begin: e.begin, end: e.end }).collect();
    if std::env::var_os("PII_FAULTS").is_some() {
        let shown = |spans: &[KindSpan]| -> Vec<String> {
            spans
                .iter()
                .map(|s| format!("{}={:?}", s.kind.as_str(), &source[s.begin..s.end]))
                .collect()
        };
        let (m, f) = (shown(&marked), shown(&found));
        let missed: Vec<_> = m.iter().filter(|one| !f.contains(one)).collect();
        let extra: Vec<_> = f.iter().filter(|one| !m.contains(one)).collect();
        if !missed.is_empty() || !extra.is_empty() {
            println!("{} {source:?}\n   - {missed:?}\n   + {extra:?}", text.template);
        }
    }
    whole.add(&marked, &found);
    let is_gap =
        |from: usize, to: usize| !source[from..to.max(from)].contains(char::is_alphanumeric);
    join_neighbours(&mut marked, is_gap);
    join_neighbours(&mut found, is_gap);
    joined.add(&marked, &found);
    Ok(())
}

fn print(title: &str, score: &Score) {
    println!("{title}");
    let all = score.total();
    for (name, tally) in
        score.kinds().map(|(kind, tally)| (kind.as_str(), tally)).chain([("all", all)])
    {
        println!(
            "  {name:36} precision {:.3}  recall {:.3}  hits {} false {} missed {}",
            tally.precision(),
            tally.recall(),
            tally.hits,
            tally.false_alarms,
            tally.misses
        );
    }
}
