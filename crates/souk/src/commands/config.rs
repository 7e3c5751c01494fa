//! `souk config`.

use anyhow::Result;
use serde_json::json;

use crate::cli::ConfigCommand;
use crate::settings::Settings;
use crate::term::{self, print_line};

pub(crate) fn run(what: &ConfigCommand, settings: &Settings) -> Result<()> {
    match what {
        ConfigCommand::Print => {
            print_line(&settings.config.print())?;
        }
        ConfigCommand::Check => {
            let notices: Vec<_> = settings
                .config
                .check()
                .into_iter()
                .map(|notice| json!({"setting": notice.setting, "detail": notice.detail}))
                .collect();
            let file = settings.file.as_ref().map(|file| file.display().to_string());
            let result = json!({"file": file, "notices": notices});
            term::print_result(settings.output, &result, |_| {
                let from = file.as_deref().unwrap_or("no file; defaults and environment");
                let mut text = format!("settings are valid ({from})\n");
                for notice in &notices {
                    let word = |name: &str| notice[name].as_str().unwrap_or_default().to_owned();
                    text.push_str(&format!("  {}: {}\n", word("setting"), word("detail")));
                }
                text
            })?;
        }
    }
    Ok(())
}
