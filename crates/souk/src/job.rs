//! What a command asks of the application, in a form that can cross the socket.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use souk_app::{
    App, AuditAct, AuditObject, AuditOperation, Caller, FeedMode, ImportKind, ImportOptions,
    NewKey, Outcome, Places, Progress, Role, System,
};
use souk_core::{Channel, Currency, LegalBasis, LocationId, SiteId, Timestamp};
use souk_embedded::Embedded;

use crate::commands;
use crate::failure::Failure;
use crate::settings::Settings;

/// An open application with its storage and settings.
#[derive(Debug)]
pub(crate) struct Shop {
    pub(crate) app: Arc<App>,
    pub(crate) embedded: Arc<Embedded>,
    pub(crate) settings: Settings,
}

/// One piece of work.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
pub(crate) enum Job {
    Import {
        paths: Vec<PathBuf>,
        kind: Option<String>,
        site: Option<String>,
        currency: Option<String>,
        channel: Option<String>,
        basis: Option<String>,
        #[serde(default)]
        from: Option<String>,
        #[serde(default)]
        is_dry_run: bool,
    },
    FeedsList,
    FeedsRun {
        name: String,
        mode: FeedMode,
    },
    Recommend(Box<commands::recommend::Ask>),
    Search(Box<commands::search::Looked>),
    KeysCreate {
        role: String,
        label: String,
        origins: Vec<String>,
        expires: Option<String>,
        sites: Vec<String>,
        locations: Vec<String>,
    },
    KeysList,
    KeysRotate {
        key_id: String,
        overlap_s: u64,
    },
    KeysRevoke {
        key_id: String,
    },
    ShopperSecret,
    RotateMaster,
    PrivacyErase {
        id: String,
    },
    PrivacyExport {
        id: String,
        out: PathBuf,
    },
    PrivacyRequests {
        request_id: Option<String>,
    },
    PrivacyRetention {
        mode: commands::privacy::Retention,
    },
    ModelsList,
    ModelsLearn {
        search: bool,
    },
    ModelsServe {
        number: u64,
    },
    ReportRecommendations {
        from: Option<String>,
        to: Option<String>,
        rows: commands::report::Rows,
    },
    ReportHoldout,
    ReportSearches(commands::report::Searches),
    ReportStock(commands::stock_report::Asked),
    CompareSearches(Box<commands::comparison::Compared>),
    Webhooks {
        resend: Option<String>,
    },
    ReceiptKey,
    Export {
        kind: String,
        purpose: String,
        out: PathBuf,
    },
    Backup {
        to: PathBuf,
        is_keys: commands::backup::IsKeys,
    },
    Doctor {
        depth: commands::doctor::Depth,
    },
    AuditList(Box<commands::audit::Listing>),
    AuditPerson {
        sub: String,
    },
    RulesList,
    RulesPut {
        file: PathBuf,
    },
    RulesPreview(Box<commands::rules::Trial>),
    RulesDelete {
        id: String,
    },
    Profile {
        id: String,
        site: Option<String>,
    },
    Segments(commands::people::SegmentsJob),
    Replenish {
        location: Option<String>,
        site: Option<String>,
        act: commands::planning::Act,
    },
    Overrides(Box<commands::overrides::OverridesJob>),
    Orders(Box<commands::orders::OrdersJob>),
    SimulateStock(Box<commands::simulation::Replayed>),
}

impl Job {
    /// Does the work; the answer is what `--output json` prints. What must be written down is written
    /// down before it begins and before it is answered.
    pub(crate) async fn run(&self, shop: &Shop, progress: &dyn Progress) -> Result<Value> {
        let Some(act) = self.act() else { return self.work(shop, progress).await };
        let admin = Caller::local_admin();
        shop.app.audit(&admin, act.clone().ending(Outcome::Begun)).await?;
        let done = self.work(shop, progress).await;
        match done {
            Ok(result) => {
                let act = match n_rows(&result) {
                    Some(rows) => act.with("rows", rows),
                    None => act,
                };
                shop.app.audit(&admin, act).await?;
                Ok(result)
            }
            Err(error) => {
                // Why the work failed is worth more to the person than that it was not written down.
                let _ = shop.app.audit(&admin, act.ending(Outcome::Failed)).await;
                Err(error)
            }
        }
    }

    /// Whether it looks at files and leaves the shop as it is.
    pub(crate) fn is_dry_run(&self) -> bool {
        matches!(self, Job::Import { is_dry_run: true, .. })
    }

