//! `souk keys`.

use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use souk_app::Caller;

use crate::cli::{Keys, Output};
use crate::failure::Failure;
use crate::job::{Job, Shop};
use crate::settings::Settings;
use crate::term::{self, columns};

pub(crate) async fn run(what: Keys, settings: &Settings) -> Result<()> {
    match what {
        Keys::Create { role, label, origins, expires, sites, locations } => {
            let job = Job::KeysCreate { role, label, origins, expires, sites, locations };
            super::finish(settings, &job, |result| word(result, "key")).await
        }
        Keys::List => super::finish(settings, &Job::KeysList, text).await,
        Keys::Rotate { key_id, overlap } => {
            let job = Job::KeysRotate { key_id, overlap_s: seconds(&overlap)? };
            super::finish(settings, &job, |result| word(result, "key")).await
        }
        Keys::Revoke { key_id } => {
            let job = Job::KeysRevoke { key_id };
            let result = super::perform(settings, &job).await?;
            if settings.output == Output::Text {
                term::say(&format!("key {} is revoked", word(&result, "revoked")));
                return Ok(());
            }
            term::print_result(settings.output, &result, |_| String::new())?;
            Ok(())
        }
        Keys::RotateMaster => {
            super::finish(settings, &Job::RotateMaster, |result| {
                format!(
                    "the master key is {} now; copy it to a safe place, and make a new copy of the \
                     key store with `souk backup --keys`",
                    word(result, "master_key")
                )
            })
            .await
        }
        Keys::ShopperSecret => {
            super::finish(settings, &Job::ShopperSecret, |result| word(result, "secret")).await
        }
    }
}

/// Reads `7d`, `12h`, `30m` or `0s`.
fn seconds(text: &str) -> Result<u64> {
    let units = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];
    let read = units.into_iter().find_map(|(unit, seconds)| {
        text.strip_suffix(unit)?.parse::<u64>().ok()?.checked_mul(seconds)
    });
    read.ok_or_else(|| {
        anyhow!(Failure::usage(format!("--overlap is `{text}`; write for example 7d, 12h or 0s")))
    })
}

fn word(result: &Value, name: &str) -> String {
    result[name].as_str().unwrap_or_default().to_owned()
}

/// Puts a new master key in place.
pub(crate) async fn rotate_master(shop: &Shop) -> Result<Value> {
    let id = shop.embedded.keys.rotate_master().await;
    let id = id.map_err(|error| Failure::because(error.kind(), &error))?;
    Ok(json!({"master_key": id.to_string()}))
}

pub(crate) async fn list(shop: &Shop) -> Result<Value> {
    let keys = shop.app.list_keys(&Caller::local_admin()).await?;
    let keys: Vec<Value> = keys
        .into_iter()
        .map(|key| {
            json!({
                "key_id": key.key_id,
                "role": key.role.as_str(),
                "label": key.label,
                "origins": key.origins,
                "created_at": key.created_at.to_string(),
                "expires_at": key.expires_at.map(|at| at.to_string()),
                "replaced_by": key.replaced_by,
                "sites": key.places.sites.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "locations": key.places.locations.iter().map(ToString::to_string).collect::<Vec<_>>(),
            })
        })
        .collect();
    Ok(json!({"keys": keys}))
}

fn text(result: &Value) -> String {
    let heading = ["key", "role", "label", "created", "expires", "origins"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for key in result["keys"].as_array().into_iter().flatten() {
        let origins: Vec<&str> =
            key["origins"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut row: Vec<String> = ["key_id", "role", "label", "created_at", "expires_at"]
            .map(|name| word(key, name))
            .to_vec();
        row.push(origins.join(" "));
        rows.push(row);
    }
    columns(&rows)
}
