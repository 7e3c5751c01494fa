//! `souk privacy detect`: personal data in files of texts, without a server.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};
use souk_privacy::pii::{Detector, Entity, Reading};

use crate::cli::DetectArgs;

pub(crate) fn detect(args: &DetectArgs) -> Result<()> {
    let reading = if args.terse { Reading::Terse } else { Reading::Prose };
    let detector = Detector::builtin();
    let mut out = BufWriter::new(std::io::stdout().lock());
    for_each_line(&args.input, &mut |line| {
        let text = text_of(&line)?;
        let found = entities(&detector, text, reading);
        writeln!(out, "{}", json!({"entities": found}))?;
        Ok(())
    })?;
    Ok(out.flush()?)
}

/// The text of a line of an input file.
pub(super) fn text_of(line: &Value) -> Result<&str, souk_app::AppError> {
    line["text"].as_str().ok_or_else(|| {
        souk_app::AppError::invalid(
            "bad_file",
            "text",
            "a line needs a `text`, a string".to_owned(),
        )
    })
}

/// The personal data of a text in the shape of `DetectPiiEntities`.
pub(super) fn entities(detector: &Detector<'_>, text: &str, reading: Reading) -> Vec<Value> {
    let found = detector.detect(text, reading);
    let places = Entity::in_characters(text, &found);
    let shown = |(entity, place): (&Entity, std::ops::Range<usize>)| {
        let score = (f64::from(entity.score) * 1e4).round() / 1e4;
        json!({
            "type": entity.kind.as_str(),
            "score": score,
            "begin_offset": place.start,
            "end_offset": place.end,
        })
    };
    found.iter().zip(places).map(shown).collect()
}

/// Calls `take` with each line of a file of JSON lines.
pub(super) fn for_each_line(path: &Path, take: &mut dyn FnMut(Value) -> Result<()>) -> Result<()> {
    let unreadable = |source| souk_app::AppError::File { path: path.display().to_string(), source };
    let file = BufReader::new(File::open(path).map_err(unreadable)?);
    for (number, line) in (1u64..).zip(file.lines()) {
        let line = line.map_err(unreadable)?;
        if line.trim().is_empty() {
            continue;
        }
        let value = serde_json::from_str(&line).map_err(|error| {
            let detail = format!("{} line {number}: {error}", path.display());
            souk_app::AppError::invalid("bad_file", "input", detail)
        })?;
        take(value)?;
    }
    Ok(())
}
