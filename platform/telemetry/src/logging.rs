//! Logs: JSON lines for programs, readable lines on a terminal.

use std::io::stdout;

use tracing_subscriber::{EnvFilter, fmt};

/// Shows only warnings of libraries. `telemetry.log_filter` can name a library to show more.
const LIBRARIES: &str =
    "sea_orm=warn,sea_orm_migration=warn,sqlx=warn,hyper=warn,hyper_util=warn,tower_http=warn,reqwest=warn";

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object per line.
    Json,
    /// Readable lines, with or without colour.
    Text { colour: bool },
}

/// Installs the process's subscriber. `filter` has the syntax of [`EnvFilter`]. Does nothing when a subscriber is
/// installed.
pub fn install(filter: &str, format: Format) {
    let builder = fmt().with_env_filter(EnvFilter::new(format!("{LIBRARIES},{filter}"))).with_writer(stdout);
    // An error means that the embedding program has already installed a subscriber, which is kept.
    let _ = match format {
        Format::Text { colour } => builder.with_ansi(colour).try_init(),
        Format::Json => builder.json().flatten_event(true).try_init(),
    };
}
