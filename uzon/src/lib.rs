#![doc = include_str!("../README.md")]

mod cli;
mod client;
mod commands;
pub mod configuration;
pub mod dev;
mod output;
mod pages;
pub mod sandbox;
pub mod services;

pub use cli::{Cli, Command};
pub use host::Failure;

/// The AsyncAPI document of all events.
pub(crate) const ASYNCAPI: &str = include_str!("../../docs/asyncapi.json");

/// Runs the command.
pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Dev(options) => dev::run(options).await,
        Command::Serve(options) => commands::serve::run(options).await,
        Command::Migrate(options) => commands::migrate::run(options).await,
        Command::Topics(command) => commands::topics::run(command).await,
        Command::Order { client, command } => commands::order::run(&client.open()?, command).await,
        Command::Products { client, command } => commands::products::run(&client.open()?, command).await,
        Command::Config(command) => commands::config::run(command),
        Command::Completions { shell } => {
            commands::completions::run(shell);
            Ok(())
        }
    }
}
