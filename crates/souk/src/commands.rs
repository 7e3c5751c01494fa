//! One file for each command.

pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod comparison;
pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod evaluate;
pub(crate) mod export;
pub(crate) mod feeds;
pub(crate) mod forecast;
pub(crate) mod healthcheck;
pub(crate) mod import;
pub(crate) mod keys;
pub(crate) mod models;
pub(crate) mod orders;
pub(crate) mod overrides;
pub(crate) mod people;
pub(crate) mod pii;
pub(crate) mod planning;
pub(crate) mod privacy;
pub(crate) mod recommend;
pub(crate) mod report;
pub(crate) mod rules;
pub(crate) mod search;
pub(crate) mod serve;
pub(crate) mod simulation;
pub(crate) mod stock_report;
pub(crate) mod webhooks;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::CommandFactory;
use serde_json::Value;
use souk_app::App;
use souk_embedded::Embedded;

use crate::backends::Opened;
use crate::cli::{Cli, Command};
use crate::job::{Job, Shop};
use crate::settings::Settings;
use crate::term::{self, Bar};
use crate::{backends, control};

/// Runs a command.
pub(crate) async fn run(command: Command, settings: Settings) -> Result<()> {
    match command {
        Command::Serve(args) => serve::run(args, settings).await,
        Command::Demo(args) => demo::run(args, settings).await,
        Command::Import(args) => {
            let paths = args.paths.iter().map(|path| absolute(path)).collect::<Result<_>>()?;
            let (kind, site, currency) = (args.kind, args.site, args.currency);
            let (channel, basis) = (args.channel, args.consent_basis);
            let (from, is_dry_run) = (args.from, args.dry_run);
            let job = Job::Import { paths, kind, site, currency, channel, basis, from, is_dry_run };
            finish(&settings, &job, import::text).await
        }
        Command::Search(args) => {
            let job = Job::Search(Box::new(search::Looked::from(args)));
            finish(&settings, &job, search::text).await
        }
        Command::Recommend(args) => {
            let job = Job::Recommend(Box::new(recommend::Ask::from(args)));
            finish(&settings, &job, recommend::text).await
        }
        Command::Keys(what) => keys::run(what, &settings).await,
        Command::Feeds(what) => feeds::run(what, &settings).await,
        Command::Rules(what) => rules::run(what, &settings).await,
        Command::Privacy(what) => privacy::run(what, &settings).await,
        Command::Backup { to, keys } => {
            let is_keys = if keys { backup::IsKeys::Yes } else { backup::IsKeys::No };
            let job = Job::Backup { to: absolute(&to)?, is_keys };
            finish(&settings, &job, backup::text).await
        }
        Command::Audit(what) => audit::run(what, &settings).await,
        Command::Models(what) => models::run(what, &settings).await,
        Command::Replenish(args) => planning::replenish(args, &settings).await,
        Command::Overrides(what) => overrides::run(what, &settings).await,
        Command::Orders(what) => orders::run(what, &settings).await,
        Command::Simulate(what) => simulation::simulate(what, &settings).await,
        Command::Profile(args) => people::profile(args, &settings).await,
        Command::Segments(what) => people::run(what, &settings).await,
        Command::Report(what) => report::run(what, &settings).await,
        Command::Restore { from, keys, master_key } => {
            let with_keys = backup::WithKeys { keys, master_key };
            backup::restore(&settings, &from, &with_keys).await
        }
        Command::Export(args) => {
            let kind = export::kind_name(args.kind).to_owned();
            let job = Job::Export { kind, purpose: args.purpose, out: absolute(&args.out)? };
            finish(&settings, &job, export::text).await
        }
        Command::Doctor { deep } => {
            let depth = if deep { doctor::Depth::Rebuild } else { doctor::Depth::Look };
            finish(&settings, &Job::Doctor { depth }, doctor::text).await
        }
        Command::Config(what) => config::run(&what, &settings),
        Command::Healthcheck { address } => healthcheck::run(address, &settings),
        Command::Completions { .. }
        | Command::Evaluate(_)
        | Command::Tune(_)
        | Command::Forecast(_) => {
            unreachable!("these need no settings and were run before")
        }
    }
}

/// Does a job, here or in the server that owns the data folder, and prints what came of it.
pub(crate) async fn finish(
    settings: &Settings,
    job: &Job,
    text: impl FnOnce(&Value) -> String,
) -> Result<()> {
    let result = perform(settings, job).await?;
    term::print_result(settings.output, &result, text)?;
    Ok(())
}

/// Does a job, here or in the server that owns the data folder.
pub(crate) async fn perform(settings: &Settings, job: &Job) -> Result<Value> {
    let bar = Bar::new();
    // A dry run where there is no shop yet makes none.
    let nowhere = match job.is_dry_run() && !backends::has_shop(settings) {
        true => Some(tempfile::tempdir().context("a temporary folder for the dry run")?),
        false => None,
    };
    let opened = match &nowhere {
        Some(folder) => backends::open_for_now(folder.path())?,
        None => backends::open(settings)?,
    };
    match opened {
        Opened::InUse(_) => {
            let (folder, job) = (settings.folder.clone(), job.clone());
            tokio::task::spawn_blocking(move || control::ask(&folder, &job, &bar)).await?
        }
        Opened::Owned(embedded) => {
            let shop = open(embedded, settings.clone()).await?;
            let is_search = matches!(job, Job::Search(_));
            let ready = async {
                until_ready(&shop.app).await?;
                if is_search { crate::meaning::equip(&shop).await } else { Ok(()) }
            };
            let result = match ready.await {
                Ok(()) => job.run(&shop, &bar).await,
                Err(error) => Err(error),
            };
            shop.app.close().await?;
            result
        }
    }
}

/// Opens the application on its storage.
pub(crate) async fn open(embedded: Arc<Embedded>, settings: Settings) -> Result<Shop> {
    let parts = backends::parts(&embedded);
    let fetcher = souk_server::feed_fetcher(&settings.config.feeds)?;
    let app = App::open(parts, settings.config.clone(), settings.clock()).await?;
    app.equip_feeds(fetcher, embedded.folder.root().join("feeds"));
    Ok(Shop { app, embedded, settings })
}

/// Waits until the views have caught up with the log.
pub(crate) async fn until_ready(app: &App) -> Result<()> {
    loop {
        match app.readiness() {
            souk_app::Readiness::Ready => return Ok(()),
            souk_app::Readiness::Failed(why) => anyhow::bail!("the log cannot be read on: {why}"),
            souk_app::Readiness::Starting { .. } => {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        }
    }
}

/// Prints a completion script.
pub(crate) fn completions(shell: clap_complete::Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "souk", &mut script);
    term::print_line(&String::from_utf8(script)?)?;
    Ok(())
}

/// The path from the root, because the server may stand in another folder.
fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| path.display().to_string())
}
