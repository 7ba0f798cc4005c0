//! The command line's grammar. The help texts are the doc comments.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use host::{Failure, SettingsArgs};

use crate::{
    client::Client,
    commands::{
        config::ConfigCommand, migrate::Migrate, order::OrderCommand, products::ProductsCommand, serve::Serve,
        topics::TopicsCommand,
    },
};

/// Order processing as a choreographed saga. Without a command: `uzon dev`.
///
/// Exit status: 0 done, 1 refused or failed, 2 wrong usage, 64 wrong configuration, 69 a server or
/// resource is unavailable.
#[derive(Debug, Parser)]
#[command(name = "uzon", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything in one process: all services, the event log, and a sandbox of the outside
    /// world
    Dev(Dev),
    /// Serve services on the bus and the databases of the configuration, until a signal
    Serve(Serve),
    /// Bring the schemas of databases up to date
    Migrate(Migrate),
    /// Compare the topics of Kafka with their definitions, and apply these
    #[command(subcommand)]
    Topics(TopicsCommand),
    /// Place, show, follow and cancel orders
    Order {
        #[command(flatten)]
        client: ClientArgs,
        #[command(subcommand)]
        command: OrderCommand,
    },
    /// List and change products and their stock
    Products {
        #[command(flatten)]
        client: ClientArgs,
        #[command(subcommand)]
        command: ProductsCommand,
    },
    /// Check and show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print a completion script for a shell
    ///
    /// For bash: `source <(uzon completions bash)`
    Completions { shell: Shell },
}

impl Default for Command {
    fn default() -> Self {
        Self::Dev(Dev::default())
    }
}

/// `uzon dev`
#[derive(Debug, Default, Clone, Args)]
pub struct Dev {
    /// IP address and port of the HTTP server; port 0 takes any free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Folder for all data [default: .uzon]
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Start with an empty data folder: deletes the data of an earlier run
    #[arg(long)]
    pub fresh: bool,
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// Options of all commands that call a running system.
#[derive(Debug, Clone, Args)]
pub struct ClientArgs {
    /// Address of the system
    #[arg(long, env = "UZON_URL", default_value = "http://127.0.0.1:8080", global = true)]
    url: String,
    /// JSON for programs instead of text
    #[arg(long, global = true)]
    json: bool,
}

impl ClientArgs {
    pub(crate) fn open(&self) -> Result<Client, Failure> {
        Client::new(&self.url, self.json)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_grammar_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_command_it_is_dev() {
        let cli = Cli::try_parse_from(["uzon"]).unwrap();
        assert!(matches!(cli.command.unwrap_or_default(), Command::Dev(Dev { listen: None, fresh: false, .. })));
    }

    #[test]
    fn the_systems_address_may_stand_anywhere() {
        for line in ["uzon products --url http://h:1 list", "uzon products list --url http://h:1 --json"] {
            let words: Vec<&str> = line.split(' ').collect();
            let cli = Cli::try_parse_from(words).unwrap();
            assert!(matches!(cli.command, Some(Command::Products { client, .. }) if client.url == "http://h:1"));
        }
    }
}
