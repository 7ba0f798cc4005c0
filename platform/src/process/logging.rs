//! Logs: JSON lines for programs, readable ones on a terminal.

use std::io::{IsTerminal, stdout};

use tracing_subscriber::{EnvFilter, fmt};

use crate::config::{LogFormat, Telemetry, environment};

/// What others say about their daily work. Who wants to read it names them in `telemetry.log_filter`.
const QUIET: &str =
    "sea_orm=warn,sea_orm_migration=warn,sqlx=warn,hyper=warn,hyper_util=warn,tower_http=warn,reqwest=warn";

/// Whether a person reads our output.
pub fn for_people(telemetry: &Telemetry) -> bool {
    match telemetry.log_format {
        LogFormat::Auto => stdout().is_terminal(),
        LogFormat::Json => false,
        LogFormat::Pretty => true,
    }
}

/// Installs the process' subscriber. A second call changes nothing.
pub fn install(telemetry: &Telemetry) {
    let filter = EnvFilter::new(format!("{QUIET},{}", telemetry.log_filter));
    let colour = stdout().is_terminal() && !environment().any(|(name, value)| name == "NO_COLOR" && !value.is_empty());
    let builder = fmt().with_env_filter(filter).with_writer(stdout);
    // Who embeds us may have installed one of their own: theirs counts.
    let _ = if for_people(telemetry) {
        builder.with_ansi(colour).try_init()
    } else {
        builder.json().flatten_event(true).try_init()
    };
}
