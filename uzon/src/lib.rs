#![doc = include_str!("../README.md")]

mod cli;
mod client;
mod commands;
pub mod dev;
mod failure;
mod logging;
mod output;
mod pages;
pub mod services;
pub mod settings;

pub use cli::{Cli, Command};
pub use failure::Failure;

/// Does what the command line asks for.
pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Dev(options) => dev::run(options).await,
        Command::Order { client, command } => commands::order::run(&client.open()?, command).await,
        Command::Products { client, command } => commands::products::run(&client.open()?, command).await,
        Command::Config(command) => commands::config::run(command),
        Command::Completions { shell } => {
            commands::completions::run(shell);
            Ok(())
        }
    }
}
