//! The settings in force: file, environment and command line.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::Result;
use souk_app::config::LogFormat;
use souk_app::{Clock, Config};
use souk_server::{Limits, ServerConfig, TlsFiles};
use tracing_subscriber::EnvFilter;

use crate::cli::{Common, Output};

/// The file that is read from the working folder when none is named.
const DEFAULT_FILE: &str = "souk.yaml";

/// The settings with what the command line says over them.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) config: Config,
    /// The data folder.
    pub(crate) folder: PathBuf,
    /// The data folder if the command line named it.
    pub(crate) named_folder: Option<PathBuf>,
    pub(crate) output: Output,
    /// Which file was read, if any.
    pub(crate) file: Option<PathBuf>,
}

impl Settings {
    pub(crate) fn load(common: &Common) -> Result<Settings> {
        let found = Path::new(DEFAULT_FILE).is_file().then(|| PathBuf::from(DEFAULT_FILE));
        let file = common.config.clone().or(found);
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let config = match &file {
            Some(file) => Config::load(file, environment)?,
            None => Config::parse("", environment)?,
        };
        let folder = common.data.clone().unwrap_or_else(|| PathBuf::from(&config.data.dir));
        let named_folder = common.data.clone();
        Ok(Settings { config, folder, named_folder, output: common.output, file })
    }

    /// What time the shop has.
    pub(crate) fn clock(&self) -> Clock {
        self.config.clock.standing_at.map_or_else(Clock::system, Clock::standing_at)
    }

    /// Sends log lines to stderr: all of them while serving, only trouble otherwise.
    pub(crate) fn start_logging(&self, is_serving: bool) {
        let server = &self.config.server;
        let level = if is_serving { server.log_level.as_str() } else { "warn" };
        log_to_stderr(level, server.log_format);
    }

    /// The HTTP server's part.
    pub(crate) fn server(&self) -> ServerConfig {
        let server = &self.config.server;
        let ms = std::time::Duration::from_millis;
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let tls = server.tls_cert.as_ref().zip(server.tls_key.as_ref());
        ServerConfig {
            listen: server.listen,
            tls: tls.map(|(certificate, key)| TlsFiles {
                certificate: certificate.into(),
                key: key.into(),
            }),
            limits: Limits {
                connections_max: count(server.connections_max),
                connections_per_address_max: server.connections_per_address_max.map(count),
                header_timeout: ms(server.header_timeout_ms),
                body_timeout: ms(server.body_timeout_ms),
                request_timeout: ms(server.request_timeout_ms),
                drain_timeout: ms(server.shutdown_timeout_ms),
                body_bytes_max: count(server.body_bytes_max),
                bodies_bytes_max: count(server.bodies_bytes_max),
                ..Limits::default()
            },
        }
    }
}

/// Sends log lines to stderr; a second call changes nothing.
pub(crate) fn log_to_stderr(level: &str, format: LogFormat) {
    let is_terminal = std::io::stderr().is_terminal();
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = match format {
        LogFormat::Json => lines.json().try_init(),
        LogFormat::Auto if !is_terminal => lines.json().try_init(),
        LogFormat::Auto | LogFormat::Text => lines.with_ansi(is_terminal).try_init(),
    };
}
