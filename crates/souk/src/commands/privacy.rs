//! `souk privacy`.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use souk_app::{
    Caller, CopyForm, IdentityCheck, PrivacyRequest, RECEIPT_SEED, Receipt, RetentionMode, Who,
    check_receipt, receipt_public_key,
};
use souk_embedded::{FolderError, OpenError};

use crate::backends;
use crate::cli::Privacy;
use crate::failure::Failure;
use crate::job::{Job, Shop};
use crate::settings::Settings;
use crate::term::{self, columns};

/// Requests that a list shows.
const LISTED: u32 = 200;

pub(crate) async fn run(what: Privacy, settings: &Settings) -> Result<()> {
    match what {
        Privacy::Detect(_) => unreachable!("it needs no settings and was run before"),
        Privacy::Erase { id } => super::finish(settings, &Job::PrivacyErase { id }, |result| {
            format!(
                "erased {} subjects; `souk privacy requests {}` shows the receipt within a minute",
                result["subjects"],
                word(result, "request_id")
            )
        })
        .await,
        Privacy::Export { id, out } => {
            let job = Job::PrivacyExport { id, out: super::absolute(&out)? };
            super::finish(settings, &job, |result| {
                format!("{}: a copy of {} subjects", word(result, "file"), result["subjects"])
            })
            .await
        }
        Privacy::Requests { request_id } => {
            super::finish(settings, &Job::PrivacyRequests { request_id }, text).await
        }
        Privacy::Retention { dry_run, confirm } => {
            let mode = match (dry_run, confirm) {
                (true, _) => Retention::DryRun,
                (_, true) => Retention::Confirmed,
                _ => Retention::Enforce,
            };
            super::finish(settings, &Job::PrivacyRetention { mode }, retention_text).await
        }
        Privacy::Webhooks { resend } => {
            super::finish(settings, &Job::Webhooks { resend }, super::webhooks::text).await
        }
        Privacy::VerifyReceipt { file, public_key } => {
            let public_key = match public_key {
                Some(key) => key,
                None => receipt_key(settings).await?,
            };
            verify_receipt(settings, &file, &public_key)
        }
    }
}

/// How far a run of retention may go.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Retention {
    /// Only counts.
    DryRun,
    /// Stops where too much would go.
    Enforce,
    /// Removes however much it is.
    Confirmed,
}

pub(crate) async fn retention(shop: &Shop, mode: Retention) -> Result<Value> {
    let mode = match mode {
        Retention::DryRun => RetentionMode::DryRun,
        Retention::Enforce => RetentionMode::Enforce,
        Retention::Confirmed => RetentionMode::Confirmed,
    };
    let caller = Caller::local_admin();
    let run = shop.app.run_retention(&caller, mode).await?;
    let state = shop.app.retention_state(&caller).await?;
    let mut result = run.to_json();
    for (kind, days) in state.terms {
        let kinds = result["kinds"].as_array_mut().into_iter().flatten();
        let of_kind = kinds.filter(|count| count["kind"] == kind.as_str());
        of_kind.for_each(|count| count["days"] = days.into());
    }
    let other = |term: &souk_app::OtherTerm| json!({"what": term.what, "days": term.days, "ends": term.ends});
    result["others"] = state.others.iter().map(other).collect();
    result["next_run_at"] = state.next_at.map(|at| at.to_string()).into();
    Ok(result)
}

fn retention_text(result: &Value) -> String {
    let mut rows = vec![["kind", "days kept", "held", "past its term"].map(str::to_owned).to_vec()];
    for count in result["kinds"].as_array().into_iter().flatten() {
        let days = count["days"].as_u64().map_or("for good".to_owned(), |days| days.to_string());
        let number = |name: &str| count[name].as_u64().unwrap_or_default().to_string();
        rows.push(vec![word(count, "kind"), days, number("held"), number("due")]);
    }
    let mut others =
        vec![["beside the log", "days kept", "what ends it"].map(str::to_owned).to_vec()];
    for term in result["others"].as_array().into_iter().flatten() {
        let days = term["days"].as_u64().map_or(String::new(), |days| days.to_string());
        others.push(vec![word(term, "what"), days, word(term, "ends")]);
    }
    let said = match result["outcome"].as_str() {
        Some("dry_run") => "nothing was removed: this was a dry run",
        Some("stopped") => {
            "STOPPED: more than privacy.retention.share_max is past its term, and nothing was removed; \
             run it again with --confirm if that is meant"
        }
        _ => "what was past its term is gone",
    };
    format!("{}\n\n{}\n{said}", columns(&rows), columns(&others))
}

