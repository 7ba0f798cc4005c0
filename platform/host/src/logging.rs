//! Selects the log format from the settings and the terminal.

use std::io::{IsTerminal, stdout};

use settings::{LogFormat, Telemetry, environment};
use telemetry::logging::{self, Format};

/// `NO_COLOR` (<https://no-color.org>) turns colour off.
pub fn format(telemetry: &Telemetry) -> Format {
    let is_terminal = stdout().is_terminal();
    match telemetry.log_format {
        LogFormat::Json => Format::Json,
        LogFormat::Auto if !is_terminal => Format::Json,
        LogFormat::Auto | LogFormat::Pretty => {
            let no_colour = environment().any(|(name, value)| name == "NO_COLOR" && !value.is_empty());
            Format::Text { colour: is_terminal && !no_colour }
        }
    }
}

/// Installs the process's subscriber.
pub fn install(telemetry: &Telemetry) {
    logging::install(&telemetry.log_filter, format(telemetry));
}
