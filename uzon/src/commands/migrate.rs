//! `uzon migrate`

use clap::Args;
use host::{MissingPolicy, SettingsArgs, migrate};
use serde_json::json;

use crate::{
    Failure, configuration, output,
    services::{self, ALL, Component},
};

/// `uzon migrate`
#[derive(Debug, Clone, Args)]
pub struct Migrate {
    /// Services whose databases to migrate [default: all]
    #[arg(value_name = "SERVICE")]
    services: Vec<Component>,
    /// JSON for programs instead of text
    #[arg(long)]
    json: bool,
    /// Also create missing databases; their users need the permission
    #[arg(long)]
    create: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

pub(crate) async fn run(Migrate { services, json, create, settings }: Migrate) -> Result<(), Failure> {
    let config = configuration::load(&settings)?;
    let missing = if create { MissingPolicy::Create } else { MissingPolicy::Refuse };
    let named = if services.is_empty() { vec![ALL] } else { services };
    for service in services::schemas(&Component::chosen(&named), &config)? {
        migrate(&config, &service, missing).await?;
        let database = config.database_for(service.name()).url.to_string();
        if json {
            output::json(&json!({ "service": service.name(), "database": database }));
        } else {
            output::line(format_args!("{}: {database} is up to date", service.name()));
        }
    }
    Ok(())
}
