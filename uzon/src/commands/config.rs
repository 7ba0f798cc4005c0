//! `uzon config`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use host::SettingsArgs;
use settings::Config;

use crate::{Failure, cli::Dev, configuration, output};

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check the configuration and report all problems
    Check(Sources),
    /// Print the effective settings and their sources, without secrets
    Print(Sources),
    /// Print every setting with type, default and meaning, as Markdown
    Reference,
}

#[derive(Debug, Args)]
pub struct Sources {
    /// Folder for all data [default: .uzon]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingsArgs,
}

pub(crate) fn run(command: ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check(sources) => {
            load(sources)?;
            output::line("The configuration is valid.");
        }
        ConfigCommand::Print(sources) => output::line(load(sources)?.print().trim_end()),
        ConfigCommand::Reference => output::line(configuration::reference().trim_end()),
    }
    Ok(())
}

fn load(sources: Sources) -> Result<Config, Failure> {
    let Sources { data, settings } = sources;
    Ok(configuration::load_for(&Dev { data, settings, ..Dev::default() })?)
}
