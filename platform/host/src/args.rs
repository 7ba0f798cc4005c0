//! Command-line arguments that several commands share.

use std::path::PathBuf;

use clap::Args;

use settings::Loader;

/// The sources of settings on the command line.
#[derive(Debug, Default, Clone, Args)]
pub struct SettingsArgs {
    /// A TOML file with settings that differ from the defaults
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// One setting, such as `http.request_timeout=10s`; wins over file and environment
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

impl SettingsArgs {
    /// Adds these sources to a loader.
    pub fn add_to(&self, loader: Loader) -> Loader {
        let loader = loader.set(&self.set);
        match &self.config {
            Some(file) => loader.file(file),
            None => loader,
        }
    }
}

/// The arguments of commands that serve.
#[derive(Debug, Default, Clone, Args)]
pub struct ServeArgs {
    /// Create databases, tables and topics that are missing; without it a start without them is refused
    #[arg(long)]
    pub create: bool,
    #[command(flatten)]
    pub settings: SettingsArgs,
}