fn word(result: &Value, name: &str) -> String {
    result[name].as_str().unwrap_or_default().to_owned()
}

fn json_of(request: &PrivacyRequest) -> Value {
    json!({
        "request_id": request.request_id,
        "kind": request.kind.as_str(),
        "state": request.state.as_str(),
        "received_at": request.received_at.to_string(),
        "due_gdpr": request.due_gdpr.to_string(),
        "due_ccpa": request.due_ccpa.to_string(),
        "subjects": request.n_subjects,
        "views_at": request.views_at.map(|at| at.to_string()),
        "complete_at": request.complete_at.map(|at| at.to_string()),
        "receipt": request.receipt.as_ref().map(Receipt::to_json),
    })
}

pub(crate) async fn erase(shop: &Shop, id: &str) -> Result<Value> {
    let (caller, who) = (Caller::local_admin(), Who::parse(id)?);
    let request = shop.app.request_erasure(&caller, &who, IdentityCheck::Verified).await?;
    Ok(json_of(&request))
}

pub(crate) async fn export(shop: &Shop, id: &str, out: &Path) -> Result<Value> {
    let (caller, who) = (Caller::local_admin(), Who::parse(id)?);
    let is_page = out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("html"));
    let form = if is_page { CopyForm::Html } else { CopyForm::JsonLines };
    let copy = shop.app.request_copy(&caller, &who, (IdentityCheck::Verified, form)).await?;
    write_for_owner(out, copy.text.as_deref().unwrap_or_default())
        .with_context(|| format!("cannot write {}", out.display()))?;
    let mut result = json_of(&copy.request);
    result["file"] = out.display().to_string().into();
    Ok(result)
}

/// Writes a new file that only its owner may read: it holds everything about a person.
fn write_for_owner(out: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.create_new(true).write(true).mode(0o600).open(out)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

pub(crate) async fn requests(shop: &Shop, request_id: Option<&str>) -> Result<Value> {
    let caller = Caller::local_admin();
    if let Some(request_id) = request_id {
        return Ok(json_of(&shop.app.privacy_request(&caller, request_id).await?));
    }
    let requests = shop.app.privacy_requests(&caller, (None, LISTED)).await?;
    Ok(json!({"requests": requests.iter().map(json_of).collect::<Vec<_>>()}))
}

fn text(result: &Value) -> String {
    let Some(requests) = result["requests"].as_array() else {
        return format!("{result:#}");
    };
    let heading = ["request", "kind", "state", "received", "due (GDPR)", "due (CCPA)"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for request in requests {
        let names = ["request_id", "kind", "state", "received_at", "due_gdpr", "due_ccpa"];
        rows.push(names.map(|name| word(request, name)).to_vec());
    }
    columns(&rows)
}

/// The public key of this data folder, of which nothing else is opened.
async fn receipt_key(settings: &Settings) -> Result<String> {
    let master_key = backends::master_key(&settings.config.data.master_key, &settings.folder)?;
    match souk_embedded::secret_of(&settings.folder, &*master_key, RECEIPT_SEED) {
        Ok(Some(seed)) => Ok(receipt_public_key(&seed)),
        Ok(None) => Err(anyhow!(Failure::usage(format!(
            "{} has signed no receipt; name the folder of the installation with --data, or its key with \
             --public-key",
            settings.folder.display()
        )))),
        // A server that has the folder open says it.
        Err(OpenError::Folder(FolderError::Locked { .. })) => {
            Ok(word(&super::perform(settings, &Job::ReceiptKey).await?, "public_key"))
        }
        Err(error) => Err(Failure::because(error.kind(), &error).into()),
    }
}

fn verify_receipt(settings: &Settings, file: &Path, public_key: &str) -> Result<()> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let usage = |text: &str| anyhow!(Failure::usage(format!("{}: {text}", file.display())));
    let value: Value = serde_json::from_slice(&bytes).map_err(|_| usage("is no JSON"))?;
    let receipt = Receipt::from_json(&value).or_else(|| Receipt::from_json(&value["receipt"]));
    let receipt = receipt.ok_or_else(|| usage("holds no receipt"))?;
    let statement = check_receipt(&receipt, public_key)?;
    let result = json!({"verified": true, "statement": statement});
    term::print_result(settings.output, &result, |result| {
        format!("the signature is right; it says:\n{:#}", result["statement"])
    })?;
    Ok(())
}
