//! `souk privacy webhooks`.

use anyhow::Result;
use serde_json::{Value, json};
use souk_app::Caller;

use crate::job::Shop;
use crate::term::columns;

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
    let messages = shop.app.webhook_deliveries(&caller).await?;
    let messages = messages.into_iter().map(|message| {
        json!({
            "id": message.id,
            "what": message.what,
            "at": message.at.to_string(),
            "attempts": message.attempts,
            "state": if message.next_at.is_some() { "waiting" } else { "dead" },
            "next_at": message.next_at.map(|at| at.to_string()),
            "error": message.error,
        })
    });
    Ok(json!({"resent": resent, "messages": messages.collect::<Vec<_>>()}))
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
    match rows.len() {
        1 => said,
        _ => format!("{}\n{said}", columns(&rows)),
    }
}
