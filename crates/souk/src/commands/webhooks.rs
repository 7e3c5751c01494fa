//! `souk privacy webhooks`.

use anyhow::Result;
use serde_json::{Value, json};
use souk_app::{Caller, WebhookDelivery};

use crate::job::Shop;
use crate::term::columns;

/// Messages of one list; /metrics counts all.
const LISTED_MAX: usize = 10_000;

/// Lists what waits and what was given up, after sending again what was asked for.
pub(crate) async fn run(shop: &Shop, resend: Option<&str>) -> Result<Value> {
    let caller = Caller::local_admin();
    let resent = match resend {
        Some(id) => {
            let one = (id != "all").then_some(id);
            Some(shop.app.resend_webhooks(&caller, one).await?)
        }
        None => None,
    };
    let (mut messages, mut after) = (Vec::new(), None);
    loop {
        let page = shop.app.webhook_deliveries(&caller, after.as_deref()).await?;
        messages.extend(page.items.into_iter().map(shown));
        after = page.next;
        if after.is_none() || messages.len() >= LISTED_MAX {
            break;
        }
    }
    Ok(json!({"resent": resent, "messages": messages, "is_cut": after.is_some()}))
}

fn shown(message: WebhookDelivery) -> Value {
    json!({
        "id": message.id,
        "what": message.what,
        "at": message.at.to_string(),
        "attempts": message.attempts,
        "state": message.state.as_str(),
        "next_at": message.next_at.map(|at| at.to_string()),
        "error": message.error,
    })
}

pub(crate) fn text(result: &Value) -> String {
    let word = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let names = ["id", "what", "at", "state", "attempts", "next_at", "error"];
    let heading = ["id", "what", "at", "state", "attempts", "tried next", "last failure"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for message in result["messages"].as_array().into_iter().flatten() {
        rows.push(names.iter().map(|name| word(&message[*name])).collect());
    }
    let said = match (result["resent"].as_u64(), rows.len()) {
        (Some(n), _) => format!("{n} messages are sent again"),
        (None, 1) => "no message waits, and none was given up".to_owned(),
        (None, _) => "send again what is dead with --resend ID or --resend all".to_owned(),
    };
    let said = match result["is_cut"].as_bool() {
        Some(true) => format!("there are more; {said}"),
        _ => said,
    };
    match rows.len() {
        1 => said,
        _ => format!("{}\n{said}", columns(&rows)),
    }
}
