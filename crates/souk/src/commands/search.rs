//! `souk search`.

use std::time::Duration;

use anyhow::{Result, anyhow};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use souk_app::{AroundQuery, Caller, RecommendContext, SearchMode, SearchQuery, search_to_json};
use souk_core::{Filter, GeoPoint, SiteId};
use souk_search::{FacetRequest, SortBy, Structure};

use crate::cli::SearchArgs;
use crate::failure::Failure;
use crate::job::Shop;
use crate::term::columns;

/// How long a command waits for an index that is still being built; chosen: a million products take a minute.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// The search as it was typed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Looked {
    query: String,
    limit: u32,
    filter: Option<String>,
    facets: Vec<String>,
    sort: Option<String>,
    around: Option<String>,
    user: Option<String>,
    locale: Option<String>,
    site: Option<String>,
    mode: String,
    literal: bool,
    explain: bool,
}

impl From<SearchArgs> for Looked {
    fn from(args: SearchArgs) -> Looked {
        Looked {
            query: args.words.join(" "),
            limit: args.limit,
            filter: args.filter,
            facets: args.facets,
            sort: args.sort,
            around: args.around,
            user: args.user,
            locale: args.locale,
            site: args.site,
            mode: args.mode,
            literal: args.literal,
            explain: args.explain,
        }
    }
}

impl Looked {
    fn query(&self) -> Result<SearchQuery, String> {
        let filter = self.filter.as_deref().map(Filter::parse).transpose();
        let sort = self.sort.as_deref().map(SortBy::parse_all).transpose();
        let site = self.site.as_deref().map(SiteId::new).transpose();
        Ok(SearchQuery {
            filter: filter.map_err(|error| format!("--filter: {error}"))?,
            facets: self.facets.iter().map(FacetRequest::new).collect(),
            sort: sort.map_err(|error| format!("--sort: {error}"))?.unwrap_or_default(),
            around: self.around.as_deref().map(around).transpose()?,
            user_id: self.user.clone(),
            context: RecommendContext {
                locale: self.locale.clone(),
                site: site.map_err(|error| format!("--site: {error}"))?,
                ..RecommendContext::default()
            },
            mode: match self.mode.as_str() {
                "lexical" => SearchMode::Lexical,
                "semantic" => SearchMode::Semantic,
                _ => SearchMode::Auto,
            },
            structure: if self.literal { Structure::Literal } else { Structure::Read },
            explain: self.explain,
            ..SearchQuery::new(&self.query, self.limit as usize)
        })
    }
}

/// Reads `48.2,16.37` or `48.2,16.37,10`.
fn around(text: &str) -> Result<AroundQuery, String> {
    let numbers: Result<Vec<f64>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    let (latitude, longitude, radius_km) = match numbers.as_deref() {
        Ok([latitude, longitude]) => (*latitude, *longitude, None),
        Ok([latitude, longitude, km]) if *km > 0.0 => (*latitude, *longitude, Some(*km)),
        _ => {
            return Err(format!(
                "--around is `{text}`; write latitude,longitude in degrees, and kilometres above 0 behind them if \
                 farther hits are to be left out: 48.2,16.37,10"
            ));
        }
    };
    let point = GeoPoint::new(latitude, longitude).map_err(|error| format!("--around: {error}"))?;
    Ok(AroundQuery { point, radius_km })
}

pub(crate) async fn answer(shop: &Shop, looked: &Looked) -> Result<Value> {
    let query = looked.query().map_err(|message| anyhow!(Failure::usage(message)))?;
    shop.app.wait_searchable(PATIENCE).await?;
    let found = shop.app.search(&query, &Caller::local_admin()).await?;
    Ok(serde_json::from_str(&search_to_json(&found))?)
}

pub(crate) fn text(result: &Value) -> String {
    let mut text = hits(result);
    let query = &result["query"];
    let word = |value: &'_ Value| value.as_str().unwrap_or_default().to_owned();
    let n = result["total"].as_u64().unwrap_or_default();
    let took = result["took_ms"].as_f64().unwrap_or_default();
    text.push_str(&format!("{n} products in {took:.1} ms"));
    if let Some(corrected) = query["corrected"].as_str() {
        text.push_str(&format!("\nread as: {corrected}"));
    }
    for one in query["filters_understood"].as_array().into_iter().flatten() {
        let (words, filter, effect) =
            (word(&one["words"]), word(&one["filter"]), word(&one["effect"]));
        text.push_str(&format!("\nunderstood: {words} as {filter} ({effect})"));
    }
    for one in query["notes"].as_array().into_iter().flatten() {
        text.push_str(&format!("\nnote: {}", word(&one["text"])));
    }
    for one in query["relaxed"].as_array().into_iter().flatten() {
        text.push_str(&match (word(&one["what"]).as_str(), &one["needed"], &one["of"]) {
            ("words", needed, of) => format!("\nwidened: {needed} of {of} words are enough"),
            (what, ..) => format!("\nwidened: {what}"),
        });
    }
    for (field, facet) in result["facets"].as_object().into_iter().flatten() {
        let values = facet["values"].as_array().into_iter().flatten();
        let values: Vec<String> = values
            .take(10)
            .map(|one| format!("{} ({})", word(&one["value"]), one["count"]))
            .collect();
        let more =
            if facet["n_values"].as_u64() > Some(values.len() as u64) { ", …" } else { "" };
        text.push_str(&format!("\n{field}: {}{more}", values.join(", ")));
    }
    text
}

fn hits(result: &Value) -> String {
    let is_explained = result["hits"][0]["explanation"].is_object();
    let is_around =
        result["hits"].as_array().into_iter().flatten().any(|hit| hit["distance"].is_object());
    let mut head = vec!["#", "product", "title", "brand"];
    if is_around {
        head.extend(["km", "location"]);
    }
    let parts = [
        "text",
        "title",
        "availability",
        "popularity",
        "preference",
        "category",
        "clicks",
        "meaning",
        "personal",
    ];
    if is_explained {
        head.push("score");
        head.extend(parts);
    }
    let mut rows = vec![head.into_iter().map(str::to_owned).collect::<Vec<_>>()];
    for (idx, one) in result["hits"].as_array().into_iter().flatten().enumerate() {
        let word = |value: &Value| value.as_str().unwrap_or_default().chars().take(60).collect();
        let number = |value: &Value| value.as_f64().map_or("-".to_owned(), |n| format!("{n:.2}"));
        let product = &one["product"];
        let mut row = vec![
            (idx + 1).to_string(),
            word(&one["product_id"]),
            word(&product["title"]),
            word(&product["brand"]),
        ];
        if is_around {
            row.push(number(&one["distance"]["km"]));
            row.push(word(&one["distance"]["location_id"]));
        }
        if is_explained {
            row.push(number(&one["score"]));
            row.extend(parts.map(|part| number(&one["explanation"][part])));
        }
        rows.push(row);
    }
    if rows.len() == 1 { "nothing found\n".to_owned() } else { columns(&rows) }
}
