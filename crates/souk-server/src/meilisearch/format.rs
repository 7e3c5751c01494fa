//! Hits as they are shown: found words between tags, long texts cut around the first of them.

use std::ops::Range;

use serde_json::{Map, Value, json};

use super::query::SearchBody;

/// Words of a text that was cut, where the request does not say.
const CROP_WORDS: usize = 10;

/// How hits are to be shown.
pub(crate) struct Format<'a> {
    highlight: &'a [String],
    /// Attributes to cut, each with its number of words.
    crop: Vec<(String, usize)>,
    pre: &'a str,
    post: &'a str,
    marker: &'a str,
}

/// What is done to one attribute.
#[derive(Clone, Copy)]
struct Wish {
    is_highlighted: bool,
    /// So many words are left.
    words: Option<usize>,
}

/// Finds the places of the query's words in a text.
pub(crate) type Find<'a> = &'a dyn Fn(&str) -> Vec<Range<usize>>;

impl<'a> Format<'a> {
    /// What a request asks for; `None` where it asks for nothing of it.
    pub(crate) fn of(body: &'a SearchBody) -> Option<Format<'a>> {
        let highlight = body.attributes_to_highlight.as_deref().unwrap_or_default();
        let words = body.crop_length.unwrap_or(CROP_WORDS);
        let crop = body.attributes_to_crop.iter().flatten().map(|asked| {
            let (name, own) = asked.split_once(':').unwrap_or((asked, ""));
            (name.to_owned(), own.parse().unwrap_or(words))
        });
        let crop: Vec<(String, usize)> = crop.collect();
        (!highlight.is_empty() || !crop.is_empty()).then_some(Format {
            highlight,
            crop,
            pre: body.highlight_pre_tag.as_deref().unwrap_or("<em>"),
            post: body.highlight_post_tag.as_deref().unwrap_or("</em>"),
            marker: body.crop_marker.as_deref().unwrap_or("…"),
        })
    }

    /// A document as it is shown.
    pub(crate) fn document(
        &self,
        document: &Map<String, Value>,
        find: Find<'_>,
    ) -> Map<String, Value> {
        let shown = |(name, value): (&String, &Value)| {
            let is_named = |asked: &str| asked == "*" || asked.split('.').next() == Some(name);
            let is_highlighted = self.highlight.iter().any(|asked| is_named(asked));
            let words =
                self.crop.iter().find(|(asked, _)| is_named(asked)).map(|(_, words)| *words);
            let mut value = value.clone();
            if is_highlighted || words.is_some() {
                self.value(&mut value, Wish { is_highlighted, words }, find);
            }
            (name.clone(), value)
        };
        document.iter().map(shown).collect()
    }

    fn value(&self, value: &mut Value, asked: Wish, find: Find<'_>) {
        match value {
            Value::String(text) => *text = self.text(text, asked, find),
            // Meilisearch shows numbers as texts here.
            Value::Number(number) => *value = self.text(&number.to_string(), asked, find).into(),
            Value::Array(list) => list.iter_mut().for_each(|one| self.value(one, asked, find)),
            Value::Object(object) => {
                object.values_mut().for_each(|one| self.value(one, asked, find));
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn text(&self, text: &str, Wish { is_highlighted, words }: Wish, find: Find<'_>) -> String {
        let found = find(text);
        let window = words.map_or(0..text.len(), |words| window(text, &found, words));
        let mut shown = String::with_capacity(window.len() + 32);
        if window.start > 0 {
            shown.push_str(self.marker);
        }
        let mut written = window.start;
        let inside = found.iter().filter(|range| {
            is_highlighted && range.start >= window.start && range.end <= window.end
        });
        for range in inside {
            shown.push_str(&text[written..range.start]);
            shown.push_str(self.pre);
            shown.push_str(&text[range.clone()]);
            shown.push_str(self.post);
            written = range.end;
        }
        shown.push_str(&text[written..window.end]);
        if window.end < text.len() {
            shown.push_str(self.marker);
        }
        shown
    }
}

/// Where the texts of a document have the query's words, by the attribute's path, in bytes: `_matchesPosition`. Found words
/// in a list also say which of its texts they stand in.
pub(crate) fn matches(document: &Map<String, Value>, find: Find<'_>) -> Map<String, Value> {
    let mut all = Map::new();
    for (name, value) in document {
        note(value, (name, &mut Vec::new()), (find, &mut all));
    }
    all
}

fn note(
    value: &Value,
    (path, indices): (&str, &mut Vec<usize>),
    (find, all): (Find<'_>, &mut Map<String, Value>),
) {
    match value {
        Value::String(text) => {
            for range in find(text) {
                let mut place = json!({ "start": range.start, "length": range.len() });
                if !indices.is_empty() {
                    place["indices"] = json!(indices);
                }
                if let Value::Array(places) = all.entry(path).or_insert_with(|| json!([])) {
                    places.push(place);
                }
            }
        }
        Value::Array(list) => {
            for (idx, one) in list.iter().enumerate() {
                indices.push(idx);
                note(one, (path, indices), (find, all));
                indices.pop();
            }
        }
        Value::Object(object) => {
            for (name, one) in object {
                note(one, (&format!("{path}.{name}"), indices), (find, all));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// So many words around the first that was found.
fn window(text: &str, found: &[Range<usize>], n_words: usize) -> Range<usize> {
    if n_words == 0 {
        return 0..text.len();
    }
    let mut words: Vec<Range<usize>> = Vec::new();
    let mut start = None;
    for (place, letter) in text.char_indices() {
        match (letter.is_whitespace(), start) {
            (false, None) => start = Some(place),
            (true, Some(begin)) => {
                words.push(begin..place);
                start = None;
            }
            _ => {}
        }
    }
    words.extend(start.map(|begin| begin..text.len()));
    if words.len() <= n_words {
        return 0..text.len();
    }
    let first = found.first().map_or(0, |range| range.start);
    let at = words.iter().position(|word| word.end > first).unwrap_or(0);
    let from = at.saturating_sub(n_words / 2).min(words.len() - n_words);
    words[from].start..words[from + n_words - 1].end
}