    /// What the audit log says of the job; `None` where the use case itself writes it down. Every job
    /// must have its line here.
    fn act(&self) -> Option<AuditAct> {
        let data = |kind: &str| AuditObject::data(kind);
        match self {
            Job::Import { paths, kind, .. } => {
                let object = data(kind.as_deref().unwrap_or("any"));
                let act = AuditAct::new(AuditOperation::DataImport).on(object);
                Some(act.with("files", paths.len()))
            }
            Job::Export { kind, .. } => {
                Some(AuditAct::new(AuditOperation::DataExport).on(data(kind)))
            }
            Job::Backup { is_keys: commands::backup::IsKeys::Yes, .. } => {
                Some(AuditAct::new(AuditOperation::DataBackupKeys))
            }
            Job::Backup { is_keys: commands::backup::IsKeys::No, .. } => {
                Some(AuditAct::new(AuditOperation::DataBackup))
            }
            Job::Doctor { depth } => {
                let depth = match depth {
                    commands::doctor::Depth::Look => "look",
                    commands::doctor::Depth::Rebuild => "rebuild",
                };
                Some(AuditAct::new(AuditOperation::DataExamine).with("depth", depth))
            }
            Job::FeedsList
            | Job::FeedsRun { .. }
            | Job::Recommend(_)
            | Job::Search(_)
            | Job::KeysCreate { .. }
            | Job::KeysList
            | Job::KeysRotate { .. }
            | Job::KeysRevoke { .. }
            | Job::ShopperSecret
            | Job::PrivacyErase { .. }
            | Job::PrivacyExport { .. }
            | Job::PrivacyRequests { .. }
            | Job::PrivacyRetention { .. }
            | Job::ModelsList
            | Job::ModelsLearn { .. }
            | Job::ModelsServe { .. }
            | Job::ReportRecommendations { .. }
            | Job::ReportHoldout
            | Job::ReportSearches(_)
            | Job::ReportStock(_)
            | Job::CompareSearches(_)
            | Job::Webhooks { .. }
            | Job::ReceiptKey
            | Job::AuditList(_)
            | Job::AuditPerson { .. }
            | Job::RulesList
            | Job::RulesPut { .. }
            | Job::RulesPreview(_)
            | Job::RulesDelete { .. }
            | Job::Profile { .. }
            | Job::Segments(_)
            | Job::Replenish { .. }
            | Job::Overrides(_)
            | Job::Orders(_)
            | Job::SimulateStock(_) => None,
            Job::RotateMaster => Some(AuditAct::new(AuditOperation::KeyRotate).on(data("master"))),
        }
    }

    async fn work(&self, shop: &Shop, progress: &dyn Progress) -> Result<Value> {
        let admin = Caller::local_admin();
        match self {
            Job::Import { paths, kind, site, currency, channel, basis, from, is_dry_run } => {
                let options = Options { kind, site, currency, channel, basis, from };
                let options = (&options.read(shop)?, *is_dry_run);
                commands::import::run(shop, paths, options, progress).await
            }
            Job::FeedsList => commands::feeds::list(shop).await,
            Job::FeedsRun { name, mode } => {
                commands::feeds::work(shop, (name, *mode), progress).await
            }
            Job::Search(looked) => commands::search::answer(shop, looked).await,
            Job::Recommend(ask) => commands::recommend::answer(shop, ask).await,
            Job::KeysCreate { role, label, origins, expires, sites, locations } => {
                let mut new = new_key(role, label, (origins, expires.as_deref()))?;
                new.places = places(sites, locations)?;
                Ok(json!({"key": shop.app.create_key(new, &admin).await?}))
            }
            Job::KeysList => commands::keys::list(shop).await,
            Job::KeysRotate { key_id, overlap_s } => {
                let rotated = shop.app.rotate_key((key_id, *overlap_s), &admin).await?;
                Ok(json!({
                    "key": rotated.key,
                    "key_id": rotated.info.key_id,
                    "old_ends_at": rotated.old_ends_at.to_string(),
                }))
            }
            Job::KeysRevoke { key_id } => {
                shop.app.revoke_key(key_id, &admin).await?;
                Ok(json!({"revoked": key_id}))
            }
            Job::ShopperSecret => Ok(json!({"secret": shop.app.shopper_secret(&admin).await?})),
            Job::PrivacyErase { id } => commands::privacy::erase(shop, id).await,
            Job::PrivacyExport { id, out } => commands::privacy::export(shop, id, out).await,
            Job::PrivacyRequests { request_id } => {
                commands::privacy::requests(shop, request_id.as_deref()).await
            }
            Job::PrivacyRetention { mode } => commands::privacy::retention(shop, *mode).await,
            Job::ModelsList => commands::models::list(shop).await,
            Job::ModelsLearn { search } => commands::models::learn(shop, *search).await,
            Job::ModelsServe { number } => commands::models::serve(shop, *number).await,
            Job::ReportRecommendations { from, to, rows } => {
                let days = (from.as_deref(), to.as_deref());
                commands::report::recommendations(shop, days, *rows).await
            }
            Job::ReportHoldout => commands::report::holdout(shop).await,
            Job::ReportSearches(asked) => commands::report::searches(shop, asked).await,
            Job::ReportStock(asked) => commands::stock_report::answer(shop, asked).await,
            Job::CompareSearches(asked) => commands::comparison::compare(shop, asked).await,
            Job::Webhooks { resend } => commands::webhooks::run(shop, resend.as_deref()).await,
            Job::ReceiptKey => Ok(json!({"public_key": shop.app.receipt_key().await?})),
            Job::RotateMaster => commands::keys::rotate_master(shop).await,
            Job::Backup { to, is_keys } => commands::backup::run(shop, to, *is_keys).await,
            Job::Export { kind, purpose, out } => {
                commands::export::run(shop, (kind, purpose), (out, progress)).await
            }
            Job::Doctor { depth } => commands::doctor::run(shop, *depth).await,
            Job::AuditList(listing) => commands::audit::list(shop, listing).await,
            Job::AuditPerson { sub } => commands::audit::person(shop, sub),
            Job::RulesList => commands::rules::list(shop),
            Job::RulesPut { file } => commands::rules::put(shop, file).await,
            Job::RulesPreview(trial) => commands::rules::preview(shop, trial).await,
            Job::RulesDelete { id } => commands::rules::delete(shop, id).await,
            Job::Profile { id, site } => commands::people::read(shop, id, site.as_deref()).await,
            Job::Segments(what) => commands::people::segments(shop, what).await,
            Job::Replenish { location, site, act } => {
                let place = (site.as_deref(), location.as_deref());
                commands::planning::answer(shop, place, *act).await
            }
            Job::Overrides(what) => commands::overrides::answer(shop, what).await,
            Job::Orders(what) => commands::orders::answer(shop, what).await,
            Job::SimulateStock(what) => commands::simulation::simulated(shop, what).await,
        }
    }
}

