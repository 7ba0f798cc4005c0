//! Logs: JSON lines for programs, readable lines on a terminal.

use std::io::stdout;

use tracing_subscriber::{EnvFilter, fmt};

/// Libraries log their routine work at `warn` only. `telemetry.log_filter` can name them to show more.
const LIBRARIES: &str =
    "sea_orm=warn,sea_orm_migration=warn,sqlx=warn,hyper=warn,hyper_util=warn,tower_http=warn,reqwest=warn";

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// For a person, with or without colour.
    Text { colour: bool },
}

/// Installs the process's subscriber. `filter` has the syntax of [`EnvFilter`]. Does nothing when a subscriber is installed.
pub fn install(filter: &str, format: Format) {
    let builder = fmt().with_env_filter(EnvFilter::new(format!("{LIBRARIES},{filter}"))).with_writer(stdout);
    // An error means that the program that embeds this one has installed a subscriber: that one stays.
    let _ = match format {
        Format::Text { colour } => builder.with_ansi(colour).try_init(),
        Format::Json => builder.json().flatten_event(true).try_init(),
    };
}
