//! `souk recommend`.

use anyhow::{Result, anyhow};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use souk_app::{Caller, RecommendAnswer, RecommendContext, RecommendRequest, RuleNote, Strategy};
use souk_core::{Channel, Filter, LocationId, ProductId, SiteId};

use crate::cli::RecommendArgs;
use crate::failure::Failure;
use crate::job::Shop;
use crate::term::columns;

/// The request as it was typed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ask {
    user: Option<String>,
    anonymous: Option<String>,
    strategy: String,
    limit: u32,
    product: Option<String>,
    cart: Vec<String>,
    session: Option<Vec<String>>,
    filter: Option<String>,
    exclude: Vec<String>,
    placement: Option<String>,
    channel: Option<String>,
    #[serde(default)]
    locale: Option<String>,
    site: Option<String>,
    location: Option<String>,
    explain: bool,
    #[serde(default)]
    why: Vec<String>,
}

impl From<RecommendArgs> for Ask {
    fn from(args: RecommendArgs) -> Ask {
        Ask {
            user: args.user,
            anonymous: args.anonymous,
            strategy: args.strategy,
            limit: args.limit,
            product: args.product,
            cart: args.cart,
            session: args.session,
            filter: args.filter,
            exclude: args.exclude,
            placement: args.placement,
            channel: args.channel,
            locale: args.locale,
            site: args.site,
            location: args.location,
            explain: args.explain,
            why: args.why,
        }
    }
}

pub(crate) async fn answer(shop: &Shop, ask: &Ask) -> Result<Value> {
    let request = ask.request().map_err(|message| anyhow!(Failure::usage(message)))?;
    let answer = shop.app.recommend(&request, &Caller::local_admin()).await?;
    Ok(json_of(&answer))
}

impl Ask {
    pub(crate) fn request(&self) -> Result<RecommendRequest, String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let product = |id: &String| ProductId::new(id.as_str()).map_err(|error| text(&error));
        let products =
            |ids: &[String]| ids.iter().map(product).collect::<Result<Vec<ProductId>, String>>();
        let strategy = Strategy::parse(&self.strategy)
            .ok_or_else(|| format!("there is no strategy `{}`; see --help", self.strategy))?;
        let channel = self.channel.as_deref().map(|name| {
            Channel::parse(name).ok_or_else(|| format!("there is no channel `{name}`"))
        });
        let site = self.site.as_deref().map(SiteId::new).transpose();
        let location = self.location.as_deref().map(LocationId::new).transpose();
        let filter = self.filter.as_deref().map(Filter::parse).transpose();
        Ok(RecommendRequest {
            is_gpc: false,
            user_id: self.user.clone(),
            anonymous_id: self.anonymous.clone(),
            placement: self.placement.clone(),
            strategy,
            limit: self.limit as usize,
            context: RecommendContext {
                page_type: None,
                product_id: self.product.as_ref().map(product).transpose()?,
                cart: products(&self.cart)?,
                session: self.session.as_deref().map(products).transpose()?,
                query: None,
                channel: channel.transpose()?,
                locale: self.locale.clone(),
                site: site.map_err(|error| text(&error))?,
                location_id: location.map_err(|error| text(&error))?,
            },
            filter: filter.map_err(|error| format!("--filter: {error}"))?,
            exclude: products(&self.exclude)?,
            explain: self.explain,
            explain_products: products(&self.why)?,
            shown: Vec::new(),
        })
    }
}

/// The answer as over HTTP.
pub(crate) fn json_of(answer: &RecommendAnswer) -> Value {
    let recommendations: Vec<Value> = answer
        .recommendations
        .iter()
        .map(|one| {
            let product: Value = serde_json::from_str(&one.product).unwrap_or(Value::Null);
            let evidence: Vec<&str> = one.reason.evidence.iter().map(ProductId::as_str).collect();
            json!({
                "product_id": one.product_id.as_str(),
                "rank": one.rank,
                "score": one.score,
                "product": product,
                "reason": {
                    "kind": one.reason.kind.as_str(),
                    "text": one.reason.text,
                    "evidence": evidence,
                },
                "moved": one.moved.as_ref().map(|moved| json!({
                    "from_rank": moved.from_rank,
                    "rules": moved.rules.iter().map(rule_json).collect::<Vec<_>>(),
                })),
            })
        })
        .collect();
    let why_not = answer.why_not.iter().map(|why| {
        json!({
            "product_id": why.product_id.as_str(),
            "cause": why.cause.as_str(),
            "detail": why.detail,
            "rule": why.rule.as_ref().map(rule_json),
        })
    });
    let warnings = answer.warnings.iter().map(|warning| {
        let rules: Vec<&str> = warning.rules.iter().map(|rule| rule.as_str()).collect();
        json!({"code": warning.code, "detail": warning.detail, "rules": rules})
    });
    json!({
        "request_id": answer.request_id,
        "timestamp": answer.timestamp.to_string(),
        "strategy": answer.strategy.as_str(),
        "model_version": answer.model_version,
        "recommendations": recommendations,
        "personalization_score": answer.personalization_score,
        "explanation": answer.explanation,
        "why_not": why_not.collect::<Vec<_>>(),
        "warnings": warnings.collect::<Vec<_>>(),
    })
}

fn rule_json(rule: &RuleNote) -> Value {
    json!({"id": rule.id.as_str(), "name": rule.name, "effect": rule.effect})
}

pub(crate) fn text(result: &Value) -> String {
    let mut rows = vec![["#", "product", "title", "reason"].map(str::to_owned).to_vec()];
    for one in result["recommendations"].as_array().into_iter().flatten() {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        rows.push(vec![
            one["rank"].to_string(),
            word(&one["product_id"]),
            word(&one["product"]["title"]).chars().take(60).collect(),
            word(&one["reason"]["text"]),
        ]);
    }
    let mut text = if rows.len() == 1 {
        "nothing to recommend; `souk doctor` says why\n".to_owned()
    } else {
        columns(&rows)
    };
    // An explanation begins with the strategy.
    match result["explanation"].as_str() {
        Some(explanation) => text.push_str(explanation),
        None => {
            text.push_str(&format!("strategy {}", result["strategy"].as_str().unwrap_or_default()));
        }
    }
    for why in result["why_not"].as_array().into_iter().flatten() {
        let word = |name: &str| why[name].as_str().unwrap_or_default();
        text.push_str(&format!("\n{}: {}", word("product_id"), word("detail")));
    }
    for warning in result["warnings"].as_array().into_iter().flatten() {
        text.push_str(&format!("\nwarning: {}", warning["detail"].as_str().unwrap_or_default()));
    }
    text
}