/// Rows that an export wrote or an import brought in.
fn n_rows(result: &Value) -> Option<u64> {
    let of_import = || {
        let files = result["files"].as_array()?;
        Some(files.iter().filter_map(|file| file["accepted"].as_u64()).sum())
    };
    result["rows"].as_u64().or_else(of_import)
}

/// What `souk import` was told beside the paths.
struct Options<'a> {
    kind: &'a Option<String>,
    site: &'a Option<String>,
    currency: &'a Option<String>,
    channel: &'a Option<String>,
    basis: &'a Option<String>,
    from: &'a Option<String>,
}

impl Options<'_> {
    fn read(&self, shop: &Shop) -> Result<ImportOptions> {
        let config = &shop.settings.config;
        let usage = |error: &dyn std::fmt::Display| anyhow!(Failure::usage(error.to_string()));
        let site = match self.site {
            Some(site) => SiteId::new(site.as_str()).map_err(|error| usage(&error))?,
            None => config.main_site(),
        };
        let settings = config.site(&site);
        let settings =
            settings.ok_or_else(|| usage(&format!("site `{site}` is not in the settings")))?;
        let mut options = ImportOptions { site, currency: settings.currency, ..Default::default() };
        options.kind = self.kind.as_deref().map(ImportKind::parse).transpose()?;
        options.from = self.from.as_deref().map(System::parse).transpose()?;
        if options.from.is_some() {
            // These systems sell on the web, where a file does not say otherwise.
            options.channel = Channel::Web;
        }
        if let Some(code) = self.currency {
            options.currency = Currency::parse(code).map_err(|error| usage(&error))?;
        }
        if let Some(name) = self.channel {
            let channel = Channel::parse(name).ok_or_else(|| {
                usage(&format!(
                    "there is no channel `{name}`; give web, mobile, store, email or call_center"
                ))
            })?;
            (options.channel, options.event_channel) = (channel, channel);
        }
        if let Some(name) = self.basis {
            let known = LegalBasis::ALL.map(LegalBasis::as_str).join(", ");
            let basis = LegalBasis::parse(name).ok_or_else(|| {
                usage(&format!("there is no legal basis `{name}`; give one of {known}"))
            })?;
            options.basis = Some(basis);
        }
        Ok(options)
    }
}

fn places(sites: &[String], locations: &[String]) -> Result<Places> {
    let usage = |error: souk_core::IdError| anyhow!(Failure::usage(error.to_string()));
    let sites = sites.iter().map(|id| SiteId::new(id.as_str())).collect::<Result<_, _>>();
    let locations =
        locations.iter().map(|id| LocationId::new(id.as_str())).collect::<Result<_, _>>();
    Ok(Places { sites: sites.map_err(usage)?, locations: locations.map_err(usage)? })
}

fn new_key(
    role: &str,
    label: &str,
    (origins, expires): (&[String], Option<&str>),
) -> Result<NewKey> {
    let role = Role::parse(role).ok_or_else(|| {
        let known: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
        anyhow!(Failure::usage(format!(
            "there is no role `{role}`; give one of {}",
            known.join(", ")
        )))
    })?;
    let expires_at = expires.map(Timestamp::parse).transpose();
    Ok(NewKey {
        places: Places::default(),
        role,
        label: label.to_owned(),
        origins: origins.to_vec(),
        expires_at: expires_at.map_err(|error| anyhow!(Failure::usage(error.to_string())))?,
    })
}
