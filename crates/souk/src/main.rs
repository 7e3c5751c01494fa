//! The one binary: its command line, and the place where storage and application meet.

mod backends;
mod chart;
mod cli;
mod commands;
mod control;
mod failure;
mod folder;
mod job;
mod meaning;
mod settings;
mod term;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use failure::Failure;
use settings::Settings;

// Allocation is a tenth of a request; this allocator halves it and returns memory after an import.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let failure = Failure::of(&error);
            term::say(&format!("souk: {}", failure.message));
            ExitCode::from(failure.exit_code)
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    let common = &cli.common;
    match cli.command {
        Command::Completions { shell } => commands::completions(shell),
        Command::Evaluate(what) => {
            settings::log_to_stderr("warn", souk_app::config::LogFormat::Text);
            commands::evaluate::run(what, common)
        }
        Command::Tune(what) => {
            settings::log_to_stderr("warn", souk_app::config::LogFormat::Text);
            commands::evaluate::tune::run(what, common)
        }
        Command::Forecast(args) => {
            settings::log_to_stderr("warn", souk_app::config::LogFormat::Text);
            commands::forecast::run(&args, common.output)
        }
        Command::Privacy(cli::Privacy::Detect(args)) => commands::pii::detect(&args),
        command => {
            let settings = Settings::load(common)?;
            settings.start_logging(matches!(command, Command::Serve(_)));
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let done = runtime.block_on(commands::run(command, settings));
            // Whatever still runs in the background has nothing left to save.
            runtime.shutdown_timeout(std::time::Duration::from_secs(1));
            done
        }
    }
}
